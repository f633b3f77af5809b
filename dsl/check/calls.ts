import type { Argument, Expr as AstExpr } from '../ast.ts';
import { functionMeant } from '../slips.ts';
import { walk } from '../walk.ts';
import { aggregate, isAggregate, timeOf } from './aggregates.ts';
import { meant } from './declarations.ts';
import type { Context, Local } from './context.ts';
import { condition, elaborate } from './expressions.ts';
import { builtins, callBuiltin } from './functions.ts';
import type { Fn } from './globals.ts';
import { measure } from './measure.ts';
import { asTime } from './operators.ts';
import { tableHere } from './tables.ts';
import { BOOL, aType, fits } from './types.ts';
import { value, type Value } from './value.ts';
import { isWindowAggregate, windowAggregate, windowAggregateNames } from './window-aggregates.ts';

type Call = Extract<AstExpr, { kind: 'call' }>;

/** Aggregates that only windows and features have. */
const OF_WINDOWS: ReadonlySet<string> = new Set(['variance', 'percentile', 'slope', 'all', 'top']);

export function resolveCall(ctx: Context, call: Call): Value | undefined {
  const { text: name, span } = call.callee;
  const fn = ctx.globals.fns.get(name);
  if (fn !== undefined) return inlined(ctx, call, fn);
  if (name === 'timeOf') return timeOf(ctx, call);
  if (isWindowAggregate(ctx, call)) return windowAggregate(ctx, call);
  if (isAggregate(ctx, call)) return aggregate(ctx, call);
  if (name === 'any') return any(ctx, call);
  const builtin = builtins.get(name);
  if (builtin !== undefined) {
    const args = valuesOf(ctx, call);
    return args && callBuiltin(ctx, call, builtin, args);
  }
  if (OF_WINDOWS.has(name)) {
    return ctx.globals.report.add('window-aggregate-here', span, `\`${name}\` goes through the events of a window or a feature, and ${ctx.scope.place} has none.`, { hint: 'a rule with a window says window … in place of match …' });
  }
  if (ctx.globals.unread.declares('fn', name)) return undefined;
  const known = [...ctx.globals.fns.keys(), ...builtins.keys(), 'any', 'timeOf', 'count', 'sum', 'avg', 'stddev', 'first', 'last', 'distinct', 'values', 'lasting', 'timeAvg', ...(ctx.scope.window === undefined ? [] : windowAggregateNames)];
  return ctx.globals.report.add('unknown-function', span, `Unknown function "${name}".`, {
    hint: name === 'now' ? 'there is no now(): a rule must give the same answer whenever it is run; use the event\'s time' : ctx.globals.declarations.tables.has(name) ? `a table is looked up by ${name}[…]` : functionHint(name) ?? meant(name, known),
  });
}

function functionHint(name: string): string | undefined {
  const like = functionMeant(name);
  return like && `write ${like}`;
}

/** The arguments as values; regular expressions are left to the function. */
function valuesOf(ctx: Context, call: Call): (Value | AstExpr)[] | undefined {
  const args: (Value | AstExpr)[] = [];
  let wrong = false;
  for (const arg of call.args) {
    if (arg.kind === 'value' && arg.where === undefined) {
      const made = arg.value.kind === 'regex' ? arg.value : elaborate(ctx, arg.value);
      if (made === undefined) wrong = true;
      else args.push(made);
    } else {
      wrong = true;
      refuseArgument(ctx, call, arg);
    }
  }
  return wrong ? undefined : args;
}

function refuseArgument(ctx: Context, call: Call, arg: Argument): void {
  const name = call.callee.text;
  if (arg.kind === 'lambda') ctx.globals.report.add('bad-arguments', arg.span, `\`${name}\` takes no \`x => …\`; only \`any\` does.`);
  else ctx.globals.report.add('bad-arguments', arg.where?.span ?? call.span, `\`where\` stands only inside an aggregate, and \`${name}\` is none here.`);
}

