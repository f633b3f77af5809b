export { addressOf, connect, describe } from './client.ts';
export type { RedisConnection } from './options.ts';
