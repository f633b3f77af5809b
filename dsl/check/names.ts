import type { Expr as AstExpr, Span } from '../ast.ts';
import { firstOrLast } from './aggregates.ts';
import { meant } from './declarations.ts';
import type { Context } from './context.ts';
import { featureValue } from './features.ts';
import type { EventInfo, EventView, FieldView } from './event-types.ts';
import { elaborate } from './expressions.ts';
import type { StageView, WindowView } from './scope.ts';
import { isTable, lookup, rowHere } from './tables.ts';
import { STRING, TIME, aType } from './types.ts';
import { definition } from './unread.ts';
import { inputField, ofEvent, pickedOfInput, windowAggregateNames, windowInfo } from './window-aggregates.ts';
import { literal, mostNulls, underLambdas, value, type Value } from './value.ts';

/** A bare name: a local, a word of the place, a field of the event being tested, a part of the key, a param or a const. */
export function resolveName(ctx: Context, expr: Extract<AstExpr, { kind: 'name' }>): Value | undefined {
  const { name, span } = expr;
  const { globals, scope } = ctx;
  const local = ctx.locals.get(name);
  if (local !== undefined) {
    if (local.kind === 'argument') {
      return local.value && { ...local.value, expr: underLambdas(local.value.expr, ctx.lambdas - local.lambdas) };
    }
    return local.type && value(local.type.expr.type, span, { kind: 'lambdaParam', depth: ctx.lambdas - 1 - local.level }, local.type.nulls);
  }
  // Inside an aggregate a field may be called `high`.
  if (ctx.ofWindow === undefined && scope.words?.includes(name) === true) return literal(STRING, span, name);
  if (ctx.ofWindow !== undefined) {
    const { events } = ctx.ofWindow;
    const field = events.field(name);
    if (field === 'mixed') return mixed(ctx, span, name, events);
    if (field !== 'none') return ofEvent(scope.window!, field.type, name, span, field.nulls);
  }
  const field = scope.event?.field(name);
  if (field === 'mixed') return mixed(ctx, span, name, scope.event!);
  if (field !== undefined && field !== 'none') return value(field.type, span, { kind: 'eventField', field: name }, field.nulls);
  const part = scope.key?.findIndex((key) => key.name === name) ?? -1;
  if (part >= 0) {
    const type = scope.key![part]!.type;
    return type && value(type, span, { kind: 'keyField', part });
  }
  const param = globals.params.get(name);
  if (param !== undefined) return value(param.type, span, { kind: 'param', name }, param.nulls);
  if (globals.consts.has(name)) {
    const constant = globals.consts.get(name);
    return constant && { ...constant, expr: { ...constant.expr, span } };
  }
  if (globals.declarations.features.has(name)) return featureValue(ctx, name, span);
  if (globals.declarations.tables.has(name) && isTable(ctx, name)) return rowHere(ctx, name, span, false);
  return unknownName(ctx, name, span);
}

