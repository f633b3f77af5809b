import { describe, expect, test } from '@jest/globals';
import { ev, run, runCut, TYPES } from './harness.ts';

describe('on timeout', () => {
  const text = `${TYPES} event Gone { k: string, at: time } time at
    rule R { by k match a -> b -> c within 10s a: A b: B c: C
      alert done { k } on timeout alert open { k, b: b.v } on timeout emit Gone { k } }
    rule S { by k match g g: Gone alert gone { k } }`;
  test('alerts and emits once for each first event, at the time its bound ends, with the run that got furthest', () => {
    const { alerts, derived } = runCut(text, [ev('A', 0), ev('B', 3, { v: 7 }), ev('A', 5), ev('A', 30, { k: 'k2' })]);
    expect(alerts.filter((a) => a.rule === 'R').map((a) => [a.kind, a.channel, a.at / 1000, a.from / 1000, a.fields['b'], a.events!.map((e) => e.stage)])).toEqual([
      ['timeout', 'open', 10, 0, 7, ['a', 'b']], ['timeout', 'open', 15, 5, null, ['a']], ['timeout', 'open', 40, 30, null, ['a']],
    ]);
    expect(derived.map((d) => [d.type, d.at / 1000, d.timeout, d.fields['at']])).toEqual([
      ['Gone', 10, true, '1970-01-01T00:00:10.000Z'], ['Gone', 15, true, '1970-01-01T00:00:15.000Z'], ['Gone', 40, true, '1970-01-01T00:00:40.000Z'],
    ]);
    expect(alerts.filter((a) => a.rule === 'S').map((a) => a.at / 1000)).toEqual([10, 15, 40]);
  });
  test('a first event from which something was reported does not time out', () => {
    const { alerts } = runCut(text, [ev('A', 0), ev('B', 1), ev('C', 2), ev('C', 50)]);
    expect(alerts.map((a) => a.channel)).toEqual(['done']);
  });
  test('a run ended by a ban does not time out', () => {
    const banned = `${TYPES} rule R { by k match a -> not b -> c within 10s a: A b: B c: C alert done { k } on timeout alert open { k } }`;
    const { alerts, stats } = runCut(banned, [ev('A', 0), ev('B', 1), ev('A', 20)]);
    expect(alerts.map((a) => [a.channel, a.at / 1000])).toEqual([['open', 30]]);
    expect(stats.rules[0]!.timedOut).toBe(0);
  });
});

describe('emit', () => {
  const chain = `${TYPES}
    event D { k: string, n: float?, at: time } time at
    event E { g: string, at: time } time at
    rule First { by k match a a: A emit D { k, n: a.v } alert ch { k } }
    rule Second { by n match d d: D where n is not null emit E { g: concat("g", d.k) } alert ch { n } }
    rule Third { by g match e{2} within 1h e: E alert ch { g, n: count(e) } }
    rule Both { by k match x -> y within 1h x: A y: D alert ch { k } }`;
  test('chains in event-time order through two levels with other keys', () => {
    const { log, alerts, derived } = runCut(chain, [ev('A', 0, { v: 1 }), ev('A', 1, { v: 2, k: 'k2' }), ev('A', 2, { v: 3 })]);
    expect(log.slice(0, 5)).toEqual(['D', 'First', 'E', 'Second', 'Both']);
    expect(alerts.find((a) => a.rule === 'Third')).toMatchObject({ at: 2000, from: 0, key: { g: 'gk1' }, fields: { n: 2 } });
    expect(derived.map((d) => [d.type, d.at])).toEqual([['D', 0], ['E', 0], ['D', 1000], ['E', 1000], ['D', 2000], ['E', 2000]]);
  });
  test('a rule that reads both sees the cause first, and the derived event before the next cause', () => {
    const text = `${TYPES} event D { k: string, at: time } time at
      rule Out { by k match a a: A emit D { k } }
      rule In { by k match x => y => z => w within 1h x: A y: D z: A w: D alert ch { k } }`;
    const { alerts } = runCut(text, [ev('A', 0), ev('A', 0, { v: 2 })]);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]!.events!.flatMap((e) => e.events.map((b) => b.type))).toEqual(['A', 'D', 'A', 'D']);
  });
  // Section 5: an event's identity is "a hash of its bytes and its number among byte-equal events of that key and time".
  test('byte-equal derived events of one time are different events: alerts on them have different ids', () => {
    const text = `${TYPES} event D { k: string, at: time } time at
      rule Out { by k match a a: A emit D { k } }
      rule In { by k match d d: D alert ch { k } }`;
    const { alerts } = run(text, [ev('A', 0, { v: 1 }), ev('A', 0, { v: 2 })]);
    expect(alerts).toHaveLength(2);
    expect(new Set(alerts.map((a) => a.id)).size).toBe(2);
  });
});

