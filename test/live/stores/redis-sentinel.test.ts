/** A master found by Sentinel, and found again after a fail-over, with both clients. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { fromNodeRedis, openStore, RedisStore, StoreFencedError } from '../../../src/state/stores/index.ts';
import { startRedis, type RedisServer, type Server } from '../../support/brokers/index.ts';
import { checkpoint } from '../../support/store-contract.ts';
import { CLIENTS, startSentinel } from './support.ts';

let master: RedisServer;
let replica: RedisServer;
let sentinel: Server;
let address: { name: string; nodes: { host: string; port: number }[] };

beforeAll(async () => {
  master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  replica = await startRedis({ args: ['--replicaof', `127.0.0.1 ${master.port}`] });
  const link = new Redis(replica.port, '127.0.0.1');
  try {
    // Sentinel asks the master for its replicas when it starts and then every ten seconds: the replica had better be there first.
    await until(async () => String(await link.info('replication')).includes('master_link_status:up'));
    sentinel = await startSentinel(master);
    address = { name: 'state', nodes: [{ host: '127.0.0.1', port: sentinel.port }] };
    const admin = new Redis(sentinel.port, '127.0.0.1');
    await until(async () => (await admin.call('SENTINEL', 'REPLICAS', 'state') as unknown[]).length === 1);
    admin.disconnect();
  } finally {
    link.disconnect();
  }
});

afterAll(async () => {
  await Promise.all([sentinel, replica, master].map((server) => server?.stop()));
});

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !await what().catch(() => false); tries++) {
    if (tries > 300) throw new Error('It did not come to that within 30 s.');
    await sleep(100);
  }
}

test('a Sentinel client of the caller is used', async () => {
  const node = createSentinel({ name: 'state', sentinelRootNodes: address.nodes });
  await node.connect();
  const store = new RedisStore(fromNodeRedis(node, 'sentinel'), { prefix: 'mine' });
  await store.open();
  await checkpoint(store, 't', await store.acquire('t'), 1, ['a']);
  expect(await store.verify('t')).toEqual([]);
  await store.close();
  expect(await node.get('none')).toBeNull();
  await node.destroy();
});

test('a commit that too few replicas have does not count', async () => {
  const store = await openStore({ kind: 'redis', sentinel: address, prefix: 'two', timeout: 4000, replicas: 2 });
  try {
    const token = await store.acquire('t');
    await expect(checkpoint(store, 't', token, 1, ['a'])).rejects.toThrow(/on [01] of 2 replicas only/);
  } finally {
    await store.close();
  }
});

test('after a fail-over both clients go on with the new master, and no commit that a replica had is lost', async () => {
  const stores = await Promise.all(CLIENTS.map(async (client) => {
    const store = await openStore({ kind: 'redis', sentinel: address, client, prefix: client, timeout: 3000, replicas: 1 });
    return { client, store, token: await store.acquire('t'), committed: [] as number[], failures: 0 };
  }));
  let over = false;
  try {
    const writers = stores.map(async (writer) => {
      for (let number = 1; !over; number++) {
        try {
          await checkpoint(writer.store, 't', writer.token, number, ['same', `${number}`]);
          writer.committed.push(number);
        } catch (error) {
          // Owners stay owners, and the chunks of one checkpoint do not get lost between its put and its commit without a message.
          if (error instanceof StoreFencedError) throw error;
          writer.failures++;
        }
        await sleep(20);
      }
    });
    await sleep(300);
    const before = stores.map(({ committed }) => committed.length);
    const admin = new Redis(sentinel.port, '127.0.0.1');
    const link = new Redis(replica.port, '127.0.0.1');
    await admin.call('SENTINEL', 'FAILOVER', 'state');
    await until(async () => String(await link.info('replication')).includes('role:master'));
    const promoted = stores.map(({ committed }) => committed.length);
    // The old master comes back as a replica of the new one; from then on commits count again.
    await until(async () => String(await link.info('replication')).includes('connected_slaves:1'));
    await until(async () => stores.every(({ committed }, i) => committed.length > (promoted[i] as number) + 5));
    over = true;
    await Promise.all(writers);
    for (const [i, { client, store, committed }] of stores.entries()) {
      expect(before[i]).toBeGreaterThan(0);
      const { manifests, damaged } = await store.manifests('t');
      expect(damaged).toEqual([]);
      expect(manifests.map((m) => m.checkpoint)).toEqual(expect.arrayContaining(committed));
      expect(await link.hlen(`{${client}:t}:manifests`)).toBe(manifests.length);
      expect((await store.verify('t')).filter((finding) => !finding.startsWith('unnamed'))).toEqual([]);
    }
    admin.disconnect();
    link.disconnect();
  } finally {
    over = true;
    await Promise.all(stores.map(({ store }) => store.close()));
  }
});
