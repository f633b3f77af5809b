import type { Type } from '../../../dsl/typed.ts';
import type { Schema } from '../../core/schema.ts';
import type { CsvRows } from './csv-rows.ts';
import type { FieldMap } from './reader.ts';

/** How a cell is written as JSON. */
export type CellKind = 'text' | 'number' | 'bool' | 'time' | 'json';

/** One member of the JSON object that a row becomes: which column, and its `"key":`. */
interface Member {
  readonly column: number;
  readonly key: Uint8Array;
  readonly kind: CellKind;
}

/** How rows of one event type become JSON objects. */
export type RowLayout = readonly Member[];

const QUOTE = 34;
const BACKSLASH = 92;
const HEX = [...'0123456789abcdef'].map((digit) => digit.charCodeAt(0));
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function cellKind(type: Type): CellKind {
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'duration': return 'number';
    case 'bool': return 'bool';
    case 'time': return 'time';
    case 'list':
    case 'record': return 'json';
    default: return 'text';
  }
}

/**
 * The layout for rows of a type under the header's columns: a column that the map gives to a field is named like the field, others keep their names.
 * Where two would have one name, the field has it. Cells are written as their field's type asks; columns of no field as text.
 */
export function rowLayout(schema: Schema, typeName: string | undefined, header: readonly string[], map: FieldMap): RowLayout {
  const fields = schema.types.find(({ name }) => name === typeName)?.fields ?? [];
  const renamed = typeName === undefined ? undefined : map.get(typeName);
  const members = new Map<string, { column: number; kind: CellKind }>();
  const used = new Set<number>();
  for (const field of fields) {
    const name = renamed?.get(field.name);
    const column = header.lastIndexOf(name ?? field.source);
    if (column < 0) continue;
    used.add(column);
    members.set(name === undefined ? field.source : field.name, { column, kind: cellKind(field.type) });
  }
  header.forEach((name, column) => {
    if (!used.has(column) && !members.has(name)) members.set(name, { column, kind: 'text' });
  });
  return [...members]
    .sort(([, a], [, b]) => a.column - b.column)
    .map(([name, { column, kind }]) => ({ column, kind, key: new Uint8Array(Buffer.from(`${JSON.stringify(name)}:`)) }));
}

/** The schema under which the objects of `rowLayout` are decoded: a field that the map renames stands under its own name. */
export function csvSchema(schema: Schema, map: FieldMap): Schema {
  return {
    slots: schema.slots,
    types: schema.types.map((type) => ({
      ...type,
      fields: type.fields.map((field) => (map.get(type.name)?.has(field.name) === true ? { ...field, source: field.name } : field)),
    })),
  };
}

/** JSON Lines made of rows. The bytes stay until `clear`. */
export class JsonRows {
  bytes = new Uint8Array(1 << 16);
  end = 0;

  clear(): void {
    this.end = 0;
  }

  /** Adds a row as a JSON object and a line feed. Empty cells are left out. */
  add(b: Uint8Array, rows: CsvRows, layout: RowLayout): void {
    let size = 3 + 8;
    for (const member of layout) size += member.key.length + 12 + 6 * (rows.to[member.column]! - rows.from[member.column]!);
    if (this.end + size > this.bytes.length) this.#grow(this.end + size);
    const out = this.bytes;
    let end = this.end;
    out[end++] = 0x7b;
    let first = true;
    for (let m = 0; m < layout.length; m++) {
      const { column, key, kind } = layout[m]!;
      const from = rows.from[column]!;
      const to = rows.to[column]!;
      if (from === to) continue;
      if (!first) out[end++] = 0x2c;
      first = false;
      for (let i = 0; i < key.length; i++) out[end++] = key[i]!;
      const quoted = rows.quoted[column] === 1;
      end = kind === 'text' ? writeText(b, from, to, quoted, out, end) : writeTyped(kind, b, from, to, quoted, out, end);
    }
    out[end++] = 0x7d;
    out[end++] = 0x0a;
    this.end = end;
  }

  #grow(size: number): void {
    const larger = new Uint8Array(Math.max(size, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
  }
}

function writeText(b: Uint8Array, from: number, to: number, quoted: boolean, out: Uint8Array, end: number): number {
  out[end++] = QUOTE;
  for (let i = from; i < to; i++) {
    const c = b[i]!;
    if (c >= 0x20 && c !== QUOTE && c !== BACKSLASH) {
      out[end++] = c;
    } else if (c < 0x20) {
      out[end++] = BACKSLASH;
      out[end++] = 0x75;
      out[end++] = 0x30;
      out[end++] = 0x30;
      out[end++] = HEX[c >> 4]!;
      out[end++] = HEX[c & 15]!;
    } else {
      out[end++] = BACKSLASH;
      out[end++] = c;
      // In quotes, a quote stands twice.
      if (quoted && c === QUOTE) i++;
    }
  }
  out[end++] = QUOTE;
  return end;
}

/** Writes a cell as its type's JSON; one that cannot be, as text, for the decoder to refuse. */
function writeTyped(kind: CellKind, b: Uint8Array, from: number, to: number, quoted: boolean, out: Uint8Array, end: number): number {
  if ((kind === 'number' || kind === 'time') && isPlainNumber(b, from, to)) return copyBytes(b, from, to, out, end);
  if (kind === 'time' && b[from]! >= 0x30 && b[from]! <= 0x39 && !isDecimal(b, from, to)) return writeText(b, from, to, quoted, out, end);
  const text = Buffer.from(b.buffer, b.byteOffset + from, to - from).toString();
  const json = typedText(kind, (quoted ? text.replaceAll('""', '"') : text).trim());
  if (json === undefined) return writeText(b, from, to, quoted, out, end);
  const bytes = Buffer.from(json);
  return copyBytes(bytes, 0, bytes.length, out, end);
}

function typedText(kind: CellKind, text: string): string | undefined {
  if (kind === 'bool') {
    const word = text.toLowerCase();
    if (word === 'true' || word === '1') return 'true';
    return word === 'false' || word === '0' ? 'false' : undefined;
  }
  if (kind === 'json') {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : undefined;
    } catch {
      return undefined;
    }
  }
  // Numbers as other programs write them: +5, .5, 5., 007
  const number = text.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1').replace(/^(-?)\./, '$10.').replace(/\.(?=$|[eE])/, '');
  if (NUMBER.test(number)) return number;
  return kind === 'time' && text !== '' ? JSON.stringify(text) : undefined;
}

/** Digits with at most one point inside and a minus before: JSON as it stands. */
function isPlainNumber(b: Uint8Array, from: number, to: number): boolean {
  let i = from;
  if (b[i] === 0x2d) i++;
  const first = i;
  let point = -1;
  for (; i < to; i++) {
    const c = b[i]!;
    if (c === 0x2e && point < 0) point = i;
    else if ((c - 0x30) >>> 0 >= 10) return false;
  }
  const whole = (point < 0 ? to : point) - first;
  return whole > 0 && point !== to - 1 && (whole === 1 || b[first] !== 0x30);
}

/** Digits, points, exponents, signs only: perhaps a number in another form. */
function isDecimal(b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const c = b[i]!;
    if ((c - 0x30) >>> 0 >= 10 && c !== 0x2e && c !== 0x20 && (c | 0x20) !== 0x65) return false;
  }
  return true;
}

function copyBytes(b: Uint8Array, from: number, to: number, out: Uint8Array, end: number): number {
  for (let i = from; i < to; i++) out[end++] = b[i]!;
  return end;
}
