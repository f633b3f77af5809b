import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonical } from '../../../src/compile/expr.ts';
import type { Expr, ExprKind, Field, Literal, Type } from '../../../dsl/typed.ts';
import { BOOL, DURATION, FLOAT, STRING, TIME, call, field, generated, interpreted, listOf, literal, node, recordOf, type World } from './both.ts';

/**
 * Random typed expressions over random worlds: the generated code and the interpreter give the same. distanceKm is left out, as the two
 * compute it differently and agree only closely.
 */

const NUMBERS = listOf(FLOAT);
const TEXTS = listOf(STRING);
const RECORD = recordOf({ n: FLOAT, s: STRING, l: NUMBERS });

const number = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ min: -1000, max: 1000, noNaN: true }).map((x) => x + 0), fc.constantFrom(0.5, 2.5, 1e300));
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'A', '%', '_', '.', ',', '😀', '\n', ' '), maxLength: 6 }),
  fc.constantFrom('10.1.2.3', '10.0.0.0/8', '::1', '::/0', 'UTC', 'Europe/Berlin', 'Asia/Kolkata', '\ud83d', '\uffff', 'straße'),
);
const time = fc.integer({ min: -4_000_000_000_000, max: 4_000_000_000_000 });
const duration = fc.integer({ min: -100_000_000, max: 100_000_000 });
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null, freq: 4 });
const numbers = fc.array(orNull(number), { maxLength: 4 });
const texts = fc.array(orNull(text), { maxLength: 4 });
const record = fc.record({ n: orNull(number), s: orNull(text), l: orNull(numbers) });

const eventFields = fc.record({
  n1: orNull(number), n2: orNull(number), b: orNull(fc.boolean()), s1: orNull(text), s2: orNull(text), t: orNull(time), d: orNull(duration),
  ns: orNull(numbers), ts: orNull(texts), r: orNull(record),
});
const bound = fc.record({ time, fields: eventFields });
const column = (name: string, type: Type): Field => ({ name, source: name, type, optional: true });
const row = fc.record({ n: orNull(number), s: orNull(text), b: orNull(fc.boolean()), l: orNull(numbers) });
const cells = [column('n', FLOAT), column('s', STRING), column('b', BOOL), column('l', NUMBERS)];
const tables = fc.record({
  byText: fc.array(fc.tuple(text, row), { maxLength: 5 }).map((rows) => ({ columns: [column('id', STRING), ...cells], rows: rows.map(([id, r]) => ({ id, ...r })) })),
  byNumber: fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), row), { maxLength: 5 }).map((rows) => ({ columns: [column('id', FLOAT), ...cells], rows: rows.map(([id, r]) => ({ id, ...r })) })),
});
const world: fc.Arbitrary<World> = fc.tuple(fc.record({
  event: eventFields, eventTime: time, params: fc.record({ n1: number, s1: text }), key: fc.tuple(text, number),
  stages: fc.record({ one: fc.array(bound, { maxLength: 1 }), loop: fc.array(bound, { maxLength: 3 }) }), prev: bound, tables,
}), orNull(number), orNull(fc.boolean())).map(([made, f, g]) => ({ ...made, features: { f: { [JSON.stringify([made.key[0]])]: f }, g: { [JSON.stringify([made.key[1], made.key[0]])]: g } } }));

interface Kinds { num: Expr; bool: Expr; text: Expr; time: Expr; duration: Expr; nums: Expr; texts: Expr; rec: Expr; condition: Expr }

