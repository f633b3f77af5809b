import type { Batch } from '../core/batch.ts';
import { generated } from '../core/generated.ts';
import type { SchemaField, SchemaType } from '../core/schema.ts';
import { HASH_FACTOR } from '../core/string-hash.ts';
import type { Strings } from '../core/strings.ts';
import type { FieldKind, FastHelpers } from './fast.ts';

/** Where a generated decoder stopped; it is asked again from here, or the event is given to the slow decoder. */
export interface Progress {
  /** Start of the first event not decoded. */
  at: number;
  /** Its line. */
  line: number;
  /** Events that did not have the fields in the order foreseen. */
  missed: number;
}

/**
 * Decodes lines of one event type from `at` on, which all end before `end`, bytes[end - 1] being a line feed: stops when the batch is full, at the
 * end, or before the first line that is not exactly as foreseen. Returns the next row. `view` is over the same bytes, and both reach at least
 * SLACK bytes past `end`, so that words of four bytes can be read anywhere: the line feed, which no part of an event holds, stops every scan.
 */
export type FastDecode = (bytes: Uint8Array, view: DataView, end: number, batch: Batch, row: number, progress: Progress) => number;

export const SLACK = 8;

export interface FastSpec {
  readonly type: SchemaType;
  readonly typeIndex: number;
  /** The field that must hold the type's name; undefined: all events are of this type. */
  readonly typeField: string | undefined;
  /** An event without that field is not of this type. */
  readonly typeRequired: boolean;
  /** Slots of the schema. */
  readonly slots: number;
  /** Names in the data, in the order to expect; others of the type follow. */
  readonly order: readonly string[];
  /** A blank is to be expected after commas and colons. */
  readonly spaced: boolean;
}

/** A field as generated code handles it. */
interface Part {
  readonly source: string;
  readonly kind: FieldKind | 'typeName';
  readonly field: SchemaField | undefined;
  /** It carries the event's time. */
  readonly isTime: boolean;
  /** It is the type field too: the name it must hold. */
  readonly typeName: string | undefined;
  readonly required: boolean;
}

/** Types with more fields than this are left to the slow decoder: V8 does not optimise functions of that size. */
export const MAX_FAST_FIELDS = 90;
const MASK_BITS = 30;

/**
 * Writes the decoder of one event type as JavaScript: straight-line code for the fields in the order foreseen, with a look-up where an event
 * deviates. Names enter the code as byte values only, and only those that the schema declares.
 */
export function generate(spec: FastSpec, helpers: FastHelpers, strings: Strings, ingestTime: () => number): FastDecode {
  const parts = orderedParts(spec);
  const masks = Math.ceil(parts.length / MASK_BITS);
  const source = program(spec, parts, masks);
  const lookup = helpers.keyLookup(parts.map((part) => part.source));
  const fields = parts.map((part) => part.field);
  const sets = parts.map((part) => (part.field?.type.kind === 'oneOf' ? helpers.stringSet(part.field.type.values) : undefined));
  const make = generated(['h', 'strings', 'ingestTime', 'lookup', 'fields', 'sets', 'P10'], source) as (...env: unknown[]) => FastDecode;
  return make(helpers, strings, ingestTime, lookup, fields, sets, helpers.powers);
}

function orderedParts({ type, typeField, typeRequired, order }: FastSpec): Part[] {
  const parts: Part[] = type.fields.map((field, index) => ({
    source: field.source,
    kind: kindOf(field),
    field,
    isTime: index === type.time,
    typeName: field.source === typeField ? type.name : undefined,
    required: !field.optional || index === type.time || field.source === typeField,
  }));
  if (typeField !== undefined && !parts.some((part) => part.typeName !== undefined)) {
    parts.unshift({ source: typeField, kind: 'typeName', field: undefined, isTime: false, typeName: type.name, required: typeRequired });
  }
  const rank = new Map(order.map((name, index) => [name, index]));
  return parts
    .map((part, index) => ({ part, rank: rank.get(part.source) ?? order.length + index }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ part }) => part);
}

function kindOf(field: SchemaField): FieldKind {
  switch (field.type.kind) {
    case 'duration': return 'float';
    case 'list':
    case 'record':
    case 'null': return 'composite';
    default: return field.type.kind;
  }
}

