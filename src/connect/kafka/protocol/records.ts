/** Record batches (message format 2): columns in, columns out, no object per record. */
import { crc32c } from '@platformatic/wasm-utils';
import { CODE, KafkaError } from '../errors.ts';
import type { FetchedBatch, ProducedRecord } from '../port.ts';
import { Writer } from './bytes.ts';
import { compress, decompress } from './codecs.ts';

/** Bytes of a batch before its records. */
const HEADER = 61;
/** Bytes before what the checksum covers, which ends with the batch. */
const CHECKED = 21;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const LOG_APPEND_TIME = 0x08;
const CODEC = 0x07;

export interface AbortedTransaction { readonly producerId: number; readonly firstOffset: number }

export interface Stamp {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly transactional: boolean;
  readonly codec: number;
  /** ms since the epoch, for records without a time of their own */
  readonly now: number;
}

/** One batch of records for one partition. */
export function encodeRecords(records: readonly ProducedRecord[], stamp: Stamp): Buffer {
  const first = records[0]?.time ?? stamp.now;
  let latest = first;
  const body = new Writer();
  const one = new Writer();
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    const time = record.time ?? stamp.now;
    if (time > latest) latest = time;
    one.clear();
    encodeRecord(one, record, time - first, i);
    body.varint(one.length).raw(one.finish());
  }
  const compressed = compress(stamp.codec, body.finish());
  const checked = new Writer()
    .int16(stamp.codec | (stamp.transactional ? TRANSACTIONAL : 0))
    .int32(records.length - 1).int64(first).int64(latest)
    .int64(stamp.producerId).int16(stamp.producerEpoch).int32(stamp.firstSequence)
    .int32(records.length).raw(compressed).finish();
  return new Writer().int64(0).int32(checked.length + 9).int32(-1).int8(2).uint32(crc32c(checked)).raw(checked).finish();
}

function encodeRecord(writer: Writer, record: ProducedRecord, timeDelta: number, offsetDelta: number): void {
  writer.int8(0).varint(timeDelta).varint(offsetDelta);
  for (const part of [record.key, record.value]) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    if (bytes === null) writer.varint(-1);
    else writer.varint(bytes.length).raw(bytes);
  }
  const headers = Object.entries(record.headers ?? {});
  writer.varint(headers.length);
  for (const [name, value] of headers) {
    const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
    writer.varint(nameBytes.length).raw(nameBytes).varint(valueBytes.length).raw(valueBytes);
  }
}

/** About what a record takes in a batch, before compression. */
export function sizeOf(record: ProducedRecord): number {
  let size = 24 + (record.key?.length ?? 0) * (typeof record.key === 'string' ? 3 : 1) + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers ?? {})) size += 6 + 3 * (name.length + value.length);
  return size;
}

/**
 * The records of a fetch that a reader is to see: from `from` on, without control records and, for `aborted` given, without those of aborted
 * transactions. `aborted` is the broker's list for this fetch: a producer's records are left out from its first offset to its next abort marker.
 * A batch that the fetch cut off is left out; `next` is behind the last whole one, also when nothing of it is seen. `checkCrc`: each batch is held
 * against its checksum. @throws KafkaError CORRUPT_MESSAGE
 */
export function decodeRecords(bytes: Buffer, from: number, aborted: readonly AbortedTransaction[] | undefined, checkCrc = true): RecordColumns {
  const columns = new RecordColumns(from);
  const pending = [...aborted ?? []].sort((a, b) => b.firstOffset - a.firstOffset);
  const aborting = new Set<number>();
  for (let at = 0; at + HEADER <= bytes.length;) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    if (end < at + HEADER) throw new KafkaError(CODE.CORRUPT_MESSAGE, `the batch at offset ${int64(bytes, at)} says it has ${end - at - 12} bytes`);
    if (end > bytes.length) break;
    const magic = bytes[at + 16]!;
    if (magic !== 2) throw new Error(`A topic holds records of the old message format ${magic}. Kafka 3 and later rewrite nothing: read them with a tool of that time.`);
    if (checkCrc && crc32c(bytes.subarray(at + CHECKED, end)) !== bytes.readUInt32BE(at + CHECKED - 4)) {
      throw new KafkaError(CODE.CORRUPT_MESSAGE, `the batch at offset ${int64(bytes, at)} does not agree with its checksum`);
    }
    const attributes = bytes.readInt16BE(at + 21);
    const base = int64(bytes, at);
    const last = base + bytes.readInt32BE(at + 23);
    const producerId = int64(bytes, at + 43);
    while (pending.length > 0 && pending[pending.length - 1]!.firstOffset <= last) aborting.add(pending.pop()!.producerId);
    if ((attributes & CONTROL) !== 0) {
      if (isAbortMarker(bytes, at + HEADER)) aborting.delete(producerId);
    } else if (last >= from && !((attributes & TRANSACTIONAL) !== 0 && aborting.has(producerId))) {
      const codec = attributes & CODEC;
      const records = decompress(codec, bytes.subarray(at + HEADER, end));
      const fixedTime = (attributes & LOG_APPEND_TIME) !== 0 ? int64(bytes, at + 35) : undefined;
      columns.append(records, bytes.readInt32BE(at + 57), base, int64(bytes, at + 27), fixedTime);
    }
    columns.next = Math.max(columns.next, last + 1);
    at = end;
  }
  return columns;
}

