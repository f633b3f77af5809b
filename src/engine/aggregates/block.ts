import type { Strings } from '../../core/strings.ts';
import type { Heap } from '../../state/heap.ts';
import { makeAggregate, type Aggregate, type AggregateSpec } from './aggregate.ts';

/** One state of each of a list of aggregates, beside each other: `units` float cells from a unit index on. Whoever allocates the record zeroes them. */
export class Block {
  readonly heap: Heap;
  readonly aggregates: readonly Aggregate[];
  /** Where each state begins, from the block's. */
  readonly offsets: readonly number[];
  readonly units: number;
  /** The folds, and where each state begins in a block of folds only. */
  readonly folds: readonly number[];
  readonly foldOffsets: readonly number[];
  readonly foldUnits: number;

  /** `limit`: values that `values` holds at most where it does not say itself. */
  constructor(heap: Heap, strings: Strings, specs: readonly AggregateSpec[], limit: number) {
    this.heap = heap;
    this.aggregates = specs.map((spec) => makeAggregate(heap, strings, spec, limit));
    let units = 0;
    this.offsets = this.aggregates.map(({ cells }) => { units += cells; return units - cells; });
    this.units = units;
    let foldUnits = 0;
    this.folds = this.aggregates.flatMap(({ kind }, i) => (kind === 'fold' ? [i] : []));
    this.foldOffsets = this.aggregates.map(({ kind, cells }) => {
      if (kind !== 'fold') return -1;
      foldUnits += cells;
      return foldUnits - cells;
    });
    this.foldUnits = foldUnits;
  }

  add(at: number, i: number, value: number, time: number): void { this.aggregates[i]!.add(at + this.offsets[i]!, value, time); }

  value(at: number, i: number): number { return this.aggregates[i]!.value(at + this.offsets[i]!); }

  /** All of `from`, which is later for folds, as `Aggregate.merge` has it. */
  merge(at: number, from: number): void {
    for (let i = 0; i < this.aggregates.length; i++) this.aggregates[i]!.merge(at + this.offsets[i]!, from + this.offsets[i]!);
  }

  empty(at: number): void {
    for (let i = 0; i < this.aggregates.length; i++) this.aggregates[i]!.empty(at + this.offsets[i]!);
  }
}
