/**
 * Events held back until the watermark reaches them: columns of rows in *chunks*, each in the order of processing, merged when they are taken out. Events
 * that come in order so cost little more than a copy of their batch's columns, and go on in blocks as they came.
 *
 * Order (section 4 of the language): event time; then the order of sources as listed, of partitions, of arrival.
 */
import type { Batch } from '../core/batch.ts';
import { Chunk, CHUNK_ROWS } from './held-chunk.ts';

/** Bytes of events after which a chunk takes no more. */
const CHUNK_BYTES = 1 << 18;
/** How many chunks of a partition are tried for room before there is a new one. */
const TRIED = 3;
const MOST_SPARE = 16;

/** Takes rows [from, to) of a chunk, which is only lent. */
export type Process = (chunk: Chunk, from: number, to: number) => void;

export class Held {
  /** Events held. */
  count = 0;
  readonly #slots: number;
  /** By slot: a chunk keeps its own for as long as it lives, so that a checkpoint can tell which have changed. */
  readonly #chunks: (Chunk | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Slots that lost their chunk since the last image. */
  readonly #emptied = new Set<number>();
  /** A binary heap by the chunks' next rows; `chunk.place` is the index here. */
  readonly #order: Chunk[] = [];
  /** Of each partition, the oldest chunk first. */
  readonly #ofPartition = new Map<string, Chunk[]>();
  readonly #spare: Chunk[] = [];
  #arrivals = 0;
  #rows = new Int32Array(CHUNK_ROWS);

