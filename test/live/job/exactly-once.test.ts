import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../../src/connect/kafka/index.ts';
import { startKafka, startRedis, type KafkaServer, type RedisServer } from '../../support/brokers/index.ts';
import { alertsOf, client, expectedIds, faultsOf, JobFolder, payments, produce, RULES, settled, type JobRun } from '../../support/job.ts';

let kafka: KafkaServer;
let redis: RedisServer;
let own: Kafka;
const folders: JobFolder[] = [];

beforeAll(async () => {
  [kafka, redis] = await Promise.all([startKafka(), startRedis({ appendOnly: 'everysec' })]);
  own = await client(kafka.brokers[0]!);
}, 300_000);

afterAll(async () => {
  for (const folder of folders) await folder.remove();
  await own?.close();
  await Promise.all([kafka?.stop(), redis?.stop()]);
}, 300_000);

interface Setup { readonly folder: JobFolder; readonly name: string; readonly input: string; readonly output: string; start(adapter?: string): JobRun }

let made = 0;
/** The broker takes a killed process for a member until the session is over: the next one has no partitions, and does nothing, before that. */
async function setup(options: { partitions: number; session?: string; state?: string; more?: string; kafkaPort?: string }): Promise<Setup> {
  const name = `eo${++made}-${Date.now().toString(36)}`;
  const input = `${name}-payments`;
  const output = `${name}-alerts`;
  await own.ensureTopics([{ topic: input, partitions: options.partitions }, { topic: output, partitions: 2 }]);
  const folder = new JobFolder();
  folders.push(folder);
  folder.file('job.yaml', `
name: ${name}
rules: ${RULES}
kafka: { brokers: "${options.kafkaPort ?? kafka.brokers[0]!}", adapter: "\${ADAPTER:kafkajs}", sessionTimeout: ${options.session ?? '2s'} }
redis: { url: "${redis.url}", commandTimeout: 1500ms }
sources:
  payments: { type: Payment, kafka: { topics: ${input}, partitionedBy: card } }
channels:
  fraud: { kafka: ${output} }
state:
  ${options.state ?? 'redis: {}'}
  checkpoint: 200ms
http: false
${options.more ?? ''}
`);
  return { folder, name, input, output, start: (adapter = 'kafkajs') => folder.start('job.yaml', { ADAPTER: adapter }) };
}

/** What a process says when it has been given partitions: from then on it restores, takes in and sends. */
const AT_WORK = 'consumer group dealt out';

/** Produces while `work` goes on. */
async function whileProducing(input: string, events: readonly { readonly card: string; readonly text: string }[], over: number, work: () => Promise<void>): Promise<void> {
  const parts = 40;
  const size = Math.ceil(events.length / parts);
  const producing = (async () => {
    for (let i = 0; i < parts; i++) {
      await produce(own, input, events.slice(i * size, (i + 1) * size));
      await sleep(over / parts);
    }
  })();
  await Promise.all([producing, work()]);
}

