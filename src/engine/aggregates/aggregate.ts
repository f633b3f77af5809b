import type { WindowAggregateFn } from '../../../dsl/typed.ts';
import type { Strings } from '../../core/strings.ts';
import type { Heap } from '../../state/heap.ts';
import { Bags } from './bag.ts';
import { Extreme, Held, Line, Moments, OneOf, Sum, Tally, Truths } from './states.ts';
import { BagAggregate, HeldSeries, Values } from './collections.ts';

/** `values` holds the latest so many at most. */
export const MOST_VALUES = 10_000;

/** What an aggregate is of, in the engine's values. */
export interface AggregateSpec {
  readonly fn: WindowAggregateFn;
  /** Kind of the values' type (of the condition's: bool); for `count`: absent. */
  readonly type?: string | undefined;
  /** The percentile, the n of `top` and `values`, the ms of `slope`. */
  readonly argument?: number | undefined;
  /** Values are not always added in the order of time: late events. */
  readonly unordered?: boolean | undefined;
}

/**
 * What the function that reads an event's value gives where the event is not taken (`where`): no value of the language is infinite. For `lasting` and `timeAvg` such an
 * event has no value (NaN) instead: it ends the one before it.
 */
export const SKIP = -Infinity;

/**
 * A running aggregate: its state is `cells` float cells at a unit index of the heap, all zero at first. Values are the engine's (null: NaN; a condition 0, 1 or
 * null). Operations may allocate, and so move the heap's views.
 *
 * How what leaves is taken off: a `sum` can be subtracted; a `fold` cannot, and of states in the order of time two can be read as one (`value` of two);
 * a `list` is read by joining the states of all panes.
 */
export interface Aggregate {
  readonly kind: 'sum' | 'fold' | 'list';
  readonly cells: number;
  add(at: number, value: number, time: number): void;
  /** Adds what is in `from`. For a fold, all of it is later than what is in `at` (or at its last time), unless the aggregate is `unordered`. */
  merge(at: number, from: number): void;
  /** Takes off what is in `from`; kind 'sum' only. */
  subtract(at: number, from: number): void;
  /** The value; with `more`, of a fold: that of both together, `more` being the later. A text or list is a string's id. */
  value(at: number, more?: number): number;
  /** Should it be made anew once much was taken off it? Then it left something out, or overflowed. */
  isWorn(at: number): boolean;
  /** Over nothing so far, it takes over a state of its kind that lies in another heap. Texts have the same ids in both. */
  adopt(at: number, heap: Heap, from: number): void;
  /** Gives up records of its own and is over nothing again. */
  empty(at: number): void;
}

/** @param limit values held by `values` at most, where it does not say itself */
export function makeAggregate(heap: Heap, strings: Strings, spec: AggregateSpec, limit: number): Aggregate {
  const isText = spec.type === 'string' || spec.type === 'oneOf';
  const compare = isText ? (a: number, b: number): number => strings.compare(a, b) : (a: number, b: number): number => a - b;
  const named = isText || spec.type === 'list' || spec.type === 'record';
  const hash = named ? (value: number): number => textHash(strings.text(value)) : numberHash;
  switch (spec.fn) {
    case 'count': return new Tally(heap);
    case 'any': case 'all': return new Truths(heap, spec.fn);
    case 'sum': case 'avg': return new Sum(heap, spec.fn);
    case 'variance': case 'stddev': return new Moments(heap, spec.fn);
    case 'slope': return new Line(heap, spec.argument!);
    case 'min': return new Extreme(heap, (a, b) => compare(a, b) < 0);
    case 'max': return new Extreme(heap, (a, b) => compare(a, b) > 0);
    case 'first': case 'last': return new OneOf(heap, spec.fn === 'last');
    case 'lasting': case 'timeAvg': return spec.unordered === true ? new HeldSeries(heap, spec.fn) : new Held(heap, spec.fn);
    case 'distinct': return new BagAggregate(heap, new Bags(heap, 'sample', hash), (bags, cell) => bags.distinct(cell));
    case 'top': return BagAggregate.top(heap, new Bags(heap, 'heavy', hash), strings, spec.argument!, spec.type!, compare);
    case 'percentile': return BagAggregate.percentile(heap, new Bags(heap, 'all', hash), spec.argument!);
    case 'values': return new Values(heap, strings, Math.max(1, Math.min(limit, spec.argument ?? limit, MOST_VALUES)), spec.type!);
  }
}

const number = new Float64Array(1);
const words = new Int32Array(number.buffer);

function numberHash(value: number): number {
  number[0] = value + 0;
  return finish(Math.imul(words[0]!, 0x85ebca6b) ^ Math.imul(words[1]!, 0xc2b2ae35));
}

function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return finish(hash);
}

/** MurmurHash3's finish: every bit depends on every other. */
function finish(hash: number): number {
  let h = hash;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
