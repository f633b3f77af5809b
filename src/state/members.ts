import type { Section } from './image.ts';

/**
 * Which records of a heap are of one kind: a bit for each of its units. A hash over records need not be in an image, and rarely could be in a small one, since
 * what changes lies everywhere in it; it is made anew from its members.
 */
export class Members {
  #bits = new Uint8Array(0);
  #dirty = new Uint8Array(0);
  /** Bytes a page, as a power of two. */
  readonly #shift: number;

  /** `pageBytes`: a power of two. */
  constructor(pageBytes: number) { this.#shift = Math.log2(pageBytes); }

  add(p: number): void {
    const byte = p >> 3;
    if (byte >= this.#bits.length) this.#grow(byte);
    this.#bits[byte]! |= 1 << (p & 7);
    this.#dirty[byte >> this.#shift] = 1;
  }

  remove(p: number): void {
    this.#bits[p >> 3]! &= ~(1 << (p & 7));
    this.#dirty[p >> 3 >> this.#shift] = 1;
  }

  /** In order of their places. */
  *all(): Iterable<number> {
    const bits = this.#bits;
    for (let byte = 0; byte < bits.length; byte++) {
      for (let left = bits[byte]!; left !== 0; left &= left - 1) yield 8 * byte + 31 - Math.clz32(left & -left);
    }
  }

  /** Those to which none of them points: the first of their chains, where `next` (0: none) links each to at most one. */
  heads(next: (p: number) => number): number[] {
    const followers = new Uint8Array(this.#bits.length);
    for (const p of this.all()) {
      const n = next(p);
      followers[n >> 3]! |= 1 << (n & 7);
    }
    const heads: number[] = [];
    for (const p of this.all()) if ((followers[p >> 3]! & (1 << (p & 7))) === 0) heads.push(p);
    return heads;
  }

  // --- images -----------------------------------------------------------------------------------------------------------------------------------

  /** As Heap.section. */
  section(name: string, all = false): Section {
    const changed = new Map<number, Uint8Array>();
    const size = 1 << this.#shift;
    const pages = this.#bits.length >> this.#shift;
    for (let page = 0; page < pages; page++) {
      if (!all && this.#dirty[page] === 0) continue;
      changed.set(page, this.#bits.slice(page * size, (page + 1) * size));
      if (!all) this.#dirty[page] = 0;
    }
    return { name, pages, changed };
  }

  load(pages: readonly Uint8Array[]): void {
    this.#bits = new Uint8Array(pages.reduce((n, page) => n + page.length, 0));
    let at = 0;
    for (const page of pages) { this.#bits.set(page, at); at += page.length; }
    this.#dirty = new Uint8Array(this.#bits.length >> this.#shift);
  }

  markDirty(pages: Iterable<number>): void { for (const page of pages) this.#dirty[page] = 1; }
  markAllDirty(): void { this.#dirty.fill(1); }

  #grow(byte: number): void {
    let length = Math.max(1 << this.#shift, 2 * this.#bits.length);
    while (length <= byte) length *= 2;
    const bits = new Uint8Array(length);
    bits.set(this.#bits);
    this.#bits = bits;
    const dirty = new Uint8Array(length >> this.#shift).fill(1);
    dirty.set(this.#dirty);
    this.#dirty = dirty;
  }
}