function unknownName(ctx: Context, name: string, span: Span): undefined {
  const { globals, scope } = ctx;
  const { report } = globals;
  const stage = scope.stage?.(name);
  if (stage !== undefined) {
    const example = stage.event.names()[0] ?? 'field';
    if (stage.as === 'unused') return undefined;
    return report.add('stage-without-field', span, `"${name}" is a stage, not a value.`, {
      hint: stage.as === 'list' ? `count(${name}), or an aggregate such as last(${name}).${example}` : `write ${name} and a field: ${name}.${example}`,
    });
  }
  if (globals.fns.has(name)) return report.add('unknown-name', span, `"${name}" is a function.`, { hint: `call it: ${name}(…)` });
  if (scope.window?.inputs.has(name) === true) return report.add('stage-without-field', span, `"${name}" is an input of the window, not a value.`, { hint: `count(${name}), or an aggregate such as last(${name}.field)` });
  if (name === 'window' && scope.window !== undefined) return report.add('stage-without-field', span, '`window` is not a value.', { hint: 'write window.start or window.end' });
  if ((name === 'prev' || name === 'match') && scope.window === undefined) {
    return report.add('stage-without-field', span, `\`${name}\` is not a value.`, { hint: name === 'prev' ? 'write prev and a field' : 'write match.id, match.from or match.to' });
  }
  if (scope.undefinedStages?.has(name) === true) return undefined;
  // The event's type is not clear, or the parser could not read the declaration, and that has been reported.
  if (scope.event?.broken === true || isUnreadField(ctx, scope.event, name) || globals.unread.declares('param|const|fn|table|feature', name)) return undefined;
  if (scope.window !== undefined) return unknownInWindow(ctx, scope.window, name, span);
  const stages = scope.stageNames ?? [];
  const having = stages.filter((stageName) => {
    const view = scope.stage?.(stageName);
    return view !== undefined && view.as !== 'banned' && view.as !== 'later' && view.event.field(name) !== 'none';
  });
  // It may be a part of the key, which could not be read.
  if (having.length > 0 && scope.isKeyRead?.() === false) return undefined;
  if (scope.report === true && having.length > 0) {
    const list = scope.stage!(having[0]!)!.as === 'list';
    return report.add('unknown-name', span, `"${name}" is not a part of the rule's key, a param or a const; ${scope.place} has no event of its own.`, {
      hint: list ? `write it with its stage, in an aggregate: last(${having[0]}).${name}` : `write it with its stage: ${having[0]}.${name}`,
    });
  }
  const known = [
    ...scope.event?.names() ?? [], ...scope.key?.map((key) => key.name) ?? [], ...globals.params.keys(), ...globals.consts.keys(), ...ctx.locals.keys(), ...scope.words ?? [],
    ...scope.stageNames ?? [], ...scope.featureKey === undefined ? [] : globals.features.keys(),
  ];
  const element = [...ctx.locals].find(([, local]) => local.kind === 'lambda' && local.type?.expr.type.kind === 'record' && local.type.expr.type.fields.some((field) => field.name === name))?.[0];
  const type = scope.event?.types.map((one) => one.name).join(' | ');
  const only = scope.event?.types.filter((one) => one.fields.has(name)).map((one) => one.name) ?? [];
  return report.add('unknown-name', span, type === undefined ? `Unknown name "${name}" in ${scope.place}.`
    : `Unknown name "${name}": it is no field of ${type}, no param and no const.`, {
    hint: element !== undefined ? `write ${element}.${name}` : only.length > 0 ? `only ${only.join(' and ')} has it; the event may be any of them` : having.length > 0 ? `the stage "${having[0]}" has such a field: ${having[0]}.${name}`
      : meant(name, known) ?? (scope.words === undefined ? undefined : `write ${scope.words.slice(0, -1).join(', ')} or ${scope.words.at(-1)}`),
  });
}

/** A field that the parser could not read. */
function isUnreadField(ctx: Context, event: EventView | undefined, name: string): boolean {
  return event?.types.some((type) => {
    for (let at: EventInfo | undefined = type; at !== undefined; at = at.base) {
      const decl = ctx.globals.declarations.events.get(at.name);
      if (decl !== undefined && ctx.globals.unread.inside(decl.span, definition(name))) return true;
    }
    return false;
  }) === true;
}

function mixed(ctx: Context, span: Span, name: string, event: EventView): undefined {
  const types = event.types.flatMap((type) => {
    const field = type.fields.get(name);
    return field === undefined ? [] : [`${aType(field.type)} in ${type.name}`];
  });
  return ctx.globals.report.add('mixed-types', span, `"${name}" is ${[...new Set(types)].join(' and ')}.`, { hint: 'only fields of one type can be read from either' });
}

