/**
 * States of engines as each format wrote them, for the test that every later version reads them: small rule sets with something of every kind in
 * flight. `node test/support/engine-states.ts` writes those that are missing to test/fixtures/state; what is there is never written again.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Job, planOf, type Event } from '../unit/engine/harness.ts';

export const FOLDER = fileURLToPath(new URL('../fixtures/state/', import.meta.url));

export interface EngineState {
  readonly rules: string;
  /** The same rules changed so that all runs go on. */
  readonly edited: string;
  readonly lateness: number;
  /** How many events came before the state was written. */
  readonly first: number;
  /** Events after it. */
  readonly then: readonly Event[];
  /** Alerts that come of them: rule, channel, id, event time, fields. */
  readonly alerts: readonly (readonly unknown[])[];
  /** The same under the edited rules. */
  readonly editedAlerts: readonly (readonly unknown[])[];
}

const TYPES = ['A', 'B', 'C'].map((name) => `event ${name} { k: string?, v: float?, at: time } time at\n`).join('');
const s = (type: string, at: number, more: object = {}): Event => ({ type, at: 1_700_000_000_000 + 1000 * at, k: 'k1', v: 1, ...more });

interface Set { readonly name: string; readonly rules: string; readonly edit: (rules: string) => string; readonly first: readonly Event[]; readonly then: readonly Event[]; readonly lateness?: number }

const SETS: readonly Set[] = [
  {
    name: 'sequence', rules: `${TYPES}rule R { by k match all a -> b -> c within 1h a: A b: B where v > a.v c: C alert ch { k, a: a.v, b: b.v } }`,
    edit: (rules) => rules.replace('1h', '2h').replace('b: b.v', 'b: b.v, sum: a.v + b.v'),
    first: [s('A', 0), s('A', 1, { v: 3 }), s('B', 2, { v: 2 }), s('A', 3, { k: 'zwei' })], then: [s('B', 10, { v: 5 }), s('C', 11), s('B', 12, { k: 'zwei', v: 9 }), s('C', 13, { k: 'zwei' })],
  },
  {
    name: 'loop-in-step', rules: `${TYPES}rule R { by k match all a{2,} greedy -> b within 1h a: A b: B where v > avg(a.v) alert ch { k, n: count(a), sum: sum(a.v) } }`,
    edit: (rules) => rules.replace('1h', '3h').replace('avg(a.v)', 'avg(a.v) * 1'),
    first: [s('A', 0), s('A', 1, { v: 2 }), s('A', 2, { v: 0.1 })], then: [s('A', 3, { v: 0.2 }), s('B', 4, { v: 3 })],
  },
  {
    name: 'absence', rules: `${TYPES}rule R { by k match a -> not b within 10m a: A b: B alert ch { k, v: a.v } }`,
    edit: (rules) => rules.replace('10m', '20m'), first: [s('A', 0), s('A', 60, { k: 'k2', v: 7 })], then: [s('B', 100), s('C', 5000)],
  },
  {
    name: 'silence', rules: `${TYPES}rule R { by k match a -> not b for 5m -> c within 1h a: A b: B c: C alert ch { k } on timeout alert late { k, v: a.v } }`,
    edit: (rules) => rules.replace('5m', '4m'), first: [s('A', 0), s('A', 10, { k: 'k2' })], then: [s('C', 400), s('B', 401, { k: 'k2' }), s('C', 9000)],
  },
  {
    name: 'longest', rules: `${TYPES}rule R { by k match longest a{2,} -> b within 1h a: A b: B alert ch { k, n: count(a) } }`,
    edit: (rules) => rules.replace('n: count(a)', 'n: count(a), at: match.to'), first: [s('A', 0), s('A', 1), s('B', 2), s('A', 3)], then: [s('A', 4), s('B', 5), s('C', 9000)],
  },
  {
    name: 'classes', rules: `${TYPES}rule R { match all a -> b within 1h a: A b: B where k == a.k and v >= a.v alert ch { k: a.k, v: a.v } }`,
    edit: (rules) => rules.replace('v >= a.v', 'v >= a.v + 0'), first: ['x', 'y', 'z', 'x'].map((k, i) => s('A', i, { k, v: i })), then: [s('B', 10, { k: 'x', v: 2 }), s('B', 11, { k: 'y', v: 9 }), s('B', 12, { k: 'x', v: 3 })],
  },
  {
    name: 'limits', rules: `${TYPES}rule R { by k limit 1 per 10m match all a -> b within 1h a: A b: B alert ch { k, v: b.v } }`,
    edit: (rules) => rules.replace('limit 1 per 10m', 'limit 2 per 10m'), first: [s('A', 0), s('A', 1), s('B', 2), s('A', 3)], then: [s('B', 4), s('A', 5), s('B', 6), s('A', 700), s('B', 701)],
  },
  {
    name: 'once', rules: `event A { id: string, k: string, at: time } time at id id once within 10m\nevent B { k: string, at: time } time at\nrule R { by k match all a -> b within 1h a: A b: B alert ch { k, id: a.id } }`,
    edit: (rules) => rules.replace('once within 10m', 'once within 20m'),
    first: [s('A', 0, { id: 'one' }), s('A', 1, { id: 'two' }), s('A', 2, { id: 'one' })], then: [s('A', 3, { id: 'two' }), s('A', 4, { id: 'three' }), s('B', 5), s('A', 1000, { id: 'one' }), s('B', 1001)],
  },
  {
    name: 'held', lateness: 60_000, rules: `${TYPES}rule R { by k match all a -> b within 1h a: A b: B alert ch { k, v: b.v } }`,
    edit: (rules) => rules.replace('1h', '2h'), first: [s('A', 10), s('B', 8, { v: 2 }), s('B', 12, { v: 3 }), s('A', 9)], then: [s('B', 11, { v: 4 }), s('C', 500)],
  },
  {
    name: 'shared', rules: `${TYPES}${['R', 'S', 'T'].map((name, i) => `rule ${name} { by k match all a -> b within 1h a: A b: B where v == ${i + 1} alert ch { k, v: b.v } }\n`).join('')}`,
    edit: (rules) => rules.replace('v == 2', 'v == 2.0').replace('rule T', 'rule New { by k match all a -> b within 1h a: A b: B where v > 0 alert ch { k } }\nrule T'),
    first: [s('A', 0), s('A', 1, { k: 'k2' }), s('B', 2, { v: 1 })], then: [s('B', 3, { v: 2 }), s('B', 4, { v: 3 }), s('B', 5, { v: 3, k: 'k2' }), s('A', 6), s('B', 7, { v: 1 })],
  },
  {
    name: 'bans', rules: `${TYPES}rule R { by k match not c -> a -> not (c -> c) -> b within 1h a: A b: B c: C where v > 0 alert ch { k } }\nrule L { by k match all a -> not (b -> c) -> d within 1h a: A b: B where v > a.v c: C d: A where v > 9 alert ch { k } }`,
    edit: (rules) => rules.replaceAll('1h', '2h'), first: [s('C', 0), s('A', 1), s('A', 5000), s('C', 5001), s('B', 5002, { k: 'k2' }), s('A', 5003, { k: 'k2' }), s('B', 5004, { k: 'k2', v: 2 })],
    then: [s('B', 5005), s('C', 5006, { k: 'k2' }), s('A', 5007, { k: 'k2', v: 10 })],
  },
  {
    name: 'features', rules: `${TYPES}feature mean = avg(v) of A by k over 1h\nfeature kinds = distinct(v) of A by k\nfeature steps = sum(v) of A by k over 30m every 5m\nrule R { by k match all b b: B where v > mean alert ch { k, mean, kinds, steps } }`,
    edit: (rules) => rules.replace('v > mean alert', 'v > mean * 1 alert').replace('feature kinds', 'feature more = max(v) of A by k\nfeature kinds').replace('{ k, mean,', '{ k, more, mean,'), first: [s('A', 0), s('A', 10, { v: 3 }), s('A', 20, { k: 'zwei', v: 8 })],
    then: [s('B', 30, { v: 2.5 }), s('A', 40, { v: 9 }), s('B', 50, { v: 4 }), s('B', 60, { v: 5 }), s('B', 3700, { v: 7 })],
  },
  {
    name: 'windows', rules: `${TYPES}rule T { by k on A window tumbling 1h alert ch { k, n: count(), sum: sum(v), p: percentile(v, 50) } }\nrule S { by k on A window sliding 30m every 10m having count() > 1 alert ch { k, top: top(v, 2) } }\nrule E { by k on A window session gap 5m alert ch { k, last: last(v) } }`,
    edit: (rules) => rules.replace('percentile(v, 50)', 'percentile(v, 90)').replace('count() > 1', 'count() > 0').replace('last: last(v)', 'last: last(v), n: count()').replace('rule T', 'rule New { by k match b b: B alert ch { k } }\nrule T'), first: [s('A', 0), s('A', 10, { v: 3 }), s('A', 20, { k: 'zwei', v: 8 })], then: [s('A', 700), s('B', 9000)],
  },
  {
    name: 'early-windows', rules: `${TYPES}rule T { by k on A window sliding 30m every 10m trigger early every 7m late within 1h alert ch { k, n: count(), final: last(v) } }\n`
      + 'rule C { by k on A window count 4 every 2 trigger early every 1m alert ch { k, n: count(), from: window.start } }\n'
      + 'rule L { by k on A window sliding 20m every 10m late within 1h trigger on rise having sum(v) > 20 alert ch { k, sum: sum(v) } on clear alert ch { k, sum: sum(v) } }',
    edit: (rules) => rules, first: [s('A', 0), s('A', 1300, { v: 3 }), s('A', 1310, { k: 'zwei', v: 8 }), s('A', 30, { v: 16 })], then: [s('A', 900, { v: 12 }), s('A', 1500), s('B', 9000)],
  },
];

