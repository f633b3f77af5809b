/** The hash of key records: by rule and key parts. */
import type { Heap } from '../state/heap.ts';
import type { Members } from '../state/members.ts';
import { Buckets, type BucketsRoot } from './buckets.ts';
import { mix } from './classes.ts';
import { KEY } from './layout.ts';

export class Keys {
  readonly #buckets: Buckets;
  readonly #heap: Heap;
  readonly #members: Members;

  constructor(heap: Heap, members: Members, widthOf: (rule: number) => number) {
    this.#heap = heap;
    this.#members = members;
    this.#buckets = new Buckets({
      hashOf: (ks) => {
        const { i32, f64 } = heap;
        const rule = i32[2 * ks + KEY.rule]!;
        let hash = mix(0x2545f491, rule);
        const width = widthOf(rule);
        for (let i = 0; i < width; i++) hash = mix(hash, f64[ks + KEY.key + i]!);
        return hash;
      },
      next: (ks) => heap.i32[2 * ks + KEY.hashNext]!,
      link: (ks, next) => { heap.ints(ks)[2 * ks + KEY.hashNext] = next; },
    });
  }

  get count(): number { return this.#buckets.count; }

  find(rule: number, key: Float64Array, width: number): number {
    const { i32, f64 } = this.#heap;
    let hash = mix(0x2545f491, rule);
    for (let i = 0; i < width; i++) hash = mix(hash, key[i]!);
    search: for (let ks = this.#buckets.first(hash); ks !== 0; ks = i32[2 * ks + KEY.hashNext]!) {
      if (i32[2 * ks + KEY.rule] !== rule) continue;
      for (let i = 0; i < width; i++) if (f64[ks + KEY.key + i] !== key[i]) continue search;
      return ks;
    }
    return 0;
  }

  add(ks: number): void {
    this.#members.add(ks);
    this.#buckets.add(ks);
  }

  remove(ks: number): void {
    this.#members.remove(ks);
    this.#buckets.remove(ks);
  }

  all(): Iterable<number> { return this.#buckets.all(); }

  get root(): BucketsRoot { return this.#buckets.root; }
  /** After the heap and the members were. */
  load(root: BucketsRoot): void { this.#buckets.load(root, this.#members.heads((ks) => this.#heap.i32[2 * ks + KEY.hashNext]!)); }
}
