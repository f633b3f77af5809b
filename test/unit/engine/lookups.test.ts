import { describe, expect, test } from '@jest/globals';
import type { Row } from '../../../src/engine/index.ts';
import { Job, planOf, s, type Event, type Options } from './harness.ts';

/** Runs with tables, events one by one; goes on in a new engine after each event where `cut`, tables set before the state is taken up or after it. */
function play(text: string, tables: Readonly<Record<string, readonly Row[]>>, events: readonly (Event | { readonly set: string; readonly rows: readonly Row[] })[], cut?: 'before' | 'after', options: Options = {}): Job {
  const job = new Job(planOf(text), options);
  const held = { ...tables };
  const give = (): void => { for (const [name, rows] of Object.entries(held)) job.engine.setTable(name, rows); };
  give();
  let n = 0;
  for (const event of events) {
    if ('set' in event) {
      const { set, rows } = event as { set: string; rows: readonly Row[] };
      held[set] = rows;
      job.engine.setTable(set, rows);
      continue;
    }
    job.push([event as Event], n++);
    if (cut === undefined) continue;
    job.moveOn(undefined, cut === 'before' ? give : undefined);
    if (cut === 'after') give();
  }
  job.engine.advance(Infinity);
  return job;
}

/** The same uncut, and cut everywhere in both ways. */
function same(...args: [string, Readonly<Record<string, readonly Row[]>>, readonly (Event | { readonly set: string; readonly rows: readonly Row[] })[]]): Job {
  const whole = play(...args);
  for (const cut of ['before', 'after'] as const) {
    const other = play(...args, cut);
    expect(other.alerts).toEqual(whole.alerts);
    expect(other.derived).toEqual(whole.derived);
  }
  return whole;
}

const PAY = `event Pay { card: string, merchant: string?, amount: float, at: time } time at
  table merchants { id: string key, risk: float, country: string? }`;
const pay = (seconds: number, merchant: string | null, amount: number): Event => ({ type: 'Pay', at: s(seconds), card: 'c1', merchant, amount });
const MERCHANTS = [{ id: 'm1', risk: 0.9, country: 'FR' }, { id: 'm2', risk: 0.1, country: null }];