/** An arbitrary for `make(parts)` with a sub-expression for each name. */
const expressions = fc.letrec<Kinds>((tie) => {
  const build = (names: readonly (keyof Kinds)[], make: (...parts: Expr[]) => Expr): fc.Arbitrary<Expr> =>
    fc.tuple(...names.map((name) => tie(name) as fc.Arbitrary<Expr>)).map((parts) => make(...parts));
  const of = (type: Type, names: readonly (keyof Kinds)[], kind: (...parts: Expr[]) => ExprKind): fc.Arbitrary<Expr> =>
    build(names, (...parts) => node(type, kind(...parts)));
  const fn = (name: string, type: Type, names: readonly (keyof Kinds)[]): fc.Arbitrary<Expr> => build(names, (...parts) => call(name, type, parts));
  const read = (type: Type, ...names: string[]): fc.Arbitrary<Expr> => fc.constantFrom(
    ...names.flatMap((name) => [field(name, type), node(type, { kind: 'stageField', stage: 'one', field: name }), node(type, { kind: 'prevField', field: name })]),
  );
  const constant = (of_: fc.Arbitrary<Literal>, type: Type): fc.Arbitrary<Expr> => orNull(of_).map((value) => literal(value, type));
  const either = (type: Type, name: keyof Kinds): fc.Arbitrary<Expr>[] => [
    of(type, ['bool', name, name], (cond, then, other) => ({ kind: 'if', cond: cond!, then: then!, else: other! })),
    of(type, [name, name], (left, right) => ({ kind: '??', left: left!, right: right! })),
    fn('coalesce', type, [name, name, name]),
  ];
  const choice = (...of_: fc.Arbitrary<Expr>[]): fc.Arbitrary<Expr> => fc.oneof({ maxDepth: 4, depthSize: 'small' }, ...of_);
  const compared = (name: keyof Kinds): fc.Arbitrary<Expr> => fc.constantFrom('==', '!=', '<', '<=', '>', '>=').chain((op) =>
    of(BOOL, [name, name], (left, right) => ({ kind: 'compare', op: op as '==', left: left!, right: right! })));
  const arith = (type: Type, left: keyof Kinds, ops: readonly string[], right: keyof Kinds): fc.Arbitrary<Expr> => fc.constantFrom(...ops).chain((op) =>
    of(type, [left, right], (a, b) => ({ kind: 'arith', op: op as '+', left: a!, right: b! })));
  const chosen = (make: (negated: boolean) => fc.Arbitrary<Expr>): fc.Arbitrary<Expr> => fc.boolean().chain(make);
  const element = (type: Type): Expr => node(type, { kind: 'lambdaParam', depth: 0 });
  const listed = (type: Type, name: keyof Kinds): fc.Arbitrary<Expr> =>
    fc.array(tie(name) as fc.Arbitrary<Expr>, { maxLength: 3 }).map((items) => node(listOf(type), { kind: 'list', items }));
  const looked = (type: Type, name: string): fc.Arbitrary<Expr>[] => [
    of(type, ['text'], (key) => ({ kind: 'lookup', table: 'byText', key: key!, column: name })), of(type, ['num'], (key) => ({ kind: 'lookup', table: 'byNumber', key: key!, column: name })),
  ];
  const feature = (type: Type, name: string, parts: readonly number[]): fc.Arbitrary<Expr> => fc.constant(node(type, { kind: 'feature', feature: name, parts }));
  const aggregate = (value: string, where: boolean): Expr => node(FLOAT, {
    kind: 'aggregate', fn: value as 'sum', stage: 'loop', value: node(FLOAT, { kind: 'eachField', field: 'n1' }),
    ...(where ? { where: node(BOOL, { kind: 'compare', op: '<', left: node(FLOAT, { kind: 'eachField', field: 'n1' }), right: field('n1', FLOAT) }) } : {}),
  });

  return {
    num: choice(
      read(FLOAT, 'n1', 'n2'), constant(number, FLOAT), fc.constant(node(FLOAT, { kind: 'param', name: 'n1' })), fc.constant(node(FLOAT, { kind: 'keyField', part: 1 })),
      fc.tuple(fc.constantFrom('count', 'sum', 'avg', 'min', 'max', 'stddev', 'first', 'last', 'distinct'), fc.boolean()).map(([name, where]) => aggregate(name, where)),
      arith(FLOAT, 'num', ['+', '-', '*', '/', '%'], 'num'), arith(FLOAT, 'duration', ['/'], 'duration'),
      of(FLOAT, ['num'], (operand) => ({ kind: 'negate', operand: operand! })),
      ...['abs', 'round', 'floor', 'ceil', 'sqrt', 'ln', 'log10', 'exp'].map((name) => fn(name, FLOAT, ['num'])),
      fn('pow', FLOAT, ['num', 'num']), fn('min', FLOAT, ['num', 'num', 'num']), fn('max', FLOAT, ['num', 'num']), fn('min', FLOAT, ['nums']), fn('max', FLOAT, ['nums']),
      fc.tuple(tie('num') as fc.Arbitrary<Expr>, fc.integer({ min: -3, max: 4 })).map(([x, digits]) => call('round', FLOAT, [x, literal(digits)])),
      fn('length', FLOAT, ['text']), fn('size', FLOAT, ['nums']), fn('size', FLOAT, ['texts']),
      ...(['num', 'bool', 'text', 'time', 'nums', 'rec'] as const).map((name) => fn('hash', FLOAT, [name])),
      ...['hour', 'minute', 'dayOfWeek'].flatMap((name) => [fn(name, FLOAT, ['time']), fn(name, FLOAT, ['time', 'text'])]),
      of(FLOAT, ['nums', 'num'], (object, index) => ({ kind: 'index', object: object!, index: index! })),
      of(FLOAT, ['rec'], (object) => ({ kind: 'member', object: object!, field: 'n' })),
      ...looked(FLOAT, 'n'), feature(FLOAT, 'f', [0]), ...either(FLOAT, 'num'),
    ),
    bool: choice(
      read(BOOL, 'b'), constant(fc.boolean(), BOOL), tie('condition') as fc.Arbitrary<Expr>,
      fn('contains', BOOL, ['text', 'text']), fn('startsWith', BOOL, ['text', 'text']), fn('endsWith', BOOL, ['text', 'text']), fn('inCidr', BOOL, ['text', 'text']),
      build(['nums', 'num'], (list, limit) => call('any', BOOL, [list!], node(BOOL, { kind: 'compare', op: '>', left: element(FLOAT), right: limit! }))),
      build(['texts', 'text'], (list, one) => call('any', BOOL, [list!], node(BOOL, { kind: 'compare', op: '<=', left: element(STRING), right: one! }))),
      ...looked(BOOL, 'b'), feature(BOOL, 'g', [1, 0]), ...either(BOOL, 'bool'),
    ),
    condition: choice(
      compared('num'), compared('text'), compared('time'), compared('duration'), build(['bool', 'bool'], (left, right) => node(BOOL, { kind: 'compare', op: '==', left: left!, right: right! })),
      build(['nums', 'nums'], (left, right) => node(BOOL, { kind: 'compare', op: '!=', left: left!, right: right! })),
      of(BOOL, ['bool'], (operand) => ({ kind: 'not', operand: operand! })),
      of(BOOL, ['bool', 'bool'], (left, right) => ({ kind: 'and', left: left!, right: right! })),
      of(BOOL, ['bool', 'bool'], (left, right) => ({ kind: 'or', left: left!, right: right! })),
      chosen((negated) => of(BOOL, ['num', 'nums'], (value, options) => ({ kind: 'in', negated, value: value!, options: options! }))),
      chosen((negated) => of(BOOL, ['text', 'texts'], (value, options) => ({ kind: 'in', negated, value: value!, options: options! }))),
      chosen((negated) => of(BOOL, ['text', 'text'], (value, pattern) => ({ kind: 'like', negated, value: value!, pattern: pattern! }))),
      fc.tuple(fc.constantFrom('a', '^[ab]+$', 'b|,', '\\.', '.😀', ''), fc.boolean(), fc.boolean()).chain(([regex, ignoreCase, negated]) =>
        of(BOOL, ['text'], (value) => ({ kind: 'matches', negated, value: value!, regex, ignoreCase }))),
      ...(['num', 'text', 'time'] as const).map((name) =>
        chosen((negated) => of(BOOL, [name, name, name], (value, lo, hi) => ({ kind: 'between', negated, value: value!, lo: lo!, hi: hi! })))),
      ...(['num', 'text', 'bool', 'nums', 'rec'] as const).map((name) => chosen((negated) => of(BOOL, [name], (value) => ({ kind: 'isNull', negated, value: value! })))),
    ),
    text: choice(
      read(STRING, 's1', 's2'), constant(text, STRING), fc.constant(node(STRING, { kind: 'param', name: 's1' })), fc.constant(node(STRING, { kind: 'keyField', part: 0 })),
      ...['lower', 'upper', 'trim'].map((name) => fn(name, STRING, ['text'])), fn('substring', STRING, ['text', 'num']), fn('substring', STRING, ['text', 'num', 'num']),
      fn('replace', STRING, ['text', 'text', 'text']), fn('concat', STRING, ['text', 'num', 'bool']), fn('concat', STRING, ['time', 'text', 'nums']),
      fn('date', STRING, ['time']), fn('date', STRING, ['time', 'text']),
      of(STRING, ['texts', 'num'], (object, index) => ({ kind: 'index', object: object!, index: index! })),
      of(STRING, ['rec'], (object) => ({ kind: 'member', object: object!, field: 's' })),
      ...looked(STRING, 's'), ...either(STRING, 'text'),
    ),
    time: choice(
      read(TIME, 't'), fc.constant(node(TIME, { kind: 'eventTime' })), fc.constant(node(TIME, { kind: 'stageTime', stage: 'loop' })), constant(time, TIME),
      arith(TIME, 'time', ['+', '-'], 'duration'), ...either(TIME, 'time'),
    ),
    duration: choice(
      read(DURATION, 'd'), constant(duration, DURATION), arith(DURATION, 'time', ['-'], 'time'), arith(DURATION, 'duration', ['*', '/'], 'num'), ...either(DURATION, 'duration'),
    ),
    nums: choice(
      read(NUMBERS, 'ns'), constant(numbers, NUMBERS), listed(FLOAT, 'num'), of(NUMBERS, ['rec'], (object) => ({ kind: 'member', object: object!, field: 'l' })),
      ...looked(NUMBERS, 'l'), ...either(NUMBERS, 'nums'),
    ),
    texts: choice(read(TEXTS, 'ts'), constant(texts, TEXTS), listed(STRING, 'text'), fn('split', TEXTS, ['text', 'text']), ...either(TEXTS, 'texts')),
    rec: choice(read(RECORD, 'r'), ...either(RECORD, 'rec')),
  };
});

