/** The Kafka topics of a job as one source: partition i of all of them is task i. */
import type { RecordBatch, Source, SourceHost, StreamStatus } from '../types.ts';
import type { Consumer, ConsumeOptions, FetchedBatch, GroupMembership, Kafka, TopicPartition } from './port.ts';

export type KafkaStart = 'earliest' | 'latest' | 'committed' | number;

export interface KafkaTopic {
  readonly topic: string;
  readonly start: KafkaStart;
  readonly isolation: ConsumeOptions['isolation'];
  /** Event type of a record by its topic or its header. */
  readonly typeOf: ((header: (name: string) => string | undefined) => string | undefined) | undefined;
}

export interface KafkaSourceOptions {
  readonly name: string;
  readonly group: string;
  /** ms */
  readonly sessionTimeout: number;
  readonly topics: readonly KafkaTopic[];
}

/** In place of an offset: the first record there is, whatever `start` says. */
export const EARLIEST = -1;

/** ms */
const ENDS_EVERY = 2000;

const streamOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

export class KafkaSource implements Source {
  readonly name: string;
  readonly #kafka: Kafka;
  readonly #options: KafkaSourceOptions;
  readonly #topics: ReadonlyMap<string, KafkaTopic>;
  /**
   * Per stream: records behind what was last handed over; and while a batch is worked on, its offset and the end of the partition as far as known. The end
   * counts markers of transactions too, which are no records: it says nothing of a stream that has been read to its end.
   */
  readonly #status = new Map<string, { behind: number; position: number; end: number }>();
  /** Asks for ends while nothing is fetched, as under back-pressure: the lag is wanted most then. */
  #ends: NodeJS.Timeout | undefined;
  /** Work of a task, one call after the other: batches of two topics may come at once. */
  readonly #turns = new Map<number, Promise<void>>();
  #consumer: Consumer | undefined;
  #stopping = false;

  constructor(kafka: Kafka, options: KafkaSourceOptions) {
    this.name = options.name;
    this.#kafka = kafka;
    this.#options = options;
    this.#topics = new Map(options.topics.map((topic) => [topic.topic, topic]));
  }

