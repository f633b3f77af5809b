/** Derived events: they come, in order, right after what they were derived from. */
import type { Dispatcher } from './dispatch.ts';
import type { Progress } from './progress.ts';
import type { Emission } from './report.ts';
import type { SameTime } from './same-time.ts';
import type { Store } from './store.ts';

export class DerivedEvents {
  readonly #store: Store;
  readonly #progress: Progress;
  readonly #sameTime: SameTime;
  readonly #dispatcher: Dispatcher;
  readonly #queue: Emission[] = [];

  constructor(store: Store, progress: Progress, sameTime: SameTime, dispatcher: Dispatcher) {
    this.#store = store;
    this.#progress = progress;
    this.#sameTime = sameTime;
    this.#dispatcher = dispatcher;
  }

  add(emission: Emission): void { this.#queue.push(emission); }

  /** Processes those that wait, if any do: when the event or timer they are of is done. */
  process(): void {
    if (this.#queue.length > 0) this.#processAll();
  }

  /** Those of one of them come right after it, too. */
  #processAll(): void {
    const store = this.#store;
    const { current } = store;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      store.E.fill(NaN);
      for (const [slot, value] of next.cells) store.E[slot] = value;
      current.type = next.type;
      current.time = next.time;
      current.source = -1;
      this.#sameTime.beginDerived(next.time);
      current.partition = 0;
      current.offset = store.num;
      current.bytes = next.bytes;
      current.from = 0;
      current.to = next.bytes.length;
      this.#progress.events++;
      this.#progress.seenOfType[next.type]!++;
      this.#dispatcher.dispatchDerived(next.shadow);
      this.#sameTime.endDerived(next.bytes);
    }
  }
}
