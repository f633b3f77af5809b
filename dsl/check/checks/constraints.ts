import type { Expr, Literal, Type } from '../../typed.ts';
import { compareLiterals } from '../fold.ts';

/** What several conditions that must all hold ask of one value. */
interface Constraints {
  readonly type: Type;
  /** Each a condition on the value, and where it is written. */
  readonly tests: { readonly holds: (value: Literal) => boolean; readonly at: Expr }[];
  /** Values that are mentioned: where the value is one of few, it is one of these. */
  readonly candidates: { readonly values: readonly Literal[]; readonly at: Expr }[];
  lo: { readonly value: number; readonly open: boolean; readonly at: Expr } | undefined;
  hi: { readonly value: number; readonly open: boolean; readonly at: Expr } | undefined;
  /** Something asks for a value, and so for not null. */
  needsValue: boolean;
  isNull: Expr | undefined;
}

export interface Conflict { readonly at: Expr; readonly why: string }

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';
const FLIPPED: Readonly<Record<Comparison, Comparison>> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** A contradiction among conditions that must all hold, as constants show it. `notNull`: the expression always has a value. */
export function contradiction(conjuncts: readonly Expr[], notNull: (expr: Expr) => boolean): Conflict | undefined {
  const terms = new Map<string, Constraints>();
  const of = (expr: Expr): Constraints => {
    const id = identity(expr);
    let known = terms.get(id);
    if (known === undefined) {
      known = { type: expr.type, tests: [], candidates: [], lo: undefined, hi: undefined, needsValue: notNull(expr), isNull: undefined };
      if (expr.type.kind === 'oneOf' && known.needsValue) known.candidates.push({ values: expr.type.values, at: expr });
      terms.set(id, known);
    }
    return known;
  };
  for (const conjunct of conjuncts) {
    if (conjunct.kind === 'literal') {
      if (conjunct.value !== true) return { at: conjunct, why: 'its condition is always false' };
      continue;
    }
    note(conjunct, of);
    for (const constraints of terms.values()) {
      const why = conflictIn(constraints);
      if (why !== undefined) return { at: conjunct, why };
    }
  }
  return undefined;
}

function note(conjunct: Expr, of: (expr: Expr) => Constraints): void {
  switch (conjunct.kind) {
    case 'compare': {
      const { left, right, op } = conjunct;
      if (right.kind === 'literal' && left.kind !== 'literal') noteComparison(of(left), op, right.value, conjunct);
      else if (left.kind === 'literal' && right.kind !== 'literal') noteComparison(of(right), FLIPPED[op], left.value, conjunct);
      break;
    }
    case 'in': {
      const options = literalItems(conjunct.options);
      if (options === undefined) break;
      const term = of(conjunct.value);
      if (conjunct.negated) {
        term.tests.push({ holds: (value) => !options.includes(value), at: conjunct });
      } else {
        term.needsValue = true;
        term.candidates.push({ values: options, at: conjunct });
      }
      break;
    }
    case 'between': {
      if (conjunct.negated || conjunct.lo.kind !== 'literal' || conjunct.hi.kind !== 'literal') break;
      const term = of(conjunct.value);
      noteComparison(term, '>=', conjunct.lo.value, conjunct);
      noteComparison(term, '<=', conjunct.hi.value, conjunct);
      break;
    }
    case 'isNull':
      if (conjunct.negated) of(conjunct.value).needsValue = true;
      else of(conjunct.value).isNull = conjunct;
      break;
    case 'like': case 'matches':
      if (!conjunct.negated) of(conjunct.value).needsValue = true;
      break;
    case 'not':
      if (conjunct.operand.type.kind === 'bool') of(conjunct.operand).tests.push({ holds: (value) => value !== true, at: conjunct });
      break;
    default: {
      const term = of(conjunct);
      term.needsValue = true;
      term.candidates.push({ values: [true], at: conjunct });
    }
  }
}

function noteComparison(term: Constraints, op: Comparison, value: Literal, at: Expr): void {
  if (value === null) return;
  if (op !== '!=') term.needsValue = true;
  if (op === '==') term.candidates.push({ values: [value], at });
  else term.tests.push({ holds: (one) => compareLiterals(op, one, value), at });
  if (typeof value !== 'number') return;
  const open = op === '<' || op === '>';
  if (op === '>' || op === '>=') {
    if (term.lo === undefined || value > term.lo.value || (value === term.lo.value && open)) term.lo = { value, open, at };
  } else if (op === '<' || op === '<=') {
    if (term.hi === undefined || value < term.hi.value || (value === term.hi.value && open)) term.hi = { value, open, at };
  }
}

/** Why no value satisfies all, in a few words. */
function conflictIn({ type, tests, candidates, lo, hi, needsValue, isNull }: Constraints): string | undefined {
  if (isNull !== undefined && needsValue) return 'one part of its condition asks for null, another for a value';
  if (candidates.length > 0 && isNull === undefined) {
    const [first, ...others] = candidates;
    const left = first!.values.filter((value) => others.every((other) => other.values.some((one) => compareLiterals('==', one, value))) && tests.every((test) => test.holds(value)));
    if (left.length === 0) return 'no value satisfies all parts of its condition';
  }
  if (lo === undefined || hi === undefined) return undefined;
  const least = type.kind === 'int' ? (lo.open && Number.isInteger(lo.value) ? lo.value + 1 : Math.ceil(lo.value)) : lo.value;
  const most = type.kind === 'int' ? (hi.open && Number.isInteger(hi.value) ? hi.value - 1 : Math.floor(hi.value)) : hi.value;
  const empty = least > most || (least === most && type.kind !== 'int' && (lo.open || hi.open));
  return empty ? 'no value lies within all bounds of its condition' : undefined;
}

function literalItems(options: Expr): readonly Literal[] | undefined {
  if (options.kind === 'literal' && Array.isArray(options.value)) return options.value as readonly Literal[];
  if (options.kind !== 'list') return undefined;
  const items = options.items.map((item) => (item.kind === 'literal' ? item.value : undefined));
  return items.includes(undefined) ? undefined : (items as Literal[]);
}

/** A text that is the same for expressions that are alike but for their places. */
export function identity(expr: Expr): string {
  return JSON.stringify(expr, (name, value: unknown) => (name === 'span' ? undefined : value));
}
