/**
 * How a task's progress becomes final: one commit at which input offsets, state and output move together (docs/architecture.md, "Exactly once").
 * A commit names the checkpoint whose state goes with it.
 */
import type { CommittedOffset, GroupMembership, Kafka, ProducedRecord, Producer, Transaction } from '../connect/kafka/index.ts';

/** Offset to go on from, by stream ("payments/3"). */
export type Positions = ReadonlyMap<string, number>;

export interface LastCommit { readonly checkpoint: number; readonly positions: Positions }

export interface Committer {
  /** Takes the task over from whoever had it, and tells its last commit. `store`: that the state store is asked, nothing else knows. */
  open(): Promise<LastCommit | 'store' | undefined>;
  /** Adds records to what the next commit makes visible. Only for committers that are transactional. */
  send(records: readonly ProducedRecord[]): Promise<void>;
  commit(checkpoint: number, positions: Positions): Promise<void>;
  /** Whether records go out with the commit, so that what was committed is known. */
  readonly isTransactional: boolean;
  /** Gives up what was sent since the last commit. */
  close(): Promise<void>;
}

/** Marks our metadata among that of others that may use the group. */
const METADATA = /^alcedo:1:(\d+)$/;

/** Kafka's transaction is the commit: alerts, offsets and the checkpoint's number in their metadata. */
export class TransactionalCommitter implements Committer {
  readonly isTransactional = true;
  readonly #kafka: Kafka;
  readonly #options: TransactionalOptions;
  #producer: Producer | undefined;
  #transaction: Transaction | undefined;

  constructor(kafka: Kafka, options: TransactionalOptions) {
    this.#kafka = kafka;
    this.#options = options;
  }

  async open(): Promise<LastCommit | undefined> {
    const { transactionalId, transactionTimeout, compression, group, topics, task } = this.#options;
    this.#producer = await this.#kafka.producer({ transactionalId, transactionTimeout, compression });
    // First: what an older owner left open is aborted, so that the offsets read next are the last word.
    await this.#producer.fence();
    // Of its own partitions only: a transaction over those of another task may be open for long.
    return lastCommit(await this.#kafka.committed(group, topics, task), task);
  }

  async send(records: readonly ProducedRecord[]): Promise<void> {
    if (records.length === 0) return;
    this.#transaction ??= await this.#producer!.begin();
    await this.#transaction.send(records);
  }

  async commit(checkpoint: number, positions: Positions): Promise<void> {
    this.#transaction ??= await this.#producer!.begin();
    const { membership, topics, task, counts } = this.#options;
    const offsets = counts ? [{ topic: topics[0]!, partition: task, offset: checkpoint, metadata: metadataOf(checkpoint) }] : offsetsOf(positions, checkpoint, topics, task);
    await this.#transaction.commit(offsets.length === 0 ? undefined : { membership: membership(), offsets });
    this.#transaction = undefined;
  }

  async close(): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    // Where aborting fails the broker does it, at the latest when the id is used again.
    await transaction?.abort().catch(() => undefined);
    await this.#producer?.close().catch(() => undefined);
    this.#producer = undefined;
  }
}

export interface TransactionalOptions {
  readonly transactionalId: string;
  /** ms */
  readonly transactionTimeout: number;
  readonly compression: string | undefined;
  readonly group: string;
  /** Topics whose partition `task` the task reads; or the job's own topic of commits, where it reads none. */
  readonly topics: readonly string[];
  readonly task: number;
  /** The one topic holds nothing: its offset counts checkpoints. */
  readonly counts: boolean;
  readonly membership: () => GroupMembership;
}

/** Kafka is read, but nothing is written in transactions: offsets are committed when everything before them is delivered and saved. */
export class OffsetCommitter implements Committer {
  readonly isTransactional = false;
  readonly #kafka: Kafka;
  readonly #group: string;
  readonly #topics: readonly string[];
  readonly #task: number;

  constructor(kafka: Kafka, group: string, topics: readonly string[], task: number) {
    this.#kafka = kafka;
    this.#group = group;
    this.#topics = topics;
    this.#task = task;
  }

  async open(): Promise<LastCommit | undefined> { return lastCommit(await this.#kafka.committed(this.#group, this.#topics, this.#task), this.#task); }

  send(): Promise<void> { return Promise.reject(new Error('nothing is written in transactions here')); }

  async commit(checkpoint: number, positions: Positions): Promise<void> {
    await this.#kafka.commitOffsets(this.#group, offsetsOf(positions, checkpoint, this.#topics, this.#task));
  }

  async close(): Promise<void> {}
}

/** Without Kafka the newest checkpoint in the store is the last commit. */
export class StoreCommitter implements Committer {
  readonly isTransactional = false;
  async open(): Promise<'store'> { return 'store'; }
  send(): Promise<void> { return Promise.reject(new Error('nothing is written in transactions here')); }
  async commit(): Promise<void> {}
  async close(): Promise<void> {}
}

function lastCommit(committed: readonly CommittedOffset[], task: number): LastCommit | undefined {
  const positions = new Map<string, number>();
  let checkpoint = -1;
  for (const { topic, partition, offset, metadata } of committed) {
    if (partition !== task || offset < 0) continue;
    positions.set(`${topic}/${partition}`, offset);
    const number = METADATA.exec(metadata);
    if (number !== null) checkpoint = Math.max(checkpoint, Number(number[1]));
  }
  return positions.size === 0 ? undefined : { checkpoint, positions };
}

const metadataOf = (checkpoint: number): string => `alcedo:1:${checkpoint}`;

function offsetsOf(positions: Positions, checkpoint: number, topics: readonly string[], task: number): CommittedOffset[] {
  return topics.flatMap((topic) => {
    const offset = positions.get(`${topic}/${task}`);
    return offset === undefined ? [] : [{ topic, partition: task, offset, metadata: metadataOf(checkpoint) }];
  });
}
