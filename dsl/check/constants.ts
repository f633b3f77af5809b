import type { Expr as AstExpr, FnDecl } from '../ast.ts';
import type { Literal, Param, Type } from '../typed.ts';
import { contextOf, type Context, type Local } from './context.ts';
import { elaborate } from './expressions.ts';
import { builtins } from './functions.ts';
import type { Globals } from './globals.ts';
import { measure } from './measure.ts';
import { asTime, textsIn } from './operators.ts';
import { constantScope } from './scope.ts';
import { resolveType } from './type-exprs.ts';
import { aType, fits, isNumber, isOrdered, showType } from './types.ts';
import { possibleTexts, value, type Value } from './value.ts';

/** Params, consts and functions: resolves all that is declared, in that order, so that each may use those before it. */
export function resolveConstants(globals: Globals): void {
  const { declarations, report } = globals;
  for (const [name, decl] of declarations.params) {
    const { type, optional } = resolveType(decl.type, report);
    const known = { type, nulls: optional ? 2 : 0, param: undefined } as const;
    globals.params.set(name, known);
    const given = literalOf(globals, decl.value, `the value of param "${name}"`, type);
    const lo = decl.bounds && literalOf(globals, decl.bounds.lo, `the lower bound of param "${name}"`, type);
    const hi = decl.bounds && literalOf(globals, decl.bounds.hi, `the upper bound of param "${name}"`, type);
    if (given === undefined || (decl.bounds && (lo === undefined || hi === undefined))) continue;
    if (given === null && !optional) {
      report.add('type-mismatch', decl.value.span, `The param "${name}" is ${aType(type)}, which null is not.`, { hint: `declare it as ${showType(type)}?` });
      continue;
    }
    if (decl.bounds && !boundsHold(globals, name, decl.bounds, type, given, lo!, hi!, decl.value)) continue;
    const param: Param = {
      name, span: decl.name.span, type, value: given, ...(decl.bounds && { lo: lo!, hi: hi! }),
    };
    globals.params.set(name, { ...known, param });
  }
  resolveFns(globals);
  const resolution: Resolution = { open: [], checked: new Set() };
  for (const name of [...declarations.consts.keys(), ...globals.fns.keys()]) resolveUsed(globals, name, resolution);
}

/** Consts and functions use each other: what one uses is resolved before it. */
interface Resolution {
  /** Being resolved, each used by the one before. */
  readonly open: string[];
  /** Functions whose bodies have been checked. */
  readonly checked: Set<string>;
}

function resolveUsed(globals: Globals, name: string, resolution: Resolution): void {
  const isConst = globals.declarations.consts.has(name);
  if (isConst ? globals.consts.has(name) : resolution.checked.has(name)) return;
  const { open } = resolution;
  open.push(name);
  const body = isConst ? globals.declarations.consts.get(name)!.value : globals.declarations.fns.get(name)!.body;
  for (const used of namesIn(globals, body)) {
    if (!open.includes(used)) {
      resolveUsed(globals, used, resolution);
      continue;
    }
    const cycle = open.slice(open.indexOf(used));
    // A cycle of functions alone has been reported as a recursion.
    if (!cycle.some((member) => globals.declarations.consts.has(member))) continue;
    if (isConst) globals.report.add('const-cycle', globals.declarations.consts.get(name)!.name.span, `The const "${name}" is defined by itself: ${[...cycle, used].join(' → ')}.`);
    cycle.forEach((member) => {
      if (globals.declarations.consts.has(member)) globals.consts.set(member, undefined);
    });
  }
  open.pop();
  if (isConst) resolveConst(globals, name);
  else checkFn(globals, name, resolution.checked);
}

