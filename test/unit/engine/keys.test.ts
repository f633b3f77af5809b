import { describe, expect, test } from '@jest/globals';
import { boundOf, ev, Job, planOf, run, runCut, TYPES } from './harness.ts';

describe('keys', () => {
  test('an event whose key is null is not seen, and counted', () => {
    const text = `${TYPES} rule R { by k match a => b within 1h a: A b: B alert ch { k } }`;
    const { alerts, stats } = runCut(text, [ev('A', 0), ev('A', 1, { k: null }), ev('B', 2, { k: undefined }), ev('B', 3)]);
    expect(boundOf(alerts)).toEqual([[0, 3]]);
    expect(stats.rules[0]!.nullKeys).toBe(2);
  });
  test('a part that is null is enough', () => {
    const text = `${TYPES} rule R { by k, v match a a: A alert ch { k, v } }`;
    const { alerts, stats } = runCut(text, [ev('A', 0), ev('A', 1, { v: 1 }), ev('A', 2, { k: null, v: 1 })]);
    expect(alerts.map((a) => a.key)).toEqual([{ k: 'k1', v: 1 }]);
    expect(stats.rules[0]!.nullKeys).toBe(2);
  });
  // Section 2, `by`: "An event whose key or a part of it is null is not seen by the rule; it is counted."
  test('null keys are counted also where no condition holds', () => {
    const text = `${TYPES} rule R { by k match a -> b within 1h a: A where v > 5 b: B alert ch { k } }`;
    expect(run(text, [ev('A', 0, { k: null, v: 1 })]).stats.rules[0]!.nullKeys).toBe(1);
  });
  // Section 2, `by`: "An event whose key or a part of it is null is not seen by the rule; it is counted."
  test('null keys are counted by each of the rules that share a start', () => {
    const text = `${TYPES} ${[1, 2].map((n) => `rule R${n} { by k match a -> b within 1h a: A b: B where v == ${n} alert ch { k } }`).join('\n')}`;
    expect(run(text, [ev('A', 0, { k: null })]).stats.rules.map((r) => r.nullKeys)).toEqual([1, 1]);
  });
  test('no `by`: one global key', () => {
    const { alerts } = runCut(`${TYPES} rule R { match a -> b within 1h a: A b: B alert ch { n: count(a) } }`, [ev('A', 0), ev('B', 1, { k: 'k2' })]);
    expect(alerts.map((a) => a.key)).toEqual([{}]);
  });
  test('another field, or any expression, stands for the key of a type', () => {
    const text = `event P { customer: string, at: time } time at event L { uid: string, at: time } time at
      rule R { by user (P: lower(customer), L: uid) match l -> p within 1h l: L p: P alert ch { user } }`;
    const { alerts } = runCut(text, [{ type: 'L', at: 0, uid: 'ann' }, { type: 'P', at: 1, customer: 'Bob' }, { type: 'P', at: 2, customer: 'ANN' }]);
    expect(alerts.map((a) => [a.key, boundOf([a])[0]])).toEqual([[{ user: 'ann' }, [0, 2]]]);
  });
  test('a key per stage: a stage is tried only on events whose key under it is the run\'s', () => {
    const text = `event T { from: string, to: string, at: time } time at
      rule Chain { by account (credit: to, debit: from) match credit -> debit within 1h credit, debit: T alert ch { account, onward: debit.to } }`;
    const t = (at: number, from: string, to: string): { type: string; at: number; from: string; to: string } => ({ type: 'T', at, from, to });
    const { alerts } = runCut(text, [t(0, 'x', 'm'), t(1, 'y', 'n'), t(2, 'm', 'z'), t(3, 'n', 'n'), t(4, 'z', 'q')]);
    expect(alerts.map((a) => [a.key['account'], boundOf([a])[0]])).toEqual([['m', [0, 2]], ['n', [1, 3]], ['z', [2, 4]]]);
  });
  test('a computed key', () => {
    const { alerts } = runCut(`${TYPES} rule R { by bucket = floor(v / 10) match a{2} within 1h a: A alert ch { bucket } }`,
      [ev('A', 0, { v: 1 }), ev('A', 1, { v: 11 }), ev('A', 2, { v: 9 }), ev('A', 3), ev('A', 4, { v: 19 })]);
    expect(alerts.map((a) => [a.key, boundOf([a])[0]])).toEqual([[{ bucket: 0 }, [0, 2]], [{ bucket: 1 }, [1, 4]]]);
  });
});

