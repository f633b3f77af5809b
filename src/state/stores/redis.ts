import { fenced, missing, requireOpen } from './failures.ts';
import { InFlight } from './in-flight.ts';
import type { Manifests } from './manifest.ts';
import { encodeManifest, readManifests, retention } from './manifest.ts';
import { chunkName, encodeName, requireChunkNames } from './names.ts';
import { RedisCalls } from './redis-calls.ts';
import type { RedisPort } from './redis-port.ts';
import type { ScriptCall } from './redis-scripts.ts';
import { ACQUIRE, COMMIT, DROP, HAS, PUT, run, runAll } from './redis-scripts.ts';
import type { Manifest, StateStore } from './types.ts';
import { verifyTask } from './verify.ts';

/** Bytes sent before an answer is awaited. More would keep other users of Redis waiting. */
const PIPELINE_BYTES = 1024 * 1024;
/** Chunks sent before an answer is awaited, however small they are. */
const PIPELINE_CHUNKS = 256;
/** Keys a command that looks at many takes at most. */
const KEYS_AT_ONCE = 1000;

export interface RedisStoreOptions {
  /** Begins every key. Default "alcedo". No braces: they say which part of a key chooses its slot. */
  readonly prefix?: string | undefined;
  /** ms that one exchange with Redis may take. Default 5000. */
  readonly timeout?: number | undefined;
  /** ms that a chunk lives which no manifest names yet: ten times the checkpoint interval or more. Default 600,000. */
  readonly unnamedFor?: number | undefined;
  /**
   * How many replicas must have a commit before it counts. Default 0: a fail-over may lose the commits of its last moments. A commit that has not
   * reached them within half the timeout fails, though it may be kept.
   */
  readonly replicas?: number | undefined;
  /** Is told what an operator should know and that does not keep the store from working. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** Connects a client and gives its port; called once by each `open`. */
export type RedisConnect = () => Promise<RedisPort>;

/** See docs/state.md for the keys. */
export class RedisStore implements StateStore {
  readonly kind = 'redis';
  readonly #connect: RedisConnect;
  readonly #prefix: string;
  readonly #timeout: number;
  readonly #unnamedFor: number;
  readonly #replicas: number;
  readonly #warn: (message: string) => void;
  readonly #flight = new InFlight();
  #port: RedisPort | undefined;
  #calls: RedisCalls | undefined;

