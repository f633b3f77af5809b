/** Kafka as the port has it, over any Api. */
import { CODE, KafkaError } from '../errors.ts';
import type { CommittedOffset, ConsumeOptions, Consumer, FetchedBatch, Kafka, Producer, TopicPartition, TopicSpec } from '../port.ts';
import { CODECS } from '../protocol/codecs.ts';
import type { Log } from '../../types.ts';
import type { Api, Isolation } from './api.ts';
import { Cluster, failFirst } from './cluster.ts';
import { GroupConsumer } from './consumer.ts';
import { asMember } from './group.ts';
import { IdempotentProducer, type ProducerOptions } from './producer.ts';

const EARLIEST = -2;
const LATEST = -1;
/** ms for the first answer of a broker. */
const FIRST_ANSWER = 10_000;
const READ_BYTES = 1024 * 1024;

export class KafkaClient implements Kafka {
  readonly adapter: Kafka['adapter'];
  readonly fencing = 'group';
  readonly codecs = CODECS;
  readonly #api: Api;
  readonly #log: Log;
  readonly #cluster: Cluster;
  readonly #consumers = new Map<GroupConsumer, string>();
  readonly #producers = new Set<IdempotentProducer>();
  readonly #reads = new Set<Api>();

  private constructor(api: Api, log: Log) {
    this.adapter = api.adapter;
    this.#api = api;
    this.#log = log;
    this.#cluster = new Cluster(api);
  }

