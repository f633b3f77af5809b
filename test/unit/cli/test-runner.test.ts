import { describe, expect, test } from '@jest/globals';
import { colours } from '../../../src/cli/colours.ts';
import { compareResults } from '../../../src/cli/testing/compare.ts';
import { describeFailure, renderFailure } from '../../../src/cli/testing/report.ts';
import { runTest } from '../../../src/cli/testing/run-test.ts';
import { programOf } from './rules.ts';

const EVENTS = `
  event Login { user: string, ok: bool, ip: string?, seen: time? from "Seen", at: time } time at
  event Payment { user: string, amount: float, at: time } time at
  event Reset { user: string, at: time } time at
  event Exposure { user: string, n: int, at: time } time at
`;

/** What `alcedo test` says of the one test in the text, without indentation; nothing when it passes. */
function play(rules: string): string[] {
  const program = programOf(EVENTS + rules);
  const [test] = program.tests;
  const run = runTest(program, test!);
  const reads = (type: string): boolean => run.plan.rules.some(({ rule }) => rule.sees.has(type));
  const failures = compareResults(test!.expects, run.results, reads).map((mismatch) => describeFailure(mismatch, run));
  return [...run.problems, ...failures.flatMap((failure) => renderFailure(failure, colours(false)))].map((line) => line.trim());
}

describe('a test passes when', () => {
  test('alerts come at their times with their fields, events written in any order', () => {
    expect(play(`
      rule Bruteforce { by user match fail{2,} greedy -> in_ within 5m
        fail: Login where not ok
        in_:  Login where ok
        alert x { fails: count(fail), last: timeOf(in_) } }
      test Bruteforce "two failures" {
        @1m  Login { user: "u", ok: true }
        @0s  Login { user: "u" }
        @30s Login { user: "u" }
        expect @1m { user: "u", fails: 2, last: 1m } }`)).toEqual([]);
  });
  test('nothing is expected and nothing comes', () => {
    expect(play(`
      rule Two { by user match a -> b within 5m  a, b: Payment  alert x { } }
      test Two "half-open" { @0s Payment { user: "u" }  @5m Payment { user: "u" }  expect nothing }`)).toEqual([]);
  });
  test('time passes to the end by itself, for absences and time-outs', () => {
    expect(play(`
      rule Unpaid { by user match login -> not pay within 5m  login: Login  pay: Payment  alert x { } }
      test Unpaid "no payment" { @1m Login { user: "u" }  expect @6m { user: "u" } }`)).toEqual([]);
    expect(play(`
      rule Slow { by user match login -> pay within 5m  login: Login  pay: Payment  alert x { }  on timeout alert y { } }
      test Slow "no payment" { @1m Login { user: "u" }  expect timeout @6m { user: "u" } }`)).toEqual([]);
  });
  test('time that has not come yet at its last step is not judged', () => {
    const rule = 'rule Silent { by user match not pay for 5m  pay: Payment  alert x { } }';
    expect(play(`${rule} test Silent "not yet" { @0s Payment { user: "u" } @4m59s expect nothing }`)).toEqual([]);
    expect(play(`${rule} test Silent "now" { @0s Payment { user: "u" } @5m expect @5m { user: "u" } }`)).toEqual([]);
    expect(play(`${rule} test Silent "at the end" { @0s Payment { user: "u" } expect @5m { user: "u" } }`)).toEqual([]);
  });
  test('derived events are expected, and feed other rules', () => {
    expect(play(`
      rule A { by user match p  p: Payment where amount > 10  emit Exposure { user, n: 1 } }
      rule B { by user match e  e: Exposure  alert x { n: e.n } }
      test A, B "chain" { @1s Payment { user: "u", amount: 11 }  expect emit Exposure @1s { n: 1 }  expect @1s { n: 1 } }`)).toEqual([]);
  });
  test('a rule in shadow, or off, is tested like any other', () => {
    for (const mode of ['shadow', 'off', 'canary 1%']) {
      expect(play(`
        rule One { mode ${mode} by user match p  p: Payment  alert x { } }
        test One "shadow" { @1s Payment { user: "u" }  expect @1s { user: "u" } }`)).toEqual([]);
    }
  });
});

