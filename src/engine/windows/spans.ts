import type { WindowShape } from '../../compile/plan.ts';
import { Panes } from '../aggregates/index.ts';
import { LAST, type Keeper, type WindowRunner } from './runner.ts';

type Shape = Extract<WindowShape, { kind: 'sliding' | 'count' }>;

/**
 * Windows that overlap: sliding ones, and counts with `every`. A key has one queue of panes. With `every`, a pane is as wide as the largest span that divides size and
 * `every`; without it a pane is a moment, so that each event leaves when its time in the window is over.
 */
export class Spans implements Keeper {
  readonly units: number;
  readonly #runner: WindowRunner;
  readonly #shape: Shape;
  readonly #panes: Panes;
  readonly #onRise: boolean;
  /** ms, and events, between early reports; Infinity and 0: there are none. */
  readonly #earlyEvery: number;
  readonly #eventsEvery: number;
  readonly #values: Float64Array;

  constructor(runner: WindowRunner, shape: Shape) {
    this.#runner = runner;
    this.#shape = shape;
    this.#panes = new Panes(runner.block);
    this.units = this.#panes.units;
    const { trigger } = runner.plan;
    this.#onRise = trigger.kind === 'rise';
    this.#earlyEvery = trigger.kind === 'time' ? trigger.every : Infinity;
    this.#eventsEvery = trigger.kind === 'events' ? trigger.every : 0;
    this.#values = new Float64Array(runner.block.aggregates.length);
  }

