/** What every state store promises, as a suite. Each kind runs it: test/unit/stores, and test/live/stores for Redis. */

import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chunkName, MissingChunkError, StoreFencedError, type Manifest, type StateStore } from '../../src/state/stores/index.ts';

/** One place where a store keeps its data, empty at first. */
export interface StorePlace {
  /** Another instance over the same data, open. */
  open(): Promise<StateStore>;
  /** Changes a byte in the middle of a stored chunk. */
  damageChunk(task: string, name: string): Promise<void>;
  damageManifest(task: string, checkpoint: number): Promise<void>;
  /** Loses a chunk. */
  dropChunk(task: string, name: string): Promise<void>;
  /** Loses everything, as when a disk is replaced or Redis restarts without its data. */
  wipe(): Promise<void>;
  /** Closes what is open and removes the data. */
  done(): Promise<void>;
}

export function storeContract(name: string, make: () => Promise<StorePlace>): void {
  const withPlace = (title: string, law: (place: StorePlace) => Promise<void>): void => {
    test(title, async () => {
      const place = await make();
      try {
        await law(place);
      } finally {
        await place.done();
      }
    });
  };
  const withStore = (title: string, law: (store: StateStore, place: StorePlace) => Promise<void>): void => {
    withPlace(title, async (place) => law(await place.open(), place));
  };

  describe(`${name}: a state store`, () => {
    withStore('an unknown task is empty', async (store) => {
      expect(await store.manifests('none')).toEqual({ manifests: [], damaged: [] });
      expect(await store.chunk('none', chunkName(bytes('x')))).toBeUndefined();
      expect(await store.has('none', [chunkName(bytes('x'))])).toEqual(new Set());
      expect(await store.verify('none')).toEqual([]);
      expect(await store.tasks()).toEqual([]);
    });

    withStore('a task that was only taken over is listed and empty', async (store) => {
      await store.acquire('t');
      expect(await store.tasks()).toEqual(['t']);
      expect(await store.manifests('t')).toEqual({ manifests: [], damaged: [] });
    });

    withPlace('a committed checkpoint is read by another instance', async (place) => {
      const writer = await place.open();
      const token = await writer.acquire('t');
      const manifest = await checkpoint(writer, 't', token, 1, ['a', 'b'], { body: '{"offsets":{"payments/3":17},"é":"\\u0000"}' });
      await writer.close();
      const reader = await place.open();
      expect((await reader.manifests('t')).manifests).toEqual([manifest]);
      expect(await reader.chunk('t', manifest.chunks[0] as string)).toEqual(plain(bytes('a')));
      expect(await reader.chunk('t', manifest.chunks[1] as string)).toEqual(plain(bytes('b')));
      expect(await reader.tasks()).toEqual(['t']);
      expect(await reader.verify('t')).toEqual([]);
    });

    withStore('manifests come newest first, whatever their numbers look like as text', async (store) => {
      const token = await store.acquire('t');
      for (const number of [9, 10, 100, 2]) await checkpoint(store, 't', token, number, ['same']);
      expect((await store.manifests('t')).manifests.map((m) => m.checkpoint)).toEqual([100, 10, 9, 2]);
    });

    withStore('a checkpoint without chunks, and one that names a chunk twice, are checkpoints', async (store) => {
      const token = await store.acquire('t');
      await checkpoint(store, 't', token, 1, []);
      const twice = await checkpoint(store, 't', token, 2, ['a', 'a', 'b', 'a']);
      const { manifests } = await store.manifests('t');
      expect(manifests.map((m) => m.chunks.length)).toEqual([4, 0]);
      expect(manifests[0]).toEqual(twice);
    });

    withStore('a commit that is repeated, as after an answer that was lost, is one checkpoint', async (store) => {
      const token = await store.acquire('t');
      const manifest = await checkpoint(store, 't', token, 1, ['a']);
      await store.commit('t', token, manifest);
      expect((await store.manifests('t')).manifests).toEqual([manifest]);
    });

    withPlace('chunks that no commit has named are no checkpoint', async (place) => {
      const store = await place.open();
      const token = await store.acquire('t');
      await checkpoint(store, 't', token, 1, ['a']);
      await store.put('t', token, chunks('b', 'c'));
      const reader = await place.open();
      expect((await reader.manifests('t')).manifests.map((m) => m.checkpoint)).toEqual([1]);
    });

    withStore('has tells which chunks are there', async (store) => {
      const token = await store.acquire('t');
      const [a, b, c] = [...chunks('a', 'b', 'c').keys()] as [string, string, string];
      await store.put('t', token, chunks('a'));
      await checkpoint(store, 't', token, 1, ['b']);
      expect(await store.has('t', [a, b, c])).toEqual(new Set([a, b]));
      expect(await store.has('other', [a])).toEqual(new Set());
    });

    withStore('a commit that names a missing chunk changes nothing', async (store) => {
      const token = await store.acquire('t');
      const first = await checkpoint(store, 't', token, 1, ['a']);
      await store.put('t', token, chunks('b'));
      const names = [...chunks('b', 'gone').keys()];
      await expect(store.commit('t', token, manifestOf(2, names))).rejects.toBeInstanceOf(MissingChunkError);
      await expect(store.commit('t', token, manifestOf(1, names))).rejects.toThrow(names[1] as string);
      expect((await store.manifests('t')).manifests).toEqual([first]);
      await store.put('t', token, chunks('gone'));
      await store.commit('t', token, manifestOf(2, names));
      expect((await store.manifests('t')).manifests.map((m) => m.checkpoint)).toEqual([2, 1]);
    });

    withStore('a name that is no hash is refused before it becomes a key or a path', async (store) => {
      const token = await store.acquire('t');
      for (const name of ['../../x', '', 'A'.repeat(64), `${'a'.repeat(64)}\n`]) {
        await expect(store.put('t', token, new Map([[name, bytes('x')]]))).rejects.toThrow('no name of a chunk');
        await expect(store.chunk('t', name)).rejects.toThrow('no name of a chunk');
        await expect(store.has('t', [name])).rejects.toThrow('no name of a chunk');
        await expect(store.commit('t', token, manifestOf(1, [name]))).rejects.toThrow();
      }
      expect((await store.manifests('t')).manifests).toEqual([]);
    });

    fencing(withPlace);
    damage(withStore);
    collection(withStore, withPlace);

    withStore('the bytes of a chunk are those given to put, of any size, and a copy', async (store) => {
      const token = await store.acquire('t');
      const large = randomBytes(1024 * 1024);
      const inner = new Uint8Array(randomBytes(300).buffer, 7, 100);
      const all = new Map([large, inner, new Uint8Array(0), randomBytes(256 * 1024)].map((of) => [chunkName(of), of]));
      await store.put('t', token, all);
      await store.commit('t', token, manifestOf(1, [...all.keys()]));
      const kept = inner.slice();
      const innerName = chunkName(inner);
      inner.fill(0);
      for (const [of, content] of all) if (of !== innerName) expect(Buffer.compare(await store.chunk('t', of) as Uint8Array, content)).toBe(0);
      expect(await store.chunk('t', innerName)).toEqual(plain(kept));
    });

    withStore('many chunks at once, and the same one at the same time, are all there', async (store) => {
      const token = await store.acquire('t');
      const many = chunks(...Array.from({ length: 300 }, (_, i) => `chunk ${i}`));
      await Promise.all([store.put('t', token, many), store.put('t', token, chunks('chunk 7')), store.put('t', token, chunks('chunk 7', 'chunk 8'))]);
      await store.commit('t', token, manifestOf(1, [...many.keys()]));
      expect(await store.verify('t')).toEqual([]);
      expect(await store.has('t', [...many.keys()])).toEqual(new Set(many.keys()));
    });

    withPlace('tasks with odd names are different tasks', async (place) => {
      const store = await place.open();
      const names = ['payments/3', 'payments%2f3', 'a', 'A', '..', '.', '', ' ', '{x}', '{x', 'x}', 'été', 'e\u0301te', '日本/🚀', '*?[a]', 'a:b', 'nul\u0000', 'owner', 'tasks', '\\', `long ${'x'.repeat(300)}`, `long ${'x'.repeat(301)}`];
      for (const [i, task] of names.entries()) await checkpoint(store, task, await store.acquire(task), i, [`of ${i}`]);
      const reader = await place.open();
      expect(await reader.tasks()).toEqual([...names].sort());
      for (const [i, task] of names.entries()) {
        const { manifests } = await reader.manifests(task);
        expect(manifests.map((m) => m.checkpoint)).toEqual([i]);
        expect(await reader.chunk(task, chunkName(bytes(`of ${i}`)))).toEqual(plain(bytes(`of ${i}`)));
      }
      await expect(store.acquire('half \ud800')).rejects.toThrow('surrogate');
    });

    withStore('tasks do not see each other', async (store) => {
      const first = await store.acquire('one');
      const second = await store.acquire('two');
      await checkpoint(store, 'one', first, 1, ['a']);
      await expect(store.commit('two', second, manifestOf(1, [chunkName(bytes('a'))]))).rejects.toBeInstanceOf(MissingChunkError);
      await checkpoint(store, 'two', second, 1, ['b']);
      await store.collect('two', second, []);
      expect((await store.manifests('one')).manifests).toHaveLength(1);
      expect(await store.verify('one')).toEqual([]);
    });

    withStore('close may be called again, and ends what is under way first', async (store) => {
      const token = await store.acquire('t');
      const put = store.put('t', token, chunks('a', 'b'));
      await Promise.all([put, store.close(), store.close()]);
      await store.close();
    });

    withPlace('a store that lost everything takes the checkpoints of those who still own their tasks', async (place) => {
      const zombie = await place.open();
      const old = await zombie.acquire('t');
      const store = await place.open();
      const token = await store.acquire('t');
      const { chunks: names } = await checkpoint(store, 't', token, 1, ['a']);
      await place.wipe();
      // What was there is named by the next manifest of an incremental checkpoint: the owner learns that it must write all.
      await expect(store.commit('t', token, manifestOf(2, names))).rejects.toBeInstanceOf(MissingChunkError);
      await checkpoint(store, 't', token, 2, ['a', 'b']);
      expect((await store.manifests('t')).manifests.map((m) => m.checkpoint)).toEqual([2]);
      expect(await store.tasks()).toEqual(['t']);
      await expect(zombie.commit('t', old, manifestOf(3, []))).rejects.toBeInstanceOf(StoreFencedError);
      expect(await (await place.open()).acquire('t')).toBeGreaterThan(token);
    });
  });
}

