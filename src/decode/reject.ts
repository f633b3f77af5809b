/** Why an event was not taken: codes that programs count by. */
export type RejectReason =
  | 'not-json' | 'not-utf8' | 'too-deep' | 'not-object' | 'missing-type' | 'unknown-type' | 'missing-field' | 'wrong-type' | 'not-in-set'
  | 'number-out-of-range' | 'bad-time' | 'line-too-long' | 'not-csv';

/** An event that does not decode. It never stops the job: it is counted by reason and handed to the reject channel. */
export interface Reject {
  readonly reason: RejectReason;
  /** For a person: which field, what was found, what was asked for. */
  readonly message: string;
  /** Line number in its input, from 1; 0 where there are no lines. */
  readonly line: number;
  /** The event's bytes: the input's [offset, end). */
  readonly offset: number;
  readonly end: number;
}
