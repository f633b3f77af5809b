/** Kafka in this process: for a first look, for tests, and for trying a job out. Nothing is written to disk. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, FetchedPartition, FetchRequest, Isolation, Joined, JoinRequest, Member, PartitionResult, ProduceRequest, ProducerIdentity, TopicMetadata } from '../client/api.ts';
import { KafkaClient } from '../client/kafka.ts';
import { CODE, KafkaError } from '../errors.ts';
import type { CommittedOffset, Kafka, KafkaConnection, TopicPartition, TopicSpec } from '../port.ts';
import { RecordColumns, fetchedBatch } from '../protocol/records.ts';
import { Groups } from './groups.ts';
import { PartitionLog } from './log.ts';
import { Transactions } from './transactions.ts';

export interface MemoryBrokerOptions {
  /** Records that each partition keeps at least; older ones go. Default: all. */
  readonly retainedRecords?: number | undefined;
}

/** The broker; any number of clients may share it. */
export class MemoryBroker {
  readonly topics = new Map<string, readonly PartitionLog[]>();
  readonly groups = new Groups();
  readonly transactions = new Transactions(this.groups);
  readonly #retained: number;

  constructor(options: MemoryBrokerOptions = {}) {
    this.#retained = options.retainedRecords ?? Infinity;
  }

