/** What an older version has written is read: test/fixtures/formats has a file for each format of each kind of store, journal, and note. */
import { expect, test } from '@jest/globals';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Journal } from '../../../src/connect/journal/index.ts';
import { loadParts } from '../../../src/connect/tail/identity.ts';
import { openStore, type StoreSpec } from '../../../src/state/stores/index.ts';
import { formatFile, holdsFormat, layOut } from '../../support/format-checks.ts';
import { ENTRIES, PARTS } from '../../support/formats.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { scratch } from './support.ts';

async function opened(spec: StoreSpec): Promise<void> {
  const store = await openStore(spec);
  try {
    await holdsFormat(store);
  } finally {
    await store.close();
  }
}

test('there is a test for each fixture', () => {
  expect(readdirSync(new URL('../../fixtures/formats/', import.meta.url)).sort()).toEqual(['directory-1.json', 'journal-1.json', 'positions-1.json', 'redis-1.json', 'sqlite-1.gz']);
});

test('the folder of a directory store, format 1, and the job state in it', async () => {
  const path = layOut('directory-1.json');
  await opened({ kind: 'directory', path });
  rmSync(path, { recursive: true });
});

test('the file of a SQLite store, format 1, and the job state in it', async () => {
  const { path, remove } = await scratch();
  writeFileSync(join(path, 'state.sqlite'), gunzipSync(formatFile('sqlite-1.gz')));
  await opened({ kind: 'sqlite', path: join(path, 'state.sqlite') });
  await remove();
});

test('the segments of a journal, format 1: of HTTP and MQTT sources', async () => {
  const directory = layOut('journal-1.json');
  const journal = await Journal.open({ directory, fsync: 'always' }, keepingLog());
  expect([journal.start, journal.end]).toEqual([0, 3]);
  const reader = journal.reader(0);
  const entries = await reader.next(100, 1 << 20);
  expect(entries.map(({ time, attributes, value }) => ({ time, attributes, value: [...value] }))).toEqual(ENTRIES.map(({ time, attributes, value }) => ({ time, attributes, value: [...value] })));
  expect(await journal.append([ENTRIES[0]!])).toBe(3);
  await reader.close();
  await journal.close();
  rmSync(directory, { recursive: true });
});

test('what is noted of followed files, format 1', async () => {
  const folder = layOut('positions-1.json');
  expect(await loadParts(join(folder, 'positions'))).toEqual(PARTS);
  rmSync(folder, { recursive: true });
});
