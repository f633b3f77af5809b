import type { RedisPort } from './redis-port.ts';

/** Redis did not answer in time. Whether it did what it was asked is unknown; it may still do it when it wakes up. */
export class RedisTimeoutError extends Error {
  override readonly name = 'RedisTimeoutError';
}

/**
 * Gives every exchange with Redis a time limit, and keeps a client's queue from growing while Redis is silent: after a limit has passed, nothing more
 * is sent in that lane (a task) before the client has answered or given up what is under way.
 */
export class RedisCalls {
  readonly #port: RedisPort;
  /** ms */
  readonly #limit: number;
  readonly #stuck = new Map<string, Promise<void>>();

  constructor(port: RedisPort, limit: number) {
    this.#port = port;
    this.#limit = limit;
  }

  /** @throws Error that says what failed, what happens now, and what to look at */
  async run<T>(lane: string, what: string, send: (port: RedisPort) => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#limit;
    try {
      const stuck = this.#stuck.get(lane);
      if (stuck !== undefined) await this.#until(deadline, stuck);
      const answer = send(this.#port);
      try {
        return await this.#until(deadline, answer);
      } catch (error) {
        if (error instanceof RedisTimeoutError) this.#hold(lane, answer);
        throw error;
      }
    } catch (error) {
      if (error instanceof RedisTimeoutError) throw new RedisTimeoutError(`Redis: ${what}. ${error.message}`);
      throw new Error(`Redis: ${what}. ${advice(error as Error)}`, { cause: error });
    }
  }

  #hold(lane: string, answer: Promise<unknown>): void {
    const settled = answer.then(() => undefined, () => undefined).then(() => {
      if (this.#stuck.get(lane) === settled) this.#stuck.delete(lane);
    });
    this.#stuck.set(lane, settled);
  }

  async #until<T>(deadline: number, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new RedisTimeoutError(`It did not answer within ${this.#limit} ms; the last good checkpoint stays. See whether Redis runs and is reachable, its SLOWLOG, and the store's timeout.`));
      }, Math.max(deadline - performance.now(), 0));
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function advice(error: Error): string {
  const reason = error.message;
  if (/\bOOM\b/.test(reason)) return `Redis has reached its maxmemory (${reason}); the last good checkpoint stays. Give it more memory, or keep fewer checkpoints.`;
  if (/\bNOAUTH\b|\bWRONGPASS\b|\bNOPERM\b/.test(reason)) return `Redis refuses this user (${reason}). See the user name, the password, and the user's ACL.`;
  if (/\bMISCONF\b/.test(reason)) return `Redis cannot write to its disk (${reason}); the last good checkpoint stays. See Redis' log.`;
  if (/\bREADONLY\b/.test(reason)) return `This Redis is a replica (${reason}). Name the master, or use Sentinel or Cluster so that it is found.`;
  if (/\bLOADING\b/.test(reason)) return `Redis is still reading its data from disk (${reason}); it is tried again.`;
  if (/\bCLUSTERDOWN\b/.test(reason)) return `The Redis cluster does not serve all slots (${reason}). See CLUSTER INFO.`;
  return `The reason: ${reason === '' ? error.name : reason}. The last good checkpoint stays. See whether Redis runs and is reachable.`;
}
