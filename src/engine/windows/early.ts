import type { WindowShape } from '../../compile/plan.ts';
import type { Panes } from '../aggregates/index.ts';
import type { WindowRunner } from './runner.ts';

type Shape = Extract<WindowShape, { kind: 'sliding' | 'count' }>;

/**
 * Early reports of windows that overlap (spans.ts). They begin every so much from the oldest that is open on, and all reach to the newest pane: so one walk over the panes,
 * from the newest back, meets them all. `first` is where the oldest that is open begins, in the panes' times.
 */
export class Early {
  /** Reports come by time, or by the number of events. */
  readonly isTimed: boolean;
  readonly isCounted: boolean;
  readonly #runner: WindowRunner;
  readonly #panes: Panes;
  readonly #every: number;
  readonly #isCount: boolean;
  /** Length in ms; Infinity: no time ends the window. */
  readonly #size: number;
  /** From the start of one window to that of the next, in the panes' times. */
  readonly #step: number;
  /** When every window that overlaps another reports at the same times. */
  readonly #isInStep: boolean;
  /** Of each window, the oldest first: its events, when it took the last one, its oldest pane; whether it is to be reported. */
  readonly #events: number[] = [];
  readonly #latest: number[] = [];
  readonly #oldest: number[] = [];
  readonly #isDue: boolean[] = [];
  #values = new Float64Array(0);
  /** What `next` found. */
  at = Infinity;
  number = -1;

  constructor(runner: WindowRunner, panes: Panes, shape: Shape) {
    const { trigger } = runner.plan;
    this.#runner = runner;
    this.#panes = panes;
    this.isTimed = trigger.kind === 'time';
    this.isCounted = trigger.kind === 'events';
    this.#every = trigger.kind === 'time' || trigger.kind === 'events' ? trigger.every : Infinity;
    this.#isCount = shape.kind === 'count';
    this.#size = this.#isCount ? Infinity : shape.size;
    this.#step = this.#isCount ? shape.every / shape.pane : shape.every;
    this.#isInStep = !this.#isCount && shape.every % this.#every === 0;
  }

  /** An event of this time came: the windows that took it are reported where their number of events is due. `last`: where the last of them may begin. */
  event(ks: number, first: number, last: number, time: number, now: number): void {
    const n = this.#look(ks, first, time);
    const taken = Math.min(n, Math.floor((last - first) / this.#step) + 1);
    for (let i = 0; i < n; i++) this.#isDue[i] = i < taken && this.#events[i]! % this.#every === 0;
    this.#tell(ks, first, n, time, now);
  }

  /** A time has come; `last`: when the key's last event came. Windows report that took an event since they could do so last. */
  due(ks: number, first: number, last: number, now: number): void {
    const n = this.#look(ks, first, last);
    for (let i = 0; i < n; i++) {
      const start = this.#startOf(first, i);
      this.#isDue[i] = start < now && (now - start) % this.#every === 0 && this.#latest[i]! >= now - this.#every;
    }
    this.#tell(ks, first, n, last, now);
  }

  /** When one of the windows reports next (`at`; Infinity: none has news), and the number of that window's first event (`number`). */
  next(ks: number, first: number, last: number, now: number): void {
    this.at = Infinity;
    const n = this.#look(ks, first, last);
    for (let i = 0; i < n; i++) {
      const start = this.#startOf(first, i);
      const at = this.after(start, now);
      if (at >= this.at || at >= start + this.#size || this.#latest[i]! < at - this.#every) continue;
      this.at = at;
      this.number = this.#panes.numberOf(this.#oldest[i]!);
    }
  }

  /** The same for those sliding windows that have just taken an event, where it is before `next`; `last`: where the last of them may begin. Returns where that window begins. */
  nextAfterEvent(first: number, last: number, now: number, next: number): number {
    this.at = next;
    let found = first;
    for (let start = first; start <= last; start += this.#step) {
      const at = this.after(start, now);
      if (at < this.at) {
        this.at = at;
        found = start;
      }
      if (this.#isInStep) break;
    }
    return found;
  }

  /** The first time after `now` at which a window of this start may report. */
  after(start: number, now: number): number { return start + this.#every * (Math.floor((now - start) / this.#every) + 1); }

  /** Looks at the windows that are open; how many there are. */
  #look(ks: number, first: number, last: number): number {
    const n = this.#panes.tally(this.#runner.keeperAt(ks), first, this.#step, this.#events, this.#latest, this.#oldest);
    // A window of a count that is not full took the key's last event.
    if (this.#isCount) this.#latest.fill(last, 0, n);
    return n;
  }

  #startOf(first: number, i: number): number { return this.#isCount ? this.#panes.atOf(this.#oldest[i]!) : first + i * this.#step; }

  #tell(ks: number, first: number, n: number, last: number, now: number): void {
    const runner = this.#runner;
    const needed = this.#isDue.lastIndexOf(true, n - 1) + 1;
    if (n === 0 || needed === 0) return;
    const { length } = runner.block.aggregates;
    if (this.#values.length < needed * length) this.#values = new Float64Array(2 * needed * length);
    this.#panes.each(runner.keeperAt(ks), first, this.#step, needed, this.#values);
    for (let i = 0; i < needed; i++) {
      if (!this.#isDue[i]) continue;
      const start = this.#startOf(first, i);
      runner.view.ofValues(this.#values, i * length, start, this.#isCount ? NaN : start + this.#size);
      runner.read(ks, 'early', now, start, this.#isCount ? last : start + this.#size);
    }
  }
}
