import type { Heap } from '../state/heap.ts';

/** What a queue is besides its blocks; JSON. */
export interface CleanupRoot { readonly span: number; readonly first: number; readonly last: number; readonly from: number; readonly to: number }

/** Entries a block. A block: the next block (int), then pairs of due and key record (floats). */
const ENTRIES = 256;
const UNITS = 1 + 2 * ENTRIES;

/** Keys whose runs are all over after the same span of event time, in the order in which that is to be looked at: blocks of pairs, each linked to the next. */
export class Cleanup {
  readonly span: number;
  readonly #tables: Heap;
  #first = 0;
  #last = 0;
  /** Places of the first entry in the first block, and behind the last in the last. */
  #from = 0;
  #to = 0;

  constructor(tables: Heap, span: number) {
    this.#tables = tables;
    this.span = span;
  }

  /** When the first is due; Infinity: there is none. */
  get due(): number { return this.#first === 0 ? Infinity : this.#tables.f64[this.#first + 1 + 2 * this.#from]!; }

  push(due: number, ks: number): void {
    if (this.#last === 0 || this.#to === ENTRIES) {
      const block = this.#tables.alloc(UNITS);
      if (this.#last === 0) this.#first = block;
      else this.#tables.ints(this.#last)[2 * this.#last] = block;
      this.#last = block;
      this.#to = 0;
    }
    const p = this.#last + 1 + 2 * this.#to++;
    this.#tables.floats(p)[p] = due;
    this.#tables.floats(p + 1)[p + 1] = ks;
  }

  /** Takes the first key out. */
  shift(): number {
    const block = this.#first;
    // A whole number to V8 too, as all that names a record is.
    const ks = this.#tables.f64[block + 2 + 2 * this.#from]! | 0;
    this.#from++;
    const isLast = block === this.#last;
    if (this.#from === (isLast ? this.#to : ENTRIES)) {
      this.#first = this.#tables.i32[2 * block]!;
      this.#from = 0;
      if (isLast) this.#last = this.#to = 0;
      this.#tables.free(block, UNITS);
    }
    return ks;
  }

  /** All, in their order. */
  *entries(): Iterable<{ readonly due: number; readonly ks: number }> {
    const { i32, f64 } = this.#tables;
    let at = this.#from;
    for (let block = this.#first; block !== 0; block = i32[2 * block]!, at = 0) {
      for (const end = block === this.#last ? this.#to : ENTRIES; at < end; at++) yield { due: f64[block + 1 + 2 * at]!, ks: f64[block + 2 + 2 * at]! };
    }
  }

  get root(): CleanupRoot { return { span: this.span, first: this.#first, last: this.#last, from: this.#from, to: this.#to }; }
  load({ first, last, from, to }: CleanupRoot): void {
    this.#first = first;
    this.#last = last;
    this.#from = from;
    this.#to = to;
  }
}
