import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBytes } from '../files/byte-source.ts';
import { formatOfName, parseRows, type RowFormat } from './parse.ts';
import { Poller } from './poll.ts';
import { TableSourceError, type Snapshot, type TableListener, type TableSource } from './types.ts';

export interface FileTableOptions {
  readonly path: string;
  /** Default: by the name. */
  readonly format?: RowFormat | undefined;
  /** Between cells of CSV. Default: a comma; a tab for `.tsv`. */
  readonly separator?: string | undefined;
  /** ms between two looks at the file, beside what the system tells of it. */
  readonly poll: number;
}

/** ms for which a file has to stand still to be taken for written. */
const SETTLE = 50;

/**
 * A file of CSV, JSON Lines or one JSON array, compressed by gzip or zstd or not. It is read again when its inode, size or time of change differ: a writer
 * renames a new file over the old one, or writes it in place, in which case it is read once it stands still.
 */
export class FileTable implements TableSource {
  readonly from: string;
  readonly #options: FileTableOptions;
  #seen = '';
  /** What was told of last: a file that stays away, or stays bad, is told of once. */
  #failed = '';
  #watcher: FSWatcher | undefined;
  #poller: Poller | undefined;

  constructor(options: FileTableOptions) {
    this.from = options.path;
    this.#options = options;
  }

  async load(): Promise<Snapshot> {
    const { path, format = formatOfName(path), separator = /\.tsv(\.|$)/i.test(path) ? '\t' : ',' } = this.#options;
    try {
      // The file as it was before it was read: what is written meanwhile is seen as a change.
      this.#seen = await identityOf(path);
      const parsed = parseRows(await readAll(path), format, path, separator);
      return { ...parsed, asOf: Date.now() };
    } catch (error) {
      if (error instanceof TableSourceError) throw error;
      throw new TableSourceError(`${path} cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}.`, { cause: error });
    }
  }

  follow(listener: TableListener): void {
    const poller = this.#poller = new Poller(this.#options.poll, () => this.#look(listener));
    poller.start();
    try {
      // The folder, since a file that is renamed over this one is another file.
      const name = basename(this.#options.path);
      this.#watcher = watch(dirname(this.#options.path), (_, changed) => { if (changed === null || changed === name) poller.wake(SETTLE); });
      this.#watcher.on('error', () => { this.#watcher?.close(); });
    } catch { /* where the system cannot watch, the file is looked at every `poll` ms all the same */ }
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    await this.#poller?.stop();
  }

  async #look(listener: TableListener): Promise<void> {
    const { path } = this.#options;
    const poller = this.#poller!;
    try {
      let now = await identityOf(path);
      if (now === this.#seen) {
        if (this.#failed === '') listener.confirmed(Date.now());
        return;
      }
      for (let before = ''; now !== before && !poller.isStopped;) {
        before = now;
        await sleep(SETTLE);
        now = await identityOf(path);
      }
      const snapshot = await this.load();
      this.#failed = '';
      if (!poller.isStopped) listener.changed(snapshot);
    } catch (error) {
      const failure = error instanceof TableSourceError ? error : new TableSourceError(`${path} cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}.`, { cause: error });
      if (poller.isStopped || failure.message === this.#failed) return;
      this.#failed = failure.message;
      listener.failed(failure);
    }
  }
}

async function identityOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino}/${size}/${mtimeNs}`;
}

async function readAll(path: string): Promise<Uint8Array> {
  const source = await openBytes(path);
  try {
    let bytes = new Uint8Array(64 * 1024);
    let count = 0;
    for (;;) {
      const read = await source.read(bytes, count);
      if (read === 0) return bytes.subarray(0, count);
      count += read;
      if (count === bytes.length) {
        const larger = new Uint8Array(2 * bytes.length);
        larger.set(bytes);
        bytes = larger;
      }
    }
  } finally {
    await source.close();
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'permission denied' : message;
}
