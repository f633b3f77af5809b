import type { Clause, Expr as AstExpr, KeyExpr, Name, Span } from '../ast.ts';
import type { Expr, KeyPart, Rule, Type } from '../typed.ts';
import { contextOf } from './context.ts';
import { meant } from './declarations.ts';
import { isA, viewOf, type EventInfo } from './event-types.ts';
import { condition, elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { acceptedTypes, type StageInfo } from './rule-shape.ts';
import { eventType } from './stages.ts';
import { rosterOf } from './tables.ts';
import { aType, commonType } from './types.ts';
import { definition } from './unread.ts';
import type { Value } from './value.ts';

type Of<Kind extends Clause['kind']> = Extract<Clause, { kind: Kind }>;

/** What `on` names, or a stage. */
export interface Input {
  readonly name: string | undefined;
  readonly types: readonly EventInfo[];
  /** Subtypes spelled out. */
  readonly accepts: readonly string[];
  readonly where: Expr | undefined;
  /** No condition was written. */
  readonly all: boolean;
  readonly span: Span;
}

/** What a rule sees: by exact type name, with the filters of which any lets an event through. */
export function seesOf(globals: Globals, inputs: Iterable<Pick<Input, 'accepts' | 'where' | 'all'>>): Rule['sees'] {
  const sees = new Map<string, { readonly filters: readonly Expr[]; readonly all: boolean }>();
  const order = [...globals.events.keys()];
  for (const { accepts, where, all } of inputs) {
    for (const type of accepts) {
      const known = sees.get(type);
      sees.set(type, { filters: [...known?.filters ?? [], ...(where ? [where] : [])], all: all || known?.all === true });
    }
  }
  const entries = [...sees].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  return new Map(entries.map(([type, { filters, all }]) => [type, { filters: all ? [] : filters }]));
}

/** The types that a pattern sees, whatever their filters are. */
export function typesSeen(globals: Globals, on: Of<'on'> | undefined, stages: Iterable<StageInfo>): Pick<Input, 'accepts' | 'where' | 'all'>[] {
  const accepts = on === undefined ? [...stages].map((stage) => stage.accepts)
    : on.inputs.flatMap((input) => {
      const type = eventType(globals, input.type);
      return type === undefined ? [] : [acceptedTypes([type], globals.events)];
    });
  return accepts.map((types) => ({ accepts: types, where: undefined, all: true }));
}

/** What a pattern sees, with the filters of `on`. */
export function checkInputs(globals: Globals, on: Of<'on'> | undefined, seen: Rule['sees'], featureKey: readonly KeyNames[]): Rule['sees'] {
  if (on === undefined) return seen;
  return seesOf(globals, on.inputs.flatMap((input) => {
    // An unknown type has been reported.
    const type = globals.events.get(input.type.text);
    if (type === undefined) return [];
    if (input.name !== undefined) {
      globals.report.add('no-effect', input.name.span, `The name "${input.name.text}" has no effect: inputs are named for windows; a pattern names its stages.`, { hint: `write on ${input.type.text}` });
    }
    return [{ accepts: acceptedTypes([type], globals.events), where: filterOf(globals, type, input.where, featureKey), all: input.where === undefined }];
  }));
}

/** The condition under which `on` lets events of a type through. */
export function filterOf(globals: Globals, type: EventInfo, where: AstExpr | undefined, featureKey: readonly KeyNames[]): Expr | undefined {
  const ctx = contextOf(globals, { place: `the filter on "${type.name}"`, event: viewOf([type]), featureKey });
  return (where && condition(ctx, where, 'What follows `where`'))?.expr;
}

export interface KeyNames { readonly name: string; readonly type: Type | undefined }

/** The key's parts. A part that is wrong is among `names`, without a type, so that who reads it stays silent. */
export function checkKey(globals: Globals, by: Of<'by'> | undefined, sees: Rule['sees'], stages: ReadonlyMap<string, StageInfo>, inputs: readonly string[] = []): { readonly parts: KeyPart[]; readonly names: KeyNames[]; readonly roster: Rule['roster'] } {
  if (by === undefined) return { parts: [], names: [], roster: undefined };
  const parts: KeyPart[] = [];
  const names: KeyNames[] = [];
  for (const key of by.keys) {
    if (names.some((other) => other.name === key.name.text)) {
      globals.report.add('field-twice', key.name.span, `The key names "${key.name.text}" twice.`);
      continue;
    }
    const part = checkPart(globals, key, sees, stages, inputs);
    if (part !== undefined) parts.push(part);
    names.push({ name: key.name.text, type: part?.type });
  }
  const roster = by.from && rosterOf(globals, by.from, names.map((name, i) => ({ ...name, span: by.keys.find((key) => key.name.text === name.name)?.name.span ?? by.keys[i]!.span })));
  return { parts, names, roster };
}

function checkPart(globals: Globals, key: KeyExpr, sees: Rule['sees'], stages: ReadonlyMap<string, StageInfo>, inputs: readonly string[]): KeyPart | undefined {
  const { report } = globals;
  const name = key.name.text;
  const seen = [...sees.keys()].flatMap((type) => globals.events.get(type) ?? []);
  const byType = new Map<EventInfo, KeyExpr['alternatives'][number]>();
  const byStage = new Map<string, Expr>();
  const values: Value[] = [];
  let wrong = false;
  const add = (made: Value | undefined): Expr | undefined => {
    if (made === undefined) wrong = true;
    else values.push(made);
    return made?.expr;
  };
  for (const alternative of key.alternatives) {
    const stage = stages.get(alternative.of.text);
    const type = globals.events.get(alternative.of.text);
    if (stage !== undefined) {
      const made = add(elaborate(contextOf(globals, { place: `the key of "${stage.name}"`, event: stage.event }), alternative.value));
      if (made !== undefined) byStage.set(stage.name, made);
    } else if (type !== undefined) {
      byType.set(type, alternative);
      if (!seen.some((other) => isA(other, type))) report.add('no-effect', alternative.of.span, `The rule sees no "${type.name}", so this part of the key has no effect.`);
    } else {
      wrong = true;
      unknownAlternative(globals, alternative.of, stages, inputs);
    }
  }
  const valueOf = new Map<string, Expr>();
  const lacking: string[] = [];
  for (const type of seen) {
    const alternative = nearest(byType, type);
    const scope = { place: `the key of "${type.name}"`, event: viewOf([type]) };
    if (alternative !== undefined || key.value !== undefined) {
      const made = add(elaborate(contextOf(globals, scope), alternative?.value ?? key.value));
      if (made !== undefined) valueOf.set(type.name, made);
      continue;
    }
    const field = type.fields.get(name);
    if (field !== undefined) {
      const made = add(elaborate(contextOf(globals, scope), { kind: 'name', name, span: key.name.span }));
      if (made !== undefined) valueOf.set(type.name, made);
      continue;
    }
    const takers = [...stages.values()].filter((stage) => stage.accepts.includes(type.name));
    if (takers.length > 0 && takers.every((stage) => byStage.has(stage.name))) continue;
    if (type.broken || globals.unread.inside(globals.declarations.events.get(type.name)!.span, definition(name))) wrong = true;
    else if (!takers.some((stage) => stage.event.broken)) lacking.push(type.name);
  }
  if (lacking.length > 0 && !wrong) lacksKey(globals, key, lacking, seen);
  if (wrong || lacking.length > 0 || values.length === 0) return undefined;
  const type = keyType(globals, key.name.span, name, values);
  return type && { name, type, valueOf, stages: byStage };
}

function unknownAlternative(globals: Globals, of: Name, stages: ReadonlyMap<string, StageInfo>, inputs: readonly string[]): void {
  if (inputs.includes(of.text)) {
    globals.report.add('unknown-type', of.span, `"${of.text}" is an input, and what stands for the key is said for an event type.`, { hint: 'write the name of the type' });
    return;
  }
  const isType = /^\p{Lu}/u.test(of.text);
  if (isType) globals.report.add('unknown-type', of.span, `Unknown event type "${of.text}".`, { hint: meant(of.text, globals.events.keys()) });
  else globals.report.add('unknown-stage', of.span, `Unknown stage "${of.text}".`, { hint: meant(of.text, stages.keys()) });
}

/** The alternative for a type: its own, else that of its nearest base. */
function nearest<T>(byType: ReadonlyMap<EventInfo, T>, type: EventInfo): T | undefined {
  for (let at: EventInfo | undefined = type; at !== undefined; at = at.base) {
    const found = byType.get(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lacksKey(globals: Globals, key: KeyExpr, lacking: readonly string[], seen: readonly EventInfo[]): void {
  const name = key.name.text;
  const fields = seen.filter((type) => lacking.includes(type.name)).flatMap((type) => [...type.fields.keys()]);
  const types = lacking.map((type) => `"${type}"`).join(', ');
  globals.report.add('unknown-key', key.name.span, `The rule reads ${types}, which ${lacking.length === 1 ? 'has' : 'have'} no field "${name}".`, {
    hint: (lacking.length === seen.length ? meant(name, fields) : undefined) ?? `say what stands for it: by ${name} (${lacking[0]}: …)`,
  });
}

function keyType(globals: Globals, span: Span, name: string, values: readonly Value[]): Type | undefined {
  let type = values[0]!.expr.type;
  for (const { expr } of values) {
    const common = commonType(type, expr.type);
    if (common === undefined) {
      return globals.report.add('mixed-types', span, `The key "${name}" is ${aType(type)} here and ${aType(expr.type)} there, so no two such events have the same key.`);
    }
    type = common;
  }
  if (type.kind === 'list' || type.kind === 'record' || type.kind === 'null') {
    return globals.report.add('type-mismatch', span, `A key is a text, a number, a time, a duration or a bool; "${name}" is ${aType(type)}.`);
  }
  return type;
}
