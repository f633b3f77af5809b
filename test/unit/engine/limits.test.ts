import { describe, expect, test } from '@jest/globals';
import { boundOf, ev, run, runCut, TYPES } from './harness.ts';

describe('keep', () => {
  const keep = (clause: string): string => `${TYPES} rule R { by k keep ${clause} match all a -> b within 1h a: A b: B alert ch { k } }`;
  const events = [ev('A', 0), ev('A', 1), ev('A', 2), ev('A', 3), ev('B', 4), ev('A', 5), ev('B', 6)];

  test('drop oldest ends the runs with the earliest start, counts them and marks the next alert', () => {
    const { alerts, stats } = runCut(keep('2 events drop oldest'), events);
    expect(boundOf(alerts)).toEqual([[2, 4], [3, 4], [5, 6]]);
    expect(alerts.map((a) => a.dropped)).toEqual([2, 0, 0]);
    expect(stats.rules[0]!.dropped).toBe(2);
  });
  test('drop oldest is the default', () => {
    expect(boundOf(run(keep('2 events'), events).alerts)).toEqual([[2, 4], [3, 4], [5, 6]]);
  });
  test('drop newest does not bind an event that does not fit', () => {
    expect(boundOf(runCut(keep('2 events drop newest'), events.slice(0, 5)).alerts)).toEqual([[0, 4], [1, 4]]);
  });
  // Section 2, `keep`: "It counts distinct events held by runs that are still open and can still be reported", and section 3: "`->`: no event strictly
  // between them could have been the second".
  test('drop newest: a run that an event completed is over, and leaves room', () => {
    const { alerts, stats } = runCut(keep('2 events drop newest'), events);
    expect(boundOf(alerts)).toEqual([[0, 4], [1, 4], [5, 6]]);
    expect(alerts.map((a) => a.dropped)).toEqual([2, 0, 0]);
    expect(stats.rules[0]!.dropped).toBe(2);
  });
  test('the default holds 10,000 events', () => {
    const text = `${TYPES} rule R { by k evidence refs match all a -> b within 10h a: A b: B alert ch { k } }`;
    const starts = Array.from({ length: 10_003 }, (_, i) => ev('A', i));
    const { alerts, stats } = run(text, [...starts, ev('B', 10_003)]);
    expect(alerts).toHaveLength(10_000);
    expect(boundOf(alerts.slice(0, 1))).toEqual([[3, 10_003]]);
    expect([alerts[0]!.dropped, alerts[1]!.dropped, stats.rules[0]!.dropped]).toEqual([3, 0, 3]);
  });
  test('keys are counted apart', () => {
    const { alerts } = runCut(keep('1 events'), [ev('A', 0), ev('A', 1, { k: 'k2' }), ev('B', 2), ev('B', 3, { k: 'k2' })]);
    expect(alerts.map((a) => [a.key['k'], a.dropped])).toEqual([['k1', 0], ['k2', 0]]);
  });
  test('the mark stays for a key that was silent for longer than its runs live', () => {
    const { alerts } = run(keep('2 events'), [...events.slice(0, 4), ev('A', 9_000, { k: 'k2' }), ev('A', 20_000), ev('B', 20_001)]);
    expect(alerts.map((a) => a.dropped)).toEqual([2]);
  });
});

describe('limit', () => {
  const limit = (clause: string): string => `${TYPES} rule R { by k limit ${clause} match a a: A alert ch { k, v: a.v } }`;

  test('lets n through in the span from the first, counts the rest and tells the next alert', () => {
    const events = [0, 1, 2, 9, 10, 11, 12, 20].map((t) => ev('A', t));
    const { alerts, stats } = runCut(limit('2 per 10s'), events);
    expect(alerts.map((a) => [a.at / 1000, a.suppressed])).toEqual([[0, 0], [1, 0], [10, 2], [11, 0], [20, 1]]);
    expect(stats.rules[0]!).toMatchObject({ suppressed: 3, alerts: 5 });
  });
  test('by an expression: each value has its own count', () => {
    const events = [ev('A', 0, { v: 1 }), ev('A', 1, { v: 2 }), ev('A', 2, { v: 1 }), ev('A', 10, { v: 1 }), ev('A', 11, { v: 2 })];
    const { alerts } = runCut(limit('1 per 10s by a.v'), events);
    expect(alerts.map((a) => [a.at / 1000, a.fields['v'], a.suppressed])).toEqual([[0, 1, 0], [1, 2, 0], [10, 1, 1], [11, 2, 0]]);
  });
  test('each key has its own count', () => {
    const { alerts } = runCut(limit('1 per 1h'), [ev('A', 0), ev('A', 1, { k: 'k2' }), ev('A', 2), ev('A', 3, { k: 'k2' })]);
    expect(alerts.map((a) => a.key['k'])).toEqual(['k1', 'k2']);
  });
  test('counts timeouts too, and does not count emit', () => {
    const text = `${TYPES} event D { k: string, at: time } time at
      rule R { by k limit 1 per 1h match a -> b within 10s a: A b: B alert ch { k } on timeout alert late { k } emit D { k } on timeout emit D { k } }`;
    const { alerts, derived } = runCut(text, [ev('A', 0), ev('B', 1), ev('A', 2), ev('A', 30), ev('B', 31)]);
    expect(alerts.map((a) => [a.channel, a.at / 1000])).toEqual([['ch', 1]]);
    expect(derived.map((d) => [d.timeout, d.at / 1000])).toEqual([[false, 1], [true, 12], [false, 31]]);
  });
});

