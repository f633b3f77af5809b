import type { Batch } from '../../core/batch.ts';
import type { Schema } from '../../core/schema.ts';
import type { Strings } from '../../core/strings.ts';
import type { Reject } from '../../decode/index.ts';

/** A bounded input that gives its events batch by batch, in the order they lie in it. */
export interface EventReader {
  /** What messages call it: its path. */
  readonly name: string;
  /** The table that the strings of its rows are in. */
  readonly strings: Strings;
  /**
   * Empties the batch and fills it; resolves to the number of rows, 0 at the end only. The rows' bytes are good until the next read. Rejects
   * where the input itself fails; what is wrong with single events goes to `onReject`.
   */
  read(batch: Batch): Promise<number>;
  /** Progress, in bytes as stored; undefined total: not known. */
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
  close(): Promise<void>;
}

/** A rejected event with the input it is from and its bytes, which are good during the call only. */
export interface RejectedEvent extends Reject {
  readonly input: string;
  readonly bytes: Uint8Array;
}

/** What readers share. */
export interface ReadContext {
  readonly schema: Schema;
  readonly strings: Strings;
  readonly onReject: (rejected: RejectedEvent) => void;
  /** Event time, in ms, of events whose type names no time field. */
  readonly ingestTime?: () => number;
}

/** An input as the user names it. */
export interface EventSpec {
  /** A path, or "-" for standard input. */
  readonly path: string;
  /** Number of the input among those of the run (`Batch.source`); default 0. */
  readonly source?: number;
  /** All its events are of this type. */
  readonly type?: string;
  /** The field or column that names an event's type; default "type". */
  readonly typeField?: string;
  /** Default: CSV for names that end in .csv or .tsv (before .gz, .zst), else JSON Lines. */
  readonly format?: 'json' | 'csv';
  /** Names of fields in this data: event type → field → name in the data. */
  readonly map?: FieldMap;
}

export type FieldMap = ReadonlyMap<string, ReadonlyMap<string, string>>;
