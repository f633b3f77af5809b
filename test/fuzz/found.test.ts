import { describe, expect, test } from '@jest/globals';
import { patternRule } from '../../dsl/index.ts';
import { checked } from './cases.ts';
import { compare, expect as referenceSays } from './compare.ts';
import { runEngine } from './engine.ts';
import type { Case, InputEvent } from './generate.ts';
import { DECLARATIONS } from './tree.ts';

type Row = readonly [title: string, rule: string, events: string, matches: readonly string[], timeouts?: readonly string[]];

/** `A@1 B@2.5:3` is an A at 1 s and a B at 2.5 s with v = 3; without a time one second after the one before, without a v 0. */
function eventsOf(line: string): InputEvent[] {
  let seconds = -1;
  return line.split(' ').map((word) => {
    const [, type, at, v] = /^([A-Z])(?:@([\d.]+))?(?::(\d+))?$/.exec(word) ?? [];
    if (type === undefined) throw new Error(`not an event: ${word}`);
    seconds = at === undefined ? seconds + 1 : Number(at);
    return { type, k: 'p', k2: 'p', v: Number(v ?? 0), w: 0, at: seconds * 1000, ...(type === 'D' && { y: 0 }) };
  });
}

/**
 * Random cases made small in which engine and reference once differed, each worked out by hand. A match reads `a0 b2 @3`: its events by stage
 * and place, and the second it is reported at.
 */
function table(rows: readonly Row[]): void {
  test.each(rows.map((row) => [row[0], row] as const))('%s', (_, [, body, line, matches, timeouts]) => {
    const rule = `${DECLARATIONS}\nrule R { match ${body} alert out { at: match.to } ${timeouts === undefined ? '' : 'on timeout alert out { at: match.to }'} }`;
    const events = eventsOf(line);
    const program = checked(rule);
    if (program === undefined) throw new Error(`the rule does not check: ${rule}`);
    const said = referenceSays(patternRule(program.rules[0]), program, events);
    const shown = (lists: typeof said.matches): string[] => lists.flat().map(({ bindings, at }) => `${bindings.replaceAll(':', '')} @${at / 1000}`);
    expect({ matches: shown(said.matches), timeouts: shown(said.timeouts) }).toEqual({ matches, timeouts: timeouts ?? [] });
    // The comparison looks at the rule, the events and the seed alone.
    expect(compare({ seed: 1, rule, events } as unknown as Case, program, runEngine)).toEqual({ kind: 'agree', matches: matches.length, timeouts: timeouts?.length ?? 0 });
  });
}

describe('one list of events is one match, when it completes first', () => {
  table([
    ['a silence left out and kept', 'all a -> (not n for 3s)? a: A n: B', 'A@0 B@10', ['a0 @0']],
    ['one silence or more', 'all (not n for 2s)+ within 8s n: A', 'A@0', ['n0 @2']],
    ['a silence of each turn', 'all (a -> (not n for 2s)?)+ a: A n: B', 'A@0 A@5', ['a0 @0', 'a0 a1 @5', 'a1 @5']],
    ['a silence before the event that is to be no b', 'all a -> (not n for 2s)? => not b a: A n: B b: B', 'A@0 D@1 D@3', ['a0 @1', 'a1 @3']],
    ['refused at once, taken after the silence', 'all a -> (not n for 3s)? a: A n: B having match.to - match.from > 1s', 'A@0', ['a0 @3']],
    ['skipping to the first event drops nothing', 'all a -> (not n for 3s)? then skip to first a a: A n: B', 'A@0', ['a0 @0']],
  ]);
});

describe('the longest match, of equals the first in the order of reports', () => {
  table([
    ['also where it completes later', 'longest a -> ((b -> not n for 5s) or c) -> d? within 20s a: A b: B where v == 1 n: A c: B where v == 2 d: D',
      'A@0 B@1:1 B@2:2', ['a0 b1 @20']],
  ]);
});

