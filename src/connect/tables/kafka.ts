import type { Kafka } from '../kafka/index.ts';
import { addJson, type ParsedRows } from './parse.ts';
import { Poller } from './poll.ts';
import { TableSourceError, type RawRow, type RejectedRow, type Snapshot, type TableListener, type TableSource } from './types.ts';

export interface KafkaTableOptions {
  readonly topic: string;
  readonly isolation: 'read_committed' | 'read_uncommitted';
  /** ms between two looks for new records. */
  readonly poll: number;
  /** The cluster. The table closes it when it stops. */
  readonly open: () => Promise<Kafka>;
  /** For messages: addresses of brokers. */
  readonly brokers: string;
}

interface Latest { readonly row: RawRow | undefined; readonly rejected: RejectedRow | undefined }

/**
 * A compacted topic: of the records of one key the latest is the row, a JSON object, and one without a value deletes it. It is read from its start to its end
 * by `load`, and followed from there. All partitions are read, whichever the job itself has: a table is whole in every process.
 */
export class KafkaTable implements TableSource {
  readonly from: string;
  readonly #options: KafkaTableOptions;
  #kafka: Kafka | undefined;
  #poller: Poller | undefined;
  /** By the record's key, in the order of last writing. */
  readonly #rows = new Map<string, Latest>();
  /** Offset to go on from, by partition. */
  readonly #positions: number[] = [];
  /** Records without a key, which no later one can replace. */
  #keyless: RejectedRow[] = [];

  constructor(options: KafkaTableOptions) {
    this.#options = options;
    this.from = `the topic ${options.topic} at ${options.brokers}`;
  }

  async load(): Promise<Snapshot> {
    await this.#catchUp();
    return this.#snapshot();
  }

  follow(listener: TableListener): void {
    const poller = this.#poller = new Poller(this.#options.poll, async () => {
      try {
        const changed = await this.#catchUp();
        if (poller.isStopped) return;
        if (changed) listener.changed(this.#snapshot());
        else listener.confirmed(Date.now());
      } catch (error) {
        if (!poller.isStopped) listener.failed(error as Error);
      }
    });
    poller.start();
  }

  async stop(): Promise<void> {
    await this.#poller?.stop();
    await this.#kafka?.close().catch(() => undefined);
    this.#kafka = undefined;
  }

  /** Reads up to where the topic ends now; whether there was anything. */
  async #catchUp(): Promise<boolean> {
    const { topic, isolation } = this.#options;
    try {
      const kafka = this.#kafka ??= await this.#options.open();
      if (!(await kafka.topics()).has(topic)) throw new Error('there is no such topic');
      const starts = await kafka.startOffsets(topic);
      const ends = await kafka.endOffsets(topic, isolation);
      let changed = false;
      // Shorter than what was read: another topic of the name. Nothing of the old one holds.
      if (ends.some((end, partition) => end < (this.#positions[partition] ?? 0))) {
        this.#rows.clear();
        this.#positions.length = 0;
        this.#keyless = [];
        changed = true;
      }
      for (const [partition, end] of ends.entries()) {
        const from = Math.max(this.#positions[partition] ?? 0, starts[partition] ?? 0);
        if (from >= end) continue;
        changed = true;
        await kafka.read(topic, partition, from, end, isolation, (batch) => {
          for (let i = 0; i < batch.count; i++) this.#take(batch.keys[i]!, batch.values[i]!, `partition ${partition}, offset ${batch.offsets[i]}`);
        });
        this.#positions[partition] = end;
      }
      return changed;
    } catch (error) {
      throw new TableSourceError(`${this.from} cannot be read: ${(error as Error).message}.`, { cause: error });
    }
  }

  #take(key: Uint8Array | null, value: Uint8Array | null, where: string): void {
    if (key === null) {
      this.#keyless.push({ where, problem: 'the record has no key' });
      return;
    }
    const name = Buffer.from(key).toString();
    this.#rows.delete(name);
    if (value === null) return;
    const parsed: ParsedRows = { rows: [], rejected: [] };
    addJson(Buffer.from(value).toString(), where, name, parsed);
    this.#rows.set(name, { row: parsed.rows[0], rejected: parsed.rejected[0] });
  }

  #snapshot(): Snapshot {
    const rows: RawRow[] = [];
    const rejected: RejectedRow[] = [...this.#keyless];
    for (const latest of this.#rows.values()) {
      if (latest.row !== undefined) rows.push(latest.row);
      if (latest.rejected !== undefined) rejected.push(latest.rejected);
    }
    return { rows, rejected, asOf: Date.now() };
  }
}
