/**
 * The state of an engine of other rules, taken up by one of these: each rule's runs go on where what they have kept suffices, key by key into records
 * of the new plan's layouts. What is found to be unfit only by looking at the runs starts fresh as well; then all is done over without it.
 */
import { Heap, APART_BYTES } from '../../state/heap.ts';
import type { WholeImage } from '../../state/image.ts';
import type { RuleAtWork } from '../at-work.ts';
import type { Parts, Roots } from '../images.ts';
import { KEY } from '../layout.ts';
import { WindowRunner } from '../windows/index.ts';
import type { Adopted, Mapping, RuleChange } from './compare.ts';
import type { StateDescription } from './describe.ts';
import { Events, Moved, Unfit } from './graph.ts';
import { keeperMapping, KINDS } from './kinds.ts';
import { Old, type OldKey } from './old.ts';
import { compareFeatures, emptyFeatures, OldFeatures } from './features.ts';
import { adoptRoster } from './roster.ts';
import { adoptHeld, adoptLimits, adoptOnce, typesOf, type DecodeAgain } from './tables.ts';

/** What a change of rules does to a state. */
export interface Change {
  /** In the order of the rules of now, then those that are gone. */
  readonly rules: readonly RuleChange[];
  /** What is forgotten beside runs. */
  readonly notes: readonly string[];
}

export interface AdoptOptions {
  readonly watermark: number;
  /** Number of the last event. */
  readonly num: number;
  readonly adopted: Readonly<Record<string, Adopted>>;
  readonly again: DecodeAgain | undefined;
  /** Names of features that another engine takes over from the same state. */
  readonly elsewhere: ReadonlySet<string>;
  /** A key is to be looked at after a span of event time. */
  readonly schedule: (span: number, ks: number, due: number) => void;
}

export interface AdoptedState {
  readonly change: Change;
  readonly adopted: Readonly<Record<string, Adopted>>;
  /** New type by old type; -1: it is gone. */
  readonly types: readonly number[];
}

/** Are the runs of a rule lost by a change, or is anything else that it kept? */
export function isLost({ what, runs, keys }: RuleChange): boolean { return (what === 'fresh' || what === 'dropped') && (runs > 0 || keys > 0); }

/** What is looked at here; what another section holds would be lost without a word. */
const SECTIONS = new Set(['heap', 'tables', 'features', 'keys', 'classes', 'windows', 'feature keys', 'rosters', 'strings', 'held', 'held order', 'same time', 'rules']);

/** The strings are those of the state already, and pooled constants among them: bounds may read them. */
export function adoptState(image: WholeImage, roots: Roots, parts: Parts, now: StateDescription, options: AdoptOptions): AdoptedState {
  const unknown = [...image.sections.keys()].filter((name) => !SECTIONS.has(name));
  if (unknown.length > 0) throw new Error(`The state has ${unknown.join(', ')}, which cannot be taken up under rules that have changed.`);
  const old = new Old(image, roots, options.watermark, options.adopted);
  const unfit = new Map<string, string>();
  for (;;) {
    try {
      return adopt(old, image, roots, parts, now, options, unfit);
    } catch (error) {
      if (!(error instanceof Unfit) || unfit.has(error.rule)) throw error;
      unfit.set(error.rule, error.message);
    }
  }
}

