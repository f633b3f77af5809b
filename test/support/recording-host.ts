import type { Log, RecordBatch, SourceHost } from '../../src/connect/types.ts';

/** One line of a log. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A log that can be read. */
export function memoryLog(lines: LogLine[] = []): Log & { readonly lines: LogLine[]; has(pattern: RegExp): boolean } {
  const add = (level: LogLine['level']) => (fields: object, message: string): void => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  return {
    lines,
    has: (pattern) => lines.some(({ message }) => pattern.test(message)),
    debug: add('debug'),
    info: add('info'),
    warn: add('warn'),
    error: add('error'),
    child: () => memoryLog(lines),
  };
}

export interface Received {
  readonly stream: string;
  readonly offset: number;
  readonly value: string;
  readonly time: number;
  readonly type: string | undefined;
  readonly header: (name: string) => string | undefined;
}

/** A job that keeps what a source hands it, and that can be told to take nothing for a while. */
export class RecordingHost implements SourceHost {
  readonly log = memoryLog();
  readonly received: Received[] = [];
  /** `next` of the last batch, by stream. */
  readonly next = new Map<string, number>();
  readonly checkpoints: string[] = [];
  readonly failures: Error[] = [];
  readonly over: string[] = [];
  caughtUps = 0;
  /** Calls of `records`, and how many were under way at one time at most. */
  calls = 0;
  mostAtOnce = 0;
  #atOnce = 0;
  #gate: Promise<void> | undefined;
  #open: (() => void) | undefined;
  readonly #offsets: ReadonlyMap<string, number>;

  constructor(offsets: ReadonlyMap<string, number> = new Map()) {
    this.#offsets = offsets;
  }

  get values(): string[] {
    return this.received.map(({ value }) => value);
  }

  /** From now on, `records` does not settle. */
  block(): void {
    this.#gate = new Promise((resolve) => { this.#open = resolve; });
  }

  unblock(): void {
    this.#gate = undefined;
    this.#open?.();
  }

  async assigned(_task: number, streams: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return new Map([...this.#offsets].filter(([stream]) => streams.includes(stream)));
  }

  async revoked(): Promise<void> {}

  async records(_task: number, batch: RecordBatch): Promise<void> {
    this.calls++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    for (let i = 0; i < batch.count; i++) {
      const value = batch.values[i]!;
      this.received.push({
        stream: batch.stream, offset: batch.offsets[i]!, value: value === null ? '' : Buffer.from(value).toString(), time: batch.times[i]!, type: batch.type?.(i),
        header: headersOf(batch, i),
      });
    }
    this.next.set(batch.stream, batch.next);
    await this.#gate;
    this.#atOnce--;
  }

  caughtUp(): void {
    this.caughtUps++;
  }

  ended(_task: number, stream: string): void {
    this.over.push(stream);
  }

  checkpointSoon(_task: number, reason: string): void {
    this.checkpoints.push(reason);
  }

  failed(error: Error): void {
    this.failures.push(error);
  }
}

function headersOf(batch: RecordBatch, i: number): (name: string) => string | undefined {
  return (name) => batch.header?.(i, name);
}

/** Waits for what is to become true; throws with what it was after `patience` ms. */
export async function until(what: string, check: () => boolean | Promise<boolean>, patience = 20_000): Promise<void> {
  const end = Date.now() + patience;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not in ${patience} ms: ${what}`);
    await pause(10);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
