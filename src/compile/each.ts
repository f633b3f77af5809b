/**
 * Events made of the elements of a list (`event Reading = each r in Batch.readings { … }`): from the checked declaration to what the decoder does. An element is decoded
 * where it lies in the bytes of its event, straight to the columns of the event that is made; only values that are more than a field are computed.
 */
import type { Each, EventType, Expr, Field, FieldType, Literal, Program } from '../../dsl/typed.ts';
import type { EachPlan, Schema, SchemaField } from '../core/schema.ts';
import { CompileError, type Context } from './context.ts';
import { emitValue } from './expr.ts';

/** Names of fields and types are words, so this begins none. */
const OF_ELEMENT = '\u0000';
const WHOLE = 'element';

/** The made types among `types`, and those that they are made through, in the order of the program. */
export function madeTypes(program: Program, types: ReadonlySet<string>): EventType[] {
  const found = new Set<string>();
  const look = (name: string): void => {
    const type = program.events.get(name);
    if (type?.each === undefined || found.has(name)) return;
    found.add(name);
    for (const source of program.events.get(type.each.source)?.accepts ?? []) look(source);
  };
  for (const name of types) look(name);
  return [...program.events.values()].filter(({ name }) => found.has(name));
}

/** Every type that events of these types are made from, and they themselves. */
export function withOrigins(program: Program, types: Iterable<string>): Set<string> {
  const all = new Set(types);
  for (const type of madeTypes(program, all)) for (const source of program.events.get(type.each!.source)?.accepts ?? []) all.add(source);
  return all;
}

/** Fields that must have a slot, by name: those of made types, those read of the events they are made from, and those of elements that are only read. */
export function slotsOfEach(made: readonly EventType[]): Set<string> {
  const names = new Set<string>();
  for (const type of made) {
    for (const field of type.fields) names.add(field.name);
    const read = readings(type);
    for (const name of read.ofSource) names.add(name);
    for (const name of read.ofElement) names.add(hidden(type.name, name));
  }
  return names;
}

interface Readings {
  /** The values, with the element's fields as fields of an event whose names begin with OF_ELEMENT; each other field is the source's. */
  readonly values: readonly Expr[];
  readonly isWhole: boolean;
  readonly ofSource: ReadonlySet<string>;
  /** Names of the element's fields that are read. */
  readonly ofElement: ReadonlySet<string>;
}

function readings(type: EventType): Readings {
  const each = type.each!;
  const isRecord = elementOf(each).type.kind === 'record';
  let isWhole = !isRecord;
  const visit = (expr: Expr, depth: number, parent: Expr | undefined): void => {
    if (expr.kind === 'lambdaParam' && expr.depth === depth && parent?.kind !== 'member') isWhole = true;
    inside(expr, depth, (child, at) => { visit(child, at, expr); });
  };
  for (const value of each.values) visit(value, 0, undefined);
  const ofSource = new Set<string>();
  const ofElement = new Set<string>();
  const rewrite = (expr: Expr, depth: number): Expr => {
    if (!isWhole && expr.kind === 'member' && expr.object.kind === 'lambdaParam' && expr.object.depth === depth) {
      ofElement.add(expr.field);
      return { kind: 'eventField', field: OF_ELEMENT + expr.field, type: expr.type, span: expr.span };
    }
    if (expr.kind === 'lambdaParam' && expr.depth === depth) {
      ofElement.add(WHOLE);
      return { kind: 'eventField', field: OF_ELEMENT + WHOLE, type: expr.type, span: expr.span };
    }
    if (expr.kind === 'eventField') ofSource.add(expr.field);
    return replaceInside(expr, depth, rewrite);
  };
  return { values: each.values.map((value) => rewrite(value, 0)), isWhole, ofSource, ofElement };
}

