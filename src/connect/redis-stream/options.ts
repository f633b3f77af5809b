import type { RedisConnection } from '../redis/options.ts';

export interface RedisStreamSinkOptions extends RedisConnection {
  readonly name: string;
  /** Key of the stream of an alert: text with `{channel}`, `{rule}`, `{key}`, `{id}` or `{HEADER}`. Default `alcedo:{channel}`. */
  readonly stream?: string | undefined;
  /** Entries kept, about (`MAXLEN ~`). Default 1,000,000. 0: all, for ever. */
  readonly maxLength?: number | undefined;
}
