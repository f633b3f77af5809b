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
  readonly #values: Float64Array;

  constructor(runner: WindowRunner, shape: Shape) {
    this.#runner = runner;
    this.#shape = shape;
    this.#panes = new Panes(runner.block);
    this.units = this.#panes.units;
    this.#onRise = runner.plan.trigger.kind === 'rise';
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
  }

  /** A window may end now. */
  #step(ks: number, now: number): void {
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
    if (n < size || (n - size) % every !== 0) return;
    const q = runner.keeperAt(ks);
    panes.evict(q, (n - size) / pane);
    const start = panes.atOf(panes.oldest(q));
    runner.view.ofPanes(panes, q, start, NaN);
    if (this.#onRise) runner.setHigh(ks, runner.rise(ks, runner.isHigh(ks), time, start, time));
    else runner.read(ks, 'end', time, start, time);
  }
}

export function endAfter(time: number, { size, every }: { readonly size: number; readonly every: number }): number { return (Math.floor((time - size) / every) + 1) * every + size; }

/** The least number above x. */
function above(x: number): number {
  number[0] = x;
  if (x === 0) return Number.MIN_VALUE;
  bits[0]! += x > 0 ? 1n : -1n;
  return number[0]!;
}
const number = new Float64Array(1);
const bits = new BigInt64Array(number.buffer);
