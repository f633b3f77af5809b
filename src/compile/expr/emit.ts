import type { Expr, Literal, Type } from '../../../dsl/typed.ts';
import { emitCall } from './calls.ts';
import type { Aggregate } from './analyze.ts';
import { tagOf } from './tags.ts';

/**
 * JavaScript source for what an expression reads, given by whoever knows where it lies. Each is an expression that may be put anywhere and
 * gives a value as in src/core/values.ts (null: NaN). It must be cheap and without effect: it may stand in the code more than once, and inside
 * arrow functions; names that begin with `$` are the emitter's.
 */
export interface Leaf {
  eventField(field: string, type: Type): string;
  eventTime(): string;
  param(name: string): string;
  keyField(part: number): string;
  stageField(stage: string, field: string): string;
  stageTime(stage: string): string;
  /** Undefined: the time of the event before. */
  prevField(field: string | undefined): string;
  aggregate(expr: Aggregate): string;
  eachField(field: string): string;
  eachTime(): string;
  matchInfo(what: 'id' | 'from' | 'to'): string;
  /** A number inline; a string, or a list (as canonical JSON text), as a constant of the pool. Null and booleans are not asked for. */
  literal(value: Literal, type: Type): string;
}

/** Options of an `in` up to this many become comparisons; more are looked up in a set. */
const MAX_COMPARED = 24;

/** How a sub-expression is emitted: from here on inwards, with the lambdas around it. */
export interface Emitter {
  readonly leaf: Leaf;
  value(expr: Expr): string;
  condition(expr: Expr): string;
  /** The emitter for the body of a lambda, whose parameter is `name`. */
  inLambda(): { readonly name: string; readonly emitter: Emitter };
}

/**
 * JavaScript source of the expression's value: a number (bool: 0 or 1, null: NaN). The code may call methods of `R`, the Runtime of
 * src/core/functions.ts. Sub-expressions are evaluated at most once, but for leaves.
 */
export function emitValue(expr: Expr, leaf: Leaf): string {
  return emitter(leaf, 0).value(expr);
}

/** JavaScript source of a condition: true or false, with the language's rules for null (null acts as false). */
export function emitCondition(expr: Expr, leaf: Leaf): string {
  return emitter(leaf, 0).condition(expr);
}

function emitter(leaf: Leaf, lambdas: number): Emitter {
  const self: Emitter = {
    leaf,
    value: (expr) => (isCondition(expr) ? `(${condition(expr, self)} ? 1 : 0)` : value(expr, self, lambdas)),
    condition: (expr) => condition(expr, self),
    inLambda: () => ({ name: `$x${lambdas}`, emitter: emitter(leaf, lambdas + 1) }),
  };
  return self;
}

/** Kinds that are never null and come as a JavaScript boolean. */
function isCondition(expr: Expr): boolean {
  switch (expr.kind) {
    case 'not': case 'and': case 'or': case 'compare': case 'in': case 'like': case 'matches': case 'between': case 'isNull': return true;
    default: return false;
  }
}

function condition(expr: Expr, emit: Emitter): string {
  switch (expr.kind) {
    case 'literal': return expr.value === true ? 'true' : 'false';
    case 'not': return `!${emit.condition(expr.operand)}`;
    case 'and': return `(${emit.condition(expr.left)} && ${emit.condition(expr.right)})`;
    case 'or': return `(${emit.condition(expr.left)} || ${emit.condition(expr.right)})`;
    case 'compare': return compare(expr, emit);
    case 'in': return negated(expr, membership(expr, emit));
    case 'like': return negated(expr, `R.like(${emit.value(expr.value)}, ${emit.value(expr.pattern)})`);
    case 'matches': return negated(expr, `R.matches(${emit.value(expr.value)}, ${JSON.stringify(expr.regex)}, ${expr.ignoreCase})`);
    case 'between': return negated(expr, between(expr, emit));
    case 'isNull': return isNull(expr, emit);
    case 'if': return `(${emit.condition(expr.cond)} ? ${emit.condition(expr.then)} : ${emit.condition(expr.else)})`;
    default: return `(${emit.value(expr)} === 1)`;
  }
}

function value(expr: Expr, emit: Emitter, lambdas: number): string {
  const { leaf } = emit;
  switch (expr.kind) {
    case 'literal': return literal(expr.value, expr.type, leaf);
    case 'param': return leaf.param(expr.name);
    case 'eventField': return leaf.eventField(expr.field, expr.type);
    case 'eventTime': return leaf.eventTime();
    case 'keyField': return leaf.keyField(expr.part);
    case 'stageField': return leaf.stageField(expr.stage, expr.field);
    case 'stageTime': return leaf.stageTime(expr.stage);
    case 'prevField': return leaf.prevField(expr.field);
    case 'aggregate': return leaf.aggregate(expr);
    case 'eachField': return leaf.eachField(expr.field);
    case 'eachTime': return leaf.eachTime();
    case 'matchInfo': return leaf.matchInfo(expr.what);
    case 'lambdaParam': return `$x${lambdas - 1 - expr.depth}`;
    case 'member': return `R.member(${emit.value(expr.object)}, ${JSON.stringify(expr.field)})`;
    case 'index': return `R.at(${emit.value(expr.object)}, ${emit.value(expr.index)})`;
    case 'list': return list(expr, emit);
    case 'negate': return `(-${parenthesized(emit.value(expr.operand))})`;
    case '??': return `R.orElse(${emit.value(expr.left)}, ${emit.value(expr.right)})`;
    case 'arith': return arithmetic(expr, emit);
    case 'if': return `(${emit.condition(expr.cond)} ? ${emit.value(expr.then)} : ${emit.value(expr.else)})`;
    case 'call': return emitCall(expr, emit);
    case 'windowAggregate': case 'windowInfo': case 'lookup': case 'feature': throw new Error(`a ${expr.kind} is compiled elsewhere`);
    default: throw new Error(`no value for an expression of kind "${expr.kind}"`);
  }
}

