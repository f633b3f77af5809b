import { Strings } from '../../core/strings.ts';
import { Heap } from '../../state/heap.ts';
import { makeAggregate, type Aggregate, type AggregateSpec } from './aggregate.ts';

/** Where the states of a block lie, for who reads a heap of other rules: JSON. */
export interface BlockState {
  readonly units: number;
  readonly kinds: readonly Aggregate['kind'][];
  readonly cells: readonly number[];
  readonly offsets: readonly number[];
  readonly foldOffsets: readonly number[];
}

/** In place of an old state's index: there is none, and the aggregate is over nothing; it is the number of events. */
export const NOTHING = -1;
export const EVENTS = -2;

export function describeBlock(specs: readonly AggregateSpec[], limit: number): BlockState {
  const { units, aggregates, offsets, foldOffsets } = new Block(new Heap(1 << 4), new Strings(), specs, limit);
  return { units, kinds: aggregates.map(({ kind }) => kind), cells: aggregates.map(({ cells }) => cells), offsets, foldOffsets };
}

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

  /** Takes over what was kept of `events` events in a block of another heap; `sources`: per aggregate its old index, NOTHING or EVENTS. */
  adopt(at: number, heap: Heap, from: number, old: BlockState, sources: readonly number[], events: number): void {
    for (let i = 0; i < this.aggregates.length; i++) {
      const source = sources[i]!;
      const to = at + this.offsets[i]!;
      if (source >= 0) this.aggregates[i]!.adopt(to, heap, from + old.offsets[source]!);
      else if (source === EVENTS) this.heap.floats(to)[to] = events;
    }
  }

  empty(at: number): void {
    for (let i = 0; i < this.aggregates.length; i++) this.aggregates[i]!.empty(at + this.offsets[i]!);
  }
}
