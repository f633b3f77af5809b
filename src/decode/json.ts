import type { Batch } from '../core/batch.ts';
import type { Schema } from '../core/schema.ts';
import type { Strings } from '../core/strings.ts';
import { FastHelpers, KeyLookup } from './fast.ts';
import { generate, MAX_FAST_FIELDS, SLACK } from './generate.ts';
import type { FastDecode, Progress } from './generate.ts';
import type { Reject } from './reject.ts';
import { skipSpace, skipValue, stringEnd } from './scan.ts';
import { SlowDecoder } from './slow.ts';
import type { DecoderContext } from './slow.ts';

export interface DecoderOptions {
  /** The field that names an event's type; default "type". */
  readonly typeField?: string;
  /** All events are of this type, and the type field means nothing. */
  readonly defaultType?: string;
  /**
   * With `defaultType`: an event may have the type field, and must then name that type in it. It does not concern a type that declares a field
   * of that name itself.
   */
  readonly checkType?: boolean;
  /** Event time, in ms, of events whose type names no time field; default the clock. */
  readonly ingestTime?: () => number;
}

export type OnReject = (reject: Reject, bytes: Uint8Array) => void;

const LINE_FEED = 10;
const BRACE = 123;
/** How often the order of an event type's fields is learned anew. */
const MAX_GENERATIONS = 6;

/** The generated decoder of one type and how well its foresight does. */
interface Generation {
  decode: FastDecode;
  order: string;
  count: number;
  rows: number;
  missed: number;
}

/**
 * Decodes JSON text to batches: one pass over the bytes that checks the syntax of all of it and every field that the schema declares, and keeps those
 * that have a slot. It never throws on any input.
 *
 * Each event type has a decoder generated for the order its fields were first seen in; whatever that does not take goes to `SlowDecoder`, which
 * takes everything, so that both need to agree only on what the first accepts.
 */
