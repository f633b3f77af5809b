/** How an engine is set up, and how event time is told to it. */
import type { Alert, Derived } from '../core/alert.ts';
import type { Batch } from '../core/batch.ts';
import type { WindowReading } from './windows/index.ts';

export interface EngineOptions {
  readonly onAlert: (alert: Alert) => void;
  readonly onDerived?: ((derived: Derived) => void) | undefined;
  /** How far out of order events may come, ms. Default 0. For watermarks of its own only. */
  readonly lateness?: number | undefined;
  /**
   * `own` (the default): the engine takes the largest time seen less the lateness for its watermark. `given`: events are held until `advance` says
   * that the watermark has reached them.
   */
  readonly watermarks?: 'own' | 'given' | undefined;
  /** Called with each late event, and the watermark it came after. */
  readonly onLate?: ((batch: Batch, row: number, watermark: number) => void) | undefined;
  /** A derived event that lacked a required field was dropped. */
  readonly onDerivedRejected?: ((rule: string, type: string, field: string) => void) | undefined;
  /** Is a key of a roster (`by sensor from sensors`) this engine's? For engines that have a part of the keys each. Default: all are. */
  readonly ownsKey?: ((rule: string, key: Readonly<Record<string, unknown>>) => boolean) | undefined;
  /** Processing time of an alert, ms since the epoch. */
  readonly now?: (() => number) | undefined;
  /** For rule tests: called with each window that is read, whether its `having` holds or not. No step is left out then. */
  readonly onReading?: ((reading: WindowReading) => void) | undefined;
  /** For tests of images: every record of the state has small pages of its own, so that a write that is not marked shows. */
  readonly recordsApart?: boolean | undefined;
}

/**
 * How a watermark that is given goes on with each event of a batch: to the largest time of the batch's stream less its lateness, as far as the other
 * streams let it. So whether an event is late hangs on the events before it and not on the batches they come in.
 */
export interface Pace {
  /** Largest event time of the stream before the batch; -Infinity: none. */
  readonly largest: number;
  /** ms */
  readonly lateness: number;
  /** The least that the other streams have come to; Infinity: none holds event time back. */
  readonly bound: number;
}