function adopt(old: Old, image: WholeImage, roots: Roots, parts: Parts, now: StateDescription, options: AdoptOptions, unfit: ReadonlyMap<string, string>): AdoptedState {
  empty(parts, roots);
  emptyFeatures(parts, roots);
  const { store, runners, keys } = parts;
  const { plan } = store;
  const { described } = old;
  const oldIndex = new Map(described.rules.flatMap((rule, i) => (rule.isGroup ? [] : [[rule.name, i] as const])));
  const oldFeatures = new OldFeatures(described, image, roots);
  const features = compareFeatures(oldFeatures, now, options.elsewhere);
  const mappings = new Map<number, Mapping>();
  const reasons = new Map<string, string>();
  for (const [index, rule] of now.rules.entries()) {
    const before = rule.isGroup ? undefined : oldIndex.get(rule.name);
    if (before === undefined) continue;
    const isSameKind = described.rules[before]!.kind === rule.kind;
    const kind = isSameKind ? KINDS[rule.kind] : undefined;
    const mapping = unfit.get(rule.name) ?? features.fresh.get(rule.name)?.reason ?? kind?.compare(described, before, now, index, old.adopted[rule.name]?.lacks ?? [])
      ?? 'what it keeps is of another kind now';
    if (typeof mapping === 'string') reasons.set(rule.name, mapping);
    else mappings.set(before, mapping);
  }

  const moved = new Moved(roots.heap.top);
  const events = new Events(old, store, moved, typesOf(described, plan), (type, field) => now.types[type]!.fields[field]?.kind);
  const shared = keepShared(described, now, mappings);
  const due: { readonly at: number; readonly ks: number; readonly span: number }[] = [];
  const take = (mapping: Mapping, index: number, shares: boolean, list: Iterable<OldKey>): void => {
    const runner = runners[index]!;
    const takeKey = KINDS[now.rules[index]!.kind]!.begin({ old, now, store, runner, events, moved }, mapping, shares);
    for (const key of list) {
      if (shares && key.own === 0) continue; // its runs are shared starts, which stay so
      const ks = takeKey(key, options.watermark);
      if (ks === 0) continue;
      keys.add(ks);
      if (runner.cleanup > 0) due.push({ at: within(store.heap.f64[ks + KEY.last]! + runner.cleanup, options.watermark, options.watermark + runner.cleanup), ks, span: runner.cleanup });
    }
  };
  const adopted: Record<string, Adopted> = {};
  const changes: RuleChange[] = [];
  for (const [index, rule] of now.rules.entries()) {
    if (rule.isGroup) {
      const before = shared.get(index);
      if (before === undefined) continue;
      take(keeperMapping(described, before, now, index), index, false, old.keys(before));
      continue;
    }
    const before = oldIndex.get(rule.name);
    const mapping = before === undefined ? undefined : mappings.get(before);
    const keepsShares = mapping !== undefined && rule.group >= 0 && shared.get(rule.group) === described.rules[mapping.oldIndex]!.group;
    const joins = rule.group >= 0 && shared.has(rule.group) && !keepsShares;
    runners[index]!.since = joins ? options.num : keepsShares ? old.adopted[rule.name]?.since ?? 0 : 0;
    const floor = mapping === undefined ? undefined : KINDS[rule.kind]!.floor(mapping, now, options.watermark, old.adopted[rule.name]?.floor);
    recall(runners[index]!, runners[index]!.since, floor);
    if (mapping === undefined) {
      const count = before === undefined ? { ...NOTHING } : countOf(old, before);
      count.keys = Math.max(count.keys, features.fresh.get(rule.name)?.keys ?? 0);
      changes.push({ rule: rule.name, what: before === undefined ? 'new' : 'fresh', reason: reasons.get(rule.name), ...count });
    } else {
      const count = countOf(old, mapping.oldIndex);
      take(mapping, index, keepsShares, old.keys(mapping.oldIndex));
      changes.push({ rule: rule.name, what: 'goes on', reason: undefined, ...count });
      const lacks = count.keys === 0 ? [] : KINDS[rule.kind]!.lacks(described, now, index, old.adopted[rule.name]?.lacks ?? []);
      if (lacks.length > 0) adopted[rule.name] = { lacks, since: 0 };
    }
    const { since } = runners[index]!;
    if (since > 0) adopted[rule.name] = { lacks: adopted[rule.name]?.lacks ?? [], since };
    if (floor !== undefined) adopted[rule.name] = { lacks: [], since, floor };
  }
  const names = new Set(now.rules.map(({ name }) => name));
  for (const [name, index] of oldIndex) if (!names.has(name)) changes.push({ rule: name, what: 'dropped', reason: 'the rule is gone', ...countOf(old, index) });
  for (const { at, ks, span } of due.sort((a, b) => a.at - b.at)) options.schedule(span, ks, at);

  const pagesOf = (name: string): readonly Uint8Array[] => image.sections.get(name) ?? [];
  const notes = [
    ...features.notes, ...adoptOnce(old, roots.once, plan, now, parts.once), ...adoptLimits(old, mappings, plan, now, parts.limits),
    ...adoptHeld(old, pagesOf('held'), pagesOf('held order')[0] ?? new Uint8Array(0), plan, now, parts.held, options.again),
  ];
  parts.features.adopt((groups) => { oldFeatures.give(groups, options.watermark); });
  adoptRoster(old, image, roots, mappings, parts);
  parts.sameTime.load(pagesOf('same time')[0] ?? new Uint8Array(0));
  for (const runner of runners) {
    const before = runner.plan.isGroup ? undefined : oldIndex.get(runner.plan.rule.name);
    if (before !== undefined) Object.assign(runner.counters, roots.counters[before]);
  }
  return { change: { rules: changes, notes }, adopted, types: typesOf(described, plan) };
}

