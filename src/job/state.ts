/** A task's state between its engines and the store: capturing it at a batch boundary, writing it, finding the one to go on from. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../connect/types.ts';
import { put, wholeOf, type Image, type Pages, type WholeImage } from '../state/image.ts';
import { chunkName, decodeChunk, encodeChunk, type Manifest, type StateStore } from '../state/stores/index.ts';
import type { Positions } from './committer.ts';
import type { Watermarks } from './watermarks.ts';

/** Bytes given to the store in one call. */
const PUT_BYTES = 4 * 1024 * 1024;
const FORMAT = 1;
/** Chunks asked for at one time. */
const READ_TOGETHER = 16;
const utf8 = new TextEncoder();

/** What a task must know to go on, beside the state of its engines. */
export interface TaskState {
  readonly positions: Positions;
  readonly watermarks: readonly ReturnType<Watermarks['serialize']>[];
  /** Topic → end offsets of its partitions, before any alert of the interval that follows was sent. */
  readonly ends: Readonly<Record<string, readonly number[]>>;
}

interface Body {
  readonly format: number;
  readonly positions: Readonly<Record<string, number>>;
  readonly watermarks: TaskState['watermarks'];
  readonly ends: TaskState['ends'];
  /** Per group of rules: the chunk of the header comes first, then those of each section's pages, in order. */
  readonly engines: readonly { readonly sections: readonly (readonly [name: string, pages: number])[] }[];
}

export interface Restored extends TaskState {
  /** Per group of rules. */
  readonly engines: readonly WholeImage[];
  readonly checkpoint: number;
  /** The checkpoint asked for was damaged or gone, and this is an older one. */
  readonly older: boolean;
}

export class TaskStore {
  /** Size of the last checkpoint, bytes as they are stored, of chunks that were written for it. */
  written = 0;
  readonly #store: StateStore;
  readonly #task: string;
  readonly #log: Log;
  readonly #retain: number;
  /** Per engine, the chunks that hold the pages of the last checkpoint: what has not changed is named again. */
  #pages: readonly Pages<string>[] = [];
  #token = 0;
  #kept: number[] = [];

  constructor(store: StateStore, task: string, retain: number, log: Log) {
    this.#store = store;
    this.#task = task;
    this.#retain = retain;
    this.#log = log;
  }

