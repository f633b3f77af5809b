import { describe, expect, test } from '@jest/globals';
import { BoundedCache } from '../../../src/core/bounded-cache.ts';
import { makeRuntime } from '../../../src/core/functions.ts';
import { Strings } from '../../../src/core/strings.ts';
import type { Expr, Literal } from '../../../dsl/typed.ts';
import {
  BOOL, DURATION, FLOAT, INT, STRING, TIME, compare, field, generated, interpreted, listOf, literal, node, recordOf, type World,
} from './both.ts';

const none = literal(null, FLOAT);
const noText = literal(null, STRING);
const noBool = field('absent', BOOL);
const yes = literal(true);
const no = literal(false);
const not = (operand: Expr): Expr => node(BOOL, { kind: 'not', operand });
const both = (kind: 'and' | 'or', left: Expr, right: Expr): Expr => node(BOOL, { kind, left, right });
const arith = (op: '+' | '-' | '*' | '/' | '%', left: Literal, right: Literal): Expr =>
  node(FLOAT, { kind: 'arith', op, left: literal(left, FLOAT), right: literal(right, FLOAT) });
const within = (value: Expr, options: Expr, negated = false): Expr => node(BOOL, { kind: 'in', negated, value, options });
const like = (value: Expr, pattern: Expr, negated = false): Expr => node(BOOL, { kind: 'like', negated, value, pattern });
const matches = (value: Expr, regex: string, ignoreCase = false, negated = false): Expr =>
  node(BOOL, { kind: 'matches', negated, value, regex, ignoreCase });
const between = (value: Expr, lo: Expr, hi: Expr, negated = false): Expr => node(BOOL, { kind: 'between', negated, value, lo, hi });
const isNull = (value: Expr, negated = false): Expr => node(BOOL, { kind: 'isNull', negated, value });
const choose = (cond: Expr, then: Expr, otherwise: Expr): Expr => node(then.type, { kind: 'if', cond, then, else: otherwise });
const at = (object: Expr, index: Expr): Expr => node(FLOAT, { kind: 'index', object, index });

/** The value by both evaluators, which must agree, also on whether it holds as a condition. */
function valueOf(expr: Expr, world?: World): unknown {
  const result = generated(expr, world);
  expect(interpreted(expr, world)).toEqual(result.value);
  expect(result.holds).toBe(result.value === true);
  return result.value;
}

type Row = readonly [Expr, unknown];

describe('null', () => {
  test.each<Row>([
    [compare('==', none, literal(1)), false],
    [compare('==', none, none), false],
    [compare('!=', none, literal(1)), true],
    [compare('!=', none, none), true],
    [compare('==', noText, literal('a')), false],
    [compare('!=', noText, literal('a')), true],
    [compare('<', none, literal(1)), false],
    [compare('>=', literal(1), none), false],
    [compare('<', noText, literal('a')), false],
    [compare('>=', noText, noText), false],
    [not(compare('<', none, literal(1))), true],
    [between(none, literal(1), literal(2)), false],
    [between(none, literal(1), literal(2), true), true],
    [between(literal(1), none, literal(2)), false],
    [between(noText, literal('a'), literal('b'), true), true],
    [within(none, literal([1, 2])), false],
    [within(none, literal([null], listOf(FLOAT))), false],
    [within(none, literal([1, 2]), true), true],
    [within(literal(1), field('absent', listOf(FLOAT)), true), true],
    [like(noText, literal('%')), false],
    [like(noText, literal('%'), true), true],
    [like(literal('a'), noText, true), true],
    [matches(noText, ''), false],
    [matches(noText, '', false, true), true],
    [isNull(none), true],
    [isNull(none, true), false],
    [isNull(literal(0)), false],
    [isNull(literal(''), true), true],
    [isNull(compare('<', none, none)), false],
    [isNull(arith('/', 1, 0)), true],
    [isNull(node(FLOAT, { kind: 'negate', operand: arith('/', 1, 0) }), true), false],
    [not(noBool), true],
    [both('and', yes, noBool), false],
    [both('or', noBool, yes), true],
    [both('or', noBool, no), false],
    [choose(noBool, literal(1), literal(2)), 2],
    [choose(yes, noBool, yes), null],
    [noBool, null],
    [compare('==', noBool, no), false],
    [compare('!=', noBool, no), true],
    [node(FLOAT, { kind: '??', left: none, right: literal(5) }), 5],
    [node(FLOAT, { kind: '??', left: literal(0), right: literal(5) }), 0],
    [node(BOOL, { kind: '??', left: noBool, right: yes }), true],
    [node(FLOAT, { kind: 'negate', operand: none }), null],
  ])('rule %#', (expr, result) => {
    expect(valueOf(expr)).toBe(result);
  });
});

