import type { Argument, Expr as AstExpr, Name, Span } from '../ast.ts';
import type { Expr, Type, WindowAggregateFn } from '../typed.ts';
import { isCondition, resultType, takes } from './aggregate-types.ts';
import type { Context } from './context.ts';
import { meant } from './declarations.ts';
import type { EventView } from './event-types.ts';
import { condition, elaborate } from './expressions.ts';
import { fieldOf } from './names.ts';
import type { WindowView } from './scope.ts';
import { INT, TIME, aType, isNumber } from './types.ts';
import { value, type Nulls, type Value } from './value.ts';
import { visitNames } from './visit-names.ts';

/** Aggregates over the events of a window or a feature: a bare name in one is a field of those events. */

type Call = Extract<AstExpr, { kind: 'call' }>;

const ALWAYS: ReadonlySet<string> = new Set([
  'count', 'sum', 'avg', 'stddev', 'variance', 'first', 'last', 'distinct', 'values', 'percentile', 'slope', 'all', 'top', 'lasting', 'timeAvg',
]);
/** Functions of the language that go through a window's events where their only argument reads them. */
const SOMETIMES: ReadonlySet<string> = new Set(['min', 'max', 'any']);

/** What the last argument of an aggregate says; those that are not here take none. */
const ARGUMENTS: Readonly<Partial<Record<WindowAggregateFn, { readonly what: string; readonly example: string; readonly needed: boolean }>>> = {
  percentile: { what: 'a number from 0 to 100', example: '95', needed: true },
  slope: { what: 'the time per which it rises', example: '1h', needed: true },
  top: { what: 'how many values to give', example: '3', needed: true },
  values: { what: 'how many values to take', example: '50', needed: false },
};

export const windowAggregateNames: readonly string[] = [...ALWAYS, ...SOMETIMES];

export function isWindowAggregate(ctx: Context, call: Call): boolean {
  const name = call.callee.text;
  const { window } = ctx.scope;
  if (window === undefined || ctx.globals.fns.has(name)) return false;
  if (ALWAYS.has(name)) return true;
  const [only] = call.args;
  if (!SOMETIMES.has(name) || call.args.length !== 1 || ctx.ofWindow !== undefined) return false;
  return only!.kind === 'where' || (only!.kind === 'value' && (only!.where !== undefined || readsEvents(ctx, window, only!.value)));
}

/** The expression names an input, or a field of the window's events, outside the aggregates within it. */
function readsEvents(ctx: Context, window: WindowView, expr: AstExpr): boolean {
  let reads = false;
  visitNames(expr, (name) => {
    if (!ctx.locals.has(name) && (window.inputs.has(name) || window.events.field(name) !== 'none')) reads = true;
  }, (call) => !isWindowAggregate(ctx, call));
  return reads;
}

/** The inputs that an expression names. */
function inputsIn(ctx: Context, window: WindowView, exprs: readonly (AstExpr | undefined)[]): Set<string> {
  const found = new Set<string>();
  for (const expr of exprs) {
    visitNames(expr, (name) => {
      if (!ctx.locals.has(name) && window.inputs.has(name)) found.add(name);
    });
  }
  return found;
}

