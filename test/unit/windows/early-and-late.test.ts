import { describe, expect, test } from '@jest/globals';
import { Random } from '../../fuzz/random.ts';
import { Job, planOf, run, runCut, runPlan, s, type Event, type Options } from '../engine/harness.ts';

const TYPES = 'event P { k: string?, v: float?, at: time } time at\n';
const at = (seconds: number, v: number | null = 1, more: Readonly<Record<string, unknown>> = {}): Event => ({ type: 'P', at: s(seconds), k: 'c', v, ...more });
const OUT = 'alert out { n: count(), t: sum(v) }';
const CALM = 'on clear alert calm { t: sum(v) }';

/** Channel, time, window and fields of each alert; snapshots and images anywhere change nothing. */
function reports(rule: string, events: readonly Event[], options: Options = {}): string[] {
  const { alerts } = runCut(`${TYPES}rule W { by k on P ${rule} }`, events, options);
  return alerts.map((alert) => `${alert.channel} @${alert.at / 1000} [${alert.from / 1000}, ${alert.to / 1000})${alert.final === undefined ? '' : alert.final ? ' final' : ' early'} ${JSON.stringify(Object.values(alert.fields))}`);
}

describe('early reports of windows that overlap', () => {
  const SLIDING = 'window sliding 10s every 5s';
  test('at each event every open window that took it, the oldest first', () => {
    expect(reports(`${SLIDING} trigger every event ${OUT}`, [at(1), at(7), at(12)])).toEqual([
      'out @1 [-5, 5) early [1,1]', 'out @1 [0, 10) early [1,1]', 'out @5 [-5, 5) final [1,1]', 'out @7 [0, 10) early [2,2]', 'out @7 [5, 15) early [1,1]', 'out @10 [0, 10) final [2,2]',
      'out @12 [5, 15) early [2,2]', 'out @12 [10, 20) early [1,1]', 'out @15 [5, 15) final [2,2]', 'out @20 [10, 20) final [1,1]',
    ]);
  });
  test('every so many events of the window, each by its own count', () => {
    expect(reports(`${SLIDING} trigger every 2 events ${OUT}`, [at(1), at(7), at(12)])).toEqual([
      'out @5 [-5, 5) final [1,1]', 'out @7 [0, 10) early [2,2]', 'out @10 [0, 10) final [2,2]', 'out @12 [5, 15) early [2,2]', 'out @15 [5, 15) final [2,2]', 'out @20 [10, 20) final [1,1]',
    ]);
  });
  test('every so much time from the start of each window, where it has news', () => {
    expect(reports(`${SLIDING} trigger early every 4s ${OUT}`, [at(1)])).toEqual(['out @3 [-5, 5) early [1,1]', 'out @4 [0, 10) early [1,1]', 'out @5 [-5, 5) final [1,1]', 'out @10 [0, 10) final [1,1]']);
    expect(reports(`window sliding 20s every 10s trigger early every 5s ${OUT}`, [at(1), at(6)])).toEqual([
      'out @5 [-10, 10) early [1,1]', 'out @5 [0, 20) early [1,1]', 'out @10 [-10, 10) final [2,2]', 'out @10 [0, 20) early [2,2]', 'out @20 [0, 20) final [2,2]',
    ]);
  });
  test('of a count, by events and by time from the first event of each', () => {
    expect(reports(`window count 4 every 2 trigger every event ${OUT}`, [1, 2, 3, 4, 5].map((v) => at(v)))).toEqual([
      'out @1 [1, 1) early [1,1]', 'out @2 [1, 2) early [2,2]', 'out @3 [1, 3) early [3,3]', 'out @3 [3, 3) early [1,1]', 'out @4 [1, 4) final [4,4]', 'out @4 [3, 4) early [2,2]',
      'out @5 [3, 5) early [3,3]', 'out @5 [5, 5) early [1,1]',
    ]);
    expect(reports(`window count 4 every 2 trigger early every 10s ${OUT}`, [at(0), at(1), at(4), at(25)])).toEqual([
      'out @10 [0, 4) early [3,3]', 'out @14 [4, 4) early [1,1]', 'out @25 [0, 25) final [4,4]', 'out @34 [4, 25) early [2,2]',
    ]);
  });
  test('a late event is early news of the windows that are open, and corrects those that are over', () => {
    expect(reports(`${SLIDING} trigger every event late within 1m ${OUT}`, [at(1), at(12), at(8)]).filter((text) => text.includes('@12'))).toEqual([
      'out @12 [5, 15) early [1,1]', 'out @12 [10, 20) early [1,1]', 'out @12 [0, 10) final [2,2]', 'out @12 [5, 15) early [2,2]',
    ]);
  });

  test('windows of which each begins where the last ends say what those do that do not overlap', () => {
    const random = new Random(7);
    let now = 0;
    const events = Array.from({ length: 300 }, () => { now += random.int(0, 4); return at(Math.max(0, now - (random.chance(0.3) ? random.int(0, 30) : 0)), random.int(-4, 6), { k: random.pick(['a', 'b']) }); });
    const all = (window: string, rest: string): unknown[] => run(`${TYPES}rule W { by k on P window ${window} ${rest} having sum(v) > 3 ${OUT} }`, events).alerts.map((alert) => ({ ...alert, detected: 0 }));
    for (const trigger of ['trigger every event', 'trigger every 3 events', 'trigger early every 4s', 'trigger early every 5s', '']) {
      const [a, b] = ['tumbling 10s', 'sliding 10s every 10s'].map((window) => all(window, `${trigger} late within 20s`));
      expect(a!.length).toBeGreaterThan(10);
      expect(b).toEqual(a);
      expect(all('count 5 every 5', trigger)).toEqual(all('count 5', trigger));
    }
  });
});