describe('severity, modes, evidence', () => {
  const rule = (clauses: string): string => `${TYPES} rule R { by k ${clauses} match a -> b within 1h a: A b: B alert ch { k } }`;

  test('severity may depend on the match', () => {
    const { alerts } = run(rule('severity if b.v > 10 then critical else low'), [ev('A', 0), ev('B', 1, { v: 11 }), ev('A', 2), ev('B', 3, { v: 10 }), ev('A', 4), ev('B', 5)]);
    expect(alerts.map((a) => a.severity)).toEqual(['critical', 'low', 'low']);
  });
  test('evidence full gives the events as they came in', () => {
    const a = ev('A', 0, { extra: [1, { deep: 'ü' }] });
    const b = ev('B', 1);
    const [alert] = runCut(rule('evidence full'), [a, b]).alerts;
    expect(alert!.events!.map(({ stage, events }) => [stage, events.map((e) => e.text)])).toEqual([['a', [JSON.stringify(a)]], ['b', [JSON.stringify(b)]]]);
    expect(run(rule(''), [a, b]).alerts).toEqual([alert]);
  });
  test('evidence refs gives where they came from', () => {
    const [alert] = runCut(rule('evidence refs'), [ev('C', 0), ev('A', 1), ev('B', 2)]).alerts;
    expect(alert!.events).toEqual([
      { stage: 'a', events: [{ text: undefined, type: 'A', time: 1000, source: 0, partition: 0, offset: 1 }] },
      { stage: 'b', events: [{ text: undefined, type: 'B', time: 2000, source: 0, partition: 0, offset: 2 }] },
    ]);
  });
  test('evidence none gives nothing, and the same ids', () => {
    const [alert] = runCut(rule('evidence none'), [ev('A', 0), ev('B', 1)]).alerts;
    expect(alert!.events).toBeUndefined();
    expect(alert!.id).toBe(run(rule(''), [ev('A', 0), ev('B', 1)]).alerts[0]!.id);
  });
  test('shadow marks every alert, off gives none, live is the default', () => {
    const events = [ev('A', 0), ev('B', 1)];
    expect(run(rule('mode shadow'), events).alerts.map((a) => a.shadow)).toEqual([true]);
    expect(run(rule(''), events).alerts.map((a) => a.shadow)).toEqual([false]);
    expect(run(rule('mode off'), events).alerts).toEqual([]);
  });
  test('canary is live for its share of keys, always the same ones', () => {
    const events = Array.from({ length: 4000 }, (_, i) => ev('A', i, { k: `key${i % 2000}` }));
    const { alerts } = run(`${TYPES} rule R { by k mode canary 20% match a a: A alert ch { k } }`, events);
    expect(alerts).toHaveLength(4000);
    const live = (from: number): unknown[] => alerts.slice(from, from + 2000).filter((a) => !a.shadow).map((a) => a.key['k']);
    expect(live(0)).toEqual(live(2000));
    expect(live(0).length).toBeGreaterThan(300);
    expect(live(0).length).toBeLessThan(500);
  });
  test('derived events of a shadow match are read by shadow rules only', () => {
    const text = `${TYPES} event D { k: string, at: time } time at
      rule R { by k mode shadow match a a: A emit D { k } }
      rule Live { by k match d d: D alert ch { k } }
      rule Shadow { by k mode shadow match d d: D alert ch { k } }`;
    expect(run(text, [ev('A', 0)]).log).toEqual(['D', 'Shadow']);
  });
});
