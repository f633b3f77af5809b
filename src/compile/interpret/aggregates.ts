import type { AggregateFn } from '../../../dsl/typed.ts';

/**
 * An aggregate over the values of the chosen events, in the order of the events (plain values; null where an event has none). `count`
 * counts the events, `first` and `last` give what that event has, null included; the others leave nulls out. `limit` is that of `values(x, 50)`: the latest so many.
 */
export function aggregate(fn: Exclude<AggregateFn, 'lasting' | 'timeAvg'>, all: readonly unknown[], limit?: number): unknown {
  const values = all.filter((value) => value !== null);
  const numbers = values as number[];
  switch (fn) {
    case 'count': return all.length;
    case 'first': return all[0] ?? null;
    case 'last': return all.at(-1) ?? null;
    case 'sum': return finite(sum(numbers));
    case 'avg': return values.length === 0 ? null : finite(sum(numbers) / values.length);
    case 'min': return values.length === 0 ? null : numbers.reduce((a, b) => (b < a ? b : a));
    case 'max': return values.length === 0 ? null : numbers.reduce((a, b) => (b > a ? b : a));
    case 'stddev': {
      if (values.length < 2) return null;
      const mean = sum(numbers) / values.length;
      return finite(Math.sqrt(sum(numbers.map((value) => (value - mean) ** 2)) / (values.length - 1)));
    }
    case 'distinct': return new Set(values.map((value) => JSON.stringify(value))).size;
    case 'values': return limit === undefined ? values : values.slice(Math.max(0, values.length - limit));
  }
}

/**
 * `lasting` and `timeAvg` over the events of a stage, in order, where each holds from its time until the next. `taken`: it meets the aggregate's own condition;
 * one that does not, or has no value, ends the event before it and counts for nothing. The last has no next and so no length.
 */
export function overTime(fn: 'lasting' | 'timeAvg', events: readonly { readonly time: number; readonly taken: boolean; readonly value: unknown }[]): number | null {
  const lengths = events.map(({ time }, i) => (events[i + 1]?.time ?? time) - time);
  const taken = events.flatMap((event, i) => (event.taken ? [{ ...event, length: lengths[i]! }] : []));
  if (fn === 'lasting') return taken.length === 0 ? null : sum(taken.map(({ value, length }) => (value === true ? length : 0)));
  const valued = taken.filter(({ value }) => value !== null);
  const whole = sum(valued.map(({ length }) => length));
  return whole === 0 ? null : finite(sum(valued.map(({ value, length }) => (value as number) * length)) / whole);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