describe('late within beside trigger on rise', () => {
  const RISE = `trigger on rise having sum(v) > 5 ${OUT} ${CALM}`;
  test('a late event that turns `having` of a window that is over is told, any other is not', () => {
    const events = [at(1, 3), at(12, 1), at(2, 4), at(3, 1), at(4, -4), at(5, 1)];
    expect(reports(`window tumbling 10s late within 1m ${RISE}`, events)).toEqual(['out @12 [0, 10) [2,7]', 'calm @12 [0, 10) [4]']);
    expect(reports(`window tumbling 10s late within 1m trigger on rise having sum(v) > 5 ${OUT}`, events)).toEqual(['out @12 [0, 10) [2,7]']);
    expect(reports(`window session gap 8s late within 1m ${RISE}`, [at(1, 3), at(22, 1), at(2, 4)])).toEqual(['out @22 [1, 10) [2,7]']);
  });
  test('what rose while the window was open and was cleared at its end is told again where a late event opens it again, or takes it back', () => {
    expect(reports(`window tumbling 10s late within 1m ${RISE}`, [at(1, 6), at(12, 0), at(2, 1), at(3, -4)])).toEqual(['out @1 [0, 10) [1,6]', 'calm @10 [0, 10) [6]', 'calm @12 [0, 10) [3]']);
    expect(reports(`window session gap 5s late within 1m ${RISE}`, [at(0, 6), at(8, 0), at(4, 1)])).toEqual(['out @0 [0, 5) [1,6]', 'calm @5 [0, 5) [6]', 'out @8 [0, 13) [3,7]', 'calm @13 [0, 13) [7]']);
  });
  test('a window that is open is told as at any event', () => {
    expect(reports(`window tumbling 10s late within 1m ${RISE}`, [at(8, 4), at(3, 4), at(2, -4)])).toEqual(['out @8 [0, 10) [2,8]', 'calm @8 [0, 10) [4]']);
  });
  test('of sliding ones each that it turns; with the last that is over the next is compared', () => {
    const rule = `window sliding 10s every 5s late within 20s ${RISE}`;
    expect(reports(rule, [at(1, 3), at(16, 1), at(8, 4)])).toEqual(['out @16 [0, 10) [2,7]']);
    expect(reports(rule, [at(1, 3), at(16, 1), at(8, 6)])).toEqual(['out @16 [0, 10) [2,9]', 'out @16 [5, 15) [1,6]', 'calm @20 [10, 20) [1]']);
    // Turned false, it lets the next one rise.
    expect(reports(rule, [at(11, 6), at(17, 0), at(12, -6), at(18, 6)])).toEqual(['out @15 [5, 15) [1,6]', 'calm @17 [5, 15) [0]', 'out @20 [10, 20) [4,6]', 'calm @30 [20, 30) [0]']);
  });
  test('the next is read at its end, though nothing in it changed, and keys of one time go by their first event', () => {
    expect(reports(`window sliding 10s every 5s late within 20s ${RISE}`, [at(21, 3), at(26, 0, { k: 'd' }), at(18, 4)])).toEqual(['out @26 [15, 25) [2,7]', 'calm @30 [20, 30) [3]']);
    const { alerts } = runCut(`${TYPES}rule W { by k on P window sliding 15s every 10s late within 3s trigger on rise having sum(v) > 5 and window.end - window.start > 1s ${OUT} ${CALM} }`,
      [at(6, 3, { k: 'p' }), at(7, 3, { k: 'q' }), at(16, 0, { k: 'd' }), at(1, 4, { k: 'q' }), at(2, 4, { k: 'p' })]);
    expect(alerts.map(({ channel, key, at: time }) => `${channel} ${String(key['k'])} ${time / 1000}`)).toEqual(['out q 16', 'out p 16', 'calm q 25', 'calm p 25']);
  });
  test('the window after it may have no event', () => {
    expect(reports(`window sliding 10s every 10s late within 20s ${RISE}`, [at(1, 3), at(12, 0, { k: 'd' }), at(8, 4)])).toEqual(['out @12 [0, 10) [2,7]', 'calm @20 [10, 20) [0]']);
    // Kept for less than a step.
    expect(reports(`window sliding 10s every 10s late within 3s ${RISE}`, [at(1, 3), at(12, 0, { k: 'd' }), at(8, 4)])).toEqual(['out @12 [0, 10) [2,7]', 'calm @20 [10, 20) [0]']);
  });
});

