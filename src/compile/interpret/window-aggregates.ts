import type { WindowAggregateFn } from '../../../dsl/typed.ts';
import { aggregate } from './aggregates.ts';

/** An event of a window (or of one of its inputs) as an aggregate sees it. */
export interface TakenEvent {
  readonly time: number;
  /** It meets the aggregate's own condition. */
  readonly taken: boolean;
  /** null where it has none. */
  readonly value: unknown;
}

/**
 * An aggregate over the events of a window, in the order of time. `percentile` gives the value at place ⌊p/100·(n−1)⌋ (from 0) of those in order; `slope` the
 * least-squares line's rise in `argument` ms; `top` the `argument` most frequent values, of equally frequent ones the lesser first. With `lasting` and `timeAvg` each
 * event holds until the next, taken or not; the last holds for no time.
 */
export function windowAggregate(fn: WindowAggregateFn, events: readonly TakenEvent[], argument: number | undefined): unknown {
  const taken = events.filter((event) => event.taken);
  const present = taken.filter(({ value }) => value !== null);
  const values = present.map(({ value }) => value) as number[];
  const n = values.length;
  switch (fn) {
    case 'variance': return n < 2 ? null : finite(sum(values.map((x) => (x - sum(values) / n) ** 2)) / (n - 1));
    case 'percentile': return n === 0 ? null : [...values].sort((a, b) => a - b)[Math.floor(argument! / 100 * (n - 1))]!;
    case 'any': return taken.length === 0 ? null : taken.some(({ value }) => value === true);
    case 'all': return taken.length === 0 ? null : taken.every(({ value }) => value === true);
    case 'top': {
      const counts = new Map<unknown, number>();
      for (const value of values as unknown[]) counts.set(value, (counts.get(value) ?? 0) + 1);
      return [...counts].sort(([a, m], [b, k]) => k - m || ((a as number) < (b as number) ? -1 : 1)).slice(0, argument).map(([value]) => value);
    }
    case 'slope': {
      if (new Set(present.map(({ time }) => time)).size < 2) return null;
      const t = present.map(({ time }) => time - present[0]!.time);
      return finite((n * sum(t.map((x, i) => x * values[i]!)) - sum(t) * sum(values)) / (n * sum(t.map((x) => x * x)) - sum(t) ** 2) * argument!);
    }
    case 'lasting': case 'timeAvg': {
      const held = events.map((event, i) => ({ ...event, length: (events[i + 1]?.time ?? event.time) - event.time })).filter((event) => event.taken);
      if (fn === 'lasting') return held.length === 0 ? null : sum(held.map(({ value, length }) => (value === true ? length : 0)));
      const valued = held.filter(({ value }) => value !== null);
      const whole = sum(valued.map(({ length }) => length));
      return whole === 0 ? null : finite(sum(valued.map(({ value, length }) => (value as number) * length)) / whole);
    }
    default: return aggregate(fn, taken.map(({ value }) => value), argument);
  }
}

function sum(numbers: readonly number[]): number { return numbers.reduce((total, value) => total + value, 0); }
function finite(value: number): number | null { return Number.isFinite(value) ? value : null; }