/** `a.b`: a stage's field, prev.f, match.id, last(s).f, or a field of a record. */
export function resolveMember(ctx: Context, expr: Extract<AstExpr, { kind: 'member' }>): Value | undefined {
  const { object, name, span } = expr;
  if (object.kind === 'name' && !ctx.locals.has(object.name)) {
    const stage = ctx.scope.stage?.(object.name);
    if (stage !== undefined) return stageField(ctx, stage, name.text, name.span, span);
    const { window } = ctx.scope;
    if (window?.inputs.has(object.name) === true) return inputField(ctx, window, object.name, name, span);
    const field = (ctx.ofWindow?.events ?? ctx.scope.event)?.field(object.name);
    if (field === undefined || field === 'none') {
      if (object.name === 'window' && window !== undefined) return windowInfo(ctx, name, span);
      if (object.name === 'prev') return prevField(ctx, name.text, name.span, span);
      if (object.name === 'match') return matchInfo(ctx, name.text, name.span, span);
      const known = ctx.scope.key?.some((key) => key.name === object.name) === true || ctx.globals.params.has(object.name)
        || ctx.globals.consts.has(object.name) || ctx.globals.declarations.features.has(object.name) || ctx.globals.declarations.tables.has(object.name);
      if (!known) return unknownStage(ctx, object.name, object.span);
    }
  }
  const row = lookup(ctx, object, name, span);
  if (row !== 'none') return row;
  const ofInput = pickedOfInput(ctx, object, name, span);
  if (ofInput !== 'none') return ofInput;
  const picked = firstOrLast(ctx, object, name, span);
  if (picked !== 'none') return picked;
  const record = elaborate(ctx, object);
  if (record === undefined) return undefined;
  const { type } = record.expr;
  if (type.kind !== 'record') {
    // A stage whose definition could not be read, and a field that happens to have its name.
    if (object.kind === 'name' && ctx.scope.undefinedStages?.has(object.name) === true) return undefined;
    return ctx.globals.report.add('type-mismatch', name.span, `Only records have fields; this is ${aType(type)}.`);
  }
  const field = type.fields.find((other) => other.name === name.text);
  if (field === undefined) {
    return ctx.globals.report.add('unknown-field', name.span, `There is no field "${name.text}" in this record.`, { hint: meant(name.text, type.fields.map((other) => other.name)) });
  }
  return value(field.type, span, { kind: 'member', object: record.expr, field: name.text }, mostNulls(record, field.optional ? 2 : 0));
}

function unknownStage(ctx: Context, name: string, span: Span): undefined {
  const { scope, globals } = ctx;
  if (scope.window !== undefined) return unknownInWindow(ctx, scope.window, name, span);
  if (scope.event?.broken === true || scope.undefinedStages?.has(name) === true) return undefined;
  if (scope.stage === undefined) {
    return globals.report.add('unknown-name', span, `Unknown name "${name}": ${scope.place} knows no stages.`, { hint: meant(name, scope.event?.names() ?? []) });
  }
  return globals.report.add('unknown-stage', span, `Unknown stage "${name}".`, { hint: meant(name, [...scope.stageNames ?? [], ...scope.event?.names() ?? []]) ?? (/^(previous|before|last)$/i.test(name) ? 'the event bound before this one is prev' : name === 'window' ? 'when a match is, match.from and match.to say; window.start belongs to a rule with a window' : undefined) });
}

/** A name in a rule with a window, before a `.` or by itself. */
function unknownInWindow(ctx: Context, window: WindowView, name: string, span: Span): undefined {
  const { globals, scope } = ctx;
  const events = ctx.ofWindow?.events ?? window.events;
  if (events.broken || isUnreadField(ctx, events, name)) return undefined;
  const inputs = [...window.inputs.keys()];
  if (windowAggregateNames.includes(name)) return globals.report.add('unknown-name', span, `"${name}" is a function.`, { hint: `call it: ${name}(…)` });
  if (ctx.ofWindow === undefined && (window.events.field(name) !== 'none' || inputs.length > 0)) {
    const owner = window.events.field(name) !== 'none' ? undefined : inputs.find((input) => window.inputs.get(input)!.field(name) !== 'none');
    if (owner !== undefined || window.events.field(name) !== 'none') {
      if (scope.isKeyRead?.() === false) return undefined;
      const field = owner === undefined ? name : `${owner}.${name}`;
      return globals.report.add('unknown-name', span, `"${name}" is a field of the events of the window, and no part of the rule's key: there are many values of it.`, { hint: `take one or all in an aggregate: last(${field}), values(${field})` });
    }
  }
  const known = [
    ...events.names(), ...inputs, ...scope.key?.map((key) => key.name) ?? [], ...globals.params.keys(), ...globals.consts.keys(), ...ctx.locals.keys(), ...scope.words ?? [], ...globals.features.keys(), 'window',
  ];
  const only = events.types.filter((one) => one.fields.has(name)).map((one) => one.name);
  const types = events.types.map((one) => one.name).join(' | ');
  return globals.report.add('unknown-name', span, ctx.ofWindow === undefined ? `Unknown name "${name}" in ${scope.place}.` : `Unknown name "${name}": it is no field of ${types}, no param and no const.`, {
    hint: only.length > 0 ? `only ${only.join(' and ')} has it; name the input: on x: ${only[0]}, then x.${name}`
      : name === 'prev' || name === 'match' ? 'a window has neither runs nor matches; window.start and window.end say when it is' : meant(name, known),
  });
}

