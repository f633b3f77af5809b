/**
 * The engine: runs a plan over events in event-time order. Deterministic and synchronous: no I/O, no clocks (but for `detected`, which is given), no
 * promises. Events come in batches, in order of arrival; they are held until the watermark (the largest time seen - lateness) reaches them.
 */
import { Batch } from '../core/batch.ts';
import { makeRuntime } from '../core/functions.ts';
import type { Schema } from '../core/schema.ts';
import { Strings } from '../core/strings.ts';
import type { Plan } from '../compile/index.ts';
import type { AnyRulePlan } from '../compile/plan.ts';
import { APART_BYTES, PAGE_BYTES } from '../state/heap.ts';
import { decodeWhole, type Image, type WholeImage } from '../state/image.ts';
import type { RuleAtWork } from './at-work.ts';
import type { Change } from './change/index.ts';
import { Clocks } from './clocks.ts';
import { DerivedEvents } from './derived.ts';
import { Dispatcher } from './dispatch.ts';
import { Due } from './due.ts';
import { EngineState, type RestoreOptions } from './engine-state.ts';
import { Features } from './features/index.ts';
import { binder, type Bind } from './generated.ts';
import { Held } from './held.ts';
import type { Parts } from './images.ts';
import { Keys } from './keys.ts';
import { Limits } from './limits.ts';
import { Once } from './once.ts';
import type { EngineOptions, Pace } from './options.ts';
import { Order } from './order.ts';
import { Processor } from './process.ts';
import { Progress } from './progress.ts';
import { Reporter } from './report.ts';
import { Roster } from './roster.ts';
import { RuleRunner } from './runner.ts';
import { SameTime } from './same-time.ts';
import { gaugesOf, statsOf, type EngineGauges, type EngineStats } from './stats.ts';
import { Store } from './store.ts';
import { Sweep } from './sweep.ts';
import { Table, TableError, type Row } from './tables.ts';
import { Upkeep } from './upkeep.ts';
import { MatchView } from './view.ts';
import { WindowRunner, WindowView, type WindowReading } from './windows/index.ts';

export class Engine {
  readonly schema: Schema;
  readonly strings: Strings;
  readonly plan: Plan;
  /** The tables of `Plan.tables`, for who makes events of lists. */
  readonly tables: readonly Table[];
  readonly #given: boolean;
  readonly #parts: Omit<Parts, 'rules'>;
  readonly #progress: Progress;
  readonly #derived: DerivedEvents;
  readonly #clocks: Clocks;
  readonly #due: Due;
  readonly #order: Order;
  readonly #sweep: Sweep;
  readonly #state: EngineState;

