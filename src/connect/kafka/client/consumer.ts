/** A consumer: fetches what its group membership gives it, one batch a partition at a time, the next one fetched while it is worked on. */
import { CODE, KafkaError } from '../errors.ts';
import type { Log } from '../../types.ts';
import type { Consumer, ConsumeOptions, FetchedBatch, GroupMembership, TopicPartition } from '../port.ts';
import type { Api, FetchedPartition } from './api.ts';
import type { Cluster } from './cluster.ts';
import { Membership } from './group.ts';

const SESSION_TIMEOUT = 30_000;
const REBALANCE_TIMEOUT = 60_000;
/** ms that a broker may hold a fetch without data. */
const LONG_POLL = 500;
/** The same while a partition is left out of the fetch because its batches wait: it must not wait for the others' silence too. */
const SHORT_POLL = 5;
/** A broker that has not answered a fetch for so long, ms, is taken to be away. */
const ANSWERS_WITHIN = LONG_POLL + 2000;
const PARTITION_BYTES = 512 * 1024;
const FETCH_BYTES = 4 * 1024 * 1024;
/** Fetched batches that may wait for the one being worked on. */
const READ_AHEAD = 1;

/** Offsets for partitions `onAssigned` says nothing of. */
export type StartOffsets = (group: string, partitions: readonly TopicPartition[], from: 'earliest' | 'latest') => Promise<ReadonlyMap<string, number>>;
/** First offset, and the one behind the last. */
export type Bounds = (partition: TopicPartition) => Promise<readonly [start: number, end: number]>;

interface Reading extends TopicPartition {
  /** Fetch on from here. */
  position: number;
  /** False until onAssigned has said where to begin, and after the partition was taken away. */
  active: boolean;
  paused: boolean;
  /** Rises when what is under way or waiting is to be dropped. */
  epoch: number;
  readonly waiting: FetchedBatch[];
  working: boolean;
  /** When a fetch was last answered (performance.now). */
  answered: number;
}