function boundsHold(
  globals: Globals, name: string, bounds: { readonly lo: AstExpr; readonly hi: AstExpr }, type: Type, given: Literal, lo: Literal, hi: Literal, at: AstExpr,
): boolean {
  const span = { ...bounds.lo.span, end: bounds.hi.span.end };
  if (!isOrdered(type) || lo === null || hi === null) {
    globals.report.add('bad-bounds', span, `Values of type ${showType(type)} have no bounds.`);
    return false;
  }
  if (lo > hi) {
    globals.report.add('bad-bounds', span, `The lower bound of param "${name}" is above the upper one.`);
    return false;
  }
  if (given !== null && (given < lo || given > hi)) {
    globals.report.add('out-of-bounds', at.span, `The value of param "${name}" is not within its bounds.`, { related: [{ span, message: 'the bounds' }] });
    return false;
  }
  return true;
}

/** A literal of the type; undefined where it is none, or of another type, which is reported. Names that stand for constants are no literals. */
export function literalOf(globals: Globals, expr: AstExpr, what: string, type: Type): Literal | undefined {
  if (!isLiteral(expr)) return globals.report.add('not-a-literal', expr.span, `${sentence(what)} is a literal, such as 10, "text" or 5m; this is an expression.`);
  const given = elaborate(contextOf(globals, constantScope(what)), expr);
  return given && constantOfType(globals, given, what, type);
}

function isLiteral(expr: AstExpr): boolean {
  switch (expr.kind) {
    case 'number': case 'string': case 'bool': case 'null': case 'duration': return true;
    case 'list': return expr.items.every(isLiteral);
    case 'unary': return expr.op === '-' && isLiteral(expr.operand);
    case 'paren': return isLiteral(expr.inner);
    default: return false;
  }
}

/** The literal of a folded value, checked against a type. */
export function constantOfType(globals: Globals, given: Value, what: string, type: Type): Literal | undefined {
  const read = asTime(given, type);
  if (read.expr.kind !== 'literal') {
    return globals.report.add('not-constant', given.expr.span, `${sentence(what)} must be known when the rule is compiled.`);
  }
  if (!fits(read.expr.type, type)) {
    const hint = type.kind === 'duration' && isNumber(read.expr.type) ? 'a duration has a unit: 10s, 5m, 2h' : undefined;
    return globals.report.add('type-mismatch', given.expr.span, `${sentence(what)} must be ${aType(type)}; this is ${aType(read.expr.type)}.`, { hint });
  }
  if (type.kind === 'oneOf' && possibleTexts(read.expr) !== undefined && !textsIn(contextOf(globals, constantScope(what)), read.expr, type.values)) return undefined;
  return read.expr.value;
}

