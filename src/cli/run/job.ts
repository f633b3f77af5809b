/** Reads events from files and standard input, runs them through the rules, and writes what comes out. */
import { Buffer } from 'node:buffer';
import type { Alert } from '../../core/alert.ts';
import type { Batch } from '../../core/batch.ts';
import type { Plan } from '../../compile/index.ts';
import { mapSchema, mergeByTime, openEvents, type EventReader, type FieldMap, type RejectedEvent } from '../../connect/files/index.ts';
import { Expander } from '../../decode/index.ts';
import { Engine } from '../../engine/index.ts';
import { alertToJson } from '../../core/alert-json.ts';
import { alertStory } from '../alert-story.ts';
import type { EventsInput } from '../arguments.ts';
import { colours } from '../colours.ts';
import { fileProblem, usageError } from '../errors.ts';
import { coloursFor, type Io } from '../io.ts';
import { LineFile } from './line-file.ts';
import { Progress } from './progress.ts';
import type { RejectCount, RunFigures } from './summary.ts';
import type { TableRows } from './tables.ts';

export interface JobOptions {
  readonly inputs: readonly EventsInput[];
  readonly tables: TableRows;
  readonly map: FieldMap;
  readonly typeField: string;
  /** ms */
  readonly lateness: number;
  /** Event times, ms: events in [from, to) are taken. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** At most so many events are taken. */
  readonly limit: number | undefined;
  readonly pretty: boolean;
  /** Paths; undefined: alerts to standard output, late and rejected events counted only. */
  readonly alerts: string | undefined;
  readonly late: string | undefined;
  readonly rejects: string | undefined;
}

/** Runs a plan over its inputs to their end, until interrupted, or until one cannot be read on. @throws CliError where one cannot be opened, or an output fails */
export async function runJob(io: Io, plan: Plan, options: JobOptions): Promise<RunFigures> {
  const job = new Job(io, plan, options);
  try {
    await job.open();
    await job.work();
  } finally {
    await job.close();
  }
  return job.figures();
}

class Job {
  readonly #io: Io;
  readonly #plan: Plan;
  readonly #options: JobOptions;
  readonly #engine: Engine;
  readonly #expander: Expander;
  readonly #progress: Progress;
  readonly #rejects = new Map<string, RejectCount>();
  readonly #counts: Float64Array;
  readonly #made: ReadonlySet<number>;
  readonly #names: readonly string[];
  #reader: EventReader | undefined;
  #batch: Batch | undefined;
  #alerts!: LineFile;
  #late: LineFile | undefined;
  #rejected: LineFile | undefined;
  #alertCount = 0;
  #shadow = 0;
  #taken = 0;
  #outside = 0;
  #firstTime = Infinity;
  #lastTime = -Infinity;
  #began = 0;
  #elapsed = 0;
  #openRuns: ReadonlyMap<string, number> = new Map();
  #stateBytes = 0;
  #interrupted = false;
  #failure: string | undefined;

