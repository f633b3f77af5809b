/** Where what a group of features keeps lies in the record of a key. */
import type { FeatureGroupPlan } from '../../compile/plan.ts';
import { describeBlock, PANES, type AggregateSpec, type BlockState } from '../aggregates/index.ts';

/** Ints: next in the chain of the hash, group, flags. Floats: the key's parts; then, for each span, its queue of panes or its block. */
export const FEATURE = { next: 0, group: 1, flags: 2, key: 2 } as const;
/** Values that `values` holds where it does not say itself. */
export const MOST_VALUES = 1000;

/** The features of a stream over one time, by their place in the block. */
export interface SpanPlan { readonly stream: number; readonly over: number; readonly every: number; readonly features: readonly number[]; readonly specs: readonly AggregateSpec[] }

export function spansOf({ features }: FeatureGroupPlan): SpanPlan[] {
  const spans: (SpanPlan & { readonly features: number[]; readonly specs: AggregateSpec[] })[] = [];
  features.forEach(({ stream, over, every, fn, valueType, argument }, f) => {
    let span = spans.find((other) => other.stream === stream && other.over === over && other.every === every);
    if (span === undefined) spans.push(span = { stream, over, every, features: [], specs: [] });
    span.features.push(f);
    span.specs.push({ fn, type: valueType?.kind, argument });
  });
  return spans;
}

/** A group as a state tells of it: JSON. */
export interface FeatureState {
  readonly features: readonly { readonly name: string; readonly identity: string; readonly readBy: readonly string[] }[];
  readonly spans: readonly SpanState[];
}

/** `at`: of its queue of panes, or of its block where it is over all history, from the record's start. */
export interface SpanState { readonly features: readonly number[]; readonly panes: boolean; readonly at: number; readonly block: BlockState }

export function describeFeatures(group: FeatureGroupPlan): FeatureState {
  let units = FEATURE.key + group.width;
  const spans = spansOf(group).map(({ over, features, specs }): SpanState => {
    const block = describeBlock(specs, MOST_VALUES);
    const panes = over !== Infinity;
    const at = units;
    units += block.units + (panes ? PANES.block : 0);
    return { features, panes, at, block };
  });
  return { features: group.features.map(({ name, identity, readBy }) => ({ name, identity, readBy })), spans };
}
