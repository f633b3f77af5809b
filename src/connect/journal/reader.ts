import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { RecordScanner } from './format.ts';
import type { JournalEntry } from './format.ts';
import type { Segment } from './segments.ts';

/** What a reader sees of its journal. */
export interface Readable {
  /** The segment that holds the offset, or the first one behind it; undefined: there is none. */
  segmentAt(offset: number): Segment | undefined;
  /** The segment after this one. */
  segmentAfter(segment: Segment): Segment | undefined;
}

/** Reads a journal's records in order from an offset on. */
export class JournalReader {
  /** Offset of the record that comes next. */
  offset: number;
  readonly #journal: Readable;
  #segment: Segment | undefined;
  #file: FileHandle | undefined;
  #scanner: RecordScanner | undefined;

  constructor(journal: Readable, from: number) {
    this.#journal = journal;
    this.offset = from;
  }

  /**
   * The next records, at most so many and about so many bytes; none: this is the end for now. Offsets jump where records were trimmed. Throws where a
   * record is damaged, with the file and the place.
   */
  async next(maxRecords: number, maxBytes: number): Promise<readonly JournalEntry[]> {
    const entries: JournalEntry[] = [];
    let bytes = 0;
    while (entries.length < maxRecords && bytes < maxBytes) {
      const scanner = this.#scanner ?? await this.#open();
      if (scanner === undefined) break;
      const segment = this.#segment!;
      // Records this reader was asked to pass over are read and checked like others.
      const entry = await scanner.next(segment.bytes, this.offset);
      if (entry === 'damaged') {
        throw new Error(`record ${this.offset} of the journal is damaged (${segment.path}, byte ${scanner.position}); the job stops, because it would lose records. `
          + 'Look at the disk; to go on without the rest of this file, move it away and start again.');
      }
      if (entry === undefined) {
        const after = this.#journal.segmentAfter(segment);
        if (after === undefined) break;
        await this.close();
        this.offset = Math.max(this.offset, after.base);
        continue;
      }
      this.offset++;
      entries.push(entry);
      bytes += entry.value.length + 64;
    }
    return entries;
  }

  async close(): Promise<void> {
    this.#scanner = undefined;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #open(): Promise<RecordScanner | undefined> {
    const segment = this.#journal.segmentAt(this.offset);
    if (segment === undefined) return undefined;
    this.#file = await open(segment.path, 'r');
    const scanner = new RecordScanner(this.#file);
    const wanted = Math.max(this.offset, segment.base);
    for (let offset = segment.base; offset < wanted; offset++) {
      const entry = await scanner.next(segment.bytes, offset);
      if (entry === undefined || entry === 'damaged') break;
    }
    this.offset = wanted;
    this.#segment = segment;
    this.#scanner = scanner;
    return scanner;
  }
}
