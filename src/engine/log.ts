import type { Heap } from '../state/heap.ts';

/** An event that may be a step of a banned sequence whose conditions read bound events. */
export interface Logged { readonly sequence: number; readonly cells: Float64Array; readonly predicates: readonly number[] }

/** Ints: the next later entry, the event's number in the key, how many predicates hold. Floats: the event's cells; behind them the predicates as floats. */
const ENTRY = { next: 0, sequence: 1, predicates: 2, cells: 2 } as const;

/** Per key, the events that may be steps of banned sequences, oldest first: records in the heap, from two ints of the key's record (oldest, newest). */
export class SequenceLog {
  readonly #heap: Heap;
  /** Cell of the oldest, in ints from the key record's start. */
  readonly #at: number;
  /** Cells an event; the last is its time. */
  readonly #width: number;
  /** The logs as they are searched; derived. */
  readonly #read = new Map<number, Logged[]>();

  constructor(heap: Heap, at: number, width: number) {
    this.#heap = heap;
    this.#at = at;
    this.#width = width;
  }

  of(ks: number): readonly Logged[] {
    const known = this.#read.get(ks);
    if (known !== undefined) return known;
    const list: Logged[] = [];
    const { i32, f64 } = this.#heap;
    for (let p = i32[2 * ks + this.#at]!; p !== 0; p = i32[2 * p + ENTRY.next]!) {
      const cells = p + ENTRY.cells;
      const behind = cells + this.#width;
      list.push({
        sequence: i32[2 * p + ENTRY.sequence]!, cells: f64.slice(cells, behind), predicates: Array.from(f64.slice(behind, behind + i32[2 * p + ENTRY.predicates]!)),
      });
    }
    this.#read.set(ks, list);
    return list;
  }

  add(ks: number, entry: Logged): void {
    (this.of(ks) as Logged[]).push(entry);
    const heap = this.#heap;
    const p = heap.alloc(this.#units(entry.predicates.length));
    heap.floats(p).set(entry.cells, p + ENTRY.cells);
    heap.floats(p).set(entry.predicates, p + ENTRY.cells + this.#width);
    heap.ints(p)[2 * p + ENTRY.sequence] = entry.sequence;
    heap.ints(p)[2 * p + ENTRY.predicates] = entry.predicates.length;
    const ints = heap.ints(ks);
    const at = 2 * ks + this.#at;
    const before = ints[at + 1]!;
    if (before === 0) ints[at] = p;
    else heap.ints(before)[2 * before + ENTRY.next] = p;
    ints[at + 1] = p;
  }

  /** Those at or before a time go. */
  forgetUpTo(ks: number, time: number): void {
    const { i32, f64 } = this.#heap;
    let gone = 0;
    for (let p = i32[2 * ks + this.#at]!; p !== 0 && f64[p + ENTRY.cells + this.#width - 1]! <= time; p = i32[2 * ks + this.#at]!) {
      this.#drop(ks, p);
      gone++;
    }
    if (gone > 0) this.#read.get(ks)?.splice(0, gone);
  }

  /** The key goes. */
  forget(ks: number): void {
    for (let p = this.#heap.i32[2 * ks + this.#at]!; p !== 0; p = this.#heap.i32[2 * ks + this.#at]!) this.#drop(ks, p);
    this.#read.delete(ks);
  }

  /** After the heap was restored. */
  reset(): void { this.#read.clear(); }

  #drop(ks: number, p: number): void {
    const heap = this.#heap;
    const next = heap.i32[2 * p + ENTRY.next]!;
    const ints = heap.ints(ks);
    ints[2 * ks + this.#at] = next;
    if (next === 0) ints[2 * ks + this.#at + 1] = 0;
    heap.free(p, this.#units(heap.i32[2 * p + ENTRY.predicates]!));
  }

  #units(predicates: number): number { return ENTRY.cells + this.#width + predicates; }
}
