import { describe, expect, test } from '@jest/globals';
import { boundOf, ev, Job, planOf, run, runCut, TYPES } from './harness.ts';

const rule = (body: string, name = 'R'): string => `rule ${name} { by k ${body} }`;

describe('order of events', () => {
  const text = TYPES + rule('match a -> b -> c within 1h a: A b: B c: C alert ch { k }');
  test('events out of order within the lateness are processed in event-time order', () => {
    const { alerts, stats } = runCut(text, [ev('C', 20), ev('A', 12), ev('B', 15), ev('A', 40), ev('C', 31), ev('B', 45)], { lateness: 10_000 });
    expect(boundOf(alerts)).toEqual([[0, 1, 2]]);
    expect(alerts[0]!.at).toBe(20_000);
    expect(stats.late).toBe(0);
  });
  test('events of one time are processed in the order of their offsets', () => {
    const two = TYPES + rule('match x => y => z within 1h x: A y: B z: C alert ch { k }');
    expect(boundOf(runCut(two, [ev('A', 5), ev('B', 5), ev('C', 5)], { lateness: 3000 }).alerts)).toEqual([[0, 1, 2]]);
  });
  // Section 4: events of a key "with equal times [are processed] in the order of source (as listed), partition, offset".
  test('events of one time are processed in the order of their sources', () => {
    const job = new Job(planOf(TYPES + rule('match x => y within 1h x: A y: B alert ch { k }')), { lateness: 10_000 });
    job.push([ev('B', 5)], 0, 1);
    job.push([ev('A', 5)], 0, 0);
    job.engine.advance(Infinity);
    expect(job.alerts).toHaveLength(1);
  });
  test('late events are counted, given to onLate, and kept off the patterns', () => {
    const { alerts, late, stats } = runCut(text, [ev('A', 0), ev('C', 30), ev('B', 20), ev('B', 19.999), ev('C', 31)], { lateness: 10_000 });
    expect([late, stats.late]).toEqual([[3], 1]);
    expect(boundOf(alerts)).toEqual([[0, 1, 2]]);
    const none = runCut(text, [ev('A', 10), ev('B', 9), ev('A', 10), ev('B', 11)]);
    expect([none.late, none.stats.late, none.stats.events]).toEqual([[1], 1, 3]);
  });
  test('an event at exactly the watermark is not late', () => {
    expect(run(text, [ev('A', 30), ev('A', 20)], { lateness: 10_000 }).late).toEqual([]);
  });
});

