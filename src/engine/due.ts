/** What falls due as event time goes on, without an event: timers, clocks that begin, the upkeep of keys; and at the end of the input what was held back. */
import type { RuleAtWork } from './at-work.ts';
import type { Clocks } from './clocks.ts';
import type { DerivedEvents } from './derived.ts';
import type { Keys } from './keys.ts';
import { KEY } from './layout.ts';
import { RuleRunner, TIMER_SESSION } from './runner.ts';
import type { Store } from './store.ts';
import type { Timer } from './timers.ts';
import type { Upkeep } from './upkeep.ts';
import { WindowRunner } from './windows/index.ts';

export class Due {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #runners: readonly RuleAtWork[];
  readonly #upkeep: Upkeep;
  readonly #clocks: Clocks;
  readonly #derived: DerivedEvents;
  readonly #timer: Timer = { time: 0, start: 0, rule: 0, kind: 0, a: 0, b: 0 };

  constructor(store: Store, keys: Keys, runners: readonly RuleAtWork[], upkeep: Upkeep, clocks: Clocks, derived: DerivedEvents) {
    this.#store = store;
    this.#keys = keys;
    this.#runners = runners;
    this.#upkeep = upkeep;
    this.#clocks = clocks;
    this.#derived = derived;
  }

  /** Is anything due by then? Asked before each event. */
  isAny(time: number): boolean { return this.#store.timers.next <= time || this.#upkeep.next <= time; }

  /** An event of that time is about to be processed. */
  beforeEvent(time: number): void {
    if (this.#clocks.pending) this.#clocks.begin(time);
    this.fire(time);
  }

  /** Event time has come to `time`: fires the timers due at or before it, then looks at the keys that are. */
  fire(time: number): void {
    const store = this.#store;
    const { timers, current } = store;
    const timer = this.#timer;
    while (timers.next <= time && timers.next < Infinity) {
      timers.pop(timer);
      const runner = this.#runners[timer.rule]!;
      const ks = timer.a;
      current.time = timer.time;
      const at = timer.time;
      const owned = store.heap.bytesOwned;
      // The key of a start that is dead may be gone.
      const isLive = !(runner instanceof RuleRunner) || timer.kind === TIMER_SESSION || runner.isLiveStart(timer.b);
      const nodes = isLive ? store.heap.i32[2 * ks + KEY.nodes]! : 0;
      if (runner instanceof WindowRunner) runner.fire(ks, at, timer.b);
      else if (!(runner instanceof RuleRunner)) throw new Error('a timer of no rule');
      else if (timer.kind === TIMER_SESSION) runner.fireSession(ks, at);
      else runner.fire(ks, timer.b, at, timer.kind);
      runner.size.bytes += store.heap.bytesOwned - owned;
      if (isLive) {
        runner.size.runs += store.heap.i32[2 * ks + KEY.nodes]! - nodes;
        this.#upkeep.after(runner, ks, at);
      }
      this.#derived.process();
    }
    // Until clocks of a roster have started, the next event is to start them: nothing else is due, as there was none.
    if (time === Infinity || this.#upkeep.next > time || this.#clocks.pending) return;
    this.#upkeep.clean(time);
  }

  /** The end of the input: what is held back is reported, by the number of its first event, then by rule. */
  finish(now: number): void {
    const due: { number: number; rule: number; release: (now: number) => void; ks: number }[] = [];
    for (const ks of this.#keys.all()) {
      const runner = this.#runners[this.#store.heap.i32[2 * ks + KEY.rule]!]!;
      runner.heldStarts(ks, (number, release) => { due.push({ number, rule: runner.plan.index, release, ks }); });
    }
    due.sort((a, b) => a.number - b.number || a.rule - b.rule);
    for (const { release } of due) {
      release(now);
      this.#derived.process();
    }
  }
}
