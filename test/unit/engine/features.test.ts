import { describe, expect, test } from '@jest/globals';
import { ev, Job, planOf, run, runCut, s, TYPES } from './harness.ts';

const told = (text: string, ...events: Parameters<typeof runCut>[1][number][]): unknown[] =>
  runCut(`${TYPES} ${text}`, events).alerts.map(({ rule, at, fields }) => [rule, at / 1000, ...Object.values(fields)]);

describe('a feature', () => {
  test('has in a condition the value before the event, in a report the one after it, for all rules alike', () => {
    expect(told(`feature n = count() of A by k
      rule First  { by k match all a a: A where n == 1 alert ch { n } }
      rule Second { by k match all a a: A where n == 1 alert ch { n } }
      rule Third  { by k match all a a: A having n == 2 alert ch { n } }`, ev('A', 0), ev('A', 1), ev('A', 2), ev('A', 3, { k: 'k2' }))).toEqual([['First', 1, 2], ['Second', 1, 2], ['Third', 1, 2]]);
  });
  test('over a span has the events whose span contains the time: half-open', () => {
    expect(told(`feature n = count() of A by k over 10s rule R { by k match all b b: B alert ch { n } }`,
      ev('A', 0), ev('A', 5), ev('B', 9), ev('B', 10), ev('B', 14.999), ev('B', 15))).toEqual([['R', 9, 2], ['R', 10, 1], ['R', 14.999, 1], ['R', 15, 0]]);
  });
  test('with panes has each event for the span from its pane\'s start', () => {
    expect(told(`feature n = count() of A by k over 10s every 5s rule R { by k match all b b: B alert ch { n } }`,
      ev('A', 3), ev('A', 4), ev('A', 6), ev('B', 9), ev('B', 10), ev('B', 14), ev('B', 15))).toEqual([['R', 9, 3], ['R', 10, 1], ['R', 14, 1], ['R', 15, 0]]);
  });
  test('takes what its own condition and the aggregate\'s let in, and no event with a null key', () => {
    expect(told(`feature spent = sum(v where v < 50) of A where v > 1 by k rule R { by k match all b b: B alert ch { spent } }`,
      ev('A', 0, { v: 1 }), ev('A', 1, { v: 2 }), ev('A', 2, { v: 100 }), ev('A', 3, { v: 3 }), ev('A', 4, { v: 5, k: null }), ev('B', 5))).toEqual([['R', 5, 5]]);
  });
  test('can be read under a key that holds more than its own, or without any', () => {
    expect(told(`feature all = count() of A feature mine = count() of A by k
      rule R { by v, k match all b b: B alert ch { all, mine } }`, ev('A', 0), ev('A', 1, { k: 'k2' }), ev('B', 2, { v: 7 }))).toEqual([['R', 2, 2, 1]]);
  });
  test('is read in filters and `until`, before the event', () => {
    expect(told(`feature n = count() of A by k
      rule Filtered { by k on A where n >= 1 match all a => b within 1m a: A b: A alert ch { n } }
      rule Closed { by k match all a+ within 1m a: A until n >= 2 alert ch { c: count(a) } }`, ev('A', 0), ev('A', 1), ev('A', 2)))
      .toEqual([['Closed', 0, 1], ['Closed', 1, 2], ['Closed', 1, 1], ['Filtered', 2, 3]]);
  });
  test('is read in severity, limit and alerts of a timer with what is over by then gone', () => {
    const { alerts } = runCut(`${TYPES} feature n = count() of A by k over 10s
      rule R { by k severity if n > 1 then critical else low match all a -> not b within 9s a: A b: B alert ch { n } }
      rule S { by k match all a a: A limit 1 per 1h by n alert ch { n } }`, [ev('A', 0), ev('A', 5), ev('C', 60)]);
    expect(alerts.map(({ rule, at, severity, fields }) => [rule, at / 1000, severity, fields['n']])).toEqual([['S', 0, 'medium', 1], ['S', 5, 'medium', 2], ['R', 9, 'critical', 2], ['R', 14, 'low', 1]]);
  });
  test('has the events that concern no rule too', () => {
    const { alerts } = run(`${TYPES} feature n = count() of A by k rule R { by k match all c c: C where n == 70 alert ch { n } }`, [...Array.from({ length: 70 }, (_, i) => ev('A', i)), ev('C', 100)]);
    expect(alerts.map(({ fields }) => fields['n'])).toEqual([70]);
  });
  test('of texts: the latest, the least, how many different ones', () => {
    const text = 'event P { c: string, m: string?, at: time } time at feature recent = last(m) of P by c feature least = min(m) of P by c over 5s feature different = distinct(m) of P by c over 5s';
    const p = (seconds: number, m: string | null) => ({ type: 'P', at: s(seconds), c: 'x', m });
    const { alerts } = runCut(`${text} rule R { by c match all p p: P where m != recent or recent is null alert ch { recent, least, different } }`, [p(0, 'b'), p(1, 'b'), p(2, 'a'), p(3, 'c'), p(7, 'c'), p(8, null)]);
    expect(alerts.map(({ at, fields }) => [at / 1000, ...Object.values(fields)])).toEqual([[0, 'b', 'b', 1], [2, 'a', 'a', 2], [3, 'c', 'a', 3], [8, null, 'c', 1]]);
  });
  test('in a stage of a banned sequence is refused', () => {
    expect(() => planOf(`${TYPES} feature n = count() of A by k rule R { by k match a -> not (b -> c) -> d within 1h a: A b: B where n > 1 c: C d: A alert ch { k } }`)).toThrow('a feature in a condition of a banned sequence');
  });
});