export class GroupConsumer implements Consumer {
  readonly #fetches: Api;
  readonly #cluster: Cluster;
  readonly #options: ConsumeOptions;
  readonly #log: Log;
  readonly #startOffsets: StartOffsets;
  readonly #bounds: Bounds;
  readonly #onClose: () => void;
  readonly #membership: Membership;
  readonly #readings = new Map<string, Reading>();
  readonly #loops = new Map<number, { wake: () => void }>();
  /** onAssigned and onRevoked, one after the other. */
  #calls: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor(api: Api, cluster: Cluster, options: ConsumeOptions, log: Log, startOffsets: StartOffsets, bounds: Bounds, onClose: () => void) {
    this.#onClose = onClose;
    this.#fetches = api.session('fetch');
    this.#cluster = cluster;
    this.#options = options;
    this.#log = log;
    this.#startOffsets = startOffsets;
    this.#bounds = bounds;
    const sessionTimeout = options.sessionTimeout ?? SESSION_TIMEOUT;
    this.#membership = new Membership(api.session('group'), cluster, {
      group: options.group, topics: options.topics, sessionTimeout, rebalanceTimeout: Math.max(REBALANCE_TIMEOUT, sessionTimeout), log,
      assigned: (partitions) => this.#assigned(partitions),
      revoked: (partitions, lost) => this.#revoked(partitions, lost),
      failed: (error) => this.#fail(error),
    });
    this.#membership.start();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const reading = this.#readings.get(key(partition));
      if (reading !== undefined) reading.paused = true;
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const reading = this.#readings.get(key(partition));
      if (reading === undefined) continue;
      reading.paused = false;
      this.#work(reading);
    }
    this.#wakeAll();
  }

  seek(partition: TopicPartition, offset: number): void {
    const reading = this.#readings.get(key(partition));
    if (reading === undefined) throw new Error(`Cannot seek in ${key(partition)}: it is not this consumer's at the moment.`);
    reading.position = offset;
    reading.epoch += 1;
    reading.waiting.length = 0;
    this.#wakeAll();
  }

  answers(partition: TopicPartition): boolean {
    const reading = this.#readings.get(key(partition));
    return reading !== undefined && (reading.waiting.length >= READ_AHEAD || performance.now() - reading.answered < ANSWERS_WITHIN);
  }

  get stage(): Consumer['stage'] {
    if (!this.#membership.isDealt) return 'dealing';
    return [...this.#readings.values()].every((reading) => reading.active) ? 'open' : 'opening';
  }

  membership(): GroupMembership {
    return this.#membership.current;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#membership.stop();
    this.#closed = true;
    this.#wakeAll();
    await this.#fetches.close();
    this.#onClose();
  }

  #assigned(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      this.#readings.set(key({ topic, partition }), { topic, partition, position: 0, active: false, paused: false, epoch: 0, waiting: [], working: false, answered: -Infinity });
    }
    const readings = partitions.map((partition) => this.#readings.get(key(partition))!);
    this.#call(async () => {
      const offsets = new Map((await this.#options.onAssigned(partitions)).map((given) => [key(given), given.offset]));
      const open = partitions.filter((partition) => !offsets.has(key(partition)));
      if (open.length > 0) for (const [name, offset] of await this.#startOffsets(this.#options.group, open, this.#options.from)) offsets.set(name, offset);
      for (const reading of readings) {
        if (this.#readings.get(key(reading)) !== reading) continue; // taken away meanwhile
        if (reading.epoch === 0) reading.position = offsets.get(key(reading))!;
        reading.active = true;
      }
      await this.#startLoops();
    });
  }

  async #revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    for (const partition of partitions) {
      const reading = this.#readings.get(key(partition));
      this.#readings.delete(key(partition));
      if (reading === undefined) continue;
      reading.active = false;
      reading.epoch += 1;
      reading.waiting.length = 0;
    }
    await this.#call(() => this.#options.onRevoked(partitions, lost));
  }

  #call(work: () => Promise<void>): Promise<void> {
    const done = this.#calls.then(work).catch((error: Error) => this.#fail(error));
    this.#calls = done;
    return done;
  }

  #fail(error: Error): void {
    if (!this.#closed) this.#options.onError(error);
  }

  /** One loop a broker; a broker that begins to lead one of our partitions gets one. */
  async #startLoops(): Promise<void> {
    const active = [...this.#readings.values()].filter((reading) => reading.active);
    const nodes = await this.#cluster.retrying({ what: `find the leaders of ${this.#options.topics.join(', ')}`, stopped: () => this.#closed }, () => this.#cluster.byLeader(active));
    for (const node of nodes.keys()) this.#startLoop(node);
    this.#wakeAll();
  }

  #startLoop(node: number): void {
    if (this.#loops.has(node) || this.#closed) return;
    this.#loops.set(node, { wake: () => {} });
    void this.#loop(node).catch((error: Error) => this.#fail(error));
  }

  async #loop(node: number): Promise<void> {
    let poll = SHORT_POLL;
    while (!this.#closed) {
      const { ready, held } = await this.#fetchable(node);
      if (ready.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, LONG_POLL);
          this.#loops.get(node)!.wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        continue;
      }
      const epochs = ready.map((reading) => reading.epoch);
      try {
        const fetched = await this.#fetches.fetch(node, {
          isolation: this.#options.isolation, maxWait: held ? poll : LONG_POLL, maxBytes: FETCH_BYTES,
          partitions: ready.map(({ topic, partition, position }) => ({ topic, partition, offset: position, maxBytes: PARTITION_BYTES })),
        });
        const asked = new Map(ready.map((reading, i) => [key(reading), { reading, epoch: epochs[i]! }]));
        let delivered = false;
        for (const part of fetched) {
          const { reading, epoch } = asked.get(key(part))!;
          reading.answered = performance.now();
          if (reading.active && reading.epoch === epoch) delivered = await this.#deliver(reading, part) || delivered;
        }
        poll = delivered ? SHORT_POLL : Math.min(poll * 2, LONG_POLL);
      } catch (error) {
        if (this.#closed) return;
        if (!(error instanceof KafkaError) || !error.retriable) throw error;
        this.#log.warn({ broker: node, error: error.message }, 'fetch failed; trying again');
        await this.#relocate();
      }
    }
  }

  async #fetchable(node: number): Promise<{ ready: Reading[]; held: boolean }> {
    const ready: Reading[] = [];
    let held = false;
    for (const reading of this.#readings.values()) {
      if (!reading.active || reading.paused) continue;
      const leader = await this.#cluster.leader(reading).catch(() => -1);
      if (leader >= 0) this.#startLoop(leader); // it may have moved to a broker that led nothing of ours
      if (leader !== node || !reading.active) continue;
      if (reading.waiting.length < READ_AHEAD) ready.push(reading);
      else held = true;
    }
    return { ready, held };
  }

  /** True: records came. @throws KafkaError when the partition has moved */
  async #deliver(reading: Reading, part: FetchedPartition): Promise<boolean> {
    if (part.error === CODE.OFFSET_OUT_OF_RANGE) {
      await this.#outOfRange(reading);
      return false;
    }
    if (part.error !== CODE.NONE) throw new KafkaError(part.error, key(reading));
    if (part.batch.next === reading.position) return false;
    reading.position = part.batch.next;
    reading.waiting.push(part.batch);
    this.#work(reading);
    return true;
  }

  /** Hands waiting batches over, one after the other. */
  #work(reading: Reading): void {
    if (reading.working || reading.paused || !reading.active) return;
    const batch = reading.waiting.shift();
    if (batch === undefined) return;
    reading.working = true;
    this.#wakeAll();
    this.#options.onBatch(batch).then(
      () => {
        reading.working = false;
        this.#work(reading);
      },
      (error: Error) => {
        reading.active = false;
        this.#fail(error);
      },
    );
  }

  /** The log was cut off under us, or never went that far: goes on at the nearest offset there is, and says what is missing. */
  async #outOfRange(reading: Reading): Promise<void> {
    const [start, end] = await this.#bounds(reading);
    const wanted = reading.position;
    reading.position = Math.min(Math.max(wanted, start), end);
    const lost = wanted < start ? `${start - wanted} records before it are gone: look at retention.ms and retention.bytes of the topic` :
      'the topic was made anew, or lost its end when a broker failed';
    this.#log.error({ topic: reading.topic, partition: reading.partition, wanted, start, end, from: reading.position },
      `${key(reading)} has no offset ${wanted}; going on at ${reading.position}. ${lost}`);
  }

  async #relocate(): Promise<void> {
    this.#cluster.forget();
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    // The partitions may have moved to a broker that has no loop yet. Until the brokers answer, the loops find no leader and wait.
    this.#startLoops().catch((error: Error) => this.#log.warn({ error: error.message }, 'cannot find the leaders of the partitions; trying again'));
  }

  #wakeAll(): void {
    for (const loop of this.#loops.values()) loop.wake();
  }
}

const key = (partition: TopicPartition): string => `${partition.topic}/${partition.partition}`;