  /** @throws Error for a prefix with braces */
  constructor(connect: RedisPort | RedisConnect, options: RedisStoreOptions = {}) {
    this.#connect = typeof connect === 'function' ? connect : async () => connect;
    this.#prefix = options.prefix ?? 'alcedo';
    this.#timeout = options.timeout ?? 5000;
    this.#unnamedFor = options.unnamedFor ?? 600_000;
    this.#replicas = options.replicas ?? 0;
    this.#warn = options.warn ?? (() => {});
    if (/[{}]/.test(this.#prefix)) throw new Error(`The prefix "${this.#prefix}" of the Redis keys holds a brace; leave it out.`);
  }

  async open(): Promise<void> {
    if (this.#port !== undefined) return;
    const port = await this.#connect();
    this.#port = port;
    this.#calls = new RedisCalls(port, this.#timeout);
    try {
      for (const info of await this.#calls.run('', 'it cannot be asked how it is set up', (to) => to.masters(['INFO']))) this.#checkServer(String(info));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async acquire(task: string): Promise<number> {
    const keys = this.#keys(task);
    return this.#flight.inTurn(task, async () => {
      await this.#run(task, 'a task cannot be entered in the list of tasks', (port) => port.cmd(this.#tasksKey(), ['ZADD', this.#tasksKey(), '0', task]));
      const token = await this.#run(task, 'a task cannot be taken over', (port) => run(port, ACQUIRE, [keys.owner], []));
      this.#flight.unpin(task);
      return Number(String(token));
    });
  }

  async has(task: string, chunks: readonly string[]): Promise<ReadonlySet<string>> {
    requireChunkNames(chunks);
    const keys = this.#keys(task);
    return this.#flight.inTurn(task, async () => {
      const found = new Set<string>();
      for (const names of slices(chunks.filter((name) => !this.#flight.isDamaged(task, name)), KEYS_AT_ONCE)) {
        const there = await this.#run(task, 'chunks cannot be looked up', (port) => run(port, HAS, names.map(keys.chunk), [String(this.#unnamedFor)])) as number[];
        names.forEach((name, i) => { if (Number(there[i]) === 1) found.add(name); });
      }
      this.#flight.pin(task, found);
      return found;
    });
  }

  async put(task: string, token: number, chunks: ReadonlyMap<string, Uint8Array>): Promise<void> {
    requireChunkNames(chunks.keys());
    const keys = this.#keys(task);
    await this.#flight.inTurn(task, async () => {
      let calls: ScriptCall[] = [];
      let bytes = 0;
      const send = async (): Promise<void> => {
        const of = calls;
        for (const answer of await this.#run(task, 'chunks cannot be written', (port) => runAll(port, PUT, of))) this.#requireOwner(task, token, answer);
        calls = [];
        bytes = 0;
      };
      for (const [name, content] of chunks) {
        if (calls.length === PIPELINE_CHUNKS || (bytes > 0 && bytes + content.length > PIPELINE_BYTES)) await send();
        calls.push({ keys: [keys.owner, keys.chunks, keys.chunk(name)], args: [String(token), name, content, String(this.#unnamedFor)] });
        bytes += content.length;
      }
      await send();
      this.#flight.pin(task, chunks.keys());
      this.#flight.rewritten(task, chunks.keys());
    });
  }

  async commit(task: string, token: number, manifest: Manifest): Promise<void> {
    const bytes = encodeManifest(manifest);
    const keys = this.#keys(task);
    const names = [...new Set(manifest.chunks)];
    await this.#flight.inTurn(task, async () => {
      const call = { keys: [keys.owner, keys.manifests, ...names.map(keys.chunk)], args: [String(token), String(manifest.checkpoint), bytes] };
      const wait = this.#replicas === 0 ? [] : [['WAIT', String(this.#replicas), String(Math.ceil(this.#timeout / 2))]];
      const [answer, reached] = await this.#run(task, `checkpoint ${manifest.checkpoint} of task "${task}" may not be committed`, (port) => runAll(port, COMMIT, [call], wait));
      const [verdict, ...positions] = this.#requireOwner(task, token, answer);
      if (verdict === 'MISSING') throw missing(task, manifest.checkpoint, positions.map((at) => names[Number(at) - 1] as string));
      if (this.#replicas > 0 && Number(reached) < this.#replicas) {
        throw new Error(`Redis: checkpoint ${manifest.checkpoint} of task "${task}" is on ${Number(reached)} of ${this.#replicas} replicas only, so a fail-over may lose it; it does not count. See INFO replication.`);
      }
      this.#flight.unpin(task);
      // Redis may have lost the list with its other data since the task was taken over. It lies in a slot of its own: no part of the commit.
      await this.#run(task, 'a task cannot be entered in the list of tasks', (port) => port.cmd(this.#tasksKey(), ['ZADD', this.#tasksKey(), '0', task])).catch(() => {});
    });
  }

  async manifests(task: string): Promise<Manifests> {
    return readManifests(await this.#stored(task));
  }

  async chunk(task: string, name: string): Promise<Uint8Array | undefined> {
    requireChunkNames([name]);
    const bytes = await this.#read(task, name);
    if (bytes === undefined || chunkName(bytes) === name) return bytes;
    this.#flight.foundDamaged(task, name);
    return undefined;
  }

  async collect(task: string, token: number, keep: readonly number[]): Promise<void> {
    const keys = this.#keys(task);
    await this.#flight.inTurn(task, async () => {
      const commits = await this.#run(task, 'commits cannot be counted', (port) => port.cmd(keys.owner, ['HGET', keys.owner, 'commits']));
      const { live, drop } = retention(await this.#stored(task), keep);
      const pinned = this.#flight.pinned(task);
      const unnamed = (await this.#names(task)).filter((name) => !live.has(name) && !pinned.has(name));
      let checkpoints: readonly string[] = drop.map(String);
      // At least one call, so that a former owner learns that it is one; manifests go with the first, before any chunk of theirs.
      for (const names of unnamed.length === 0 ? [[]] : slices(unnamed, KEYS_AT_ONCE)) {
        const of = checkpoints;
        checkpoints = [];
        const answer = await this.#run(task, 'old checkpoints cannot be removed', (port) =>
          run(port, DROP, [keys.owner, keys.manifests, keys.chunks, ...names.map(keys.chunk)],
            [String(token), commits === null ? '0' : String(commits), String(of.length), ...of, ...names]));
        if (this.#requireOwner(task, token, answer)[0] === 'LATER') return;
      }
    });
  }

  async tasks(): Promise<readonly string[]> {
    const names = await this.#run('', 'tasks cannot be listed', (port) => port.cmd(this.#tasksKey(), ['ZRANGE', this.#tasksKey(), '0', '-1'])) as Buffer[];
    return names.map(String).sort();
  }

  async verify(task: string): Promise<readonly string[]> {
    const keys = this.#keys(task);
    const chunks: string[] = [];
    for (const names of slices(await this.#names(task), KEYS_AT_ONCE)) {
      const there = await this.#run(task, 'chunks cannot be looked up', (port) => port.pipe(keys.owner, names.map((name) => ['EXISTS', keys.chunk(name)])));
      // An unnamed chunk that has expired leaves its entry in the index until the next collection: no finding.
      names.forEach((name, i) => {
        const answer = there[i];
        if (answer?.status === 'fulfilled' && Number(answer.value) !== 0) chunks.push(name);
      });
    }
    return verifyTask({ manifests: await this.manifests(task), chunks, read: (name) => this.#read(task, name) });
  }

  async close(): Promise<void> {
    const port = this.#port;
    if (port === undefined) return;
    await this.#flight.settled();
    this.#port = undefined;
    this.#calls = undefined;
    await port.close();
  }

  /** One builder for every key; the braces keep those of a task in one slot of a cluster. */
  #keys(task: string): { readonly owner: string; readonly manifests: string; readonly chunks: string; chunk(name: string): string } {
    const tag = `{${this.#prefix}:${encodeName(task)}}`;
    return { owner: `${tag}:owner`, manifests: `${tag}:manifests`, chunks: `${tag}:chunks`, chunk: (name) => `${tag}:chunk:${name}` };
  }

  #tasksKey(): string {
    return `${this.#prefix}:tasks`;
  }

  async #run<T>(task: string, what: string, send: (port: RedisPort) => Promise<T>): Promise<T> {
    const calls = this.#calls;
    requireOpen(calls !== undefined, this.kind);
    return (calls as RedisCalls).run(task, what, send);
  }

  async #stored(task: string): Promise<[checkpoint: number, bytes: Uint8Array][]> {
    const { manifests } = this.#keys(task);
    const fields = (await this.#run(task, 'manifests cannot be listed', (port) => port.cmd(manifests, ['HKEYS', manifests])) as Buffer[]).map(String);
    if (fields.length === 0) return [];
    const values = await this.#run(task, 'manifests cannot be read', (port) => port.cmd(manifests, ['HMGET', manifests, ...fields])) as (Buffer | null)[];
    return fields.flatMap((field, i): [number, Uint8Array][] => (values[i] === null || values[i] === undefined ? [] : [[Number(field), values[i]]]));
  }

  async #names(task: string): Promise<string[]> {
    const { chunks } = this.#keys(task);
    return (await this.#run(task, 'chunks cannot be listed', (port) => port.cmd(chunks, ['ZRANGE', chunks, '0', '-1'])) as Buffer[]).map(String);
  }

  async #read(task: string, name: string): Promise<Uint8Array | undefined> {
    const { chunk } = this.#keys(task);
    return (await this.#run(task, 'a chunk cannot be read', (port) => port.cmd(chunk(name), ['GET', chunk(name)])) as Buffer | null) ?? undefined;
  }

  /** The script's answer as texts. @throws StoreFencedError */
  #requireOwner(task: string, token: number, answer: unknown): string[] {
    const texts = (answer as readonly unknown[]).map(String);
    if (texts[0] === 'FENCED') throw fenced(task, token, Number(texts[1]));
    return texts;
  }

  #checkServer(info: string): void {
    const value = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
    const policy = value('maxmemory_policy');
    if (policy !== undefined && policy !== 'noeviction') {
      throw new Error(`Redis: its maxmemory-policy is ${policy}, so it may throw state away to make room. Set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf), or use a Redis of its own for state.`);
    }
    if (policy === undefined) this.#warn('Redis does not say its maxmemory-policy. It must be noeviction, else state may be thrown away to make room.');
    if (Number(value('redis_version')?.split('.')[0] ?? 5) < 5) throw new Error(`Redis: it is version ${value('redis_version')}; 5 or later is needed.`);
    if (value('aof_enabled') === '0') this.#warn('Redis keeps no append-only file: what it wrote since its last snapshot is lost when it restarts. See appendonly and appendfsync.');
  }
}

function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