/** Columns of one fetch. The arrays are of equal length. */
export class RecordColumns {
  readonly values: (Buffer | null)[] = [];
  readonly offsets: number[] = [];
  readonly times: number[] = [];
  next: number;
  readonly #from: number;
  /** Where the key of each record begins, where its headers do, and in which bytes. */
  readonly #keysAt: number[] = [];
  readonly #headersAt: number[] = [];
  readonly #sources: Buffer[] = [];
  #keys: (Buffer | null)[] | undefined;

  constructor(from: number) {
    this.#from = from;
    this.next = from;
  }

  get count(): number {
    return this.offsets.length;
  }

  /** Made when they are first asked for: a job does without. */
  get keys(): readonly (Buffer | null)[] {
    this.#keys ??= this.#keysAt.map((at, i) => field(this.#sources[i]!, { at }));
    return this.#keys;
  }

  header(i: number, name: string): string | undefined {
    const source = this.#sources[i]!;
    const cursor = { at: this.#headersAt[i]! };
    let found: string | undefined;
    for (let left = varint(source, cursor); left > 0; left--) {
      const nameSize = varint(source, cursor);
      const same = source.toString('utf8', cursor.at, cursor.at + nameSize) === name;
      cursor.at += nameSize;
      const size = Math.max(varint(source, cursor), 0);
      if (same) found = source.toString('utf8', cursor.at, cursor.at + size);
      cursor.at += size;
    }
    return found;
  }

  append(source: Buffer, count: number, base: number, firstTime: number, fixedTime: number | undefined): void {
    const cursor = { at: 0 };
    for (let i = 0; i < count; i++) {
      const size = varint(source, cursor);
      const end = cursor.at + size;
      cursor.at += 1; // attributes, unused
      const time = firstTime + varint(source, cursor);
      const offset = base + varint(source, cursor);
      if (offset >= this.#from) {
        this.offsets.push(offset);
        this.times.push(fixedTime ?? time);
        this.#keysAt.push(cursor.at);
        const keySize = varint(source, cursor);
        if (keySize > 0) cursor.at += keySize;
        this.values.push(field(source, cursor));
        this.#headersAt.push(cursor.at);
        this.#sources.push(source);
      }
      cursor.at = end;
    }
  }
}

/** A fetched batch as the port has it. */
export function fetchedBatch(topic: string, partition: number, columns: RecordColumns, highWatermark: number): FetchedBatch {
  return {
    topic, partition, highWatermark,
    count: columns.count, get keys() { return columns.keys; }, values: columns.values, offsets: columns.offsets, times: columns.times, next: columns.next,
    header: (i, name) => columns.header(i, name),
  };
}

/** A control record's key is (version, type), 16 bits each; type 0 aborts. */
function isAbortMarker(bytes: Buffer, at: number): boolean {
  const cursor = { at };
  varint(bytes, cursor); // length
  cursor.at += 1;
  varint(bytes, cursor);
  varint(bytes, cursor);
  const size = varint(bytes, cursor);
  return size >= 4 && bytes.readInt16BE(cursor.at + 2) === 0;
}

function field(source: Buffer, cursor: { at: number }): Buffer | null {
  const size = varint(source, cursor);
  if (size < 0) return null;
  cursor.at += size;
  return source.subarray(cursor.at - size, cursor.at);
}

function varint(source: Buffer, cursor: { at: number }): number {
  let at = cursor.at;
  let byte = source[at++]!;
  let value = byte & 0x7f;
  for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
    byte = source[at++]!;
    value += (byte & 0x7f) * scale;
  }
  cursor.at = at;
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function int64(source: Buffer, at: number): number {
  return source.readInt32BE(at) * 0x1_0000_0000 + source.readUInt32BE(at + 4);
}
