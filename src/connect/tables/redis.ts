import { Cluster, type Redis } from 'ioredis';
import { addressOf, connect, describe, type RedisConnection } from '../redis/index.ts';
import { addJson, type ParsedRows } from './parse.ts';
import { fingerprint, LoadPoller } from './poll.ts';
import { TableSourceError, type Snapshot, type TableListener, type TableSource } from './types.ts';

export interface RedisTableOptions extends RedisConnection {
  /** A hash whose values are rows as JSON objects, by their keys. */
  readonly hash?: string | undefined;
  /** Each row is a hash of its columns, at this and its key. One of the two. */
  readonly prefix?: string | undefined;
  /** ms between two reads of all rows. */
  readonly poll: number;
  /** Read as soon as Redis notifies of a change; it must be told to (`notify-keyspace-events` with K and the classes h, g, x). */
  readonly notify: boolean;
}

const SCAN_COUNT = 1000;
/** ms; changes that follow each other closely are read together. */
const TOGETHER = 50;

/** Rows in Redis: one hash of JSON, or a hash for each row. */
export class RedisTable implements TableSource {
  readonly from: string;
  readonly #options: RedisTableOptions;
  #client: Redis | Cluster | undefined;
  #subscriber: Redis | undefined;
  #poller: LoadPoller | undefined;
  #last: string | undefined;
  #reason = '';

  constructor(options: RedisTableOptions) {
    this.#options = options;
    this.from = `${options.hash === undefined ? `the hashes ${options.prefix}*` : `the hash ${options.hash}`} in Redis at ${addressOf(options)}`;
  }

  async load(): Promise<Snapshot> {
    try {
      const client = await this.#connected();
      const parsed: ParsedRows = { rows: [], rejected: [] };
      const { hash, prefix } = this.#options;
      if (hash !== undefined) {
        // By field: the answer of Redis has no order of its own, and of two rows with one key the same is to win each time.
        const fields = Object.entries(await client.hgetall(hash)).sort(([a], [b]) => (a < b ? -1 : 1));
        for (const [field, text] of fields) addJson(text, `field "${field}"`, field, parsed);
      } else for (const node of client instanceof Cluster ? client.nodes('master') : [client]) await this.#scan(node, prefix!, parsed);
      const snapshot = { ...parsed, asOf: Date.now() };
      this.#last = fingerprint(snapshot);
      return snapshot;
    } catch (error) {
      const reason = this.#reason === '' ? describe(error as Error) : this.#reason;
      throw new TableSourceError(`${this.from} cannot be read: ${reason}.`, { cause: error });
    }
  }

  follow(listener: TableListener): void {
    const poller = this.#poller = new LoadPoller(this.#options.poll, () => this.load(), listener, this.#last);
    if (this.#options.notify && this.#options.cluster === undefined) this.#subscribe(poller);
  }

  async stop(): Promise<void> {
    this.#subscriber?.disconnect();
    const stopped = this.#poller?.stop();
    this.#client?.disconnect();
    await stopped;
  }

  /** Every row in a hash of its own, in the order of the keys. */
  async #scan(node: Redis, prefix: string, { rows, rejected }: ParsedRows): Promise<void> {
    const keys = new Set<string>();
    const match = `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
    let cursor = '0';
    do {
      const [next, found] = await node.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT, 'TYPE', 'hash');
      for (const key of found) keys.add(key);
      cursor = next;
    } while (cursor !== '0');
    const ordered = [...keys].sort();
    for (let from = 0; from < ordered.length; from += SCAN_COUNT) {
      const some = ordered.slice(from, from + SCAN_COUNT);
      const pipeline = node.pipeline();
      for (const key of some) pipeline.hgetall(key);
      const answers = await pipeline.exec();
      some.forEach((key, i) => {
        const [error, values] = answers?.[i] ?? [new Error('no answer'), undefined];
        if (error?.message.startsWith('WRONGTYPE') === true) rejected.push({ where: `key "${key}"`, problem: 'it is no hash any more' });
        else if (error !== null) throw error;
        // A key that went since the scan has no fields.
        else if (Object.keys(values as object).length > 0) rows.push({ where: `key "${key}"`, values: values as Record<string, string>, isText: true, key: key.slice(prefix.length) });
      });
    }
  }

  async #connected(): Promise<Redis | Cluster> {
    const client = this.#client ??= this.#connect();
    if (client.status === 'wait' || client.status === 'end') await client.connect();
    else if (client.status !== 'ready') {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => { settle(() => { reject(new Error('there is no connection')); }); }, this.#options.connectTimeout ?? 10_000);
        const ready = (): void => { settle(resolve); };
        const failed = (error: Error): void => { settle(() => { reject(error); }); };
        const settle = (how: () => void): void => {
          clearTimeout(timer);
          client.off('ready', ready);
          client.off('error', failed);
          how();
        };
        client.on('ready', ready);
        client.on('error', failed);
      });
    }
    this.#reason = '';
    return client;
  }

  #connect(): Redis | Cluster {
    const client = connect(this.#options);
    client.on('error', (error: Error) => { this.#reason = describe(error); });
    client.on('ready', () => { this.#reason = ''; });
    return client;
  }

  #subscribe(poller: LoadPoller): void {
    const { hash, prefix } = this.#options;
    const subscriber = this.#subscriber = connect(this.#options) as Redis;
    subscriber.on('error', () => undefined);
    // After each connection: what changed while there was none was not notified of.
    subscriber.on('ready', () => {
      subscriber.psubscribe(`__keyspace@*__:${(hash ?? prefix!).replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}${hash === undefined ? '*' : ''}`)
        .then(() => { poller.wake(TOGETHER); }, () => undefined);
    });
    subscriber.on('pmessage', () => { poller.wake(TOGETHER); });
    subscriber.connect().catch(() => undefined);
  }
}
