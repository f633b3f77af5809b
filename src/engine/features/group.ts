import type { FeatureGroupPlan } from '../../compile/plan.ts';
import { Heap } from '../../state/heap.ts';
import { Block, NOTHING, Panes, PANES } from '../aggregates/index.ts';
import { Buckets, type BucketsRoot } from '../buckets.ts';
import { mix } from '../classes.ts';
import { Cleanup, type CleanupRoot } from '../cleanups.ts';
import type { Store } from '../store.ts';
import { FEATURE, MOST_VALUES, spansOf, type SpanState } from './layout.ts';

export const GROUP_OF = FEATURE.group;
const QUEUED = 1;
/** Something over all history is kept here: the record stays. */
const KEPT = 2;

type KeyOf = ((key: Float64Array) => void) | undefined;
type Where = (() => boolean) | undefined;

/** What is kept of a stream over one span: its panes are single times, or `every` ms wide. All history is one block. */
interface Span {
  readonly stream: number;
  readonly over: number;
  readonly every: number;
  /** The features over it, by their place in the block. */
  readonly features: readonly number[];
  readonly block: Block;
  readonly panes: Panes | undefined;
  /** Units from the record's start. */
  readonly at: number;
}

/**
 * The features of one key: a record for each key value that events were taken in for, in a heap of features' own.
 *
 * What is kept over a span is a queue of panes (../aggregates), one for each time at which something came, or of the width that `every` says. A value counts
 * from its pane's time on for the length of the span. What has left the span is taken off when the record is next read or written; and a
 * record that nothing has come to for a whole span is looked at once in that span and goes when nothing is left of it.
 */
export class Group {
  readonly plan: FeatureGroupPlan;
  /** The record that the event at hand was taken into, once it was. */
  touched = 0;
  readonly #index: number;
  readonly #store: Store;
  readonly #heap: Heap;
  readonly #buckets: Buckets;
  readonly #cleanup: Cleanup;
  readonly #spans: readonly Span[];
  /** Per feature: its span, and its place there. */
  readonly #spanOf: readonly Span[];
  readonly #placeOf: readonly number[];
  readonly #units: number;
  readonly #scratch: Float64Array;
  #keys: KeyOf[] = [];
  #wheres: Where[] = [];
  #values: (() => number)[][] = [];
  /** Per stream: took it the event at hand? */
  readonly #took: Uint8Array;
  readonly #before: Float64Array;
  /** Features whose value before the event at hand may be asked for after it was taken in. */
  readonly #aside: readonly number[];
  /** The record found last, and its key. */
  readonly #lastKey: Float64Array;
  #last = 0;
  #isLast = false;
  /** Each span over nothing, in a heap of its own. */
  readonly #nothing: readonly { readonly block: Block; readonly at: number }[];

