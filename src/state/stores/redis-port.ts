/**
 * What the store needs of a Redis client: raw commands, with bulk replies as bytes. Both clients fit behind it with a client of the caller's own; such
 * a client is never closed here.
 */

export type RedisArg = string | Uint8Array;

export interface RedisPort {
  /** One command. `key` says where in a cluster it goes; undefined: to any node. Bulk replies are Buffers. */
  cmd(key: string | undefined, args: readonly RedisArg[]): Promise<unknown>;
  /** Commands whose keys share the slot of `key`, sent together on one connection, to be done in this order. */
  pipe(key: string, commands: readonly (readonly RedisArg[])[]): Promise<readonly PromiseSettledResult<unknown>[]>;
  /** One command on every master: one where there is no cluster. */
  masters(args: readonly RedisArg[]): Promise<readonly unknown[]>;
  /** Ends what the port itself began; a client that was passed in stays open. */
  close(): Promise<void>;
}

/** The part of an ioredis `Redis` or `Cluster` that is used. */
export interface IoredisClient {
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  pipeline(): IoredisPipeline;
  /** Only a `Cluster` has it. */
  nodes?(role: 'master'): IoredisClient[];
}

interface IoredisPipeline {
  callBuffer(command: string, args: (string | Buffer)[]): unknown;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

/** Standalone, Sentinel and Cluster clients of ioredis. */
export function fromIoredis(client: IoredisClient): RedisPort {
  const call = (to: { callBuffer(command: string, args: (string | Buffer)[]): unknown }, args: readonly RedisArg[]): unknown =>
    to.callBuffer(String(args[0]), buffers(args.slice(1)));
  return {
    cmd: async (_key, args) => call(client, args),
    pipe: async (_key, commands) => {
      const pipeline = client.pipeline();
      for (const args of commands) call(pipeline, args);
      const results = await pipeline.exec();
      if (results === null) throw new Error('the pipeline was given up');
      return results.map(([reason, value]) => (reason === null ? { status: 'fulfilled', value } : { status: 'rejected', reason }));
    },
    masters: async (args) => Promise.all((client.nodes?.('master') ?? [client]).map((node) => call(node, args))),
    close: async () => {},
  };
}

/** `RESP_TYPES.BLOB_STRING` of node-redis: bulk strings as Buffers. */
const NODE_REDIS_OPTIONS = { typeMapping: { 36: Buffer } } as const;

type NodeRedisOptions = typeof NODE_REDIS_OPTIONS;

/** The part of a node-redis `createClient` client that is used. */
export interface NodeRedisClient {
  sendCommand(args: readonly (string | Buffer)[], options?: NodeRedisOptions): Promise<unknown>;
}

/** The part of a node-redis `createCluster` client that is used. */
export interface NodeRedisCluster<Node = unknown> {
  readonly masters: readonly Node[];
  nodeClient(node: Node): Promise<NodeRedisClient>;
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: (string | Buffer)[], options?: NodeRedisOptions): Promise<unknown>;
}

/** The part of a node-redis `createSentinel` client that is used. */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: (string | Buffer)[], options?: NodeRedisOptions): Promise<unknown>;
}

/** Clients of node-redis; which kind it is must be said, since their `sendCommand` differ in their arguments. The client is connected by the caller. */
export function fromNodeRedis(client: NodeRedisClient): RedisPort;
export function fromNodeRedis(client: NodeRedisClient, kind: 'standalone'): RedisPort;
export function fromNodeRedis<Node>(client: NodeRedisCluster<Node>, kind: 'cluster'): RedisPort;
export function fromNodeRedis(client: NodeRedisSentinel, kind: 'sentinel'): RedisPort;
export function fromNodeRedis(client: NodeRedisClient | NodeRedisCluster | NodeRedisSentinel, kind: 'standalone' | 'cluster' | 'sentinel' = 'standalone'): RedisPort {
  switch (kind) {
    case 'standalone': {
      const standalone = client as NodeRedisClient;
      return nodeRedisPort((_key, args) => standalone.sendCommand(args, NODE_REDIS_OPTIONS));
    }
    case 'cluster': {
      const cluster = client as NodeRedisCluster;
      return nodeRedisPort(
        (key, args) => cluster.sendCommand(key, false, args, NODE_REDIS_OPTIONS),
        (args) => Promise.all(cluster.masters.map(async (node) => (await cluster.nodeClient(node)).sendCommand(args, NODE_REDIS_OPTIONS))));
    }
    case 'sentinel': {
      const sentinel = client as NodeRedisSentinel;
      return nodeRedisPort((_key, args) => sentinel.sendCommand(false, args, NODE_REDIS_OPTIONS));
    }
  }
}

function nodeRedisPort(
  send: (key: string | undefined, args: (string | Buffer)[]) => Promise<unknown>,
  everywhere: (args: (string | Buffer)[]) => Promise<unknown[]> = async (args) => [await send(undefined, args)],
): RedisPort {
  return {
    cmd: (key, args) => send(key, buffers(args)),
    // Commands of one tick go out together.
    pipe: (key, commands) => Promise.allSettled(commands.map((args) => send(key, buffers(args)))),
    masters: (args) => everywhere(buffers(args)),
    close: async () => {},
  };
}

function buffers(args: readonly RedisArg[]): (string | Buffer)[] {
  return args.map((arg) => (typeof arg === 'string' || Buffer.isBuffer(arg) ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength)));
}
