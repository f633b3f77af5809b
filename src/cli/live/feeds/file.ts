import { open, type FileHandle } from 'node:fs/promises';
import { polling } from './retry.ts';
import type { Feed, FeedHost } from './types.ts';

const POLL = 200;
const CHUNK = 1 << 16;
const LINE_FEED = 10;

/** Lines of a file that is added to. A time as the beginning is the caller's to judge: a line does not say when it was written. */
export function fileFeed(path: string): Feed {
  return {
    kind: 'file',
    what: `file ${path}`,
    async run(from, host) {
      const follower = new Follower(path, host);
      try {
        await follower.begin(from === 'latest');
        await polling(`File ${path}`, host, POLL, () => follower.turn());
      } finally {
        await follower.close();
      }
    },
  };
}

class Follower {
  readonly #path: string;
  readonly #host: FeedHost;
  #file: FileHandle | undefined;
  #inode = 0n;
  /** Behind the last line that was delivered. */
  #at = 0;
  #saidMissing = false;

  constructor(path: string, host: FeedHost) {
    this.#path = path;
    this.#host = host;
  }

  async begin(atEnd: boolean): Promise<void> {
    if (!await this.#open() || !atEnd) return;
    const size = Number((await this.#file!.stat()).size);
    // Part of a line at the end is the beginning of one that is new.
    this.#at = await this.#lineBefore(size);
  }

  async turn(): Promise<boolean> {
    if (this.#file === undefined && !await this.#open()) return false;
    const { size } = await this.#file!.stat();
    if (size < this.#at) this.#at = 0; // written anew
    let found = false;
    for (let carry = Buffer.alloc(0), from = this.#at; from < size;) {
      const chunk = Buffer.alloc(Math.min(CHUNK, size - from));
      const { bytesRead } = await this.#file!.read(chunk, 0, chunk.length, from);
      if (bytesRead === 0) break;
      from += bytesRead;
      carry = Buffer.concat([carry, chunk.subarray(0, bytesRead)]);
      let begin = 0;
      for (let feed = carry.indexOf(LINE_FEED); feed >= 0; feed = carry.indexOf(LINE_FEED, begin)) {
        if (this.#host.signal.aborted) return false;
        if (feed > begin) await this.#host.deliver(carry.subarray(begin, feed));
        this.#at += feed + 1 - begin;
        begin = feed + 1;
        found = true;
      }
      carry = carry.subarray(begin);
    }
    if (!found && await this.#isReplaced()) await this.close();
    return found;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #open(): Promise<boolean> {
    try {
      this.#file = await open(this.#path, 'r');
      this.#inode = (await this.#file.stat({ bigint: true })).ino;
      this.#at = 0;
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (!this.#saidMissing) this.#host.say(`There is no file ${this.#path} yet; waiting for it.`);
      this.#saidMissing = true;
      return false;
    }
  }

  /** Renamed or removed, with another in its place. */
  async #isReplaced(): Promise<boolean> {
    try {
      const other = await open(this.#path, 'r');
      try {
        return (await other.stat({ bigint: true })).ino !== this.#inode;
      } finally {
        await other.close();
      }
    } catch {
      return false;
    }
  }

  /** Behind the last line feed before `end`. */
  async #lineBefore(end: number): Promise<number> {
    for (let to = end; to > 0;) {
      const from = Math.max(0, to - CHUNK);
      const chunk = Buffer.alloc(to - from);
      const { bytesRead } = await this.#file!.read(chunk, 0, chunk.length, from);
      const feed = chunk.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
      if (feed >= 0) return from + feed + 1;
      to = from;
    }
    return 0;
  }
}
