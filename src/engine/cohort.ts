/**
 * The runs of a loop in step (compile/cohort.ts): a queue of the loop's events per key, oldest first, with the running totals as they were before
 * each. A run is the place in the queue where it began; its history is the queue from there on, and its registers are differences of totals.
 * Sums are kept as pairs of doubles (Dekker, "A floating-point technique for extending the available precision", 1971), so that a difference is as
 * good as adding up the run's own values; where a value is so large that even the pair would lose the small ones, they are added up.
 */
import type { CohortPlan } from '../compile/cohort.ts';
import type { RulePlan } from '../compile/plan.ts';
import { EVENT, KEY } from './layout.ts';
import type { Listed } from './listing.ts';
import type { Store } from './store.ts';

/**
 * The record of a key's queue: time and number of its oldest event (floats), then ints, one low per exit among them, then (floats) the registers,
 * the totals, and the entries.
 */
export const QUEUE = { oldestTime: 0, oldestNumber: 1, capacity: 4, first: 5, last: 6, newest: 7, flags: 8, lows: 9 } as const;
/** Bits of QUEUE.flags: some entry has a taken exit; some sum is too wide for a pair of doubles. */
export const TAKEN = 1;
export const WIDE = 2;
/** An entry's ints: its event, the exits taken since the loop's latest event (a bit each), the top bit set where no run began here. */
export const ENTRY = { event: 0, taken: 1 } as const;
export const NO_START = 1 << 30;
const FEW = 4;
/** Cells that are copied one by one. */
const SMALL = 128;
/** Sums of values up to this size keep 2^-106 × 2^80 = 2^-26 of the largest: more than a millionth of a unit. */
const WIDEST = 2 ** 80;

export interface CohortHost {
  /** May a run begin with the event at hand, whose start condition holds? */
  mayStart(ks: number): boolean;
  countDrop(ks: number): void;
  /** Reports the matches that `list` gives in order, until it is told to stop, as far as the rule's skip lets them through. May clear the key. */
  complete(ks: number, list: (visit: (match: Listed) => boolean) => void): void;
}

/** Float cells of registers and totals from the record `q`; `entry` gives the cell of an entry's first total, behind its ints. */
export interface AdoptedQueue {
  readonly q: number; readonly registers: number; readonly totals: number; readonly totalCells: readonly number[]; readonly sumCells: readonly number[];
  entry(n: number): number;
}

export class Cohort {
  readonly #store: Store;
  readonly #plan: RulePlan;
  readonly #cohort: CohortPlan;
  readonly #functions: readonly unknown[];
  readonly #host: CohortHost;
  /** Cell of the queue's record in the key's. */
  readonly #at: number;
  readonly #within: number;
  readonly #keep: number;
  /** Float cells, from the record's start. */
  readonly #registers: number;
  readonly #totals: number;
  readonly #entries: number;
  readonly #entryUnits: number;
  /** Cells of the registers that are totals, and those that are sums, in the order of their totals. */
  readonly #totalCells: readonly number[];
  readonly #sumCells: readonly number[];
  readonly #countCells: readonly number[];
  readonly #out: Float64Array;
  readonly #stages: readonly [loop: number, exits: readonly number[]];

  constructor(plan: RulePlan, at: number, store: Store, functions: readonly unknown[], host: CohortHost) {
    const cohort = plan.cohort!;
    this.#store = store;
    this.#plan = plan;
    this.#cohort = cohort;
    this.#functions = functions;
    this.#host = host;
    this.#at = at;
    this.#within = plan.within ?? Infinity;
    this.#keep = plan.stages[plan.positions[cohort.position]!.stage]!.held ? plan.rule.keep.count : Infinity;
    const { cells } = cohort;
    const where = (kind: string): number[] => cells.flatMap((cell, i) => (cell === kind ? [i] : []));
    this.#totalCells = where('total');
    this.#sumCells = where('sum');
    this.#countCells = where('count');
    const totals = this.#totalCells.length + 2 * this.#sumCells.length;
    this.#registers = (QUEUE.lows + cohort.exits.length + 1) >> 1;
    this.#totals = this.#registers + cells.length;
    this.#entries = this.#totals + totals;
    // An entry: its ints, then the totals before it; of a sum that is too wide, what it added.
    this.#entryUnits = 1 + totals;
    this.#out = new Float64Array(Math.max(1, cells.length));
    const stageOf = (position: number): number => plan.positions[position]!.stage;
    this.#stages = [stageOf(cohort.position), cohort.exits.map((exit) => stageOf(exit.to))];
  }

