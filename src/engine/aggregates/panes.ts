/**
 * A span that moves on over panes: the state over all panes in it is at hand at any time, whatever their number.
 *
 * Panes are a list by time, the newest last. Sums over the span are kept running: what a pane adds is added, and taken off when it leaves. Folds (least, first …) cannot
 * be taken off: two stacks stand in for a queue. Each of the older panes up to a split has the fold from it on to the split, made from newest to oldest when the
 * older stack ran empty; what came after the split, the newest pane always, is folded into one state. So a step costs a constant number of operations, over time (the two-stacks algorithm;
 * Tangwongsan, Hirzel, Schneider, "Low-latency sliding-window aggregation", DEBS 2017). Lists are joined when they are read.
 *
 * Panes that left the span may be kept for a while, for late events: a pane that changes late is folded anew.
 */
import type { Heap } from '../../state/heap.ts';
import type { Block, BlockState } from './block.ts';

/** Ints: next and previous pane (0: none), events. Floats: the time that tells panes apart, number and time of the first event. Then a block; then the folds to the split. */
export const PANE = { /** ints */ next: 0, previous: 1, events: 2, /** floats */ time: 2, number: 3, at: 4, block: 5 } as const;

/** Ints: the oldest pane kept, the oldest in the span, the newest, the first after the split; panes in the span; events; panes taken off since sums were made anew. Floats: where the span begins. */
export const PANES = { kept: 0, oldest: 1, newest: 2, split: 3, panes: 4, events: 5, off: 6, /** floats */ from: 4, block: 5 } as const;

export class Panes {
  readonly block: Block;
  /** Units of a queue in its owner's record, and of a pane. */
  readonly units: number;
  readonly paneUnits: number;
  readonly #foldsAt: number;

  constructor(block: Block) {
    this.block = block;
    this.units = PANES.block + block.units;
    this.#foldsAt = PANE.block + block.units;
    this.paneUnits = this.#foldsAt + block.foldUnits;
  }

  /** A queue's cells, zeroed, are made one of no panes, whose span has no beginning yet. */
  begin(q: number): void { this.block.heap.floats(q)[q + PANES.from] = -Infinity; }

  /** Panes in the span of the queue at unit index `q`; events in them. */
  count(q: number): number { return this.block.heap.i32[2 * q + PANES.panes]!; }
  events(q: number): number { return this.block.heap.i32[2 * q + PANES.events]!; }
  /** The oldest pane in the span, and the newest of all; 0: none. */
  oldest(q: number): number { return this.block.heap.i32[2 * q + PANES.oldest]!; }
  newest(q: number): number { return this.block.heap.i32[2 * q + PANES.newest]!; }
  /** The oldest pane there is, in the span or kept. */
  kept(q: number): number { return this.block.heap.i32[2 * q + PANES.kept]!; }
  timeOf(pane: number): number { return this.block.heap.f64[pane + PANE.time]!; }
  atOf(pane: number): number { return this.block.heap.f64[pane + PANE.at]!; }
  numberOf(pane: number): number { return this.block.heap.f64[pane + PANE.number]!; }

