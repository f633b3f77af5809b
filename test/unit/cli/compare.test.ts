import { describe, expect, test } from '@jest/globals';
import { compareResults, sameValue, type Expectation } from '../../../src/cli/testing/compare.ts';
import { TEST_START, type TestResult } from '../../../src/cli/testing/run-test.ts';

const span = { file: 'x.cep', start: 0, end: 0 };
const alertAt = (at: number, fields: Record<string, unknown> = {}): Expectation => ({ what: 'alert', at, fields, span });
const emitAt = (at: number, type: string): Expectation => ({ what: 'emit', type, at, fields: {}, span });
const result = (at: number, values: Record<string, unknown> = {}): TestResult => ({ what: 'alert', rule: 'R', at, values, shown: Object.keys(values) });
const derived = (at: number, type: string): TestResult => ({ what: 'emit', rule: 'R', type, at, values: {}, shown: [] });
const nobodyReads = (): boolean => false;

describe('compareResults', () => {
  test('an alert at the time with at least the fields meets the expectation', () => {
    expect(compareResults([alertAt(5, { card: 'c1' })], [result(5, { card: 'c1', n: 3 })], nobodyReads)).toEqual([]);
  });
  test('an alert that nobody expects fails, and so does an expectation that nothing meets', () => {
    expect(compareResults([], [result(5)], nobodyReads)).toEqual([{ expected: undefined, got: result(5) }]);
    expect(compareResults([alertAt(5)], [], nobodyReads)).toEqual([{ expected: alertAt(5), got: undefined }]);
  });
  test('each expectation needs a result of its own', () => {
    expect(compareResults([alertAt(5), alertAt(5)], [result(5)], nobodyReads)).toHaveLength(1);
  });
  test('a general expectation leaves the result to the exact one that needs it', () => {
    const results = [result(5, { n: 1 }), result(5, { n: 2 })];
    expect(compareResults([alertAt(5), alertAt(5, { n: 1 })], results, nobodyReads)).toEqual([]);
  });
  test('what is left is paired with what is most like it', () => {
    const expected = alertAt(5, { card: 'c1', n: 3 });
    const near = result(5, { card: 'c1', n: 4 });
    expect(compareResults([expected], [result(9, { card: 'c2', n: 1 }), near], nobodyReads)).toEqual([
      { expected, got: near }, { expected: undefined, got: result(9, { card: 'c2', n: 1 }) },
    ]);
  });
  test('a time-out is no alert', () => {
    expect(compareResults([{ ...alertAt(5), what: 'timeout' }], [result(5)], nobodyReads)).toHaveLength(2);
  });
  test('derived events need naming where the test names some', () => {
    expect(compareResults([alertAt(5)], [result(5), derived(5, 'Risk')], nobodyReads)).toEqual([]);
    expect(compareResults([emitAt(5, 'Risk')], [derived(5, 'Risk'), derived(6, 'Risk')], nobodyReads)).toHaveLength(1);
  });
  test('under `expect nothing` a derived event fails unless a rule of the test reads it', () => {
    expect(compareResults([], [derived(5, 'Risk')], nobodyReads)).toHaveLength(1);
    expect(compareResults([], [derived(5, 'Risk')], (type) => type === 'Risk')).toEqual([]);
  });
});

describe('sameValue', () => {
  test('numbers agree to nine digits', () => {
    expect(sameValue(0.3, 0.1 + 0.2)).toBe(true);
    expect(sameValue(1, 1.00001)).toBe(false);
    expect(sameValue(0, 0)).toBe(true);
  });
  test('a time may be given as ms after the test begins', () => {
    expect(sameValue(40_000, new Date(TEST_START + 40_000).toISOString())).toBe(true);
    expect(sameValue('2026-01-01T01:00:40+01:00', '2026-01-01T00:00:40.000Z')).toBe(true);
  });
  test('lists and records agree part by part; null is null', () => {
    expect(sameValue([1, { a: 'x' }], [1, { a: 'x' }])).toBe(true);
    expect(sameValue([1], [1, 2])).toBe(false);
    expect(sameValue({ a: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(sameValue(null, null)).toBe(true);
    expect(sameValue(null, 0)).toBe(false);
  });
});
