import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Log } from '../types.ts';

const LINE_FEED = 10;
const CHUNK = 1 << 16;

/** Appends whole lines to a file. A file that was renamed or removed is made anew at its path. One caller at a time. */
export class LineAppender {
  readonly path: string;
  readonly #fsync: boolean;
  readonly #log: Log;
  #file: FileHandle | undefined;
  #inode = 0n;
  /** A failed write may have left part of a line. */
  #torn = false;

  constructor(path: string, fsync: boolean, log: Log) {
    this.path = path;
    this.#fsync = fsync;
    this.#log = log;
  }

  /** Adds lines, each with its line feed; resolves when they are written (and forced onto the disk). Rejects having added none of them. */
  async append(lines: Uint8Array): Promise<void> {
    const file = await this.#current();
    if (this.#torn) {
      await cutPartialLine(file);
      this.#torn = false;
    }
    const { size } = await file.stat();
    try {
      for (let at = 0; at < lines.length;) at += (await file.write(lines, at)).bytesWritten;
      if (this.#fsync) await file.datasync();
    } catch (error) {
      this.#torn = true;
      await file.truncate(size).then(() => { this.#torn = false; }, () => undefined);
      throw error;
    }
  }

  /** Opens the path anew at the next append. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #current(): Promise<FileHandle> {
    if (this.#file !== undefined) {
      const there = await stat(this.path, { bigint: true }).catch(() => undefined);
      if (there?.ino === this.#inode) return this.#file;
      await this.close();
    }
    // Not in append mode alone: what a crash left behind the last line feed has to be read and cut.
    const file = await open(this.path, 'a+');
    try {
      const cut = await cutPartialLine(file);
      if (cut > 0) this.#log.warn({ path: this.path, bytes: cut }, 'the file ended in part of a line, left by a crash: it is cut off; what it was part of is sent again');
      this.#inode = (await file.stat({ bigint: true })).ino;
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = file;
    return file;
  }
}

/** Cuts off what stands behind the last line feed of a regular file; the number of bytes. */
async function cutPartialLine(file: FileHandle): Promise<number> {
  const stat = await file.stat();
  if (!stat.isFile()) return 0;
  const chunk = Buffer.alloc(CHUNK);
  for (let end = stat.size; end > 0;) {
    const from = Math.max(0, end - CHUNK);
    const { bytesRead } = await file.read(chunk, 0, end - from, from);
    const feed = chunk.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
    if (feed >= 0) {
      const keep = from + feed + 1;
      if (keep < stat.size) await file.truncate(keep);
      return stat.size - keep;
    }
    end = from;
  }
  if (stat.size > 0) await file.truncate(0);
  return stat.size;
}

/** Values as lines. */
export function toLines(values: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const value of values) size += value.length + 1;
  const lines = Buffer.allocUnsafe(size);
  let at = 0;
  for (const value of values) {
    lines.set(value, at);
    at += value.length;
    lines[at++] = LINE_FEED;
  }
  return lines;
}