describe('arithmetic', () => {
  test.each<Row>([
    [arith('+', 1, 2), 3],
    [arith('-', 1, -2), 3],
    [node(FLOAT, { kind: 'negate', operand: literal(-2) }), 2],
    [node(FLOAT, { kind: 'negate', operand: node(FLOAT, { kind: 'negate', operand: literal(2) }) }), 2],
    [arith('*', 3, 4), 12],
    [arith('/', 7, 2), 3.5],
    [arith('%', -7, 3), -1],
    [arith('/', 7, 0), null],
    [arith('/', 0, 0), null],
    [arith('%', 7, 0), null],
    [arith('+', null, 1), null],
    [arith('*', 1, null), null],
    [arith('*', 1e200, 1e200), null],
    [arith('+', 1.7e308, 1.7e308), null],
    [node(DURATION, { kind: 'arith', op: '-', left: literal(5000, TIME), right: literal(2000, TIME) }), 3000],
    [node(FLOAT, { kind: 'arith', op: '/', left: literal(5000, DURATION), right: literal(2000, DURATION) }), 2.5],
  ])('rule %#', (expr, result) => {
    expect(valueOf(expr)).toBe(result);
  });
});

describe('text', () => {
  test.each<Row>([
    [compare('==', literal('a'), literal('a')), true],
    [compare('<', literal('B'), literal('a')), true],
    [compare('<', literal('a'), literal('a')), false],
    [compare('>=', literal('a'), literal('a')), true],
    [compare('<', literal('\u{1f600}'), literal('\uffff')), true],
    [between(literal('b'), literal('a'), literal('b')), true],
    [between(literal('c'), literal('a'), literal('b')), false],
    [like(literal('abc'), literal('a%')), true],
    [like(literal('abc'), literal('%b%')), true],
    [like(literal('abc'), literal('b')), false],
    [like(literal('abc'), literal('ABC')), false],
    [like(literal('abc'), literal('a_c')), true],
    [like(literal('a\nc'), literal('a_c')), true],
    [like(literal('a\nbc'), literal('a%c')), true],
    [like(literal('a😀c'), literal('a_c')), true],
    [like(literal('ac'), literal('a_c')), false],
    [like(literal('aba'), literal('ab%ba')), false],
    [like(literal('a.c'), literal('a.c')), true],
    [like(literal('abc'), literal('a.c')), false],
    [like(literal('a.c'), literal('_.c')), true],
    [like(literal('abc'), literal('_.c')), false],
    [like(literal(''), literal('%')), true],
    [like(literal(''), literal('')), true],
    [like(literal('xaybzc'), literal('%a%b%c')), true],
    [like(literal('aXbXb'), literal('a%Xb')), true],
    [matches(literal('xxabcxx'), 'a.c'), true],
    [matches(literal('xxABCxx'), 'a.c'), false],
    [matches(literal('xxABCxx'), 'a.c', true), true],
    [matches(literal('ab'), '^b'), false],
    [matches(literal('a"\'`${x}\\b'), '"\'`\\$\\{x\\}\\\\b$'), true],
  ])('rule %#', (expr, result) => {
    expect(valueOf(expr)).toBe(result);
  });

  test('a regular expression that would hang a backtracking engine takes linear time', () => {
    expect(valueOf(matches(literal(`${'a'.repeat(50_000)}b`), '^(a+)+$'))).toBe(false);
  });
});

