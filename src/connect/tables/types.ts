/**
 * Where the rows of a table come from. A source reads all of them (`load`), then tells of changes (`follow`), each time with all rows anew: a table is
 * replaced as a whole, so that no event meets half of a change. What a source cannot read as a whole (no file, no server, not CSV) is an error, and whoever
 * follows it keeps the rows there are; single rows that cannot be read are rejected with their place, and the others stand.
 */

/** A row as it came in, not yet checked against the columns of its table. */
export interface RawRow {
  /** Where it stands, for messages: `line 3`, `key "m1"`, `partition 0, offset 17`. */
  readonly where: string;
  /** By the columns' names in the data. */
  readonly values: Readonly<Record<string, unknown>>;
  /** All values are texts that are yet to be read as their column's type, an empty one being none: cells of CSV, fields of a Redis hash. */
  readonly isText: boolean;
  /** The key by which the source knows the row, as text: for a key column that the row itself does not hold. */
  readonly key?: string | undefined;
}

/** A row that is not taken. */
export interface RejectedRow { readonly where: string; readonly problem: string }

/** All rows of a source at a moment. */
export interface Snapshot {
  readonly rows: readonly RawRow[];
  readonly rejected: readonly RejectedRow[];
  /** When the source had these rows, ms since the epoch. */
  readonly asOf: number;
  /** Why they are older than now: they come from a cache. */
  readonly stale?: string | undefined;
}

export interface TableListener {
  /** The rows have changed. */
  changed(snapshot: Snapshot): void;
  /** The rows are still those that were told last; the source was asked at this time. */
  confirmed(asOf: number): void;
  /** The source cannot be read now; it goes on trying. */
  failed(error: Error): void;
}

export interface TableSource {
  /** What is read, for messages, without secrets: a path, a topic, an address with a key. */
  readonly from: string;
  /** Reads all rows. Rejects where they cannot be read as a whole; it can be called again then. */
  load(): Promise<Snapshot>;
  /** Tells of changes since the last `load` from now on. */
  follow(listener: TableListener): void;
  /** Ends connections, timers and calls of the listener. May be called at any time, and again. */
  stop(): Promise<void>;
}

/** The source cannot be read as a whole. */
export class TableSourceError extends Error {
  override readonly name = 'TableSourceError';
}
