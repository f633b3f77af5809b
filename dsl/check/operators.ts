import type { Expr as AstExpr, Span } from '../ast.ts';
import type { Expr, Type } from '../typed.ts';
import { meant } from './declarations.ts';
import type { Context } from './context.ts';
import { condition, elaborate } from './expressions.ts';
import { regexProblem } from './text-arguments.ts';
import { readTime } from './times.ts';
import { BOOL, DURATION, FLOAT, INT, TIME, aType, commonType, isNumber, isOrdered, isText, showType } from './types.ts';
import { literal, mostNulls, possibleTexts, value, type Nulls, type Value } from './value.ts';

type Of<Kind extends AstExpr['kind']> = Extract<AstExpr, { kind: Kind }>;
type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

export function negation(ctx: Context, expr: Of<'unary'>): Value | undefined {
  if (expr.op === 'not') {
    const operand = condition(ctx, expr.operand, 'What `not` negates');
    return operand && value(BOOL, expr.span, { kind: 'not', operand: operand.expr });
  }
  const operand = elaborate(ctx, expr.operand);
  if (operand === undefined) return undefined;
  const { type } = operand.expr;
  if (!isNumber(type) && type.kind !== 'duration') {
    return ctx.globals.report.add('type-mismatch', expr.span, `Only numbers and durations can be negated; this is ${aType(type)}.`);
  }
  return value(type, expr.span, { kind: 'negate', operand: operand.expr }, operand.nulls);
}

export function binary(ctx: Context, expr: Of<'binary'>): Value | undefined {
  const { op } = expr;
  if (op === 'and' || op === 'or') {
    const left = condition(ctx, expr.left, `What stands before \`${op}\``);
    const right = condition(ctx, expr.right, `What stands after \`${op}\``);
    return left && right && value(BOOL, expr.span, { kind: op, left: left.expr, right: right.expr });
  }
  const left = elaborate(ctx, expr.left);
  const right = elaborate(ctx, expr.right);
  if (left === undefined || right === undefined) return undefined;
  switch (op) {
    case '??': return coalesce(ctx, expr.span, left, right);
    case '+': case '-': case '*': case '/': case '%': return arithmetic(ctx, op, expr.span, left, right);
    default: return compare(ctx, op, expr, left, right);
  }
}

function coalesce(ctx: Context, span: Span, left: Value, right: Value): Value | undefined {
  const type = commonType(left.expr.type, right.expr.type);
  if (type === undefined) {
    return ctx.globals.report.add('type-mismatch', span, `\`??\` takes two values of one type; here ${aType(left.expr.type)} and ${aType(right.expr.type)} meet.`);
  }
  if (left.nulls === 0) ctx.globals.report.add('never-null', left.expr.span, 'This is never null, so what stands after `??` is never used.');
  return value(type, span, { kind: '??', left: left.expr, right: right.expr }, left.nulls === 0 ? 0 : right.nulls);
}

// ---- arithmetic ----

function arithmetic(ctx: Context, op: '+' | '-' | '*' | '/' | '%', span: Span, left: Value, right: Value): Value | undefined {
  const type = arithmeticType(op, left.expr.type, right.expr.type);
  if (type === undefined) {
    return ctx.globals.report.add('type-mismatch', span, `\`${op}\` does not take ${aType(left.expr.type)} and ${aType(right.expr.type)}.`, { hint: arithmeticHint(op, left.expr.type, right.expr.type) });
  }
  let nulls: Nulls = mostNulls(left, right);
  if (op === '/' || op === '%') {
    if (right.expr.kind === 'literal' && right.expr.value === 0) {
      ctx.globals.report.add('division-by-zero', span, 'A division by zero is always null.');
    }
    if (mayBeZero(ctx, right.expr)) nulls = mostNulls(nulls, 1);
  }
  return value(type, span, { kind: 'arith', op, left: left.expr, right: right.expr }, nulls);
}

function arithmeticType(op: '+' | '-' | '*' | '/' | '%', left: Type, right: Type): Type | undefined {
  if (isNumber(left) && isNumber(right)) return op === '/' ? FLOAT : left.kind === 'int' && right.kind === 'int' ? INT : FLOAT;
  const kinds = `${isNumber(left) ? 'number' : left.kind} ${op} ${isNumber(right) ? 'number' : right.kind}`;
  switch (kinds) {
    case 'duration + duration': case 'duration - duration': case 'duration % duration':
    case 'duration * number': case 'number * duration': case 'duration / number': case 'time - time':
      return DURATION;
    case 'time + duration': case 'duration + time': case 'time - duration': return TIME;
    case 'duration / duration': return FLOAT;
    default: return undefined;
  }
}