  begin(at: number): void { this.#panes.begin(at); }

  event(ks: number, time: number, now: number): void {
    if (this.#shape.kind === 'count') this.#countEvent(ks, time);
    else if (this.#shape.every > 0) this.#stepEvent(ks, time, now);
    else this.#momentEvent(ks, time);
  }

  due(ks: number, now: number): void {
    if (this.#shape.kind === 'count') return;
    if (this.#shape.every > 0) this.#step(ks, now);
    else this.#leave(ks, now);
  }

  finish(): void { /* a count that is not full is no window; time closes all others */ }
  first(): number { return -1; }
  open(ks: number): number { return this.#panes.oldest(this.#runner.keeperAt(ks)) === 0 ? 0 : 1; }
  isEmpty(ks: number): boolean { return this.#panes.kept(this.#runner.keeperAt(ks)) === 0 && !this.#runner.isHigh(ks); }
  clear(ks: number): void { this.#panes.clear(this.#runner.keeperAt(ks)); }

  resume(ks: number, now: number): void {
    const { kind, every } = this.#shape;
    if (kind === 'count') return;
    if (every === 0) return this.#armLeave(ks);
    const q = this.#runner.keeperAt(ks);
    const next = this.#endAfter(now);
    this.#moveOn(q, next, now);
    if (this.#panes.oldest(q) !== 0) this.#runner.arm(ks, next, this.#panes.numberOf(this.#panes.oldest(q)));
    this.#armEarly(ks, now);
  }

  /** The event at hand goes into the pane of `pane`. */
  #add(ks: number, pane: number, time: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const q = runner.keeperAt(ks);
    const p = panes.open(q, pane, runner.store.num, time);
    runner.each((i, value) => { panes.add(q, p, i, value, time); });
    panes.done(q, p);
  }

  // --- sliding every ------------------------------------------------------------------------------------------------------------------------------

  /** Windows begin at multiples of `every`: the end of the first that ends after `time`. */
  #endAfter(time: number): number { return endAfter(time, this.#shape); }

  #stepEvent(ks: number, time: number, now: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const { size, every, pane } = this.#shape;
    let end = this.#endAfter(time);
    // Between two windows that leave a gap.
    if (time < end - size) return;
    const last = Math.floor(time / every) * every + size;
    if (runner.isGone(last, now)) return; // all its windows are
    const q = runner.keeperAt(ks);
    // What is over by now is in no window that is still to come.
    const next = this.#endAfter(now);
    this.#moveOn(q, next, now);
    this.#add(ks, Math.floor(time / pane) * pane, time);
    if (last <= now) runner.arm(ks, last + runner.late, LAST);
    else if (next <= runner.dueAt(ks)) runner.arm(ks, next, panes.firstIn(q, next - size, next));
    for (; end <= now && end <= last; end += every) {
      if (runner.isGone(end, now)) continue;
      panes.past(q, end - size, end, this.#values);
      runner.view.ofValues(this.#values, end - size, end);
      runner.read(ks, 'late', now, end - size, end);
    }
    if (this.#eventsEvery > 0) for (; end <= last; end += every) this.#early(ks, end - size, end, now);
    if (this.#earlyEvery === Infinity) return;
    runner.setLast(ks, time);
    this.#armEarly(ks, now);
  }

  /** A window may end now, or report before its end. */
  #step(ks: number, now: number): void {
    this.#ends(ks, now);
    if (this.#earlyEvery === Infinity) return;
    const { size, every } = this.#shape;
    const period = this.#earlyEvery;
    // Those that took an event since their last such moment.
    const last = this.#runner.lastOf(ks);
    if (last >= now - period) {
      for (let start = this.#endAfter(now) - size; start <= last; start += every) if ((now - start) % period === 0) this.#early(ks, start, start + size, now);
    }
    this.#armEarly(ks, now);
  }

  /** The window is reported before its end: after so many events, or because its time for it has come. */
  #early(ks: number, start: number, end: number, now: number): void {
    const runner = this.#runner;
    const events = this.#panes.past(runner.keeperAt(ks), start, end, this.#values);
    if (this.#eventsEvery > 0 && events % this.#eventsEvery !== 0) return;
    runner.view.ofValues(this.#values, start, end);
    runner.read(ks, 'early', now, start, end);
  }

  /**
   * Early reports come every so much time from a window's start on, where it took an event since the one before: the timer for the first of them. Windows whose
   * starts are multiples of that time apart report together, so that the youngest of each such set tell when.
   */
  #armEarly(ks: number, now: number): void {
    if (this.#earlyEvery === Infinity) return;
    const runner = this.#runner;
    const panes = this.#panes;
    const { size, every } = this.#shape;
    const period = this.#earlyEvery;
    const last = runner.lastOf(ks);
    const sets = period / divisor(period, every);
    let due = Infinity;
    let start = Math.floor(last / every) * every;
    for (let i = 0; i < sets && start + size > now; i++, start -= every) {
      const next = start + period * (Math.floor((now - start) / period) + 1);
      if (next < start + size && next - period <= last && next < due) due = next;
    }
    if (due === Infinity) return;
    // The oldest window that reports then.
    start = this.#endAfter(due) - size;
    while ((due - start) % period !== 0) start += every;
    if (due < runner.dueAt(ks)) runner.arm(ks, due, panes.firstIn(runner.keeperAt(ks), start, start + size));
  }

  /** A window may end now. */
  #ends(ks: number, now: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const q = runner.keeperAt(ks);
    const { size, every } = this.#shape;
    const start = now - size;
    const isEnd = this.#endAfter(now - every) === now;
    let first = LAST;
    let isQuiet = false;
    if (isEnd) {
      panes.evict(q, start, this.#endAfter(now - every - runner.late) - size);
      runner.view.ofPanes(panes, q, start, now);
      const exists = panes.oldest(q) !== 0;
      if (exists) first = panes.numberOf(panes.oldest(q));
      if (exists && this.#onRise) {
        runner.setHigh(ks, runner.rise(ks, runner.isHigh(ks), now, start, now));
        isQuiet = runner.plan.steady;
      } else if (exists) isQuiet = !runner.read(ks, 'end', now, start, now) && runner.plan.steady;
      else if (runner.isHigh(ks)) {
        // A window without an event does not exist, so nothing holds of it.
        runner.setHigh(ks, false);
        runner.report(ks, 'clear', now, start, now);
      }
    }
    if (isQuiet) {
      // Steps at which the answer is the same for certain are left out: until the oldest pane leaves, or an event comes.
      const change = this.#endAfter(panes.timeOf(panes.oldest(q)) + size);
      const number = panes.firstIn(q, change - size, change);
      runner.arm(ks, change, number >= 0 ? number : runner.isHigh(ks) ? first : LAST);
      return;
    }
    const next = this.#endAfter(now);
    this.#moveOn(q, next, now);
    if (panes.oldest(q) !== 0) runner.arm(ks, next, panes.numberOf(panes.oldest(q)));
    else if (runner.isHigh(ks)) runner.arm(ks, next, first);
    else if (panes.kept(q) !== 0) runner.arm(ks, Math.floor(panes.timeOf(panes.newest(q)) / every) * every + size + runner.late, LAST);
  }

  /** The span is that of the next window to end; panes of windows that are kept for late events stay beside it. */
  #moveOn(q: number, next: number, now: number): void {
    const { size } = this.#shape;
    this.#panes.evict(q, next - size, this.#endAfter(now - this.#runner.late) - size);
  }

  // --- sliding ------------------------------------------------------------------------------------------------------------------------------------

  #momentEvent(ks: number, time: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const { size } = this.#shape;
    const q = runner.keeperAt(ks);
    panes.evict(q, above(time - size));
    this.#add(ks, time, time);
    this.#armLeave(ks);
    runner.view.ofPanes(panes, q, time - size, time);
    if (this.#onRise) runner.setHigh(ks, runner.rise(ks, runner.isHigh(ks), time, time - size, time));
    else runner.read(ks, 'end', time, time - size, time);
  }

  /** Events leave, or all that are left are about to. */
  #leave(ks: number, now: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const { size } = this.#shape;
    const q = runner.keeperAt(ks);
    if (panes.evict(q, above(now - size)) && this.#onRise) {
      runner.view.ofPanes(panes, q, now - size, now);
      if (panes.oldest(q) !== 0) runner.setHigh(ks, runner.rise(ks, runner.isHigh(ks), now, now - size, now));
      else if (runner.isHigh(ks)) {
        runner.setHigh(ks, false);
        runner.report(ks, 'clear', now, now - size, now);
      }
    }
    this.#armLeave(ks);
  }

  /** With `trigger on rise` each leaving is a moment to look at; else the key only has to go in the end. */
  #armLeave(ks: number): void {
    const q = this.#runner.keeperAt(ks);
    const pane = this.#onRise ? this.#panes.oldest(q) : this.#panes.newest(q);
    if (pane !== 0 && (this.#onRise || this.#runner.dueAt(ks) === Infinity)) this.#runner.arm(ks, this.#panes.timeOf(pane) + this.#shape.size, this.#panes.numberOf(pane));
  }

  // --- counts -------------------------------------------------------------------------------------------------------------------------------------

  #countEvent(ks: number, time: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const { size, every, pane } = this.#shape;
    const n = runner.count(ks);
    this.#add(ks, Math.floor((n - 1) / pane), time);
    const q = runner.keeperAt(ks);
    if (n >= size && (n - size) % every === 0) this.#countEnd(ks, q, n, time);
    if (this.#eventsEvery === 0) return;
    for (let first = Math.max(0, (Math.floor((n - size) / every) + 1) * every); first < n; first += every) {
      if ((n - first) % this.#eventsEvery !== 0) continue;
      const start = panes.atOf(panes.firstFrom(q, first / pane));
      panes.past(q, first / pane, Infinity, this.#values);
      runner.view.ofValues(this.#values, start, NaN);
      runner.read(ks, 'early', time, start, time);
    }
  }

  /** The window of the last `size` of `n` events is full. */
  #countEnd(ks: number, q: number, n: number, time: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const { size, pane } = this.#shape;
    panes.evict(q, (n - size) / pane);
    const start = panes.atOf(panes.oldest(q));
    runner.view.ofPanes(panes, q, start, NaN);
    if (this.#onRise) runner.setHigh(ks, runner.rise(ks, runner.isHigh(ks), time, start, time));
    else runner.read(ks, 'end', time, start, time);
  }
}

export function endAfter(time: number, { size, every }: { readonly size: number; readonly every: number }): number { return (Math.floor((time - size) / every) + 1) * every + size; }

function divisor(a: number, b: number): number { return b === 0 ? a : divisor(b, a % b); }

/** The least number above x. */
function above(x: number): number {
  number[0] = x;
  if (x === 0) return Number.MIN_VALUE;
  bits[0]! += x > 0 ? 1n : -1n;
  return number[0]!;
}
const number = new Float64Array(1);
const bits = new BigInt64Array(number.buffer);
