import type { Writable } from 'node:stream';
import type { Log, OutRecord, Sink } from '../types.ts';
import { toLines } from '../file-sink/index.ts';
import type { ConsoleSinkOptions } from './options.ts';

/** Writes alerts as JSON Lines to a stream. `send` resolves when the stream has taken them; a reader that has gone away (`| head`) is an error. */
export class ConsoleSink implements Sink {
  readonly name: string;
  readonly #stream: Writable;
  #broken: Error | undefined;

  constructor(options: ConsoleSinkOptions) {
    this.name = options.name;
    this.#stream = options.stream ?? process.stdout;
  }

  async start(_log: Log): Promise<void> {
    this.#stream.on('error', this.#onError);
  }

  async send(records: readonly OutRecord[]): Promise<void> {
    const lines = toLines(records.map((record) => record.enveloped?.() ?? record.value));
    // The callback comes when the bytes have left: so a slow reader holds up the job.
    await new Promise<void>((resolve, reject) => {
      if (this.#broken !== undefined) reject(this.#failure(this.#broken));
      else this.#stream.write(lines, (error) => (error ? reject(this.#failure(error)) : resolve()));
    });
  }

  async stop(): Promise<void> {
    this.#stream.off('error', this.#onError);
  }

  async probe(): Promise<readonly string[]> {
    return ['alerts go to the console'];
  }

  readonly #onError = (error: Error): void => {
    this.#broken = error;
  };

  #failure(error: Error): Error {
    return new Error(`alerts of channel ${this.name} cannot be written to the console: ${error.message}. Was what reads it closed?`, { cause: error });
  }
}