describe('each turn of a group has its own events', () => {
  table([
    ['a ban from the turn before keeps its span', 'all (a -> b -> not n)+ any within 8s a: A where v == 0 b: B where v == 1 n: A where v == 0 within 3s of b',
      'A@0 B@0:1 A@3 A@3 B@4:1', ['a0 b1 @0', 'a0 b1 a2 b4 @4', 'a0 b1 a3 b4 @4', 'a2 b4 @4', 'a3 b4 @4']],
    ['a ban from the turn before reads that turn', 'all (a -> not n -> b?){2} a: A n: B where v == a.v b: D', 'A@0:1 B@1:1 A@2:2 A@3:1', ['a2 a3 @3']],
    ['a banned sequence from the turn before reads that turn', 'all (a -> not (m -> n) -> b?){2} a: A m: B where v == a.v n: B where v == 9 b: D', 'A@0:1 B@1:1 B@2:9 A@3:2', []],
    ['a ban of the new turn does not read the one before', 'all (a? -> not n -> b){2} a: A where v == 1 n: A where v == a.v b: B', 'A@0:1 B@1 A@2:1 B@3',
      ['a0 b1 a2 b3 @3', 'a0 b1 b3 @3', 'b1 a2 b3 @3', 'b1 b3 @3']],
    ['a lazy loop that opens a turn', 'all (a? lazy -> b){2} a: A b: A where v >= avg(a.v)', 'A@0:1 A@1:1 A@2:1 A@3:2', ['a0 b1 a2 b3 @3']],
  ]);
});

describe('distinct values and lists in a group', () => {
  table([
    ['are those of the turn', 'all (s -> t)+ s: A t: A where distinct(s.v) <= 1', 'A@0 A@1:1 A@2:1 A@3:1', ['s0 t1 @1', 's1 t2 @2', 's0 t1 s2 t3 @3', 's2 t3 @3']],
    ['are none where a new turn leaves the stage out', 'all (s? -> t){2} s: A where v == 1 t: B where distinct(s.v) == 0', 'A@0:1 B@1 B@2 B@3', ['t1 t2 @2', 't2 t3 @3']],
  ]);
});

describe('the steps of a banned sequence are bound one after another', () => {
  table([
    ['prev is the step before', 'all a -> not (m -> n) within 3s a: A where v == 2 m: B n: B where v != prev.v', 'A@0:2 B@1:1 B@2:1', ['a0 @3']],
    ['of one stage, too', 'all a -> not (m -> m) -> b a: A m: B where v != prev.v b: D', 'A@0:3 B@1:1 B@3:1 D@4', ['a0 b3 @4']],
    ['a bound from the step before', 'all a -> not (m -> n) -> b a: A m: B where v == 1 n: B where v == 2 within 2s of m b: D', 'A@0 B@1:1 B@3:2 D@4', ['a0 b3 @4']],
  ]);
});

describe('the latest start of merged runs', () => {
  table([
    ['is not that of the newest run', 'all ((x or y))+ within 4s x: A where count(x) < 2 y: A having count(x) == 2 and count(y) == 2', 'A@0 A@1 A@3 A@4.5 A@4.5',
      ['x1 x2 y3 y4 @4.5', 'x1 y2 x3 y4 @4.5', 'x1 y2 y3 x4 @4.5', 'y1 x2 x3 y4 @4.5', 'y1 x2 y3 x4 @4.5', 'y1 y2 x3 x4 @4.5']],
    ['by counts', 'all a{2,} -> b within 5s a: B b: B where v != 0', 'B@0:1 B@2:1 B@3 B@5:1 B@6:1', ['a1 a2 b3 @5', 'a1 a2 a3 b4 @6', 'a2 a3 b4 @6']],
  ]);
});

