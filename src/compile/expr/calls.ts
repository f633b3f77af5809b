import type { Expr } from '../../../dsl/typed.ts';
import type { Emitter } from './emit.ts';
import { tagOf } from './tags.ts';

type Call = Expr & { kind: 'call' };

/** Functions whose code is a plain call of the Runtime's method of that name with the arguments' values. */
const PLAIN: ReadonlySet<string> = new Set([
  'round', 'sqrt', 'ln', 'log10', 'exp', 'pow', 'lower', 'upper', 'length', 'trim', 'contains', 'startsWith', 'endsWith', 'substring',
  'split', 'replace', 'hour', 'minute', 'dayOfWeek', 'date', 'distanceKm', 'inCidr', 'size',
]);

/** JavaScript source of a call's value. */
export function emitCall(call: Call, emit: Emitter): string {
  const { args, fn } = call;
  const first = args[0]!;
  const regex = fn === 'split' || fn === 'replace' ? regexArgument(args[1]!) : undefined;
  if (regex !== undefined) {
    const rest = args.slice(2).map(emit.value);
    return `R.${fn}Regex(${[emit.value(first), JSON.stringify(regex.source), String(regex.ignoreCase), ...rest].join(', ')})`;
  }
  const values = args.map(emit.value);
  switch (fn) {
    case 'abs': case 'floor': case 'ceil': return `Math.${fn}(${values[0]})`;
    case 'min': case 'max':
      if (args.length === 1 && first.type.kind === 'list') return `R.${fn}Of(${values[0]})`;
      return `Math.${fn}(${values.join(', ')})`;
    case 'coalesce': return values.reduceRight((rest, value) => `R.orElse(${value}, ${rest})`);
    case 'concat': return `R.concat(${args.map((arg) => text(arg, emit)).join(', ')})`;
    case 'hash': return `R.hash(${values[0]}, '${tagOf(first.type)}')`;
    case 'any': {
      const { name, emitter } = emit.inLambda();
      return `R.any(${values[0]}, (${name}) => ${call.lambda === undefined ? `${name} === 1` : emitter.condition(call.lambda)})`;
    }
    default:
      if (!PLAIN.has(fn)) throw new Error(`no function "${fn}"`);
      return `R.${fn}(${values.join(', ')})`;
  }
}

/** A regular expression written as an argument: a literal whose value is [source, flags] although its type is string. */
export function regexArgument(expr: Expr): { readonly source: string; readonly ignoreCase: boolean } | undefined {
  if (expr.kind !== 'literal' || !Array.isArray(expr.value) || expr.type.kind !== 'string') return undefined;
  return { source: String(expr.value[0]), ignoreCase: expr.value[1] === 'i' };
}

function text(expr: Expr, emit: Emitter): string {
  const tag = tagOf(expr.type);
  return tag === 's' || tag === 'j' ? emit.value(expr) : `R.text(${emit.value(expr)}, '${tag}')`;
}
