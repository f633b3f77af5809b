import { createHmac } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LineAppender } from '../file-sink/index.ts';
import type { Log, OutRecord, Sink } from '../types.ts';
import type { WebhookSinkOptions } from './options.ts';

/** What one try came to. `refused`: the same alert would be refused again. */
type Try =
  | { readonly outcome: 'taken' }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'failed'; readonly reason: string; readonly retryAfter: number | undefined };

/** Statuses that are about the alert, not about the receiver. */
const REFUSED = new Set([400, 405, 406, 409, 410, 411, 413, 414, 415, 422, 431]);
const SHOWN = 200;

/**
 * Posts each alert to an address, at least once: again with growing pauses until it is answered with 2xx, in order for each key. An alert that is refused
 * for what it is, or failed `tries` times, is written to the dead letters; `send` resolves when each one is delivered or there. The receiver drops
 * repeats by the header `Idempotency-Key`, the alert's id, and checks the signature (see `secret`): `t` is the time of the try, so that a receiver may
 * refuse old ones.
 */
export class WebhookSink implements Sink {
  readonly name: string;
  readonly #options: WebhookSinkOptions;
  /** The address without its query and user, for messages. */
  readonly #address: string;
  #log: Log | undefined;
  #deadLetters: LineAppender | undefined;
  #buried: Promise<void> = Promise.resolve();
  /** The last alert of each key under way. */
  readonly #tails = new Map<string, Promise<void>>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #stopping = new AbortController();

