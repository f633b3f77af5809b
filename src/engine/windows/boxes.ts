import type { WindowShape } from '../../compile/plan.ts';
import { Calendar } from '../../core/calendar.ts';
import { LAST, type Keeper, type WindowRunner } from './runner.ts';

/**
 * Ints: next box, flags. Floats: start, end, number of the first event, time of the first and last event, events; when its next early report is due (Infinity: never),
 * events at the last report. Then a block.
 */
export const BOX = { /** ints */ next: 0, flags: 1, /** floats */ start: 1, end: 2, number: 3, first: 4, last: 5, events: 6, early: 7, told: 8, block: 9 } as const;
/** It has ended and was reported. */
export const CLOSED = 1;
/** With `trigger on rise`: its condition holds. Else: it held when the window was over, before a late event opened it again. */
const HIGH = 2;

type Shape = Exclude<WindowShape, { kind: 'sliding' }>;

/** Windows that do not overlap: tumbling, of the calendar, sessions, counts, the global one. A key's boxes are a list in the order of their starts. */
export class Boxes implements Keeper {
  /** Ints: the first box. */
  readonly units = 1;
  readonly #runner: WindowRunner;
  readonly #shape: Shape;
  readonly #calendar: Calendar | undefined;
  readonly #boxUnits: number;
  readonly #earlyEvery: number;
  readonly #eventsEvery: number;
  readonly #onRise: boolean;
  /** Bounds of the window of the event at hand; whether it is late and `having` held, without it, of a window that was over. */
  #start = 0;
  #end = 0;
  #held = false;

  constructor(runner: WindowRunner, shape: Shape) {
    this.#runner = runner;
    this.#shape = shape;
    if (shape.kind === 'calendar') this.#calendar = new Calendar(shape.unit, shape.zone);
    this.#boxUnits = BOX.block + runner.block.units;
    const { trigger } = runner.plan;
    this.#earlyEvery = trigger.kind === 'time' ? trigger.every : Infinity;
    this.#eventsEvery = trigger.kind === 'events' ? trigger.every : 0;
    this.#onRise = trigger.kind === 'rise';
  }

  begin(): void { /* no box */ }

