export type { RedisConnection, RedisStreamSinkOptions } from './options.ts';
export { RedisStreamSink } from './sink.ts';
