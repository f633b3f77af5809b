import type { Batch } from '../core/batch.ts';

/** Most rows of a chunk. */
export const CHUNK_ROWS = 1024;
/** Floats before the columns of a saved chunk. */
const HEAD = 4;
/** Below this many rows a loop is faster than views for a copy of columns. */
const FEW = 24;
/** A chunk that is used again keeps so many bytes at most. */
const MOST_SPARE_BYTES = 1 << 20;

/** Rows of held events of one partition by time, those of one time by arrival: columns as those of a batch, and the bytes. */
export class Chunk {
  source = 0;
  partition = 0;
  count = 0;
  /** Rows before it have been taken out. */
  cursor = 0;
  /** Bytes in use. */
  end = 0;
  capacity: number;
  /** Its number while it lives. */
  slot = -1;
  /** Its place in the order of chunks. */
  place = -1;
  /** Changed since the last image. */
  dirty = true;
  time!: Float64Array;
  offset!: Float64Array;
  arrival!: Float64Array;
  columns!: Float64Array[];
  type!: Int32Array;
  from!: Int32Array;
  to!: Int32Array;
  bytes = new Uint8Array(0);
  readonly #slots: number;

  constructor(slots: number, rows: number) {
    this.#slots = slots;
    this.capacity = 0;
    this.#resize(rows);
  }

