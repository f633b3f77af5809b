import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../../src/connect/kafka/index.ts';
import { freePort, startKafka, type KafkaServer } from '../../support/brokers/index.ts';
import { client, expectedIds, faultsOf, JobFolder, payments, produce, RULES, settled } from '../../support/job.ts';
import { EACH_RULES, eventually, Receiver, residentBytes, said, statusOf } from '../../support/live.ts';

let kafka: KafkaServer;
let own: Kafka;
let receiver: Receiver;
const folders: JobFolder[] = [];

beforeAll(async () => {
  [kafka, receiver] = await Promise.all([startKafka(), Receiver.start()]);
  own = await client(kafka.brokers[0]!);
}, 300_000);

afterAll(async () => {
  for (const folder of folders) await folder.remove();
  await own?.close();
  await Promise.all([kafka?.stop(), receiver?.stop()]);
}, 300_000);

const MIB = 1024 * 1024;
const START = 1_767_225_600_000;

/** Payments with a note of `size` characters that does not compress to nothing. */
function noted(count: number, size: number): { card: string; text: string }[] {
  return Array.from({ length: count }, (_, i) => {
    const card = `card-${i % 50}`;
    return { card, text: JSON.stringify({ tx: `n${i}`, ts: START + i * 100, card, amount: 5, note: `${i}.`.repeat(Math.ceil(size / 5)).slice(0, size) }) };
  });
}

async function webhookJob(name: string, more: string): Promise<{ folder: JobFolder; input: string; port: number }> {
  const input = `${name}-payments`;
  await own.ensureTopics([{ topic: input, partitions: 1, config: { 'max.message.bytes': '2000000' } }]);
  const folder = new JobFolder();
  folders.push(folder);
  const port = await freePort();
  folder.file('rules.cep', EACH_RULES);
  folder.file('job.yaml', `
name: ${name}
rules: rules.cep
kafka: { brokers: "${kafka.brokers[0]!}", sessionTimeout: 2s }
sources:
  payments: { type: Payment, idle: 2s, kafka: { topics: ${input} } }
channels:
  fraud: { webhook: { url: "${receiver.url}", concurrency: 16, timeout: 3m } }
state:
  directory: {}
  checkpoint: 200ms
http: { port: ${port} }
${more}
`);
  return { folder, input, port };
}

test('a webhook that answers nobody for a minute: consumption pauses, memory is bounded, event time stands, and afterwards every alert is there', async () => {
  receiver.taken.clear();
  const name = `stalled-${Date.now().toString(36)}`;
  const { folder, input, port } = await webhookJob(name, '');
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  receiver.hold();
  // 160 MB of alerts: far more than may wait.
  const events = noted(8000, 20_000);
  await produce(own, input, events.slice(0, 2000));
  await eventually('the webhook is asked', () => receiver.waiting > 0, run);
  const before = residentBytes(run.process.pid!);
  await produce(own, input, events.slice(2000));
  let most = 0;
  const stalledFor = Date.now() + 60_000;
  let last = await statusOf(port);
  while (Date.now() < stalledFor) {
    most = Math.max(most, residentBytes(run.process.pid!));
    last = await statusOf(port) ?? last;
    await sleep(250);
  }
  const [task] = last!.tasks;
  const taken = task!.streams[0]!;
  expect(taken.offset).toBeLessThan(5000);
  // Held by what was taken, not by the clock, though the stream has been without a record for longer than `idle`.
  expect(taken.idle).toBe(false);
  expect(task!.watermark).toBeLessThanOrEqual(START + taken.offset * 100);
  expect(said(run, 'this stream is idle: event time no longer waits for it')).toEqual([]);
  expect(last!.sources[0]!.streams[0]!.lag).toBeGreaterThan(1000);
  expect(most - before).toBeLessThan(300 * MIB);
  receiver.release();
  await eventually('every alert', () => receiver.taken.size === events.length, run);
  expect([...receiver.taken.values()].every((times) => times === 1)).toBe(true);
  await eventually('all committed', async () => (await own.committed(name, [input]))[0]?.offset === events.length, run);
  expect(await run.end('SIGTERM')).toBe(0);
  expect(await statusOf(port)).toBeUndefined();
}, 300_000);

test('a webhook slower than the input: commits go on all the while, and a crash repeats only what came since the last one', async () => {
  receiver.taken.clear();
  const name = `slow-${Date.now().toString(36)}`;
  const { folder, input } = await webhookJob(name, '');
  const events = noted(2000, 10);
  receiver.delay = 200;
  let run = folder.start('job.yaml');
  await run.says('the job runs');
  // 16 at a time, 200 ms each: some 80 a second. Ten times as many come, and more than that on a machine that is busy with other things, too.
  let produced = 0;
  const producing = (async () => {
    for (; produced < events.length; produced += 100) {
      await produce(own, input, events.slice(produced, produced + 100));
      await sleep(120);
    }
  })();
  const committed = async (): Promise<number> => (await own.committed(name, [input]))[0]?.offset ?? 0;
  await eventually('a commit while alerts wait', async () => await committed() > 0 && receiver.taken.size < events.length, run);
  await producing;
  await eventually('another commit while alerts wait', async () => await committed() > 100 && receiver.taken.size < events.length, run);
  await run.end('SIGKILL');
  const repeatable = receiver.taken.size - await committed();
  receiver.delay = 0;
  run = folder.start('job.yaml');
  await eventually('every alert', () => receiver.taken.size === events.length, run);
  await eventually('all committed', async () => await committed() === events.length, run);
  const repeated = [...receiver.taken.values()].filter((times) => times > 1).length;
  expect(repeated).toBeLessThanOrEqual(repeatable + 16);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('Kafka stands still for longer than `idle` and the session: event time does not run ahead, every alert comes once', async () => {
  const name = `still-${Date.now().toString(36)}`;
  const [input, output] = [`${name}-payments`, `${name}-alerts`];
  await own.ensureTopics([{ topic: input, partitions: 2 }, { topic: output, partitions: 1 }]);
  const folder = new JobFolder();
  folders.push(folder);
  folder.file('job.yaml', `
name: ${name}
rules: ${RULES}
kafka: { brokers: "${kafka.brokers[0]!}", sessionTimeout: 2s }
sources:
  payments: { type: Payment, idle: 3s, kafka: { topics: ${input}, partitionedBy: card } }
channels: { fraud: { kafka: ${output} } }
state: { directory: {}, checkpoint: 200ms }
http: false
`);
  const events = payments(4000, 40, 21);
  const expected = await expectedIds(folder, events);
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  await produce(own, input, events.slice(0, 2000));
  await sleep(800);
  await kafka.kill('SIGSTOP');
  await sleep(5000);
  await kafka.kill('SIGCONT');
  await produce(own, input, events.slice(2000));
  const seen = await settled(own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);
