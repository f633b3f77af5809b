import { describe, expect, test } from '@jest/globals';
import { play } from './play.ts';

/** Each line is worked by hand from a sentence of the language's definition of patterns. */
function table(rows: readonly (readonly [title: string, match: string, events: string, expected: readonly string[], stages?: readonly string[], clauses?: string])[]): void {
  for (const [title, match, events, expected, stages, clauses] of rows) {
    test(`${title}: match ${match} on ${events}`, () => {
      expect(play(match, events, stages, clauses).matches).toEqual(expected);
    });
  }
}

describe('arrows', () => {
  table([
    ['-> takes the first', 'all a -> b', 'a c b b', ['a0 b2 @2']],
    ['->> considers every later one', 'all a ->> b', 'a c b b', ['a0 b2 @2', 'a0 b3 @3']],
    ['=> asks for the very next event', 'all a => b', 'a b a c b', ['a0 b1 @1']],
    ['no b between', 'all a -> not b -> c', 'a b c a c', ['a3 c4 @4']],
    ['the next is c and not b', 'all a => not b => c', 'a c:1 a c:2', ['a2 c3 @3'], ['b: E where v == 1']],
    ['the next is not b, c comes later', 'all a => not b -> c', 'a d b c a b c', ['a0 c3 @3']],
    ['=> not b at the end completes at the next event', 'all a => not b', 'a b a c', ['a2 @3']],
    ['either', 'all a -> (b or c)', 'a d c b', ['a0 c2 @2', 'a0 b3 @3']],
    ['both, in any order', 'all (a and b)', 'b c a', ['b0 a2 @2']],
    ['three, in any order', 'all (a and b and c)', 'c a b', ['c0 a1 b2 @2']],
    ['without: nothing strictly between', 'all a -> b+ -> c without d', 'a b c d b', ['a0 b1 c2 @2']],
    ['without reaches into loops', 'all a -> b{2} -> c without d', 'a b d b c', []],
  ]);
});

describe('loops', () => {
  table([
    ['a loop may be left early', 'all a+ -> b', 'a a b', ['a0 a1 b2 @2', 'a0 b2 @2', 'a1 b2 @2']],
    ['greedy', 'all a+ greedy -> b', 'a a b', ['a0 a1 b2 @2', 'a1 b2 @2']],
    ['optional', 'all a -> b? -> c', 'a b c', ['a0 b1 c2 @2', 'a0 c2 @2']],
    ['a greedy optional loop is not passed by', 'all a -> b* greedy -> c', 'a b c', ['a0 b1 c2 @2']],
    ['greedy takes what the next step could', 'all a+ greedy -> b', 'a b:1 b', ['a0 a1 b2 @2', 'a1 b2 @2'], ['a: E where n == "a" or v == 1']],
    ['lazy leaves what the next step can take', 'all a+ lazy -> b', 'a b:1 b', ['a0 b1 @1', 'a1 b2 @2'], ['a: E where n == "a" or v == 1']],
    ['lazy meets its minimum first', 'all a{2,} lazy -> b', 'a b:1 b', ['a0 a1 b2 @2'], ['a: E where n == "a" or v == 1']],
    ['counts', 'all a{2} -> b', 'a a a b', ['a0 a1 b3 @3', 'a1 a2 b3 @3']],
    ['at least and at most', 'all a{1,2} -> b', 'a a a b', ['a0 a1 b3 @3', 'a0 b3 @3', 'a1 a2 b3 @3', 'a1 b3 @3', 'a2 b3 @3']],
    ['strict iterations are neighbours', 'all a{2} strict -> b', 'a c a a b', ['a2 a3 b4 @4']],
    ['any iterations', 'all a{2} any -> b', 'a a a b', ['a0 a1 b3 @3', 'a0 a2 b3 @3', 'a1 a2 b3 @3']],
    ['a loop at the end completes again and again', 'all a -> b+', 'a b b', ['a0 b1 @1', 'a0 b1 b2 @2']],
    ['the arrow before the later neighbour joins', 'all a => b? -> c', 'a d c', ['a0 c2 @2']],
    ['… also =>', 'all a -> b? => c', 'a d c', []],
    ['the arrow before the group joins', 'all a => (b -> c)? -> d', 'a e b c d', ['a0 d4 @4']],
    ['a group opens with the arrow before it', 'all a => (b -> c)+ -> d', 'a e b c d', []],
    ['turns are joined by the loop arrow', 'all (a -> b)+ strict -> c', 'a b d a b c', ['a0 b1 c5 @5', 'a3 b4 c5 @5']],
    ['two derivations of one list are one match', 'all a -> (b? -> c?){1,2} -> d', 'a b d', ['a0 b1 d2 @2', 'a0 d2 @2']],
    ['until is not taken, what follows may', 'all a -> b+ -> c', 'a b b:5 b', ['a0 b1 c2 @2'],
      ['b: E where n == "b" until v == 5', 'c: E where v == 5']],
    ['until before the first event closes the loop', 'all a ->> b+ -> c', 'a b:5 b c', [], ['b: E where n == "b" until v == 5']],
    ['until reads what the loop has taken', 'all a -> b+', 'a b:2 b:2 b:2', ['a0 b1 @1', 'a0 b1 b2 @2'], ['b: E where n == "b" until sum(b.v) >= 4']],
    ['each turn starts anew', 'all (a -> b+ -> c){2}', 'a b b:5 c a b c', ['a0 b1 c3 a4 b5 c6 @6'], ['b: E where n == "b" until v == 5']],
  ]);
});

