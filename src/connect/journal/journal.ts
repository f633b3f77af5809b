import { mkdir, open as openFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Log } from '../types.ts';
import { encodeRecords, HEADER_BYTES, prepare, segmentHeader } from './format.ts';
import type { JournalRecord, Prepared } from './format.ts';
import { lockFolder } from './lock.ts';
import type { JournalOptions } from './options.ts';
import { JournalReader } from './reader.ts';
import { recoverSegments, removeSegment, segmentPath } from './segments.ts';
import type { Segment } from './segments.ts';

const MIB = 1 << 20;
const DEFAULT_SEGMENT = 64 * MIB;
const DEFAULT_MAX = 1024 * MIB;
/** Bytes of one write at most, but for a single append that is larger. */
const GROUP_BYTES = 4 * MIB;

/** The journal has no room: it takes more when the job has committed what is in it (see `whenRoom`). */
export class JournalFullError extends Error {
  override readonly name = 'JournalFullError';
}

/** More than the journal takes even when it is empty. */
export class JournalTooLargeError extends Error {
  override readonly name = 'JournalTooLargeError';
}

interface Append {
  readonly records: readonly Prepared[];
  readonly size: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A local append-only log of records, in segments. What `append` has resolved for is read again after a crash of the process, and with `fsync: always`
 * of the machine. Appends that wait together are written together. A failed write (a full disk) leaves nothing behind: the caller has the error, and the
 * next append is tried afresh.
 */
export class Journal {
  readonly directory: string;
  readonly #options: { readonly always: boolean; readonly segmentBytes: number; readonly maxBytes: number };
  readonly #log: Log;
  readonly #open: typeof openFile;
  readonly #unlock: () => Promise<void>;
  readonly #segments: Segment[];
  /** The last segment's file. */
  #file: FileHandle | undefined;
  #end: number;
  #bytes = 0;
  /** Bytes of appends that wait or are being written. */
  #pending = 0;
  readonly #queue: Append[] = [];
  /** Work on the files, one piece after the other. */
  #work: Promise<void> = Promise.resolve();
  #writing = false;
  /** The last write failed, and it is not sure that the file ends behind the last good record. */
  #torn = false;
  #unsynced = false;
  #syncDue = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #closed = false;
  #waiters: (() => void)[] = [];
  #roomWaiters: (() => void)[] = [];

  private constructor(options: JournalOptions, log: Log, open: typeof openFile, unlock: () => Promise<void>, segments: Segment[], end: number) {
    const maxBytes = options.maxBytes ?? DEFAULT_MAX;
    this.directory = options.directory;
    this.#options = {
      always: (options.fsync ?? 'always') === 'always',
      segmentBytes: options.segmentBytes ?? Math.min(DEFAULT_SEGMENT, Math.max(MIB, Math.floor(maxBytes / 4))),
      maxBytes,
    };
    this.#log = log;
    this.#open = open;
    this.#unlock = unlock;
    this.#segments = segments;
    this.#end = end;
    for (const segment of segments) this.#bytes += segment.bytes;
  }

  /** Opens, or makes, the journal of a folder. Throws where the folder cannot be written or another process has it. `open` is for tests of failing disks. */
  static async open(options: JournalOptions, log: Log, open: typeof openFile = openFile): Promise<Journal> {
    const { segments, end, unlock } = await prepareFolder(options, log);
    const journal = new Journal(options, log, open, unlock, segments, end);
    try {
      const last = segments.at(-1);
      if (last === undefined) await journal.#roll();
      else journal.#file = await open(last.path, 'r+');
    } catch (error) {
      await unlock();
      throw error;
    }
    if (typeof options.fsync === 'number') journal.#syncTimer = setInterval(() => journal.#syncSoon(), options.fsync).unref();
    return journal;
  }

  /** Offset of the oldest record that is there. */
  get start(): number {
    return this.#segments[0]!.base;
  }

  /** Offset behind the last record. */
  get end(): number {
    return this.#end;
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.#bytes + this.#pending >= this.#options.maxBytes;
  }

