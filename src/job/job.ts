/**
 * A live job: sources → tasks → sinks, until it is asked to stop. After a failure that may pass (a broker that is away, a partition taken over by another
 * process) it starts again within the process from its last commit, with longer and longer pauses, as it would after a crash; what was not committed
 * was never visible, or comes again with the same id.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../../dsl/typed.ts';
import type { Ingest } from '../connect/http/index.ts';
import { FencedError, MemoryBroker } from '../connect/kafka/index.ts';
import type { Log } from '../connect/types.ts';
import { StoreFencedError } from '../state/stores/index.ts';
import { Attempt, type Shared } from './attempt.ts';
import { httpSourceOptions, type JobConfig } from './config/index.ts';
import { groupRules } from './groups.ts';
import { inputOf, JobError } from './parts.ts';
import { Counts, type JobStatus, type RuleStatus } from './status.ts';
import { JobTables } from './tables.ts';

/** Upper bounds of the histograms, s. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const PAUSES = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1];
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** So many commits in short succession may be refused as those of a former owner before the job gives way. */
const MOST_FENCINGS = 3;
/** A run of this length has worked: the next failure begins with the shortest pause again. */
const STEADY = 60_000;

export interface JobOptions {
  readonly config: JobConfig;
  readonly program: Program;
  readonly log: Log;
  /** Of the kind of Kafka that lives in the process (`adapter: memory`); default: one of the job's own. */
  readonly memoryBroker?: MemoryBroker | undefined;
  /** ms since the epoch */
  readonly now?: (() => number) | undefined;
}

export class Job {
  readonly #options: JobOptions;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #started: number;
  /** What outlives an attempt. */
  readonly #shared: Shared;
  readonly #stopped = new AbortController();
  #state: JobStatus['state'] = 'starting';
  #failure: string | undefined;
  #restarts = 0;
  #attempt: Attempt | undefined;
  #running: Promise<void> | undefined;
  /** Rules' counts of attempts before the current one. */
  readonly #before = new Map<string, RuleStatus>();