  constructor(plan: Plan, options: EngineOptions) {
    this.plan = plan;
    this.schema = plan.schema;
    this.strings = new Strings();
    this.#given = options.watermarks === 'given';
    const store = new Store(plan, this.strings, options.recordsApart ?? false);
    const view = new MatchView(store);
    const window = new WindowView();
    const held = new Held(plan.schema.slots);
    const sameTime = new SameTime();
    store.ordinalOf = () => sameTime.ordinal(store.current.source < 0, store.current.bytes, store.current.from, store.current.to);
    const once = new Once(plan, store.heap);
    const limits = new Limits(plan, store.heap, store.tables, store.windowMembers);
    this.tables = plan.tables.map((table) => new Table(table, this.strings));
    const roster = new Roster(plan, store.tables, store.rosterMembers, this.tables);
    const progress = new Progress(plan.schema.types.length);
    this.#progress = progress;
    const reporter = new Reporter(store, view, limits, {
      onAlert: options.onAlert, onDerived: options.onDerived, now: options.now ?? Date.now,
      emit: (emission) => { this.#derived.add(emission); },
      rejectDerived: (rule, type, field) => { progress.derivedRejected++; options.onDerivedRejected?.(rule, type, field); },
    });
    const Q = new Float64Array(Math.max(1, ...plan.features.map((group) => group.width)));
    const features = new Features(plan, store, Q);
    const bind = binder({ E: store.E, K: store.K, C: store.C, R: makeRuntime(this.strings), H: store.heap, M: view, X: store, W: window, T: this.tables, V: features, Q });
    features.bind(bind);
    const runners = plan.rules.map((rule) => putToWork(rule, store, view, window, reporter, bind, options.onReading));
    const keys = new Keys(store.heap, store.keyMembers, (rule) => runners[rule]!.layout.width);
    const upkeep = new Upkeep(store, keys, runners, features);
    const dispatcher = new Dispatcher(store, features, keys, runners, upkeep, bind);
    this.#derived = new DerivedEvents(store, progress, sameTime, dispatcher);
    this.#clocks = new Clocks(store, progress, roster, keys, runners, upkeep, reporter, options.ownsKey);
    this.#due = new Due(store, keys, runners, upkeep, this.#clocks, this.#derived);
    const processor = new Processor(store, progress, once, sameTime, dispatcher, this.#derived, this.#due, options.onLate);
    this.#order = new Order(progress, held, processor, this.#due, options.lateness ?? 0);
    this.#sweep = new Sweep(this.strings, store, held);
    this.#parts = {
      pageBytes: options.recordsApart === true ? APART_BYTES : PAGE_BYTES, store, strings: this.strings,
      keys, once, limits, features, roster, held, sameTime, runners, cleanups: upkeep.cleanups,
    };
    this.#state = new EngineState(this.#parts, progress, this.tables, dispatcher, upkeep, this.#clocks);
  }

  newBatch(capacity?: number): Batch { return new Batch(this.schema.slots, capacity); }

  /**
   * Puts rows in place of all that a table has, between two batches; they hold from the next event or timer on. A table that no rule reads is not kept.
   * Tables are no part of the state: they are set before the first event, and again in an engine that is to restore (before or after it does).
   * Throws TableError where a row does not fit, and leaves the table as it was.
   */
  setTable(name: string, rows: readonly Row[]): void {
    if (!this.plan.program.tables.has(name)) throw new TableError(`There is no table "${name}". Declared: ${[...this.plan.program.tables.keys()].join(', ') || 'none'}.`);
    const index = this.plan.tables.findIndex((table) => table.name === name);
    if (index < 0) return;
    this.tables[index]!.set(rows);
    this.#clocks.follow(index);
  }

  /**
   * Takes a batch of events in order of arrival; what the watermark reaches is processed before it returns. Where watermarks are given, events are held,
   * and with a `pace` the watermark goes on with each of them; `advance` is to be called then before anything else.
   */
  push(batch: Batch, pace?: Pace): void {
    if (this.#given) this.#order.hold(batch, pace);
    else {
      this.#order.push(batch);
      this.#parts.sameTime.keep(this.#progress.watermark);
    }
    this.#sweep.ifDue();
  }

  /**
   * The watermark is `watermark`: no further event has a time below it. Processes the events held with times up to it, or below it where it is not
   * `inclusive` (another partition may still have one at it), and the timers due at or before it. Infinity: the end of the input. One below the
   * watermark there is does nothing.
   */
  advance(watermark: number, inclusive = true): void {
    if (!(watermark >= this.#progress.watermark)) return;
    const isEnd = watermark === Infinity;
    this.#order.drain(watermark, inclusive || isEnd);
    if (this.#clocks.pending && this.#parts.held.count === 0 && Number.isFinite(watermark)) this.#clocks.begin(watermark);
    this.#due.fire(watermark);
    this.#progress.watermark = watermark;
    if (isEnd) this.#due.finish(this.#progress.largest);
    this.#parts.sameTime.keep(this.#progress.watermark);
  }

  stats(): EngineStats { return statsOf(this.#parts, this.#progress); }

  /** As `stats`, without what takes a walk over the state: for metrics, often. */
  gauges(): EngineGauges { return gaugesOf(this.#parts, this.#progress); }

  // --- state ----------------------------------------------------------------------------------------------------------------------------------

  /**
   * What changed since the image before (the first has all), at a batch boundary: pages are copied, nothing is walked that grows with the state.
   * A chain of images put together (`put` of state/image.ts) is what `restoreImage` takes.
   */
  checkpoint(): Image { return this.#state.checkpoint(); }

  /** All state at a batch boundary, as bytes: equal states give equal bytes. `restore` in an engine of the same plan goes on as if nothing had happened. */
  snapshot(): Uint8Array { return this.#state.snapshot(); }

  /** Takes up what `snapshot` gave, as `restoreImage`; the next image has all pages. */
  restore(bytes: Uint8Array, options?: RestoreOptions): Change | undefined {
    const change = this.restoreImage(decodeWhole(bytes), options);
    this.markDirty();
    return change;
  }

  /** The next image has all pages: no image before it is needed. */
  markDirty(): void { this.#state.markDirty(); }

  /**
   * Takes up a state; the next image has what changes from here on. Ids of strings are those of the state from then on, so that decoders and batches are to be
   * made afterwards. Where the state is of other rules, each rule's runs go on as far as what they have kept suffices (change/), and what became of them is
   * returned; the next image then has all pages. Throws where runs would be lost and `accept` does not let that pass, and where the state is of another
   * format or damaged; the engine is not to be used then.
   */
  restoreImage(whole: WholeImage, options?: RestoreOptions): Change | undefined { return this.#state.restoreImage(whole, options); }

  /** All rules of the engine are let end: runs and windows that are open go on, none begins. It is part of the state. */
  drain(): void { this.#state.drain(); }

  /** The rules that drain, of an engine in which nothing else is. */
  get draining(): readonly string[] { return this.#state.draining; }

  /** Nothing is open any more, windows that are kept for late events neither. Costs a walk over the keys. */
  get isDrained(): boolean {
    const { runners } = this.#parts;
    return this.stats().rules.every(({ openRuns }) => openRuns === 0) && runners.every((runner) => !(runner instanceof WindowRunner) || runner.plan.late === 0 || runner.size.keys === 0);
  }
}

function putToWork(rule: AnyRulePlan, store: Store, view: MatchView, window: WindowView, reporter: Reporter, bind: Bind, onReading: EngineOptions['onReading']): RuleAtWork {
  const { width } = store.plan.keys[rule.key]!;
  if (rule.kind === 'window') {
    const runner = new WindowRunner(rule, width, store, window, bind(rule.functions) as never, (report) => reporter.report(report));
    if (onReading !== undefined) runner.onRead = (ks, at, from, to, holds) => { onReading(readingOf(runner, view, reporter, ks, at, from, to, holds)); };
    return runner;
  }
  const runner = new RuleRunner(rule, width, store, view, bind(rule.functions) as never, (report) => reporter.report(report));
  // Only `match.id` in a condition needs the id before the report.
  if (rule.functions.some((source) => source.includes('M.idValue'))) {
    runner.onLook = (ks, kind) => { view.id = reporter.idOf({ runner, kind, events: view.events, stages: view.stages, at: view.to, to: view.to, key: ks }); };
  }
  return runner;
}

function readingOf(runner: WindowRunner, match: MatchView, reporter: Reporter, ks: number, at: number, from: number, to: number, holds: boolean): WindowReading {
  const { plan, view } = runner;
  const bound = (time: number): number | null => (Number.isNaN(time) ? null : time);
  return {
    plan, key: reporter.keyOf(runner, ks), at, from, to, start: bound(view.start), end: bound(view.end), holds,
    values: plan.aggregates.map(({ expr }, i) => match.json(view.value(i), expr.type.kind)),
  };
}
