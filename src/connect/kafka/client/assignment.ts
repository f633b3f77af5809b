/**
 * How a group deals out partitions: partition number i of every topic goes to one member (the task i), tasks stay where they are as far as the load
 * stays even, and a task that moves is free for one round: its old member hands it over and joins again, and only then it is given to the new one.
 * So at no time two members hold it, and members whose tasks do not move go on working.
 */
import type { TopicPartition } from '../port.ts';
import { Reader, Writer } from '../protocol/bytes.ts';
import { byTopic } from './api.ts';

export const PROTOCOL = 'alcedo-tasks';

export interface Subscription {
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
  /** Of the round in which `owned` was given; claims of older rounds yield. */
  readonly generation: number;
}

/** Kafka's ConsumerProtocolSubscription, version 2. */
export function encodeSubscription(subscription: Subscription): Buffer {
  const writer = new Writer().int16(2);
  writer.array(subscription.topics, (topic) => writer.string(topic)).bytes(null);
  writer.array(byTopic(subscription.owned), (t) => writer.string(t.topic).array(t.partitions, (p) => writer.int32(p.partition)));
  return Buffer.from(writer.int32(subscription.generation).finish());
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new Reader(bytes);
  const version = reader.int16();
  const topics = reader.array(() => reader.text());
  reader.data();
  return { topics, owned: version >= 1 ? partitions(reader) : [], generation: version >= 2 ? reader.int32() : -1 };
}

/** Kafka's ConsumerProtocolAssignment, version 0. */
export function encodeAssignment(assigned: readonly TopicPartition[]): Buffer {
  const writer = new Writer().int16(0);
  writer.array(byTopic(assigned), (t) => writer.string(t.topic).array(t.partitions, (p) => writer.int32(p.partition)));
  return Buffer.from(writer.bytes(null).finish());
}

export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  const reader = new Reader(bytes);
  reader.int16();
  return partitions(reader);
}

function partitions(reader: Reader): TopicPartition[] {
  return reader.array(() => {
    const topic = reader.text();
    return reader.array(() => ({ topic, partition: reader.int32() }));
  }).flat();
}

/** Deals out all partitions of the topics that anyone wants. `counts`: partitions by topic. */
export function assign(members: ReadonlyMap<string, Subscription>, counts: ReadonlyMap<string, number>): Map<string, TopicPartition[]> {
  const assignment = new Map<string, TopicPartition[]>([...members.keys()].map((id) => [id, []]));
  // Members of one job want the same topics. While a new version of it is rolled out they may not: each set of topics is dealt out among those that want all of it.
  const wanted = [...new Set([...members.values()].flatMap((member) => member.topics))].filter((topic) => counts.has(topic)).sort();
  for (const { topics, ids } of sameWishes(members, wanted)) dealOut(topics, ids, members, counts, assignment);
  return assignment;
}

function sameWishes(members: ReadonlyMap<string, Subscription>, topics: readonly string[]): { topics: string[]; ids: string[] }[] {
  const wishes = new Map<string, { topics: string[]; ids: string[] }>();
  for (const topic of topics) {
    const ids = [...members].filter(([, member]) => member.topics.includes(topic)).map(([id]) => id).sort();
    const known = wishes.get(ids.join('\n'));
    if (known === undefined) wishes.set(ids.join('\n'), { topics: [topic], ids });
    else known.topics.push(topic);
  }
  return [...wishes.values()];
}

function dealOut(topics: readonly string[], ids: readonly string[], members: ReadonlyMap<string, Subscription>, counts: ReadonlyMap<string, number>, assignment: Map<string, TopicPartition[]>): void {
  const tasks = Math.max(...topics.map((topic) => counts.get(topic)!));
  const holders = currentHolders(topics, ids, members, tasks);
  const held = (id: string): number => holders.filter((holder) => holder === id).length;
  // Those who hold most may keep one more where the tasks do not come out even.
  const ranked = [...ids].sort((a, b) => held(b) - held(a) || (a < b ? -1 : 1));
  const quota = new Map(ranked.map((id, rank) => [id, Math.floor(tasks / ids.length) + (rank < tasks % ids.length ? 1 : 0)]));
  const free: number[] = [];
  const give = (id: string, task: number): void => {
    quota.set(id, quota.get(id)! - 1);
    assignment.get(id)!.push(...topics.filter((topic) => task < counts.get(topic)!).map((topic) => ({ topic, partition: task })));
  };
  for (let task = 0; task < tasks; task++) {
    const holder = holders[task];
    if (holder !== undefined && quota.get(holder)! > 0) give(holder, task);
    else free.push(task);
  }
  for (const task of free) {
    const id = ranked.find((candidate) => quota.get(candidate)! > 0)!;
    if (holders[task] === undefined) give(id, task);
    else quota.set(id, quota.get(id)! - 1); // kept for the new member; its old one hands it over first
  }
}

/** By task: who holds it now, by the latest round that speaks of it. */
function currentHolders(topics: readonly string[], ids: readonly string[], members: ReadonlyMap<string, Subscription>, tasks: number): (string | undefined)[] {
  const holders: (string | undefined)[] = new Array<string | undefined>(tasks).fill(undefined);
  const rounds = new Array<number>(tasks).fill(-Infinity);
  for (const id of ids) {
    const member = members.get(id)!;
    for (const { topic, partition } of member.owned) {
      if (topics.includes(topic) && partition < tasks && member.generation > rounds[partition]!) {
        holders[partition] = id;
        rounds[partition] = member.generation;
      }
    }
  }
  return holders;
}
