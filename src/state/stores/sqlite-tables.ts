/** The SQLite store's tables and transactions, synchronous. They run in the worker of sqlite-worker.ts, because every commit waits for the disk. */

import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StatementSync } from 'node:sqlite';
import { DatabaseSync } from 'node:sqlite';
import { fenced, missing } from './failures.ts';
import type { Manifests } from './manifest.ts';
import { readManifests, retention } from './manifest.ts';
import { chunkName, isChunkName, nextToken } from './names.ts';

/** "ACST": tells a state store from another program's database. */
const APPLICATION_ID = 0x4143_5354;
const FORMAT = 1;

const SCHEMA = `
  CREATE TABLE task (name TEXT PRIMARY KEY, fence INTEGER NOT NULL) STRICT;
  CREATE TABLE chunk (task TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (task, name)) STRICT;
  CREATE TABLE manifest (task TEXT NOT NULL, checkpoint INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (task, checkpoint)) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
`;

export class SqliteTables {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws Error when the file is no store of ours, or cannot be opened */
  constructor(path: string, busyTimeout: number) {
    if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
    this.#db = new DatabaseSync(path, { timeout: busyTimeout });
    try {
      this.#prepare();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #prepare(): void {
    // Larger than the default page: chunks are hundreds of KiB. Only a new file takes it.
    this.#db.exec('PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864');
    this.#transaction('FULL', () => {
      const id = this.#number('PRAGMA application_id');
      const format = this.#number('PRAGMA user_version');
      const tables = this.#number('SELECT count(*) FROM sqlite_master');
      if (id === 0 && tables === 0) this.#db.exec(SCHEMA);
      else if (id !== APPLICATION_ID) throw new Error('the file is a database of another program');
      else if (format !== FORMAT) throw new Error(`the file was written in format ${format}; this version reads format ${FORMAT}`);
    });
  }

  acquire(task: string): number {
    return this.#transaction('FULL', () => {
      const token = nextToken(this.#fence(task) ?? 0, Date.now());
      this.#setFence(task, token);
      return token;
    });
  }

  has(task: string, names: readonly string[]): string[] {
    const select = this.#statement('SELECT 1 FROM chunk WHERE task = ? AND name = ?');
    return names.filter((name) => select.get(task, name) !== undefined);
  }

  /**
   * Without waiting for the disk: the commit that names the chunks forces the whole log, these pages before its own. One transaction a chunk, so
   * that other connections get in between.
   */
  put(task: string, token: number, chunks: ReadonlyMap<string, Uint8Array>): void {
    const insert = this.#statement('INSERT OR REPLACE INTO chunk (task, name, bytes) VALUES (?, ?, ?)');
    this.#transaction('NORMAL', () => this.#own(task, token));
    for (const [name, bytes] of chunks) {
      this.#transaction('NORMAL', () => {
        this.#own(task, token);
        insert.run(task, name, bytes);
      });
    }
  }

  commit(task: string, token: number, checkpoint: number, chunks: readonly string[], manifest: Uint8Array): void {
    this.#transaction('FULL', () => {
      this.#own(task, token);
      const names = new Set(chunks);
      const found = new Set(this.has(task, [...names]));
      const absent = [...names].filter((name) => !found.has(name));
      if (absent.length > 0) throw missing(task, checkpoint, absent);
      this.#statement('INSERT OR REPLACE INTO manifest (task, checkpoint, bytes) VALUES (?, ?, ?)').run(task, checkpoint, manifest);
    });
  }

  manifests(task: string): Manifests {
    return readManifests(this.#stored(task));
  }

  /** The bytes as they are stored. */
  chunk(task: string, name: string): Uint8Array | undefined {
    return this.#statement('SELECT bytes FROM chunk WHERE task = ? AND name = ?').get(task, name)?.['bytes'] as Uint8Array | undefined;
  }

  /** Like `chunk`, with whether the bytes give the name: hashing is this thread's work too. */
  checkedChunk(task: string, name: string): { readonly bytes: Uint8Array; readonly sound: boolean } | undefined {
    const bytes = this.chunk(task, name);
    return bytes === undefined ? undefined : { bytes, sound: chunkName(bytes) === name };
  }

  chunkNames(task: string): string[] {
    return this.#statement('SELECT name FROM chunk WHERE task = ? ORDER BY name').all(task).map((row) => row['name'] as string).filter(isChunkName);
  }

  collect(task: string, token: number, keep: readonly number[], pinned: readonly string[]): void {
    this.#transaction('FULL', () => {
      this.#own(task, token);
      const { live, drop } = retention(this.#stored(task), keep);
      for (const name of pinned) live.add(name);
      const removeManifest = this.#statement('DELETE FROM manifest WHERE task = ? AND checkpoint = ?');
      for (const checkpoint of drop) removeManifest.run(task, checkpoint);
      const removeChunk = this.#statement('DELETE FROM chunk WHERE task = ? AND name = ?');
      for (const name of this.chunkNames(task)) if (!live.has(name)) removeChunk.run(task, name);
    });
  }

  tasks(): string[] {
    return this.#statement('SELECT name FROM task ORDER BY name').all().map((row) => row['name'] as string);
  }

  close(): void {
    this.#db.close();
  }

  #stored(task: string): [checkpoint: number, bytes: Uint8Array][] {
    return this.#statement('SELECT checkpoint, bytes FROM manifest WHERE task = ?').all(task)
      .map((row) => [row['checkpoint'] as number, row['bytes'] as Uint8Array]);
  }

  #fence(task: string): number | undefined {
    return this.#statement('SELECT fence FROM task WHERE name = ?').get(task)?.['fence'] as number | undefined;
  }

  #setFence(task: string, token: number): void {
    this.#statement('INSERT OR REPLACE INTO task (name, fence) VALUES (?, ?)').run(task, token);
  }

  /** A larger token than the store's is accepted: the file was removed or set back since it was given. */
  #own(task: string, token: number): void {
    const fence = this.#fence(task);
    if (fence !== undefined && token < fence) throw fenced(task, token, fence);
    if (fence !== token) this.#setFence(task, token);
  }

  #transaction<T>(synchronous: 'FULL' | 'NORMAL', work: () => T): T {
    this.#db.exec(`PRAGMA synchronous = ${synchronous}`);
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has ended the transaction already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #number(sql: string): number {
    return Object.values(this.#statement(sql).get() ?? {})[0] as number;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
