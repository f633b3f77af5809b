export type { RedisConnection } from '../redis/options.ts';
export type { RedisStreamSinkOptions } from './options.ts';
export { RedisStreamSink } from './sink.ts';
