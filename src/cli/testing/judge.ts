import type { Program, Test } from '../../../dsl/typed.ts';
import { compareResults, type Mismatch } from './compare.ts';
import { runTest, type TestRun } from './run-test.ts';

export interface Verdict { readonly run: TestRun; readonly mismatches: readonly Mismatch[] }

/** Runs a test and says where what came differs from what was expected. It has passed where nothing does, and nothing went wrong with its own events (`run.problems`). */
export function judgeTest(program: Program, test: Test): Verdict {
  const run = runTest(program, test);
  const reads = (type: string): boolean => run.plan.rules.some(({ rule }) => rule.sees.has(type));
  return { run, mismatches: compareResults(test.expects, run.results, reads) };
}