  constructor(options: WebhookSinkOptions) {
    this.name = options.name;
    this.#options = options;
    const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) throw new Error(`channels.${options.name}.url is no http or https address`);
    this.#address = `${url.origin}${url.pathname}`;
  }

  async start(log: Log): Promise<void> {
    this.#log = log;
    this.#deadLetters = new LineAppender(this.#options.deadLetters, true, log);
  }

  async send(records: readonly OutRecord[]): Promise<void> {
    const all = records.map((record) => this.#inOrder(record));
    // All come to their end before this does, so that none is under way when the job tries again.
    const failed = (await Promise.allSettled(all)).find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`sink ${this.name} was stopped`));
    await Promise.allSettled(this.#tails.values());
    await this.#buried.catch(() => undefined);
    await this.#deadLetters?.close();
  }

  async probe(): Promise<readonly string[]> {
    const { url, timeout = 10_000, deadLetters } = this.#options;
    const folder = dirname(deadLetters);
    await access(folder, constants.W_OK).catch((error: Error) => {
      throw new Error(`the dead letters cannot be written to ${deadLetters}: ${error.message}. See channels.${this.name}.deadLetters.`, { cause: error });
    });
    try {
      const response = await fetch(url, { method: 'OPTIONS', redirect: 'manual', signal: AbortSignal.timeout(timeout) });
      await response.body?.cancel();
      return [`${this.#address} answers (${response.status} to OPTIONS); whether it takes alerts shows with the first one`];
    } catch (error) {
      throw new Error(`${this.#address} cannot be reached: ${describe(error as Error)}. See channels.${this.name}.url.`, { cause: error });
    }
  }

  /** Behind the last alert of its key. */
  async #inOrder(record: OutRecord): Promise<void> {
    const before = record.key === '' ? undefined : this.#tails.get(record.key);
    const done = (async () => {
      await before?.catch(() => undefined);
      await this.#enter();
      try {
        await this.#deliver(record);
      } finally {
        this.#leave();
      }
    })();
    if (record.key !== '') {
      this.#tails.set(record.key, done);
      const forget = (): void => {
        if (this.#tails.get(record.key) === done) this.#tails.delete(record.key);
      };
      done.then(forget, forget);
    }
    return done;
  }

  async #enter(): Promise<void> {
    while (this.#running >= (this.#options.concurrency ?? 4)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
  }

  #leave(): void {
    this.#running--;
    this.#waiting.shift()?.();
  }

  async #deliver(record: OutRecord): Promise<void> {
    const { tries = 8, retryDelay = 500, maxRetryDelay = 60_000 } = this.#options;
    for (let count = 1; ; count++) {
      if (this.#stopping.signal.aborted) throw this.#stopped(record);
      const result = await this.#post(record);
      if (result.outcome === 'taken') return;
      if (this.#stopping.signal.aborted) throw this.#stopped(record);
      if (result.outcome === 'refused' || count >= tries) {
        await this.#bury(record, result.reason, count);
        return;
      }
      const backOff = retryDelay * 2 ** (count - 1) * (0.5 + Math.random() / 2);
      const wait = Math.min(maxRetryDelay, result.retryAfter ?? backOff);
      this.#log!.warn({ url: this.#address, id: record.id, attempt: count, of: tries, error: result.reason, retryIn: Math.round(wait) },
        `the webhook did not take alert ${record.id}; trying again in ${Math.round(wait)} ms`);
      await this.#sleep(wait);
    }
  }

  async #post(record: OutRecord): Promise<Try> {
    const { url, timeout = 10_000, headers, secret } = this.#options;
    const seconds = Math.floor(Date.now() / 1_000);
    const body = record.enveloped?.() ?? record.value;
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), this.#stopping.signal]);
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        signal,
        body: body as Uint8Array<ArrayBuffer>,
        headers: {
          'content-type': 'application/json',
          ...headers,
          ...(record.id !== '' && { 'idempotency-key': record.id }),
          'alcedo-channel': encodeURIComponent(record.channel),
          ...(secret !== undefined && { 'alcedo-signature': signature(secret, seconds, body) }),
        },
      });
      if (response.ok) {
        await response.body?.cancel();
        return { outcome: 'taken' };
      }
      const reason = `status ${response.status}: ${await beginning(response)}`;
      if (REFUSED.has(response.status)) return { outcome: 'refused', reason };
      return { outcome: 'failed', reason, retryAfter: retryAfter(response.headers.get('retry-after')) };
    } catch (error) {
      return { outcome: 'failed', reason: describe(error as Error), retryAfter: undefined };
    }
  }

  /** Writes the alert to the dead letters; throws where that fails, so that it is not lost: the job then sends it again. */
  #bury(record: OutRecord, reason: string, tries: number): Promise<void> {
    const { id, key, headers, channel } = record;
    const value = Buffer.from(record.value).toString();
    const letter = `${JSON.stringify({ time: new Date().toISOString(), reason, tries, id, key, channel, headers, value })}\n`;
    const written = this.#buried.then(async () => {
      try {
        await this.#deadLetters!.append(Buffer.from(letter));
      } catch (error) {
        throw new Error(`alert ${id} was not taken by ${this.#address} (${reason}), and cannot be written to the dead letters: ${(error as Error).message}. See channels.${this.name}.deadLetters.`, { cause: error });
      }
      this.#log!.error({ url: this.#address, id, tries, error: reason, deadLetters: this.#options.deadLetters }, `alert ${id} could not be delivered; it is in the dead letters`);
    });
    this.#buried = written.catch(() => undefined);
    return written;
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
    });
  }

  #stopped(record: OutRecord): Error {
    return new Error(`sink ${this.name} was stopped before alert ${record.id} was delivered`);
  }
}

/** `t=SECONDS,v1=HEX`: HMAC-SHA256 of the time, a point, and the body. */
export function signature(secret: string, seconds: number, body: Uint8Array): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')}`;
}

/** ms of a Retry-After header: seconds, or a date. */
export function retryAfter(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The beginning of an answer's text, for a message. */
async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const { value } = await reader.read();
  await reader.cancel();
  return Buffer.from(value ?? new Uint8Array(0)).toString().slice(0, SHOWN).trim();
}

function describe(error: Error): string {
  if (error.name === 'TimeoutError') return 'no answer in time';
  const cause = error.cause as (Error & { code?: string }) | undefined;
  return cause === undefined ? error.message : cause.message === '' ? String(cause.code) : cause.message;
}
