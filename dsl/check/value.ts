import type { Span } from '../ast.ts';
import type { Expr, ExprKind, Literal, Type } from '../typed.ts';

/** Whether a value can be null: 0 never, 1 only by arithmetic (a division by zero, a root of a negative number), 2 because something is absent. */
export type Nulls = 0 | 1 | 2;

/** A checked expression. In place of one that is wrong stands `undefined`: it has been reported, and who uses it stays silent. */
export interface Value {
  readonly expr: Expr;
  readonly nulls: Nulls;
}

export function value(type: Type, span: Span, kind: ExprKind, nulls: Nulls = 0): Value {
  return { expr: { type, span, ...kind }, nulls };
}

export function literal(type: Type, span: Span, constant: Literal): Value {
  return value(type, span, { kind: 'literal', value: constant }, constant === null ? 2 : 0);
}

export function mostNulls(...values: readonly (Value | Nulls)[]): Nulls {
  return values.reduce<Nulls>((most, one) => {
    const nulls = typeof one === 'object' ? one.nulls : one;
    return nulls > most ? nulls : most;
  }, 0);
}

/**
 * The same expression for a place with `by` more lambdas around it: parameters of lambdas outside the expression count that much further
 * outwards.
 */
export function underLambdas(expr: Expr, by: number, inside = 0): Expr {
  if (by === 0) return expr;
  const down = (part: Expr): Expr => underLambdas(part, by, inside);
  switch (expr.kind) {
    case 'lambdaParam': return expr.depth >= inside ? { ...expr, depth: expr.depth + by } : expr;
    case 'aggregate': case 'windowAggregate': return {
      ...expr, ...(expr.value && { value: down(expr.value) }), ...(expr.where && { where: down(expr.where) }),
    };
    case 'lookup': return { ...expr, key: down(expr.key) };
    case 'member': return { ...expr, object: down(expr.object) };
    case 'index': return { ...expr, object: down(expr.object), index: down(expr.index) };
    case 'list': return { ...expr, items: expr.items.map(down) };
    case 'not': case 'negate': return { ...expr, operand: down(expr.operand) };
    case 'and': case 'or': case '??': case 'compare': case 'arith': return { ...expr, left: down(expr.left), right: down(expr.right) };
    case 'in': return { ...expr, value: down(expr.value), options: down(expr.options) };
    case 'like': return { ...expr, value: down(expr.value), pattern: down(expr.pattern) };
    case 'matches': case 'isNull': return { ...expr, value: down(expr.value) };
    case 'between': return { ...expr, value: down(expr.value), lo: down(expr.lo), hi: down(expr.hi) };
    case 'if': return { ...expr, cond: down(expr.cond), then: down(expr.then), else: down(expr.else) };
    case 'call': return {
      ...expr, args: expr.args.map(down), ...(expr.lambda && { lambda: underLambdas(expr.lambda, by, inside + 1) }),
    };
    default: return expr;
  }
}

/** The texts that a text expression can have, where they can be told; undefined: any. */
export function possibleTexts(expr: Expr): readonly string[] | undefined {
  if (expr.type.kind === 'oneOf') return expr.type.values;
  switch (expr.kind) {
    case 'literal': return typeof expr.value === 'string' ? [expr.value] : expr.value === null ? [] : undefined;
    case 'if': return both(possibleTexts(expr.then), possibleTexts(expr.else));
    case '??': return both(possibleTexts(expr.left), possibleTexts(expr.right));
    default: return undefined;
  }
}

function both(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  return a && b && [...new Set([...a, ...b])];
}