/** `any(list, x => cond)`; of a list of bools, `any(list)`. */
function any(ctx: Context, call: Call): Value | undefined {
  const [first, second] = call.args;
  const { report } = ctx.globals;
  const form = 'It is written any(list, x => x > 5).';
  if (first?.kind !== 'value' || first.where !== undefined || call.args.length > 2 || (second !== undefined && second.kind !== 'lambda')) {
    return report.add('bad-arguments', call.span, `\`any\` takes a list and a condition on its elements. ${form}`);
  }
  const list = elaborate(ctx, first.value);
  if (list === undefined) return undefined;
  const { type } = list.expr;
  if (type.kind !== 'list') return report.add('type-mismatch', list.expr.span, `\`any\` looks through a list; this is ${aType(type)}.`);
  if (second === undefined) {
    if (type.element.type.kind !== 'bool') return report.add('bad-arguments', call.span, `\`any\` needs a condition on the elements. ${form}`);
    return value(BOOL, call.span, { kind: 'call', fn: 'any', args: [list.expr] }, list.nulls);
  }
  const element = value(type.element.type, second.param.span, { kind: 'lambdaParam', depth: 0 }, type.element.optional ? 2 : 0);
  const locals = new Map<string, Local>([...ctx.locals, [second.param.text, { kind: 'lambda', type: element, level: ctx.lambdas }]]);
  const body = condition({ ...ctx, locals, lambdas: ctx.lambdas + 1 }, second.body, 'What follows `=>`');
  return body && value(BOOL, call.span, { kind: 'call', fn: 'any', args: [list.expr], lambda: body.expr }, list.nulls);
}

/** A call of a declared function: its body with the arguments in place of the parameters. */
function inlined(ctx: Context, call: Call, fn: Fn): Value | undefined {
  const { report } = ctx.globals;
  const args = valuesOf(ctx, call);
  if (args === undefined || fn.broken) return undefined;
  if (args.length !== fn.params.length) {
    return report.add('bad-arguments', call.span, `\`${fn.name}\` takes ${fn.params.length} ${fn.params.length === 1 ? 'argument' : 'arguments'} (${fn.params.map((param) => param.name).join(', ')}); here are ${args.length}.`);
  }
  const locals = new Map<string, Local>();
  let wrong = false;
  fn.params.forEach((param, i) => {
    const arg = args[i]!;
    const given = 'expr' in arg ? asTime(arg, param.type) : undefined;
    if (given === undefined || !fits(given.expr.type, param.type)) {
      wrong = true;
      if (given === undefined) elaborate(ctx, arg as AstExpr);
      else report.add('type-mismatch', given.expr.span, `"${param.name}" of \`${fn.name}\` is ${aType(param.type)}; this is ${aType(given.expr.type)}.`);
      return;
    }
    // An int stands for a float, a text of a closed set for a string: inside, the argument has its declared type.
    const typed = given.expr.type.kind === 'null' ? given : { ...given, expr: { ...given.expr, type: param.type } };
    locals.set(param.name, { kind: 'argument', value: typed, lambdas: ctx.lambdas });
  });
  if (wrong) return undefined;
  const scope = { place: `the function "${fn.name}"` };
  const body = report.muted(() => elaborate({ globals: ctx.globals, scope, locals, lambdas: ctx.lambdas, each: undefined }, fn.body));
  if (body === undefined) return undefined;
  if (ctx.scope.constant === true) {
    let reads = false;
    walk(body.expr, (part) => { reads ||= part.kind === 'lookup'; });
    if (reads) return tableHere(ctx, call.span);
  }
  if (measure(body.expr) === 'too large') {
    return report.add('too-large', call.span, `With all functions put in place, this expression is too large to compile.`, { hint: 'split the rule, or make the functions simpler' });
  }
  return { ...body, expr: { ...body.expr, span: call.span } };
}
