import type { Expr as AstExpr } from '../ast.ts';
import type { Expr, Type } from '../typed.ts';
import type { Context } from './context.ts';
import { elaborate } from './expressions.ts';
import { asTime } from './operators.ts';
import { isNetwork, isTimeZone, regexProblem } from './text-arguments.ts';
import { BOOL, FLOAT, INT, STRING, TIME, aType, commonType, isNumber, isText, listOf } from './types.ts';
import { literal, mostNulls, value, type Nulls, type Value } from './value.ts';

/** What an argument must be. 'pattern': a text or a regular expression. */
type Kind = 'number' | 'int' | 'amount' | 'text' | 'time' | 'zone' | 'network' | 'pattern' | 'any' | 'listOrText';

export interface Builtin {
  readonly name: string;
  /** How it is called, for messages. */
  readonly form: string;
  readonly args: readonly Kind[];
  /** How many of the arguments must be given; without it all. */
  readonly least?: number;
  /** The last argument may be given any number of times. */
  readonly rest?: boolean;
  readonly result: Type | ((args: readonly Value[]) => Type | undefined);
  /** What it gives for arguments that are not null. */
  readonly nulls?: Nulls;
}

const KINDS: Readonly<Record<Kind, { readonly text: string; readonly is: (type: Type) => boolean }>> = {
  number: { text: 'a number', is: isNumber },
  int: { text: 'an int', is: (type) => type.kind === 'int' },
  amount: { text: 'a number or a duration', is: (type) => isNumber(type) || type.kind === 'duration' },
  text: { text: 'a text', is: isText },
  time: { text: 'a time', is: (type) => type.kind === 'time' },
  zone: { text: 'the name of a time zone', is: isText },
  network: { text: 'a network such as "10.0.0.0/8"', is: isText },
  pattern: { text: 'a text or a regular expression', is: isText },
  any: { text: 'a value', is: () => true },
  listOrText: { text: 'a list or a text', is: (type) => type.kind === 'list' || isText(type) },
};

const first = (args: readonly Value[]): Type => args[0]!.expr.type;

/** Of min and max: numbers, durations or times of one kind, or one list of them. */
function extreme(args: readonly Value[]): Type | undefined {
  const only = args.length === 1 ? first(args) : undefined;
  if (only !== undefined) return only.kind === 'list' && isExtreme(only.element.type) ? only.element.type : undefined;
  return args.every((arg) => isExtreme(arg.expr.type)) ? common(args) : undefined;
}

function isExtreme(type: Type): boolean {
  return isNumber(type) || type.kind === 'duration' || type.kind === 'time';
}

function common(args: readonly Value[]): Type | undefined {
  let type: Type | undefined = first(args);
  for (const arg of args) type = type && commonType(type, arg.expr.type);
  return type;
}

const LIST: readonly Builtin[] = [
  { name: 'abs', form: 'abs(x)', args: ['amount'], result: first },
  { name: 'min', form: 'min(a, b), min(list) or min(stage.field)', args: ['any'], rest: true, result: extreme },
  { name: 'max', form: 'max(a, b), max(list) or max(stage.field)', args: ['any'], rest: true, result: extreme },
  { name: 'round', form: 'round(x) or round(x, digits)', args: ['number', 'int'], least: 1, result: (args) => (args.length === 1 ? INT : FLOAT) },
  { name: 'floor', form: 'floor(x)', args: ['number'], result: INT },
  { name: 'ceil', form: 'ceil(x)', args: ['number'], result: INT },
  { name: 'sqrt', form: 'sqrt(x)', args: ['number'], result: FLOAT, nulls: 1 },
  { name: 'ln', form: 'ln(x)', args: ['number'], result: FLOAT, nulls: 1 },
  { name: 'log10', form: 'log10(x)', args: ['number'], result: FLOAT, nulls: 1 },
  { name: 'exp', form: 'exp(x)', args: ['number'], result: FLOAT, nulls: 1 },
  { name: 'pow', form: 'pow(x, y)', args: ['number', 'number'], result: FLOAT, nulls: 1 },
  { name: 'lower', form: 'lower(text)', args: ['text'], result: STRING },
  { name: 'upper', form: 'upper(text)', args: ['text'], result: STRING },
  { name: 'length', form: 'length(text)', args: ['text'], result: INT },
  { name: 'trim', form: 'trim(text)', args: ['text'], result: STRING },
  { name: 'contains', form: 'contains(text, part)', args: ['text', 'text'], result: BOOL },
  { name: 'startsWith', form: 'startsWith(text, part)', args: ['text', 'text'], result: BOOL },
  { name: 'endsWith', form: 'endsWith(text, part)', args: ['text', 'text'], result: BOOL },
  { name: 'substring', form: 'substring(text, from) or substring(text, from, to)', args: ['text', 'int', 'int'], least: 2, result: STRING },
  { name: 'split', form: 'split(text, separator)', args: ['text', 'pattern'], result: listOf(STRING) },
  { name: 'replace', form: 'replace(text, what, with)', args: ['text', 'pattern', 'text'], result: STRING },
  { name: 'concat', form: 'concat(a, b, …)', args: ['any'], rest: true, result: STRING },
  { name: 'hour', form: 'hour(time) or hour(time, zone)', args: ['time', 'zone'], least: 1, result: INT },
  { name: 'minute', form: 'minute(time) or minute(time, zone)', args: ['time', 'zone'], least: 1, result: INT },
  { name: 'dayOfWeek', form: 'dayOfWeek(time) or dayOfWeek(time, zone)', args: ['time', 'zone'], least: 1, result: INT },
  { name: 'date', form: 'date(time) or date(time, zone)', args: ['time', 'zone'], least: 1, result: STRING },
  { name: 'distanceKm', form: 'distanceKm(lat1, lon1, lat2, lon2)', args: ['number', 'number', 'number', 'number'], result: FLOAT, nulls: 1 },
  { name: 'inCidr', form: 'inCidr(ip, "10.0.0.0/8")', args: ['text', 'network'], result: BOOL, nulls: 1 },
  { name: 'hash', form: 'hash(x)', args: ['any'], result: INT },
  { name: 'coalesce', form: 'coalesce(a, b, …)', args: ['any'], rest: true, result: common },
  { name: 'size', form: 'size(list)', args: ['listOrText'], result: INT },
];