  /**
   * Adds records; resolves with the offset of the first when they are as safe as `fsync` makes them. Rejects, and has then taken none of them: with a
   * `JournalFullError` where the journal is at its bound, a `JournalTooLargeError` where it never fits, else with what the disk says.
   */
  append(records: readonly JournalRecord[]): Promise<number> {
    if (this.#closed) return Promise.reject(new Error(`the journal in ${this.directory} is closed`));
    if (records.length === 0) return Promise.resolve(this.#end);
    const prepared = records.map(prepare);
    let size = 0;
    for (const record of prepared) size += record.size;
    if (size > this.#options.maxBytes - 2 * HEADER_BYTES) {
      return Promise.reject(new JournalTooLargeError(`${size} bytes at one time are more than the journal in ${this.directory} takes at all, ${this.#options.maxBytes}; raise journal.maxBytes`));
    }
    if (this.#bytes + this.#pending + size > this.#options.maxBytes) {
      return Promise.reject(new JournalFullError(`the journal in ${this.directory} holds ${this.#bytes} bytes of at most ${this.#options.maxBytes}; `
        + 'it takes more when the job has committed what is in it. See the job\'s checkpoints, or raise journal.maxBytes.'));
    }
    this.#pending += size;
    return new Promise((resolve, reject) => {
      this.#queue.push({ records: prepared, size, resolve, reject });
      if (this.#writing) return;
      this.#writing = true;
      void this.#serially(() => this.#writeQueue());
    });
  }

  reader(from: number): JournalReader {
    return new JournalReader({
      segmentAt: (offset) => this.#segments.findLast(({ base }) => base <= offset) ?? this.#segments[0],
      segmentAfter: (segment) => this.#segments.find(({ base }) => base > segment.base),
    }, from);
  }

  /** Resolves when there is a record at this offset or behind it, or the journal is closed. */
  async whenMore(offset: number): Promise<void> {
    while (this.#end <= offset && !this.#closed) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when something has been trimmed since, or the journal is closed. */
  whenRoom(): Promise<void> {
    return this.#closed ? Promise.resolve() : new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Records below this offset are not needed any more; segments that hold only such ones are removed. */
  trim(before: number): Promise<void> {
    return this.#serially(async () => {
      const last = this.#segments.at(-1)!;
      // Where all is done, a large last segment need not wait to be full.
      const large = last.bytes > this.#options.segmentBytes / 2 || this.#bytes > this.#options.maxBytes / 2;
      if (before >= this.#end && this.#end > last.base && large) await this.#roll();
      let freed = false;
      while (this.#segments.length > 1 && this.#segments[1]!.base <= before) {
        const segment = this.#segments[0]!;
        await removeSegment(segment);
        this.#segments.shift();
        this.#bytes -= segment.bytes;
        freed = true;
      }
      if (freed) wake(this.#roomWaiters);
    });
  }

  /** Lets the next record have at least this offset: for a journal that has lost its end, so that offsets already committed are not given again. */
  advance(to: number): Promise<void> {
    return this.#serially(async () => {
      if (to <= this.#end) return;
      const end = this.#end;
      this.#end = to;
      try {
        await this.#roll();
      } catch (error) {
        this.#end = end;
        throw error;
      }
    });
  }

  /** Ends when what was appended is written. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#syncTimer);
    await this.#serially(async () => {
      if (this.#unsynced) await this.#sync();
      await this.#file?.close();
      await this.#unlock();
    });
    wake(this.#waiters);
    wake(this.#roomWaiters);
  }

  #serially(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      const group: Append[] = [];
      let size = 0;
      while (this.#queue.length > 0 && (group.length === 0 || size + this.#queue[0]!.size <= GROUP_BYTES)) {
        const append = this.#queue.shift()!;
        group.push(append);
        size += append.size;
      }
      try {
        await this.#write(group.flatMap(({ records }) => records));
      } catch (error) {
        this.#pending -= size;
        const failure = new Error(`the journal in ${this.directory} cannot be written: ${(error as Error).message}; nothing of this was taken. Look at the disk's free space.`, { cause: error });
        for (const append of group) append.reject(failure);
        continue;
      }
      this.#pending -= size;
      this.#bytes += size;
      for (const append of group) {
        append.resolve(this.#end);
        this.#end += append.records.length;
      }
      wake(this.#waiters);
      if (this.#syncDue) await this.#syncNow();
    }
    this.#writing = false;
  }

  async #write(records: readonly Prepared[]): Promise<void> {
    let segment = this.#segments.at(-1)!;
    if (this.#torn) {
      await this.#file!.truncate(segment.bytes);
      this.#torn = false;
    }
    if (segment.bytes >= this.#options.segmentBytes) {
      await this.#roll();
      segment = this.#segments.at(-1)!;
    }
    const bytes = encodeRecords(records, this.#end);
    const file = this.#file!;
    try {
      await writeAll(file, bytes, segment.bytes);
      if (this.#options.always) await file.datasync();
      else this.#unsynced = true;
    } catch (error) {
      this.#torn = true;
      throw error;
    }
    segment.bytes += bytes.length;
  }

  /** Begins a new segment. */
  async #roll(): Promise<void> {
    const base = this.#end;
    const segment: Segment = { base, path: segmentPath(this.directory, base), bytes: HEADER_BYTES };
    const old = this.#segments.at(-1);
    // An empty segment at this offset is as good as new.
    if (old?.base === base) return;
    const file = await this.#open(segment.path, 'w+');
    try {
      await writeAll(file, segmentHeader(base), 0);
      await file.datasync();
      await this.#syncFolder();
      if (this.#unsynced) await this.#sync();
    } catch (error) {
      await file.close();
      await removeSegment(segment);
      throw error;
    }
    await this.#file?.close();
    this.#file = file;
    this.#segments.push(segment);
    this.#bytes += HEADER_BYTES;
  }

  #syncSoon(): void {
    this.#syncDue = this.#unsynced;
    if (this.#syncDue && !this.#writing) void this.#serially(() => this.#syncNow());
  }

  async #syncNow(): Promise<void> {
    this.#syncDue = false;
    try {
      await this.#sync();
    } catch (error) {
      this.#log.error({ journal: this.directory, error: (error as Error).message },
        'the journal could not be forced onto the disk: what came since the last time may not survive a power cut; it is tried again');
    }
  }

  async #sync(): Promise<void> {
    await this.#file?.datasync();
    this.#unsynced = false;
  }

  async #syncFolder(): Promise<void> {
    const folder = await openFile(this.directory, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

async function prepareFolder(options: JournalOptions, log: Log): Promise<{ segments: Segment[]; end: number; unlock: () => Promise<void> }> {
  try {
    await mkdir(options.directory, { recursive: true });
  } catch (error) {
    throw new Error(`the journal's folder ${options.directory} cannot be made: ${(error as Error).message}. See journal.directory.`, { cause: error });
  }
  const unlock = await lockFolder(options.directory);
  try {
    return { ...await recoverSegments(options.directory, log), unlock };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

function wake(waiters: (() => void)[]): void {
  for (const waiter of waiters.splice(0)) waiter();
}
