import { describe, expect, test } from '@jest/globals';
import { canonical, conjuncts, dependsOn } from '../../../src/compile/expr.ts';
import type { Expr } from '../../../dsl/typed.ts';
import { BOOL, FLOAT, INT, STRING, TIME, call, compare, field, literal, listOf, node } from './both.ts';

const amount = field('amount', FLOAT);
const country = field('country', STRING);
const and = (left: Expr, right: Expr): Expr => node(BOOL, { kind: 'and', left, right });
const or = (left: Expr, right: Expr): Expr => node(BOOL, { kind: 'or', left, right });
const not = (operand: Expr): Expr => node(BOOL, { kind: 'not', operand });
const small = compare('<', amount, literal(10));
const german = compare('==', country, literal('DE'));
const param: Expr = node(FLOAT, { kind: 'param', name: 'big' });
const probe: Expr = node(FLOAT, { kind: 'stageField', stage: 'probe', field: 'amount' });
const average: Expr = node(FLOAT, {
  kind: 'aggregate', fn: 'avg', stage: 'loop', value: node(FLOAT, { kind: 'eachField', field: 'amount' }),
  where: compare('>', node(FLOAT, { kind: 'eachField', field: 'risk' }), node(FLOAT, { kind: 'prevField', field: 'risk' })),
});

test('conjuncts come from left to right; an or is one', () => {
  const either = or(small, german);
  expect(conjuncts(and(and(small, either), german))).toEqual([small, either, german]);
});

describe('canonical', () => {
  const same: readonly [Expr, Expr][] = [
    [small, { ...small, span: { file: 'other.cep', start: 7, end: 9 } }],
    [and(small, german), and(german, small)],
    [and(and(small, german), small), and(german, small)],
    [or(small, german), or(german, small)],
    [compare('>', literal(10), amount), small],
    [compare('>=', amount, literal(10)), compare('<=', literal(10), amount)],
    [compare('==', literal('DE'), country), german],
    [not(german), compare('!=', country, literal('DE'))],
    [not(compare('!=', country, literal('DE'))), german],
    [node(FLOAT, { kind: 'arith', op: '+', left: amount, right: param }), node(FLOAT, { kind: 'arith', op: '+', left: param, right: amount })],
    [node(BOOL, { kind: 'isNull', negated: true, value: amount }), not(node(BOOL, { kind: 'isNull', negated: false, value: amount }))],
    [compare('<', amount, literal(10, INT)), small],
  ];
  test.each(same)('same %#', (a, b) => {
    expect(canonical(a)).toBe(canonical(b));
  });

  const different: readonly Expr[] = [
    small, german, not(small), compare('<=', amount, literal(10)), compare('<', literal(10), amount), compare('<', amount, literal(11)),
    compare('<', amount, param), compare('<', probe, literal(10)), and(small, german), or(small, german), compare('<', amount, average),
    compare('==', country, literal('de')), compare('==', field('country', FLOAT), literal(1)), compare('==', country, literal('1')),
    compare('<', field('a', STRING), field('b', STRING)), compare('<', field('a', FLOAT), field('b', FLOAT)),
    node(FLOAT, { kind: 'arith', op: '-', left: amount, right: param }), node(FLOAT, { kind: 'arith', op: '-', left: param, right: amount }),
    node(BOOL, { kind: 'matches', negated: false, value: country, regex: 'a', ignoreCase: false }),
    node(BOOL, { kind: 'matches', negated: false, value: country, regex: 'a', ignoreCase: true }),
    call('any', BOOL, [field('l', listOf(FLOAT))], node(BOOL, { kind: 'lambdaParam', depth: 0 })), call('any', BOOL, [field('l', listOf(FLOAT))]),
    node(TIME, { kind: 'eventTime' }), node(TIME, { kind: 'stageTime', stage: 'probe' }), literal('10'), literal(10), literal(null, STRING), literal([]),
  ];
  test('different expressions have different texts', () => {
    expect(new Set(different.map(canonical)).size).toBe(different.length);
  });
});

test('dependsOn finds what is read, inside aggregates too, each thing once', () => {
  const key: Expr = node(STRING, { kind: 'keyField', part: 1 });
  const found = dependsOn(and(
    and(compare('>', amount, node(FLOAT, { kind: 'arith', op: '*', left: param, right: average })), compare('>', average, probe)),
    and(and(compare('<', probe, literal(3)), compare('==', country, key)), compare('>', node(TIME, { kind: 'eventTime' }), node(TIME, { kind: 'stageTime', stage: 'hit' }))),
  ));
  expect(found).toEqual({
    event: true, eventFields: new Set(['amount', 'country']), eventTime: true, stages: new Set(['loop', 'probe', 'hit']),
    stageFields: [{ stage: 'probe', field: 'amount' }], stageTimes: new Set(['hit']), prev: true, prevFields: new Set(['risk']), aggregates: [average],
    key: true, keyParts: new Set([1]), params: new Set(['big']), eachFields: new Set(['amount', 'risk']), eachTime: false, match: false, tables: new Set(), features: new Set(),
  });
  expect(dependsOn(literal(1)).event).toBe(false);
  expect(dependsOn(call('any', BOOL, [literal([1])], compare('<', amount, node(FLOAT, { kind: 'lambdaParam', depth: 0 })))).eventFields).toEqual(new Set(['amount']));
});
