import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkJobFile } from '../../../src/cli/job-file.ts';
import type { Kafka } from '../../../src/connect/kafka/index.ts';
import { Job } from '../../../src/job/index.ts';
import { startKafka, startProxy, startRedis, type KafkaServer, type Proxy, type RedisServer } from '../../support/brokers/index.ts';
import { alertsOf, client, expectedIds, faultsOf, JobFolder, payments, produce, RULES, settled } from '../../support/job.ts';
import { alertsInFile, eventually, said } from '../../support/live.ts';
import { keepingLog } from '../../support/quiet-log.ts';

let kafka: KafkaServer;
let redis: RedisServer;
let redisProxy: Proxy;
/** Past the proxy. */
let own: Kafka;
const folders: JobFolder[] = [];

beforeAll(async () => {
  [kafka, redis] = await Promise.all([
    startKafka({ proxy: true, properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '300' } }), startRedis(),
  ]);
  redisProxy = await startProxy(redis.port);
  own = await client(`127.0.0.1:${kafka.port}`);
}, 300_000);

afterAll(async () => {
  for (const folder of folders) await folder.remove();
  await own?.close();
  await redisProxy?.stop();
  await Promise.all([kafka?.stop(), redis?.stop()]);
}, 300_000);

interface Setup { readonly folder: JobFolder; readonly name: string; readonly input: string; readonly output: string }

