import { Cluster, type Redis } from 'ioredis';
import { namePattern } from '../pattern.ts';
import { addressOf, connect, describe } from '../redis/index.ts';
import type { Log, OutRecord, Sink } from '../types.ts';
import type { RedisStreamSinkOptions } from './options.ts';

const PIPELINE = 500;
const DEFAULT_STREAM = 'alcedo:{channel}';
const FIRST_RETRY = 100;
const LAST_RETRY = 5_000;
/** Replies that go away by waiting: the server loads, is being failed over, or has no memory. */
const CURABLE = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF|OOM|BUSY)\b/;

/**
 * Adds alerts to Redis streams, entries of `id`, `key`, `value` and `headers` (JSON). At least once: what Redis did not confirm is added again, and
 * readers drop repeats by `id`. `send` resolves when Redis has confirmed; whether that survives its restart is a matter of its own persistence.
 */
export class RedisStreamSink implements Sink {
  readonly name: string;
  readonly #options: RedisStreamSinkOptions;
  readonly #stream: (record: OutRecord) => string;
  #client: Redis | Cluster | undefined;
  #log: Log | undefined;
  #stopping = false;
  #wake: (() => void) | undefined;

  constructor(options: RedisStreamSinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#stream = namePattern(options.stream ?? DEFAULT_STREAM, (text) => text);
    const given = [options.url, options.sentinels, options.cluster].filter((one) => one !== undefined).length;
    if (given !== 1 || (options.sentinels !== undefined && options.master === undefined)) {
      throw new Error(`channels.${options.name} wants exactly one of url, cluster, or sentinels with master`);
    }
  }

  async start(log: Log): Promise<void> {
    this.#log = log;
    const client = this.#client = connect(this.#options);
    client.on('error', (error: Error) => log.debug({ redis: addressOf(this.#options), error: describe(error) }, 'the Redis client reports an error'));
    client.connect().catch(() => undefined);
  }

  async send(records: readonly OutRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += PIPELINE) await this.#add(records.slice(from, from + PIPELINE));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    this.#client?.disconnect();
  }

  async probe(): Promise<readonly string[]> {
    const client = connect(this.#options, false);
    let reason = '';
    client.on('error', (error: Error) => { reason = describe(error); });
    try {
      await client.connect();
      const pong = await client.ping();
      const key = this.#stream({ id: 'probe', key: 'probe', channel: this.name, headers: {}, value: new Uint8Array(0) });
      const found = [`connected to Redis at ${addressOf(this.#options)} (${pong})`];
      if (this.#options.stream !== undefined && !this.#options.stream.includes('{')) {
        const type = await client.type(key);
        if (type !== 'none' && type !== 'stream') throw new Error(`the key ${key} is there and holds a ${type}, not a stream`);
        found.push(type === 'none' ? `the stream ${key} is not there yet; it is made by the first alert` : `the stream ${key} has ${await client.xlen(key)} entries`);
      }
      return found;
    } catch (error) {
      throw new Error(`Redis at ${addressOf(this.#options)} cannot be used: ${reason === '' ? describe(error as Error) : reason}. See channels.${this.name}.url, .username and .tls.`, { cause: error });
    } finally {
      client.disconnect();
    }
  }

  async #add(records: readonly OutRecord[]): Promise<void> {
    let left = records;
    for (let wait = FIRST_RETRY; left.length > 0; wait = Math.min(wait * 2, LAST_RETRY)) {
      if (this.#client === undefined) throw new Error(`sink ${this.name} is not started`);
      const errors = await this.#tryAll(left);
      const failed = left.filter((_, i) => errors[i] !== undefined);
      const error = errors.find((one) => one !== undefined);
      left = failed;
      if (error === undefined) return;
      const fatal = errors.find((one) => one?.name === 'ReplyError' && !CURABLE.test(one.message));
      if (fatal !== undefined || this.#stopping) {
        throw new Error(`Redis at ${addressOf(this.#options)} does not take ${failed.length} alerts: ${(fatal ?? error).message}. See channels.${this.name}.stream and the user's rights.`, { cause: fatal ?? error });
      }
      this.#log!.warn({ redis: addressOf(this.#options), alerts: failed.length, error: describe(error), retryIn: wait }, `alerts were not confirmed by Redis; they are sent again in ${wait} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The error of each record that was not confirmed. */
  async #tryAll(records: readonly OutRecord[]): Promise<(Error | undefined)[]> {
    const client = this.#client!;
    if (client instanceof Cluster) {
      // The streams may lie on several nodes; each node has its commands in order.
      const results = await Promise.allSettled(records.map((record) => {
        const [key, ...rest] = this.#entry(record);
        return client.xadd(key, ...rest);
      }));
      return results.map((result) => (result.status === 'rejected' ? result.reason as Error : undefined));
    }
    const pipeline = client.pipeline();
    for (const record of records) {
      const [key, ...rest] = this.#entry(record);
      pipeline.xadd(key, ...rest);
    }
    try {
      const results = await pipeline.exec();
      return records.map((_, i) => results?.[i]?.[0] ?? undefined);
    } catch (error) {
      return records.map(() => error as Error);
    }
  }

  #entry(record: OutRecord): [key: string, ...rest: (string | Buffer | number)[]] {
    const { maxLength = 1_000_000 } = this.#options;
    const limit = maxLength > 0 ? ['MAXLEN', '~', maxLength] : [];
    return [this.#stream(record), ...limit, '*', 'id', record.id, 'key', record.key, 'value', Buffer.from(record.value), 'headers', JSON.stringify(record.headers)];
  }
}
