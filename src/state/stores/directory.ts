import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, fenced, missing, requireOpen } from './failures.ts';
import { eachOf, listIfThere, readIfThere, renameIfThere, syncDirectory, writeDurably } from './files.ts';
import { InFlight } from './in-flight.ts';
import type { Manifests } from './manifest.ts';
import { encodeManifest, readManifests, retention } from './manifest.ts';
import { chunkName, encodeName, isChunkName, nextToken, requireChunkNames } from './names.ts';
import type { Manifest, StateStore } from './types.ts';
import { StoreFencedError } from './types.ts';
import { verifyTask } from './verify.ts';

const FORMAT_LINE = 'alcedo-state 1\n';
const OWNER = /^owner-(\d+)$/;
const LONGEST_NAME = 120;
/** Files written or removed at a time: enough to keep a disk busy, few enough to leave libuv threads to others. */
const WIDTH = 2;

/**
 * One folder a task. The folder `owner-<token>` in it *is* the fence: everything the owner writes is made in there and moved to its place by one
 * rename, and taking the task over renames that folder. So the file system itself refuses a former owner, whose path is gone: no check can come too
 * early. See docs/state.md for the layout.
 */
export class DirectoryStore implements StateStore {
  readonly kind = 'directory';
  readonly #path: string;
  readonly #flight = new InFlight();
  #open = false;
  #temporary = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<void> {
    await this.#guard('cannot be opened', async () => {
      await mkdir(join(this.#path, 'tasks'), { recursive: true });
      const marker = join(this.#path, 'format');
      const format = (await readIfThere(marker))?.toString('utf8');
      if (format === undefined) {
        const temporary = `${marker}-${randomUUID()}`;
        await writeDurably(temporary, Buffer.from(FORMAT_LINE));
        await rename(temporary, marker);
        await syncDirectory(this.#path);
      } else if (format !== FORMAT_LINE) {
        throw new Error(`its file "format" says ${JSON.stringify(format.trim().slice(0, 40))}; this version reads ${JSON.stringify(FORMAT_LINE.trim())}`);
      }
    });
    this.#open = true;
  }

  async acquire(task: string): Promise<number> {
    return this.#writing(task, 'a task cannot be taken over', async () => {
      for (;;) {
        const current = await this.#owner(task);
        const token = nextToken(current ?? 0, Date.now());
        // Of two that take over at once, one finds the folder gone and tries again with a larger token.
        if (!await this.#takeOver(task, current, token)) continue;
        this.#flight.unpin(task);
        return token;
      }
    });
  }

