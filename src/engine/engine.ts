/**
 * The engine: runs a plan over events in event-time order. Deterministic and synchronous: no I/O, no clocks (but for `detected`, which is given), no
 * promises. Events come in batches, in order of arrival; they are held until the watermark (the largest time seen - lateness) reaches them.
 */
import type { Alert, Derived } from '../core/alert.ts';
import { Batch } from '../core/batch.ts';
import { makeRuntime } from '../core/functions.ts';
import type { Schema } from '../core/schema.ts';
import { Strings } from '../core/strings.ts';
import type { Plan } from '../compile/index.ts';
import { Keys } from './keys.ts';
import { KEY, QUEUED } from './layout.ts';
import { Reporter, type Emission } from './report.ts';
import { RuleRunner, TIMER_SESSION, type Counters } from './runner.ts';
import { BLOCK, Scanner } from './scan.ts';
import { Store } from './store.ts';
import type { Timer } from './timers.ts';
import { MatchView } from './view.ts';

export interface EngineOptions {
  readonly onAlert: (alert: Alert) => void;
  readonly onDerived?: ((derived: Derived) => void) | undefined;
  /** How far out of order events may come, ms. Default 0. */
  readonly lateness?: number | undefined;
  /** Called with each late event. */
  readonly onLate?: ((batch: Batch, row: number) => void) | undefined;
  /** A derived event that lacked a required field was dropped. */
  readonly onDerivedRejected?: ((rule: string, type: string, field: string) => void) | undefined;
  /** Processing time of an alert, ms since the epoch. */
  readonly now?: (() => number) | undefined;
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

interface HeldEvent { readonly time: number; readonly arrival: number; readonly type: number; readonly cells: Float64Array; readonly bytes: Uint8Array; readonly source: number; readonly partition: number; readonly offset: number }

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

/** Keys whose runs are all over after the same span of event time, in the order in which that is to be looked at. */
interface Cleanup { readonly span: number; due: number[]; keys: number[]; head: number }

const SNAPSHOT_FORMAT = 2;
const NOT_SCANNED = -2;

export class Engine {
  readonly schema: Schema;
  readonly strings: Strings;
  readonly plan: Plan;
  readonly #options: EngineOptions;
  readonly #lateness: number;
  readonly #store: Store;
  readonly #view: MatchView;
  readonly #runners: RuleRunner[];
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
  #held: HeldEvent[] = [];
  #arrivals = 0;
  #watermark = -Infinity;
  #largest = -Infinity;
  #events = 0;
  #late = 0;
  #duplicates = 0;
  #derivedRejected = 0;
  readonly #seenOfType: Float64Array;
  readonly #once = new Map<string, number>();
  #oncePruneAt = 1024;
  #sweepAt = 1 << 17;
  #shadow = false;
  /** Events at the time at hand before the one at hand, as far as there is more than one. */
  #sameTime: { bytes: Uint8Array; from: number; to: number }[] = [];
  readonly #last: { time: number; bytes: Uint8Array; from: number; to: number } = { time: NaN, bytes: new Uint8Array(0), from: 0, to: 0 };
  /** Derived events of the time at hand, before the one at hand. */
  #derivedBefore: { bytes: Uint8Array; from: number; to: number }[] = [];
  #derivedTime = NaN;
  readonly #timer: Timer = { time: 0, start: 0, rule: 0, kind: 0, a: 0, b: 0 };

