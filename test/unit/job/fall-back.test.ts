import { expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBroker, openMemoryKafka, type Kafka } from '../../../src/connect/kafka/index.ts';
import { Job } from '../../../src/job/index.ts';
import { jobOf, programOf } from '../config/support.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { eventually } from '../../support/live.ts';

/** Two alerts of each match, which share their id. */
const RULES = `event Payment { card: string, amount: float, at: time } time at
rule Big { by card match a a: Payment where amount > 100 alert fraud { card } alert desk { amount: a.amount } }`;

const START = 1_767_225_600_000;
const payment = (i: number, amount = 500): string => JSON.stringify({ card: `c${i % 3}`, amount, at: START + 1000 * i });

interface Place { readonly broker: MemoryBroker; readonly kafka: Kafka; readonly folder: string; readonly job: ReturnType<typeof jobOf> }

async function place(outlets: string): Promise<Place> {
  const broker = new MemoryBroker();
  const kafka = await openMemoryKafka(broker, { log: keepingLog() });
  const folder = mkdtempSync(join(tmpdir(), 'alcedo-again-'));
  await kafka.ensureTopics(['payments', 'fraud', 'desk', 'late', 'rejects'].map((topic) => ({ topic, partitions: 1 })));
  const job = jobOf(`
kafka: { brokers: "memory:1", adapter: memory }
sources: { payments: { type: Payment, lateness: 2s, kafka: { topics: payments } } }
${outlets.replaceAll('FOLDER', folder)}
state: { directory: ${JSON.stringify(join(folder, 'state'))}, checkpoint: { interval: 50ms, retain: 3 } }
http: false`);
  return { broker, kafka, folder, job };
}

async function valuesOf(kafka: Kafka, topic: string): Promise<string[]> {
  const values: string[] = [];
  const [end] = await kafka.endOffsets(topic, 'read_committed');
  await kafka.read(topic, 0, 0, end!, 'read_committed', (batch) => { for (let i = 0; i < batch.count; i++) values.push(Buffer.from(batch.values[i]!).toString()); });
  return values;
}

/** Runs a job while `work` goes on; returns its log. */
async function running({ broker, job }: Place, work: (job: Job, log: ReturnType<typeof keepingLog>) => Promise<void>): Promise<ReturnType<typeof keepingLog>> {
  const log = keepingLog();
  const live = new Job({ config: job, program: programOf(RULES), log, memoryBroker: broker });
  const run = live.run();
  try {
    await Promise.race([work(live, log), run]);
  } finally {
    await live.stop();
    await run;
  }
  return log;
}

async function produce(kafka: Kafka, texts: readonly string[]): Promise<void> {
  const producer = await kafka.producer({});
  await producer.send(texts.map((text) => ({ topic: 'payments', key: 'k', value: Buffer.from(text) })));
  await producer.close();
}

/** In three parts, each committed: alerts, a late event and two rejects, of which one is written twice. */
async function runInParts(one: Place): Promise<void> {
  await running(one, async (job) => {
    for (const part of [0, 1, 2]) {
      const from = 100 * part;
      await produce(one.kafka, [payment(from), payment(from + 50), payment(from + 1, 7), 'no json', 'no json', payment(from + 60)]);
      const done = 6 * (part + 1);
      await eventually('the commit', async () => (await one.kafka.committed('fraud', ['payments']))[0]?.offset === done);
      await eventually('its checkpoint', () => job.status().tasks[0]?.checkpoint !== undefined);
    }
  });
}

/** Takes the newest checkpoint away, behind the job's back. */
function loseNewest({ folder }: Place): void {
  const task = join(folder, 'state', 'tasks', readdirSync(join(folder, 'state', 'tasks'))[0]!);
  const manifests = (readdirSync(task, { recursive: true }) as string[]).filter((path) => /manifest/i.test(path) && /\d/.test(path.split('/').at(-1)!)).sort();
  expect(manifests.length).toBeGreaterThan(1);
  rmSync(join(task, manifests.at(-1)!), { recursive: true });
}

const KAFKA = `channels: { fraud: { kafka: fraud }, desk: { kafka: desk } }
late: { kafka: late }
rejects: { kafka: rejects }`;

test('what an older checkpoint makes again and is out already is not sent again: alerts of both clauses, late events, rejects', async () => {
  const one = await place(KAFKA);
  await runInParts(one);
  const before = await Promise.all(['fraud', 'desk', 'late', 'rejects'].map((topic) => valuesOf(one.kafka, topic)));
  expect(before.map(({ length }) => length)).toEqual([8, 8, 3, 6]);
  loseNewest(one);
  const log = await running(one, async () => {
    await produce(one.kafka, [payment(400), payment(401), 'still no json']);
    await eventually('the commit', async () => (await one.kafka.committed('fraud', ['payments']))[0]?.offset === 21);
  });
  expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'this checkpoint cannot be read; the one before it is tried' },
    { message: 'the state of the last commit is gone: the input is read again from an older checkpoint; alerts that are out already are not sent again' },
  ].slice(log.lines.some(({ message }) => message.startsWith('this checkpoint')) ? 0 : 1));
  const after = await Promise.all(['fraud', 'desk', 'late', 'rejects'].map((topic) => valuesOf(one.kafka, topic)));
  expect(after.map(({ length }) => length)).toEqual([9, 9, 3, 7]);
  after.forEach((values, i) => { expect(values.slice(0, before[i]!.length).sort()).toEqual(before[i]!.sort()); });
  await one.kafka.close();
}, 30_000);

test.each([
  ['no outlet with transactions', 'channels: { default: { file: FOLDER/alerts.jsonl } }', /its alerts are sent again, with the same ids: no outlet of this job writes in transactions$/],
  ['some', 'channels: { fraud: { kafka: fraud }, desk: { file: FOLDER/desk.jsonl } }', /are not sent again, but for outlets without transactions, which get them again$/],
])('the log tells the truth of what is sent again: %s', async (_, outlets, message) => {
  const one = await place(outlets);
  await runInParts(one);
  loseNewest(one);
  const log = await running(one, async (_job, { lines }) => { await eventually('the restart', () => lines.some(({ message: text }) => message.test(text))); });
  expect(log.lines.find(({ message: text }) => message.test(text))).toMatchObject({ level: 'error', fields: { repeating: [expect.any(String)] } });
  await one.kafka.close();
}, 30_000);