describe('conditions', () => {
  table([
    ['a stage bound before', 'all a -> b', 'a:1 b:2 b:1', ['a0 b2 @2'], ['b: E where n == "b" and v == a.v']],
    ['the loop so far', 'all a{2,}', 'a:1 a:1 a:3', ['a0 a1 @1', 'a0 a1 a2 @2', 'a1 a2 @2'], ['a: E where n == "a" and (count(a) == 0 or v >= last(a).v)']],
    ['prev is the event bound last', 'all a -> b -> c', 'a:1 b:2 c:2', ['a0 b1 c2 @2'], ['c: E where n == "c" and v == prev.v']],
    ['this turn within the group', 'all (a -> b){2} -> c', 'a:1 b:1 a:2 b:1 b:2 c', ['a0 b1 a2 b4 c5 @5'], ['b: E where n == "b" and v == a.v']],
    ['all turns from outside', 'all (a -> b){2} -> c', 'a:1 b a:2 b c:3', ['a0 b1 a2 b3 c4 @4'], ['c: E where n == "c" and v == sum(a.v)']],
    ['all turns by its own name', 'all (a -> b){2}', 'a:1 b a:1 b a:3 b', ['a0 b1 a2 b3 @3'], ['a: E where n == "a" and (count(a) == 0 or v == last(a).v)']],
    ['having refuses, the loop goes on', 'all a -> b+', 'a b b', ['a0 b1 b2 @2'], [], 'having count(b) == 2'],
    ['having has no part in what an arrow takes', 'all a -> b', 'a b:1 b:2', [], [], 'having b.v == 2'],
    ['a left-out stage is null', 'all a -> b? -> c', 'a b c', ['a0 c2 @2'], [], 'having b.v is null'],
  ]);
});

