/** The hash of one rule's classes: by key record, position and registers (or the one register that an equality looks up). */
import type { PositionPlan } from '../compile/plan.ts';
import type { Floats, Heap } from '../state/heap.ts';
import type { Members } from '../state/members.ts';
import { CLASS, registersAt } from './layout.ts';
import { Slots } from './slots.ts';

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

/**
 * A slot (slots.ts) holds the first of the classes that have a hash, the others being chained from class to class: many classes of one hash (an equality on
 * a value that is everywhere) lengthen no other's search.
 */
export class Classes {
  readonly slots = new Slots();
  readonly #heap: Heap;
  readonly #members: Members;
  readonly #positions: readonly PositionPlan[];
  readonly #registersAt: readonly number[];

  /** `members`: which records are classes in a hash, of all rules. */
  constructor(heap: Heap, members: Members, positions: readonly PositionPlan[]) {
    this.#heap = heap;
    this.#members = members;
    this.#positions = positions;
    this.#registersAt = positions.map(registersAt);
  }

  /** The first class that a looked-up register value may be found in; follow CLASS.hashNext and compare. */
  bucket(ks: number, position: number, value: number): number { return this.#first(mix(mix(ks, position), value)); }

  /** The class of a key record and position with these registers, 0: none. */
  find(ks: number, position: number, registers: Float64Array): number {
    const { i32, f64 } = this.#heap;
    const n = this.#positions[position]!.registers.length;
    const at = this.#registersAt[position]!;
    search: for (let h = this.#first(this.#hash(ks, position, registers, 0)); h !== 0; h = i32[h + CLASS.hashNext]!) {
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
    const hash = this.#hashOf(h);
    const slots = this.slots;
    const slot = slots.slotOf(hash);
    const first = slots.cells[2 * slot + 1]!;
    this.#heap.ints(h >> 1)[h + CLASS.hashNext] = first;
    this.#members.add((h - CLASS.ints) >> 1);
    if (first === 0) slots.add(hash, h);
    else slots.cells[2 * slot + 1] = h;
  }

  remove(h: number): void {
    this.#members.remove((h - CLASS.ints) >> 1);
    const { i32 } = this.#heap;
    const slots = this.slots;
    const slot = slots.slotOf(this.#hashOf(h));
    const next = i32[h + CLASS.hashNext]!;
    let at = slots.cells[2 * slot + 1]!;
    if (at !== h) {
      while (i32[at + CLASS.hashNext] !== h) at = i32[at + CLASS.hashNext]!;
      this.#heap.ints(at >> 1)[at + CLASS.hashNext] = next;
    } else if (next !== 0) slots.cells[2 * slot + 1] = next;
    else slots.empty(slot);
  }

  /** After the heap was restored: no class is in the hash. */
  reset(): void { this.slots.clear(); }

  /** Takes up the first class of a chain in a restored heap. */
  adopt(h: number): void { this.slots.add(this.#hashOf(h), h); }

  #first(hash: number): number {
    const slots = this.slots;
    return slots.cells[2 * slots.slotOf(hash) + 1]!;
  }

  #hashOf(h: number): number {
    const { i32, f64 } = this.#heap;
    const position = i32[h + CLASS.position]!;
    return this.#hash(i32[h + CLASS.key]!, position, f64, (h >> 1) + this.#registersAt[position]!);
  }

  #hash(ks: number, position: number, cells: Floats, at: number): number {
    const plan = this.#positions[position]!;
    let hash = mix(ks, position);
    if (plan.indexCell >= 0) return mix(hash, cells[at + plan.indexCell]!);
    for (let i = 0; i < plan.registers.length; i++) hash = mix(hash, cells[at + i]!);
    return hash;
  }
}
