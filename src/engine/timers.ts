import type { Heap } from '../state/heap.ts';

export interface Timer { time: number; start: number; rule: number; kind: number; a: number; b: number }

/** Cells of a timer: time and start (floats), then rule, kind, a and b (ints). */
const UNITS = 4;
/** Timers a block, as a power of two: 32 KiB. */
const BLOCK_SHIFT = 10;
const IN_BLOCK = (1 << BLOCK_SHIFT) - 1;

/** What the timers are besides their cells: the records of their blocks. JSON. */
export interface TimersRoot { readonly blocks: readonly number[]; readonly size: number }

/**
 * A binary heap of timers, ordered by time, then number of the run's first event, then rule. It lies in blocks: to grow by being copied would make all of it part of
 * the next image.
 */
export class Timers {
  size = 0;
  /** Time of the earliest timer; Infinity when there is none. */
  next = Infinity;
  readonly #tables: Heap;
  readonly #blocks: number[] = [];

  constructor(tables: Heap) { this.#tables = tables; }

  push(time: number, start: number, rule: number, kind: number, a: number, b: number): void {
    if (this.size === this.#blocks.length << BLOCK_SHIFT) this.#blocks.push(this.#tables.alloc(UNITS << BLOCK_SHIFT));
    let i = this.size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(time, start, rule, parent)) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#put(i, time, start, rule, kind, a, b);
    this.next = this.#tables.f64[this.#blocks[0]!]!;
  }

  /** Takes the earliest timer into `into`. */
  pop(into: Timer): void {
    const { i32, f64 } = this.#tables;
    const first = this.#blocks[0]!;
    into.time = f64[first]!;
    into.start = f64[first + 1]!;
    into.rule = i32[2 * first + 4]!;
    into.kind = i32[2 * first + 5]!;
    into.a = i32[2 * first + 6]!;
    into.b = i32[2 * first + 7]!;
    const last = --this.size;
    if (last > 0) {
      const from = this.#place(last);
      const time = f64[from]!;
      const start = f64[from + 1]!;
      const rule = i32[2 * from + 4]!;
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= last) break;
        const right = this.#place(child + 1);
        if (child + 1 < last && this.#before(f64[right]!, f64[right + 1]!, i32[2 * right + 4]!, child)) child++;
        if (this.#before(time, start, rule, child)) break;
        this.#move(child, i);
        i = child;
      }
      this.#put(i, time, start, rule, i32[2 * from + 5]!, i32[2 * from + 6]!, i32[2 * from + 7]!);
    }
    this.next = this.size === 0 ? Infinity : f64[first]!;
    if ((last & IN_BLOCK) === 0) this.#shrink();
  }

  get root(): TimersRoot { return { blocks: [...this.#blocks], size: this.size }; }
  load({ blocks, size }: TimersRoot): void {
    this.#blocks.splice(0, Infinity, ...blocks);
    this.size = size;
    this.next = size === 0 ? Infinity : this.#tables.f64[blocks[0]!]!;
  }

  /** A block that is not the last or the one before it is not needed: a heap that grows and shrinks about a limit keeps its blocks. */
  #shrink(): void {
    while (this.#blocks.length > (this.size >> BLOCK_SHIFT) + 2) this.#tables.free(this.#blocks.pop()!, UNITS << BLOCK_SHIFT);
  }

  #place(i: number): number { return this.#blocks[i >> BLOCK_SHIFT]! + UNITS * (i & IN_BLOCK); }

  #before(time: number, start: number, rule: number, i: number): boolean {
    const { i32, f64 } = this.#tables;
    const p = this.#place(i);
    const t = f64[p]!;
    if (time !== t) return time < t;
    const s = f64[p + 1]!;
    return start !== s ? start < s : rule < i32[2 * p + 4]!;
  }

  #move(from: number, to: number): void {
    const p = this.#place(from);
    const { i32, f64 } = this.#tables;
    this.#put(to, f64[p]!, f64[p + 1]!, i32[2 * p + 4]!, i32[2 * p + 5]!, i32[2 * p + 6]!, i32[2 * p + 7]!);
  }

  #put(i: number, time: number, start: number, rule: number, kind: number, a: number, b: number): void {
    const p = this.#place(i);
    const f64 = this.#tables.floats(p);
    f64[p] = time;
    f64[p + 1] = start;
    // The ints are of the same timer, but may lie on the next page.
    const i32 = this.#tables.ints(p + 2);
    i32[2 * p + 4] = rule;
    i32[2 * p + 5] = kind;
    i32[2 * p + 6] = a;
    i32[2 * p + 7] = b;
  }
}
