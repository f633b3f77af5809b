import { check, parseFile } from '../../../dsl/index.ts';
import { compile, type CompileOptions, type Plan } from '../../../src/compile/index.ts';
import type { Alert, Derived } from '../../../src/core/alert.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { Engine, type EngineOptions, type EngineStats, type Pace } from '../../../src/engine/index.ts';
import { decodeWhole, encodeWhole, put, wholeOf, type Pages, type WholeImage } from '../../../src/state/image.ts';

export type Event = Readonly<Record<string, unknown>> & { readonly type: string; readonly at: number | string };

export interface Options {
  readonly params?: CompileOptions['params'];
  readonly rules?: readonly string[];
  /** How far out of order events may come, ms. */
  readonly lateness?: number;
  readonly watermarks?: 'own' | 'given';
  readonly recordsApart?: boolean;
  readonly ownsKey?: EngineOptions['ownsKey'];
  /** Takes a snapshot after this many events and goes on in a new engine. */
  readonly cutAt?: number;
  /** Moves the watermark here at the end, ms; default: to infinity, the end of the input. */
  readonly until?: number;
}

export interface Outcome {
  readonly alerts: Alert[];
  readonly derived: Derived[];
  /** Late events: the number each has in the input. */
  readonly late: number[];
  /** Alerts and derived events by name, in the order in which they came out. */
  readonly log: string[];
  /** Before the end of the input. */
  readonly stats: EngineStats;
}

export function planOf(text: string, options: Options = {}): Plan {
  const parsed = parseFile('case.cep', text);
  const { program, diagnostics } = check([parsed.file]);
  const errors = [...parsed.diagnostics, ...diagnostics].filter((d) => d.severity === 'error');
  if (program === undefined || errors.length > 0) throw new Error(`the rules do not check: ${errors.map((d) => d.message).join('; ')}`);
  return compile(program, { params: options.params, rules: options.rules });
}

const utf8 = new TextEncoder();

/** An engine with what it gave; `push` encodes the events to JSON and takes them through the decoder, with `first` as the offset of the first. */
export class Job {
  engine: Engine;
  readonly alerts: Alert[] = [];
  readonly derived: Derived[] = [];
  readonly late: number[] = [];
  readonly log: string[] = [];
  readonly #plan: Plan;
  readonly #options: Options;

  constructor(plan: Plan, options: Options = {}) {
    this.#plan = plan;
    this.#options = options;
    this.engine = this.#start();
  }

  #start(): Engine {
    return new Engine(this.#plan, {
      lateness: this.#options.lateness ?? 0, watermarks: this.#options.watermarks, recordsApart: this.#options.recordsApart, ownsKey: this.#options.ownsKey, now: () => 0,
      onAlert: (alert) => { this.alerts.push(alert); this.log.push(alert.rule); },
      onDerived: (derived) => { this.derived.push(derived); this.log.push(derived.type); },
      onLate: (batch, row) => { this.late.push(batch.offset[row]!); },
    });
  }

  push(events: readonly Event[], first = 0, source = 0, partition = 0, pace?: Pace): void {
    const { engine } = this;
    const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
    const batch = engine.newBatch(Math.max(1, events.length));
    const texts = events.map((event) => utf8.encode(`${JSON.stringify(event)}\n`));
    const bytes = new Uint8Array(texts.reduce((n, text) => n + text.length, 0));
    batch.bytes = bytes;
    batch.source = source;
    batch.partition = partition;
    let from = 0;
    texts.forEach((text, row) => {
      bytes.set(text, from);
      const reject = decoder.decode(bytes, from, from + text.length - 1, batch, row);
      if (reject !== undefined) throw new Error(`event ${first + row} is rejected: ${JSON.stringify(reject)}`);
      batch.offset[row] = first + row;
      from += text.length;
    });
    batch.count = events.length;
    engine.push(batch, pace);
  }

  /** Goes on in a new engine from a snapshot of this one, or from an image; `prepare` is called before it takes the state up. */
  moveOn(image?: WholeImage, prepare?: () => void): void {
    const snapshot = image ?? decodeWhole(this.engine.snapshot());
    this.engine = this.#start();
    prepare?.();
    this.engine.restoreImage(snapshot);
  }
}

