import type { Argument, Expr as AstExpr, Name, Span } from '../ast.ts';
import type { AggregateFn, Expr, Type } from '../typed.ts';
import { isCondition, resultType, takes } from './aggregate-types.ts';
import type { Context } from './context.ts';
import { condition, elaborate } from './expressions.ts';
import { fieldOf, readable } from './names.ts';
import type { StageView } from './scope.ts';
import { INT, TIME, aType } from './types.ts';
import { value, type Nulls, type Value } from './value.ts';
import { timeOfInput } from './window-aggregates.ts';

type Call = Extract<AstExpr, { kind: 'call' }>;

const ALWAYS = new Set<string>(['count', 'sum', 'avg', 'stddev', 'first', 'last', 'distinct', 'values', 'lasting', 'timeAvg']);
/** `prevField` without a field is the time of the previous event. */
const TIME_OF_PREV = undefined as unknown as string;
const SOMETIMES = new Set<string>(['min', 'max']);

/** The call goes through the events of a stage; `min` and `max` do when their only argument names one. */
export function isAggregate(ctx: Context, call: Call): boolean {
  const name = call.callee.text;
  if (ctx.globals.fns.has(name)) return false;
  if (ALWAYS.has(name)) return true;
  const [only] = call.args;
  return SOMETIMES.has(name) && call.args.length === 1 && only!.kind === 'value' && (only!.where !== undefined || stagesIn(ctx, only!.value).size > 0);
}

/** The stages whose events an expression names, other than those named inside an aggregate within it. */
function stagesIn(ctx: Context, expr: AstExpr, found = new Set<string>()): Set<string> {
  const look = (part: AstExpr | undefined): void => {
    if (part !== undefined) stagesIn(ctx, part, found);
  };
  switch (expr.kind) {
    case 'name':
      if (!ctx.locals.has(expr.name) && fieldType(ctx, expr.name) === undefined && ctx.scope.stage?.(expr.name) !== undefined) found.add(expr.name);
      break;
    case 'member':
      if (expr.object.kind === 'name' && !ctx.locals.has(expr.object.name) && ctx.scope.stage?.(expr.object.name) !== undefined) found.add(expr.object.name);
      else look(expr.object);
      break;
    case 'index': look(expr.object); look(expr.index); break;
    case 'call':
      if (!isAggregate(ctx, expr)) expr.args.forEach((arg) => look(arg.kind === 'value' ? arg.value : arg.kind === 'lambda' ? arg.body : arg.where));
      break;
    case 'list': expr.items.forEach(look); break;
    case 'unary': look(expr.operand); break;
    case 'binary': look(expr.left); look(expr.right); break;
    case 'in': look(expr.value); look(expr.options); break;
    case 'like': case 'matches': look(expr.value); look(expr.pattern); break;
    case 'between': look(expr.value); look(expr.lo); look(expr.hi); break;
    case 'isNull': look(expr.value); break;
    case 'if': look(expr.cond); look(expr.then); look(expr.else); break;
    case 'paren': look(expr.inner); break;
    default: break;
  }
  return found;
}

function fieldType(ctx: Context, name: string): Type | undefined {
  const field = ctx.scope.event?.field(name);
  return field === undefined || field === 'none' || field === 'mixed' ? undefined : field.type;
}

/** `count(s)`, `sum(s.f where …)`, `values(s.f, 50)` and their like. */
export function aggregate(ctx: Context, call: Call): Value | undefined {
  const fn = call.callee.text as AggregateFn;
  const { report } = ctx.globals;
  const [over, limitArg, ...more] = call.args;
  if (over === undefined || over.kind !== 'value') return needsStage(ctx, call, over);
  if (more.length > 0 || (limitArg !== undefined && fn !== 'values')) {
    return report.add('bad-arguments', call.span, `\`${fn}\` takes one argument${fn === 'values' ? ' and a number' : ''}; here are ${call.args.length}.`, {
      hint: fn === 'sum' ? 'numbers are added with +' : undefined,
    });
  }
  const stage = stageOf(ctx, call, over);
  if (stage === undefined) return undefined;
  const whole = bare(over.value);
  const each: Context = { ...ctx, each: stage.name };
  const where = over.where === undefined ? undefined : condition(each, over.where, 'What follows `where`');
  if (over.where !== undefined && where === undefined) return undefined;
  const limit = limitArg === undefined ? undefined : limitOf(ctx, limitArg, call.span);
  if (limitArg !== undefined && limit === undefined) return undefined;
  const filter = { ...(where && { where: where.expr }), ...(limit !== undefined && { limit }) };
  if (whole === stage.name) {
    if (fn === 'count') return value(INT, call.span, { kind: 'aggregate', fn, stage: stage.name, ...filter });
    const fitting = stage.event.names().filter((name) => fits(fn, stage, name));
    const example = fitting.find((name) => fits('stddev', stage, name)) ?? fitting[0] ?? 'field';
    return report.add('stage-without-field', over.value.span, `\`${fn}\` needs to know of which field.`, {
      hint: fn === 'first' || fn === 'last' ? `write ${fn}(${whole}).${example}` : `write ${fn}(${whole}.${example})${fn === 'distinct' ? ', or count the events: count(…)' : ''}`,
    });
  }
  const of = elaborate(each, over.value);
  if (of === undefined) return undefined;
  if (fn === 'count' && isCondition(of.expr)) {
    return report.add('count-of-condition', of.expr.span, '`count` counts values, and a condition always has one: this counts every event.', { hint: `write count(${stage.name} where …)` });
  }
  return typed(ctx, call.span, fn, stage, of, filter);
}