/** `count()`, `sum(x where …)`, `percentile(r.x, 95)` and their like. */
export function windowAggregate(ctx: Context, call: Call): Value | undefined {
  const fn = call.callee.text as WindowAggregateFn;
  const window = ctx.scope.window!;
  const { report } = ctx.globals;
  if (ctx.ofWindow !== undefined) {
    return report.add('nested-aggregate', call.span, `\`${fn}\` goes through the events of the window, and so does what it stands in.`, { hint: 'an aggregate takes values of single events; compare two aggregates side by side' });
  }
  const parts = partsOf(ctx, call, fn);
  if (parts === undefined) return undefined;
  const input = inputOf(ctx, window, call, parts);
  if (input === 'wrong') return undefined;
  const events = input === undefined ? window.events : window.inputs.get(input)!;
  const inside: Context = { ...ctx, ofWindow: { events, input } };
  const where = parts.where === undefined ? undefined : condition(inside, parts.where, 'What follows `where`');
  if (parts.where !== undefined && where === undefined) return undefined;
  const argument = argumentOf(ctx, fn, parts.argument, call.span);
  if (argument === 'wrong') return undefined;
  const made = { ...(input !== undefined && { input }), ...(where && { where: where.expr }), ...(argument !== undefined && { argument }) };
  const empty = window.maybeEmpty || where !== undefined || (input !== undefined && window.inputCount > 1);
  if (parts.value === undefined || bare(parts.value) === input && input !== undefined) {
    if (fn === 'count') return value(INT, call.span, { kind: 'windowAggregate', fn, ...made });
    return needsField(ctx, call, fn, events, input);
  }
  const of = elaborate(inside, parts.value);
  if (of !== undefined && fn === 'count' && isCondition(of.expr)) {
    return report.add('count-of-condition', of.expr.span, '`count` counts values, and a condition always has one: this counts every event.', { hint: `write count(${input === undefined ? '' : `${input} `}where …)` });
  }
  return of && typed(ctx, call.span, fn, of, made, empty);
}

function typed(ctx: Context, span: Span, fn: WindowAggregateFn, of: Value, made: { readonly where?: Expr; readonly input?: string; readonly argument?: number }, empty: boolean): Value | undefined {
  const type = resultType(fn, of.expr.type);
  if (type === undefined) {
    return ctx.globals.report.add('type-mismatch', of.expr.span, `\`${fn}\` takes ${takes(fn)}; this is ${aType(of.expr.type)}.`);
  }
  return value(type, span, { kind: 'windowAggregate', fn, value: of.expr, ...made }, nullsOf(fn, of, empty));
}

function nullsOf(fn: WindowAggregateFn, of: Value, empty: boolean): Nulls {
  switch (fn) {
    case 'count': case 'distinct': case 'sum': case 'values': return 0;
    case 'stddev': case 'variance': case 'slope': return 2;
    case 'any': case 'all': case 'lasting': return empty ? 2 : 0;
    default: return empty ? 2 : of.nulls;
  }
}

interface Parts { readonly value: AstExpr | undefined; readonly where: AstExpr | undefined; readonly argument: AstExpr | undefined }

function partsOf(ctx: Context, call: Call, fn: WindowAggregateFn): Parts | undefined {
  const { report } = ctx.globals;
  const takesArgument = ARGUMENTS[fn];
  const [over, last, ...more] = call.args;
  const wrong = [over, last].find((arg) => arg?.kind === 'lambda');
  if (wrong?.kind === 'lambda') return report.add('bad-arguments', wrong.span, `\`${fn}\` takes no \`x => …\`; only \`any(list, x => …)\` does.`, { hint: 'a condition on each event is written where …' });
  if (more.length > 0 || (last !== undefined && takesArgument === undefined)) {
    return report.add('bad-arguments', call.span, `\`${fn}\` takes one argument${takesArgument === undefined ? '' : ` and ${takesArgument.what}`}; here are ${call.args.length}.`, { hint: fn === 'sum' ? 'numbers are added with +' : undefined });
  }
  // `percentile(x, 95 where ok)`: the condition belongs behind the value, and is understood.
  const wheres = [over, last].flatMap((arg) => (arg === undefined || arg.kind === 'lambda' || arg.where === undefined ? [] : [arg.where]));
  if (wheres.length > 1 || last?.kind === 'where') return report.add('bad-arguments', call.span, `\`${fn}\` takes one \`where\`, behind the value.`, { hint: `write ${fn}(x where …${takesArgument === undefined ? '' : `, ${takesArgument.example}`})` });
  return {
    value: over?.kind === 'value' ? over.value : undefined, where: wheres[0], argument: last?.kind === 'value' ? last.value : undefined,
  };
}

/** The one input that an aggregate goes through; undefined: all events of the window. */
function inputOf(ctx: Context, window: WindowView, call: Call, parts: Parts): string | undefined | 'wrong' {
  const found = [...inputsIn(ctx, window, [parts.value, parts.where])];
  if (found.length <= 1) return found[0];
  ctx.globals.report.add('aggregate-of-two', call.span, `\`${call.callee.text}\` goes through the events of one input; here are ${found.map((name) => `"${name}"`).join(' and ')}.`, { hint: 'take an aggregate of each, and put them together' });
  return 'wrong';
}

