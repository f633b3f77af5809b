import type { Schema, SchemaField } from '../../../src/core/schema.ts';
import type { FieldType, Type } from '../../../dsl/typed.ts';
import { Batch } from '../../../src/core/batch.ts';
import { Strings } from '../../../src/core/strings.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import type { DecoderOptions, Reject } from '../../../src/decode/index.ts';

export type Given = Type['kind'] | Type | FieldType;

export function typeOf(given: Given): FieldType {
  if (typeof given === 'string') return { type: (given === 'time' ? { kind: 'time', unit: 'ms' } : { kind: given }) as Type, optional: false };
  return 'kind' in given ? { type: given, optional: false } : given;
}

export const optional = (given: Given): FieldType => ({ ...typeOf(given), optional: true });

/** A schema in which every field has a slot of its own, or none when its name begins with "_". `at` is the time field where there is one. */
export function schemaOf(types: Record<string, Record<string, Given>>): Schema {
  let slots = 0;
  return {
    types: Object.entries(types).map(([name, fields]) => {
      const list: SchemaField[] = Object.entries(fields).map(([field, given]) => (
        { ...typeOf(given), name: field, source: field, slot: field.startsWith('_') ? -1 : slots++ }));
      return { name, fields: list, time: list.findIndex((field) => field.name === 'at') };
    }),
    get slots() { return slots; },
  };
}

export interface Decoded {
  readonly type: string;
  readonly time: number;
  readonly line: number;
  readonly text: string;
  /** Values by field; strings, lists and records as text, null for NaN. */
  readonly values: Record<string, number | string | null>;
}

/** Decodes JSON Lines in batches of the given capacity. */
export function decodeText(schema: Schema, input: string | Uint8Array, options: DecoderOptions = {}, capacity = 7): { events: Decoded[]; rejects: Reject[] } {
  const bytes = typeof input === 'string' ? new Uint8Array(Buffer.from(input)) : input;
  const strings = new Strings();
  const decoder = makeDecoder(schema, strings, options);
  const batch = new Batch(schema.slots, capacity);
  const events: Decoded[] = [];
  const rejects: Reject[] = [];
  let at = 0;
  do {
    batch.count = 0;
    const next = decoder.decodeLines(bytes, at, bytes.length, batch, (reject) => rejects.push(reject));
    for (let row = 0; row < batch.count; row++) events.push(readRow(schema, strings, batch, row));
    if (next === at && at < bytes.length) throw new Error('the decoder stands still');
    at = next;
  } while (at < bytes.length);
  return { events, rejects };
}

export function readRow(schema: Schema, strings: Strings, batch: Batch, row: number): Decoded {
  const type = schema.types[batch.type[row]!]!;
  const values: Record<string, number | string | null> = {};
  const own = new Set<number>();
  for (const field of type.fields) {
    if (field.slot < 0) continue;
    own.add(field.slot);
    const value = batch.columns[field.slot]![row]!;
    const isText = ['string', 'oneOf', 'list', 'record'].includes(field.type.kind);
    values[field.name] = Number.isNaN(value) ? null : isText ? strings.text(value) : value;
  }
  batch.columns.forEach((column, slot) => {
    if (!own.has(slot) && !Number.isNaN(column[row])) throw new Error(`slot ${slot} of another type is ${column[row]}`);
  });
  const text = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset + batch.from[row]!, batch.to[row]! - batch.from[row]!).toString();
  return { type: type.name, time: batch.time[row]!, line: batch.offset[row]!, text, values };
}
