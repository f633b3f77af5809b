/** The transaction coordinator of the in-process broker: producer ids, epochs, fencing, timeouts. */
import type { ProducerIdentity } from '../client/api.ts';
import { CODE, KafkaError } from '../errors.ts';
import type { TopicPartition } from '../port.ts';
import type { Groups } from './groups.ts';
import type { PartitionLog } from './log.ts';

interface Transactional {
  readonly producerId: number;
  epoch: number;
  timeout: number;
  readonly partitions: Map<string, PartitionLog>;
  readonly groups: Set<string>;
  /** Of the transaction that ended last: what a repeated request for its end is answered by. */
  last: 'commit' | 'abort' | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class Transactions {
  readonly #byId = new Map<string, Transactional>();
  readonly #groups: Groups;
  #nextProducer = 1000;

  constructor(groups: Groups) {
    this.#groups = groups;
  }

  init(transactionalId: string | null, timeout: number, current: ProducerIdentity | undefined): { producerId: number; producerEpoch: number } {
    if (transactionalId === null) return { producerId: this.#nextProducer++, producerEpoch: 0 };
    const known = this.#byId.get(transactionalId);
    if (known === undefined) {
      const fresh: Transactional = { producerId: this.#nextProducer++, epoch: 0, timeout, partitions: new Map(), groups: new Set(), last: undefined, timer: undefined };
      this.#byId.set(transactionalId, fresh);
      return { producerId: fresh.producerId, producerEpoch: 0 };
    }
    if (current !== undefined && (current.producerId !== known.producerId || current.producerEpoch !== known.epoch)) throw new KafkaError(CODE.PRODUCER_FENCED);
    known.epoch += 1;
    known.timeout = timeout;
    this.#end(known, false);
    known.last = undefined;
    return { producerId: known.producerId, producerEpoch: known.epoch };
  }

  addPartitions(producer: ProducerIdentity, partitions: readonly (TopicPartition & { readonly log: PartitionLog })[]): void {
    const state = this.#check(producer);
    for (const { topic, partition, log } of partitions) state.partitions.set(`${topic}/${partition}`, log);
    this.#begin(state);
  }

  addOffsets(producer: ProducerIdentity, group: string): void {
    const state = this.#check(producer);
    state.groups.add(group);
    this.#begin(state);
  }

  /** @throws KafkaError INVALID_TXN_STATE where the partition was not added */
  checkProduce(producer: ProducerIdentity, partition: TopicPartition): void {
    if (!this.#check(producer).partitions.has(`${partition.topic}/${partition.partition}`)) throw new KafkaError(CODE.INVALID_TXN_STATE);
  }

  checkOffsets(producer: ProducerIdentity, group: string): void {
    if (!this.#check(producer).groups.has(group)) throw new KafkaError(CODE.INVALID_TXN_STATE);
  }

  end(producer: ProducerIdentity, commit: boolean): void {
    const state = this.#check(producer);
    if (state.partitions.size === 0 && state.groups.size === 0) {
      if (state.last === (commit ? 'commit' : 'abort')) return;
      throw new KafkaError(CODE.INVALID_TXN_STATE);
    }
    this.#end(state, commit);
  }

  #check(producer: ProducerIdentity): Transactional {
    const state = producer.transactionalId === null ? undefined : this.#byId.get(producer.transactionalId);
    if (state === undefined || state.producerId !== producer.producerId) throw new KafkaError(CODE.INVALID_PRODUCER_ID_MAPPING);
    if (state.epoch !== producer.producerEpoch) throw new KafkaError(CODE.INVALID_PRODUCER_EPOCH);
    return state;
  }

  #begin(state: Transactional): void {
    state.last = undefined;
    if (state.timer !== undefined) return;
    state.timer = setTimeout(() => {
      state.epoch += 1;
      this.#end(state, false);
    }, state.timeout);
    state.timer.unref();
  }

  #end(state: Transactional, commit: boolean): void {
    clearTimeout(state.timer);
    state.timer = undefined;
    for (const log of state.partitions.values()) log.endTransaction(state.producerId, state.epoch, commit);
    for (const group of state.groups) this.#groups.endTransaction(group, state.producerId, commit);
    state.partitions.clear();
    state.groups.clear();
    state.last = commit ? 'commit' : 'abort';
  }
}