const bytesOf = (text: string): number[] => [...Buffer.from(text)];

/** A condition: the bytes of the text stand at i + offset. Four at a time, the last four overlapping those before. */
function matches(text: string, offset = 0): string {
  const bytes = Buffer.from(text);
  const at = (k: number): string => (offset + k === 0 ? 'i' : `i + ${offset + k}`);
  if (bytes.length < 4) return bytesOf(text).map((byte, k) => `b[${at(k)}] === ${byte}`).join(' && ');
  const words: string[] = [];
  for (let k = 0; k < bytes.length; k += 4) {
    const from = Math.min(k, bytes.length - 4);
    words.push(`d.getInt32(${at(from)}, true) === ${bytes.readInt32LE(from)}`);
  }
  return words.join(' && ');
}

function program(spec: FastSpec, parts: readonly Part[], masks: number): string {
  const used = new Set(parts.flatMap(({ field }) => (field !== undefined && field.slot >= 0 ? [field.slot] : [])));
  const slots = Array.from({ length: spec.slots }, (_, slot) => slot);
  const columns = slots.map((slot) => `const c${slot} = batch.columns[${slot}];`).join(' ');
  // Columns of other types' fields; those of absent optional fields follow at the end of the event.
  const foreign = slots.filter((slot) => !used.has(slot)).map((slot) => `c${slot}[row] = NaN;`).join(' ');
  const maskNames = Array.from({ length: masks }, (_, mask) => `m${mask}`);
  const all = maskNames.map((_, mask) => (2 ** Math.min(MASK_BITS, parts.length - mask * MASK_BITS)) - 1);
  const required = maskNames.map((_, mask) => parts.slice(mask * MASK_BITS, (mask + 1) * MASK_BITS)
    .reduce((bits, part, index) => (part.required ? bits | (1 << index) : bits), 0));
  const absent = parts.map((part, index) => (part.required || part.field === undefined || part.field.slot < 0 ? ''
    : `if ((${bitTest(index)}) === 0) c${part.field.slot}[row] = NaN;`)).join('\n      ');
  const timeless = spec.type.time < 0 ? 'times[row] = ingestTime();' : '';
  const cases = parts.map((part, index) => fieldCode(part, index, spec.spaced)).join('\n');
  return `'use strict';
return function decode(b, d, end, batch, row, progress) {
  const types = batch.type, times = batch.time, froms = batch.from, tos = batch.to, offsets = batch.offset, capacity = batch.capacity;
  const seed = strings.seed;
  ${columns}
  let start = progress.at, line = progress.line, missed = progress.missed;
  lines: while (row < capacity && start < end) {
    let i = start;
    if (b[i] !== 123) break;
    let ${maskNames.map((name) => `${name} = 0`).join(', ')}, k = 0, expected = 0, c = 0, v = 0;
    fields: for (;;) {
      switch (k) {
${cases}
        case ${2 * parts.length}:
          if (b[i] === 125) break fields;
          expected = ${2 * parts.length};
        default: {
          if (i !== start) {
            i = h.space(b, i, end);
            c = b[i];
            if (c === 125) break fields;
            if (c !== 44) break lines;
          }
          missed++;
          k = lookup.find(b, h.space(b, i + 1, end), end);
          if (k < 0) break lines;
          i = lookup.at;
          if (k !== ${2 * parts.length + 1}) continue fields;
          i = h.skip(b, i, end);
          if (i < 0) break lines;
          k = expected;
          continue fields;
        }
      }
    }
    i++;
    const to = i;
    if (b[i] !== 10) {
      i = h.space(b, i, end);
      if (b[i] !== 10) break;
    }
    if (${maskNames.map((name, mask) => `${name} !== ${all[mask]}`).join(' || ')}) {
      if (${maskNames.map((name, mask) => `(${name} & ${required[mask]}) !== ${required[mask]}`).join(' || ')}) break;
      ${absent}
    }
    ${foreign}
    ${timeless}
    types[row] = ${spec.typeIndex};
    froms[row] = start;
    tos[row] = to;
    offsets[row] = line++;
    row++;
    start = i + 1;
  }
  progress.at = start;
  progress.line = line;
  progress.missed = missed;
  return row;
};`;
}

