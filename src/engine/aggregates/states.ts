/** Aggregates whose state is a few numbers. Nulls are left out, but for `count`, `first` and `last` (section 3 of the language). */
import type { Heap } from '../../state/heap.ts';
import type { Aggregate } from './aggregate.ts';
import { addFrom, addNumber, addPair, cross, multiply, pair } from './sums.ts';

const finite = (x: number): number => (x - x === 0 ? x : NaN);

abstract class Cells implements Aggregate {
  abstract readonly kind: 'sum' | 'fold';
  abstract readonly cells: number;
  protected readonly heap: Heap;

  constructor(heap: Heap) { this.heap = heap; }

  abstract add(at: number, value: number, time: number): void;
  abstract merge(at: number, from: number): void;
  abstract value(at: number, more?: number): number;

  subtract(_at: number, _from: number): void { throw new Error('a fold is not subtracted'); }
  isWorn(_at: number): boolean { return false; }
  adopt(at: number, heap: Heap, from: number): void {
    const f64 = this.heap.floats(at);
    for (let i = 0; i < this.cells; i++) f64[at + i] = heap.f64[from + i]!;
  }
  empty(at: number): void {
    const f64 = this.heap.floats(at);
    for (let i = 0; i < this.cells; i++) f64[at + i] = 0;
  }
}

/** The number of events. */
export class Tally extends Cells {
  readonly kind = 'sum';
  readonly cells = 1;
  add(at: number): void { this.heap.floats(at)[at]!++; }
  merge(at: number, from: number): void { this.heap.floats(at)[at]! += this.heap.f64[from]!; }
  override subtract(at: number, from: number): void { this.heap.floats(at)[at]! -= this.heap.f64[from]!; }
  value(at: number): number { return this.heap.f64[at]!; }
}

