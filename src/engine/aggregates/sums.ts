/**
 * Sums in twice the precision of a number: an unevaluated pair (high, low) in two neighbouring cells, after Dekker (1971) and Hida, Li and Bailey's "quad-double"
 * (2001). What is added and taken off again in any order leaves the sum of what is still there, to the last digit of a number, as long as no value that
 * came and went was 10^15 times as large as what is left. All zero is the sum of nothing. A sum that overflows is NaN, null, until it is made anew.
 */
import type { Floats } from '../../state/heap.ts';

/** Of `times` and `over`: the pair that an operation gave. */
export const pair = { high: 0, low: 0 };

/** Adds a number to the pair at `p`. */
export function addNumber(f64: Float64Array, p: number, x: number): void {
  const high = f64[p]!;
  const s = high + x;
  const b = s - high;
  const low = f64[p + 1]! + ((high - (s - b)) + (x - b));
  const sum = s + low;
  f64[p] = sum;
  f64[p + 1] = low - (sum - s);
}

/** Adds a pair to the pair at `p`. */
export function addPair(f64: Float64Array, p: number, high: number, low: number): void {
  const ah = f64[p]!;
  const al = f64[p + 1]!;
  const s = ah + high;
  const sb = s - ah;
  let e = (ah - (s - sb)) + (high - sb);
  const t = al + low;
  const tb = t - al;
  const te = (al - (t - tb)) + (low - tb);
  e += t;
  const s1 = s + e;
  const e1 = e - (s1 - s) + te;
  const s2 = s1 + e1;
  f64[p] = s2;
  f64[p + 1] = e1 - (s2 - s1);
}

/** Adds `sign` times the pair at `from`, which may lie in another record. */
export function addFrom(f64: Float64Array, p: number, cells: Floats, from: number, sign: 1 | -1): void {
  addPair(f64, p, sign * cells[from]!, sign * cells[from + 1]!);
}

/** The exact product of two numbers, into `pair`. */
export function multiply(a: number, b: number): void {
  const p = a * b;
  const at = 134217729 * a;
  const ah = at - (at - a);
  const al = a - ah;
  const bt = 134217729 * b;
  const bh = bt - (bt - b);
  const bl = b - bh;
  pair.high = p;
  pair.low = al * bl - (((p - ah * bh) - al * bh) - ah * bl);
}

/** A pair times a pair, into `pair`. */
export function times(ah: number, al: number, bh: number, bl: number): void {
  multiply(ah, bh);
  const low = pair.low + (ah * bl + al * bh);
  const high = pair.high + low;
  pair.low = low - (high - pair.high);
  pair.high = high;
}

/** n·(a pair) − (b pair)·(c pair), as a number: what variances and slopes are made of, where most of both sides cancels. */
export function cross(n: number, cells: Floats, a: number, b: number, c: number): number {
  times(cells[b]!, cells[b + 1]!, cells[c]!, cells[c + 1]!);
  scratch[0] = -pair.high;
  scratch[1] = -pair.low;
  times(cells[a]!, cells[a + 1]!, n, 0);
  addPair(scratch, 0, pair.high, pair.low);
  return scratch[0]! + scratch[1]!;
}
const scratch = new Float64Array(2);
