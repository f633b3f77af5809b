import { Batch } from '../../core/batch.ts';
import type { Strings } from '../../core/strings.ts';
import type { EventReader } from './reader.ts';

interface Head {
  readonly reader: EventReader;
  batch: Batch | undefined;
  /** The next row of its batch. */
  row: number;
  ended: boolean;
}

/**
 * Several inputs as one, by event time; of events with equal times, that of the reader listed first comes first. Each reader's own order is kept, so that
 * what is out of order in one stays so. A batch holds rows of one reader only. The readers share one table of strings; there is at least one reader.
 */
export function mergeByTime(readers: readonly EventReader[]): EventReader {
  return readers.length === 1 ? readers[0]! : new MergedReader(readers);
}

class MergedReader implements EventReader {
  readonly name: string;
  readonly strings: Strings;
  readonly #heads: Head[];
  readonly #release: () => void;

  constructor(readers: readonly EventReader[]) {
    this.name = readers.map((reader) => reader.name).join(', ');
    this.#heads = readers.map((reader) => ({ reader, batch: undefined, row: 0, ended: false }));
    this.strings = readers[0]!.strings;
    this.#release = this.strings.addHolder((keep) => this.#hold(keep));
  }

  get bytesRead(): number {
    return this.#heads.reduce((sum, head) => sum + head.reader.bytesRead, 0);
  }

  get bytesTotal(): number | undefined {
    return this.#heads.reduce<number | undefined>(
      (sum, { reader }) => (sum === undefined || reader.bytesTotal === undefined ? undefined : sum + reader.bytesTotal), 0);
  }

  async read(batch: Batch): Promise<number> {
    batch.count = 0;
    for (const head of this.#heads) await refill(head, batch);
    const first = this.#first();
    if (first === undefined) return 0;
    const from = first.batch!;
    // The first head goes on until another one's next event is earlier (or as early, and listed before).
    const rank = this.#heads.indexOf(first);
    let bound = Infinity;
    let inclusive = true;
    this.#heads.forEach((head, index) => {
      if (head === first || head.ended) return;
      const time = head.batch!.time[head.row]!;
      if (time < bound) {
        bound = time;
        inclusive = index > rank;
      } else if (time === bound && index < rank) {
        inclusive = false;
      }
    });
    const start = first.row;
    let end = start + 1;
    const limit = Math.min(from.count, start + batch.capacity);
    while (end < limit && (from.time[end]! < bound || (inclusive && from.time[end] === bound))) end++;
    copyRows(from, start, end, batch);
    first.row = end;
    return batch.count;
  }

  async close(): Promise<void> {
    this.#release();
    for (const head of this.#heads) await head.reader.close();
  }

  /** The strings of rows that are decoded and not yet given out: the engine may sweep the table between two reads. */
  #hold(keep: (value: number) => void): void {
    for (const { batch, row } of this.#heads) {
      if (batch === undefined) continue;
      for (const column of batch.columns) for (let i = row; i < batch.count; i++) keep(column[i]!);
    }
  }

  /** The head whose next event comes first. */
  #first(): Head | undefined {
    let first: Head | undefined;
    for (const head of this.#heads) {
      if (!head.ended && (first === undefined || head.batch!.time[head.row]! < first.batch!.time[first.row]!)) first = head;
    }
    return first;
  }
}

/** Makes sure that a head has a next event, unless its reader has ended. */
async function refill(head: Head, like: Batch): Promise<void> {
  if (head.ended || (head.batch !== undefined && head.row < head.batch.count)) return;
  head.batch ??= new Batch(like.columns.length, like.capacity);
  head.row = 0;
  if ((await head.reader.read(head.batch)) === 0) head.ended = true;
}

function copyRows(from: Batch, start: number, end: number, to: Batch): void {
  const count = end - start;
  to.bytes = from.bytes;
  to.source = from.source;
  to.partition = from.partition;
  for (let i = 0; i < count; i++) {
    to.type[i] = from.type[start + i]!;
    to.time[i] = from.time[start + i]!;
    to.from[i] = from.from[start + i]!;
    to.to[i] = from.to[start + i]!;
    to.offset[i] = from.offset[start + i]!;
  }
  for (let slot = 0; slot < to.columns.length; slot++) {
    const source = from.columns[slot]!;
    const target = to.columns[slot]!;
    for (let i = 0; i < count; i++) target[i] = source[start + i]!;
  }
  to.count = count;
}
