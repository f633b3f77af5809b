/** Alerts of a job as an onlooker reads them: without a group, without a commit, without anything the job could notice. */

/** Where to begin: with all there is, with what comes from now on, or with what came at or after a time (ms since the epoch). */
export type From = 'earliest' | 'latest' | number;

export interface FeedHost {
  /** Aborted when the command ends: `run` then resolves soon. */
  readonly signal: AbortSignal;
  /** An alert's JSON text. The feed waits for the promise. */
  deliver(value: Uint8Array): Promise<void>;
  /** What the person should know: a topic that is not there yet, a connection that was lost. One sentence. */
  say(message: string): void;
}

export interface Feed {
  readonly kind: 'kafka' | 'mqtt' | 'redis' | 'file';
  /** For messages: "Kafka topic fraud-alerts". */
  readonly what: string;
  /** Reads until the signal is aborted. @throws Error when the first connection fails: what failed and what to look at */
  run(from: From, host: FeedHost): Promise<void>;
}
