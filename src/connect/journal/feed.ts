import type { RecordBatch, SourceHost, StreamStatus } from '../types.ts';
import type { JournalEntry, JournalRecord } from './format.ts';
import { Journal } from './journal.ts';
import type { JournalOptions } from './options.ts';
import type { JournalReader } from './reader.ts';

const BATCH_RECORDS = 2_000;
const BATCH_BYTES = 1 << 20;
const DEFAULT_KEEP = 3;

/** Attribute of a journalled record that holds its event type. */
export const TYPE_ATTRIBUTE = 'type';

/** The part of a source behind its journal: hands the journal's records to the job, whose offsets are the stream's, and gives space back as the job commits. */
export class JournalFeed {
  readonly stream: string;
  readonly #options: JournalOptions;
  readonly #task: number;
  #host: SourceHost | undefined;
  #journal: Journal | undefined;
  #reader: JournalReader | undefined;
  #loop: Promise<void> = Promise.resolve();
  #stopping = false;
  /** `records` of the host is under way. */
  #calling = false;
  /** Offsets of the last commits, oldest first. */
  readonly #commits: number[] = [];

  constructor(stream: string, task: number, options: JournalOptions) {
    this.stream = stream;
    this.#task = task;
    this.#options = options;
  }

  /** Opens the journal and takes the task's offsets; `run` begins to deliver. */
  async start(host: SourceHost): Promise<void> {
    this.#host = host;
    const journal = this.#journal = await Journal.open(this.#options, host.log);
    const offsets = await host.assigned(this.#task, [this.stream]);
    const from = offsets.get(this.stream) ?? journal.start;
    if (from > journal.end) {
      host.log.error({ journal: journal.directory, journalEnd: journal.end, committed: from },
        'the journal ends before what the job has committed: its end was lost (a power cut with fsync by interval, or its files were removed). '
        + 'Nothing committed is lost; what was acknowledged but not committed may be. The journal goes on behind the committed offset.');
      await journal.advance(from);
    } else if (from < journal.start) {
      host.log.error({ journal: journal.directory, journalStart: journal.start, from },
        'the journal begins behind the offset the job wants to go on from: the records between are not there any more. See journal.keepCommits.');
    }
    this.#reader = journal.reader(Math.max(from, journal.start));
  }

  run(): void {
    this.#loop = this.#deliver().catch((error: unknown) => this.#host!.failed(error as Error));
  }

  get journal(): Journal {
    if (this.#journal === undefined) throw new Error('the journal is not open');
    return this.#journal;
  }

  append(records: readonly JournalRecord[]): Promise<number> {
    return this.journal.append(records);
  }

  async committed(offsets: ReadonlyMap<string, number>): Promise<void> {
    const offset = offsets.get(this.stream);
    if (offset === undefined || this.#journal === undefined) return;
    if (this.#commits.at(-1) !== offset) this.#commits.push(offset);
    const keep = this.#options.keepCommits ?? DEFAULT_KEEP;
    while (this.#commits.length > keep + 1) this.#commits.shift();
    if (this.#journal.full) await this.#journal.trim(offset);
    else if (this.#commits.length > keep) await this.#journal.trim(this.#commits[0]!);
  }

  /** Gives space back behind the last commit at once: for a caller that was told that the journal is full. */
  async makeRoom(): Promise<void> {
    const last = this.#commits.at(-1);
    if (last !== undefined) await this.journal.trim(last);
  }

  pause(): void {
    this.#stopping = true;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#journal?.close();
    // A call that the job has under way may last as long as the job likes.
    if (!this.#calling) await this.#loop;
    await this.#reader?.close();
  }

  status(): StreamStatus {
    const lag = this.#journal === undefined ? NaN : this.#journal.end - (this.#reader?.offset ?? this.#journal.start);
    return { stream: this.stream, lag, connected: this.#journal !== undefined && !this.#stopping };
  }

  async #deliver(): Promise<void> {
    const reader = this.#reader!;
    const journal = this.#journal!;
    while (!this.#stopping) {
      const entries = await reader.next(BATCH_RECORDS, BATCH_BYTES);
      // Pausing came while it read: these records are read again at the next start.
      if (this.#stopping) return;
      if (entries.length === 0) {
        this.#host!.caughtUp(this.#task, this.stream);
        await journal.whenMore(reader.offset);
        continue;
      }
      this.#calling = true;
      await this.#host!.records(this.#task, toBatch(this.stream, entries, reader.offset, journal.end - reader.offset));
      this.#calling = false;
    }
  }
}

function toBatch(stream: string, entries: readonly JournalEntry[], next: number, behind: number): RecordBatch {
  return {
    stream,
    partition: 0,
    count: entries.length,
    values: entries.map(({ value }) => (value.length === 0 ? null : value)),
    offsets: entries.map(({ offset }) => offset),
    next,
    times: entries.map(({ time }) => time),
    type: (i) => entries[i]!.attributes[TYPE_ATTRIBUTE],
    header: (i, name) => entries[i]!.attributes[name],
    behind,
  };
}
