import type { WindowShape } from '../../compile/plan.ts';
import { Panes } from '../aggregates/index.ts';
import { Early } from './early.ts';
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
  readonly #early: Early;
  /** Of the windows that are over and change by a late event, the oldest first: whether `having` held before. */
  readonly #held: boolean[] = [];

  constructor(runner: WindowRunner, shape: Shape) {
    this.#runner = runner;
    this.#shape = shape;
    this.#panes = new Panes(runner.block);
    this.#early = new Early(runner, this.#panes, shape);
    // Then, of a count that reports early by time, when its last event came.
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
    if (this.#shape.kind === 'count') this.#countDue(ks, now);
    else if (this.#shape.every > 0) this.#step(ks, now);
    else this.#leave(ks, now);
  }

  finish(): void { /* a count that is not full is no window; time closes all others */ }
  first(): number { return -1; }
  open(ks: number): number { return this.#panes.oldest(this.#runner.keeperAt(ks)) === 0 ? 0 : 1; }
  isEmpty(ks: number): boolean { return this.#panes.kept(this.#runner.keeperAt(ks)) === 0 && !this.#runner.isHigh(ks); }
  clear(ks: number): void { this.#panes.clear(this.#runner.keeperAt(ks)); }

  resume(ks: number, now: number): void {
    const { kind, size, every } = this.#shape;
    const runner = this.#runner;
    if (kind === 'count') {
      if (this.#early.isTimed) this.#armCount(ks, now);
      return;
    }
    if (every === 0) return this.#armLeave(ks);
    const q = runner.keeperAt(ks);
    const next = this.#endAfter(now);
    this.#moveOn(q, next, now);
    if (this.#panes.oldest(q) === 0) return;
    runner.arm(ks, next, this.#panes.numberOf(this.#panes.oldest(q)));
    if (!this.#early.isTimed) return;
    this.#early.next(ks, next - size, now, now);
    if (this.#early.at < next) runner.arm(ks, this.#early.at, this.#early.number);
  }

  /** The event at hand goes into the pane of `pane`. */
  #add(ks: number, pane: number, time: number): number {
    const runner = this.#runner;
    const panes = this.#panes;
    const q = runner.keeperAt(ks);
    const p = panes.open(q, pane, runner.store.num, time);
    runner.each((i, value) => { panes.add(q, p, i, value, time); });
    panes.done(q, p);
    return p;
  }

  // --- sliding every ------------------------------------------------------------------------------------------------------------------------------

  /** Windows begin at multiples of `every`: the end of the first that ends after `time`. */
  #endAfter(time: number): number { return endAfter(time, this.#shape); }

  #stepEvent(ks: number, time: number, now: number): void {
    const runner = this.#runner;
    const panes = this.#panes;
    const { size, every, pane } = this.#shape;
    // Between two windows that leave a gap.
    if (time < this.#endAfter(time) - size) return;
    const last = Math.floor(time / every) * every + size;
    if (runner.isGone(last, now)) return; // all its windows are
    const q = runner.keeperAt(ks);
    // What is over by now is in no window that is still to come.
    const next = this.#endAfter(now);
    this.#moveOn(q, next, now);
    // Windows that are over and kept.
    const from = time < now ? Math.max(this.#endAfter(time), this.#endAfter(Math.max(now - runner.late, runner.floor))) : Infinity;
    const to = Math.min(last, next - every);
    if (runner.corrects) for (let end = from, i = 0; end <= to; end += every) this.#held[i++] = this.#look(ks, end) && runner.holds();
    const added = this.#add(ks, Math.floor(time / pane) * pane, time);
    if (this.#early.isTimed) panes.touch(added, now);
    if (last <= now) runner.arm(ks, last + runner.late, LAST);
    else this.#armOpen(ks, next, last, now);
    for (let end = from, i = 0; end <= to; end += every) this.#correct(ks, end, now, this.#held[i++] === true);
    if (this.#early.isCounted && last > now) this.#early.event(ks, next - size, last - size, time, now);
  }

  /** The timer after an event in windows that are open, of which `last` ends last: for the first that ends, or reports early. */
  #armOpen(ks: number, next: number, last: number, now: number): void {
    const runner = this.#runner;
    const { size } = this.#shape;
    let due = next;
    let start = next - size;
    if (this.#early.isTimed) {
      start = this.#early.nextAfterEvent(start, last - size, now, next);
      due = this.#early.at;
    }
    if (due <= runner.dueAt(ks)) runner.arm(ks, due, this.#panes.firstIn(runner.keeperAt(ks), start, start + size));
  }

  /** A window that is over comes into view, by a walk over its panes. Whether it has an event. */
  #look(ks: number, end: number): boolean {
    const { size } = this.#shape;
    const events = this.#panes.past(this.#runner.keeperAt(ks), end - size, end, this.#values);
    this.#runner.view.ofValues(this.#values, 0, end - size, end);
    return events > 0;
  }

  /** A late event changed a window that is over. */
  #correct(ks: number, end: number, now: number, held: boolean): void {
    const runner = this.#runner;
    const { size, every } = this.#shape;
    this.#look(ks, end);
    const holds = runner.correct(ks, held, now, end - size, end);
    if (!this.#onRise || end + every <= now) return;
    // With the last one that is over the next is compared, and that may be one without an event.
    if (holds !== held) runner.setHigh(ks, holds);
    const q = runner.keeperAt(ks);
    const number = this.#panes.firstIn(q, end + every - size, end + every);
    if (number >= 0 || runner.isHigh(ks)) runner.arm(ks, end + every, number >= 0 ? number : this.#panes.firstIn(q, end - size, end));
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
        isQuiet = runner.isSteady;
      } else if (exists) isQuiet = !runner.read(ks, 'end', now, start, now) && runner.isSteady && !this.#early.isTimed;
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
    if (!isEnd && runner.isHigh(ks)) first = panes.firstIn(q, next - every - size, next - every);
    this.#moveOn(q, next, now);
    if (this.#early.isTimed) {
      this.#early.due(ks, next - size, now, now);
      this.#early.next(ks, next - size, now, now);
      if (this.#early.at < next) {
        runner.arm(ks, this.#early.at, this.#early.number);
        return;
      }
    }
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
    const q = runner.keeperAt(ks);
    this.#add(ks, Math.floor((n - 1) / pane), time);
    if (n >= size && (n - size) % every === 0) {
      panes.evict(q, (n - size) / pane);
      const start = panes.atOf(panes.oldest(q));
      runner.view.ofPanes(panes, q, start, NaN);
      if (this.#onRise) runner.setHigh(ks, runner.rise(ks, runner.isHigh(ks), time, start, time));
      else runner.read(ks, 'end', time, start, time);
    }
    if (this.#early.isCounted) this.#early.event(ks, this.#firstOpen(n), Infinity, time, time);
    if (!this.#early.isTimed) return;
    runner.setLast(ks, time);
    this.#armCount(ks, time);
  }

  /** Where the oldest window that is not full after `n` events begins, in panes. */
  #firstOpen(n: number): number {
    const { size, every, pane } = this.#shape;
    return Math.max(0, Math.floor((n - size) / every) + 1) * (every / pane);
  }

  #countDue(ks: number, now: number): void {
    if (!this.#early.isTimed) return;
    this.#early.due(ks, this.#firstOpen(this.#runner.seen(ks)), this.#runner.lastOf(ks), now);
    this.#armCount(ks, now);
  }

  #armCount(ks: number, now: number): void {
    this.#early.next(ks, this.#firstOpen(this.#runner.seen(ks)), this.#runner.lastOf(ks), now);
    this.#runner.arm(ks, this.#early.at, this.#early.number);
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
