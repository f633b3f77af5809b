/** Sinks without transactions: their records wait for a moment to go out together, in order, one call at a time. */
import type { OutRecord, Sink } from '../connect/types.ts';

const MOST_AT_ONCE = 1000;

export class Outlet {
  readonly sink: Sink;
  sent = 0;
  readonly #flush: number;
  readonly #onFailure: (error: Error) => void;
  #waiting: { readonly record: OutRecord; readonly done: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending = false;
  #failed = false;

  /** `flush`: ms a record may wait. `onFailure`: the sink gave up; nothing further is sent. */
  constructor(sink: Sink, flush: number, onFailure: (error: Error) => void) {
    this.sink = sink;
    this.#flush = flush;
    this.#onFailure = onFailure;
  }

  get waiting(): number { return this.#waiting.length; }

  /** `done` is called when the record is delivered. */
  add(record: OutRecord, done: () => void): void {
    if (this.#failed) return;
    this.#waiting.push({ record, done });
    if (this.#waiting.length >= MOST_AT_ONCE) void this.#send();
    else this.#timer ??= setTimeout(() => { void this.#send(); }, this.#flush);
  }

  async #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#waiting.length > 0 && !this.#failed) {
        const batch = this.#waiting.slice(0, MOST_AT_ONCE);
        await this.sink.send(batch.map(({ record }) => record));
        this.#waiting = this.#waiting.slice(batch.length);
        this.sent += batch.length;
        for (const { done } of batch) done();
      }
    } catch (error) {
      this.#failed = true;
      this.#onFailure(error as Error);
    } finally {
      this.#sending = false;
    }
  }

  /** Forgets what waits: the job restarts, and it comes again. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#failed = true;
    this.#waiting = [];
  }
}
