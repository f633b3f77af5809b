import { expect, test } from '@jest/globals';
import { check, parseFile } from '../../../dsl/index.ts';
import { compile } from '../../../src/compile/index.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { Engine } from '../../../src/engine/index.ts';
import { TaskStore, type TaskState } from '../../../src/job/state.ts';
import { MemoryStore, MissingChunkError, StoreFencedError, type MemoryData } from '../../../src/state/stores/index.ts';
import { keepingLog } from '../../support/quiet-log.ts';

const plan = compile(check([parseFile('r.cep', `event A { k: string, v: float, at: time } time at
rule R { by k match all a -> b within 1h a: A where v < 100 b: A where v >= 100 alert out { k, first: a.v } }`).file]).program!);

function engine(): { readonly engine: Engine; readonly ids: string[]; push(events: readonly object[]): void } {
  const ids: string[] = [];
  const made = new Engine(plan, { onAlert: ({ id }) => { ids.push(id); } });
  return {
    engine: made, ids,
    push: (events) => {
      const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      const batch = made.newBatch(events.length);
      makeDecoder(made.schema, made.strings, { defaultType: 'A' }).decodeLines(bytes, 0, bytes.length, batch, (reject) => { throw new Error(reject.message); });
      made.push(batch);
    },
  };
}

const rest = (offset: number): TaskState => ({ positions: new Map([['t/0', offset]]), watermarks: [{ watermark: offset, largest: {} }], ends: { out: [offset] } });
const small = (from: number, count: number): object[] => Array.from({ length: count }, (_, i) => ({ k: `k${(from + i) % 500}`, v: i % 50, at: from + i }));
const big = (at: number): object[] => Array.from({ length: 500 }, (_, i) => ({ k: `k${i}`, v: 200, at }));

async function taskStore(store: MemoryStore): Promise<TaskStore> {
  const made = new TaskStore(store, '0', 3, keepingLog());
  await made.acquire();
  return made;
}

async function newStore(data?: MemoryData): Promise<MemoryStore> {
  const store = new MemoryStore(data);
  await store.open();
  return store;
}

test('a chain of checkpoints is restored to the state of the last, and an older one where that is damaged', async () => {
  const store = await newStore();
  const writer = await taskStore(store);
  const live = engine();
  live.push(small(0, 5000));
  await writer.write(1, rest(5000), [live.engine.checkpoint()]);
  const first = writer.written;
  live.push(small(5000, 10));
  await writer.write(2, rest(5010), [live.engine.checkpoint()]);
  expect(writer.written).toBeLessThan(first / 2);

  const { state, next } = await (await taskStore(store)).read(2);
  expect(next).toBe(3);
  expect(state).toMatchObject({ checkpoint: 2, older: false, ends: { out: [5010] } });
  expect([...state!.positions]).toEqual([['t/0', 5010]]);
  const again = engine();
  again.engine.restoreImage(state!.engines[0]!);
  live.push(big(6000));
  again.push(big(6000));
  expect(live.ids.length).toBe(5010);
  expect(again.ids).toEqual(live.ids);

  const { manifests } = await store.manifests('0');
  const only = manifests[0]!.chunks.find((name) => !manifests[1]!.chunks.includes(name))!;
  const chunk = store.chunk.bind(store);
  store.chunk = (task, name) => (name === only ? Promise.resolve(undefined) : chunk(task, name));
  const fallen = await (await taskStore(store)).read(2);
  expect(fallen.state).toMatchObject({ checkpoint: 1, older: true });
});

test('checkpoints newer than the last commit are of transactions that never were', async () => {
  const store = await newStore();
  const writer = await taskStore(store);
  const live = engine();
  live.push(small(0, 100));
  await writer.write(7, rest(100), [live.engine.checkpoint()]);
  live.push(small(100, 100));
  await writer.write(8, rest(200), [live.engine.checkpoint()]);
  const { state, next } = await (await taskStore(store)).read(7);
  expect(state).toMatchObject({ checkpoint: 7, older: false });
  expect(next).toBe(9);
});

test('who has lost the task is fenced, and a store that lost its chunks says so', async () => {
  const data: MemoryData = new Map();
  const store = await newStore(data);
  const writer = await taskStore(store);
  const live = engine();
  live.push(small(0, 100));
  await writer.write(1, rest(100), [live.engine.checkpoint()]);
  const owner = await taskStore(store);
  live.push(small(100, 100));
  await expect(writer.write(2, rest(200), [live.engine.checkpoint()])).rejects.toThrow(StoreFencedError);

  await owner.read(1);
  const again = engine();
  again.push(small(0, 5000));
  await owner.write(2, rest(1), [again.engine.checkpoint()]);
  data.clear();
  again.push(small(5000, 1));
  await expect(owner.write(3, rest(2), [again.engine.checkpoint()])).rejects.toThrow(MissingChunkError);
  again.engine.markDirty();
  await owner.write(3, rest(2), [again.engine.checkpoint()]);
  expect((await (await taskStore(store)).read(3)).state).toMatchObject({ checkpoint: 3, older: false });
});
