/**
 * The requests a Kafka client makes, one function each, free of retries and of caches. Two things answer them: brokers behind a connection
 * (protocol/), and the in-process broker (memory/). What a client *does* with them (groups, transactions, fetching) is written once, in this folder.
 *
 * `node` is a broker's number. Every function throws KafkaError: Kafka's code, or NETWORK when no answer came.
 */
import type { CommittedOffset, FetchedBatch, ProducedRecord, TopicPartition, TopicSpec } from '../port.ts';

export interface TopicMetadata {
  readonly topic: string;
  readonly error: number;
  /** By partition: the broker that leads it; below 0: none at the moment. */
  readonly leaders: readonly number[];
}

export type Isolation = 'read_committed' | 'read_uncommitted';

export interface FetchRequest {
  readonly isolation: Isolation;
  /** ms that the broker may wait for data */
  readonly maxWait: number;
  readonly maxBytes: number;
  readonly partitions: readonly (TopicPartition & { readonly offset: number; readonly maxBytes: number })[];
}

export interface FetchedPartition extends TopicPartition {
  readonly error: number;
  readonly highWatermark: number;
  /** Without records where `error` is set; `next` is then the offset that was asked for. */
  readonly batch: FetchedBatch;
}

export interface ProducerIdentity { readonly transactionalId: string | null; readonly producerId: number; readonly producerEpoch: number }

export interface ProduceRequest extends ProducerIdentity {
  /** ms the broker may take until all replicas in sync have it */
  readonly timeout: number;
  readonly codec: number;
  readonly partitions: readonly (TopicPartition & { readonly firstSequence: number; readonly records: readonly ProducedRecord[] })[];
}

export interface PartitionResult extends TopicPartition { readonly error: number; readonly message?: string | undefined }

/** `generation` -1 and member '' stand for no member. */
export interface Member { readonly group: string; readonly generation: number; readonly memberId: string }

export interface JoinRequest {
  readonly group: string;
  readonly memberId: string;
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  readonly protocol: string;
  readonly metadata: Buffer;
}

export interface Joined {
  readonly generation: number;
  readonly memberId: string;
  readonly leader: string;
  /** Of all members, for the leader alone. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

/** Error of a join that must be repeated with the id it brings. */
export class MemberIdRequired extends Error {
  override readonly name = 'MemberIdRequired';
  readonly memberId: string;

  constructor(memberId: string) {
    super('The group asks to join again with the member id it gave.');
    this.memberId = memberId;
  }
}

export interface Api {
  readonly adapter: 'kafkajs' | 'platformatic' | 'memory';
  /** The same brokers over connections of its own: a broker answers the requests of one connection one after the other. Close it when done. */
  session(purpose: string): Api;
  close(): Promise<void>;

  /** Of all topics where none are named. Topics that are not there come with their error. */
  metadata(topics: readonly string[] | undefined): Promise<readonly TopicMetadata[]>;
  createTopics(topics: readonly TopicSpec[], timeout: number): Promise<readonly { readonly topic: string; readonly error: number; readonly message?: string | undefined }[]>;
  coordinator(kind: 'group' | 'transaction', key: string): Promise<number>;

  /** `time` -2: the first offset; -1: behind the last; else the first at or after that time, offset -1 where there is none. */
  listOffsets(node: number, isolation: Isolation, wanted: readonly (TopicPartition & { readonly time: number })[]): Promise<readonly (PartitionResult & { readonly offset: number })[]>;
  fetch(node: number, request: FetchRequest): Promise<readonly FetchedPartition[]>;
  produce(node: number, request: ProduceRequest): Promise<readonly PartitionResult[]>;

  /** @throws MemberIdRequired */
  join(node: number, request: JoinRequest): Promise<Joined>;
  sync(node: number, member: Member, protocol: string, assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]): Promise<Buffer>;
  heartbeat(node: number, member: Member): Promise<void>;
  leave(node: number, group: string, memberId: string): Promise<void>;
  /** Only what no open transaction may still change (else UNSTABLE_OFFSET_COMMIT). All partitions of the group where none are named; offset -1: none committed. */
  committed(node: number, group: string, partitions: readonly TopicPartition[]): Promise<readonly (CommittedOffset & { readonly error: number })[]>;
  commitOffsets(node: number, member: Member, offsets: readonly CommittedOffset[]): Promise<readonly PartitionResult[]>;

  /** With `current`: a new epoch for that producer, refused (PRODUCER_FENCED) when it is no longer the newest; without: takes the transactional id over. */
  initProducer(node: number, transactionalId: string | null, transactionTimeout: number, current: ProducerIdentity | undefined): Promise<{ readonly producerId: number; readonly producerEpoch: number }>;
  addPartitions(node: number, producer: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<readonly PartitionResult[]>;
  addOffsets(node: number, producer: ProducerIdentity, group: string): Promise<void>;
  commitOffsetsInTransaction(node: number, producer: ProducerIdentity, member: Member, offsets: readonly CommittedOffset[]): Promise<readonly PartitionResult[]>;
  endTransaction(node: number, producer: ProducerIdentity, commit: boolean): Promise<void>;
}

/** Partitions grouped by topic, in the order they come. */
export function byTopic<T extends TopicPartition>(partitions: readonly T[]): { readonly topic: string; readonly partitions: readonly T[] }[] {
  const topics = new Map<string, T[]>();
  for (const partition of partitions) {
    const list = topics.get(partition.topic);
    if (list === undefined) topics.set(partition.topic, [partition]);
    else list.push(partition);
  }
  return [...topics].map(([topic, list]) => ({ topic, partitions: list }));
}