/** A number, or a duration in ms, that is known when the rule is compiled and at least `least`. */
export function constantNumber(globals: Globals, expr: AstExpr, type: Type, what: string, { least }: { readonly least: number }): number | undefined {
  const given = elaborate(contextOf(globals, constantScope(what)), expr);
  const constant = given && constantOfType(globals, given, what, type);
  if (constant === undefined) return undefined;
  if (typeof constant === 'number' && constant >= least) return constant;
  return globals.report.add('out-of-bounds', expr.span, `${sentence(what)} must be ${least > 0 ? 'above zero' : 'zero or more'}.`);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// ---- consts ----

function resolveConst(globals: Globals, name: string): void {
  if (globals.consts.has(name)) return;
  const decl = globals.declarations.consts.get(name)!;
  const made = elaborate(contextOf(globals, constantScope(`the const "${name}"`)), decl.value);
  const fine = made !== undefined && measure(made.expr) === 'fine';
  if (made !== undefined && !fine) globals.report.add('too-large', decl.value.span, 'With all consts and functions put in place, this expression is too large to compile.');
  globals.consts.set(name, fine ? made : undefined);
}

// ---- functions ----

function resolveFns(globals: Globals): void {
  const { declarations, report } = globals;
  for (const [name, decl] of declarations.fns) {
    if (builtins.has(name) || RESERVED_FUNCTIONS.has(name)) {
      report.add('shadows-function', decl.name.span, `"${name}" is a function of the language and cannot be declared anew.`);
      continue;
    }
    const params = decl.params.map((param) => {
      const { type, optional } = resolveType(param.type, report);
      return { name: param.name.text, type, nulls: optional ? 2 : 0 } as const;
    });
    decl.params.forEach((param, i) => {
      if (params.findIndex((other) => other.name === param.name.text) < i) report.add('field-twice', param.name.span, `The parameter "${param.name.text}" is declared twice.`);
    });
    globals.fns.set(name, { name, params, body: decl.body, broken: false });
  }
  for (const [name, decl] of declarations.fns) refuseRecursion(globals, name, decl);
}

const RESERVED_FUNCTIONS: ReadonlySet<string> = new Set(['any', 'timeOf', 'count', 'sum', 'avg', 'stddev', 'first', 'last', 'distinct', 'values', 'lasting', 'timeAvg', 'variance', 'percentile', 'slope', 'all', 'top']);

function refuseRecursion(globals: Globals, name: string, decl: FnDecl): void {
  const fn = globals.fns.get(name);
  if (fn === undefined) return;
  const path = pathBack(globals, name);
  if (path === undefined) return;
  fn.broken = true;
  globals.report.add('recursive-fn', decl.name.span, `The function "${name}" calls itself${path.length > 2 ? `: ${path.join(' → ')}` : ''}.`, { hint: 'functions are put in place where they are called, so none may call itself' });
}

/** The calls, through functions and consts, that lead from a function back to it. */
function pathBack(globals: Globals, from: string): string[] | undefined {
  const seen = new Set<string>();
  const search = (name: string, path: readonly string[]): string[] | undefined => {
    const body = globals.declarations.fns.get(name)?.body ?? globals.declarations.consts.get(name)?.value;
    if (body === undefined) return undefined;
    for (const next of namesIn(globals, body)) {
      if (next === from) return [...path, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = search(next, [...path, next]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(from, [from]);
}

/** Checks a function's body once, with its parameters as values of their types. */
function checkFn(globals: Globals, name: string, checked: Set<string>): void {
  if (checked.has(name)) return;
  checked.add(name);
  const fn = globals.fns.get(name);
  const decl = globals.declarations.fns.get(name)!;
  if (fn === undefined || fn.broken) return;
  const locals = new Map<string, Local>(fn.params.map((param, i) => [param.name, {
    // Null flows through functions as through operators, so a parameter may be null whatever its type says.
    kind: 'argument', value: value(param.type, decl.params[i]!.name.span, { kind: 'param', name: param.name }, param.nulls === 0 ? 1 : 2), lambdas: 0,
  }]));
  const ctx: Context = { ...contextOf(globals, { place: `the function "${name}"` }), locals };
  const body = elaborate(ctx, fn.body);
  if (body === undefined) {
    fn.broken = true;
  } else if (measure(body.expr) === 'too large') {
    fn.broken = true;
    globals.report.add('too-large', decl.name.span, `With all functions put in place, the body of "${name}" is too large to compile.`);
  }
}

/** Names of consts and functions that an expression uses. */
function namesIn(globals: Globals, expr: AstExpr): Set<string> {
  const { consts, fns } = globals.declarations;
  const found = new Set<string>();
  const look = (part: AstExpr | undefined): void => {
    if (part === undefined) return;
    switch (part.kind) {
      case 'name': if (consts.has(part.name)) found.add(part.name); break;
      case 'member': look(part.object); break;
      case 'index': look(part.object); look(part.index); break;
      case 'call':
        if (fns.has(part.callee.text)) found.add(part.callee.text);
        for (const arg of part.args) {
          if (arg.kind === 'lambda') look(arg.body);
          else {
            if (arg.kind === 'value') look(arg.value);
            look(arg.where);
          }
        }
        break;
      case 'list': part.items.forEach(look); break;
      case 'unary': look(part.operand); break;
      case 'binary': look(part.left); look(part.right); break;
      case 'in': look(part.value); look(part.options); break;
      case 'like': case 'matches': look(part.value); look(part.pattern); break;
      case 'between': look(part.value); look(part.lo); look(part.hi); break;
      case 'isNull': look(part.value); break;
      case 'if': look(part.cond); look(part.then); look(part.else); break;
      case 'paren': look(part.inner); break;
      case 'record': part.fields.forEach((field) => look(field.value)); break;
      default: break;
    }
  };
  look(expr);
  return found;
}
