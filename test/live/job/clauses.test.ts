import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JobRun, payments, produce, type JobFolder } from '../../support/job.ts';
import { committedValues } from '../../support/kafka/helpers.ts';
import { eventually, liveKafka } from '../../support/live.ts';

const live = liveKafka();

const EVENTS = `
event Payment {
  tx:     string
  card:   string
  amount: float
  ts:     time
} time ts id tx

event Suspicion {
  card: string
  at:   time
} time at
`;

/** Every clause that holds a rule back, or says what its alerts carry; `mode` is the one of the rules on trial. */
const rulesOf = (tried: string, share: string): string => `${EVENTS}
rule Tried { by card ${tried} match large large: Payment where amount > 950 alert tried { card, tx: large.tx } emit Suspicion { card } }
rule Share { by card ${share} match large large: Payment where amount > 950 alert share { card, tx: large.tx } }
rule Off { by card mode off match large large: Payment where amount > 950 alert off { card, tx: large.tx } }
rule OnSuspicion { by card match suspicion suspicion: Suspicion alert suspicion { card } }
rule Few { by card match large large: Payment where amount > 700 limit 2 per 10s alert few { card, tx: large.tx } }
rule Kept { by card match all small -> large within 1m small: Payment where amount < 2 large: Payment where amount > 900 keep 3 events alert kept { card, small: small.tx, large: large.tx } }
rule Slow { by card match large -> small within 2s large: Payment where amount > 900 small: Payment where amount < 1 on timeout alert slow { card, tx: large.tx } alert fast { card, tx: small.tx } }
rule Refs { by card match large large: Payment where amount > 990 evidence refs alert refs { card } }
rule None { by card match large large: Payment where amount > 990 evidence none alert none { card } }
`;

const CHANNELS = ['tried', 'share', 'off', 'suspicion', 'few', 'kept', 'slow', 'fast', 'refs', 'none'];

interface Told {
  readonly id: string; readonly rule: string; readonly channel: string; readonly kind: string; readonly key: { readonly card: string };
  readonly suppressed: number; readonly dropped?: number; readonly shadow?: boolean; readonly fields: object; readonly events?: Readonly<Record<string, readonly object[]>>;
}

/** What a run over a file of the events says. */
async function runOver(folder: JobFolder, rules: string, events: readonly { readonly text: string }[]): Promise<Told[]> {
  const input = folder.file('events.jsonl', events.map(({ text }) => `${text}\n`).join(''));
  const run = new JobRun(['run', folder.file('expected.cep', rules), '--events', `Payment=${input}`, '--alerts', join(folder.folder, 'expected.jsonl')], process.env as Record<string, string>);
  if (await run.exited !== 0) throw new Error(run.log);
  return linesOf(readFileSync(join(folder.folder, 'expected.jsonl'), 'utf8').split('\n').filter((line) => line !== ''));
}

const linesOf = (lines: readonly string[]): Told[] => lines.map((line) => JSON.parse(line) as Told);

/** All of an alert but when it was made, and where the events came from. */
const sayings = (alerts: readonly Told[]): string[] => alerts.map(({ id, rule, channel, kind, key, suppressed, dropped, fields, events }) => JSON.stringify({
  id, rule, channel, kind, key, suppressed, dropped, fields, events: rule === 'Refs' ? Object.keys(events!) : events,
})).sort();

test('mode, limit, keep, on timeout and evidence do in a job that is killed what they do in a run over a file', async () => {
  const folder = live.folder();
  const events = payments(3000, 6, 11, 40);
  // Nothing of a rule in shadow is read by live ones.
  const all = await runOver(folder, rulesOf('', ''), events);
  const expected = await runOver(folder, rulesOf('mode shadow', 'mode canary 50%'), events);
  expect(new Set(expected.map(({ channel }) => channel))).toEqual(new Set(CHANNELS.filter((channel) => !['tried', 'off', 'suspicion'].includes(channel))));
  expect(expected.some(({ suppressed }) => suppressed > 0)).toBe(true);
  expect(expected.some(({ dropped }) => (dropped ?? 0) > 0)).toBe(true);

  const id = `clauses-${Date.now().toString(36)}`;
  const [input, alerts, shadow] = [`${id}-in`, `${id}-alerts`, `${id}-shadow`];
  await live.own.ensureTopics([input, alerts, shadow].map((topic) => ({ topic, partitions: 1 })));
  folder.file('rules.cep', rulesOf('mode shadow', 'mode canary 50%'));
  folder.file('job.yaml', `
name: ${id}
rules: rules.cep
kafka: { brokers: "${live.brokers[0]!}", sessionTimeout: 6s }
sources:
  payments: { type: Payment, kafka: { topics: ${input}, partitionedBy: card } }
channels:
${CHANNELS.map((channel) => `  ${channel}: { kafka: ${alerts} }`).join('\n')}
shadow: { kafka: ${shadow} }
state: { directory: {}, checkpoint: 200ms }
`);
  let run = folder.start('job.yaml');
  await run.says('the job runs');
  await produce(live.own, input, events.slice(0, 1700));
  await eventually('alerts', async () => (await committedValues(live.own, alerts, 0)).length > 10, run);
  await run.end('SIGKILL');
  await produce(live.own, input, events.slice(1700));
  run = folder.start('job.yaml');
  // No file ends a job's event time: a last payment does, which no rule sees.
  const last = JSON.stringify({ tx: 'last', ts: 1_767_225_600_000 + 3_600_000, card: 'other', amount: 500 });
  await produce(live.own, input, [{ card: 'other', text: last }]);
  await eventually('all alerts', async () => (await committedValues(live.own, alerts, 0)).length >= expected.length, run);
  expect(await run.end('SIGTERM')).toBe(0);

  expect(sayings(linesOf(await committedValues(live.own, alerts, 0)))).toEqual(sayings(expected));
  const tried = linesOf(await committedValues(live.own, shadow, 0));
  const share = (told: readonly Told[]): Told[] => told.filter(({ rule }) => rule === 'Share');
  // What is live and what is not are together what the rule says, and a card is on one side only.
  expect(sayings([...share(expected), ...share(tried)])).toEqual(sayings(share(all)));
  const liveCards = new Set(share(expected).map(({ key }) => key.card));
  expect(share(tried).filter(({ key }) => liveCards.has(key.card))).toEqual([]);
  expect(share(tried).length).toBeGreaterThan(0);
  expect(sayings(tried.filter(({ rule }) => rule === 'Tried'))).toEqual(sayings(all.filter(({ rule }) => rule === 'Tried')));
  expect(new Set(tried.map(({ rule }) => rule))).toEqual(new Set(['Tried', 'Share']));
  // What the alerts carry.
  const of = (rule: string): Told => linesOf([JSON.stringify(expected.find((alert) => alert.rule === rule))])[0]!;
  expect(Object.keys(of('Few').events!['large']![0]!)).toEqual(['tx', 'ts', 'card', 'amount']);
  expect(of('None').events).toBeUndefined();
  for (const { rule, events: bound } of linesOf(await committedValues(live.own, alerts, 0))) if (rule === 'Refs') expect(bound!['large']![0]).toMatchObject({ source: 'payments', partition: 0 });
}, 300_000);