export class Decoder {
  /** Number of the next line that `decodeLines` reads. */
  line = 1;
  readonly #context: DecoderContext;
  readonly #slow: SlowDecoder;
  readonly #helpers: FastHelpers;
  readonly #generations: (Generation | undefined)[];
  readonly #typeKey: KeyLookup;
  readonly #typeNames: KeyLookup;
  readonly #progress: Progress = { at: 0, line: 1, missed: 0 };
  /** Where single events are laid out, with a line feed behind them. */
  #scratch = new Uint8Array(1024);
  #scratchView = new DataView(this.#scratch.buffer);
  /** The bytes last given, and a view over them. */
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);

  constructor(context: DecoderContext) {
    this.#context = context;
    this.#slow = new SlowDecoder(context);
    this.#helpers = new FastHelpers(context.strings);
    this.#generations = context.schema.types.map(() => undefined);
    this.#typeKey = new KeyLookup([context.typeField]);
    this.#typeNames = new KeyLookup(context.schema.types.map((type) => type.name));
  }

  /**
   * Decodes the JSON object bytes[from, to) into a row; `batch.bytes` is to be set by the caller, and so is `offset`. Rejected: the row
   * holds nothing of use.
   */
  decode(bytes: Uint8Array, from: number, to: number, batch: Batch, row: number): Reject | undefined {
    if (this.#decodeCopy(bytes, from, to, batch, row)) return undefined;
    return this.#slow.decode(plain(bytes), from, to, batch, row);
  }

  /**
   * Adds the events of the JSON Lines bytes[from, to) to the batch until it is full or the bytes end; the last line needs no line feed, so give
   * whole lines only. Blank lines are passed over, as is a byte order mark on the first line. Rejected lines go to `onReject`. Returns the
   * place it came to. The batch refers to `bytes`.
   */
  decodeLines(bytes: Uint8Array, from: number, to: number, batch: Batch, onReject: OnReject): number {
    const b = plain(bytes);
    if (b !== this.#bytes) {
      this.#bytes = b;
      this.#view = new DataView(b.buffer, b.byteOffset, b.byteLength);
    }
    // The lines up to `end` go to generated decoders as they lie; the rest, by way of a copy that has the slack they need.
    const last = Math.min(to, b.length - SLACK) - 1;
    const lastFeed = last >= from ? b.lastIndexOf(LINE_FEED, last) : -1;
    const end = lastFeed < from ? from : lastFeed + 1;
    const progress = this.#progress;
    let row = batch.count;
    let at = from;
    batch.bytes = bytes;
    while (row < batch.capacity && at < to) {
      if (b[at] !== BRACE) {
        if (this.line === 1 && b[at] === 0xef && at + 2 < to && b[at + 1] === 0xbb && b[at + 2] === 0xbf) at += 3;
        at = skipSpace(b, at, to, true);
        if (at === to) break;
        if (b[at] === LINE_FEED) {
          at++;
          this.line++;
          continue;
        }
      }
      if (at < end && b[at] === BRACE) {
        progress.at = at;
        progress.line = this.line;
        const next = this.#decodeFast(b, this.#view, end, batch, row);
        if (next > row) {
          at = progress.at;
          this.line = progress.line;
          row = next;
          continue;
        }
      }
      const found = b.indexOf(LINE_FEED, at);
      const feed = found < 0 || found > to ? to : found;
      const stop = trimmedEnd(b, at, feed);
      if (at >= end && this.#decodeCopy(b, at, stop, batch, row)) {
        batch.offset[row++] = this.line++;
        at = Math.min(feed + 1, to);
        continue;
      }
      const reject = this.#slow.decode(b, at, stop, batch, row);
      if (reject === undefined) batch.offset[row++] = this.line;
      else onReject({ ...reject, line: this.line }, bytes);
      at = Math.min(feed + 1, to);
      this.line++;
    }
    batch.count = row;
    return at;
  }

  /** Tries the generated decoder on a copy of one event. */
  #decodeCopy(bytes: Uint8Array, from: number, to: number, batch: Batch, row: number): boolean {
    const length = to - from;
    if (length >= 1 << 16) return false;
    if (this.#scratch.length < length + 1 + SLACK) {
      this.#scratch = new Uint8Array(2 * length + SLACK);
      this.#scratchView = new DataView(this.#scratch.buffer);
    }
    const scratch = this.#scratch;
    if (length < 256) for (let i = 0; i < length; i++) scratch[i] = bytes[from + i]!;
    else scratch.set(bytes.subarray(from, to));
    scratch[length] = LINE_FEED;
    this.#progress.at = 0;
    if (this.#decodeFast(scratch, this.#scratchView, length + 1, batch, row) === row) return false;
    batch.from[row] = from + batch.from[row]!;
    batch.to[row] = from + batch.to[row]!;
    return true;
  }

  /** Has the generated decoder of the event's type take lines from `progress.at` on; returns the next row. */
  #decodeFast(b: Uint8Array, view: DataView, end: number, batch: Batch, row: number): number {
    const progress = this.#progress;
    const index = this.#context.defaultType >= 0 ? this.#context.defaultType : this.#peekType(b, progress.at, end);
    if (index < 0) return row;
    const generation = this.#generations[index] ?? this.#generate(index, b, progress.at, end);
    if (generation === undefined) return row;
    progress.missed = 0;
    const next = generation.decode(b, view, end, batch, row, progress);
    generation.rows += next - row;
    generation.missed += progress.missed;
    if (generation.missed * 4 > generation.rows && generation.rows > 200 && next > row && generation.count < MAX_GENERATIONS) {
      this.#generate(index, b, batch.from[next - 1]!, end);
    }
    return next;
  }

  /** The type that the event at `at` names, -1 if it names none that is known (or in no usual way). */
  #peekType(b: Uint8Array, at: number, end: number): number {
    let i = skipSpace(b, at, end, true);
    if (b[i] !== BRACE) return -1;
    i = skipSpace(b, i + 1, end, true);
    for (;;) {
      const key = this.#typeKey.find(b, i, end);
      if (key < 0) return -1;
      i = this.#typeKey.at;
      if (key === 1) {
        if (b[i] !== 34) return -1;
        const close = stringEnd(b, i + 1, end);
        return close < 0 ? -1 : this.#typeNames.index(b, i + 1, close - i - 2);
      }
      i = skipValue(b, i, end, true);
      if (i < 0) return -1;
      i = skipSpace(b, i, end, true);
      if (b[i] !== 44) return -1;
      i = skipSpace(b, i + 1, end, true);
    }
  }

  /** Makes the decoder of a type for the order of fields that the event at `at` has; undefined where there is none to be had. */
  #generate(index: number, b: Uint8Array, at: number, end: number): Generation | undefined {
    const { schema, typeField, defaultType, checkType, strings, ingestTime } = this.#context;
    const type = schema.types[index]!;
    if (type.fields.length > MAX_FAST_FIELDS) return undefined;
    const feed = b.indexOf(LINE_FEED, at);
    const stop = feed < 0 || feed > end ? end : feed;
    const order = this.#slow.order(b, at, stop);
    const spaced = isSpaced(b, at, stop);
    const known = this.#generations[index];
    const signature = JSON.stringify([order, spaced]);
    if (known !== undefined) {
      known.rows = known.missed = 0;
      known.count++;
      if (known.order === signature) return known;
    }
    const spec = {
      type, typeIndex: index, typeField: defaultType >= 0 && !checkType ? undefined : typeField, typeRequired: defaultType < 0, slots: schema.slots, order, spaced,
    };
    const decode = generate(spec, this.#helpers, strings, ingestTime);
    return this.#generations[index] = { decode, order: signature, count: known?.count ?? 1, rows: 0, missed: 0 };
  }
}

/** Makes a decoder for the events of a schema. Throws for a default type that the schema has not. */
export function makeDecoder(schema: Schema, strings: Strings, options: DecoderOptions = {}): Decoder {
  const { typeField = 'type', defaultType: name, checkType = false, ingestTime = Date.now } = options;
  const defaultType = name === undefined ? -1 : schema.types.findIndex((type) => type.name === name);
  if (name !== undefined && defaultType < 0) throw new Error(`there is no event type "${name}"`);
  const declared = defaultType >= 0 && schema.types[defaultType]!.fields.some((field) => field.source === typeField);
  return new Decoder({ schema, strings, typeField, defaultType, checkType: checkType && !declared, ingestTime });
}

/** The same bytes as a Uint8Array proper: code that meets Buffers too is slower for both. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether the first key of an object is followed by a colon and a blank, as some writers do. */
function isSpaced(b: Uint8Array, from: number, to: number): boolean {
  const key = b.indexOf(34, from);
  const end = key < 0 || key >= to ? -1 : stringEnd(b, key + 1, to);
  return end >= 0 && b[end] === 58 && b[end + 1] === 32;
}

function trimmedEnd(b: Uint8Array, from: number, to: number): number {
  while (to > from && (b[to - 1] === 0x0d || b[to - 1] === 0x20 || b[to - 1] === 0x09)) to--;
  return to;
}
