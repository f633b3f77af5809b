import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { WindowAggregateFn } from '../../../dsl/typed.ts';
import { Strings } from '../../../src/core/strings.ts';
import { BAG_BOUND, Block, Panes, QUANTILE_ERROR, type AggregateSpec } from '../../../src/engine/aggregates/index.ts';
import { Heap } from '../../../src/state/heap.ts';

const SPECS: readonly AggregateSpec[] = [
  ...(['count', 'sum', 'avg', 'min', 'max', 'stddev', 'variance', 'first', 'last', 'distinct', 'values', 'timeAvg'] as const).map((fn) => ({ fn, type: 'float' })),
  { fn: 'percentile', type: 'float', argument: 90 }, { fn: 'top', type: 'float', argument: 2 }, { fn: 'slope', type: 'float', argument: 1000 }, { fn: 'values', type: 'float', argument: 2 },
];
const CONDITIONS: readonly AggregateSpec[] = (['any', 'all', 'lasting'] as const).map((fn) => ({ fn, type: 'bool' }));

const START = 1_700_000_000_000;

interface Taken { readonly time: number; readonly value: number }

/** From the words of the language over all events of the span, in the order of time. */
function expected({ fn, argument }: AggregateSpec, all: readonly Taken[]): unknown {
  const events = all.filter(({ value }) => !Number.isNaN(value));
  const xs = events.map(({ value }) => value);
  const n = xs.length;
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  const mean = sum(xs) / n;
  const m2 = sum(xs.map((x) => (x - mean) ** 2));
  switch (fn as WindowAggregateFn) {
    case 'count': return all.length;
    case 'sum': return sum(xs);
    case 'avg': return n === 0 ? null : mean;
    case 'min': return n === 0 ? null : Math.min(...xs);
    case 'max': return n === 0 ? null : Math.max(...xs);
    case 'variance': return n < 2 ? null : m2 / (n - 1);
    case 'stddev': return n < 2 ? null : Math.sqrt(m2 / (n - 1));
    case 'first': return all[0]?.value ?? null;
    case 'last': return all.at(-1)?.value ?? null;
    case 'distinct': return new Set(xs).size;
    case 'values': return argument === undefined ? xs : xs.slice(Math.max(0, n - argument));
    case 'any': return all.length === 0 ? null : Number(all.some(({ value }) => value === 1));
    case 'all': return all.length === 0 ? null : Number(all.every(({ value }) => value === 1));
    case 'percentile': return n === 0 ? null : [...xs].sort((a, b) => a - b)[Math.floor(argument! / 100 * (n - 1))];
    case 'top': {
      const values = [...new Set(xs)];
      const count = (x: number): number => xs.filter((y) => y === x).length;
      return values.sort((a, b) => count(b) - count(a) || a - b).slice(0, argument);
    }
    case 'slope': {
      const ts = events.map(({ time }) => time - START);
      const stt = n * sum(ts.map((t) => t * t)) - sum(ts) ** 2;
      return stt === 0 ? null : (n * sum(ts.map((t, i) => t * xs[i]!)) - sum(ts) * sum(xs)) / stt * argument!;
    }
    case 'lasting': case 'timeAvg': {
      const held = all.map(({ time, value }, i) => ({ value, length: (all[i + 1]?.time ?? time) - time })).filter(({ value }) => !Number.isNaN(value));
      const whole = sum(held.map(({ length }) => length));
      const area = sum(held.map(({ value, length }) => value * length));
      return fn === 'lasting' ? (held.length === 0 ? null : area) : whole === 0 ? null : area / whole;
    }
  }
}

/** As a test expects it, or within what the aggregate promises. */
function agrees(fn: string, want: unknown, got: unknown): boolean {
  if (typeof want !== 'number' || typeof got !== 'number') return JSON.stringify(want) === JSON.stringify(got);
  return Math.abs(want - got) <= (fn === 'percentile' ? QUANTILE_ERROR * 1.0001 : 1e-12) * Math.max(1e-3, Math.abs(want));
}

function spanOver(specs: readonly AggregateSpec[]): { readonly heap: Heap; readonly strings: Strings; readonly panes: Panes; readonly q: number; read(i: number, value: number): unknown } {
  const heap = new Heap();
  const strings = new Strings();
  const panes = new Panes(new Block(heap, strings, specs, 10_000));
  const q = heap.alloc(panes.units);
  panes.begin(q);
  return {
    heap, strings, panes, q,
    read: (i, value) => (Number.isNaN(value) ? null : specs[i]!.fn === 'values' || specs[i]!.fn === 'top' ? JSON.parse(strings.text(value)) as unknown : value),
  };
}

