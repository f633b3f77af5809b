import { expect, test } from '@jest/globals';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chunkName, DirectoryStore, StoreFencedError, type StateStore } from '../../../src/state/stores/index.ts';
import { bytes, checkpoint, chunks, manifestOf, storeContract } from '../../support/store-contract.ts';
import { scratch } from './support.ts';

async function flip(path: string): Promise<void> {
  const content = await readFile(path);
  content[content.length >> 1] = (content[content.length >> 1] as number) ^ 1;
  await writeFile(path, content);
}

storeContract('directory', async () => {
  const { path, remove } = await scratch();
  const stores: StateStore[] = [];
  return {
    open: async () => {
      const store = new DirectoryStore(path);
      stores.push(store);
      await store.open();
      return store;
    },
    damageChunk: (task, name) => flip(join(path, 'tasks', `t-${task}`, 'chunks', name)),
    damageManifest: (task, number) => flip(join(path, 'tasks', `t-${task}`, 'manifests', String(number))),
    dropChunk: (task, name) => rm(join(path, 'tasks', `t-${task}`, 'chunks', name)),
    wipe: () => rm(join(path, 'tasks'), { recursive: true }),
    done: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await remove();
    },
  };
});

async function inScratch(law: (path: string) => Promise<void>): Promise<void> {
  const { path, remove } = await scratch();
  try {
    await law(path);
  } finally {
    await remove();
  }
}

test('a chunk cut short by a power cut is a damaged one, and never a shorter one', () => inScratch(async (path) => {
  const store = new DirectoryStore(path);
  await store.open();
  await checkpoint(store, 't', await store.acquire('t'), 1, ['a long enough chunk']);
  const name = chunkName(bytes('a long enough chunk'));
  await writeFile(join(path, 'tasks', 't-t', 'chunks', name), 'a long');
  expect(await store.chunk('t', name)).toBeUndefined();
}));

test('what a crashed writer left half-written goes when the task is taken over', () => inScratch(async (path) => {
  const store = new DirectoryStore(path);
  await store.open();
  const token = await store.acquire('t');
  await writeFile(join(path, 'tasks', 't-t', `owner-${token}`, 'w-1'), 'half');
  const next = await store.acquire('t');
  expect(await readdir(join(path, 'tasks', 't-t', `owner-${next}`))).toEqual([]);
  expect((await readdir(join(path, 'tasks', 't-t'))).sort()).toEqual(['chunks', 'manifests', `owner-${next}`, 'task']);
}));

test('a write that was under way when the task was taken over is refused by its rename', () => inScratch(async (path) => {
  const [one, two] = [new DirectoryStore(path), new DirectoryStore(path)];
  await Promise.all([one.open(), two.open()]);
  const old = await one.acquire('t');
  const many = chunks(...Array.from({ length: 200 }, (_, i) => `${i}`));
  const put = one.put('t', old, many);
  const refused = expect(put).rejects.toBeInstanceOf(StoreFencedError);
  // In the middle of the put: its check of the fence was long before.
  while ((await readdir(join(path, 'tasks', 't-t', 'chunks'))).length < 5) await new Promise((resolve) => setImmediate(resolve));
  await two.acquire('t');
  const atTakeOver = (await readdir(join(path, 'tasks', 't-t', 'chunks'))).length;
  await refused;
  expect(atTakeOver).toBeLessThan(200);
  expect((await readdir(join(path, 'tasks', 't-t', 'chunks'))).length).toBe(atTakeOver);
}));

test('a folder of a later format is refused with both formats', () => inScratch(async (path) => {
  await writeFile(join(path, 'format'), 'alcedo-state 9\n');
  await expect(new DirectoryStore(path).open()).rejects.toThrow(/"alcedo-state 9"; this version reads "alcedo-state 1"/);
}));

test('a path that is a file is refused with the path', () => inScratch(async (path) => {
  await writeFile(join(path, 'x'), '');
  await expect(new DirectoryStore(join(path, 'x')).open()).rejects.toThrow(join(path, 'x'));
}));

test('an unreadable manifest is an error, not a damaged manifest: nothing is to be thrown away for it', () => inScratch(async (path) => {
  const store = new DirectoryStore(path);
  await store.open();
  const token = await store.acquire('t');
  await checkpoint(store, 't', token, 1, ['a']);
  await rm(join(path, 'tasks', 't-t', 'manifests', '1'));
  await mkdir(join(path, 'tasks', 't-t', 'manifests', '1'));
  await expect(store.manifests('t')).rejects.toThrow(/EISDIR/);
  await expect(store.collect('t', token, [])).rejects.toThrow(/EISDIR/);
}));

test('a folder that may not be written says so and what to look at', () => inScratch(async (path) => {
  if (process.getuid?.() === 0) return expect(process.getuid()).toBe(0); // root may write anywhere
  await chmod(path, 0o500);
  await expect(new DirectoryStore(path).open()).rejects.toThrow(/owner and mode/);
}));

test('a manifest that says it is another checkpoint is damaged', () => inScratch(async (path) => {
  const store = new DirectoryStore(path);
  await store.open();
  const token = await store.acquire('t');
  await store.commit('t', token, manifestOf(1, []));
  const folder = join(path, 'tasks', 't-t', 'manifests');
  await writeFile(join(folder, '2'), await readFile(join(folder, '1')));
  expect((await store.manifests('t')).damaged).toEqual(['checkpoint 2: it says it is checkpoint 1']);
}));