function literal(constant: Literal, type: Type, leaf: Leaf): string {
  if (constant === null) return 'NaN';
  if (typeof constant === 'boolean') return constant ? '1' : '0';
  return parenthesized(leaf.literal(constant, type));
}

/** A negative number in parentheses, so that no `--` comes about. */
function parenthesized(code: string): string {
  return code.startsWith('-') ? `(${code})` : code;
}

function compare(expr: Expr & { kind: 'compare' }, emit: Emitter): string {
  const left = emit.value(expr.left);
  const right = emit.value(expr.right);
  // Equal texts have equal ids, and NaN equals nothing: `==` with null is false and `!=` true by themselves.
  if (expr.op === '==') return `(${left} === ${right})`;
  if (expr.op === '!=') return `(${left} !== ${right})`;
  if (isText(expr.left.type) || isText(expr.right.type)) return `(R.compare(${left}, ${right}) ${expr.op} 0)`;
  return `(${left} ${expr.op} ${right})`;
}

function between(expr: Expr & { kind: 'between' }, emit: Emitter): string {
  const [x, lo, hi] = [emit.value(expr.value), emit.value(expr.lo), emit.value(expr.hi)];
  if ([expr.value, expr.lo, expr.hi].some((part) => isText(part.type))) return `R.betweenText(${x}, ${lo}, ${hi})`;
  return isLeaf(expr.value) ? `(${x} >= ${lo} && ${x} <= ${hi})` : `R.between(${x}, ${lo}, ${hi})`;
}

function isNull(expr: Expr & { kind: 'isNull' }, emit: Emitter): string {
  if (isCondition(expr.value)) return String(expr.negated); // never null
  // Only NaN is not equal to itself.
  const operator = expr.negated ? '===' : '!==';
  const x = emit.value(expr.value);
  return isLeaf(expr.value) ? `(${x} ${operator} ${x})` : `${expr.negated ? '!' : ''}Number.isNaN(${x})`;
}

function membership(expr: Expr & { kind: 'in' }, emit: Emitter): string {
  const { options } = expr;
  const x = emit.value(expr.value);
  const items = itemsOf(options, emit);
  if (items === undefined || items.length > MAX_COMPARED) return `R.includes(${emit.value(options)}, ${x}, '${tagOf(expr.value.type)}')`;
  if (items.length === 0) return 'false';
  if (isLeaf(expr.value) || items.length === 1) return `(${items.map((item) => `${x} === ${item}`).join(' || ')})`;
  return `(($v) => ${items.map((item) => `$v === ${item}`).join(' || ')})(${x})`;
}

/** The code of each element of a list that is written out; undefined for other lists. */
function itemsOf(options: Expr, emit: Emitter): string[] | undefined {
  if (options.kind === 'list') return options.items.map(emit.value);
  if (options.kind !== 'literal' || !Array.isArray(options.value) || options.type.kind !== 'list') return undefined;
  const { type } = options.type.element;
  return (options.value as readonly Literal[]).map((item) => literal(item, type, emit.leaf));
}

function list(expr: Expr & { kind: 'list' }, emit: Emitter): string {
  const typed = expr.items.find((item) => item.type.kind !== 'null');
  return `R.list(${[`'${tagOf((typed ?? expr).type)}'`, ...expr.items.map(emit.value)].join(', ')})`;
}

function arithmetic(expr: Expr & { kind: 'arith' }, emit: Emitter): string {
  const code = `${emit.value(expr.left)} ${expr.op} ${emit.value(expr.right)}`;
  const additive = expr.op === '+' || expr.op === '-';
  return additive && isBounded(expr.left) && isBounded(expr.right) ? `(${code})` : `R.finite(${code})`;
}

/** Values so far from the largest number that a sum of two is finite: whole numbers, times and durations that are read, not computed. */
function isBounded(expr: Expr): boolean {
  return isLeaf(expr) && expr.kind !== 'aggregate' && (expr.type.kind === 'int' || expr.type.kind === 'time' || expr.type.kind === 'duration');
}

/** What is read from where it lies: its code may stand twice. */
function isLeaf(expr: Expr): boolean {
  switch (expr.kind) {
    case 'literal': case 'param': case 'eventField': case 'eventTime': case 'keyField': case 'stageField': case 'stageTime': case 'prevField':
    case 'eachField': case 'eachTime': case 'lambdaParam':
      return true;
    default: return false;
  }
}

function isText(type: Type): boolean {
  return type.kind === 'string' || type.kind === 'oneOf';
}

function negated(expr: { readonly negated: boolean }, code: string): string {
  return expr.negated ? `!${code}` : code;
}