  /** `slots`: cells an event. */
  constructor(slots: number) { this.#slots = slots; }

  /** Event time of the first event to come out; Infinity: none is held. */
  get next(): number {
    const first = this.#order[0];
    return first === undefined ? Infinity : first.time[first.cursor]!;
  }

  /** Bytes of memory. */
  get byteLength(): number {
    let bytes = 0;
    for (const chunk of this.#chunks) bytes += chunk?.byteLength ?? 0;
    return bytes;
  }

  /** Holds some rows of a batch, in order of arrival; none may come before what was taken out already. */
  add(batch: Batch, rows: Int32Array, count: number): void {
    const { time } = batch;
    for (let from = 0; from < count; from += CHUNK_ROWS) {
      const to = Math.min(count, from + CHUNK_ROWS);
      let inOrder = true;
      for (let i = from + 1; i < to && inOrder; i++) inOrder = time[rows[i - 1]!]! <= time[rows[i]!]!;
      this.#addSome(batch, inOrder ? rows : this.#sorted(time, rows, from, to), inOrder ? from : 0, inOrder ? to : to - from);
    }
    this.#arrivals += batch.count;
    this.count += count;
  }

  /** Takes out what is due: events with a time below `limit`, or at it where that is included. */
  take(limit: number, inclusive: boolean, most: number, process: Process): void {
    const order = this.#order;
    while (order.length > 0) {
      const chunk = order[0]!;
      const { time, arrival, cursor } = chunk;
      const first = time[cursor]!;
      if (inclusive ? first > limit : first >= limit) return;
      // As far as nothing of another chunk comes before.
      let to = cursor + 1;
      const last = Math.min(chunk.count, cursor + most);
      const other = order.length < 2 ? undefined : order.length === 2 || before(order[1]!, order[2]!) ? order[1]! : order[2]!;
      if (other === undefined) {
        if (inclusive) while (to < last && time[to]! <= limit) to++;
        else while (to < last && time[to]! < limit) to++;
      } else {
        const bound = other.time[other.cursor]!;
        const bySource = chunk.source - other.source || chunk.partition - other.partition;
        const byArrival = other.arrival[other.cursor]!;
        while (to < last) {
          const t = time[to]!;
          if (t > bound || (t === bound && (bySource > 0 || (bySource === 0 && arrival[to]! > byArrival)))) break;
          if (inclusive ? t > limit : t >= limit) break;
          to++;
        }
      }
      chunk.cursor = to;
      this.count -= to - cursor;
      if (to === chunk.count) this.#remove(chunk);
      else this.#down(0);
      process(chunk, cursor, to);
    }
  }

  /** The cells of all held events, for the sweep of texts. */
  eachColumn(visit: (cells: Float64Array) => void): void {
    for (const chunk of this.#order) for (const column of chunk.columns) visit(column.subarray(chunk.cursor, chunk.count));
  }

  // --- images -----------------------------------------------------------------------------------------------------------------------------------

  /** A page a chunk, empty where there is none: those that changed since they were last asked for; `all`: every one, and the marks stay. */
  pages(all = false): { readonly pages: number; readonly changed: ReadonlyMap<number, Uint8Array> } {
    const changed = new Map<number, Uint8Array>();
    for (let slot = 0; slot < this.#chunks.length; slot++) {
      const chunk = this.#chunks[slot];
      if (chunk === undefined) {
        if (all || this.#emptied.has(slot)) changed.set(slot, new Uint8Array(0));
      } else if (all || chunk.dirty) {
        changed.set(slot, chunk.save());
        if (!all) chunk.dirty = false;
      }
    }
    if (!all) this.#emptied.clear();
    return { pages: this.#chunks.length, changed };
  }

  redoPages(pages: Iterable<number>): void {
    for (const slot of pages) {
      const chunk = this.#chunks[slot];
      if (chunk === undefined) this.#emptied.add(slot);
      else chunk.dirty = true;
    }
  }

  markAllDirty(): void { this.redoPages(this.#chunks.keys()); }

  /** Which chunks there are, in order, and how much of each was taken out: small, and new with every image. */
  index(): Uint8Array {
    const chunks = [...this.#ofPartition.values()].flat();
    if (chunks.length === 0 && this.#arrivals === 0) return new Uint8Array(0);
    return new Uint8Array(new Float64Array([this.#arrivals, ...chunks.flatMap((chunk) => [chunk.slot, chunk.cursor])]).buffer);
  }

  /** Takes up all pages and their index; nothing is held yet. */
  load(pages: readonly Uint8Array[], index: Uint8Array): void {
    this.#chunks.length = this.#order.length = this.#freeSlots.length = 0;
    this.#ofPartition.clear();
    this.#emptied.clear();
    this.count = 0;
    const [arrivals = 0, ...cells] = new Float64Array(new Uint8Array(index).buffer);
    this.#arrivals = arrivals;
    this.#chunks.length = pages.length;
    for (let i = 0; i < cells.length; i += 2) {
      const slot = cells[i]!;
      const chunk = new Chunk(this.#slots, 1);
      chunk.load(pages[slot]!);
      chunk.slot = slot;
      chunk.cursor = cells[i + 1]!;
      chunk.dirty = false;
      this.#chunks[slot] = chunk;
      this.count += chunk.left;
      const name = nameOf(chunk.source, chunk.partition);
      const list = this.#ofPartition.get(name);
      if (list === undefined) this.#ofPartition.set(name, [chunk]);
      else list.push(chunk);
      this.#enter(chunk);
    }
    for (let slot = pages.length - 1; slot >= 0; slot--) if (this.#chunks[slot] === undefined) this.#freeSlots.push(slot);
  }

  // --- adding -----------------------------------------------------------------------------------------------------------------------------------

  /** Row numbers [from, to) by time, those of one time as they came. */
  #sorted(time: Float64Array, rows: Int32Array, from: number, to: number): Int32Array {
    const sorted = this.#rows.subarray(0, to - from);
    sorted.set(rows.subarray(from, to));
    let moves = 0;
    for (let i = 1; i < sorted.length; i++) {
      const row = sorted[i]!;
      const t = time[row]!;
      let k = i;
      while (k > 0 && time[sorted[k - 1]!]! > t) { sorted[k] = sorted[k - 1]!; k--; }
      sorted[k] = row;
      moves += i - k;
      // Rows far out of order are for a sort that does not move them one by one.
      if (moves > 16 * sorted.length) return sorted.set(rows.subarray(from, to)), sorted.sort((a, b) => time[a]! - time[b]! || a - b);
    }
    return sorted;
  }

  /** Rows in order, at most a chunk of them. */
  #addSome(batch: Batch, rows: Int32Array, from: number, to: number): void {
    const first = batch.time[rows[from]!]!;
    const name = nameOf(batch.source, batch.partition);
    let list = this.#ofPartition.get(name);
    if (list === undefined) this.#ofPartition.set(name, list = []);
    for (let i = list.length - 1; i >= 0 && i >= list.length - TRIED; i--) {
      const chunk = list[i]!;
      if (chunk.time[chunk.count - 1]! > first || chunk.count + to - from > CHUNK_ROWS || chunk.end > CHUNK_BYTES) continue;
      chunk.append(batch, rows, from, to, this.#arrivals);
      return;
    }
    const chunk = this.#make(batch.source, batch.partition, to - from);
    chunk.append(batch, rows, from, to, this.#arrivals);
    list.push(chunk);
    this.#enter(chunk);
    // Small chunks are made one, the later ones first, so that few events at a time do not make many chunks, and no event moves often.
    while (list.length > 1) {
      const b = list[list.length - 1]!;
      const a = list[list.length - 2]!;
      if (a.left > 2 * b.left || a.left + b.left > CHUNK_ROWS || a.end + b.end > CHUNK_BYTES) break;
      const merged = this.#make(a.source, a.partition, a.left + b.left);
      merged.merge(a, b);
      list.push(merged);
      this.#enter(merged);
      this.#remove(a);
      this.#remove(b);
    }
  }

  #make(source: number, partition: number, rows: number): Chunk {
    const spare = rows * 2 > CHUNK_ROWS ? this.#spare.pop() : undefined;
    const chunk = spare ?? new Chunk(this.#slots, rows);
    chunk.reset(source, partition);
    chunk.slot = this.#freeSlots.pop() ?? this.#chunks.length;
    this.#chunks[chunk.slot] = chunk;
    this.#emptied.delete(chunk.slot);
    return chunk;
  }

  #enter(chunk: Chunk): void {
    this.#order.push(chunk);
    this.#up(this.#order.length - 1, chunk);
  }

  #remove(chunk: Chunk): void {
    const { place } = chunk;
    const last = this.#order.pop()!;
    if (last !== chunk) {
      this.#up(place, last);
      this.#down(last.place);
    }
    const name = nameOf(chunk.source, chunk.partition);
    const list = this.#ofPartition.get(name)!;
    list.splice(list.indexOf(chunk), 1);
    if (list.length === 0) this.#ofPartition.delete(name);
    this.#chunks[chunk.slot] = undefined;
    this.#freeSlots.push(chunk.slot);
    this.#emptied.add(chunk.slot);
    if (chunk.capacity === CHUNK_ROWS && this.#spare.length < MOST_SPARE) this.#spare.push(chunk);
  }

  // --- the order of chunks ------------------------------------------------------------------------------------------------------------------------

  #up(at: number, chunk: Chunk): void {
    const order = this.#order;
    let i = at;
    while (i > 0) {
      const parent = order[(i - 1) >> 1]!;
      if (!before(chunk, parent)) break;
      order[i] = parent;
      parent.place = i;
      i = (i - 1) >> 1;
    }
    order[i] = chunk;
    chunk.place = i;
  }

  #down(at: number): void {
    const order = this.#order;
    const chunk = order[at]!;
    let i = at;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= order.length) break;
      if (child + 1 < order.length && before(order[child + 1]!, order[child]!)) child++;
      if (before(chunk, order[child]!)) break;
      order[i] = order[child]!;
      order[i]!.place = i;
      i = child;
    }
    order[i] = chunk;
    chunk.place = i;
  }
}

/** Does the next row of one chunk come before that of another? */
function before(a: Chunk, b: Chunk): boolean {
  const t = a.time[a.cursor]!;
  const u = b.time[b.cursor]!;
  if (t !== u) return t < u;
  if (a.source !== b.source) return a.source < b.source;
  return a.partition !== b.partition ? a.partition < b.partition : a.arrival[a.cursor]! < b.arrival[b.cursor]!;
}

const nameOf = (source: number, partition: number): string => `${source}.${partition}`;
