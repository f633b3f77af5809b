import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log, OutRecord, Sink } from '../types.ts';
import { LineAppender, toLines } from './appender.ts';
import type { FileSinkOptions } from './options.ts';

const FIRST_RETRY = 500;
const LAST_RETRY = 30_000;
/** Errors that go away when someone makes room. */
const CURABLE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EMFILE', 'ENFILE', 'ESTALE']);

/**
 * Appends alerts to a file as JSON Lines. `send` resolves when they are on the disk (with `fsync: false`: when the system has them). A full disk is waited
 * out. A file that was renamed away is made anew; `reopen` does so at once, as programs that rotate files ask for by a signal.
 */
export class FileSink implements Sink {
  readonly name: string;
  readonly #options: FileSinkOptions;
  #appender: LineAppender | undefined;
  #log: Log | undefined;
  #stopping = false;
  #wake: (() => void) | undefined;
  #reopen = false;
  /** The send under way. */
  #sending: Promise<void> = Promise.resolve();

  constructor(options: FileSinkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async start(log: Log): Promise<void> {
    this.#log = log;
    this.#appender = new LineAppender(this.#options.path, this.#options.fsync ?? true, log);
  }

  send(records: readonly OutRecord[]): Promise<void> {
    const sent = this.#sending.then(() => this.#append(toLines(records.map((record) => record.enveloped?.() ?? record.value))));
    this.#sending = sent.catch(() => undefined);
    return sent;
  }

  /** The next alert opens the path anew. */
  reopen(): void {
    this.#reopen = true;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#sending;
    await this.#appender?.close();
  }

  async probe(): Promise<readonly string[]> {
    const { path } = this.#options;
    try {
      await access(path, constants.W_OK).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        await access(dirname(path), constants.W_OK);
      });
    } catch (error) {
      throw new Error(`the file ${path} cannot be written: ${(error as Error).message}. See channels.${this.name}.path.`, { cause: error });
    }
    return [`the file ${path} can be written`];
  }

  async #append(lines: Uint8Array): Promise<void> {
    const appender = this.#appender;
    if (appender === undefined) throw new Error(`sink ${this.name} is not started`);
    for (let wait = FIRST_RETRY; ; wait = Math.min(wait * 2, LAST_RETRY)) {
      try {
        if (this.#reopen) await appender.close();
        this.#reopen = false;
        await appender.append(lines);
        return;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (this.#stopping || !CURABLE.has(code ?? '')) {
          throw new Error(`alerts cannot be written to ${this.#options.path}: ${message}. See channels.${this.name}.path.`, { cause: error });
        }
        this.#log!.error({ path: this.#options.path, error: message, retryIn: wait }, `alerts cannot be written to the file; they wait and are tried again in ${wait} ms. Look at the disk's free space.`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, wait);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  }
}