  /** The event at hand concerns this key; `sequence` is its number in it. */
  process(ks: number, sequence: number): void {
    const store = this.#store;
    const { heap } = store;
    const { loop, exits, most } = this.#cohort;
    const now = store.current.time;
    let q = this.#expire(ks, now);
    const loops = store.truth[loop.cond!.predicate] === store.stamp;
    let passing: number[] | undefined;
    if (q !== 0) {
      const { i32 } = heap;
      const newest = i32[2 * q + QUEUE.newest]!;
      const broken = loop.arrow === 'next' && newest < sequence - 1;
      let open = !broken && (loops || loop.arrow === 'followed');
      for (let e = 0; e < exits.length; e++) {
        const exit = exits[e]!;
        const cell = 2 * q + QUEUE.lows + e;
        if (heap.i32[cell]! > newest) continue;
        if (exit.arrow === 'next' && newest < sequence - 1) { this.#headInts(q)[cell] = sequence; continue; }
        let closes = exit.arrow === 'next';
        let blocked = false;
        if (exit.until !== undefined && store.truth[exit.until.predicate] === store.stamp) { blocked = true; closes = true; }
        let room = -1;
        if (loops && exit.greedy.length > 0) {
          if (exit.greedy[0]!.roomCell < 0) blocked = true;
          else room = exit.greedy[0]!.max;
          closes = true;
        }
        if (!blocked && store.truth[exit.cond!.predicate] === store.stamp) passing = this.#take(q, e, room, passing);
        if (!closes) for (const ban of exit.bans) if (store.truth[ban.predicate] === store.stamp) { closes = true; break; }
        if (closes) this.#headInts(q)[cell] = sequence;
        else open = true;
      }
      // A strict loop that the event does not go on with is over, and so are its exits; the matches that it completes come first.
      if (!open) {
        if (passing !== undefined) this.#report(ks, q, passing);
        passing = undefined;
        this.clear(ks);
        q = 0;
      }
    }
    if (loops) {
      const starts = this.#host.mayStart(ks);
      if (starts || q !== 0) {
        q = this.#push(ks, q, sequence, starts);
        if (this.#plan.session === undefined) heap.floats(ks)[ks + KEY.last] = now;
      }
    }
    if (passing !== undefined) {
      this.#report(ks, q, passing);
      q = heap.i32[2 * ks + this.#at]!;
    }
    if (q === 0) return;
    // What has bound all it may can go no further in a strict loop.
    if (loops) while (q !== 0 && heap.i32[2 * ks + KEY.nodes]! > most) q = this.#drop(ks, q);
    while (q !== 0 && heap.i32[2 * ks + KEY.nodes]! > this.#keep) {
      this.#host.countDrop(ks);
      q = this.#drop(ks, q);
    }
  }

  clear(ks: number): void {
    const { heap } = this.#store;
    const cell = 2 * ks + this.#at;
    const q = heap.i32[cell]!;
    if (q === 0) return;
    for (let n = heap.i32[2 * q + QUEUE.first]!; n < heap.i32[2 * q + QUEUE.last]!; n++) this.#store.releaseEvent(heap.i32[2 * this.#entry(q, n) + ENTRY.event]!);
    heap.free(q, this.#units(heap.i32[2 * q + QUEUE.capacity]!));
    heap.ints(ks)[cell] = 0;
    heap.ints(ks)[2 * ks + KEY.nodes] = 0;
  }

  /** Units of the key's queue. */
  unitsOf(ks: number): number {
    const { i32 } = this.#store.heap;
    const q = i32[2 * ks + this.#at]!;
    return q === 0 ? 0 : this.#units(i32[2 * q + QUEUE.capacity]!);
  }

  /** A queue that is taken over from other rules (change/): its record, with room for `count` entries, and where its parts lie. They are the caller's to fill. */
  adopt(ks: number, count: number): AdoptedQueue {
    const { heap } = this.#store;
    let capacity = FEW;
    while (capacity < count) capacity *= 2;
    const q = heap.alloc(this.#units(capacity));
    this.#headInts(q)[2 * q + QUEUE.capacity] = capacity;
    heap.ints(ks)[2 * ks + this.#at] = q;
    return { q, registers: this.#registers, totals: this.#totals, totalCells: this.#totalCells, sumCells: this.#sumCells, entry: (n) => this.#entry(q, n) + 1 };
  }

  openRuns(ks: number): number {
    const { heap, current } = this.#store;
    const { i32, f64 } = heap;
    const q = i32[2 * ks + this.#at]!;
    if (q === 0) return 0;
    let open = 0;
    for (let n = i32[2 * q + QUEUE.first]!; n < i32[2 * q + QUEUE.last]!; n++) {
      const at = this.#entry(q, n);
      if ((i32[2 * at + ENTRY.taken]! & NO_START) !== 0) continue;
      const event = i32[2 * at + ENTRY.event]!;
      if (f64[event + EVENT.time]! + this.#within > current.time && f64[event + EVENT.number]! >= f64[ks + KEY.minStart]!) open++;
    }
    return open;
  }

  /** The oldest runs that are out of time, or dropped by a skip, go. Returns the queue, 0 when none is left. */
  #expire(ks: number, now: number): number {
    const { heap } = this.#store;
    let q = heap.i32[2 * ks + this.#at]!;
    while (q !== 0) {
      const { f64 } = heap;
      if (f64[q + QUEUE.oldestTime]! + this.#within > now && f64[q + QUEUE.oldestNumber]! >= f64[ks + KEY.minStart]!) break;
      q = this.#drop(ks, q);
    }
    return q;
  }

  /** Drops the oldest run, and the events that no other run holds. */
  #drop(ks: number, q: number): number {
    const { heap } = this.#store;
    const { i32 } = heap;
    const last = i32[2 * q + QUEUE.last]!;
    let n = i32[2 * q + QUEUE.first]!;
    do {
      this.#store.releaseEvent(i32[2 * this.#entry(q, n) + ENTRY.event]!);
      n++;
    } while (n < last && (i32[2 * this.#entry(q, n) + ENTRY.taken]! & NO_START) !== 0);
    this.#headInts(q)[2 * q + QUEUE.first] = n;
    heap.ints(ks)[2 * ks + KEY.nodes] = last - n;
    if (n < last) {
      this.#oldest(q, i32[2 * this.#entry(q, n) + ENTRY.event]!);
      return q;
    }
    heap.free(q, this.#units(i32[2 * q + QUEUE.capacity]!));
    heap.ints(ks)[2 * ks + this.#at] = 0;
    return 0;
  }

  #oldest(q: number, event: number): void {
    const f64 = this.#headFloats(q);
    f64[q + QUEUE.oldestTime] = f64[event + EVENT.time]!;
    f64[q + QUEUE.oldestNumber] = f64[event + EVENT.number]!;
  }

  /** The runs that take an exit with the event at hand, oldest first, as pairs (place in the queue, exit) behind those there are. */
  #take(q: number, e: number, room: number, passing: number[] | undefined): number[] | undefined {
    const { i32 } = this.#store.heap;
    const exit = this.#cohort.exits[e]!;
    const rest = exit.cond!.rest < 0 ? undefined : this.#functions[exit.cond!.rest] as (c: number) => boolean;
    const c = q + this.#registers;
    const first = i32[2 * q + QUEUE.first]!;
    const last = i32[2 * q + QUEUE.last]!;
    const bit = 1 << e;
    const scratch = this.#headFloats(q);
    let taken = passing;
    for (let n = first; n < last; n++) {
      const flags = i32[2 * this.#entry(q, n) + ENTRY.taken]!;
      if ((flags & (bit | NO_START)) !== 0 || (room >= 0 && last - n < room)) continue;
      if (!meets(exit.guards, last - n)) continue;
      if (rest !== undefined) {
        this.#registersOf(q, n, c, scratch);
        if (!rest(c)) continue;
      }
      (taken ??= []).push(n - first, e);
      if (exit.arrow !== 'followed') continue;
      const at = this.#entry(q, n);
      this.#store.heap.ints(at)[2 * at + ENTRY.taken] = flags | bit;
      this.#headInts(q)[2 * q + QUEUE.flags]! |= TAKEN;
    }
    return taken;
  }

  /** Lays out the registers of the run that began at entry `n`; `f64` is the heap, for writing before the entries. */
  #registersOf(q: number, n: number, c: number, f64: Float64Array): void {
    const { i32 } = this.#store.heap;
    const at = this.#entry(q, n) + 1;
    const totals = q + this.#totals;
    for (const cell of this.#countCells) f64[c + cell] = i32[2 * q + QUEUE.last]! - n;
    const { length } = this.#totalCells;
    for (let k = 0; k < length; k++) f64[c + this.#totalCells[k]!] = f64[totals + k]! - f64[at + k]!;
    for (let k = 0; k < this.#sumCells.length; k++) {
      const i = length + 2 * k;
      f64[c + this.#sumCells[k]!] = (i32[2 * q + QUEUE.flags]! & WIDE) === 0
        ? difference(f64[totals + i]!, f64[totals + i + 1]!, f64[at + i]!, f64[at + i + 1]!) : this.#addUp(q, n, i);
    }
  }

  #addUp(q: number, n: number, i: number): number {
    const { i32, f64 } = this.#store.heap;
    let sum = 0;
    for (let m = n; m < i32[2 * q + QUEUE.last]!; m++) sum += f64[this.#entry(q, m) + 1 + i]!;
    return sum;
  }

  /** A value comes that a pair of doubles could not hold beside the others: entries now say what they added, no longer what was before them. */
  #widen(q: number): void {
    const i32 = this.#headInts(q);
    const f64 = this.#headFloats(q);
    this.#store.heap.touch(q, q + this.#units(i32[2 * q + QUEUE.capacity]!));
    i32[2 * q + QUEUE.flags]! |= WIDE;
    const last = i32[2 * q + QUEUE.last]!;
    for (let i = this.#totalCells.length; i < this.#entryUnits - 1; i += 2) {
      for (let n = i32[2 * q + QUEUE.first]!; n < last; n++) {
        const at = this.#entry(q, n) + 1 + i;
        const next = n + 1 < last ? this.#entry(q, n + 1) + 1 + i : q + this.#totals + i;
        f64[at] = difference(f64[next]!, f64[next + 1]!, f64[at]!, f64[at + 1]!);
      }
    }
  }

  /** The event at hand is bound by every run, and begins one. Returns the queue. */
  #push(ks: number, before: number, sequence: number, starts: boolean): number {
    const store = this.#store;
    const { heap } = store;
    const event = store.event();
    store.retainEvent(event);
    const q = this.#room(ks, before);
    const i32 = this.#headInts(q);
    const f64 = heap.floats(q);
    const { cells, exits } = this.#cohort;
    const c = q + this.#registers;
    const totals = q + this.#totals;
    const last = i32[2 * q + QUEUE.last]!;
    const first = i32[2 * q + QUEUE.first]!;
    const at = this.#entry(q, last);
    heap.touch(at, at + this.#entryUnits);
    // What the event adds is what it makes of a run that has counted nothing.
    for (let i = 0; i < cells.length; i++) if (cells[i] !== 'shared') f64[c + i] = 0;
    const out = this.#out;
    (this.#functions[this.#cohort.loop.update] as (c: number, out: Float64Array) => void)(c, out);
    for (let i = 0; i < cells.length; i++) if (cells[i] === 'shared') f64[c + i] = out[i]!;
    for (let k = 0; k < this.#sumCells.length; k++) if (!(Math.abs(out[this.#sumCells[k]!]!) < WIDEST) && (i32[2 * q + QUEUE.flags]! & WIDE) === 0) this.#widen(q);
    for (let i = 1; i < this.#entryUnits; i++) f64[at + i] = f64[totals + i - 1]!;
    for (let k = 0; k < this.#totalCells.length; k++) f64[totals + k]! += out[this.#totalCells[k]!]!;
    for (let k = 0; k < this.#sumCells.length; k++) {
      const value = out[this.#sumCells[k]!]!;
      const i = this.#totalCells.length + 2 * k;
      if ((i32[2 * q + QUEUE.flags]! & WIDE) !== 0) { f64[at + 1 + i] = value; continue; }
      // Twice the precision (Knuth's sum of two and its error, then made a pair again).
      const high = f64[totals + i]!;
      const sum = high + value;
      const part = sum - high;
      const low = f64[totals + i + 1]! + (high - (sum - part)) + (value - part);
      f64[totals + i] = sum + low;
      f64[totals + i + 1] = low - (f64[totals + i]! - sum);
    }
    if (last === first) this.#oldest(q, event);
    i32[2 * at + ENTRY.event] = event;
    i32[2 * at + ENTRY.taken] = starts ? 0 : NO_START;
    i32[2 * q + QUEUE.last] = last + 1;
    i32[2 * q + QUEUE.newest] = sequence;
    for (let e = 0; e < exits.length; e++) i32[2 * q + QUEUE.lows + e] = 0;
    if ((i32[2 * q + QUEUE.flags]! & TAKEN) !== 0) {
      heap.touch(this.#entry(q, first), at);
      for (let n = first; n < last; n++) i32[2 * this.#entry(q, n) + ENTRY.taken]! &= NO_START;
      i32[2 * q + QUEUE.flags]! &= ~TAKEN;
    }
    heap.ints(ks)[2 * ks + KEY.nodes] = last + 1 - first;
    return q;
  }

  /** The key's queue with room for one more entry: as it is, moved to the front, or in a larger record. */
  #room(ks: number, q: number): number {
    const { heap } = this.#store;
    if (q === 0) {
      const made = heap.alloc(this.#units(FEW));
      this.#headInts(made)[2 * made + QUEUE.capacity] = FEW;
      const f64 = heap.floats(made);
      for (let i = 0; i < this.#cohort.cells.length; i++) f64[made + this.#registers + i] = NaN;
      heap.ints(ks)[2 * ks + this.#at] = made;
      return made;
    }
    const capacity = heap.i32[2 * q + QUEUE.capacity]!;
    const first = heap.i32[2 * q + QUEUE.first]!;
    const last = heap.i32[2 * q + QUEUE.last]!;
    if (last < capacity) return q;
    const used = (last - first) * this.#entryUnits;
    const from = q + this.#entries + first * this.#entryUnits;
    let into = q;
    if (2 * (last - first) > capacity) {
      into = heap.alloc(this.#units(2 * capacity));
      const cells = heap.floats(into);
      for (let i = 0; i < this.#entries; i++) cells[into + i] = cells[q + i]!;
      heap.ints(into)[2 * into + QUEUE.capacity] = 2 * capacity;
      heap.ints(ks)[2 * ks + this.#at] = into;
    }
    heap.touch(into, into + this.#entries + used);
    const f64 = heap.floats(into);
    const to = into + this.#entries;
    // A call costs more than the few cells that most queues have.
    if (used <= SMALL) for (let i = 0; i < used; i++) f64[to + i] = f64[from + i]!;
    else f64.copyWithin(to, from, from + used);
    const i32 = heap.ints(into);
    i32[2 * into + QUEUE.first] = 0;
    i32[2 * into + QUEUE.last] = last - first;
    if (into !== q) heap.free(q, this.#units(capacity));
    return into;
  }

  #report(ks: number, q: number, passing: readonly number[]): void {
    const { i32 } = this.#store.heap;
    // The event at hand ends the match, even where it has gone on with the loop too.
    const own = i32[2 * q + QUEUE.newest] === i32[2 * ks + KEY.sequence] ? 1 : 0;
    const last = i32[2 * q + QUEUE.last]! - own;
    this.#host.complete(ks, (visit) => { this.#matches(q, last, this.#inOrder(passing), visit); });
  }

  #matches(q: number, last: number, passing: readonly number[], visit: (match: Listed) => boolean): void {
    const { heap } = this.#store;
    const [loopStage, exitStages] = this.#stages;
    const final = this.#store.event();
    const first = heap.i32[2 * q + QUEUE.first]!;
    for (let i = 0; i < passing.length; i += 2) {
      const events: number[] = [];
      const stages: number[] = [];
      for (let m = first + passing[i]!; m < last; m++) {
        events.push(heap.i32[2 * this.#entry(q, m) + ENTRY.event]!);
        stages.push(loopStage);
      }
      events.push(final);
      stages.push(exitStages[passing[i + 1]!]!);
      if (!visit({ events, stages })) return;
    }
  }

  /** Pairs (place, exit) by place, then by the stage written first. */
  #inOrder(passing: readonly number[]): readonly number[] {
    if (this.#stages[1].length === 1) return passing;
    const pairs: (readonly [number, number])[] = [];
    for (let i = 0; i < passing.length; i += 2) pairs.push([passing[i]!, passing[i + 1]!]);
    const orderOf = (exit: number): number => this.#plan.stages[this.#stages[1][exit]!]!.order;
    return pairs.sort((a, b) => a[0] - b[0] || orderOf(a[1]) - orderOf(b[1])).flat();
  }

  /** The cells before a queue's entries, to write them; they may lie on more than one page. */
  #headInts(q: number): Int32Array {
    this.#store.heap.touch(q, q + this.#entries);
    return this.#store.heap.ints(q);
  }
  #headFloats(q: number): Float64Array {
    this.#store.heap.touch(q, q + this.#entries);
    return this.#store.heap.floats(q);
  }

  #entry(q: number, n: number): number { return q + this.#entries + n * this.#entryUnits; }
  #units(capacity: number): number { return this.#entries + capacity * this.#entryUnits; }
}

/** Guards are on the number of events bound in the loop, and on nothing else. */
function meets(guards: CohortPlan['loop']['guards'], count: number): boolean {
  for (const guard of guards) if (count < guard.min || count > guard.max) return false;
  return true;
}

/** (a + aLow) − (b + bLow), rounded once. */
export function difference(a: number, aLow: number, b: number, bLow: number): number {
  const d = a - b;
  const part = d - a;
  return d + ((a - (d - part)) - (b + part) + (aLow - bLow));
}
