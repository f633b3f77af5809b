/**
 * Kinds of rules, as far as states of rules that have changed go: each says what a state of its rules is like, whether one can be gone on from, and how. A rule
 * of another kind than it had starts fresh, as one does whose kind is not here.
 */
import type { AnyRulePlan, Plan, RulePlan, WindowPlan } from '../../compile/plan.ts';
import type { RuleAtWork } from '../at-work.ts';
import { KEY } from '../layout.ts';
import { RuleRunner } from '../runner.ts';
import type { Store } from '../store.ts';
import { WindowRunner } from '../windows/index.ts';
import { comparePatterns, type Mapping, type PatternMapping, type RuleChange } from './compare.ts';
import { describePattern, type KindState, type RuleState, type StateDescription } from './describe.ts';
import { Graph, type Events, type Moved } from './graph.ts';
import type { Old, OldKey } from './old.ts';
import { Runs } from './runs.ts';
import { adoptWindows, compareWindows, countWindows, describeWindow, floorOf, type WindowMapping } from './windows.ts';

/** What adopting a rule works with. */
export interface AdoptContext {
  readonly old: Old;
  readonly now: StateDescription;
  readonly store: Store;
  readonly runner: RuleAtWork;
  /** Copies of bound events, one for all rules. */
  readonly events: Events;
  readonly moved: Moved;
}

export interface StateKind {
  /** What is open of it. */
  readonly of: RuleChange['of'];
  /** JSON: what its runs keep, and how its records lie. */
  describe(plan: Plan, rule: AnyRulePlan): KindState;
  /** How the state goes over, or why it cannot, in the author's words. `lacks`: what events have not kept that came before an earlier change. */
  compare(before: StateDescription, oldIndex: number, after: StateDescription, index: number, lacks: readonly string[]): Mapping | string;
  /** What is open, and the keys with anything kept. */
  count(old: Old, index: number): { readonly runs: number; readonly keys: number };
  /** What the events that are bound now have not kept, and those to come will have. */
  lacks(before: StateDescription, after: StateDescription, index: number, lacks: readonly string[]): string[];
  /** Windows that ended up to then are not made again; undefined: there are none. `now`: the watermark; `floor`: as it was. */
  floor(mapping: Mapping, after: StateDescription, now: number, floor: number | undefined): number | undefined;
  /** Gives what takes a key's state up: the record it makes, which is not among the keys yet; 0: nothing is left. May throw Unfit. `shares`: shared starts stay so. */
  begin(context: AdoptContext, mapping: Mapping, shares: boolean): (key: OldKey, now: number) => number;
}

const patterns: StateKind = {
  of: 'run',
  describe: (plan, rule) => describePattern(plan, rule as RulePlan),
  compare: comparePatterns,
  count,
  lacks: lacksOf,
  floor: () => undefined,
  begin({ old, now, store, runner, events, moved }, mapping, shares) {
    const pattern = mapping as PatternMapping;
    if (!(runner instanceof RuleRunner)) throw new Error(`rule ${runner.plan.rule.name} has no runs`);
    const runs = new Runs(old, store, runner, pattern, events, new Graph(old, store, events, moved, pattern), {
      shares, slots: slotsOf(old.described, now), predicates: predicatesOf(pattern.old, now.rules[pattern.index] as RuleState),
    });
    return (key, time) => runs.key(key, time);
  },
};

/** They keep no events, and share nothing. */
const windows: StateKind = {
  of: 'window',
  describe: (plan, rule) => describeWindow(plan, rule as WindowPlan),
  compare: compareWindows,
  count: countWindows,
  lacks: () => [],
  floor: (mapping, after, now, floor) => floorOf(mapping as WindowMapping, after, now, floor),
  begin({ old, runner }, mapping) {
    if (!(runner instanceof WindowRunner)) throw new Error(`rule ${runner.plan.rule.name} has no windows`);
    return adoptWindows(old, runner, mapping as WindowMapping);
  },
};

export const KINDS: Readonly<Record<string, StateKind | undefined>> = { pattern: patterns, window: windows };

/** By the rule's kind. */
export function describeRule(plan: Plan, rule: AnyRulePlan): KindState { return KINDS[rule.kind]!.describe(plan, rule); }

/** Of a plan that keeps shared starts: it has one position, and never moves what it keeps. */
export function keeperMapping(before: StateDescription, oldIndex: number, after: StateDescription, index: number): PatternMapping {
  const old = before.rules[oldIndex] as RuleState;
  const { stages } = after.rules[index] as RuleState;
  return { old, oldIndex, index, positions: [0], stages: old.stages.map((name) => stages.indexOf(name)), slots: [[0]] };
}

function count(old: Old, index: number): { readonly runs: number; readonly keys: number } {
  let runs = 0;
  let keys = 0;
  const rule = old.described.rules[index] as RuleState;
  const remembers = rule.leading || rule.sequences.length > 0;
  for (const key of old.keys(index)) {
    const open = old.runs(rule, key);
    runs += open;
    if (open > 0 || (key.own !== 0 && (remembers || old.heap.i32[2 * key.own + KEY.dropped]! !== 0))) keys++;
  }
  return { runs, keys };
}

/** New slot by old slot of the fields of one name. */
function slotsOf(described: StateDescription, now: StateDescription): number[] {
  const slots = Array.from({ length: described.slots }, () => -1);
  for (const type of described.types) {
    for (const [name, { slot, kind }] of Object.entries(type.fields)) {
      for (const other of now.types) if (other.fields[name]?.kind === kind) slots[slot] = other.fields[name].slot;
    }
  }
  return slots;
}

function predicatesOf(old: RuleState, rule: RuleState): Map<number, number[]> {
  const predicates = new Map<number, number[]>();
  old.sequences.forEach((sequence, i) => {
    sequence.predicates.forEach((predicate, k) => {
      const now = rule.sequences[i]!.predicates[k]!;
      predicates.set(predicate, [...predicates.get(predicate) ?? [], now]);
    });
  });
  return predicates;
}

/** What is kept of the events of a rule from now on and was not before. */
function lacksOf(described: StateDescription, now: StateDescription, index: number, lacks: readonly string[]): string[] {
  const rule = now.rules[index] as RuleState;
  const result = new Set(lacks);
  const bound = new Set(Object.values(rule.identity.stages).flatMap(({ accepts }) => accepts));
  for (const name of bound) {
    const before = described.types.find((type) => type.name === name);
    const type = now.types.find((one) => one.name === name);
    if (before === undefined || type === undefined) continue;
    for (const field of type.kept) if (!before.kept.includes(field) || before.fields[field]!.kind !== type.fields[field]!.kind) result.add(`${name}.${field}`);
    if (type.bytes && !before.bytes) result.add(name);
  }
  return [...result];
}