describe('time', () => {
  table([
    ['within is half-open', 'all a -> b within 10s', 'a@0 a@1 b@10', ['a1 b2 @10']],
    ['gap, from each bound event', 'all a -> b -> c gap 5s', 'a@0 b@4 c@8', ['a0 b1 c2 @8']],
    ['gap is half-open', 'all a -> b -> c gap 5s', 'a@0 b@4 c@9', []],
    ['gap inside loops', 'all a{3} gap 2s', 'a@0 a@1 a@3', []],
    ['within of a stage', 'all a -> b -> c', 'a@0 b@4 c@9 b@20 c@21', [], ['c: E where n == "c" within 5s of b']],
    ['within of a loop: its last event', 'all a{2} -> b', 'a@0 a@4 b@8', ['a0 a1 b2 @8'], ['b: E where n == "b" within 5s of a']],
    ['a loop that names itself', 'all a{3}', 'a@0 a@1 a@3 a@4', [], ['a: E where n == "a" within 2s of a']],
    ['a session ends after the pause', 'all a -> b within session 3s', 'a@0 c@2 b@4 a@10 b@13', ['a0 b2 @4']],
    ['an absence completes when the bound ends', 'all a -> not b within 5s', 'a@0 b@4 a@5 b@10', ['a2 @10']],
    ['the first of the bounds completes it', 'all a -> b -> not c within 9s gap 3s', 'a@0 b@2 d@6', ['a0 b1 @5']],
    ['an absence over a session', 'all a -> not b within session 3s', 'a@0 c@2 d@4', ['a0 @7']],
    ['a duration of a stage bound before', 'all a -> not b within 1s * a.v', 'a@0:5 b@5', ['a0 @5']],
  ]);
});

describe('silence', () => {
  table([
    ['between steps', 'all a -> not b for 5s -> c', 'a@0 c@3 c@5', ['a0 c2 @5']],
    ['a b ends the run', 'all a -> not b for 5s -> c', 'a@0 b@4 c@6', []],
    ['a b at the end of the span is outside', 'all a -> not b for 5s -> c', 'a@0 b@5 c@6', ['a0 c2 @6']],
    ['the last step', 'all a -> not b for 5s', 'a@0', ['a0 @5']],
    ['at the start each b starts the clock anew', 'all not b for 5s', 'b@0 b@3 b@20', ['b1 @8', 'b2 @25']],
    ['the first b can be read', 'all not b for 5s -> c', 'b@0:7 c@6:7', ['b0 c1 @6'], ['c: E where n == "c" and v == b.v']],
    ['when a bound ends at the same time the step completes first', 'all a -> not b for 5s within 5s', 'a@0', ['a0 @5']],
    ['a bound that ends before it ends the run', 'all a -> not b for 5s within 4s', 'a@0', []],
  ]);
});

describe('bans', () => {
  table([
    ['a ban after a loop does not look back', 'all a+ -> not b -> c', 'a b a c', ['a0 a2 c3 @3', 'a2 c3 @3']],
    ['a ban before a loop ends at its first', 'all a -> not b -> c{2}', 'a c b c', ['a0 c1 c3 @3']],
    ['it stays when the next step is left out', 'all a -> not b -> c? -> d', 'a b d', []],
    ['it lapses when nothing follows', 'all a -> not b -> c?', 'a b c', ['a0 @0']],
    ['the event the next step takes may satisfy it', 'all a -> not b -> c', 'a c:1', ['a0 c1 @1'], ['b: E where v == 1']],
    ['at the start it looks back', 'all not b -> a within 5s', 'b@0 a@4 a@5', ['a2 @5']],
    ['a banned sequence', 'all a -> not (b -> c) -> d', 'a c b d a b c d', ['a0 d3 @3']],
    ['a banned stage reads a bound one', 'all a -> not b -> c', 'a:1 b:2 c a:1 b:1 c', ['a0 c2 @2'], ['b: E where n == "b" and v == a.v']],
    ['a banned stage only inside its own span', 'all a -> not b -> c', 'a@0 b@2 c@3 a@10 b@11 c@12', ['a0 c2 @3'], ['b: E where n == "b" within 2s of a']],
    ['inside a group, every turn', 'all (a -> not b -> c){2}', 'a c a b c', []],
  ]);
});

