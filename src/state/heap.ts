/**
 * The engine's memory: records of typed-array cells in one growing buffer, handed out in multiples of 8 bytes from free lists by size.
 * A record is named by its unit index `p` (8-byte units): its integers are `i32[2p], i32[2p+1], …`, its floats `f64[p], f64[p+1], …`.
 * 0 is no record. Pages of 64 KiB carry a dirty mark, so that a checkpoint can copy what changed only.
 *
 * The views move when the buffer grows: read `heap.i32` afresh after anything that may allocate.
 */
const PAGE_SHIFT = 13; // units of 8 bytes a page: 64 KiB
const SMALL = 64; // sizes up to this many units have a free list each; larger ones one for every quarter of a power of two

export class Heap {
  i32: Int32Array;
  f64: Float64Array;
  u8: Uint8Array;
  /** One mark a page, set when a record on it was allocated, freed or written by `touch`. */
  dirty: Uint8Array;
  #top = 1;
  #free: Int32Array = new Int32Array(SMALL + 1 + 4 * 32);
  #used = 0;

  constructor(units = 1 << 16) {
    const buffer = new ArrayBuffer(units * 8);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.dirty = new Uint8Array((units >> PAGE_SHIFT) + 1);
  }

  /** Bytes in records that are in use. */
  get bytesUsed(): number { return this.#used * 8; }

  /** A zeroed record of at least `units` × 8 bytes. */
  alloc(units: number): number {
    const size = units <= SMALL ? units : roundUp(units);
    const list = sizeClass(size);
    let p = this.#free[list]!;
    this.#used += size;
    if (p !== 0) {
      this.#free[list] = this.i32[2 * p]!;
      // A loop for small records: a call of `fill` costs more than what it does.
      if (size <= SMALL) for (let i = p; i < p + size; i++) this.f64[i] = 0;
      else this.f64.fill(0, p, p + size);
    } else {
      p = this.#top;
      if (p + size > this.f64.length) this.#grow(p + size);
      this.#top = p + size;
    }
    this.dirty[p >> PAGE_SHIFT] = 1;
    return p;
  }

  /** Gives a record back; `units` as it was asked for. */
  free(p: number, units: number): void {
    const size = units <= SMALL ? units : roundUp(units);
    const list = sizeClass(size);
    this.i32[2 * p] = this.#free[list]!;
    this.#free[list] = p;
    this.#used -= size;
    this.dirty[p >> PAGE_SHIFT] = 1;
  }

  touch(p: number): void { this.dirty[p >> PAGE_SHIFT] = 1; }

  /** Everything needed to go on in another process. */
  snapshot(): Uint8Array {
    const head = new Float64Array([this.#top, this.#used, this.#free.length]);
    const out = new Uint8Array(head.byteLength + this.#free.byteLength + this.#top * 8);
    out.set(new Uint8Array(head.buffer), 0);
    out.set(new Uint8Array(this.#free.buffer), head.byteLength);
    out.set(this.u8.subarray(0, this.#top * 8), head.byteLength + this.#free.byteLength);
    return out;
  }

  restore(bytes: Uint8Array): void {
    const copy = bytes.slice();
    const head = new Float64Array(copy.buffer, 0, 3);
    const lists = head[2]!;
    this.#free = new Int32Array(copy.slice(24, 24 + lists * 4).buffer);
    this.#top = head[0]!;
    this.#used = head[1]!;
    let units = 1 << 16;
    while (units < this.#top) units *= 2;
    const buffer = new ArrayBuffer(units * 8);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.u8.set(copy.subarray(24 + lists * 4));
    this.dirty = new Uint8Array((units >> PAGE_SHIFT) + 1).fill(1);
  }

  #grow(needed: number): void {
    let units = this.f64.length;
    // By four while small, to copy little; by two; a quarter more once large, so that a big state does not double its memory at once.
    while (units < needed) units = units < 1 << 21 ? units * 4 : units < 1 << 25 ? units * 2 : Math.ceil(units * 1.25);
    const buffer = new ArrayBuffer(units * 8);
    const u8 = new Uint8Array(buffer);
    u8.set(this.u8);
    this.u8 = u8;
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    const dirty = new Uint8Array((units >> PAGE_SHIFT) + 1);
    dirty.set(this.dirty);
    this.dirty = dirty;
  }
}

/** The next size of the form (4..7) × 2^k. */
function roundUp(units: number): number {
  const step = 2 ** (29 - Math.clz32(units - 1));
  return Math.ceil(units / step) * step;
}

function sizeClass(size: number): number {
  if (size <= SMALL) return size;
  const log = 31 - Math.clz32(size);
  return SMALL + 1 + 4 * (log - 5) + ((size >> (log - 2)) & 3);
}
