/** Who leads which partition, and who coordinates which group or transactional id: looked up once, and again after an error that says it has changed. */
import { CODE, KafkaError } from '../errors.ts';
import type { TopicPartition } from '../port.ts';
import type { Api, PartitionResult } from './api.ts';
import { type RetryOptions, retrying } from './retry.ts';

export class Cluster {
  readonly #api: Api;
  readonly #leaders = new Map<string, readonly number[]>();
  readonly #coordinators = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(api: Api) {
    this.#api = api;
  }

  /** Leaders by partition. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, ... */
  async leaders(topic: string): Promise<readonly number[]> {
    const known = this.#leaders.get(topic);
    if (known !== undefined) return known;
    const [found] = await this.#api.metadata([topic]);
    if (found === undefined) throw new KafkaError(CODE.UNKNOWN_TOPIC_OR_PARTITION, topic);
    if (found.error !== CODE.NONE) throw new KafkaError(found.error, topic);
    for (let partition = 0; partition < found.leaders.length; partition++) {
      if ((found.leaders[partition] ?? -1) < 0) throw new KafkaError(5, `${topic}/${partition}`);
    }
    this.#leaders.set(topic, found.leaders);
    return found.leaders;
  }

  async leader(partition: TopicPartition): Promise<number> {
    const node = (await this.leaders(partition.topic))[partition.partition];
    if (node === undefined) throw new KafkaError(CODE.UNKNOWN_TOPIC_OR_PARTITION, `${partition.topic}/${partition.partition}`);
    return node;
  }

  async coordinator(kind: 'group' | 'transaction', key: string): Promise<number> {
    const name = `${kind}:${key}`;
    const known = this.#coordinators.get(name);
    if (known !== undefined) return known;
    const node = await this.#api.coordinator(kind, key);
    this.#coordinators.set(name, node);
    return node;
  }

  /** Forgets where everything is, so that it is looked up again. */
  forget(): void {
    this.#leaders.clear();
    this.#coordinators.clear();
  }

  /** Nothing is tried again from here on: connections that are closed do not come back, and who closes the client waits for what is under way. */
  close(): void {
    this.#closing.abort();
  }

  /** Retries; each failure makes it look again for the right broker, CONCURRENT_TRANSACTIONS apart, which is that of the right one. */
  retrying<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
    return retrying({
      ...options,
      closed: this.#closing.signal,
      onFailure: (error) => {
        if (error.code !== CODE.CONCURRENT_TRANSACTIONS && error.code !== CODE.UNSTABLE_OFFSET_COMMIT) this.forget();
        options.onFailure?.(error);
      },
    }, attempt);
  }

  /** Splits partitions by the broker that leads them. */
  async byLeader<T extends TopicPartition>(partitions: readonly T[]): Promise<Map<number, T[]>> {
    const nodes = new Map<number, T[]>();
    for (const partition of partitions) {
      const node = await this.leader(partition);
      const list = nodes.get(node);
      if (list === undefined) nodes.set(node, [partition]);
      else list.push(partition);
    }
    return nodes;
  }
}

/** @throws KafkaError for the first result that has an error */
export function failFirst(results: readonly PartitionResult[]): void {
  const failed = results.find((result) => result.error !== CODE.NONE);
  if (failed !== undefined) throw new KafkaError(failed.error, `${failed.topic}/${failed.partition}${failed.message === undefined ? '' : ` ${failed.message}`}`);
}