  /**
   * The pane of a time, made if there is none: an event comes. `number`, `at`: the event's number and time. What is to be said of the event follows by `add`, then `done`.
   */
  open(q: number, time: number, number: number, at = time): number {
    const { heap } = this.block;
    let before = this.newest(q);
    while (before !== 0 && heap.f64[before + PANE.time]! > time) before = heap.i32[2 * before + PANE.previous]!;
    let pane = before;
    if (pane === 0 || heap.f64[pane + PANE.time] !== time) {
      pane = heap.alloc(this.paneUnits);
      heap.newFloats[pane + PANE.time] = time;
      heap.newFloats[pane + PANE.number] = number;
      heap.newFloats[pane + PANE.at] = at;
      this.#insert(q, pane, before, this.#inSpan(q, pane));
    }
    heap.ints(pane)[2 * pane + PANE.events]!++;
    if (this.#inSpan(q, pane)) heap.ints(q)[2 * q + PANES.events]!++;
    return pane;
  }

  /** The event of the pane has a value for the aggregate `i`. */
  add(q: number, pane: number, i: number, value: number, time: number): void {
    const { block } = this;
    block.add(pane + PANE.block, i, value, time);
    if (!this.#inSpan(q, pane)) return;
    const aggregate = block.aggregates[i]!;
    if (aggregate.kind === 'sum' || (aggregate.kind === 'fold' && pane === this.newest(q))) aggregate.add(q + PANES.block + block.offsets[i]!, value, time);
  }

  /** All was said of the event: where it came late, into an older pane of the span, folds are made anew. */
  done(q: number, pane: number): void {
    if (this.block.folds.length > 0 && pane !== this.newest(q) && this.#inSpan(q, pane)) this.#refold(q);
  }

  /** Panes of times before `from` leave the span; those before `keep` go. Whether any left. */
  evict(q: number, from: number, keep = from): boolean {
    const { heap } = this.block;
    if (from > heap.f64[q + PANES.from]!) heap.floats(q)[q + PANES.from] = from;
    let left = false;
    for (let pane = this.oldest(q); pane !== 0 && heap.f64[pane + PANE.time]! < from; pane = this.oldest(q)) {
      this.#leave(q, pane);
      left = true;
    }
    for (let pane = this.kept(q); pane !== 0 && heap.f64[pane + PANE.time]! < keep && heap.f64[pane + PANE.time]! < from; pane = this.kept(q)) this.#drop(q, pane);
    return left;
  }

  /** The value of the aggregate `i` over the span. */
  value(q: number, i: number): number {
    const { block } = this;
    const { heap } = block;
    const aggregate = block.aggregates[i]!;
    const at = q + PANES.block + block.offsets[i]!;
    if (aggregate.kind === 'sum') return aggregate.value(at);
    const oldest = this.oldest(q);
    if (aggregate.kind === 'fold') {
      return oldest === 0 || oldest === heap.i32[2 * q + PANES.split] ? aggregate.value(at) : aggregate.value(oldest + this.#foldsAt + block.foldOffsets[i]!, at);
    }
    return this.#joined(i, oldest, Infinity);
  }

  /** The values of all aggregates over the panes with times in [from, to), kept ones too; the number of events there is told. Costs a walk. */
  past(q: number, from: number, to: number, values: Float64Array): number {
    const { block } = this;
    const { heap } = block;
    const all = heap.alloc(block.units);
    let events = 0;
    for (let pane = this.kept(q); pane !== 0 && heap.f64[pane + PANE.time]! < to; pane = heap.i32[2 * pane + PANE.next]!) {
      if (heap.f64[pane + PANE.time]! < from) continue;
      events += heap.i32[2 * pane + PANE.events]!;
      block.merge(all, pane + PANE.block);
    }
    for (let i = 0; i < block.aggregates.length; i++) values[i] = block.value(all, i);
    block.empty(all);
    heap.free(all, block.units);
    return events;
  }

  /** When the pane took an event last, by the time that was reached; it stands in place of the time of its first. */
  touch(pane: number, now: number): void { this.block.heap.floats(pane)[pane + PANE.at] = now; }

  /**
   * Windows that begin every `step` from `first` on and reach to the newest pane: the number of events in each, the greatest `at` of its panes, and its oldest pane. Returns
   * how many such windows there are. Costs a walk over their panes.
   */
  tally(q: number, first: number, step: number, events: number[], latest: number[], oldest: number[]): number {
    const { heap } = this.block;
    const newest = this.newest(q);
    const n = newest === 0 ? 0 : Math.max(0, Math.floor((heap.f64[newest + PANE.time]! - first) / step) + 1);
    for (let i = 0; i < n; i++) {
      events[i] = oldest[i] = 0;
      latest[i] = -Infinity;
    }
    for (let pane = newest; pane !== 0 && heap.f64[pane + PANE.time]! >= first; pane = heap.i32[2 * pane + PANE.previous]!) {
      // The last window that it is in; it is in all those before.
      const i = Math.floor((heap.f64[pane + PANE.time]! - first) / step);
      events[i]! += heap.i32[2 * pane + PANE.events]!;
      if (heap.f64[pane + PANE.at]! > latest[i]!) latest[i] = heap.f64[pane + PANE.at]!;
      oldest[i] = pane;
    }
    for (let i = n - 2; i >= 0; i--) {
      events[i]! += events[i + 1]!;
      if (latest[i + 1]! > latest[i]!) latest[i] = latest[i + 1]!;
      if (oldest[i] === 0) oldest[i] = oldest[i + 1]!;
    }
    return n;
  }

  /** The values of all aggregates over each of the first `n` of those windows, one window's after another's. Costs one walk over their panes, from the newest back. */
  each(q: number, first: number, step: number, n: number, values: Float64Array): void {
    const { block } = this;
    const { heap } = block;
    const { length } = block.aggregates;
    let all = heap.alloc(block.units);
    let joined = heap.alloc(block.units);
    let pane = this.newest(q);
    for (let i = n - 1; i >= 0; i--) {
      for (; pane !== 0 && heap.f64[pane + PANE.time]! >= first + i * step; pane = heap.i32[2 * pane + PANE.previous]!) {
        block.merge(joined, pane + PANE.block);
        block.merge(joined, all);
        block.empty(all);
        [all, joined] = [joined, all];
      }
      for (let k = 0; k < length; k++) values[i * length + k] = block.value(all, k);
    }
    block.empty(all);
    heap.free(all, block.units);
    heap.free(joined, block.units);
  }

  /** Number of the first event of the oldest pane with a time in [from, to); -1: there is none. */
  firstIn(q: number, from: number, to: number): number {
    const { heap } = this.block;
    let pane = this.kept(q);
    while (pane !== 0 && heap.f64[pane + PANE.time]! < from) pane = heap.i32[2 * pane + PANE.next]!;
    return pane !== 0 && heap.f64[pane + PANE.time]! < to ? heap.f64[pane + PANE.number]! : -1;
  }

  /** Everything goes. */
  clear(q: number): void { this.evict(q, Infinity); }

  /** A queue that has begun takes over the panes of one in another heap; `old`, `sources`: as of `Block.adopt`. What is new is over nothing in each. */
  adopt(q: number, heap: Heap, from: number, old: BlockState, sources: readonly number[]): void {
    const { block } = this;
    const made = new Map<number, number>([[0, 0]]);
    let newest = 0;
    for (let pane = heap.i32[2 * from + PANES.kept]!; pane !== 0; pane = heap.i32[2 * pane + PANE.next]!) {
      const copy = block.heap.alloc(this.paneUnits);
      made.set(pane, copy);
      const ints = block.heap.ints(copy);
      const events = ints[2 * copy + PANE.events] = heap.i32[2 * pane + PANE.events]!;
      ints[2 * copy + PANE.previous] = newest;
      const f64 = block.heap.floats(copy);
      for (const cell of [PANE.time, PANE.number, PANE.at]) f64[copy + cell] = heap.f64[pane + cell]!;
      if (newest !== 0) block.heap.ints(newest)[2 * newest + PANE.next] = copy;
      newest = copy;
      block.adopt(copy + PANE.block, heap, pane + PANE.block, old, sources, events);
      for (const k of block.folds) {
        if (sources[k]! >= 0) block.aggregates[k]!.adopt(copy + this.#foldsAt + block.foldOffsets[k]!, heap, pane + PANE.block + old.units + old.foldOffsets[sources[k]!]!);
      }
    }
    const ints = block.heap.ints(q);
    for (const cell of [PANES.kept, PANES.oldest, PANES.newest, PANES.split]) ints[2 * q + cell] = made.get(heap.i32[2 * from + cell]!)!;
    for (const cell of [PANES.panes, PANES.events, PANES.off]) ints[2 * q + cell] = heap.i32[2 * from + cell]!;
    block.heap.floats(q)[q + PANES.from] = heap.f64[from + PANES.from]!;
    block.adopt(q + PANES.block, heap, from + PANES.block, old, sources, heap.i32[2 * from + PANES.events]!);
  }

  #inSpan(q: number, pane: number): boolean { return this.block.heap.f64[pane + PANE.time]! >= this.block.heap.f64[q + PANES.from]!; }

  // --- the list -----------------------------------------------------------------------------------------------------------------------------------

  #insert(q: number, pane: number, before: number, inSpan: boolean): void {
    const { heap } = this.block;
    const i = 2 * q;
    const after = before === 0 ? heap.i32[i + PANES.kept]! : heap.i32[2 * before + PANE.next]!;
    heap.ints(pane)[2 * pane + PANE.previous] = before;
    heap.ints(pane)[2 * pane + PANE.next] = after;
    if (before !== 0) heap.ints(before)[2 * before + PANE.next] = pane;
    if (after !== 0) heap.ints(after)[2 * after + PANE.previous] = pane;
    const i32 = heap.ints(q);
    if (before === 0) i32[i + PANES.kept] = pane;
    if (after === 0) i32[i + PANES.newest] = pane;
    if (!inSpan) return;
    i32[i + PANES.panes]!++;
    const oldest = i32[i + PANES.oldest]!;
    // One in between makes all folds anew (`done`).
    if (oldest === 0) i32[i + PANES.oldest] = i32[i + PANES.split] = pane;
    else if (after === oldest) i32[i + PANES.oldest] = pane;
  }

  /** The oldest pane leaves the span. */
  #leave(q: number, pane: number): void {
    const { block } = this;
    const { heap } = block;
    const i = 2 * q;
    // The older stack is empty: what came after the split becomes it, all but the newest.
    if (block.folds.length > 0 && pane === heap.i32[i + PANES.split] && pane !== this.newest(q)) this.#fold(q);
    const next = heap.i32[2 * pane + PANE.next]!;
    const i32 = heap.ints(q);
    i32[i + PANES.panes]!--;
    i32[i + PANES.events]! -= heap.i32[2 * pane + PANE.events]!;
    i32[i + PANES.oldest] = next;
    if (i32[i + PANES.split] === pane) i32[i + PANES.split] = next;
    if (next === 0) {
      block.empty(q + PANES.block);
      const emptied = heap.ints(q);
      emptied[i + PANES.off] = emptied[i + PANES.split] = 0;
      return;
    }
    for (let k = 0; k < block.aggregates.length; k++) {
      const aggregate = block.aggregates[k]!;
      if (aggregate.kind === 'sum') aggregate.subtract(q + PANES.block + block.offsets[k]!, pane + PANE.block + block.offsets[k]!);
    }
    // What left something out is made anew once as many panes were taken off it as it is made of.
    const off = ++heap.ints(q)[i + PANES.off]!;
    if (off < heap.i32[i + PANES.panes]!) return;
    heap.ints(q)[i + PANES.off] = 0;
    for (let k = 0; k < block.aggregates.length; k++) {
      const aggregate = block.aggregates[k]!;
      const at = q + PANES.block + block.offsets[k]!;
      if (aggregate.kind !== 'sum' || !aggregate.isWorn(at)) continue;
      aggregate.empty(at);
      for (let p = next; p !== 0; p = heap.i32[2 * p + PANE.next]!) aggregate.merge(at, p + PANE.block + block.offsets[k]!);
    }
  }

  #drop(q: number, pane: number): void {
    const { block } = this;
    const { heap } = block;
    const next = heap.i32[2 * pane + PANE.next]!;
    const i32 = heap.ints(q);
    i32[2 * q + PANES.kept] = next;
    if (next === 0) i32[2 * q + PANES.newest] = 0;
    else heap.ints(next)[2 * next + PANE.previous] = 0;
    block.empty(pane + PANE.block);
    heap.free(pane, this.paneUnits);
  }

  // --- folds --------------------------------------------------------------------------------------------------------------------------------------

  /** Each pane but the newest gets the fold of it and those after it up to the newest, which alone is after the split then. */
  #fold(q: number): void {
    const { block } = this;
    const { heap } = block;
    const oldest = this.oldest(q);
    const newest = this.newest(q);
    let after = 0;
    for (let pane = heap.i32[2 * newest + PANE.previous]!; pane !== 0; pane = pane === oldest ? 0 : heap.i32[2 * pane + PANE.previous]!) {
      for (const k of block.folds) {
        const aggregate = block.aggregates[k]!;
        const at = pane + this.#foldsAt + block.foldOffsets[k]!;
        aggregate.empty(at);
        aggregate.merge(at, pane + PANE.block + block.offsets[k]!);
        if (after !== 0) aggregate.merge(at, after + this.#foldsAt + block.foldOffsets[k]!);
      }
      after = pane;
    }
    this.#foldNewest(q, newest);
  }

  /** A late event changed an older pane: all of the span is after the split again. */
  #refold(q: number): void {
    this.#foldNewest(q, this.oldest(q));
  }

  /** The panes from `first` on are those after the split. */
  #foldNewest(q: number, first: number): void {
    const { block } = this;
    const { heap } = block;
    for (const k of block.folds) {
      const aggregate = block.aggregates[k]!;
      const at = q + PANES.block + block.offsets[k]!;
      aggregate.empty(at);
      for (let pane = first; pane !== 0; pane = heap.i32[2 * pane + PANE.next]!) aggregate.merge(at, pane + PANE.block + block.offsets[k]!);
    }
    heap.ints(q)[2 * q + PANES.split] = first;
  }

  #joined(i: number, first: number, to: number): number {
    const { block } = this;
    const { heap } = block;
    const aggregate = block.aggregates[i]!;
    const all = heap.alloc(aggregate.cells);
    for (let pane = first; pane !== 0 && heap.f64[pane + PANE.time]! < to; pane = heap.i32[2 * pane + PANE.next]!) aggregate.merge(all, pane + PANE.block + block.offsets[i]!);
    const value = aggregate.value(all);
    aggregate.empty(all);
    heap.free(all, aggregate.cells);
    return value;
  }
}