describe('a failure tells', () => {
  const steps = (rule: string, body: string): string[] => play(`${rule}\ntest R "t" { ${body} }`);
  const RULE = `rule R { by user match login -> not reset -> pay within 5m
    login: Login where ok
    reset: Reset
    pay:   Payment where amount > 100 and amount < 1000
    alert x { amount: pay.amount } }`;

  test('the closest event to the step waited for, each condition with its values', () => {
    expect(steps(RULE, '@0s Login { user: "u", ok: true } @10s Payment { user: "u", amount: 50 } @20s Payment { user: "u", amount: 2000 } expect @20s { user: "u" }')).toEqual([
      'expected  @20s { user: "u" }      got  nothing',
      'nearest run (user: "u"): login @0s, then waits for pay',
      '@10s Payment amount=50',
      'amount > 100 → 50 > 100 is false',
      'amount < 1000 → 50 < 1000 is true',
    ]);
  });
  test('the ban that ended the run', () => {
    expect(steps(RULE, '@0s Login { user: "u", ok: true } @10s Reset { user: "u" } @20s Payment { user: "u", amount: 200 } expect @20s { user: "u" }').slice(1)).toEqual([
      'nearest run (user: "u"): login @0s, then waits for pay',
      '@20s Payment amount=200',
      'amount > 100 → 200 > 100 is true',
      'amount < 1000 → 200 < 1000 is true',
      'ended @10s by not reset: Reset',
    ]);
  });
  test('the bound that had ended', () => {
    expect(steps(RULE, '@0s Login { user: "u", ok: true } @5m Payment { user: "u", amount: 200 } expect @5m { user: "u" }').at(-1)).toBe('within 5m ended @5m');
  });
  test('that nothing of the kind came', () => {
    expect(steps(RULE, '@0s Login { user: "u", ok: true } expect @5m { user: "u" }').slice(1)).toEqual([
      'nearest run (user: "u"): login @0s, then waits for pay', 'within 5m ended @5m',
    ]);
  });
  test('that not even the first step was taken', () => {
    expect(steps(RULE, '@0s Login { user: "u" } expect @5m { user: "u" }').slice(1)).toEqual(['nearest run (user: "u"): none; waits for login', '@0s Login ok=false: ok is false']);
  });
  test('which keys there were', () => {
    expect(steps(RULE, '@0s Login { user: "u", ok: true } expect @5m { user: "v" }').slice(1)).toEqual(['nearest run: none; no event has such a key; the events\' keys: user: "u"']);
  });
  test('an alert that nobody expected, and one with other fields', () => {
    const events = '@0s Login { user: "u", ok: true } @10s Payment { user: "u", amount: 200 }';
    expect(steps(RULE, `${events} expect nothing`)).toEqual(['expected  nothing      got  @10s { user: "u", amount: 200 } by R']);
    expect(steps(RULE, `${events} expect @10s { amount: 201 }`)).toEqual(['expected  @10s { amount: 201 }      got  @10s { amount: 200 }']);
  });
  test('that `having` refused a complete match', () => {
    expect(steps(`rule R { by user match a -> b within 5m having b.amount > 2 * a.amount  a, b: Payment  alert x { } }`,
      '@0s Payment { user: "u", amount: 10 } @10s Payment { user: "u", amount: 15 } expect @10s { user: "u" }').slice(1)).toEqual([
      'nearest run (user: "u"): a @0s, b @10s; complete @10s, but having b.amount > 2 * a.amount → 15 > 20 is false',
    ]);
  });
  test('how many turns of a loop are missing', () => {
    expect(steps('rule R { by user match fail{3} within 5m  fail: Login where not ok  alert x { } }',
      '@0s Login { user: "u" } @10s Login { user: "u" } @20s Login { user: "u", ok: true } expect @20s { user: "u" }').slice(1)).toEqual([
      'nearest run (user: "u"): fail ×2 @0s..@10s, then waits for fail', 'fail (3 of 3): @20s Login ok=true: not ok → not true is false',
    ]);
  });
  test('the nearest window: its bounds, the aggregates that `having` reads, and which part of it was false', () => {
    const rule = 'rule R { by user on Payment window tumbling 10s having count() > 1 and sum(amount) > 100 and window.end - window.start > 5s  alert x { n: count() } }';
    expect(steps(rule, '@1s Payment { user: "u", amount: 60 } @11s Payment { user: "u", amount: 30 } @12s Payment { user: "u", amount: 20.5 } @13s Payment { user: "v", amount: 1 } expect @20s { user: "u" }')).toEqual([
      'expected  @20s { user: "u" }      got  nothing',
      'nearest window (user: "u"): @10s..@20s; count() = 2, sum(amount) = 50.5',
      'count() > 1 → 2 > 1 is true', 'sum(amount) > 100 → 50.5 > 100 is false', 'window.end - window.start > 5s → 10s > 5s is true',
    ]);
    expect(steps(rule, '@1s Payment { user: "u" } expect @10s { user: "w" }').slice(1)).toEqual(['nearest window: none; no window of such a key was read; the keys of those that were: user: "u"']);
    expect(steps(rule, '@0s Login { user: "u" } expect @10s { user: "u" }').slice(1)).toEqual(['nearest window: none; no window of R was read']);
  });
  test('the nearest window of those that overlap: at its own step, though its answer is that of the one before, and when it was read early', () => {
    expect(steps('rule R { by user on Payment window sliding 1m every 10s having max(amount) > 5  alert x { } }', '@5s Payment { user: "u", amount: 2 } expect @40s { user: "u" }').slice(1)).toEqual([
      'nearest window (user: "u"): @-20s..@40s; max(amount) = 2', 'max(amount) > 5 → 2 > 5 is false',
    ]);
    expect(steps('rule R { by user on Payment window sliding 1m every 30s trigger every event having max(amount) - min(amount) > 5  alert x { } }',
      '@35s Payment { user: "u", amount: 2 } @40s Payment { user: "u", amount: 6 } expect @40s { user: "u" }').slice(1)).toEqual([
      'nearest window (user: "u"): @0s..@1m, read @40s; max(amount) = 6, min(amount) = 2', 'max(amount) - min(amount) > 5 → 4 > 5 is false',
    ]);
  });
  test('why a window whose `having` holds was not the report that was expected', () => {
    const events = '@1s Payment { user: "u", amount: 9 } @3s Payment { user: "u", amount: 9 }';
    expect(steps('rule R { by user on Payment window tumbling 10s trigger on rise having count() > 0  alert x { } }', `${events} expect @1s { user: "u" } expect @3s { user: "u" }`).slice(1)).toEqual([
      'nearest window (user: "u"): @0s..@10s, read @3s; `having` holds; `trigger on rise` reports only that it turns true; count() = 2', 'count() > 0 → 2 > 0 is true',
    ]);
    expect(steps('rule R { by user on Payment window tumbling 10s  alert x { } }', `${events} expect @5s { user: "u" }`).slice(0, 2)).toEqual(['expected  @5s { user: "u" }      got  @10s { user: "u" }', 'nearest window (user: "u"): @0s..@10s; it has no `having`']);
    expect(steps('rule R { by user on Payment window sliding 10s limit 1 per 1m having seen > 0  alert x { } } feature seen = count() of Payment by user', `${events} expect @1s { user: "u" } expect @3s { user: "u" }`).slice(1)).toEqual([
      'nearest window (user: "u"): @-7s..@3s; `having` holds; limit 1 per 1m kept it back', 'seen > 0 → ? > 0 reads a feature or a table, whose value then is not known here',
    ]);
  });
  test('what ended an absence', () => {
    expect(steps('rule R { by user match login -> not pay within 5m  login: Login  pay: Payment  alert x { } }',
      '@0s Login { user: "u" } @10s Payment { user: "u" } expect @5m { user: "u" }').slice(1)).toEqual([
      'nearest run (user: "u"): login @0s', 'waits for time to pass; ended @10s by not pay: Payment',
    ]);
  });
  test('that another match of the key skipped it', () => {
    expect(steps('rule R { by user match a -> b within 5m  a, b: Payment  alert x { n: b.amount } }',
      '@0s Payment { user: "u", amount: 1 } @1s Payment { user: "u", amount: 2 } @2s Payment { user: "u", amount: 3 } expect @1s { n: 2 } expect @2s { n: 3 }').slice(1)).toEqual([
      'nearest run (user: "u"): a @1s, b @2s; complete @2s; another match of this key skipped it (match first, then skip past last)',
    ]);
  });
  test('an event that came after the watermark', () => {
    const program = programOf(`${EVENTS}${RULE} test R "t" { @1m Login { user: "u", ok: true } @90s Payment { user: "u", amount: 200 } @2m expect nothing }`);
    const [test] = program.tests;
    const [login, payment, advance] = test!.steps;
    expect(runTest(program, { ...test!, steps: [login!, advance!, payment!] }).problems).toEqual([
      'the event @1m30s came after the watermark had passed it: it is late, and no rule sees it',
    ]);
  });
});
