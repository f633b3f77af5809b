import { describe, expect, test } from '@jest/globals';
import type { Change } from '../../../src/engine/index.ts';
import { boundOf, ev, Job, planOf, TYPES, type Event, type Options } from './harness.ts';

/** Runs events before the cut under one rule file, those after it under another. */
function changed(before: string, after: string, first: readonly Event[], then: readonly Event[], options: { before?: Options; after?: Options } = {}): { job: Job; change: Change | undefined; old: Job } {
  const old = new Job(planOf(before, options.before), options.before);
  old.push(first);
  const snapshot = old.engine.snapshot();
  const job = new Job(planOf(after, options.after), options.after);
  const change = job.engine.restore(snapshot, { accept: () => undefined });
  job.push(then, first.length);
  return { job, change, old };
}

const rule = (body: string, name = 'R'): string => `${TYPES}\nrule ${name} { ${body} }`;
const whatOf = (change: Change | undefined, name = 'R'): string | undefined => {
  const found = change?.rules.find((one) => one.rule === name);
  return found === undefined ? undefined : `${found.what}${found.reason === undefined ? '' : `: ${found.reason}`} (${found.runs})`;
};

const BASE = 'by k match all a -> b within 1h a: A where v > 1 b: B where v > a.v alert out { k, v: a.v }';

