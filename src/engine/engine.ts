/**
 * The engine: runs a plan over events in event-time order. Deterministic and synchronous: no I/O, no clocks (but for `detected`, which is given), no
 * promises. Events come in batches, in order of arrival; they are held until the watermark (the largest time seen - lateness) reaches them.
 */
import type { Alert, Derived } from '../core/alert.ts';
import { Batch } from '../core/batch.ts';
import { makeRuntime } from '../core/functions.ts';
import { generated } from '../core/generated.ts';
import type { Schema } from '../core/schema.ts';
import { Strings } from '../core/strings.ts';
import type { Plan } from '../compile/index.ts';
import { APART_BYTES, PAGE_BYTES, type Floats } from '../state/heap.ts';
import { decodeWhole, encodeWhole, put, wholeOf, type Image, type WholeImage } from '../state/image.ts';
import { adoptState, describeRule, isLost, renderChange, RulesPage, type Adopted, type Change, type DecodeAgain } from './change/index.ts';
import type { RuleAtWork } from './at-work.ts';
import { Cleanup } from './cleanups.ts';
import { Features } from './features/index.ts';
import { Held, type Process } from './held.ts';
import { makeImage, markAll, restoreParts, rootsOf, type Parts, type Roots } from './images.ts';
import { Keys } from './keys.ts';
import { KEY, QUEUED } from './layout.ts';
import { Limits } from './limits.ts';
import { Once } from './once.ts';
import { Reporter, type Emission } from './report.ts';
import { Roster } from './roster.ts';
import { RuleRunner, TIMER_SESSION, type Counters } from './runner.ts';
import { BLOCK, Scanner } from './scan.ts';
import { SameTime } from './same-time.ts';
import { Store } from './store.ts';
import { Table, TableError, type Row } from './tables.ts';
import type { Timer } from './timers.ts';
import { MatchView } from './view.ts';
import { WindowRunner, WindowView, type WindowReading } from './windows/index.ts';

export interface EngineOptions {
  readonly onAlert: (alert: Alert) => void;
  readonly onDerived?: ((derived: Derived) => void) | undefined;
  /** How far out of order events may come, ms. Default 0. For watermarks of its own only. */
  readonly lateness?: number | undefined;
  /**
   * `own` (the default): the engine takes the largest time seen less the lateness for its watermark. `given`: events are held until `advance` says
   * that the watermark has reached them.
   */
  readonly watermarks?: 'own' | 'given' | undefined;
  /** Called with each late event, and the watermark it came after. */
  readonly onLate?: ((batch: Batch, row: number, watermark: number) => void) | undefined;
  /** A derived event that lacked a required field was dropped. */
  readonly onDerivedRejected?: ((rule: string, type: string, field: string) => void) | undefined;
  /** Is a key of a roster (`by sensor from sensors`) this engine's? For engines that have a part of the keys each. Default: all are. */
  readonly ownsKey?: ((rule: string, key: Readonly<Record<string, unknown>>) => boolean) | undefined;
  /** Processing time of an alert, ms since the epoch. */
  readonly now?: (() => number) | undefined;
  /** For rule tests: called with each window that is read, whether its `having` holds or not. No step is left out then. */
  readonly onReading?: ((reading: WindowReading) => void) | undefined;
  /** For tests of images: every record of the state has small pages of its own, so that a write that is not marked shows. */
  readonly recordsApart?: boolean | undefined;
}

/**
 * How a watermark that is given goes on with each event of a batch: to the largest time of the batch's stream less its lateness, as far as the other
 * streams let it. So whether an event is late hangs on the events before it and not on the batches they come in.
 */
export interface Pace {
  /** Largest event time of the stream before the batch; -Infinity: none. */
  readonly largest: number;
  /** ms */
  readonly lateness: number;
  /** The least that the other streams have come to; Infinity: none holds event time back. */
  readonly bound: number;
}

export interface RuleStats extends Counters { readonly name: string; readonly openRuns: number }

export interface EngineStats {
  readonly events: number;
  readonly late: number;
  readonly duplicates: number;
  readonly derivedRejected: number;
  /** Largest event time up to which everything has been processed; -Infinity before the first event. */
  readonly watermark: number;
  /** Bytes of state in use. */
  readonly bytes: number;
  readonly keys: number;
  readonly rules: readonly RuleStats[];
}

/** What `gauges` gives: no cost grows with the state. */
export interface EngineGauges extends Omit<EngineStats, 'rules'> {
  /** Bytes of the tables of keys, classes and timers; of the texts; of the events held back. `bytes` has none of them. */
  readonly tableBytes: number;
  readonly stringBytes: number;
  readonly heldBytes: number;
  /** Events held back. */
  readonly held: number;
  readonly timers: number;
  readonly rules: readonly RuleGauges[];
}

/** What a rule holds, kept count of: open runs with those that are out of time and not cleared away yet; bytes without the events, which rules share. */
export interface RuleGauges extends Counters { readonly name: string; readonly keys: number; readonly runs: number; readonly bytes: number }

/** What an image says beside its pages. */
interface Header {
  readonly format: number;
  readonly fingerprint: string;
  readonly largest: number | string;
  readonly watermark: number | string;
  readonly events: number;
  readonly late: number;
  readonly duplicates: number;
  readonly derivedRejected: number;
  readonly seen: readonly number[];
  readonly num: number;
  readonly runs: number;
  /** What rules that went through changes have of them, by name. */
  readonly adopted: Readonly<Record<string, Adopted>>;
  readonly roots: Roots;
}

export interface RestoreOptions {
  /** Called where the state is of other rules, before it is used, with what becomes of it; may throw. Default: throws where runs are lost. */
  readonly accept?: ((change: Change) => void) | undefined;
  /** Decodes events that were held back for fields that were not read before. */
  readonly again?: DecodeAgain | undefined;
}

/** Of the header and all pages. */
const FORMAT = 4;

