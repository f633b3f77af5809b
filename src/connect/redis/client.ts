/** The connection to Redis that the sink and the tables share. */
import { Cluster, Redis } from 'ioredis';
import type { RedisConnection } from './options.ts';

const FIRST_RETRY = 100;
const LAST_RETRY = 5_000;

/** `retry` false: one try only. */
export function connect(connection: RedisConnection, retry = true): Redis | Cluster {
  const { url, sentinels, master, cluster, username, password, tls, connectTimeout = 10_000, commandTimeout = 10_000 } = connection;
  const common = {
    lazyConnect: true,
    connectTimeout,
    commandTimeout,
    // What was not confirmed is sent again by us, so that nothing is kept in two places.
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
  };
  const retryStrategy = retry ? (times: number) => Math.min(times * FIRST_RETRY, LAST_RETRY) : () => null;
  if (cluster !== undefined) {
    return new Cluster(cluster.map(({ host, port }) => ({ host, port })), {
      lazyConnect: true, enableOfflineQueue: false, redisOptions: { ...common, lazyConnect: false }, clusterRetryStrategy: retryStrategy,
    });
  }
  if (sentinels !== undefined) return new Redis({ ...common, retryStrategy, sentinels: [...sentinels], name: master! });
  return new Redis(url!, { ...common, retryStrategy });
}

/** For messages: without user and password. */
export function addressOf({ url, sentinels, master, cluster }: RedisConnection): string {
  const list = (nodes: readonly { host: string; port: number }[]): string => nodes.map(({ host, port }) => `${host}:${port}`).join(', ');
  if (sentinels !== undefined) return `master ${master} of the sentinels ${list(sentinels)}`;
  if (cluster !== undefined) return `the cluster ${list(cluster)}`;
  return URL.canParse(url!) ? new URL(url!).host : 'the url';
}

export function describe(error: Error & { code?: string; errors?: readonly Error[] }): string {
  if (error.errors !== undefined && error.errors.length > 0) return error.errors.map(({ message }) => message).join('; ');
  return error.message === '' ? String(error.code ?? error.name) : error.message;
}
