/** The hash of key records: by rule and key parts. */
import type { Heap } from '../state/heap.ts';
import type { Members } from '../state/members.ts';
import { mix } from './classes.ts';
import { KEY } from './layout.ts';
import { Slots } from './slots.ts';

export class Keys {
  readonly slots = new Slots();
  readonly #heap: Heap;
  readonly #members: Members;
  readonly #widthOf: (rule: number) => number;

  constructor(heap: Heap, members: Members, widthOf: (rule: number) => number) {
    this.#heap = heap;
    this.#members = members;
    this.#widthOf = widthOf;
  }

  get count(): number { return this.slots.used; }

  /** What the hash of a rule's keys begins with: the parts are mixed to it one by one. */
  seedOf(rule: number): number { return mix(0x2545f491, rule); }

  /** The record of a rule's key, 0: none. */
  find(rule: number, key: Float64Array, width: number): number {
    const { i32, f64 } = this.#heap;
    let hash = this.seedOf(rule);
    for (let i = 0; i < width; i++) hash = mix(hash, key[i]!);
    const { cells, mask } = this.slots;
    search: for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ks = cells[2 * slot + 1]!;
      if (ks === 0) return 0;
      if (cells[2 * slot] !== hash || i32[2 * ks + KEY.rule] !== rule) continue;
      for (let i = 0; i < width; i++) if (f64[ks + KEY.key + i] !== key[i]) continue search;
      return ks;
    }
  }

  /** Records that were removed, from the beginning. */
  removed = 0;

  add(ks: number): void {
    this.#members.add(ks);
    this.slots.add(this.#hashOf(ks), ks);
  }

  remove(ks: number): void {
    this.removed++;
    this.#members.remove(ks);
    const { cells, mask } = this.slots;
    let slot = this.#hashOf(ks) & mask;
    while (cells[2 * slot + 1] !== ks) slot = (slot + 1) & mask;
    this.slots.empty(slot);
  }

  /** In order of their places. */
  all(): Iterable<number> { return this.#members.all(); }

  /** After the heap and the members were loaded. */
  load(): void {
    this.removed++;
    this.slots.clear();
    for (const ks of this.#members.all()) this.slots.add(this.#hashOf(ks), ks);
  }

  #hashOf(ks: number): number {
    const { i32, f64 } = this.#heap;
    const rule = i32[2 * ks + KEY.rule]!;
    let hash = this.seedOf(rule);
    const width = this.#widthOf(rule);
    for (let i = 0; i < width; i++) hash = mix(hash, f64[ks + KEY.key + i]!);
    return hash;
  }
}
