import type { Writable } from 'node:stream';

export interface ConsoleSinkOptions {
  readonly name: string;
  /** Default: standard output. */
  readonly stream?: Writable | undefined;
}
