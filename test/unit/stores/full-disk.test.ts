import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openStore } from '../../../src/state/stores/index.ts';
import { scratch } from './support.ts';

const STORES = new URL('../../../src/state/stores/index.ts', import.meta.url).href;

/** What the child does: checkpoint 1 fits, checkpoint 2 does not, and then the store still works. Prints the error. */
const CHILD = `
import { randomBytes } from 'node:crypto';
import { chunkName, openStore } from ${JSON.stringify(STORES)};
const store = await openStore(JSON.parse(process.argv.at(-1)));
const token = await store.acquire('t');
const write = async (checkpoint, size) => {
  const chunks = new Map(Array.from({ length: 3 }, () => randomBytes(size)).map((bytes) => [chunkName(bytes), bytes]));
  await store.put('t', token, chunks);
  await store.commit('t', token, { checkpoint, chunks: [...chunks.keys()], body: '{}', written: 1 });
};
await write(1, 10_000);
const error = await write(2, 3_000_000).then(() => undefined, (error) => error.message);
await write(3, 10_000);
console.log(JSON.stringify({ error, after: (await store.manifests('t')).manifests.map((m) => m.checkpoint) }));
await store.close();
`;

/**
 * The limit on the size of files makes the writes fail where a full disk would, without a disk of our own to fill: EFBIG instead of ENOSPC, the same
 * path through the store.
 */
describe.each([['directory', 'store'], ['sqlite', 'state.db']] as const)('%s on a disk that takes no more', (kind, name) => {
  test('the checkpoint fails with a clear error, the last good one stays, and the next smaller one works', async () => {
    const { path, remove } = await scratch();
    try {
      const spec = { kind, path: join(path, name) };
      const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -f 2000; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', CHILD, '--', JSON.stringify(spec)]);
      const { error, after } = JSON.parse(stdout) as { error?: string; after: number[] };
      expect(error).toContain(spec.path);
      expect(error).toMatch(/the last good checkpoint stays/);
      expect(after).toEqual([3, 1]);
      const store = await openStore(spec);
      expect((await store.manifests('t')).manifests.map((m) => m.checkpoint)).toEqual([3, 1]);
      expect((await store.verify('t')).filter((finding) => !finding.startsWith('unnamed'))).toEqual([]);
      await store.close();
    } finally {
      await remove();
    }
  });
});
