import type { Readable, Writable } from 'node:stream';
import { colours, type Colours } from './colours.ts';

/** The world of one command: its streams and what they can show. Commands write to these and never to `process` or `console`. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Becomes the exit code when the command is done; the highest one set stays. */
  fail(exitCode: number): void;
  /** Aborted when the person interrupts (Ctrl-C): a command then ends soon, with what it has. */
  readonly interrupted: AbortSignal;
}

/** Colours for a stream: on a terminal, unless NO_COLOR is set to anything (https://no-color.org); FORCE_COLOR turns them on elsewhere. */
export function coloursFor(io: Io, stream: 'stdout' | 'stderr'): Colours {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return colours(false);
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0') return colours(true);
  return colours(io[stream].isTTY === true && TERM !== 'dumb');
}

/** Writes text and waits until the stream can take more, so that a slow reader holds the command up instead of filling the memory. */
export async function write(stream: Writable, text: string | Uint8Array): Promise<void> {
  if (text.length === 0) return;
  if (stream.destroyed || stream.writableEnded) return;
  if (stream.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      stream.off('error', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
    stream.on('error', done);
  });
}