describe('runs go on', () => {
  const A = [ev('A', 0, { v: 2 }), ev('A', 1, { v: 5 }), ev('A', 2, { v: 1 })];
  const cases: readonly (readonly [what: string, after: string, then: readonly Event[], bound: number[][]])[] = [
    ['under other literals, for events to come', BASE.replace('v > 1', 'v > 3'), [ev('A', 3, { v: 2 }), ev('B', 4, { v: 9 })], [[0, 4], [1, 4]]],
    ['under a longer bound', BASE.replace('1h', '2h'), [ev('B', 3601, { v: 9 })], [[0, 3], [1, 3]]],
    ['under a shorter bound', BASE.replace('1h', '10s'), [ev('B', 11, { v: 9 })], []],
    ['under a condition that reads less', BASE.replace('v > a.v', 'v > 3'), [ev('B', 4, { v: 4 })], [[0, 3], [1, 3]]],
    ['under a condition that reads what the events kept', BASE.replace('v > a.v', 'v > a.v + 1'), [ev('B', 4, { v: 6 })], [[0, 3]]],
    ['with other alert fields and titles', BASE.replace('alert out { k, v: a.v }', 'title "new" alert out { k, v: a.v, w: a.v * 2, from: match.from }').replace('by k match', 'by k match').replace(/(.*) title "new"(.*)/, 'title "new" $1$2'), [ev('B', 4, { v: 9 })], [[0, 3], [1, 3]]],
    ['with a stage added at the end', BASE.replace('a -> b within', 'a -> b -> c within').replace('b: B where v > a.v', 'b: B where v > a.v c: C where v < a.v').replace('{ k,', '{ k, c: c.v,'), [ev('B', 4, { v: 9 }), ev('C', 5, { v: 3 }), ev('C', 6, { v: 0 })], [[1, 3, 4], [0, 3, 5]]],
    ['with an alert field of the last step, of which no open run has an event', BASE.replace('v: a.v }', 'v: a.v, last: b.v, id: match.id }'), [ev('B', 4, { v: 9 })], [[0, 3], [1, 3]]],
    ['with a limit', BASE.replace('by k', 'by k limit 1 per 1m'), [ev('B', 4, { v: 9 })], [[0, 3]]],
    ['shadowed', BASE.replace('by k', 'mode shadow by k'), [ev('B', 4, { v: 9 })], [[0, 3], [1, 3]]],
    ['at once, where a run has to be told apart by less', BASE.replace('v > a.v', 'v > 0'), [ev('B', 4, { v: 1 })], [[0, 3], [1, 3]]],
  ];
  test.each(cases)('%s', (_, after, then, bound) => {
    const { job, change, old } = changed(rule(BASE), rule(after), A, then);
    expect(whatOf(change)).toBe('goes on (2)');
    expect(old.engine.stats().rules[0]!.openRuns).toBe(2);
    expect(boundOf(job.alerts)).toEqual(bound);
  });

  test('where a condition comes to read what they kept for the alert only', () => {
    const before = rule('by k match all a -> b within 1h a: A b: B alert out { k, v: a.v }');
    const after = rule('by k match all a -> b within 1h a: A b: B where v > a.v alert out { k, v: a.v }');
    const { job, change } = changed(before, after, [ev('A', 0, { v: 2 }), ev('A', 1, { v: 5 }), ev('A', 2, { v: 3 })], [ev('B', 4, { v: 4 }), ev('B', 5, { v: 6 })]);
    expect(whatOf(change)).toBe('goes on (3)');
    expect(boundOf(job.alerts)).toEqual([[0, 3], [2, 3], [1, 4]]);
  });

  test('and are not revived by a longer bound when they were over', () => {
    const { job, change } = changed(rule(BASE.replace('1h', '10s')), rule(BASE), [ev('A', 0, { v: 2 }), ev('A', 8, { v: 3 }), ev('C', 12)], [ev('B', 14, { v: 9 })]);
    expect(whatOf(change)).toBe('goes on (1)');
    expect(boundOf(job.alerts)).toEqual([[1, 3]]);
  });

  test('with their timers at the new bounds', () => {
    const body = 'by k match a -> not b within 10m a: A b: B alert out { k }';
    const first = [ev('A', 0), ev('A', 200, { k: 'k2' })];
    for (const [within, at] of [['5m', [300, 500]], ['20m', [1200, 1400]], ['1m', [200, 260]]] as const) {
      const { job, change } = changed(rule(body), rule(body.replace('10m', within)), first, [ev('C', 5000)]);
      expect(whatOf(change)).toBe('goes on (2)');
      expect(job.alerts.map((alert) => alert.at / 1000)).toEqual(at);
    }
  });

  test('with a silence of another length', () => {
    const body = 'by k match a -> not b for 5m within 1h a: A b: B alert out { k }';
    const { job } = changed(rule(body), rule(body.replace('5m', '7m')), [ev('A', 0)], [ev('C', 500)]);
    expect(job.alerts.map((alert) => alert.at / 1000)).toEqual([420]);
  });

  test('in a loop in step, and where it no longer is one', () => {
    const body = 'by k match all a{2,} greedy -> b within 1h a: A b: B where v > avg(a.v) alert out { k, n: count(a) }';
    const first = [ev('A', 0, { v: 1 }), ev('A', 1, { v: 2 }), ev('A', 2, { v: 9 })];
    const step = changed(rule(body), rule(body.replace('v > avg(a.v)', 'v > avg(a.v) + 1')), first, [ev('A', 3, { v: 0 }), ev('B', 4, { v: 4.2 })]);
    expect(whatOf(step.change)).toBe('goes on (3)');
    // Averages: 3 from the first, 11/3 from the second, 4.5 from the third.
    expect(boundOf(step.job.alerts)).toEqual([[0, 1, 2, 3, 4]]);
    const tail = changed(rule(body), rule(body.replace('-> b within', '-> b -> c within').replace('alert', 'c: C alert')), first, [ev('A', 3, { v: 0 }), ev('B', 4, { v: 4.2 }), ev('C', 5)]);
    expect(whatOf(tail.change)).toBe('goes on (3)');
    expect(boundOf(tail.job.alerts)).toEqual([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]);
  });

  test('under other params, as under other literals', () => {
    const text = `param least: float = 1 in 0 .. 10\n${rule(BASE.replace('v > 1', 'v > least'))}`;
    const { job, change } = changed(text, text, A, [ev('A', 3, { v: 2 }), ev('B', 4, { v: 9 })], { after: { params: { least: 3 } } });
    expect(whatOf(change)).toBe('goes on (2)');
    expect(boundOf(job.alerts)).toEqual([[0, 4], [1, 4]]);
  });

  test('in the other rules, whatever is added, removed or put in another order', () => {
    const others = ['S', 'T', 'U'].map((name, i) => `rule ${name} { by k match all a -> b within 1h a: A b: B where v > ${i} alert out { k } }`);
    const before = `${rule(BASE)}\n${others.join('\n')}`;
    const after = `event Z { k: string, x: int, at: time } time at\n${TYPES}\n${others[2]}\nrule New { by k match a -> c within 1h a: A c: C where v > a.v alert out { k, v: a.v } }\n${others[0]}\nrule R { ${BASE} }`;
    const { job, change } = changed(before, after, A, [ev('B', 4, { v: 9 })]);
    expect(change!.rules.map((one) => `${one.rule} ${one.what} ${one.runs}`)).toEqual(['U goes on 3', 'New new 0', 'S goes on 3', 'R goes on 2', 'T dropped 3']);
    expect(job.log.filter((name) => name === 'U').length).toBe(3);
    expect(job.log.filter((name) => name === 'S').length).toBe(3);
    expect(job.log.filter((name) => name === 'R').length).toBe(2);
    expect(job.alerts.some((alert) => alert.rule === 'New')).toBe(false);
  });

  test('with ids that the same match would have had', () => {
    const whole = new Job(planOf(rule(BASE)));
    const then = [ev('B', 4, { v: 9 })];
    whole.push([...A, ...then]);
    const { job } = changed(rule(BASE), rule(BASE.replace('v > 1', 'v > 1.5')), A, then);
    expect(job.alerts.map(({ id }) => id)).toEqual(whole.alerts.map(({ id }) => id));
    expect(job.alerts.length).toBe(2);
  });

  test('a new rule that shares its start with old ones begins with events to come', () => {
    const one = (name: string, more: string): string => `rule ${name} { by k match all a -> b within 1h a: A b: B where ${more} alert out { k } }`;
    const before = `${TYPES} ${one('R', 'v > 1')} ${one('S', 'v > 2')}`;
    const { job, change } = changed(before, `${before} ${one('T', 'v > 0')}`, [ev('A', 0), ev('A', 1)], [ev('A', 2), ev('B', 3, { v: 5 })]);
    expect(change!.rules.map((found) => `${found.rule} ${found.what} ${found.runs}`)).toEqual(['R goes on 2', 'S goes on 2', 'T new 0']);
    expect(job.log.toSorted().join('')).toBe('RRRSSST');
    // Counted so before, too.
    const again = new Job(planOf(`${before} ${one('T', 'v > 0')}`));
    again.push([ev('A', 0)]);
    expect(again.engine.stats().rules.map(({ openRuns }) => openRuns)).toEqual([1, 1, 1]);
  });

  test('what an event did not keep for one change is not taken to be kept at the next', () => {
    const texts = [
      rule('by k match all a -> b within 1h a: A b: B alert out { k }'),
      `${rule('by k match all a -> b within 1h a: A b: B alert out { k }')} rule S { by k match all a -> b within 1h a: A b: B alert out { v: a.v } }`,
      `${rule('by k match all a -> b within 1h a: A b: B alert out { v: a.v }')} rule S { by k match all a -> b within 1h a: A b: B alert out { v: a.v } }`,
    ];
    let snapshot: Uint8Array | undefined;
    const told: (string | undefined)[] = [];
    texts.forEach((text, i) => {
      const job = new Job(planOf(text));
      if (snapshot !== undefined) told.push(whatOf(job.engine.restore(snapshot, { accept: () => undefined })));
      job.push([ev('A', i, { v: 1 })], i);
      snapshot = job.engine.snapshot();
    });
    expect(told).toEqual(['goes on (1)', 'fresh: it reads a.v, which its open runs have not kept (2)']);
  });
});