const anyExpression = fc.oneof(...(Object.values(expressions) as fc.Arbitrary<Expr>[]));

/** -0 is 0, inside lists too, as JSON has it. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('generated code and the interpreter give the same', () => {
  fc.assert(fc.property(anyExpression, world, (expr, around) => {
    const ours = generated(expr, around);
    const theirs = interpreted(expr, around);
    expect(plain(ours.value)).toEqual(plain(theirs));
    if (expr.type.kind === 'bool') expect(ours.holds).toBe(theirs === true);
  }), { numRuns: 3000 });
});

/** Turns what commutes round and writes negations the other way. */
function mirrored(expr: Expr): Expr {
  switch (expr.kind) {
    case 'and': case 'or': return { ...expr, left: mirrored(expr.right), right: mirrored(expr.left) };
    case 'compare': {
      const turned = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
      return { ...expr, op: turned[expr.op], left: mirrored(expr.right), right: mirrored(expr.left) };
    }
    case 'arith': {
      const [left, right] = [mirrored(expr.left), mirrored(expr.right)];
      return expr.op === '+' || expr.op === '*' ? { ...expr, left: right, right: left } : { ...expr, left, right };
    }
    case 'in': case 'like': case 'matches': case 'between': case 'isNull':
      return expr.negated ? node(BOOL, { kind: 'not', operand: { ...expr, negated: false } }) : expr;
    case 'not': return { ...expr, operand: mirrored(expr.operand) };
    default: return expr;
  }
}

test('what is canonically the same has the same value', () => {
  fc.assert(fc.property(expressions.condition, world, (expr, around) => {
    const other = mirrored(expr);
    expect(canonical(other)).toBe(canonical(expr));
    expect(generated(other, around).holds).toBe(generated(expr, around).holds);
  }), { numRuns: 1000 });
});
