import type { Block, Panes } from '../aggregates/index.ts';

/** The window that is reported, as conditions, alerts and derived events read it. */
export class WindowView {
  /** Null (NaN) where the window has none. */
  start = NaN;
  end = NaN;
  #block: Block | undefined;
  #panes: Panes | undefined;
  #values: Float64Array | undefined;
  #at = 0;

  /** Its aggregates are the states of a block at a unit index. */
  ofBlock(block: Block, at: number, start: number, end: number): void { this.#set(start, end, block, undefined, undefined, at); }

  /** They are those over the span of a queue of panes. */
  ofPanes(panes: Panes, q: number, start: number, end: number): void { this.#set(start, end, undefined, panes, undefined, q); }

  /** They are values already, from `at` on. */
  ofValues(values: Float64Array, at: number, start: number, end: number): void { this.#set(start, end, undefined, undefined, values, at); }

  #set(start: number, end: number, block: Block | undefined, panes: Panes | undefined, values: Float64Array | undefined, at: number): void {
    this.start = start;
    this.end = end;
    this.#block = block;
    this.#panes = panes;
    this.#values = values;
    this.#at = at;
  }

  value(i: number): number {
    if (this.#block !== undefined) return this.#block.value(this.#at, i);
    if (this.#panes !== undefined) return this.#panes.value(this.#at, i);
    return this.#values![this.#at + i]!;
  }
}