  /** @throws ParamError, CompileError */
  constructor(options: JobOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
    this.#started = this.#now();
    const broker = options.memoryBroker ?? new MemoryBroker();
    this.#shared = {
      tables: new JobTables({ config: options.config, program: options.program, broker, log: options.log, now: this.#now }),
      groups: groupRules(options.config, options.program),
      inputs: [...options.config.sources].map(([name, source], index) => inputOf(name, index, source, options.program)),
      broker, now: this.#now, sent: new Map(), http: new Map(),
      counts: { rejected: new Map(), late: 0, latency: new Counts(SECONDS), pause: new Counts(PAUSES), duration: new Counts(SECONDS) },
    };
  }

  /** What the server's routes give posted events to, for as long as the job lives, whatever it goes through. */
  ingests(): Ingest[] {
    const { config } = this.#options;
    return [...config.sources].flatMap(([name, source]) => (source.kind !== 'http' ? [] : [{
      options: httpSourceOptions(config, name, source, 0),
      post: (type, events) => this.#shared.http.get(name)?.post(type, events) ?? Promise.resolve({ outcome: 'unavailable', reason: 'the job is starting' }),
    } satisfies Ingest]));
  }

  /** Runs until `stop`, until all sources are over, or until a failure that starting again cannot cure, which it throws. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { tables } = this.#shared;
    try {
      await tables.load(this.#stopped.signal);
      await this.#attempts();
    } catch (error) {
      this.#failure = (error as Error).message;
      this.#state = this.#stopped.signal.aborted ? 'stopped' : 'failed';
      throw error;
    } finally {
      await tables.stop();
    }
  }

  async #attempts(): Promise<void> {
    let pause = FIRST_PAUSE;
    let fencings = 0;
    while (!this.#stopped.signal.aborted) {
      const attempt = new Attempt(this.#options, this.#shared);
      this.#attempt = attempt;
      const began = this.#now();
      let isDraining = false;
      try {
        await attempt.start();
        this.#state = 'running';
        this.#failure = undefined;
        this.#log.info({ job: this.#options.config.name, rules: this.#shared.groups.flatMap(({ plan }) => plan.rules.filter((rule) => !rule.isGroup).map((rule) => rule.rule.name)) }, 'the job runs');
        await attempt.over;
        this.#state = 'stopping';
        isDraining = true;
        await attempt.stop(this.#options.config.shutdown.deadline);
        this.#state = 'stopped';
        return;
      } catch (error) {
        const isSteady = this.#now() - began > STEADY;
        if (isSteady) fencings = 0;
        if (isFencing(error)) fencings++;
        // A transaction that was open for too long (the process slept) is ended by the broker in the same way as by another owner.
        const isReplaced = isFencing(error) && !attempt.inGroup && (error instanceof StoreFencedError || fencings >= MOST_FENCINGS || await attempt.isReplaced());
        await attempt.abandon();
        this.#keepCounts(attempt);
        const failure = isReplaced ? replaced(this.#options.config.name, error as Error) : error as Error;
        this.#failure = failure.message;
        if (this.#stopped.signal.aborted && !isDraining) break;
        if (failure instanceof JobError) throw failure;
        if (this.#stopped.signal.aborted) throw new JobError(`Not all that was taken in has been committed: ${failure.message}`, { cause: failure });
        this.#state = 'restarting';
        this.#restarts++;
        if (isSteady) pause = FIRST_PAUSE;
        this.#log.error({ error: (error as Error).message, again: pause }, 'the job starts again from its last commit');
        await sleep(pause, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
    }
    this.#state = 'stopped';
  }

  /** Stops reading, commits what has been taken in, and ends; within the deadline of the job file, else as by a crash. */
  async stop(): Promise<void> {
    if (this.#state !== 'failed') this.#state = 'stopping';
    this.#stopped.abort();
    this.#attempt?.end();
    await this.#running?.catch(() => undefined);
  }

  status(): JobStatus {
    const { counts, sent } = this.#shared;
    const rules = new Map(this.#before);
    for (const rule of this.#attempt?.ruleCounts() ?? []) add(rules, rule);
    return {
      job: this.#options.config.name, started: this.#started, state: this.#state, waitsFor: this.#state === 'running' ? this.#attempt?.waitsFor() ?? [] : [], failure: this.#failure, restarts: this.#restarts,
      tasks: this.#attempt?.tasks() ?? [], sources: this.#attempt?.sources() ?? [], tables: this.#shared.tables.status(), rules: [...rules.values()], sent: Object.fromEntries(sent),
      rejected: Object.fromEntries(counts.rejected), late: counts.late, latency: counts.latency, pause: counts.pause, checkpointDuration: counts.duration,
    };
  }

  #keepCounts(attempt: Attempt): void {
    // What it held went with it.
    for (const rule of attempt.ruleCounts()) add(this.#before, { ...rule, keys: 0, runs: 0, bytes: 0 });
  }
}

/** A later owner writes. Of a job in a consumer group that is another process which was given the task, as it should be. */
function isFencing(error: unknown): boolean { return error instanceof FencedError || error instanceof StoreFencedError; }

function replaced(name: string, cause: Error): JobError {
  return new JobError(`Another process runs a job named "${name}" and has taken its place. Nothing of what this one had not committed was written; the other goes on from its last commit. `
    + 'Without Kafka topics to share, a job is one process: stop one of the two, or give each its own name.', { cause });
}

function add(rules: Map<string, RuleStatus>, more: RuleStatus): void {
  const known = rules.get(more.rule);
  rules.set(more.rule, known === undefined ? more : {
    rule: more.rule, events: known.events + more.events, alerts: known.alerts + more.alerts, timedOut: known.timedOut + more.timedOut,
    dropped: known.dropped + more.dropped, suppressed: known.suppressed + more.suppressed,
    keys: known.keys + more.keys, runs: known.runs + more.runs, bytes: known.bytes + more.bytes,
  });
}
