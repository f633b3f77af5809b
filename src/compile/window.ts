/** One rule over windows: from its checked tree to a WindowPlan. */
import type { Context } from './context.ts';
import { canonical, emitCondition, emitValue, type Leaf } from './expr.ts';
import type { OutputPlan, WindowAggregatePlan, WindowPlan, WindowShape } from './plan.ts';
import { conjunctsOf, isEventOnly, walk } from './walk.ts';
import { windowIdentity } from './window-identity.ts';
import type { Expr, KeyPart, WindowRule } from '../../dsl/typed.ts';

const refused = (what: string): (() => string) => () => { throw new Error(`a window reads no ${what}`); };

export function compileWindow(context: Context, rule: WindowRule, index: number): WindowPlan {
  const { window } = rule;
  const functions: string[] = [];
  const addFunction = (source: string): number => {
    const at = functions.indexOf(source);
    return at >= 0 ? at : functions.push(source) - 1;
  };

  // --- what is read of an event, and of a window ------------------------------------------------------------------------------------------------
  const eventLeaf: Leaf = {
    eventField: (field) => context.eventFieldOr(field),
    eventTime: () => context.eventTime(),
    eachField: (field) => context.eventFieldOr(field),
    eachTime: () => context.eventTime(),
    param: (name) => context.param(name),
    literal: (value, type) => context.literal(value, type),
    keyField: (part) => `K[${part}]`,
    stageField: refused('stage'), stageTime: refused('stage'), prevField: refused('event before'), aggregate: refused('loop'), matchInfo: refused('match'),
    lookup: (table, of, column) => context.lookup(table, of, column, context.eventTime()),
    feature: (name, parts) => context.feature(name, parts.map((part) => `K[${part}]`), 'before'),
  };
  /** What a condition asks beside the event alone, -1: nothing. */
  const restFunction = (expr: Expr | undefined): number => {
    const rest = conjunctsOf(expr).filter((e) => !isEventOnly(e));
    return rest.length === 0 ? -1 : addFunction(`()=>${rest.map((e) => `(${emitCondition(e, eventLeaf)})`).join('&&')}`);
  };
  const inputNames = window.inputs.map((input) => input.name);
  const aggregates: WindowAggregatePlan[] = [];
  const aggregateAt = new Map<string, number>();
  const windowLeaf: Leaf = {
    ...eventLeaf,
    matchInfo: (what) => (what === 'id' ? 'M.idValue()' : what === 'from' ? 'W.start' : 'W.end'),
    windowInfo: (what) => `W.${what}`,
    lookup: (table, of, column) => context.lookup(table, of, column, 'X.current.time'),
    feature: (name, parts) => context.feature(name, parts.map((part) => `K[${part}]`), 'after'),
    windowAggregate: (expr) => {
      const text = canonical(expr);
      let at = aggregateAt.get(text);
      if (at === undefined) {
        const isCondition = expr.fn === 'lasting' || expr.fn === 'any' || expr.fn === 'all';
        const value = expr.value === undefined ? '1' : isCondition ? `(${emitCondition(expr.value, eventLeaf)}?1:0)` : emitValue(expr.value, eventLeaf);
        // An event that is not taken still ends the time for which the one before it holds.
        const otherwise = expr.fn === 'lasting' || expr.fn === 'timeAvg' ? 'NaN' : '-Infinity';
        const take = addFunction(expr.where === undefined ? `()=>${value}` : `()=>(${emitCondition(expr.where, eventLeaf)}?${value}:${otherwise})`);
        const input = expr.input === undefined ? -1 : inputNames.indexOf(expr.input);
        at = aggregates.push({ fn: expr.fn, type: expr.value?.type.kind, argument: expr.argument, input, take, expr }) - 1;
        aggregateAt.set(text, at);
      }
      return `W.value(${at})`;
    },
  };
  const valueFunction = (expr: Expr): number => addFunction(`()=>${emitValue(expr, windowLeaf)}`);

  // --- what the rule sees -----------------------------------------------------------------------------------------------------------------------
  const filters: number[][] = [];
  const filterRests: number[][] = [];
  const sees: number[] = context.typeNames.map(() => -1);
  for (const [type, { filters: exprs }] of rule.sees) {
    const typeIndex = context.typeIndex(type);
    sees[typeIndex] = filters.push(exprs.map((expr) => context.predicate([typeIndex], conjunctsOf(expr).filter(isEventOnly)))) - 1;
    filterRests.push(exprs.map(restFunction));
  }
  const partOf = (part: KeyPart, type: string, input?: string): Expr | undefined => (input === undefined ? undefined : part.stages.get(input)) ?? part.valueOf.get(type);
  const keyOf = (types: readonly string[], input?: string): number => context.key(rule.key.length, (type) => {
    if (!types.includes(type)) return undefined;
    const parts = rule.key.map((part) => partOf(part, type, input));
    return parts.some((part) => part === undefined) ? undefined : parts.map((part) => emitValue(part!, eventLeaf));
  }, (type) => rule.key.some((part) => {
    const value = partOf(part, type, input);
    return value === undefined || value.kind !== 'eventField' || context.isOptional(type, value.field);
  }));
  const key = keyOf([...rule.sees.keys()]);
  const isNamed = (name: string | undefined): boolean => name !== undefined && rule.key.some((part) => part.stages.has(name));
  const stages = window.inputs.map((input, order) => ({
    name: input.name ?? input.types.join('|'), order, loop: true, held: true, types: input.accepts.map((type) => context.typeIndex(type)),
    key: isNamed(input.name) ? keyOf(input.accepts, input.name) : -1,
  }));
  const inputs = window.inputs.map((input) => context.predicate(input.accepts.map((type) => context.typeIndex(type)), conjunctsOf(input.where).filter(isEventOnly)));
  const inputRests = window.inputs.map((input) => restFunction(input.where));

  // --- what it reports --------------------------------------------------------------------------------------------------------------------------
  const outputs: OutputPlan[] = rule.outputs.map((output) => ({
    kind: output.kind, onTimeout: false, onClear: output.onClear === true, target: output.target,
    fields: output.fields.map((field) => ({ name: field.name, type: field.value.type, fn: valueFunction(field.value) })),
  }));
  const having = rule.having === undefined ? -1 : addFunction(`()=>${emitCondition(rule.having, windowLeaf)}`);
  const severity = rule.severity.kind === 'literal' ? -1 : valueFunction(rule.severity);
  const limitBy = rule.limit?.by === undefined ? -1 : valueFunction(rule.limit.by);

  const shape = shapeOf(context, rule);
  const trigger = triggerOf(context, rule);
  const late = window.lateWithin === undefined ? 0 : lengthOf(context, rule, window.lateWithin, '`late within`');
  refuse(context, rule, shape, trigger, late);
  return {
    kind: 'window', index, rule, key, stages, inputs, inputRests, sees, filters, filterRests: filterRests.some((rests) => rests.some((rest) => rest >= 0)) ? filterRests : [], shape, aggregates, trigger, late, having, steady: isSteady(rule.having),
    identity: windowIdentity(rule, context.params, shape, late, aggregates), severity, limitBy, outputs, functions,
    group: -1, isGroup: false, needsEveryEvent: false, hasTimeout: false, roster: undefined,
  };
}