export function alertsOf(job: Job, from = 0): unknown[][] {
  return job.alerts.slice(from).map(({ rule, channel, id, at, fields }) => [rule, channel, id, at, fields]);
}

/** Restores a state and gives what comes of more events. */
export function goOn(rules: string, lateness: number, state: Uint8Array, then: readonly Event[], first: number): unknown[][] {
  const job = new Job(planOf(rules), { lateness });
  job.engine.restore(state);
  job.push(then, first);
  job.engine.advance(Infinity);
  return alertsOf(job);
}

function main(format: number): void {
  for (const { name, rules, edit, first, then, lateness = 0 } of SETS) {
    const base = `${FOLDER}engine-format-${format}-${name}`;
    if (existsSync(`${base}.json`)) continue;
    const job = new Job(planOf(rules), { lateness });
    job.push(first);
    const state = job.engine.snapshot();
    const before = job.alerts.length;
    job.push(then, first.length);
    job.engine.advance(Infinity);
    const edited = edit(rules);
    const written: EngineState = { rules, edited, lateness, first: first.length, then, alerts: alertsOf(job, before), editedAlerts: goOn(edited, lateness, state, then, first.length) };
    writeFileSync(`${base}.bin.gz`, gzipSync(state));
    writeFileSync(`${base}.json`, `${JSON.stringify(written, undefined, 1)}\n`);
    console.log(`${base}: ${state.length} bytes, ${written.alerts.length} alerts, ${written.editedAlerts.length} under the edited rules`);
  }
}

if (import.meta.main) main(4);