function arithmeticHint(op: string, left: Type, right: Type): string | undefined {
  if (op === '+' && (isText(left) || isText(right))) return 'texts are joined by concat(a, b)';
  if ((left.kind === 'duration' && isNumber(right)) || (isNumber(left) && right.kind === 'duration')) return 'a duration has a unit: 10s; divided by one it is a number: d / 1s';
  if (left.kind === 'time' && isNumber(right)) return 'write the span of time with its unit: 10s';
  return undefined;
}

function mayBeZero(ctx: Context, expr: Expr): boolean {
  if (expr.kind === 'literal') return expr.value === 0;
  if (expr.kind !== 'param') return true;
  const param = ctx.globals.params.get(expr.name)?.param;
  return !(typeof param?.lo === 'number' && typeof param.hi === 'number' && (param.lo > 0 || param.hi < 0));
}

// ---- comparisons ----

function compare(ctx: Context, op: Comparison, expr: Of<'binary'>, left: Value, right: Value): Value | undefined {
  const { span } = expr;
  // A chain of comparisons, which the parser has refused.
  if (op !== '==' && op !== '!=' && expr.left.kind === 'binary' && /^[<>]/.test(expr.left.op)) return undefined;
  if (left.expr.type.kind === 'null' || right.expr.type.kind === 'null') {
    const other = left.expr.type.kind === 'null' ? right.expr : left.expr;
    return ctx.globals.report.add('compare-with-null', span, `Nothing compares with null: this is always ${op === '!=' ? 'true' : 'false'}.`, {
      hint: `${op === '!=' ? '`is not null`' : '`is null`'} tests for it${other.type.kind === 'null' ? '' : ', as in x is null'}`,
    });
  }
  const sides = alike(ctx, span, left, right, op === '==' || op === '!=' ? 'compare' : 'order');
  if (sides === undefined) return undefined;
  if (op === '==' || op === '!=') warnSameSide(ctx, span, sides.left.expr, sides.right.expr);
  return value(BOOL, span, { kind: 'compare', op, left: sides.left.expr, right: sides.right.expr });
}

function warnSameSide(ctx: Context, span: Span, left: Expr, right: Expr): void {
  if (left.kind === 'eventField' && right.kind === 'eventField' && left.field === right.field) {
    ctx.globals.report.add('compares-with-itself', span, `"${left.field}" is compared with itself.`, { hint: `a field of an earlier event is written with its stage: a.${left.field}` });
  }
}

/** Both sides where they can be compared: texts that stand for times are read as times, texts outside a closed set are reported. */
function alike(ctx: Context, span: Span, left: Value, right: Value, how: 'compare' | 'order'): { readonly left: Value; readonly right: Value } | undefined {
  const l = asTime(left, right.expr.type);
  const r = asTime(right, left.expr.type);
  const [a, b] = [l.expr.type, r.expr.type];
  if (commonType(a, b) === undefined) {
    return ctx.globals.report.add('type-mismatch', span, `Cannot compare ${aType(a)} with ${aType(b)}.`, { hint: compareHint(a, b) });
  }
  if (how === 'order' && !(isOrdered(a) && isOrdered(b))) {
    return ctx.globals.report.add('type-mismatch', span, `There is no order among values of type ${showType(isOrdered(a) ? b : a)}; only == and != compare them.`);
  }
  if (!textsMeet(ctx, l.expr, r.expr)) return undefined;
  return { left: l, right: r };
}

function compareHint(a: Type, b: Type): string | undefined {
  const kinds = [a.kind, b.kind];
  if (kinds.includes('duration') && (isNumber(a) || isNumber(b))) return 'a duration has a unit: 10s, 5m, 2h';
  if (kinds.includes('time') && (isText(a) || isText(b))) return 'a time is written as ISO-8601 text: "2026-01-31T12:00:00Z"';
  if (kinds.includes('list')) return '`in` tells whether a list has a value: x in list';
  return undefined;
}

/** A text literal that stands where a time is meant, as that time. */
export function asTime(given: Value, other: Type): Value {
  if (other.kind !== 'time' || given.expr.kind !== 'literal' || typeof given.expr.value !== 'string') return given;
  const time = readTime(given.expr.value);
  return time === undefined ? given : literal(TIME, given.expr.span, time);
}