  /** @throws Error when no broker answers within 10 s */
  static async open(api: Api, log: Log, brokers: readonly string[]): Promise<KafkaClient> {
    const client = new KafkaClient(api, log);
    try {
      await client.#cluster.retrying({ what: `connect to Kafka at ${brokers.join(', ')}`, patience: FIRST_ANSWER }, () => api.metadata([]));
      return client;
    } catch (error) {
      await api.close();
      throw error;
    }
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const there = await this.topics();
    const missing = topics.filter((spec) => !there.has(spec.topic));
    if (missing.length > 0) {
      await this.#retrying(`create topic ${missing.map((spec) => spec.topic).join(', ')}`, async () => {
        const results = await this.#api.createTopics(missing, 30_000);
        failFirst(results.filter((r) => r.error !== CODE.TOPIC_ALREADY_EXISTS).map((r) => ({ ...r, partition: 0 })));
      });
    }
    for (const { topic } of topics) await this.#leaders(topic);
  }

  async topics(): Promise<ReadonlyMap<string, number>> {
    const all = await this.#retrying('list the topics', () => this.#api.metadata(undefined));
    return new Map(all.map((topic) => [topic.topic, topic.leaders.length]));
  }

  endOffsets(topic: string, isolation: Isolation = 'read_uncommitted'): Promise<readonly number[]> {
    return this.#list(topic, LATEST, isolation);
  }

  startOffsets(topic: string): Promise<readonly number[]> {
    return this.#list(topic, EARLIEST, 'read_uncommitted');
  }

  async offsetsAt(topic: string, time: number): Promise<readonly number[]> {
    const found = await this.#list(topic, Math.max(time, 0), 'read_uncommitted');
    if (!found.includes(-1)) return found;
    const ends = await this.endOffsets(topic);
    return found.map((offset, partition) => (offset < 0 ? ends[partition]! : offset));
  }

  async committed(group: string, topics: readonly string[], only?: number): Promise<readonly CommittedOffset[]> {
    const partitions: TopicPartition[] = [];
    for (const topic of topics) partitions.push(...(await this.#leaders(topic)).map((_, partition) => ({ topic, partition })).filter(({ partition }) => only === undefined || partition === only));
    const offsets = partitions.length === 0 ? [] : await this.#committed(group, partitions);
    return offsets.filter(({ offset }) => offset >= 0);
  }

  async commitOffsets(group: string, offsets: readonly CommittedOffset[]): Promise<void> {
    // A group that has members takes offsets from them only: from the one that is of this client.
    const own = [...this.#consumers].find(([, name]) => name === group)?.[0].membership() ?? { group, generation: -1, memberId: '' };
    await asMember(own, (member) => this.#retrying(`commit offsets of group ${group}`, async () =>
      failFirst(await this.#api.commitOffsets(await this.#cluster.coordinator('group', group), member, offsets))));
  }

  async read(topic: string, partition: number, from: number, to: number, isolation: Isolation, visit: (batch: FetchedBatch) => void | Promise<void>): Promise<void> {
    const session = this.#api.session('read');
    this.#reads.add(session);
    try {
      for (let offset = from; offset < to;) {
        const at = offset;
        const part = await this.#retrying(`read ${topic}/${partition}`, async () => {
          const node = await this.#cluster.leader({ topic, partition });
          const [fetched] = await session.fetch(node, { isolation, maxWait: 500, maxBytes: READ_BYTES, partitions: [{ topic, partition, offset: at, maxBytes: READ_BYTES }] });
          if (fetched === undefined) throw new KafkaError(CODE.NETWORK, 'an empty answer');
          if (fetched.error !== CODE.NONE) throw new KafkaError(fetched.error, `offset ${at}`);
          return fetched;
        });
        offset = part.batch.next;
        if (offset > at) await visit(offset > to ? cut(part.batch, to) : part.batch);
        else if (await this.#nothingMore(topic, partition, at, isolation)) return;
      }
    } finally {
      this.#reads.delete(session);
      await session.close();
    }
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    for (const topic of options.topics) await this.#leaders(topic);
    const log = this.#log.child({ group: options.group });
    const consumer: GroupConsumer = new GroupConsumer(this.#api, this.#cluster, options, log,
      (group, partitions, from) => this.#startAt(group, partitions, from),
      async ({ topic, partition }) => [(await this.startOffsets(topic))[partition]!, (await this.endOffsets(topic, options.isolation))[partition]!],
      () => this.#consumers.delete(consumer));
    this.#consumers.set(consumer, options.group);
    return consumer;
  }

  async producer(options: ProducerOptions): Promise<Producer> {
    const producer: IdempotentProducer = new IdempotentProducer(this.#api, this.#cluster, options, () => this.#producers.delete(producer));
    this.#producers.add(producer);
    return producer;
  }

  async close(): Promise<void> {
    // Consumers hand over what they hold, for which their owner may still want to commit.
    await Promise.all([...this.#consumers.keys()].map((consumer) => consumer.close()));
    await Promise.all([...this.#producers].map((producer) => producer.close()));
    this.#cluster.close();
    await Promise.all([this.#api, ...this.#reads].map((api) => api.close()));
  }

  #retrying<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return this.#cluster.retrying({ what }, attempt);
  }

  #leaders(topic: string): Promise<readonly number[]> {
    // A topic that has just been made is not known to every broker at once; one that is not there stays unknown.
    return this.#cluster.retrying({ what: `find topic ${topic}`, patience: FIRST_ANSWER }, () => this.#cluster.leaders(topic));
  }

  async #list(topic: string, time: number, isolation: Isolation): Promise<readonly number[]> {
    return this.#retrying(`list the offsets of ${topic}`, async () => {
      const leaders = await this.#cluster.leaders(topic);
      const nodes = await this.#cluster.byLeader(leaders.map((_, partition) => ({ topic, partition, time })));
      const results = (await Promise.all([...nodes].map(([node, wanted]) => this.#api.listOffsets(node, isolation, wanted)))).flat();
      failFirst(results);
      const offsets = leaders.map(() => -1);
      for (const { partition, offset } of results) offsets[partition] = offset;
      return offsets;
    });
  }

  #committed(group: string, partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    return this.#retrying(`read the offsets of group ${group}`, async () => {
      const offsets = await this.#api.committed(await this.#cluster.coordinator('group', group), group, partitions);
      failFirst(offsets);
      return offsets.map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset, metadata }));
    });
  }

  async #startAt(group: string, partitions: readonly TopicPartition[], from: 'earliest' | 'latest'): Promise<ReadonlyMap<string, number>> {
    const start = new Map<string, number>();
    for (const { topic, partition, offset } of await this.#committed(group, partitions)) if (offset >= 0) start.set(`${topic}/${partition}`, offset);
    for (const topic of new Set(partitions.map((p) => p.topic))) {
      const open = partitions.filter((p) => p.topic === topic && !start.has(`${topic}/${p.partition}`));
      if (open.length === 0) continue;
      const offsets = await this.#list(topic, from === 'earliest' ? EARLIEST : LATEST, 'read_uncommitted');
      for (const { partition } of open) start.set(`${topic}/${partition}`, offsets[partition]!);
    }
    return start;
  }

  /** A read found nothing: is that all there is, or will an open transaction still end? */
  async #nothingMore(topic: string, partition: number, offset: number, isolation: Isolation): Promise<boolean> {
    return (await this.endOffsets(topic, isolation))[partition]! <= offset;
  }
}

/** The records below `to`. */
function cut(batch: FetchedBatch, to: number): FetchedBatch {
  let count = 0;
  while (count < batch.count && batch.offsets[count]! < to) count++;
  return {
    ...batch, count, next: to,
    keys: batch.keys.slice(0, count), values: batch.values.slice(0, count),
    offsets: Array.from(batch.offsets).slice(0, count), times: Array.from(batch.times).slice(0, count),
    header: (i, name) => batch.header(i, name),
  };
}
