/**
 * What a live job needs of the world: sources of records and sinks of alerts, each behind one small interface. An adapter knows its client and this
 * file, never the engine. Kafka is more than a source and a sink, because a transaction ties the two together: see kafka/port.ts.
 *
 * Names: an *input* is one entry of the job file's `sources`; a *stream* is what an input reads in order and has offsets of its own (a topic's
 * partition, a file, a journal), named by a text such as "payments/3"; a *task* is the unit of state and of commits.
 */

/** Structured log, as pino's: fields first, then the message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

/** Records of one stream in order. Arrays of equal length; valid until the promise of `SourceHost.records` settles. */
export interface RecordBatch {
  readonly stream: string;
  /** Partition of the stream, 0 where it has none. */
  readonly partition: number;
  readonly count: number;
  /** JSON text of one object each; null: a record without a value (a tombstone). */
  readonly values: readonly (Uint8Array | null)[];
  /** Offset of each record in its stream. */
  readonly offsets: ArrayLike<number>;
  /** The offset to go on from when all of these are done: usually that of the last one + 1. */
  readonly next: number;
  /** The record's own time, ms since the epoch; NaN: it has none. Event time where the job file says `time: record`. */
  readonly times: ArrayLike<number>;
  /** Event type by something outside the value (topic, header): undefined where the value's type field, or the input, says it. */
  readonly type?: ((i: number) => string | undefined) | undefined;
  /** A header of record i, where the source has such. */
  readonly header?: ((i: number, name: string) => string | undefined) | undefined;
  /** How many records of the stream are known to lie behind these ones. */
  readonly behind: number;
}

/** A source's view of the job. */
export interface SourceHost {
  readonly log: Log;
  /**
   * The source begins to deliver for a task. Resolves when the task stands restored, with the offset to read each stream from; a stream that is
   * not in the map is read from where the source's own `start` says.
   */
  assigned(task: number, streams: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The task is no longer this source's. `lost`: another process may have it already. Resolves when its work is committed or given up. */
  revoked(task: number, lost: boolean): Promise<void>;
  /** Hands records over; at most one call per task is under way. The promise settles when the next may come: this is the back-pressure. */
  records(task: number, batch: RecordBatch): Promise<void>;
  /** The stream has nothing more for now. Tells a source that waits from one that reads. */
  caughtUp(task: number, stream: string): void;
  /** The stream is over (a file read whole). */
  ended(task: number, stream: string): void;
  /** Wants a checkpoint soon, e.g. because its window of messages to acknowledge is nearly full. */
  checkpointSoon(task: number, reason: string): void;
  /** The source cannot go on. The job stops, says why, and exits with 1. */
  failed(error: Error): void;
}

export interface Source {
  readonly name: string;
  start(host: SourceHost): Promise<void>;
  /** A checkpoint is committed that covers every record before these offsets, by stream. */
  committed(task: number, offsets: ReadonlyMap<string, number>): Promise<void>;
  /** Stops asking for records; the call under way may end. After the promise settles `records` is not called again. */
  pause(): Promise<void>;
  stop(): Promise<void>;
  status(): readonly StreamStatus[];
  /** Tries the connection and says what it found, for `check --connect`; throws an Error that says what failed and what to look at. */
  probe(): Promise<readonly string[]>;
}

export interface StreamStatus {
  readonly stream: string;
  /** Records known to wait in the stream; NaN: unknown. */
  readonly lag: number;
  readonly connected: boolean;
}

/** One alert, late event or reject on its way out. */
export interface OutRecord {
  /** Identity for dropping repeats: the same after a restart. '' for records that have none. */
  readonly id: string;
  /** Partitioning key: the rule's key as text; '' for none. */
  readonly key: string;
  /** JSON text of one object, no line feed. */
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly channel: string;
  /** The value with what the headers say, as JSON text of one object, for sinks without headers. Absent: the value says it all. */
  readonly enveloped?: (() => Uint8Array) | undefined;
}

/** A sink without transactions: at least once. `send` resolves when the records are as safe as the sink makes them; it throws what cannot be cured by waiting. */
export interface Sink {
  readonly name: string;
  start(log: Log): Promise<void>;
  send(records: readonly OutRecord[]): Promise<void>;
  stop(): Promise<void>;
  probe(): Promise<readonly string[]>;
}