/** Steps: an event that much later with a value, or (null) the span moves on. Quarters, so that plain sums are exact. */
const step = fc.record({ after: fc.nat(4), value: fc.option(fc.integer({ min: -8, max: 8 }).map((x) => x / 4), { nil: NaN }), late: fc.nat(12), move: fc.nat(6) });

test.each([['ordered', false], ['late', true]])('a span that moves on over panes tells what its events tell (%s)', (_, isLate) => {
  const specs = [...SPECS, ...CONDITIONS].map((spec) => ({ ...spec, unordered: isLate }));
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 3), (steps, width) => {
    const { panes, q, read, heap } = spanOver(specs);
    const used = heap.bytesUsed;
    const events: { time: number; value: number; order: number }[] = [];
    let now = START;
    let from = -Infinity;
    steps.forEach(({ after, value, late, move }, order) => {
      now += after;
      if (move === 0) {
        from = Math.floor((now - 8) / width) * width;
        panes.evict(q, from, from - 9);
      } else {
        const time = isLate && late > 8 ? now - late : now;
        const pane = panes.open(q, Math.floor(time / width) * width, order);
        specs.forEach((spec, i) => { panes.add(q, pane, i, spec.type === 'bool' ? Number(value > 0) : value, time); });
        panes.done(q, pane);
        events.push({ time, value, order });
      }
      const kept = events.filter(({ time }) => Math.floor(time / width) * width >= from).sort((a, b) => a.time - b.time || a.order - b.order);
      specs.forEach((spec, i) => {
        const want = expected(spec, spec.type === 'bool' ? kept.map((event) => ({ ...event, value: Number(event.value > 0) })) : kept);
        const got = read(i, panes.value(q, i));
        if (!agrees(spec.fn, Number.isNaN(want) ? null : want, got)) throw new Error(`${spec.fn} after step ${order}: ${JSON.stringify(want)} is to come, got ${JSON.stringify(got)}`);
      });
    });
    panes.clear(q);
    // Whatever was held is given back.
    expect(heap.bytesUsed).toBe(used);
  }), { numRuns: 150 });
});

test('sums and deviations are exact to the last digit after a million values came and went', () => {
  const { panes, q } = spanOver([{ fn: 'sum', type: 'float' }, { fn: 'variance', type: 'float' }]);
  let seed = 1;
  const next = (): number => { seed = (Math.imul(seed, 48271) >>> 0) % 2147483647; return seed / 2147483647; };
  const last: number[] = [];
  for (let i = 0; i < 1_000_000; i++) {
    const value = (next() - 0.5) * 10 ** (next() * 12 - 4) + 0.1;
    const pane = panes.open(q, i, i);
    panes.add(q, pane, 0, value, i);
    panes.add(q, pane, 1, 1e6 + value % 1, i);
    panes.done(q, pane);
    panes.evict(q, i - 999);
    if (i >= 999_000) last.push(value);
  }
  // Exactly, in units of 2^-100.
  const exact = last.reduce((sum, x) => sum + BigInt(Math.trunc(x * 2 ** 52)) * 2n ** 48n + BigInt(Math.round((x * 2 ** 52 % 1) * 2 ** 48)), 0n);
  expect(Math.abs(panes.value(q, 0) - Number(exact) / 2 ** 100)).toBeLessThanOrEqual(2 * Number.EPSILON * Math.abs(panes.value(q, 0)));
  const shifted = last.map((x) => (1e6 + x % 1) - 1e6);
  const mean = shifted.reduce((a, b) => a + b, 0) / 1000;
  expect(panes.value(q, 1)).toBeCloseTo(shifted.reduce((a, b) => a + (b - mean) ** 2, 0) / 999, 12);
});

test('distinct and top stay within their error beyond the bound, and are exact again when the span has few values', () => {
  const { panes, q, read } = spanOver([{ fn: 'distinct', type: 'float' }, { fn: 'top', type: 'float', argument: 2 }]);
  const say = (time: number, value: number): void => {
    const pane = panes.open(q, time, time);
    panes.add(q, pane, 0, value, time);
    panes.add(q, pane, 1, value, time);
    panes.done(q, pane);
  };
  for (let i = 0; i < 60_000; i++) {
    say(i, i % 10 === 0 ? -1 : i % 20 === 1 ? -2 : i * 7.25);
    panes.evict(q, i - 49_999);
  }
  const different = 50_000 * 0.85 + 2;
  expect(Math.abs(panes.value(q, 0) / different - 1)).toBeLessThan(3 * 1.2 / Math.sqrt(BAG_BOUND));
  expect(read(1, panes.value(q, 1))).toEqual([-1, -2]);
  for (let i = 60_000; i < 61_000; i++) say(i, i % 100);
  panes.evict(q, 60_500);
  expect(panes.value(q, 0)).toBe(100);
  expect(read(1, panes.value(q, 1))).toEqual([0, 1]);
});
