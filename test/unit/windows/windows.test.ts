import { describe, expect, test } from '@jest/globals';
import { Job, planOf, run, runCut, runPlan, s, type Event, type Options } from '../engine/harness.ts';

const TYPES = 'event P { k: string?, v: float?, at: time } time at\nevent R { k: string?, v: float?, at: time } time at\n';
const at = (seconds: number, v: number | null = 1, more: Readonly<Record<string, unknown>> = {}): Event => ({ type: 'P', at: s(seconds), k: 'c', v, ...more });

/** Time, then fields, of each alert; snapshots and images anywhere change nothing. */
function reports(rule: string, events: readonly Event[], options: Options = {}): string[] {
  const { alerts } = runCut(`${TYPES}rule W { by k ${rule} }`, events, options);
  return alerts.map((alert) => `${alert.channel} @${alert.at / 1000} [${alert.from / 1000}, ${alert.to / 1000})${alert.final === undefined ? '' : alert.final ? ' final' : ' early'} ${JSON.stringify(Object.values(alert.fields))}`);
}
const OUT = 'alert out { n: count(), t: sum(v) }';

describe('when windows are reported', () => {
  test('a tumbling one at its end, half-open, moved by its offset; the input\'s end closes it', () => {
    expect(reports(`on P window tumbling 10s ${OUT}`, [at(1), at(9), at(10), at(31)])).toEqual(['out @10 [0, 10) [2,2]', 'out @20 [10, 20) [1,1]', 'out @40 [30, 40) [1,1]']);
    expect(reports(`on P window tumbling 10s offset 4s ${OUT}`, [at(1), at(4)])).toEqual(['out @4 [-6, 4) [1,1]', 'out @14 [4, 14) [1,1]']);
  });

  test('a sliding one at each step at which it holds an event', () => {
    expect(reports(`on P window sliding 10s every 5s ${OUT}`, [at(1, 2), at(7, 3)])).toEqual(['out @5 [-5, 5) [1,2]', 'out @10 [0, 10) [2,5]', 'out @15 [5, 15) [1,3]']);
    // What lies between two windows is in none.
    expect(reports(`on P window sliding 2s every 5s ${OUT}`, [at(1), at(3), at(5)])).toEqual(['out @2 [0, 2) [1,1]', 'out @7 [5, 7) [1,1]']);
  });

  test('without a step at each event, over it and those whose time has not ended', () => {
    expect(reports(`on P window sliding 10s ${OUT}`, [at(0), at(0), at(5), at(10), at(15)])).toEqual([
      'out @0 [-10, 0) [1,1]', 'out @0 [-10, 0) [2,2]', 'out @5 [-5, 5) [3,3]', 'out @10 [0, 10) [2,2]', 'out @15 [5, 15) [2,2]',
    ]);
  });

  test('a session when its pause is over, or it has lasted as long as it may', () => {
    expect(reports(`on P window session gap 5s ${OUT}`, [at(0), at(4), at(9)])).toEqual(['out @9 [0, 9) [2,2]', 'out @14 [9, 14) [1,1]']);
    expect(reports(`on P window session gap 5s max 8s ${OUT}`, [at(0), at(4), at(7), at(8)])).toEqual(['out @8 [0, 8) [3,3]', 'out @13 [8, 13) [1,1]']);
  });

  test('a count when it is full; one that is not full at the end is no window', () => {
    expect(reports(`on P window count 2 ${OUT}`, [at(0), at(1), at(1), at(1), at(5)])).toEqual(['out @1 [0, 1) [2,2]', 'out @1 [1, 1) [2,2]']);
    expect(reports(`on P window count 3 every 2 ${OUT}`, [1, 2, 3, 4, 5, 6].map((v) => at(v, v)))).toEqual(['out @3 [1, 3) [3,6]', 'out @5 [3, 5) [3,12]']);
  });

  test('early, by time where something is new, by events, and finally', () => {
    expect(reports(`on P window tumbling 20s trigger early every 5s ${OUT}`, [at(1), at(11)])).toEqual(['out @5 [0, 20) early [1,1]', 'out @15 [0, 20) early [2,2]', 'out @20 [0, 20) final [2,2]']);
    expect(reports(`on P window session gap 5s trigger every 2 events ${OUT}`, [at(1), at(2), at(3)])).toEqual(['out @2 [1, 7) early [2,2]', 'out @8 [1, 8) final [3,3]']);
    expect(reports(`on P window global trigger early every 5s ${OUT}`, [at(1), at(2), at(30)])).toEqual(['out @6 [1, 6) early [2,2]', 'out @31 [1, 31) early [3,3]', 'out @30 [1, 30) final [3,3]']);
  });

  test('on rise and on clear, also as events leave', () => {
    const rule = `window sliding 10s trigger on rise having count() >= 2 ${OUT} on clear alert calm { n: count() }`;
    expect(reports(`on P ${rule}`, [at(0), at(4), at(5), at(30)])).toEqual(['out @4 [-6, 4) [2,2]', 'calm @14 [4, 14) [1]']);
    expect(reports(`on P window tumbling 10s trigger on rise having count() >= 2 ${OUT} on clear alert calm { n: count() }`, [at(0), at(4), at(5)])).toEqual(['out @4 [0, 10) [2,2]', 'calm @10 [0, 10) [3]']);
  });
});

