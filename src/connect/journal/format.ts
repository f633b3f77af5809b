import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** What is put into a journal. */
export interface JournalRecord {
  /** ms since the epoch; NaN: it has none. */
  readonly time: number;
  /** What goes with the bytes: event type, topic, headers. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

export interface JournalEntry extends JournalRecord {
  readonly offset: number;
}

/**
 * A segment is a header, then records, all little-endian:
 *
 *     header: "ALCJNL" 0 1 | f64 offset of the first record
 *     record: u32 length of the body | u32 crc32 of the body | body
 *     body:   f64 offset | f64 time | u32 length of the attributes | attributes (JSON) | value
 */
export const HEADER_BYTES = 16;
const MAGIC = Buffer.from('ALCJNL\0\x01', 'latin1');
const FRAME_BYTES = 8;
const BODY_HEAD_BYTES = 20;
/** A length beyond this is no length. */
const MAX_BODY = 1 << 30;
const CHUNK = 1 << 18;
const NO_ATTRIBUTES: Readonly<Record<string, string>> = {};

export function segmentHeader(base: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeDoubleLE(base, 8);
  return header;
}

/** The offset of the segment's first record; undefined: these bytes are no header. */
export function readHeader(bytes: Buffer): number | undefined {
  return bytes.length >= HEADER_BYTES && bytes.subarray(0, 8).equals(MAGIC) ? bytes.readDoubleLE(8) : undefined;
}

/** A record ready to be written but for its offset. */
export interface Prepared {
  readonly time: number;
  readonly attributes: Buffer;
  readonly value: Uint8Array;
  /** Bytes it takes in a segment. */
  readonly size: number;
}

export function prepare(record: JournalRecord): Prepared {
  let empty = true;
  for (const _ in record.attributes) empty = false;
  const attributes = empty ? Buffer.alloc(0) : Buffer.from(JSON.stringify(record.attributes));
  return { time: record.time, attributes, value: record.value, size: FRAME_BYTES + BODY_HEAD_BYTES + attributes.length + record.value.length };
}

/** The bytes of records that follow each other from an offset on. */
export function encodeRecords(records: readonly Prepared[], first: number): Buffer {
  let size = 0;
  for (const record of records) size += record.size;
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (let i = 0; i < records.length; i++) {
    const { time, attributes, value, size: length } = records[i]!;
    const body = at + FRAME_BYTES;
    out.writeDoubleLE(first + i, body);
    out.writeDoubleLE(time, body + 8);
    out.writeUInt32LE(attributes.length, body + 16);
    attributes.copy(out, body + BODY_HEAD_BYTES);
    out.set(value, body + BODY_HEAD_BYTES + attributes.length);
    out.writeUInt32LE(length - FRAME_BYTES, at);
    out.writeUInt32LE(crc32(out.subarray(body, at + length)), at + 4);
    at += length;
  }
  return out;
}

/** Reads the records of one segment's file in order, up to a limit that may move. */
export class RecordScanner {
  /** Where in the file the next record begins. */
  position = HEADER_BYTES;
  readonly #file: FileHandle;
  /** The file from #at on. */
  #bytes: Buffer = Buffer.alloc(0);
  #at = HEADER_BYTES;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * The record at `position`, which has to carry this offset; undefined at the limit; `damaged` where what stands there is no whole record of that
   * offset, or its checksum is wrong. The value is a view of a buffer that is not written to again.
   */
  async next(limit: number, offset: number): Promise<JournalEntry | 'damaged' | undefined> {
    const left = limit - this.position;
    if (left <= 0) return undefined;
    if (left < FRAME_BYTES || !(await this.#have(FRAME_BYTES, limit))) return 'damaged';
    let start = this.position - this.#at;
    const length = this.#bytes.readUInt32LE(start);
    if (length < BODY_HEAD_BYTES || length > MAX_BODY || FRAME_BYTES + length > left) return 'damaged';
    if (!(await this.#have(FRAME_BYTES + length, limit))) return 'damaged';
    start = this.position - this.#at;
    const body = this.#bytes.subarray(start + FRAME_BYTES, start + FRAME_BYTES + length);
    if (crc32(body) !== this.#bytes.readUInt32LE(start + 4)) return 'damaged';
    const attributesEnd = BODY_HEAD_BYTES + body.readUInt32LE(16);
    if (body.readDoubleLE(0) !== offset || attributesEnd > length) return 'damaged';
    const attributes = attributesEnd === BODY_HEAD_BYTES ? NO_ATTRIBUTES
      : JSON.parse(body.toString('utf8', BODY_HEAD_BYTES, attributesEnd)) as Record<string, string>;
    this.position += FRAME_BYTES + length;
    return { offset, time: body.readDoubleLE(8), attributes, value: body.subarray(attributesEnd) };
  }

  /** Sees to it that so many bytes from `position` on are in memory. */
  async #have(count: number, limit: number): Promise<boolean> {
    const held = this.#at + this.#bytes.length - this.position;
    if (held >= count) return true;
    const wanted = Math.min(Math.max(count, CHUNK), limit - this.position);
    const bytes = Buffer.allocUnsafeSlow(wanted);
    // What is given out may still refer to the old buffer: a new one for each chunk.
    this.#bytes.copy(bytes, 0, this.position - this.#at);
    let end = held;
    while (end < wanted) {
      const { bytesRead } = await this.#file.read(bytes, end, wanted - end, this.position + end);
      if (bytesRead === 0) break;
      end += bytesRead;
    }
    this.#bytes = bytes.subarray(0, end);
    this.#at = this.position;
    return end >= count;
  }
}
