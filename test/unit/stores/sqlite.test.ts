import { expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SqliteStore, type StateStore } from '../../../src/state/stores/index.ts';
import { checkpoint, chunks, manifestOf, storeContract } from '../../support/store-contract.ts';
import { scratch } from './support.ts';

function sql(path: string, statement: string, ...values: (string | number)[]): void {
  const db = new DatabaseSync(path);
  try {
    const { changes } = db.prepare(statement).run(...values);
    if (changes === 0) throw new Error('there is nothing to change');
  } finally {
    db.close();
  }
}

storeContract('sqlite', async () => {
  const { path: folder, remove } = await scratch();
  const path = join(folder, 'sub', 'state.db');
  const stores: StateStore[] = [];
  const flipped = (column: string): string => `CAST(substr(${column}, 1, length(${column}) / 2) || '~' || substr(${column}, length(${column}) / 2 + 2) AS BLOB)`;
  return {
    open: async () => {
      const store = new SqliteStore({ path });
      stores.push(store);
      await store.open();
      return store;
    },
    damageChunk: async (task, name) => sql(path, `UPDATE chunk SET bytes = ${flipped('bytes')} WHERE task = ? AND name = ?`, task, name),
    damageManifest: async (task, number) => sql(path, `UPDATE manifest SET bytes = ${flipped('bytes')} WHERE task = ? AND checkpoint = ?`, task, number),
    dropChunk: async (task, name) => sql(path, 'DELETE FROM chunk WHERE task = ? AND name = ?', task, name),
    wipe: async () => { for (const table of ['task', 'chunk', 'manifest']) sql(path, `DELETE FROM ${table}`); },
    done: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await remove();
    },
  };
});

async function inScratch(law: (path: string) => Promise<void>): Promise<void> {
  const { path, remove } = await scratch();
  try {
    await law(join(path, 'state.db'));
  } finally {
    await remove();
  }
}

test('a commit is in the file when it returns: a copy of file and log taken then holds it', () => inScratch(async (path) => {
  const store = new SqliteStore({ path });
  await store.open();
  await checkpoint(store, 't', await store.acquire('t'), 1, ['a']);
  const { copyFile } = await import('node:fs/promises');
  for (const suffix of ['', '-wal']) await copyFile(path + suffix, `${path}2${suffix}`);
  const copy = new SqliteStore({ path: `${path}2` });
  await copy.open();
  expect((await copy.manifests('t')).manifests).toHaveLength(1);
  expect(await copy.verify('t')).toEqual([]);
  await Promise.all([store.close(), copy.close()]);
}));

test('a file that is no database, and one of another program, are refused and left alone', () => inScratch(async (path) => {
  await writeFile(path, 'not a database, but long enough to have a header of one hundred bytes, which is what SQLite reads of a file first of all.');
  await expect(new SqliteStore({ path }).open()).rejects.toThrow(/no SQLite database/);
  const other = new DatabaseSync(`${path}2`);
  other.exec('CREATE TABLE theirs (x)');
  other.close();
  await expect(new SqliteStore({ path: `${path}2` }).open()).rejects.toThrow(/another program/);
}));

test('a file of a later format is refused with both formats', () => inScratch(async (path) => {
  const store = new SqliteStore({ path });
  await store.open();
  await store.close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 9');
  db.close();
  await expect(new SqliteStore({ path }).open()).rejects.toThrow(/format 9; this version reads format 1/);
}));

test('a write waits for another process, and says so when that takes too long', () => inScratch(async (path) => {
  const store = new SqliteStore({ path, busyTimeout: 50 });
  await store.open();
  const token = await store.acquire('t');
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  await expect(store.put('t', token, chunks('a'))).rejects.toThrow(/Another process held the file/);
  other.exec('ROLLBACK');
  other.close();
  await store.put('t', token, chunks('a'));
  await store.close();
}));

test('events go on while the disk is waited for', () => inScratch(async (path) => {
  const store = new SqliteStore({ path, busyTimeout: 2000 });
  await store.open();
  const token = await store.acquire('t');
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const put = store.put('t', token, chunks('a'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  clearInterval(timer);
  other.exec('ROLLBACK');
  other.close();
  await put;
  expect(turns).toBeGreaterThan(10);
  await store.close();
}));

test('a store that is not open says so', () => inScratch(async (path) => {
  const store = new SqliteStore({ path });
  await expect(store.manifests('t')).rejects.toThrow('not open');
  await store.open();
  await store.close();
  await expect(store.commit('t', 1, manifestOf(1, []))).rejects.toThrow('not open');
}));
