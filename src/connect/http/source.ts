import { access, constants, mkdir } from 'node:fs/promises';
import { JournalFeed, JournalFullError, JournalTooLargeError, TYPE_ATTRIBUTE } from '../journal/index.ts';
import type { JournalRecord } from '../journal/index.ts';
import type { Source, SourceHost, StreamStatus } from '../types.ts';
import type { HttpSourceOptions } from './options.ts';

/** What became of posted events. */
export type Posted =
  | { readonly outcome: 'taken' }
  | { readonly outcome: 'busy' | 'unavailable' | 'too large'; readonly reason: string };

const MAX_PENDING = 1 << 26;

/**
 * Events posted over HTTP. They are answered when they are in the journal, whose offsets are the stream's: nothing answered 202 is lost as long as the
 * journal's disk is there. A caller who got no answer posts again; an event is then counted once for event types declared `once within`, else at least
 * once. The routes are added to a server by `registerIngest`.
 */
export class HttpSource implements Source {
  readonly name: string;
  readonly options: HttpSourceOptions;
  readonly #feed: JournalFeed;
  readonly #task: number;
  #state: 'new' | 'open' | 'closing' = 'new';
  #pendingBytes = 0;
  readonly #pending = new Set<Promise<unknown>>();
  #host: SourceHost | undefined;
  #saidFailure = false;

  constructor(options: HttpSourceOptions) {
    this.name = options.name;
    this.options = options;
    this.#task = options.task ?? 0;
    this.#feed = new JournalFeed(`${options.name}/0`, this.#task, options.journal);
  }

  async start(host: SourceHost): Promise<void> {
    this.#host = host;
    await this.#feed.start(host);
    this.#feed.run();
    this.#state = 'open';
  }

  /** Takes the events of one body, all or none. */
  async post(type: string, events: readonly Uint8Array[]): Promise<Posted> {
    if (this.#state !== 'open') {
      return { outcome: 'unavailable', reason: this.#state === 'new' ? 'the job is starting' : 'the job is stopping' };
    }
    let bytes = 0;
    for (const event of events) bytes += event.length;
    if (this.#pendingBytes + bytes > (this.options.maxPending ?? MAX_PENDING) && this.#pendingBytes > 0) {
      return { outcome: 'busy', reason: 'too much waits to be written; try again' };
    }
    const time = Date.now();
    const records = events.map((value): JournalRecord => ({ time, attributes: { [TYPE_ATTRIBUTE]: type }, value }));
    this.#pendingBytes += bytes;
    const work = this.#feed.append(records);
    this.#pending.add(work);
    try {
      await work;
      if (this.#saidFailure) this.#host!.log.info({ source: this.name }, 'the journal takes events again');
      this.#saidFailure = false;
      return { outcome: 'taken' };
    } catch (error) {
      if (error instanceof JournalTooLargeError) return { outcome: 'too large', reason: 'the body is larger than the journal; send it in parts' };
      if (!this.#saidFailure) {
        this.#saidFailure = true;
        this.#host!.log.error({ source: this.name, error: (error as Error).message }, 'posted events cannot be journalled: callers are asked to come again');
      }
      if (!(error instanceof JournalFullError)) return { outcome: 'unavailable', reason: 'the events could not be written down; try again later' };
      await this.#feed.makeRoom().catch(() => undefined);
      return { outcome: 'busy', reason: 'the journal is full: the job is behind; try again later' };
    } finally {
      this.#pending.delete(work);
      this.#pendingBytes -= bytes;
    }
  }

  async committed(task: number, offsets: ReadonlyMap<string, number>): Promise<void> {
    if (task === this.#task) await this.#feed.committed(offsets);
  }

  async pause(): Promise<void> {
    this.#state = 'closing';
    this.#feed.pause();
  }

  async stop(): Promise<void> {
    this.#state = 'closing';
    await Promise.allSettled(this.#pending);
    await this.#feed.stop();
  }

  status(): readonly StreamStatus[] {
    return [{ ...this.#feed.status(), connected: this.#state === 'open' }];
  }

  async probe(): Promise<readonly string[]> {
    const { directory } = this.options.journal;
    try {
      await mkdir(directory, { recursive: true });
      await access(directory, constants.W_OK | constants.R_OK);
    } catch (error) {
      throw new Error(`the journal's folder ${directory} cannot be written: ${(error as Error).message}. See sources.${this.name}.journal.directory.`, { cause: error });
    }
    return [`the journal's folder ${directory} can be written`];
  }
}
