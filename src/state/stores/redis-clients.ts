/** Clients that the store opens itself, of either package, bounded in what they queue and how long they try. Only the package asked for is loaded. */

import type { ConnectionOptions } from 'node:tls';
import type { RedisPort } from './redis-port.ts';
import { fromIoredis, fromNodeRedis } from './redis-port.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is: exactly one of `url`, `nodes` and `sentinel`. */
export interface RedisAddress {
  /** `redis://[user:password@]host:port[/database]`, `rediss://…` for TLS, or the path of a unix socket as `unix:///run/redis.sock`. */
  readonly url?: string | undefined;
  /** Some nodes of a cluster. */
  readonly nodes?: readonly HostPort[] | undefined;
  readonly sentinel?: { readonly name: string; readonly nodes: readonly HostPort[]; readonly username?: string | undefined; readonly password?: string | undefined } | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Number of the database; not in a cluster. */
  readonly database?: number | undefined;
  readonly tls?: boolean | ConnectionOptions | undefined;
  /** Default ioredis. */
  readonly client?: 'ioredis' | 'redis' | undefined;
}

/** Connects. @throws Error, after `timeout` ms at the latest; then nothing is left open */
export async function connectRedis(address: RedisAddress, timeout: number): Promise<RedisPort> {
  const given = (['url', 'nodes', 'sentinel'] as const).filter((name) => address[name] !== undefined);
  if (given.length !== 1) throw new Error(`The Redis store needs exactly one of url, nodes and sentinel; it has ${given.length === 0 ? 'none' : given.join(' and ')}.`);
  const connection = address.client === 'redis' ? await nodeRedis(address, timeout) : await ioredis(address, timeout);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no connection within ${timeout} ms`)), timeout);
  });
  try {
    await Promise.race([connection.connect(), late]);
    return { ...connection.port, close: connection.close };
  } catch (error) {
    await connection.close().catch(() => {});
    const reason = connection.lastError() ?? (error as Error).message;
    throw new Error(`Redis at ${where(address)} cannot be reached: ${reason}. See whether it runs, its address and port, TLS, and the password.`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

interface Connection {
  readonly port: RedisPort;
  connect(): Promise<unknown>;
  close(): Promise<void>;
  /** What the client said last of its connection. It is shown where the connection fails: the client's own error then often says only that it gave up. */
  lastError(): string | undefined;
}

/** Without the password. */
function where({ url, nodes, sentinel }: RedisAddress): string {
  if (url !== undefined) return redacted(url);
  return (nodes ?? sentinel?.nodes ?? []).map(({ host, port }) => `${host}:${port}`).join(', ') + (sentinel === undefined ? '' : ` (Sentinel, master "${sentinel.name}")`);
}

function redacted(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return 'an address that is no URL';
  }
}

/** ms before the nth try to connect again. */
function backoff(tries: number): number {
  return Math.min(50 * 2 ** Math.min(tries, 6), 2000);
}

async function ioredis(address: RedisAddress, timeout: number): Promise<Connection> {
  const { Redis, Cluster } = await import('ioredis');
  const { url, nodes, sentinel } = address;
  const tls = address.tls === true ? {} : address.tls === false ? undefined : address.tls;
  const common = {
    ...defined({ username: address.username, password: address.password, tls }),
    // Commands of a lost connection are given up after a few tries: a queue that waits for ever would grow for ever.
    maxRetriesPerRequest: 3,
    connectTimeout: timeout,
    // A connection on which nothing came back for this long is dead, whatever TCP says.
    socketTimeout: 3 * timeout,
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
  let client: InstanceType<typeof Redis> | InstanceType<typeof Cluster>;
  if (nodes !== undefined) {
    client = new Cluster(nodes.map(({ host, port }) => ({ host, port })), {
      lazyConnect: true, redisOptions: common, clusterRetryStrategy: backoff, slotsRefreshTimeout: timeout,
    });
  } else {
    const options = { ...common, lazyConnect: true, retryStrategy: backoff, ...defined({ db: address.database }) };
    if (sentinel !== undefined) {
      client = new Redis({
        ...options, name: sentinel.name, sentinels: sentinel.nodes.map(({ host, port }) => ({ host, port })), sentinelRetryStrategy: backoff,
        ...defined({ sentinelUsername: sentinel.username, sentinelPassword: sentinel.password, sentinelTLS: tls }), enableTLSForSentinelMode: tls !== undefined,
      });
    } else {
      client = new Redis(socketPath(url) ?? url ?? '', options);
    }
  }
  let last: string | undefined;
  client.on('error', (error: Error) => { last = describe(error); });
  const ready = new Promise<void>((resolve) => { client.once('ready', () => resolve()); });
  return {
    port: fromIoredis(client),
    // `connect` of a client that keeps trying rejects with the first try; what counts is whether it gets there in time.
    connect: async () => {
      client.connect().catch((error: Error) => { last ??= describe(error); });
      await ready;
    },
    close: async () => client.disconnect(),
    lastError: () => last,
  };
}

async function nodeRedis(address: RedisAddress, timeout: number): Promise<Connection> {
  const { createClient, createCluster, createSentinel } = await import('redis');
  const { url, nodes, sentinel } = address;
  const secure = address.tls === undefined || address.tls === false ? {} : { tls: true as const, ...(address.tls === true ? {} : address.tls) };
  const timing = { connectTimeout: timeout, reconnectStrategy: backoff, socketTimeout: 3 * timeout };
  const options = {
    ...defined({ username: address.username, password: address.password, database: nodes === undefined ? address.database : undefined }),
    // A silent connection is noticed by a PING that brings nothing back.
    pingInterval: timeout,
    commandsQueueMaxLength: 10_000,
    maintNotifications: 'disabled' as const,
  };
  let last: string | undefined;
  const heard = <C extends { on(event: 'error', listener: (error: Error) => void): unknown }>(client: C): C => {
    client.on('error', (error) => { last = describe(error); });
    return client;
  };
  const lastError = (): string | undefined => last;
  // The socket's own options differ from those of TLS in their types only.
  const socket = { ...timing, ...secure } as { connectTimeout: number };
  if (nodes !== undefined) {
    const client = heard(createCluster({
      rootNodes: nodes.map(({ host, port }) => ({ socket: { host, port } })),
      defaults: { ...options, socket },
      commandOptions: { timeout },
    }));
    return { port: fromNodeRedis(client, 'cluster'), connect: () => client.connect(), close: async () => client.destroy(), lastError };
  }
  if (sentinel !== undefined) {
    const client = heard(createSentinel({
      name: sentinel.name,
      sentinelRootNodes: sentinel.nodes.map(({ host, port }) => ({ host, port })),
      nodeClientOptions: { ...options, socket },
      sentinelClientOptions: { socket, ...defined({ username: sentinel.username, password: sentinel.password }) },
      commandOptions: { timeout },
      passthroughClientErrorEvents: true,
    }));
    return { port: fromNodeRedis(client, 'sentinel'), connect: () => client.connect(), close: () => client.destroy(), lastError };
  }
  const path = socketPath(url);
  const client = heard(createClient({
    ...options,
    ...(path === undefined ? defined({ url }) : {}),
    socket: path === undefined ? socket : { ...timing, path, tls: false },
    commandOptions: { timeout },
  }));
  return { port: fromNodeRedis(client), connect: () => client.connect(), close: async () => client.destroy(), lastError };
}

function socketPath(url: string | undefined): string | undefined {
  return url?.startsWith('unix://') === true ? url.slice('unix://'.length) : undefined;
}

/** Refused connections to several addresses of one name come as one error without a message. */
function describe(error: Error & { errors?: readonly Error[] }): string {
  const message = error.message === '' ? (error.errors ?? []).map((one) => one.message).join('; ') : error.message;
  return message === '' ? error.name : message;
}

function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
