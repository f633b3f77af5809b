import type { Kafka } from '../../../connect/kafka/index.ts';
import { polling } from './retry.ts';
import type { Feed, FeedHost, From } from './types.ts';

/** ms between two looks at the ends of a topic that has nothing new. */
const POLL = 200;
/** Offsets read of one partition before it is the next one's turn. */
const TURN = 1000;

/** Committed records of a topic. Reads by offset, as nobody: no group knows of it. `open`: connects; the feed closes. */
export function kafkaFeed(topic: string, open: () => Promise<Kafka>): Feed {
  return {
    kind: 'kafka',
    what: `Kafka topic ${topic}`,
    async run(from, host) {
      const kafka = await open();
      const close = (): void => { void kafka.close().catch(() => {}); };
      host.signal.addEventListener('abort', close, { once: true });
      try {
        const reader = new TopicReader(kafka, topic, host);
        await reader.begin(from);
        await polling(`Kafka topic ${topic}`, host, POLL, () => reader.turn());
      } finally {
        host.signal.removeEventListener('abort', close);
        await kafka.close().catch(() => {});
      }
    },
  };
}

class TopicReader {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #host: FeedHost;
  /** Next offset by partition; undefined while the topic is not there. */
  #next: number[] | undefined;
  #saidMissing = false;

  constructor(kafka: Kafka, topic: string, host: FeedHost) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#host = host;
  }

  async begin(from: From): Promise<void> {
    // A topic that is made after we came is new as a whole.
    if (!await this.#isThere()) return;
    this.#next = [...await (from === 'earliest' ? this.#kafka.startOffsets(this.#topic)
      : from === 'latest' ? this.#kafka.endOffsets(this.#topic, 'read_committed') : this.#kafka.offsetsAt(this.#topic, from))];
  }

  /** Reads on, a stretch of each partition; whether there was anything. */
  async turn(): Promise<boolean> {
    if (this.#next === undefined) {
      if (!await this.#isThere()) return false;
      this.#next = [...await this.#kafka.startOffsets(this.#topic)];
    }
    const next = this.#next;
    const ends = await this.#kafka.endOffsets(this.#topic, 'read_committed');
    let found = false;
    for (const [partition, end] of ends.entries()) {
      // Partitions may be added; and a topic may be deleted and made anew, or lose its oldest records, while we look on.
      const at = next[partition];
      if (at === undefined || at > end) next[partition] = (await this.#kafka.startOffsets(this.#topic))[partition] ?? 0;
      if (next[partition]! >= end) continue;
      const start = (await this.#kafka.startOffsets(this.#topic))[partition] ?? 0;
      if (start > next[partition]!) {
        this.#host.say(`Offsets ${next[partition]} to ${start - 1} of ${this.#topic}/${partition} are gone: the topic's retention is over.`);
        next[partition] = start;
      }
      await this.#read(partition, Math.min(end, next[partition]! + TURN));
      found = true;
    }
    return found;
  }

  async #read(partition: number, to: number): Promise<void> {
    await this.#kafka.read(this.#topic, partition, this.#next![partition]!, to, 'read_committed', async (batch) => {
      for (let i = 0; i < batch.count; i++) {
        this.#host.signal.throwIfAborted();
        const value = batch.values[i];
        if (value !== null && value !== undefined) await this.#host.deliver(value);
        this.#next![partition] = batch.offsets[i]! + 1;
      }
      this.#next![partition] = batch.next;
    });
    // Behind the last record there may be nothing but marks of transactions.
    this.#next![partition] = Math.max(this.#next![partition]!, to);
  }

  async #isThere(): Promise<boolean> {
    if ((await this.#kafka.topics()).has(this.#topic)) return true;
    if (!this.#saidMissing) this.#host.say(`There is no topic "${this.#topic}" yet; waiting for it.`);
    this.#saidMissing = true;
    return false;
  }
}
