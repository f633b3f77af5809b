import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/brokers/index.ts';
import { alertsOf, faultsOf, JobRun, produce, settled, type JobFolder } from '../../support/job.ts';
import { alertsInFile, eventually, jsonLines, liveKafka, said, statusOf } from '../../support/live.ts';

const live = liveKafka();

const RULES = `
event Login {
  id: string, card: string, ts: time
} time ts id id

event Payment {
  tx: string, card: string, amount: float, ts: time
} time ts id tx

rule Takeover {
  by    card
  match login -> pay within 1m
    login: Login
    pay:   Payment where amount > 100
  alert fraud { card, tx: pay.tx }
}

rule Big {
  by    card
  match big
    big: Payment where amount > 900
  alert large { card, tx: big.tx }
}
`;

const START = 1_767_225_600_000;
const login = (id: string, at: number, card = 'a'): { card: string; text: string } => ({ card, text: JSON.stringify({ id, card, ts: START + at }) });
const payment = (tx: string, at: number, amount: number, card = 'a'): { card: string; text: string } => ({ card, text: JSON.stringify({ tx, card, amount, ts: START + at }) });

interface Setup { readonly folder: JobFolder; readonly logins: string; readonly payments: string; readonly port: number; readonly fraud: string; readonly large: string }

async function setup(name: string, options: { partitions: number; logins?: string; payments?: string; more?: string }): Promise<Setup> {
  const id = `${name}-${Date.now().toString(36)}`;
  const [logins, pays, fraud, large] = ['logins', 'payments', 'fraud', 'large'].map((what) => `${id}-${what}`) as [string, string, string, string];
  await live.own.ensureTopics([logins, pays].map((topic) => ({ topic, partitions: options.partitions })));
  await live.own.ensureTopics([fraud, large].map((topic) => ({ topic, partitions: 1 })));
  const folder = live.folder();
  const port = await freePort();
  folder.file('rules.cep', RULES);
  folder.file('job.yaml', `
name: ${id}
rules: rules.cep
kafka: { brokers: "${live.brokers[0]!}", sessionTimeout: 2s }
sources:
  logins: { type: Login, ${options.logins ?? ''} kafka: { topics: ${logins}, partitionedBy: card } }
  payments: { type: Payment, ${options.payments ?? ''} kafka: { topics: ${pays}, partitionedBy: card } }
channels:
  fraud: { kafka: ${fraud} }
  large: { kafka: ${large} }
state: { directory: {}, checkpoint: 200ms }
http: { port: ${port} }
${options.more ?? ''}
`);
  return { folder, logins, payments: pays, port, fraud, large };
}

