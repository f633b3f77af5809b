/** From the records of one source to a batch of events for one engine; what cannot be read is rejected with its reason and bytes. */
import type { Batch } from '../core/batch.ts';
import type { Schema } from '../core/schema.ts';
import type { RecordBatch } from '../connect/types.ts';
import { mapSchema } from '../connect/files/index.ts';
import { isoTime, makeDecoder, type Decoder } from '../decode/index.ts';
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
}

const LINE_FEED = 10;
const SPACE = 32;
const NONE = new Uint8Array(0);

export class Intake {
  readonly batch: Batch;
  readonly #options: IntakeOptions;
  readonly #schema: Schema;
  readonly #engine: Engine;
  readonly #decoders = new Map<string, Decoder>();
  readonly #onReject: (rejected: Rejected) => void;
  #bytes = new Uint8Array(64 * 1024);

  constructor(engine: Engine, options: IntakeOptions, onReject: (rejected: Rejected) => void) {
    this.#engine = engine;
    this.#options = options;
    this.#schema = mapSchema(engine.schema, mapFor(engine.schema, options.map));
    this.batch = engine.newBatch(1024);
    this.#onReject = onReject;
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
    const type = records.type?.(from) ?? this.#options.type;
    let to = from;
    let length = 0;
    while (to < records.count && to - from < batch.capacity) {
      if (to > from && records.type !== undefined && (records.type(to) ?? this.#options.type) !== type) break;
      length += (records.values[to]?.length ?? 0) + 1;
      to++;
    }
    const decoder = this.#decoderFor(type);
    if (decoder === undefined) {
      for (let i = from; i < to; i++) this.#reject(records, i, 'unknown-type', `the rules have no event type "${type}"`);
      return to;
    }
    // One line a record, so that the decoder can take them all in one go; a line feed within JSON text is no more than space.
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(2 * length);
    const bytes = this.#bytes;
    let at = 0;
    for (let i = from; i < to; i++) {
      const value = records.values[i]!;
      if (value === null || value.length === 0) {
        this.#reject(records, i, 'no-value', value === null ? 'the record has no value' : 'the value is empty');
        bytes[at++] = LINE_FEED;
        continue;
      }
      bytes.set(value, at);
      for (let feed = bytes.indexOf(LINE_FEED, at); feed >= 0 && feed < at + value.length; feed = bytes.indexOf(LINE_FEED, feed + 1)) bytes[feed] = SPACE;
      at += value.length;
      bytes[at++] = LINE_FEED;
    }
    decoder.line = 1;
    decoder.decodeLines(bytes, 0, at, batch, (reject) => { this.#reject(records, from + reject.line - 1, reject.reason, reject.message); });
    this.#place(records, from, now);
    return to;
  }

  /** Offsets and times by the records; events too far ahead of their arrival go. */
  #place(records: RecordBatch, from: number, now: number): void {
    const { batch } = this;
    const { time: origin, ahead } = this.#options;
    let kept = 0;
    for (let row = 0; row < batch.count; row++) {
      const i = from + batch.offset[row]! - 1;
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
    this.#onReject({ reason, message, source: this.#options.source, stream: records.stream, offset: records.offsets[i]!, bytes: records.values[i] ?? NONE });
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
