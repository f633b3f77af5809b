/** Ways over a checked expression. */
import type { Expr } from './typed.ts';

/** The direct sub-expressions, in reading order. */
export function children(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'aggregate': case 'windowAggregate': return [expr.value, expr.where].filter((part) => part !== undefined);
    case 'lookup': return [expr.key];
    case 'member': return [expr.object];
    case 'index': return [expr.object, expr.index];
    case 'list': return expr.items;
    case 'not': case 'negate': return [expr.operand];
    case 'and': case 'or': case '??': case 'compare': case 'arith': return [expr.left, expr.right];
    case 'in': return [expr.value, expr.options];
    case 'like': return [expr.value, expr.pattern];
    case 'matches': case 'isNull': return [expr.value];
    case 'between': return [expr.value, expr.lo, expr.hi];
    case 'if': return [expr.cond, expr.then, expr.else];
    case 'call': return expr.lambda === undefined ? expr.args : [...expr.args, expr.lambda];
    default: return [];
  }
}

/** Calls `visit` on the expression and all within it, parents first. */
export function walk(expr: Expr, visit: (expr: Expr) => void): void {
  visit(expr);
  for (const child of children(expr)) walk(child, visit);
}

/** The conditions that must all hold, from left to right: `a and b and c` as [a, b, c]; none for no condition. */
export function conjunctsOf(expr: Expr | undefined): Expr[] {
  if (expr === undefined) return [];
  return expr.kind === 'and' ? [...conjunctsOf(expr.left), ...conjunctsOf(expr.right)] : [expr];
}
