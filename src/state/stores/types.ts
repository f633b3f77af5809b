/**
 * Where checkpoints are kept. A store knows bytes: chunks, named by their content, and manifests that name chunks; what is in them is the job's
 * (src/job). One contract suite runs against all stores: Redis, SQLite, directory, memory.
 *
 * A checkpoint is written in two steps: chunks first (invisible, they expire if nothing names them), then `commit`, which in one atomic step checks
 * the fencing token, checks that every chunk is there, keeps them, and makes the manifest the task's newest.
 */

/** What a store keeps of a checkpoint. */
export interface Manifest {
  /** Unique in the task, larger for a later one. */
  readonly checkpoint: number;
  /** Names of the chunks, in order; a name may occur twice. */
  readonly chunks: readonly string[];
  /** The job's part: JSON text. */
  readonly body: string;
  /** ms since the epoch */
  readonly written: number;
  /** A name, for a savepoint: it is not collected. */
  readonly savepoint?: string | undefined;
}

export interface StateStore {
  readonly kind: 'memory' | 'directory' | 'sqlite' | 'redis';
  /** Opens the store; throws an Error that says what is wrong and what to look at (e.g. Redis that may evict keys). */
  open(): Promise<void>;
  /** Takes a task over: a fencing token larger than any before. From now on, writes under a smaller one are refused. */
  acquire(task: string): Promise<number>;
  /** Which of these chunks the store has already (and will still have for as long as an unnamed chunk lives). */
  has(task: string, chunks: readonly string[]): Promise<ReadonlySet<string>>;
  /** Writes chunks; those that are there already are written again or kept. @throws StoreFencedError */
  put(task: string, token: number, chunks: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** @throws StoreFencedError; MissingChunkError, then nothing has changed */
  commit(task: string, token: number, manifest: Manifest): Promise<void>;
  /** Newest first. A manifest that cannot be read is left out and named in `damaged`. */
  manifests(task: string): Promise<{ readonly manifests: readonly Manifest[]; readonly damaged: readonly string[] }>;
  /** undefined: not there, or its checksum is wrong. */
  chunk(task: string, name: string): Promise<Uint8Array | undefined>;
  /** Drops the manifests not named, savepoints apart, and the chunks that no kept manifest names. @throws StoreFencedError */
  collect(task: string, token: number, keep: readonly number[]): Promise<void>;
  /** Names of the tasks that have anything here. */
  tasks(): Promise<readonly string[]>;
  /** Chunks that no manifest names, damaged ones, manifests with missing chunks: for `alcedo state check`. */
  verify(task: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A later owner has taken the task over. */
export class StoreFencedError extends Error {
  override readonly name = 'StoreFencedError';
}

export class MissingChunkError extends Error {
  override readonly name = 'MissingChunkError';
}
