import type { Expr, Literal } from '../typed.ts';

/** The expression, or the literal it comes to where all it reads are literals. Its parts have been folded before. */
export function fold(expr: Expr): Expr {
  if (expr.kind === 'literal') return expr;
  const constant = constantOf(expr);
  return constant === undefined ? expr : { type: expr.type, span: expr.span, kind: 'literal', value: constant };
}

/** The literal that an expression of folded parts comes to; undefined where it reads more than literals. */
function constantOf(expr: Expr): Literal | undefined {
  switch (expr.kind) {
    case 'not': return known(expr.operand, (operand) => operand !== true);
    case 'negate': return known(expr.operand, (operand) => (typeof operand === 'number' ? -operand : null));
    case 'and': return known2(expr.left, expr.right, (left, right) => left === true && right === true);
    case 'or': return known2(expr.left, expr.right, (left, right) => left === true || right === true);
    case '??': return expr.left.kind !== 'literal' ? undefined : expr.left.value ?? known(expr.right, (right) => right);
    case 'compare': return known2(expr.left, expr.right, (left, right) => compareLiterals(expr.op, left, right));
    case 'arith': return known2(expr.left, expr.right, (left, right) => arithmetic(expr.op, left, right));
    case 'list': {
      const items = expr.items.map((item) => (item.kind === 'literal' ? item.value : undefined));
      return items.includes(undefined) ? undefined : (items as Literal[]);
    }
    case 'in': return known2(expr.value, expr.options, (one, options) => {
      const found = Array.isArray(options) && options.some((option) => compareLiterals('==', one, option));
      return found !== expr.negated;
    });
    case 'between': return known(expr.value, (one) => known2(expr.lo, expr.hi, (lo, hi) => (
      compareLiterals('>=', one, lo) && compareLiterals('<=', one, hi)) !== expr.negated));
    case 'isNull': return known(expr.value, (one) => (one === null) !== expr.negated);
    case 'if': {
      if (expr.cond.kind !== 'literal') return undefined;
      return known(expr.cond.value === true ? expr.then : expr.else, (chosen) => chosen);
    }
    default: return undefined;
  }
}

function known(expr: Expr, then: (value: Literal) => Literal | undefined): Literal | undefined {
  return expr.kind === 'literal' ? then(expr.value) : undefined;
}

function known2(left: Expr, right: Expr, then: (left: Literal, right: Literal) => Literal): Literal | undefined {
  return left.kind === 'literal' && right.kind === 'literal' ? then(left.value, right.value) : undefined;
}

/** With null on one side every comparison but `!=` is false. */
export function compareLiterals(op: '==' | '!=' | '<' | '<=' | '>' | '>=', left: Literal, right: Literal): boolean {
  const equal = left !== null && right !== null
    && (typeof left === 'object' ? JSON.stringify(left) === JSON.stringify(right) : left === right);
  if (op === '==') return equal;
  if (op === '!=') return !equal;
  if (left === null || right === null) return false;
  switch (op) {
    case '<': return left < right;
    case '<=': return left <= right;
    case '>': return left > right;
    case '>=': return left >= right;
  }
}

function arithmetic(op: '+' | '-' | '*' | '/' | '%', left: Literal, right: Literal): number | null {
  if (typeof left !== 'number' || typeof right !== 'number') return null;
  const result = op === '+' ? left + right : op === '-' ? left - right : op === '*' ? left * right : op === '/' ? left / right : left % right;
  return Number.isFinite(result) ? result : null;
}
