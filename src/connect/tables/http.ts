import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseRows, type RowFormat } from './parse.ts';
import { Poller } from './poll.ts';
import { TableSourceError, type Snapshot, type TableListener, type TableSource } from './types.ts';

export interface HttpTableOptions {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: by the answer, an array or lines of JSON, or CSV where it says so. */
  readonly format?: RowFormat | undefined;
  /** ms between two requests. */
  readonly poll: number;
  /** ms in which the answer must be there. */
  readonly timeout: number;
  /** The largest answer, bytes. */
  readonly maxBytes: number;
  /** File in which the last answer is kept, for a start while the server is away; undefined: it is not kept. */
  readonly cache: string | undefined;
}

interface Answer { readonly body: Uint8Array; readonly format: RowFormat; readonly etag: string | undefined; readonly modified: string | undefined; readonly asOf: number }

/** Rows that a server gives to GET. It is asked again with what it said of its last answer (ETag, Last-Modified), so that rows that are the same need not be sent. */
export class HttpTable implements TableSource {
  readonly from: string;
  readonly #options: HttpTableOptions;
  readonly #stopped = new AbortController();
  #last: Answer | undefined;
  #poller: Poller | undefined;
  /** The rows told last are of an earlier answer, from the cache. */
  #isStale = false;

  constructor(options: HttpTableOptions) {
    this.#options = options;
    const { origin, pathname } = new URL(options.url);
    this.from = `${origin}${pathname}`;
  }

  /** Where the server cannot be asked, the rows it gave last, with their age. */
  async load(): Promise<Snapshot> {
    try {
      const answer = await this.#ask() ?? this.#last!;
      const snapshot = this.#parse(answer);
      await this.#keep(answer);
      this.#isStale = false;
      return snapshot;
    } catch (error) {
      const cached = this.#last ?? await this.#cached();
      if (cached === undefined) throw error;
      const snapshot = this.#parse(cached);
      this.#last = cached;
      this.#isStale = true;
      return { ...snapshot, stale: (error as Error).message };
    }
  }

  follow(listener: TableListener): void {
    const poller = this.#poller = new Poller(this.#options.poll, async () => {
      try {
        const answer = await this.#ask();
        if (poller.isStopped) return;
        if (answer === undefined || (this.#last !== undefined && !this.#isStale && Buffer.compare(answer.body, this.#last.body) === 0)) {
          this.#last = answer ?? (this.#last === undefined ? undefined : { ...this.#last, asOf: Date.now() });
          this.#isStale = false;
          listener.confirmed(Date.now());
          return;
        }
        const snapshot = this.#parse(answer);
        await this.#keep(answer);
        this.#isStale = false;
        if (!poller.isStopped) listener.changed(snapshot);
      } catch (error) {
        if (!poller.isStopped) listener.failed(error as Error);
      }
    });
    poller.start();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#poller?.stop();
  }

  /** The server's answer; undefined: the same as last time. */
  async #ask(): Promise<Answer | undefined> {
    const { url, headers, timeout, maxBytes } = this.#options;
    const conditions: Record<string, string> = {};
    if (this.#last?.etag !== undefined) conditions['if-none-match'] = this.#last.etag;
    if (this.#last?.modified !== undefined) conditions['if-modified-since'] = this.#last.modified;
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), this.#stopped.signal]);
    try {
      const response = await fetch(url, { headers: { accept: 'application/json, application/x-ndjson, text/csv;q=0.9', ...headers, ...conditions }, signal });
      if (response.status === 304 && this.#last !== undefined) {
        await response.body?.cancel();
        return undefined;
      }
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`the answer is ${response.status} ${response.statusText}`.trim());
      }
      const body = await bodyOf(response, maxBytes);
      return {
        body, format: this.#options.format ?? formatOf(response.headers.get('content-type') ?? '', body), asOf: Date.now(),
        etag: response.headers.get('etag') ?? undefined, modified: response.headers.get('last-modified') ?? undefined,
      };
    } catch (error) {
      throw new TableSourceError(`${this.from} cannot be read: ${reasonOf(error as Error, timeout)}.`, { cause: error });
    }
  }

  #parse(answer: Answer): Snapshot {
    return { ...parseRows(answer.body, answer.format, this.from), asOf: answer.asOf };
  }

  /** Remembers an answer whose rows can be read, also beyond the process. */
  async #keep(answer: Answer): Promise<void> {
    if (answer === this.#last) return;
    this.#last = answer;
    const { cache } = this.#options;
    if (cache === undefined) return;
    const { body, ...about } = answer;
    await mkdir(dirname(cache), { recursive: true });
    // Written beside it, forced onto the disk and renamed: after a crash there is the old answer or the new one.
    const file = await open(`${cache}.new`, 'w');
    try {
      await file.write(`${JSON.stringify({ ...about, from: this.from })}\n`);
      await file.write(body);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${cache}.new`, cache);
  }

  async #cached(): Promise<Answer | undefined> {
    const { cache } = this.#options;
    if (cache === undefined) return undefined;
    try {
      const bytes = await readFile(cache);
      const feed = bytes.indexOf(10);
      const about = JSON.parse(bytes.subarray(0, feed).toString()) as Omit<Answer, 'body'> & { readonly from: string };
      // A cache of another address is no answer of this one.
      return about.from === this.from ? { ...about, body: new Uint8Array(bytes.subarray(feed + 1)) } : undefined;
    } catch {
      return undefined;
    }
  }
}

async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function formatOf(contentType: string, body: Uint8Array): RowFormat {
  if (contentType.includes('csv')) return 'csv';
  const first = body.find((byte) => byte > 32 && byte < 128);
  return first === 0x5b ? 'json' : 'jsonl';
}

function reasonOf(error: Error & { cause?: unknown }, timeout: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${timeout} ms`;
  const cause = error.cause as (Error & { code?: string }) | undefined;
  return cause === undefined ? error.message : cause.message === '' ? cause.code ?? error.message : cause.message;
}