describe('a rule starts fresh, and says why', () => {
  const two = [ev('A', 0, { v: 2 }), ev('A', 1, { v: 5 })];
  test.each<[string, string]>([
    [BASE.replace('by k', 'by v').replace('k, v', 'v'), '`by` was k and is v'],
    [BASE.replace('by k', 'version 2 by k'), 'version 1 is now version 2'],
    [BASE.replace('->', '=>'), 'the arrow before `b` was -> and is =>'],
    [BASE.replace('->', '->>'), 'the arrow before `b` was -> and is ->>'],
    [BASE.replace('a ->', 'a{2} ->').replaceAll('a.v', 'last(a).v'), 'its pattern was'],
    [BASE.replace('b: B', 'b: C'), 'the stage b was of B and is of C'],
    [BASE.replace('a -> b', 'a -> x').replace('b: B', 'x: B'), 'a step was `b` and is `x`'],
    [BASE.replace('a -> b', 'a -> not c -> b').replace('alert', 'c: C alert'), 'what is banned before `b` was nothing and is `not (c)`'],
    [BASE.replace('within 1h', 'within session 1h'), 'it is no longer bounded by its `within`'],
    [BASE.replace('within 1h', 'within 1h gap 1m'), 'it is bounded by a `gap` now'],
    [BASE.replace('match all', 'match longest'), 'it was `match all` and is `match longest`'],
    [`${BASE} on timeout alert out { k }`, 'it has an `on timeout` now'],
    [BASE.replace('by k', 'evidence full by k'), '`evidence full` wants the events of type A as they came'],
  ])('%s', (after, reason) => {
    const base = BASE.replace('by k', 'evidence refs by k');
    const { job, change } = changed(rule(base), rule(after), two, [ev('B', 4, { v: 9 })]);
    expect(whatOf(change)).toContain(`fresh: ${reason}`);
    expect(whatOf(change)).toContain('(2)');
    expect(job.alerts).toEqual([]);
  });

  test('what a loop has counted is not counted otherwise', () => {
    const body = (where: string): string => rule(`by k match all a{2,} greedy -> b within 1h a: A b: B where count(a where a.v > ${where}) > 1 alert out { k }`);
    expect(whatOf(changed(body('1'), body('2'), two, []).change)).toBe('fresh: it reads count(a…), which its open runs have not kept (2)');
    const text = (value: number): string => `param p: float = ${value} in 0 .. 9\n${body('p')}`;
    expect(whatOf(changed(text(1), text(2), two, []).change)).toBe('fresh: count(a…) counts otherwise now, and its open runs have counted the old way (2)');
  });

  test('where only the runs themselves show that they cannot be put together', () => {
    // The runs were told apart by a.v: of two, the earlier has been taken by `b`, the later by `c`; without it one class would have both.
    const body = (b: string, c: string): string => rule(`by k match all a -> (b or c) within 1h then skip none a: A b: B where ${b} c: C where ${c} alert out { k }`);
    const first = [ev('A', 0, { v: 1 }), ev('A', 1, { v: 2 }), ev('B', 2, { v: 2 }), ev('C', 3, { v: 1 })];
    const before = body('v == a.v', 'v == a.v');
    const fits = changed(before, body('v > 5', 'v == a.v'), first, []);
    expect(whatOf(fits.change)).toBe('goes on (2)');
    const unfit = changed(before, body('v > 5', 'v > 6'), first, [ev('B', 10, { v: 9 })]);
    expect(whatOf(unfit.change)).toBe('fresh: some of its runs wait for other steps than others, and nothing tells them apart now (2)');
    expect(unfit.job.alerts).toEqual([]);
    expect(unfit.job.engine.stats().rules[0]!.openRuns).toBe(0);
  });

  test('and nothing is lost unless that is accepted', () => {
    const old = new Job(planOf(rule(BASE)));
    old.push(two);
    const job = new Job(planOf(rule(BASE.replace('->', '=>'))));
    expect(() => { job.engine.restore(old.engine.snapshot()); }).toThrow(/made by other rules than these, and runs would be lost\. R starts fresh: the arrow before `b` was -> and is =>\. It loses 2 open runs, 1 key\./);
  });
});

