/** What the suites of the live job share beside test/support/job.ts: rules, receivers, and looking at a job from outside. */
import { afterAll, beforeAll } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../src/connect/kafka/index.ts';
import type { JobStatus } from '../../src/job/index.ts';
import { client, JobFolder, PATIENCE, RULES, type JobRun, type SeenAlert } from './job.ts';
import { sharedKafka } from './shared-kafka.ts';

/** RULES, with payments that count once: for sources that deliver again after a crash. */
export const ONCE_RULES = readFileSync(RULES, 'utf8').replace('time ts id tx', 'time ts id tx once within 1h');

/** One alert for each payment, with what it notes. */
export const EACH_RULES = `
event Payment {
  tx: string, card: string, amount: float, ts: time, note: string?
} time ts id tx

rule Each {
  by    card
  match payment
    payment: Payment
  alert fraud { tx: payment.tx, note: payment.note }
  evidence refs
}
`;

/** The brokers all suites share, a client past the job, and folders of jobs that go at the end with all that runs in them. */
export interface LiveKafka { readonly brokers: readonly string[]; readonly own: Kafka; folder(): JobFolder }

/** To be called where a suite is described: it connects before the tests and lets go after them. */
export function liveKafka(): LiveKafka {
  let brokers: readonly string[] = [];
  let own: Kafka | undefined;
  const folders: JobFolder[] = [];
  beforeAll(async () => {
    ({ brokers } = await sharedKafka());
    own = await client(brokers[0]!);
  }, 300_000);
  afterAll(async () => {
    for (const folder of folders) await folder.remove();
    await own?.close();
  }, 60_000);
  return {
    get brokers() { return brokers; },
    get own() { return own!; },
    folder() {
      const folder = new JobFolder();
      folders.push(folder);
      return folder;
    },
  };
}

/** Waits for what is to become true. @throws with what it was, and the end of the job's log, when it has not for PATIENCE */
export async function eventually(what: string, check: () => boolean | Promise<boolean>, run?: JobRun): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE} ms: ${what}\n${run?.log.slice(-4000) ?? ''}`);
    await sleep(50);
  }
}

/** Lines of JSON of a file, none where it is not there yet. Part of a line at its end, left by a crash, is left out. */
export function jsonLines<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}

export function alertsInFile(path: string): SeenAlert[] {
  return jsonLines<{ id: string; key: object; to: string }>(path).map(({ id, key, to }, offset) => ({ id, key: JSON.stringify(key), to, partition: 0, offset }));
}

/** Entries of a job's log with this message. */
export function said(run: JobRun, message: string): Record<string, unknown>[] {
  return run.log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);
}

/** What a job tells on its port; undefined while it does not answer. */
export async function statusOf(port: number): Promise<JobStatus | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/status`, { signal: AbortSignal.timeout(2000) });
    return response.ok ? await response.json() as JobStatus : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes of memory that a process has now. */
export function residentBytes(pid: number): number {
  return 1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
}

/** Receives alerts as a webhook does; `hold` lets it answer nobody until `release`. */
export class Receiver {
  /** Idempotency-Key → times it was answered with 200. */
  readonly taken = new Map<string, number>();
  /** ms that each answer takes. */
  delay = 0;
  readonly #server: Server;
  #held: (() => void)[] | undefined;

  private constructor() {
    this.#server = createServer((request, response) => { void this.#take(request, response); });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => { receiver.#server.listen(0, '127.0.0.1', resolve); });
    return receiver;
  }

  get url(): string { return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`; }
  get waiting(): number { return this.#held?.length ?? 0; }
  hold(): void { this.#held ??= []; }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  async stop(): Promise<void> {
    this.release();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => { this.#server.close(() => { resolve(); }); });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for await (const _ of request) { /* the body is not looked at */ }
    if (this.#held !== undefined) await new Promise<void>((resolve) => { this.#held!.push(resolve); });
    if (this.delay > 0) await sleep(this.delay);
    if (response.destroyed) return;
    const id = String(request.headers['idempotency-key']);
    this.taken.set(id, (this.taken.get(id) ?? 0) + 1);
    response.writeHead(200).end();
  }
}
