import type { SchemaField } from '../core/schema.ts';
import type { FieldType, Type } from '../../dsl/typed.ts';
import { MAX_INT } from './numbers.ts';
import { isoTime, MAX_TIME } from './time.ts';
import type { RejectReason } from './reject.ts';

/** What is wrong with a value: `path` leads from the field into lists and records. */
export interface Fault {
  readonly reason: RejectReason;
  readonly message: string;
}

/** ms in a time's unit. */
export const UNIT_MS = { ms: 1, s: 1000, us: 0.001, ns: 0.000001 } as const;
/** The same as a power of ten. */
export const UNIT_SHIFT = { ms: 0, s: 3, us: -3, ns: -6 } as const;

/** How a type is called in messages. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'time': return type.unit === 'ms' ? 'time' : `time(${type.unit})`;
    case 'oneOf': return type.values.map((value) => JSON.stringify(value)).join(' | ');
    case 'list': return `[${typeName(type.element.type)}]`;
    case 'record': return 'record';
    default: return type.kind;
  }
}

/** A value as a message shows it: its JSON text, cut. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Checks a parsed JSON value, lists and records to their leaves. `path` is what messages call it. */
export function checkValue({ type, optional }: FieldType, value: unknown, path: string): Fault | undefined {
  if (value === null || value === undefined) {
    if (optional) return undefined;
    return { reason: 'missing-field', message: `${path} is ${value === null ? 'null' : 'missing'}, and its type ${typeName(type)} is not optional` };
  }
  switch (type.kind) {
    case 'string':
      return typeof value === 'string' ? undefined : wrongType(type, value, path);
    case 'bool':
      return typeof value === 'boolean' ? undefined : wrongType(type, value, path);
    case 'oneOf':
      if (typeof value !== 'string') return wrongType(type, value, path);
      if (type.values.includes(value)) return undefined;
      return { reason: 'not-in-set', message: `${path} is ${shown(value)}, not one of ${typeName(type)}` };
    case 'float':
    case 'duration':
      if (typeof value !== 'number') return wrongType(type, value, path);
      return Number.isFinite(value) ? undefined : outOfRange(type, path);
    case 'int':
      if (typeof value !== 'number') return wrongType(type, value, path);
      if (value > MAX_INT || value < -MAX_INT) return outOfRange(type, path);
      return Number.isInteger(value) ? undefined : wrongType(type, value, path);
    case 'time': {
      if (typeof value !== 'number' && typeof value !== 'string') return wrongType(type, value, path);
      const time = timeValue(value, type.unit);
      return Math.abs(time) <= MAX_TIME ? undefined : badTime(value, type, path);
    }
    case 'list':
      if (!Array.isArray(value)) return wrongType(type, value, path);
      for (let i = 0; i < value.length; i++) {
        const fault = checkValue(type.element, value[i], `${path}[${i}]`);
        if (fault !== undefined) return fault;
      }
      return undefined;
    case 'record':
      if (typeof value !== 'object' || Array.isArray(value)) return wrongType(type, value, path);
      for (const field of type.fields) {
        const fault = checkValue(field, own(value, field.source), `${path}.${field.name}`);
        if (fault !== undefined) return fault;
      }
      return undefined;
    case 'null':
      return wrongType(type, value, path);
  }
}

/** The value without the elements that are wrong, of the lists whose elements are read one by one (see SchemaField.lists). It changes the value given. */
export function withoutWrong(field: SchemaField, value: unknown): unknown {
  let left = value;
  for (const path of field.lists ?? []) left = filterAt(field.type, left, path);
  return left;
}

function filterAt(type: Type, value: unknown, path: readonly string[]): unknown {
  const [next, ...rest] = path;
  if (next === undefined) return type.kind === 'list' && Array.isArray(value) ? value.filter((element) => checkValue(type.element, element, '') === undefined) : value;
  if (type.kind !== 'record' || typeof value !== 'object' || value === null || !Object.hasOwn(value, next)) return value;
  const inner = type.fields.find(({ source }) => source === next);
  if (inner !== undefined) (value as Record<string, unknown>)[next] = filterAt(inner.type, (value as Record<string, unknown>)[next], rest);
  return value;
}

export function wrongType(type: Type, value: unknown, path: string): Fault {
  return { reason: 'wrong-type', message: `${path} is ${shown(value)}, not a ${typeName(type)}` };
}

export function outOfRange(type: Type, path: string): Fault {
  return {
    reason: 'number-out-of-range',
    message: type.kind === 'int' ? `${path} is a number past 2^53, which an int cannot hold exactly` : `${path} is a number past what a ${typeName(type)} can hold`,
  };
}

export function badTime(value: unknown, type: Type, path: string): Fault {
  return { reason: 'bad-time', message: `${path} is ${shown(value)}, which is no ${typeName(type)}: ISO-8601 text or a number, up to the year 275760` };
}

/** ms since the epoch of a time's JSON value, NaN if it is none. */
export function timeValue(value: number | string, unit: keyof typeof UNIT_MS): number {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return isoTime(bytes, 0, bytes.length);
  }
  return unit === 'us' ? value / 1000 : unit === 'ns' ? value / 1e6 : value * UNIT_MS[unit];
}

/** Whether a value of this type is not yet what the engine reads: times are to be ms, aliased fields to have their declared names. */
export function needsConversion(type: Type): boolean {
  if (type.kind === 'time') return true;
  if (type.kind === 'list') return needsConversion(type.element.type);
  return type.kind === 'record' && type.fields.some((field) => field.source !== field.name || needsConversion(field.type));
}

/** A checked value as the engine reads it (see `needsConversion`). Fields that the type does not declare stay as they are. */
export function converted(type: Type, value: unknown): unknown {
  if (value === null || value === undefined || !needsConversion(type)) return value;
  if (type.kind === 'time') return timeValue(value as number | string, type.unit);
  if (type.kind === 'list') return (value as unknown[]).map((element) => converted(type.element.type, element));
  if (type.kind !== 'record') return value;
  const aliases = new Set(type.fields.map((field) => field.source));
  const entries = Object.entries(value as object).filter(([name]) => !aliases.has(name));
  for (const field of type.fields) {
    const inner = own(value as object, field.source);
    if (inner !== undefined) entries.push([field.name, converted(field.type, inner)]);
  }
  return Object.fromEntries(entries);
}

function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
