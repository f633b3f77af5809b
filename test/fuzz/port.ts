/** What the fuzz asks of an engine; `engine.ts` gives it. */

export interface EngineReport {
  /** In the order of the steps; `index` is the event's place in the list given to the engine. */
  readonly bindings: readonly { readonly stage: string; readonly index: number }[];
  /** ms */
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly id: string;
}

export interface EngineResult {
  /** All keys' reports in the order they come out. */
  readonly matches: readonly EngineReport[];
  readonly timeouts: readonly EngineReport[];
}

export interface EngineOptions {
  /** After this many events: take a snapshot, and go on in a new engine that restores it. */
  readonly cutAt?: number;
  /** Take images, with every record on pages of its own, at places that this seed says, some of them lost, and go on from a chain of them in a new engine now and then. */
  readonly imageSeed?: number;
  /** Deliver the events out of order, as this seed says, within the lateness, keeping the order of equal times. */
  readonly shuffleSeed?: number;
  /** Deliver the events in partitions, in batches, with watermarks given from outside. Events of one time share a partition. */
  readonly partitions?: { readonly count: number; readonly seed: number };
}

/**
 * Runs a rule file with one rule, `R`, over events in processing order (`type`, the type's fields, the time in ms in `at`) to the end of input.
 */
export type RunEngine = (ruleText: string, events: readonly object[], options: EngineOptions) => EngineResult;
