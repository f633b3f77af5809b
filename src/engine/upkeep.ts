/**
 * The upkeep of keys: one whose runs may merely expire is looked at once in a span of event time (`RuleAtWork.cleanup`), cleared when all of them are over, and its
 * record goes when nothing is left of it.
 */
import type { RuleAtWork } from './at-work.ts';
import { Cleanup } from './cleanups.ts';
import type { Features } from './features/index.ts';
import type { Keys } from './keys.ts';
import { KEY, QUEUED } from './layout.ts';
import type { Store } from './store.ts';

export class Upkeep {
  /** When the first key is due to be looked at, of a rule or a feature. -Infinity: at the next event, whatever its time. */
  next = Infinity;
  /** By span. */
  readonly cleanups = new Map<number, Cleanup>();
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #runners: readonly RuleAtWork[];
  readonly #features: Features;

  constructor(store: Store, keys: Keys, runners: readonly RuleAtWork[], features: Features) {
    this.#store = store;
    this.#keys = keys;
    this.#runners = runners;
    this.#features = features;
  }

  /** After a key was worked on: it is looked at again when its bounds are over, or goes at once. */
  after(runner: RuleAtWork, ks: number, now: number): void {
    const { heap } = this.#store;
    if (runner.cleanup > 0) {
      const flags = heap.i32[2 * ks + KEY.flags]!;
      if ((flags & QUEUED) === 0) {
        heap.ints(ks)[2 * ks + KEY.flags] = flags | QUEUED;
        this.schedule(runner.cleanup, ks, now + runner.cleanup);
      }
      return;
    }
    if (runner.isEmpty(ks, now)) this.free(runner, ks);
  }

  /** The record of a key goes. */
  free(runner: RuleAtWork, ks: number): void {
    this.#keys.remove(ks);
    runner.forget(ks);
    const { heap } = this.#store;
    const owned = heap.bytesOwned;
    heap.free(ks, runner.layout.units);
    runner.size.keys--;
    runner.size.bytes += heap.bytesOwned - owned;
  }

  /** The key is looked at when `due` has come, and every `span` ms then. */
  schedule(span: number, ks: number, due: number): void {
    let cleanup = this.cleanups.get(span);
    if (cleanup === undefined) this.cleanups.set(span, cleanup = new Cleanup(this.#store.tables, span));
    cleanup.push(due, ks);
    if (due < this.next) this.next = due;
  }

  /** `next` is found again. */
  recount(): void {
    this.next = Math.min(this.#features.due, ...[...this.cleanups.values()].map((cleanup) => cleanup.due));
  }

  /** Looks at all that are due by then. */
  clean(time: number): void {
    const store = this.#store;
    this.next = Infinity;
    this.#features.clean(time);
    for (const cleanup of this.cleanups.values()) {
      while (cleanup.due <= time) {
        const now = cleanup.due;
        const ks = cleanup.shift();
        const runner = this.#runners[store.heap.i32[2 * ks + KEY.rule]!]!;
        store.heap.ints(ks)[2 * ks + KEY.flags]! &= ~QUEUED;
        if (runner.isExpired(ks, now)) {
          const owned = store.heap.bytesOwned;
          runner.size.runs -= store.heap.i32[2 * ks + KEY.nodes]!;
          runner.clear(ks);
          runner.size.runs += store.heap.i32[2 * ks + KEY.nodes]!;
          runner.size.bytes += store.heap.bytesOwned - owned;
        }
        if (runner.isEmpty(ks, now)) this.free(runner, ks);
        else {
          store.heap.ints(ks)[2 * ks + KEY.flags]! |= QUEUED;
          cleanup.push(now + cleanup.span, ks);
        }
      }
      this.next = Math.min(this.next, cleanup.due);
    }
    this.next = Math.min(this.next, this.#features.due);
  }

  /** After a restore: what the rules hold, by a walk over the keys. */
  measure(): void {
    const { heap } = this.#store;
    for (const { size } of this.#runners) size.keys = size.runs = size.bytes = 0;
    for (const ks of this.#keys.all()) {
      const runner = this.#runners[heap.i32[2 * ks + KEY.rule]!]!;
      runner.size.keys++;
      runner.size.runs += heap.i32[2 * ks + KEY.nodes]!;
      runner.size.bytes += runner.bytesOf(ks);
    }
  }
}