test.each(['kafkajs', 'platformatic'])('kill -9 at random moments: every alert once, in order per key (%s)', async (adapter) => {
  const events = payments(20_000, 60, 7);
  const { folder, input, output, start } = await setup({ partitions: 3, session: '1s' });
  const expected = await expectedIds(folder, events);
  expect(expected.size).toBeGreaterThan(300);
  let kills = 0;
  let atWork = 0;
  let run = start(adapter);
  await whileProducing(input, events, 25_000, async () => {
    for (let i = 0; i < 15; i++) {
      // Some while it starts, some while it restores, some in mid-checkpoint, some between a send and its commit.
      if (i % 4 !== 3) await run.says(AT_WORK);
      await sleep(i % 4 === 3 ? 700 + Math.random() * 500 : Math.random() * 800);
      await run.end('SIGKILL');
      kills++;
      if (run.log.includes(AT_WORK)) atWork++;
      run = start(adapter);
    }
  });
  const seen = await settled(own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(kills).toBe(15);
  expect(atWork).toBeGreaterThan(10);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('SIGTERM commits what was taken in, and the next start repeats nothing', async () => {
  const events = payments(6000, 40, 8);
  const { folder, input, output, start } = await setup({ partitions: 2, state: 'sqlite: {}' });
  const expected = await expectedIds(folder, events);
  let run = start();
  await whileProducing(input, events, 8000, async () => {
    for (let i = 0; i < 3; i++) {
      await run.says('the job runs');
      await sleep(1500);
      expect(await run.end('SIGTERM')).toBe(0);
      run = start();
    }
  });
  expect(faultsOf(await settled(own, output, expected, run), expected)).toEqual([]);
}, 300_000);

test('two processes share the partitions, a third comes and goes, one is killed', async () => {
  const events = payments(12_000, 60, 9);
  const { folder, input, output, start } = await setup({ partitions: 4 });
  const expected = await expectedIds(folder, events);
  const first = start();
  const second = start('platformatic');
  await whileProducing(input, events, 20_000, async () => {
    await sleep(4000);
    const third = start();
    await third.says('the job runs');
    await sleep(4000);
    expect(await third.end('SIGTERM')).toBe(0);
    await sleep(1500);
    await second.end('SIGKILL');
  });
  expect(faultsOf(await settled(own, output, expected, first), expected)).toEqual([]);
  expect(await first.end('SIGTERM')).toBe(0);
}, 300_000);

test('Redis loses its data: the input is read again, and nothing is sent twice', async () => {
  const events = payments(6000, 40, 10);
  const { folder, input, output, name, start } = await setup({ partitions: 2 });
  const expected = await expectedIds(folder, events);
  let run = start();
  await produce(own, input, events.slice(0, 3000));
  await run.says('the job runs');
  while ((await alertsOf(own, output)).length === 0) await sleep(200);
  await sleep(1000);
  await run.end('SIGKILL');
  const { Redis } = await import('ioredis');
  const cleaner = new Redis(redis.url);
  const keys = await cleaner.keys(`*${name}*`);
  expect(keys.length).toBeGreaterThan(0);
  await cleaner.del(...keys);
  await cleaner.quit();
  run = start();
  await produce(own, input, events.slice(3000));
  const seen = await settled(own, output, expected, run);
  expect(run.log).toContain('the input is read again from its start');
  expect(faultsOf(seen, expected)).toEqual([]);
}, 300_000);

test('Redis is away for longer than the timeout: the job waits, and the process that was paused is fenced', async () => {
  const events = payments(6000, 40, 11);
  const { folder, input, output, start } = await setup({ partitions: 2 });
  const expected = await expectedIds(folder, events);
  const run = start();
  await run.says('the job runs');
  await produce(own, input, events.slice(0, 2000));
  await sleep(1000);
  redis.kill('SIGSTOP');
  await produce(own, input, events.slice(2000, 4000));
  await sleep(3000); // twice the timeout
  redis.kill('SIGCONT');
  await sleep(1000);
  // A paused job loses its partitions to another; awake again, it must not write.
  run.process.kill('SIGSTOP');
  const other = start();
  await other.says('the job runs');
  await produce(own, input, events.slice(4000));
  await other.says('"held":2');
  await sleep(1500);
  run.process.kill('SIGCONT');
  const seen = await settled(own, output, expected, other);
  expect(faultsOf(seen, expected)).toEqual([]);
}, 300_000);

test('the broker restarts in the middle', async () => {
  const events = payments(6000, 40, 12);
  const { folder, input, output, start } = await setup({ partitions: 2 });
  const expected = await expectedIds(folder, events);
  const run = start();
  await run.says('the job runs');
  await produce(own, input, events.slice(0, 3000));
  await sleep(500);
  await kafka.restart();
  await produce(own, input, events.slice(3000));
  const seen = await settled(own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(run.isRunning).toBe(true);
}, 300_000);