interface TypeIndex {
  /** Predicates tried on every event of the type. */
  readonly linear: readonly number[];
  /** Predicates found by the value of a slot. */
  readonly hashed: readonly { readonly slot: number; readonly byValue: Map<number, Int32Array> }[];
  /** An event that meets none of the predicates tried on every event concerns no rule. */
  readonly quiet: boolean;
  /** Rules that must be told of every event they see. */
  readonly always: Int32Array;
  /** Keys that may be null for an event of the type, with the rules that have them. */
  readonly nullKeys: readonly { readonly keyOf: (K: Float64Array) => void; readonly width: number; readonly rules: readonly number[] }[];
}

/** Events in columns: a batch, or a chunk of held ones. */
type Rows = Pick<Batch, 'columns' | 'type' | 'time' | 'source' | 'partition' | 'offset' | 'bytes' | 'from' | 'to'>;
const NOT_SCANNED = -2;
/** With fewer rows at a time than this the predicates are tried event by event. */
const SCAN_FROM = 8;

export class Engine {
  readonly schema: Schema;
  readonly strings: Strings;
  readonly plan: Plan;
  readonly #options: EngineOptions;
  readonly #lateness: number;
  readonly #given: boolean;
  readonly #store: Store;
  readonly #view: MatchView;
  readonly #runners: RuleAtWork[];
  /** Some rule keeps windows for late events. */
  readonly #wantsLate: boolean;
  /** The event at hand is late: only rules that keep windows for it see it. */
  #isLate = false;
  readonly #keys: Keys;
  readonly #reporter: Reporter;
  readonly #types: TypeIndex[];
  readonly #predicates: (() => boolean)[];
  /** Per predicate: rules concerned, as rule × 2 + (1: it may start a run). */
  readonly #subscribers: Int32Array[];
  readonly #keyFunctions: (((K: Float64Array) => void) | undefined)[][];
  readonly #scanner: Scanner;
  readonly #touched: Int32Array;
  readonly #touchedStamp: Int32Array;
  readonly #startStamp: Int32Array;
  #touchedCount = 0;
  readonly #cleanups = new Map<number, Cleanup>();
  /** When the first key is due to be looked at. */
  #nextCleanup = Infinity;
  readonly #queue: Emission[] = [];
  readonly #held: Held;
  /** Rows of a batch that are not late. */
  #rows = new Int32Array(BLOCK);
  #watermark = -Infinity;
  #largest = -Infinity;
  #events = 0;
  #late = 0;
  #duplicates = 0;
  #derivedRejected = 0;
  readonly #seenOfType: Float64Array;
  readonly #once: Once;
  readonly #limits: Limits;
  readonly #tables: readonly Table[];
  readonly #features: Features;
  readonly #roster: Roster;
  #sweepAt = 1 << 17;
  #shadow = false;
  readonly #sameTime = new SameTime();
  #page: RulesPage | undefined;
  #adopted: Readonly<Record<string, Adopted>> = {};
  readonly #timer: Timer = { time: 0, start: 0, rule: 0, kind: 0, a: 0, b: 0 };

