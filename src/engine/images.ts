/** The engine's parts as images of pages (state/image.ts), and back. */
import type { Strings } from '../core/strings.ts';
import type { HeapRoot } from '../state/heap.ts';
import type { Image, Section, WholeImage } from '../state/image.ts';
import type { RuleAtWork } from './at-work.ts';
import type { RulesPage } from './change/index.ts';
import { Cleanup, type CleanupRoot } from './cleanups.ts';
import type { Held } from './held.ts';
import type { Keys } from './keys.ts';
import { CLASS, KEY } from './layout.ts';
import type { Limits, LimitsRoot } from './limits.ts';
import type { Features, FeaturesRoot } from './features/index.ts';
import type { Once, OnceRoot } from './once.ts';
import type { Roster, RosterRoot } from './roster.ts';
import { RuleRunner, type Counters } from './runner.ts';
import type { SameTime } from './same-time.ts';
import type { Store } from './store.ts';
import type { TimersRoot } from './timers.ts';

export interface Parts {
  readonly pageBytes: number;
  readonly store: Store;
  readonly strings: Strings;
  readonly keys: Keys;
  readonly once: Once;
  readonly limits: Limits;
  readonly features: Features;
  readonly roster: Roster;
  readonly held: Held;
  readonly sameTime: SameTime;
  readonly runners: readonly RuleAtWork[];
  readonly cleanups: Map<number, Cleanup>;
  readonly rules: RulesPage;
}

/** Where what lies in the pages begins; grows with the rules, not with the state. JSON. */
export interface Roots {
  readonly pageBytes: number;
  readonly heap: HeapRoot;
  readonly tables: HeapRoot;
  readonly featureHeap: HeapRoot;
  readonly timers: TimersRoot;
  readonly once: OnceRoot;
  readonly limits: LimitsRoot;
  readonly features: FeaturesRoot;
  readonly roster: RosterRoot;
  readonly cleanups: readonly CleanupRoot[];
  readonly counters: readonly Counters[];
}

export function rootsOf(parts: Parts): Roots {
  return {
    pageBytes: parts.pageBytes, heap: parts.store.heap.root, tables: parts.store.tables.root, featureHeap: parts.store.features.root, timers: parts.store.timers.root,
    once: parts.once.root, limits: parts.limits.root, features: parts.features.root, roster: parts.roster.root, cleanups: [...parts.cleanups.values()].map((cleanup) => cleanup.root),
    counters: parts.runners.map((runner) => runner.counters),
  };
}

/** `all`: every page, and what the next image has does not change. */
export function makeImage(parts: Parts, header: unknown, all: boolean): Image {
  const { store: { heap, tables, features, keyMembers, classMembers, windowMembers, featureMembers, rosterMembers }, strings, held, sameTime, rules, pageBytes } = parts;
  const sections: Section[] = [
    heap.section('heap', all), tables.section('tables', all), features.section('features', all),
    keyMembers.section('keys', all), classMembers.section('classes', all), windowMembers.section('windows', all),
    featureMembers.section('feature keys', all), rosterMembers.section('rosters', all),
    { name: 'strings', ...strings.pages(pageBytes, all) }, { name: 'held', ...held.pages(all) },
    single('held order', held.index()), single('same time', sameTime.save()),
    { name: 'rules', pages: rules.pages.length, changed: new Map(all || rules.dirty ? rules.pages.entries() : []) },
  ];
  if (!all) rules.dirty = false;
  let bytes = 0;
  for (const { changed } of sections) for (const page of changed.values()) bytes += page.length;
  const pagesOf = (name: string): Iterable<number> => sections.find((section) => section.name === name)!.changed.keys();
  return {
    header: JSON.stringify(header), sections, bytes,
    redo: () => {
      if ([...pagesOf('rules')].length > 0) rules.dirty = true;
      heap.markDirty(pagesOf('heap'));
      tables.markDirty(pagesOf('tables'));
      features.markDirty(pagesOf('features'));
      keyMembers.markDirty(pagesOf('keys'));
      classMembers.markDirty(pagesOf('classes'));
      windowMembers.markDirty(pagesOf('windows'));
      featureMembers.markDirty(pagesOf('feature keys'));
      rosterMembers.markDirty(pagesOf('rosters'));
      strings.redoPages(pageBytes, pagesOf('strings'));
      held.redoPages(pagesOf('held'));
    },
  };
}

export function markAll({ store, strings, held, rules, pageBytes }: Parts): void {
  rules.dirty = true;
  for (const part of [store.heap, store.tables, store.features, store.keyMembers, store.classMembers, store.windowMembers, store.featureMembers, store.rosterMembers]) part.markAllDirty();
  strings.redoPages(pageBytes, [0]);
  held.markAllDirty();
}

export function restoreParts(parts: Parts, { sections }: WholeImage, roots: Roots): void {
  if (roots.pageBytes !== parts.pageBytes) throw new Error(`The state has pages of ${roots.pageBytes} bytes; here they have ${parts.pageBytes}.`);
  const pagesOf = (name: string): readonly Uint8Array[] => sections.get(name) ?? [];
  const { heap, tables, features, timers, keyMembers, classMembers, windowMembers, featureMembers, rosterMembers } = parts.store;
  heap.load(roots.heap, pagesOf('heap'));
  tables.load(roots.tables, pagesOf('tables'));
  features.load(roots.featureHeap, pagesOf('features'));
  keyMembers.load(pagesOf('keys'));
  classMembers.load(pagesOf('classes'));
  windowMembers.load(pagesOf('windows'));
  featureMembers.load(pagesOf('feature keys'));
  rosterMembers.load(pagesOf('rosters'));
  parts.strings.restorePages(pagesOf('strings'));
  timers.load(roots.timers);
  parts.keys.load();
  parts.once.load(roots.once);
  parts.limits.load(roots.limits);
  parts.features.load(roots.features);
  parts.roster.load(roots.roster);
  parts.cleanups.clear();
  for (const root of roots.cleanups) {
    const cleanup = new Cleanup(tables, root.span);
    cleanup.load(root);
    parts.cleanups.set(root.span, cleanup);
  }
  parts.runners.forEach((runner, i) => {
    Object.assign(runner.counters, roots.counters[i]);
    runner.reset();
  });
  for (const p of classMembers.heads((record) => recordOf(heap.i32[handleOf(record) + CLASS.hashNext]!))) {
    const rule = heap.i32[2 * heap.i32[handleOf(p) + CLASS.key]! + KEY.rule]!;
    const runner = parts.runners[rule]!;
    if (runner instanceof RuleRunner) runner.classes.adopt(handleOf(p));
  }
  parts.rules.dirty = false;
  const nothing = new Uint8Array(0);
  parts.held.load(pagesOf('held'), pagesOf('held order')[0] ?? nothing);
  parts.sameTime.load(pagesOf('same time')[0] ?? nothing);
}

/** A class's handle and its record. */
const handleOf = (record: number): number => 2 * record + CLASS.ints;
const recordOf = (handle: number): number => (handle === 0 ? 0 : (handle - CLASS.ints) >> 1);

/** A small section, new with every image. */
function single(name: string, bytes: Uint8Array): Section {
  return bytes.length === 0 ? { name, pages: 0, changed: new Map() } : { name, pages: 1, changed: new Map([[0, bytes]]) };
}