  async has(task: string, chunks: readonly string[]): Promise<ReadonlySet<string>> {
    requireChunkNames(chunks);
    return this.#writing(task, 'chunks cannot be looked up', async () => {
      const found = new Set<string>();
      await eachOf(new Set(chunks), WIDTH, async (name) => {
        if (!this.#flight.isDamaged(task, name) && await exists(this.#chunk(task, name))) found.add(name);
      });
      this.#flight.pin(task, found);
      return found;
    });
  }

  async put(task: string, token: number, chunks: ReadonlyMap<string, Uint8Array>): Promise<void> {
    requireChunkNames(chunks.keys());
    await this.#owned(task, token, 'chunks cannot be written', async (owner) => {
      await eachOf(chunks, WIDTH, ([name, bytes]) => this.#place(owner, bytes, this.#chunk(task, name)));
      this.#flight.pin(task, chunks.keys());
      this.#flight.rewritten(task, chunks.keys());
    });
  }

  async commit(task: string, token: number, manifest: Manifest): Promise<void> {
    const bytes = encodeManifest(manifest);
    await this.#owned(task, token, 'a checkpoint cannot be committed', async (owner) => {
      const absent: string[] = [];
      await eachOf(new Set(manifest.chunks), WIDTH, async (name) => {
        if (!isChunkName(name) || !await exists(this.#chunk(task, name))) absent.push(name);
      });
      if (absent.length > 0) throw missing(task, manifest.checkpoint, absent);
      await syncDirectory(join(this.#folder(task), 'chunks'));
      await this.#place(owner, bytes, join(this.#folder(task), 'manifests', String(manifest.checkpoint)));
      await syncDirectory(join(this.#folder(task), 'manifests'));
      this.#flight.unpin(task);
    });
  }

  async manifests(task: string): Promise<Manifests> {
    return this.#guard('manifests cannot be read', async () => readManifests(await this.#stored(task)));
  }

  async chunk(task: string, name: string): Promise<Uint8Array | undefined> {
    requireChunkNames([name]);
    return this.#guard('a chunk cannot be read', async () => {
      const bytes = await readIfThere(this.#chunk(task, name));
      if (bytes === undefined) return undefined;
      if (chunkName(bytes) === name) return bytes;
      this.#flight.foundDamaged(task, name);
      return undefined;
    });
  }

  async collect(task: string, token: number, keep: readonly number[]): Promise<void> {
    await this.#owned(task, token, 'old checkpoints cannot be removed', async (owner) => {
      const { live, drop } = retention(await this.#stored(task), keep);
      const pinned = this.#flight.pinned(task);
      await eachOf(drop, WIDTH, (checkpoint) => this.#discard(owner, join(this.#folder(task), 'manifests', String(checkpoint))));
      // The manifests must be gone for good before their chunks are: else a power cut could leave a manifest without its chunks.
      if (drop.length > 0) await syncDirectory(join(this.#folder(task), 'manifests'));
      const unnamed = (await this.#chunks(task)).filter((name) => !live.has(name) && !pinned.has(name));
      await eachOf(unnamed, WIDTH, (name) => this.#discard(owner, this.#chunk(task, name)));
    });
  }

  async tasks(): Promise<readonly string[]> {
    return this.#guard('tasks cannot be listed', async () => {
      const names: string[] = [];
      for (const folder of await listIfThere(join(this.#path, 'tasks'))) {
        const name = await readIfThere(join(this.#path, 'tasks', folder, 'task'));
        if (name !== undefined && folder.startsWith('t-')) names.push(name.toString('utf8'));
      }
      return names.sort();
    });
  }

  async verify(task: string): Promise<readonly string[]> {
    return this.#guard('it cannot be verified', async () => verifyTask({
      manifests: readManifests(await this.#stored(task)),
      chunks: await this.#chunks(task),
      read: (name) => readIfThere(this.#chunk(task, name)),
    }));
  }

  async close(): Promise<void> {
    this.#open = false;
    await this.#flight.settled();
  }

  #folder(task: string): string {
    const name = encodeName(task);
    const short = name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 65)}~${createHash('sha256').update(task).digest('hex')}`;
    return join(this.#path, 'tasks', `t-${short}`);
  }

  #chunk(task: string, name: string): string {
    return join(this.#folder(task), 'chunks', name);
  }

  async #chunks(task: string): Promise<string[]> {
    return (await listIfThere(join(this.#folder(task), 'chunks'))).filter(isChunkName);
  }

  async #stored(task: string): Promise<[checkpoint: number, bytes: Uint8Array][]> {
    const folder = join(this.#folder(task), 'manifests');
    const stored: [number, Uint8Array][] = [];
    for (const file of await listIfThere(folder)) {
      const bytes = /^\d{1,16}$/.test(file) ? await readIfThere(join(folder, file)) : undefined;
      if (bytes !== undefined) stored.push([Number(file), bytes]);
    }
    return stored;
  }

  /** The largest token that holds the task; undefined: nobody ever held it. */
  async #owner(task: string): Promise<number | undefined> {
    let largest: number | undefined;
    for (const name of await listIfThere(this.#folder(task))) {
      const token = Number(OWNER.exec(name)?.[1] ?? NaN);
      if (token > (largest ?? -1)) largest = token;
    }
    return largest;
  }

  /** Moves the fence from `current` to `token`. False: someone else was faster. */
  async #takeOver(task: string, current: number | undefined, token: number): Promise<boolean> {
    const folder = this.#folder(task);
    const owner = join(folder, `owner-${token}`);
    if (current === undefined) {
      if (!await this.#create(task, token)) return false;
    } else {
      if (!await renameIfThere(join(folder, `owner-${current}`), owner)) return false;
      await syncDirectory(folder);
    }
    // What the former owner had begun; it cannot finish it.
    for (const name of await listIfThere(owner)) await rm(join(owner, name), { force: true, recursive: true });
    return true;
  }

  /** Makes the whole folder of a task in one step. */
  async #create(task: string, token: number): Promise<boolean> {
    const tasks = join(this.#path, 'tasks');
    const folder = this.#folder(task);
    const temporary = join(tasks, `new-${randomUUID()}`);
    for (const name of ['chunks', 'manifests', `owner-${token}`]) await mkdir(join(temporary, name), { recursive: true });
    await writeDurably(join(temporary, 'task'), Buffer.from(task, 'utf8'));
    await syncDirectory(temporary);
    try {
      await rename(temporary, folder);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
      // Either another process made it just now, or a folder without an owner was put there by hand: then it gets one.
      if (await this.#owner(task) !== undefined) return false;
      for (const name of ['chunks', 'manifests', `owner-${token}`]) await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, 'task'), task);
    }
    await syncDirectory(tasks);
    return true;
  }

  /** Writes a file in the owner's folder and moves it to its place. Durable when the directory of `to` is synced. */
  async #place(owner: string, bytes: Uint8Array, to: string): Promise<void> {
    const temporary = join(owner, `w-${++this.#temporary}`);
    await writeDurably(temporary, bytes);
    await rename(temporary, to);
  }

  /** Removes a file by way of the owner's folder, so that a former owner cannot remove what it no longer owns. */
  async #discard(owner: string, path: string): Promise<void> {
    const temporary = join(owner, `d-${++this.#temporary}`);
    if (await renameIfThere(path, temporary)) await rm(temporary, { force: true });
    else await access(owner);
  }

  /** Runs a write of the owner `token`. A larger token than the store's is accepted: the store was emptied or set back since it was given. */
  async #owned(task: string, token: number, what: string, work: (owner: string) => Promise<void>): Promise<void> {
    await this.#writing(task, what, async () => {
      for (;;) {
        const current = await this.#owner(task);
        if (current !== undefined && current > token) throw fenced(task, token, current);
        if (current !== token && !await this.#takeOver(task, current, token)) continue;
        break;
      }
      try {
        await work(join(this.#folder(task), `owner-${token}`));
      } catch (error) {
        const current = codeOf(error) === 'ENOENT' ? await this.#owner(task) : undefined;
        throw current !== undefined && current > token ? fenced(task, token, current) : error;
      }
    });
  }

  #writing<T>(task: string, what: string, work: () => Promise<T>): Promise<T> {
    requireOpen(this.#open, this.kind);
    return this.#flight.inTurn(task, () => this.#guard(what, work));
  }

  /** Says where and what next. */
  async #guard<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof StoreFencedError || (error as Error).name === 'MissingChunkError') throw error;
      throw new Error(`State directory ${this.#path}: ${what}. ${advice(error)}`, { cause: error });
    }
  }
}

function advice(error: unknown): string {
  const reason = (error as Error).message;
  switch (codeOf(error)) {
    case 'ENOSPC': case 'EDQUOT':
      return `The disk is full (${reason}); the last good checkpoint stays and is not touched. Free space there; the next checkpoint tries again.`;
    case 'EFBIG':
      return `A file would grow beyond what this process or file system allows (${reason}); the last good checkpoint stays. See \`ulimit -f\`.`;
    case 'EACCES': case 'EPERM': case 'EROFS':
      return `This process may not write there (${reason}); the last good checkpoint stays. See the folder's owner and mode, and how it is mounted.`;
    default:
      return `The reason: ${reason}`;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
