import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { chunkName, openStore, type StateStore } from '../../../src/state/stores/index.ts';
import { scratch } from './support.ts';

const STORES = new URL('../../../src/state/stores/index.ts', import.meta.url).href;

/** Takes the task over, writes checkpoints as fast as it can, and says the number of each when its commit has returned. */
const WRITER = `
import { chunkName, openStore } from ${JSON.stringify(STORES)};
const store = await openStore(JSON.parse(process.argv.at(-1)));
const token = await store.acquire('t');
const bytes = (text) => Buffer.from(text.repeat(2000));
for (let number = ((await store.manifests('t')).manifests[0]?.checkpoint ?? 0) + 1; ; number++) {
  const parts = ['base', 'even ' + (number >> 1), 'only ' + number].map(bytes);
  const names = parts.map(chunkName);
  const there = await store.has('t', names);
  await store.put('t', token, new Map(parts.map((part, i) => [names[i], part]).filter(([name]) => !there.has(name))));
  await store.commit('t', token, { checkpoint: number, chunks: names, body: String(number), written: number });
  process.stdout.write(number + '\\n');
  await store.collect('t', token, [number, number - 1]);
}
`;

/** Runs the writer for a random time, kills it, and gives the last number it said. */
async function killedWriter(spec: object): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, '--', JSON.stringify(spec)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    timer ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * 150);
  });
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return Number(said.split('\n').at(-2));
}

async function expectWhole(store: StateStore, last: number): Promise<void> {
  const { manifests, damaged } = await store.manifests('t');
  expect(damaged).toEqual([]);
  const newest = manifests[0]?.checkpoint ?? 0;
  // The commit after the last one that was said may have been done too.
  expect([last, last + 1]).toContain(newest);
  for (const { chunks, body, checkpoint } of manifests) {
    expect(body).toBe(String(checkpoint));
    const texts = await Promise.all(chunks.map(async (name) => Buffer.from(await store.chunk('t', name) ?? []).toString()));
    expect(texts.map((text) => text.slice(0, text.length / 2000))).toEqual(['base', `even ${checkpoint >> 1}`, `only ${checkpoint}`]);
    expect(chunks.map((name, i) => chunkName(Buffer.from(texts[i] as string)) === name)).toEqual([true, true, true]);
  }
  expect((await store.verify('t')).filter((finding) => !finding.startsWith('unnamed'))).toEqual([]);
}

describe.each([['directory', 'store'], ['sqlite', 'state.db']] as const)('%s', (kind, name) => {
  test('kill -9 at any moment leaves every answered commit whole, and the next owner goes on from it', async () => {
    const { path, remove } = await scratch();
    try {
      const spec = { kind, path: join(path, name) };
      for (let round = 0; round < 6; round++) {
        const last = await killedWriter(spec);
        expect(last).toBeGreaterThan(0);
        const store = await openStore(spec);
        await expectWhole(store, last);
        await store.close();
      }
    } finally {
      await remove();
    }
  });
});
