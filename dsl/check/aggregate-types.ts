import type { Expr, Type, WindowAggregateFn } from '../typed.ts';
import { BOOL, DURATION, FLOAT, INT, isNumber, isText, listOf } from './types.ts';

/** The type of an aggregate over values of a type; undefined: it takes none of that type. */
export function resultType(fn: WindowAggregateFn, type: Type): Type | undefined {
  if (type.kind === 'null') return undefined;
  switch (fn) {
    case 'count': case 'distinct': return INT;
    case 'sum': return isNumber(type) || type.kind === 'duration' ? type : undefined;
    case 'avg': case 'timeAvg': case 'percentile': return isNumber(type) ? FLOAT : type.kind === 'duration' ? type : undefined;
    case 'min': case 'max': return isNumber(type) || isText(type) || type.kind === 'duration' || type.kind === 'time' ? type : undefined;
    case 'stddev': case 'variance': case 'slope': return isNumber(type) ? FLOAT : undefined;
    case 'first': case 'last': return type;
    case 'values': return listOf(type);
    case 'top': return type.kind === 'list' || type.kind === 'record' ? undefined : listOf(type);
    case 'any': case 'all': return type.kind === 'bool' ? BOOL : undefined;
    case 'lasting': return type.kind === 'bool' ? DURATION : undefined;
  }
}

/** A condition that is worked out: it has a value for every event, so that counting its values counts all. */
export function isCondition(expr: Expr): boolean {
  return expr.type.kind === 'bool' && expr.kind !== 'eachField' && expr.kind !== 'eventField' && expr.kind !== 'member' && expr.kind !== 'lookup';
}

/** What an aggregate takes, for messages. */
export function takes(fn: WindowAggregateFn): string {
  switch (fn) {
    case 'stddev': case 'variance': case 'slope': return 'numbers';
    case 'sum': case 'avg': case 'timeAvg': case 'percentile': return 'numbers and durations';
    case 'min': case 'max': return 'numbers, durations, times and texts';
    case 'any': case 'all': case 'lasting': return 'a condition';
    case 'top': return 'texts, numbers, times, durations and bools';
    default: return 'values';
  }
}
