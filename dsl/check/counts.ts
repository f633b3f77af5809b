import type { Expr as AstExpr, Pattern, QuantifiedPattern } from '../ast.ts';
import type { Turns } from '../limits.ts';
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
  /** The fewest and the most turns there can be, whatever value the params have; one without bounds is taken to stay at its value or above. */
  readonly least: number;
  readonly most: number;
  /** The same where a param without bounds may become anything. */
  readonly ever: Turns;
  /** A count is wrong, which has been reported: what stands here is a guess. */
  readonly broken: boolean;
  /** No param decides: the bounds are the same in every deployment. */
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
  return {
    min: min?.expr ?? zero, max: max?.expr, least, most,
    ever: { least: min?.ever.least ?? least, most: node.max === undefined ? Infinity : max?.ever.most ?? most },
    broken: (node.min !== undefined && min === undefined) || (node.max !== undefined && max === undefined),
    fixed: min?.fixed !== false && max?.fixed !== false,
  };
}

function count(globals: Globals, expr: AstExpr): { readonly expr: Expr; readonly least: number; readonly most: number; readonly ever: Turns; readonly fixed: boolean } | undefined {
  const { report } = globals;
  const made = elaborate(contextOf(globals, constantScope('a repeat count')), expr);
  if (made === undefined) return undefined;
  if (made.expr.type.kind !== 'int') {
    return report.add('bad-count', expr.span, `How often something repeats is an int; this is ${aType(made.expr.type)}.`);
  }
  const values = rangeOf(globals, made.expr, (value) => [value, Infinity]);
  const ever = rangeOf(globals, made.expr, () => [0, Infinity]);
  if (values === undefined || ever === undefined) {
    return report.add('bad-count', expr.span, 'How often something repeats is worked out before any event is read: of whole numbers, params and consts, with `+`, `-` and `*`.', {
      hint: 'make it a param of its own',
    });
  }
  const [least, most] = values;
  if (least < 0 && least !== -Infinity) {
    return made.expr.kind === 'literal' ? report.add('bad-count', expr.span, 'A count cannot be below zero.')
      : report.add('bad-count', expr.span, `A count cannot be below zero; this can be ${least}.`, { hint: 'raise the lower bound of the param' });
  }
  return { expr: made.expr, least: Math.max(0, least), most, ever: { least: Math.max(0, ever[0]), most: ever[1] }, fixed: made.expr.kind === 'literal' };
}

type Range = readonly [number, number];

/** The values that an expression over literals and params can have; `open` says it of a param without bounds. Undefined: it is of another kind. */
function rangeOf(globals: Globals, expr: Expr, open: (value: number) => Range): Range | undefined {
  switch (expr.kind) {
    case 'literal': return typeof expr.value === 'number' ? [expr.value, expr.value] : undefined;
    case 'param': {
      const param = globals.params.get(expr.name)?.param;
      if (typeof param?.lo === 'number' && typeof param.hi === 'number') return [param.lo, param.hi];
      // A param that is wrong has been reported.
      return typeof param?.value === 'number' ? open(param.value) : [-Infinity, Infinity];
    }
    case 'negate': {
      const range = rangeOf(globals, expr.operand, open);
      return range && [-range[1], -range[0]];
    }
    case 'arith': {
      const left = rangeOf(globals, expr.left, open);
      const right = rangeOf(globals, expr.right, open);
      if (left === undefined || right === undefined) return undefined;
      if (expr.op === '+') return [left[0] + right[0], left[1] + right[1]];
      if (expr.op === '-') return [left[0] - right[1], left[1] - right[0]];
      if (expr.op !== '*') return undefined;
      // Nothing times without bound is nothing.
      const corners = left.flatMap((a) => right.map((b) => (a === 0 || b === 0 ? 0 : a * b)));
      return [Math.min(...corners), Math.max(...corners)];
    }
    default: return undefined;
  }
}