function typed(ctx: Context, span: Span, fn: AggregateFn, stage: StageView, of: Value, filter: { readonly where?: Expr; readonly limit?: number }): Value | undefined {
  const { type } = of.expr;
  const result = resultType(fn, type);
  if (result === undefined) {
    return ctx.globals.report.add('type-mismatch', of.expr.span, `\`${fn}\` takes ${takes(fn)}; this is ${aType(type)}.`);
  }
  return value(result, span, { kind: 'aggregate', fn, stage: stage.name, value: of.expr, ...filter }, nullsOf(fn, stage, of, filter.where !== undefined));
}

/** The aggregate can be taken over this field. */
function fits(fn: AggregateFn, stage: StageView, name: string): boolean {
  const field = stage.event.field(name);
  return field !== 'none' && field !== 'mixed' && resultType(fn, field.type) !== undefined;
}

function nullsOf(fn: AggregateFn, stage: StageView, of: Value, filtered: boolean): Nulls {
  switch (fn) {
    case 'count': case 'distinct': case 'sum': case 'values': return 0;
    case 'stddev': return 2;
    case 'lasting': return stage.maybeUnbound || filtered ? 2 : 0;
    default: return stage.maybeUnbound || filtered ? 2 : of.nulls;
  }
}

/** The stage that an aggregate goes through. */
function stageOf(ctx: Context, call: Call, over: Extract<Argument, { kind: 'value' }>): StageView | undefined {
  // A bare name in an aggregate is a stage, also where a field has the same name.
  const direct = bare(over.value);
  const names = direct !== undefined && !ctx.locals.has(direct) && ctx.scope.stage?.(direct) !== undefined ? [direct] : [...stagesIn(ctx, over.value)];
  const views = names.map((name) => ctx.scope.stage!(name)!);
  // Beside one loop, single stages may be read: sum(probe.amount * hit.rate).
  const loops = views.filter((view) => view.as === 'list');
  const stage = loops.length === 1 ? loops[0]! : views[0];
  if (stage === undefined) return needsStage(ctx, call, over);
  if (views.length > 1 && loops.length !== 1) {
    return ctx.globals.report.add('aggregate-of-two', over.value.span, `\`${call.callee.text}\` goes through the events of one stage; here are ${names.map((name) => `"${name}"`).join(' and ')}.`);
  }
  if (!readable(ctx, stage, over.value.span)) return undefined;
  if (stage.as === 'tested') {
    return ctx.globals.report.add('aggregate-of-tested', call.span, `"${stage.name}" is one event here, the one being tested: there is nothing to go through.`, { hint: 'read its fields by their names' });
  }
  return stage;
}

function needsStage(ctx: Context, call: Call, over: Argument | undefined): undefined {
  const { scope, globals } = ctx;
  const name = call.callee.text;
  const field = over?.kind === 'value' ? bare(over.value) : undefined;
  const having = field === undefined ? [] : (scope.stageNames ?? []).filter((stage) => {
    const view = scope.stage!(stage)!;
    return view.as !== 'banned' && view.as !== 'later' && view.event.field(field) !== 'none';
  });
  // What stands inside may be wrong by itself: then that is said.
  if (over?.kind === 'value' && having.length === 0 && elaborate(ctx, over.value) === undefined) return undefined;
  return globals.report.add('aggregate-needs-stage', call.span, scope.stage === undefined ? `\`${name}\` goes through the events of a stage, and ${scope.place} knows none.`
    : `\`${name}\` goes through the events of a stage, and none is named.`, {
    hint: having.length > 0 ? `write ${name}(${having[0]}.${field})` : `write ${name}(stage${name === 'count' ? '' : '.field'})`,
  });
}

function limitOf(ctx: Context, arg: Argument, span: Span): number | undefined {
  const limit = arg.kind === 'value' && arg.where === undefined ? elaborate(ctx, arg.value) : undefined;
  if (arg.kind === 'value' && arg.where === undefined && limit === undefined) return undefined;
  if (limit?.expr.kind === 'literal' && typeof limit.expr.value === 'number' && Number.isInteger(limit.expr.value) && limit.expr.value > 0) return limit.expr.value;
  return ctx.globals.report.add('bad-arguments', limit?.expr.span ?? span, 'How many values to take is a whole number above zero that is known when the rule is compiled.');
}

