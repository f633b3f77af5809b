import { describe, expect, test } from '@jest/globals';
import type { Rule } from '../../../dsl/typed.ts';
import { patternRule } from '../../../dsl/index.ts';
import { compile } from '../../../src/compile/index.ts';
import { describeRule, printDuration, printExpr, renderDot, renderMermaid, type RuleDescription } from '../../../src/explain/index.ts';
import { programOf } from './rules.ts';

const EVENTS = `event Payment { id: string from "ID", card: string, amount: float, merchant: string, ok: bool, tags: [string], at: time } time at
event Ack { card: string, at: time } time at
param big: float = 500 in 0 .. 1000
`;

function describeOne(rule: string): RuleDescription {
  const plan = compile(programOf(EVENTS + rule));
  return describeRule(plan, plan.rules[0]!);
}

test.each([
  'amount > 10 * (1 + 2) - -amount', 'not ok or amount < 1 and merchant == "a\\"b"', 'merchant in ["a", "b"] and merchant not in ["c"]',
  'amount between 1 and 2 and merchant like "a%"', 'merchant matches /^x[0-9]+$/i', '(ok or amount > 1) and merchant is not null',
  'if ok then amount > 1 else amount < 1', 'size(tags) > 2 and any(tags, x => x == "vip")', '(amount ?? 1) * 2 > 3', 'amount - (1 - 2) > 0', 'not (ok and amount > 1)',
])('an expression is printed as it was written: %s', (text) => {
  const rule = patternRule(programOf(`${EVENTS}rule R { by card match all a within 1m a: Payment where ${text} alert x { } }`).rules[0]);
  const printed = printExpr(rule.match.stages.get('a')!.where!, rule);
  // Printed, read and printed again it is the same: parentheses are neither missing nor moved.
  const again = patternRule(programOf(`${EVENTS}rule R { by card match all a within 1m a: Payment where ${printed} alert x { } }`).rules[0]);
  expect(printExpr(again.match.stages.get('a')!.where!, again)).toBe(printed);
  expect(stripSpans(again.match.stages.get('a')!.where)).toEqual(stripSpans(rule.match.stages.get('a')!.where));
});

test.each([
  'count(where not ok) > 3', 'sum(p.amount where p.amount > 1) > 5', 'percentile(amount, 95) > 3', 'slope(amount, 1h) > 3', 'size(top(merchant, 3)) > 2', 'any(amount > 3) and all(ok)', 'window.end - window.start > 1h', 'shops[last(merchant)].risk > 0.5',
  'avg(amount) > 5 * spend',
])('an expression of a window is printed as it was written: %s', (text) => {
  const declared = `${EVENTS}table shops { id: string key, risk: float } feature spend = sum(amount) of Payment by card `;
  const having = (condition: string): Rule => programOf(`${declared}rule R { by card on ${condition.includes('p.') ? 'p: ' : ''}Payment window tumbling 1h having ${condition} alert x { } }`).rules[0]!;
  const rule = having(text);
  expect(printExpr(rule.having!, rule)).toBe(text);
});

test('what early reports of overlapping windows and corrections cost is told', () => {
  const costs = (clauses: string): readonly string[] => describeOne(`rule R { by card on Payment having count() > 3 ${clauses} alert x { } }`).costs;
  expect(costs('window sliding 1h every 5m trigger every event')).toContain('At each event the panes of the open windows are gone through; those that are reported are put together from their panes, all in one go.');
  expect(costs('window sliding 1h every 5m trigger early every 10s').join(' ')).toMatch(/When a window may report early the panes of the open ones/);
  expect(costs('window sliding 1h every 5m trigger early every 10s').join(' ')).not.toContain('are left out');
  expect(costs('window tumbling 1h trigger on rise late within 1m')).toContain('A window is kept for 1m after its end; a late event reads those that it changes without it and with it.');
});

function stripSpans(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part: unknown) => (key === 'span' ? undefined : part)));
}

test('durations are printed in the words of the language', () => {
  expect([0, 250, 599_000, 90_061_001, -1500].map(printDuration)).toEqual(['0s', '250ms', '9m59s', '1d1h1m1s1ms', '-1s500ms']);
});