describe('a table', () => {
  test('is read in conditions and alerts; a missing row, a null key and a null column give null', () => {
    const { alerts } = same(`${PAY} rule R { by card match all p p: Pay where merchants[merchant].risk > 0.5 or merchants[merchant].risk is null
      alert ch { risk: merchants[p.merchant].risk, country: merchants[p.merchant].country ?? "none" } }`, { merchants: MERCHANTS },
    [pay(0, 'm1', 1), pay(1, 'm2', 1), pay(2, 'm3', 1), pay(3, null, 1)]);
    expect(alerts.map(({ at, fields }) => [at / 1000, fields['risk'], fields['country']])).toEqual([[0, 0.9, 'FR'], [2, null, 'none'], [3, null, 'none']]);
  });
  test('is one of what a later condition compares with what was bound', () => {
    const { alerts } = same(`${PAY} rule R { by card match all a -> b within 1h a: Pay b: Pay where merchants[merchant].country == merchants[a.merchant].country alert ch { b: b.merchant } }`,
      { merchants: [{ id: 'm1', risk: 1, country: 'FR' }, { id: 'm2', risk: 1, country: 'IT' }, { id: 'm3', risk: 1, country: 'FR' }] }, [pay(0, 'm1', 1), pay(1, 'm2', 1), pay(2, 'm3', 1), pay(3, 'm2', 1)]);
    expect(alerts.map(({ from, to }) => [from / 1000, to / 1000])).toEqual([[0, 2], [1, 3]]);
  });
  test('gives a part of the key; an event without a row is seen by nobody and counted', () => {
    const { alerts, engine } = same(`${PAY} rule R { by country = merchants[merchant].country match all a{2} a: Pay alert ch { country, n: count(a) } }`, { merchants: MERCHANTS },
      [pay(0, 'm1', 1), pay(1, 'm2', 1), pay(2, 'm9', 1), pay(3, 'm1', 1)]);
    expect(alerts.map(({ key }) => key)).toEqual([{ country: 'FR' }]);
    expect(engine.stats().rules[0]!.nullKeys).toBe(2);
  });
  test('that is set again holds from the next event on', () => {
    const { alerts } = same(`${PAY} rule R { by card match all p p: Pay where merchants[merchant].risk > 0.5 alert ch { risk: merchants[p.merchant].risk } }`, { merchants: MERCHANTS },
      [pay(0, 'm1', 1), { set: 'merchants', rows: [{ id: 'm2', risk: 0.7 }] }, pay(1, 'm1', 1), pay(2, 'm2', 1)]);
    expect(alerts.map(({ at, fields }) => [at / 1000, fields['risk']])).toEqual([[0, 0.9], [2, 0.7]]);
  });
  test('with `from` gives the row that holds at the event\'s time', () => {
    const { alerts } = same(`event Pay { card: string, amount: float, at: time } time at
      table limits { card: string key, most: float, from: time }
      rule R { by card match all p p: Pay where amount > limits[card].most alert ch { most: limits[card].most } }`,
    { limits: [{ card: 'c1', most: 50, from: s(10) }, { card: 'c1', most: 10, from: s(0) }] }, [0, 5, 10, 11].map((t) => ({ type: 'Pay', at: s(t), card: 'c1', amount: t === 11 ? 60 : 20 })));
    expect(alerts.map(({ at, fields }) => [at / 1000, fields['most']])).toEqual([[0, 10], [5, 10], [11, 50]]);
  });
  test('that is not declared, or a row that does not fit, is an error', () => {
    const job = new Job(planOf(`${PAY} rule R { by card match p p: Pay where merchants[merchant].risk > 0 alert ch { card } }`));
    expect(() => { job.engine.setTable('merchant', []); }).toThrow('There is no table "merchant". Declared: merchants.');
    expect(() => { job.engine.setTable('merchants', [{ id: 'm1', risk: 'high' }]); }).toThrow('row 1: "risk"');
  });
});

const DEVICES = `event Reading { sensor: string, v: float, at: time } time at
  table sensors { sensor: string key, interval: duration, site: string? }`;
const reading = (seconds: number, sensor: string, v = 0): Event => ({ type: 'Reading', at: s(seconds), sensor, v });

