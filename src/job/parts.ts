/** The parts of a job as its configuration names them: sources, sinks, and what is said of each input. */
import type { Program } from '../../dsl/typed.ts';
import { featuresOf } from '../compile/index.ts';
import { ConsoleSink } from '../connect/console/index.ts';
import { FileSink } from '../connect/file-sink/index.ts';
import { HttpSource, WebhookSink } from '../connect/http/index.ts';
import { KafkaSink, type Kafka, type KafkaTopic } from '../connect/kafka/index.ts';
import { MqttSink, MqttSource } from '../connect/mqtt/index.ts';
import { RedisStreamSink } from '../connect/redis-stream/index.ts';
import { FileSource } from '../connect/tail/index.ts';
import type { Sink, Source } from '../connect/types.ts';
import {
  carriersOf, fieldMapOf, fileSinkOptions, fileSourceOptions, httpSourceOptions, isKeyedBy, mqttSinkOptions, mqttSourceOptions, originOf, redisStreamSinkOptions, rulesOf, topicOf,
  typesOf, webhookSinkOptions, type JobConfig, type SinkConfig, type SourceConfig,
} from './config/index.ts';
import type { TaskInput } from './task-host.ts';

/** Something is wrong with the job itself: starting it again would not help. */
export class JobError extends Error {
  override readonly name = 'JobError';
}

export function inputOf(name: string, index: number, source: SourceConfig, program: Program): TaskInput {
  const { typeField, type, time, map: _, lateness, idle, ahead } = source;
  return {
    source: name, index, typeField, type, time, lateness, map: fieldMapOf(source, program),
    idle: idle === 'never' ? Infinity : idle, ahead: ahead === 'never' ? Infinity : ahead,
  };
}

/** A source that is not Kafka; Kafka's inputs are one source together. */
export function sourceOf(job: JobConfig, name: string, source: Exclude<SourceConfig, { readonly kind: 'kafka' }>): Source {
  switch (source.kind) {
    case 'mqtt': return new MqttSource(mqttSourceOptions(job, name, source, 0));
    case 'http': return new HttpSource(httpSourceOptions(job, name, source, 0));
    case 'file': return new FileSource(fileSourceOptions(job, name, source, 0));
  }
}

/** A sink without transactions. `channel`: its name in the job file. */
export function sinkOf(job: JobConfig, channel: string, sink: SinkConfig, kafka: Kafka | undefined): Sink {
  switch (sink.kind) {
    case 'kafka': {
      const { topic, compression } = sink.options;
      return new KafkaSink(channel, kafka!, (record) => topicOf(topic, record.channel.trim()), compression);
    }
    case 'mqtt': return new MqttSink(mqttSinkOptions(channel, sink));
    case 'webhook': return new WebhookSink(webhookSinkOptions(job, channel, sink));
    case 'redisStream': return new RedisStreamSink(redisStreamSinkOptions(channel, sink));
    case 'file': return new FileSink(fileSinkOptions(channel, sink));
    case 'console': return new ConsoleSink({ name: channel, ...sink.options });
  }
}

export interface KafkaInputs {
  readonly topics: readonly KafkaTopic[];
  /** Topic → index of its source. */
  readonly inputs: ReadonlyMap<string, number>;
  /** The most partitions of any topic. */
  readonly partitions: number;
}

/** The topics of a job's Kafka sources as the cluster has them. @throws JobError where one is missing, or its partitions do not fit the rules */
export async function kafkaInputs(job: JobConfig, program: Program, kafka: Kafka): Promise<KafkaInputs> {
  const known = await kafka.topics();
  const topics: KafkaTopic[] = [];
  const inputs = new Map<string, number>();
  let partitions = 0;
  for (const [index, [name, source]] of [...job.sources].entries()) {
    if (source.kind !== 'kafka') continue;
    const { topics: named, pattern, types, typeHeader, start, isolation } = source.options;
    const own = named ?? [...known.keys()].filter((topic) => pattern!.test(topic));
    if (own.length === 0) throw new JobError(`Source "${name}": no topic matches ${String(pattern)} now. Make one, or correct the pattern.`);
    for (const topic of own) {
      const count = known.get(topic);
      if (count === undefined) throw new JobError(`Source "${name}": there is no topic "${topic}". Make it, or correct the name; topics there are: ${[...known.keys()].sort().slice(0, 20).join(', ') || 'none'}.`);
      const other = inputs.get(topic);
      if (other !== undefined) throw new JobError(`Topic "${topic}" is read by two sources, "${[...job.sources.keys()][other]}" and "${name}".`);
      inputs.set(topic, index);
      partitions = Math.max(partitions, count);
      const typeByTopic = types?.get(topic);
      topics.push({
        topic, isolation, start: start as KafkaTopic['start'],
        typeOf: typeHeader === undefined ? (typeByTopic === undefined ? undefined : () => typeByTopic) : (header) => header(typeHeader) ?? typeByTopic,
      });
      if (count > 1) checkKeys(job, program, name, source, topic, count);
    }
  }
  if (partitions > 1 && [...job.sources.values()].some((source) => source.kind !== 'kafka')) {
    throw new JobError('A job reads either topics of several partitions, or sources that have none (files, MQTT, HTTP): those cannot be told apart by key. Make two jobs, or bring the others into topics.');
  }
  return { topics, inputs, partitions };
}

/** Above one partition a rule sees all events of a key only where its key holds the field that the topic is partitioned by. */
function checkKeys(job: JobConfig, program: Program, name: string, source: SourceConfig & { kind: 'kafka' }, topic: string, partitions: number): void {
  const { partitionedBy } = source.options;
  if (partitionedBy === undefined) {
    throw new JobError(`Source "${name}": topic "${topic}" has ${partitions} partitions; say by which field it is partitioned (partitionedBy: FIELD), or no rule could be sure to see all events of its key.`);
  }
  const { types, open } = typesOf(source);
  const given = (type: string): boolean => open || types.some((given) => given === type || program.events.get(given)?.accepts.includes(type) === true || program.events.get(type)?.accepts.includes(given) === true);
  const gives = (type: string): boolean => given(originOf(program, type));
  for (const rule of rulesOf(job, program)) {
    for (const feature of featuresOf(program, rule)) {
      if (feature.accepts.filter(gives).every((type) => feature.key.some(({ value }) => value.kind === 'eventField' && carriersOf(program, type, partitionedBy).has(value.field)))) continue;
      throw new JobError(`Rule "${rule.name}" reads the feature "${feature.name}", which is not \`by ${partitionedBy}\`, and topic "${topic}" is partitioned by ${partitionedBy} into ${partitions}: what it counts lies in several of them.`);
    }
    const seen = [...rule.sees.keys()].filter(gives);
    if (seen.length > 0 && rule.roster !== undefined) {
      throw new JobError(`Rule "${rule.name}" has its keys from the table "${rule.roster.table}", and topic "${topic}" has ${partitions} partitions: which rows belong to which partition is not known, and a silence would be told by each. Give it a topic of one partition.`);
    }
    if (seen.length === 0 || isKeyedBy(program, rule, seen, partitionedBy)) continue;
    throw new JobError(`Rule "${rule.name}" is not \`by ${partitionedBy}\`, and topic "${topic}" is partitioned by ${partitionedBy} into ${partitions}: events of one key of the rule lie in several of them, and its answers would be wrong. `
      + `Add ${partitionedBy} to the rule's \`by\`, or write the events to a topic that is partitioned by the rule's key.`);
  }
}
