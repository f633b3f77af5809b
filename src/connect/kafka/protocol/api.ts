/** The requests as bytes over a transport. One fixed version each, from those that Kafka 2.5 to 4.x understand. */
import type { CommittedOffset, TopicPartition, TopicSpec } from '../port.ts';
import type { Api, FetchRequest, FetchedPartition, Isolation, Joined, JoinRequest, Member, PartitionResult, ProduceRequest, ProducerIdentity, TopicMetadata } from '../client/api.ts';
import { MemberIdRequired, byTopic } from '../client/api.ts';
import { CODE, KafkaError } from '../errors.ts';
import { Reader, Writer } from './bytes.ts';
import { type Addresses, Links } from './links.ts';
import { type AbortedTransaction, decodeRecords, encodeRecords, fetchedBatch, RecordColumns } from './records.ts';
import type { Link, Transport } from './transport.ts';

/** ms for a request that the broker answers at once. */
const PROMPT = 15_000;

export class WireApi implements Api {
  readonly adapter: 'kafkajs' | 'platformatic';
  readonly #transport: Transport;
  readonly #addresses: Addresses;
  readonly #links: Links;
  readonly #checkCrc: boolean;

  constructor(transport: Transport, addresses: Addresses, checkCrc: boolean) {
    this.adapter = transport.adapter;
    this.#transport = transport;
    this.#addresses = addresses;
    this.#checkCrc = checkCrc;
    this.#links = new Links(transport, addresses);
  }

