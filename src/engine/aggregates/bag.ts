/**
 * How often each value occurs: a hash in a record of the heap, with open addressing, from values to counts. Behind `distinct`, `top` and `percentile`.
 *
 * A bag is exact up to BAG_BOUND different values. Beyond twice that it keeps a part, in one of two ways:
 * - `sample`, for counting different values: those whose hash ends in so many zeros that few enough are left (adaptive sampling, Flajolet 1990). The number of
 *   values is that of the sample times 2^level; the standard error is 1.2/√(values in the sample), 3.8 % at most as long as values only come.
 * - `heavy`, for the most frequent ones: the count of the BAG_BOUND-th is taken off all, and what has none left goes (Misra and Gries 1982; mergeable as
 *   Agarwal et al. show, PODS 2012). A count is too low by at most (all events)/BAG_BOUND.
 * - `all`: never; for buckets, of which there are few.
 */
import type { Heap } from '../../state/heap.ts';

export const BAG_BOUND = 1024;

export type BagKind = 'all' | 'sample' | 'heavy';

/** Ints: entries, slots, level (sample) or 1 once something was left out (heavy). From unit 2 on: pairs of value and count (0: an empty slot). */
export const BAG = { entries: 0, slots: 1, level: 2, head: 2 } as const;
const FEWEST = 4;

export class Bags {
  readonly #heap: Heap;
  readonly #kind: BagKind;
  readonly #hash: (value: number) => number;

  /** `hash`: 32 bits from a value's content, the same in every run (ids of texts are not). */
  constructor(heap: Heap, kind: BagKind, hash: (value: number) => number) {
    this.#heap = heap;
    this.#kind = kind;
    this.#hash = hash;
  }

  /** Adds `count` (negative: takes off) of a value to the bag whose record is named in cell `cell`. */
  add(cell: number, value: number, count: number): void {
    const heap = this.#heap;
    let bag = heap.f64[cell]!;
    if (bag === 0) {
      if (count < 0) return;
      bag = this.#make(FEWEST);
      heap.floats(cell)[cell] = bag;
    }
    const level = heap.i32[2 * bag + BAG.level]!;
    if (this.#kind === 'sample' && level > 0 && !inSample(this.#hash(value), level)) return;
    const slot = this.#slot(bag, value);
    const held = heap.f64[slot + 1]!;
    if (held === 0) {
      if (count < 0) return; // left out, or taken off with all others when the bag was cut
      heap.floats(slot)[slot] = value;
      heap.floats(slot + 1)[slot + 1] = count;
      this.#added(cell, bag);
    } else if (held + count > 0) heap.floats(slot + 1)[slot + 1] = held + count;
    else this.#remove(cell, bag, slot);
  }

  /** Adds all of the bag of cell `from`, `sign` times. */
  join(cell: number, from: number, sign: 1 | -1): void {
    const heap = this.#heap;
    const bag = heap.f64[from]!;
    if (bag === 0) return;
    const level = heap.i32[2 * bag + BAG.level]!;
    if (sign > 0 && level > 0) this.#raise(cell, level);
    const slots = heap.i32[2 * bag + BAG.slots]!;
    for (let slot = bag + BAG.head, end = slot + 2 * slots; slot < end; slot += 2) {
      const count = heap.f64[slot + 1]!;
      if (count !== 0) this.add(cell, heap.f64[slot]!, sign * count);
    }
  }

  /** Number of different values. */
  distinct(cell: number): number {
    const bag = this.#heap.f64[cell]!;
    return bag === 0 ? 0 : this.#heap.i32[2 * bag + BAG.entries]! * 2 ** (this.#kind === 'sample' ? this.#heap.i32[2 * bag + BAG.level]! : 0);
  }

  /** Something was left out: what comes of taking off values is best made anew now and then. */
  isPart(cell: number): boolean {
    const bag = this.#heap.f64[cell]!;
    return bag !== 0 && this.#heap.i32[2 * bag + BAG.level]! > 0;
  }

  /** All entries, in no order. */
  each(cell: number, visit: (value: number, count: number) => void): void {
    const { f64, i32 } = this.#heap;
    const bag = f64[cell]!;
    if (bag === 0) return;
    for (let slot = bag + BAG.head, end = slot + 2 * i32[2 * bag + BAG.slots]!; slot < end; slot += 2) if (f64[slot + 1] !== 0) visit(f64[slot]!, f64[slot + 1]!);
  }

  /** A copy of the bag of cell `from` of another heap, where values have the same hashes, into a cell that names none. */
  adopt(cell: number, heap: Heap, from: number): void {
    const bag = heap.f64[from]!;
    if (bag === 0) return;
    const slots = heap.i32[2 * bag + BAG.slots]!;
    const made = this.#make(slots);
    const { newInts, newFloats } = this.#heap;
    newInts[2 * made + BAG.entries] = heap.i32[2 * bag + BAG.entries]!;
    newInts[2 * made + BAG.level] = heap.i32[2 * bag + BAG.level]!;
    for (let i = BAG.head; i < BAG.head + 2 * slots; i++) newFloats[made + i] = heap.f64[bag + i]!;
    this.#heap.floats(cell)[cell] = made;
  }

  release(cell: number): void {
    const bag = this.#heap.f64[cell]!;
    if (bag === 0) return;
    this.#free(bag);
    this.#heap.floats(cell)[cell] = 0;
  }

  // --- the hash ---------------------------------------------------------------------------------------------------------------------------------

  #make(slots: number): number {
    const bag = this.#heap.alloc(BAG.head + 2 * slots);
    this.#heap.ints(bag)[2 * bag + BAG.slots] = slots;
    return bag;
  }

