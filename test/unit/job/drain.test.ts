/** Rules that drain: in engines made of the texts of a state, beside whatever rules there are now. */
import { describe, expect, test } from '@jest/globals';
import { Engine, type Change } from '../../../src/engine/index.ts';
import { CannotDrain, drainLost, drainOf, takeUpDrain } from '../../../src/job/drain.ts';
import type { JobConfig } from '../../../src/job/config/index.ts';
import { decodeWhole } from '../../../src/state/image.ts';
import { ev, Job, planOf, TYPES, type Event } from '../engine/harness.ts';

const JOB = { sources: new Map([['e', { kind: 'file' }]]) } as unknown as JobConfig;

/** Events under one rule file, then under another beside the old one that drains; the alerts of each. */
function drained(before: string, after: string, first: readonly Event[], then: readonly Event[]): { readonly old: unknown[]; readonly now: unknown[]; readonly change: Change; readonly draining: Job } {
  const was = new Job(planOf(before));
  was.push(first);
  const image = decodeWhole(was.engine.snapshot());
  const now = new Job(planOf(after));
  const change = now.engine.restoreImage(image, { accept: () => undefined })!;
  const result = drainLost(change, [image], drainOf(JOB));
  expect(result.drains).toHaveLength(1);
  const [{ group, names }] = result.drains as [typeof result.drains[number]];
  const draining = new Job(group.plan);
  takeUpDrain(draining.engine, image, names, undefined);
  for (const job of [now, draining]) job.push(then, first.length);
  const fields = (job: Job): unknown[] => job.alerts.map((alert) => alert.fields);
  return { old: fields(draining), now: fields(now), change: result.change, draining };
}

const whatOf = ({ rules }: Change, name: string): string => rules.find(({ rule }) => rule === name)!.what;

describe('what drains', () => {
  const PAIR = (arrow: string): string => `rule R { by k match a ${arrow} b within 1h a: A b: B alert out { k, v: a.v } }`;

  test('only the rules that would lose runs do, and begin none', () => {
    const other = 'rule O { by k match a -> c within 1h a: A c: C alert out { k } }';
    const { old, now, change, draining } = drained(`${TYPES}${PAIR('->')}${other}`, `${TYPES}${PAIR('=>')}${other}`, [ev('A', 0, { v: 1 })], [ev('A', 1, { v: 2 }), ev('B', 2), ev('C', 3), ev('B', 4)]);
    expect([whatOf(change, 'R'), whatOf(change, 'O')]).toEqual(['drains', 'goes on']);
    expect(old).toEqual([{ k: 'k1', v: 1 }]);
    expect(now).toEqual([{ k: 'k1', v: 2 }, { k: 'k1' }]);
    expect([draining.engine.draining, draining.engine.isDrained]).toEqual([['R'], true]);
  });

  test('those that share their starts, a loop in step, and one that is gone', () => {
    const all = PAIR('->').replace('match', 'match all');
    const rules = `${all}${all.replace('rule R', 'rule S')}rule L { by k match x{2,} greedy -> y within 1h x: A y: B alert out { n: count(x) } }`;
    const { old, change } = drained(TYPES + rules, `${TYPES}${PAIR('=>')}`, [ev('A', 0, { v: 1 }), ev('A', 1, { v: 2 })], [ev('A', 2, { v: 3 }), ev('B', 3), ev('A', 4), ev('B', 5)]);
    expect(['R', 'S', 'L'].map((name) => whatOf(change, name))).toEqual(['drains', 'drains', 'drains']);
    // Under R and S each of the two runs ends; the loop binds what comes, but no run begins with it.
    expect(old.filter((fields) => 'v' in (fields as object))).toHaveLength(4);
    expect(old.filter((fields) => 'n' in (fields as object))).toContainEqual({ n: 3 });
  });

  test('with the features that they read as they were, counted on', () => {
    const text = (fn: string): string => `${TYPES}feature f = ${fn} of A by k\n${PAIR('->').replace('v: a.v', 'f')}`;
    const { old, now, change } = drained(text('count()'), text('max(v)'), [ev('A', 0, { v: 7 })], [ev('A', 1, { v: 3 }), ev('B', 2)]);
    expect(whatOf(change, 'R')).toBe('drains');
    expect(old).toEqual([{ k: 'k1', f: 2 }]);
    expect(now).toEqual([{ k: 'k1', f: 3 }]);
  });

  test('with the params that they had', () => {
    const text = (arrow: string): string => `${TYPES}param least: float = 5\n${PAIR(arrow).replace('b: B', 'b: B where v > least')}`;
    const was = new Job(planOf(text('->'), { params: { least: 1 } }));
    was.push([ev('A', 0, { v: 1 })]);
    const image = decodeWhole(was.engine.snapshot());
    const draining = new Job(drainOf(JOB)(image, ['R']).plan);
    takeUpDrain(draining.engine, image, ['R'], undefined);
    draining.push([ev('B', 1, { v: 2 })], 1);
    expect(draining.alerts).toHaveLength(1);
  });

  test.each([['tumbling 10s', 3], ['session gap 10s', 3], ['count 3', 3]])('windows that are open (%s) are finished, and none begins', (window, n) => {
    const text = (of: string): string => `${TYPES}rule W { by k on A window ${of} alert out { n: count() } }`;
    const { old, change, draining } = drained(text(window), text('tumbling 1h'), [ev('A', 0), ev('A', 1)], [ev('A', 2), ev('A', 60), ev('A', 61), ev('A', 62), ev('A', 120)]);
    expect(whatOf(change, 'W')).toBe('drains');
    expect(old).toEqual([{ n }]);
    expect(draining.engine.isDrained).toBe(true);
  });

  test('from its own state again, which drains still', () => {
    const was = new Job(planOf(`${TYPES}${PAIR('->')}`));
    was.push([ev('A', 0, { v: 1 })]);
    const first = decodeWhole(was.engine.snapshot());
    const one = new Job(drainOf(JOB)(first, ['R']).plan);
    takeUpDrain(one.engine, first, ['R'], undefined);
    one.push([ev('A', 1, { v: 2 })], 1);
    const image = decodeWhole(one.engine.snapshot());
    const two = new Engine(drainOf(JOB)(image, ['R']).plan, { onAlert: () => undefined });
    takeUpDrain(two, image, ['R'], undefined);
    expect([two.draining, two.stats().rules[0]!.openRuns]).toEqual([['R'], 1]);
  });
});

