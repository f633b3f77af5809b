/** What a running job tells of itself: to its server, its log and `alcedo status`. Plain data. */
export interface JobStatus {
  readonly job: string;
  /** ms since the epoch */
  readonly started: number;
  /** `starting` until every task stands and every source runs; `restarting` after a failure, until it does again. */
  readonly state: 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped' | 'failed';
  /** While it runs: why it does not do its work yet. Empty: it does, be it that it has no partitions. */
  readonly waitsFor: readonly string[];
  /** Why it restarts or failed. */
  readonly failure: string | undefined;
  readonly restarts: number;
  readonly tasks: readonly TaskStatus[];
  readonly sources: readonly SourceStatus[];
  readonly tables: readonly TableStatus[];
  readonly rules: readonly RuleStatus[];
  /** Records by outlet: channels by their name, ` late`, ` rejects`, ` shadow`. */
  readonly sent: Readonly<Record<string, number>>;
  /** Rejected records by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly late: number;
  /** Seconds from an event's arrival to its alert being committed: cumulative counts by upper bound. */
  readonly latency: Histogram;
  /** Seconds that taking a checkpoint kept events waiting, and that writing and committing it took. */
  readonly pause: Histogram;
  readonly checkpointDuration: Histogram;
}

export interface TaskStatus {
  readonly task: number;
  /** ms since the epoch; undefined before the first event. */
  readonly watermark: number | undefined;
  readonly streams: readonly { readonly stream: string; readonly offset: number; readonly largest: number | undefined; readonly idle: boolean; readonly holds: boolean }[];
  readonly events: number;
  readonly stateBytes: number;
  readonly keys: number;
  /** Records that wait to be committed or sent. */
  readonly waiting: number;
  readonly checkpoint: { readonly number: number; readonly committed: number; readonly bytes: number; readonly failures: number } | undefined;
}

export interface SourceStatus { readonly source: string; readonly kind: string; readonly streams: readonly { readonly stream: string; readonly lag: number; readonly connected: boolean }[] }

export interface TableStatus {
  readonly table: string;
  /** `file`, `redis`, `kafka`, `http` */
  readonly kind: string;
  /** What is read, without secrets. */
  readonly from: string;
  readonly rows: number;
  /** Rows of the last load that could not be read, and those that gave way to a later one of their key. */
  readonly rejected: number;
  readonly replaced: number;
  /** Counts loads that gave other rows, from 1 in each life of the process; 0: nothing is loaded yet. */
  readonly version: number;
  /** ms since the epoch: when the rows were taken up, and when the source was last known to have just these. */
  readonly loaded: number | undefined;
  readonly asOf: number | undefined;
  /** Changes taken up since the start, and looks that failed. */
  readonly changes: number;
  readonly failures: number;
  /** Why the rows may be older than those of the source. */
  readonly error: string | undefined;
}

export interface RuleStatus {
  readonly rule: string;
  readonly events: number;
  readonly alerts: number;
  readonly timedOut: number;
  readonly dropped: number;
  readonly suppressed: number;
  /** What it holds now: keys; open runs, with those that are out of time and not cleared away yet; bytes, without the events, which rules share. */
  readonly keys: number;
  readonly runs: number;
  readonly bytes: number;
}

export interface Histogram {
  /** Upper bounds, ascending; counts has one more cell, for what is above. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A histogram that is added to. */
export class Counts implements Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number, times = 1): void {
    let i = 0;
    while (i < this.bounds.length && value > this.bounds[i]!) i++;
    this.counts[i]! += times;
    this.sum += value * times;
  }
}
