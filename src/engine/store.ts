/** The engine's shared state and the upkeep of its records: bound events, history nodes with their reference counts. */
import type { Plan } from '../compile/index.ts';
import { APART_BYTES, Heap, PAGE_BYTES } from '../state/heap.ts';
import { Members } from '../state/members.ts';
import type { Strings } from '../core/strings.ts';
import { EVENT, LINK, NODE, REFERENCES } from './layout.ts';
import { Timers } from './timers.ts';

/** The event at hand, as far as it is not in the scratch cells. */
export interface Current {
  type: number;
  time: number;
  source: number;
  partition: number;
  offset: number;
  bytes: Uint8Array;
  from: number;
  to: number;
}

export class Store {
  readonly plan: Plan;
  readonly strings: Strings;
  readonly heap: Heap;
  /** What must not move the heap, or is large and made anew to grow: timers, queues, windows of limits. */
  readonly tables: Heap;
  /** The records of features: a heap of their own, since a report that reads one must not move the heap under those who list matches. */
  readonly features: Heap;
  /** Records of the heap that are keys, and classes in a hash; records of the tables that are windows of limits. */
  readonly keyMembers: Members;
  readonly classMembers: Members;
  readonly windowMembers: Members;
  readonly featureMembers: Members;
  readonly rosterMembers: Members;
  readonly timers: Timers;
  /** The event at hand: a cell a slot, then its time. */
  readonly E: Float64Array;
  /** The key's parts. */
  readonly K: Float64Array;
  /** Pooled constants. */
  readonly C: Float64Array;
  readonly current: Current = { type: -1, time: -Infinity, source: 0, partition: 0, offset: -Infinity, bytes: new Uint8Array(0), from: 0, to: 0 };
  /** Number of the event at hand, in processing order over all keys. */
  num = 0;
  /** Stamp of the event at hand: a predicate is true of it when its cell in `truth` equals this. */
  stamp = 0;
  readonly truth: Int32Array;
  runs = 0;
  /** Record of the event at hand once something bound it, else 0. */
  #record = 0;
  /** Number of byte-equal events before the one at hand at its time. */
  ordinalOf: () => number = () => 0;
  readonly #stack: number[] = [];
  #viewed: Uint8Array = new Uint8Array(0);
  #byteView = new DataView(this.#viewed.buffer);

  /** `apart`: as of the heaps. */
  constructor(plan: Plan, strings: Strings, apart: boolean) {
    this.heap = new Heap(undefined, apart);
    this.tables = new Heap(undefined, apart);
    this.features = new Heap(plan.features.length === 0 ? 1 << 8 : undefined, apart);
    const pageBytes = apart ? APART_BYTES : PAGE_BYTES;
    // A page of the heap has 1/64 of its size of bits, so pages of bits are smaller.
    this.keyMembers = new Members(pageBytes >> 3);
    this.classMembers = new Members(pageBytes >> 3);
    this.windowMembers = new Members(pageBytes >> 3);
    this.featureMembers = new Members(pageBytes >> 3);
    this.rosterMembers = new Members(pageBytes >> 3);
    this.timers = new Timers(this.tables);
    this.plan = plan;
    this.strings = strings;
    this.E = new Float64Array(plan.schema.slots + 1);
    this.K = new Float64Array(Math.max(1, ...plan.keys.map((key) => key.width)));
    this.C = Float64Array.from(plan.pool, (value) => this.encode(value, true));
    this.truth = new Int32Array(plan.predicates.length);
  }

  /** Events tried as the steps of a banned sequence: their cells, the time last. */
  readonly tried: (Float64Array | undefined)[] = [];
  banned(step: number, slot: number): number { return this.tried[step]?.[slot] ?? NaN; }
  bannedTime(step: number): number { return this.tried[step]?.[this.E.length - 1] ?? NaN; }

  /** An aggregate over the one event tried as a step of a banned sequence, or over nothing. */
  bannedAggregate(fn: string, step: number, value: ((cells: Float64Array) => number) | null, where: ((cells: Float64Array) => boolean) | null): number {
    const cells = this.tried[step];
    const taken = cells !== undefined && (where === null || where(cells));
    const v = taken && value !== null ? value(cells) : NaN;
    switch (fn) {
      case 'count': return taken ? 1 : 0;
      case 'sum': return Number.isNaN(v) ? 0 : v;
      case 'distinct': return Number.isNaN(v) ? 0 : 1;
      case 'stddev': case 'timeAvg': return NaN;
      case 'lasting': return taken ? 0 : NaN;
      default: return v;
    }
  }

  nextRun(): number { return ++this.runs; }

  encode(value: unknown, pin = false): number {
    if (value === null || value === undefined) return NaN;
    if (typeof value === 'number') return value;
    if (typeof value === 'boolean') return value ? 1 : 0;
    const id = this.strings.intern(typeof value === 'string' ? value : JSON.stringify(value));
    return pin ? this.strings.pin(id) : id;
  }

