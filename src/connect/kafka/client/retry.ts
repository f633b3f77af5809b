import { setTimeout as sleep } from 'node:timers/promises';
import { CODE, KafkaError } from '../errors.ts';

/** ms that a request is tried again for before its caller hears of it: longer than a broker's restart or a change of leaders. */
export const PATIENCE = 60_000;
/** The same for a topic that no broker knows: one that has just been made is not known everywhere at once. */
const UNKNOWN_PATIENCE = 2_000;
const FIRST_DELAY = 5;
const LONGEST_DELAY = 500;

export interface RetryOptions {
  /** What is being done, for the error: "write to Kafka topic alerts". */
  readonly what: string;
  readonly patience?: number | undefined;
  /** Called after a failure that will be tried again. */
  onFailure?(error: KafkaError): void;
  /** True: give up, e.g. because the producer is being closed. */
  stopped?(): boolean;
  /** The client is closed: what fails from now on would fail for ever. */
  readonly closed?: AbortSignal;
}

/** Repeats `attempt` after errors that may pass by themselves, 5 to 500 ms apart. @throws KafkaError: one that does not pass, or the last after `patience` */
export async function retrying<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const started = Date.now();
  let unknownSince = Infinity;
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, LONGEST_DELAY)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      unknownSince = error.code === CODE.UNKNOWN_TOPIC_OR_PARTITION ? Math.min(unknownSince, Date.now()) : Infinity;
      const unknown = Date.now() - unknownSince > UNKNOWN_PATIENCE;
      const waited = Date.now() - started;
      if (!error.retriable || options.stopped?.() || options.closed?.aborted) throw KafkaError.within(error, `Could not ${options.what}: ${error.message}`);
      if (unknown || waited > (options.patience ?? PATIENCE)) {
        const advice = unknown ? 'Create the topic, or correct its name.' : 'Look at the brokers and the way to them.';
        throw KafkaError.within(error, `Could not ${options.what}, tried for ${Math.round(waited / 1000)} s: ${error.message}. ${advice}`);
      }
      options.onFailure?.(error);
    }
    await sleep(delay * (0.8 + 0.4 * Math.random()), undefined, { signal: options.closed }).catch(() => { /* closed: the attempt that follows says so */ });
  }
}
