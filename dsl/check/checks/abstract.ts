import type { Expr, Literal } from '../../typed.ts';
import { compareLiterals } from '../fold.ts';

/** What is known of a value: the value itself, or nothing. */
export type Known = { readonly value: Literal } | undefined;

const TRUE: Known = { value: true };
const FALSE: Known = { value: false };
const NULL: Known = { value: null };
const truth = (holds: boolean): Known => (holds ? TRUE : FALSE);

/** What an expression comes to, where `read` knows some of what it reads (fields, aggregates and the like). Null acts as the language says. */
export function evaluateKnown(expr: Expr, read: (leaf: Expr) => Known): Known {
  const at = (part: Expr): Known => evaluateKnown(part, read);
  switch (expr.kind) {
    case 'literal': return { value: expr.value };
    case 'not': {
      const operand = at(expr.operand);
      return operand && truth(operand.value !== true);
    }
    case 'and': {
      const [left, right] = [at(expr.left), at(expr.right)];
      if ((left && left.value !== true) || (right && right.value !== true)) return FALSE;
      return left && right && TRUE;
    }
    case 'or': {
      const [left, right] = [at(expr.left), at(expr.right)];
      if (left?.value === true || right?.value === true) return TRUE;
      return left && right && FALSE;
    }
    case '??': {
      const left = at(expr.left);
      return left && (left.value === null ? at(expr.right) : left);
    }
    case 'compare': {
      const [left, right] = [at(expr.left), at(expr.right)];
      if (left?.value === null || right?.value === null) return truth(expr.op === '!=');
      return left && right && truth(compareLiterals(expr.op, left.value, right.value));
    }
    case 'arith': case 'negate': case 'member': case 'index': {
      const parts = expr.kind === 'arith' ? [expr.left, expr.right] : expr.kind === 'negate' ? [expr.operand] : expr.kind === 'member' ? [expr.object] : [expr.object, expr.index];
      return parts.some((part) => at(part)?.value === null) ? NULL : undefined;
    }
    case 'in': {
      const [one, options] = [at(expr.value), at(expr.options)];
      if (one?.value === null || options?.value === null || (Array.isArray(options?.value) && options.value.length === 0)) return truth(expr.negated);
      return undefined;
    }
    case 'like': return at(expr.value)?.value === null || at(expr.pattern)?.value === null ? truth(expr.negated) : undefined;
    case 'matches': return at(expr.value)?.value === null ? truth(expr.negated) : undefined;
    case 'between': return [expr.value, expr.lo, expr.hi].some((part) => at(part)?.value === null) ? truth(expr.negated) : undefined;
    case 'isNull': {
      const one = at(expr.value);
      return one && truth((one.value === null) !== expr.negated);
    }
    case 'if': {
      const cond = at(expr.cond);
      if (cond !== undefined) return at(cond.value === true ? expr.then : expr.else);
      const [whenTrue, whenFalse] = [at(expr.then), at(expr.else)];
      return whenTrue && whenFalse && JSON.stringify(whenTrue.value) === JSON.stringify(whenFalse.value) ? whenTrue : undefined;
    }
    case 'call': {
      const args = expr.args.map(at);
      if (expr.fn === 'coalesce') {
        const open = args.findIndex((arg) => arg?.value !== null);
        return open < 0 ? NULL : args[open];
      }
      return args.some((arg) => arg?.value === null) ? NULL : undefined;
    }
    default: return read(expr);
  }
}