/** `slots`: all there are, by name. */
export function planEach(context: Context, program: Program, schema: Schema, made: readonly EventType[], slots: ReadonlyMap<string, number>, keepBytes: readonly boolean[], params: ReadonlyMap<string, Literal>): EachPlan[] {
  const indexOf = (name: string): number => schema.types.findIndex((type) => type.name === name);
  return made.map((type) => {
    const each = type.each!;
    const { values, isWhole } = readings(type);
    const place = (name: string): number => slots.get(name)!;
    const direct = new Map<string, string>();
    const copied: { from: number; to: number }[] = [];
    const computed: { to: number; source: string }[] = [];
    const lookingUp: { to: number; source: string }[] = [];
    const constants: string[] = [];
    values.forEach((value, i) => {
      const field = type.fields[i]!;
      if (value.kind === 'eventField' && value.field.startsWith(OF_ELEMENT) && !direct.has(value.field)) direct.set(value.field, field.name);
      else if (value.kind === 'eventField' && !value.field.startsWith(OF_ELEMENT)) copied.push({ from: place(value.field), to: place(field.name) });
    });
    const ofElement = (name: string): number => place(direct.get(OF_ELEMENT + name) ?? hidden(type.name, name));
    const refuse = (what: string) => (): never => { throw new CompileError(type.name, type.span, `${what} in a field of an event made of a list`); };
    values.forEach((value, i) => {
      const field = type.fields[i]!;
      if (value.kind === 'eventField' && (!value.field.startsWith(OF_ELEMENT) || direct.get(value.field) === field.name)) return;
      const constant = (literal: Literal): string => {
        if (literal === null) return 'NaN';
        if (typeof literal === 'number') return Object.is(literal, -0) ? '0' : String(literal);
        if (typeof literal === 'boolean') return literal ? '1' : '0';
        const text = typeof literal === 'string' ? literal : JSON.stringify(literal);
        const known = constants.indexOf(text);
        return `C[${known < 0 ? constants.push(text) - 1 : known}]`;
      };
      let looksUp = false;
      const source = emitValue(value, {
          ...context.eventLeaf,
          eventField: (name) => (name.startsWith(OF_ELEMENT) ? `D[${ofElement(name.slice(1))}][r]` : `S[${place(name)}][p]`),
          eventTime: () => 't', literal: constant, param: (name) => constant(params.get(name) ?? null),
          lookup: (name, key, column) => { looksUp = true; return context.lookup(name, key, column, type.time === undefined ? 't' : `D[${place(type.time)}][r]`); }, feature: refuse('a feature'),
        });
      // A row may be that of the event's time, which is to be there then.
      (looksUp ? lookingUp : computed).push({ to: place(field.name), source });
    });
    const { field, path } = pathOf(each);
    const source = program.events.get(each.source);
    if (source?.each !== undefined && !taken(source).has(field)) throw new CompileError(type.name, type.span, 'a list that an event made of a list computes');
    const index = indexOf(type.name);
    return {
      type: index, sources: (program.events.get(each.source)?.accepts ?? []).map(indexOf), field, path, isWhole, copied, taken: [...taken(type)], computed: [...computed, ...lookingUp], constants,
      element: { name: type.name, time: -1, fields: elementFields(each, isWhole).map((one) => elementField(one, direct, type.name, slots, made)) },
      time: type.time === undefined ? -1 : place(type.time),
      required: type.fields.filter((one) => !one.optional || one.name === type.time).map(({ name }) => ({ name, slot: place(name) })),
      text: keepBytes[index] === true || type.id.length === 0 ? type.fields.map((one) => ({ name: one.name, slot: place(one.name), type: one.type, optional: one.optional })) : undefined,
    };
  });
}

/** For the fields of all types: the lists in them whose elements are read one by one. */
export function listsOf(program: Program, made: readonly EventType[], owner: string, field: string): (readonly string[])[] | undefined {
  const lists = made.flatMap((type) => {
    const { field: own, path } = pathOf(type.each!);
    return own === field && (program.events.get(type.each!.source)?.accepts ?? []).includes(owner) ? [path] : [];
  });
  return lists.length === 0 ? undefined : lists;
}

function elementField(field: Field, direct: ReadonlyMap<string, string>, type: string, slots: ReadonlyMap<string, number>, made: readonly EventType[]): SchemaField {
  const to = direct.get(OF_ELEMENT + field.name);
  const slot = slots.get(to ?? hidden(type, field.name)) ?? -1;
  // A list in the element that is gone through in turn, under the name it has in the made type.
  const lists = to === undefined ? [] : made.flatMap((one) => { const { field: own, path } = pathOf(one.each!); return one.each!.source === type && own === to ? [path] : []; });
  return { ...field, slot, ...(lists.length > 0 && { lists }) };
}

function elementFields(each: Each, isWhole: boolean): readonly Field[] {
  const element = elementOf(each);
  if (!isWhole && element.type.kind === 'record') return element.type.fields;
  return [{ name: WHOLE, source: WHOLE, ...element }];
}

function elementOf({ list }: Each): FieldType {
  if (list.type.kind !== 'list') throw new Error('each goes through a list');
  return list.type.element;
}

/** Fields that are just a field of the element, with its name in the data. */
function taken(type: EventType): Map<string, string> {
  const { values, isWhole } = readings(type);
  const fields = elementFields(type.each!, isWhole);
  const found = new Map<string, string>();
  values.forEach((value, i) => {
    if (value.kind !== 'eventField' || !value.field.startsWith(OF_ELEMENT) || isWhole) return;
    found.set(type.fields[i]!.name, fields.find(({ name }) => name === value.field.slice(1))!.source);
  });
  return found;
}

/** From the source's field to the list: `Batch.payload.readings`. */
function pathOf({ list }: Each): { readonly field: string; readonly path: readonly string[] } {
  const names: string[] = [];
  let at = list;
  for (; at.kind === 'member'; at = at.object) {
    const { field, object } = at;
    const declared = object.type.kind === 'record' ? object.type.fields.find(({ name }) => name === field) : undefined;
    names.unshift(declared?.source ?? field);
  }
  if (at.kind !== 'eventField') throw new Error('the list of `each` is a field of an event');
  return { field: at.field, path: names };
}

const hidden = (type: string, field: string): string => `${type}/${field}`;

/** The parts of an expression, with how many lambdas are around each beside those around it. */
function inside(expr: Expr, depth: number, visit: (child: Expr, depth: number) => void): void { replaceInside(expr, depth, (child, at) => { visit(child, at); return child; }); }

function replaceInside(expr: Expr, depth: number, replace: (child: Expr, depth: number) => Expr): Expr {
  const copy: Record<string, unknown> = { ...expr };
  for (const [name, part] of Object.entries(copy)) {
    if (name === 'type' || name === 'span' || typeof part !== 'object' || part === null) continue;
    const at = name === 'lambda' ? depth + 1 : depth;
    copy[name] = Array.isArray(part) ? part.map((one: unknown) => (isExpr(one) ? replace(one, at) : one)) : isExpr(part) ? replace(part, at) : part;
  }
  return copy as unknown as Expr;
}

function isExpr(part: unknown): part is Expr { return typeof part === 'object' && part !== null && 'kind' in part && 'type' in part && 'span' in part; }
