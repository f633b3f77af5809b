/** Checked expressions as text in the language's own words; and with the values they have in front of one event. */
import type { Expr, Literal, Rule } from '../../dsl/typed.ts';

/** How tightly an expression binds, loosest first, as section 9 of the language has it. */
const LEVEL = { if: 0, or: 1, and: 2, not: 3, compare: 4, coalesce: 5, sum: 6, product: 7, negate: 8, postfix: 9 } as const;

/** Text for a part of an expression in place of its own, or undefined for its own. */
type Substitute = (expr: Expr) => string | undefined;

/** The expression as an author would write it. Key parts go by their names in the rule. */
export function printExpr(expr: Expr, rule?: Pick<Rule, 'key'>): string {
  return print(expr, 0, rule, () => undefined);
}

/** As printExpr, with some parts written as `substitute` says: their values, for instance. */
export function printWith(expr: Expr, rule: Pick<Rule, 'key'> | undefined, substitute: Substitute): string {
  return print(expr, 0, rule, substitute);
}

function print(expr: Expr, outer: number, rule: Pick<Rule, 'key'> | undefined, substitute: Substitute): string {
  const replaced = substitute(expr);
  if (replaced !== undefined) return replaced;
  const at = (part: Expr, level: number): string => print(part, level, rule, substitute);
  const wrap = (level: number, text: string): string => (level < outer ? `(${text})` : text);
  const binary = (level: number, op: string, left: Expr, right: Expr): string => wrap(level, `${at(left, level)} ${op} ${at(right, level + 1)}`);
  const test = (text: string): string => wrap(LEVEL.compare, text);
  const not = (negated: boolean): string => (negated ? 'not ' : '');
  switch (expr.kind) {
    case 'literal': return printLiteral(expr.value, expr.type.kind);
    case 'param': return expr.name;
    case 'eventField': case 'eachField': return expr.field;
    case 'eventTime': case 'eachTime': return 'timeOf(event)';
    case 'keyField': return rule?.key[expr.part]?.name ?? `key[${expr.part}]`;
    case 'stageField': return `${expr.stage}.${expr.field}`;
    case 'stageTime': return `timeOf(${expr.stage})`;
    case 'prevField': return expr.field === undefined ? 'timeOf(prev)' : `prev.${expr.field}`;
    case 'aggregate': return printAggregate(expr, rule, substitute);
    case 'windowAggregate': return printWindowAggregate(expr, rule, substitute);
    case 'windowInfo': return `window.${expr.what}`;
    case 'lookup': return `${expr.table}[${at(expr.key, 0)}].${expr.column}`;
    case 'feature': return expr.feature;
    case 'matchInfo': return `match.${expr.what}`;
    case 'lambdaParam': return lambdaName(expr.depth);
    case 'member': return `${at(expr.object, LEVEL.postfix)}.${expr.field}`;
    case 'index': return `${at(expr.object, LEVEL.postfix)}[${at(expr.index, 0)}]`;
    case 'list': return `[${expr.items.map((item) => at(item, 0)).join(', ')}]`;
    case 'not': return wrap(LEVEL.not, `not ${at(expr.operand, LEVEL.not)}`);
    case 'negate': return wrap(LEVEL.negate, `-${at(expr.operand, LEVEL.negate)}`);
    case 'and': return binary(LEVEL.and, 'and', expr.left, expr.right);
    case 'or': return binary(LEVEL.or, 'or', expr.left, expr.right);
    case '??': return binary(LEVEL.coalesce, '??', expr.left, expr.right);
    case 'compare': return test(`${at(expr.left, LEVEL.coalesce)} ${expr.op} ${at(expr.right, LEVEL.coalesce)}`);
    case 'arith': return binary(expr.op === '+' || expr.op === '-' ? LEVEL.sum : LEVEL.product, expr.op, expr.left, expr.right);
    case 'in': return test(`${at(expr.value, LEVEL.coalesce)} ${not(expr.negated)}in ${at(expr.options, LEVEL.coalesce)}`);
    case 'like': return test(`${at(expr.value, LEVEL.coalesce)} ${not(expr.negated)}like ${at(expr.pattern, LEVEL.coalesce)}`);
    case 'matches': return test(`${at(expr.value, LEVEL.coalesce)} ${not(expr.negated)}matches /${expr.regex}/${expr.ignoreCase ? 'i' : ''}`);
    case 'between':
      return test(`${at(expr.value, LEVEL.coalesce)} ${not(expr.negated)}between ${at(expr.lo, LEVEL.coalesce)} and ${at(expr.hi, LEVEL.coalesce)}`);
    case 'isNull': return test(`${at(expr.value, LEVEL.coalesce)} is ${not(expr.negated)}null`);
    case 'if': return wrap(LEVEL.if, `if ${at(expr.cond, 0)} then ${at(expr.then, 0)} else ${at(expr.else, 0)}`);
    case 'call': {
      const args = expr.args.map((arg) => at(arg, 0));
      if (expr.lambda !== undefined) args.push(`x => ${at(expr.lambda, 0)}`);
      return `${expr.fn}(${args.join(', ')})`;
    }
  }
}

