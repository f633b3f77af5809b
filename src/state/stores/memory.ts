import { fenced, missing } from './failures.ts';
import { InFlight } from './in-flight.ts';
import type { Manifests } from './manifest.ts';
import { encodeManifest, readManifests, retention } from './manifest.ts';
import { chunkName, encodeName, nextToken, requireChunkNames } from './names.ts';
import type { Manifest, StateStore } from './types.ts';
import { verifyTask } from './verify.ts';

interface MemoryTask {
  fence: number;
  readonly chunks: Map<string, Uint8Array>;
  /** As the other stores write them, by checkpoint. */
  readonly manifests: Map<number, Uint8Array>;
}

/** What memory stores share that stand for one store: a test opens a second one over the first one's data. */
export type MemoryData = Map<string, MemoryTask>;

/** Keeps nothing beyond the process. */
export class MemoryStore implements StateStore {
  readonly kind = 'memory';
  readonly #data: MemoryData;
  readonly #flight = new InFlight();

  constructor(data: MemoryData = new Map()) {
    this.#data = data;
  }

  async open(): Promise<void> {}

  async acquire(task: string): Promise<number> {
    encodeName(task); // the names that the other stores refuse are refused here too
    const entry = this.#entry(task);
    entry.fence = nextToken(entry.fence, Date.now());
    this.#flight.unpin(task);
    return entry.fence;
  }

  async has(task: string, chunks: readonly string[]): Promise<ReadonlySet<string>> {
    requireChunkNames(chunks);
    const stored = this.#data.get(task)?.chunks;
    const found = new Set(chunks.filter((name) => stored?.has(name) === true && !this.#flight.isDamaged(task, name)));
    this.#flight.pin(task, found);
    return found;
  }

  async put(task: string, token: number, chunks: ReadonlyMap<string, Uint8Array>): Promise<void> {
    requireChunkNames(chunks.keys());
    const entry = this.#owned(task, token);
    for (const [name, bytes] of chunks) entry.chunks.set(name, bytes.slice());
    this.#flight.pin(task, chunks.keys());
    this.#flight.rewritten(task, chunks.keys());
  }

  async commit(task: string, token: number, manifest: Manifest): Promise<void> {
    const bytes = encodeManifest(manifest);
    const entry = this.#owned(task, token);
    const absent = [...new Set(manifest.chunks)].filter((name) => !entry.chunks.has(name));
    if (absent.length > 0) throw missing(task, manifest.checkpoint, absent);
    entry.manifests.set(manifest.checkpoint, bytes);
    this.#flight.unpin(task);
  }

  async manifests(task: string): Promise<Manifests> {
    return readManifests(this.#data.get(task)?.manifests ?? []);
  }

  async chunk(task: string, name: string): Promise<Uint8Array | undefined> {
    requireChunkNames([name]);
    const bytes = this.#data.get(task)?.chunks.get(name);
    if (bytes === undefined) return undefined;
    if (chunkName(bytes) === name) return bytes.slice();
    this.#flight.foundDamaged(task, name);
    return undefined;
  }

  async collect(task: string, token: number, keep: readonly number[]): Promise<void> {
    const entry = this.#owned(task, token);
    const { live, drop } = retention(entry.manifests, keep);
    const pinned = this.#flight.pinned(task);
    for (const checkpoint of drop) entry.manifests.delete(checkpoint);
    for (const name of entry.chunks.keys()) if (!live.has(name) && !pinned.has(name)) entry.chunks.delete(name);
  }

  async tasks(): Promise<readonly string[]> {
    return [...this.#data.keys()].sort();
  }

  async verify(task: string): Promise<readonly string[]> {
    const entry = this.#data.get(task);
    if (entry === undefined) return [];
    return verifyTask({ manifests: await this.manifests(task), chunks: [...entry.chunks.keys()], read: async (name) => entry.chunks.get(name) });
  }

  async close(): Promise<void> {}

  #entry(task: string): MemoryTask {
    let entry = this.#data.get(task);
    if (entry === undefined) {
      entry = { fence: 0, chunks: new Map(), manifests: new Map() };
      this.#data.set(task, entry);
    }
    return entry;
  }

  #owned(task: string, token: number): MemoryTask {
    const entry = this.#entry(task);
    if (token < entry.fence) throw fenced(task, token, entry.fence);
    entry.fence = token;
    return entry;
  }
}