/** What a runner must know of changes that were. */
export function recall(runner: RuleAtWork, since = 0, floor = -Infinity): void {
  runner.since = since;
  if (runner instanceof WindowRunner) runner.floor = floor;
}

const within = (x: number, lo: number, hi: number): number => Math.max(lo, Math.min(hi, x));

/** The rules of a state, as they would be counted if all of them were dropped. */
export function rulesOf(image: WholeImage): RuleChange[] {
  const header = JSON.parse(image.header) as { readonly roots: Roots; readonly watermark: number | string; readonly adopted: Readonly<Record<string, Adopted>> };
  const old = new Old(image, header.roots, Number(header.watermark), header.adopted);
  return old.described.rules.flatMap((rule, index) => (rule.isGroup ? [] : [{ rule: rule.name, what: 'dropped' as const, reason: 'the rule is gone', ...countOf(old, index) }]));
}

/** Nothing is kept; there is room for as much as there was. */
function empty({ pageBytes, store, keys, once, limits, cleanups, runners }: Parts, before: Roots): void {
  const blank = new Heap(undefined, pageBytes === APART_BYTES).root;
  store.heap.load(blank, [], before.heap.top);
  store.tables.load(blank, [], before.tables.top);
  for (const members of [store.keyMembers, store.classMembers, store.windowMembers]) members.load([]);
  store.timers.load({ blocks: [], size: 0 });
  const table = { size: 1024, count: 0 };
  const none = store.plan.schema.types.map(() => 0);
  keys.load();
  once.load({ table, oldest: none, newest: none });
  limits.load({ table, pruneAt: 1024 });
  cleanups.clear();
  for (const runner of runners) runner.reset();
}

/** New keepers of shared starts, with the old one whose starts they keep: that of most of their rules. */
function keepShared(described: StateDescription, now: StateDescription, mappings: ReadonlyMap<number, Mapping>): Map<number, number> {
  const votes = new Map<number, Map<number, number>>();
  for (const { oldIndex, index } of mappings.values()) {
    const { group } = now.rules[index]!;
    const before = described.rules[oldIndex]!.group;
    if (group < 0 || before < 0) continue;
    const of = votes.get(group) ?? new Map<number, number>();
    votes.set(group, of.set(before, (of.get(before) ?? 0) + 1));
  }
  const kept = new Map<number, number>();
  const claimed = new Set<number>();
  for (const [group, of] of votes) {
    const [best] = [...of].filter(([old]) => !claimed.has(old)).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    if (best === undefined) continue;
    claimed.add(best[0]);
    kept.set(group, best[0]);
  }
  return kept;
}

const NOTHING = { runs: 0, of: 'run', keys: 0 } as const;

function countOf(old: Old, index: number): { runs: number; of: RuleChange['of']; keys: number } {
  const kind = KINDS[old.described.rules[index]!.kind];
  return kind === undefined ? { ...NOTHING, keys: old.keysOf(index).length } : { ...kind.count(old, index), of: kind.of };
}
