import { JournalFeed, JournalFullError, JournalTooLargeError, TYPE_ATTRIBUTE } from '../journal/index.ts';
import type { JournalOptions, JournalRecord } from '../journal/index.ts';
import type { RecordBatch, SourceHost, StreamStatus } from '../types.ts';
import { messageAttributes, messageHeader } from './intake.ts';
import type { Message } from './intake.ts';

/** The way of messages from the client to the job. */
export interface Delivery {
  /** The place of the next message in the order of arrival. */
  readonly next: number;
  /** Messages and bytes that wait in memory. */
  readonly waiting: number;
  readonly waitingBytes: number;
  start(host: SourceHost): Promise<void>;
  /** Begins to deliver. `onSafe`: messages before this place need not be sent again; `onTaken`: fewer wait. */
  run(onSafe: (before: number) => void, onTaken: () => void): void;
  add(message: Message): void;
  committed(offsets: ReadonlyMap<string, number>): Promise<void>;
  /** Messages that the job has, and that no commit covers yet. */
  readonly uncommitted: number;
  pause(): void;
  stop(): Promise<void>;
  status(): StreamStatus;
}

const BATCH = 1_000;
/** What a message takes beside its value. */
const OVERHEAD = 200;
const RETRY = 1_000;

const sizeOf = (message: Message): number => OVERHEAD + (message.value?.length ?? 0);

/** Straight to the job; the place of a message is its offset, which goes on from what was committed. */
export class DirectDelivery implements Delivery {
  readonly stream: string;
  readonly #task: number;
  #host: SourceHost | undefined;
  #queue: Message[] = [];
  /** Offset of #queue's first. */
  #delivered = 0;
  #committed = 0;
  waitingBytes = 0;
  #paused = false;
  #running = false;
  #onSafe: (before: number) => void = () => undefined;
  #onTaken: () => void = () => undefined;

  constructor(stream: string, task: number) {
    this.stream = stream;
    this.#task = task;
  }

  get next(): number {
    return this.#delivered + this.#queue.length;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get uncommitted(): number {
    return this.#delivered - this.#committed;
  }

  /** The stream had a committed offset. */
  resumed = false;