function argumentOf(ctx: Context, fn: WindowAggregateFn, given: AstExpr | undefined, span: Span): number | undefined | 'wrong' {
  const { report } = ctx.globals;
  const asked = ARGUMENTS[fn];
  if (asked === undefined) return undefined;
  const refuse = (at: Span, message: string): 'wrong' => {
    report.add('bad-arguments', at, message, { hint: `write ${fn}(x, ${asked.example})` });
    return 'wrong';
  };
  if (given !== undefined && readsEvents(ctx, ctx.scope.window!, given)) return refuse(given.span, `Behind the value \`${fn}\` takes ${asked.what}, and this is one of the events.`);
  if (given === undefined) return asked.needed ? refuse(span, `\`${fn}\` takes a value of the events, and ${asked.what}.`) : undefined;
  const made = elaborate({ ...ctx, ofWindow: undefined }, given);
  if (made === undefined) return 'wrong';
  const { expr } = made;
  const number = expr.kind === 'literal' && typeof expr.value === 'number' ? expr.value : undefined;
  const fitting = fn === 'slope' ? expr.type.kind === 'duration' : isNumber(expr.type);
  if (!fitting || (number === undefined && expr.kind === 'literal')) return refuse(expr.span, `Here \`${fn}\` takes ${asked.what}; this is ${aType(expr.type)}.`);
  if (number === undefined) return refuse(expr.span, `Here \`${fn}\` takes ${asked.what}, known when the rule is compiled.`);
  if (fn === 'percentile' && (number < 0 || number > 100)) return refuse(expr.span, `A percentile lies from 0 to 100; this is ${number}.`);
  if (fn === 'slope' && number <= 0) return refuse(expr.span, 'The time per which a slope is taken is above zero.');
  if ((fn === 'top' || fn === 'values') && (!Number.isInteger(number) || number < 1)) return refuse(expr.span, 'How many values there are to be is a whole number above zero.');
  return number;
}

function needsField(ctx: Context, call: Call, fn: WindowAggregateFn, events: EventView, input: string | undefined): undefined {
  const example = events.names().find((name) => {
    const field = events.field(name);
    return typeof field === 'object' && resultType(fn, field.type) !== undefined && name !== 'id';
  }) ?? 'field';
  const prefix = input === undefined ? '' : `${input}.`;
  const condition_ = fn === 'any' || fn === 'all' || fn === 'lasting';
  return ctx.globals.report.add('stage-without-field', call.span, `\`${fn}\` needs to know of ${condition_ ? 'which condition' : 'which field'}.`, {
    hint: input !== undefined && (fn === 'first' || fn === 'last') ? `write ${fn}(${input}).${example}` : condition_ ? `write ${fn}(${prefix}${example} …)` : `write ${fn}(${prefix}${example}${ARGUMENTS[fn]?.needed === true ? `, ${ARGUMENTS[fn].example}` : ''})`,
  });
}

/** The name, where the expression is nothing else. */
function bare(expr: AstExpr): string | undefined {
  if (expr.kind === 'paren') return bare(expr.inner);
  return expr.kind === 'name' ? expr.name : undefined;
}

/** A field of the event that an aggregate of a window, or a feature, looks at. */
export function ofEvent(window: WindowView, type: Type, name: string, span: Span, nulls: Nulls): Value {
  return value(type, span, { kind: window.reads === 'event' ? 'eventField' : 'eachField', field: name }, nulls);
}

/** `r.amount` of an input: inside an aggregate only. */
export function inputField(ctx: Context, window: WindowView, input: string, name: Name, span: Span): Value | undefined {
  const { report } = ctx.globals;
  if (windowAggregateNames.includes(name.text) && window.inputs.get(input)!.field(name.text) === 'none') {
    return report.add('unknown-field', name.span, `"${name.text}" is no field, but a function.`, { hint: name.text === 'count' ? `write count(${input})` : `write ${name.text}(${input}.field)` });
  }
  const field = fieldOf(ctx, window.inputs.get(input)!, input, name.text, name.span);
  if (field === undefined) return undefined;
  // One aggregate goes through one input, so this is the one.
  if (ctx.ofWindow !== undefined) return ofEvent(window, field.type, name.text, span, field.nulls);
  return report.add('loop-needs-aggregate', span, `"${input}" is all its events in the window, so ${input}.${name.text} is a list of values.`, {
    hint: `pick one, last(${input}.${name.text}), or take all: ${isNumber(field.type) || field.type.kind === 'duration' ? `avg(${input}.${name.text})` : `values(${input}.${name.text})`}`,
  });
}

