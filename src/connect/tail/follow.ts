import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Log } from '../types.ts';
import { compare, HEAD_BYTES } from './identity.ts';
import type { Part } from './identity.ts';
import { LineCutter } from './lines.ts';
import type { Lines } from './lines.ts';
import { partOf } from './resume.ts';
import type { Resumed } from './resume.ts';
import { isCompressed, PlainBytes } from './whole.ts';

export interface FollowHost {
  /** The offsets from `part.base` on belong to this file. Awaited before the first of its lines. */
  part(part: Part): Promise<void>;
  /** `behind`: bytes that are known to follow. */
  lines(lines: Lines, next: number, behind: number): Promise<void>;
  /** Nothing more for now. */
  idle(): void;
}

interface Current {
  readonly path: string;
  readonly bytes: PlainBytes;
  readonly cutter: LineCutter;
  /** With as much of the head as was there when it was last looked at. */
  part: Part;
  /** How much of it the host knows. */
  notedHead: number;
}

/** Reads a file as it grows. A file that takes its place is read after it; one that was truncated, or written anew, from its start. */
export class Follower {
  readonly #path: string;
  readonly #poll: number;
  readonly #log: Log;
  readonly #host: FollowHost;
  /** Rotated files that come before the one at #path. */
  #before: string[] = [];
  #current: Current | undefined;
  /** Offset of byte 0 of the file that comes next. */
  #nextBase = 0;
  #stopping = false;
  #wake: (() => void) | undefined;

  constructor(path: string, poll: number, log: Log, host: FollowHost) {
    this.#path = path;
    this.#poll = poll;
    this.#log = log;
    this.#host = host;
  }

  /** `fromEnd`: only what is added from now on. */
  async open({ paths, byte, base }: Resumed, fromEnd: boolean): Promise<void> {
    this.#before = paths.slice(0, -1);
    this.#nextBase = base;
    const file = await tryOpen(paths[0]!);
    if (file === undefined) {
      this.#log.info({ path: this.#path }, 'the file is not there yet; it is read when it comes');
      return;
    }
    if (await isCompressed(file)) {
      await file.close();
      throw new Error(`the file ${paths[0]!} is compressed, and compressed files cannot be followed; give follow: false`);
    }
    await this.#begin(paths[0]!, file, base, fromEnd ? (await file.stat()).size : byte);
    this.#before.shift();
  }

  async run(): Promise<void> {
    try {
      let idle = false;
      while (!this.#stopping) {
        // Before each reading: bytes of other contents must not be taken for the rest of these.
        if (await this.#beginAgain() || await this.#readOn()) {
          idle = false;
          continue;
        }
        if (this.#stopping) break;
        if (await this.#nextFile()) continue;
        if (!idle) this.#host.idle();
        idle = true;
        await this.#sleep();
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#current?.bytes.file.close();
  }

  stop(): void {
    this.#stopping = true;
    this.#wake?.();
  }

  /** The current part where more of its file's head is known now; undefined: nothing new. */
  grownPart(): Part | undefined {
    const current = this.#current;
    if (current === undefined || current.notedHead >= current.part.headBytes) return undefined;
    current.notedHead = current.part.headBytes;
    return current.part;
  }

  async #begin(path: string, file: FileHandle, base: number, byte: number): Promise<void> {
    const part = await partOf(file, base);
    await this.#host.part(part);
    const bytes = new PlainBytes(file, byte);
    this.#current = { path, bytes, cutter: new LineCutter(bytes, base + byte), part, notedHead: part.headBytes };
  }

  /** Hands over what is there; false: nothing new. */
  async #readOn(): Promise<boolean> {
    const current = this.#current;
    if (current === undefined) return false;
    const lines = await current.cutter.next();
    if (lines === undefined) return false;
    const { file, position } = current.bytes;
    const { size } = await file.stat();
    // Written anew after it was looked at, and longer: what was read are bytes from the middle of the new contents. One that is shorter now was truncated after the reading.
    if (size >= position && await compare(file, current.part) === 'other') {
      this.#log.warn({ path: current.path }, 'the file was written anew as it was read: it is read from its start');
      this.#nextBase = current.cutter.offset;
      await this.#begin(current.path, file, this.#nextBase, 0);
      return true;
    }
    if (current.part.headBytes < HEAD_BYTES) current.part = await partOf(current.bytes.file, current.part.base);
    await this.#host.lines(lines, current.cutter.offset, Math.max(0, size - position));
    return true;
  }

  /** Begins the file again where it was truncated or written anew in place. */
  async #beginAgain(): Promise<boolean> {
    const current = this.#current;
    if (current === undefined) return false;
    const { file, position } = current.bytes;
    const { size } = await file.stat();
    if (size >= position && await compare(file, current.part) !== 'other') return false;
    this.#log.info({ path: current.path }, 'the file was truncated: it is read from its start');
    await this.#finish(current);
    await this.#begin(current.path, file, this.#nextBase, 0);
    return true;
  }

  /** Goes over to the next file where the current one is done for; false: it is not. */
  async #nextFile(): Promise<boolean> {
    const current = this.#current;
    if (current === undefined) {
      const file = await tryOpen(this.#path);
      if (file === undefined) return false;
      await this.#begin(this.#path, file, this.#nextBase, 0);
      return true;
    }
    const { ino } = await current.bytes.file.stat({ bigint: true });
    const following = this.#before[0] ?? this.#path;
    const there = await stat(following, { bigint: true }).catch(() => undefined);
    // Between the renaming and the new file there may be neither; the old one is still written to.
    if (there === undefined || (there.ino === ino && following === this.#path && this.#before.length === 0)) return false;
    // Its writer may write a last line until it has opened the new one.
    await this.#sleep();
    if (this.#stopping || await this.#readOn()) return true;
    const file = await tryOpen(following);
    if (file === undefined) return false;
    this.#log.info({ path: this.#path, next: following }, 'the file was rotated: it has been read to its end, the next one is begun');
    await this.#finish(current);
    await current.bytes.file.close();
    this.#before.shift();
    await this.#begin(following, file, this.#nextBase, 0);
    return true;
  }

  /** Hands over a last line that will get no line feed any more. */
  async #finish(current: Current): Promise<void> {
    if (current.cutter.partial > 0) {
      this.#log.warn({ path: current.path, bytes: current.cutter.partial }, 'the file ended in a line without its line feed; it is taken as it is');
      const rest = current.cutter.rest();
      await this.#host.lines(rest, current.cutter.offset, 0);
    }
    this.#nextBase = current.cutter.offset;
    this.#current = undefined;
  }

  async #sleep(): Promise<void> {
    if (this.#stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#poll);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function tryOpen(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