describe('lists and records', () => {
  const record = field('r', recordOf({ name: STRING, n: FLOAT, tags: listOf(STRING) }));
  const member = (object: Expr, name: string, type = STRING): Expr => node(type, { kind: 'member', object, field: name });
  const world: World = { event: { r: { name: 'x', n: null, tags: ['a', 'b'] }, list: [1, 2, null] } };
  const many = literal(Array.from({ length: 100 }, (_, i) => i));

  test.each<Row>([
    [within(literal(2), literal([1, 2])), true],
    [within(literal('b'), literal(['a', 'b'])), true],
    [within(literal('c'), literal(['a', 'b']), true), true],
    [within(literal('b'), literal([])), false],
    [within(arith('+', 1, 1), literal([1, 2])), true],
    [within(arith('+', 1, 1), literal([1, 3]), true), true],
    [within(literal(99), many), true],
    [within(literal(100), many), false],
    [within(literal(2), field('list', listOf(FLOAT))), true],
    [within(literal(3), field('list', listOf(FLOAT))), false],
    [within(literal(true), literal([true, false])), true],
    [within(literal('b'), member(record, 'tags', listOf(STRING))), true],
    [within(literal([1]), node(listOf(listOf(FLOAT)), { kind: 'list', items: [literal([1]), literal([2])] })), true],
    [at(literal([5, 6]), literal(0)), 5],
    [at(literal([5, 6]), literal(2)), null],
    [at(literal([5, 6]), literal(-1)), null],
    [at(literal([5, 6]), none), null],
    [at(field('absent', listOf(FLOAT)), literal(0)), null],
    [member(record, 'name'), 'x'],
    [member(record, 'n', FLOAT), null],
    [member(record, 'toString'), null],
    [member(field('absent', record.type), 'name'), null],
    [compare('==', literal([1, 2]), node(listOf(FLOAT), { kind: 'list', items: [literal(1), literal(2)] })), true],
    [compare('!=', literal([1, 2]), literal([2, 1])), true],
  ])('rule %#', (expr, result) => {
    expect(valueOf(expr, world)).toEqual(result);
  });

  test('a list is built from its elements, null included', () => {
    const items = [arith('+', 1, 1), none, literal(0.1)];
    expect(valueOf(node(listOf(FLOAT), { kind: 'list', items }))).toEqual([2, null, 0.1]);
    expect(valueOf(node(listOf(STRING), { kind: 'list', items: [literal('"'), noText] }))).toEqual(['"', null]);
    expect(valueOf(node(listOf(BOOL), { kind: 'list', items: [yes, no, noBool] }))).toEqual([true, false, null]);
    expect(valueOf(node(listOf(FLOAT), { kind: 'list', items: [] }))).toEqual([]);
  });
});

describe('generated code', () => {
  test('the plain forms are plain JavaScript', () => {
    const world: World = { event: { amount: 5, country: 'US' } };
    const cond = both('and', compare('<', field('amount', FLOAT), literal(10)), compare('==', field('country', STRING), literal('US')));
    expect(generated(cond, world).source).toBe('(((C[0] < 10) && (C[1] === C[2])) ? 1 : 0)');
    expect(generated(between(field('amount', INT), literal(-1), literal(6)), world).source).toBe('((C[0] >= (-1) && C[0] <= 6) ? 1 : 0)');
    expect(generated(node(DURATION, { kind: 'arith', op: '-', left: field('at', TIME), right: field('at', TIME) }), world).source).toBe('(C[0] - C[1])');
  });
  test('a field name or a regular expression cannot break out of it', () => {
    const evil = '"); throw new Error("out"); ("\u2028';
    const member = node(FLOAT, { kind: 'member', object: field('r', recordOf({ [evil]: FLOAT })), field: evil });
    expect(valueOf(member, { event: { r: { [evil]: 7 } } })).toBe(7);
    expect(valueOf(matches(literal('x"y'), '"|\\)\u2028'))).toBe(true);
  });
});

describe('Runtime', () => {
  test('ids that the Strings table gives out anew are not taken for what they were', () => {
    const strings = new Strings();
    const runtime = makeRuntime(strings);
    const first = strings.intern('[1,2,3]');
    const pattern = strings.intern('a%');
    expect([runtime.size(first), runtime.like(strings.intern('abc'), pattern)]).toEqual([3, true]);
    strings.sweep(() => false);
    const reused = [strings.intern('[1]'), strings.intern('b%')] as const;
    expect(reused[0]).toBe(first);
    expect([runtime.size(reused[0]), runtime.like(strings.intern('abc'), reused[1])]).toEqual([1, false]);
  });
  test('clear changes no result', () => {
    const strings = new Strings();
    const runtime = makeRuntime(strings);
    const list = strings.intern('["x"]');
    const before = runtime.at(list, 0);
    runtime.clear();
    expect(runtime.at(list, 0)).toBe(before);
  });
});

describe('BoundedCache', () => {
  test('never holds more than two generations, and keeps what is in use', () => {
    const made: string[] = [];
    const cache = new BoundedCache((key) => made.push(key), 10);
    for (let i = 0; i < 1000; i++) {
      cache.get(`k${i}`);
      cache.get('hot');
      expect(cache.size).toBeLessThanOrEqual(20);
    }
    expect(made.filter((key) => key === 'hot')).toHaveLength(1);
  });
  test('long keys count for more', () => {
    const cache = new BoundedCache((key) => key.length, 1000, 100);
    for (let i = 0; i < 50; i++) cache.get(`${i}`.padEnd(60));
    expect(cache.size).toBeLessThanOrEqual(4);
  });
});
