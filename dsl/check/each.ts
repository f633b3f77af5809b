import type { EventDecl, Expr as AstExpr, Name, Span } from '../ast.ts';
import type { Expr, Field, Type } from '../typed.ts';
import { contextOf, type Context } from './context.ts';
import { meant } from './declarations.ts';
import { acceptedBy, viewOf, type EventInfo } from './event-types.ts';
import { checkTime, timesOf } from './events.ts';
import { elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { isNew } from './outputs.ts';
import { TIME, aType } from './types.ts';
import { value, type Value } from './value.ts';

type EachDecl = EventDecl & { readonly each: NonNullable<EventDecl['each']> };

/** `event Reading = each r in Batch.readings { … }`: needs constants and functions, so it is read when those are known. Gives all types, these filled in. */
export function resolveEach(globals: Globals): Map<string, EventInfo> {
  const done = new Map<string, EventInfo>();
  const open: string[] = [];
  const resolve = (info: EventInfo): EventInfo => {
    const decl = globals.declarations.events.get(info.name)!;
    const known = done.get(info.name);
    if (known !== undefined || !isEach(decl)) return known ?? info;
    open.push(info.name);
    const made = fillIn(globals, info, decl, (source) => {
      if (!open.includes(source.name)) return resolve(source);
      const chain = [...open.slice(open.indexOf(source.name)), source.name];
      globals.report.add('each-cycle', decl.each.source.span, `"${source.name}" would be made of itself: ${chain.join(' is made of ')}.`, { hint: 'the list is one of an event that comes from a source, or of one made of that' });
      return undefined;
    });
    open.pop();
    done.set(info.name, made);
    return made;
  };
  return new Map([...globals.events].map(([name, info]) => [name, resolve(info)]));
}

function isEach(decl: EventDecl): decl is EachDecl {
  return decl.each !== undefined;
}

function fillIn(globals: Globals, info: EventInfo, decl: EachDecl, resolve: (source: EventInfo) => EventInfo | undefined): EventInfo {
  const { report } = globals;
  const { each } = decl;
  const path = pathOf(each.source);
  const source = path && sourceType(globals, path.type);
  if (path === undefined) {
    report.add('each-source', each.source.span, 'What follows `in` is an event type and a list of it.', { hint: 'write each r in Batch.readings' });
    return info;
  }
  const resolved = source && resolve(source);
  if (resolved === undefined) return info;
  if (path.list === undefined) {
    const lists = [...resolved.fields.values()].filter(({ type }) => type.kind === 'list').map(({ name }) => name);
    report.add('each-source', each.source.span, `"${resolved.name}" is an event type: say which list of it.`, { hint: lists.length > 0 ? `write each ${each.variable.text} in ${resolved.name}.${lists[0]}` : `"${resolved.name}" has no field of a list type` });
    return info;
  }
  const ctx = contextOf(globals, { place: `the event "${info.name}"`, event: viewOf([resolved]) });
  const list = elaborate(ctx, path.list);
  if (list === undefined) return info;
  const { type } = list.expr;
  if (type.kind !== 'list') {
    report.add('type-mismatch', path.list.span, `\`each\` goes through a list; this is ${aType(type)}.`);
    return info;
  }
  const element = value(type.element.type, each.variable.span, { kind: 'lambdaParam', depth: 0 }, type.element.optional ? 2 : 0);
  const inside: Context = { ...ctx, locals: new Map([[each.variable.text, { kind: 'lambda', type: element, level: 0 }]]), lambdas: 1 };
  const fields = new Map<string, Field>();
  const fieldSpans = new Map<string, Span>();
  const values: Expr[] = [];
  let broken = resolved.broken;
  for (const field of each.fields.filter((one) => isNew(globals, each.fields, one))) {
    const name = field.name.text;
    const made = elaborate(inside, field.value ?? { kind: 'name', name, span: field.name.span });
    const fitting = made && fieldOf(globals, name, made);
    if (fitting === undefined) {
      broken = true;
      continue;
    }
    fields.set(name, fitting);
    fieldSpans.set(name, field.name.span);
    values.push(made!.expr);
  }
  const made: EventInfo = { ...info, fields, fieldSpans, broken, each: { source: resolved.name, list: list.expr, values } };
  const known = (name: Name): Field | undefined => {
    const field = fields.get(name.text);
    if (field === undefined && !broken) report.add('unknown-field', name.span, `"${info.name}" has no field "${name.text}".`, { hint: meant(name.text, fields.keys()) ?? (name === decl.time ? timesOf(fields) : undefined) });
    return field;
  };
  const time = decl.time && checkTime(info.name, decl.time, known(decl.time), report);
  const id = (decl.id ?? []).filter((name) => known(name) !== undefined).map((name) => name.text);
  return { ...made, time, id: [...new Set(id)] };
}

/** `Batch.payload.readings` as the type's name and the list read of its events; undefined: it is something else. */
function pathOf(expr: AstExpr): { readonly type: Name; readonly list: AstExpr | undefined } | undefined {
  if (expr.kind === 'paren') return pathOf(expr.inner);
  if (expr.kind === 'name') return /^\p{Lu}/u.test(expr.name) ? { type: { text: expr.name, span: expr.span }, list: undefined } : undefined;
  if (expr.kind !== 'member') return undefined;
  const of = pathOf(expr.object);
  if (of === undefined) return undefined;
  const { name } = expr;
  return { type: of.type, list: of.list === undefined ? { kind: 'name', name: name.text, span: name.span } : { kind: 'member', object: of.list, name, span: { ...of.list.span, end: name.span.end } } };
}

function sourceType(globals: Globals, name: Name): EventInfo | undefined {
  const type = globals.events.get(name.text);
  if (type !== undefined || globals.unread.declares('event', name.text)) return type;
  return globals.report.add('unknown-type', name.span, `Unknown event type "${name.text}".`, { hint: meant(name.text, globals.events.keys()) });
}

/** A field has the type of its value; what may be null makes it optional. */
function fieldOf(globals: Globals, name: string, { expr, nulls }: Value): Field | undefined {
  const { type, span } = expr;
  if (type.kind === 'null') return globals.report.add('type-mismatch', span, `"${name}" would always be null, and so has no type.`);
  // A time has been read by its unit when the event came in.
  const plain: Type = type.kind === 'time' ? TIME : type;
  return { name, source: name, type: plain, optional: nulls > 0 };
}

/** All types whose events are made of lists of an event of a type, directly or through others. */
export function madeOf(globals: Globals, type: string): Set<string> {
  const found = new Set<string>();
  const look = (from: string): void => {
    for (const info of globals.events.values()) {
      if (info.each === undefined || found.has(info.name)) continue;
      const source = globals.events.get(info.each.source)!;
      if (!acceptedBy(source, globals.events.values()).includes(from)) continue;
      found.add(info.name);
      look(info.name);
    }
  };
  look(type);
  return found;
}

/** Events that are made of a list are given nowhere else. */
export function refuseMade(globals: Globals, type: EventInfo | undefined, span: Span, how: 'emitted' | 'given'): void {
  const each = type && globals.declarations.events.get(type.name)?.each;
  if (each === undefined) return;
  const source = pathOf(each.source)?.type.text ?? 'an event';
  globals.report.add('made-of-list', span, `Events of "${type!.name}" are made of lists of "${source}", and not ${how} by themselves.`, { hint: how === 'given' ? `give a ${source} with a list` : `emit ${source}, or another type` });
}