  get left(): number { return this.count - this.cursor; }
  get byteLength(): number { return this.capacity * (8 * (3 + this.#slots) + 12) + this.bytes.length; }

  reset(source: number, partition: number): void {
    this.source = source;
    this.partition = partition;
    this.count = 0;
    this.cursor = 0;
    this.end = 0;
    this.dirty = true;
    if (this.bytes.length > MOST_SPARE_BYTES) this.bytes = new Uint8Array(0);
  }

  /** Rows of a batch behind those there are; row 0 of the batch is the `arrivals`th event to come. */
  append(batch: Batch, rows: Int32Array, from: number, to: number, arrivals: number): void {
    const n = to - from;
    if (this.count + n > this.capacity) this.#resize(this.count + n);
    this.dirty = true;
    const first = rows[from]!;
    if (n >= FEW && rows[to - 1]! - first === n - 1 && this.#appendRange(batch, first, first + n, arrivals)) return;
    for (let i = from; i < to; i++) {
      const row = rows[i]!;
      const at = this.count++;
      this.time[at] = batch.time[row]!;
      this.offset[at] = batch.offset[row]!;
      this.arrival[at] = arrivals + row;
      this.type[at] = batch.type[row]!;
      this.#appendBytes(at, batch.bytes, batch.from[row]!, batch.to[row]!);
    }
    const { count } = this;
    for (let slot = 0; slot < this.columns.length; slot++) {
      const column = batch.columns[slot]!;
      const own = this.columns[slot]!;
      for (let i = from; i < to; i++) own[count - to + i] = column[rows[i]!]!;
    }
  }

  /** Rows that lie side by side, whose bytes do too: false where they do not. */
  #appendRange(batch: Batch, first: number, after: number, arrivals: number): boolean {
    const { from, to, time } = batch;
    let used = 0;
    for (let row = first; row < after; row++) {
      used += to[row]! - from[row]!;
      if (row > first && (from[row]! < to[row - 1]! || time[row]! < time[row - 1]!)) return false;
    }
    const start = from[first]!;
    const length = to[after - 1]! - start;
    if (length > used + (used >> 2) + 4096) return false;
    const at = this.count;
    copy(this.time, at, time, first, after);
    copy(this.offset, at, batch.offset, first, after);
    copy(this.type, at, batch.type, first, after);
    for (let slot = 0; slot < this.columns.length; slot++) copy(this.columns[slot]!, at, batch.columns[slot]!, first, after);
    this.#room(length);
    this.bytes.set(batch.bytes.subarray(start, start + length), this.end);
    const move = this.end - start;
    for (let row = first; row < after; row++) {
      this.from[at + row - first] = from[row]! + move;
      this.to[at + row - first] = to[row]! + move;
      this.arrival[at + row - first] = arrivals + row;
    }
    this.end += length;
    this.count += after - first;
    return true;
  }

  /** What is left of two chunks, in order. */
  merge(a: Chunk, b: Chunk): void {
    this.#resize(a.left + b.left);
    let i = a.cursor;
    let k = b.cursor;
    while (i < a.count || k < b.count) {
      const fromA = k === b.count || (i < a.count && (a.time[i]! < b.time[k]! || (a.time[i] === b.time[k] && a.arrival[i]! < b.arrival[k]!)));
      if (fromA) this.#take(a, i++);
      else this.#take(b, k++);
    }
  }

  /** All rows as bytes, also those taken out: what is saved changes with additions only. */
  save(): Uint8Array {
    const n = this.count;
    const floats = [this.time, this.offset, this.arrival, ...this.columns];
    const out = new Uint8Array(8 * (HEAD + floats.length * n) + 12 * n + this.end);
    const f64 = new Float64Array(out.buffer, 0, HEAD + floats.length * n);
    f64.set([n, this.end, this.source, this.partition]);
    floats.forEach((column, i) => { f64.set(column.subarray(0, n), HEAD + i * n); });
    const i32 = new Int32Array(out.buffer, f64.byteLength, 3 * n);
    [this.type, this.from, this.to].forEach((column, i) => { i32.set(column.subarray(0, n), i * n); });
    out.set(this.bytes.subarray(0, this.end), f64.byteLength + i32.byteLength);
    return out;
  }

  /** Takes up what `save` gave. */
  load(saved: Uint8Array): void {
    const { buffer } = new Uint8Array(saved); // aligned, and its own
    const [n, end, source, partition] = new Float64Array(buffer, 0, HEAD) as unknown as [number, number, number, number];
    this.reset(source, partition);
    this.#resize(n);
    const floats = 3 + this.#slots;
    const f64 = new Float64Array(buffer, 8 * HEAD, floats * n);
    [this.time, this.offset, this.arrival, ...this.columns].forEach((column, i) => { column.set(f64.subarray(i * n, (i + 1) * n)); });
    const i32 = new Int32Array(buffer, 8 * (HEAD + floats * n), 3 * n);
    [this.type, this.from, this.to].forEach((column, i) => { column.set(i32.subarray(i * n, (i + 1) * n)); });
    this.bytes = new Uint8Array(buffer, 8 * (HEAD + floats * n) + 12 * n, end);
    this.count = n;
    this.end = end;
  }

  #take(other: Chunk, row: number): void {
    const at = this.count++;
    this.time[at] = other.time[row]!;
    this.offset[at] = other.offset[row]!;
    this.arrival[at] = other.arrival[row]!;
    this.type[at] = other.type[row]!;
    for (let slot = 0; slot < this.columns.length; slot++) this.columns[slot]![at] = other.columns[slot]![row]!;
    this.#appendBytes(at, other.bytes, other.from[row]!, other.to[row]!);
  }

  #appendBytes(at: number, bytes: Uint8Array, from: number, to: number): void {
    this.#room(to - from);
    const { end } = this;
    const own = this.bytes;
    if (to - from > 256) own.set(bytes.subarray(from, to), end);
    else for (let i = from; i < to; i++) own[end + i - from] = bytes[i]!;
    this.from[at] = end;
    this.to[at] = this.end = end + to - from;
  }

  /** Makes room for more bytes. */
  #room(more: number): void {
    if (this.end + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.end + more, 2 * this.bytes.length, 1024));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
  }

  /** Makes room for so many rows. */
  #resize(rows: number): void {
    let capacity = Math.max(16, this.capacity);
    while (capacity < rows) capacity *= 2;
    if (capacity === this.capacity) return;
    this.capacity = capacity;
    const floats = (old: Float64Array | undefined): Float64Array => { const made = new Float64Array(capacity); if (old !== undefined) made.set(old); return made; };
    const ints = (old: Int32Array | undefined): Int32Array => { const made = new Int32Array(capacity); if (old !== undefined) made.set(old); return made; };
    this.time = floats(this.time);
    this.offset = floats(this.offset);
    this.arrival = floats(this.arrival);
    this.columns = Array.from({ length: this.#slots }, (_, slot) => floats(this.columns?.[slot]));
    this.type = ints(this.type);
    this.from = ints(this.from);
    this.to = ints(this.to);
  }
}

function copy<T extends Float64Array | Int32Array>(into: T, at: number, from: T, first: number, after: number): void {
  into.set(from.subarray(first, after), at);
}