  constructor(plan: Plan, options: EngineOptions) {
    this.plan = plan;
    this.schema = plan.schema;
    this.strings = new Strings();
    this.#options = options;
    this.#lateness = options.lateness ?? 0;
    this.#given = options.watermarks === 'given';
    this.#held = new Held(plan.schema.slots);
    const store = new Store(plan, this.strings, options.recordsApart ?? false);
    this.#store = store;
    this.#view = new MatchView(store);
    this.#once = new Once(plan, store.heap);
    this.#limits = new Limits(plan, store.heap, store.tables, store.windowMembers);
    const runtime = makeRuntime(this.strings);
    this.#tables = plan.tables.map((table) => new Table(table, this.strings));
    this.#roster = new Roster(plan, store.tables, store.rosterMembers, this.#tables);
    if (this.#roster.pending) this.#nextCleanup = -Infinity;
    this.#reporter = new Reporter(store, this.#view, this.#limits, {
      onAlert: options.onAlert, onDerived: options.onDerived, now: options.now ?? Date.now,
      emit: (emission) => { this.#queue.push(emission); },
      rejectDerived: (rule, type, field) => { this.#derivedRejected++; options.onDerivedRejected?.(rule, type, field); },
    });
    const window = new WindowView();
    const Q = new Float64Array(Math.max(1, ...plan.features.map((group) => group.width)));
    this.#features = new Features(plan, store, Q);
    const scope = ['E', 'K', 'C', 'R', 'H', 'M', 'X', 'W', 'T', 'V', 'Q'];
    const bind = (sources: readonly string[]): unknown[] =>
      (generated(scope, `'use strict';return [${sources.join(',\n')}];`) as (...args: unknown[]) => unknown[])(store.E, store.K, store.C, runtime, store.heap, this.#view, store, window, this.#tables, this.#features, Q);
    this.#features.bind(bind);
    this.#predicates = bind(plan.predicates.map((p) => `()=>${p.source}`)) as (() => boolean)[];
    this.#keyFunctions = plan.keys.map((key) => bind(key.sources.map((parts) => (parts === undefined ? 'undefined' : `(K)=>{${parts.map((part, i) => `const v${i}=${part};`).join('')}${parts.map((_, i) => `K[${i}]=v${i};`).join('')}}`))) as (((K: Float64Array) => void) | undefined)[]);
    this.#wantsLate = plan.rules.some((rule) => rule.kind === 'window' && rule.late > 0);
    this.#runners = plan.rules.map((rule): RuleAtWork => {
      if (rule.kind === 'window') {
        const runner = new WindowRunner(rule, plan.keys[rule.key]!.width, store, window, bind(rule.functions) as never, (report) => this.#reporter.report(report));
        if (options.onReading !== undefined) runner.onRead = (ks, at, from, to, holds) => options.onReading!(this.#readingOf(runner, ks, at, from, to, holds));
        return runner;
      }
      const runner = new RuleRunner(rule, plan.keys[rule.key]!.width, store, this.#view, bind(rule.functions) as never, (report) => this.#reporter.report(report));
      // Only `match.id` in a condition needs the id before the report.
      if (rule.functions.some((source) => source.includes('M.idValue'))) {
        const view = this.#view;
        runner.onLook = (ks, kind) => { view.id = this.#reporter.idOf({ runner, kind, events: view.events, stages: view.stages, at: view.to, to: view.to, key: ks }); };
      }
      return runner;
    });
    this.#keys = new Keys(store.heap, store.keyMembers, (rule) => this.#runners[rule]!.layout.width);
    this.#subscribers = this.#subscribe();
    this.#types = plan.schema.types.map((_, type) => this.#indexType(type));
    this.#scanner = new Scanner(plan, this.#types.map((type) => type.linear), bind);
    this.#touched = new Int32Array(Math.max(1, plan.rules.length));
    this.#touchedStamp = new Int32Array(plan.rules.length);
    this.#startStamp = new Int32Array(plan.rules.length);
    this.#seenOfType = new Float64Array(plan.schema.types.length);
    store.ordinalOf = () => this.#sameTime.ordinal(store.current.source < 0, store.current.bytes, store.current.from, store.current.to);
  }

  #readingOf(runner: WindowRunner, ks: number, at: number, from: number, to: number, holds: boolean): WindowReading {
    const { plan, view } = runner;
    const bound = (time: number): number | null => (Number.isNaN(time) ? null : time);
    return {
      plan, key: this.#reporter.keyOf(runner, ks), at, from, to, start: bound(view.start), end: bound(view.end), holds,
      values: plan.aggregates.map(({ expr }, i) => this.#view.json(view.value(i), expr.type.kind)),
    };
  }

  /** The tables of `Plan.tables`, for who makes events of lists. */
  get tables(): readonly Table[] { return this.#tables; }

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
    this.#tables[index]!.set(rows);
    this.#followRoster(index);
  }

  /**
   * Takes a batch of events in order of arrival; what the watermark reaches is processed before it returns. Where watermarks are given, events are held,
   * and with a `pace` the watermark goes on with each of them; `advance` is to be called then before anything else.
   */
  push(batch: Batch, pace?: Pace): void {
    if (this.#given) {
      this.#pushHeld(batch, pace);
      if (this.strings.size > this.#sweepAt) this.#sweep();
      return;
    }
    if (this.#lateness === 0 && this.#held.count === 0) {
      for (let row = 0; row < batch.count; row += BLOCK) this.#processRows(batch, row, Math.min(row + BLOCK, batch.count), false);
      this.#fireTimers(this.#watermark);
    } else {
      this.#pushOrdered(batch);
      this.#fireTimers(this.#watermark);
    }
    this.#sameTime.keep(this.#watermark);
    if (this.strings.size > this.#sweepAt) this.#sweep();
  }

  /**
   * The watermark is `watermark`: no further event has a time below it. Processes the events held with times up to it, or below it where it is not
   * `inclusive` (another partition may still have one at it), and the timers due at or before it. Infinity: the end of the input. One below the
   * watermark there is does nothing.
   */
  advance(watermark: number, inclusive = true): void {
    if (!(watermark >= this.#watermark)) return;
    const isEnd = watermark === Infinity;
    this.#drain(watermark, inclusive || isEnd);
    if (this.#roster.pending && this.#held.count === 0 && Number.isFinite(watermark)) this.#startRoster(watermark);
    this.#fireTimers(watermark);
    this.#watermark = watermark;
    if (isEnd) this.#finish();
    this.#sameTime.keep(this.#watermark);
  }

  stats(): EngineStats {
    const open = new Map<number, number>();
    const add = (rule: number, runs: number): void => { open.set(rule, (open.get(rule) ?? 0) + runs); };
    const { K, heap, current } = this.#store;
    // The last events may have concerned nobody.
    if (Number.isFinite(this.#watermark)) current.time = Math.max(current.time, this.#watermark);
    for (const ks of this.#keys.all()) {
      const runner = this.#runners[heap.i32[2 * ks + KEY.rule]!]!;
      if (runner.plan.isGroup) {
        for (const member of this.#runners) if (member.plan.group === runner.plan.index) add(member.plan.index, (runner as RuleRunner).pendingShared(ks, member.since));
        continue;
      }
      add(runner.plan.index, runner.openRuns(ks));
      if (runner.plan.group < 0 || !(runner instanceof RuleRunner)) continue;
      // What this key has taken over, or let go, of the shared starts is not counted with them.
      runner.loadKey(ks);
      const shared = this.#keys.find(runner.plan.group, K, runner.layout.width);
      const group = this.#runners[runner.plan.group] as RuleRunner;
      if (shared !== 0) add(runner.plan.index, group.pendingShared(shared, Math.max(heap.f64[ks + KEY.timers]!, runner.since)) - group.pendingShared(shared, runner.since));
    }
    return {
      events: this.#events, late: this.#late, duplicates: this.#duplicates, derivedRejected: this.#derivedRejected,
      watermark: this.#watermark, bytes: this.#store.heap.bytesUsed + this.#store.features.bytesUsed, keys: this.#keys.count,
      rules: this.#runners.filter((runner) => !runner.plan.isGroup).map((runner) => {
        return { ...runner.counters, events: this.#seenBy(runner), name: runner.plan.rule.name, openRuns: open.get(runner.plan.index) ?? 0 };
      }),
    };
  }

  /** As `stats`, without what takes a walk over the state: for metrics, often. */
  gauges(): EngineGauges {
    const { heap, tables, timers } = this.#store;
    return {
      events: this.#events, late: this.#late, duplicates: this.#duplicates, derivedRejected: this.#derivedRejected,
      watermark: this.#watermark, bytes: heap.bytesUsed + this.#store.features.bytesUsed, tableBytes: tables.bytesUsed, stringBytes: this.strings.byteLength, heldBytes: this.#held.byteLength,
      keys: this.#keys.count, held: this.#held.count, timers: timers.size,
      rules: this.#runners.filter((runner) => !runner.plan.isGroup).map((runner) => ({ name: runner.plan.rule.name, ...runner.counters, ...runner.size, bytes: Math.max(0, runner.size.bytes), events: this.#seenBy(runner) })),
    };
  }

  #seenBy({ plan }: RuleAtWork): number {
    let events = 0;
    plan.sees.forEach((filter, type) => { if (filter >= 0) events += this.#seenOfType[type]!; });
    return events;
  }

  // --- state ----------------------------------------------------------------------------------------------------------------------------------

  /**
   * What changed since the image before (the first has all), at a batch boundary: pages are copied, nothing is walked that grows with the state.
   * A chain of images put together (`put` of state/image.ts) is what `restoreImage` takes.
   */
  checkpoint(): Image { return makeImage(this.#parts(), this.#header(), false); }

  /** All state at a batch boundary, as bytes: equal states give equal bytes. `restore` in an engine of the same plan goes on as if nothing had happened. */
  snapshot(): Uint8Array {
    const image = makeImage(this.#parts(), this.#header(), true);
    return encodeWhole(wholeOf(put<Uint8Array>({}, image, (page) => page), image.header));
  }

  /** Takes up what `snapshot` gave, as `restoreImage`; the next image has all pages. */
  restore(bytes: Uint8Array, options?: RestoreOptions): Change | undefined {
    const change = this.restoreImage(decodeWhole(bytes), options);
    this.markDirty();
    return change;
  }

  /** The next image has all pages: no image before it is needed. */
  markDirty(): void { markAll(this.#parts()); }

  /**
   * Takes up a state; the next image has what changes from here on. Ids of strings are those of the state from then on, so that decoders and batches are to be
   * made afterwards. Where the state is of other rules, each rule's runs go on as far as what they have kept suffices (change/), and what became of them is
   * returned; the next image then has all pages. Throws where runs would be lost and `accept` does not let that pass, and where the state is of another
   * format or damaged; the engine is not to be used then.
   */
  restoreImage(whole: WholeImage, { accept = refuseLoss, again }: RestoreOptions = {}): Change | undefined {
    const header = JSON.parse(whole.header) as Header;
    if (header.format !== FORMAT) throw new Error(`The state was written in format ${String(header.format)}; this version reads format ${FORMAT}.`);
    const isSame = header.fingerprint === this.#rules.fingerprint;
    const texts = this.#tables.map((table) => table.texts());
    this.#largest = Number(header.largest);
    this.#watermark = Number(header.watermark);
    this.#events = header.events;
    this.#late = header.late;
    this.#duplicates = header.duplicates;
    this.#derivedRejected = header.derivedRejected;
    this.#store.num = header.num;
    this.#store.runs = header.runs;
    this.#store.current.time = this.#watermark;
    let change: Change | undefined;
    let types = this.plan.schema.types.map((_, type) => type);
    if (isSame) {
      restoreParts(this.#parts(), whole, header.roots);
      this.#adopted = header.adopted;
      for (const runner of this.#runners) runner.since = header.adopted[runner.plan.rule.name]?.since ?? 0;
    } else {
      this.strings.restorePages(whole.sections.get('strings') ?? []);
      this.#pool();
      const state = adoptState(whole, header.roots, this.#parts(), this.#rules.described, {
        watermark: this.#watermark, num: header.num, adopted: header.adopted, again,
        schedule: (span, ks, due) => {
          this.#store.heap.ints(ks)[2 * ks + KEY.flags]! |= QUEUED;
          this.#schedule(span, ks, due);
        },
      });
      change = state.change;
      accept(change);
      this.#adopted = state.adopted;
      types = [...state.types];
      this.markDirty();
    }
    this.#tables.forEach((table, i) => { table.rename(texts[i]!); });
    this.#pool();
    this.#types.forEach((_, type) => { this.#types[type] = this.#indexType(type); });
    types.forEach((type, i) => { if (type >= 0) this.#seenOfType[type] = header.seen[i]!; });
    this.#nextCleanup = this.#roster.pending ? -Infinity : Math.min(this.#features.due, ...[...this.#cleanups.values()].map((cleanup) => cleanup.due));
    this.#measure();
    this.#tables.forEach((table, i) => { if (table.isSet) this.#followRoster(i); });
    return change;
  }

  /** Made when it is first asked for: an engine without images has no use for it. */
  get #rules(): RulesPage { return this.#page ??= new RulesPage(this.plan, describeRule); }

  /** Constants by the ids that the strings of a state have. */
  #pool(): void { this.plan.pool.forEach((value, i) => { this.#store.C[i] = this.#store.encode(value, true); }); }

  #header(): Header {
    return {
      format: FORMAT, fingerprint: this.#rules.fingerprint, largest: text(this.#largest), watermark: text(this.#watermark),
      events: this.#events, late: this.#late, duplicates: this.#duplicates, derivedRejected: this.#derivedRejected, seen: [...this.#seenOfType],
      num: this.#store.num, runs: this.#store.runs, adopted: this.#adopted, roots: rootsOf(this.#parts()),
    };
  }

  #parts(): Parts {
    return {
      pageBytes: this.#options.recordsApart === true ? APART_BYTES : PAGE_BYTES, store: this.#store, strings: this.strings,
      keys: this.#keys, once: this.#once, limits: this.#limits, features: this.#features, roster: this.#roster, held: this.#held, sameTime: this.#sameTime, runners: this.#runners, cleanups: this.#cleanups,
      rules: this.#rules,
    };
  }

  // --- order ----------------------------------------------------------------------------------------------------------------------------------

  /** Holds what is not late. */
  #pushHeld(batch: Batch, pace: Pace | undefined): void {
    const { count, time } = batch;
    const rows = this.#rowsFor(count);
    const { lateness, bound } = pace ?? { lateness: 0, bound: -Infinity };
    let largest = pace?.largest ?? Infinity;
    let n = 0;
    for (let row = 0; row < count; row++) {
      const t = time[row]!;
      if (t < this.#watermark) { this.#countLate(batch, row); continue; }
      if (t > this.#largest) this.#largest = t;
      rows[n++] = row;
      if (t <= largest) continue;
      largest = t;
      const watermark = t - lateness < bound ? t - lateness : bound;
      if (watermark > this.#watermark) this.#watermark = watermark;
    }
    if (n > 0) this.#held.add(batch, rows, n);
  }

  /**
   * With a lateness: each event moves the watermark, which decides whether the next is late. What was reached is processed at the end of the
   * batch, or before an event that comes exactly at the watermark: the events of that time that came before are over by then.
   */
  #pushOrdered(batch: Batch): void {
    const { count, time } = batch;
    const rows = this.#rowsFor(count);
    let n = 0;
    for (let row = 0; row < count; row++) {
      const t = time[row]!;
      if (t < this.#watermark) {
        if (this.#wantsLate) {
          // The windows it may change are those of the watermark it meets.
          if (n > 0) this.#held.add(batch, rows, n);
          n = 0;
          this.#drain(this.#watermark, true);
          this.#fireTimers(this.#watermark);
        }
        this.#countLate(batch, row);
        continue;
      }
      if (t === this.#watermark) {
        if (n > 0) this.#held.add(batch, rows, n);
        n = 0;
        this.#drain(t, true);
      }
      rows[n++] = row;
      if (t > this.#largest) this.#largest = t;
      const watermark = this.#largest - this.#lateness;
      if (watermark > this.#watermark) this.#watermark = watermark;
    }
    if (n > 0) this.#held.add(batch, rows, n);
    this.#drain(this.#watermark, true);
  }

  #countLate(batch: Batch, row: number): void {
    this.#late++;
    this.#options.onLate?.(batch, row, this.#watermark);
    if (this.#wantsLate) this.#processLate(batch, row);
  }

  /** A late event, for the rules that keep windows for such: all else that the watermark has reached was processed. */
  #processLate(batch: Batch, row: number): void {
    const { columns, type, time } = batch;
    const store = this.#store;
    const { current, E } = store;
    for (let slot = 0; slot < columns.length; slot++) E[slot] = columns[slot]![row]!;
    current.type = type[row]!;
    current.time = time[row]!;
    this.#shadow = false;
    this.#isLate = true;
    this.#dispatch(NOT_SCANNED);
    this.#isLate = false;
    if (this.#queue.length > 0) this.#derive();
    current.time = this.#watermark;
  }

  #rowsFor(count: number): Int32Array {
    if (this.#rows.length < count) this.#rows = new Int32Array(count);
    return this.#rows;
  }

  /** Processes what is held up to the watermark. */
  #drain(watermark: number, inclusive: boolean): void {
    if (this.#held.count > 0) this.#held.take(watermark, inclusive, BLOCK, this.#processHeld);
  }

  readonly #processHeld: Process = (chunk, from, to) => { this.#processRows(chunk, from, to, true); };

  /** At most BLOCK rows in the order they lie in; `held`: they were held back, else they may be late and move the watermark. */
  #processRows(batch: Rows, from: number, to: number, held: boolean): void {
    const { columns, time, type } = batch;
    const store = this.#store;
    const { E } = store;
    const { heads } = this.#scanner;
    const scanned = !held || to - from >= SCAN_FROM;
    if (scanned) this.#scanner.run(batch, from, to);
    for (let row = from; row < to; row++) {
      const t = time[row]!;
      if (!held) {
        if (t < this.#watermark) { this.#countLate(batch as Batch, row); continue; }
        if (t > this.#largest) this.#largest = t;
        this.#watermark = t;
      }
      if (store.timers.next <= t || this.#nextCleanup <= t) {
        if (this.#roster.pending) this.#startRoster(t);
        this.#fireTimers(t);
      }
      const head = scanned ? heads[row - from]! : NOT_SCANNED;
      if (head === -1 && this.#types[type[row]!]!.quiet) {
        this.#events++;
        this.#seenOfType[type[row]!]!++;
        store.num++;
        continue;
      }
      for (let slot = 0; slot < columns.length; slot++) E[slot] = columns[slot]![row]!;
      this.#begin(type[row]!, t, batch.source, batch.partition, batch.offset[row]!, batch.bytes, batch.from[row]!, batch.to[row]!, head);
    }
  }

  /** The event in E; `head`: its hits in the scanner's lists, or NOT_SCANNED. */
  #begin(type: number, time: number, source: number, partition: number, offset: number, bytes: Uint8Array, from: number, to: number, head: number): void {
    const store = this.#store;
    this.#events++;
    this.#seenOfType[type]!++;
    if (this.plan.once[type]! > 0 && this.#once.isRepeat(type, time, this.#store.E)) { this.#duplicates++; return; }
    const { current } = store;
    current.type = type;
    current.time = time;
    current.source = source;
    current.partition = partition;
    current.offset = offset;
    current.bytes = bytes;
    current.from = from;
    current.to = to;
    this.#sameTime.begin(time, bytes, from, to);
    this.#shadow = false;
    this.#dispatch(head);
    if (this.#queue.length > 0) this.#derive();
  }

  /** Derived events, in order, right after their cause; theirs right after them. */
  #derive(): void {
    const store = this.#store;
    const { current } = store;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      store.E.fill(NaN);
      for (const [slot, value] of next.cells) store.E[slot] = value;
      current.type = next.type;
      current.time = next.time;
      current.source = -1;
      this.#sameTime.beginDerived(next.time);
      current.partition = 0;
      current.offset = store.num;
      current.bytes = next.bytes;
      current.from = 0;
      current.to = next.bytes.length;
      this.#events++;
      this.#seenOfType[next.type]!++;
      this.#shadow = next.shadow;
      this.#dispatch(NOT_SCANNED);
      this.#sameTime.endDerived(next.bytes);
    }
    this.#shadow = false;
  }

  // --- one event to the rules -----------------------------------------------------------------------------------------------------------------

  #dispatch(head: number): void {
    const store = this.#store;
    const { current, truth, E } = store;
    const stamp = ++store.stamp;
    store.num++;
    E[E.length - 1] = current.time;
    store.begin();
    this.#features.begin(this.#shadow || this.#isLate);
    this.#touchedCount = 0;
    const index = this.#types[current.type]!;
    if (head === NOT_SCANNED) {
      for (const p of index.linear) if (this.#predicates[p]!()) { truth[p] = stamp; this.#touch(p, stamp); }
    } else {
      const { next, hits } = this.#scanner;
      for (let n = head; n >= 0; n = next[n]!) {
        const p = hits[n]!;
        truth[p] = stamp;
        this.#touch(p, stamp);
      }
    }
    for (const { slot, byValue } of index.hashed) {
      const list = byValue.get(E[slot]!);
      if (list === undefined) continue;
      for (let i = 0; i < list.length; i++) {
        const p = list[i]!;
        if (this.#predicates[p]!()) { truth[p] = stamp; this.#touch(p, stamp); }
      }
    }
    const { always, nullKeys } = index;
    for (let i = 0; i < always.length; i++) this.#touchRule(always[i]!, stamp);
    if (nullKeys.length > 0 && !this.#isLate) this.#countNullKeys(nullKeys, current.type);
    const n = this.#touchedCount;
    const touched = this.#touched;
    if (n > 1) sortFirst(touched, n);
    for (let i = 0; i < n; i++) this.#run(touched[i]!, stamp);
    this.#features.end();
    if (this.#features.due < this.#nextCleanup) this.#nextCleanup = this.#features.due;
    store.end();
  }

  /** An event whose key is null is seen by none of the rules with that key; each counts it. */
  #countNullKeys(checks: TypeIndex['nullKeys'], type: number): void {
    const { K, truth, stamp } = this.#store;
    for (const { keyOf, width, rules } of checks) {
      keyOf(K);
      let isNull = false;
      for (let i = 0; i < width; i++) if (K[i] !== K[i]) isNull = true;
      if (!isNull) continue;
      for (const rule of rules) {
        const { plan, counters } = this.#runners[rule]!;
        if (this.#shadow && plan.rule.mode.kind !== 'shadow') continue;
        const filters = plan.filters[plan.sees[type]!]!;
        if (filters.length === 0 || filters.some((p) => truth[p] === stamp)) counters.nullKeys++;
      }
    }
  }

  #touch(predicate: number, stamp: number): void {
    const list = this.#subscribers[predicate]!;
    for (let i = 0; i < list.length; i++) {
      const s = list[i]!;
      const rule = s >> 1;
      if ((s & 1) !== 0) this.#startStamp[rule] = stamp;
      if (this.#touchedStamp[rule] !== stamp) {
        this.#touchedStamp[rule] = stamp;
        this.#touched[this.#touchedCount++] = rule;
      }
    }
  }

  #touchRule(rule: number, stamp: number): void {
    if (this.#touchedStamp[rule] === stamp) return;
    this.#touchedStamp[rule] = stamp;
    this.#touched[this.#touchedCount++] = rule;
  }

  #run(index: number, stamp: number): void {
    const runner = this.#runners[index]!;
    const { plan } = runner;
    const store = this.#store;
    const type = store.current.type;
    const filter = plan.sees[type]!;
    if (filter < 0) return;
    if (this.#shadow && plan.rule.mode.kind !== 'shadow') return;
    if (this.#isLate && (plan.kind !== 'window' || plan.late === 0)) return;
    const filters = plan.filters[filter]!;
    if (filters.length > 0) {
      let seen = false;
      for (let i = 0; i < filters.length && !seen; i++) seen = store.truth[filters[i]!] === stamp;
      if (!seen) return;
    }
    const mayStart = this.#startStamp[index] === stamp;
    if (runner.hasStageKeys) { this.#runByStageKeys(runner, mayStart); return; }
    const keyOf = this.#keyFunctions[plan.key]![type];
    if (keyOf === undefined) return;
    keyOf(store.K);
    for (let i = 0; i < runner.layout.width; i++) {
      if (store.K[i] !== store.K[i]) return; // counted by #countNullKeys
    }
    if (plan.filterRests.length > 0 && !this.#passesFilter(runner, filter, stamp)) return;
    this.#runKey(runner, mayStart);
  }

  /** Does a filter let the event in for the key at hand? For filters that read more than the event. */
  #passesFilter(runner: RuleAtWork, filter: number, stamp: number): boolean {
    const filters = runner.plan.filters[filter]!;
    const rests = runner.plan.filterRests[filter]!;
    return filters.length === 0 || filters.some((p, i) => this.#store.truth[p] === stamp && (rests[i]! < 0 || runner.functions[rests[i]!]!(0) === true));
  }

  #runKey(runner: RuleAtWork, mayStart: boolean): void {
    const store = this.#store;
    const { index } = runner.plan;
    const { heap } = store;
    const owned = heap.bytesOwned;
    let ks = this.#keys.find(index, store.K, runner.layout.width);
    const nodes = ks === 0 ? 0 : heap.i32[2 * ks + KEY.nodes]!;
    const { group } = runner.plan;
    const shared = group < 0 ? 0 : this.#keys.find(group, store.K, runner.layout.width);
    if (ks === 0) {
      if (!mayStart && shared === 0) return;
      ks = runner.newKey();
      this.#keys.add(ks);
      runner.size.keys++;
    }
    if (shared !== 0) (runner as RuleRunner).pull(ks, this.#runners[group] as RuleRunner, shared);
    const now = this.#isLate ? this.#watermark : store.current.time;
    runner.process(ks, now);
    runner.size.bytes += heap.bytesOwned - owned;
    runner.size.runs += heap.i32[2 * ks + KEY.nodes]! - nodes;
    this.#after(runner, ks, now);
  }

  /** Where `by` names stages, an event is seen once by each distinct key that results; a stage is tried only under its own key. */
  #runByStageKeys(runner: RuleAtWork, mayStart: boolean): void {
    const store = this.#store;
    const { plan } = runner;
    const { type } = store.current;
    const keys: { key: Float64Array; allowed: Uint8Array }[] = [];
    let nullKey = false;
    let wanted = false;
    const see = (keyNumber: number, stage: number): void => {
      const keyOf = this.#keyFunctions[keyNumber]![type];
      if (keyOf === undefined) return;
      keyOf(store.K);
      const key = store.K.slice(0, runner.layout.width);
      if (key.some((v) => Number.isNaN(v))) { nullKey = true; return; }
      let entry = keys.find((other) => other.key.every((v, i) => v === key[i]));
      if (entry === undefined) keys.push(entry = { key, allowed: new Uint8Array(plan.stages.length) });
      if (stage >= 0) entry.allowed[stage] = 1;
    };
    plan.stages.forEach((stage, s) => {
      if (!stage.types.includes(type)) return;
      wanted = true;
      see(stage.key >= 0 ? stage.key : plan.key, s);
    });
    // `on` lets it in though no stage takes it: it stands in the way of a `=>` under the key of its type.
    if (!wanted) see(plan.key, -1);
    if (nullKey) runner.counters.nullKeys++;
    for (const { key, allowed } of keys) {
      store.K.set(key);
      if (plan.filterRests.length > 0 && !this.#passesFilter(runner, plan.sees[type]!, store.stamp)) continue;
      runner.allowed = allowed;
      this.#runKey(runner, mayStart);
    }
    runner.allowed = undefined;
  }

  /** After a key was worked on: it is looked at again when its bounds are over, or goes at once. */
  #after(runner: RuleAtWork, ks: number, now: number): void {
    const { heap } = this.#store;
    if (runner.cleanup > 0) {
      const flags = heap.i32[2 * ks + KEY.flags]!;
      if ((flags & QUEUED) === 0) {
        heap.ints(ks)[2 * ks + KEY.flags] = flags | QUEUED;
        this.#schedule(runner.cleanup, ks, now + runner.cleanup);
      }
      return;
    }
    if (runner.isEmpty(ks, now)) this.#freeKey(runner, ks);
  }

  #freeKey(runner: RuleAtWork, ks: number): void {
    this.#keys.remove(ks);
    runner.forget(ks);
    const { heap } = this.#store;
    const owned = heap.bytesOwned;
    heap.free(ks, runner.layout.units);
    runner.size.keys--;
    runner.size.bytes += heap.bytesOwned - owned;
  }

  /** After a restore: what the rules hold, by a walk over the keys. */
  #measure(): void {
    const { heap } = this.#store;
    for (const { size } of this.#runners) size.keys = size.runs = size.bytes = 0;
    for (const ks of this.#keys.all()) {
      const runner = this.#runners[heap.i32[2 * ks + KEY.rule]!]!;
      runner.size.keys++;
      runner.size.runs += heap.i32[2 * ks + KEY.nodes]!;
      runner.size.bytes += runner.bytesOf(ks);
    }
  }

  /** Event time begins: so do the clocks of the keys that tables name. */
  #startRoster(time: number): void {
    this.#nextCleanup = Math.min(this.#features.due, ...[...this.#cleanups.values()].map((cleanup) => cleanup.due));
    this.#roster.start((rule, key) => { this.#startClocks(rule, key, time); });
  }

  /** A table was set: keys that are new begin at the watermark, runs of those that are gone end. */
  #followRoster(table: number): void {
    this.#roster.changed(table, (rule, key) => { this.#startClocks(rule, key, this.#watermark); }, (rule, key) => {
      const runner = this.#runners[rule]!;
      const ks = this.#keys.find(rule, key, runner.layout.width);
      if (ks === 0) return;
      runner.clear(ks);
      if (runner.isEmpty(ks, this.#watermark)) this.#freeKey(runner, ks);
    });
  }

  #startClocks(rule: number, key: Float64Array, time: number): void {
    const store = this.#store;
    const runner = this.#runners[rule]!;
    if (!(runner instanceof RuleRunner) || runner.plan.roster!.clocks.length === 0) return;
    store.K.set(key);
    let ks = this.#keys.find(rule, store.K, runner.layout.width);
    const isNew = ks === 0;
    if (isNew) ks = runner.newKey();
    if (this.#options.ownsKey?.(runner.plan.rule.name, this.#reporter.keyOf(runner, ks)) === false) {
      if (isNew) store.heap.free(ks, runner.layout.units);
      return;
    }
    if (isNew) this.#keys.add(ks);
    store.beginClock(time);
    runner.startClocks(ks);
    store.end();
    this.#after(runner, ks, time);
  }

  #schedule(span: number, ks: number, due: number): void {
    let cleanup = this.#cleanups.get(span);
    if (cleanup === undefined) this.#cleanups.set(span, cleanup = new Cleanup(this.#store.tables, span));
    cleanup.push(due, ks);
    if (due < this.#nextCleanup) this.#nextCleanup = due;
  }

  #fireTimers(time: number): void {
    const store = this.#store;
    const { timers, current } = store;
    const timer = this.#timer;
    while (timers.next <= time && timers.next < Infinity) {
      timers.pop(timer);
      const runner = this.#runners[timer.rule]!;
      const ks = timer.a;
      current.time = timer.time;
      this.#shadow = false;
      const at = timer.time;
      const owned = store.heap.bytesOwned;
      // The key of a start that is dead may be gone.
      const isLive = !(runner instanceof RuleRunner) || timer.kind === TIMER_SESSION || runner.isLiveStart(timer.b);
      const nodes = isLive ? store.heap.i32[2 * ks + KEY.nodes]! : 0;
      if (runner instanceof WindowRunner) runner.fire(ks, at, timer.b);
      else if (!(runner instanceof RuleRunner)) throw new Error('a timer of no rule');
      else if (timer.kind === TIMER_SESSION) runner.fireSession(ks, at);
      else runner.fire(ks, timer.b, at, timer.kind);
      runner.size.bytes += store.heap.bytesOwned - owned;
      if (isLive) {
        runner.size.runs += store.heap.i32[2 * ks + KEY.nodes]! - nodes;
        this.#after(runner, ks, at);
      }
      if (this.#queue.length > 0) this.#derive();
    }
    // Until clocks of a roster have started, the next event is to start them: nothing else is due, as there was none.
    if (time === Infinity || this.#nextCleanup > time || this.#roster.pending) return;
    this.#nextCleanup = Infinity;
    this.#features.clean(time);
    for (const cleanup of this.#cleanups.values()) {
      while (cleanup.due <= time) {
        const now = cleanup.due;
        const ks = cleanup.shift();
        const runner = this.#runners[store.heap.i32[2 * ks + KEY.rule]!]!;
        store.heap.ints(ks)[2 * ks + KEY.flags]! &= ~QUEUED;
        if (runner.isExpired(ks, now)) {
          const owned = store.heap.bytesOwned;
          runner.size.runs -= store.heap.i32[2 * ks + KEY.nodes]!;
          runner.clear(ks);
          runner.size.runs += store.heap.i32[2 * ks + KEY.nodes]!;
          runner.size.bytes += store.heap.bytesOwned - owned;
        }
        if (runner.isEmpty(ks, now)) this.#freeKey(runner, ks);
        else {
          store.heap.ints(ks)[2 * ks + KEY.flags]! |= QUEUED;
          cleanup.push(now + cleanup.span, ks);
        }
      }
      this.#nextCleanup = Math.min(this.#nextCleanup, cleanup.due);
    }
    this.#nextCleanup = Math.min(this.#nextCleanup, this.#features.due);
  }

  /** The end of the input: what is held back is reported, by the number of its first event, then by rule. */
  #finish(): void {
    const due: { number: number; rule: number; release: (now: number) => void; ks: number }[] = [];
    for (const ks of this.#keys.all()) {
      const runner = this.#runners[this.#store.heap.i32[2 * ks + KEY.rule]!]!;
      runner.heldStarts(ks, (number, release) => { due.push({ number, rule: runner.plan.index, release, ks }); });
    }
    due.sort((a, b) => a.number - b.number || a.rule - b.rule);
    for (const { release } of due) {
      release(this.#largest);
      if (this.#queue.length > 0) this.#derive();
    }
  }

  // --- indexes --------------------------------------------------------------------------------------------------------------------------------

  #subscribe(): Int32Array[] {
    const lists: Set<number>[] = this.plan.predicates.map(() => new Set());
    for (const rule of this.plan.rules) {
      const touch = (predicate: number, start: boolean): void => {
        const list = lists[predicate]!;
        if (start) { list.delete(rule.index * 2); list.add(rule.index * 2 + 1); }
        else if (!list.has(rule.index * 2 + 1)) list.add(rule.index * 2);
      };
      if (rule.kind === 'window') {
        for (const input of rule.inputs) touch(input, true);
        continue;
      }
      if (rule.group < 0) for (const edge of rule.starts) touch(edge.cond!.predicate, true);
      for (const leading of rule.leading) for (const cond of leading.conds) touch(cond.predicate, true);
      const leadingSequences = new Set(rule.leading.flatMap((leading) => leading.sequences));
      rule.sequences.forEach((sequence, i) => { for (const step of sequence.steps) touch(step.cond.predicate, leadingSequences.has(i)); });
      for (const position of rule.positions) {
        for (const edge of position.out) {
          if (edge.cond !== undefined) touch(edge.cond.predicate, false);
          if (edge.until !== undefined) touch(edge.until.predicate, false);
          for (const cond of [...edge.bans, ...edge.nextBans]) touch(cond.predicate, false);
          for (const greedy of edge.greedy) {
            touch(greedy.cond.predicate, false);
            if (greedy.until !== undefined) touch(greedy.until.predicate, false);
          }
        }
      }
    }
    return lists.map((list) => Int32Array.from(list));
  }

  #indexType(type: number): TypeIndex {
    const linear: number[] = [];
    const bySlot = new Map<number, Map<number, number[]>>();
    // Filters come first: they decide what a rule sees, whatever is found after them.
    for (const predicate of this.plan.predicates) {
      if (!predicate.types.includes(type)) continue;
      const { equality } = predicate;
      if (equality === undefined) { linear.push(predicate.id); continue; }
      const values = bySlot.get(equality.slot) ?? new Map<number, number[]>();
      bySlot.set(equality.slot, values);
      const value = this.#store.C[equality.pooled]!;
      values.set(value, [...(values.get(value) ?? []), predicate.id]);
    }
    const nullKeys = this.plan.keys.flatMap((key, k) => {
      const keyOf = this.#keyFunctions[k]![type];
      const rules = this.plan.rules.filter((rule) => rule.key === k && !rule.isGroup && rule.sees[type]! >= 0 && !rule.stages.some((stage) => stage.key >= 0)).map((rule) => rule.index);
      return keyOf === undefined || key.mayBeNull[type] !== true || rules.length === 0 ? [] : [{ keyOf, width: key.width, rules }];
    });
    const hashed = [...bySlot].map(([slot, values]) => ({ slot, byValue: new Map([...values].map(([v, list]) => [v, Int32Array.from(list)] as const)) }));
    const always = Int32Array.from(this.plan.rules.filter((rule) => rule.needsEveryEvent && rule.sees[type]! >= 0).map((rule) => rule.index));
    const quiet = hashed.length === 0 && always.length === 0 && nullKeys.length === 0 && this.plan.once[type] === 0 && !this.#features.isOf(type);
    return { nullKeys, linear, hashed, always, quiet };
  }

  // --- strings --------------------------------------------------------------------------------------------------------------------------------

  /** Drops the texts that no state names. Conservative: any cell of the state that could be an id keeps that text. */
  #sweep(): void {
    const top = this.strings.top;
    const live = new Uint8Array((top + 7) >> 3);
    const mark = (cells: Floats): void => {
      for (let i = 0; i < cells.length; i++) {
        const v = cells[i]!;
        if (v >= 0 && v < top) { const id = v | 0; if (id === v) live[id >> 3]! |= 1 << (id & 7); }
      }
    };
    mark(this.#store.heap.f64);
    mark(this.#store.tables.f64);
    mark(this.#store.features.f64);
    this.#held.eachColumn(mark);
    this.strings.sweep(live);
    this.#sweepAt = Math.max(1 << 17, 2 * this.strings.size);
  }
}

/** Numbers that JSON does not know are written as text. */
const text = (x: number): number | string => (Number.isFinite(x) ? x : String(x));

function refuseLoss(change: Change): void {
  if (change.rules.some(isLost)) throw new Error(`The state was made by other rules than these, and runs would be lost. ${renderChange(change, false).join(' ')}`);
}

/** Sorts the first n cells; n is small or nearly sorted. */
function sortFirst(cells: Int32Array, n: number): void {
  if (n > 32) { cells.subarray(0, n).sort(); return; }
  for (let i = 1; i < n; i++) {
    const v = cells[i]!;
    let k = i;
    while (k > 0 && cells[k - 1]! > v) { cells[k] = cells[k - 1]!; k--; }
    cells[k] = v;
  }
}