describe('a duration from a table', () => {
  const text = `${DEVICES} rule Silent { by sensor match reading -> not again for 3 * sensors[sensor].interval reading, again: Reading alert ch { sensor } }`;
  test('bounds a silence: each device by its own interval', () => {
    const { alerts } = same(text, { sensors: [{ sensor: 'a', interval: s(1) }, { sensor: 'b', interval: s(10) }] }, [reading(0, 'a'), reading(0, 'b'), reading(2, 'a'), reading(20, 'b'), reading(100, 'x')]);
    expect(alerts.map(({ at, key }) => [at / 1000, key['sensor']])).toEqual([[5, 'a'], [50, 'b']]);
  });
  test('is read once, when its span starts', () => {
    const { alerts } = same(text, { sensors: [{ sensor: 'a', interval: s(2) }] },
      [reading(0, 'a'), { set: 'sensors', rows: [{ sensor: 'a', interval: s(10) }] }, reading(20, 'a'), { set: 'sensors', rows: [{ sensor: 'a', interval: s(1) }] }, reading(60, 'z')]);
    expect(alerts.map(({ at }) => at / 1000)).toEqual([6, 50]);
  });
  const slower = { set: 'sensors', rows: [{ sensor: 'a', interval: s(100) }] };
  const faster = { set: 'sensors', rows: [{ sensor: 'a', interval: s(1) }] };
  test('bounds a whole match as it was when its first event came', () => {
    const { alerts } = same(`${DEVICES} rule R { by sensor match all a -> b within sensors[sensor].interval a: Reading where v == 1 b: Reading where v == 2 alert ch { sensor } }`,
      { sensors: [{ sensor: 'a', interval: s(10) }] }, [reading(0, 'a', 1), faster, reading(9, 'a', 2), reading(20, 'a', 1), slower, reading(21, 'a', 2), reading(30, 'a', 1), reading(129, 'a', 2), reading(140, 'a', 1), faster, reading(241, 'a', 2)]);
    expect(alerts.map(({ from, to }) => [from / 1000, to / 1000])).toEqual([[0, 9], [30, 129]]);
  });
  test('ends an absence as it was when its first event came', () => {
    const { alerts } = same(`${DEVICES} rule R { by sensor match all a -> not b within sensors[sensor].interval a: Reading where v == 1 b: Reading where v == 2 alert ch { sensor } }`,
      { sensors: [{ sensor: 'a', interval: s(10) }] }, [reading(0, 'a', 1), slower, reading(30, 'a', 1), faster, reading(31, 'z'), reading(200, 'z')]);
    expect(alerts.map(({ to }) => to / 1000)).toEqual([10, 130]);
  });
  test('bounds the gap behind an event as it was when that event came', () => {
    const { alerts } = same(`${DEVICES} rule R { by sensor match all a -> b -> c gap sensors[sensor].interval a: Reading where v == 1 b: Reading where v == 2 c: Reading where v == 3 alert ch { sensor } }`,
      { sensors: [{ sensor: 'a', interval: s(10) }] }, [reading(0, 'a', 1), slower, reading(9, 'a', 2), faster, reading(108, 'a', 3), reading(200, 'a', 1), slower, reading(202, 'a', 2), reading(203, 'a', 3)]);
    expect(alerts.map(({ from, to }) => [from / 1000, to / 1000])).toEqual([[0, 108]]);
  });
  test('ends a session as the last event in it says', () => {
    const { alerts } = same(`${DEVICES} rule R { by sensor match all a -> b within session sensors[sensor].interval a: Reading where v == 1 b: Reading where v == 2 alert ch { sensor } }`,
      { sensors: [{ sensor: 'a', interval: s(10) }] }, [reading(0, 'a', 1), faster, reading(9, 'a', 2), reading(20, 'a', 1), slower, reading(22, 'a', 2), reading(30, 'a', 1), faster, reading(129, 'a', 2)]);
    expect(alerts.map(({ from, to }) => [from / 1000, to / 1000])).toEqual([[0, 9], [30, 129]]);
  });
  test('what ends a session may come nearer', () => {
    const { alerts } = same(`${DEVICES} rule R { by sensor match all a -> b within session sensors[sensor].interval a: Reading where v == 1 b: Reading where v == 2 alert ch { sensor } on timeout alert late { sensor } }`,
      { sensors: [{ sensor: 'a', interval: s(100) }] }, [reading(0, 'a', 1), faster, reading(5, 'a'), reading(50, 'z'), slower, reading(60, 'a', 1), reading(100, 'a', 2)]);
    expect(alerts.map(({ kind, at }) => [kind, at / 1000])).toEqual([['timeout', 6], ['match', 100]]);
  });
  test('may read the first event', () => {
    const { alerts } = same(`${DEVICES} event Job { sensor: string, most: duration?, at: time } time at
      rule R { by sensor match all a -> b within a.most a: Job b: Reading on timeout alert late { sensor } alert ch { sensor } }`, {},
      [{ type: 'Job', sensor: 'a', most: s(10), at: 0 }, reading(9, 'a'), { type: 'Job', sensor: 'a', most: s(2), at: s(20) }, reading(30, 'a'), { type: 'Job', sensor: 'a', at: s(40) }, reading(900, 'a')]);
    expect(alerts.map(({ kind, from, at }) => [kind, from / 1000, at / 1000])).toEqual([['match', 0, 9], ['timeout', 20, 22], ['match', 40, 900]]);
  });
  test('bounds a step from the one before it', () => {
    const { alerts } = same(`${DEVICES} rule R { by sensor match all a -> b a: Reading where v == 1 b: Reading where v == 2 within sensors[sensor].interval of a alert ch { sensor } }`,
      { sensors: [{ sensor: 'a', interval: s(5) }] }, [reading(0, 'a', 1), { set: 'sensors', rows: [{ sensor: 'a', interval: s(1) }] }, reading(4, 'a', 2), reading(5, 'a', 1), reading(7, 'a', 2)]);
    expect(alerts.map(({ from, to }) => [from / 1000, to / 1000])).toEqual([[0, 4]]);
  });
});

