/** Where checkpoints are kept: the stores behind one port (types.ts), and the framing of what the job puts into them. */
export * from './types.ts';
export { chunkName } from './names.ts';
export { decodeChunk, encodeChunk, MAX_CHUNK_CONTENT } from './codec.ts';
export { openStore, type RedisSpec, type StoreSpec } from './open.ts';
export { MemoryStore, type MemoryData } from './memory.ts';
export { DirectoryStore } from './directory.ts';
export { SqliteStore, type SqliteOptions } from './sqlite.ts';
export { RedisStore, type RedisStoreOptions } from './redis.ts';
export { RedisTimeoutError } from './redis-calls.ts';
export { fromIoredis, fromNodeRedis, type RedisPort } from './redis-port.ts';
export type { HostPort, RedisAddress } from './redis-clients.ts';