describe('durations', () => {
  table([
    ['of a silence see its turn', 'all (a+ -> (not n for 1s * count(a)) -> b){2} a: A where v == 0 n: B where v == 9 b: B', 'A@0 A@1 B@5 A@6 B@7.5 B@9',
      ['a0 a1 b2 a3 b4 @7.5', 'a0 b2 a3 b4 @7.5', 'a1 b2 a3 b4 @7.5']],
    ['of a stage see its turn', 'all (a -> b){2} a: A where v == 0 b: B within 1s * count(a) of a', 'A@0 B@0.5 A@1 B@2.5 B@3.5', []],
    ['are read when the span starts', 'all (a or x)+ -> c a: A x: B c: D within 1s * (1 + count(x)) of a', 'A@0 B@1.5 D@2.5', ['x1 c2 @2.5']],
    ['are read when the span starts, with the event that starts it', 'all (x -> a?)+ -> c x: B a: A where v > 0 c: D within 1s * (sum(a.v) + count(x)) of a having count(x) == 2', 'B@0 A@1:1 B@2 D@2.5',
      ['x0 a1 x2 c3 @2.5', 'x0 x2 c3 @2.5']],
    ['are read when the span starts, and not later', 'all (x -> a?)+ -> c x: B a: A where v > 0 c: D within 1s * (sum(a.v) + count(x)) of a having count(x) == 2', 'B@0 A@1:1 B@2 D@3.5', ['x0 x2 c3 @3.5']],
    ['of a loop that bounds itself are those of the turn before', 'longest (a? -> b{1,2}){2} a: A b: B within 1s * (1 + count(a)) of b', 'A@0 B@1 B@2.5 A@3 B@4 B@5',
      ['a0 b1 b2 a3 b4 b5 @5']],
    ['of `gap` see all turns', 'all (a -> b)+ gap 1s * count(a) a: A b: B', 'A@0 B@0.5 A@1 B@2.5 B@3.5', ['a0 b1 @0.5', 'a0 b1 a2 b3 @2.5']],
    ['and bans of a silence do not see the turn before', 'all (a? -> (not n for 2s) -> b){2} a: A where v == 1 n: A where v == a.v b: B', 'A@0:1 B@3 A@4:1 B@8',
      ['a0 b1 a2 b3 @8', 'a0 b1 b3 @8']],
  ]);
});

describe('`without` stands outside all groups', () => {
  table([
    ['and sees all turns', 'all (s -> t)+ without out s: A where v == 0 t: A where v == 1 out: B where count(s) == 1', 'A@0 A@1:1 B@2 A@3 A@4:1 B@5 A@6 A@7:1',
      ['s0 t1 @1', 's3 t4 @4', 's6 t7 @7']],
    ['on the arrows inside a turn, too', 'all (s -> t)+ without out s: A where v == 0 t: A where v == 1 out: B where count(s) == 2', 'A@0 A@1:1 A@2 B@3 A@4:1 B@5', ['s0 t1 @1', 's2 t4 @4']],
  ]);
});

describe('an event that no stage takes', () => {
  table([
    ['stands in the way under the key of its type', 'all s => t s: A t: A by k (t: k2) on A, B', 'A@0 B@1 A@2 A@3', ['s2 t3 @3']],
  ]);
});

describe('runs out of time', () => {
  table([
    ['a lazy loop that this turn cannot leave is no run', 'all (s -> t* lazy){2} -> u within session 3s s: A t: A u: B', 'A@0 A@1', [], ['s0 s1 @4', 's1 @4']],
    ['the matches of an event come before the timers it makes due', 'longest ((s and t)){2} s: A within 2s of s t: B', 'A@0 B@3 A@3.5 A@3.5 B@3.5', ['t1 s2 s3 t4 @3.5'], []],
  ]);
});

describe('bans at the start of nested groups', () => {
  table([
    ['look back together', 'all not m -> (not n -> a -> b) within 5s m: B where v == 1 n: B where v == 2 a: A b: D', 'B@0:1 A@1 D@2 A@6 D@7 B@10:2 A@11 D@12 A@20 D@21', ['a3 b4 @7', 'a8 b9 @21']],
  ]);
});