describe('what cannot', () => {
  const lost = 'by k match a -> b within 1h a: A b: B';
  test.each([
    ['without a bound', 'rule R { by k match a -> b a: A b: B alert out { k } }', 'R cannot drain: it has no `within`, `session` or `gap`, so that its runs may never end.'],
    ['that emits', `rule R { ${lost} emit C { k: a.k, v: a.v } }`, 'R cannot drain: it emits events, which rules of now would not see.'],
    ['that reads what is emitted', 'rule E { by k match a a: A emit B { k: a.k, v: a.v } } rule R { by k match a -> b within 1h a: A b: B alert out { k } }', 'R cannot drain: it reads events that E emits.'],
    ['over windows that slide', 'rule R { by k on A window sliding 1h every 10m alert out { n: count() } }', 'R cannot drain: its windows overlap, which cannot be told to begin no more.'],
    ['over a window without an end', 'rule R { by k on A window global trigger every event alert out { n: count() } }', 'R cannot drain: its window never ends.'],
    ['that reads a table', `table t { k: string key, v: float }\nrule R { ${lost.replace('b: B', 'b: B where v > t[k].v')} alert out { k } }`, 'R cannot drain: it, or a rule beside it, reads the table t, of which there are only the rows of now.'],
  ])('is a rule %s', (_, text, reason) => {
    const was = new Job(planOf(TYPES + text));
    was.push([ev('A', 0, { v: 1 })]);
    const image = decodeWhole(was.engine.snapshot());
    expect(() => drainOf(JOB)(image, ['R'])).toThrow(new CannotDrain('R', reason.slice('R cannot drain: '.length, -1)));
  });

  test('is one whose text the state does not have', () => {
    const plan = planOf(`${TYPES}rule R { ${lost} alert out { k } }`);
    const image = decodeWhole(new Engine(plan, { onAlert: () => undefined }).snapshot());
    const without = { ...image, sections: new Map([...image.sections, ['rules', image.sections.get('rules')!.slice(0, 1)]]) };
    expect(() => drainOf(JOB)(without, ['R'])).toThrow('R cannot drain: the state does not have its text.');
  });
});