describe('what stands beside the runs', () => {
  const alertsAt = (job: Job): unknown[] => job.alerts.map(({ rule: name, at, fields }) => [name, at - Number(ev('A', 0).at), fields]);

  test.each([['before the state is taken up', true], ['after it', false]])('the clocks of a roster that were started go on, with the table set %s', (_, isBefore) => {
    const text = (v: number): string => `${TYPES}\ntable devices { k: string key }
      rule Silent { by k from devices match not a for 5m a: A alert out { k } }
      rule Other { by k match b b: B where v > ${v} alert out { k } }`;
    const rows = [{ k: 'heard' }, { k: 'never' }];
    const old = new Job(planOf(text(1)));
    old.engine.setTable('devices', rows);
    old.push([ev('A', 0, { k: 'heard' })]);
    const job = new Job(planOf(text(2)));
    if (isBefore) job.engine.setTable('devices', [...rows, { k: 'new' }]);
    const change = job.engine.restore(old.engine.snapshot(), { accept: () => undefined });
    if (!isBefore) job.engine.setTable('devices', [...rows, { k: 'new' }]);
    expect(whatOf(change, 'Silent')).toBe('goes on (2)');
    job.push([ev('A', 100, { k: 'heard' }), ev('B', 200, { k: 'x', v: 0 })], 1);
    job.engine.advance(Infinity);
    expect(alertsAt(job)).toEqual([['Silent', 300_000, { k: 'never' }], ['Silent', 300_000, { k: 'new' }], ['Silent', 400_000, { k: 'heard' }]]);
  });

  const features = (fn: string, more = ''): string => `${TYPES}\nfeature f = ${fn}(v) of A by k\n${more}
    rule R { by k match all b b: B where v > f alert out { k, f } }\nrule S { by k match a -> b within 1h a: A b: B alert out { k } }`;
  const first = [ev('A', 0, { v: 1 }), ev('A', 1, { v: 3 })];
  const then = [ev('B', 2, { v: 2.5 })];

  test('features go on, with others beside them', () => {
    const { job, change } = changed(features('avg'), features('avg', 'feature g = count() of A').replace('{ k, f }', '{ k, f, n: g }').replace('v > f', 'v > f + 0'), first, then);
    expect([whatOf(change), whatOf(change, 'S'), change?.notes]).toEqual(['goes on (0)', 'goes on (2)', []]);
    expect(job.alerts.map(({ rule: name, fields }) => [name, fields])).toEqual([['R', { k: 'k1', f: 2, n: 0 }], ['S', { k: 'k1' }]]);
  });

  test('where a feature has changed they begin anew, and the rules that read them: that is a loss', () => {
    const { job, change } = changed(features('avg'), features('max'), first, then);
    expect(whatOf(change)).toBe('fresh: the feature f, which it reads, has changed and begins anew (0)');
    expect(change?.rules.find(({ rule: name }) => name === 'R')).toMatchObject({ keys: 1 });
    expect(whatOf(change, 'S')).toBe('goes on (2)');
    expect(change?.notes).toEqual(['the feature f has changed and begins anew: 1 key is forgotten']);
    expect(job.alerts.map(({ rule: name }) => name)).toEqual(['S']);
    const old = new Job(planOf(features('avg')));
    old.push(first);
    expect(() => new Job(planOf(features('max'))).engine.restore(old.engine.snapshot())).toThrow(/R starts fresh: the feature f/);
  });

  test('others of the same key are untouched by that, and one that is no longer read goes', () => {
    const text = (f: string, read: string): string => `${TYPES}\nfeature f = ${f}(v) of A by k\nfeature g = count() of A by k\nfeature h = sum(v) of A by k over 1h\n
      rule R { by k match all b b: B where f > 0 alert out { f } }\nrule S { by k match all b b: B alert out { ${read} } }`;
    const { job, change } = changed(text('avg', 'g, h'), text('max', 'g'), first, then);
    expect([whatOf(change), whatOf(change, 'S')]).toEqual(['fresh: the feature f, which it reads, has changed and begins anew (0)', 'goes on (0)']);
    expect(change?.notes).toEqual(['the feature f has changed and begins anew: 1 key is forgotten', 'the feature h is read no more by the rules it was kept for: 1 key is forgotten']);
    expect(job.alerts.map(({ rule: name, fields }) => [name, fields])).toEqual([['S', { g: 2 }]]);
  });

  test('a feature that reads what it keeps in another way goes on', () => {
    const { job, change } = changed(features('avg'), features('sum'), first, [ev('B', 2, { v: 9 })]);
    expect([whatOf(change), change?.notes]).toEqual(['goes on (0)', []]);
    expect(job.alerts[0]!.fields).toEqual({ k: 'k1', f: 4 });
  });
});

