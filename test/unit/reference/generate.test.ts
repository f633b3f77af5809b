import { expect, test } from '@jest/globals';
import { checked } from '../../fuzz/cases.ts';
import { generateCase } from '../../fuzz/generate.ts';
import { shrink } from '../../fuzz/shrink.ts';

const valid = (rule: string): boolean => checked(rule) !== undefined;
const cases = Array.from({ length: 500 }, (_, i) => generateCase(i + 1, valid));

test('a seed gives the same case each time', () => {
  const again = generateCase(17, valid);
  expect([again.rule, again.events]).toEqual([cases[16]?.rule, cases[16]?.events]);
});

test.each([
  '->', '->>', '=>', '?', '*', '+', '{2}', '{1,2}', '{2,}', '{n}', 'greedy', 'lazy', 'strict', 'any', ' or ', ' and s', '-> not', '=> not', 'match all', 'match longest',
  'within', 'gap', 'session', ' of s', 'without', 'until', ' for ', 'then skip past last', 'then skip to next', 'then skip to first', 'then skip to last',
  'then skip none', 'having', 'prev.', 'count(', 'sum(', 'avg(', 'min(', 'max(', 'first(', 'last(', '== s', '!= s', 'on timeout', 'by k', 'k2)', '(s0',
])('some cases hold %s', (text) => {
  expect(cases.some(({ rule }) => (rule.split('rule R')[1] ?? '').includes(text))).toBe(true);
});

test('events come in order of time, some at equal times', () => {
  for (const { events } of cases) {
    const times = events.map((event) => event.at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }
  expect(cases.some(({ events }) => new Set(events.map((event) => event.at)).size < events.length)).toBe(true);
});

test('shrinking keeps what fails and drops the rest', () => {
  const fails = ({ rule, events }: { rule: string; events: readonly object[] }): boolean => valid(rule) && rule.includes('greedy') && events.length >= 2;
  const failing = cases.find(fails);
  if (failing === undefined) throw new Error('no case to shrink');
  const small = shrink(failing, fails);
  expect(fails(small)).toBe(true);
  expect(small.events).toHaveLength(2);
  expect(small.rule.length).toBeLessThanOrEqual(failing.rule.length);
  expect(small.rule).not.toContain('by k');
});
