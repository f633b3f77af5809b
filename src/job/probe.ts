/** Trying a job's connections, for `check --connect`: each part by itself, so that one that fails hides no other. Nothing is changed anywhere. */
import { Buffer } from 'node:buffer';
import type { Program } from '../../dsl/typed.ts';
import { openKafka, partitionOf, type Kafka } from '../connect/kafka/index.ts';
import type { Log } from '../connect/types.ts';
import { openStore } from '../state/stores/index.ts';
import { fieldMapOf, kafkaConnectionOf, sinksOf, storeSpec, topicOf, typesOf, type JobConfig, type SourceConfig } from './config/index.ts';
import { kafkaInputs, sinkOf, sourceOf } from './parts.ts';
import { tableSourceOf, tablesOfJob } from './tables.ts';
import { decodeRows } from '../connect/tables/index.ts';

export interface Probed { readonly part: string; readonly ok: boolean; readonly found: readonly string[] }

/** Records of each partition that are looked at. */
const SAMPLE = 200;

export async function probeJob(job: JobConfig, program: Program, log: Log): Promise<Probed[]> {
  const probed: Probed[] = [];
  const attempt = async (part: string, work: () => Promise<readonly string[]>): Promise<void> => {
    try {
      probed.push({ part, ok: true, found: await work() });
    } catch (error) {
      probed.push({ part, ok: false, found: [(error as Error).message] });
    }
  };
  let kafka: Kafka | undefined;
  if (job.kafka !== undefined && job.kafka.adapter !== 'memory') {
    const { adapter } = job.kafka;
    const connection = kafkaConnectionOf(job.kafka, log);
    await attempt('kafka', async () => {
      kafka = await openKafka(adapter, connection);
      return [`${job.kafka!.brokers.join(', ')}: ${(await kafka.topics()).size} topics`];
    });
  }
  if (kafka !== undefined) {
    const cluster = kafka;
    if ([...job.sources.values()].some(({ kind }) => kind === 'kafka')) {
      await attempt('topics', async () => {
        const { topics, partitions } = await kafkaInputs(job, program, cluster);
        return [`${topics.length === 1 ? 'one topic' : `${topics.length} topics`}, ${partitions === 1 ? 'one partition' : `up to ${partitions} partitions`}`];
      });
      for (const [name, source] of job.sources) {
        if (source.kind === 'kafka' && source.options.partitionedBy !== undefined) await attempt(`sources.${name}`, () => checkPartitions(cluster, source, program));
      }
    }
  }
  for (const [name, source] of job.sources) if (source.kind !== 'kafka') await attempt(`sources.${name}`, () => sourceOf(job, name, source).probe());
  for (const { shape, table } of tablesOfJob(job, program)) {
    if (table.kind === 'kafka' && job.kafka?.adapter === 'memory') continue;
    await attempt(`tables.${shape.name}`, async () => {
      const made = tableSourceOf(job, shape.name, table, undefined, log);
      try {
        const snapshot = await made.load();
        const { rows, rejected } = decodeRows(shape, snapshot.rows);
        const all = [...snapshot.rejected, ...rejected];
        if (snapshot.stale !== undefined) throw new Error(snapshot.stale);
        if (rows.length === 0 && all.length > 0) throw new Error(`${made.from}: none of the ${all.length} rows can be read. ${all[0]!.where}: ${all[0]!.problem}`);
        return [`${made.from}: ${rows.length} rows`, ...all.slice(0, 5).map(({ where, problem }) => `${where} is left out: ${problem}`), ...(all.length > 5 ? [`and ${all.length - 5} more rows`] : [])];
      } finally {
        await made.stop();
      }
    });
  }
  for (const { path, sink } of sinksOf(job)) {
    if (sink.kind !== 'kafka') {
      await attempt(path, () => sinkOf(job, path.replace(/^channels\./, ''), sink, undefined).probe());
      continue;
    }
    if (kafka === undefined) continue;
    const cluster = kafka;
    await attempt(path, async () => {
      const topic = topicOf(sink.options.topic, path.replace(/^channels\./, ''));
      const partitions = (await cluster.topics()).get(topic);
      if (partitions !== undefined) return [`topic ${topic}: ${partitions} partition${partitions === 1 ? '' : 's'}`];
      if (sink.options.create === undefined && !topic.includes('{channel}')) throw new Error(`there is no topic "${topic}", and the job is not told to make it (create: { partitions: N })`);
      return [`topic ${topic} will be made at the start`];
    });
  }
  await attempt('state', async () => {
    const warnings: string[] = [];
    const store = await openStore(storeSpec(job), (message) => { warnings.push(message); });
    try {
      const tasks = await store.tasks();
      return [`${store.kind}: ${tasks.length === 0 ? 'nothing of this job yet' : `state of ${tasks.length} task${tasks.length === 1 ? '' : 's'}`}`, ...warnings];
    } finally {
      await store.close();
    }
  });
  await kafka?.close();
  return probed;
}

/** Whether the newest records lie where their key's hash says, and their key is the field that they are said to be partitioned by. */
async function checkPartitions(kafka: Kafka, source: SourceConfig & { readonly kind: 'kafka' }, program: Program): Promise<string[]> {
  const field = source.options.partitionedBy!;
  const names = new Set([...fieldMapOf(source, program).values()].map((fields) => fields.get(field)).filter((name) => name !== undefined));
  if (names.size === 0) names.add(field);
  const topics = [...await kafka.topics()].filter(([topic]) => source.options.topics?.includes(topic) ?? source.options.pattern!.test(topic));
  let looked = 0;
  for (const [topic, partitions] of topics) {
    if (partitions === 1) continue;
    const starts = await kafka.startOffsets(topic);
    for (const [partition, end] of (await kafka.endOffsets(topic, source.options.isolation)).entries()) {
      const from = Math.max(starts[partition]!, end - SAMPLE);
      if (from >= end) continue;
      await kafka.read(topic, partition, from, end, source.options.isolation, (batch) => {
        for (let i = 0; i < batch.count; i++) {
          const value = valueAt(batch.values[i], names);
          if (value === undefined) continue;
          looked++;
          const expected = partitionOf(Buffer.from(value), partitions);
          if (expected !== partition) {
            throw new Error(`topic ${topic} is not partitioned by ${field}: the record at offset ${batch.offsets[i]} of partition ${partition} has ${field} "${value}", which belongs in ${expected} (murmur2, as Java's default partitioner). Rules would not see all events of a key`);
          }
        }
      });
    }
  }
  const { types } = typesOf(source);
  return [looked === 0 ? `no records to check partitionedBy on${types.length > 0 ? ` (${types.join(', ')})` : ''}` : `partitioned by ${field}: true of the newest ${looked} records`];
}

function valueAt(bytes: Uint8Array | null | undefined, names: ReadonlySet<string>): string | undefined {
  if (bytes === null || bytes === undefined) return undefined;
  try {
    const event = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
    for (const name of names) {
      const value = event[name];
      if (typeof value === 'string' || typeof value === 'number') return String(value);
    }
  } catch { /* what is no JSON is the job's to reject */ }
  return undefined;
}
