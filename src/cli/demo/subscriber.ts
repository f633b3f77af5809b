/** Who reads the alerts: a consumer of the alert topics that sees what is committed, and nothing else. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, FetchedBatch, Kafka } from '../../connect/kafka/index.ts';

export class Subscriber {
  /** Alerts read, by topic. */
  readonly counts: ReadonlyMap<string, number>;
  readonly #kafka: Kafka;
  readonly #topics: readonly string[];
  readonly #counts: Map<string, number>;
  readonly #onAlert: (json: string) => Promise<void>;
  /** Offset to go on from, by partition. */
  readonly #next = new Map<string, number>();
  #consumer: Consumer | undefined;

  /** `onAlert`: the JSON text of an alert, in the order of its partition; the next one waits for the promise. */
  constructor(kafka: Kafka, topics: readonly string[], onAlert: (json: string) => Promise<void>) {
    this.#kafka = kafka;
    this.#topics = topics;
    this.#onAlert = onAlert;
    this.counts = this.#counts = new Map(topics.map((topic) => [topic, 0]));
  }

  /** From the topics' begin. The topics must be there. `onError`: it cannot go on. */
  async start(onError: (error: Error) => void): Promise<void> {
    this.#consumer = await this.#kafka.consume({
      group: 'demo-subscriber', topics: this.#topics, from: 'earliest', isolation: 'read_committed',
      onAssigned: async () => [], onRevoked: async () => undefined,
      onBatch: (batch) => this.#take(batch), onError,
    });
  }

  /** The offsets behind all that is committed now, by partition. */
  async ends(): Promise<ReadonlyMap<string, number>> {
    const ends = new Map<string, number>();
    for (const topic of this.#topics) {
      for (const [partition, end] of (await this.#kafka.endOffsets(topic, 'read_committed')).entries()) ends.set(`${topic}/${partition}`, end);
    }
    return ends;
  }

  hasReached(ends: ReadonlyMap<string, number>): boolean {
    return [...ends].every(([partition, end]) => (this.#next.get(partition) ?? 0) >= end);
  }

  /** Waits until all that is committed now has been read, or so many ms. */
  async catchUp(patience: number): Promise<void> {
    const ends = await this.ends();
    for (const deadline = performance.now() + patience; !this.hasReached(ends) && performance.now() < deadline;) await delay(10);
  }

  async stop(): Promise<void> {
    await this.#consumer?.close();
  }

  async #take(batch: FetchedBatch): Promise<void> {
    for (const value of batch.values) {
      if (value === null) continue;
      this.#counts.set(batch.topic, this.#counts.get(batch.topic)! + 1);
      await this.#onAlert(Buffer.from(value).toString('utf8'));
    }
    this.#next.set(`${batch.topic}/${batch.partition}`, batch.next);
  }
}
