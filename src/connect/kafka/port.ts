/**
 * Kafka as the job sees it, whatever client is behind it. Adapters: `kafkajs` (default), `platformatic`, and `memory`, an in-process log with Kafka's
 * semantics (partitions, offsets, consumer groups, transactions). One contract suite runs against all three.
 *
 * The partitioner is ours (murmur2, as Java's default), not the client's, so that keys lie alike whatever wrote them.
 */
import type { Log } from '../types.ts';

export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Passed to the client as it is: `true`, or Node's TLS options. */
  readonly tls?: boolean | object | undefined;
  readonly sasl?: { readonly mechanism: string; readonly username: string; readonly password: string } | undefined;
  /** Whether what is fetched is held against its checksums. Default: true. */
  readonly checkCrc?: boolean | undefined;
  readonly log: Log;
}

export interface TopicPartition { readonly topic: string; readonly partition: number }

/** A batch of one partition's records, in order of offset. Valid until the promise of `onBatch` settles. */
export interface FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly count: number;
  readonly keys: readonly (Uint8Array | null)[];
  readonly values: readonly (Uint8Array | null)[];
  readonly offsets: ArrayLike<number>;
  /** ms since the epoch */
  readonly times: ArrayLike<number>;
  header(i: number, name: string): string | undefined;
  /** Offset to go on from: behind the last record of the fetch, control records and aborted ones included. */
  readonly next: number;
  readonly highWatermark: number;
}

export interface ConsumeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Where a partition without a committed offset, and that `onAssigned` says nothing of, is read from. */
  readonly from: 'earliest' | 'latest';
  readonly isolation: 'read_committed' | 'read_uncommitted';
  readonly sessionTimeout?: number | undefined;
  /**
   * Partitions given to this member: partition number i of all topics always goes to one member (co-partitioned). Resolves with the offsets to read
   * from; nothing is fetched for them before that. Called only with newly given ones.
   */
  onAssigned(partitions: readonly TopicPartition[]): Promise<readonly (TopicPartition & { readonly offset: number })[]>;
  /** Partitions taken away. `lost`: the group has gone on without this member. The rebalance waits for the promise where the client can. */
  onRevoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void>;
  /** Heart-beats go on while the promise is pending, for as long as it takes. */
  onBatch(batch: FetchedBatch): Promise<void>;
  onError(error: Error): void;
}

export interface Consumer {
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  seek(partition: TopicPartition, offset: number): void;
  /** Whether the partition's silence is its own: false while the broker that leads it is away, or has not been asked yet. */
  answers(partition: TopicPartition): boolean;
  /** `dealing`: the group has not dealt out to this member, or it has lost its place; `opening`: onAssigned is under way; `open`: all that was given, be it nothing, is read. */
  readonly stage: 'dealing' | 'opening' | 'open';
  /** What fences commits by group, where the client can: pass it to `Transaction.commit`. */
  membership(): GroupMembership;
  close(): Promise<void>;
}

export interface GroupMembership { readonly group: string; readonly generation: number; readonly memberId: string }

export interface ProducedRecord {
  readonly topic: string;
  /** undefined: by the key's murmur2; no key: 0 */
  readonly partition?: number | undefined;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly time?: number | undefined;
}

export interface CommittedOffset extends TopicPartition { readonly offset: number; readonly metadata: string }

/** A producer that is idempotent, or transactional where a transactional id is given. One caller at a time. */
export interface Producer {
  /** Without a transaction. */
  send(records: readonly ProducedRecord[]): Promise<void>;
  /** Fences and aborts what an older owner of the transactional id left open. To be called, and awaited, before the committed offsets are read. */
  fence(): Promise<void>;
  /** Opens a transaction; the first request goes out with the first send or commit. */
  begin(): Promise<Transaction>;
  close(): Promise<void>;
}

export interface Transaction {
  send(records: readonly ProducedRecord[]): Promise<void>;
  /** Adds the offsets with their metadata, then commits: the single point at which all of it becomes visible. Throws FencedError if someone else has taken over. */
  commit(offsets: { readonly membership: GroupMembership; readonly offsets: readonly CommittedOffset[] } | undefined): Promise<void>;
  abort(): Promise<void>;
}

/** Another process has taken over this transactional id, or this member is no longer of the group: stop writing, drop the task. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

export interface TopicSpec { readonly topic: string; readonly partitions: number; readonly replicas?: number | undefined; readonly config?: Readonly<Record<string, string>> | undefined }

export interface Kafka {
  readonly adapter: 'kafkajs' | 'platformatic' | 'memory';
  /** How a commit of a zombie is refused: by the transactional id alone, or by the group's generation too. */
  readonly fencing: 'transactional id' | 'group';
  readonly codecs: readonly string[];
  /** Creates those that are not there; resolves when all have leaders. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** Names of all topics, with their number of partitions. */
  topics(): Promise<ReadonlyMap<string, number>>;
  /** Offsets behind the last record of each partition (of committed ones, where `isolation` says so). */
  endOffsets(topic: string, isolation?: 'read_committed' | 'read_uncommitted'): Promise<readonly number[]>;
  startOffsets(topic: string): Promise<readonly number[]>;
  /** The first offset at or after a time, per partition; the end where there is none. */
  offsetsAt(topic: string, time: number): Promise<readonly number[]>;
  /** Of one partition of each topic, or of all. Waits while a transaction over any of them is open. */
  committed(group: string, topics: readonly string[], partition?: number): Promise<readonly CommittedOffset[]>;
  /** Commits offsets outside a transaction (at least once). */
  commitOffsets(group: string, offsets: readonly CommittedOffset[]): Promise<void>;
  /** Reads a range of one partition without a group, from `from` up to but not including `to`. */
  read(topic: string, partition: number, from: number, to: number, isolation: 'read_committed' | 'read_uncommitted', visit: (batch: FetchedBatch) => void | Promise<void>): Promise<void>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  producer(options: { readonly transactionalId?: string | undefined; readonly transactionTimeout?: number | undefined; readonly compression?: string | undefined }): Promise<Producer>;
  close(): Promise<void>;
}
