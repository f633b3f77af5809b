/**
 * A batch of decoded events: columns, one row an event, in order of arrival. The engine reads it during `push` only and keeps nothing of it,
 * so a batch is filled again and again. Values are as in values.ts; a field that a type has not, or that is absent, is NaN.
 */
export class Batch {
  readonly capacity: number;
  count = 0;
  /** Index of the event's type in Schema.types. */
  readonly type: Int32Array;
  /** Event time, ms since the epoch. */
  readonly time: Float64Array;
  /** The event's bytes: bytes[from, to), JSON text of one object. */
  bytes: Uint8Array = new Uint8Array(0);
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Where the event came from: index of the source, its partition, its offset (for files: the line number, from 1). */
  source = 0;
  partition = 0;
  readonly offset: Float64Array;
  /** columns[slot][row] */
  readonly columns: readonly Float64Array[];

  constructor(slots: number, capacity = 1024) {
    this.capacity = capacity;
    this.type = new Int32Array(capacity);
    this.time = new Float64Array(capacity);
    this.from = new Int32Array(capacity);
    this.to = new Int32Array(capacity);
    this.offset = new Float64Array(capacity);
    this.columns = Array.from({ length: slots }, () => new Float64Array(capacity));
  }
}
