/** One partition of the in-process broker: an append-only log with transactions, as Kafka keeps it. */
import { CODE } from '../errors.ts';
import type { FetchedBatch, ProducedRecord } from '../port.ts';
import { sizeOf } from '../protocol/records.ts';
import type { Isolation } from '../client/api.ts';

interface Entry {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly time: number;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly size: number;
  readonly control: boolean;
  /** Set when its transaction is aborted. */
  aborted: boolean;
}

export interface Batch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly transactional: boolean;
  readonly records: readonly ProducedRecord[];
}

/** Records of a fetch that are looked at, whatever their size: bounds the copy of columns. */
const FETCH_RECORDS = 20_000;

export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  /** How many records are kept; older ones go, as by Kafka's retention. */
  readonly #retained: number;
  #entries: Entry[] = [];
  /** Offset of the first entry. */
  start = 0;
  /** Offsets written in each open transaction, by producer. */
  readonly #open = new Map<number, number[]>();
  readonly #producers = new Map<number, { epoch: number; next: number }>();
  readonly #listeners = new Set<() => void>();

  constructor(topic: string, partition: number, retained: number) {
    this.topic = topic;
    this.partition = partition;
    this.#retained = retained;
  }

  get end(): number {
    return this.start + this.#entries.length;
  }

  /** The first offset that an open transaction may still decide about, or the end. */
  get stable(): number {
    return Math.min(this.end, ...[...this.#open.values()].map((offsets) => offsets[0]!));
  }

  limit(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.stable : this.end;
  }

  /** Appends a batch; gives Kafka's error code. A batch that is there already is not appended again. */
  append(batch: Batch): number {
    if (batch.producerId >= 0) {
      const known = this.#producers.get(batch.producerId);
      if (known !== undefined && batch.producerEpoch < known.epoch) return CODE.INVALID_PRODUCER_EPOCH;
      const next = known === undefined || known.epoch < batch.producerEpoch ? 0 : known.next;
      if (batch.firstSequence < next) return CODE.NONE;
      if (batch.firstSequence > next) return CODE.OUT_OF_ORDER_SEQUENCE;
      this.#producers.set(batch.producerId, { epoch: batch.producerEpoch, next: next + batch.records.length });
    }
    let open = batch.transactional ? this.#open.get(batch.producerId) : undefined;
    if (batch.transactional && open === undefined) this.#open.set(batch.producerId, open = []);
    const now = Date.now();
    for (const record of batch.records) {
      open?.push(this.end);
      this.#entries.push({
        key: typeof record.key === 'string' ? Buffer.from(record.key) : record.key,
        value: record.value, time: record.time ?? now, headers: record.headers, size: sizeOf(record), control: false, aborted: false,
      });
    }
    this.#trim();
    this.#tell();
    return CODE.NONE;
  }

  /** Writes the marker that ends a producer's transaction here, and refuses what older epochs of it still send. */
  endTransaction(producerId: number, epoch: number, commit: boolean): void {
    const known = this.#producers.get(producerId);
    this.#producers.set(producerId, { epoch, next: known !== undefined && known.epoch === epoch ? known.next : 0 });
    const offsets = this.#open.get(producerId);
    if (offsets === undefined) return;
    if (!commit) for (const offset of offsets) this.#entries[offset - this.start]!.aborted = true;
    this.#open.delete(producerId);
    this.#entries.push({ key: null, value: null, time: Date.now(), headers: undefined, size: 0, control: true, aborted: false });
    this.#tell();
  }

  /** The first offset at or after a time; -1: none. */
  offsetAt(time: number): number {
    const index = this.#entries.findIndex((entry) => !entry.control && entry.time >= time);
    return index < 0 ? -1 : this.start + index;
  }

  read(from: number, isolation: Isolation, maxBytes: number): FetchedBatch {
    const limit = this.limit(isolation);
    const seen: Entry[] = [];
    const offsets: number[] = [];
    let offset = from;
    for (let bytes = 0; offset < limit && offset - from < FETCH_RECORDS; offset++) {
      const entry = this.#entries[offset - this.start]!;
      if (seen.length > 0 && bytes + entry.size > maxBytes) break;
      bytes += entry.size;
      if (entry.control || (entry.aborted && isolation === 'read_committed')) continue;
      seen.push(entry);
      offsets.push(offset);
    }
    return {
      topic: this.topic, partition: this.partition, count: seen.length, offsets, next: offset, highWatermark: this.end,
      keys: seen.map((entry) => entry.key), values: seen.map((entry) => entry.value), times: seen.map((entry) => entry.time),
      header: (i, name) => seen[i]!.headers?.[name],
    };
  }

  /** Calls back once when something has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #trim(): void {
    // Not at every record: half of what is kept goes over before any is dropped.
    const surplus = Math.min(this.#entries.length - this.#retained, this.stable - this.start);
    if (surplus < this.#retained / 2) return;
    this.#entries = this.#entries.slice(surplus);
    this.start += surplus;
  }

  #tell(): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}
