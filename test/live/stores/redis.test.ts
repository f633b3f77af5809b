/** The contract against a real Redis, with both clients, and what is Redis' own. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { chunkName, fromIoredis, fromNodeRedis, openStore, RedisStore, type StateStore } from '../../../src/state/stores/index.ts';
import { startRedis, type RedisServer } from '../../support/brokers/index.ts';
import { bytes, checkpoint, chunks, manifestOf, storeContract } from '../../support/store-contract.ts';
import { formatFile, holdsFormat } from '../../support/format-checks.ts';
import { CLIENTS, handsOn, redisPlace } from './support.ts';

let server: RedisServer;
let hands: Awaited<ReturnType<typeof handsOn>>;

beforeAll(async () => {
  server = await startRedis();
  hands = await handsOn(server.port);
});

afterAll(async () => {
  hands?.close();
  await server?.stop();
});

for (const client of CLIENTS) {
  storeContract(`redis with ${client}`, () => redisPlace({ url: server.url, client }, { run: (key, ...of) => hands.run(key, ...of), wipe: () => hands.wipe() })());
}

test.each(CLIENTS)('keys of format 1, and the job state in them, with %s', async (client) => {
  await hands.wipe();
  for (const [command, key, field, value] of JSON.parse(formatFile('redis-1.json').toString()) as string[][]) {
    const bytes = value === undefined ? Buffer.from(field!, 'base64') : Buffer.from(value, 'base64');
    await hands.run(key!, command!, key!, ...(value === undefined ? [] : [field!]), bytes);
  }
  const store = await openStore({ kind: 'redis', url: server.url, client, prefix: 'formats' });
  try {
    await holdsFormat(store);
  } finally {
    await store.close();
  }
});

describe.each(CLIENTS)('redis with %s', (client) => {
  async function withStore(law: (store: StateStore) => Promise<void>, options: object = {}): Promise<void> {
    await hands.wipe();
    const store = await openStore({ kind: 'redis', url: server.url, client, prefix: 'p', ...options });
    try {
      await law(store);
    } finally {
      await store.close();
    }
  }
  const chunkKey = (text: string): string => `{p:t}:chunk:${chunkName(bytes(text))}`;

  test('chunks that nothing names expire; those of a commit do not', () => withStore(async (store) => {
    const token = await store.acquire('t');
    await checkpoint(store, 't', token, 1, ['kept']);
    await store.put('t', token, chunks('orphan', 'kept'));
    expect(await hands.client.pttl(chunkKey('kept'))).toBe(-1);
    expect(await hands.client.pttl(chunkKey('orphan'))).toBeGreaterThan(0);
    await sleep(350);
    expect(await store.has('t', [...chunks('orphan', 'kept').keys()])).toEqual(new Set(chunks('kept').keys()));
    expect(await store.verify('t')).toEqual([]);
    // The next commit and collection forget it altogether.
    await checkpoint(store, 't', token, 2, ['kept']);
    await store.collect('t', token, [2]);
    expect(await hands.client.zcard('{p:t}:chunks')).toBe(1);
  }, { unnamedFor: 250 }));

  test('what has found there lives as long as if it had been put then', () => withStore(async (store) => {
    const token = await store.acquire('t');
    await store.put('t', token, chunks('a'));
    for (let i = 0; i < 4; i++) {
      await sleep(200);
      expect((await store.has('t', [...chunks('a').keys()])).size).toBe(1);
    }
    await store.commit('t', token, manifestOf(1, [...chunks('a').keys()]));
    expect(await hands.client.pttl(chunkKey('a'))).toBe(-1);
  }, { unnamedFor: 500 }));

  test('every key of a task lies in one slot, also where the name has braces', () => withStore(async (store) => {
    const token = await store.acquire('{a}/{b}');
    await checkpoint(store, '{a}/{b}', token, 1, ['x']);
    const keys = (await hands.client.keys('*')).filter((key) => key !== 'p:tasks');
    expect(keys.length).toBe(4);
    expect(new Set(keys.map((key) => /\{([^}]*)\}/.exec(key)?.[1])).size).toBe(1);
  }));

  test('a server that was told to forget its scripts is told them again', () => withStore(async (store) => {
    const token = await store.acquire('t');
    await hands.client.script('FLUSH');
    await store.put('t', token, chunks('a', 'b', 'c'));
    await hands.client.script('FLUSH');
    await store.commit('t', token, manifestOf(1, [...chunks('a', 'b').keys()]));
    await hands.client.script('FLUSH');
    expect((await store.has('t', [...chunks('a').keys()])).size).toBe(1);
    await hands.client.script('FLUSH');
    await store.collect('t', token, [1]);
    await hands.client.script('FLUSH');
    expect(await store.acquire('t')).toBeGreaterThan(token);
    expect(await store.verify('t')).toEqual([]);
  }));

  test('a checkpoint of thousands of chunks is committed, listed and collected', () => withStore(async (store) => {
    const token = await store.acquire('t');
    const many = chunks(...Array.from({ length: 3500 }, (_, i) => `${i}`));
    await store.put('t', token, many);
    await store.commit('t', token, manifestOf(1, [...many.keys()]));
    expect((await store.has('t', [...many.keys()])).size).toBe(3500);
    expect(await store.verify('t')).toEqual([]);
    await checkpoint(store, 't', token, 2, ['1', 'new']);
    await store.collect('t', token, [2]);
    expect(await store.verify('t')).toEqual([]);
    expect((await hands.client.keys('{p:t}:chunk:*')).length).toBe(2);
  }));

  test('a late collection of an owner that has committed meanwhile drops nothing', () => withStore(async (store) => {
    // As when the connection was cut and its last command is executed after those of the new one.
    const token = await store.acquire('t');
    await checkpoint(store, 't', token, 1, ['a', 'b']);
    await checkpoint(store, 't', token, 2, ['a']);
    const { DROP } = await import('../../../src/state/stores/redis-scripts.ts');
    const b = chunkName(bytes('b'));
    const late = (): Promise<unknown> => hands.client.eval(DROP.lua, 4, '{p:t}:owner', '{p:t}:manifests', '{p:t}:chunks', `{p:t}:chunk:${b}`, String(token), '2', '1', '1', b);
    await checkpoint(store, 't', token, 3, ['b']);
    expect(await late()).toEqual(['LATER']);
    expect(await store.verify('t')).toEqual([]);
  }));

  test('a Redis that may evict keys is refused, with what to set', async () => {
    await hands.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      await expect(openStore({ kind: 'redis', url: server.url, client })).rejects.toThrow(/maxmemory-policy is allkeys-lru.*noeviction/s);
    } finally {
      await hands.client.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  test('a Redis that keeps no append-only file is used, with a warning', async () => {
    const warnings: string[] = [];
    await (await openStore({ kind: 'redis', url: server.url, client }, (message) => warnings.push(message))).close();
    expect(warnings).toEqual([expect.stringContaining('append-only')]);
  });

  test('a full Redis fails the checkpoint, keeps the last good one, and can still be collected', () => withStore(async (store) => {
    const token = await store.acquire('t');
    await checkpoint(store, 't', token, 1, ['a']);
    await checkpoint(store, 't', token, 2, ['a', 'b']);
    await hands.client.config('SET', 'maxmemory', '1mb');
    try {
      await expect(store.put('t', token, chunks('c'))).rejects.toThrow(/maxmemory.*the last good checkpoint stays/s);
      await store.collect('t', token, [2]);
      expect((await store.manifests('t')).manifests.map((m) => m.checkpoint)).toEqual([2]);
    } finally {
      await hands.client.config('SET', 'maxmemory', '0');
    }
    await checkpoint(store, 't', token, 3, ['c']);
  }));

  test('an address where nobody listens fails in time, names the address, and leaves nothing open', async () => {
    const began = performance.now();
    await expect(openStore({ kind: 'redis', url: 'redis://user:geheim@127.0.0.1:1/0', client, timeout: 500 })).rejects.toThrow(/redis:\/\/127\.0\.0\.1:1\/0 cannot be reached: .*ECONNREFUSED/);
    await expect(openStore({ kind: 'redis', url: 'redis://user:geheim@127.0.0.1:1/0', client, timeout: 300 })).rejects.not.toThrow(/geheim/);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('a unix socket, a password and a database are used', async () => {
    const other = await startRedis({ password: 'pa:ss/wo%rd' });
    try {
      for (const spec of [{ url: other.url }, { url: `unix://${other.socket}`, password: 'pa:ss/wo%rd' }, { url: `redis://127.0.0.1:${other.port}`, password: 'pa:ss/wo%rd', database: 3 }]) {
        const store = await openStore({ kind: 'redis', client, prefix: `p${spec.database ?? 0}`, ...spec });
        await checkpoint(store, 't', await store.acquire('t'), 1, ['a']);
        await store.close();
      }
      const admin = new Redis(other.port, '127.0.0.1', { password: 'pa:ss/wo%rd', db: 3 });
      expect(await admin.call('ZRANGE', 'p3:tasks', '0', '-1')).toEqual(['t']);
      admin.disconnect();
      await expect(openStore({ kind: 'redis', client, url: `redis://127.0.0.1:${other.port}`, timeout: 1000 })).rejects.toThrow(/NOAUTH|Authentication required/);
      await expect(openStore({ kind: 'redis', client, url: `redis://127.0.0.1:${other.port}`, password: 'wrong', timeout: 1000 })).rejects.toThrow(/WRONGPASS/);
    } finally {
      await other.stop();
    }
  });

  test('a user with the rights that docs/state.md names can do everything', async () => {
    await hands.wipe();
    const doc = await readFile(new URL('../../../docs/state.md', import.meta.url), 'utf8');
    const named = /A user with an ACL needs, on keys with the prefix: `([A-Z ]+)`, and `([A-Z ]+)`/.exec(doc);
    const commands = `${named?.[1]} ${named?.[2]}`.split(' ').map((name) => `+${name.toLowerCase()}`);
    await hands.client.call('ACL', ['SETUSER', 'job', 'reset', 'on', '>secret', '~p:*', '~{p:*', ...commands]);
    const store = await openStore({ kind: 'redis', url: server.url, client, prefix: 'p', username: 'job', password: 'secret', timeout: 2000 });
    try {
      const token = await store.acquire('t');
      await checkpoint(store, 't', token, 1, ['a', 'b']);
      await checkpoint(store, 't', token, 2, ['a', 'c']);
      expect((await store.has('t', [...chunks('a').keys()])).size).toBe(1);
      await store.collect('t', token, [2]);
      expect(await store.chunk('t', chunkName(bytes('a')))).toBeDefined();
      expect(await store.verify('t')).toEqual([]);
      expect(await store.tasks()).toEqual(['t']);
    } finally {
      await store.close();
    }
    await expect(openStore({ kind: 'redis', url: server.url, client, prefix: 'q', username: 'job', password: 'secret', timeout: 2000 }).then((other) => {
      return other.acquire('t').finally(() => other.close());
    })).rejects.toThrow(/refuses this user \(.*NOPERM.*ACL/);
  });
});

test('clients of the caller are used and stay open', async () => {
  await hands.wipe();
  const io = new Redis(server.url);
  const node = createClient({ url: server.url });
  await node.connect();
  for (const [prefix, port] of [['io', fromIoredis(io)], ['node', fromNodeRedis(node)]] as const) {
    const store = new RedisStore(port, { prefix });
    await store.open();
    await checkpoint(store, 't', await store.acquire('t'), 1, ['a', '\u00ff\u0000']);
    expect(await store.verify('t')).toEqual([]);
    await store.close();
  }
  expect(await io.ping()).toBe('PONG');
  expect(await node.ping()).toBe('PONG');
  io.disconnect();
  node.destroy();
});

test('an address must be one of the three, and a prefix has no braces', async () => {
  await expect(openStore({ kind: 'redis' })).rejects.toThrow(/exactly one of url, nodes and sentinel; it has none/);
  await expect(openStore({ kind: 'redis', url: 'redis://x', nodes: [] })).rejects.toThrow(/it has url and nodes/);
  await expect(openStore({ kind: 'redis', url: server.url, prefix: 'a{b' })).rejects.toThrow(/brace/);
});