describe('which matches are reported', () => {
  table([
    ['first: nothing that overlaps', 'a -> b', 'a a b a b', ['a0 b2 @2', 'a3 b4 @4']],
    ['first: the earliest completed', 'first a -> b within 9s', 'a c a b', ['a0 b3 @3']],
    ['first with skip none is all', 'first a -> b then skip none', 'a a b', ['a0 b2 @2', 'a1 b2 @2']],
    ['skip to next', 'all a -> b+ then skip to next', 'a a b b', ['a0 b2 @2', 'a1 b2 @2']],
    ['skip past last', 'all a{2} then skip past last', 'a a a a', ['a0 a1 @1', 'a2 a3 @3']],
    ['skip to first', 'all a -> b -> c then skip to first b', 'a a b c', ['a0 b2 c3 @3']],
    ['skip to last', 'all a+ -> b then skip to last a', 'a a b', ['a0 a1 b2 @2', 'a1 b2 @2']],
    ['skip to a stage that is not bound', 'all a -> b? -> c then skip to first b', 'a a c', ['a0 c2 @2', 'a1 c2 @2']],
    ['after an absence past last drops all that began by then', 'first a -> not b within 5s', 'a@0 a@3 a@5', ['a0 @5', 'a2 @10']],
    ['longest waits for the maximum', 'longest a{1,3}', 'a a a a', ['a0 a1 a2 @2', 'a3 @end']],
    ['longest: a broken strict', 'longest a+ strict', 'a a b a', ['a0 a1 @2', 'a3 @end']],
    ['longest: the end of a bound', 'longest a+ within 3s', 'a@0 a@1 a@9', ['a0 a1 @3', 'a2 @12']],
    ['longest: until', 'longest a+', 'a a a:5', ['a0 a1 @2'], ['a: E where n == "a" until v == 5']],
    ['longest waits as long as the loop can go on', 'longest a+ -> b', 'a a b c', ['a0 a1 b2 @end']],
    ['a held match that a skip drops is not reported', 'longest a+ -> b within 5s', 'a b c', ['a0 b1 @5']],
    ['… here that of the second event', 'longest a+ -> b within 5s', 'a a b c', ['a0 a1 b2 @5']],
    ['runs that complete at one event: at the first difference the earlier event', 'all a ->> b ->> c', 'a b b c', ['a0 b1 c3 @3', 'a0 b2 c3 @3']],
    ['a longer list that begins alike first', 'all a -> b? -> not c within 5s', 'a b', ['a0 b1 @5', 'a0 @5']],
    ['else the stage written first', 'all a -> (b or c)', 'a b', ['a0 b1 @1', 'a0 c1 @1'], ['c: E where n == "b"']],
  ]);
});

describe('timeouts', () => {
  const timeouts = (match: string, events: string, stages: readonly string[] = [], clauses = '') =>
    play(match, events, stages, `${clauses}\non timeout alert out { at: match.to }`).timeouts;

  test('the run that got furthest, when the bound ends', () => {
    expect(timeouts('all a -> b -> c within 5s', 'a@0 b@1')).toEqual(['a0 b1 @5']);
  });
  test('once for a first event, though several runs end', () => {
    expect(timeouts('all a ->> b -> c within 5s', 'a@0 b@1 b@2')).toEqual(['a0 b1 @5']);
  });
  test('the latest stage counts before the number of events', () => {
    expect(timeouts('all a+ ->> b -> c within 5s', 'a@0 a@1 b@2 a@3')).toEqual(['a0 a1 b2 @5', 'a1 b2 @6', 'a3 @8']);
  });
  test('nothing when something was reported from it', () => {
    expect(timeouts('all a -> b+ within 5s', 'a@0 b@1')).toEqual([]);
  });
  test('nothing when a ban or => ended the last run', () => {
    expect(timeouts('all a -> not b -> c within 5s', 'a@0 b@1')).toEqual([]);
    expect(timeouts('all a => c within 5s', 'a@0 b@1')).toEqual([]);
  });
  test('nothing when a skip ended it', () => {
    expect(timeouts('first a -> b within 5s', 'a@0 a@1 b@2')).toEqual([]);
  });
  test('an absence completes and does not time out', () => {
    expect(timeouts('all a -> b -> not c within 5s', 'a@0 b@1 a@20')).toEqual(['a2 @25']);
  });
  test('a session that ends', () => {
    expect(timeouts('all a -> b within session 3s', 'a@0 c@2 d@9')).toEqual(['a0 @5']);
  });
  test('a bound that ends with a silence: the silence completes, then the bound ends the run', () => {
    expect(timeouts('all a -> not b for 5s -> c within 5s', 'a@0')).toEqual(['a0 @5']);
  });
});
