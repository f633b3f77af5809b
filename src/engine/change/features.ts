/** Features of a state under rules that have changed: each that keeps what it kept goes on, key by key into records of the groups of now; one that has changed begins anew. */
import { APART_BYTES, Heap } from '../../state/heap.ts';
import type { WholeImage } from '../../state/image.ts';
import { Members } from '../../state/members.ts';
import { NOTHING } from '../aggregates/index.ts';
import { Cleanup } from '../cleanups.ts';
import { FEATURE, isKept, type Group, type TakenSpan } from '../features/index.ts';
import type { Parts, Roots } from '../images.ts';
import type { StateDescription } from './describe.ts';

/** What becomes of the features: rules start fresh where one that they read has changed. */
export interface FeatureChange {
  /** By rule: why it starts fresh, and the keys that a feature is forgotten of. */
  readonly fresh: ReadonlyMap<string, { readonly reason: string; readonly keys: number }>;
  readonly notes: readonly string[];
}

/** Where a feature lies: its group, its place there; its span in the group, its place in the span's block. */
interface Place { readonly group: number; readonly feature: number; readonly span: number; readonly at: number }

/** The features of an old state. */
export class OldFeatures {
  readonly heap: Heap;
  readonly #described: StateDescription;
  readonly #roots: Roots;
  readonly #places = new Map<string, Place>();
  /** By group. */
  readonly #records: number[][];

  constructor(described: StateDescription, image: WholeImage, roots: Roots) {
    this.#described = described;
    this.#roots = roots;
    const pagesOf = (name: string): readonly Uint8Array[] => image.sections.get(name) ?? [];
    this.heap = new Heap(undefined, roots.pageBytes === APART_BYTES);
    this.heap.load(roots.featureHeap, pagesOf('features'));
    const members = new Members(roots.pageBytes >> 3);
    members.load(pagesOf('feature keys'));
    this.#records = described.features.map(() => []);
    for (const p of members.all()) this.#records[this.heap.i32[2 * p + FEATURE.group]!]!.push(p);
    described.features.forEach(({ features, spans }, group) => {
      spans.forEach((span, s) => { span.features.forEach((feature, at) => { this.#places.set(features[feature]!.name, { group, feature, span: s, at }); }); });
    });
  }

  get names(): Iterable<string> { return this.#places.keys(); }
  identityOf(name: string): string | undefined { return this.#stateOf(name)?.identity; }
  readBy(name: string): readonly string[] { return this.#stateOf(name)?.readBy ?? []; }

  /** Keys of which a feature keeps anything. */
  keysOf(name: string): number {
    const { group, span, at } = this.#places.get(name)!;
    const state = this.#described.features[group]!.spans[span]!;
    return this.#records[group]!.filter((record) => isKept(this.heap, record, state, [at])).length;
  }

  /** Gives groups of now the features that go on. `now`: event time that was reached. */
  give(groups: readonly Group[], now: number): void {
    for (const group of groups) {
      const due: { readonly due: number; readonly record: number }[] = [];
      for (const [from, spans] of this.#taken(group)) {
        const made = new Map(this.#records[from]!.map((record) => [record, group.adopt(this.heap, record, spans)]));
        const { cleanup } = this.#roots.features.groups[from]!;
        const queue = new Cleanup(this.heap, cleanup.span);
        queue.load(cleanup);
        for (const entry of queue.entries()) {
          const record = made.get(entry.ks)!;
          if (record !== 0) due.push({ due: entry.due, record });
        }
      }
      for (const one of due.sort((a, b) => a.due - b.due)) group.resume(one.record, one.due, now);
    }
  }

  /** By old group: which of its spans go where in a group of now. */
  #taken(group: Group): Map<number, TakenSpan[]> {
    const taken = new Map<number, TakenSpan[]>();
    group.spans.forEach(({ features }, span) => {
      const places = features.map((f) => {
        const { name, identity } = group.plan.features[f]!;
        return this.identityOf(name) === identity ? this.#places.get(name)! : undefined;
      });
      // Those that go on lay in one span before: what puts a feature there is part of its identity.
      const first = places.find((place) => place !== undefined);
      if (first === undefined) return;
      const list = taken.get(first.group) ?? [];
      taken.set(first.group, list);
      list.push({ span, old: this.#described.features[first.group]!.spans[first.span]!, sources: places.map((place) => place?.at ?? NOTHING) });
    });
    return taken;
  }

  #stateOf(name: string): StateDescription['features'][number]['features'][number] | undefined {
    const place = this.#places.get(name);
    return place === undefined ? undefined : this.#described.features[place.group]!.features[place.feature];
  }
}

/** `elsewhere`: names of features that another engine takes over from the same state. */
export function compareFeatures(old: OldFeatures, now: StateDescription, elsewhere: ReadonlySet<string>): FeatureChange {
  const fresh = new Map<string, { reason: string; keys: number }>();
  const notes: string[] = [];
  const features = new Map(now.features.flatMap((group) => group.features.map((feature) => [feature.name, feature] as const)));
  for (const name of old.names) {
    const feature = features.get(name);
    if (feature === undefined ? elsewhere.has(name) : feature.identity === old.identityOf(name)) continue;
    const keys = old.keysOf(name);
    if (keys === 0) continue;
    const forgotten = `${keys} ${keys === 1 ? 'key is' : 'keys are'} forgotten`;
    notes.push(feature === undefined ? `the feature ${name} is read no more by the rules it was kept for: ${forgotten}` : `the feature ${name} has changed and begins anew: ${forgotten}`);
    const had = old.readBy(name);
    for (const rule of feature?.readBy ?? []) {
      const known = fresh.get(rule);
      if (had.includes(rule)) fresh.set(rule, { reason: known?.reason ?? `the feature ${name}, which it reads, has changed and begins anew`, keys: Math.max(keys, known?.keys ?? 0) });
    }
  }
  return { fresh, notes };
}

/** The features of now are over nothing, before they take anything over. */
export function emptyFeatures({ store, features, pageBytes }: Parts, roots: Roots): void {
  store.features.load(new Heap(undefined, pageBytes === APART_BYTES).root, [], roots.featureHeap.top);
  store.featureMembers.load([]);
  features.clear();
}