  async start(host: SourceHost): Promise<void> {
    this.#host = host;
    const from = (await host.assigned(this.#task, [this.stream])).get(this.stream);
    this.resumed = from !== undefined;
    this.#delivered = this.#committed = from ?? 0;
  }

  run(onSafe: (before: number) => void, onTaken: () => void): void {
    this.#onSafe = onSafe;
    this.#onTaken = onTaken;
    onSafe(this.#committed);
    this.#kick();
  }

  add(message: Message): void {
    this.#queue.push(message);
    this.waitingBytes += sizeOf(message);
    this.#kick();
  }

  async committed(offsets: ReadonlyMap<string, number>): Promise<void> {
    const offset = offsets.get(this.stream);
    if (offset === undefined) return;
    this.#committed = Math.max(this.#committed, offset);
    this.#onSafe(this.#committed);
  }

  pause(): void {
    this.#paused = true;
  }

  async stop(): Promise<void> {
    this.#paused = true;
  }

  status(): StreamStatus {
    return { stream: this.stream, lag: NaN, connected: false };
  }

  #kick(): void {
    if (this.#running || this.#paused || this.#host === undefined) return;
    this.#running = true;
    // What else the socket has goes into the same batch.
    setImmediate(() => {
      void this.#deliver().catch((error: unknown) => this.#host!.failed(error as Error));
    });
  }

  async #deliver(): Promise<void> {
    while (this.#queue.length > 0 && !this.#paused) {
      const messages = this.#queue.slice(0, BATCH);
      await this.#host!.records(this.#task, this.#batch(messages));
      // It waits in the queue until the job is done with it, because until then it is in memory.
      this.#queue = this.#queue.slice(messages.length);
      for (const message of messages) this.waitingBytes -= sizeOf(message);
      this.#delivered += messages.length;
      this.#onTaken();
    }
    this.#running = false;
    if (!this.#paused) this.#host!.caughtUp(this.#task, this.stream);
  }

  #batch(messages: readonly Message[]): RecordBatch {
    const first = this.#delivered;
    return {
      stream: this.stream,
      partition: 0,
      count: messages.length,
      values: messages.map(({ value }) => value),
      offsets: messages.map((_, i) => first + i),
      next: first + messages.length,
      times: messages.map(({ time }) => time),
      type: (i) => messages[i]!.type,
      header: (i, name) => messageHeader(messages[i]!, name),
      behind: this.#queue.length - messages.length,
    };
  }
}

/** By way of a journal: a message is safe when it is in there; the job reads the journal. */
export class JournalDelivery implements Delivery {
  readonly #feed: JournalFeed;
  #saidFailure = false;
  /** Messages of one append: fewer where the journal has little room. */
  #batch = BATCH;
  #host: SourceHost | undefined;
  #queue: Message[] = [];
  #written = 0;
  waitingBytes = 0;
  #running = false;
  #stopped = false;
  #onSafe: (before: number) => void = () => undefined;
  #onTaken: () => void = () => undefined;

  constructor(stream: string, task: number, options: JournalOptions) {
    this.#feed = new JournalFeed(stream, task, options);
  }

  get next(): number {
    return this.#written + this.#queue.length;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get uncommitted(): number {
    return 0;
  }

  start(host: SourceHost): Promise<void> {
    this.#host = host;
    return this.#feed.start(host);
  }

  run(onSafe: (before: number) => void, onTaken: () => void): void {
    this.#onSafe = onSafe;
    this.#onTaken = onTaken;
    this.#feed.run();
  }

  add(message: Message): void {
    this.#queue.push(message);
    this.waitingBytes += sizeOf(message);
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => void this.#write());
  }

  committed(offsets: ReadonlyMap<string, number>): Promise<void> {
    return this.#feed.committed(offsets);
  }

  pause(): void {
    this.#feed.pause();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#feed.stop();
  }

  status(): StreamStatus {
    return this.#feed.status();
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0 && !this.#stopped) {
      const messages = this.#queue.slice(0, this.#batch);
      if (!(await this.#append(messages.map(toRecord)))) continue;
      this.#batch = Math.min(BATCH, this.#batch * 2);
      this.#queue = this.#queue.slice(messages.length);
      for (const message of messages) this.waitingBytes -= sizeOf(message);
      this.#written += messages.length;
      this.#onSafe(this.#written);
      this.#onTaken();
    }
    this.#running = false;
  }

  /** Whether it worked; else, when to try again has come. */
  async #append(records: readonly JournalRecord[]): Promise<boolean> {
    try {
      await this.#feed.append(records);
      if (this.#saidFailure) this.#host!.log.info({ stream: this.#feed.stream }, 'the journal takes messages again');
      this.#saidFailure = false;
      return true;
    } catch (error) {
      if (this.#stopped) return false;
      const noRoom = error instanceof JournalFullError;
      if ((noRoom || error instanceof JournalTooLargeError) && records.length > 1) {
        this.#batch = records.length >> 1;
        return false;
      }
      if (error instanceof JournalTooLargeError) {
        this.#stopped = true;
        this.#host!.failed(error);
        return false;
      }
      if (!this.#saidFailure) {
        this.#host!.log.error({ stream: this.#feed.stream, error: (error as Error).message }, 'messages cannot be journalled: they are held unacknowledged and tried again; the broker keeps what does not fit');
      }
      this.#saidFailure = true;
      if (noRoom) await this.#feed.makeRoom();
      await Promise.race([pauseFor(RETRY), ...(noRoom ? [this.#feed.journal.whenRoom()] : [])]);
      return false;
    }
  }
}

function toRecord(message: Message): JournalRecord {
  return { time: message.time, attributes: messageAttributes(message, TYPE_ATTRIBUTE), value: message.value ?? new Uint8Array(0) };
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
