/** A failed test for a person: expected and actual side by side, and how near the rule came. */
import type { Rule } from '../../../dsl/typed.ts';
import { nearestRun, nearestWindow, printInstant, renderNearest, renderNearestWindow, type NearestRun, type NearestWindow } from '../../explain/index.ts';
import type { Colours } from '../colours.ts';
import { printable } from '../format.ts';
import type { Expectation, Mismatch } from './compare.ts';
import { TEST_START, type TestResult, type TestRun } from './run-test.ts';

/** A mismatch as text and data. */
export interface Failure {
  readonly expected: string;
  readonly got: string;
  readonly nearest: readonly (NearestRun | NearestWindow)[];
}

export function describeFailure(mismatch: Mismatch, run: TestRun): Failure {
  const { expected, got } = mismatch;
  return {
    expected: expected === undefined ? 'nothing' : expectationText(expected),
    got: got === undefined ? 'nothing' : resultText(got, expected),
    nearest: expected === undefined || (got !== undefined && got.at === expected.at) ? [] : nearestRuns(expected, run),
  };
}

/** The nearest run, or window, of each rule of the test that could have given what was expected. */
function nearestRuns(expected: Expectation, run: TestRun): (NearestRun | NearestWindow)[] {
  const asked = { params: run.plan.params, fields: expected.fields, at: TEST_START + expected.at, origin: TEST_START };
  return run.plan.rules.filter(({ rule }) => couldGive(rule, expected)).map((plan) => (plan.kind === 'pattern'
    ? nearestRun({ ...asked, plan, events: run.events, end: run.end })
    : nearestWindow({ ...asked, plan, readWindows: run.readWindows })));
}

function couldGive(rule: Rule, expected: Expectation): boolean {
  return rule.outputs.some((output) => (expected.what === 'emit'
    ? output.kind === 'emit' && output.target === expected.type
    : output.kind === 'alert' && output.onTimeout === (expected.what === 'timeout')));
}

function expectationText(expected: Expectation): string {
  const kind = expected.what === 'alert' ? '' : expected.what === 'emit' ? `emit ${expected.type} ` : 'timeout ';
  return `${kind}${printInstant(expected.at)} ${fieldsText(Object.entries(expected.fields))}`;
}

/** A result with the fields that were asked for first; without an expectation, all of its own. */
function resultText(got: TestResult, expected: Expectation | undefined): string {
  const kind = got.what === 'alert' ? '' : got.what === 'emit' ? `emit ${got.type} ` : 'timeout ';
  const names = expected === undefined ? got.shown : Object.keys(expected.fields);
  const rule = expected === undefined ? ` by ${got.rule}` : '';
  return `${kind}${printInstant(got.at)} ${fieldsText(names.map((name) => [name, got.values[name]]))}${rule}`;
}

function fieldsText(fields: readonly (readonly [string, unknown])[]): string {
  if (fields.length === 0) return '{ }';
  return `{ ${fields.map(([name, value]) => `${name}: ${value === undefined ? '(no such field)' : printable(JSON.stringify(value))}`).join(', ')} }`;
}

/** Lines of one failure, indented under its test's heading. */
export function renderFailure(failure: Failure, c: Colours): string[] {
  const left = failure.expected;
  const right = failure.got;
  const sideBySide = left.length + right.length <= 96;
  const lines = sideBySide
    ? [`${c.dim('expected')}  ${c.green(left)}      ${c.dim('got')}  ${c.red(right)}`]
    : [`${c.dim('expected')}  ${c.green(left)}`, `${c.dim('got')}       ${c.red(right)}`];
  for (const nearest of failure.nearest) lines.push(...('conditions' in nearest ? renderNearestWindow(nearest) : renderNearest(nearest)));
  return lines.map((line) => `    ${line}`);
}
