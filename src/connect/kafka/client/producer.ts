/** An idempotent producer, transactional where it has a transactional id. */
import { CODE, KafkaError } from '../errors.ts';
import { partitionOf } from '../murmur2.ts';
import { FencedError, type CommittedOffset, type GroupMembership, type ProducedRecord, type Producer, type TopicPartition, type Transaction } from '../port.ts';
import { codecNumber } from '../protocol/codecs.ts';
import { sizeOf } from '../protocol/records.ts';
import type { Api, ProducerIdentity } from './api.ts';
import { type Cluster, failFirst } from './cluster.ts';
import { asMember } from './group.ts';

const TRANSACTION_TIMEOUT = 60_000;
/** ms the brokers may take until all replicas have a batch. */
const ACK_TIMEOUT = 30_000;
/** Below the 1 MiB that topics allow by default. */
const BATCH_BYTES = 900_000;
const LAST_SEQUENCE = 0x7fff_ffff;

const TAKEN_OVER: ReadonlySet<number> = new Set([CODE.INVALID_PRODUCER_EPOCH, CODE.PRODUCER_FENCED, CODE.INVALID_PRODUCER_ID_MAPPING, CODE.TRANSACTION_COORDINATOR_FENCED]);

export interface ProducerOptions {
  readonly transactionalId?: string | undefined;
  readonly transactionTimeout?: number | undefined;
  readonly compression?: string | undefined;
}

/** What a transaction has to say to the writing of its records. */
interface Writing {
  /** Called with the partitions of each round before it is written. */
  join(partitions: readonly TopicPartition[]): Promise<void>;
  /** Runs one attempt of a request. */
  attempt<T>(request: () => Promise<T>): Promise<T>;
}

interface Chunk extends TopicPartition { readonly records: readonly ProducedRecord[] }

export class IdempotentProducer implements Producer {
  readonly #api: Api;
  readonly #cluster: Cluster;
  readonly #transactionalId: string | null;
  readonly #transactionTimeout: number;
  readonly #codec: number;
  readonly #onClose: () => void;
  readonly #sequences = new Map<string, number>();
  #identity: ProducerIdentity | undefined;
  /** What the broker has of this producer is not known for sure: it needs a new epoch before it writes again. */
  #doubtful = false;
  #fenced = false;
  #open: OpenTransaction | undefined;
  #closed = false;

  constructor(api: Api, cluster: Cluster, options: ProducerOptions, onClose: () => void) {
    this.#onClose = onClose;
    this.#api = api.session('producer');
    this.#cluster = cluster;
    this.#transactionalId = options.transactionalId ?? null;
    this.#transactionTimeout = options.transactionTimeout ?? TRANSACTION_TIMEOUT;
    this.#codec = codecNumber(options.compression ?? 'none');
  }

