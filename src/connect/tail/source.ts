import { open } from 'node:fs/promises';
import type { RecordBatch, Source, SourceHost, StreamStatus } from '../types.ts';
import { Follower } from './follow.ts';
import { loadParts, saveParts } from './identity.ts';
import type { Part } from './identity.ts';
import { LineCutter } from './lines.ts';
import type { Lines } from './lines.ts';
import type { FileSourceOptions } from './options.ts';
import { partOf, resume } from './resume.ts';
import type { Resumed } from './resume.ts';
import { isCompressed, openWhole } from './whole.ts';

const MAX_PARTS = 32;

/**
 * Events from a file of JSON Lines, read whole or followed. Offsets are bytes (decompressed ones); in a followed file they go on counting through
 * rotation and truncation. It can be read again from any committed offset for as long as the bytes are there, under the file's name or a rotated one.
 */
export class FileSource implements Source {
  readonly name: string;
  readonly #options: FileSourceOptions;
  readonly #task: number;
  readonly #stream: string;
  #host: SourceHost | undefined;
  #loop: Promise<void> = Promise.resolve();
  #parts: Part[] = [];
  #follower: Follower | undefined;
  #close: () => Promise<void> = async () => undefined;
  #stopping = false;
  #calling = false;
  #reading = false;
  /** Bytes behind what was handed over, and the usual length of a line: for the lag. */
  #behindBytes = NaN;
  #lineBytes = 0;

  constructor(options: FileSourceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#task = options.task ?? 0;
    this.#stream = `${options.name}/0`;
  }

  async start(host: SourceHost): Promise<void> {
    this.#host = host;
    const { path, follow = false, positions } = this.#options;
    const offset = (await host.assigned(this.#task, [this.#stream])).get(this.#stream);
    let at: Resumed = { paths: [path], byte: 0, base: 0 };
    if (offset !== undefined) {
      this.#parts = [...await loadParts(positions)];
      at = await resume(path, offset, this.#parts, follow, host.log);
      this.#parts = this.#parts.filter(({ base }) => base <= at.base);
    }
    const work = follow ? await this.#openFollower(at, offset === undefined) : await this.#openWhole(at);
    this.#reading = true;
    this.#loop = work().catch((error: unknown) => host.failed(error as Error)).finally(() => { this.#reading = false; });
  }

  async committed(task: number, offsets: ReadonlyMap<string, number>): Promise<void> {
    const offset = offsets.get(this.#stream);
    if (task !== this.#task || offset === undefined) return;
    const part = this.#follower?.grownPart();
    if (part !== undefined) await this.#note(part);
  }

  async pause(): Promise<void> {
    this.#stopping = true;
    this.#follower?.stop();
  }

  async stop(): Promise<void> {
    await this.pause();
    // A call that the job has under way may last as long as the job likes.
    if (this.#calling) await this.#close();
    else await this.#loop;
    this.#reading = false;
  }

  status(): readonly StreamStatus[] {
    const lag = this.#behindBytes === 0 ? 0 : Math.ceil(this.#behindBytes / (this.#lineBytes || 1));
    return [{ stream: this.#stream, lag, connected: this.#reading }];
  }

  async probe(): Promise<readonly string[]> {
    const { path, follow = false } = this.#options;
    try {
      const file = await open(path, 'r');
      try {
        const stat = await file.stat();
        if (stat.isDirectory()) throw new Error('it is a folder');
        const compressed = await isCompressed(file);
        if (compressed && follow) throw new Error(COMPRESSED);
        return [`${path} can be read: ${stat.size} bytes${compressed ? ', compressed' : ''}`];
      } finally {
        await file.close();
      }
    } catch (error) {
      if (follow && (error as NodeJS.ErrnoException).code === 'ENOENT') return [`${path} is not there yet; it is read when it comes`];
      throw new Error(`the file ${path} cannot be read: ${(error as Error).message}. See sources.${this.name}.path.`, { cause: error });
    }
  }

  async #openWhole({ byte, base }: Resumed): Promise<() => Promise<void>> {
    const { path } = this.#options;
    const file = await open(path, 'r').catch((error: Error) => {
      throw new Error(`the file ${path} cannot be read: ${error.message}. See sources.${this.name}.path.`, { cause: error });
    });
    let size: number;
    try {
      await this.#note(await partOf(file, base));
      size = await isCompressed(file) ? NaN : (await file.stat()).size;
    } finally {
      await file.close();
    }
    const bytes = await openWhole(path, byte);
    this.#close = () => bytes.close();
    return async () => {
      try {
        const cutter = new LineCutter(bytes, base + byte);
        while (!this.#stopping) {
          const lines = await cutter.next();
          if (lines === undefined) break;
          await this.#handOver(lines, cutter.offset, base + size - cutter.offset);
        }
        const rest = cutter.rest();
        if (rest.values.length > 0) await this.#handOver(rest, cutter.offset, 0);
        this.#behindBytes = 0;
        if (!this.#stopping) this.#host!.ended(this.#task, this.#stream);
      } finally {
        await bytes.close();
      }
    };
  }

  async #openFollower(at: Resumed, fresh: boolean): Promise<() => Promise<void>> {
    const { path, from = 'start', poll = 200 } = this.#options;
    const follower = this.#follower = new Follower(path, poll, this.#host!.log, {
      part: (part) => this.#note(part),
      lines: (lines, next, behind) => this.#handOver(lines, next, behind),
      idle: () => {
        this.#behindBytes = 0;
        this.#host!.caughtUp(this.#task, this.#stream);
      },
    });
    this.#close = () => follower.close();
    await follower.open(at, fresh && from === 'end');
    return () => follower.run();
  }

  async #handOver(lines: Lines, next: number, behindBytes: number): Promise<void> {
    if (this.#stopping) return;
    const { values, offsets } = lines;
    if (values.length === 0) return;
    this.#lineBytes = Math.max(1, (next - offsets[0]!) / values.length);
    const type = this.#options.type;
    const batch: RecordBatch = {
      stream: this.#stream,
      partition: 0,
      count: values.length,
      values,
      offsets,
      next,
      times: new Float64Array(values.length).fill(NaN),
      ...(type !== undefined && { type: () => type }),
      behind: Number.isNaN(behindBytes) ? 0 : Math.ceil(behindBytes / this.#lineBytes),
    };
    this.#calling = true;
    await this.#host!.records(this.#task, batch);
    this.#calling = false;
    this.#behindBytes = behindBytes;
  }

  /** Notes which file the offsets from `part.base` on belong to: before any of them is handed over. */
  async #note(part: Part): Promise<void> {
    this.#parts = [...this.#parts.filter(({ base }) => base !== part.base), part].slice(-MAX_PARTS);
    await saveParts(this.#options.positions, this.#parts);
  }
}

const COMPRESSED = 'it is compressed, and compressed files cannot be followed; give follow: false';
