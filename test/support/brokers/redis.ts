import { join } from 'node:path';
import { debianProgram } from './debian.ts';
import { exchange } from './exchange.ts';
import { freePort, serverFolder, startServer, type Server } from './processes.ts';

export interface RedisOptions {
  /** Default no: nothing survives a restart. */
  readonly appendOnly?: 'no' | 'everysec' | 'always' | undefined;
  readonly password?: string | undefined;
  /** More arguments of redis-server, e.g. `['--maxmemory-policy', 'allkeys-lru']` or `['--cluster-enabled', 'yes']`. */
  readonly args?: readonly string[] | undefined;
}

export interface RedisServer extends Server {
  readonly url: string;
  /** A unix socket it listens on too. */
  readonly socket: string;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { command, env } = await debianProgram('redis-server');
  const folder = serverFolder('redis');
  const port = await freePort();
  const socket = join(folder, 'redis.sock');
  const log = options.appendOnly ?? 'no';
  const server = await startServer({
    name: 'Redis', port, folder, command, env,
    args: ['--port', String(port), '--bind', '127.0.0.1', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', folder, '--save', '',
      '--appendonly', log === 'no' ? 'no' : 'yes', ...(log === 'no' ? [] : ['--appendfsync', log]),
      ...(options.password === undefined ? [] : ['--requirepass', options.password]), ...(options.args ?? [])],
    // Without the password it answers NOAUTH, which is ready too; while it loads its log it answers LOADING, which is not.
    ready: async () => /^(\+PONG|-NOAUTH)/.test(await exchange(port, 'PING\r\n')),
  });
  const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return Object.assign(server, { url: `redis://${login}127.0.0.1:${port}`, socket });
}