  #free(bag: number): void { this.#heap.free(bag, BAG.head + 2 * this.#heap.i32[2 * bag + BAG.slots]!); }

  /** The slot of a value, or the empty one where it belongs. */
  #slot(bag: number, value: number): number {
    const { f64, i32 } = this.#heap;
    const mask = i32[2 * bag + BAG.slots]! - 1;
    for (let i = spread(value) & mask; ; i = (i + 1) & mask) {
      const slot = bag + BAG.head + 2 * i;
      if (f64[slot + 1] === 0 || f64[slot] === value) return slot;
    }
  }

  #added(cell: number, bag: number): void {
    const heap = this.#heap;
    const entries = ++heap.ints(bag)[2 * bag + BAG.entries]!;
    if (this.#kind !== 'all' && entries > 2 * BAG_BOUND) {
      if (this.#kind === 'sample') this.#raise(cell, heap.i32[2 * bag + BAG.level]! + 1);
      else this.#cut(cell);
    } else if (4 * entries > 3 * heap.i32[2 * bag + BAG.slots]!) this.#rebuild(cell, (_, count) => count);
  }

  /** Takes an entry out; those after it that were pushed on by it move back (Knuth's algorithm R). */
  #remove(cell: number, bag: number, slot: number): void {
    const heap = this.#heap;
    const entries = --heap.ints(bag)[2 * bag + BAG.entries]!;
    if (entries === 0) { this.release(cell); return; }
    const mask = heap.i32[2 * bag + BAG.slots]! - 1;
    const first = bag + BAG.head;
    let hole = (slot - first) >> 1;
    for (let i = (hole + 1) & mask; heap.f64[first + 2 * i + 1] !== 0; i = (i + 1) & mask) {
      const home = spread(heap.f64[first + 2 * i]!) & mask;
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      this.#set(first + 2 * hole, heap.f64[first + 2 * i]!, heap.f64[first + 2 * i + 1]!);
      hole = i;
    }
    this.#set(first + 2 * hole, 0, 0);
  }

  #set(slot: number, value: number, count: number): void {
    this.#heap.floats(slot)[slot] = value;
    this.#heap.floats(slot + 1)[slot + 1] = count;
  }

  /** A new record with the counts that `keep` leaves of each (0 or less: none). */
  #rebuild(cell: number, keep: (value: number, count: number) => number): void {
    const heap = this.#heap;
    const old = heap.f64[cell]!;
    const kept: number[] = [];
    this.each(cell, (value, count) => { const left = keep(value, count); if (left > 0) kept.push(value, left); });
    let slots = FEWEST;
    while (2 * slots < 3 * (kept.length >> 1)) slots *= 2;
    const bag = this.#make(slots);
    heap.ints(bag)[2 * bag + BAG.level] = heap.i32[2 * old + BAG.level]!;
    heap.ints(bag)[2 * bag + BAG.entries] = kept.length >> 1;
    for (let i = 0; i < kept.length; i += 2) this.#set(this.#slot(bag, kept[i]!), kept[i]!, kept[i + 1]!);
    heap.floats(cell)[cell] = bag;
    this.#free(old);
  }

  /** The sample is of at least this level. */
  #raise(cell: number, level: number): void {
    const heap = this.#heap;
    let bag = heap.f64[cell]!;
    if (bag === 0) heap.floats(cell)[cell] = bag = this.#make(FEWEST);
    if (heap.i32[2 * bag + BAG.level]! >= level) return;
    heap.ints(bag)[2 * bag + BAG.level] = level;
    if (this.#kind === 'sample') this.#rebuild(cell, (value, count) => (inSample(this.#hash(value), level) ? count : 0));
  }

  #cut(cell: number): void {
    const counts: number[] = [];
    this.each(cell, (_, count) => { counts.push(count); });
    counts.sort((a, b) => b - a);
    const off = counts[BAG_BOUND]!;
    const bag = this.#heap.f64[cell]!;
    this.#heap.ints(bag)[2 * bag + BAG.level] = 1;
    this.#rebuild(cell, (_, count) => count - off);
  }
}

const inSample = (hash: number, level: number): boolean => (hash & ((1 << level) - 1)) === 0;

const number = new Float64Array(1);
const words = new Int32Array(number.buffer);

/** Where a value lies in a bag: any hash will do, as long as it is the same in an engine that takes up the state. */
function spread(value: number): number {
  number[0] = value + 0; // -0 is 0
  let hash = Math.imul(words[0]! ^ Math.imul(words[1]!, 0x85ebca6b), 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