/** Reports texts that a closed set of texts does not have. */
export function textsMeet(ctx: Context, a: Expr, b: Expr): boolean {
  if (a.type.kind === 'list' || b.type.kind === 'list' || (a.type.kind !== 'oneOf' && b.type.kind !== 'oneOf')) return true;
  if (a.type.kind === 'oneOf' && b.type.kind === 'oneOf') {
    const { values } = b.type;
    if (a.type.values.some((text) => values.includes(text))) return true;
    ctx.globals.report.add('not-in-set', b.span, `${showType(a.type)} and ${showType(b.type)} have no text in common.`);
    return false;
  }
  const [set, other] = a.type.kind === 'oneOf' ? [a, b] : [b, a];
  return textsIn(ctx, other, (set.type as Extract<Type, { kind: 'oneOf' }>).values);
}

/** Reports texts of `expr`, where they are known, that are not among `values`. */
export function textsIn(ctx: Context, expr: Expr, values: readonly string[]): boolean {
  const strange = possibleTexts(expr)?.filter((text) => !values.includes(text)) ?? [];
  if (strange.length === 0) return true;
  ctx.globals.report.add('not-in-set', spanOfText(expr, strange[0]!),
    `${strange.map((text) => JSON.stringify(text)).join(' and ')} ${strange.length === 1 ? 'is' : 'are'} not among ${values.map((text) => JSON.stringify(text)).join(', ')}.`, { hint: meant(strange[0]!, values) });
  return false;
}

function spanOfText(expr: Expr, text: string): Span {
  if (expr.kind === 'if') return possibleTexts(expr.then)?.includes(text) === true ? spanOfText(expr.then, text) : spanOfText(expr.else, text);
  if (expr.kind === '??') return possibleTexts(expr.left)?.includes(text) === true ? spanOfText(expr.left, text) : spanOfText(expr.right, text);
  return expr.span;
}

export function membership(ctx: Context, expr: Of<'in'>): Value | undefined {
  const one = elaborate(ctx, expr.value);
  const options = elaborate(ctx, expr.options);
  if (one === undefined || options === undefined) return undefined;
  if (options.expr.type.kind !== 'list') {
    return ctx.globals.report.add('type-mismatch', options.expr.span, `After \`in\` stands a list; this is ${aType(options.expr.type)}.`, {
      hint: isText(options.expr.type) ? 'contains(text, part) looks inside a text' : 'a list is written [a, b]',
    });
  }
  const element = options.expr.type.element.type;
  const items = options.expr.kind === 'list' ? options.expr.items
    : options.expr.kind === 'literal' && Array.isArray(options.expr.value) ? literalItems(expr.options, ctx) : undefined;
  // Texts in a written list that stand for times.
  if (one.expr.type.kind === 'time' && items !== undefined && items.every((item) => item.type.kind === 'string' && item.kind === 'literal')) {
    const times = items.map((item) => asTime({ expr: item, nulls: 0 }, TIME));
    if (times.every((time) => time.expr.type.kind === 'time')) {
      const list = literal({ kind: 'list', element: { type: TIME, optional: false } }, options.expr.span, times.map((time) => (time.expr as Extract<Expr, { kind: 'literal' }>).value));
      return value(BOOL, expr.span, { kind: 'in', negated: expr.negated, value: one.expr, options: list.expr });
    }
  }
  if (commonType(one.expr.type, element) === undefined) {
    return ctx.globals.report.add('type-mismatch', expr.span, `${sentence(aType(one.expr.type))} is never in a list of ${showType(element)}.`, { hint: compareHint(one.expr.type, element) });
  }
  if (one.expr.type.kind === 'oneOf') {
    const { values } = one.expr.type;
    if (items !== undefined && !items.map((item) => item.type.kind === 'oneOf' || textsIn(ctx, item, values)).every(Boolean)) return undefined;
  } else if (element.kind === 'oneOf' && !textsIn(ctx, one.expr, element.values)) {
    return undefined;
  }
  return value(BOOL, expr.span, { kind: 'in', negated: expr.negated, value: one.expr, options: options.expr });
}

/** The elements of a list that was folded, each with its own place. */
function literalItems(options: AstExpr, ctx: Context): Expr[] | undefined {
  if (options.kind === 'paren') return literalItems(options.inner, ctx);
  if (options.kind !== 'list') return undefined;
  return ctx.globals.report.muted(() => options.items.flatMap((item) => elaborate(ctx, item)?.expr ?? []));
}

