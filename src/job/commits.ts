/** The commits of a task: a checkpoint is written, what it covers goes out, and both become final together. At most one is under way. */
import type { Log } from '../connect/types.ts';
import type { Image } from '../state/image.ts';
import { MissingChunkError, StoreFencedError } from '../state/stores/index.ts';
import type { Committer, Positions } from './committer.ts';
import type { Outbox, Outgoing } from './outbox.ts';
import { retrying, type Restored, type TaskState, type TaskStore } from './state.ts';
import type { TaskHost } from './task-host.ts';
import type { TaskStatus } from './status.ts';

/** What is committed. */
export interface Work {
  /** Is there anything that the last checkpoint has not, but for what waits to go out? */
  hasChanged(): boolean;
  /** What a checkpoint holds, as it is between two batches. `whole`: all of the engines' state, not only what changed. */
  capture(whole: boolean): Capture;
}

export interface Capture {
  readonly images: readonly Image[];
  readonly state: Omit<TaskState, 'ends'>;
}

/** What there was when the task was taken over. */
export interface Before {
  /** Of the last commit, as `Committer.open`. */
  readonly last: Awaited<ReturnType<Committer['open']>>;
  /** The checkpoint that the last commit names; undefined: the store's newest. */
  readonly wanted: number | undefined;
  readonly state: Restored | undefined;
}

export class Commits {
  /** A commit soon would be good. */
  isWanted = false;
  readonly #task: number;
  readonly #host: TaskHost;
  readonly #log: Log;
  readonly #committer: Committer;
  readonly #store: TaskStore;
  readonly #outbox: Outbox;
  readonly #work: Work;
  #next = 1;
  #last: { readonly number: number; readonly committed: number; readonly bytes: number } | undefined;
  #failures = 0;
  /** A checkpoint has failed for good: what it had set aside is in no later one, so there must be none. The next owner goes on from the last commit. */
  #broken: Error | undefined;
  /** Checkpoints begun. */
  #taken = 0;
  #cycle: Promise<void> | undefined;
  #closed = false;

  constructor(task: number, host: TaskHost, log: Log, committer: Committer, store: TaskStore, outbox: Outbox, work: Work) {
    this.#task = task;
    this.#host = host;
    this.#log = log;
    this.#committer = committer;
    this.#store = store;
    this.#outbox = outbox;
    this.#work = work;
  }

  /** As in TaskStatus. */
  get checkpoint(): TaskStatus['checkpoint'] { return this.#last === undefined ? undefined : { ...this.#last, failures: this.#failures }; }

  /** Whether records go out with the commit. */
  get isTransactional(): boolean { return this.#committer.isTransactional; }

  /** Takes the task over, and reads the state of its last commit. */
  async open(): Promise<Before> {
    const last = await this.#committer.open();
    await this.#store.acquire();
    const wanted = last === 'store' ? undefined : last?.checkpoint ?? -1;
    const { state, next } = await this.#store.read(wanted);
    this.#next = Math.max(next, this.#host.now());
    if (state !== undefined) this.#last = { number: state.checkpoint, committed: this.#host.now(), bytes: 0 };
    return { last, wanted, state };
  }

  /** Commits what has been taken in so far. Resolves when that is done; at most one is under way. */
  commit(): Promise<void> {
    this.#cycle ??= this.#commit().finally(() => { this.#cycle = undefined; });
    return this.#cycle;
  }

  /** Throws StoreFencedError where another process has the task now. */
  requireOurs(): Promise<void> { return this.#store.requireOurs(); }

  /** What is not committed is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#cycle?.catch(() => undefined);
    await this.#committer.close();
  }

  #capture(whole: boolean): Capture & Outgoing {
    const began = performance.now();
    const capture = { ...this.#work.capture(whole || ++this.#taken % this.#host.fullEvery === 0), ...this.#outbox.take() };
    this.isWanted = false;
    this.#host.counts.pause.add((performance.now() - began) / 1000);
    return capture;
  }

  async #commit(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    if (!this.#work.hasChanged() && this.#outbox.waiting === 0) { this.isWanted = false; return; }
    const began = performance.now();
    // Asked for before anything of this interval goes out: whoever must fall back to this checkpoint finds there all that it would send again.
    const ends = await this.#host.alertEnds();
    if (this.#closed) return;
    const checkpoint = this.#next++;
    const deadline = Date.now() + this.#host.checkpointTimeout;
    let arrivals: readonly number[] = [];
    let positions: Positions = new Map();
    try {
      for (let whole = false; ; whole = true) {
        const capture = this.#capture(whole);
        // Not by spreading: an interval may hold more alerts than a call takes arguments.
        arrivals = arrivals.concat(capture.arrivals);
        positions = capture.state.positions;
        const [written, sent] = await Promise.allSettled([
          retrying(() => this.#store.write(checkpoint, { ...capture.state, ends }, capture.images), deadline, mayWrite, (error, pause) => {
            this.#failures++;
            this.#log.warn({ checkpoint, error: error.message, again: pause }, 'the checkpoint could not be written; it is tried again, and nothing is lost meanwhile');
          }),
          // A transaction is begun only when nothing is waited for that may take longer than it may be open.
          capture.deliveries.all().then(async () => { if (capture.produce.length > 0 && !this.#closed) await this.#committer.send(capture.produce); }),
        ]);
        if (sent.status === 'rejected') throw sent.reason;
        if (written.status === 'fulfilled') break;
        if (whole || !(written.reason instanceof MissingChunkError)) throw written.reason;
        this.#log.warn({ checkpoint }, 'the store has lost what earlier checkpoints wrote; all of the state is written again');
      }
      if (this.#closed) return;
      await this.#committer.commit(checkpoint, positions);
    } catch (error) {
      this.#failures++;
      this.#broken = error as Error;
      throw error;
    }
    const now = this.#host.now();
    for (const arrived of arrivals) this.#host.counts.latency.add((now - arrived) / 1000);
    this.#last = { number: checkpoint, committed: now, bytes: this.#store.written };
    this.#host.counts.duration.add((performance.now() - began) / 1000);
    this.#outbox.makeRoom();
    await this.#host.committed(this.#task, positions);
    await this.#store.collect(checkpoint).catch((error: Error) => {
      if (error instanceof StoreFencedError) throw error;
      this.#log.warn({ error: error.message }, 'old checkpoints could not be cleared away; it is tried again after the next one');
    });
  }
}

/** Whether writing the same again may help. */
const mayWrite = (error: unknown): boolean => !(error instanceof StoreFencedError || error instanceof MissingChunkError);
