import type { JournalOptions } from '../journal/index.ts';

export interface HttpSourceOptions {
  /** Name of the input; its stream is called `NAME/0`. */
  readonly name: string;
  /** Task the input belongs to. Default 0. */
  readonly task?: number | undefined;
  /** Events are posted to `PATH/TYPE`. Default `/events`. */
  readonly path?: string | undefined;
  /** Event types that are taken; others are answered 404. Default: all. */
  readonly types?: readonly string[] | undefined;
  /** Bearer token that callers must show. Default: none is asked for. Never logged. */
  readonly token?: string | undefined;
  /** A body is answered when it is in this journal. */
  readonly journal: JournalOptions;
  /** Bytes of a body, decompressed too. Default 4,194,304. */
  readonly maxBody?: number | undefined;
  /** Bytes of bodies that may wait to be written at one time; more are answered 429. Default 67,108,864. */
  readonly maxPending?: number | undefined;
  /** Seconds in `Retry-After` of 429 and 503. Default 1. */
  readonly retryAfter?: number | undefined;
}

export interface WebhookSinkOptions {
  readonly name: string;
  /** Each alert is posted here by itself, as `application/json`. Redirects are not followed. */
  readonly url: string;
  /** Added to each request (authorization and the like). Never logged. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Key of the signature `Alcedo-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 of `SECONDS.BODY`. Default: unsigned. Never logged. */
  readonly secret?: string | undefined;
  /** ms for one try. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Tries of one alert, the first included; then it goes to the dead letters. Default 8. */
  readonly tries?: number | undefined;
  /** ms before the second try; doubled for each further one, with jitter. Default 500. */
  readonly retryDelay?: number | undefined;
  /** ms between two tries at most, also where `Retry-After` asks for more. Default 60,000. */
  readonly maxRetryDelay?: number | undefined;
  /** Requests under way at one time; alerts of one key always go one after the other. Default 4. */
  readonly concurrency?: number | undefined;
  /** JSON Lines file of the alerts that could not be delivered: time, reason, tries, id, key, headers, value. */
  readonly deadLetters: string;
}
