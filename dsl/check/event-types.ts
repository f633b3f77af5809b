import type { Span } from '../ast.ts';
import type { Each, EventType, Field, Type } from '../typed.ts';
import { commonType } from './types.ts';
import type { Nulls } from './value.ts';

/** A declared event type as far as it could be made out. */
export interface EventInfo {
  readonly name: string;
  readonly span: Span;
  readonly base: EventInfo | undefined;
  /** All fields, the base's first. A field whose type is wrong is in `unclear`. */
  readonly fields: ReadonlyMap<string, Field>;
  readonly fieldSpans: ReadonlyMap<string, Span>;
  readonly time: string | undefined;
  readonly id: readonly string[];
  readonly once: number | undefined;
  /** Its events are made of a list; filled in once constants and functions are known. */
  readonly each?: Each | undefined;
  /** Something about it is wrong, and reported: a field it lacks may be only that. */
  readonly broken: boolean;
}

export interface FieldView { readonly type: Type; readonly nulls: Nulls }

/** The fields that events of one or several types have in common. */
export interface EventView {
  readonly types: readonly EventInfo[];
  readonly broken: boolean;
  /** 'none': no type or not all of them have it; 'mixed': its types have nothing in common. */
  field(name: string): FieldView | 'none' | 'mixed';
  /** Names of the common fields. */
  names(): string[];
}

/** What is common to events that are each of one of these types. */
export function viewOf(types: readonly EventInfo[]): EventView {
  return {
    types,
    broken: types.length === 0 || types.some((type) => type.broken),
    field: (name) => joined(types.map((type) => type.fields.get(name)), false),
    names: () => [...types[0]?.fields.keys() ?? []].filter((name) => types.every((type) => type.fields.has(name))),
  };
}

/** What an event that is of any of these types may have: a field that some type lacks is null there. */
export function looseViewOf(types: readonly EventInfo[]): EventView {
  return {
    types,
    broken: types.length === 0 || types.some((type) => type.broken),
    field: (name) => joined(types.map((type) => type.fields.get(name)), true),
    names: () => [...new Set(types.flatMap((type) => [...type.fields.keys()]))],
  };
}

function joined(fields: readonly (Field | undefined)[], loose: boolean): FieldView | 'none' | 'mixed' {
  const present = fields.filter((field) => field !== undefined);
  const missing = present.length < fields.length;
  if (present.length === 0 || (missing && !loose)) return 'none';
  let type: Type | undefined = present[0]!.type;
  for (const field of present) type = type && commonType(type, field.type);
  if (type === undefined) return 'mixed';
  return { type, nulls: missing || present.some((field) => field.optional) ? 2 : 0 };
}

/** Names of the type and all types that extend it, in the order declared. */
export function acceptedBy(type: EventInfo, all: Iterable<EventInfo>): string[] {
  return [...all].filter((other) => isA(other, type)).map((other) => other.name);
}

export function isA(type: EventInfo, base: EventInfo): boolean {
  for (let at: EventInfo | undefined = type; at !== undefined; at = at.base) if (at === base) return true;
  return false;
}

export function toEventType(type: EventInfo, all: Iterable<EventInfo>): EventType {
  return {
    name: type.name, span: type.span, ...(type.base && { base: type.base.name }),
    fields: [...type.fields.values()], ...(type.time !== undefined && { time: type.time }), id: type.id,
    ...(type.once !== undefined && { once: type.once }), accepts: acceptedBy(type, all), ...(type.each && { each: type.each }),
  };
}
