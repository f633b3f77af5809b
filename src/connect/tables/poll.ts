/** Looking at a source again and again, which is how most of them learn of changes. */
import { createHash } from 'node:crypto';
import type { Snapshot, TableListener } from './types.ts';

/** Tells rows that are the same from those that have changed. */
export function fingerprint({ rows, rejected }: Snapshot): string {
  const hash = createHash('sha1');
  for (const { where, key, values } of rows) hash.update(JSON.stringify([where, key, values]));
  hash.update(JSON.stringify(rejected));
  return hash.digest('base64');
}

/** Runs `look` every `interval` ms, and at once where it is woken; never two at a time. */
export class Poller {
  readonly #look: () => Promise<void>;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(interval: number, look: () => Promise<void>) {
    this.#interval = interval;
    this.#look = look;
  }

  start(): void { this.#schedule(this.#interval); }

  /** Looks `after` ms from now, or as soon as the look that is under way is over. */
  wake(after = 0): void {
    if (this.#looking !== undefined) this.#again = true;
    else this.#schedule(after);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  get isStopped(): boolean { return this.#stopped; }

  #schedule(after: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().catch(() => undefined).finally(() => {
        this.#looking = undefined;
        const soon = this.#again;
        this.#again = false;
        this.#schedule(soon ? 0 : this.#interval);
      });
    }, after);
  }
}

/** Loads a source every `interval` ms, and tells of what differs from the rows told last. */
export class LoadPoller {
  readonly #load: () => Promise<Snapshot>;
  readonly #poller: Poller;
  #last: string | undefined;

  constructor(interval: number, load: () => Promise<Snapshot>, listener: TableListener, last: string | undefined) {
    this.#load = load;
    this.#last = last;
    this.#poller = new Poller(interval, async () => {
      try {
        const snapshot = await this.#load();
        if (this.#poller.isStopped) return;
        const now = fingerprint(snapshot);
        if (now === this.#last) listener.confirmed(snapshot.asOf);
        else {
          this.#last = now;
          listener.changed(snapshot);
        }
      } catch (error) {
        if (!this.#poller.isStopped) listener.failed(error as Error);
      }
    });
    this.#poller.start();
  }

  wake(after?: number): void { this.#poller.wake(after); }
  stop(): Promise<void> { return this.#poller.stop(); }
}