test('named inputs, each with its own condition, and aggregates that take some', () => {
  const events: Event[] = [at(1, 5), { ...at(2, 2), type: 'R' }, { ...at(3, 9), type: 'R' }, at(4, 7)];
  expect(reports('on p: P, r: R where v < 5 window tumbling 10s alert out { a: count(r), b: sum(p.v), c: count(), d: max(v where v < 6) }', events)).toEqual(['out @10 [0, 10) [1,12,3,5]']);
});

describe('late within', () => {
  const late = (rule: string, events: readonly Event[], lateness = 0): string[] => reports(rule, events, { lateness });
  test('a late event changes a window that is kept, which is reported again under an id of its own', () => {
    const text = `${TYPES}rule W { by k on P window tumbling 10s late within 20s ${OUT} }`;
    const { alerts, late: kept } = run(text, [at(1), at(12), at(2), at(3), at(40), at(4)]);
    expect(alerts.map(({ at: time, fields }) => [time / 1000, fields['n']])).toEqual([[10, 1], [12, 2], [12, 3], [20, 1], [50, 1]]);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(5);
    // All three are late all the same.
    expect(kept).toEqual([2, 3, 5]);
    expect(runPlan(planOf(text), [at(1), at(12), at(2), at(3), at(40), at(4)]).alerts.map(({ id }) => id)).toEqual(alerts.map(({ id }) => id));
  });
  test('a late event that closes the pause makes two sessions one', () => {
    expect(late(`on P window session gap 5s late within 1m ${OUT}`, [at(0), at(8), at(20), at(4)])).toEqual(['out @5 [0, 5) [1,1]', 'out @13 [8, 13) [1,1]', 'out @20 [0, 13) [3,3]', 'out @25 [20, 25) [1,1]']);
  });
  test('a sliding one: each window kept that it is in', () => {
    expect(late(`on P window sliding 10s every 5s late within 10s ${OUT}`, [at(1), at(16), at(8)])).toEqual([
      'out @5 [-5, 5) [1,1]', 'out @10 [0, 10) [1,1]', 'out @16 [0, 10) [2,2]', 'out @16 [5, 15) [1,1]', 'out @20 [10, 20) [1,1]', 'out @25 [15, 25) [1,1]',
    ]);
  });
});

test('timers of one time go by the first event of their window, then by rule; a derived event feeds other rules at the time of its cause', () => {
  const text = `${TYPES}event D { k: string, n: int, at: time } time at
    rule A { by k on P window tumbling 10s emit D { k, n: count() } }
    rule B { by k on D window sliding 20s alert b { s: sum(n) } }
    rule C { by k on P window sliding 10s every 10s alert c { n: count() } }`;
  const { log, alerts } = runCut(text, [at(3, 1, { k: 'x' }), at(4, 1, { k: 'y' })]);
  expect(log).toEqual(['D', 'B', 'C', 'D', 'B', 'C']);
  expect(alerts.map((alert) => [alert.rule, alert.key['k'], alert.at / 1000])).toEqual([['B', 'x', 10], ['C', 'x', 10], ['B', 'y', 10], ['C', 'y', 10]]);
});

test('a window alert has its window for from and to, and carries no events', () => {
  const [alert] = run(`${TYPES}rule W { by k on P window tumbling 10s alert out { a: window.start, b: window.end } }`, [at(1)]).alerts;
  expect(alert).toMatchObject({ kind: 'window', from: 0, to: s(10), events: undefined, fields: { a: '1970-01-01T00:00:00.000Z', b: '1970-01-01T00:00:10.000Z' } });
});

test('a key that has no window costs nothing', () => {
  for (const window of ['tumbling 10s', 'sliding 10s every 1s', 'sliding 10s', 'session gap 5s', 'count 1']) {
    const job = new Job(planOf(`${TYPES}rule W { by k on P window ${window} alert out { n: count(), d: distinct(v), m: max(v), p: percentile(v, 90), l: values(v) } }`));
    const empty = job.engine.stats().bytes;
    job.push(Array.from({ length: 500 }, (_, i) => at(i / 10, i, { k: `k${i % 50}` })));
    expect(job.engine.stats().keys).toBeGreaterThan(window === 'count 1' ? 0 : 40);
    job.push([at(1000, 1, { k: null })]);
    job.engine.advance(s(2000));
    expect([job.engine.stats().keys, job.engine.stats().bytes]).toEqual([0, empty]);
  }
});

test('a report costs a constant number of operations, however many panes a window is made of', () => {
  const events = Array.from({ length: 20_000 }, (_, i) => at(i, i % 97, { k: 'c' }));
  const costOf = (window: string): number => {
    const job = new Job(planOf(`${TYPES}rule W { by k on P window ${window} having max(v) < 0 and avg(v) < 0 and first(v) < 0 alert out { m: min(v), s: stddev(v) } }`));
    const start = process.cpuUsage();
    job.push(events);
    return process.cpuUsage(start).user;
  };
  const least = (window: string): number => Math.min(costOf(window), costOf(window), costOf(window));
  least('sliding 1m every 1s');
  // Sixty times as many panes; a walk over them would take about that many times as long.
  expect(least('sliding 1h every 1s') / least('sliding 1m every 1s')).toBeLessThan(5);
});