  constructor(plan: FeatureGroupPlan, index: number, store: Store) {
    this.plan = plan;
    this.#index = index;
    this.#store = store;
    const heap = store.features;
    this.#heap = heap;
    this.#scratch = new Float64Array(plan.width);
    this.#lastKey = new Float64Array(plan.width);
    this.#took = new Uint8Array(plan.streams.length);
    this.#before = new Float64Array(plan.features.length);
    this.#aside = plan.features.flatMap((feature, f) => (feature.readBefore ? [f] : []));
    this.#buckets = new Buckets({
      hashOf: (p) => this.#hash(heap.f64, p + FEATURE.key),
      next: (p) => heap.i32[2 * p + FEATURE.next]!,
      link: (p, next) => { heap.ints(p)[2 * p + FEATURE.next] = next; },
    });
    const specs = spansOf(plan);
    let units = FEATURE.key + plan.width;
    const nothing = new Heap(1 << 8);
    this.#nothing = specs.map((span) => {
      const block = new Block(nothing, store.strings, span.specs, MOST_VALUES);
      return { block, at: nothing.alloc(Math.max(1, block.units)) };
    });
    this.#spans = specs.map(({ stream, over, every, features, specs: ofSpan }) => {
      const block = new Block(heap, store.strings, ofSpan, MOST_VALUES);
      const panes = over === Infinity ? undefined : new Panes(block);
      const at = units;
      units += panes === undefined ? block.units : panes.units;
      return { stream, over, every, features, block, panes, at };
    });
    this.#units = units;
    this.#spanOf = plan.features.map((_, f) => this.#spans.find(({ features }) => features.includes(f))!);
    this.#placeOf = plan.features.map((_, f) => this.#spanOf[f]!.features.indexOf(f));
    this.#cleanup = new Cleanup(heap, Math.max(0, ...this.#spans.filter(({ panes }) => panes !== undefined).map(({ over }) => over)));
  }

  bind(bind: (sources: readonly string[]) => unknown[]): void {
    const { keys, streams } = this.plan;
    this.#keys = bind(keys.map((parts) => (parts === undefined ? 'undefined' : `(P)=>{${parts.map((part, i) => `P[${i}]=${part};`).join('')}}`))) as KeyOf[];
    this.#wheres = bind(streams.map(({ where }) => (where === undefined ? 'undefined' : `()=>${where}`))) as Where[];
    this.#values = streams.map(({ values }) => bind(values.map((source) => `()=>${source}`)) as (() => number)[]);
  }

  /** When the first key is due to be looked at. */
  get due(): number { return this.#cleanup.due; }

  /** The record of a key, 0: none. */
  find(key: Float64Array): number {
    const width = this.#scratch.length;
    const last = this.#lastKey;
    if (this.#isLast) {
      let same = true;
      for (let i = 0; i < width; i++) if (last[i] !== key[i]) same = false;
      if (same) return this.#last;
    }
    const { i32, f64 } = this.#heap;
    let found = 0;
    search: for (let p = this.#buckets.first(this.#hash(key, 0)); p !== 0; p = i32[2 * p + FEATURE.next]!) {
      for (let i = 0; i < width; i++) if (f64[p + FEATURE.key + i] !== key[i]) continue search;
      found = p;
      break;
    }
    for (let i = 0; i < width; i++) last[i] = key[i]!;
    this.#last = found;
    this.#isLast = true;
    return found;
  }

  /** The value of a feature at a time; record 0: over nothing. */
  value(record: number, feature: number, time: number): number {
    const span = this.#spanOf[feature]!;
    const place = this.#placeOf[feature]!;
    if (record === 0) {
      const { block, at } = this.#nothing[this.#spans.indexOf(span)]!;
      return block.value(at, place);
    }
    if (span.panes === undefined) return span.block.value(record + span.at, place);
    leave(span.panes, record + span.at, time - span.over);
    return span.panes.value(record + span.at, place);
  }

  /** Was the event at hand taken in for the feature (where its record is `touched`)? */
  isTouched(feature: number): boolean { return this.#took[this.plan.features[feature]!.stream] === 1; }

  /** The value of a feature before the event at hand, under the key it was taken in for. */
  valueBefore(feature: number): number { return this.#before[feature]!; }

  /** Takes the event at hand in. `number`: the event's. `aside`: values before it are set aside. Returns when the first key is due to be looked at. */
  take(type: number, time: number, number: number, aside: boolean): number {
    const { streams } = this.plan;
    let any = false;
    for (let s = 0; s < streams.length; s++) {
      const where = this.#wheres[s];
      const takes = streams[s]!.of[type]! && (where === undefined || where());
      this.#took[s] = takes ? 1 : 0;
      any ||= takes;
    }
    if (!any) return Infinity;
    const key = this.#scratch;
    this.#keys[type]!(key);
    for (let i = 0; i < key.length; i++) if (key[i] !== key[i]) return Infinity;
    let record = this.find(key);
    if (aside) for (const f of this.#aside) if (this.isTouched(f)) this.#before[f] = this.value(record, f, time);
    if (record === 0) record = this.#make(key);
    this.touched = record;
    for (let k = 0; k < this.#spans.length; k++) {
      const span = this.#spans[k]!;
      if (this.#took[span.stream] === 1) this.#add(record, span, time, number);
    }
    const heap = this.#heap;
    const flags = heap.i32[2 * record + FEATURE.flags]!;
    if ((flags & QUEUED) === 0 && this.#cleanup.span > 0) {
      heap.ints(record)[2 * record + FEATURE.flags] = flags | QUEUED;
      this.#cleanup.push(time + this.#cleanup.span, record);
    }
    return this.#cleanup.due;
  }

  /** Looks at the keys that are due. Returns when the next is. */
  clean(time: number): number {
    const heap = this.#heap;
    while (this.#cleanup.due <= time) {
      const now = this.#cleanup.due;
      const record = this.#cleanup.shift();
      let left = false;
      for (const { panes, at, over } of this.#spans) {
        if (panes === undefined) continue;
        leave(panes, record + at, now - over);
        left ||= panes.count(record + at) > 0;
      }
      const flags = heap.i32[2 * record + FEATURE.flags]!;
      if (left) this.#cleanup.push(now + this.#cleanup.span, record);
      else if ((flags & KEPT) !== 0) heap.ints(record)[2 * record + FEATURE.flags] = flags & ~QUEUED;
      else this.#free(record);
    }
    return this.#cleanup.due;
  }

  get root(): { readonly table: BucketsRoot; readonly cleanup: CleanupRoot } { return { table: this.#buckets.root, cleanup: this.#cleanup.root }; }
  load({ table, cleanup }: { readonly table: BucketsRoot; readonly cleanup: CleanupRoot }, heads: readonly number[]): void {
    this.#buckets.load(table, heads);
    this.#cleanup.load(cleanup);
    this.#isLast = false;
    this.touched = 0;
  }

  /** What the group was is forgotten. */
  clear(): void { this.load({ table: { size: 1024, count: 0 }, cleanup: { span: 0, first: 0, last: 0, from: 0, to: 0 } }, []); }

  /** Takes over, for a key, spans of a record in another heap. Returns the record that they are in now; 0: there was nothing in them. */
  adopt(heap: Heap, from: number, spans: readonly TakenSpan[]): number {
    const key = this.#scratch;
    let record = 0;
    for (const { span, old, sources } of spans) {
      if (!isKept(heap, from, old, sources)) continue;
      for (let i = 0; i < key.length; i++) key[i] = heap.f64[from + FEATURE.key + i]!;
      if (record === 0) record = this.find(key);
      if (record === 0) record = this.#make(key);
      const { block, panes, at } = this.#spans[span]!;
      if (panes !== undefined) panes.adopt(record + at, heap, from + old.at, old.block, sources);
      else {
        block.adopt(record + at, heap, from + old.at, old.block, sources, 0);
        this.#heap.ints(record)[2 * record + FEATURE.flags]! |= KEPT;
      }
    }
    return record;
  }

  /** A record taken over is to be looked at. `due`: when it was to be, in the order in which they are; `now`: event time that was reached. */
  resume(record: number, due: number, now: number): void {
    const heap = this.#heap;
    if (this.#cleanup.span === 0 || (heap.i32[2 * record + FEATURE.flags]! & QUEUED) !== 0) return;
    heap.ints(record)[2 * record + FEATURE.flags]! |= QUEUED;
    this.#cleanup.push(Math.min(due, now + this.#cleanup.span), record);
  }

  /** The spans, with the features in each. */
  get spans(): readonly { readonly features: readonly number[] }[] { return this.#spans; }

  #add(record: number, span: Span, time: number, number: number): void {
    const { block, panes, features, stream } = span;
    const at = record + span.at;
    const values = this.#values[stream]!;
    if (panes === undefined) {
      for (let i = 0; i < features.length; i++) {
        const { value } = this.plan.features[features[i]!]!;
        block.add(at, i, value < 0 ? 0 : values[value]!(), time);
      }
      this.#heap.ints(record)[2 * record + FEATURE.flags]! |= KEPT;
      return;
    }
    leave(panes, at, time - span.over);
    const pane = panes.open(at, span.every === 0 ? time : Math.floor(time / span.every) * span.every, number);
    for (let i = 0; i < features.length; i++) {
      const { value } = this.plan.features[features[i]!]!;
      panes.add(at, pane, i, value < 0 ? 0 : values[value]!(), time);
    }
    panes.done(at, pane);
  }

  #make(key: Float64Array): number {
    const heap = this.#heap;
    const record = heap.alloc(this.#units);
    heap.newInts[2 * record + FEATURE.group] = this.#index;
    const f64 = heap.newFloats;
    for (let i = 0; i < key.length; i++) f64[record + FEATURE.key + i] = key[i]!;
    for (const { panes, at } of this.#spans) panes?.begin(record + at);
    this.#store.featureMembers.add(record);
    this.#buckets.add(record);
    this.#isLast = false;
    return record;
  }

  #free(record: number): void {
    for (const { panes, at } of this.#spans) panes?.clear(record + at);
    this.#store.featureMembers.remove(record);
    this.#buckets.remove(record);
    this.#heap.free(record, this.#units);
    this.#isLast = false;
  }

  #hash(cells: { readonly [cell: number]: number }, at: number): number {
    let hash = mix(0x6a09e667, this.#index);
    for (let i = 0; i < this.#scratch.length; i++) hash = mix(hash, cells[at + i]!);
    return hash;
  }
}

/** What of an old span goes into the new one of that index; `sources`: as of `Block.adopt`. */
export interface TakenSpan { readonly span: number; readonly old: SpanState; readonly sources: readonly number[] }

/** Is anything in an old span, of those of its features that are taken over? */
export function isKept({ i32, f64 }: Heap, record: number, { panes, at, block }: SpanState, sources: readonly number[]): boolean {
  if (panes) return i32[2 * (record + at) + PANES.kept] !== 0;
  return sources.some((source) => source !== NOTHING && f64.slice(record + at + block.offsets[source]!, record + at + block.offsets[source]! + block.cells[source]!).some((cell) => cell !== 0));
}

/** Panes of times up to `time` leave the span; where there are none, nothing is written. */
function leave(panes: Panes, queue: number, time: number): void {
  const oldest = panes.oldest(queue);
  if (oldest !== 0 && panes.timeOf(oldest) <= time) panes.evict(queue, afterwards(time));
}

const cell = new Float64Array(1);
const words = new Uint32Array(cell.buffer);

/** The number right after a time: a span is half-open, and what came a whole span before is outside. */
function afterwards(time: number): number {
  if (time === 0) return Number.MIN_VALUE;
  cell[0] = time;
  if (time > 0) {
    words[0]!++;
    if (words[0] === 0) words[1]!++;
  } else {
    if (words[0] === 0) words[1]!--;
    words[0]!--;
  }
  return cell[0];
}