  async send(records: readonly ProducedRecord[]): Promise<void> {
    if (this.#transactionalId !== null) throw new Error(`The producer ${this.#transactionalId} writes in transactions only: call begin().`);
    try {
      await this.write(await this.#ready(), records, undefined);
    } catch (error) {
      this.#doubtful = true;
      throw error;
    }
  }

  async fence(): Promise<void> {
    if (this.#transactionalId === null) return;
    this.#open?.drop();
    this.#open = undefined;
    this.#fenced = false;
    await this.#initialise(undefined);
  }

  async begin(): Promise<Transaction> {
    if (this.#transactionalId === null) throw new Error('A producer without a transactional id has no transactions.');
    if (this.#open !== undefined) throw new Error(`A transaction of ${this.#transactionalId} is open already.`);
    this.#open = new OpenTransaction(this, this.#api, this.#cluster, await this.#ready(), (outcome) => {
      this.#open = undefined;
      if (outcome === 'doubtful') this.#doubtful = true;
      if (outcome === 'fenced') this.#fenced = true;
    });
    return this.#open;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // An open transaction would hold back the readers until its timeout. One attempt: closing must not wait for a broker that is away.
    await this.#open?.abort().catch(() => { /* the broker aborts it in time */ });
    await this.#api.close();
    this.#onClose();
  }

  async write(identity: ProducerIdentity, records: readonly ProducedRecord[], transaction: Writing | undefined): Promise<void> {
    let rounds = await this.#chunks(records);
    while (rounds.length > 0) {
      // One batch a partition at a time, so that their order is kept.
      const round = new Map<string, Chunk>();
      const later: Chunk[] = [];
      for (const chunk of rounds) {
        if (round.has(key(chunk))) later.push(chunk);
        else round.set(key(chunk), chunk);
      }
      const chunks = [...round.values()];
      await transaction?.join(chunks);
      await this.#writeRound(identity, chunks, transaction);
      rounds = later;
    }
  }

  retrying<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return this.#cluster.retrying({ what, stopped: () => this.#closed }, attempt);
  }

  /** An identity to write with. It takes the transactional id over at the first call only: later epochs must not fence who has taken over since. */
  async #ready(): Promise<ProducerIdentity> {
    if (this.#fenced) throw new FencedError(`Another process has taken over the transactional id ${this.#transactionalId}; call fence() to take it back.`);
    if (this.#identity !== undefined && !this.#doubtful) return this.#identity;
    try {
      return await this.#initialise(this.#transactionalId === null ? undefined : this.#identity);
    } catch (error) {
      if (!(error instanceof KafkaError) || !TAKEN_OVER.has(error.code)) throw error;
      this.#fenced = true;
      throw new FencedError(`Another process has taken over the transactional id ${this.#transactionalId}: ${error.message}`, { cause: error });
    }
  }

  async #initialise(current: ProducerIdentity | undefined): Promise<ProducerIdentity> {
    const id = this.#transactionalId;
    const given = await this.retrying(id === null ? 'get a producer id' : `take over the transactional id ${id}`, async () =>
      this.#api.initProducer(id === null ? -1 : await this.#cluster.coordinator('transaction', id), id, this.#transactionTimeout, current));
    this.#sequences.clear();
    this.#doubtful = false;
    this.#identity = { transactionalId: id, ...given };
    return this.#identity;
  }

  /** Records by partition, in batches that a topic takes. */
  async #chunks(records: readonly ProducedRecord[]): Promise<Chunk[]> {
    const chunks: (Chunk & { records: ProducedRecord[] })[] = [];
    const filling = new Map<string, { chunk: Chunk & { records: ProducedRecord[] }; size: number }>();
    const counts = new Map<string, number>();
    for (const record of records) {
      let partition = record.partition;
      if (partition === undefined) {
        let count = counts.get(record.topic);
        if (count === undefined) counts.set(record.topic, count = (await this.retrying(`find the partitions of topic ${record.topic}`, () => this.#cluster.leaders(record.topic))).length);
        partition = partitionOf(record.key, count);
      }
      const place = { topic: record.topic, partition };
      const size = sizeOf(record);
      let last = filling.get(key(place));
      if (last === undefined || last.size + size > BATCH_BYTES) {
        last = { chunk: { ...place, records: [] }, size: 0 };
        filling.set(key(place), last);
        chunks.push(last.chunk);
      }
      last.chunk.records.push(record);
      last.size += size;
    }
    return chunks;
  }

  async #writeRound(identity: ProducerIdentity, chunks: readonly Chunk[], transaction: Writing | undefined): Promise<void> {
    let left = chunks;
    const attempt = async (): Promise<void> => {
      const nodes = await this.#cluster.byLeader(left);
      const answers = await Promise.allSettled([...nodes].map(([node, list]) => this.#api.produce(node, {
        ...identity, timeout: ACK_TIMEOUT, codec: this.#codec,
        partitions: list.map((chunk) => ({ topic: chunk.topic, partition: chunk.partition, records: chunk.records, firstSequence: this.#sequences.get(key(chunk)) ?? 0 })),
      })));
      const results = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      // What was written before, and not heard of, is answered as a duplicate.
      const written = new Set(results.filter((r) => r.error === CODE.NONE || r.error === CODE.DUPLICATE_SEQUENCE).map(key));
      for (const chunk of left) if (written.has(key(chunk))) this.#advance(chunk);
      left = left.filter((chunk) => !written.has(key(chunk)));
      if (left.length === 0) return;
      failFirst(results.filter((r) => r.error !== CODE.DUPLICATE_SEQUENCE));
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
      throw new KafkaError(CODE.NETWORK, 'the broker left partitions out of its answer');
    };
    await this.retrying(`write to Kafka topic ${[...new Set(chunks.map((chunk) => chunk.topic))].join(', ')}`, () => transaction?.attempt(attempt) ?? attempt());
  }

  #advance(chunk: Chunk): void {
    const next = (this.#sequences.get(key(chunk)) ?? 0) + chunk.records.length;
    this.#sequences.set(key(chunk), next > LAST_SEQUENCE ? next - LAST_SEQUENCE - 1 : next);
  }
}

type Outcome = 'known' | 'doubtful' | 'fenced';

class OpenTransaction implements Transaction {
  readonly #producer: IdempotentProducer;
  readonly #api: Api;
  readonly #cluster: Cluster;
  readonly #identity: ProducerIdentity;
  readonly #ended: (outcome: Outcome) => void;
  readonly #joined = new Set<string>();
  /** Requests that a broker may have, and may still carry out. */
  readonly #underway = new Set<Promise<unknown>>();
  #offsets = false;
  #aborting = false;
  #state: 'open' | 'ended' | 'failed' = 'open';

  constructor(producer: IdempotentProducer, api: Api, cluster: Cluster, identity: ProducerIdentity, ended: (outcome: Outcome) => void) {
    this.#producer = producer;
    this.#api = api;
    this.#cluster = cluster;
    this.#identity = identity;
    this.#ended = ended;
  }

  async send(records: readonly ProducedRecord[]): Promise<void> {
    this.#check();
    await this.#guard(() => this.#producer.write(this.#identity, records, {
      join: (partitions) => this.#join(partitions), attempt: (request) => this.#attempt(request),
    }));
  }

  async commit(offsets: { readonly membership: GroupMembership; readonly offsets: readonly CommittedOffset[] } | undefined): Promise<void> {
    this.#check();
    await this.#guard(async () => {
      if (offsets !== undefined && offsets.offsets.length > 0) await this.#addOffsets(offsets.membership, offsets.offsets);
      await this.#end(true);
    });
    if (this.#ongoing) this.#finish('known');
  }

  async abort(): Promise<void> {
    if (!this.#ongoing) return;
    // What is under way would be repeated until a broker answers, and one that carries it out behind the abort has a transaction that nobody ends:
    // the group's offsets could not be read any more, nor the records behind it.
    this.#aborting = true;
    const broken = this.#state === 'failed' || this.#underway.size > 0;
    await Promise.allSettled(this.#underway);
    if (!this.#ongoing) return;
    try {
      await this.#guard(() => this.#end(false));
    } finally {
      if (this.#ongoing) this.#finish(broken || this.#state === 'failed' ? 'doubtful' : 'known');
    }
  }

  /** The producer is fenced anew or closed: this transaction is the coordinator's to abort. */
  drop(): void {
    this.#state = 'ended';
  }

  #check(): void {
    if (this.#state !== 'open') throw new Error(`This transaction of ${this.#identity.transactionalId} has ${this.#state === 'failed' ? 'failed: abort it' : 'ended'}.`);
  }

  /** Not ended; a call of its own, as the state changes while others wait. */
  get #ongoing(): boolean {
    return this.#state !== 'ended';
  }

  #finish(outcome: Outcome): void {
    this.#state = 'ended';
    this.#ended(outcome);
  }

  async #join(partitions: readonly TopicPartition[]): Promise<void> {
    const fresh = partitions.filter((partition) => !this.#joined.has(key(partition)));
    if (fresh.length === 0) return;
    await this.#producer.retrying(`add partitions to a transaction of ${this.#identity.transactionalId}`, () => this.#attempt(async () => {
      failFirst(await this.#api.addPartitions(await this.#coordinator(), this.#identity, fresh));
      for (const partition of fresh) this.#joined.add(key(partition));
    }));
  }

  async #addOffsets(membership: GroupMembership, offsets: readonly CommittedOffset[]): Promise<void> {
    await this.#producer.retrying(`add offsets to a transaction of ${this.#identity.transactionalId}`, () => this.#attempt(async () => {
      await this.#api.addOffsets(await this.#coordinator(), this.#identity, membership.group);
      this.#offsets = true;
    }));
    await asMember(membership, (member) =>
      this.#producer.retrying(`write the offsets of ${member.group} in a transaction of ${this.#identity.transactionalId}`, () => this.#attempt(async () =>
        failFirst(await this.#api.commitOffsetsInTransaction(await this.#cluster.coordinator('group', member.group), this.#identity, member, offsets)))));
  }

  async #end(commit: boolean): Promise<void> {
    if (this.#joined.size === 0 && !this.#offsets) return; // the coordinator has not heard of it
    const attempt = async (): Promise<void> => {
      await this.#api.endTransaction(await this.#coordinator(), this.#identity, commit);
      if (commit) this.#finish('known'); // here already: an abort that waits for this must find it done
    };
    await this.#producer.retrying(`${commit ? 'commit' : 'abort'} a transaction of ${this.#identity.transactionalId}`, commit ? () => this.#attempt(attempt) : attempt);
  }

  /** An attempt of a request, none after an abort has begun. What it achieves is to be noted within it. */
  async #attempt<T>(request: () => Promise<T>): Promise<T> {
    if (this.#aborting) throw new Error(`This transaction of ${this.#identity.transactionalId} is being aborted.`);
    const running = request();
    this.#underway.add(running);
    try {
      return await running;
    } finally {
      this.#underway.delete(running);
    }
  }

  #coordinator(): Promise<number> {
    return this.#cluster.coordinator('transaction', this.#identity.transactionalId!);
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#state === 'open') this.#state = 'failed';
      if (error instanceof KafkaError && TAKEN_OVER.has(error.code)) {
        this.#finish('fenced');
        throw new FencedError(`Another process has taken over the transactional id ${this.#identity.transactionalId}: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }
}

const key = (partition: TopicPartition): string => `${partition.topic}/${partition.partition}`;