export const builtins: ReadonlyMap<string, Builtin> = new Map(LIST.map((builtin) => [builtin.name, builtin]));

/** A call of a function of the language. `given` has values, and regular expressions as written. */
export function callBuiltin(ctx: Context, call: Extract<AstExpr, { kind: 'call' }>, builtin: Builtin, given: readonly (Value | AstExpr)[]): Value | undefined {
  const { report } = ctx.globals;
  const least = builtin.least ?? builtin.args.length;
  if (given.length < least || (builtin.rest !== true && given.length > builtin.args.length)) {
    return report.add('bad-arguments', call.span, `\`${builtin.name}\` is called as ${builtin.form}; here ${given.length === 1 ? 'is 1 argument' : `are ${given.length} arguments`}.`);
  }
  const args = given.map((arg, i) => argument(ctx, builtin, builtin.args[Math.min(i, builtin.args.length - 1)]!, arg));
  if (args.includes(undefined)) return undefined;
  const values = args as Value[];
  const type = typeof builtin.result === 'function' ? builtin.result(values) : builtin.result;
  if (type === undefined) {
    return report.add('type-mismatch', call.span, `\`${builtin.name}\` does not take ${values.map((arg) => aType(arg.expr.type)).join(' and ')}: it is called as ${builtin.form}.`);
  }
  // The length of a text under its other name.
  const fn = builtin.name === 'size' && isText(first(values)) ? 'length' : builtin.name;
  return value(type, call.span, { kind: 'call', fn, args: values.map((arg) => arg.expr) }, nullsOf(builtin, values));
}

function nullsOf(builtin: Builtin, args: readonly Value[]): Nulls {
  if (builtin.name === 'coalesce') return args.some((arg) => arg.nulls === 0) ? 0 : args.at(-1)!.nulls;
  if ((builtin.name === 'min' || builtin.name === 'max') && args.length === 1) return 2;
  // A zone that is a literal has been looked at; another may be none.
  const zone = builtin.args[1] === 'zone' && args.length > 1 && args[1]!.expr.kind !== 'literal' ? 1 : 0;
  return mostNulls(builtin.nulls ?? 0, zone, ...args);
}

function argument(ctx: Context, builtin: Builtin, kind: Kind, arg: Value | AstExpr): Value | undefined {
  const { report } = ctx.globals;
  if (!('expr' in arg)) {
    if (kind !== 'pattern' || arg.kind !== 'regex') return elaborate(ctx, arg);
    const problem = regexProblem(arg.source);
    if (problem !== undefined) return report.add('bad-regex', arg.span, `This is no regular expression: ${problem}.`);
    // As the engine reads it: the source and the flags, where else a text stands.
    return literal(STRING, arg.span, [arg.source, arg.ignoreCase ? 'i' : '']);
  }
  const given = kind === 'time' ? asTime(arg, TIME) : arg;
  const { type, span } = given.expr;
  if (type.kind === 'null' && builtin.name !== 'coalesce') {
    return report.add('type-mismatch', span, `\`${builtin.name}\` of null is always null.`);
  }
  if (!KINDS[kind].is(type) && type.kind !== 'null') {
    return report.add('type-mismatch', span, `\`${builtin.name}\` is called as ${builtin.form}: here it takes ${KINDS[kind].text}, not ${aType(type)}.`, { hint: hintFor(builtin.name, type) });
  }
  const text = textOf(given.expr);
  if (kind === 'zone' && text !== undefined && !isTimeZone(text)) {
    return report.add('bad-text', span, `There is no time zone ${JSON.stringify(text)}.`, { hint: 'zones are named as in "Europe/Berlin", or by an offset such as "+02:00"' });
  }
  if (kind === 'network' && text !== undefined && !isNetwork(text)) {
    return report.add('bad-text', span, `${JSON.stringify(text)} is no network.`, { hint: 'write the address and the number of bits: "10.0.0.0/8"' });
  }
  return given;
}

function textOf(expr: Expr): string | undefined {
  return expr.kind === 'literal' && typeof expr.value === 'string' ? expr.value : undefined;
}

function hintFor(name: string, type: Type): string | undefined {
  if (name === 'contains' && type.kind === 'list') return '`in` looks for a value in a list: x in list';
  if (name === 'length' && type.kind === 'list') return 'the number of elements of a list is size(list)';
  return undefined;
}
