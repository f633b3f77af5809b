import { describe, expect, test } from '@jest/globals';
import type { Expr, Literal, Type } from '../../../dsl/typed.ts';
import { BOOL, DURATION, FLOAT, INT, STRING, TIME, call, compare, field, generated, interpreted, listOf, literal, node } from './both.ts';

const time = (text: string): Expr => literal(Date.parse(text), TIME);
const regex = (source: string, flags = ''): Expr => literal([source, flags], STRING);
const element = (type: Type): Expr => node(type, { kind: 'lambdaParam', depth: 0 });
const texts = listOf(STRING);

/** [function, type of the result, arguments, result]; an argument that is not an expression is a literal of its own type. */
type Row = readonly [fn: string, type: Type, args: readonly (Expr | Literal)[], result: unknown];

const numbers: readonly Row[] = [
  ['abs', FLOAT, [-2.5], 2.5],
  ['abs', DURATION, [literal(-1000, DURATION)], 1000],
  ['min', FLOAT, [3, 1, 2], 1],
  ['max', FLOAT, [3, 1, 2], 3],
  ['min', FLOAT, [literal([4, null, 2], listOf(FLOAT))], 2],
  ['max', FLOAT, [literal([4, null, 2], listOf(FLOAT))], 4],
  ['max', FLOAT, [literal([], listOf(FLOAT))], null],
  ['round', INT, [2.5], 3],
  ['round', INT, [-2.5], -3],
  ['round', INT, [0.49999999999999994], 0],
  ['round', FLOAT, [1.005, 2], 1.01],
  ['round', FLOAT, [-1.005, 2], -1.01],
  ['round', FLOAT, [1234.5, -2], 1200],
  ['round', FLOAT, [1e21, 2], 1e21],
  ['round', FLOAT, [1e-9, 400], 1e-9],
  ['round', FLOAT, [5, -400], 0],
  ['floor', INT, [-1.5], -2],
  ['ceil', INT, [1.2], 2],
  ['sqrt', FLOAT, [9], 3],
  ['sqrt', FLOAT, [-1], null],
  ['ln', FLOAT, [1], 0],
  ['ln', FLOAT, [0], null],
  ['ln', FLOAT, [-1], null],
  ['log10', FLOAT, [1000], 3],
  ['log10', FLOAT, [0], null],
  ['exp', FLOAT, [0], 1],
  ['exp', FLOAT, [1000], null],
  ['pow', FLOAT, [2, 10], 1024],
  ['pow', FLOAT, [0, -1], null],
  ['pow', FLOAT, [10, 400], null],
];

const strings: readonly Row[] = [
  ['lower', STRING, ['ÄB'], 'äb'],
  ['upper', STRING, ['straße'], 'STRASSE'],
  ['length', INT, ['a😀b'], 3],
  ['length', INT, [''], 0],
  ['length', INT, ['\ud83d'], 1],
  ['trim', STRING, ['\t a b \n'], 'a b'],
  ['contains', BOOL, ['abc', 'bc'], true],
  ['contains', BOOL, ['abc', 'B'], false],
  ['startsWith', BOOL, ['abc', 'ab'], true],
  ['startsWith', BOOL, ['abc', 'bc'], false],
  ['endsWith', BOOL, ['abc', 'bc'], true],
  ['endsWith', BOOL, ['abc', 'ab'], false],
  ['substring', STRING, ['abcdef', 2], 'cdef'],
  ['substring', STRING, ['abcdef', 1, 3], 'bc'],
  ['substring', STRING, ['abcdef', -2, 2], 'ab'],
  ['substring', STRING, ['abcdef', 4, 2], ''],
  ['substring', STRING, ['abcdef', 4, 99], 'ef'],
  ['substring', STRING, ['a😀b', 1, 2], '😀'],
  ['split', texts, ['a,b,,c,', ','], ['a', 'b', '', 'c', '']],
  ['split', texts, ['', ','], ['']],
  ['split', texts, ['a😀', ''], ['a', '😀']],
  ['split', texts, ['a1b22c', regex('[0-9]+')], ['a', 'b', 'c']],
  ['split', texts, ['axbXc,', regex('x', 'i')], ['a', 'b', 'c,']],
  ['split', texts, ['a,b,', regex(',')], ['a', 'b', '']],
  ['split', texts, ['/api/x/api/', '/api/'], ['', 'x', '']],
  ['replace', STRING, ['a.b.c', '.', '$&'], 'a$&b$&c'],
  ['replace', STRING, ['aaa', 'aa', 'b'], 'ba'],
  ['replace', STRING, ['abc', '', '-'], 'abc'],
  ['replace', STRING, ['4111 1111', regex('\\d(\\d)'), '[$1]'], '[1][1] [1][1]'],
  ['replace', STRING, ['John Smith', regex('(?P<a>\\w+) (\\w+)'), '$2 ${a} $$1 $9'], 'Smith John $1 '],
  ['replace', STRING, ['aBc', regex('b', 'i'), 'x'], 'axc'],
  ['concat', STRING, ['a', 'b', 'c'], 'abc'],
  ['concat', STRING, ['n=', 1.5, ' ', true, ' ', literal([1, 2])], 'n=1.5 true [1,2]'],
  ['concat', STRING, [time('2026-03-29T01:00:00Z'), '/', literal(1500, DURATION)], '2026-03-29T01:00:00.000Z/1500'],
];

