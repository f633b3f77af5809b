/** The hash of one rule's classes: by key record, position and registers (or the one register that an equality looks up). */
import type { PositionPlan } from '../compile/plan.ts';
import type { Heap } from '../state/heap.ts';
import { CLASS, registersAt } from './layout.ts';

const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);

/** Mixes a value into a hash; 0 and -0, and all NaNs, alike. */
export function mix(hash: number, value: number): number {
  const int = value | 0;
  let mixed = int;
  if (int !== value) {
    scratch[0] = value;
    mixed = words[0]! ^ Math.imul(words[1]!, 0x85ebca6b);
  }
  mixed = Math.imul(hash ^ mixed, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

export class Classes {
  #buckets = new Int32Array(16);
  #count = 0;
  readonly #heap: Heap;
  readonly #positions: readonly PositionPlan[];
  readonly #registersAt: readonly number[];

  constructor(heap: Heap, positions: readonly PositionPlan[]) {
    this.#heap = heap;
    this.#positions = positions;
    this.#registersAt = positions.map(registersAt);
  }

  /** First class of the bucket that a looked-up register value falls into; follow CLASS.hashNext and compare. */
  bucket(ks: number, position: number, value: number): number {
    return this.#buckets[mix(mix(ks, position), value) & (this.#buckets.length - 1)]!;
  }

  /** The class of a key record and position with these registers, 0: none. */
  find(ks: number, position: number, registers: Float64Array): number {
    const { i32, f64 } = this.#heap;
    const n = this.#positions[position]!.registers.length;
    const at = this.#registersAt[position]!;
    search: for (let h = this.#buckets[this.#hash(ks, position, registers, 0) & (this.#buckets.length - 1)]!; h !== 0; h = i32[h + CLASS.hashNext]!) {
      if (i32[h + CLASS.key] !== ks || i32[h + CLASS.position] !== position) continue;
      const c = (h >> 1) + at;
      for (let i = 0; i < n; i++) {
        const a = f64[c + i]!;
        const b = registers[i]!;
        if (a !== b && (a === a || b === b)) continue search;
      }
      return h;
    }
    return 0;
  }

  add(h: number): void {
    if (this.#count >= this.#buckets.length) this.#grow();
    this.#count++;
    const b = this.#bucketOf(h);
    this.#heap.i32[h + CLASS.hashNext] = this.#buckets[b]!;
    this.#buckets[b] = h;
  }

  remove(h: number): void {
    const { i32 } = this.#heap;
    const b = this.#bucketOf(h);
    let at = this.#buckets[b]!;
    if (at === h) this.#buckets[b] = i32[h + CLASS.hashNext]!;
    else {
      while (i32[at + CLASS.hashNext] !== h) at = i32[at + CLASS.hashNext]!;
      i32[at + CLASS.hashNext] = i32[h + CLASS.hashNext]!;
    }
    this.#count--;
  }

  serialize(): number[] { return [this.#count, ...this.#buckets]; }
  restore(state: readonly number[]): void {
    this.#count = state[0]!;
    this.#buckets = Int32Array.from(state.slice(1));
  }

  #bucketOf(h: number): number {
    const { i32, f64 } = this.#heap;
    const position = i32[h + CLASS.position]!;
    return this.#hash(i32[h + CLASS.key]!, position, f64, (h >> 1) + this.#registersAt[position]!) & (this.#buckets.length - 1);
  }

  #hash(ks: number, position: number, cells: Float64Array, at: number): number {
    const plan = this.#positions[position]!;
    let hash = mix(ks, position);
    if (plan.indexCell >= 0) return mix(hash, cells[at + plan.indexCell]!);
    for (let i = 0; i < plan.registers.length; i++) hash = mix(hash, cells[at + i]!);
    return hash;
  }

  #grow(): void {
    const old = this.#buckets;
    const { i32 } = this.#heap;
    this.#buckets = new Int32Array(old.length * 2);
    for (let h of old) {
      while (h !== 0) {
        const next = i32[h + CLASS.hashNext]!;
        const b = this.#bucketOf(h);
        i32[h + CLASS.hashNext] = this.#buckets[b]!;
        this.#buckets[b] = h;
        h = next;
      }
    }
  }
}