  session(): Api {
    return new WireApi(this.#transport, this.#addresses, this.#checkCrc);
  }

  close(): Promise<void> {
    return this.#links.close();
  }

  /** Metadata, version 5 */
  async metadata(topics: readonly string[] | undefined): Promise<readonly TopicMetadata[]> {
    const body = new Writer();
    if (topics === undefined) body.int32(-1);
    else body.array(topics, (topic) => body.string(topic));
    const answer = await this.#ask(await this.#links.any(), 3, 5, false, body.boolean(false));
    answer.int32(); // throttle time
    answer.array(() => {
      this.#addresses.learn(answer.int32(), answer.text(), answer.int32());
      answer.string(); // rack
    });
    answer.string(); // cluster id
    answer.int32(); // controller
    return answer.array(() => {
      const error = answer.int16();
      const topic = answer.text();
      answer.boolean(); // internal
      const leaders: number[] = [];
      answer.array(() => {
        answer.int16(); // error
        const partition = answer.int32();
        leaders[partition] = answer.int32();
        for (let lists = 0; lists < 3; lists++) answer.array(() => answer.int32()); // replicas, those in sync, those offline
      });
      return { topic, error, leaders };
    });
  }

  /** CreateTopics, version 3; any broker passes it on to the controller */
  async createTopics(topics: readonly TopicSpec[], timeout: number): Promise<readonly { topic: string; error: number; message?: string | undefined }[]> {
    const body = new Writer();
    body.array(topics, (spec) => {
      body.string(spec.topic).int32(spec.partitions).int16(spec.replicas ?? -1).array([], () => {});
      body.array(Object.entries(spec.config ?? {}), ([name, value]) => body.string(name).string(value));
    });
    const answer = await this.#ask(await this.#links.any(), 19, 3, false, body.int32(timeout).boolean(false), timeout + PROMPT);
    answer.int32();
    return answer.array(() => ({ topic: answer.text(), error: answer.int16(), message: answer.string() ?? undefined }));
  }

  /** FindCoordinator, version 1 */
  async coordinator(kind: 'group' | 'transaction', key: string): Promise<number> {
    const answer = await this.#ask(await this.#links.any(), 10, 1, false, new Writer().string(key).int8(kind === 'group' ? 0 : 1));
    answer.int32();
    const error = answer.int16();
    fail(error, answer.string());
    const node = answer.int32();
    this.#addresses.learn(node, answer.text(), answer.int32());
    return node;
  }

  /** ListOffsets, version 2 */
  async listOffsets(node: number, isolation: Isolation, wanted: readonly (TopicPartition & { time: number })[]): Promise<readonly (PartitionResult & { offset: number })[]> {
    const body = new Writer().int32(-1).int8(isolation === 'read_committed' ? 1 : 0);
    body.array(byTopic(wanted), ({ topic, partitions }) => body.string(topic).array(partitions, (p) => body.int32(p.partition).int64(p.time)));
    const answer = await this.#ask(await this.#links.to(node), 2, 2, false, body);
    answer.int32();
    return topicsOf(answer, (topic) => {
      const partition = answer.int32();
      const error = answer.int16();
      answer.int64(); // time
      return { topic, partition, error, offset: answer.int64() };
    });
  }

  /** Fetch, version 11, without a session */
  async fetch(node: number, request: FetchRequest): Promise<readonly FetchedPartition[]> {
    const offsets = new Map(request.partitions.map((p) => [`${p.topic}/${p.partition}`, p.offset]));
    const body = new Writer().int32(-1).int32(request.maxWait).int32(1).int32(request.maxBytes).int8(request.isolation === 'read_committed' ? 1 : 0).int32(0).int32(-1);
    body.array(byTopic(request.partitions), ({ topic, partitions }) =>
      body.string(topic).array(partitions, (p) => body.int32(p.partition).int32(-1).int64(p.offset).int64(-1).int32(p.maxBytes)));
    const answer = await this.#ask(await this.#links.to(node), 1, 11, false, body.array([], () => {}).string(''), request.maxWait + PROMPT);
    answer.int32();
    fail(answer.int16());
    answer.int32(); // session
    return topicsOf(answer, (topic) => {
      const partition = answer.int32();
      const error = answer.int16();
      const highWatermark = answer.int64();
      answer.int64(); // last stable offset
      answer.int64(); // first offset
      const aborted = answer.array(() => ({ producerId: answer.int64(), firstOffset: answer.int64() }));
      answer.int32(); // preferred replica
      const bytes = answer.data();
      const from = offsets.get(`${topic}/${partition}`) ?? 0;
      const columns = error === 0 ? this.#decode(`${topic}/${partition}`, bytes, from, request.isolation === 'read_committed' ? aborted : undefined) : new RecordColumns(from);
      return { topic, partition, error, highWatermark, batch: fetchedBatch(topic, partition, columns, highWatermark) };
    });
  }

  #decode(stream: string, bytes: Buffer, from: number, aborted: readonly AbortedTransaction[] | undefined): RecordColumns {
    try {
      return decodeRecords(bytes, from, aborted, this.#checkCrc);
    } catch (error) {
      throw error instanceof KafkaError ? new KafkaError(error.code, `${stream}: ${error.detail}`) : error;
    }
  }

  /** Produce, version 7, acknowledged by all replicas in sync */
  async produce(node: number, request: ProduceRequest): Promise<readonly PartitionResult[]> {
    const now = Date.now();
    const body = new Writer().string(request.transactionalId).int16(-1).int32(request.timeout);
    body.array(byTopic(request.partitions), ({ topic, partitions }) => body.string(topic).array(partitions, (p) => body.int32(p.partition).bytes(encodeRecords(p.records, {
      producerId: request.producerId, producerEpoch: request.producerEpoch, firstSequence: p.firstSequence,
      transactional: request.transactionalId !== null, codec: request.codec, now,
    }))));
    const answer = await this.#ask(await this.#links.to(node), 0, 7, false, body, request.timeout + PROMPT);
    return topicsOf(answer, (topic) => {
      const partition = answer.int32();
      const error = answer.int16();
      answer.int64(); // offset
      answer.int64(); // time
      answer.int64(); // first offset of the partition
      return { topic, partition, error };
    });
  }

  /** JoinGroup, version 5 */
  async join(node: number, request: JoinRequest): Promise<Joined> {
    const body = new Writer().string(request.group).int32(request.sessionTimeout).int32(request.rebalanceTimeout).string(request.memberId).string(null).string('consumer');
    body.array([request], (r) => body.string(r.protocol).bytes(r.metadata));
    const answer = await this.#ask(await this.#links.to(node), 11, 5, false, body, request.rebalanceTimeout + PROMPT);
    answer.int32();
    const error = answer.int16();
    const generation = answer.int32();
    answer.string(); // protocol
    const leader = answer.text();
    const memberId = answer.text();
    if (error === CODE.MEMBER_ID_REQUIRED) throw new MemberIdRequired(memberId);
    fail(error);
    const members = answer.array(() => {
      const id = answer.text();
      answer.string(); // instance
      return { memberId: id, metadata: answer.data() };
    });
    return { generation, memberId, leader, members };
  }

  /** SyncGroup, version 3 */
  async sync(node: number, member: Member, _protocol: string, assignments: readonly { memberId: string; assignment: Buffer }[]): Promise<Buffer> {
    const body = new Writer().string(member.group).int32(member.generation).string(member.memberId).string(null);
    body.array(assignments, (a) => body.string(a.memberId).bytes(a.assignment));
    const answer = await this.#ask(await this.#links.to(node), 14, 3, false, body, 60_000);
    answer.int32();
    fail(answer.int16());
    return answer.data();
  }

  /** Heartbeat, version 3 */
  async heartbeat(node: number, member: Member): Promise<void> {
    const answer = await this.#ask(await this.#links.to(node), 12, 3, false, new Writer().string(member.group).int32(member.generation).string(member.memberId).string(null));
    answer.int32();
    fail(answer.int16());
  }

  /** LeaveGroup, version 2 */
  async leave(node: number, group: string, memberId: string): Promise<void> {
    const answer = await this.#ask(await this.#links.to(node), 13, 2, false, new Writer().string(group).string(memberId));
    answer.int32();
    fail(answer.int16());
  }

  /** OffsetFetch, version 7 (flexible), stable offsets only */
  async committed(node: number, group: string, partitions: readonly TopicPartition[]): Promise<readonly (CommittedOffset & { error: number })[]> {
    const body = new Writer().compactString(group);
    body.compactArray(byTopic(partitions), (t) => body.compactString(t.topic).compactArray(t.partitions, (p) => body.int32(p.partition)).tags());
    const answer = await this.#ask(await this.#links.to(node), 9, 7, true, body.boolean(true).tags());
    answer.int32();
    const offsets = answer.compactArray(() => {
      const topic = answer.compactString() ?? '';
      const list = answer.compactArray(() => {
        const partition = answer.int32();
        const offset = answer.int64();
        answer.int32(); // leader epoch
        const metadata = answer.compactString() ?? '';
        const error = answer.int16();
        answer.tags();
        return { topic, partition, offset, metadata, error };
      });
      answer.tags();
      return list;
    });
    fail(answer.int16());
    return offsets.flat();
  }

  /** OffsetCommit, version 5 */
  async commitOffsets(node: number, member: Member, offsets: readonly CommittedOffset[]): Promise<readonly PartitionResult[]> {
    const body = new Writer().string(member.group).int32(member.generation).string(member.memberId);
    body.array(byTopic(offsets), (t) => body.string(t.topic).array(t.partitions, (p) => body.int32(p.partition).int64(p.offset).string(p.metadata)));
    const answer = await this.#ask(await this.#links.to(node), 8, 5, false, body);
    answer.int32();
    return resultsOf(answer);
  }

  /** InitProducerId, version 3 (flexible) */
  async initProducer(node: number, transactionalId: string | null, transactionTimeout: number, current: ProducerIdentity | undefined): Promise<{ producerId: number; producerEpoch: number }> {
    const link = transactionalId === null ? await this.#links.any() : await this.#links.to(node);
    const body = new Writer().compactString(transactionalId).int32(transactionTimeout).int64(current?.producerId ?? -1).int16(current?.producerEpoch ?? -1).tags();
    const answer = await this.#ask(link, 22, 3, true, body);
    answer.int32();
    fail(answer.int16());
    return { producerId: answer.int64(), producerEpoch: answer.int16() };
  }

  /** AddPartitionsToTxn, version 1 */
  async addPartitions(node: number, producer: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<readonly PartitionResult[]> {
    const body = new Writer().string(producer.transactionalId).int64(producer.producerId).int16(producer.producerEpoch);
    body.array(byTopic(partitions), (t) => body.string(t.topic).array(t.partitions, (p) => body.int32(p.partition)));
    const answer = await this.#ask(await this.#links.to(node), 24, 1, false, body);
    answer.int32();
    return resultsOf(answer);
  }

  /** AddOffsetsToTxn, version 1 */
  async addOffsets(node: number, producer: ProducerIdentity, group: string): Promise<void> {
    const body = new Writer().string(producer.transactionalId).int64(producer.producerId).int16(producer.producerEpoch).string(group);
    const answer = await this.#ask(await this.#links.to(node), 25, 1, false, body);
    answer.int32();
    fail(answer.int16());
  }

  /** TxnOffsetCommit, version 3 (flexible): the first that tells the group's generation */
  async commitOffsetsInTransaction(node: number, producer: ProducerIdentity, member: Member, offsets: readonly CommittedOffset[]): Promise<readonly PartitionResult[]> {
    const body = new Writer().compactString(producer.transactionalId).compactString(member.group).int64(producer.producerId).int16(producer.producerEpoch)
      .int32(member.generation).compactString(member.memberId).compactString(null);
    body.compactArray(byTopic(offsets), (t) => body.compactString(t.topic)
      .compactArray(t.partitions, (p) => body.int32(p.partition).int64(p.offset).int32(-1).compactString(p.metadata).tags()).tags());
    const answer = await this.#ask(await this.#links.to(node), 28, 3, true, body.tags());
    answer.int32();
    return answer.compactArray(() => {
      const topic = answer.compactString() ?? '';
      const results = answer.compactArray(() => {
        const result = { topic, partition: answer.int32(), error: answer.int16() };
        answer.tags();
        return result;
      });
      answer.tags();
      return results;
    }).flat();
  }

  /** EndTxn, version 1 */
  async endTransaction(node: number, producer: ProducerIdentity, commit: boolean): Promise<void> {
    const body = new Writer().string(producer.transactionalId).int64(producer.producerId).int16(producer.producerEpoch).boolean(commit);
    const answer = await this.#ask(await this.#links.to(node), 26, 1, false, body);
    answer.int32();
    fail(answer.int16());
  }

  async #ask(link: Link, key: number, version: number, flexible: boolean, body: Writer, timeout = PROMPT): Promise<Reader> {
    return new Reader(await link.request(key, version, flexible, body.finish(), timeout));
  }
}

function fail(error: number, detail?: string | null): void {
  if (error !== CODE.NONE) throw new KafkaError(error, detail ?? '');
}

function topicsOf<T>(answer: Reader, read: (topic: string) => T): T[] {
  return answer.array(() => {
    const topic = answer.text();
    return answer.array(() => read(topic));
  }).flat();
}

function resultsOf(answer: Reader): PartitionResult[] {
  return topicsOf(answer, (topic) => ({ topic, partition: answer.int32(), error: answer.int16() }));
}
