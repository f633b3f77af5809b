/** What a task needs of its job. */
import type { ProducedRecord } from '../connect/kafka/index.ts';
import type { Log, OutRecord } from '../connect/types.ts';
import type { Positions } from './committer.ts';
import type { MakeDrain } from './drain.ts';
import type { RuleGroup } from './groups.ts';
import type { IntakeOptions } from './intake.ts';
import type { TaskState } from './state.ts';
import type { Counts } from './status.ts';
import type { TableVersion } from './tables.ts';

export interface TaskInput extends IntakeOptions {
  /** ms */
  readonly lateness: number;
  readonly idle: number;
}

export interface TaskHost {
  readonly log: Log;
  readonly groups: readonly RuleGroup[];
  /** In the order of the job file. */
  readonly inputs: readonly TaskInput[];
  /** The rows of tables as they are now. */
  readonly tables: { versions(): readonly TableVersion[] };
  readonly checkpointTimeout: number;
  /** Every so many checkpoints all of the state is written. */
  readonly fullEvery: number;
  /** What to do where a change of rules would lose runs. */
  readonly onChange: 'refuse' | 'drain' | 'fresh';
  readonly drain: MakeDrain;
  readonly now: () => number;
  /** Where a record goes: into the transaction as these records, or to an outlet, which calls back; undefined: nowhere. */
  route(record: OutRecord): { readonly produce: ProducedRecord } | { readonly deliver: (done: () => void) => void } | undefined;
  /** End offsets of the topics that alerts go to in transactions. */
  alertEnds(): Promise<TaskState['ends']>;
  /** What of the task went out behind these offsets in transactions: how often, by `sentName`. */
  sentSince(ends: TaskState['ends'] | undefined, task: number): Promise<Map<string, number>>;
  /** Outlets that write without transactions, as people call them: they get again what is made again. */
  readonly repeating: readonly string[];
  committed(task: number, positions: Positions): Promise<void>;
  readonly counts: { readonly rejected: Map<string, number>; late: number; readonly latency: Counts; readonly pause: Counts; readonly duration: Counts };
}
