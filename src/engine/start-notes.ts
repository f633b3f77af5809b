/** What a start record may have beside it: the match that `longest` holds back, and the matches already told of it. */
import type { Heap } from '../state/heap.ts';
import { START } from './layout.ts';

export interface HeldMatch { readonly events: number[]; readonly stages: number[]; readonly to: number }

/** Float: the match's end. Ints: its length, then pairs of event record and stage. */
const MATCH = { to: 0, length: 2, pairs: 4 } as const;
const matchUnits = (length: number): number => 2 + length;

/** The length of the match held for a start, 0: none is. */
export function heldLength(heap: Heap, sr: number): number {
  const p = heap.i32[2 * sr + START.held]!;
  return p === 0 ? 0 : heap.i32[2 * p + MATCH.length]!;
}

export function heldMatch(heap: Heap, sr: number): HeldMatch | undefined {
  const { i32, f64 } = heap;
  const p = i32[2 * sr + START.held]!;
  if (p === 0) return undefined;
  const events: number[] = [];
  const stages: number[] = [];
  for (let i = 0; i < i32[2 * p + MATCH.length]!; i++) {
    events.push(i32[2 * p + MATCH.pairs + 2 * i]!);
    stages.push(i32[2 * p + MATCH.pairs + 2 * i + 1]!);
  }
  return { events, stages, to: f64[p + MATCH.to]! };
}

/** The references to the events are the caller's to count. */
export function holdMatch(heap: Heap, sr: number, { events, stages, to }: HeldMatch): void {
  dropMatch(heap, sr);
  const units = matchUnits(events.length);
  const p = heap.alloc(units);
  heap.floats(p)[p + MATCH.to] = to;
  const i32 = heap.ints(p);
  i32[2 * p + MATCH.length] = events.length;
  for (let i = 0; i < events.length; i++) {
    i32[2 * p + MATCH.pairs + 2 * i] = events[i]!;
    i32[2 * p + MATCH.pairs + 2 * i + 1] = stages[i]!;
  }
  heap.ints(sr)[2 * sr + START.held] = p;
}

export function dropMatch(heap: Heap, sr: number): void {
  const p = heap.i32[2 * sr + START.held]!;
  if (p === 0) return;
  heap.free(p, matchUnits(heap.i32[2 * p + MATCH.length]!));
  heap.ints(sr)[2 * sr + START.held] = 0;
}

/** Ints: the one told before, the length. Floats: pairs of stage and event number. */
const TOLD = { next: 0, length: 1, pairs: 1 } as const;
const toldUnits = (length: number): number => TOLD.pairs + 2 * length;

/** Matches reported of an open start, where a rule's matches may complete again. */
export class Told {
  readonly #heap: Heap;
  /** As they are looked up; derived. */
  readonly #read = new Map<number, Set<string>>();

  constructor(heap: Heap) { this.#heap = heap; }

  /** Was this list, pairs of stage and event number, told of the start? If not, it is from now on. */
  isRepeat(sr: number, pairs: readonly number[]): boolean {
    let told = this.#read.get(sr);
    if (told === undefined) this.#read.set(sr, told = this.#listed(sr));
    const name = pairs.join();
    if (told.has(name)) return true;
    told.add(name);
    const heap = this.#heap;
    const p = heap.alloc(toldUnits(pairs.length / 2));
    heap.floats(p).set(pairs, p + TOLD.pairs);
    const i32 = heap.ints(p);
    i32[2 * p + TOLD.next] = i32[2 * sr + START.told]!;
    i32[2 * p + TOLD.length] = pairs.length / 2;
    heap.ints(sr)[2 * sr + START.told] = p;
    return false;
  }

  /** The start goes. */
  forget(sr: number): void {
    const { i32 } = this.#heap;
    for (let p = i32[2 * sr + START.told]!; p !== 0;) {
      const next = i32[2 * p + TOLD.next]!;
      this.#heap.free(p, toldUnits(i32[2 * p + TOLD.length]!));
      p = next;
    }
    if (i32[2 * sr + START.told] !== 0) this.#heap.ints(sr)[2 * sr + START.told] = 0;
    this.#read.delete(sr);
  }

  /** After the heap was restored. */
  reset(): void { this.#read.clear(); }

  #listed(sr: number): Set<string> {
    const { i32, f64 } = this.#heap;
    const names = new Set<string>();
    for (let p = i32[2 * sr + START.told]!; p !== 0; p = i32[2 * p + TOLD.next]!) {
      names.add(f64.slice(p + TOLD.pairs, p + toldUnits(i32[2 * p + TOLD.length]!)).join());
    }
    return names;
  }
}
