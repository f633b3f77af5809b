/**
 * The tables of a job: rows loaded before it begins, and followed as long as it lives, whatever its attempts go through. Tasks ask for what has changed between two
 * batches, so that all events of a batch meet the same rows.
 *
 * Whatever is wrong with rows once the job runs, the ones there are stay: the log says what it was, once, and the metrics how old they are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../../dsl/typed.ts';
import { tablesOf } from '../compile/index.ts';
import { openKafka, openMemoryKafka, type MemoryBroker } from '../connect/kafka/index.ts';
import { decodeRows, FileTable, HttpTable, KafkaTable, RedisTable, type Snapshot, type TableShape, type TableSource } from '../connect/tables/index.ts';
import type { Log } from '../connect/types.ts';
import { kafkaConnectionOf, rulesOf, tableSourceOptions, type JobConfig, type TableConfig } from './config/index.ts';
import { JobError } from './parts.ts';
import type { TableStatus } from './status.ts';

/** What a task takes of a table. A new version has other rows. */
export interface TableVersion { readonly name: string; readonly version: number; readonly rows: readonly Readonly<Record<string, unknown>>[] }

/** Rejected rows of one load that the log names. */
const SHOWN = 5;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5000;

/** Where the rows of a table come from, as the job file says. `broker`: of the Kafka that lives in the process. */
export function tableSourceOf(config: JobConfig, name: string, table: TableConfig, broker: MemoryBroker | undefined, log: Log): TableSource {
  const made = tableSourceOptions(config, name, table);
  switch (made.kind) {
    case 'file': return new FileTable(made.options);
    case 'redis': return new RedisTable(made.options);
    case 'http': return new HttpTable(made.options);
    case 'kafka': {
      const kafka = config.kafka!;
      const connection = kafkaConnectionOf(kafka, log);
      return new KafkaTable({ ...made.options, open: () => (kafka.adapter === 'memory' ? openMemoryKafka(broker!, connection) : openKafka(kafka.adapter, connection)) });
    }
  }
}

/** The tables that the rules of a job read and the job file gives rows to. */
export function tablesOfJob(config: JobConfig, program: Program): { readonly shape: TableShape; readonly table: TableConfig }[] {
  const used = new Set(rulesOf(config, program).flatMap((rule) => tablesOf(program, rule)));
  return [...config.tables ?? []].flatMap(([name, table]) => (used.has(name) && program.tables.has(name) ? [{ shape: program.tables.get(name)!, table }] : []));
}

export interface JobTablesOptions {
  readonly config: JobConfig;
  readonly program: Program;
  readonly broker: MemoryBroker;
  readonly log: Log;
  readonly now: () => number;
}

export class JobTables {
  readonly #tables: readonly FollowedTable[];

