import type { Cluster, Redis } from 'ioredis';
import type { RedisConnection } from '../../../connect/redis-stream/index.ts';
import { polling } from './retry.ts';
import type { Feed, From } from './types.ts';

/** ms between two looks at a stream that has nothing new. */
const POLL = 200;
const COUNT = '500';
const LONGEST_RETRY = 5000;

type Entries = readonly (readonly [id: Buffer, fields: readonly Buffer[]])[];

/** Entries of a Redis stream. It asks again and again and never blocks a connection, so that a Cluster serves it as well. */
export function redisFeed(key: string, connection: RedisConnection): Feed {
  return {
    kind: 'redis',
    what: `Redis stream ${key}`,
    async run(from, host) {
      const client = await connect(connection);
      let reason = '';
      client.on('error', (error: Error) => { reason = error.message; });
      try {
        try {
          await client.connect();
        } catch (error) {
          throw new Error(`Redis cannot be reached: ${reason === '' ? (error as Error).message : reason}. See the Redis options of the job file`, { cause: error });
        }
        let last: string | undefined;
        await polling(`Redis stream ${key}`, host, POLL, async () => {
          last ??= await startOf(client, key, from);
          // Not by callBuffer: that gives a map of RESP3 in another form than the list of RESP2.
          const answer = await client.xreadBuffer('COUNT', COUNT, 'STREAMS', key, last) as readonly (readonly [Buffer, Entries])[] | null;
          for (const [id, fields] of answer?.[0]?.[1] ?? []) {
            if (host.signal.aborted) return false;
            const at = fields.findIndex((field, i) => i % 2 === 0 && field.toString() === 'value');
            if (at >= 0) await host.deliver(fields[at + 1]!);
            last = id.toString();
          }
          return answer !== null;
        });
      } finally {
        client.disconnect();
      }
    },
  };
}

/** The id behind which to read. */
async function startOf(client: Redis | Cluster, key: string, from: From): Promise<string> {
  if (from === 'earliest') return '0-0';
  if (typeof from === 'number') return from <= 0 ? '0-0' : `${from - 1}-18446744073709551615`;
  const [newest] = await client.xrevrangeBuffer(key, '+', '-', 'COUNT', 1) as Entries;
  return newest?.[0].toString() ?? '0-0';
}

async function connect({ url, sentinels, master, cluster, username, password, tls, connectTimeout = 10_000, commandTimeout = 10_000 }: RedisConnection): Promise<Redis | Cluster> {
  // Loaded when it is used: the other commands start without it.
  const { Cluster, Redis } = await import('ioredis');
  const common = {
    lazyConnect: true, connectTimeout, commandTimeout, maxRetriesPerRequest: 0, enableOfflineQueue: false,
    ...(username !== undefined && { username }), ...(password !== undefined && { password }), ...(tls !== undefined && { tls }),
  };
  let hasConnected = false;
  // Who mistyped an address must not wait; who has seen alerts wants to see more.
  const retryStrategy = (times: number): number | null => (hasConnected ? Math.min(times * 200, LONGEST_RETRY) : null);
  const client = cluster !== undefined
    ? new Cluster(cluster.map((node) => ({ ...node })), { lazyConnect: true, enableOfflineQueue: false, redisOptions: { ...common, lazyConnect: false }, clusterRetryStrategy: retryStrategy })
    : sentinels !== undefined ? new Redis({ ...common, retryStrategy, sentinels: [...sentinels], name: master! }) : new Redis(url!, { ...common, retryStrategy });
  client.once('ready', () => { hasConnected = true; });
  return client;
}
