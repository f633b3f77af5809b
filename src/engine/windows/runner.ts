/**
 * One rule over windows at work. A key with no window costs nothing: its record is made with the first event, and goes with the last window. Two ways to keep windows:
 *
 * - *boxes* (boxes.ts): windows that do not overlap. A record for each that is open, or closed and kept for late events, with the states of its aggregates.
 * - *spans* (spans.ts): windows that do. One queue of panes a key; all windows are read off it in turn, so an event costs the same however many windows it is in.
 *
 * A key has one timer that counts, for what is due next: those it had armed before for a later moment are ignored when they fire. Everything is by event time.
 */
import type { WindowPlan, WindowShape } from '../../compile/plan.ts';
import { Block, SKIP, type AggregateSpec } from '../aggregates/index.ts';
import type { RuleAtWork } from '../at-work.ts';
import { KEY, QUEUED } from '../layout.ts';
import type { Counters } from '../runner.ts';
import type { Store } from '../store.ts';
import { Boxes } from './boxes.ts';
import { Spans } from './spans.ts';
import type { WindowView } from './view.ts';

/** Timer kind, beside those of patterns. */
export const TIMER_WINDOW = 3;

/** In place of an event's number: what is due comes after all others of its time. */
export const LAST = Number.MAX_SAFE_INTEGER;

/** Why a window is reported; `late`: again, because a late event changed it after its end. */
export type WindowCause = 'end' | 'early' | 'rise' | 'clear' | 'late';

export interface WindowReport {
  readonly runner: WindowRunner;
  readonly kind: 'window';
  readonly cause: WindowCause;
  /** The window, for the alert's `from` and `to`. */
  readonly from: number;
  readonly to: number;
  /** Event time of the event or timer that caused it; for a late event the watermark it met. */
  readonly at: number;
  readonly key: number;
  /** Number of this report among those of the key at one time. */
  readonly ordinal: number;
  /** Only where the rule has an early trigger. */
  readonly final: boolean | undefined;
}

/** How windows of a key are kept. `now`: event time that the engine has reached. The key's cells begin at unit `at`. */
export interface Keeper {
  readonly units: number;
  begin(at: number): void;
  /** The event at hand, of this time; late where `now` is later. */
  event(ks: number, time: number, now: number): void;
  due(ks: number, now: number): void;
  /** The input is over: what no time closes. */
  finish(ks: number, now: number): void;
  /** Number of the first event of what `finish` reports, -1: nothing. */
  first(ks: number): number;
  open(ks: number): number;
  isEmpty(ks: number): boolean;
  clear(ks: number): void;
  /** The key's windows are those of a rule before it changed: what is gone under the rule of now goes, and the timer is for what is due next. */
  resume(ks: number, now: number): void;
}

/** Floats of a key after its parts: when its timer is due, time and number of the last report, the same of the last late one, events seen; whether its condition held (rise); the number of its timer; the number of the event for which that stands; time of the last event, where counts report early at times. */
export const CELLS = { due: 0, at: 1, ordinal: 2, lateAt: 3, lateOrdinal: 4, seen: 5, high: 6, armed: 7, number: 8, last: 9, keeper: 10 } as const;

type Fn = () => number | boolean;

/** Are windows of the shape kept as spans, and not as boxes? */
export function isSpans(shape: WindowShape): shape is Extract<WindowShape, { kind: 'sliding' | 'count' }> { return shape.kind === 'sliding' || (shape.kind === 'count' && shape.every > 0); }

export function specsOf({ aggregates, late }: WindowPlan): AggregateSpec[] { return aggregates.map(({ fn, type, argument }) => ({ fn, type, argument, unordered: late > 0 })); }

export class WindowRunner implements RuleAtWork {
  readonly plan: WindowPlan;
  readonly layout: { readonly width: number; readonly units: number };
  readonly counters: Counters = { events: 0, alerts: 0, timedOut: 0, dropped: 0, suppressed: 0, nullKeys: 0 };
  readonly size = { keys: 0, runs: 0, bytes: 0 };
  readonly nextCell = KEY.starts;
  readonly classesAhead = undefined;
  since = 0;
  draining = false;
  /** Windows that ended up to here were forgotten before `late within` became longer: a late event makes none of them again. */
  floor = -Infinity;
  readonly cleanup = 0;
  readonly hasStageKeys: boolean;
  readonly functions: readonly Fn[];
  readonly store: Store;
  readonly view: WindowView;
  readonly block: Block;
  /** Where `by` names inputs: which may take the event for the key at hand. */
  allowed: Uint8Array | undefined;
  readonly #cells: number;
  readonly #keeper: Keeper;
  readonly #report: (report: WindowReport) => void;
  /** Called with each window that is read, in the view. */
  onRead: ((ks: number, at: number, from: number, to: number, holds: boolean) => void) | undefined;

