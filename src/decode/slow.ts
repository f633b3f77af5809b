import type { Schema, SchemaField, SchemaType } from '../core/schema.ts';
import type { Strings } from '../core/strings.ts';
import type { Batch } from '../core/batch.ts';
import { decodeWtf8 } from '../core/wtf8.ts';
import { badTime, checkValue, converted, outOfRange, shown, UNIT_SHIFT, withoutWrong, wrongType } from './check.ts';
import type { Fault } from './check.ts';
import { isExactInt, numberValue } from './numbers.ts';
import type { Reject, RejectReason } from './reject.ts';
import { keyEnd, skipSpace, skipValue, TOO_DEEP } from './scan.ts';
import { isoTime, MAX_TIME } from './time.ts';

/** What both decoders are told. */
export interface DecoderContext {
  readonly schema: Schema;
  readonly strings: Strings;
  readonly typeField: string;
  /** Index of the type all events have; -1: the type field says. */
  readonly defaultType: number;
  /** Events that have the type field must name the default type in it. */
  readonly checkType: boolean;
  readonly ingestTime: () => number;
}

/** Where a value lies. */
interface Place { readonly from: number; readonly to: number }

/**
 * The decoder that defines what decoding means, taken for every event that the generated one does not take: unusual layouts, escaped or
 * repeated keys, and everything that is wrong, for which it says why.
 */
export class SlowDecoder {
  readonly #context: DecoderContext;
  readonly #typeIndex: ReadonlyMap<string, number>;
  /** Names in the data that some type declares, and the type field's. */
  readonly #names: ReadonlySet<string>;

  constructor(context: DecoderContext) {
    this.#context = context;
    this.#typeIndex = new Map(context.schema.types.map((type, index) => [type.name, index]));
    this.#names = new Set([context.typeField, ...context.schema.types.flatMap((type) => type.fields.map((field) => field.source))]);
  }

  /** Decodes the JSON text bytes[from, to) into a row of the batch, all but `offset`. A rejected event leaves the row undefined. */
  decode(bytes: Uint8Array, from: number, to: number, batch: Batch, row: number): Reject | undefined {
    const places = this.#layout(bytes, from, to);
    const fault = 'reason' in places ? places : this.#fill(bytes, places, batch, row);
    if (fault !== undefined) return { reason: fault.reason, message: fault.message, line: 0, offset: from, end: to };
    batch.from[row] = from;
    batch.to[row] = to;
    return undefined;
  }

  /** The names of the fields in the order of the data, those that some type declares; empty if it is no JSON object. */
  order(bytes: Uint8Array, from: number, to: number): string[] {
    const places = this.#layout(bytes, from, to);
    return 'reason' in places ? [] : [...places.keys()];
  }

  /** Checks the syntax of the whole text and finds the fields: the last of a name counts. */
  #layout(b: Uint8Array, from: number, to: number): Map<string, Place> | Fault {
    const syntax = (at: number): Fault => syntaxFault(b, from, to, at);
    let i = skipSpace(b, from, to, false);
    if (i < to && b[i] !== 0x7b) {
      const end = skipValue(b, i, to, false);
      if (end < 0) return syntax(end);
      const rest = skipSpace(b, end, to, false);
      return rest < to ? syntax(~rest) : { reason: 'not-object', message: 'the event is JSON but not an object' };
    }
    const places = new Map<string, Place>();
    i = skipSpace(b, i + 1, to, false);
    if (i < to && b[i] === 0x7d) {
      i++;
    } else {
      for (;;) {
        const key = skipSpace(b, i, to, false);
        i = keyEnd(b, key, to, false);
        if (i < 0) return syntax(i);
        const name = keyText(b, key, i);
        const value = skipSpace(b, i, to, false);
        i = skipValue(b, value, to, false);
        if (i < 0) return syntax(i);
        if (this.#names.has(name)) places.set(name, { from: value, to: i });
        i = skipSpace(b, i, to, false);
        if (i < to && b[i] === 0x7d) break;
        if (i >= to || b[i] !== 0x2c) return syntax(~i);
        i++;
      }
      i++;
    }
    i = skipSpace(b, i, to, false);
    return i < to ? syntax(~i) : places;
  }

