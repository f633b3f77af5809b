/** What a test expected against what came, one to one. */
import type { Test } from '../../../dsl/typed.ts';
import { TEST_START, type TestResult } from './run-test.ts';

export type Expectation = Test['expects'][number];

/** Two things that should have been one: an expectation and what came in its place; one of them may be missing. */
export interface Mismatch { readonly expected: Expectation | undefined; readonly got: TestResult | undefined }

/**
 * Pairs expectations with results so that as many as can are satisfied, each by a result of its own; the rest is returned. The list of
 * expectations is complete for alerts and time-outs: one that nobody names is a mismatch. Derived events need naming only where the test names
 * some, or expects nothing at all and no rule of the test reads them.
 */
export function compareResults(expects: readonly Expectation[], results: readonly TestResult[], readsType: (type: string) => boolean): Mismatch[] {
  const takenBy = new Map<number, number>();
  // Augmenting paths: a general expectation must not take the result that a more exact one needs.
  const assign = (expectation: number, tried: Set<number>): boolean => results.some((result, index) => {
    if (tried.has(index) || !satisfies(result, expects[expectation]!)) return false;
    tried.add(index);
    const holder = takenBy.get(index);
    if (holder !== undefined && !assign(holder, tried)) return false;
    takenBy.set(index, expectation);
    return true;
  });
  expects.forEach((_, index) => assign(index, new Set()));

  const met = new Set(takenBy.values());
  const missing = expects.filter((_, index) => !met.has(index));
  const namesEmits = expects.some((expectation) => expectation.what === 'emit');
  const surplus = results.filter((result, index) => !takenBy.has(index)
    && (result.what !== 'emit' || namesEmits || (expects.length === 0 && !readsType(result.type!))));
  return pairUp(missing, surplus);
}

/** Whether a result is what is expected: its kind, its time, and at least the fields named. */
export function satisfies(result: TestResult, expected: Expectation): boolean {
  return result.what === expected.what && result.type === expected.type && result.at === expected.at
    && Object.entries(expected.fields).every(([name, value]) => name in result.values && sameValue(value, result.values[name]));
}

/** Equality of JSON values; numbers to nine digits, a time also as ms after the test's start. */
export function sameValue(expected: unknown, actual: unknown): boolean {
  if (typeof expected === 'number' && typeof actual === 'number') {
    return expected === actual || Math.abs(expected - actual) <= 1e-9 * Math.max(Math.abs(expected), Math.abs(actual));
  }
  if (typeof actual === 'string' && isTimeText(actual)) {
    if (typeof expected === 'number') return Date.parse(actual) === TEST_START + expected;
    if (typeof expected === 'string') return Date.parse(actual) === Date.parse(expected);
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    return expected.length === actual.length && expected.every((item, index) => sameValue(item, actual[index]));
  }
  if (isRecord(expected) && isRecord(actual)) {
    return Object.keys(expected).every((name) => sameValue(expected[name], actual[name])) && Object.keys(actual).every((name) => name in expected);
  }
  return expected === actual;
}

function isTimeText(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Puts a missing expectation beside the result that is most like it: of its kind, and at its time or with one of its fields. */
function pairUp(missing: readonly Expectation[], surplus: readonly TestResult[]): Mismatch[] {
  const left = [...surplus];
  const pairs: Mismatch[] = missing.map((expected) => {
    let best = -1;
    let bestLikeness = 0;
    left.forEach((result, index) => {
      if (result.what !== expected.what || result.type !== expected.type) return;
      const shared = Object.entries(expected.fields).filter(([name, value]) => sameValue(value, result.values[name])).length;
      const likeness = (result.at === expected.at ? 2 : 0) + shared;
      if (likeness > bestLikeness) {
        best = index;
        bestLikeness = likeness;
      }
    });
    return { expected, got: best < 0 ? undefined : left.splice(best, 1)[0] };
  });
  return [...pairs, ...left.map((got) => ({ expected: undefined, got }))];
}