describe('timers', () => {
  const absence = TYPES + rule('match a -> not b within 10s a: A b: B alert ch { k }');
  test('an absence completes exactly when its bound ends; an event there is outside', () => {
    const { alerts } = runCut(absence, [ev('A', 0), ev('B', 10)]);
    expect(alerts.map((a) => [a.at, a.from, a.to])).toEqual([[10_000, 0, 10_000]]);
    expect(runCut(absence, [ev('A', 0), ev('B', 9.999)]).alerts).toEqual([]);
  });
  test('an absence waits for the watermark, and for nothing else', () => {
    const plan = planOf(absence);
    const job = new Job(plan);
    job.push([ev('A', 0)]);
    job.engine.advance(9_999);
    expect(job.alerts).toHaveLength(0);
    job.engine.advance(10_000);
    expect(job.alerts.map((a) => a.at)).toEqual([10_000]);
    job.engine.advance(Infinity);
    expect(job.alerts).toHaveLength(1);
  });
  test('with lateness an absence waits for the watermark', () => {
    const events = [ev('A', 0), ev('A', 14, { k: 'k2' }), ev('B', 9), ev('A', 40, { k: 'k2' })];
    const { alerts } = runCut(absence, events, { lateness: 5000 });
    expect(alerts.map((a) => [a.key['k'], a.at / 1000])).toEqual([['k2', 24], ['k2', 50]]);
  });
  test('the first bound to end completes an absence', () => {
    const text = TYPES + rule('match a -> not b within 10s gap 4s a: A b: B alert ch { k }');
    expect(runCut(text, [ev('A', 0), ev('B', 4)]).alerts.map((a) => a.at)).toEqual([4000]);
  });
  test('silence completes when its span has passed, and a b before that ends the run', () => {
    const text = TYPES + rule('match a -> not b for 5s -> c within 1h a: A b: B c: C alert ch { k }');
    expect(boundOf(runCut(text, [ev('A', 0), ev('C', 4.999), ev('B', 5), ev('C', 5)]).alerts)).toEqual([[0, 3]]);
    expect(boundOf(runCut(text, [ev('A', 0), ev('B', 4.999), ev('C', 6)]).alerts)).toEqual([]);
  });
  test('silence at the start: each b starts the clock anew, and it fires once a clock', () => {
    const text = TYPES + rule('match not b for 5s b: B alert ch { v: b.v }');
    const { alerts } = runCut(text, [ev('B', 0, { v: 1 }), ev('B', 4, { v: 2 }), ev('B', 9, { v: 3 }), ev('A', 30)]);
    expect(alerts.map((a) => [a.at / 1000, a.from / 1000, a.fields['v']])).toEqual([[9, 4, 2], [14, 9, 3]]);
  });
  test('when a bound ends at the same time, the silence completes first', () => {
    const text = TYPES + rule('match a -> not b for 10s within 10s a: A b: B alert ch { k } on timeout alert late { k }');
    expect(runCut(text, [ev('A', 0)]).alerts.map((a) => [a.channel, a.at])).toEqual([['ch', 10_000]]);
  });
  test('within and gap are half-open', () => {
    const within = TYPES + rule('match a -> b within 10s a: A b: B alert ch { k } on timeout alert late { k }');
    expect(runCut(within, [ev('A', 0), ev('B', 9.999), ev('A', 20), ev('B', 30)]).alerts.map((a) => [a.channel, a.at])).toEqual([['ch', 9999], ['late', 30_000]]);
    const gap = TYPES + rule('match a -> b -> c gap 5s a: A b: B c: C alert ch { k }');
    expect(boundOf(runCut(gap, [ev('A', 0), ev('B', 4.9), ev('C', 9.8), ev('A', 20), ev('B', 24), ev('C', 29)]).alerts)).toEqual([[0, 1, 2]]);
  });
  test('a session ends after its gap without an event the rule sees', () => {
    const text = TYPES + rule('on A, B, C match a -> b within session 5s a: A b: B alert ch { k } on timeout alert late { k }');
    const { alerts } = runCut(text, [ev('A', 0), ev('C', 4), ev('B', 8), ev('A', 20), ev('B', 25)]);
    expect(alerts.map((a) => [a.channel, a.at / 1000])).toEqual([['ch', 8], ['late', 25]]);
  });
});

describe('order of alerts', () => {
  const text = TYPES
    + rule('match x x: B alert ch { k }', 'Seen')
    + rule('match a -> not c within 10s a: A c: C alert ch { k }', 'Absent1')
    + rule('match x x: B alert one { k } alert two { k }', 'Seen2')
    + rule('match a -> not c within 5s a: A c: C alert ch { k }', 'Absent2');
  test('timers before events, timers of one time by first event, then rules in file order, then clauses', () => {
    const { alerts } = runCut(text, [ev('A', 0), ev('A', 5, { k: 'k2' }), ev('B', 10)]);
    expect(alerts.map((a) => `${a.at / 1000} ${a.rule} ${a.channel} ${String(a.key['k'])}`)).toEqual([
      '5 Absent2 ch k1', '10 Absent1 ch k1', '10 Absent2 ch k2', '10 Seen ch k1', '10 Seen2 one k1', '10 Seen2 two k1', '15 Absent1 ch k2',
    ]);
  });
  test('runs that complete at one event: earliest first event first', () => {
    const all = TYPES + rule('match all a -> b within 1h a: A b: B alert ch { k }');
    expect(boundOf(runCut(all, [ev('A', 0), ev('A', 0), ev('A', 1), ev('B', 1)]).alerts)).toEqual([[0, 3], [1, 3], [2, 3]]);
  });
  test('timers of one time and one first event come in rule order', () => {
    const two = TYPES + rule('match a -> not c within 5s a: A c: C alert ch { k }', 'Z') + rule('match a -> not c within 5s a: A c: C alert ch { k }', 'Y');
    expect(runCut(two, [ev('A', 0), ev('A', 0, { k: 'k2' })]).alerts.map((a) => [a.rule, a.key['k']])).toEqual([['Z', 'k1'], ['Y', 'k1'], ['Z', 'k2'], ['Y', 'k2']]);
  });
});