function printAggregate(expr: Expr & { readonly kind: 'aggregate' }, rule: Pick<Rule, 'key'> | undefined, substitute: Substitute): string {
  // Inside, a field of the event at hand is written with its stage, as the author did.
  const inside = (part: Expr): string => print(part, 0, rule, (e) =>
    (e.kind === 'eachField' ? `${expr.stage}.${e.field}` : e.kind === 'eachTime' ? `timeOf(${expr.stage})` : substitute(e)));
  if (expr.value === undefined) return `${expr.fn}(${expr.stage}${expr.where === undefined ? '' : ` where ${inside(expr.where)}`})`;
  if ((expr.fn === 'first' || expr.fn === 'last') && expr.value.kind === 'eachField' && expr.where === undefined) {
    return `${expr.fn}(${expr.stage}).${expr.value.field}`;
  }
  const where = expr.where === undefined ? '' : ` where ${inside(expr.where)}`;
  return `${expr.fn}(${inside(expr.value)}${where}${expr.limit === undefined ? '' : `, ${expr.limit}`})`;
}

function printWindowAggregate(expr: Expr & { readonly kind: 'windowAggregate' }, rule: Pick<Rule, 'key'> | undefined, substitute: Substitute): string {
  const { fn, input, value, argument } = expr;
  // Inside, a field of the event at hand stands by itself, or behind the name of its input.
  const prefix = input === undefined ? '' : `${input}.`;
  const inside = (part: Expr): string => print(part, 0, rule, (e) => (e.kind === 'eachField' ? `${prefix}${e.field}` : e.kind === 'eachTime' ? `timeOf(${input ?? 'event'})` : substitute(e)));
  const of = value === undefined ? input ?? '' : inside(value);
  const where = expr.where === undefined ? '' : `${of === '' ? '' : ' '}where ${inside(expr.where)}`;
  const last = argument === undefined ? '' : `, ${fn === 'slope' ? printDuration(argument) : argument}`;
  return `${fn}(${of}${where}${last})`;
}

/** The parameter of the innermost lambda is `x`, of the one around it `x1`. */
function lambdaName(depth: number): string {
  return depth === 0 ? 'x' : `x${depth}`;
}

function printLiteral(value: Literal, kind: Expr['type']['kind']): string {
  if (kind === 'duration' && typeof value === 'number') return printDuration(value);
  if (Array.isArray(value)) return `[${value.map((item: Literal) => printLiteral(item, typeof item === 'string' ? 'string' : 'float')).join(', ')}]`;
  return JSON.stringify(value);
}

/** `9m59s`; a duration's own literal. */
export function printDuration(ms: number): string {
  if (ms < 0) return `-${printDuration(-ms)}`;
  if (!Number.isFinite(ms)) return String(ms);
  let left = ms;
  let text = '';
  for (const [size, unit] of [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'm'], [1000, 's']] as const) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  if (left > 0) text += `${Math.round(left * 1e6) / 1e6}ms`;
  return text === '' ? '0s' : text;
}

/** A value of the interpreter as a literal of the language; times relative to `origin` (`@40s`) where one is given, else as ISO-8601 text. */
export function printValue(value: unknown, type: Expr['type'], origin?: number): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') {
    if (type.kind === 'duration') return printDuration(value);
    if (type.kind === 'time') return origin === undefined ? new Date(value).toISOString() : printInstant(value - origin);
    return String(Number(value.toPrecision(12)));
  }
  if (Array.isArray(value)) {
    const element = type.kind === 'list' ? type.element.type : type;
    const items = value.map((item) => printValue(item, element, origin));
    return items.length > 8 ? `[${items.slice(0, 8).join(', ')}, … ${items.length - 8} more]` : `[${items.join(', ')}]`;
  }
  return JSON.stringify(value);
}

/** A time of a test: `@40s`, ms after its start. */
export function printInstant(ms: number): string {
  return `@${printDuration(ms)}`;
}
