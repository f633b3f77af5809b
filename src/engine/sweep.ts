import type { Strings } from '../core/strings.ts';
import type { Floats } from '../state/heap.ts';
import type { Held } from './held.ts';
import type { Store } from './store.ts';

/** Texts before the table is swept for the first time. */
const FIRST = 1 << 17;

/** Drops the texts that no state names, whenever there are twice as many as were left the last time. */
export class Sweep {
  readonly #strings: Strings;
  readonly #store: Store;
  readonly #held: Held;
  #at = FIRST;

  constructor(strings: Strings, store: Store, held: Held) {
    this.#strings = strings;
    this.#store = store;
    this.#held = held;
  }

  /** Between two batches: their cells are texts' ids too. */
  ifDue(): void {
    if (this.#strings.size > this.#at) this.#sweep();
  }

  /** Conservative: any cell of the state that could be an id keeps that text. */
  #sweep(): void {
    const top = this.#strings.top;
    const live = new Uint8Array((top + 7) >> 3);
    const mark = (cells: Floats): void => {
      for (let i = 0; i < cells.length; i++) {
        const v = cells[i]!;
        if (v >= 0 && v < top) { const id = v | 0; if (id === v) live[id >> 3]! |= 1 << (id & 7); }
      }
    };
    mark(this.#store.heap.f64);
    mark(this.#store.tables.f64);
    mark(this.#store.features.f64);
    this.#held.eachColumn(mark);
    this.#strings.sweep(live);
    this.#at = Math.max(FIRST, 2 * this.#strings.size);
  }
}
