import { isDeepStrictEqual } from 'node:util';
import { referenceMatches, splitByKey, TooManyRuns, type RefMatch } from '../reference/index.ts';
import { patternRule } from '../../dsl/index.ts';
import type { Literal, PatternRule, Program } from '../../dsl/typed.ts';
import type { Case, InputEvent } from './generate.ts';
import type { EngineReport, RunEngine } from './port.ts';
import { Random } from './random.ts';

/** A report without what only the engine knows. */
export interface Report { readonly bindings: string; readonly from: number; readonly to: number; readonly at: number }

export interface Expected {
  /** By key, in the order of reports. */
  readonly matches: readonly (readonly Report[])[];
  readonly timeouts: readonly (readonly Report[])[];
}

export type Verdict =
  | { readonly kind: 'agree'; readonly matches: number; readonly timeouts: number }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'differ'; readonly what: string; readonly expected: unknown; readonly got: unknown };

/** How many runs the reference may look at in one case; more is an exploding case. */
const MAX_RUNS = 20_000;

/** What the reference says. @throws TooManyRuns */
export function expect(rule: PatternRule, program: Program, events: readonly InputEvent[], maxRuns = MAX_RUNS): Expected {
  const params = new Map<string, Literal>([...program.params].map(([name, param]) => [name, param.value]));
  const all = events.map(({ type, ...fields }, index) => ({ index, type, time: fields.at, fields }));
  const results = splitByKey(rule, all, params).map((keyed) => referenceMatches(rule, keyed.events, { key: keyed.key, params, maxRuns }));
  const timesOut = rule.outputs.some((output) => output.onTimeout);
  return {
    matches: results.map((result) => result.matches.map(reportOf)),
    timeouts: timesOut ? results.map((result) => result.timeouts.map(reportOf)) : [],
  };
}

/** Compares engine and reference on one case, and the engine with itself: cut by a snapshot, and with the events delivered out of order. */
export function compare(failing: Case, program: Program, run: RunEngine): Verdict {
  const rule = patternRule(program.rules[0]);
  let expected: Expected;
  try {
    expected = expect(rule, program, failing.events);
  } catch (error) {
    if (error instanceof TooManyRuns) return { kind: 'skipped' };
    throw error;
  }
  const result = run(failing.rule, failing.events, {});
  const difference = differs('matches', expected.matches, result.matches) ?? differs('timeouts', expected.timeouts, result.timeouts);
  if (difference !== undefined) return difference;
  const ids = new Set(result.matches.map((match) => match.id));
  if (ids.size !== result.matches.length) return { kind: 'differ', what: 'ids: two matches share one', expected: result.matches.length, got: result.matches };

  const random = new Random(failing.seed);
  const cutAt = random.int(0, failing.events.length);
  const cut = run(failing.rule, failing.events, { cutAt });
  if (!isDeepStrictEqual(cut, result)) return { kind: 'differ', what: 'a snapshot changes the answer', expected: result, got: { cutAt, ...cut } };
  const shuffleSeed = random.int(1, 1_000_000);
  const shuffled = run(failing.rule, failing.events, { shuffleSeed });
  if (!isDeepStrictEqual(shuffled, result)) {
    return { kind: 'differ', what: 'events out of order change the answer', expected: result, got: { shuffleSeed, ...shuffled } };
  }
  const imageSeed = random.int(1, 1_000_000);
  // Every third case: the state is compared with its images after most events.
  const chained = failing.seed % 3 === 0 ? run(failing.rule, failing.events, { imageSeed }) : result;
  if (!isDeepStrictEqual(chained, result)) return { kind: 'differ', what: 'images change the answer', expected: result, got: { imageSeed, ...chained } };
  const partitions = { count: random.int(1, 3), seed: random.int(1, 1_000_000) };
  const parted = run(failing.rule, failing.events, { partitions });
  if (!isDeepStrictEqual(parted, result)) {
    return { kind: 'differ', what: 'partitions with given watermarks change the answer', expected: result, got: { partitions, ...parted } };
  }
  return { kind: 'agree', matches: result.matches.length, timeouts: result.timeouts.length };
}

/** A list of (stage, event) belongs to one key, so the engine's reports are told apart by it. */
function differs(what: string, expected: readonly (readonly Report[])[], reports: readonly EngineReport[]): Verdict | undefined {
  const got = reports.map(reportOf);
  const left = new Map<string, number>();
  for (const { bindings } of got) left.set(bindings, (left.get(bindings) ?? 0) + 1);
  const all = expected.flat();
  for (const { bindings } of all) left.set(bindings, (left.get(bindings) ?? 0) - 1);
  if ([...left.values()].some((count) => count !== 0)) return { kind: 'differ', what, expected: all, got };
  for (const list of expected) {
    const names = new Set(list.map((report) => report.bindings));
    const ofKey = got.filter((report) => names.has(report.bindings));
    const same = list.length === ofKey.length && list.every((report, i) => agree(report, ofKey[i]));
    if (!same) return { kind: 'differ', what: `${what}: order or times`, expected: list, got: ofKey };
  }
  return undefined;
}

/** A report at the end of the input has no time of its own. */
function agree(expected: Report, got: Report | undefined): boolean {
  return got !== undefined && expected.bindings === got.bindings && expected.from === got.from && expected.to === got.to
    && (expected.at === got.at || expected.at === Infinity);
}

function reportOf({ bindings, from, to, at }: RefMatch | EngineReport): Report {
  return { bindings: bindings.map((b) => `${b.stage}:${b.index}`).join(' '), from, to, at };
}
