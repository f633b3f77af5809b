import type { Expr as AstExpr, Pattern, QuantifiedPattern } from '../ast.ts';
import type { Expr } from '../typed.ts';
import { contextOf } from './context.ts';
import { elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { constantScope } from './scope.ts';
import { INT, aType } from './types.ts';
import { literal } from './value.ts';

/** How often a quantified part may repeat. */
export interface Counts {
  readonly min: Expr;
  readonly max: Expr | undefined;
  /** The fewest and the most turns there can be, whatever value the params have. */
  readonly least: number;
  readonly most: number;
  /** Whether a param decides: the bounds are not the same in every deployment. */
  readonly fixed: boolean;
}

/** Reads the counts of every quantified part of a pattern. */
export function readCounts(globals: Globals, pattern: Pattern): Map<QuantifiedPattern, Counts> {
  const counts = new Map<QuantifiedPattern, Counts>();
  const visit = (node: Pattern): void => {
    switch (node.kind) {
      case 'stageRef': break;
      case 'sequence': node.items.forEach((item) => visit(item.pattern)); break;
      case 'or': case 'and': node.operands.forEach(visit); break;
      case 'not': visit(node.inner); break;
      case 'quantified':
        counts.set(node, countsOf(globals, node));
        visit(node.inner);
        break;
    }
  };
  visit(pattern);
  return counts;
}

function countsOf(globals: Globals, node: QuantifiedPattern): Counts {
  const min = node.min === undefined ? undefined : count(globals, node.min);
  const max = node.max === undefined ? undefined : node.exact === true ? min : count(globals, node.max);
  const zero = literal(INT, node.span, 0).expr;
  // A count that is wrong has been reported; that the part may be left out is not said on top of it.
  const least = min?.least ?? (node.min === undefined ? 0 : 1);
  const most = node.max === undefined ? Infinity : max?.most ?? Infinity;
  if (max !== undefined && node.max !== undefined) {
    if (max.most <= 0) globals.report.add('bad-count', node.max.span, 'A part that is repeated no times at all is not there.', { hint: 'leave it out' });
    else if (least > max.most) globals.report.add('bad-count', { ...node.min!.span, end: node.max.span.end }, `The least count, ${least}, is above the most, ${max.most}.`, { hint: 'write the smaller one first' });
  }
  return { min: min?.expr ?? zero, max: max?.expr, least, most, fixed: min?.fixed !== false && max?.fixed !== false };
}

function count(globals: Globals, expr: AstExpr): { readonly expr: Expr; readonly least: number; readonly most: number; readonly fixed: boolean } | undefined {
  const { report } = globals;
  const made = elaborate(contextOf(globals, constantScope('a repeat count')), expr);
  if (made === undefined) return undefined;
  if (made.expr.type.kind !== 'int') {
    return report.add('bad-count', expr.span, `How often something repeats is an int; this is ${aType(made.expr.type)}.`);
  }
  const [least, most] = range(globals, made.expr);
  if (least < 0 && least !== -Infinity) return report.add('bad-count', expr.span, 'A count cannot be below zero.', { hint: made.expr.kind === 'literal' ? undefined : 'raise the lower bound of the param' });
  return { expr: made.expr, least: Math.max(0, least), most, fixed: made.expr.kind === 'literal' };
}

/** The values that an expression over literals and params can have. */
function range(globals: Globals, expr: Expr): readonly [number, number] {
  if (expr.kind === 'literal' && typeof expr.value === 'number') return [expr.value, expr.value];
  if (expr.kind === 'param') {
    const param = globals.params.get(expr.name)?.param;
    if (typeof param?.lo === 'number' && typeof param.hi === 'number') return [param.lo, param.hi];
    // Without bounds its value is the best that is known.
    if (typeof param?.value === 'number') return [param.value, Infinity];
  }
  return [-Infinity, Infinity];
}