  event(ks: number, time: number, now: number): void {
    const isLate = time < now;
    this.#held = false;
    const box = this.#shape.kind === 'session' ? this.#session(ks, time, now) : this.#boxAt(ks, time, now);
    if (box === 0) return; // its window is gone
    this.#add(box, time);
    const { heap } = this.#runner.store;
    const end = heap.f64[box + BOX.end]!;
    if (isLate && end <= now) {
      this.#correct(ks, box, now);
      // A session of which `max` allows no more ends earlier by an earlier event: it may be kept no longer.
      if (end + this.#runner.late <= now) this.#remove(ks, box);
      this.#arm(ks);
      return;
    }
    heap.ints(box)[2 * box + BOX.flags]! &= ~CLOSED;
    if (this.#held && !this.#onRise) heap.ints(box)[2 * box + BOX.flags]! |= HIGH;
    this.#nextEarly(box, now);
    this.#arm(ks);
    const events = heap.f64[box + BOX.events]!;
    if (this.#onRise) this.#rise(ks, box, now);
    if (this.#shape.kind === 'count' && events === this.#shape.size) this.#close(ks, box, now);
    else if (this.#eventsEvery > 0 && events % this.#eventsEvery === 0) this.#early(ks, box, now);
  }

  due(ks: number, now: number): void {
    const { heap } = this.#runner.store;
    for (let box = this.#first(ks); box !== 0;) {
      const next = heap.i32[2 * box + BOX.next]!;
      const end = heap.f64[box + BOX.end]!;
      const isClosed = (heap.i32[2 * box + BOX.flags]! & CLOSED) !== 0;
      if (!isClosed && end <= now) this.#close(ks, box, now);
      else if (isClosed && end + this.#runner.late <= now) this.#remove(ks, box);
      else if (!isClosed && heap.f64[box + BOX.early]! <= now) {
        if (this.#hasNews(box)) this.#early(ks, box, now);
        this.#nextEarly(box, now);
      }
      box = next;
    }
    this.#arm(ks);
  }

  finish(ks: number, now: number): void { if (this.#shape.kind === 'global') this.#close(ks, this.#first(ks), now); }

  first(ks: number): number {
    const box = this.#first(ks);
    return this.#shape.kind === 'global' && box !== 0 ? this.#runner.store.heap.f64[box + BOX.number]! : -1;
  }

  open(ks: number): number {
    const { i32 } = this.#runner.store.heap;
    let open = 0;
    for (let box = this.#first(ks); box !== 0; box = i32[2 * box + BOX.next]!) if ((i32[2 * box + BOX.flags]! & CLOSED) === 0) open++;
    return open;
  }

  isEmpty(ks: number): boolean { return this.#first(ks) === 0; }

  clear(ks: number): void { for (let box = this.#first(ks); box !== 0; box = this.#first(ks)) this.#remove(ks, box); }

  resume(ks: number, now: number): void {
    const { heap } = this.#runner.store;
    for (let box = this.#first(ks); box !== 0;) {
      const next = heap.i32[2 * box + BOX.next]!;
      if (this.#runner.isGone(heap.f64[box + BOX.end]!, now)) this.#remove(ks, box);
      else {
        heap.floats(box)[box + BOX.early] = Infinity;
        if ((heap.i32[2 * box + BOX.flags]! & CLOSED) === 0) this.#nextEarly(box, now);
      }
      box = next;
    }
    this.#arm(ks);
  }

  // --- boxes --------------------------------------------------------------------------------------------------------------------------------------

  #first(ks: number): number { return this.#runner.store.heap.i32[2 * this.#runner.keeperAt(ks)]!; }

  /** The box whose window the time lies in, made if there is none; 0: that window is gone. */
  #boxAt(ks: number, time: number, now: number): number {
    const { heap } = this.#runner.store;
    this.#boundsAt(time);
    const start = this.#start;
    let before = 0;
    let box = this.#first(ks);
    // A window that no time bounds is the one there is.
    if (this.#end === Infinity) return box !== 0 ? box : this.#make(ks, 0, time, start, Infinity);
    while (box !== 0 && heap.f64[box + BOX.start]! <= start) {
      if (heap.f64[box + BOX.start] === start) { this.#note(box); return box; }
      before = box;
      box = heap.i32[2 * box + BOX.next]!;
    }
    return this.#runner.isGone(this.#end, now) ? 0 : this.#make(ks, before, time, start, this.#end);
  }

  #boundsAt(time: number): void {
    const shape = this.#shape;
    if (shape.kind === 'tumbling') {
      this.#start = Math.floor((time - shape.offset) / shape.size) * shape.size + shape.offset;
      this.#end = this.#start + shape.size;
    } else if (this.#calendar !== undefined) {
      this.#calendar.find(time);
      this.#start = this.#calendar.start;
      this.#end = this.#calendar.end;
    } else {
      this.#start = time;
      this.#end = Infinity;
    }
  }

  /**
   * The session of an event, made if there is none: the one it falls into, made one with the next if the pause between them is closed by it; else the next one,
   * if that is near. None grows beyond `max`.
   */
  #session(ks: number, time: number, now: number): number {
    const { heap } = this.#runner.store;
    const { gap, max } = this.#shape as Shape & { kind: 'session' };
    let before = 0;
    let after = this.#first(ks);
    while (after !== 0 && heap.f64[after + BOX.first]! <= time) {
      before = after;
      after = heap.i32[2 * after + BOX.next]!;
    }
    const isNear = after !== 0 && heap.f64[after + BOX.first]! - time < gap;
    if (before !== 0 && time < heap.f64[before + BOX.end]!) {
      this.#note(before);
      if (isNear && heap.f64[after + BOX.last]! - heap.f64[before + BOX.first]! < max) this.#join(before, after);
      this.#stretch(before, time, gap, max);
      return before;
    }
    if (isNear && heap.f64[after + BOX.last]! - time < max) {
      this.#note(after);
      this.#stretch(after, time, gap, max);
      return after;
    }
    const end = time + Math.min(gap, max);
    return this.#runner.isGone(end, now) ? 0 : this.#make(ks, before, time, time, end);
  }

  /** The next session becomes part of this one. */
  #join(box: number, after: number): void {
    const { store: { heap }, block } = this.#runner;
    this.#note(after);
    block.merge(box + BOX.block, after + BOX.block);
    const f64 = heap.floats(box);
    f64[box + BOX.last] = f64[after + BOX.last]!;
    f64[box + BOX.number] = Math.min(f64[box + BOX.number]!, f64[after + BOX.number]!);
    f64[box + BOX.events]! += f64[after + BOX.events]!;
    f64[box + BOX.told] = -1;
    const i32 = heap.ints(box);
    i32[2 * box + BOX.next] = i32[2 * after + BOX.next]!;
    i32[2 * box + BOX.flags]! |= i32[2 * after + BOX.flags]! & HIGH;
    block.empty(after + BOX.block);
    heap.free(after, this.#boxUnits);
  }

  #stretch(box: number, time: number, gap: number, max: number): void {
    const f64 = this.#runner.store.heap.floats(box);
    const first = Math.min(f64[box + BOX.first]!, time);
    const last = Math.max(f64[box + BOX.last]!, time);
    f64[box + BOX.first] = f64[box + BOX.start] = first;
    f64[box + BOX.last] = last;
    f64[box + BOX.end] = Math.min(last + gap, first + max);
  }

  /** A box that the event at hand is about to change. */
  #note(box: number): void {
    if (!this.#runner.corrects || (this.#runner.store.heap.i32[2 * box + BOX.flags]! & CLOSED) === 0) return;
    this.#view(box);
    if (this.#runner.holds()) this.#held = true;
  }

  /** 0: none is made any more. */
  #make(ks: number, before: number, time: number, start: number, end: number): number {
    if (this.#runner.draining) return 0;
    const { store: { heap, num } } = this.#runner;
    const box = heap.alloc(this.#boxUnits);
    const f64 = heap.newFloats;
    f64[box + BOX.start] = start;
    f64[box + BOX.end] = end;
    f64[box + BOX.number] = num;
    f64[box + BOX.first] = f64[box + BOX.last] = time;
    f64[box + BOX.early] = Infinity;
    const link = before === 0 ? 2 * this.#runner.keeperAt(ks) : 2 * before + BOX.next;
    heap.ints(box)[2 * box + BOX.next] = heap.i32[link]!;
    heap.ints(link >> 1)[link] = box;
    return box;
  }

  #add(box: number, time: number): void {
    const runner = this.#runner;
    const { heap } = runner.store;
    const f64 = heap.floats(box);
    f64[box + BOX.events]!++;
    if (time < f64[box + BOX.first]!) f64[box + BOX.first] = time;
    if (time > f64[box + BOX.last]!) f64[box + BOX.last] = time;
    runner.each((i, value) => { runner.block.add(box + BOX.block, i, value, time); });
  }

  #remove(ks: number, box: number): void {
    const { store: { heap }, block } = this.#runner;
    let link = 2 * this.#runner.keeperAt(ks);
    while (heap.i32[link] !== box) link = 2 * heap.i32[link]! + BOX.next;
    heap.ints(link >> 1)[link] = heap.i32[2 * box + BOX.next]!;
    block.empty(box + BOX.block);
    heap.free(box, this.#boxUnits);
  }

  // --- reports ------------------------------------------------------------------------------------------------------------------------------------

  /** The timer for what is due next of the key's boxes. */
  #arm(ks: number): void {
    const { heap } = this.#runner.store;
    let due = Infinity;
    let number = LAST;
    for (let box = this.#first(ks); box !== 0; box = heap.i32[2 * box + BOX.next]!) {
      const end = heap.f64[box + BOX.end]!;
      const isClosed = (heap.i32[2 * box + BOX.flags]! & CLOSED) !== 0;
      const at = isClosed ? end + this.#runner.late : this.#hasNews(box) ? Math.min(end, heap.f64[box + BOX.early]!) : end;
      const first = isClosed ? LAST : heap.f64[box + BOX.number]!;
      if (at < due || (at === due && first < number)) { due = at; number = first; }
    }
    this.#runner.arm(ks, due, number);
  }

  /** Early reports come every so much time from the window's start on. */
  #nextEarly(box: number, now: number): void {
    if (this.#earlyEvery === Infinity) return;
    const f64 = this.#runner.store.heap.floats(box);
    const start = f64[box + BOX.start]!;
    f64[box + BOX.early] = start + this.#earlyEvery * (Math.floor((now - start) / this.#earlyEvery) + 1);
  }

  /** An early report that would say what the last one said is not made: else a window that never ends would report for ever. */
  #hasNews(box: number): boolean { return this.#runner.store.heap.f64[box + BOX.events] !== this.#runner.store.heap.f64[box + BOX.told]; }

  #view(box: number): void {
    const { f64 } = this.#runner.store.heap;
    const { kind } = this.#shape;
    const start = kind === 'global' ? NaN : f64[box + BOX.start]!;
    const end = kind === 'global' || kind === 'count' ? NaN : f64[box + BOX.end]!;
    this.#runner.view.ofBlock(this.#runner.block, box + BOX.block, start, end);
  }

  /** Of an alert's `from` and `to`: the global window has no start and no end, so they are its first event and the moment of the report. */
  #from(box: number): number { return this.#runner.store.heap.f64[box + (this.#shape.kind === 'global' ? BOX.first : BOX.start)]!; }
  #to(box: number, now: number): number {
    const { kind } = this.#shape;
    return kind === 'global' ? now : this.#runner.store.heap.f64[box + (kind === 'count' ? BOX.last : BOX.end)]!;
  }

  #early(ks: number, box: number, now: number): void {
    const { heap } = this.#runner.store;
    heap.floats(box)[box + BOX.told] = heap.f64[box + BOX.events]!;
    this.#view(box);
    this.#runner.read(ks, 'early', now, this.#from(box), this.#to(box, now));
  }

  #rise(ks: number, box: number, now: number): void {
    const { heap } = this.#runner.store;
    this.#view(box);
    const isHigh = this.#runner.rise(ks, (heap.i32[2 * box + BOX.flags]! & HIGH) !== 0, now, this.#from(box), this.#to(box, now));
    if (isHigh) heap.ints(box)[2 * box + BOX.flags]! |= HIGH;
    else heap.ints(box)[2 * box + BOX.flags]! &= ~HIGH;
  }

  /** A late event is in a window that is over: it was, or is by this event, which made one of two sessions. */
  #correct(ks: number, box: number, now: number): void {
    const runner = this.#runner;
    const { heap } = runner.store;
    const isHigh = (heap.i32[2 * box + BOX.flags]! & HIGH) !== 0;
    heap.ints(box)[2 * box + BOX.flags] = CLOSED;
    this.#view(box);
    const from = this.#from(box);
    const to = this.#to(box, now);
    if (!isHigh) runner.correct(ks, this.#held, now, from, to);
    else if (this.#onRise || !runner.read(ks, 'late', now, from, to)) runner.report(ks, 'clear', now, from, to);
  }

  /** The window is over: with `trigger on rise` its events leave, and a condition that held holds no more. */
  #close(ks: number, box: number, now: number): void {
    const runner = this.#runner;
    const { heap } = runner.store;
    this.#view(box);
    const from = this.#from(box);
    const to = this.#to(box, now);
    const isTold = !this.#onRise && runner.read(ks, 'end', now, from, to);
    if (!isTold && (heap.i32[2 * box + BOX.flags]! & HIGH) !== 0 && this.#shape.kind !== 'global') runner.report(ks, 'clear', now, from, to);
    if (runner.late > 0) {
      heap.ints(box)[2 * box + BOX.flags] = CLOSED;
      return;
    }
    this.#remove(ks, box);
    // The key is kept as long as another window may begin and end at this time: alerts of one time are told apart by their number.
    if (this.#shape.kind === 'count') runner.arm(ks, now + 1, LAST);
  }
}
