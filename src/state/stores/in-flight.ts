/**
 * What a store instance remembers of the checkpoint a task is writing. Only a task's owner writes, and it does so through one instance, so memory is
 * enough: after a crash nobody counts on these chunks any more.
 */
export class InFlight {
  readonly #tails = new Map<string, Promise<void>>();
  readonly #pinned = new Map<string, Set<string>>();
  readonly #damaged = new Map<string, Set<string>>();

  /** Runs the writes of a task one after another: what `has` answers holds until `collect` begins, and pins what it found. */
  async inTurn<T>(task: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(task) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(() => undefined, () => undefined);
    this.#tails.set(task, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(task) === tail) this.#tails.delete(task);
    }
  }

  /** Chunks that the next commit may name: `collect` leaves them. */
  pin(task: string, names: Iterable<string>): void {
    const pinned = this.#pinned.get(task) ?? new Set();
    for (const name of names) pinned.add(name);
    this.#pinned.set(task, pinned);
  }

  pinned(task: string): ReadonlySet<string> {
    return this.#pinned.get(task) ?? new Set();
  }

  /** The task has committed, or has a new owner: there is at most one checkpoint in flight, so nothing is pinned now. */
  unpin(task: string): void {
    this.#pinned.delete(task);
  }

  /** A chunk was read and is damaged: `has` is not to count on it until it is put again. */
  foundDamaged(task: string, name: string): void {
    const damaged = this.#damaged.get(task) ?? new Set();
    damaged.add(name);
    this.#damaged.set(task, damaged);
  }

  isDamaged(task: string, name: string): boolean {
    return this.#damaged.get(task)?.has(name) ?? false;
  }

  rewritten(task: string, names: Iterable<string>): void {
    const damaged = this.#damaged.get(task);
    if (damaged !== undefined) for (const name of names) damaged.delete(name);
  }

  /** Resolves when the writes under way have ended, however they end. */
  async settled(): Promise<void> {
    await Promise.all(this.#tails.values());
  }
}