/**
 * Runs event by event with an image after each, every fourth of which is lost, and goes on in a new engine from the chain every `every` events. Fails where
 * the chain is not the state.
 */
export function runChained(plan: Plan, events: readonly Event[], options: Options, every: number): Outcome {
  const job = new Job(plan, { ...options, recordsApart: true });
  let pages: Pages<Uint8Array> = {};
  for (const [i, event] of events.entries()) {
    job.push([event], i);
    const image = job.engine.checkpoint();
    if (i % 4 === 3) { image.redo(); continue; }
    pages = put(pages, image, (page) => page);
    if (Buffer.compare(encodeWhole(wholeOf(pages, image.header)), job.engine.snapshot()) !== 0) throw new Error(`the chain of images is not the state after event ${i}`);
    if (i % every === 0) job.moveOn(wholeOf(pages, image.header));
  }
  return finish(job, options);
}

/** Runs rule text over events: text → parser → checker → compiler → decoder → engine. */
export function run(text: string, events: readonly Event[], options: Options = {}): Outcome {
  return runPlan(planOf(text, options), events, options);
}

export function runPlan(plan: Plan, events: readonly Event[], options: Options = {}): Outcome {
  const job = new Job(plan, options);
  if (options.cutAt === undefined) job.push(events);
  else {
    job.push(events.slice(0, options.cutAt));
    job.moveOn();
    job.push(events.slice(options.cutAt), options.cutAt);
  }
  return finish(job, options);
}

function finish(job: Job, options: Options): Outcome {
  if (options.until !== undefined) job.engine.advance(options.until);
  const stats = job.engine.stats();
  if (options.until === undefined) job.engine.advance(Infinity);
  const { alerts, derived, late, log } = job;
  return { alerts, derived, late, log, stats };
}

/** Runs uncut, then with a snapshot and restore at every place, then with chains of images, and fails unless all runs give the same; gives the uncut run. */
export function runCut(text: string, events: readonly Event[], options: Options = {}): Outcome {
  const plan = planOf(text, options);
  const whole = runPlan(plan, events, options);
  for (let cutAt = 0; cutAt <= events.length; cutAt++) {
    const cut = runPlan(plan, events, { ...options, cutAt });
    const [a, b] = [whole, cut].map((o) => JSON.stringify({ alerts: o.alerts, derived: o.derived, late: o.late, log: o.log, counters: countersOf(o.stats) }));
    if (a !== b) throw new Error(`a snapshot after ${cutAt} events changes the outcome:\n${a}\n${b}`);
  }
  for (const every of [1, 2, 1000]) {
    const chained = runChained(plan, events, options, every);
    const [a, b] = [whole, chained].map((o) => JSON.stringify({ alerts: o.alerts, derived: o.derived, late: o.late, log: o.log, counters: countersOf(o.stats) }));
    if (a !== b) throw new Error(`images change the outcome (moved on every ${every}):\n${a}\n${b}`);
  }
  return whole;
}

/** What must not depend on where the job was cut. */
function countersOf({ events, late, duplicates, derivedRejected, rules }: EngineStats): unknown {
  return { events, late, duplicates, derivedRejected, rules: rules.map((rule) => ({ ...rule, openRuns: 0 })) };
}

/** Each alert's bound events by their place in the input, in order of binding. */
export const boundOf = (alerts: readonly Alert[]): number[][] =>
  alerts.map((alert) => (alert.events ?? []).flatMap((stage) => stage.events.map((event) => event.offset)).sort((a, b) => a - b));

export const s = (seconds: number): number => seconds * 1000;
/** An event of type `type` with key `k`. */
export const ev = (type: string, seconds: number, more: Readonly<Record<string, unknown>> = {}): Event => ({ type, at: s(seconds), k: 'k1', ...more });
/** Types A, B, C with an optional key `k` and a number `v`. */
export const TYPES = ['A', 'B', 'C'].map((name) => `event ${name} { k: string?, v: float?, at: time } time at\n`).join('');