  /** Who this member is to the group, for commits. */
  membership(): GroupMembership {
    if (this.#consumer === undefined) throw new Error('the job is not in its group yet');
    return this.#consumer.membership();
  }

  /** How far this process is in having and reading its share of the partitions. */
  get stage(): Consumer['stage'] { return this.#consumer?.stage ?? 'dealing'; }

  async start(host: SourceHost): Promise<void> {
    const isolations = new Set(this.#options.topics.map(({ isolation }) => isolation));
    this.#consumer = await this.#kafka.consume({
      group: this.#options.group, topics: [...this.#topics.keys()], from: 'earliest', isolation: isolations.has('read_committed') ? 'read_committed' : 'read_uncommitted',
      sessionTimeout: this.#options.sessionTimeout,
      onAssigned: (partitions) => this.#assigned(host, partitions),
      onRevoked: async (partitions, lost) => {
        for (const task of new Set(partitions.map(({ partition }) => partition))) {
          await host.revoked(task, lost);
          this.#turns.delete(task);
        }
        for (const partition of partitions) this.#status.delete(streamOf(partition));
      },
      onBatch: (batch) => this.#inTurn(batch.partition, () => this.#batch(host, batch)),
      onError: (error) => { host.failed(error); },
    });
    this.#ends = setInterval(() => { void this.#askEnds(); }, ENDS_EVERY);
    this.#ends.unref();
    host.log.info({ group: this.#options.group, topics: [...this.#topics.keys()] }, 'in the group; its partitions are dealt out when all members are there, or have been away for the session timeout');
  }

  async committed(): Promise<void> { /* the commit itself told Kafka */ }

  async pause(): Promise<void> {
    this.#stopping = true;
    this.#consumer?.pause([...this.#status.keys()].map((stream) => ({ topic: stream.slice(0, stream.lastIndexOf('/')), partition: Number(stream.slice(stream.lastIndexOf('/') + 1)) })));
    await Promise.all(this.#turns.values());
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#ends);
    await this.#consumer?.close();
  }

  status(): readonly StreamStatus[] {
    return [...this.#status].map(([stream, { behind, position, end }]) => {
      const lag = Number.isNaN(position) ? behind : Math.max(behind, end - position);
      const at = stream.lastIndexOf('/');
      return { stream, lag, connected: this.#consumer?.answers({ topic: stream.slice(0, at), partition: Number(stream.slice(at + 1)) }) ?? false };
    });
  }

  async probe(): Promise<readonly string[]> {
    const topics = await this.#kafka.topics();
    return this.#options.topics.map(({ topic }) => {
      const partitions = topics.get(topic);
      if (partitions === undefined) throw new Error(`there is no topic "${topic}"`);
      return `topic ${topic}: ${partitions} partition${partitions === 1 ? '' : 's'}`;
    });
  }

  async #assigned(host: SourceHost, partitions: readonly TopicPartition[]): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    const tasks = new Map<number, TopicPartition[]>();
    for (const partition of partitions) tasks.set(partition.partition, [...tasks.get(partition.partition) ?? [], partition]);
    const places: (TopicPartition & { readonly offset: number })[] = [];
    for (const [task, own] of tasks) {
      const positions = await host.assigned(task, own.map(streamOf));
      for (const partition of own) {
        const given = positions.get(streamOf(partition));
        const offset = given === EARLIEST ? (await this.#kafka.startOffsets(partition.topic))[partition.partition]! : given ?? await this.#startOf(partition);
        this.#status.set(streamOf(partition), { behind: NaN, position: NaN, end: NaN });
        places.push({ ...partition, offset });
      }
    }
    return places;
  }

  async #startOf({ topic, partition }: TopicPartition): Promise<number> {
    const { start } = this.#topics.get(topic)!;
    if (start === 'committed') {
      throw new Error(`there is no committed offset of ${topic}/${partition}, and the job is to start from committed ones only (start: committed); set one, or say earliest or latest`);
    }
    if (start === 'earliest') return (await this.#kafka.startOffsets(topic))[partition]!;
    if (start === 'latest') return (await this.#kafka.endOffsets(topic))[partition]!;
    return (await this.#kafka.offsetsAt(topic, start))[partition]!;
  }

  async #askEnds(): Promise<void> {
    for (const { topic, isolation } of this.#options.topics) {
      const isAtWork = [...this.#status].some(([stream, { position }]) => !Number.isNaN(position) && stream.startsWith(`${topic}/`));
      if (!isAtWork) continue;
      // A broker that is away is told of by the consumer.
      const ends = await this.#kafka.endOffsets(topic, isolation).catch(() => []);
      for (const [partition, end] of ends.entries()) {
        const status = this.#status.get(streamOf({ topic, partition }));
        if (status !== undefined && !(status.end > end)) status.end = end;
      }
    }
  }

  async #batch(host: SourceHost, batch: FetchedBatch): Promise<void> {
    if (this.#stopping) return;
    const { topic, partition, next, highWatermark } = batch;
    const stream = streamOf(batch);
    const { typeOf } = this.#topics.get(topic)!;
    const status = this.#status.get(stream);
    const behind = Math.max(0, highWatermark - next);
    if (status !== undefined) {
      status.behind = behind + batch.count;
      status.position = batch.count > 0 ? batch.offsets[0]! : next;
      status.end = highWatermark;
    }
    const records: RecordBatch = {
      stream, partition, count: batch.count, values: batch.values, offsets: batch.offsets, next, times: batch.times, behind,
      type: typeOf === undefined ? undefined : (i) => typeOf((name) => batch.header(i, name)),
      header: (i, name) => batch.header(i, name),
    };
    await host.records(partition, records);
    if (status !== undefined) {
      status.behind = behind;
      status.position = NaN;
    }
    if (behind === 0) host.caughtUp(partition, stream);
  }

  #inTurn(task: number, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(task) ?? Promise.resolve()).then(work);
    this.#turns.set(task, turn.catch(() => undefined));
    return turn;
  }

}
