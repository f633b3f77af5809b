import { MissingChunkError, StoreFencedError } from './types.ts';

export function fenced(task: string, token: number, current: number): StoreFencedError {
  return new StoreFencedError(`Task "${task}" has a later owner (token ${current}, ours is ${token}); nothing was written. This process must give the task up.`);
}

export function missing(task: string, checkpoint: number, names: readonly string[]): MissingChunkError {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return new MissingChunkError(
    `Checkpoint ${checkpoint} of task "${task}" names chunks that the store does not have (${names.slice(0, 3).join(', ')}${more}); it was not committed and the one before stays. `
    + 'They expired before the commit, or the store lost data: write them again.');
}

/** The code of a system error, '' where there is none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** @throws Error when the store is not open */
export function requireOpen(open: boolean, kind: string): void {
  if (!open) throw new Error(`The ${kind} store is not open.`);
}