/** Events; those for which the condition holds. */
export class Truths extends Cells {
  readonly kind = 'sum';
  readonly cells = 2;
  readonly #fn: 'any' | 'all';
  constructor(heap: Heap, fn: 'any' | 'all') { super(heap); this.#fn = fn; }
  add(at: number, value: number): void {
    const f64 = this.heap.floats(at);
    f64[at]!++;
    if (value === 1) f64[at + 1]!++;
  }
  merge(at: number, from: number): void { this.#join(at, from, 1); }
  override subtract(at: number, from: number): void { this.#join(at, from, -1); }
  #join(at: number, from: number, sign: number): void {
    const f64 = this.heap.floats(at);
    f64[at]! += sign * f64[from]!;
    f64[at + 1]! += sign * f64[from + 1]!;
  }
  value(at: number): number {
    const { f64 } = this.heap;
    if (f64[at] === 0) return NaN;
    return Number(this.#fn === 'any' ? f64[at + 1]! > 0 : f64[at + 1] === f64[at]);
  }
}

/** A count of values and pairs (sums.ts) that add up; where all that came is gone, every cell is exactly zero again. */
abstract class Pairs extends Cells {
  readonly kind = 'sum';
  /** Pairs after the count. */
  protected abstract readonly pairs: number;
  get cells(): number { return 1 + 2 * this.pairs; }
  merge(at: number, from: number): void { this.#join(at, from, 1); }
  override subtract(at: number, from: number): void {
    this.#join(at, from, -1);
    if (this.heap.f64[at] === 0) this.empty(at);
  }
  #join(at: number, from: number, sign: 1 | -1): void {
    const f64 = this.heap.floats(at);
    f64[at]! += sign * f64[from]!;
    for (let i = 0; i < this.pairs; i++) addFrom(f64, at + 1 + 2 * i, f64, from + 1 + 2 * i, sign);
  }
  override isWorn(at: number): boolean {
    for (let i = 1; i < this.cells; i++) if (!Number.isFinite(this.heap.f64[at + i]!)) return true;
    return false;
  }
}

export class Sum extends Pairs {
  protected readonly pairs = 1;
  readonly #fn: 'sum' | 'avg';
  constructor(heap: Heap, fn: 'sum' | 'avg') { super(heap); this.#fn = fn; }
  add(at: number, value: number): void {
    if (value !== value) return;
    const f64 = this.heap.floats(at);
    f64[at]!++;
    addNumber(f64, at + 1, value);
  }
  value(at: number): number {
    const { f64 } = this.heap;
    if (this.#fn === 'sum') return finite(f64[at + 1]!);
    return f64[at] === 0 ? NaN : finite(f64[at + 1]! / f64[at]!);
  }
}

/** Values and their squares. */
export class Moments extends Pairs {
  protected readonly pairs = 2;
  readonly #fn: 'variance' | 'stddev';
  constructor(heap: Heap, fn: 'variance' | 'stddev') { super(heap); this.#fn = fn; }
  add(at: number, value: number): void {
    if (value !== value) return;
    const f64 = this.heap.floats(at);
    f64[at]!++;
    addNumber(f64, at + 1, value);
    multiply(value, value);
    addPair(f64, at + 3, pair.high, pair.low);
  }
  value(at: number): number {
    const { f64 } = this.heap;
    const n = f64[at]!;
    if (n < 2) return NaN;
    const variance = finite(Math.max(0, cross(n, f64, at + 3, at + 1, at + 1)) / n / (n - 1));
    return this.#fn === 'variance' ? variance : Math.sqrt(variance);
  }
}

/**
 * A line by least squares: count, the time from which times are counted, then the sums of t, x, t², t·x. Times are counted from the first one there was, so that
 * their products are exact, and a line through one point in time is known for one.
 */
export class Line extends Cells {
  readonly kind = 'sum';
  readonly cells = 10;
  readonly #per: number;
  /** `per`: ms, the slope is told for. */
  constructor(heap: Heap, per: number) { super(heap); this.#per = per; }
  add(at: number, value: number, time: number): void {
    if (value !== value) return;
    const f64 = this.heap.floats(at);
    if (f64[at] === 0) f64[at + 1] = time;
    f64[at]!++;
    const t = time - f64[at + 1]!;
    addNumber(f64, at + 2, t);
    addNumber(f64, at + 4, value);
    multiply(t, t);
    addPair(f64, at + 6, pair.high, pair.low);
    multiply(t, value);
    addPair(f64, at + 8, pair.high, pair.low);
  }
  merge(at: number, from: number): void { this.#join(at, from, 1); }
  override subtract(at: number, from: number): void {
    this.#join(at, from, -1);
    if (this.heap.f64[at] === 0) this.empty(at);
  }
  /** Times of `from` are `shift` later by the clock of `at`. */
  #join(at: number, from: number, sign: 1 | -1): void {
    const f64 = this.heap.floats(at);
    const n = f64[from]!;
    if (n === 0) return;
    if (f64[at] === 0) f64[at + 1] = f64[from + 1]!;
    const shift = f64[from + 1]! - f64[at + 1]!;
    f64[at]! += sign * n;
    for (const cell of [2, 4, 6, 8]) addFrom(f64, at + cell, f64, from + cell, sign);
    if (shift === 0) return;
    multiply(n, shift);
    addPair(f64, at + 2, sign * pair.high, sign * pair.low);
    // t'² = t² + 2·shift·t + shift², t'·x = t·x + shift·x
    this.#addScaled(at + 6, 2 * shift, from + 2, sign);
    multiply(n * shift, shift);
    addPair(f64, at + 6, sign * pair.high, sign * pair.low);
    this.#addScaled(at + 8, shift, from + 4, sign);
  }
  #addScaled(at: number, factor: number, from: number, sign: 1 | -1): void {
    const f64 = this.heap.floats(at);
    for (const cell of [from, from + 1]) {
      multiply(factor, f64[cell]!);
      addPair(f64, at, sign * pair.high, sign * pair.low);
    }
  }
  value(at: number): number {
    const { f64 } = this.heap;
    const n = f64[at]!;
    const spread = cross(n, f64, at + 6, at + 2, at + 2);
    if (n < 2 || !(spread > 0)) return NaN;
    return finite(cross(n, f64, at + 8, at + 2, at + 4) / spread * this.#per);
  }
  override isWorn(at: number): boolean {
    for (let i = 2; i < this.cells; i++) if (!Number.isFinite(this.heap.f64[at + i]!)) return true;
    return false;
  }
}

/** The least or the greatest value: how many there were, and it. */
export class Extreme extends Cells {
  readonly kind = 'fold';
  readonly cells = 2;
  readonly #beats: (a: number, b: number) => boolean;
  constructor(heap: Heap, beats: (a: number, b: number) => boolean) { super(heap); this.#beats = beats; }
  add(at: number, value: number): void {
    if (value !== value) return;
    const f64 = this.heap.floats(at);
    if (f64[at] === 0 || this.#beats(value, f64[at + 1]!)) f64[at + 1] = value;
    f64[at] = 1;
  }
  merge(at: number, from: number): void { if (this.heap.f64[from] !== 0) this.add(at, this.heap.f64[from + 1]!); }
  value(at: number, more = 0): number {
    const { f64 } = this.heap;
    const own = f64[at] === 0 ? NaN : f64[at + 1]!;
    if (more === 0 || f64[more] === 0) return own;
    const other = f64[more + 1]!;
    return own !== own || this.#beats(other, own) ? other : own;
  }
}

/** The value of the first or last event in the order of time, null too: whether there is one, its time, its value. */
export class OneOf extends Cells {
  readonly kind = 'fold';
  readonly cells = 3;
  readonly #last: boolean;
  constructor(heap: Heap, last: boolean) { super(heap); this.#last = last; }
  add(at: number, value: number, time: number): void {
    const f64 = this.heap.floats(at);
    if (f64[at] !== 0 && (this.#last ? time < f64[at + 1]! : time >= f64[at + 1]!)) return;
    f64[at] = 1;
    f64[at + 1] = time;
    f64[at + 2] = value;
  }
  merge(at: number, from: number): void { if (this.heap.f64[from] !== 0) this.add(at, this.heap.f64[from + 2]!, this.heap.f64[from + 1]!); }
  value(at: number, more = 0): number {
    const { f64 } = this.heap;
    const chosen = more !== 0 && f64[more] !== 0 && (this.#last || f64[at] === 0) ? more : at;
    return f64[chosen] === 0 ? NaN : f64[chosen + 2]!;
  }
}

/**
 * `lasting` and `timeAvg`: each event holds until the next, the last for no time. An event with no value (NaN: null, or not taken by `where`) ends the one before it
 * and counts for nothing. Events with a value, whether there is any event; first time; last time and value; sum of value × time held; time held by those with a value.
 */
export class Held extends Cells {
  readonly kind = 'fold';
  readonly cells = 8;
  readonly #fn: 'lasting' | 'timeAvg';
  constructor(heap: Heap, fn: 'lasting' | 'timeAvg') { super(heap); this.#fn = fn; }
  add(at: number, value: number, time: number): void {
    const f64 = this.heap.floats(at);
    if (f64[at + 1] === 0) {
      f64[at + 1] = 1;
      f64[at + 2] = time;
    } else this.#hold(f64, at, time);
    if (value === value) f64[at]!++;
    f64[at + 3] = time;
    f64[at + 4] = value;
  }
  /** The last value held until `time`. */
  #hold(f64: Float64Array, at: number, time: number): void {
    const value = f64[at + 4]!;
    if (value !== value) return;
    const length = time - f64[at + 3]!;
    multiply(value, length);
    addPair(f64, at + 5, pair.high, pair.low);
    f64[at + 7]! += length;
  }
  merge(at: number, from: number): void {
    const f64 = this.heap.floats(at);
    if (f64[from + 1] === 0) return;
    if (f64[at + 1] === 0) {
      for (let i = 0; i < this.cells; i++) f64[at + i] = f64[from + i]!;
      return;
    }
    this.#hold(f64, at, f64[from + 2]!);
    f64[at]! += f64[from]!;
    addFrom(f64, at + 5, f64, from + 5, 1);
    f64[at + 7]! += f64[from + 7]!;
    f64[at + 3] = f64[from + 3]!;
    f64[at + 4] = f64[from + 4]!;
  }
  value(at: number, more = 0): number {
    const { f64 } = this.heap;
    if (more === 0 || f64[more + 1] === 0) return held(this.#fn, f64[at]!, f64[at + 5]!, f64[at + 7]!);
    if (f64[at + 1] === 0) return held(this.#fn, f64[more]!, f64[more + 5]!, f64[more + 7]!);
    both.fill(0);
    let length = f64[at + 7]! + f64[more + 7]!;
    const between = f64[more + 2]! - f64[at + 3]!;
    if (f64[at + 4] === f64[at + 4]) {
      multiply(f64[at + 4]!, between);
      addPair(both, 0, pair.high, pair.low);
      length += between;
    }
    addFrom(both, 0, f64, at + 5, 1);
    addFrom(both, 0, f64, more + 5, 1);
    return held(this.#fn, f64[at]! + f64[more]!, both[0]!, length);
  }
}
const both = new Float64Array(2);

/** From the number of events with a value, the sum of value × time held, and the time held; a mean over no time is null. */
export function held(fn: 'lasting' | 'timeAvg', n: number, area: number, time: number): number {
  return fn === 'lasting' ? (n === 0 ? NaN : finite(area)) : time > 0 ? finite(area / time) : NaN;
}