function isSteady(having: Expr | undefined): boolean {
  let steady = having !== undefined;
  if (having !== undefined) walk(having, (e) => { if (e.kind === 'windowInfo' || e.kind === 'matchInfo' || e.kind === 'feature' || e.kind === 'lookup') steady = false; });
  return steady;
}

function shapeOf(context: Context, rule: WindowRule): WindowShape {
  const { shape } = rule.window;
  const length = (expr: Expr, what: string): number => lengthOf(context, rule, expr, what);
  switch (shape.kind) {
    case 'tumbling': {
      const size = length(shape.size, 'the size');
      const offset = shape.offset === undefined ? 0 : context.constant(shape.offset);
      return { kind: 'tumbling', size, offset: typeof offset === 'number' ? offset - Math.floor(offset / size) * size : 0 };
    }
    case 'calendar': return shape;
    case 'session': return { kind: 'session', gap: length(shape.gap, 'the gap'), max: shape.max === undefined ? Infinity : length(shape.max, '`max`') };
    case 'global': return shape;
    case 'sliding': {
      const size = length(shape.size, 'the size');
      const every = shape.every === undefined ? 0 : length(shape.every, '`every`');
      return { kind: 'sliding', size, every, pane: commonDivisor(size, every) };
    }
    case 'count': {
      const size = length(shape.size, 'the size');
      const every = shape.every === undefined ? 0 : length(shape.every, '`every`');
      return { kind: 'count', size, every, pane: commonDivisor(size, every) };
    }
  }
}

function triggerOf(context: Context, rule: WindowRule): WindowPlan['trigger'] {
  const { trigger } = rule.window;
  if (trigger === undefined) return { kind: 'none' };
  if (trigger.kind === 'rise') return { kind: 'rise' };
  return { kind: trigger.every.kind, every: lengthOf(context, rule, trigger.every.amount, 'the trigger') };
}

/** A length in whole ms, or a number of events. */
function lengthOf(context: Context, rule: WindowRule, expr: Expr, what: string): number {
  const value = context.constant(expr);
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) {
    context.unsupported(rule, expr.span, `${what} of a window that is no whole number of milliseconds or events above zero, known before the rule runs,`);
    return 1;
  }
  return value;
}

/** Combinations that have no one meaning. */
function refuse(context: Context, rule: WindowRule, shape: WindowShape, trigger: WindowPlan['trigger'], late: number): void {
  const { span } = rule.window;
  const isRead = shape.kind === 'sliding' && shape.every === 0;
  if (isRead && (trigger.kind === 'time' || trigger.kind === 'events')) context.unsupported(rule, span, 'an early trigger on a window that is read at each event');
  if (late > 0 && (isRead || shape.kind === 'count' || shape.kind === 'global')) context.unsupported(rule, span, '`late within` on windows that no time closes');
}

function commonDivisor(a: number, b: number): number { return b === 0 ? a : commonDivisor(b, a % b); }