const bitTest = (index: number): string => `m${Math.floor(index / MASK_BITS)} & ${1 << (index % MASK_BITS)}`;

/**
 * Case 2·index, at what stands after the value before (for the first field, at the brace), expects the comma and the field's key; case 2·index + 1 expects
 * its value, and falls through to the next field.
 */
function fieldCode(part: Part, index: number, spaced: boolean): string {
  const key = `${JSON.stringify(part.source)}:${spaced ? ' ' : ''}`;
  const expected = index === 0 ? `(i === start || b[i] === 44) && ${matches(key, 1)}` : matches(`,${spaced ? ' ' : ''}${key}`);
  const length = Buffer.byteLength(key) + (index > 0 && spaced ? 2 : 1);
  const mask = `m${Math.floor(index / MASK_BITS)}`;
  return `        case ${2 * index}:
          if (!(${expected})) {
            expected = ${2 * index};
            k = -1;
            continue fields;
          }
          i += ${length};
          if (b[i] <= 32) i = h.space(b, i, end);
        case ${2 * index + 1}: {
          if (${bitTest(index)}) break lines;
          ${mask} |= ${1 << (index % MASK_BITS)};
          ${part.typeName === undefined ? '' : `if (!(${matches(JSON.stringify(part.typeName))})) break lines;`}
          ${nullable(part, valueCode(part, index))}
        }`;
}

/** An optional field may be null; a required one that is, is left to the slow decoder by the value's own code. */
function nullable(part: Part, code: string): string {
  if (part.required || part.typeName !== undefined) return code;
  const none = part.field !== undefined && part.field.slot >= 0 ? `c${part.field.slot}[row] = NaN;` : '';
  return `if (b[i] === 110) {
            if (!(${matches('null')})) break lines;
            i += 4;
            ${none}
          } else {
          ${code}
          }`;
}

/** Code that reads the value at i, leaves i behind it, and stores what is to be kept. */
function valueCode(part: Part, index: number): string {
  const { field } = part;
  const slot = field === undefined ? -1 : field.slot;
  const store = `${slot >= 0 ? `c${slot}[row] = v;` : ''} ${part.isTime ? 'times[row] = v;' : ''}`;
  switch (part.kind) {
    case 'typeName': return `i += ${bytesOf(JSON.stringify(part.typeName)).length};`;
    case 'string': return slot >= 0 ? `${internCode('intern')} ${store}` : checkStringCode();
    case 'oneOf': return `${internCode('find')}
          if (!sets[${index}].has(v)) break lines;
          ${store}`;
    case 'bool':
      return `if (${matches('true')}) { i += 4; v = 1; } else if (${matches('false')}) { i += 5; v = 0; } else break lines;
          ${store}`;
    case 'float': return slot >= 0 ? `${decimalCode()} ${store}` : checkDecimalCode();
    case 'int': return `${integerCode('h.int(b, i, end)', '')} ${store}`;
    case 'time': return timeCode(field!, index, store);
    case 'composite':
      return `i = h.composite(b, i, end, fields[${index}]);
          if (i < 0) break lines;
          v = h.value;
          ${store}`;
  }
}

/** In each of the four bytes of the word w, the high bit is set where the byte ends a run of plain ASCII: right up to the first such byte. */
const STOPS = '(((w ^ 0x22222222) - 0x01010101) | ((w ^ 0x5c5c5c5c) - 0x01010101) | (w - 0x20202020) | w) & 0x80808080';

function checkStringCode(): string {
  return `if (b[i] !== 34) break lines;
          {
            i++;
            let w = d.getInt32(i, true), stop = ${STOPS};
            while (stop === 0) {
              i += 4;
              w = d.getInt32(i, true);
              stop = ${STOPS};
            }
            i += (31 - Math.clz32(stop & -stop)) >> 3;
            if (b[i] === 34) i++;
            else {
              i = h.stringEnd(b, i, end);
              if (i < 0) break lines;
            }
          }`;
}

