import { describe, expect, test } from '@jest/globals';
import type { AggregateFn, Expr } from '../../../dsl/typed.ts';
import type { BoundEvent } from '../../../src/compile/interpret.ts';
import { BOOL, FLOAT, INT, STRING, TIME, compare, field, interpreted, literal, node, type World } from './both.ts';

const each = (name: string, type = FLOAT): Expr => node(type, { kind: 'eachField', field: name });
const aggregate = (fn: AggregateFn, value?: Expr, rest: { where?: Expr; limit?: number } = {}): Expr =>
  node(FLOAT, { kind: 'aggregate', fn, stage: 's', ...(value === undefined ? {} : { value }), ...rest });
const events = (...rows: readonly (number | null)[]): World =>
  ({ stages: { s: rows.map((x, i): BoundEvent => ({ time: 1000 * i, fields: { x, name: x === null ? null : `n${x}` } })) } });

describe('over the events of a stage', () => {
  test.each<[AggregateFn, World, unknown]>([
    ['count', events(3, null, 1), 3],
    ['sum', events(3, null, 1), 4],
    ['avg', events(3, null, 1), 2],
    ['min', events(3, null, 1), 1],
    ['max', events(3, null, 1), 3],
    ['stddev', events(1, 3, null), Math.SQRT2],
    ['stddev', events(1), null],
    ['first', events(3, null, 1), 3],
    ['last', events(3, null, 1), 1],
    ['last', events(3, null), null],
    ['distinct', events(3, null, 1, 3), 2],
    ['values', events(3, null, 1, 3), [3, 1, 3]],
    ['sum', events(1e308, 1e308), null],
  ])('%s %#', (fn, world, result) => {
    expect(interpreted(aggregate(fn, each('x')), world)).toEqual(result);
  });

  test.each<[AggregateFn, unknown]>([
    ['count', 0], ['distinct', 0], ['sum', 0], ['values', []], ['avg', null], ['min', null], ['max', null], ['stddev', null], ['first', null], ['last', null],
  ])('%s over nothing', (fn, result) => {
    expect(interpreted(aggregate(fn, each('x')))).toEqual(result);
    expect(interpreted(aggregate(fn, each('x'), { where: literal(false) }), events(1, 2))).toEqual(result);
  });

  // Each event holds from its time until the next; the last has no next.
  const bool = (name: string): Expr => compare('>', each(name), literal(2));
  test.each<[string, AggregateFn, World, { where?: Expr }, unknown]>([
    ['adds the lengths of what held', 'lasting', events(3, 1, 5, 9), {}, 2000],
    ['null holds nothing', 'lasting', events(3, null, 1, 1), {}, 1000],
    ['the last event has no length', 'lasting', events(9), {}, 0],
    ['what is not taken ends what was', 'lasting', events(3, 4, 9, 3), { where: compare('<', each('x'), literal(4)) }, 1000],
    ['over nothing', 'lasting', events(), {}, null],
    ['where nothing is taken', 'lasting', events(1, 2), { where: literal(false) }, null],
  ])('lasting: %s', (_, fn, world, rest, result) => { expect(interpreted(aggregate(fn, bool('x'), rest), world)).toBe(result); });
  test.each<[string, World, { where?: Expr }, unknown]>([
    ['weighs each by its length', { stages: { s: [[0, 2], [3000, 10], [4000, 7]].map(([at, x]) => ({ time: at!, fields: { x } })) } }, {}, 4],
    ['leaves null out with its length', events(3, null, 5, 1), {}, 4],
    ['leaves out what is not taken', events(3, 8, 5, 1), { where: compare('<', each('x'), literal(8)) }, 4],
    ['is null without any length', events(3), {}, null],
    ['over nothing', events(), {}, null],
  ])('timeAvg: %s', (_, world, rest, result) => { expect(interpreted(aggregate('timeAvg', each('x'), rest), world)).toBe(result); });

  test('count of the stage counts its events, whatever they hold', () => {
    expect(interpreted(aggregate('count'), events(3, null, 1))).toBe(3);
  });
  test('where takes some, and can read the event being tested', () => {
    const where = compare('>', each('x'), field('limit', FLOAT));
    expect(interpreted(aggregate('sum', each('x'), { where }), { ...events(1, 5, null, 9), event: { limit: 3 } })).toBe(14);
    expect(interpreted(aggregate('first', each('name', STRING), { where }), { ...events(1, 5, 9), event: { limit: 3 } })).toBe('n5');
  });
  test('values with a limit are the latest', () => {
    expect(interpreted(aggregate('values', each('x'), { limit: 2 }), events(1, 2, 3))).toEqual([2, 3]);
    expect(interpreted(aggregate('values', each('x'), { limit: 5 }), events(1, 2, 3))).toEqual([1, 2, 3]);
  });
  test('the value may be computed, and may be the time', () => {
    const doubled = node(FLOAT, { kind: 'arith', op: '*', left: each('x'), right: literal(2) });
    expect(interpreted(aggregate('max', doubled), events(1, 4))).toBe(8);
    expect(interpreted(aggregate('max', node(TIME, { kind: 'eachTime' })), events(1, 4))).toBe(1000);
  });
});

describe('fields and times of stages', () => {
  const stageField: Expr = node(FLOAT, { kind: 'stageField', stage: 's', field: 'x' });
  const stageTime: Expr = node(TIME, { kind: 'stageTime', stage: 's' });

  test('a stage that is not bound is null', () => {
    expect(interpreted(stageField)).toBeNull();
    expect(interpreted(stageTime)).toBeNull();
  });
  test('a single stage gives its event, a loop the time of its last', () => {
    expect(interpreted(stageField, events(7))).toBe(7);
    expect(interpreted(stageTime, events(7))).toBe(0);
    expect(interpreted(stageTime, events(7, 8, 9))).toBe(2000);
  });
  test('prev is null at the first', () => {
    const prev: Expr = node(INT, { kind: 'prevField', field: 'x' });
    expect(interpreted(prev)).toBeNull();
    expect(interpreted(prev, { prev: { time: 5, fields: { x: 3 } } })).toBe(3);
    expect(interpreted(compare('!=', prev, literal(3, INT)))).toBe(true);
    expect(interpreted(node(BOOL, { kind: 'isNull', negated: false, value: prev }))).toBe(true);
  });
});