test('an idle partition: who waits for it is said in the log, then that it is idle, and it holds nothing back any more', async () => {
  const { folder, logins, payments, port, fraud } = await setup('idle', { partitions: 1, logins: 'idle: 12s,', payments: 'idle: never,' });
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  const began = Date.now();
  await produce(live.own, logins, [login('l1', 0)]);
  await produce(live.own, payments, [payment('p1', 1000, 500), payment('p2', 20_000, 1)]);
  await run.says('rules wait for this stream');
  expect(await alertsOf(live.own, fraud)).toEqual([]);
  expect(said(run, 'rules wait for this stream')[0]).toMatchObject({ stream: `${logins}/0`, rules: ['Takeover'], lastEvent: new Date(START).toISOString() });
  const [task] = (await statusOf(port))!.tasks;
  expect(task!.watermark).toBe(START);
  expect(task!.streams.find(({ stream }) => stream === `${logins}/0`)).toMatchObject({ holds: true, idle: false });
  await run.says('this stream is idle: event time no longer waits for it');
  expect(Date.now() - began).toBeGreaterThan(11_500);
  expect(said(run, 'this stream is idle: event time no longer waits for it')[0]).toMatchObject({ stream: `${logins}/0`, lastEvent: new Date(START).toISOString() });
  await eventually('the alert', async () => (await alertsOf(live.own, fraud)).length === 1, run);
  // A record ends the idleness.
  await produce(live.own, logins, [login('l2', 30_000)]);
  await run.says('this stream is no longer idle');
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('a feed that a rule does not read does not hold it up; what cannot be read is rejected once, though two groups of rules read it', async () => {
  const rejects = 'rejects: { file: rejects.jsonl }';
  const { folder, payments, port, fraud, large } = await setup('groups', { partitions: 1, logins: 'idle: never,', payments: 'idle: never,', more: rejects });
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  await produce(live.own, payments, [payment('p1', 1000, 950), { card: 'a', text: '{"tx":"broken"' }, payment('p2', 2000, 5), payment('p3', 3000, 990), payment('p4', 9000, 5)]);
  await eventually('the alerts of the rule that reads payments alone', async () => (await alertsOf(live.own, large)).length === 2, run);
  expect(await alertsOf(live.own, fraud)).toEqual([]);
  const status = (await statusOf(port))!;
  expect(status.tasks[0]!.watermark).toBeUndefined();
  await eventually('the reject', () => jsonLines(join(folder.folder, 'rejects.jsonl')).length > 0, run);
  await sleep(500);
  expect(jsonLines(join(folder.folder, 'rejects.jsonl'))).toMatchObject([{ reason: 'not-json', source: 'payments', stream: `${payments}/0`, offset: 1, text: '{"tx":"broken"' }]);
  expect(Object.values((await statusOf(port))!.rejected)).toEqual([1]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('two topics of three partitions, with events at equal times: the alerts of a run over both files, wherever the job was killed', async () => {
  const { folder, logins, payments, fraud, large } = await setup('order', { partitions: 3 });
  let state = 5;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor((state >>> 0) / 2 ** 32 * below);
  };
  const [ins, pays]: { card: string; text: string }[][] = [[], []];
  for (let i = 0; i < 1500; i++) {
    // Times in steps of a second, so that many are equal within a topic and across the two.
    const at = Math.floor(i / 6) * 1000;
    const card = `c${random(30)}`;
    if (random(3) === 0) ins!.push(login(`l${i}`, at, card));
    else pays!.push(payment(`p${i}`, at, random(1000), card));
  }
  // Behind the last of them, so that the watermark passes it in every partition.
  for (let i = 0; i < 60; i++) {
    ins!.push(login(`e${i}`, 10_000_000, `e${i}`));
    pays!.push(payment(`e${i}`, 10_000_000, 1, `e${i}`));
  }
  const files = [folder.file('logins.jsonl', ins!.map(({ text }) => `${text}\n`).join('')), folder.file('payments.jsonl', pays!.map(({ text }) => `${text}\n`).join(''))];
  const out = join(folder.folder, 'expected.jsonl');
  const whole = new JobRun(['run', join(folder.folder, 'rules.cep'), '--events', `Login=${files[0]}`, '--events', `Payment=${files[1]}`, '--alerts', out], process.env as Record<string, string>);
  expect(await whole.exited).toBe(0);
  const expected = new Map(['Takeover', 'Big'].map((rule) => [rule, new Set(jsonLines<{ id: string; rule: string }>(out).filter((alert) => alert.rule === rule).map(({ id }) => id))]));
  expect(expected.get('Takeover')!.size).toBeGreaterThan(50);
  expect(expected.get('Big')!.size).toBeGreaterThan(50);

  let run = folder.start('job.yaml');
  const half = Math.ceil(ins!.length / 2);
  // The one topic is far ahead of the other, then it is the other way round.
  await produce(live.own, payments, pays!.slice(0, 800));
  await run.says('the job runs');
  await produce(live.own, logins, ins!.slice(0, half));
  await sleep(1000);
  await run.end('SIGKILL');
  await produce(live.own, logins, ins!.slice(half));
  run = folder.start('job.yaml');
  await run.says('the job runs');
  await produce(live.own, payments, pays!.slice(800));
  expect(faultsOf(await settled(live.own, large, expected.get('Big')!, run), expected.get('Big')!)).toEqual([]);
  expect(faultsOf(await settled(live.own, fraud, expected.get('Takeover')!, run), expected.get('Takeover')!)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('an event of the future is rejected, and event time stays where it is', async () => {
  const { folder, payments, large, port } = await setup('future', { partitions: 1, logins: 'idle: 500ms,', more: 'rejects: { file: rejects.jsonl }' });
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  const now = Date.now() - START;
  await produce(live.own, payments, [payment('p1', now, 950), payment('ahead', now + 3_600_000, 999), payment('p2', now + 100, 960), payment('p3', now + 200, 1)]);
  await eventually('the alerts', async () => (await alertsOf(live.own, large)).length === 2, run);
  const rejected = jsonLines<{ text: string }>(join(folder.folder, 'rejects.jsonl'));
  expect(rejected).toMatchObject([{ reason: 'future', source: 'payments', offset: 1 }]);
  expect(JSON.parse(rejected[0]!.text)).toMatchObject({ tx: 'ahead' });
  const status = (await statusOf(port))!;
  expect(status.rejected).toEqual({ future: 1 });
  expect(status.tasks[0]!.streams.find(({ stream }) => stream === `${payments}/0`)!.largest).toBe(START + now + 200);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('late events go to a file with where they were, and a later run takes it as it is', async () => {
  const { folder, payments, large } = await setup('late', { partitions: 1, logins: 'idle: 300ms,', payments: 'idle: never, lateness: 5s,', more: 'late: { file: late.jsonl }' });
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  await produce(live.own, payments, [payment('p1', 60_000, 950), payment('p2', 120_000, 5)]);
  await eventually('the first alert', async () => (await alertsOf(live.own, large)).length === 1, run);
  // Within the lateness, and beyond it.
  await produce(live.own, payments, [payment('p3', 116_000, 970), payment('p4', 100_000, 980), payment('p5', 180_000, 5)]);
  await eventually('the second alert', async () => (await alertsOf(live.own, large)).length === 2, run);
  await eventually('the late one', () => jsonLines(join(folder.folder, 'late.jsonl')).length > 0, run);
  expect(await run.end('SIGTERM')).toBe(0);
  const late = join(folder.folder, 'late.jsonl');
  expect(readFileSync(late, 'utf8')).toBe(`{"alcedo":"late","source":"payments","stream":"${payments}/0","offset":3,"behind":15000,"event":${payment('p4', 100_000, 980).text}}\n`);
  const alerts = join(folder.folder, 'again.jsonl');
  const again = new JobRun(['run', join(folder.folder, 'rules.cep'), '--rule', 'Big', '--events', `Payment=${late}`, '--alerts', alerts], process.env as Record<string, string>);
  expect(await again.exited).toBe(0);
  expect(alertsInFile(alerts)).toHaveLength(1);
}, 300_000);
