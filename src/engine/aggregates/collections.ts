/** Aggregates whose state is a record of its own: bags of values, and values in order. */
import type { Strings } from '../../core/strings.ts';
import type { Heap } from '../../state/heap.ts';
import type { Aggregate } from './aggregate.ts';
import type { Bags } from './bag.ts';
import { bucketOf, bucketValue, rankOf } from './quantiles.ts';
import { SeriesList } from './series.ts';
import { held } from './states.ts';

/** The JSON text of a list of values, as an id. */
function listOf(strings: Strings, values: readonly number[], type: string): number {
  return strings.intern(JSON.stringify(values.map((v) => {
    switch (type) {
      case 'string': case 'oneOf': return strings.text(v);
      case 'bool': return v !== 0;
      case 'list': case 'record': return JSON.parse(strings.text(v)) as unknown;
      default: return v;
    }
  })));
}

export class BagAggregate implements Aggregate {
  readonly kind = 'sum';
  readonly cells = 1;
  readonly #bags: Bags;
  readonly #read: (bags: Bags, cell: number) => number;
  readonly #entry: (value: number) => number;

  /** `entry`: what is counted of a value. */
  constructor(_heap: Heap, bags: Bags, read: (bags: Bags, cell: number) => number, entry = (value: number): number => value) {
    this.#bags = bags;
    this.#read = read;
    this.#entry = entry;
  }

  /** The n most frequent values, as a list; of equally frequent ones the lesser first. */
  static top(heap: Heap, bags: Bags, strings: Strings, n: number, type: string, compare: (a: number, b: number) => number): BagAggregate {
    return new BagAggregate(heap, bags, (all, cell) => {
      const entries: { value: number; count: number }[] = [];
      all.each(cell, (value, count) => { entries.push({ value, count }); });
      entries.sort((a, b) => b.count - a.count || compare(a.value, b.value));
      return listOf(strings, entries.slice(0, n).map((entry) => entry.value), type);
    });
  }

  static percentile(heap: Heap, bags: Bags, percentile: number): BagAggregate {
    return new BagAggregate(heap, bags, (all, cell) => {
      const entries: { bucket: number; count: number }[] = [];
      let n = 0;
      all.each(cell, (bucket, count) => { entries.push({ bucket, count }); n += count; });
      if (n === 0) return NaN;
      entries.sort((a, b) => a.bucket - b.bucket);
      let rank = rankOf(percentile, n);
      for (const { bucket, count } of entries) {
        if (rank < count) return bucketValue(bucket);
        rank -= count;
      }
      return NaN;
    }, bucketOf);
  }

  add(at: number, value: number): void { if (value === value) this.#bags.add(at, this.#entry(value), 1); }
  merge(at: number, from: number): void { this.#bags.join(at, from, 1); }
  subtract(at: number, from: number): void { this.#bags.join(at, from, -1); }
  value(at: number): number { return this.#read(this.#bags, at); }
  isWorn(at: number): boolean { return this.#bags.isPart(at); }
  adopt(at: number, heap: Heap, from: number): void { this.#bags.adopt(at, heap, from); }
  empty(at: number): void { this.#bags.release(at); }
}

/** The latest values in the order of time. */
export class Values implements Aggregate {
  readonly kind = 'list';
  readonly cells = 1;
  readonly #lists: SeriesList;
  readonly #strings: Strings;
  readonly #type: string;

  constructor(heap: Heap, strings: Strings, limit: number, type: string) {
    this.#lists = new SeriesList(heap, limit);
    this.#strings = strings;
    this.#type = type;
  }

  add(at: number, value: number, time: number): void { if (value === value) this.#lists.add(at, value, time); }
  merge(at: number, from: number): void { this.#lists.join(at, from); }
  subtract(): void { throw new Error('a list is not subtracted'); }
  value(at: number): number {
    return listOf(this.#strings, Array.from({ length: this.#lists.length(at) }, (_, i) => this.#lists.valueAt(at, i)), this.#type);
  }
  isWorn(): boolean { return false; }
  adopt(at: number, heap: Heap, from: number): void { this.#lists.adopt(at, heap, from); }
  empty(at: number): void { this.#lists.release(at); }
}

/** `lasting` and `timeAvg` where events may come late: all values are kept. */
export class HeldSeries implements Aggregate {
  readonly kind = 'list';
  readonly cells = 1;
  readonly #lists: SeriesList;
  readonly #fn: 'lasting' | 'timeAvg';

  constructor(heap: Heap, fn: 'lasting' | 'timeAvg') {
    this.#lists = new SeriesList(heap, Infinity);
    this.#fn = fn;
  }

  add(at: number, value: number, time: number): void { this.#lists.add(at, value, time); }
  merge(at: number, from: number): void { this.#lists.join(at, from); }
  subtract(): void { throw new Error('a list is not subtracted'); }
  value(at: number): number {
    const lists = this.#lists;
    const n = lists.length(at);
    let valued = 0;
    let area = 0;
    let time = 0;
    for (let i = 0; i < n; i++) {
      const value = lists.valueAt(at, i);
      if (value !== value) continue;
      valued++;
      const length = i + 1 < n ? lists.timeAt(at, i + 1) - lists.timeAt(at, i) : 0;
      area += value * length;
      time += length;
    }
    return held(this.#fn, valued, area, time);
  }
  isWorn(): boolean { return false; }
  adopt(at: number, heap: Heap, from: number): void { this.#lists.adopt(at, heap, from); }
  empty(at: number): void { this.#lists.release(at); }
}
