/**
 * The engine's memory: records of typed-array cells in one growing buffer, handed out in multiples of 8 bytes from free lists by size.
 * A record is named by its unit index `p` (8-byte units): its integers are `i32[2p], i32[2p+1], …`, its floats `f64[p], f64[p+1], …`.
 * 0 is no record.
 *
 * Pages carry a dirty mark, so that a checkpoint copies what changed only. That no write forgets its mark is a matter of types: `i32`, `f64` and `u8`
 * are for reading; who writes a record asks for the cells with `ints(p)` or `floats(p)`, which mark its page. A record of up to half a page
 * lies on one page; where a larger one is written after it was made, `touch` marks what is written beyond its first cells.
 *
 * The views move when the buffer grows: read them afresh after anything that may allocate.
 */
import type { Section } from './image.ts';

/** Of a page in images; with every record apart. */
export const PAGE_BYTES = 1 << 16;
export const APART_BYTES = 1 << 10;
const SMALL = 64; // sizes up to this many units have a free list each; larger ones one for every quarter of a power of two
/** Units of a large record that are sure to lie on its first page. */
const FIRST = 16;

/** Cells to read. */
export interface Ints { readonly [cell: number]: number; readonly length: number }
export interface Floats { readonly [cell: number]: number; readonly length: number; slice(from: number, to: number): Float64Array }
export interface Bytes { readonly [cell: number]: number; readonly length: number; subarray(from: number, to: number): Uint8Array }

/** What a heap is besides its cells; JSON. */
export interface HeapRoot { readonly top: number; readonly used: number; readonly free: readonly number[] }

export class Heap {
  i32: Ints;
  f64: Floats;
  u8: Bytes;
  #i32: Int32Array;
  #f64: Float64Array;
  #u8: Uint8Array;
  /** One mark a page. */
  #dirty: Uint8Array;
  /** Units a page, as a power of two. */
  readonly #shift: number;
  /** Records of up to this many units are as large as they are asked for. */
  readonly #small: number;
  #top = 1;
  #free: Int32Array = new Int32Array(SMALL + 1 + 4 * 32);
  #used = 0;
  /** Units of shared records that were made, less those given back, since the heap was made or loaded. */
  #shared = 0;

  /** `apart`: every record has pages of its own, of 1 KiB: for tests, where a write that is not marked is to show in the next image. */
  constructor(units = 1 << 16, apart = false) {
    this.#shift = Math.log2(apart ? APART_BYTES : PAGE_BYTES) - 3;
    this.#small = apart ? 0 : SMALL;
    if (apart) this.#top = 1 << this.#shift;
    const buffer = new ArrayBuffer(units * 8);
    this.i32 = this.#i32 = new Int32Array(buffer);
    this.f64 = this.#f64 = new Float64Array(buffer);
    this.u8 = this.#u8 = new Uint8Array(buffer);
    this.#dirty = new Uint8Array((units >> this.#shift) + 1);
    this.#dirty[0] = 1; // there is record 0, which nobody writes
  }