describe('describeRule', () => {
  const rule = describeOne(`rule R { by card match all a -> b without no within 5m
    a:  Payment where amount < 10 and merchant == "m1"
    b:  Payment where amount > big and merchant == a.merchant and amount > 2 * a.amount
    no: Ack
    alert x { id: b.id } }`);

  test('tells which fields are decoded and which only checked', () => {
    expect(rule.fields).toEqual([
      { type: 'Payment', decoded: ['id from "ID"', 'card', 'amount', 'merchant', 'at'], checked: ['ok', 'tags'] },
      { type: 'Ack', decoded: ['card', 'at'], checked: [] },
    ]);
  });
  test('tells where each condition is evaluated', () => {
    expect(rule.stages.map(({ name, conditions }) => [name, conditions.map(({ text, where }) => [text, where])])).toEqual([
      ['a', [['amount < 10', 'event'], ['merchant == "m1"', 'constant']]],
      ['b', [['amount > big', 'event'], ['merchant == a.merchant', 'index'], ['amount > 2 * a.amount', 'run']]],
      ['no', []],
    ]);
  });
  test('tells the steps with their arrows and bans, and how the pattern ends', () => {
    expect(rule.positions).toEqual([{ id: 0, name: 'a', stage: 'a', ends: [] }, { id: 1, name: 'b', stage: 'b', ends: ['at once'] }]);
    expect(rule.edges).toEqual(expect.arrayContaining([{ from: -1, to: 0, arrow: '->', notes: [] }, { from: 0, to: 1, arrow: '->', notes: ['no no between'] }]));
    expect(rule.edges).toHaveLength(2);
  });
  test('tells what a waiting run keeps, and what an event costs there', () => {
    expect(rule.state).toEqual([{ position: 0, name: 'a', registers: expect.arrayContaining(['a.amount', 'a.merchant']) as unknown, bytes: 16 }]);
    expect(rule.costs[0]).toBe('after a: an event finds the runs with its a.merchant by hash, in as many groups as they differ in a.amount.');
  });
  test('a rule on the event alone is flat', () => {
    expect(describeOne('rule R { by card match all a -> b within 5m  a: Payment where amount < 1  b: Payment where amount > 9  alert x { } }').costs[0]).toMatch(/^after a: flat\./);
  });
  test('a rule without a bound is told what that costs', () => {
    expect(describeOne('rule R { by card match all a -> b  a: Payment  b: Ack  alert x { } }').costs).toContainEqual(expect.stringMatching(/^No time bound: /));
  });
  test('absences, silences, loops and strict steps are told', () => {
    const absence = describeOne('rule R { by card match a -> not ack within 5m  a: Payment  ack: Ack  alert x { } }');
    expect(absence.positions[0]!.ends).toEqual(['when the first bound ends and there was no ack']);
    expect(absence.timers).toEqual([expect.stringMatching(/^within 5m, from the first event: noticed at its end/)]);
    const silence = describeOne('rule R { by card match a -> not ack for 5m  a: Payment  ack: Ack  alert x { } }');
    expect(silence.positions.map(({ name }) => name)).toEqual(['a', 'not ack for 5m']);
    const loop = describeOne('rule R { by card match all a{2,4} strict => b within 5m  a: Payment where amount < 1  b: Payment where amount > 1  alert x { } }');
    expect(loop.edges.filter(({ from, to }) => from === to)).toEqual([{ from: 0, to: 0, arrow: '=>', notes: ['at most 4 turns'] }]);
    expect(loop.edges.find(({ from, to }) => from === 0 && to === 1)).toMatchObject({ arrow: '=>', notes: ['after at least 2 turns'] });
    expect(loop.costs).toContainEqual(expect.stringMatching(/^Every event that the rule sees is looked at/));
  });
  test('pictures name every position and edge', () => {
    const dot = renderDot(rule);
    expect(dot).toContain('p0 [label="a"];');
    expect(dot).toContain('p1 [label="b", peripheries=2];');
    expect(dot).toContain('p0 -> p1 [label="->\\nno no between"];');
    const mermaid = renderMermaid(rule);
    expect(mermaid).toContain('state "a" as p0');
    expect(mermaid).toContain('p0 --> p1: -#62;, no no between');
    expect(mermaid).toContain('p1 --> [*]: at once');
  });
});
