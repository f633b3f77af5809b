import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { openStore, type StateStore } from '../../../src/state/stores/index.ts';
import { startRedis, type RedisServer } from '../../support/brokers/index.ts';
import { alertsOf, expectedIds, faultsOf, payments, produce, RULES, settled, type JobFolder, type JobRun } from '../../support/job.ts';
import { eventually, liveKafka, said } from '../../support/live.ts';

const live = liveKafka();
let redis: RedisServer;
let direct: Redis;

beforeAll(async () => {
  redis = await startRedis();
  direct = new Redis(redis.url);
}, 300_000);

afterAll(async () => {
  direct?.disconnect();
  await redis?.stop();
}, 300_000);

interface Setup { readonly folder: JobFolder; readonly name: string; readonly input: string; readonly output: string }

async function setup(kind: 'directory' | 'redis', what: string): Promise<Setup> {
  const name = `${what}-${kind}-${Date.now().toString(36)}`;
  const [input, output] = [`${name}-payments`, `${name}-alerts`];
  await live.own.ensureTopics([{ topic: input, partitions: 2 }, { topic: output, partitions: 2 }]);
  const folder = live.folder();
  folder.file('job.yaml', `
name: ${name}
rules: ${RULES}
kafka: { brokers: "${live.brokers[0]!}", sessionTimeout: 2s }
redis: { url: "${redis.url}" }
sources:
  payments: { type: Payment, kafka: { topics: ${input}, partitionedBy: card } }
channels: { fraud: { kafka: ${output} } }
state: { ${kind === 'redis' ? `redis: { prefix: ${name} }` : 'directory: state'}, checkpoint: 150ms }
http: false
`);
  return { folder, name, input, output };
}

async function storeOf(kind: 'directory' | 'redis', { folder, name }: Setup): Promise<StateStore> {
  const store = await openStore(kind === 'redis' ? { kind, url: redis.url, prefix: name } : { kind, path: join(folder.folder, 'state') });
  return store;
}

/** Overwrites the middle of a chunk, behind the store's back. */
async function damage(kind: 'directory' | 'redis', { folder, name }: Setup, chunk: string): Promise<void> {
  const spoil = (bytes: Buffer): Buffer => { bytes.fill(0x5a, bytes.length >> 1, (bytes.length >> 1) + 8); return bytes; };
  if (kind === 'directory') {
    const state = join(folder.folder, 'state');
    const paths = (readdirSync(state, { recursive: true }) as string[]).filter((path) => path.includes(chunk));
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) writeFileSync(join(state, path), spoil(readFileSync(join(state, path))));
    return;
  }
  const keys = await direct.keys(`*${name}*${chunk}*`);
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) await direct.set(key, spoil(await direct.getBuffer(key) as Buffer), 'KEEPTTL');
}

/** Runs the job over these events until some are committed in several checkpoints, then kills it. */
async function killedAfter({ folder, input, output }: Setup, events: readonly { card: string; text: string }[]): Promise<void> {
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  const parts = 3;
  for (let i = 0; i < parts; i++) {
    const before = (await alertsOf(live.own, output)).length;
    await produce(live.own, input, events.slice(i * events.length / parts, (i + 1) * events.length / parts));
    await eventually('more alerts', async () => (await alertsOf(live.own, output)).length > before, run);
  }
  await run.end('SIGKILL');
}

async function finish({ folder, output }: Setup, expected: ReadonlySet<string>): Promise<JobRun> {
  const run = folder.start('job.yaml');
  const seen = await settled(live.own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
  return run;
}

test.each(['directory' as const, 'redis' as const])('the newest checkpoint is damaged: the one before it is gone back to, which is said, and every alert is there once (%s)', async (kind) => {
  const job = await setup(kind, 'newest');
  const events = payments(4000, 40, 61);
  const expected = await expectedIds(job.folder, events);
  await killedAfter(job, events.slice(0, 3000));
  const store = await storeOf(kind, job);
  const wanted = new Map((await live.own.committed(job.name, [job.input])).map(({ partition, metadata }) => [String(partition), Number(metadata.split(':').at(-1))]));
  let damaged = 0;
  for (const task of await store.tasks()) {
    const { manifests } = await store.manifests(task);
    const committed = manifests.find(({ checkpoint }) => checkpoint === wanted.get(task))!;
    const older = manifests.filter(({ checkpoint }) => checkpoint < committed.checkpoint);
    expect(older.length).toBeGreaterThan(0);
    const only = committed.chunks.filter((chunk) => !older.some(({ chunks }) => chunks.includes(chunk)));
    expect(only.length).toBeGreaterThan(0);
    await damage(kind, job, only[0]!);
    damaged++;
  }
  expect(damaged).toBe(2);
  await store.close();
  await produce(live.own, job.input, events.slice(3000));
  const run = await finish(job, expected);
  expect(said(run, 'this checkpoint cannot be read; the one before it is tried').length).toBeGreaterThanOrEqual(2);
  const back = said(run, 'the state of the last commit is gone: the input is read again from an older checkpoint; alerts that are out already are not sent again');
  expect(back).toHaveLength(2);
  for (const { wanted: last, checkpoint } of back) expect(Number(checkpoint)).toBeLessThan(Number(last));
}, 300_000);

test.each(['directory' as const])('every checkpoint is damaged: the input is read again from its start, and every alert is there once (%s)', async (kind) => {
  const job = await setup(kind, 'all');
  const events = payments(3000, 40, 62);
  const expected = await expectedIds(job.folder, events);
  await killedAfter(job, events.slice(0, 2400));
  const store = await storeOf(kind, job);
  for (const task of await store.tasks()) {
    const { manifests } = await store.manifests(task);
    for (const chunk of new Set(manifests.flatMap(({ chunks }) => chunks))) await damage(kind, job, chunk);
  }
  await store.close();
  await produce(live.own, job.input, events.slice(2400));
  const run = await finish(job, expected);
  expect(said(run, 'the state of the last commit is gone, and so are all before it: the input is read again from its start; alerts that are out already are not sent again')).toHaveLength(2);
}, 300_000);

test.each(['redis' as const])('the store is set back to an older copy of it: every alert is there once (%s)', async (kind: 'directory' | 'redis') => {
  const job = await setup(kind, 'copy');
  const events = payments(4000, 40, 63);
  const expected = await expectedIds(job.folder, events);
  await killedAfter(job, events.slice(0, 1500));
  const state = join(job.folder.folder, 'state');
  const copy = join(job.folder.folder, 'copy');
  const keys = kind === 'redis' ? await direct.keys(`*${job.name}*`) : [];
  const dumps = await Promise.all(keys.map((key) => direct.dumpBuffer(key)));
  if (kind === 'directory') cpSync(state, copy, { recursive: true });
  await killedAfter(job, events.slice(1500, 3500));
  if (kind === 'directory') {
    rmSync(state, { recursive: true });
    cpSync(copy, state, { recursive: true });
  } else {
    await direct.del(...await direct.keys(`*${job.name}*`));
    for (const [i, key] of keys.entries()) await direct.restore(key, 0, dumps[i] as Buffer);
  }
  await produce(live.own, job.input, events.slice(3500));
  const run = await finish(job, expected);
  expect(said(run, 'the state of the last commit is gone: the input is read again from an older checkpoint; alerts that are out already are not sent again')).toHaveLength(2);
}, 300_000);