describe('what features cost', () => {
  test('those nobody reads are not planned, and their fields not decoded', () => {
    const plan = planOf(`${TYPES} feature n = count() of A by k feature unread = sum(v) of B by k rule R { by k match all a a: A alert ch { n } }`);
    expect(plan.features.flatMap((group) => group.features.map(({ name }) => name))).toEqual(['n']);
    expect(plan.schema.types.find(({ name }) => name === 'B')!.fields.find(({ name }) => name === 'v')!.slot).toBe(-1);
  });
  test('those of one key share a record, whatever their number', () => {
    const names = Array.from({ length: 30 }, (_, i) => `f${i}`);
    const plan = planOf(`${TYPES} ${names.map((name, i) => `feature ${name} = ${i % 2 === 0 ? 'sum(v)' : 'count()'} of ${i % 3 === 0 ? 'A' : 'B'} by k${i % 5 === 0 ? ' over 1h' : ''}`).join(' ')}
      feature other = count() of A by v rule R { by k, v match all a a: A where ${names.map((name) => `${name} >= 0`).join(' and ')} alert ch { other } }`);
    expect(plan.features.map(({ features }) => features.length)).toEqual([30, 1]);
  });
  test('a key whose values are all over holds nothing; over all history it is kept', () => {
    const text = (over: string): string => `${TYPES} feature n = count() of A by k ${over} rule R { by k match all b b: B where n > 100 alert ch { n } }`;
    const bytes = (over: string, later: number): number => {
      const job = new Job(planOf(text(over)));
      for (let i = 0; i < 2000; i++) job.push([ev('A', i / 1000, { k: `k${i}` })]);
      for (let i = 1; i <= later; i++) job.push([ev('C', 10 + i * 20)]);
      return job.engine.gauges().bytes;
    };
    expect(bytes('over 10s', 0)).toBeGreaterThan(100_000);
    expect(bytes('over 10s', 3)).toBeLessThan(20_000);
    expect(bytes('', 3)).toBeGreaterThan(50_000);
  });
});