  constructor({ config, program, broker, log, now }: JobTablesOptions) {
    this.#tables = tablesOfJob(config, program).map(({ shape, table }) => {
      const own = log.child({ table: shape.name });
      return new FollowedTable(shape, table, tableSourceOf(config, shape.name, table, broker, own), own, now);
    });
  }

  /** Resolves when all rows are there. @throws JobError where those of a table are not in time */
  async load(stopped: AbortSignal): Promise<void> {
    await Promise.all(this.#tables.map((table) => table.load(stopped)));
  }

  /** All tables with rows, as they are now. */
  versions(): readonly TableVersion[] { return this.#tables.flatMap((table) => table.version ?? []); }
  status(): TableStatus[] { return this.#tables.map((table) => table.status()); }
  async stop(): Promise<void> { await Promise.all(this.#tables.map((table) => table.stop())); }
}

class FollowedTable {
  version: TableVersion | undefined;
  readonly #shape: TableShape;
  readonly #config: TableConfig;
  readonly #source: TableSource;
  readonly #log: Log;
  readonly #now: () => number;
  #asOf: number | undefined;
  #loaded: number | undefined;
  #rejected = 0;
  #replaced = 0;
  #changes = 0;
  #failures = 0;
  #error: string | undefined;
  /** What the source told last was no rows of the table. */
  #isRefused = false;

  constructor(shape: TableShape, config: TableConfig, source: TableSource, log: Log, now: () => number) {
    this.#shape = shape;
    this.#config = config;
    this.#source = source;
    this.#log = log;
    this.#now = now;
  }

  async load(stopped: AbortSignal): Promise<void> {
    const began = performance.now();
    const { timeout } = this.#config;
    const isOver = new AbortController();
    const late = sleep(timeout, 'late' as const, { signal: isOver.signal, ref: false }).catch(() => 'late' as const);
    try {
      for (let pause = FIRST_PAUSE; !stopped.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
        const problem = await Promise.race([this.#tryLoad(), late, aborted(stopped)]);
        if (problem === undefined) {
          this.#source.follow({
            changed: (snapshot) => { this.#failOr(() => this.#take(snapshot)); },
            confirmed: (asOf) => { this.#confirmed(asOf); },
            failed: (error) => { this.#failed(error.message); },
          });
          return;
        }
        if (problem === 'late' || performance.now() - began + pause > timeout) {
          throw new JobError(`Table "${this.#shape.name}" has no rows after ${timeout} ms, and the job does not begin without them: ${this.#error ?? `no answer of ${this.#source.from}`} See "tables.${this.#shape.name}"; it may take longer with "timeout".`);
        }
        await sleep(pause, undefined, { signal: stopped }).catch(() => undefined);
      }
    } finally {
      isOver.abort();
    }
  }

  status(): TableStatus {
    return {
      table: this.#shape.name, kind: this.#config.kind, from: this.#source.from, rows: this.version?.rows.length ?? 0, rejected: this.#rejected, replaced: this.#replaced,
      version: this.version?.version ?? 0, loaded: this.#loaded, asOf: this.#asOf, changes: this.#changes, failures: this.#failures, error: this.#error,
    };
  }

  stop(): Promise<void> { return this.#source.stop(); }

  /** What is wrong, or undefined. */
  async #tryLoad(): Promise<string | undefined> {
    try {
      this.#take(await this.#source.load());
      return undefined;
    } catch (error) {
      this.#failed((error as Error).message);
      return (error as Error).message;
    }
  }

  /** Puts rows in place of those there are. Throws where none of them can be read: that is no change of the rows but of what they look like. */
  #take(snapshot: Snapshot): void {
    const { rows, rejected, replaced } = decodeRows(this.#shape, snapshot.rows);
    const all = [...snapshot.rejected, ...rejected];
    const first = all.slice(0, SHOWN).map(({ where, problem }) => `${this.#source.from}, ${where}: ${problem}`);
    if (rows.length === 0 && all.length > 0) throw new Error(`None of the ${all.length} rows can be read. ${first[0]}.`);
    const isFirst = this.version === undefined;
    this.version = { name: this.#shape.name, version: (this.version?.version ?? 0) + 1, rows };
    this.#asOf = snapshot.asOf;
    this.#loaded = this.#now();
    this.#rejected = all.length;
    this.#replaced = replaced;
    if (!isFirst) this.#changes++;
    const fields = { from: this.#source.from, rows: rows.length, ...(replaced > 0 && { replaced }) };
    if (snapshot.stale === undefined) this.#recovered();
    else {
      this.#failures++;
      this.#error = snapshot.stale;
      this.#log.warn({ ...fields, age: Math.max(0, this.#now() - snapshot.asOf), error: snapshot.stale }, 'the table has the rows of an earlier answer, for its source cannot be read');
    }
    this.#log.info(fields, isFirst ? 'the table is loaded' : 'the table has changed');
    if (all.length > 0) this.#log.warn({ rejected: all.length, first }, 'rows of the table cannot be read and are left out');
  }

  /** The source still has what it told last: what was refused then is no better now. */
  #confirmed(asOf: number): void {
    if (this.#isRefused) return;
    this.#asOf = asOf;
    this.#recovered();
  }

  #failOr(work: () => void): void {
    this.#isRefused = false;
    try {
      work();
    } catch (error) {
      this.#isRefused = true;
      this.#failed((error as Error).message);
    }
  }

  #failed(message: string): void {
    this.#failures++;
    if (this.#error === message) return;
    this.#error = message;
    this.#log.warn({ from: this.#source.from, error: message, rows: this.version?.rows.length ?? 0 }, this.version === undefined ? 'the table cannot be loaded yet' : 'the table keeps the rows it has, for its source cannot be read');
  }

  #recovered(): void {
    if (this.#error !== undefined && this.version !== undefined) this.#log.info({ from: this.#source.from }, 'the source of the table can be read again');
    this.#error = undefined;
  }
}

async function aborted(signal: AbortSignal): Promise<'stopped'> {
  if (!signal.aborted) await new Promise<void>((resolve) => { signal.addEventListener('abort', () => { resolve(); }, { once: true }); });
  return 'stopped';
}