describe('derived events, through features and windows', () => {
  const text = `${TYPES}
    event D { k: string, v: float?, at: time } time at
    event E { g: string, n: float?, at: time } time at
    feature made = count() of D by k
    feature last = last(n) of E by g
    rule First  { by k match all a a: A emit D { k, v: a.v } alert ch { made } }
    rule Second { by k match all d d: D where made < 2 emit E { g: "all", n: made } alert ch { made } }
    rule Third  { by g on E window tumbling 10s alert ch { g, n: count(), most: max(n) } }
    rule Fourth { by g match all e e: E alert ch { g, last } }
    rule After  { by k match all b b: B where made >= 3 alert ch { made } }`;
  test('a feature has the cause\'s events only once they come: before it for conditions, after it for reports', () => {
    const { alerts, derived } = runCut(text, [ev('A', 0), ev('A', 0, { k: 'k2' }), ev('A', 1), ev('B', 1), ev('A', 2), ev('B', 2), ev('B', 30)]);
    const of = (rule: string): unknown[] => alerts.filter((alert) => alert.rule === rule).map(({ at, key, fields }) => [at / 1000, ...Object.values(key), ...Object.values(fields)]);
    // The D of an A comes after the A: the report on the A does not have it yet.
    expect(of('First')).toEqual([[0, 'k1', 0], [0, 'k2', 0], [1, 'k1', 1], [2, 'k1', 2]]);
    // The third D of k1 sees two before it.
    expect(of('Second')).toEqual([[0, 'k1', 1], [0, 'k2', 1], [1, 'k1', 2]]);
    expect(of('Fourth')).toEqual([[0, 'all', 'all', 1], [0, 'all', 'all', 1], [1, 'all', 'all', 2]]);
    expect(of('After')).toEqual([[2, 'k1', 3], [30, 'k1', 3]]);
    expect(of('Third')).toEqual([[10, 'all', 'all', 3, 2]]);
    expect(derived.map(({ type, at }) => [type, at / 1000])).toEqual([['D', 0], ['E', 0], ['D', 0], ['E', 0], ['D', 1], ['E', 1], ['D', 2]]);
  });
  test('what a window\'s end makes comes before the event that ended it', () => {
    const windowed = `${TYPES} event D { k: string, n: int, at: time } time at
      feature ends = sum(n) of D by k
      rule Count { by k on A window tumbling 10s emit D { k, n: count() } }
      rule Seen  { by k match all d d: D alert ch { n: d.n, ends } }
      rule Later { by k match all b b: B alert ch { ends } }`;
    const { log, alerts } = runCut(windowed, [ev('A', 1), ev('A', 2), ev('B', 9), ev('B', 10), ev('A', 15), ev('B', 40)]);
    expect(log).toEqual(['Later', 'D', 'Seen', 'Later', 'D', 'Seen', 'Later']);
    expect(alerts.map(({ at, fields }) => [at / 1000, fields['ends']])).toEqual([[9, 0], [10, 2], [10, 2], [20, 3], [40, 3]]);
  });
  test('events of a shadow match are no part of the features that live rules read', () => {
    const shadowed = `${TYPES} event D { k: string, at: time } time at
      feature made = count() of D by k
      rule Out  { by k mode shadow match all a a: A emit D { k } }
      rule Live { by k match all b b: B alert ch { made } }`;
    expect(runCut(shadowed, [ev('A', 0), ev('A', 1), ev('B', 2)]).alerts.map(({ fields }) => fields)).toEqual([{ made: 0 }]);
  });
});
