/** Reads test/fixtures/formats, and whether a store that was made of one of them holds what it should. */
import { expect } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TaskStore } from '../../src/job/state.ts';
import type { StateStore } from '../../src/state/stores/index.ts';
import { BODIES, IMAGES, TASK, WHOLE } from './formats.ts';
import { keepingLog } from './quiet-log.ts';

const FIXTURES = new URL('../fixtures/formats/', import.meta.url);

export function formatFile(name: string): Buffer { return readFileSync(new URL(name, FIXTURES)); }

/** A folder of a fixture, laid out in a new one. Returns its path. */
export function layOut(name: string): string {
  const root = mkdtempSync(join(tmpdir(), 'alcedo-format-'));
  for (const [path, content] of Object.entries(JSON.parse(formatFile(name).toString()) as Record<string, string | null>)) {
    if (content === null) mkdirSync(join(root, path), { recursive: true });
    else {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), Buffer.from(content, 'base64'));
    }
  }
  return root;
}

/** The store is one of a fixture: both checkpoints are read, the newer one gone on from, and what is written then is read. */
export async function holdsFormat(store: StateStore): Promise<void> {
  expect(await store.tasks()).toEqual([TASK]);
  expect(await store.verify(TASK)).toEqual([]);
  const log = keepingLog();
  const task = new TaskStore(store, TASK, 3, log);
  await task.acquire();
  for (const [i, body] of BODIES.entries()) {
    const { state, next } = await task.read(i + 1);
    expect(next).toBe(3);
    expect(state).toMatchObject({ ...body, checkpoint: i + 1, older: false });
  }
  const { state } = await task.read(2);
  expect(state!.engines.map(({ header, sections }) => ({ header, heap: sections.get('heap')!.map((page) => [...page]) })))
    .toEqual(WHOLE.map(({ header, heap }) => ({ header, heap: heap.map((page) => [...page]) })));
  await task.write(3, BODIES[0]!, [IMAGES[1]![1]!, IMAGES[1]![1]!]);
  await task.collect(3);
  expect((await store.manifests(TASK)).manifests.map(({ checkpoint }) => checkpoint)).toEqual([3, 2, 1]);
  expect((await task.read(3)).state!.engines[0]!.sections.get('heap')).toHaveLength(1);
  expect(log.lines).toEqual([]);
}
