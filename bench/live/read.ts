/**
 * `node bench/live/read.ts CLIENT BROKERS TOPIC EVENTS`: a client alone, which reads the topic from its start to a counter. CLIENT: `kafkajs` or `platformatic`, as the
 * job uses them; `kafkajs-own`, `platformatic-own`: the package's own consumer. Prints what it took as JSON: ms from asking for the topic, group and all, to the last record.
 */
import { Consumer as PlatformaticConsumer } from '@platformatic/kafka';
import { Kafka as KafkaJs, logLevel } from 'kafkajs';
import { openKafka } from '../../src/connect/kafka/index.ts';
import { makeLog } from '../../src/job/log.ts';

export interface ReadResult { readonly ms: number; readonly cpu: number }

const [client, brokers, topic, count] = process.argv.slice(2) as [string, string, string, string];
const events = Number(count);
const group = `bench-read-${process.pid}-${Date.now()}`;

let seen = 0;
let done!: () => void;
const all = new Promise<void>((resolve) => { done = resolve; });
const add = (records: number): void => {
  seen += records;
  if (seen >= events) done();
};

async function read(): Promise<ReadResult> {
  const result = await (client === 'kafkajs-own' ? readByKafkaJs() : client === 'platformatic-own' ? readByPlatformatic() : readByPort(client as 'kafkajs' | 'platformatic'));
  if (seen !== events) throw new Error(`${seen} records were read, and there are ${events}`);
  return result;
}

async function readByPort(adapter: 'kafkajs' | 'platformatic'): Promise<ReadResult> {
  const kafka = await openKafka(adapter, { brokers: [brokers], clientId: 'bench', log: makeLog({ level: 'warn', format: 'pretty' }) });
  const took = stopwatch();
  const consumer = await kafka.consume({
    group, topics: [topic], from: 'earliest', isolation: 'read_committed',
    onAssigned: async (partitions) => partitions.map((partition) => ({ ...partition, offset: 0 })),
    onRevoked: async () => {},
    onBatch: async (batch) => { add(batch.count); },
    onError: (error) => { throw error; },
  });
  await all;
  const result = took();
  await consumer.close();
  await kafka.close();
  return result;
}

async function readByKafkaJs(): Promise<ReadResult> {
  const consumer = new KafkaJs({ brokers: [brokers], clientId: 'bench', logLevel: logLevel.ERROR }).consumer({ groupId: group, maxWaitTimeInMs: 500 });
  await consumer.connect();
  const took = stopwatch();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => { add(batch.messages.length); } });
  await all;
  const result = took();
  await consumer.disconnect();
  return result;
}

/** With small fetches: by its own default it takes several times as long. */
async function readByPlatformatic(): Promise<ReadResult> {
  const consumer = new PlatformaticConsumer({ groupId: group, clientId: 'bench', bootstrapBrokers: [brokers], maxBytes: 262_144, maxBytesPerPartition: 262_144 });
  const took = stopwatch();
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false });
  stream.on('data', () => { add(1); });
  await all;
  const result = took();
  await stream.close();
  await consumer.close();
  return result;
}

function stopwatch(): () => ReadResult {
  const began = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { ms: performance.now() - began, cpu: (user + system) / 1000 };
  };
}

process.stdout.write(JSON.stringify(await read()));
