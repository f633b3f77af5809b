/**
 * What `once within` remembers: per event type, the identities seen and when, the oldest first. Those whose span is over go when an event of the type
 * comes, so that there are never more than one span holds.
 */
import type { Plan } from '../compile/plan.ts';
import type { Heap } from '../state/heap.ts';
import { Buckets, type BucketsRoot } from './buckets.ts';
import { mix } from './classes.ts';

/** Ints: next in the chain of the hash, next of the type, type. Floats: time, then the identity's cells. */
export const SEEN = { next: 0, later: 1, type: 2, time: 2, cells: 3 } as const;

/** JSON. */
export interface OnceRoot { readonly table: BucketsRoot; readonly oldest: readonly number[]; readonly newest: readonly number[] }

export class Once {
  readonly #plan: Plan;
  readonly #heap: Heap;
  readonly #buckets: Buckets;
  /** By type. */
  #oldest: number[];
  #newest: number[];

  constructor(plan: Plan, heap: Heap) {
    this.#plan = plan;
    this.#heap = heap;
    this.#buckets = new Buckets({
      hashOf: (p) => {
        const type = heap.i32[2 * p + SEEN.type]!;
        let hash = mix(0x51ed270b, type);
        for (let i = 0; i < plan.identity[type]!.length; i++) hash = mix(hash, heap.f64[p + SEEN.cells + i]!);
        return hash;
      },
      next: (p) => heap.i32[2 * p + SEEN.next]!,
      link: (p, next) => { heap.ints(p)[2 * p + SEEN.next] = next; },
    });
    this.#oldest = plan.schema.types.map(() => 0);
    this.#newest = plan.schema.types.map(() => 0);
  }

  /** Was an event of this type with the identity that lies in `cells` (by slot) seen within the type's span? If not, this is the one seen. */
  isRepeat(type: number, time: number, cells: Float64Array): boolean {
    this.#forget(type, time - this.#plan.once[type]!);
    const identity = this.#plan.identity[type]!;
    let hash = mix(0x51ed270b, type);
    for (const { slot } of identity) hash = mix(hash, cells[slot]!);
    const { i32, f64 } = this.#heap;
    search: for (let p = this.#buckets.first(hash); p !== 0; p = i32[2 * p + SEEN.next]!) {
      if (i32[2 * p + SEEN.type] !== type) continue;
      for (let i = 0; i < identity.length; i++) {
        const a = f64[p + SEEN.cells + i]!;
        const b = cells[identity[i]!.slot]!;
        if (a !== b && (a === a || b === b)) continue search;
      }
      return true;
    }
    this.remember(type, time, cells);
    return false;
  }

  get root(): OnceRoot { return { table: this.#buckets.root, oldest: this.#oldest, newest: this.#newest }; }
  load({ table, oldest, newest }: OnceRoot): void {
    this.#oldest = [...oldest];
    this.#newest = [...newest];
    const { i32 } = this.#heap;
    const followers = new Set<number>();
    for (const p of this.#all()) if (i32[2 * p + SEEN.next] !== 0) followers.add(i32[2 * p + SEEN.next]!);
    const heads: number[] = [];
    for (const p of this.#all()) if (!followers.has(p)) heads.push(p);
    this.#buckets.load(table, heads);
  }

  *#all(): Iterable<number> {
    for (const oldest of this.#oldest) for (let p = oldest; p !== 0; p = this.#heap.i32[2 * p + SEEN.later]!) yield p;
  }

  /** An identity (by slot in `cells`) was seen; none of the type was seen later. */
  remember(type: number, time: number, cells: Float64Array): void {
    const identity = this.#plan.identity[type]!;
    const p = this.#heap.alloc(SEEN.cells + identity.length);
    const f64 = this.#heap.floats(p);
    f64[p + SEEN.time] = time;
    for (let i = 0; i < identity.length; i++) f64[p + SEEN.cells + i] = cells[identity[i]!.slot]!;
    this.#heap.ints(p)[2 * p + SEEN.type] = type;
    const before = this.#newest[type]!;
    if (before === 0) this.#oldest[type] = p;
    else this.#heap.ints(before)[2 * before + SEEN.later] = p;
    this.#newest[type] = p;
    this.#buckets.add(p);
  }

  /** Those seen at or before a time go. */
  #forget(type: number, upTo: number): void {
    const { i32, f64 } = this.#heap;
    for (let p = this.#oldest[type]!; p !== 0 && f64[p + SEEN.time]! <= upTo; p = this.#oldest[type]!) {
      this.#buckets.remove(p);
      const later = i32[2 * p + SEEN.later]!;
      this.#oldest[type] = later;
      if (later === 0) this.#newest[type] = 0;
      this.#heap.free(p, SEEN.cells + this.#plan.identity[type]!.length);
    }
  }
}