  /** Takes the task over in the store: who had it before can write no more. */
  async acquire(): Promise<void> { this.#token = await this.#store.acquire(this.#task); }

  /** Throws StoreFencedError where another has taken the task over in the store since. */
  async requireOurs(): Promise<void> { await this.#store.collect(this.#task, this.#token, this.#kept); }

  /**
   * Writes a checkpoint: what changed in the engines since the last one, and the rest of the task's state. It may be called again with the same after
   * a failure. @throws StoreFencedError; MissingChunkError where the store has lost what earlier checkpoints wrote: then whole images are needed
   */
  async write(checkpoint: number, state: TaskState, images: readonly Image[]): Promise<void> {
    let pending = new Map<string, Uint8Array>();
    let bytes = 0;
    let written = 0;
    const flush = async (): Promise<void> => {
      if (pending.size > 0) await this.#store.put(this.#task, this.#token, pending);
      pending = new Map();
      bytes = 0;
    };
    const store = async (raw: Uint8Array): Promise<string> => {
      const chunk = await encodeChunk(raw);
      const name = chunkName(chunk);
      pending.set(name, chunk);
      bytes += chunk.length;
      written += chunk.length;
      if (bytes >= PUT_BYTES) await flush();
      return name;
    };
    const names: string[] = [];
    const engines: Body['engines'][number][] = [];
    const pages: Pages<string>[] = [];
    for (const [i, image] of images.entries()) {
      const stored = new Map<Uint8Array, string>();
      for (const { changed } of image.sections) for (const page of changed.values()) stored.set(page, await store(page));
      const all = put(this.#pages[i] ?? {}, image, (page) => stored.get(page)!);
      pages.push(all);
      names.push(await store(utf8.encode(image.header)), ...Object.values(all).flat());
      engines.push({ sections: Object.entries(all).map(([name, list]) => [name, list.length] as const) });
    }
    await flush();
    const body: Body = { format: FORMAT, positions: Object.fromEntries(state.positions), watermarks: state.watermarks, ends: state.ends, engines };
    await this.#store.commit(this.#task, this.#token, { checkpoint, chunks: names, body: JSON.stringify(body), written: Date.now() });
    this.#pages = pages;
    this.written = written;
    this.#kept.push(checkpoint);
  }

  /** Drops what no restart can ask for any more; `committed` is the newest one that is final. */
  async collect(committed: number): Promise<void> {
    this.#kept = this.#kept.filter((checkpoint) => checkpoint >= committed || this.#kept.indexOf(checkpoint) >= this.#kept.length - this.#retain);
    await this.#store.collect(this.#task, this.#token, this.#kept);
  }

  /**
   * The state of a checkpoint, or, where it cannot be read, of the newest older one that can; undefined where there is none. `wanted` undefined: the
   * newest there is. Also says which number the next checkpoint may have.
   */
  async read(wanted: number | undefined): Promise<{ readonly state: Restored | undefined; readonly next: number }> {
    const { manifests, damaged } = await this.#store.manifests(this.#task);
    for (const name of damaged) this.#log.error({ task: this.#task, manifest: name }, 'a manifest of the state store is damaged and left out; see `alcedo state check`');
    const next = Math.max(wanted ?? 0, ...manifests.map(({ checkpoint }) => checkpoint)) + 1;
    // Newer ones than the last commit are of transactions that never were.
    const candidates = manifests.filter(({ checkpoint, savepoint }) => savepoint === undefined && (wanted === undefined || checkpoint <= wanted));
    this.#kept = candidates.map(({ checkpoint }) => checkpoint).reverse();
    for (const manifest of candidates) {
      const state = await this.#load(manifest).catch((error: Error) => `its manifest does not read as one: ${error.message}`);
      if (typeof state !== 'string') {
        const older = manifest.checkpoint !== (wanted ?? candidates[0]!.checkpoint);
        return { state: { ...state, checkpoint: manifest.checkpoint, older }, next };
      }
      this.#log.error({ task: this.#task, checkpoint: manifest.checkpoint, reason: state }, 'this checkpoint cannot be read; the one before it is tried');
    }
    return { state: undefined, next };
  }

  async #load(manifest: Manifest): Promise<Omit<Restored, 'checkpoint' | 'older'> | string> {
    let body: Body;
    try {
      body = JSON.parse(manifest.body) as Body;
    } catch {
      return 'its manifest is not readable';
    }
    if (body.format !== FORMAT) return `it was written in format ${String(body.format)}, and this version reads ${FORMAT}`;
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < manifest.chunks.length; at += READ_TOGETHER) {
      const read = await Promise.all(manifest.chunks.slice(at, at + READ_TOGETHER).map((name) => this.#chunk(name)));
      for (const raw of read) {
        if (typeof raw === 'string') return raw;
        chunks.push(raw);
      }
    }
    const engines: WholeImage[] = [];
    const pages: Pages<string>[] = [];
    let at = 0;
    for (const { sections } of body.engines) {
      const header = new TextDecoder().decode(chunks[at++]);
      const names: Record<string, readonly string[]> = {};
      const found: Record<string, readonly Uint8Array[]> = {};
      for (const [name, count] of sections) {
        names[name] = manifest.chunks.slice(at, at + count);
        found[name] = chunks.slice(at, at + count);
        at += count;
      }
      engines.push(wholeOf(found, header));
      pages.push(names);
    }
    if (at !== manifest.chunks.length) return 'its manifest does not agree with its chunks';
    this.#pages = pages;
    return { positions: new Map(Object.entries(body.positions)), watermarks: body.watermarks, ends: body.ends, engines };
  }

  /** The content of a chunk, or what is wrong with it. */
  async #chunk(name: string): Promise<Uint8Array | string> {
    const chunk = await this.#store.chunk(this.#task, name);
    if (chunk === undefined) return `chunk ${name.slice(0, 12)} is missing or damaged`;
    return decodeChunk(chunk).catch((error: Error) => error.message);
  }
}

/** Tries again after failures that time may cure, with longer and longer pauses, until `deadline` (clock, ms). */
export async function retrying<T>(work: () => Promise<T>, deadline: number, cures: (error: unknown) => boolean, onFailure: (error: Error, pause: number) => void): Promise<T> {
  for (let pause = 100; ; pause = Math.min(2 * pause, 5000)) {
    try {
      return await work();
    } catch (error) {
      if (!cures(error) || Date.now() + pause > deadline) throw error;
      onFailure(error as Error, pause);
      await sleep(pause);
    }
  }
}