  /** A new event is at hand: its cells are filled, no record of it exists. */
  begin(): void { this.#record = 0; }
  /** The event at hand is done: its record goes if nothing bound it. */
  end(): void {
    if (this.#record !== 0) this.releaseEvent(this.#record);
    this.#record = 0;
  }

  /** The record of the event at hand, made on first use. */
  event(): number {
    if (this.#record !== 0) return this.#record;
    const { current, plan, heap, E } = this;
    const kept = plan.kept[current.type]!;
    const length = plan.keepBytes[current.type] === true ? current.to - current.from : 0;
    const p = heap.allocShared(EVENT.values + kept.length + ((length + 7) >> 3));
    const i32 = heap.newInts;
    const f64 = heap.newFloats;
    f64[p + EVENT.time] = current.time;
    f64[p + EVENT.number] = this.num;
    f64[p + EVENT.offset] = current.offset;
    const i = 2 * p;
    i32[i + EVENT.type] = current.type;
    i32[i + EVENT.references] = 1;
    i32[i + EVENT.source] = current.source;
    i32[i + EVENT.partition] = current.partition;
    i32[i + EVENT.length] = length;
    for (let k = 0; k < kept.length; k++) f64[p + EVENT.values + k] = E[kept[k]!]!;
    if (length > 0) heap.newBytes.set(current.bytes.subarray(current.from, current.to), 8 * (p + EVENT.values + kept.length));
    if (plan.identity[current.type]!.length === 0) {
      i32[i + EVENT.ordinal] = this.ordinalOf();
      const { bytes, from, to } = current;
      const view = this.#viewOf(bytes);
      // Four hashes over every fourth word each, which a processor reckons side by side, mixed to two at the end.
      let a = 0x811c9dc5;
      let b = 0x1b873593;
      let c = 0x38b34ae5;
      let d = to - from;
      let k = from;
      for (; k + 16 <= to; k += 16) {
        a = Math.imul(a ^ view.getInt32(k, true), 0x01000193);
        a ^= a >>> 15;
        b = Math.imul(b ^ view.getInt32(k + 4, true), 0x85ebca6b);
        b ^= b >>> 13;
        c = Math.imul(c ^ view.getInt32(k + 8, true), 0xcc9e2d51);
        c ^= c >>> 16;
        d = Math.imul(d ^ view.getInt32(k + 12, true), 0x9e3779b1);
        d ^= d >>> 14;
      }
      for (; k < to; k++) {
        a = Math.imul(a ^ bytes[k]!, 0x01000193);
        c = Math.imul(c ^ bytes[k]!, 0xcc9e2d51);
      }
      a = Math.imul(a ^ (b >>> 16) ^ d, 0x9e3779b1);
      b = Math.imul(b ^ (a >>> 15) ^ c, 0xc2b2ae35);
      i32[i + EVENT.hash1] = a ^ (c >>> 16);
      i32[i + EVENT.hash2] = b ^ (b >>> 13) ^ d;
    }
    this.#record = p;
    return p;
  }

  /** A view over the bytes at hand, whole batches of events being one array. */
  #viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.#byteView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.#byteView;
  }

  /** In place of an event: the start of a clock at a time, by nobody's event. Then `end`. */
  beginClock(time: number): void {
    this.stamp++;
    this.num++;
    this.E.fill(NaN);
    this.E[this.E.length - 1] = time;
    this.current.type = -1;
    this.current.time = time;
    this.#record = this.moment(time, this.num);
  }

  /** A record for the moment at which a silence completed: it has a time, and is no event. */
  moment(time: number, number: number): number {
    const p = this.heap.allocShared(EVENT.values);
    const f64 = this.heap.newFloats;
    f64[p + EVENT.time] = time;
    f64[p + EVENT.number] = number;
    const i32 = this.heap.newInts;
    i32[2 * p + EVENT.type] = -1;
    i32[2 * p + EVENT.references] = 1;
    return p;
  }

  retainEvent(p: number): void { this.heap.ints(p)[2 * p + EVENT.references]!++; }

  releaseEvent(p: number): void {
    const i32 = this.heap.ints(p);
    const i = 2 * p;
    if (--i32[i + EVENT.references]! > 0) return;
    const type = i32[i + EVENT.type]!;
    const kept = type < 0 ? 0 : this.plan.kept[type]!.length;
    this.heap.freeShared(p, EVENT.values + kept + ((i32[i + EVENT.length]! + 7) >> 3));
  }

  retainNode(n: number): void { if (n !== 0) this.heap.ints(n)[2 * n + NODE.references]!++; }

  /** Gives up one reference to a node; what nothing refers to any more goes. Returns how many nodes went. */
  releaseNode(n: number): number {
    if (n === 0) return 0;
    const stack = this.#stack;
    const { heap } = this;
    let gone = 0;
    stack.push(n);
    while (stack.length > 0) {
      const node = stack.pop()!;
      const i = 2 * node;
      const i32 = heap.ints(node);
      if ((--i32[i + NODE.references]! & REFERENCES) > 0) continue;
      gone++;
      if (i32[i + NODE.previous] !== 0) stack.push(i32[i + NODE.previous]!);
      if (i32[i + NODE.link] !== 0) stack.push(i32[i + NODE.link]!);
      let more = i32[i + NODE.more]!;
      while (more !== 0) {
        stack.push(i32[2 * more + LINK.head]!);
        const next = i32[2 * more + LINK.next]!;
        heap.free(more, LINK.units);
        more = next;
      }
      this.releaseEvent(i32[i + NODE.event]!);
      heap.free(node, NODE.units);
    }
    return gone;
  }
}
