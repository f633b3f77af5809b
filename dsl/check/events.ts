import type { EventDecl, Name, Span } from '../ast.ts';
import type { Field } from '../typed.ts';
import { meant, type Declarations } from './declarations.ts';
import type { EventInfo } from './event-types.ts';
import { constantNumber } from './constants.ts';
import type { Globals } from './globals.ts';
import type { Report } from './report.ts';
import { resolveFields } from './type-exprs.ts';
import { DURATION, showFieldType } from './types.ts';
import { definition, type Unread } from './unread.ts';

/** Resolves the event types: their fields with those of their bases, time, identity. In the order declared. */
export function resolveEvents(declarations: Declarations, report: Report, unread: Unread): Map<string, EventInfo> {
  const done = new Map<string, EventInfo>();
  const open: string[] = [];
  const resolve = (name: string, decl: EventDecl): EventInfo => {
    const known = done.get(name);
    if (known !== undefined) return known;
    let base: EventInfo | undefined;
    let broken = decl.each !== undefined;
    if (decl.base !== undefined) {
      const baseDecl = declarations.events.get(decl.base.text);
      if (open.includes(decl.base.text) || decl.base.text === name) {
        const chain = [...open.slice(open.indexOf(decl.base.text)), name, decl.base.text];
        report.add('extends-cycle', decl.base.span, `An event type cannot extend itself: ${[...new Set(chain.slice(0, -1)), chain.at(-1)!].join(' extends ')}.`);
        broken = true;
      } else if (baseDecl === undefined) {
        if (!unread.declares('event', decl.base.text)) report.add('unknown-type', decl.base.span, `Unknown event type "${decl.base.text}".`, { hint: meant(decl.base.text, declarations.events.keys()) });
        broken = true;
      } else if (baseDecl.each !== undefined) {
        report.add('each-base', decl.base.span, `"${decl.base.text}" is made of the elements of a list, so no event can be of a type that extends it.`, { hint: 'extend the type that has the list: its subtypes give elements, too' });
        broken = true;
      } else {
        open.push(name);
        base = resolve(decl.base.text, baseDecl);
        open.pop();
        broken ||= base.broken;
      }
    }
    const info = eventInfo(decl, base, broken, report, unread);
    done.set(name, info);
    return info;
  };
  for (const [name, decl] of declarations.events) resolve(name, decl);
  return new Map([...declarations.events.keys()].map((name) => [name, done.get(name)!]));
}

function eventInfo(decl: EventDecl, base: EventInfo | undefined, broken: boolean, report: Report, unread: Unread): EventInfo {
  const fields = new Map(base?.fields);
  const fieldSpans = new Map(base?.fieldSpans);
  for (const field of resolveFields(decl.fields, report)) {
    const span = decl.fields.find((other) => other.name.text === field.name)!.name.span;
    const inherited = base?.fieldSpans.get(field.name);
    if (inherited !== undefined) {
      report.add('field-redeclared', span, `"${decl.name.text}" already has the field "${field.name}" from "${base!.name}".`, {
        hint: 'leave it out: a subtype has all fields of its base', related: [{ span: inherited, message: 'declared here' }],
      });
      continue;
    }
    fields.set(field.name, field);
    fieldSpans.set(field.name, span);
  }
  const known = (name: Name): Field | undefined => {
    const field = fields.get(name.text);
    if (field === undefined && !broken && !unread.inside(decl.span, definition(name.text))) {
      report.add('unknown-field', name.span, `"${decl.name.text}" has no field "${name.text}".`, { hint: meant(name.text, fields.keys()) ?? (name === decl.time ? timesOf(fields) : undefined) });
    }
    return field;
  };
  const time = decl.time === undefined ? base?.time : checkTime(decl.name.text, decl.time, known(decl.time), report);
  const id = decl.id === undefined ? base?.id ?? [] : decl.id.filter((name) => known(name) !== undefined).map((name) => name.text);
  return { name: decl.name.text, span: decl.name.span, base, fields, fieldSpans, time, id: [...new Set(id)], once: base?.once, broken };
}

export function timesOf(fields: ReadonlyMap<string, Field>): string | undefined {
  const times = [...fields.values()].filter((field) => field.type.kind === 'time').map((field) => field.name);
  return times.length === 0 ? 'declare a field of type time' : `write time ${times[0]}`;
}

export function checkTime(event: string, name: Name, field: Field | undefined, report: Report): string | undefined {
  if (field === undefined) return undefined;
  if (field.type.kind !== 'time' || field.optional) {
    report.add('bad-time-field', name.span, `The event time of "${event}" must be a field of type time that is always there; "${name.text}" is ${showFieldType(field)}.`);
  }
  return name.text;
}

/** `once within`: needs constants, so it is read when those are known. Gives the types with their spans filled in. */
export function resolveOnce(globals: Globals, declarations: Declarations): Map<string, EventInfo> {
  const done = new Map<string, EventInfo>();
  const resolve = (info: EventInfo): EventInfo => {
    const known = done.get(info.name);
    if (known !== undefined) return known;
    const decl = declarations.events.get(info.name)!;
    const base = info.base && resolve(info.base);
    let once = base?.once;
    if (decl.once !== undefined) {
      once = constantNumber(globals, decl.once, DURATION, '`once within`', { least: 1 });
      if (info.id.length === 0 && !info.broken) {
        report(decl.once.span, info.name);
      }
    }
    const resolved: EventInfo = { ...info, base, once };
    done.set(info.name, resolved);
    return resolved;
  };
  const report = (span: Span, name: string): void => {
    globals.report.add('once-without-id', span, `"${name}" has no \`id\`, so no second event can have the same one.`, { hint: 'name the fields that identify an event: id tx_id' });
  };
  return new Map([...globals.events.values()].map((info) => [info.name, resolve(info)]));
}