  constructor(plan: Plan, options: EngineOptions) {
    this.plan = plan;
    this.schema = plan.schema;
    this.strings = new Strings();
    this.#options = options;
    this.#lateness = options.lateness ?? 0;
    const store = new Store(plan, this.strings);
    this.#store = store;
    this.#view = new MatchView(store);
    const runtime = makeRuntime(this.strings);
    this.#reporter = new Reporter(store, this.#view, {
      onAlert: options.onAlert, onDerived: options.onDerived, now: options.now ?? Date.now,
      emit: (emission) => { this.#queue.push(emission); },
      rejectDerived: (rule, type, field) => { this.#derivedRejected++; options.onDerivedRejected?.(rule, type, field); },
    });
    const scope = ['E', 'K', 'C', 'R', 'H', 'M', 'X'];
    const bind = (sources: readonly string[]): unknown[] =>
      (new Function(...scope, `'use strict';return [${sources.join(',\n')}];`) as (...args: unknown[]) => unknown[])(store.E, store.K, store.C, runtime, store.heap, this.#view, store);
    this.#predicates = bind(plan.predicates.map((p) => `()=>${p.source}`)) as (() => boolean)[];
    this.#keyFunctions = plan.keys.map((key) => bind(key.sources.map((parts) => (parts === undefined ? 'undefined' : `(K)=>{${parts.map((part, i) => `const v${i}=${part};`).join('')}${parts.map((_, i) => `K[${i}]=v${i};`).join('')}}`))) as (((K: Float64Array) => void) | undefined)[]);
    this.#runners = plan.rules.map((rule) => {
      const runner = new RuleRunner(rule, plan.keys[rule.key]!.width, store, this.#view, bind(rule.functions) as never, (report) => this.#reporter.report(report));
      // Only `match.id` in a condition needs the id before the report.
      if (rule.functions.some((source) => source.includes('M.idValue'))) {
        const view = this.#view;
        runner.onLook = (ks, kind) => { view.id = this.#reporter.idOf({ runner, kind, events: view.events, stages: view.stages, at: view.to, to: view.to, key: ks }); };
      }
      return runner;
    });
    this.#keys = new Keys(store.heap, (rule) => this.#runners[rule]!.layout.width);
    this.#subscribers = this.#subscribe();
    this.#types = plan.schema.types.map((_, type) => this.#indexType(type));
    this.#scanner = new Scanner(plan, this.#types.map((type) => type.linear), bind);
    this.#touched = new Int32Array(Math.max(1, plan.rules.length));
    this.#touchedStamp = new Int32Array(plan.rules.length);
    this.#startStamp = new Int32Array(plan.rules.length);
    this.#seenOfType = new Float64Array(plan.schema.types.length);
    store.ordinalOf = () => this.#ordinal();
  }

  newBatch(capacity?: number): Batch { return new Batch(this.schema.slots, capacity); }

  /** Takes a batch of events in order of arrival; what the watermark reaches is processed before it returns. */
  push(batch: Batch): void {
    const { count, time } = batch;
    for (let row = 0; row < count; row++) {
      if (this.#lateness === 0 && this.#held.length === 0) {
        const to = Math.min(row + BLOCK, count);
        this.#processBlock(batch, row, to);
        row = to - 1;
        continue;
      }
      const t = time[row]!;
      if (t < this.#watermark) {
        this.#late++;
        this.#options.onLate?.(batch, row);
        continue;
      }
      this.#hold(batch, row);
      if (t > this.#largest) this.#largest = t;
      const watermark = this.#largest - this.#lateness;
      if (watermark > this.#watermark) {
        this.#watermark = watermark;
        this.#drain(watermark);
      }
    }
    this.#fireTimers(this.#watermark);
    this.#keepSameTime();
    if (this.strings.size > this.#sweepAt) this.#sweep();
  }

  /** No further event has a time below `watermark`. Infinity: the end of the input. */
  advance(watermark: number): void {
    if (watermark <= this.#watermark && watermark !== Infinity) return;
    this.#drain(watermark);
    this.#fireTimers(watermark);
    this.#watermark = watermark;
    if (watermark === Infinity) this.#finish();
  }

  stats(): EngineStats {
    const open = new Map<number, number>();
    const add = (rule: number, runs: number): void => { open.set(rule, (open.get(rule) ?? 0) + runs); };
    const { K, heap } = this.#store;
    for (const ks of this.#keys.all()) {
      const runner = this.#runners[heap.i32[2 * ks + KEY.rule]!]!;
      if (runner.plan.isGroup) { add(runner.plan.index, runner.pendingShared(ks, -Infinity)); continue; }
      add(runner.plan.index, runner.openRuns(ks));
      if (runner.plan.group < 0) continue;
      // What this key has taken over, or let go, of the shared starts is not counted with them.
      runner.loadKey(ks);
      const shared = this.#keys.find(runner.plan.group, K, runner.layout.width);
      const group = this.#runners[runner.plan.group]!;
      if (shared !== 0) add(runner.plan.index, group.pendingShared(shared, heap.f64[ks + KEY.timers]!) - group.pendingShared(shared, -Infinity));
    }
    for (const { plan } of this.#runners) if (plan.group >= 0) add(plan.index, open.get(plan.group) ?? 0);
    return {
      events: this.#events, late: this.#late, duplicates: this.#duplicates, derivedRejected: this.#derivedRejected,
      watermark: this.#watermark, bytes: this.#store.heap.bytesUsed, keys: this.#keys.count,
      rules: this.#runners.filter((runner) => !runner.plan.isGroup).map((runner) => {
        let events = 0;
        runner.plan.sees.forEach((filter, type) => { if (filter >= 0) events += this.#seenOfType[type]!; });
        return { ...runner.counters, events, name: runner.plan.rule.name, openRuns: open.get(runner.plan.index) ?? 0 };
      }),
    };
  }

  /** All state at a batch boundary; `restore` in an engine of the same plan goes on as if nothing had happened. */
  snapshot(): Uint8Array {
    const header = {
      format: SNAPSHOT_FORMAT, fingerprint: this.#fingerprint(),
      largest: number(this.#largest), watermark: number(this.#watermark), arrivals: this.#arrivals, events: this.#events, late: this.#late,
      duplicates: this.#duplicates, derivedRejected: this.#derivedRejected, seen: [...this.#seenOfType],
      num: this.#store.num, runs: this.#store.runs, once: [...this.#once],
      timers: encodeTimers(this.#store.timers.serialize()), keys: [...this.#keys.serialize()],
      cleanups: [...this.#cleanups.values()].map((c) => ({ span: c.span, due: c.due.slice(c.head), keys: c.keys.slice(c.head) })),
      rules: this.#runners.map((runner) => ({ counters: runner.counters, classes: runner.classes.serialize(), held: runner.serializeHeld() })),
      limits: this.#reporter.serialize(),
      held: this.#held.map((h) => ({ ...h, cells: [...h.cells].map(number), bytes: Buffer.from(h.bytes).toString('base64') })),
      last: { time: number(this.#last.time), text: Buffer.from(this.#last.bytes.subarray(this.#last.from, this.#last.to)).toString('base64') },
      derived: { time: number(this.#derivedTime), before: this.#derivedBefore.map((s) => Buffer.from(s.bytes).toString('base64')) },
      sameTime: this.#sameTime.map((s) => Buffer.from(s.bytes.subarray(s.from, s.to)).toString('base64')),
    };
    const head = new TextEncoder().encode(JSON.stringify(header));
    const heap = this.#store.heap.snapshot();
    const strings = this.strings.snapshot();
    const out = new Uint8Array(12 + head.length + heap.length + strings.length);
    const view = new DataView(out.buffer);
    view.setUint32(0, head.length);
    view.setUint32(4, heap.length);
    view.setUint32(8, strings.length);
    out.set(head, 12);
    out.set(heap, 12 + head.length);
    out.set(strings, 12 + head.length + heap.length);
    return out;
  }

  restore(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const headLength = view.getUint32(0);
    const heapLength = view.getUint32(4);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, 12 + headLength)));
    if (header.format !== SNAPSHOT_FORMAT) throw new Error(`The snapshot was written in format ${String(header.format)}; this version reads format ${SNAPSHOT_FORMAT}.`);
    if (header.fingerprint !== this.#fingerprint()) throw new Error('The snapshot was made by other rules than these; it cannot be restored into them.');
    this.#store.heap.restore(bytes.subarray(12 + headLength, 12 + headLength + heapLength));
    this.strings.restore(bytes.subarray(12 + headLength + heapLength));
    this.plan.pool.forEach((value, i) => { this.#store.C[i] = this.#store.encode(value, true); });
    this.#types.forEach((_, type) => { this.#types[type] = this.#indexType(type); });
    this.#largest = fromNumber(header.largest);
    this.#watermark = fromNumber(header.watermark);
    this.#arrivals = header.arrivals;
    this.#events = header.events;
    this.#late = header.late;
    this.#duplicates = header.duplicates;
    this.#derivedRejected = header.derivedRejected;
    this.#seenOfType.set(header.seen);
    this.#store.num = header.num;
    this.#store.runs = header.runs;
    this.#once.clear();
    for (const [key, time] of header.once) this.#once.set(key, time);
    this.#store.timers.restore(decodeTimers(header.timers));
    this.#keys.restore(Int32Array.from(header.keys));
    this.#cleanups.clear();
    this.#nextCleanup = Infinity;
    for (const c of header.cleanups) {
      this.#cleanups.set(c.span, { span: c.span, due: c.due, keys: c.keys, head: 0 });
      if (c.due.length > 0) this.#nextCleanup = Math.min(this.#nextCleanup, c.due[0]);
    }
    this.#runners.forEach((runner, i) => {
      const state = header.rules[i];
      Object.assign(runner.counters, state.counters);
      runner.classes.restore(state.classes);
      runner.restoreHeld(state.held);
    });
    this.#reporter.restore(header.limits);
    this.#held = header.held.map((h: HeldEvent & { cells: (number | string)[]; bytes: string }) =>
      ({ ...h, cells: Float64Array.from(h.cells, fromNumber), bytes: new Uint8Array(Buffer.from(h.bytes as unknown as string, 'base64')) }));
    const text = new Uint8Array(Buffer.from(header.last.text, 'base64'));
    Object.assign(this.#last, { time: fromNumber(header.last.time), bytes: text, from: 0, to: text.length });
    this.#derivedTime = fromNumber(header.derived.time);
    this.#derivedBefore = header.derived.before.map((s: string) => { const b = new Uint8Array(Buffer.from(s, 'base64')); return { bytes: b, from: 0, to: b.length }; });
    this.#sameTime = header.sameTime.map((s: string) => { const b = new Uint8Array(Buffer.from(s, 'base64')); return { bytes: b, from: 0, to: b.length }; });
  }

  // --- order ----------------------------------------------------------------------------------------------------------------------------------

  #hold(batch: Batch, row: number): void {
    const cells = new Float64Array(this.schema.slots);
    for (let slot = 0; slot < cells.length; slot++) cells[slot] = batch.columns[slot]![row]!;
    const held: HeldEvent = {
      time: batch.time[row]!, arrival: this.#arrivals++, type: batch.type[row]!, cells, bytes: batch.bytes.slice(batch.from[row]!, batch.to[row]!),
      source: batch.source, partition: batch.partition, offset: batch.offset[row]!,
    };
    const heap = this.#held;
    let i = heap.length;
    heap.push(held);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!earlier(held, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = held;
  }

  #drain(watermark: number): void {
    const heap = this.#held;
    while (heap.length > 0 && heap[0]!.time <= watermark) {
      const first = heap[0]!;
      const last = heap.pop()!;
      if (heap.length > 0) {
        let i = 0;
        for (;;) {
          let child = 2 * i + 1;
          if (child >= heap.length) break;
          if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child++;
          if (earlier(last, heap[child]!)) break;
          heap[i] = heap[child]!;
          i = child;
        }
        heap[i] = last;
      }
      if (this.#store.timers.next <= first.time || this.#nextCleanup <= first.time) this.#fireTimers(first.time);
      this.#store.E.set(first.cells);
      this.#begin(first.type, first.time, first.source, first.partition, first.offset, first.bytes, 0, first.bytes.length, NOT_SCANNED);
    }
  }

  /** Rows [from, to) in the order they lie in, nothing being held back. */
  #processBlock(batch: Batch, from: number, to: number): void {
    const { columns, time, type } = batch;
    const store = this.#store;
    const { E } = store;
    const { heads } = this.#scanner;
    this.#scanner.run(batch, from, to);
    for (let row = from; row < to; row++) {
      const t = time[row]!;
      if (t < this.#watermark) {
        this.#late++;
        this.#options.onLate?.(batch, row);
        continue;
      }
      if (t > this.#largest) this.#largest = t;
      this.#watermark = t;
      if (store.timers.next <= t || this.#nextCleanup <= t) this.#fireTimers(t);
      const head = heads[row - from]!;
      if (head < 0 && this.#types[type[row]!]!.quiet) {
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
    if (this.plan.once[type]! > 0 && this.#isRepeat(type, time)) { this.#duplicates++; return; }
    const { current } = store;
    current.type = type;
    current.time = time;
    current.source = source;
    current.partition = partition;
    current.offset = offset;
    current.bytes = bytes;
    current.from = from;
    current.to = to;
    const last = this.#last;
    if (last.time === time) this.#sameTime.push({ bytes: last.bytes, from: last.from, to: last.to });
    else if (this.#sameTime.length > 0) this.#sameTime = [];
    last.time = time;
    last.bytes = bytes;
    last.from = from;
    last.to = to;
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
      if (next.time !== this.#derivedTime) {
        this.#derivedTime = next.time;
        this.#derivedBefore = [];
      }
      current.partition = 0;
      current.offset = store.num;
      current.bytes = next.bytes;
      current.from = 0;
      current.to = next.bytes.length;
      this.#events++;
      this.#seenOfType[next.type]!++;
      this.#shadow = next.shadow;
      this.#dispatch(NOT_SCANNED);
      this.#derivedBefore.push({ bytes: next.bytes, from: 0, to: next.bytes.length });
    }
    this.#shadow = false;
  }

  #isRepeat(type: number, time: number): boolean {
    const span = this.plan.once[type]!;
    const key = `${type}|${this.plan.identity[type]!.map(({ slot, type: t }) => JSON.stringify(this.#view.json(this.#store.E[slot]!, t.kind))).join()}`;
    const since = this.#once.get(key);
    if (since !== undefined && time < since + span) return true;
    this.#once.set(key, time);
    if (this.#once.size > this.#oncePruneAt) {
      for (const [name, at] of this.#once) if (time >= at + this.plan.once[Number(name.slice(0, name.indexOf('|')))]!) this.#once.delete(name);
      this.#oncePruneAt = Math.max(1024, 2 * this.#once.size);
    }
    return false;
  }

  /** How many events equal to the one at hand, byte for byte, came before it at its time. */
  #ordinal(): number {
    const { bytes, from, to, source } = this.#store.current;
    let n = 0;
    for (const other of source < 0 ? this.#derivedBefore : this.#sameTime) {
      if (other.to - other.from !== to - from) continue;
      let equal = true;
      for (let k = 0; k < to - from && equal; k++) equal = bytes[from + k] === other.bytes[other.from + k];
      if (equal) n++;
    }
    return n;
  }

  /** The batch's bytes are the caller's again after push: what may still be compared is copied. */
  #keepSameTime(): void {
    const last = this.#last;
    if (!(last.time >= this.#watermark)) { this.#sameTime = []; return; }
    if (last.from === 0 && last.to === last.bytes.length) return;
    last.bytes = last.bytes.slice(last.from, last.to);
    last.to -= last.from;
    last.from = 0;
    this.#sameTime = this.#sameTime.map((s) => (s.from === 0 && s.to === s.bytes.length ? s : { bytes: s.bytes.slice(s.from, s.to), from: 0, to: s.to - s.from }));
  }

  // --- one event to the rules -----------------------------------------------------------------------------------------------------------------

  #dispatch(head: number): void {
    const store = this.#store;
    const { current, truth, E } = store;
    const stamp = ++store.stamp;
    store.num++;
    E[E.length - 1] = current.time;
    store.begin();
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
    if (nullKeys.length > 0) this.#countNullKeys(nullKeys, current.type);
    const n = this.#touchedCount;
    const touched = this.#touched;
    if (n > 1) sortFirst(touched, n);
    for (let i = 0; i < n; i++) this.#run(touched[i]!, stamp);
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
    this.#runKey(runner, mayStart);
  }

  #runKey(runner: RuleRunner, mayStart: boolean): void {
    const store = this.#store;
    const { index } = runner.plan;
    let ks = this.#keys.find(index, store.K, runner.layout.width);
    const { group } = runner.plan;
    const shared = group < 0 ? 0 : this.#keys.find(group, store.K, runner.layout.width);
    if (ks === 0) {
      if (!mayStart && shared === 0) return;
      ks = runner.newKey();
      this.#keys.add(ks);
    }
    if (shared !== 0) runner.pull(ks, this.#runners[group]!, shared);
    runner.process(ks);
    this.#after(runner, ks, store.current.time);
  }

  /** Where `by` names stages, an event is seen once by each distinct key that results; a stage is tried only under its own key. */
  #runByStageKeys(runner: RuleRunner, mayStart: boolean): void {
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
      runner.allowed = allowed;
      this.#runKey(runner, mayStart);
    }
    runner.allowed = undefined;
  }

  /** After a key was worked on: it is looked at again when its bounds are over, or goes at once. */
  #after(runner: RuleRunner, ks: number, now: number): void {
    const { heap } = this.#store;
    if (runner.cleanup > 0) {
      const flags = heap.i32[2 * ks + KEY.flags]!;
      if ((flags & QUEUED) === 0) {
        heap.i32[2 * ks + KEY.flags] = flags | QUEUED;
        this.#schedule(runner.cleanup, ks, now + runner.cleanup);
      }
      return;
    }
    if (runner.isEmpty(ks, now)) this.#freeKey(runner, ks);
  }

  #freeKey(runner: RuleRunner, ks: number): void {
    this.#keys.remove(ks);
    runner.forget(ks);
    this.#store.heap.free(ks, runner.layout.units);
  }

  #schedule(span: number, ks: number, due: number): void {
    let cleanup = this.#cleanups.get(span);
    if (cleanup === undefined) this.#cleanups.set(span, cleanup = { span, due: [], keys: [], head: 0 });
    cleanup.due.push(due);
    cleanup.keys.push(ks);
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
      if (timer.kind === TIMER_SESSION) {
        runner.fireSession(ks, at);
        this.#after(runner, ks, at);
      } else if (runner.isLiveStart(timer.b)) {
        runner.fire(ks, timer.b, at, timer.kind);
        this.#after(runner, ks, at);
      } else {
        runner.fire(ks, timer.b, at, timer.kind);
      }
      if (this.#queue.length > 0) this.#derive();
    }
    if (time === Infinity || this.#nextCleanup > time) return;
    this.#nextCleanup = Infinity;
    for (const cleanup of this.#cleanups.values()) {
      while (cleanup.head < cleanup.due.length && cleanup.due[cleanup.head]! <= time) {
        const now = cleanup.due[cleanup.head]!;
        const ks = cleanup.keys[cleanup.head]!;
        cleanup.head++;
        const runner = this.#runners[store.heap.i32[2 * ks + KEY.rule]!]!;
        store.heap.i32[2 * ks + KEY.flags]! &= ~QUEUED;
        if (runner.isExpired(ks, now)) runner.clear(ks);
        if (runner.isEmpty(ks, now)) this.#freeKey(runner, ks);
        else {
          store.heap.i32[2 * ks + KEY.flags]! |= QUEUED;
          cleanup.due.push(now + cleanup.span);
          cleanup.keys.push(ks);
        }
      }
      if (cleanup.head > 4096 && cleanup.head * 2 > cleanup.due.length) {
        cleanup.due = cleanup.due.slice(cleanup.head);
        cleanup.keys = cleanup.keys.slice(cleanup.head);
        cleanup.head = 0;
      }
      if (cleanup.head < cleanup.due.length) this.#nextCleanup = Math.min(this.#nextCleanup, cleanup.due[cleanup.head]!);
    }
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
    const quiet = hashed.length === 0 && always.length === 0 && nullKeys.length === 0 && this.plan.once[type] === 0;
    return { nullKeys, linear, hashed, always, quiet };
  }

  // --- strings --------------------------------------------------------------------------------------------------------------------------------

  /** Drops the texts that no state names. Conservative: any cell of the state that could be an id keeps that text. */
  #sweep(): void {
    const top = this.strings.top;
    const live = new Uint8Array((top + 7) >> 3);
    const mark = (cells: Float64Array): void => {
      for (let i = 0; i < cells.length; i++) {
        const v = cells[i]!;
        if (v >= 0 && v < top) { const id = v | 0; if (id === v) live[id >> 3]! |= 1 << (id & 7); }
      }
    };
    mark(this.#store.heap.f64);
    for (const held of this.#held) mark(held.cells);
    this.strings.sweep(live);
    this.#sweepAt = Math.max(1 << 17, 2 * this.strings.size);
  }

  #fingerprint(): string {
    let hash = 0;
    const text = JSON.stringify([this.plan.rules.map((rule) => [rule.rule.name, rule.rule.version, rule.functions, rule.positions.map((p) => [p.registers, p.out.length])]), this.schema]);
    for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
    return `${text.length}.${hash >>> 0}`;
  }
}

/** Event time; then the order of sources as listed, of partitions, of arrival. */
function earlier(a: HeldEvent, b: HeldEvent): boolean {
  if (a.time !== b.time) return a.time < b.time;
  if (a.source !== b.source) return a.source < b.source;
  return a.partition !== b.partition ? a.partition < b.partition : a.arrival < b.arrival;
}

/** Numbers that JSON does not know are written as text. */
const number = (x: number): number | string => (Number.isFinite(x) ? x : String(x));
const fromNumber = (x: number | string): number => Number(x);
const encodeTimers = (t: { time: number[]; start: number[]; cells: number[] }): unknown => ({ ...t, time: t.time.map(number) });
const decodeTimers = (t: { time: (number | string)[]; start: number[]; cells: number[] }): { time: number[]; start: number[]; cells: number[] } => ({ ...t, time: t.time.map(fromNumber) });

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