describe('a roster', () => {
  const text = `${DEVICES} rule Never { by sensor from sensors match not reading for 5s reading: Reading alert ch { sensor, since: timeOf(reading), v: reading.v } }`;
  const rows = [{ sensor: 'a', interval: 0 }, { sensor: 'b', interval: 0 }];
  test('gives each row a clock from the first event on: a device that never spoke is silent too', () => {
    const { alerts } = same(text, { sensors: rows }, [reading(10, 'a', 7), reading(12, 'x'), reading(30, 'a', 8)]);
    expect(alerts.map(({ at, key, fields }) => [at / 1000, key['sensor'], fields['v'], fields['since']])).toEqual([
      [15, 'b', null, '1970-01-01T00:00:10.000Z'], [15, 'a', 7, '1970-01-01T00:00:10.000Z'], [17, 'x', 0, '1970-01-01T00:00:12.000Z'], [35, 'a', 8, '1970-01-01T00:00:30.000Z'],
    ]);
    expect(alerts.map(({ from, events }) => [from / 1000, (events ?? []).length])).toEqual([[10, 0], [10, 1], [12, 1], [30, 1]]);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(4);
  });
  test('rows that are added start when they come, rows that go stop', () => {
    const { alerts } = same(text, { sensors: rows }, [
      reading(0, 'a'), reading(2, 'a'), { set: 'sensors', rows: [{ sensor: 'a', interval: 0 }, { sensor: 'c', interval: 0 }] }, reading(4, 'a'), { set: 'sensors', rows: [{ sensor: 'c', interval: 0 }] }, reading(60, 'x'),
    ]);
    // b went before its five seconds were over; a's reading of 4 s went with its row; c came at 2 s.
    expect(alerts.map(({ at, key }) => [at / 1000, key['sensor']])).toEqual([[7, 'c'], [65, 'x']]);
  });
  test('starts when a table comes late, and at the watermark where no event does', () => {
    const late = play(text, {}, [reading(0, 'x'), { set: 'sensors', rows }]);
    expect(late.alerts.map(({ at, key }) => [at / 1000, key['sensor']])).toEqual([[5, 'x'], [5, 'a'], [5, 'b']]);
    const job = new Job(planOf(text), { watermarks: 'given' });
    job.engine.setTable('sensors', rows);
    job.engine.advance(s(100));
    job.engine.advance(s(105));
    expect(job.alerts.map(({ at, key }) => [at / 1000, key['sensor']])).toEqual([[105, 'a'], [105, 'b']]);
  });
  test('is of the engine\'s own keys only, where it has a part of them', () => {
    const job = new Job(planOf(text), { ownsKey: (_rule, key) => key['sensor'] === 'b' });
    job.engine.setTable('sensors', rows);
    job.push([reading(0, 'x')]);
    job.engine.advance(Infinity);
    expect(job.alerts.map(({ key }) => key['sensor'])).toEqual(['b', 'x']);
  });
  test('goes on with a pattern after the silence', () => {
    const { alerts } = same(`${DEVICES} rule Back { by sensor from sensors match not reading for 5s -> back within 1h reading, back: Reading alert ch { sensor, v: back.v } }`, { sensors: rows },
      [reading(0, 'x'), reading(20, 'b', 3)]);
    expect(alerts.map(({ at, key, fields }) => [at / 1000, key['sensor'], fields['v']])).toEqual([[20, 'b', 3]]);
  });
});
