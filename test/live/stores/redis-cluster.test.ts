/** The contract against a cluster of three masters, with both clients. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { fromIoredis, fromNodeRedis, openStore, RedisStore, type RedisSpec } from '../../../src/state/stores/index.ts';
import { startProxy, type RedisServer } from '../../support/brokers/index.ts';
import { checkpoint, storeContract } from '../../support/store-contract.ts';
import { CLIENTS, redisPlace, startCluster, type Hands } from './support.ts';

let servers: readonly RedisServer[] = [];
let nodes: NonNullable<RedisSpec['nodes']> = [];
let admin: Cluster;

beforeAll(async () => {
  servers = await startCluster();
  nodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  admin = new Cluster([...nodes]);
});

afterAll(async () => {
  admin?.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
});

const hands: Hands = {
  run: (_key, ...[command, ...args]) => admin.call(String(command), args),
  wipe: async () => void await Promise.all(admin.nodes('master').map((node) => node.flushall())),
};

for (const client of CLIENTS) {
  storeContract(`redis cluster with ${client}`, () => redisPlace({ nodes, client }, hands)());
}

describe.each(CLIENTS)('redis cluster with %s', (client) => {
  test('tasks spread over the nodes', async () => {
    await hands.wipe();
    const store = await openStore({ kind: 'redis', nodes, client });
    for (let i = 0; i < 30; i++) await checkpoint(store, `payments/${i}`, await store.acquire(`payments/${i}`), 1, [`${i}`]);
    const sizes = await Promise.all(admin.nodes('master').map((node) => node.dbsize()));
    expect(sizes).toHaveLength(3);
    for (const size of sizes) expect(size).toBeGreaterThan(8);
    expect(await store.tasks()).toHaveLength(30);
    await store.close();
  });

  test('one node that may evict keys is enough to be refused', async () => {
    const node = admin.nodes('master')[2];
    await node?.config('SET', 'maxmemory-policy', 'volatile-ttl');
    try {
      await expect(openStore({ kind: 'redis', nodes, client })).rejects.toThrow(/maxmemory-policy is volatile-ttl/);
    } finally {
      await node?.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  test('nodes that are silent fail in time', async () => {
    const proxy = await startProxy(servers[0]?.port ?? 0);
    proxy.pause();
    try {
      await expect(openStore({ kind: 'redis', nodes: [{ host: '127.0.0.1', port: proxy.port }], client, timeout: 500 })).rejects.toThrow(/127\.0\.0\.1:\d+ cannot be reached/);
    } finally {
      await proxy.stop();
    }
  });
});

test('clusters of the caller are used and stay open', async () => {
  await hands.wipe();
  const node = createCluster({ rootNodes: nodes.map((socket) => ({ socket })) });
  await node.connect();
  for (const [prefix, port] of [['io', fromIoredis(admin)], ['node', fromNodeRedis(node, 'cluster')]] as const) {
    const store = new RedisStore(port, { prefix });
    await store.open();
    await checkpoint(store, 't', await store.acquire('t'), 1, ['a']);
    await store.close();
  }
  expect(await admin.get('none')).toBeNull();
  expect(await node.get('none')).toBeNull();
  node.destroy();
});
