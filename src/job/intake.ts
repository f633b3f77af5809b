/** From the records of one source to a batch of events for one engine; what cannot be read is rejected with its reason and bytes. */
import type { Batch } from '../core/batch.ts';
import type { Schema } from '../core/schema.ts';
import type { RecordBatch } from '../connect/types.ts';
import { mapSchema } from '../connect/files/index.ts';
import { Expander, isoTime, makeDecoder, type Decoder, type Reject } from '../decode/index.ts';
import type { Engine } from '../engine/index.ts';
import type { TimeOrigin } from './config/index.ts';

export interface IntakeOptions {
  readonly source: string;
  /** Index of the source, which orders events of equal times. */
  readonly index: number;
  readonly typeField: string;
  /** The type of every event, whatever it says. */
  readonly type: string | undefined;
  readonly time: TimeOrigin;
  /** Events later than their record's arrival by more than this, ms, are rejected. */
  readonly ahead: number;
  readonly map: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface Rejected {
  readonly reason: string;
  readonly message: string;
  readonly source: string;
  readonly stream: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Counts the rejected elements of one record's lists, from 1; 0: the record itself is rejected. */
  readonly element: number;
}

const LINE_FEED = 10;
const SPACE = 32;
/** Bytes the decoder wants behind what it reads fast. */
const SLACK = 64;
/** Bytes of a record in one piece of memory, on average, above which the values are copied one by one. */
const MOST_BETWEEN = 4096;
const NONE = new Uint8Array(0);

export class Intake {
  /** What `take` decodes to. */
  readonly batch: Batch;
  readonly #expander: Expander;
  /** By row: the latest event time that is not in the future. */
  readonly #latest: Float64Array;
  #stream = '';
  #elements = { offset: -1, count: 0 };
  readonly #options: IntakeOptions;
  readonly #schema: Schema;
  readonly #engine: Engine;
  readonly #decoders = new Map<string, Decoder>();
  readonly #onReject: (rejected: Rejected) => void;
  #bytes = new Uint8Array(64 * 1024);
  readonly #starts: Int32Array;
  #refused: Reject | undefined;
  readonly #refuse = (reject: Reject): void => { this.#refused = reject; };

  constructor(engine: Engine, options: IntakeOptions, onReject: (rejected: Rejected) => void) {
    this.#engine = engine;
    this.#options = options;
    this.#schema = mapSchema(engine.schema, mapFor(engine.schema, options.map));
    this.batch = engine.newBatch(1024);
    this.#latest = new Float64Array(this.batch.capacity);
    this.#expander = new Expander(engine.plan.each, {
      schema: this.#schema, strings: engine.strings, tables: engine.tables,
      onReject: ({ reason, message }, row, bytes) => {
        const offset = this.batch.offset[row]!;
        this.#elements = { offset, count: offset === this.#elements.offset ? this.#elements.count + 1 : 1 };
        onReject({ reason, message, source: options.source, stream: this.#stream, offset, bytes: bytes.slice(), element: this.#elements.count });
      },
    });
    this.#starts = new Int32Array(this.batch.capacity);
    this.#onReject = onReject;
  }

  /** What `take` has decoded, with the events that are made of its lists. Once each time; valid until the next `take`. */
  events(): Batch {
    this.#elements = { offset: -1, count: 0 };
    return this.#expander.expand(this.batch, this.#latest);
  }