describe('windows', () => {
  const windowRule = (body: string): string => `${TYPES}\nrule W { by k ${body} }`;
  const toldBy = (job: Job): unknown[] => job.alerts.map(({ at, fields }) => [at - Number(ev('A', 0).at), fields]);
  const first = [ev('A', 0, { v: 1 }), ev('A', 1, { v: 3 })];
  const TUMBLING = 'on A window tumbling 1h having count() > 1 alert out { k, n: count(), sum: sum(v) }';

  test('go on with what they have kept, whatever else changes', () => {
    const other = (v: number): string => `${windowRule(TUMBLING)}\nrule O { by k match b b: B where v > ${v} alert out { k } }`;
    const { job, change } = changed(other(1), other(2), first, [ev('A', 5, { v: 5 })]);
    job.engine.advance(Infinity);
    expect(whatOf(change, 'W')).toBe('goes on (1)');
    expect(change?.rules.find(({ rule: name }) => name === 'W')).toMatchObject({ of: 'window', keys: 1 });
    expect(toldBy(job)).toMatchObject([[expect.any(Number), { k: 'k1', n: 3, sum: 9 }]]);
  });

  test.each([
    ['a mean of what was summed', 'sum: sum(v)', 'mean: avg(v)', { n: 3, mean: 3 }],
    ['less than before', ', sum: sum(v)', '', { n: 3 }],
    ['a condition that more satisfy', 'on A', 'on A where v > 4', { n: 3, sum: 9 }],
    ['one that the event to come does not satisfy', 'on A', 'on A where v > 5', { n: 2, sum: 4 }],
    ['another `having`', 'count() > 1', 'sum(v) > 8', { n: 3, sum: 9 }],
    ['a limit', 'window tumbling', 'limit 1 per 1d window tumbling', { n: 3, sum: 9 }],
    ['`late within`', 'tumbling 1h', 'tumbling 1h late within 10m', { n: 3, sum: 9 }],
  ])('go on under %s', (_, from, to, fields) => {
    const { job, change } = changed(windowRule(TUMBLING), windowRule(TUMBLING.replace(from, to)), first, [ev('A', 5, { v: 5 })]);
    job.engine.advance(Infinity);
    expect(whatOf(change, 'W')).toBe('goes on (1)');
    expect(job.alerts.map((alert) => alert.fields)).toEqual([{ k: 'k1', ...fields }]);
  });

  test('under a percentile of the values that another was read of', () => {
    const text = (p: number): string => windowRule(`on A window tumbling 1h alert out { p: percentile(v, ${p}), t: top(v, ${p > 50 ? 1 : 2}) }`);
    const { job, change } = changed(text(50), text(100), first, []);
    job.engine.advance(Infinity);
    expect(whatOf(change, 'W')).toBe('goes on (1)');
    expect(job.alerts[0]!.fields).toEqual({ p: expect.closeTo(3, 1), t: [1] });
  });

  test('are asked by another `having` at the next step, though nothing came that would change what the old one says', () => {
    const text = (n: number): string => windowRule(`on A window sliding 1m every 10s having count() > ${n} alert out { n: count() }`);
    const { job, change } = changed(text(5), text(1), [...first, ev('A', 12, { k: 'other' })], []);
    job.engine.advance(Number(ev('A', 0).at) + 35_000);
    expect(whatOf(change, 'W')).toBe('goes on (2)');
    expect(job.alerts.map(({ fields }) => fields)).toEqual([{ n: 2 }, { n: 2 }]);
  });

  test.each([
    ['`by`', 'by k', 'by k, v', '`by` was k and is k, v'],
    ['version', 'on A', 'version 2 on A', 'version 1 is now version 2'],
    ['length', 'tumbling 1h', 'tumbling 2h', 'its tumbling windows were others'],
    ['offset', 'tumbling 1h', 'tumbling 1h offset 5m', 'its tumbling windows were others'],
    ['kind', 'tumbling 1h', 'session gap 1h', 'its windows were tumbling and are session'],
    ['input', 'on A', 'on A, B', '`on` was A and is A, B'],
    ['aggregate', 'sum(v)', 'max(v)', 'it reads max(v), which its open windows have not kept'],
    ['condition in an aggregate', 'sum(v)', 'sum(v where v > 1)', 'it reads sum(v), which counts otherwise now, and its open windows have counted the old way'],
    ['trigger on rise', 'tumbling 1h', 'tumbling 1h trigger on rise', 'it has `trigger on rise` now, for which each window has to be followed from its first event on'],
  ])('start fresh after another %s', (_, from, to, reason) => {
    const before = windowRule(TUMBLING);
    expect(whatOf(changed(before, before.replace(from, to), first, []).change, 'W')).toBe(`fresh: ${reason} (1)`);
  });

  test('what is counted otherwise by a param is so too', () => {
    const text = windowRule('on A window tumbling 1h alert out { n: count(where v > limit) }').replace('rule W', 'param limit: float = 1\nrule W');
    const reasonOf = (limit: number): string | undefined => whatOf(changed(text, text, first, [], { after: { params: { limit } } }).change, 'W');
    expect(reasonOf(2)).toBe('fresh: it reads count(), which counts otherwise now, and its open windows have counted the old way (1)');
  });

  test('that ended, and were forgotten, are not made again by a longer `late within`', () => {
    const text = (late: string, n: number): string => windowRule(`on A window tumbling 10s ${late} alert out { n: count() } limit ${n} per 1h`);
    const events = [ev('A', 0), ev('A', 1), ev('A', 30)];
    const { job } = changed(text('', 9), text('late within 1h', 9), events, [ev('A', 2), ev('A', 19), ev('A', 31)]);
    expect(job.alerts).toEqual([]);
    // Nor after a change that has nothing to do with it.
    const again = new Job(planOf(text('late within 1h', 8)));
    again.engine.restore(job.engine.snapshot(), { accept: () => undefined });
    again.push([ev('A', 3)], 6);
    again.engine.advance(Infinity);
    expect(again.alerts.map(({ fields }) => fields)).toEqual([{ n: 2 }]);
  });
});
