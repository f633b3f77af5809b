/** What the suites over Kafka share: topics of fresh names, a consumer that takes notes, waiting. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommittedOffset, ConsumeOptions, Consumer, FetchedBatch, Kafka, ProducedRecord, TopicPartition } from '../../../src/connect/kafka/index.ts';

/** Runs work with a client that is closed afterwards, with all others of the suite. */
export type Closing = (work: (kafka: Kafka) => Promise<void>) => () => Promise<void>;

export interface TestConsumer {
  readonly consumer: Consumer;
  readonly values: string[];
  readonly lost: string[];
  readonly errors: string[];
  held(): readonly string[];
  close(): Promise<void>;
}

/** A consumer that notes what it is given. */
export async function consumer(kafka: Kafka, options: Partial<ConsumeOptions> & { topics: readonly string[] }): Promise<TestConsumer> {
  const values: string[] = [];
  const lost: string[] = [];
  const errors: string[] = [];
  const held = new Set<string>();
  const inner = await kafka.consume({
    group: fresh('group'), from: 'earliest', isolation: 'read_committed',
    ...options,
    async onAssigned(partitions) {
      const offsets = await options.onAssigned?.(partitions) ?? [];
      for (const partition of partitions) held.add(place(partition));
      return offsets;
    },
    async onRevoked(partitions, isLost) {
      await options.onRevoked?.(partitions, isLost);
      for (const partition of partitions) {
        held.delete(place(partition));
        if (isLost) lost.push(place(partition));
      }
    },
    async onBatch(batch) {
      await options.onBatch?.(batch);
      values.push(...valuesOf(batch));
    },
    onError(error) {
      errors.push(error.message);
      options.onError?.(error);
    },
  });
  return { consumer: inner, values, lost, errors, held: () => [...held], close: () => inner.close() };
}

export const place = (p: TopicPartition): string => `${p.topic}/${p.partition}`;

export const text = (topic: string, value: string): ProducedRecord => ({ topic, key: null, value: Buffer.from(value) });

export function valuesOf(batch: FetchedBatch): string[] {
  return batch.values.map((value) => (value === null ? 'null' : Buffer.from(value).toString()));
}

export async function made(kafka: Kafka, name: string, partitions: number): Promise<string> {
  const topic = fresh(name);
  await kafka.ensureTopics([{ topic, partitions }]);
  return topic;
}

let counter = 0;

export function fresh(name: string): string {
  return `${name}-${process.pid}-${Date.now().toString(36)}-${counter++}`;
}

export async function readAll(kafka: Kafka, topic: string, partition: number, isolation: 'read_committed' | 'read_uncommitted' = 'read_committed'): Promise<FetchedBatch[]> {
  const batches: FetchedBatch[] = [];
  const end = (await kafka.endOffsets(topic, isolation))[partition]!;
  await kafka.read(topic, partition, 0, end, isolation, (batch) => { batches.push(batch); });
  return batches;
}

export async function committedValues(kafka: Kafka, topic: string, partition: number): Promise<string[]> {
  return (await readAll(kafka, topic, partition)).flatMap(valuesOf);
}

/** Polls until it holds. @throws Error that names what was waited for */
export async function until(condition: () => boolean | Promise<boolean>, what: string, patience = 20_000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited ${patience} ms in vain for ${what}.`);
    await sleep(20);
  }
}

/** Offsets of a group that has no members. */
export function at(group: string, offsets: readonly CommittedOffset[]): { membership: { group: string; generation: number; memberId: string }; offsets: readonly CommittedOffset[] } {
  return { membership: { group, generation: -1, memberId: '' }, offsets };
}