describe('on', () => {
  test('an event that is filtered out does not exist for `=>`', () => {
    const rule = (on: string): string => `${TYPES} rule R { by k ${on} match a => b within 1h a: A b: B alert ch { k } }`;
    const events = [ev('A', 0, { v: 5 }), ev('B', 1, { v: -1 }), ev('A', 2, { v: -1 }), ev('B', 3, { v: 5 })];
    expect(boundOf(runCut(rule('on A where v > 0, B where v > 0'), events).alerts)).toEqual([[0, 3]]);
    expect(boundOf(run(rule(''), events).alerts)).toEqual([[0, 1], [2, 3]]);
  });
  test('a type named only in `on` is seen: it breaks `=>`, and an unnamed one does not', () => {
    const rule = (on: string): string => `${TYPES} rule R { by k ${on} match a => b within 1h a: A b: B alert ch { k } }`;
    const events = [ev('A', 0), ev('C', 1), ev('B', 2)];
    expect(boundOf(runCut(rule('on A, B, C'), events).alerts)).toEqual([]);
    expect(boundOf(run(rule(''), events).alerts)).toEqual([[0, 2]]);
  });
});

describe('ids', () => {
  const text = `${TYPES} rule R { by k match all a -> b within 1h a: A b: B alert ch { k } }`;
  test('are the same in every run, whatever else the stream holds', () => {
    const events = [ev('A', 0), ev('A', 1), ev('B', 2), ev('A', 3, { k: 'k2' }), ev('B', 4, { k: 'k2' })];
    const ids = runCut(text, events).alerts.map((a) => a.id);
    expect(new Set(ids).size).toBe(3);
    expect(run(text, events).alerts.map((a) => a.id)).toEqual(ids);
    expect(run(text, [ev('C', 0), ...events.slice(0, 3)]).alerts.map((a) => a.id)).toEqual(ids.slice(0, 2));
  });
  test('byte-equal events of one key and time are told apart', () => {
    const { alerts } = runCut(text, [ev('A', 0), ev('A', 0), ev('B', 1)]);
    expect(alerts).toHaveLength(2);
    expect(alerts[0]!.id).not.toBe(alerts[1]!.id);
  });
  test('byte-equal events are numbered within key and time, not over other events between them', () => {
    const alone = run(text, [ev('A', 0), ev('A', 0), ev('B', 1)]).alerts.map((a) => a.id);
    expect(run(text, [ev('A', 0), ev('A', 0, { k: 'k2' }), ev('C', 0), ev('A', 0), ev('B', 1)]).alerts.map((a) => a.id)).toEqual(alone);
  });
  test('the declared id, not the bytes, is an event\'s identity', () => {
    const rule = `event A { k: string, n: int, w: string?, at: time } time at id n rule R { by k match a a: A alert ch { k } }`;
    const a = (n: number, w: string): { type: string; at: number; k: string; n: number; w: string } => ({ type: 'A', at: 5, k: 'k', n, w });
    const [one, two, three] = run(rule, [a(1, 'x'), a(1, 'y'), a(2, 'x')]).alerts.map((x) => x.id);
    expect(one).toBe(two);
    expect(one).not.toBe(three);
  });
  test('depend on rule, version and kind', () => {
    const of = (body: string, name = 'R'): string => run(`${TYPES} rule ${name} { by k ${body} }`, [ev('A', 0)]).alerts[0]!.id;
    const ids = [
      of('match a a: A alert ch { k }'), of('version 2 match a a: A alert ch { k }'), of('match a a: A alert ch { k }', 'S'),
      of('match a -> b within 1h a: A b: B alert ch { k } on timeout alert ch { k }'),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(of('match a a: A alert other { n: 1 }')).toBe(ids[0]);
  });
});

describe('once within', () => {
  const text = `event A { k: string, n: int, at: time } time at id n once within 10s rule R { by k match a a: A alert ch { k, n: a.n } }`;
  const a = (n: number, t: number): { type: string; at: number; k: string; n: number } => ({ type: 'A', at: t * 1000, k: 'k', n });
  test('a second event with the id inside the span is dropped and counted; the span is half-open', () => {
    const { alerts, stats } = runCut(text, [a(1, 0), a(2, 1), a(1, 2), a(1, 9), a(1, 10), a(2, 10), a(2, 11)]);
    expect(alerts.map((x) => [x.fields['n'], x.at / 1000])).toEqual([[1, 0], [2, 1], [1, 10], [2, 11]]);
    expect(stats.duplicates).toBe(3);
  });
});

describe('params', () => {
  const text = `${TYPES} param big: float = 10 in 0 .. 100 param span: duration = 10s
    rule R { by k match a -> b within span a: A b: B where v > big alert ch { big } }`;
  const events = [ev('A', 0), ev('B', 5, { v: 7 }), ev('B', 15, { v: 11 })];
  test('an override takes the place of the value in conditions, bounds and fields', () => {
    expect(runCut(text, events).alerts).toEqual([]);
    expect(runCut(text, events, { params: { big: 5 } }).alerts.map((x) => [x.at, x.fields['big']])).toEqual([[5000, 5]]);
    expect(runCut(text, events, { params: { span: 20_000 } }).alerts.map((x) => [x.at, x.fields['big']])).toEqual([[15_000, 10]]);
  });
  test('an override outside the bounds, of another type or of no param is refused', () => {
    for (const params of [{ big: 101 }, { big: 'x' }, { none: 1 }]) expect(() => run(text, events, { params: params as never })).toThrow(/big|none/);
  });
  // What a block of events concerns is looked up before any of it is processed: keys come and go in between.
  test('events that come together give what they give one by one', () => {
    const text = `${TYPES}
      rule Short { by k match all a -> b within 2s a: A where v < 6 b: B where v == a.v alert ch { k, v: b.v } }
      rule Loop { by k match x{2,} greedy -> y within 3s x: A y: B where v > avg(x.v) alert ch { k, n: count(x) } }
      rule Both { by k, v match a => b within 2s a: A b: B alert ch { k, v } }
      rule Per { by who (a: k, b: k) match a -> b within 2s a: A b: B alert ch { who } }
      rule Gone { by k match a -> not b within 2s a: A where v > 6 b: B alert ch { k } }`;
    let state = 7;
    const draw = (n: number): number => { state = (state * 48271) % 2147483647; return state % n; };
    const events = Array.from({ length: 2000 }, (_, i) => ev(draw(2) === 0 ? 'A' : 'B', i / 10, { k: draw(40) === 0 ? null : `k${draw(30)}`, v: draw(9) }));
    const plan = planOf(text);
    const logs = [1, 7, 64, 100, 2000].map((size) => {
      const job = new Job(plan);
      for (let i = 0; i < events.length; i += size) job.push(events.slice(i, i + size), i);
      job.engine.advance(Infinity);
      return job.alerts.map(({ rule, id, key, fields }) => ({ rule, id, key, fields }));
    });
    expect(new Set(logs[0]!.map(({ rule }) => rule)).size).toBe(5);
    for (const log of logs.slice(1)) expect(log).toEqual(logs[0]);
  });
});
