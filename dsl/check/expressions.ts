import type { Expr as AstExpr } from '../ast.ts';
import { meant } from './declarations.ts';
import { resolveCall } from './calls.ts';
import type { Context } from './context.ts';
import { fold } from './fold.ts';
import { resolveMember, resolveName } from './names.ts';
import { between, binary, conditional, isNull, like, matches, membership, negation } from './operators.ts';
import { isTable, rowHere } from './tables.ts';
import { BOOL, DURATION, FLOAT, INT, NULL_TYPE, STRING, aType, commonType, listOf } from './types.ts';
import { literal, value, type Value } from './value.ts';

/**
 * Resolves and types an expression. Gives undefined where something in it is wrong, which has then been reported: here, or where the name it
 * uses is declared. Functions are inlined, consts replaced, and what reads only literals is folded.
 */
export function elaborate(ctx: Context, expr: AstExpr | undefined): Value | undefined {
  const made = expr && elaborated(ctx, expr);
  return made && { ...made, expr: fold(made.expr) };
}

function elaborated(ctx: Context, expr: AstExpr): Value | undefined {
  const { span } = expr;
  switch (expr.kind) {
    // What is no number or duration was reported when it was read.
    case 'number': return Number.isNaN(expr.value) ? undefined : literal(expr.isInt ? INT : FLOAT, span, expr.value);
    case 'string': return literal(STRING, span, expr.value);
    case 'bool': return literal(BOOL, span, expr.value);
    case 'null': return literal(NULL_TYPE, span, null);
    case 'duration': return Number.isNaN(expr.ms) ? undefined : literal(DURATION, span, expr.ms);
    case 'regex':
      return ctx.globals.report.add('regex-here', span, 'A regular expression stands only after `matches`, and as the second argument of `split` and `replace`.');
    case 'record':
      return ctx.globals.report.add('record-here', span, 'A record is written out only as the value of a field in a test.');
    case 'list': return list(ctx, expr);
    case 'name': return resolveName(ctx, expr);
    case 'member': return resolveMember(ctx, expr);
    case 'index': return index(ctx, expr);
    case 'call': return resolveCall(ctx, expr);
    case 'unary': return negation(ctx, expr);
    case 'binary': return binary(ctx, expr);
    case 'in': return membership(ctx, expr);
    case 'like': return like(ctx, expr);
    case 'matches': return matches(ctx, expr);
    case 'between': return between(ctx, expr);
    case 'isNull': return isNull(ctx, expr);
    case 'if': return conditional(ctx, expr);
    case 'paren': return elaborate(ctx, expr.inner);
  }
}

/** An expression that must be a condition. `what` is how the message calls it. */
export function condition(ctx: Context, expr: AstExpr | undefined, what: string): Value | undefined {
  const made = elaborate(ctx, expr);
  if (made === undefined) return undefined;
  if (made.expr.type.kind === 'bool') return made;
  return ctx.globals.report.add('not-a-condition', made.expr.span === expr?.span ? made.expr.span : expr!.span, `${what} must be true or false; this is ${aType(made.expr.type)}.`);
}

function list(ctx: Context, expr: Extract<AstExpr, { kind: 'list' }>): Value | undefined {
  const items = expr.items.map((item) => elaborate(ctx, item));
  if (items.includes(undefined)) return undefined;
  const made = items as Value[];
  let element = made[0]?.expr.type ?? NULL_TYPE;
  for (const item of made) {
    const common = commonType(element, item.expr.type);
    if (common === undefined) {
      return ctx.globals.report.add('type-mismatch', item.expr.span, `The elements of a list are of one type; here ${aType(element)} and ${aType(item.expr.type)} meet.`);
    }
    element = common;
  }
  return value(listOf(element, made.some((item) => item.nulls > 0)), expr.span, { kind: 'list', items: made.map((item) => item.expr) });
}

function index(ctx: Context, expr: Extract<AstExpr, { kind: 'index' }>): Value | undefined {
  if (expr.object.kind === 'name' && isTable(ctx, expr.object.name)) return elaborate(ctx, expr.index) && rowHere(ctx, expr.object.name, expr.span, true);
  const object = elaborate(ctx, expr.object);
  const at = elaborate(ctx, expr.index);
  if (object === undefined || at === undefined) return undefined;
  const { type } = object.expr;
  if (type.kind !== 'list') return ctx.globals.report.add('type-mismatch', object.expr.span, `Only lists have elements; this is ${aType(type)}.`, { hint: expr.object.kind === 'name' ? meant(expr.object.name, ctx.globals.declarations.tables.keys()) : undefined });
  if (at.expr.type.kind !== 'int') return ctx.globals.report.add('type-mismatch', at.expr.span, `An element is named by an int, counted from 0; this is ${aType(at.expr.type)}.`);
  return value(type.element.type, expr.span, { kind: 'index', object: object.expr, index: at.expr }, 2);
}
