import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { CliError, fileProblem } from '../errors.ts';
import { write } from '../io.ts';

/** Lines for a file or stream, gathered and written in large pieces. The matching is synchronous: it adds, and the job flushes between batches. */
export class LineFile {
  lines = 0;
  readonly #name: string;
  readonly #stream: Writable;
  readonly #ownsStream: boolean;
  #pending: string[] = [];
  #failure: Error | undefined;

  private constructor(name: string, stream: Writable, ownsStream: boolean) {
    this.#name = name;
    this.#stream = stream;
    this.#ownsStream = ownsStream;
    if (ownsStream) stream.on('error', (error) => { this.#failure = error; });
  }

  /** A new file, or an existing one emptied. @throws CliError when it cannot be written */
  static async create(path: string): Promise<LineFile> {
    const stream: WriteStream = createWriteStream(path);
    try {
      await once(stream, 'open');
    } catch (error) {
      throw new CliError(`Cannot write "${path}": ${fileProblem(error) ?? String(error)}.`);
    }
    return new LineFile(path, stream, true);
  }

  /** A stream that somebody else opened and closes. */
  static over(name: string, stream: Writable): LineFile {
    return new LineFile(name, stream, false);
  }

  /** Adds a line (or several), without the last newline. */
  add(line: string): void {
    this.#pending.push(line);
    this.lines++;
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Resolves when the stream can take more. @throws CliError when it no longer can */
  async flush(): Promise<void> {
    if (this.#pending.length > 0) {
      const text = `${this.#pending.join('\n')}\n`;
      this.#pending = [];
      await write(this.#stream, text);
    }
    if (this.#failure !== undefined) {
      throw new CliError(`Cannot write "${this.#name}": ${fileProblem(this.#failure) ?? this.#failure.message}. It holds what was written before.`);
    }
  }

  async close(): Promise<void> {
    await this.flush();
    if (!this.#ownsStream || this.#stream.destroyed) return;
    this.#stream.end();
    await finished(this.#stream).catch(() => {}); // an error is in #failure
    await this.flush();
  }
}
