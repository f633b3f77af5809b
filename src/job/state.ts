/** A task's state between its engines and the store: capturing it at a batch boundary, writing it, finding the one to go on from. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../connect/types.ts';
import { chunkName, decodeChunk, encodeChunk, MissingChunkError, type Manifest, type StateStore } from '../state/stores/index.ts';
import type { Positions } from './committer.ts';
import type { Watermarks } from './watermarks.ts';

const CHUNK = 256 * 1024;
/** Bytes given to the store in one call. */
const PUT_BYTES = 4 * 1024 * 1024;
const FORMAT = 1;

/** What a task must know to go on. */
export interface TaskState {
  readonly positions: Positions;
  /** Per group of rules. */
  readonly engines: readonly Uint8Array[];
  readonly watermarks: readonly ReturnType<Watermarks['serialize']>[];
  /** Topic → end offsets of its partitions, before any alert of the interval that follows was sent. */
  readonly ends: Readonly<Record<string, readonly number[]>>;
}

interface Body {
  readonly format: number;
  readonly positions: Readonly<Record<string, number>>;
  readonly watermarks: TaskState['watermarks'];
  readonly ends: TaskState['ends'];
  /** Chunks of each engine, in order. */
  readonly engines: readonly { readonly chunks: number; readonly bytes: number }[];
}

export interface Restored extends TaskState {
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
  /** Chunks of the last checkpoint by the hash of their content, so that what has not changed is not compressed again. */
  #known = new Map<string, string>();
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

  /** Writes a state as a checkpoint. @throws StoreFencedError, and what the store throws */
  async write(checkpoint: number, state: TaskState): Promise<void> {
    try {
      await this.#write(checkpoint, state, false);
    } catch (error) {
      if (!(error instanceof MissingChunkError)) throw error;
      this.#log.warn({ task: this.#task, checkpoint }, 'the store has lost chunks of earlier checkpoints; all of the state is written again');
      await this.#write(checkpoint, state, true);
    }
  }

  async #write(checkpoint: number, state: TaskState, all: boolean): Promise<void> {
    const known = new Map<string, string>();
    const names: string[] = [];
    const fresh = new Map<string, Uint8Array>();
    let pending = new Map<string, Uint8Array>();
    let bytes = 0;
    this.written = 0;
    const flush = async (): Promise<void> => {
      if (pending.size > 0) await this.#store.put(this.#task, this.#token, pending);
      pending = new Map();
      bytes = 0;
    };
    for (const engine of state.engines) {
      for (let at = 0; at < engine.length; at += CHUNK) {
        const raw = engine.subarray(at, Math.min(at + CHUNK, engine.length));
        const content = chunkName(raw);
        let name = all ? known.get(content) : known.get(content) ?? this.#known.get(content);
        if (name === undefined) {
          const chunk = await encodeChunk(raw);
          name = chunkName(chunk);
          pending.set(name, chunk);
          fresh.set(name, chunk);
          bytes += chunk.length;
          this.written += chunk.length;
          if (bytes >= PUT_BYTES) await flush();
        }
        known.set(content, name);
        names.push(name);
      }
    }
    await flush();
    const body: Body = {
      format: FORMAT, positions: Object.fromEntries(state.positions), watermarks: state.watermarks, ends: state.ends,
      engines: state.engines.map((engine) => ({ chunks: Math.ceil(engine.length / CHUNK), bytes: engine.length })),
    };
    await this.#store.commit(this.#task, this.#token, { checkpoint, chunks: names, body: JSON.stringify(body), written: Date.now() });
    this.#known = known;
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
      const state = await this.#load(manifest);
      if (typeof state !== 'string') {
        const older = manifest.checkpoint !== (wanted ?? candidates[0]!.checkpoint);
        return { state: { ...state, checkpoint: manifest.checkpoint, older }, next };
      }
      this.#log.error({ task: this.#task, checkpoint: manifest.checkpoint, reason: state }, 'this checkpoint cannot be read; the one before it is tried');
    }
    return { state: undefined, next };
  }

  async #load(manifest: Manifest): Promise<TaskState | string> {
    let body: Body;
    try {
      body = JSON.parse(manifest.body) as Body;
    } catch {
      return 'its manifest is not readable';
    }
    if (body.format !== FORMAT) return `it was written in format ${String(body.format)}, and this version reads ${FORMAT}`;
    const engines: Uint8Array[] = [];
    let at = 0;
    for (const { chunks, bytes } of body.engines) {
      const engine = new Uint8Array(bytes);
      let filled = 0;
      for (const name of manifest.chunks.slice(at, at + chunks)) {
        const chunk = await this.#store.chunk(this.#task, name);
        if (chunk === undefined) return `chunk ${name.slice(0, 12)} is missing or damaged`;
        try {
          const raw = await decodeChunk(chunk);
          if (filled + raw.length > bytes) return `chunk ${name.slice(0, 12)} is too long`;
          engine.set(raw, filled);
          filled += raw.length;
          this.#known.set(chunkName(raw), name);
        } catch (error) {
          return (error as Error).message;
        }
      }
      if (filled !== bytes) return 'its chunks are not all of it';
      at += chunks;
      engines.push(engine);
    }
    return { positions: new Map(Object.entries(body.positions)), watermarks: body.watermarks, ends: body.ends, engines };
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
