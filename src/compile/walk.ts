import type { Expr } from '../../dsl/typed.ts';

/** The direct sub-expressions of an expression, in reading order. */
export function children(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'aggregate': return [expr.value, expr.where].filter((e) => e !== undefined);
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

/** `a and b and c` as [a, b, c]. */
export function conjunctsOf(expr: Expr | undefined): Expr[] {
  if (expr === undefined) return [];
  if (expr.kind === 'and') return [...conjunctsOf(expr.left), ...conjunctsOf(expr.right)];
  if (expr.kind === 'literal' && expr.value === true) return [];
  return [expr];
}

/** Reads the event at hand, params and literals only. */
export function isEventOnly(expr: Expr): boolean {
  let only = true;
  walk(expr, (e) => {
    switch (e.kind) {
      case 'keyField': case 'stageField': case 'stageTime': case 'prevField': case 'aggregate': case 'matchInfo': only = false; break;
      default:
    }
  });
  return only;
}
