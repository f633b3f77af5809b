/** Redis restarted with and without its data, paused, cut off: what the store says, and that nothing of a former owner comes through. */

import { afterEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  chunkName, fromIoredis, MissingChunkError, openStore, RedisStore, RedisTimeoutError, StoreFencedError, type RedisPort, type RedisSpec, type StateStore,
} from '../../../src/state/stores/index.ts';
import { startProxy, startRedis, type RedisOptions, type RedisServer } from '../../support/brokers/index.ts';
import { bytes, checkpoint, chunks, manifestOf } from '../../support/store-contract.ts';
import { CLIENTS } from './support.ts';

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function redis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  undo.push(() => server.stop());
  return server;
}

async function opened(spec: Omit<RedisSpec, 'kind'>): Promise<StateStore> {
  const store = await openStore({ kind: 'redis', ...spec });
  undo.push(() => store.close());
  return store;
}

/** Tries until it works, as the job does with its next checkpoint. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 40 || error instanceof StoreFencedError) throw error;
      await sleep(100);
    }
  }
}

describe.each(CLIENTS)('redis with %s', (client) => {
  test('a Redis that is killed and comes back with its log has every commit that was answered', async () => {
    const server = await redis({ appendOnly: 'always' });
    const store = await opened({ url: server.url, client, timeout: 1000 });
    const token = await store.acquire('t');
    for (let round = 1; round <= 3; round++) {
      await again(() => checkpoint(store, 't', token, round, ['base', `${round}`]));
      await server.kill('SIGKILL');
      await server.restart();
      const { manifests, damaged } = await again(() => store.manifests('t'));
      expect(manifests.map((m) => m.checkpoint)).toEqual(Array.from({ length: round }, (_, i) => round - i));
      expect(damaged).toEqual([]);
    }
    expect(await store.verify('t')).toEqual([]);
  });

  test('a Redis that comes back empty makes an incremental commit fail, takes a full one, and stays closed to zombies', async () => {
    const server = await redis();
    const zombie = await opened({ url: server.url, client, timeout: 1000 });
    const old = await zombie.acquire('t');
    const store = await opened({ url: server.url, client, timeout: 1000 });
    const token = await store.acquire('t');
    const { chunks: names } = await checkpoint(store, 't', token, 1, ['a', 'b']);
    await server.kill('SIGKILL');
    await server.restart();
    expect(await again(() => store.has('t', names))).toEqual(new Set());
    await expect(store.commit('t', token, manifestOf(2, names))).rejects.toBeInstanceOf(MissingChunkError);
    await checkpoint(store, 't', token, 2, ['a', 'b']);
    await expect(again(() => zombie.put('t', old, chunks('z')))).rejects.toBeInstanceOf(StoreFencedError);
    expect(await store.tasks()).toEqual(['t']);
    expect(await store.verify('t')).toEqual([]);
  });

  test('a Redis that is paused gives an error in time; the owner who waited for it is a zombie when it wakes', async () => {
    const server = await redis();
    const zombie = await opened({ url: server.url, client, timeout: 400 });
    const old = await zombie.acquire('t');
    const first = await checkpoint(zombie, 't', old, 1, ['a']);
    await zombie.put('t', old, chunks('b'));
    const owner = await opened({ url: server.url, client, timeout: 10_000 });
    await server.kill('SIGSTOP');
    const began = performance.now();
    const failure = zombie.commit('t', old, manifestOf(2, [...chunks('b').keys()]));
    await expect(failure).rejects.toBeInstanceOf(RedisTimeoutError);
    await expect(failure).rejects.toThrow(/checkpoint 2 of task "t" may not be committed.*within 400 ms.*last good checkpoint stays/s);
    await expect(zombie.manifests('t')).rejects.toThrow(/within 400 ms/);
    expect(performance.now() - began).toBeLessThan(3000);
    const taken = owner.acquire('t');
    await sleep(300);
    await server.kill('SIGCONT');
    const token = await taken;
    // The zombie's commit lay before Redis when the task was taken over: it is there now, or never.
    const { manifests } = await owner.manifests('t');
    expect([[1], [2, 1]]).toContainEqual(manifests.map((m) => m.checkpoint));
    await expect(again(() => zombie.commit('t', old, manifestOf(3, [])))).rejects.toBeInstanceOf(StoreFencedError);
    await expect(zombie.collect('t', old, [])).rejects.toBeInstanceOf(StoreFencedError);
    await expect(zombie.put('t', old, chunks('z'))).rejects.toBeInstanceOf(StoreFencedError);
    const last = await checkpoint(owner, 't', token, 4, ['a', 'c']);
    expect((await owner.manifests('t')).manifests).toEqual([last, ...manifests]);
    expect(manifests.at(-1)).toEqual(first);
  });

  test('connections cut in the middle of writing lose no commit that was answered and damage nothing', async () => {
    const server = await redis();
    const proxy = await startProxy(server.port);
    undo.push(() => proxy.stop());
    const store = await opened({ url: `redis://127.0.0.1:${proxy.port}`, client, timeout: 1000 });
    const token = await store.acquire('t');
    const committed: number[] = [];
    let cuts = 0;
    const timer = setInterval(() => { cuts++; proxy.cut(); }, 40);
    try {
      for (let number = 1; committed.length < 12; number++) {
        const parts = [bytes('shared'), ...Array.from({ length: 6 }, () => randomBytes(256 * 1024))];
        const all = new Map(parts.map((part) => [chunkName(part), part]));
        try {
          await store.put('t', token, all);
          await store.commit('t', token, manifestOf(number, [...all.keys()]));
          committed.push(number);
          await store.collect('t', token, committed.slice(-3));
        } catch (error) {
          expect((error as Error).message).toMatch(/^Redis: /);
          await sleep(20);
        }
        expect(number).toBeLessThan(2000);
      }
    } finally {
      clearInterval(timer);
    }
    expect(cuts).toBeGreaterThan(3);
    const { manifests, damaged } = await again(() => store.manifests('t'));
    expect(damaged).toEqual([]);
    expect(manifests.map((m) => m.checkpoint)).toEqual(expect.arrayContaining(committed.slice(-2)));
    expect((await again(() => store.verify('t'))).filter((finding) => !finding.startsWith('unnamed'))).toEqual([]);
  });

  test('a network that is silent gives an error in time, also when opening; afterwards the store goes on', async () => {
    const server = await redis();
    const proxy = await startProxy(server.port);
    undo.push(() => proxy.stop());
    const url = `redis://127.0.0.1:${proxy.port}`;
    const store = await opened({ url, client, timeout: 300 });
    const token = await store.acquire('t');
    proxy.pause();
    const began = performance.now();
    await expect(store.put('t', token, chunks('a'))).rejects.toThrow(/did not answer within 300 ms/);
    await expect(openStore({ kind: 'redis', url, client, timeout: 300 })).rejects.toThrow(/cannot be reached/);
    expect(performance.now() - began).toBeLessThan(2500);
    proxy.resume();
    await again(() => checkpoint(store, 't', token, 1, ['a']));
    // Refused for a while, as when Redis is being replaced.
    proxy.refuse();
    await expect(store.put('t', token, chunks('b'))).rejects.toThrow(/^Redis: chunks cannot be written/);
    proxy.resume();
    await again(() => checkpoint(store, 't', token, 2, ['b']));
    // Silent for so long that the connection is given up and made anew.
    proxy.pause();
    await expect(store.put('t', token, chunks('c'))).rejects.toThrow(/within 300 ms/);
    await sleep(1500);
    proxy.resume();
    await again(() => checkpoint(store, 't', token, 3, ['c']));
    expect((await store.manifests('t')).manifests.map((m) => m.checkpoint)).toEqual([3, 2, 1]);
  });
});

test('while Redis is silent nothing more is sent to it, however often the job tries', async () => {
  const server = await redis();
  const io = new Redis(server.url);
  undo.push(() => io.disconnect());
  const port = fromIoredis(io);
  let sent = 0;
  const counted: RedisPort = { ...port, pipe: (key, commands) => { sent++; return port.pipe(key, commands); } };
  const store = new RedisStore(counted, { timeout: 50 });
  await store.open();
  undo.push(() => store.close());
  const token = await store.acquire('t');
  await server.kill('SIGSTOP');
  const large = randomBytes(1024 * 1024);
  for (let i = 0; i < 20; i++) await expect(store.put('t', token, new Map([[chunkName(large), large]]))).rejects.toBeInstanceOf(RedisTimeoutError);
  expect(sent).toBe(1);
  await server.kill('SIGCONT');
  await again(() => checkpoint(store, 't', token, 1, ['a']));
});
