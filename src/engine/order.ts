/** From the order of arrival to that of processing: which events are late, which are held back, and how far the watermark is. */
import type { Batch } from '../core/batch.ts';
import type { Due } from './due.ts';
import type { Held, Process } from './held.ts';
import type { Pace } from './options.ts';
import type { Processor } from './process.ts';
import type { Progress } from './progress.ts';
import { BLOCK } from './scan.ts';

export class Order {
  readonly #progress: Progress;
  readonly #held: Held;
  readonly #processor: Processor;
  readonly #due: Due;
  readonly #lateness: number;
  /** Rows of a batch that are not late. */
  #rows = new Int32Array(BLOCK);

  /** `lateness`: ms, for a watermark of the engine's own. */
  constructor(progress: Progress, held: Held, processor: Processor, due: Due, lateness: number) {
    this.#progress = progress;
    this.#held = held;
    this.#processor = processor;
    this.#due = due;
    this.#lateness = lateness;
  }

  /** Watermarks are the engine's own: processes what the watermark reaches by the batch, and what is due then. */
  push(batch: Batch): void {
    if (this.#lateness === 0 && this.#held.count === 0) {
      for (let row = 0; row < batch.count; row += BLOCK) this.#processor.process(batch, row, Math.min(row + BLOCK, batch.count), false);
    } else this.#pushOrdered(batch);
    this.#due.fire(this.#progress.watermark);
  }

  /** Watermarks are given: holds what is not late. */
  hold(batch: Batch, pace: Pace | undefined): void {
    const { count, time } = batch;
    const rows = this.#rowsFor(count);
    const { lateness, bound } = pace ?? { lateness: 0, bound: -Infinity };
    let largest = pace?.largest ?? Infinity;
    let n = 0;
    for (let row = 0; row < count; row++) {
      const t = time[row]!;
      if (t < this.#progress.watermark) { this.#processor.late(batch, row); continue; }
      if (t > this.#progress.largest) this.#progress.largest = t;
      rows[n++] = row;
      if (t <= largest) continue;
      largest = t;
      const watermark = t - lateness < bound ? t - lateness : bound;
      if (watermark > this.#progress.watermark) this.#progress.watermark = watermark;
    }
    if (n > 0) this.#held.add(batch, rows, n);
  }

  /** Processes what is held up to the watermark. */
  drain(watermark: number, inclusive: boolean): void {
    if (this.#held.count > 0) this.#held.take(watermark, inclusive, BLOCK, this.#processHeld);
  }

  /**
   * With a lateness: each event moves the watermark, which decides whether the next is late. What was reached is processed at the end of the
   * batch, or before an event that comes exactly at the watermark: the events of that time that came before are over by then.
   */
  #pushOrdered(batch: Batch): void {
    const { count, time } = batch;
    const rows = this.#rowsFor(count);
    let n = 0;
    for (let row = 0; row < count; row++) {
      const t = time[row]!;
      if (t < this.#progress.watermark) {
        if (this.#processor.wantsLate) {
          // The windows it may change are those of the watermark it meets.
          if (n > 0) this.#held.add(batch, rows, n);
          n = 0;
          this.drain(this.#progress.watermark, true);
          this.#due.fire(this.#progress.watermark);
        }
        this.#processor.late(batch, row);
        continue;
      }
      if (t === this.#progress.watermark) {
        if (n > 0) this.#held.add(batch, rows, n);
        n = 0;
        this.drain(t, true);
      }
      rows[n++] = row;
      if (t > this.#progress.largest) this.#progress.largest = t;
      const watermark = this.#progress.largest - this.#lateness;
      if (watermark > this.#progress.watermark) this.#progress.watermark = watermark;
    }
    if (n > 0) this.#held.add(batch, rows, n);
    this.drain(this.#progress.watermark, true);
  }

  readonly #processHeld: Process = (chunk, from, to) => { this.#processor.process(chunk, from, to, true); };

  #rowsFor(count: number): Int32Array {
    if (this.#rows.length < count) this.#rows = new Int32Array(count);
    return this.#rows;
  }
}