  /** Bytes in records that are in use. */
  get bytesUsed(): number { return this.#used * 8; }
  /** Bytes of records that are no shared ones, from some beginning: what work for a rule adds and takes away is the rule's. */
  get bytesOwned(): number { return (this.#used - this.#shared) * 8; }
  /** Units of the largest record that is sure to lie on one page. */
  get whole(): number { return this.#small === 0 ? 1 << this.#shift : 1 << (this.#shift - 1); }

  /** The integers, to write those of record `p`; good until something allocates. */
  ints(p: number): Int32Array {
    this.#dirty[p >> this.#shift] = 1;
    return this.#i32;
  }

  /** The floats, to write those of record `p`; good until something allocates. */
  floats(p: number): Float64Array {
    this.#dirty[p >> this.#shift] = 1;
    return this.#f64;
  }

  /** The cells to write those of a record that was made just now: its page is marked. Good until something allocates. */
  get newInts(): Int32Array { return this.#i32; }
  get newFloats(): Float64Array { return this.#f64; }
  get newBytes(): Uint8Array { return this.#u8; }

  /** Units [from, to) are written. */
  touch(from: number, to: number): void {
    const last = (to - 1) >> this.#shift;
    for (let page = from >> this.#shift; page <= last; page++) this.#dirty[page] = 1;
  }

  /** A zeroed record of at least `units` × 8 bytes. */
  alloc(units: number): number {
    const size = units <= this.#small ? units : this.#round(units);
    const list = sizeClass(size);
    let p = this.#free[list]!;
    this.#used += size;
    if (p !== 0) {
      this.#free[list] = this.#i32[2 * p]!;
      // A loop for small records: a call of `fill` costs more than what it does.
      if (size <= SMALL) for (let i = p; i < p + size; i++) this.#f64[i] = 0;
      else this.#f64.fill(0, p, p + size);
    } else {
      p = this.#top;
      const page = 1 << this.#shift;
      const room = page - (p & (page - 1));
      if (room < (size <= page >> 1 ? size : FIRST)) {
        this.#giveBack(p, room);
        p += room;
      }
      if (p + size > this.#f64.length) this.#grow(p + size);
      this.#top = p + size;
    }
    if (size <= SMALL) this.#dirty[p >> this.#shift] = 1;
    else this.touch(p, p + size);
    return p;
  }

  /** As `alloc`, of a record that several rules may hold, so that it is counted with none. Goes by `freeShared`. */
  allocShared(units: number): number {
    const before = this.#used;
    const p = this.alloc(units);
    this.#shared += this.#used - before;
    return p;
  }

  freeShared(p: number, units: number): void {
    const before = this.#used;
    this.free(p, units);
    this.#shared += this.#used - before;
  }

  /** Gives a record back; `units` as it was asked for. */
  free(p: number, units: number): void {
    const size = units <= this.#small ? units : this.#round(units);
    this.#put(p, size);
    this.#used -= size;
  }

  // --- images -----------------------------------------------------------------------------------------------------------------------------------

  /** The pages that changed since they were last asked for; `all`: every page, and the marks stay. */
  section(name: string, all = false): Section {
    const changed = new Map<number, Uint8Array>();
    const bytes = 8 << this.#shift;
    const end = this.#top * 8;
    const pages = Math.ceil(end / bytes);
    for (let page = 0; page < pages; page++) {
      if (!all && this.#dirty[page] === 0) continue;
      changed.set(page, copyOf(this.#u8.subarray(page * bytes, Math.min(end, (page + 1) * bytes))));
      if (!all) this.#dirty[page] = 0;
    }
    return { name, pages, changed };
  }

  get root(): HeapRoot { return { top: this.#top, used: this.#used, free: [...this.#free] }; }

  /** Takes up what `section` and `root` gave; all pages are as they were saved. `reserve`: there is to be room for so many units. */
  load(root: HeapRoot, pages: readonly Uint8Array[], reserve = 0): void {
    this.#free = Int32Array.from(root.free);
    this.#top = root.top;
    this.#used = root.used;
    let units = 1 << 16;
    while (units < Math.max(this.#top, reserve)) units = larger(units);
    this.#view(new ArrayBuffer(units * 8));
    this.#dirty = new Uint8Array((units >> this.#shift) + 1);
    pages.forEach((page, i) => { this.#u8.set(page, i * (8 << this.#shift)); });
  }

  markDirty(pages: Iterable<number>): void { for (const page of pages) if (page < this.#dirty.length) this.#dirty[page] = 1; }

  markAllDirty(): void { this.touch(0, this.#top); }

  // --- room -------------------------------------------------------------------------------------------------------------------------------------

  #round(units: number): number {
    const page = 1 << this.#shift;
    return roundUp(this.#small === 0 ? (units + page - 1) & -page : units);
  }

  #put(p: number, size: number): void {
    const list = sizeClass(size);
    this.ints(p)[2 * p] = this.#free[list]!;
    this.#free[list] = p;
  }

  /** The rest of a page that the next record does not fit on. */
  #giveBack(p: number, room: number): void {
    if (p + room > this.#f64.length) return;
    this.#put(p, room <= SMALL ? room : roundDown(room));
  }

  #grow(needed: number): void {
    let units = this.#f64.length;
    while (units < needed) units = larger(units);
    const old = this.#u8;
    this.#view(new ArrayBuffer(units * 8));
    this.#u8.set(old);
    const dirty = new Uint8Array((units >> this.#shift) + 1);
    dirty.set(this.#dirty);
    this.#dirty = dirty;
  }

  #view(buffer: ArrayBuffer): void {
    this.u8 = this.#u8 = new Uint8Array(buffer);
    this.i32 = this.#i32 = new Int32Array(buffer);
    this.f64 = this.#f64 = new Float64Array(buffer);
  }
}

/** A copy in memory that is not zeroed first. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer);
  copy.set(bytes);
  return copy;
}

/**
 * To 32 MiB at once from the half MiB that a state begins with: what is not written takes no memory, and what is copied is written twice. Then by two; by a quarter
 * once large, so that a big state does not double its memory at once.
 */
function larger(units: number): number {
  return units < 1 << 22 ? 1 << 22 : units < 1 << 25 ? units * 2 : Math.ceil(units * 1.25);
}

// All in whole numbers: V8 keeps a number that came of a division as a float, and with it every place and size that is reckoned from it, for good.

/** The next size of the form (4..7) × 2^k. */
function roundUp(units: number): number {
  const bits = 29 - Math.clz32(units - 1);
  return ((units + (1 << bits) - 1) >> bits) << bits;
}

/** The size of that form before it. */
function roundDown(units: number): number {
  const bits = 29 - Math.clz32(units);
  return (units >> bits) << bits;
}

function sizeClass(size: number): number {
  if (size <= SMALL) return size;
  const log = 31 - Math.clz32(size);
  return SMALL + 1 + 4 * (log - 5) + ((size >> (log - 2)) & 3);
}
