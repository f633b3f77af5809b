/** The parts of a live job, all in this process: simulators → MQTT broker → job → alert topics → subscriber. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MemoryBroker, openMemoryKafka } from '../../connect/kafka/index.ts';
import { startEmbeddedBroker } from '../../connect/mqtt/index.ts';
import type { Log } from '../../connect/types.ts';
import { Job, typesOf, type JobStatus } from '../../job/index.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { ALERT_TOPICS, jobText, readDemoJob, type DemoJob } from './job-file.ts';
import { Publisher } from './publisher.ts';
import { Subscriber } from './subscriber.ts';
import type { WorldEvent } from './world.ts';

/** Alerts that each partition keeps: the subscriber has read them long before. */
const RETAINED = 1000;
/** Messages on their way from the simulators into the job. */
const MOST_UNDER_WAY = 5000;
/** ms for the job to subscribe, to take what was published, for the subscriber to read what was committed. */
const PATIENCE = 10_000;

export interface PipelineOptions {
  readonly io: Io;
  readonly log: Log;
  /** The JSON text of an alert that was committed to a topic. */
  readonly onAlert: (json: string, job: DemoJob) => Promise<void>;
  /** The log that holds the topics. Default: one of its own, which forgets what is old. */
  readonly topics?: MemoryBroker | undefined;
}

export class Pipeline {
  readonly job: DemoJob;
  /** As it would stand in a file. */
  readonly jobText: string;
  readonly subscriber: Subscriber;
  /** Port of the MQTT broker, on the loopback address. */
  readonly port: number;
  readonly #running: Job;
  readonly #publisher: Publisher;
  readonly #failed: { error?: Error };
  readonly #closing: (() => Promise<unknown>)[];
  readonly #read: ReadonlySet<string>;
  /** Messages published that the job has subscribed to. */
  #published = 0;

  private constructor(parts: Parts) {
    ({ job: this.job, text: this.jobText, subscriber: this.subscriber, port: this.port, running: this.#running, publisher: this.#publisher, failed: this.#failed, closing: this.#closing } = parts);
    this.#read = new Set([...this.job.config.sources.values()].flatMap((source) => typesOf(source).types));
  }

  /** Resolves when events can come. @throws CliError where a part cannot be started; then none is left */
  static async start({ io, log, onAlert, topics = new MemoryBroker({ retainedRecords: RETAINED }) }: PipelineOptions): Promise<Pipeline> {
    const closing: Parts['closing'] = [];
    try {
      const data = await temporaryFolder(closing).catch((error: Error) => { throw new CliError(`There is no folder for the demo's files: ${error.message}`); });
      const broker = await startEmbeddedBroker().catch((error: Error) => { throw new CliError(error.message); });
      closing.push(() => broker.stop());
      const text = jobText(broker.url, data);
      const job = await readDemoJob(io, text);
      const running = new Job({ ...job, log, memoryBroker: topics });
      const failed: Parts['failed'] = {};
      const ended = running.run().catch((error: Error) => { failed.error = error; });
      closing.push(async () => { await running.stop(); await ended; });
      await untilRunning(running, failed);
      const kafka = await openMemoryKafka(topics, { log });
      closing.push(() => kafka.close());
      const subscriber = new Subscriber(kafka, ALERT_TOPICS, (json) => onAlert(json, job));
      await subscriber.start((error) => { failed.error ??= error; });
      closing.push(() => subscriber.stop());
      const publisher = await Publisher.connect(broker.url);
      closing.push(() => publisher.close());
      return new Pipeline({ job, text, subscriber, port: broker.port, running, publisher, failed, closing });
    } catch (error) {
      await closeAll(closing);
      throw error;
    }
  }

  status(): JobStatus { return this.#running.status(); }

  /** Publishes events; waits while the job has too many before it. @throws CliError when a part has failed */
  async publish(events: readonly WorldEvent[]): Promise<void> {
    await this.#publisher.publish(events);
    for (const { event } of events) if (this.#read.has(event.type)) this.#published++;
    await this.#untilTaken(this.#published - MOST_UNDER_WAY, Infinity);
  }

  /** Nothing further is published: the job takes what was, commits and ends; the subscriber reads it all. */
  async drain(): Promise<void> {
    await this.#untilTaken(this.#published, PATIENCE);
    await this.#running.stop();
    this.#check();
    await this.subscriber.catchUp(PATIENCE);
    this.#check();
  }

  /** Ends every part, the last one first, and removes the files. */
  close(): Promise<void> { return closeAll(this.#closing); }

  async #untilTaken(count: number, patience: number): Promise<void> {
    for (const deadline = performance.now() + patience; takenBy(this.status()) < count && performance.now() < deadline;) {
      this.#check();
      await delay(10);
    }
    this.#check();
  }

  #check(): void { throwFailure(this.#failed); }
}

/** Messages that the job has taken over MQTT. */
export function takenBy({ tasks }: JobStatus): number {
  return tasks.reduce((sum, { streams }) => sum + streams.reduce((of, { offset }) => of + offset, 0), 0);
}

interface Parts {
  readonly job: DemoJob;
  readonly text: string;
  readonly subscriber: Subscriber;
  readonly port: number;
  readonly running: Job;
  readonly publisher: Publisher;
  /** Set by a part that cannot go on. */
  readonly failed: { error?: Error };
  /** What ends each part, in the order they were started. */
  readonly closing: (() => Promise<unknown>)[];
}

/** The MQTT broker keeps nothing for a client that has never subscribed, so nothing may be published before. */
async function untilRunning(job: Job, failed: Parts['failed']): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    throwFailure(failed);
    const { state, sources, failure } = job.status();
    if (state === 'running' && sources.every(({ streams }) => streams.every(({ connected }) => connected))) return;
    if (performance.now() > deadline) throw new CliError(`The job did not start within ${PATIENCE / 1000} s${failure === undefined ? '' : `: ${failure}`}.`);
    await delay(10);
  }
}

function throwFailure({ error }: Parts['failed']): void {
  if (error !== undefined) throw new CliError(`The demo cannot go on: ${error.message}`);
}

/** Removed in the end, also where the process is ended by force in between. */
async function temporaryFolder(closing: Parts['closing']): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'alcedo-demo-'));
  const remove = (): void => { rmSync(folder, { recursive: true, force: true, maxRetries: 3 }); };
  process.once('exit', remove);
  closing.push(async () => {
    remove();
    process.off('exit', remove);
  });
  return folder;
}

async function closeAll(closing: Parts['closing']): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close().catch(() => undefined);
}