type WithPlace = (title: string, law: (place: StorePlace) => Promise<void>) => void;
type WithStore = (title: string, law: (store: StateStore, place: StorePlace) => Promise<void>) => void;

function fencing(withPlace: WithPlace): void {
  withPlace('a token is larger than every one before, also of another instance', async (place) => {
    const [one, two] = [await place.open(), await place.open()];
    const tokens: number[] = [];
    for (const store of [one, two, two, one]) tokens.push(await store.acquire('t'));
    tokens.push(await (await place.open()).acquire('t'));
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    expect(tokens.every(Number.isSafeInteger)).toBe(true);
  });

  withPlace('of many that take a task over at once, one ends as its owner', async (place) => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => place.open()));
    const tokens = await Promise.all(stores.map((store) => store.acquire('t')));
    expect(new Set(tokens).size).toBe(tokens.length);
    const results = await Promise.allSettled(stores.map((store, i) => checkpoint(store, 't', tokens[i] as number, i + 1, ['x'])));
    const winner = tokens.indexOf(Math.max(...tokens));
    expect(results.map((result) => result.status)).toEqual(tokens.map((_, i) => (i === winner ? 'fulfilled' : 'rejected')));
  });

  withPlace('a former owner can write nothing, in any way, and loses nothing of the new one', async (place) => {
    const zombie = await place.open();
    const old = await zombie.acquire('t');
    const first = await checkpoint(zombie, 't', old, 1, ['a']);
    await zombie.put('t', old, chunks('begun'));
    const owner = await place.open();
    const token = await owner.acquire('t');
    await expect(zombie.put('t', old, chunks('z'))).rejects.toBeInstanceOf(StoreFencedError);
    await expect(zombie.commit('t', old, manifestOf(2, [...chunks('begun').keys()]))).rejects.toBeInstanceOf(StoreFencedError);
    await expect(zombie.collect('t', old, [])).rejects.toBeInstanceOf(StoreFencedError);
    const second = await checkpoint(owner, 't', token, 2, ['a', 'b']);
    await expect(zombie.commit('t', old, manifestOf(3, []))).rejects.toThrow(/later owner/);
    await expect(zombie.collect('t', old, [])).rejects.toBeInstanceOf(StoreFencedError);
    expect((await owner.manifests('t')).manifests).toEqual([second, first]);
    expect(await owner.has('t', [...chunks('z').keys()])).toEqual(new Set());
  });

  withPlace('a former owner that takes the task over again is its owner', async (place) => {
    const [one, two] = [await place.open(), await place.open()];
    await one.acquire('t');
    const lost = await two.acquire('t');
    const token = await one.acquire('t');
    await checkpoint(one, 't', token, 1, ['a']);
    await expect(two.put('t', lost, chunks('b'))).rejects.toBeInstanceOf(StoreFencedError);
    // Tasks are fenced one by one.
    await checkpoint(two, 'other', await two.acquire('other'), 1, ['a']);
  });

  withPlace('whatever two owners do at the same time, the newest manifest can be read whole', async (place) => {
    const [one, two] = [await place.open(), await place.open()];
    let token = await one.acquire('t');
    await checkpoint(one, 't', token, 1, ['start']);
    for (let round = 1; round <= 8; round++) {
      const [from, to] = round % 2 === 1 ? [one, two] : [two, one];
      const old = token;
      const zombie = (async () => {
        for (let i = 0; ; i++) {
          await checkpoint(from, 't', old, round * 1000 + i, [`${round}`, `${round}/${i}`]);
          await from.collect('t', old, [round * 1000 + i]);
          // A store in memory answers without ever letting a timer run.
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      // Watched from the beginning: it fails some time in the middle of the following.
      const fenced = expect(zombie).rejects.toBeInstanceOf(StoreFencedError);
      await new Promise((resolve) => setTimeout(resolve, 5 * (round % 4)));
      token = await to.acquire('t');
      const { manifests, damaged } = await to.manifests('t');
      await checkpoint(to, 't', token, round * 1000 + 999, [`${round}`, 'mine']);
      await fenced;
      expect(damaged).toEqual([]);
      expect(manifests.length).toBeGreaterThan(0);
      expect((await to.verify('t')).filter((finding) => !finding.startsWith('unnamed'))).toEqual([]);
    }
  });
}

function damage(withStore: WithStore): void {
  withStore('a damaged chunk is not given out; verify names it; put heals it', async (store, place) => {
    const token = await store.acquire('t');
    const manifest = await checkpoint(store, 't', token, 1, ['good', 'a chunk that is going to be damaged']);
    const [good, bad] = manifest.chunks as [string, string];
    await place.damageChunk('t', bad);
    expect(await store.chunk('t', bad)).toBeUndefined();
    expect(await store.chunk('t', good)).toEqual(plain(bytes('good')));
    expect(await store.verify('t')).toEqual([expect.stringMatching(`^damaged chunk: ${bad}`)]);
    // Who writes in full after that must not be told that the damaged one need not be written.
    expect(await store.has('t', [good, bad])).toEqual(new Set([good]));
    await store.put('t', token, chunks('a chunk that is going to be damaged'));
    expect(await store.has('t', [good, bad])).toEqual(new Set([good, bad]));
    expect(await store.chunk('t', bad)).toEqual(plain(bytes('a chunk that is going to be damaged')));
    expect(await store.verify('t')).toEqual([]);
  });

  withStore('a damaged manifest is left out and named, and the one before stays', async (store, place) => {
    const token = await store.acquire('t');
    const first = await checkpoint(store, 't', token, 1, ['a']);
    await checkpoint(store, 't', token, 2, ['a', 'b']);
    await place.damageManifest('t', 2);
    const { manifests, damaged } = await store.manifests('t');
    expect(manifests).toEqual([first]);
    expect(damaged).toEqual([expect.stringContaining('checkpoint 2')]);
    expect(await store.verify('t')).toEqual([expect.stringMatching('damaged manifest: checkpoint 2'), expect.stringContaining('unnamed chunk')]);
    await checkpoint(store, 't', token, 3, ['a', 'b']);
    await store.collect('t', token, [1, 3]);
    expect(await store.verify('t')).toEqual([]);
  });

  withStore('a lost chunk is undefined, and verify says which checkpoint misses it', async (store, place) => {
    const token = await store.acquire('t');
    const { chunks: names } = await checkpoint(store, 't', token, 1, ['a', 'b']);
    await place.dropChunk('t', names[0] as string);
    expect(await store.chunk('t', names[0] as string)).toBeUndefined();
    expect(await store.verify('t')).toEqual([expect.stringMatching(`missing chunk: checkpoint 1 names ${names[0]}`)]);
  });
}

function collection(withStore: WithStore, withPlace: WithPlace): void {
  withStore('collect keeps what is named and savepoints, with every chunk they share with what goes', async (store) => {
    const token = await store.acquire('t');
    await checkpoint(store, 't', token, 1, ['base', 'only 1']);
    await checkpoint(store, 't', token, 2, ['base', 'saved'], { savepoint: 'before upgrade' });
    await checkpoint(store, 't', token, 3, ['base', 'only 3']);
    await checkpoint(store, 't', token, 4, ['base', 'new']);
    await store.collect('t', token, [4]);
    expect((await store.manifests('t')).manifests.map((m) => [m.checkpoint, m.savepoint])).toEqual([[4, undefined], [2, 'before upgrade']]);
    const all = [...chunks('base', 'saved', 'new', 'only 1', 'only 3').keys()];
    expect(await store.has('t', all)).toEqual(new Set(all.slice(0, 3)));
    expect(await store.verify('t')).toEqual([]);
    await store.collect('t', token, [4, 77]);
    expect(await store.verify('t')).toEqual([]);
  });

  withStore('collect leaves the chunks of the checkpoint that is being written', async (store) => {
    const token = await store.acquire('t');
    await checkpoint(store, 't', token, 1, ['old', 'shared']);
    await checkpoint(store, 't', token, 2, ['new']);
    await store.put('t', token, chunks('next'));
    expect((await store.has('t', [...chunks('shared').keys()])).size).toBe(1);
    await store.collect('t', token, [2]);
    await store.commit('t', token, manifestOf(3, [...chunks('next', 'shared').keys()]));
    expect((await store.verify('t'))).toEqual([]);
    expect(await store.has('t', [...chunks('old').keys()])).toEqual(new Set());
  });

  withPlace('chunks of a writer that crashed before its commit go with a later collection', async (place) => {
    const crashed = await place.open();
    const token = await crashed.acquire('t');
    await checkpoint(crashed, 't', token, 1, ['a']);
    await crashed.put('t', token, chunks('orphan', 'a'));
    const store = await place.open();
    expect(await store.verify('t')).toEqual([expect.stringMatching(`unnamed chunk: ${[...chunks('orphan').keys()][0]}`)]);
    const next = await store.acquire('t');
    const second = await checkpoint(store, 't', next, 2, ['a', 'b']);
    await store.collect('t', next, [2]);
    expect(await store.verify('t')).toEqual([]);
    expect(await store.has('t', [...chunks('orphan').keys()])).toEqual(new Set());
    expect((await store.manifests('t')).manifests).toEqual([second]);
  });

  withStore('a checkpoint written again under its number leaves no chunk of the first behind', async (store) => {
    const token = await store.acquire('t');
    await checkpoint(store, 't', token, 1, ['a', 'b']);
    const again = await checkpoint(store, 't', token, 1, ['b', 'c']);
    await store.collect('t', token, [1]);
    expect((await store.manifests('t')).manifests).toEqual([again]);
    expect(await store.verify('t')).toEqual([]);
  });
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function chunks(...texts: string[]): Map<string, Uint8Array> {
  return new Map(texts.map((text) => [chunkName(bytes(text)), bytes(text)]));
}

export function manifestOf(number: number, names: readonly string[], rest: Partial<Manifest> = {}): Manifest {
  return { checkpoint: number, chunks: names, body: '{}', written: 1_700_000_000_000 + number, ...rest };
}

/** Puts the texts as chunks and commits a manifest that names them in that order. */
export async function checkpoint(store: StateStore, task: string, token: number, number: number, texts: readonly string[], rest: Partial<Manifest> = {}): Promise<Manifest> {
  await store.put(task, token, chunks(...texts));
  const manifest = manifestOf(number, texts.map((text) => chunkName(bytes(text))), rest);
  await store.commit(task, token, manifest);
  return manifest;
}

/** Jest calls a Buffer and a Uint8Array of the same bytes different; the port promises bytes. */
function plain(of: Uint8Array): unknown {
  return expect.objectContaining({ length: of.length, ...Object.fromEntries(of.entries()) });
}