/** The name, where the expression is nothing else. */
function bare(expr: AstExpr): string | undefined {
  if (expr.kind === 'paren') return bare(expr.inner);
  return expr.kind === 'name' ? expr.name : undefined;
}

/** `last(s)` or `first(s)` with the stage it picks from; 'none': the expression is something else. */
function pick(ctx: Context, expr: AstExpr): { readonly fn: 'first' | 'last'; readonly call: Call; readonly over: Extract<Argument, { kind: 'value' }> } | 'none' {
  if (expr.kind === 'paren') return pick(ctx, expr.inner);
  if (expr.kind !== 'call' || ctx.globals.fns.has(expr.callee.text)) return 'none';
  const fn = expr.callee.text;
  const [over] = expr.args;
  if ((fn !== 'first' && fn !== 'last') || expr.args.length !== 1 || over!.kind !== 'value') return 'none';
  const name = bare(over!.value);
  return name !== undefined && ctx.scope.stage?.(name) !== undefined ? { fn, call: expr, over: over! } : 'none';
}

/** `last(s).f` and `first(s).f`: the field of one event. 'none': the member is of something else. */
export function firstOrLast(ctx: Context, object: AstExpr, name: Name, span: Span): Value | undefined | 'none' {
  const picked = pick(ctx, object);
  if (picked === 'none') return 'none';
  const stage = stageOf(ctx, picked.call, picked.over);
  if (stage === undefined) return undefined;
  const field = fieldOf(ctx, stage.event, stage.name, name.text, name.span);
  if (field === undefined) return undefined;
  const each = value(field.type, span, { kind: 'eachField', field: name.text }, field.nulls);
  return one(ctx, picked, stage, each, span);
}

function one(ctx: Context, picked: Exclude<ReturnType<typeof pick>, 'none'>, stage: StageView, of: Value, span: Span): Value | undefined {
  const where = picked.over.where === undefined ? undefined : condition({ ...ctx, each: stage.name }, picked.over.where, 'What follows `where`');
  if (picked.over.where !== undefined && where === undefined) return undefined;
  return typed(ctx, span, picked.fn, stage, of, where === undefined ? {} : { where: where.expr });
}

/** `timeOf(s)`, `timeOf(last(s))`, `timeOf(prev)`. */
export function timeOf(ctx: Context, call: Call): Value | undefined {
  const { report } = ctx.globals;
  const { span } = call;
  const [arg] = call.args;
  if (call.args.length !== 1 || arg!.kind !== 'value' || arg!.where !== undefined) {
    return report.add('bad-arguments', span, '`timeOf` takes a stage: timeOf(hit), timeOf(last(probe)) or timeOf(prev).');
  }
  const ofInput = timeOfInput(ctx, arg, span);
  if (ofInput !== 'none') return ofInput;
  const picked = pick(ctx, arg!.value);
  if (picked !== 'none') {
    const stage = stageOf(ctx, picked.call, picked.over);
    return stage && one(ctx, picked, stage, value(TIME, span, { kind: 'eachTime' }), span);
  }
  const name = bare(arg!.value);
  const stage = name === undefined ? undefined : ctx.scope.stage?.(name);
  if (stage !== undefined) {
    if (!readable(ctx, stage, span)) return undefined;
    if (ctx.each === stage.name) return value(TIME, span, { kind: 'eachTime' });
    if (stage.as === 'tested') return value(TIME, span, { kind: 'eventTime' });
    return value(TIME, span, { kind: 'stageTime', stage: stage.name }, stage.maybeUnbound ? 2 : 0);
  }
  if (name === 'prev' && fieldType(ctx, 'prev') === undefined) return timeOfPrev(ctx, span);
  if (elaborate(ctx, arg!.value) === undefined) return undefined;
  return report.add('unknown-stage', arg!.value.span, `\`timeOf\` takes a stage, and this is none.`, {
    hint: name !== undefined && fieldType(ctx, name)?.kind === 'time' ? `${name} is a time already` : 'write timeOf(hit), timeOf(last(probe)) or timeOf(prev)',
  });
}

function timeOfPrev(ctx: Context, span: Span): Value | undefined {
  const { prev } = ctx.scope;
  if (prev === undefined) return ctx.globals.report.add('prev-here', span, `There is no previous event in ${ctx.scope.place}.`);
  if (prev.event.types.length === 0) {
    return ctx.globals.report.add('never-true', span, 'There is no event before the first step, so `prev` is always null here.', { hint: 'drop the condition, or move it to a later stage' });
  }
  return value(TIME, span, { kind: 'prevField', field: TIME_OF_PREV }, prev.maybeUnbound ? 2 : 0);
}
