import { DirectoryStore } from './directory.ts';
import { MemoryStore } from './memory.ts';
import { RedisStore } from './redis.ts';
import type { RedisAddress } from './redis-clients.ts';
import { connectRedis } from './redis-clients.ts';
import { SqliteStore } from './sqlite.ts';
import type { StateStore } from './types.ts';

export interface RedisSpec extends RedisAddress {
  readonly kind: 'redis';
  /** Begins every key. Default "alcedo". */
  readonly prefix?: string | undefined;
  /** ms that connecting, and one exchange with Redis, may take. Default 5000. */
  readonly timeout?: number | undefined;
  /** ms that a chunk lives which no manifest names yet: ten times the checkpoint interval or more. Default 600,000. */
  readonly unnamedFor?: number | undefined;
  /** How many replicas must have a commit before it counts. Default 0. */
  readonly replicas?: number | undefined;
}

export type StoreSpec =
  | { readonly kind: 'memory' }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'sqlite'; readonly path: string; /** ms, default 5000 */ readonly busyTimeout?: number }
  | RedisSpec;

/** Makes a store and opens it. `warn` is told what an operator should know. @throws Error that says what is wrong and what to look at */
export async function openStore(spec: StoreSpec, warn?: (message: string) => void): Promise<StateStore> {
  const store = makeStore(spec, warn);
  await store.open();
  return store;
}

function makeStore(spec: StoreSpec, warn: ((message: string) => void) | undefined): StateStore {
  switch (spec.kind) {
    case 'memory': return new MemoryStore();
    case 'directory': return new DirectoryStore(spec.path);
    case 'sqlite': return new SqliteStore(spec);
    case 'redis': return new RedisStore(() => connectRedis(spec, spec.timeout ?? 5000), { ...spec, warn });
  }
}