export function between(ctx: Context, expr: Of<'between'>): Value | undefined {
  const one = elaborate(ctx, expr.value);
  const lo = elaborate(ctx, expr.lo);
  const hi = elaborate(ctx, expr.hi);
  if (one === undefined || lo === undefined || hi === undefined) return undefined;
  for (const part of [one, lo, hi]) {
    if (part.expr.type.kind === 'null') return ctx.globals.report.add('compare-with-null', expr.span, `\`between\` with null is always ${String(expr.negated)}.`);
  }
  const low = alike(ctx, expr.lo.span, one, lo, 'order');
  const high = alike(ctx, expr.hi.span, one, hi, 'order');
  if (low === undefined || high === undefined) return undefined;
  const [from, to] = [low.right.expr, high.right.expr];
  if (from.kind === 'literal' && to.kind === 'literal' && from.value !== null && to.value !== null && from.value > to.value) {
    ctx.globals.report.add('empty-range', expr.span, 'The first bound is above the second, so nothing lies between them.', { hint: 'write the smaller one first' });
  }
  return value(BOOL, expr.span, { kind: 'between', negated: expr.negated, value: low.left.expr, lo: from, hi: to });
}

export function like(ctx: Context, expr: Of<'like' | 'matches'>): Value | undefined {
  const text = textOperand(ctx, expr.value, 'like');
  const pattern = textOperand(ctx, expr.pattern, 'like');
  return text && pattern && value(BOOL, expr.span, { kind: 'like', negated: expr.negated, value: text.expr, pattern: pattern.expr });
}

export function matches(ctx: Context, expr: Of<'like' | 'matches'>): Value | undefined {
  const text = textOperand(ctx, expr.value, 'matches');
  const regex = regexOf(ctx, expr.pattern);
  if (text === undefined || regex === undefined) return undefined;
  return value(BOOL, expr.span, { kind: 'matches', negated: expr.negated, value: text.expr, regex: regex.source, ignoreCase: regex.ignoreCase });
}

/** A regular expression, written as one or as a constant text. */
function regexOf(ctx: Context, expr: AstExpr): { readonly source: string; readonly ignoreCase: boolean } | undefined {
  const { report } = ctx.globals;
  let regex: { readonly source: string; readonly ignoreCase: boolean };
  if (expr.kind === 'regex') {
    regex = expr;
  } else {
    const text = elaborate(ctx, expr);
    if (text === undefined) return undefined;
    if (text.expr.kind !== 'literal' || typeof text.expr.value !== 'string') {
      return report.add('not-constant', expr.span, 'After `matches` stands a regular expression that is known when the rule is compiled.', { hint: 'write it as /…/; contains, startsWith and like take texts of events' });
    }
    regex = { source: text.expr.value, ignoreCase: false };
  }
  const problem = regexProblem(regex.source);
  return problem === undefined ? regex : report.add('bad-regex', expr.span, `This is no regular expression: ${problem}.`);
}

function textOperand(ctx: Context, expr: AstExpr, operator: string): Value | undefined {
  const made = elaborate(ctx, expr);
  if (made === undefined || isText(made.expr.type)) return made;
  return ctx.globals.report.add('type-mismatch', expr.span, `\`${operator}\` takes texts; this is ${aType(made.expr.type)}.`);
}

export function isNull(ctx: Context, expr: Of<'isNull'>): Value | undefined {
  const one = elaborate(ctx, expr.value);
  if (one === undefined) return undefined;
  if (one.nulls === 0) {
    ctx.globals.report.add('never-null', expr.span, `This is never null, so the test is always ${String(expr.negated)}.`);
  }
  return value(BOOL, expr.span, { kind: 'isNull', negated: expr.negated, value: one.expr });
}

export function conditional(ctx: Context, expr: Of<'if'>): Value | undefined {
  const cond = condition(ctx, expr.cond, 'What stands after `if`');
  const whenTrue = elaborate(ctx, expr.then);
  const whenFalse = elaborate(ctx, expr.else);
  if (cond === undefined || whenTrue === undefined || whenFalse === undefined) return undefined;
  const type = commonType(whenTrue.expr.type, whenFalse.expr.type);
  if (type === undefined) {
    return ctx.globals.report.add('type-mismatch', expr.span, `Both branches of \`if\` give one type; here ${aType(whenTrue.expr.type)} and ${aType(whenFalse.expr.type)} meet.`);
  }
  return value(type, expr.span, { kind: 'if', cond: cond.expr, then: whenTrue.expr, else: whenFalse.expr }, mostNulls(whenTrue, whenFalse));
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