describe('on clear beside late within', () => {
  const HAVING = `having sum(v) > 5 ${OUT}`;
  test('takes back the report of a window that is over; without it nothing is said', () => {
    const events = [at(1, 6), at(12, 0), at(2, -2), at(3, -1), at(4, 8)];
    const [kept, rest] = ['out @10 [0, 10) [1,6]', ['out @12 [0, 10) [4,11]']];
    expect(reports(`window tumbling 10s late within 1m ${HAVING} ${CALM}`, events)).toEqual([kept, 'calm @12 [0, 10) [4]', ...rest]);
    expect(reports(`window tumbling 10s late within 1m ${HAVING}`, events)).toEqual([kept, ...rest]);
    expect(reports(`window sliding 10s every 10s late within 1m ${HAVING} ${CALM}`, events)).toEqual([kept, 'calm @12 [0, 10) [4]', ...rest]);
  });
  test('of one of two sessions that a late event makes one', () => {
    expect(reports(`window session gap 5s late within 1m ${HAVING} ${CALM}`, [at(0, -3), at(8, 6), at(20, 0, { k: 'd' }), at(4, 0)])).toEqual(['out @13 [8, 13) [1,6]', 'calm @20 [0, 13) [3]']);
  });
  test('of a session that goes on by a late event at its new end', () => {
    expect(reports(`window session gap 5s late within 1m ${HAVING} ${CALM}`, [at(0, 6), at(8, 0), at(4, -3)])).toEqual(['out @5 [0, 5) [1,6]', 'calm @13 [0, 13) [3]']);
  });
  test('is final where early reports are told apart', () => {
    expect(reports(`window tumbling 10s trigger every event late within 1m ${HAVING} ${CALM}`, [at(1, 6), at(12, 0), at(2, -2)])).toEqual(['out @1 [0, 10) early [1,6]', 'out @10 [0, 10) final [1,6]', 'calm @12 [0, 10) final [4]']);
  });
});

test('a session that a late event ends earlier is gone once it is kept no longer, in whatever batches events come', () => {
  const plan = planOf(`${TYPES}rule W { by k on P window session gap 15s max 10s late within 5s ${OUT} }`);
  const events = [at(20), at(32), at(13), at(22)];
  const told = (each: readonly Event[]): unknown[] => runPlan(plan, each).alerts.map(({ from, to, at: time, fields }) => [from / 1000, to / 1000, time / 1000, fields['n']]);
  expect(told(events)).toEqual([[20, 30, 30, 1], [13, 23, 32, 2], [22, 32, 32, 1], [32, 42, 42, 1]]);
  expect(reports(`window session gap 15s max 10s late within 5s ${OUT}`, events)).toHaveLength(4);
});

test('a key costs nothing when its windows are gone', () => {
  for (const window of [
    'sliding 10s every 5s trigger every event', 'sliding 10s every 5s trigger early every 3s late within 20s', 'sliding 10s every 2s late within 20s trigger on rise', 'session gap 5s late within 20s trigger on rise',
  ]) {
    const job = new Job(planOf(`${TYPES}rule W { by k on P window ${window} having max(v) > 4 alert out { n: count(), d: distinct(v), m: max(v), p: percentile(v, 90), l: values(v) } }`));
    const empty = job.engine.stats().bytes;
    job.push(Array.from({ length: 500 }, (_, i) => at(i / 5 - (i % 3) * 7 + 30, i % 9, { k: `k${i % 20}` })));
    expect(job.engine.stats().keys).toBeGreaterThan(10);
    job.push([at(1000, 1, { k: null })]);
    job.engine.advance(s(2000));
    expect([job.engine.stats().keys, job.engine.stats().bytes]).toEqual([0, empty]);
  }
});