/** `window.start` and `window.end`. */
export function windowInfo(ctx: Context, name: Name, span: Span): Value | undefined {
  const { report } = ctx.globals;
  if (ctx.ofWindow !== undefined) return report.add('window-here', span, 'An aggregate looks at single events, and does not know the window they are in.', { hint: 'compare the aggregate with it: max(at) > window.start' });
  if (name.text !== 'start' && name.text !== 'end') return report.add('unknown-field', name.span, `A window has start and end, not "${name.text}".`, { hint: meant(name.text, ['start', 'end']) ?? 'write window.start or window.end' });
  const bounds = ctx.scope.window!.bounds;
  return value(TIME, span, { kind: 'windowInfo', what: name.text }, bounds === 'both' || (bounds === 'start' && name.text === 'start') ? 0 : 2);
}

/** `last(r).amount`, `first(r).amount`; 'none': the member is of something else. */
export function pickedOfInput(ctx: Context, object: AstExpr, name: Name, span: Span): Value | undefined | 'none' {
  const window = ctx.scope.window;
  if (window === undefined) return 'none';
  const picked = pick(ctx, window, object);
  if (picked === undefined) return 'none';
  const field = fieldOf(ctx, window.inputs.get(picked.input)!, picked.input, name.text, name.span);
  return field && one(ctx, window, picked, ofEvent(window, field.type, name.text, span, field.nulls), span);
}

/** `timeOf(last(r))`, and inside an aggregate `timeOf(r)`; 'none': it is of something else. */
export function timeOfInput(ctx: Context, arg: Argument | undefined, span: Span): Value | undefined | 'none' {
  const window = ctx.scope.window;
  if (window === undefined || arg?.kind !== 'value' || arg.where !== undefined) return 'none';
  const time = value(TIME, span, { kind: window.reads === 'event' ? 'eventTime' : 'eachTime' });
  const name = bare(arg.value);
  if (name !== undefined && window.inputs.has(name)) {
    if (ctx.ofWindow !== undefined) return time;
    return ctx.globals.report.add('loop-needs-aggregate', span, `"${name}" is all its events in the window.`, { hint: `pick one: timeOf(last(${name}))` });
  }
  const picked = pick(ctx, window, arg.value);
  return picked === undefined ? 'none' : one(ctx, window, picked, time, span);
}

interface Picked { readonly fn: 'first' | 'last'; readonly input: string; readonly where: AstExpr | undefined }

function pick(ctx: Context, window: WindowView, expr: AstExpr): Picked | undefined {
  if (expr.kind === 'paren') return pick(ctx, window, expr.inner);
  if (expr.kind !== 'call' || ctx.ofWindow !== undefined) return undefined;
  const fn = expr.callee.text;
  const [over] = expr.args;
  if ((fn !== 'first' && fn !== 'last') || expr.args.length !== 1 || over!.kind !== 'value') return undefined;
  const name = bare(over!.value);
  return name !== undefined && window.inputs.has(name) ? { fn, input: name, where: over!.where } : undefined;
}

function one(ctx: Context, window: WindowView, { fn, input, where }: Picked, of: Value, span: Span): Value | undefined {
  const inside: Context = { ...ctx, ofWindow: { events: window.inputs.get(input)!, input } };
  const filter = where === undefined ? undefined : condition(inside, where, 'What follows `where`');
  if (where !== undefined && filter === undefined) return undefined;
  const empty = window.maybeEmpty || filter !== undefined || window.inputCount > 1;
  return typed(ctx, span, fn, of, { input, ...(filter && { where: filter.expr }) }, empty);
}
