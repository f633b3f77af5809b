/**
 * Values with their times, in the order of time (those of one time as they came), in a record of the heap: a ring that grows. Behind `values`, and behind
 * `lasting` and `timeAvg` where late events may come between others.
 */
import type { Heap } from '../../state/heap.ts';

/** Ints: entries, room, the place of the first. From unit 2 on: pairs of time and value. */
export const SERIES = { entries: 0, room: 1, first: 2, head: 2 } as const;
const LEAST_ROOM = 2;

export class SeriesList {
  readonly #heap: Heap;
  /** The latest so many are kept. */
  readonly #limit: number;

  constructor(heap: Heap, limit: number) {
    this.#heap = heap;
    this.#limit = limit;
  }

  /** Adds a value to the list whose record is named in cell `cell`. */
  add(cell: number, value: number, time: number): void {
    const heap = this.#heap;
    let list = heap.f64[cell]!;
    if (list === 0) heap.floats(cell)[cell] = list = this.#make(LEAST_ROOM);
    let n = heap.i32[2 * list + SERIES.entries]!;
    // Where it belongs: after all that are not later.
    let at = n;
    while (at > 0 && heap.f64[this.#place(list, at - 1)]! > time) at--;
    if (n === this.#limit) {
      if (at === 0) return;
      const first = heap.i32[2 * list + SERIES.first]!;
      heap.ints(list)[2 * list + SERIES.first] = (first + 1) % heap.i32[2 * list + SERIES.room]!;
      n--;
      at--;
    } else if (n === heap.i32[2 * list + SERIES.room]!) {
      const larger = this.#make(2 * n);
      for (let i = 0; i < n; i++) this.#copy(this.#place(list, i), this.#place(larger, i));
      this.#free(list);
      heap.floats(cell)[cell] = list = larger;
    }
    for (let i = n; i > at; i--) this.#copy(this.#place(list, i - 1), this.#place(list, i));
    const place = this.#place(list, at);
    heap.floats(place)[place] = time;
    heap.floats(place + 1)[place + 1] = value;
    heap.ints(list)[2 * list + SERIES.entries] = n + 1;
  }

  join(cell: number, from: number): void {
    const list = this.#heap.f64[from]!;
    const n = list === 0 ? 0 : this.#heap.i32[2 * list + SERIES.entries]!;
    for (let i = 0; i < n; i++) {
      const place = this.#place(list, i);
      this.add(cell, this.#heap.f64[place + 1]!, this.#heap.f64[place]!);
    }
  }

  /** The latest of the list of cell `from` of another heap. */
  adopt(cell: number, heap: Heap, from: number): void {
    const list = heap.f64[from]!;
    if (list === 0) return;
    const n = heap.i32[2 * list + SERIES.entries]!;
    const room = heap.i32[2 * list + SERIES.room]!;
    const first = heap.i32[2 * list + SERIES.first]!;
    for (let i = Math.max(0, n - this.#limit); i < n; i++) {
      const place = list + SERIES.head + 2 * ((first + i) % room);
      this.add(cell, heap.f64[place + 1]!, heap.f64[place]!);
    }
  }

  length(cell: number): number {
    const list = this.#heap.f64[cell]!;
    return list === 0 ? 0 : this.#heap.i32[2 * list + SERIES.entries]!;
  }

  timeAt(cell: number, i: number): number { return this.#heap.f64[this.#place(this.#heap.f64[cell]!, i)]!; }
  valueAt(cell: number, i: number): number { return this.#heap.f64[this.#place(this.#heap.f64[cell]!, i) + 1]!; }

  release(cell: number): void {
    const list = this.#heap.f64[cell]!;
    if (list === 0) return;
    this.#free(list);
    this.#heap.floats(cell)[cell] = 0;
  }

  /** The i-th pair. */
  #place(list: number, i: number): number {
    const { i32 } = this.#heap;
    const room = i32[2 * list + SERIES.room]!;
    let k = i32[2 * list + SERIES.first]! + i;
    if (k >= room) k -= room;
    return list + SERIES.head + 2 * k;
  }

  #copy(from: number, to: number): void {
    const { f64 } = this.#heap;
    this.#heap.floats(to)[to] = f64[from]!;
    this.#heap.floats(to + 1)[to + 1] = f64[from + 1]!;
  }

  #make(room: number): number {
    const list = this.#heap.alloc(SERIES.head + 2 * room);
    this.#heap.ints(list)[2 * list + SERIES.room] = room;
    return list;
  }

  #free(list: number): void { this.#heap.free(list, SERIES.head + 2 * this.#heap.i32[2 * list + SERIES.room]!); }
}