const times: readonly Row[] = [
  ['hour', INT, [time('2026-01-15T23:59:59.999Z')], 23],
  ['hour', INT, [time('1969-12-31T23:30:00Z')], 23],
  ['hour', INT, [time('2026-01-15T23:30:00Z'), 'America/New_York'], 18],
  ['hour', INT, [time('2026-07-15T23:30:00Z'), 'America/New_York'], 19],
  ['hour', INT, [time('2026-01-15T23:30:00Z'), '+02:00'], 1],
  // Clocks in Berlin went from 02:00 to 03:00 at 01:00Z.
  ['hour', INT, [time('2026-03-29T00:59:59.999Z'), 'Europe/Berlin'], 1],
  ['hour', INT, [time('2026-03-29T01:00:00Z'), 'Europe/Berlin'], 3],
  // In Newfoundland they changed at one minute past midnight then.
  ['hour', INT, [time('2008-03-09T03:30:59.999Z'), 'America/St_Johns'], 0],
  ['hour', INT, [time('2008-03-09T03:31:00Z'), 'America/St_Johns'], 1],
  ['minute', INT, [time('2026-01-15T23:59:59.999Z')], 59],
  ['minute', INT, [time('2026-01-15T23:10:00Z'), 'Asia/Kolkata'], 40],
  ['dayOfWeek', INT, [time('2026-03-30T00:00:00Z')], 1],
  ['dayOfWeek', INT, [time('2026-03-29T23:59:59Z')], 7],
  ['dayOfWeek', INT, [time('2026-03-29T23:00:00Z'), 'Europe/Berlin'], 1],
  ['dayOfWeek', INT, [time('1969-12-31T00:00:00Z')], 3],
  ['date', STRING, [time('2026-03-29T23:00:00Z')], '2026-03-29'],
  ['date', STRING, [time('2026-03-29T23:00:00Z'), 'Europe/Berlin'], '2026-03-30'],
  ['date', STRING, [literal(8.64e15 + 1, TIME)], null],
  ['hour', INT, [time('2026-01-15T23:30:00Z'), 'Mars/Olympus'], null],
  ['date', STRING, [time('2026-01-15T23:30:00Z'), 'Mars/Olympus'], null],
];

const others: readonly Row[] = [
  ['inCidr', BOOL, ['10.1.2.3', '10.0.0.0/8'], true],
  ['inCidr', BOOL, ['11.1.2.3', '10.0.0.0/8'], false],
  ['inCidr', BOOL, ['192.168.1.130', '192.168.1.128/25'], true],
  ['inCidr', BOOL, ['192.168.1.127', '192.168.1.128/25'], false],
  ['inCidr', BOOL, ['1.2.3.4', '0.0.0.0/0'], true],
  ['inCidr', BOOL, ['1.2.3.4', '1.2.3.4'], true],
  ['inCidr', BOOL, ['2001:db8::1', '2001:db8::/32'], true],
  ['inCidr', BOOL, ['2001:db9::1', '2001:db8::/32'], false],
  ['inCidr', BOOL, ['::ffff:10.1.2.3', '10.0.0.0/8'], true],
  ['inCidr', BOOL, ['10.1.2.3', '::ffff:10.0.0.0/104'], true],
  ['inCidr', BOOL, ['10.1.2.3', '2001:db8::/32'], false],
  ['inCidr', BOOL, ['10.1.2', '10.0.0.0/8'], null],
  ['inCidr', BOOL, ['010.1.2.3', '10.0.0.0/8'], null],
  ['inCidr', BOOL, ['unknown', '10.0.0.0/8'], null],
  ['inCidr', BOOL, ['10.1.2.3', '10.0.0.0/33'], null],
  ['inCidr', BOOL, ['10.1.2.3', '10.0.0.0/-1'], null],
  // Published test vectors of FNV-1a with 64 bits: cbf29ce484222325, af63dc4c8601ec8c, 85944171f73967e8.
  ['hash', INT, [''], Number(0xcbf29ce484222325n >> 11n)],
  ['hash', INT, ['a'], Number(0xaf63dc4c8601ec8cn >> 11n)],
  ['hash', INT, ['aé😀'], Number(fnv('aé😀') >> 11n)],
  ['hash', INT, ['foobar'], Number(0x85944171f73967e8n >> 11n)],
  ['coalesce', FLOAT, [literal(null, FLOAT), literal(null, FLOAT), 3], 3],
  ['coalesce', FLOAT, [literal(null, FLOAT), 2, 3], 2],
  ['coalesce', STRING, [literal(null, STRING), literal(null, STRING)], null],
  ['coalesce', FLOAT, [7], 7],
  ['size', INT, [literal([1, 2, 3])], 3],
  ['size', INT, [literal([])], 0],
];