  #fill(b: Uint8Array, places: ReadonlyMap<string, Place>, batch: Batch, row: number): Fault | undefined {
    const { schema, ingestTime } = this.#context;
    const index = this.#typeOf(b, places);
    if (typeof index !== 'number') return index;
    const type = schema.types[index]!;
    for (const column of batch.columns) column[row] = NaN;
    let time = type.time < 0 ? ingestTime() : NaN;
    for (let f = 0; f < type.fields.length; f++) {
      const field = type.fields[f]!;
      const place = places.get(field.source);
      const value = this.#value(b, place, type, f === type.time ? { ...field, optional: false } : field);
      if (typeof value !== 'number') return value;
      if (field.slot >= 0) batch.columns[field.slot]![row] = value;
      if (f === type.time) time = value;
    }
    batch.type[row] = index;
    batch.time[row] = time;
    return undefined;
  }

  #typeOf(b: Uint8Array, places: ReadonlyMap<string, Place>): number | Fault {
    const { defaultType, checkType, typeField } = this.#context;
    const place = places.get(typeField);
    if (defaultType >= 0 && !(checkType && place !== undefined)) return defaultType;
    if (place === undefined) return { reason: 'missing-type', message: `the event has no field "${typeField}" that names its type` };
    const name: unknown = JSON.parse(decodeWtf8(b, place.from, place.to));
    const index = typeof name === 'string' ? this.#typeIndex.get(name) : undefined;
    return index ?? { reason: 'unknown-type', message: `the field "${typeField}" is ${shown(name)}, which is no event type of these rules (if the field means something else, bind the input to a type)` };
  }

  /** A field's value as the engine holds it, or what is wrong with it. */
  #value(b: Uint8Array, place: Place | undefined, owner: SchemaType, field: SchemaField): number | Fault {
    const path = `${owner.name}.${field.name}${field.source === field.name ? '' : ` ("${field.source}" in the data)`}`;
    const { type, slot } = field;
    const parsed: unknown = place === undefined ? undefined : JSON.parse(decodeWtf8(b, place.from, place.to));
    const value = field.lists === undefined ? parsed : withoutWrong(field, parsed);
    if (place !== undefined && typeof value === 'number' && type.kind === 'time') {
      const time = numberValue(b, place.from, place.to, UNIT_SHIFT[type.unit]);
      return Math.abs(time) <= MAX_TIME ? time : badTime(value, type, path);
    }
    const fault = checkValue(field, value, path);
    if (fault !== undefined) return fault;
    if (place === undefined || value === null || value === undefined) return NaN;
    if (typeof value === 'number') return type.kind === 'int' && !isExactInt(value, b, place.from, place.to) ? outOfRange(type, path) : value + 0;
    if (typeof value === 'boolean') return value ? 1 : 0;
    if (typeof value === 'string') {
      if (type.kind !== 'time') return slot < 0 ? 0 : this.#context.strings.intern(value);
      const text = Buffer.from(value);
      return isoTime(text, 0, text.length);
    }
    if (slot < 0) return 0;
    return type.kind === 'list' || type.kind === 'record' ? this.#context.strings.intern(canonicalText(field, value)) : (wrongType(type, value, path));
  }
}

/** The JSON text under which a list or record is interned. */
export function canonicalText(field: SchemaField, value: unknown): string {
  return JSON.stringify(converted(field.type, value));
}

/** The name of the key whose text with its colon is bytes[from, to). */
export function keyText(b: Uint8Array, from: number, to: number): string {
  let end = to - 1;
  while (b[end] !== 0x22) end--;
  const text = decodeWtf8(b, from + 1, end);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** What a scanner's answer `at` (negative) means. */
function syntaxFault(b: Uint8Array, from: number, to: number, at: number): Fault {
  if (at === TOO_DEEP) return { reason: 'too-deep', message: 'the event has arrays or objects nested more than 1000 deep' };
  const place = ~at;
  if (place >= to) return { reason: 'not-json', message: place === from ? 'the event is empty' : `the JSON text ends too early, after ${to - from} bytes` };
  const byte = b[place]!;
  const column = place - from + 1;
  const reason: RejectReason = byte >= 0x80 && insideString(b, from, place) ? 'not-utf8' : 'not-json';
  if (reason === 'not-utf8') return { reason, message: `the byte 0x${byte.toString(16)} at column ${column} is not UTF-8` };
  const what = byte >= 0x21 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `the byte 0x${byte.toString(16).padStart(2, '0')}`;
  return { reason, message: `${what} at column ${column} is not JSON there` };
}

/** Whether the place is within a string, in text that is JSON up to there. */
function insideString(b: Uint8Array, from: number, place: number): boolean {
  let inside = false;
  for (let i = from; i < place; i++) {
    if (b[i] === 0x22) inside = !inside;
    else if (b[i] === 0x5c) i++;
  }
  return inside;
}