  constructor(io: Io, plan: Plan, options: JobOptions) {
    this.#io = io;
    this.#plan = plan;
    this.#options = options;
    this.#progress = new Progress(io);
    this.#made = new Set(plan.each.map(({ type }) => type));
    this.#counts = new Float64Array(plan.schema.types.length);
    this.#names = options.inputs.map(({ path }) => (path === '-' ? 'standard input' : path));
    this.#engine = new Engine(plan, {
      onAlert: this.#writerOfAlerts(),
      lateness: options.lateness,
      onLate: (batch, row) => { this.#late?.add(textOf(batch, row)); },
    });
    this.#expander = new Expander(plan.each, {
      schema: mapSchema(plan.schema, options.map), strings: this.#engine.strings, tables: this.#engine.tables,
      onReject: (reject, _, bytes) => { this.#reject({ ...reject, input: this.#names[this.#batch!.source]!, bytes }); },
    });
    for (const [name, rows] of options.tables) this.#engine.setTable(name, rows);
  }

  async open(): Promise<void> {
    const { inputs, alerts, late, rejects, map, typeField } = this.#options;
    const readers: EventReader[] = [];
    for (const [source, { path, type }] of inputs.entries()) {
      try {
        readers.push(await openEvents({ path, source, typeField, map, ...(type === undefined ? {} : { type }) }, {
          schema: this.#engine.schema, strings: this.#engine.strings, onReject: (rejected) => { this.#reject(rejected); },
        }));
      } catch (error) {
        for (const reader of readers) await reader.close();
        throw usageError(`Cannot read events from "${path}": ${fileProblem(error) ?? (error as Error).message}.`);
      }
    }
    this.#reader = mergeByTime(readers);
    this.#alerts = alerts === undefined ? LineFile.over('standard output', this.#io.stdout) : await LineFile.create(alerts);
    if (late !== undefined) this.#late = await LineFile.create(late);
    if (rejects !== undefined) this.#rejected = await LineFile.create(rejects);
  }

  async work(): Promise<void> {
    const reader = this.#reader!;
    const { limit = Infinity } = this.#options;
    const batch = this.#batch = this.#engine.newBatch(1024);
    const interruption = interruptionOf(this.#io.interrupted);
    const failed = (error: Error): number => {
      this.#failure = error.message;
      return 0;
    };
    this.#began = performance.now();
    while (this.#taken < limit) {
      const count = await Promise.race([reader.read(batch).catch(failed), interruption]);
      if (count === undefined || this.#io.interrupted.aborted) {
        this.#interrupted = true;
        break;
      }
      if (count === 0) break;
      this.#select(batch);
      if (batch.count > 0) {
        const events = this.#expander.expand(batch);
        if (events !== batch) for (let row = 0; row < events.count; row++) this.#countMade(events.type[row]!);
        this.#engine.push(events);
      }
      if (this.#hasOutput()) await this.#flush();
      this.#progress.update({ done: reader.bytesRead, total: reader.bytesTotal, events: this.#taken, alerts: this.#alertCount });
    }
    const stats = this.#engine.stats();
    this.#openRuns = new Map(stats.rules.map((rule) => [rule.name, rule.openRuns]));
    this.#stateBytes = stats.bytes;
    // An input that was not read to its end has not ended: nothing is known of the time after it.
    if (!this.#interrupted && this.#failure === undefined) this.#engine.advance(Infinity);
    this.#elapsed = performance.now() - this.#began;
    await this.#flush();
  }

  async close(): Promise<void> {
    this.#progress.stop();
    // A pending read of an interrupted standard input would keep `close` waiting.
    if (!this.#interrupted) await this.#reader?.close();
    for (const file of [this.#alerts, this.#late, this.#rejected]) await file?.close();
  }

  figures(): RunFigures {
    const byType = new Map<string, number>();
    this.#plan.schema.types.forEach((type, index) => { if (this.#counts[index]! > 0) byType.set(type.name, this.#counts[index]!); });
    return {
      plan: this.#plan, stats: this.#engine.stats(), openRuns: this.#openRuns, stateBytes: this.#stateBytes, inputs: this.#names,
      rejects: this.#rejects, outside: this.#outside, shadow: this.#shadow, byType,
      firstTime: this.#firstTime === Infinity ? undefined : this.#firstTime, lastTime: this.#lastTime === -Infinity ? undefined : this.#lastTime,
      elapsed: this.#elapsed, interrupted: this.#interrupted, failure: this.#failure, typeField: this.#options.typeField,
    };
  }

  /** Keeps the rows that --from, --to and --limit let through, and counts them. */
  #select(batch: Batch): void {
    const { from = -Infinity, to = Infinity, limit = Infinity } = this.#options;
    const { time } = batch;
    let kept = 0;
    for (let row = 0; row < batch.count; row++) {
      const at = time[row]!;
      if (at < from || at >= to) {
        this.#outside++;
        continue;
      }
      if (this.#taken + kept >= limit) break;
      if (kept !== row) moveRow(batch, row, kept);
      this.#counts[batch.type[kept]!]!++;
      if (at < this.#firstTime) this.#firstTime = at;
      if (at > this.#lastTime) this.#lastTime = at;
      kept++;
    }
    batch.count = kept;
    this.#taken += kept;
  }

  /** Events that are made of lists are counted by type; how many are taken counts what was read. */
  #countMade(type: number): void {
    if (this.#made.has(type)) this.#counts[type]!++;
  }

  #writerOfAlerts(): (alert: Alert) => void {
    const { pretty, alerts } = this.#options;
    const c = coloursFor(this.#io, 'stdout');
    const inColour = alerts === undefined ? c : colours(false);
    const width = this.#io.stdout.columns ?? 120;
    return (alert) => {
      // Section 2 of the language: a shadow rule's alerts go to the counters and to a person who looks on, not to the channels.
      if (alert.shadow) this.#shadow++;
      else this.#alertCount++;
      if (pretty) this.#alerts.add(`${alertStory(alert, inColour, width)}\n`);
      else if (!alert.shadow) this.#alerts.add(alertToJson(alert, this.#names));
    };
  }

  #reject(rejected: Omit<RejectedEvent, 'reason'> & { readonly reason: string }): void {
    const { reason, message, line, input } = rejected;
    const known = this.#rejects.get(reason);
    if (known === undefined) this.#rejects.set(reason, { reason, count: 1, first: `${message} (${input}:${line})` });
    else known.count++;
    this.#rejected?.add(JSON.stringify({ alcedo: 'reject', reason, message, source: input, line, text: Buffer.from(rejected.bytes).toString('utf8') }));
  }

  #hasOutput(): boolean {
    return this.#alerts.hasPending || this.#late?.hasPending === true || this.#rejected?.hasPending === true;
  }

  async #flush(): Promise<void> {
    if (this.#alerts.hasPending && this.#options.alerts === undefined && this.#io.stdout.isTTY === true) this.#progress.hide();
    await this.#alerts.flush();
    await this.#late?.flush();
    await this.#rejected?.flush();
  }
}

/** Resolves to undefined at the interruption, and never before. */
function interruptionOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => { resolve(undefined); }, { once: true });
  });
}

function moveRow(batch: Batch, from: number, to: number): void {
  batch.type[to] = batch.type[from]!;
  batch.time[to] = batch.time[from]!;
  batch.from[to] = batch.from[from]!;
  batch.to[to] = batch.to[from]!;
  batch.offset[to] = batch.offset[from]!;
  for (const column of batch.columns) column[to] = column[from]!;
}

/** An event as it came in, on one line. */
function textOf(batch: Batch, row: number): string {
  return Buffer.from(batch.bytes.subarray(batch.from[row]!, batch.to[row]!)).toString('utf8').replace(/[\r\n]/g, ' ');
}