describe.each([['numbers', numbers], ['text', strings], ['time', times], ['others', others]] as const)('functions of %s', (_, rows) => {
  test.each(rows)('%s: %#', (fn, type, args, result) => {
    const expr = call(fn, type, args.map(asExpr));
    expect(generated(expr).value).toEqual(result);
    expect(interpreted(expr)).toEqual(result);
  });
});

test('every function but coalesce gives null where any argument is null', () => {
  let calls = 0;
  for (const [fn, type, args] of [...numbers, ...strings, ...times, ...others]) {
    if (fn === 'coalesce') continue;
    const exprs = args.map(asExpr);
    for (const [i, arg] of exprs.entries()) {
      if (arg.kind === 'literal' && Array.isArray(arg.value) && arg.type.kind === 'string') continue; // a regular expression
      const expr = call(fn, type, exprs.with(i, field('absent', arg.type)));
      expect([fn, i, generated(expr).value, interpreted(expr)]).toEqual([fn, i, null, null]);
      calls++;
    }
  }
  expect(calls).toBeGreaterThan(100);
});

test('distanceKm is the great-circle distance', () => {
  const distance = (...points: number[]): unknown[] => {
    const expr = call('distanceKm', FLOAT, points.map((point) => literal(point)));
    return [generated(expr).value, interpreted(expr)];
  };
  for (const km of distance(52.52, 13.405, 48.8566, 2.3522)) expect(km).toBeCloseTo(877.46, 1); // Berlin to Paris
  for (const km of distance(0, 0, 0, 180)) expect(km).toBeCloseTo(Math.PI * 6371.0088, 6);
  for (const km of distance(10, 20, 10, 20)) expect(km).toBe(0);
  for (const km of distance(0, 179.5, 0, -179.5)) expect(km).toBeCloseTo(111.195, 2);
});

test('hash is of the text: a number, its text and a list each have theirs', () => {
  const hash = (value: Literal): unknown => generated(call('hash', INT, [literal(value)])).value;
  expect(hash(12)).toBe(hash('12'));
  expect(hash(true)).toBe(hash('true'));
  expect(hash([1, 2])).toBe(hash('[1,2]'));
  expect(hash('é')).not.toBe(hash('e'));
  expect(hash('')).toBeLessThan(2 ** 53);
});

describe('any', () => {
  const over = (list: Literal, lambda: Expr): [unknown, unknown] => {
    const expr = call('any', BOOL, [literal(list, list === null ? listOf(FLOAT) : undefined)], lambda);
    return [generated(expr).value, interpreted(expr)];
  };
  const above2 = compare('>', element(FLOAT), literal(2));

  test('is true where the condition holds for an element', () => {
    expect(over([1, 3], above2)).toEqual([true, true]);
    expect(over([1, 2], above2)).toEqual([false, false]);
    expect(over([], above2)).toEqual([false, false]);
    expect(over(null, above2)).toEqual([null, null]);
  });
  test('a null element acts as null in the condition', () => {
    expect(over([null, 1], above2)).toEqual([false, false]);
    expect(over([null, 1], node(BOOL, { kind: 'isNull', negated: false, value: element(FLOAT) }))).toEqual([true, true]);
  });
  test('an inner lambda sees the element of the outer one', () => {
    // any([1, 5], x => any([3, 4], y => x > y))
    const greater = compare('>', node(FLOAT, { kind: 'lambdaParam', depth: 1 }), node(FLOAT, { kind: 'lambdaParam', depth: 0 }));
    const inner = call('any', BOOL, [literal([3, 4])], greater);
    expect(over([1, 5], inner)).toEqual([true, true]);
    expect(over([1, 3], inner)).toEqual([false, false]);
  });
  test('elements that are text or records', () => {
    expect(over(['a', 'b'], compare('==', element(STRING), literal('b')))).toEqual([true, true]);
  });
});

test('an unknown function is refused when code is generated', () => {
  expect(() => generated(call('constructor', FLOAT, [literal(1)]))).toThrow('no function "constructor"');
  expect(() => generated(call('clear', FLOAT, [literal(1)]))).toThrow('no function "clear"');
});

function asExpr(arg: Expr | Literal): Expr {
  return typeof arg === 'object' && arg !== null && 'kind' in arg ? arg : literal(arg);
}

function fnv(text: string): bigint {
  return Buffer.from(text).reduce((state, byte) => BigInt.asUintN(64, (state ^ BigInt(byte)) * 0x100000001b3n), 0xcbf29ce484222325n);
}
