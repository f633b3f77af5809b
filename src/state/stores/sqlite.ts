import { Worker } from 'node:worker_threads';
import { requireOpen } from './failures.ts';
import { InFlight } from './in-flight.ts';
import type { Manifests } from './manifest.ts';
import { encodeManifest } from './manifest.ts';
import { encodeName, requireChunkNames } from './names.ts';
import type { SqliteTables } from './sqlite-tables.ts';
import type { SqliteAnswer, SqliteCall, SqliteFailure, SqliteRequest, SqliteWorkerData } from './sqlite-worker.ts';
import type { Manifest, StateStore } from './types.ts';
import { MissingChunkError, StoreFencedError } from './types.ts';
import { verifyTask } from './verify.ts';

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

export interface SqliteOptions {
  readonly path: string;
  /** How long a write waits for another process's, ms. Default 5000. */
  readonly busyTimeout?: number;
}

/** One file, in WAL mode, with a connection in a thread of its own: waiting for the disk must not keep events waiting. */
export class SqliteStore implements StateStore {
  readonly kind = 'sqlite';
  readonly #options: SqliteOptions;
  readonly #flight = new InFlight();
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #worker: Worker | undefined;
  #lastCall = 0;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    if (this.#worker !== undefined) return;
    this.#worker = this.#start();
    try {
      await this.#send('open', []);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async acquire(task: string): Promise<number> {
    encodeName(task); // SQLite would store half a surrogate pair as something else
    return this.#flight.inTurn(task, async () => {
      const token = await this.#call('acquire', task);
      this.#flight.unpin(task);
      return token;
    });
  }

  async has(task: string, chunks: readonly string[]): Promise<ReadonlySet<string>> {
    requireChunkNames(chunks);
    return this.#flight.inTurn(task, async () => {
      const found = new Set(await this.#call('has', task, chunks.filter((name) => !this.#flight.isDamaged(task, name))));
      this.#flight.pin(task, found);
      return found;
    });
  }

  async put(task: string, token: number, chunks: ReadonlyMap<string, Uint8Array>): Promise<void> {
    requireChunkNames(chunks.keys());
    await this.#flight.inTurn(task, async () => {
      await this.#call('put', task, token, chunks);
      this.#flight.pin(task, chunks.keys());
      this.#flight.rewritten(task, chunks.keys());
    });
  }

  async commit(task: string, token: number, manifest: Manifest): Promise<void> {
    const bytes = encodeManifest(manifest);
    await this.#flight.inTurn(task, async () => {
      await this.#call('commit', task, token, manifest.checkpoint, manifest.chunks, bytes);
      this.#flight.unpin(task);
    });
  }

  async manifests(task: string): Promise<Manifests> {
    return this.#call('manifests', task);
  }

  async chunk(task: string, name: string): Promise<Uint8Array | undefined> {
    requireChunkNames([name]);
    const found = await this.#call('checkedChunk', task, name);
    if (found === undefined || found.sound) return found?.bytes;
    this.#flight.foundDamaged(task, name);
    return undefined;
  }

  async collect(task: string, token: number, keep: readonly number[]): Promise<void> {
    await this.#flight.inTurn(task, () => this.#call('collect', task, token, keep, [...this.#flight.pinned(task)]));
  }

  async tasks(): Promise<readonly string[]> {
    return this.#call('tasks');
  }

  async verify(task: string): Promise<readonly string[]> {
    return verifyTask({ manifests: await this.manifests(task), chunks: await this.#call('chunkNames', task), read: (name) => this.#call('chunk', task, name) });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    await this.#flight.settled();
    if (this.#worker !== worker) return;
    const ended = new Promise<void>((resolve) => { worker.once('exit', () => resolve()); });
    const closed = this.#send('close', []);
    this.#worker = undefined;
    try {
      await closed;
    } finally {
      worker.ref();
      await ended;
    }
  }

  #start(): Worker {
    const data: SqliteWorkerData = { path: this.#options.path, busyTimeout: this.#options.busyTimeout ?? 5000 };
    const file = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { workerData: data, execArgv: ['--disable-warning=ExperimentalWarning'], name: 'state' });
    // A store that is idle does not keep the process alive.
    worker.unref();
    worker.on('message', (answer: SqliteAnswer) => this.#answered(answer));
    worker.on('error', (error) => this.#ended(worker, `its thread failed: ${(error as Error).message}`));
    worker.on('exit', () => this.#ended(worker, 'its thread has ended'));
    return worker;
  }

  #call<C extends SqliteCall>(call: C, ...of: Parameters<SqliteTables[C]>): Promise<ReturnType<SqliteTables[C]>> {
    return this.#send(call, of) as Promise<ReturnType<SqliteTables[C]>>;
  }

  async #send(call: SqliteRequest['call'], of: readonly unknown[]): Promise<unknown> {
    const worker = this.#worker;
    requireOpen(worker !== undefined, this.kind);
    const id = ++this.#lastCall;
    const answer = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
    worker?.ref();
    worker?.postMessage({ id, call, arguments: of } satisfies SqliteRequest);
    try {
      return await answer;
    } finally {
      if (this.#calls.size === 0) worker?.unref();
    }
  }

  #answered({ id, result, failure }: SqliteAnswer): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (failure === undefined) call?.resolve(result);
    else call?.reject(this.#error(failure));
  }

  #ended(worker: Worker, why: string): void {
    if (this.#worker === worker) this.#worker = undefined;
    for (const { reject } of this.#calls.values()) reject(new Error(`State file ${this.#options.path}: ${why}; the last good checkpoint stays.`));
    this.#calls.clear();
  }

  #error(failure: SqliteFailure): Error {
    if (failure.name === 'StoreFencedError') return new StoreFencedError(failure.message);
    if (failure.name === 'MissingChunkError') return new MissingChunkError(failure.message);
    const error: Error & { code?: string } = new Error(`State file ${this.#options.path}: ${reason(failure)}`);
    error.code = failure.code;
    return error;
  }
}

function reason({ message, errcode }: SqliteFailure): string {
  switch (errcode & 0xff) {
    case SQLITE_FULL:
      return `The disk is full (${message}); the last good checkpoint stays and is not touched. Free space there; the next checkpoint tries again.`;
    case SQLITE_IOERR:
      return `The disk refuses to read or write (${message}); the last good checkpoint stays. See the free space, \`ulimit -f\`, and the system's log.`;
    case SQLITE_BUSY:
      return `Another process held the file for longer than the busy timeout (${message}); nothing was written. See which other process has it open.`;
    case SQLITE_READONLY: case SQLITE_CANTOPEN:
      return `It cannot be opened for writing (${message}). See the owner and mode of the file and its folder.`;
    case SQLITE_CORRUPT: case SQLITE_NOTADB:
      return `It is damaged or no SQLite database (${message}). Restore it from a backup, or move it away to begin without state.`;
    default:
      return message.endsWith('.') ? message : `${message}.`;
  }
}