  constructor(plan: WindowPlan, width: number, store: Store, view: WindowView, functions: readonly Fn[], report: (report: WindowReport) => void) {
    this.plan = plan;
    this.store = store;
    this.view = view;
    this.functions = functions;
    this.#report = report;
    this.hasStageKeys = plan.stages.some((stage) => stage.key >= 0);
    this.block = new Block(store.heap, store.strings, specsOf(plan), plan.rule.keep.count);
    this.corrects = plan.late > 0 && (plan.trigger.kind === 'rise' || plan.outputs.some((output) => output.onClear));
    this.#cells = KEY.key + width;
    const { shape } = plan;
    this.#keeper = isSpans(shape) ? new Spans(this, shape) : new Boxes(this, shape as Exclude<typeof shape, { kind: 'sliding' }>);
    this.layout = { width, units: this.#cells + CELLS.keeper + this.#keeper.units };
    if (this.layout.units > store.heap.whole || this.block.units + 16 + this.block.foldUnits > store.heap.whole) throw new Error(`rule ${plan.rule.name} keeps more of a key than a page holds`);
  }

  // --- what the engine asks -------------------------------------------------------------------------------------------------------------------

  newKey(): number {
    const { heap, K } = this.store;
    const ks = heap.alloc(this.layout.units);
    heap.newInts[2 * ks + KEY.rule] = this.plan.index;
    const f64 = heap.newFloats;
    for (let i = 0; i < this.layout.width; i++) f64[ks + KEY.key + i] = K[i]!;
    const at = ks + this.#cells;
    f64[at + CELLS.due] = Infinity;
    f64[at + CELLS.at] = f64[at + CELLS.lateAt] = -Infinity;
    this.#keeper.begin(at + CELLS.keeper);
    return ks;
  }

  loadKey(ks: number): void {
    const { heap, K } = this.store;
    for (let i = 0; i < this.layout.width; i++) K[i] = heap.f64[ks + KEY.key + i]!;
  }

  /** The event at hand concerns this key. `now`: event time that was reached; the event is late where it is later. */
  process(ks: number, now = this.store.current.time): void {
    if (this.takes()) this.#keeper.event(ks, this.store.current.time, now);
  }

  /** A timer of the key fires; `armed`: its number. Only the one that was armed last counts. */
  fire(ks: number, time: number, armed: number): void {
    const { heap } = this.store;
    heap.floats(ks)[ks + KEY.timers]!--;
    const at = ks + this.#cells;
    if (heap.f64[at + CELLS.armed] !== armed || heap.f64[at + CELLS.due] === Infinity) return;
    heap.floats(at)[at + CELLS.due] = Infinity;
    this.loadKey(ks);
    this.#keeper.due(ks, time);
  }

  isEmpty(ks: number, _now?: number): boolean {
    const { i32, f64 } = this.store.heap;
    return f64[ks + KEY.timers] === 0 && i32[2 * ks + KEY.dropped] === 0 && (i32[2 * ks + KEY.flags]! & QUEUED) === 0 && this.#keeper.isEmpty(ks);
  }

  isExpired(): boolean { return false; }
  clear(ks: number): void { this.#keeper.clear(ks); }
  openRuns(ks: number): number { return this.#keeper.open(ks); }
  /** Of its record; the blocks of windows that are open are not walked. */
  bytesOf(_ks: number): number { return 8 * this.layout.units; }
  forget(ks: number): void { this.#keeper.clear(ks); }
  reset(): void { /* nothing is kept beside the heap */ }

  /** At the end of the input: what is still to be reported, with the number of its first event. */
  heldStarts(ks: number, add: (number: number, release: (now: number) => void) => void): void {
    const first = this.#keeper.first(ks);
    if (first >= 0) add(first, (now) => { this.loadKey(ks); this.#keeper.finish(ks, now); });
  }

  // --- what the keepers ask -------------------------------------------------------------------------------------------------------------------

  keeperAt(ks: number): number { return ks + this.#cells + CELLS.keeper; }
  /** Where a key's cells begin, from its record. */
  get cells(): number { return this.#cells; }
  get late(): number { return this.plan.late; }
  /** Windows that are over are read before a late event changes them: whether it turns their `having` is reported. */
  readonly corrects: boolean;

  /** Has a window that ends at `end` ended, and is not kept for late events any more? */
  isGone(end: number, now: number): boolean { return end <= this.floor || (end <= now && end + this.plan.late <= now); }

  /** As of Keeper, where the key's timer was due at `due` for the event of that number. */
  resume(ks: number, now: number, due: number, number: number): void {
    this.arm(ks, due, number);
    this.#keeper.resume(ks, now);
  }

  /** Does any input take the event at hand, under the key at hand? */
  takes(): boolean {
    const { inputs } = this.plan;
    for (let i = 0; i < inputs.length; i++) if (this.#takesInput(i)) return true;
    return false;
  }

  #takesInput(i: number): boolean {
    const { truth, stamp } = this.store;
    if (truth[this.plan.inputs[i]!] !== stamp || (this.allowed !== undefined && this.allowed[i] === 0)) return false;
    const rest = this.plan.inputRests[i]!;
    return rest < 0 || this.functions[rest]!() === true;
  }

  /** What the event at hand is to each aggregate that takes it. */
  each(add: (aggregate: number, value: number) => void): void {
    const { aggregates } = this.plan;
    for (let i = 0; i < aggregates.length; i++) {
      const { input, take } = aggregates[i]!;
      if (input >= 0 && !this.#takesInput(input)) continue;
      const value = this.functions[take]!() as number;
      if (value !== SKIP) add(i, value);
    }
  }

  /** The key's number of events so far, this one included. */
  count(ks: number): number {
    const at = ks + this.#cells + CELLS.seen;
    return ++this.store.heap.floats(at)[at]!;
  }

  seen(ks: number): number { return this.store.heap.f64[ks + this.#cells + CELLS.seen]!; }

  /** Time of the key's last event, as `setLast` said. */
  lastOf(ks: number): number { return this.store.heap.f64[ks + this.#cells + CELLS.last]!; }
  setLast(ks: number, time: number): void {
    const at = ks + this.#cells + CELLS.last;
    this.store.heap.floats(at)[at] = time;
  }

  /** Something of the key is due at `time`; `number`: of the first event of the window it is due for, LAST for what reports nothing. */
  arm(ks: number, time: number, number: number): void {
    const { heap, timers } = this.store;
    const at = ks + this.#cells;
    const due = heap.f64[at + CELLS.due]!;
    if (time === Infinity || !(time < due || (time === due && number !== LAST && number !== heap.f64[at + CELLS.number]!))) return;
    const f64 = heap.floats(at);
    const armed = (f64[at + CELLS.armed]! + 1) % 0x40000000;
    f64[at + CELLS.armed] = armed;
    f64[at + CELLS.due] = time;
    f64[at + CELLS.number] = number;
    heap.floats(ks)[ks + KEY.timers]!++;
    timers.push(time, number, this.plan.index, TIMER_WINDOW, ks, armed);
  }

  /** When the key's timer is due; Infinity: it has none. */
  dueAt(ks: number): number { return this.store.heap.f64[ks + this.#cells + CELLS.due]!; }

  isHigh(ks: number): boolean { return this.store.heap.f64[ks + this.#cells + CELLS.high] !== 0; }
  setHigh(ks: number, high: boolean): void {
    const at = ks + this.#cells + CELLS.high;
    this.store.heap.floats(at)[at] = Number(high);
  }

  /** Does the window in the view satisfy `having`? */
  holds(): boolean { return this.plan.having < 0 || this.functions[this.plan.having]!() === true; }

  /** The same, and whoever asked is told. */
  #look(ks: number, at: number, from: number, to: number): boolean {
    const holds = this.holds();
    this.onRead?.(ks, at, from, to, holds);
    return holds;
  }

  /** Will a step that reads the same events give the same answer, and may be left out? */
  get isSteady(): boolean { return this.plan.steady && this.onRead === undefined; }

  /** Reports the window in the view where `having` holds; whether it does. */
  read(ks: number, cause: WindowCause, at: number, from: number, to: number): boolean {
    const holds = this.#look(ks, at, from, to);
    if (holds) this.report(ks, cause, at, from, to);
    return holds;
  }

  /** Reports the window in the view. */
  report(ks: number, cause: WindowCause, at: number, from: number, to: number): void {
    const { heap } = this.store;
    const { trigger } = this.plan;
    const cell = ks + this.#cells + (cause === 'late' ? CELLS.lateAt : CELLS.at);
    const ordinal = heap.f64[cell] === at ? heap.f64[cell + 1]! + 1 : 0;
    heap.floats(cell)[cell] = at;
    heap.floats(cell + 1)[cell + 1] = ordinal;
    const final = trigger.kind === 'time' || trigger.kind === 'events' ? cause !== 'early' : undefined;
    this.#report({ runner: this, kind: 'window', cause, from, to, at, key: ks, ordinal, final });
  }

  /** A late event changed the window in the view, which is over. `held`: whether `having` held of it before. Returns whether it does. */
  correct(ks: number, held: boolean, at: number, from: number, to: number): boolean {
    const holds = this.#look(ks, at, from, to);
    if (holds && !(held && this.plan.trigger.kind === 'rise')) this.report(ks, 'late', at, from, to);
    else if (held && !holds) this.report(ks, 'clear', at, from, to);
    return holds;
  }

  /** The condition of `trigger on rise` is read over the window in the view; `high`: what it was. Returns what it is. */
  rise(ks: number, high: boolean, at: number, from: number, to: number): boolean {
    const now = this.#look(ks, at, from, to);
    if (now !== high) this.report(ks, now ? 'rise' : 'clear', at, from, to);
    return now;
  }
}
