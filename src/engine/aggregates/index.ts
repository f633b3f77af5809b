/**
 * Running aggregates in records of the heap, for windows and features.
 *
 * An *aggregate* (`makeAggregate`) is a few float cells in somebody's record: all zero is "over nothing". A *block* (`Block`) is one of each of a list of
 * aggregates beside each other. A *queue of panes* (`Panes`) is a span of time or of events that moves on: each pane has a block of its own, a running state
 * tells what is over all panes in the span, and what leaves is taken off it.
 */
export type { Aggregate, AggregateSpec } from './aggregate.ts';
export { makeAggregate, MOST_VALUES, SKIP } from './aggregate.ts';
export { Block, describeBlock, EVENTS, NOTHING, type BlockState } from './block.ts';
export { BAG, BAG_BOUND } from './bag.ts';
export { PANE, Panes, PANES } from './panes.ts';
export { QUANTILE_ERROR } from './quantiles.ts';
export { SERIES } from './series.ts';