  /**
   * Decodes records from `from` on into `batch` until it is full or the type that something outside the values says changes. Returns the record to go
   * on with. `now`: the clock, ms.
   */
  take(records: RecordBatch, from: number, now: number): number {
    const { batch } = this;
    batch.count = 0;
    batch.source = this.#options.index;
    batch.partition = records.partition;
    this.#stream = records.stream;
    const type = records.type?.(from) ?? this.#options.type;
    let to = Math.min(records.count, from + batch.capacity);
    if (records.type !== undefined) {
      const last = to;
      for (to = from + 1; to < last && (records.type(to) ?? this.#options.type) === type;) to++;
    }
    const decoder = this.#decoderFor(type);
    if (decoder === undefined) {
      for (let i = from; i < to; i++) this.#reject(records, i, 'unknown-type', `the rules have no event type "${type}"`);
      return to;
    }
    const starts = this.#layOut(records, from, to);
    for (let i = from; i < to; i++) {
      const value = records.values[i]!;
      if (value === null || value.length === 0) this.#reject(records, i, 'no-value', value === null ? 'the record has no value' : 'the value is empty');
      else this.#decode(decoder, starts[i - from]!, starts[i - from]! + value.length, records, from, i);
    }
    this.#place(records, from, now);
    return to;
  }

  /** Decodes an event that the engine held back once more, for fields that no rule read before. False: it is none of its type any more. */
  again(batch: Batch, row: number): boolean {
    const from = batch.from[row]!;
    const length = batch.to[row]! - from;
    const decoder = this.#decoderFor(this.#schema.types[batch.type[row]!]!.name);
    if (decoder === undefined) return false;
    this.#room(length + 1);
    this.#bytes.set(batch.bytes.subarray(from, from + length));
    this.#bytes[length] = LINE_FEED;
    const own = this.batch;
    if (decoder.decode(this.#bytes, 0, length, own, 0) !== undefined) return false;
    batch.columns.forEach((column, slot) => { column[row] = own.columns[slot]![0]!; });
    return true;
  }

  /**
   * Copies the values of some records so that there is a byte behind each that is free. Returns where each begins. Values that lie in one piece of
   * memory, as those of a fetch do, are copied with what is between them: much faster than one by one.
   */
  #layOut(records: RecordBatch, from: number, to: number): Int32Array {
    const { values } = records;
    const starts = this.#starts;
    const memory = values[from]?.buffer;
    const base = values[from]?.byteOffset ?? 0;
    let end = base;
    let i = from;
    for (; i < to; i++) {
      const value = values[i]!;
      if (value === null || value.buffer !== memory || value.byteOffset < end) break;
      starts[i - from] = value.byteOffset - base;
      end = value.byteOffset + value.length + 1;
    }
    const length = end - base - 1;
    if (i === to && length < MOST_BETWEEN * (to - from)) {
      this.#room(length + 1);
      this.#bytes.set(new Uint8Array(memory!, base, length));
      return starts;
    }
    let at = 0;
    for (i = from; i < to; i++) at += (values[i]?.length ?? 0) + 1;
    this.#room(at);
    at = 0;
    for (i = from; i < to; i++) {
      const value = values[i]!;
      starts[i - from] = at;
      if (value !== null) this.#bytes.set(value, at);
      at += (value?.length ?? 0) + 1;
    }
    return starts;
  }

  #room(bytes: number): void {
    if (this.#bytes.length < bytes + SLACK) this.#bytes = new Uint8Array(2 * bytes + SLACK);
  }

  /** Decodes the value bytes[start, end) of record `i`, the byte behind which is free; `batch.offset` is then how many records after `from` it is. */
  #decode(decoder: Decoder, start: number, end: number, records: RecordBatch, from: number, i: number): void {
    const { batch } = this;
    const bytes = this.#bytes;
    const row = batch.count;
    while (end > start + 1 && bytes[end - 1] === LINE_FEED) end--;
    bytes[end] = LINE_FEED;
    if (!this.#decodesLine(decoder, start, end + 1)) {
      // A line feed within JSON text is no more than space.
      for (let at = start; at < end; at++) if (bytes[at] === LINE_FEED) bytes[at] = SPACE;
      batch.count = row;
      this.#decodesLine(decoder, start, end + 1);
    }
    const refused = this.#refused;
    if (batch.count === row + 1) batch.offset[row] = i - from;
    else this.#reject(records, i, refused?.reason ?? 'no-value', refused?.message ?? 'the value is blank');
  }

  /** Whether all of bytes[start, end) is one line and one event. */
  #decodesLine(decoder: Decoder, start: number, end: number): boolean {
    const { batch } = this;
    const row = batch.count;
    this.#refused = undefined;
    decoder.line = 1;
    return decoder.decodeLines(this.#bytes, start, end, batch, this.#refuse) === end && decoder.line === 2 && batch.count === row + 1;
  }

  /** Offsets and times by the records; events too far ahead of their arrival go. */
  #place(records: RecordBatch, from: number, now: number): void {
    const { batch } = this;
    const { time: origin, ahead } = this.#options;
    let kept = 0;
    for (let row = 0; row < batch.count; row++) {
      const i = from + batch.offset[row]!;
      const own = records.times[i]!;
      const arrival = Number.isNaN(own) ? now : own;
      let time = batch.time[row]!;
      if (origin.kind === 'header') {
        time = headerTime(records.header?.(i, origin.name));
        if (Number.isNaN(time)) { this.#reject(records, i, 'bad-time', `the header "${origin.name}" holds no time`); continue; }
      } else if (origin.kind === 'arrival') time = now;
      else if (origin.kind === 'record' || this.#schema.types[batch.type[row]!]!.time < 0) time = arrival;
      if (time > arrival + ahead) {
        this.#reject(records, i, 'future', `the event's time is ${Math.round((time - arrival) / 1000)} s after its arrival`);
        continue;
      }
      if (kept !== row) move(batch, row, kept);
      batch.time[kept] = time;
      this.#latest[kept] = arrival + ahead;
      batch.offset[kept++] = records.offsets[i]!;
    }
    batch.count = kept;
  }

  #decoderFor(type: string | undefined): Decoder | undefined {
    const name = type ?? '';
    let decoder = this.#decoders.get(name);
    if (decoder !== undefined) return decoder;
    const only = this.#schema.types.length === 1 ? this.#schema.types[0]!.name : undefined;
    if (type !== undefined && !this.#schema.types.some((known) => known.name === type)) return undefined;
    const fixed = type ?? only;
    decoder = makeDecoder(this.#schema, this.#engine.strings, {
      typeField: this.#options.typeField, ...(fixed !== undefined && { defaultType: fixed, checkType: type === undefined }),
    });
    this.#decoders.set(name, decoder);
    return decoder;
  }

  #reject(records: RecordBatch, i: number, reason: string, message: string): void {
    this.#onReject({ reason, message, source: this.#options.source, stream: records.stream, offset: records.offsets[i]!, bytes: records.values[i] ?? NONE, element: 0 });
  }
}

/** ms since 1970, or ISO 8601; NaN for anything else. */
function headerTime(text: string | undefined): number {
  if (text === undefined) return NaN;
  if (/^-?\d{1,16}$/.test(text)) return Number(text);
  const bytes = new TextEncoder().encode(text);
  return isoTime(bytes, 0, bytes.length);
}

/** Without the types and fields that no rule of this engine knows. */
function mapFor(schema: Schema, map: IntakeOptions['map']): Map<string, Map<string, string>> {
  const known = new Map<string, Map<string, string>>();
  for (const type of schema.types) {
    const fields = [...map.get(type.name) ?? []].filter(([name]) => type.fields.some((field) => field.name === name));
    if (fields.length > 0) known.set(type.name, new Map(fields));
  }
  return known;
}

function move(batch: Batch, from: number, to: number): void {
  batch.type[to] = batch.type[from]!;
  batch.from[to] = batch.from[from]!;
  batch.to[to] = batch.to[from]!;
  batch.time[to] = batch.time[from]!;
  for (const column of batch.columns) column[to] = column[from]!;
}