/** Reports a stage that cannot be read where the expression stands. */
export function readable(ctx: Context, stage: StageView, span: Span): boolean {
  if (stage.as === 'unused') return false;
  if (stage.as === 'banned') {
    ctx.globals.report.add('banned-stage-read', span, `"${stage.name}" is only ever banned, so no event is bound to it.`, { related: [{ span: stage.span, message: 'defined here' }] });
    return false;
  }
  if (stage.as === 'later') {
    ctx.globals.report.add('stage-not-bound', span, `"${stage.name}" is not bound yet in ${ctx.scope.place}.`, { hint: 'a condition reads the stages before its own; `having` reads all of them' });
    return false;
  }
  return true;
}

/** The field of a stage's events, or undefined with a report. */
export function fieldOf(ctx: Context, event: EventView, owner: string, name: string, span: Span): FieldView | undefined {
  const field = event.field(name);
  if (field === 'mixed') return mixed(ctx, span, name, event);
  if (field !== 'none') return field;
  if (event.broken || isUnreadField(ctx, event, name)) return undefined;
  const types = event.types.map((type) => `"${type.name}"`);
  const lacking = event.types.filter((type) => !type.fields.has(name)).map((type) => `"${type.name}"`);
  const where = types.length === 1 ? ` on event ${types[0]}` : lacking.length < types.length ? `: ${lacking.join(' and ')} has none (${owner} may be either)` : ` on ${types.join(' or ')}`;
  return ctx.globals.report.add('unknown-field', span, `Unknown field "${name}"${where}.`, { hint: meant(name, event.names()) });
}

function stageField(ctx: Context, stage: StageView, name: string, nameSpan: Span, span: Span): Value | undefined {
  if (!readable(ctx, stage, span)) return undefined;
  const field = fieldOf(ctx, stage.event, stage.name, name, nameSpan);
  if (field === undefined) return undefined;
  if (ctx.each === stage.name) return value(field.type, span, { kind: 'eachField', field: name }, field.nulls);
  switch (stage.as) {
    case 'tested': return value(field.type, span, { kind: 'eventField', field: name }, field.nulls);
    case 'one': return value(field.type, span, { kind: 'stageField', stage: stage.name, field: name }, mostNulls(field.nulls, stage.maybeUnbound ? 2 : 0));
    default:
      return ctx.globals.report.add('loop-needs-aggregate', span, `"${stage.name}" is a loop here, so ${stage.name}.${name} is a list of values.`, {
        hint: `pick one, last(${stage.name}).${name}, or take all: ${field.type.kind === 'int' || field.type.kind === 'float' || field.type.kind === 'duration' ? `avg(${stage.name}.${name})` : `values(${stage.name}.${name})`}`,
      });
  }
}

function prevField(ctx: Context, name: string, nameSpan: Span, span: Span): Value | undefined {
  const { prev } = ctx.scope;
  if (prev === undefined) return ctx.globals.report.add('prev-here', span, `There is no previous event in ${ctx.scope.place}.`, { hint: ctx.scope.window && `the latest event of a window: last(${name})` });
  const field = prev.event.types.length === 0 ? undefined : fieldOf(ctx, prev.event, 'the previous event', name, nameSpan);
  if (prev.event.types.length === 0) {
    return ctx.globals.report.add('never-true', span, 'There is no event before the first step, so `prev` is always null here.', { hint: 'drop the condition, or move it to a later stage' });
  }
  return field && value(field.type, span, { kind: 'prevField', field: name }, mostNulls(field.nulls, prev.maybeUnbound ? 2 : 0));
}

function matchInfo(ctx: Context, name: string, nameSpan: Span, span: Span): Value | undefined {
  if (ctx.scope.window !== undefined) return ctx.globals.report.add('match-here', span, 'There is no match where there is a window.', { hint: 'window.start and window.end say when it is' });
  if (ctx.scope.match !== true) {
    return ctx.globals.report.add('match-here', span, `\`match.${name}\` is known only once there is a match: in \`having\`, \`alert\` and \`emit\`, not in ${ctx.scope.place}.`);
  }
  switch (name) {
    case 'id': return value(STRING, span, { kind: 'matchInfo', what: 'id' });
    case 'from': case 'to': return value(TIME, span, { kind: 'matchInfo', what: name });
    default: return ctx.globals.report.add('unknown-field', nameSpan, `A match has id, from and to, not "${name}".`, { hint: meant(name, ['id', 'from', 'to']) });
  }
}