  create(spec: TopicSpec): number {
    if (this.topics.has(spec.topic)) return CODE.TOPIC_ALREADY_EXISTS;
    this.topics.set(spec.topic, Array.from({ length: spec.partitions }, (_, partition) => new PartitionLog(spec.topic, partition, this.#retained)));
    return CODE.NONE;
  }

  log({ topic, partition }: TopicPartition): PartitionLog | undefined {
    return this.topics.get(topic)?.[partition];
  }
}

/** A client of an in-process broker. */
export function openMemoryKafka(broker: MemoryBroker, connection: Pick<KafkaConnection, 'log'>): Promise<Kafka> {
  return KafkaClient.open(new MemoryApi(broker), connection.log, ['this process']);
}

const NODE = 1;

class MemoryApi implements Api {
  readonly adapter = 'memory';
  readonly #broker: MemoryBroker;
  readonly #closing = new AbortController();

  constructor(broker: MemoryBroker) {
    this.#broker = broker;
  }

  session(): Api {
    return new MemoryApi(this.#broker);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async metadata(topics: readonly string[] | undefined): Promise<readonly TopicMetadata[]> {
    this.#check();
    return (topics ?? [...this.#broker.topics.keys()]).map((topic) => {
      const logs = this.#broker.topics.get(topic);
      return { topic, error: logs === undefined ? CODE.UNKNOWN_TOPIC_OR_PARTITION : CODE.NONE, leaders: logs?.map(() => NODE) ?? [] };
    });
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<readonly { topic: string; error: number }[]> {
    this.#check();
    return topics.map((spec) => ({ topic: spec.topic, error: this.#broker.create(spec) }));
  }

  async coordinator(): Promise<number> {
    this.#check();
    return NODE;
  }

  async listOffsets(_node: number, isolation: Isolation, wanted: readonly (TopicPartition & { time: number })[]): Promise<readonly (PartitionResult & { offset: number })[]> {
    this.#check();
    return wanted.map(({ topic, partition, time }) => {
      const log = this.#broker.log({ topic, partition });
      if (log === undefined) return { topic, partition, error: CODE.UNKNOWN_TOPIC_OR_PARTITION, offset: -1 };
      return { topic, partition, error: CODE.NONE, offset: time === -2 ? log.start : time === -1 ? log.limit(isolation) : log.offsetAt(time) };
    });
  }

  async fetch(_node: number, request: FetchRequest): Promise<readonly FetchedPartition[]> {
    this.#check();
    const wanted = request.partitions.map((p) => ({ ...p, log: this.#broker.log(p) }));
    const deadline = Date.now() + request.maxWait;
    const empty = (): boolean => wanted.every(({ log, offset }) => log !== undefined && offset >= log.start && offset <= log.end && offset >= log.limit(request.isolation));
    while (empty() && Date.now() < deadline && !this.#closing.signal.aborted) await this.#change(wanted.map(({ log }) => log!), deadline - Date.now());
    // Each answer in a turn of its own, as from a socket: a consumer of memory must not starve timers and files.
    await new Promise((resolve) => { setImmediate(resolve); });
    this.#check();
    return wanted.map(({ topic, partition, log, offset, maxBytes }) => {
      const error = log === undefined ? CODE.UNKNOWN_TOPIC_OR_PARTITION : offset < log.start || offset > log.end ? CODE.OFFSET_OUT_OF_RANGE : CODE.NONE;
      const highWatermark = log?.end ?? -1;
      const batch = error === CODE.NONE ? log!.read(offset, request.isolation, maxBytes) : fetchedBatch(topic, partition, new RecordColumns(offset), highWatermark);
      return { topic, partition, error, highWatermark, batch };
    });
  }

  async produce(_node: number, request: ProduceRequest): Promise<readonly PartitionResult[]> {
    this.#check();
    return request.partitions.map((p) => {
      const log = this.#broker.log(p);
      const place = { topic: p.topic, partition: p.partition };
      if (log === undefined) return { ...place, error: CODE.UNKNOWN_TOPIC_OR_PARTITION };
      try {
        if (request.transactionalId !== null) this.#broker.transactions.checkProduce(request, p);
        return { ...place, error: log.append({ ...request, ...p, transactional: request.transactionalId !== null }) };
      } catch (error) {
        if (error instanceof KafkaError) return { ...place, error: error.code };
        throw error;
      }
    });
  }

  async join(_node: number, request: JoinRequest): Promise<Joined> {
    this.#check();
    return this.#orClosed(this.#broker.groups.join(request));
  }

  async sync(_node: number, member: Member, _protocol: string, assignments: readonly { memberId: string; assignment: Buffer }[]): Promise<Buffer> {
    this.#check();
    return this.#orClosed(this.#broker.groups.sync(member, assignments));
  }

  async heartbeat(_node: number, member: Member): Promise<void> {
    this.#check();
    this.#broker.groups.heartbeat(member);
  }

  async leave(_node: number, group: string, memberId: string): Promise<void> {
    this.#check();
    this.#broker.groups.leave(group, memberId);
  }

  async committed(_node: number, group: string, partitions: readonly TopicPartition[]): Promise<readonly (CommittedOffset & { error: number })[]> {
    this.#check();
    return this.#broker.groups.committed(group, partitions);
  }

  async commitOffsets(_node: number, member: Member, offsets: readonly CommittedOffset[]): Promise<readonly PartitionResult[]> {
    this.#check();
    return this.#broker.groups.commit(member, offsets);
  }

  async initProducer(_node: number, transactionalId: string | null, transactionTimeout: number, current: ProducerIdentity | undefined): Promise<{ producerId: number; producerEpoch: number }> {
    this.#check();
    return this.#broker.transactions.init(transactionalId, transactionTimeout, current);
  }

  async addPartitions(_node: number, producer: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<readonly PartitionResult[]> {
    this.#check();
    const known = partitions.map((p) => ({ ...p, log: this.#broker.log(p) }));
    const unknown = known.filter(({ log }) => log === undefined);
    if (unknown.length > 0) return unknown.map(({ topic, partition }) => ({ topic, partition, error: CODE.UNKNOWN_TOPIC_OR_PARTITION }));
    this.#broker.transactions.addPartitions(producer, known as (TopicPartition & { log: PartitionLog })[]);
    return partitions.map(({ topic, partition }) => ({ topic, partition, error: CODE.NONE }));
  }

  async addOffsets(_node: number, producer: ProducerIdentity, group: string): Promise<void> {
    this.#check();
    this.#broker.transactions.addOffsets(producer, group);
  }

  async commitOffsetsInTransaction(_node: number, producer: ProducerIdentity, member: Member, offsets: readonly CommittedOffset[]): Promise<readonly PartitionResult[]> {
    this.#check();
    this.#broker.transactions.checkOffsets(producer, member.group);
    return this.#broker.groups.commitInTransaction(producer.producerId, member, offsets);
  }

  async endTransaction(_node: number, producer: ProducerIdentity, commit: boolean): Promise<void> {
    this.#check();
    this.#broker.transactions.end(producer, commit);
  }

  #check(): void {
    if (this.#closing.signal.aborted) throw new KafkaError(CODE.NETWORK, 'the client is closed');
  }

  /** Waits until one of the logs has changed, the time is over, or this client is closed. */
  async #change(logs: readonly PartitionLog[], wait: number): Promise<void> {
    const over = new AbortController();
    const stop = (): void => over.abort();
    this.#closing.signal.addEventListener('abort', stop);
    const listening = logs.map((log) => log.onChange(stop));
    await sleep(wait, undefined, { signal: over.signal }).catch(() => { /* woken */ });
    this.#closing.signal.removeEventListener('abort', stop);
    for (const forget of listening) forget();
  }

  #orClosed<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const closed = (): void => reject(new KafkaError(CODE.NETWORK, 'the client is closed'));
      this.#closing.signal.addEventListener('abort', closed, { once: true });
      work.then(resolve, reject).finally(() => this.#closing.signal.removeEventListener('abort', closed));
    });
  }
}