async function setup(what: string, options: { source?: string; idle?: string; state?: string; kafka?: string; channel?: string; checkpoint?: string; redis?: string; session?: string } = {}): Promise<Setup> {
  const name = `${what}-${Date.now().toString(36)}`;
  const [input, output] = [`${name}-payments`, `${name}-alerts`];
  await own.ensureTopics([{ topic: input, partitions: 2 }, { topic: output, partitions: 2 }]);
  const folder = new JobFolder();
  folders.push(folder);
  folder.file('job.yaml', `
name: ${name}
rules: ${RULES}
kafka: { brokers: "${kafka.brokers[0]!}", adapter: "\${ADAPTER:kafkajs}", sessionTimeout: ${options.session ?? '6s'}${options.kafka ?? ''} }
redis: { url: "${options.redis ?? `redis://127.0.0.1:${redisProxy.port}`}", commandTimeout: 1s }
sources:
  payments: { type: Payment, ${options.source ?? `${options.idle ?? ''} kafka: { topics: ${input}, partitionedBy: card }`} }
channels: { fraud: ${options.channel ?? `{ kafka: ${output} }`} }
state: { ${options.state ?? 'directory: {}'}, checkpoint: ${options.checkpoint ?? '100ms'} }
http: false
`);
  return { folder, name, input, output };
}

/** Produces in small parts over `ms`. */
async function trickle(topic: string, events: readonly { card: string; text: string }[], ms: number): Promise<void> {
  const parts = 30;
  for (let i = 0; i < parts; i++) {
    await produce(own, topic, events.slice(i * events.length / parts, (i + 1) * events.length / parts));
    await sleep(ms / parts);
  }
}

test.each(['kafkajs', 'platformatic'])('connections to Kafka are cut again and again: every alert once, in the same process (%s)', async (adapter) => {
  const { folder, input, output } = await setup(`cut-${adapter}`);
  const events = payments(6000, 40, 71);
  const expected = await expectedIds(folder, events);
  const run = folder.start('job.yaml', { ADAPTER: adapter });
  await run.says('the job runs');
  const producing = trickle(input, events, 8000);
  for (let cut = 0; cut < 12; cut++) {
    await sleep(300 + Math.random() * 500);
    kafka.proxy!.cut();
  }
  kafka.proxy!.refuse();
  await sleep(1500);
  kafka.proxy!.resume();
  await producing;
  const seen = await settled(own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('connections to Redis are cut, refused and silent: every alert once', async () => {
  const { folder, input, output } = await setup('redis', { state: 'redis: {}' });
  const events = payments(5000, 40, 72);
  const expected = await expectedIds(folder, events);
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  const producing = trickle(input, events, 9000);
  for (let cut = 0; cut < 8; cut++) {
    await sleep(200 + Math.random() * 400);
    redisProxy.cut();
  }
  redisProxy.refuse();
  await sleep(1500);
  redisProxy.resume();
  await sleep(1000);
  redisProxy.pause();
  await sleep(2500);
  redisProxy.resume();
  await producing;
  const seen = await settled(own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test.each([['with its data', 'always'], ['without its data', 'no']] as const)('Redis is started anew under the job, %s: every alert once, and the state is there for the next process', async (_, appendOnly) => {
  const server = await startRedis({ appendOnly });
  try {
    const { folder, input, output } = await setup(`anew-${appendOnly}`, { state: 'redis: {}', redis: server.url, session: '2s' });
    const events = payments(5000, 40, 76);
    const expected = await expectedIds(folder, events);
    let run = folder.start('job.yaml');
    await run.says('the job runs');
    const producing = trickle(input, events, 9000);
    for (let times = 0; times < 3; times++) {
      await sleep(1000 + Math.random() * 500);
      await server.restart();
    }
    await sleep(1500);
    expect(run.isRunning).toBe(true);
    await run.end('SIGKILL');
    run = folder.start('job.yaml');
    await producing;
    const seen = await settled(own, output, expected, run);
    expect(faultsOf(seen, expected)).toEqual([]);
    expect(run.log).toContain('"restored"');
    expect(run.log).not.toContain('the state of the last commit is gone');
    expect(await run.end('SIGTERM')).toBe(0);
  } finally {
    await server.stop();
  }
}, 120_000);

test('a clock that jumps by an hour, forward and back: event time does not, every alert once, nothing late', async () => {
  const { folder, input, output, name } = await setup('clock', { idle: 'idle: 2s,' });
  const events = payments(4000, 40, 73);
  const expected = await expectedIds(folder, events);
  const { sound } = checkJobFile({ env: {} }, join(folder.folder, 'job.yaml'));
  const { job: config, program } = sound!;
  let shift = 0;
  const start = (): Job => {
    const job = new Job({ config, program, log: keepingLog(), now: () => Date.now() + shift });
    job.run().catch(() => undefined);
    return job;
  };
  let job = start();
  await eventually('the job runs', () => job.status().state === 'running');
  const producing = trickle(input, events, 6000);
  for (const jump of [3_600_000, 0, -3_600_000, 3_600_000, -3_600_000]) {
    await sleep(700);
    shift = jump;
  }
  // Begun anew an hour before its last commit.
  await sleep(500);
  await job.stop();
  job = start();
  await producing;
  const seen = await settled(own, output, expected);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(job.status()).toMatchObject({ late: 0, restarts: 0, rejected: {} });
  await job.stop();
  expect((await own.committed(name, [input])).reduce((sum, { offset }) => sum + offset, 0)).toBeGreaterThanOrEqual(events.length);
}, 300_000);

test('the process sleeps for longer than `idle` and than a transaction may be open: event time stands, every alert once', async () => {
  const { folder, output } = await setup('asleep', {
    source: 'idle: 1s, file: { path: payments.jsonl, follow: true, poll: 20ms }',
    kafka: ', transactionTimeout: 2s', checkpoint: '{ interval: 100ms, timeout: 1500ms }',
  });
  const path = join(folder.folder, 'payments.jsonl');
  const events = payments(4000, 40, 74);
  const expected = await expectedIds(folder, events);
  writeFileSync(path, '');
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  const writing = (async () => {
    for (let i = 0; i < events.length; i += 20) {
      appendFileSync(path, events.slice(i, i + 20).map(({ text }) => `${text}\n`).join(''));
      await sleep(60);
    }
  })();
  for (let nap = 0; nap < 2; nap++) {
    await sleep(1500 + Math.random() * 500);
    run.process.kill('SIGSTOP');
    await sleep(3200);
    run.process.kill('SIGCONT');
  }
  await writing;
  const seen = await settled(own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(run.isRunning).toBe(true);
  expect(said(run, 'this stream is idle: event time no longer waits for it').length).toBeLessThanOrEqual(2);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test.each([
  ['alerts in transactions', undefined, 'directory: state'],
  ['no Kafka at all', '{ file: alerts.jsonl }', 'redis: {}'],
])('two jobs of one name without Kafka input (%s): the second takes over, the first ends with an error that says so', async (_, channel, state) => {
  const { folder, output } = await setup('twin', { source: 'file: { path: payments.jsonl, follow: true, poll: 50ms }', state, ...(channel !== undefined && { channel }) });
  const path = join(folder.folder, 'payments.jsonl');
  const events = payments(2000, 40, 75);
  const expected = await expectedIds(folder, events);
  const write = (from: number, to: number): void => { appendFileSync(path, events.slice(from, to).map(({ text }) => `${text}\n`).join('')); };
  write(0, 800);
  const first = folder.start('job.yaml');
  await first.says('the job runs');
  await sleep(500);
  const second = folder.start('job.yaml');
  await second.says('the job runs');
  write(800, 2000);
  expect(await first.exited).toBe(1);
  expect(first.log).toMatch(/Another process runs a job named "twin-\w+" and has taken its place/);
  if (channel === undefined) {
    const seen = await settled(own, output, expected, second);
    expect(faultsOf(seen, expected)).toEqual([]);
  } else {
    await eventually('every alert', () => new Set(alertsInFile(join(folder.folder, 'alerts.jsonl')).map(({ id }) => id)).size === expected.size, second);
  }
  expect((await alertsOf(own, output)).length).toBe(channel === undefined ? expected.size : 0);
  expect(second.isRunning).toBe(true);
  expect(await second.end('SIGTERM')).toBe(0);
}, 300_000);
