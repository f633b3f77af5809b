/** How far event time has come in an engine, and what it has counted on the way: all of it in the header of an image. */
import type { AnyRulePlan } from '../compile/plan.ts';

/** JSON, which does not know all numbers: those are written as text. */
export interface SavedProgress {
  readonly largest: number | string;
  readonly watermark: number | string;
  readonly events: number;
  readonly late: number;
  readonly duplicates: number;
  readonly derivedRejected: number;
  readonly seen: readonly number[];
}

export class Progress {
  /** Event time up to which everything has been processed; with watermarks that are given, up to which it is to be. */
  watermark = -Infinity;
  /** The largest event time seen. */
  largest = -Infinity;
  events = 0;
  late = 0;
  duplicates = 0;
  derivedRejected = 0;
  /** Events by type. */
  readonly seenOfType: Float64Array;

  constructor(types: number) { this.seenOfType = new Float64Array(types); }

  /** Events of the types that a rule sees. */
  seenBy(plan: AnyRulePlan): number {
    let events = 0;
    plan.sees.forEach((filter, type) => { if (filter >= 0) events += this.seenOfType[type]!; });
    return events;
  }

  save(): SavedProgress {
    return {
      largest: text(this.largest), watermark: text(this.watermark),
      events: this.events, late: this.late, duplicates: this.duplicates, derivedRejected: this.derivedRejected, seen: [...this.seenOfType],
    };
  }

  /** All but `seen`, whose types may be others by now. */
  load(saved: SavedProgress): void {
    this.largest = Number(saved.largest);
    this.watermark = Number(saved.watermark);
    this.events = saved.events;
    this.late = saved.late;
    this.duplicates = saved.duplicates;
    this.derivedRejected = saved.derivedRejected;
  }
}

const text = (x: number): number | string => (Number.isFinite(x) ? x : String(x));
