import type { Expr } from '../../dsl/typed.ts';
import { callFunction } from './interpret/functions.ts';
import { aggregate, overTime } from './interpret/aggregates.ts';
import { windowAggregate } from './interpret/window-aggregates.ts';

/**
 * The meaning of expressions, written to be read: an interpreter over the typed tree with plain values. Strings are strings, booleans
 * booleans, times and durations numbers of ms, lists arrays, records objects, null null. The engine's generated code is tested
 * against it; the reference matcher and the test runner use it. Speed is no aim.
 */

export interface BoundEvent {
  /** Event time, ms since the epoch. */
  readonly time: number;
  /** A field that is not here is null. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an expression can read. What cannot occur in it may throw. */
export interface Env {
  /** A field of the event being tested. */
  eventField(field: string): unknown;
  readonly eventTime?: number;
  param(name: string): unknown;
  keyField(part: number): unknown;
  /** The events bound to the stage as seen from where the expression stands, in order: what aggregates run over. Of a single stage: none or one. */
  stageEvents(stage: string): readonly BoundEvent[];
  /** The one event of the stage (of this turn); undefined where it is not bound, or a loop. */
  stageEvent(stage: string): BoundEvent | undefined;
  /** The most recently bound event of the run. */
  readonly prev?: BoundEvent | undefined;
  /** The event an aggregate looks at; set by the interpreter. */
  readonly each?: BoundEvent | undefined;
  /** The events of the window at hand that an input took (undefined: any), in the order of time. */
  windowEvents?(input: string | undefined): readonly BoundEvent[];
  /** The value of an aggregate of that window, where it is known without its events. */
  windowValue?(aggregate: Expr & { readonly kind: 'windowAggregate' }): unknown;
  /** Its bounds; null where it has none. */
  readonly window?: { readonly start: number | null; readonly end: number | null } | undefined;
  readonly match?: { readonly id: string; readonly from: number; readonly to: number } | undefined;
  /** A column of the row of a table that `key`, never null, names; null where there is none. */
  lookup?(table: string, key: unknown, column: string): unknown;
  /** The value of a feature under a key. */
  feature?(name: string, key: readonly unknown[]): unknown;
}

/** What surrounds a sub-expression: the event of the aggregate it is in, the elements of the lambdas it is in (innermost last). */
interface Scope { readonly each: BoundEvent | undefined; readonly lambdas: readonly unknown[] }

/** The value of an expression; undefined never comes out, absent is null. */
export function evaluate(expr: Expr, env: Env): unknown {
  return valueOf(expr, env, { each: env.each, lambdas: [] });
}

/** Whether a condition holds: null acts as false. */
export function holds(expr: Expr, env: Env): boolean {
  return evaluate(expr, env) === true;
}

function valueOf(expr: Expr, env: Env, scope: Scope): unknown {
  const value = (part: Expr): any => valueOf(part, env, scope);
  const isTrue = (part: Expr): boolean => value(part) === true;
  const sign = (expr_: { readonly negated: boolean }, result: boolean): boolean => (expr_.negated ? !result : result);
  switch (expr.kind) {
    case 'literal': return expr.value;
    case 'param': return env.param(expr.name) ?? null;
    case 'eventField': return env.eventField(expr.field) ?? null;
    case 'eventTime': return env.eventTime ?? null;
    case 'keyField': return env.keyField(expr.part) ?? null;
    case 'stageField': return own(env.stageEvent(expr.stage)?.fields, expr.field);
    case 'stageTime': return (env.stageEvent(expr.stage) ?? env.stageEvents(expr.stage).at(-1))?.time ?? null;
    case 'prevField': return expr.field === undefined ? env.prev?.time ?? null : own(env.prev?.fields, expr.field);
    case 'aggregate': {
      const inside = (part: Expr, each: BoundEvent): unknown => valueOf(part, env, { ...scope, each });
      if (expr.fn === 'lasting' || expr.fn === 'timeAvg') {
        return overTime(expr.fn, env.stageEvents(expr.stage).map((each) => ({
          time: each.time, taken: expr.where === undefined || inside(expr.where, each) === true, value: inside(expr.value!, each),
        })));
      }
      const events = env.stageEvents(expr.stage).filter((each) => expr.where === undefined || inside(expr.where, each) === true);
      const { value: of } = expr;
      return aggregate(expr.fn, events.map((each) => (of === undefined ? true : inside(of, each))), expr.limit);
    }
    case 'eachField': return own(scope.each?.fields, expr.field);
    case 'eachTime': return scope.each?.time ?? null;
    case 'matchInfo': return env.match?.[expr.what] ?? null;
    case 'lookup': {
      const key = value(expr.key);
      return key === null ? null : env.lookup?.(expr.table, key, expr.column) ?? null;
    }
    case 'feature': return env.feature?.(expr.feature, expr.parts.map((part) => env.keyField(part) ?? null)) ?? null;
    case 'windowAggregate': {
      if (env.windowValue !== undefined) return env.windowValue(expr) ?? null;
      const inside = (part: Expr, each: BoundEvent): unknown => valueOf(part, env, { ...scope, each });
      return windowAggregate(expr.fn, env.windowEvents!(expr.input).map((each) => ({
        time: each.time, taken: expr.where === undefined || inside(expr.where, each) === true, value: expr.value === undefined ? true : inside(expr.value, each),
      })), expr.argument);
    }
    case 'windowInfo': return env.window?.[expr.what] ?? null;
    case 'lambdaParam': return scope.lambdas.at(-1 - expr.depth) ?? null;
    case 'member': return own(value(expr.object), expr.field);
    case 'index': {
      const list = value(expr.object);
      const index = value(expr.index);
      return list === null || index === null ? null : list[index] ?? null;
    }
    case 'list': return expr.items.map(value);
    case 'not': return !isTrue(expr.operand);
    case 'negate': {
      const operand = value(expr.operand);
      return operand === null ? null : -operand;
    }
    case 'and': return isTrue(expr.left) && isTrue(expr.right);
    case 'or': return isTrue(expr.left) || isTrue(expr.right);
    case '??': return value(expr.left) ?? value(expr.right);
    case 'compare': return compare(expr.op, value(expr.left), value(expr.right));
    case 'arith': return arithmetic(expr.op, value(expr.left), value(expr.right));
    case 'in': {
      const one = value(expr.value);
      const options: unknown[] | null = value(expr.options);
      return sign(expr, options !== null && options.some((option) => equal(one, option)));
    }
    case 'like': {
      const text = value(expr.value);
      const pattern = value(expr.pattern);
      return sign(expr, text !== null && pattern !== null && isLike([...text], [...pattern]));
    }
    case 'matches': {
      const text = value(expr.value);
      return sign(expr, text !== null && callFunction('matches', [text, expr.regex, expr.ignoreCase], expr.type) === true);
    }
    case 'between': {
      const one = value(expr.value);
      return sign(expr, compare('>=', one, value(expr.lo)) && compare('<=', one, value(expr.hi)));
    }
    case 'isNull': return sign(expr, value(expr.value) === null);
    case 'if': return isTrue(expr.cond) ? value(expr.then) : value(expr.else);
    case 'call': {
      if (expr.fn !== 'any') return callFunction(expr.fn, expr.args.map(value), expr.args[0]?.type, expr.args);
      const list: unknown[] | null = value(expr.args[0]!);
      const { lambda } = expr;
      if (list === null) return null;
      return list.some((item) => (lambda === undefined ? item : valueOf(lambda, env, { ...scope, lambdas: [...scope.lambdas, item] })) === true);
    }
  }
}

/** A field of a record; null where it, or the record, is absent. */
function own(fields: Readonly<Record<string, unknown>> | null | undefined, name: string): unknown {
  return fields !== null && fields !== undefined && Object.hasOwn(fields, name) ? fields[name] ?? null : null;
}

function equal(left: unknown, right: unknown): boolean {
  if (left === null || right === null) return false;
  // Lists and records are equal when their elements are, nulls included; JSON has one text for each.
  return typeof left === 'object' && typeof right === 'object' ? JSON.stringify(left) === JSON.stringify(right) : left === right;
}

function compare(op: '==' | '!=' | '<' | '<=' | '>' | '>=', left: any, right: any): boolean {
  if (op === '==') return equal(left, right);
  if (op === '!=') return !equal(left, right);
  if (left === null || right === null) return false;
  switch (op) {
    case '<': return left < right;
    case '<=': return left <= right;
    case '>': return left > right;
    case '>=': return left >= right;
  }
}

function arithmetic(op: '+' | '-' | '*' | '/' | '%', left: number | null, right: number | null): number | null {
  if (left === null || right === null) return null;
  const results = { '+': left + right, '-': left - right, '*': left * right, '/': left / right, '%': left % right };
  return Number.isFinite(results[op]) ? results[op] : null;
}

/** `%` is any run of characters, `_` any one. Written as the definition has it, with a table over both lengths. */
function isLike(text: readonly string[], pattern: readonly string[]): boolean {
  // fits[i]: the pattern read so far fits the first i characters of the text.
  let fits = Array.from({ length: text.length + 1 }, (_, i) => i === 0);
  for (const wanted of pattern) {
    const next = fits.map(() => false);
    for (let i = 0; i <= text.length; i++) {
      if (wanted === '%') next[i] = fits[i]! || (i > 0 && next[i - 1]!);
      else next[i] = i > 0 && fits[i - 1]! && (wanted === '_' || wanted === text[i - 1]);
    }
    fits = next;
  }
  return fits[text.length]!;
}