test('the value of a span comes from params and consts', () => {
  const text = `${TYPES} param hours: int = 1 const minute = 1m feature n = count() of A by k over hours * 60 * minute rule R { by k match all b b: B alert ch { n } }`;
  expect(runCut(text, [ev('A', 0), ev('B', 3599), ev('B', 3600)]).alerts.map(({ fields }) => fields['n'])).toEqual([1, 0]);
  expect(runCut(text, [ev('A', 0), ev('B', 3600)], { params: { hours: 2 } }).alerts.map(({ fields }) => fields['n'])).toEqual([1]);
});

describe('features and tables in windows', () => {
  test('a filter sees a feature before the event, a report after it or with what is over gone', () => {
    expect(told(`feature n = count() of A by k over 10s
      rule Fresh { by k on A where n < 2 window tumbling 10s having count() > 0 alert ch { c: count(), n } }`, ev('A', 0), ev('A', 1), ev('A', 2), ev('A', 3), ev('A', 12), ev('A', 30)))
      .toEqual([['Fresh', 10, 2, 3], ['Fresh', 20, 1, 1], ['Fresh', 40, 1, 0]]);
    expect(told(`feature n = count() of A by k rule Slide { by k on A window sliding 5s having count() >= 2 and n < 4 alert ch { c: count(), n } }`, ev('A', 0), ev('A', 1), ev('A', 2), ev('A', 3)))
      .toEqual([['Slide', 1, 2, 2], ['Slide', 2, 3, 3]]);
  });
  test('a named input, the key, an aggregate and a report read a table', () => {
    const job = new Job(planOf(`event Click { ad: string, at: time } time at
      table ads { id: string key, campaign: string, price: float }
      table campaigns { id: string key, owner: string, least: int }
      rule Spent { by campaign = ads[ad].campaign on c: Click where ads[ad].price > 1 window tumbling 10s having count(c) >= campaigns[campaign].least
        alert ch { campaign, n: count(c), spent: sum(ads[c.ad].price), owner: campaigns[campaign].owner } }`));
    job.engine.setTable('ads', [{ id: 'a', campaign: 'x', price: 2 }, { id: 'b', campaign: 'x', price: 3 }, { id: 'c', campaign: 'y', price: 5 }, { id: 'd', campaign: 'x', price: 1 }]);
    job.engine.setTable('campaigns', [{ id: 'x', owner: 'Ann', least: 2 }, { id: 'y', owner: 'Bob', least: 2 }]);
    job.push(['a', 'b', 'c', 'd', 'z'].map((ad, i) => ({ type: 'Click', at: s(i), ad })));
    job.engine.advance(Infinity);
    expect(job.alerts.map(({ key, fields }) => [key, fields])).toEqual([[{ campaign: 'x' }, { campaign: 'x', n: 2, spent: 5, owner: 'Ann' }]]);
  });
});

test('texts that features and tables hold outlive the sweep of those nobody names', () => {
  const job = new Job(planOf(`event P { c: string, m: string, at: time } time at
    table owners { m: string key, owner: string }
    feature recent = last(m) of P by c
    feature different = distinct(m) of P by c over 1h
    rule R { by c match all p p: P where c == "x" and m != "old" alert ch { recent, different, owner: owners[p.m].owner } }`));
  job.engine.setTable('owners', [{ m: 'late', owner: 'Ann' }]);
  let at = 0;
  const p = (c: string, m: string) => ({ type: 'P', at: at++, c, m });
  job.push([p('x', 'old'), p('x', 'older')]);
  for (let i = 0; i < 140_000; i++) job.engine.strings.intern(`m${i}`);
  job.push([p('y', 'other')]);
  expect(job.engine.strings.size).toBeLessThan(100);
  job.push([p('x', 'old'), p('x', 'late')]);
  expect(job.alerts.map(({ fields }) => fields)).toEqual([{ recent: 'older', different: 2, owner: null }, { recent: 'late', different: 3, owner: 'Ann' }]);
});