function internCode(method: 'intern' | 'find'): string {
  return `if (b[i] !== 34) break lines;
          {
            const from = ++i;
            let hash = seed;
            let w = d.getInt32(i, true), stop = ${STOPS};
            while (stop === 0) {
              hash = Math.imul(hash ^ w, ${HASH_FACTOR});
              hash ^= hash >>> 15;
              i += 4;
              w = d.getInt32(i, true);
              stop = ${STOPS};
            }
            const rest = (31 - Math.clz32(stop & -stop)) & 24;
            i += rest >> 3;
            if (b[i] === 34) {
              hash = Math.imul(hash ^ (w & ((1 << rest) - 1)), ${HASH_FACTOR});
              v = strings.${method}Hashed(d, from, i, hash ^ (hash >>> 15));
              i++;
            } else {
              i = h.${method}(b, from, end);
              if (i < 0) break lines;
              v = h.value;
            }
          }`;
}

/** Numbers of up to nine digits are read here, with an exact quotient; all others by the helper. */
function decimalCode(): string {
  return `{
            const from = i;
            let negative = false;
            c = b[i];
            if (c === 45) { negative = true; c = b[++i]; }
            const first = i;
            let n = c - 48;
            if (n >>> 0 > 9) break lines;
            c = b[++i];
            if (n !== 0) while ((c - 48) >>> 0 < 10 && i - first < 9) { n = (n * 10 + (c - 48)) | 0; c = b[++i]; }
            v = n;
            if (c === 46) {
              const point = i;
              c = b[++i];
              while ((c - 48) >>> 0 < 10 && i - first < 10) { n = (n * 10 + (c - 48)) | 0; c = b[++i]; }
              v = n / P10[i - point - 1];
              if (i - point === 1) c = 0;
            }
            if (c === 44 || c === 125 || c === 32) {
              if (negative) v = 0 - v;
            } else {
              i = h.float(b, from, end);
              if (i < 0) break lines;
              v = h.value;
            }
          }`;
}

function checkDecimalCode(): string {
  return `{
            const from = i;
            c = b[i];
            if (c === 45) c = b[++i];
            const first = c, point = i;
            while ((c - 48) >>> 0 < 10) c = b[++i];
            let digits = i - point;
            if (c === 46) { const dot = i; c = b[++i]; while ((c - 48) >>> 0 < 10) c = b[++i]; if (i - dot === 1) break lines; }
            if (digits === 0 || digits > 300 || (first === 48 && digits > 1)) break lines;
            if (c !== 44 && c !== 125 && c !== 32) {
              i = h.float(b, from, end);
              if (i < 0) break lines;
            }
          }`;
}

/** Integers of up to fifteen digits are read here, nine and six at a time, in 32-bit arithmetic; all others by the helper. */
function integerCode(helper: string, scale: string): string {
  return `{
            const from = i;
            let negative = false;
            c = b[i];
            if (c === 45) { negative = true; c = b[++i]; }
            const first = i;
            let n = c - 48;
            if (n >>> 0 > 9) break lines;
            c = b[++i];
            if (n !== 0) while ((c - 48) >>> 0 < 10 && i - first < 9) { n = (n * 10 + (c - 48)) | 0; c = b[++i]; }
            v = n;
            if ((c - 48) >>> 0 < 10 && n !== 0) {
              const second = i;
              n = 0;
              do { n = (n * 10 + (c - 48)) | 0; c = b[++i]; } while ((c - 48) >>> 0 < 10 && i - second < 6);
              v = v * P10[i - second] + n;
            }
            if (c === 44 || c === 125 || c === 32) {
              if (negative) v = 0 - v;
              ${scale}
            } else {
              i = from;
              i = ${helper};
              if (i < 0) break lines;
              v = h.value;
            }
          }`;
}

function timeCode(field: SchemaField, index: number, store: string): string {
  const unit = field.type.kind === 'time' ? field.type.unit : 'ms';
  const helper = `h.time(b, i, end, fields[${index}])`;
  // A whole number of 15 digits is exact, and so is one rounding of its product or quotient; in ms it is within the range of times.
  const scale = {
    ms: '',
    s: 'v *= 1000; if (v > 8.64e15 || v < -8.64e15) break lines;',
    us: 'v /= 1000;',
    ns: 'v /= 1e6;',
  }[unit];
  return `if (b[i] === 34) {
            i = ${helper};
            if (i < 0) break lines;
            v = h.value;
          } else ${integerCode(helper, scale)}
          ${store}`;
}
