/** How records of a hash are read and linked. */
export interface Linking {
  hashOf(p: number): number;
  /** The record after one in its chain, 0: none. */
  next(p: number): number;
  link(p: number, next: number): void;
}

/** What a hash is besides its records; JSON. */
export interface BucketsRoot { readonly size: number; readonly count: number }

const FIRST_SIZE = 1024;

/** The buckets of a hash of records: each holds the first of a chain of records. No part of an image: made anew from the first records of the chains. */
export class Buckets {
  count = 0;
  #first = new Int32Array(FIRST_SIZE);
  readonly #linking: Linking;

  constructor(linking: Linking) { this.#linking = linking; }

  /** The first record that may have this hash, 0: none. */
  first(hash: number): number { return this.#first[spread(hash) & (this.#first.length - 1)]!; }

  add(p: number): void {
    if (this.count >= this.#first.length) this.#grow();
    this.count++;
    this.#put(p);
  }

  remove(p: number): void {
    const { hashOf, next, link } = this.#linking;
    const b = spread(hashOf(p)) & (this.#first.length - 1);
    let at = this.#first[b]!;
    if (at === p) this.#first[b] = next(p);
    else {
      while (next(at) !== p) at = next(at);
      link(at, next(p));
    }
    this.count--;
  }

  *all(): Iterable<number> {
    const { next } = this.#linking;
    for (const first of this.#first) {
      for (let p = first; p !== 0;) {
        const after = next(p);
        yield p;
        p = after;
      }
    }
  }

  get root(): BucketsRoot { return { size: this.#first.length, count: this.count }; }

  /** `heads`: the first records of all chains. */
  load({ size, count }: BucketsRoot, heads: Iterable<number>): void {
    this.#first = new Int32Array(size);
    this.count = count;
    for (const p of heads) this.#first[spread(this.#linking.hashOf(p)) & (size - 1)] = p;
  }

  #put(p: number): void {
    const b = spread(this.#linking.hashOf(p)) & (this.#first.length - 1);
    this.#linking.link(p, this.#first[b]!);
    this.#first[b] = p;
  }

  #grow(): void {
    const all = [...this.all()];
    this.#first = new Int32Array(this.#first.length * 2);
    for (const p of all) this.#put(p);
  }
}

const spread = (hash: number): number => hash ^ (hash >>> 16);
