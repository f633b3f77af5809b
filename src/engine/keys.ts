/** The hash of key records: by rule and key parts. */
import type { Heap } from '../state/heap.ts';
import { mix } from './classes.ts';
import { KEY } from './layout.ts';

export class Keys {
  #buckets = new Int32Array(1024);
  count = 0;
  readonly #heap: Heap;
  readonly #widthOf: (rule: number) => number;

  constructor(heap: Heap, widthOf: (rule: number) => number) {
    this.#heap = heap;
    this.#widthOf = widthOf;
  }

  find(rule: number, key: Float64Array, width: number): number {
    const { i32, f64 } = this.#heap;
    let hash = mix(0x2545f491, rule);
    for (let i = 0; i < width; i++) hash = mix(hash, key[i]!);
    search: for (let ks = this.#buckets[spread(hash) & (this.#buckets.length - 1)]!; ks !== 0; ks = i32[2 * ks + KEY.hashNext]!) {
      if (i32[2 * ks + KEY.rule] !== rule) continue;
      for (let i = 0; i < width; i++) if (f64[ks + KEY.key + i] !== key[i]) continue search;
      return ks;
    }
    return 0;
  }

  add(ks: number): void {
    if (this.count >= this.#buckets.length) this.#grow();
    this.count++;
    this.#put(ks);
  }

  remove(ks: number): void {
    const { i32 } = this.#heap;
    const b = this.#bucketOf(ks);
    let at = this.#buckets[b]!;
    if (at === ks) this.#buckets[b] = i32[2 * ks + KEY.hashNext]!;
    else {
      while (i32[2 * at + KEY.hashNext] !== ks) at = i32[2 * at + KEY.hashNext]!;
      i32[2 * at + KEY.hashNext] = i32[2 * ks + KEY.hashNext]!;
    }
    this.count--;
  }

  *all(): Iterable<number> {
    for (const first of this.#buckets) {
      for (let ks = first; ks !== 0;) {
        const next = this.#heap.i32[2 * ks + KEY.hashNext]!;
        yield ks;
        ks = next;
      }
    }
  }

  serialize(): Int32Array { return Int32Array.from([this.count, ...this.all()]); }
  /** Takes up the records of a restored heap. */
  restore(records: Int32Array): void {
    this.#buckets = new Int32Array(1024);
    this.count = 0;
    for (let i = 1; i < records.length; i++) this.add(records[i]!);
  }

  #bucketOf(ks: number): number {
    const { i32, f64 } = this.#heap;
    const rule = i32[2 * ks + KEY.rule]!;
    let hash = mix(0x2545f491, rule);
    const width = this.#widthOf(rule);
    for (let i = 0; i < width; i++) hash = mix(hash, f64[ks + KEY.key + i]!);
    return spread(hash) & (this.#buckets.length - 1);
  }

  #put(ks: number): void {
    const b = this.#bucketOf(ks);
    this.#heap.i32[2 * ks + KEY.hashNext] = this.#buckets[b]!;
    this.#buckets[b] = ks;
  }

  #grow(): void {
    const all = [...this.all()];
    this.#buckets = new Int32Array(this.#buckets.length * 2);
    for (const ks of all) this.#put(ks);
  }
}

const spread = (hash: number): number => hash ^ (hash >>> 16);
