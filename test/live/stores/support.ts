import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openStore, type RedisSpec, type StateStore } from '../../../src/state/stores/index.ts';
import { freePort, startRedis, type RedisServer, type Server } from '../../support/brokers/index.ts';
import { debianProgram } from '../../support/brokers/debian.ts';
import { exchange } from '../../support/brokers/exchange.ts';
import { serverFolder, startServer } from '../../support/brokers/processes.ts';
import type { StorePlace } from '../../support/store-contract.ts';

export const CLIENTS = ['ioredis', 'redis'] as const;

/** Commands to the servers behind a store, past the store: to the node that has the key. */
export interface Hands {
  run(key: string, ...command: (string | Buffer)[]): Promise<unknown>;
  wipe(): Promise<void>;
}

/** A place in a Redis that may be shared with other places: it has a prefix of its own. */
export function redisPlace(spec: Omit<RedisSpec, 'kind' | 'prefix'>, hands: Hands): () => Promise<StorePlace> {
  return async () => {
    const prefix = `test-${Math.random().toString(36).slice(2)}`;
    const stores: StateStore[] = [];
    const key = (task: string, name: string): string => `{${prefix}:${task}}:${name}`;
    return {
      open: async () => {
        const store = await openStore({ kind: 'redis', prefix, timeout: 5000, ...spec });
        stores.push(store);
        return store;
      },
      damageChunk: async (task, name) => {
        await hands.run(key(task, `chunk:${name}`), 'SETRANGE', key(task, `chunk:${name}`), '2', '~');
      },
      damageManifest: async (task, checkpoint) => {
        await hands.run(key(task, 'manifests'), 'HSET', key(task, 'manifests'), String(checkpoint), 'alcedo-manifest 1 nonsense');
      },
      dropChunk: async (task, name) => {
        await hands.run(key(task, `chunk:${name}`), 'DEL', key(task, `chunk:${name}`));
      },
      wipe: () => hands.wipe(),
      done: async () => {
        await Promise.all(stores.map((store) => store.close()));
      },
    };
  };
}

/** Hands on one server. */
export async function handsOn(port: number): Promise<Hands & { close(): void; client: Redis }> {
  const client = new Redis(port, '127.0.0.1');
  return {
    client,
    run: (_key, ...[command, ...args]) => client.call(String(command), args),
    wipe: async () => void await client.flushall(),
    close: () => client.disconnect(),
  };
}

/** Three masters that serve all slots together. */
export async function startCluster(): Promise<readonly RedisServer[]> {
  const nodes = await Promise.all(Array.from({ length: 3 }, async () =>
    // The port of the cluster's own talk is 10000 above the other by default, which may be no port at all.
    startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort()), '--cluster-node-timeout', '2000'] })));
  const clients = nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
  try {
    const [first] = clients as [Redis];
    const per = Math.ceil(16384 / nodes.length);
    await Promise.all(clients.map((client, i) => client.call('CLUSTER', 'ADDSLOTSRANGE', String(i * per), String(Math.min((i + 1) * per, 16384) - 1))));
    for (const node of nodes.slice(1)) {
      const client = clients[nodes.indexOf(node)] as Redis;
      const bus = /^.*?@(\d+)/.exec(String(await client.call('CLUSTER', 'NODES')).split(' ')[1] ?? '')?.[1];
      await first.call('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(bus));
    }
    for (let tries = 0; ; tries++) {
      const infos = await Promise.all(clients.map(async (client) => String(await client.call('CLUSTER', 'INFO'))));
      if (infos.every((info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3'))) return nodes;
      if (tries > 200) throw new Error(`The cluster did not come up: ${infos[0]}`);
      await sleep(50);
    }
  } finally {
    for (const client of clients) client.disconnect();
  }
}

/** A Sentinel that watches one master as "state". */
export async function startSentinel(master: Server): Promise<Server> {
  const { command, env } = await debianProgram('redis-server');
  const folder = serverFolder('sentinel');
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, `sentinel monitor state 127.0.0.1 ${master.port} 1`, ''].join('\n'));
  return startServer({
    name: 'Redis Sentinel', port, folder, command, env, args: [file, '--sentinel'],
    ready: async () => (await exchange(port, 'PING\r\n')).startsWith('+PONG'),
  });
}
