/** Raw rows to rows of a declared table: every value checked, in the units the engine counts in. */
import type { Field, FieldType } from '../../../dsl/typed.ts';
import { checkValue, converted } from '../../decode/index.ts';
import type { RawRow, RejectedRow } from './types.ts';

/** What a source has to know of a table; `Program.tables` has it. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly Field[];
  readonly key: string;
  /** Several rows of one key stand beside each other, each from a time on. */
  readonly history: boolean;
}

export interface DecodedRows {
  /** By the columns' declared names; times and durations in ms. A column that is null is left out. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rejected: readonly RejectedRow[];
  /** Rows that gave way to a later one of their key. */
  readonly replaced: number;
}

/**
 * A row that lacks its key or a column that is not optional, or that has a value of another type, is rejected, and the others stand. Of several rows with one key the
 * last is the one, except where the table has a history (then: with one key and one `from`).
 */
export function decodeRows(table: TableShape, raw: readonly RawRow[]): DecodedRows {
  const rejected: RejectedRow[] = [];
  const rows = new Map<unknown, Record<string, unknown>>();
  let taken = 0;
  for (const row of raw) {
    const decoded = decodeRow(table, row);
    if (typeof decoded === 'string') { rejected.push({ where: row.where, problem: decoded }); continue; }
    taken++;
    const key = decoded[table.key];
    const identity = table.history ? JSON.stringify([key, decoded['from'] ?? null]) : key;
    // The last one takes the place of the last one too.
    rows.delete(identity);
    rows.set(identity, decoded);
  }
  return { rows: [...rows.values()], rejected, replaced: taken - rows.size };
}

/** The row, or what is wrong with it. */
function decodeRow(table: TableShape, { values, isText, key }: RawRow): Record<string, unknown> | string {
  const row: Record<string, unknown> = {};
  for (const column of table.columns) {
    const isKey = column.name === table.key;
    let given: unknown = Object.hasOwn(values, column.source) ? values[column.source] : undefined;
    let fromText = isText;
    if (isKey && (given === undefined || given === null || given === '') && key !== undefined) {
      given = key;
      fromText = true;
    }
    const path = `column "${column.source}"`;
    const value = typeof given === 'string' ? readText(column, given, fromText) : given;
    if (value === UNREADABLE) return `${path} is ${JSON.stringify(given)}, not a ${nameOf(column)}`;
    if (isKey && (value === undefined || value === null)) return `the key, ${path}, is missing`;
    const fault = checkValue(column, value, path);
    if (fault !== undefined) return fault.message;
    if (value !== undefined && value !== null) row[column.name] = converted(column.type, value);
  }
  return row;
}

const UNREADABLE = Symbol('unreadable');

/** A text as the JSON value it stands for; undefined: an empty cell. `isText`: values of other types are written as text too, else only durations may be. */
function readText({ type }: FieldType, text: string, isText: boolean): unknown {
  if (type.kind === 'duration') {
    if (isText && text.trim() === '') return undefined;
    const ms = durationOf(text.trim());
    return ms === undefined ? UNREADABLE : ms;
  }
  if (!isText) return text;
  if (text === '') return undefined;
  const trimmed = text.trim();
  switch (type.kind) {
    case 'string': case 'oneOf': case 'null': return text;
    case 'int': return /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : UNREADABLE;
    case 'float': return isNumber(trimmed) ? Number(trimmed) : UNREADABLE;
    case 'bool': {
      const value = BOOLS.get(trimmed.toLowerCase());
      return value === undefined ? UNREADABLE : value;
    }
    case 'time': return isNumber(trimmed) ? Number(trimmed) : trimmed;
    case 'list': case 'record':
      try {
        return JSON.parse(trimmed) as unknown;
      } catch {
        return UNREADABLE;
      }
  }
}

const BOOLS = new Map([['true', true], ['false', false], ['1', true], ['0', false], ['yes', true], ['no', false]]);
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function isNumber(text: string): boolean { return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text); }

/** `5m`, `1h30m`, or a number of ms. */
function durationOf(text: string): number | undefined {
  if (isNumber(text)) return Number(text);
  if (!/^-?(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) ms += Number(count) * UNITS[unit!]!;
  return text.startsWith('-') ? -ms : ms;
}

function nameOf({ type }: FieldType): string { return type.kind; }
