/**
 * What a block of events concerns, looked up before any of them is processed: which rules, under which key, and where the key's record lies. Records lie all over
 * the memory. Asked for one after the other, each is waited for by itself; asked for together, the processor fetches many at a time. Nothing is changed, and
 * where a record lies is only a hint: the events before may have made it, or let it go.
 */
import type { Plan } from '../compile/index.ts';
import type { Heap } from '../state/heap.ts';
import type { RuleAtWork } from './at-work.ts';
import { mix } from './classes.ts';
import { CLASS, KEY } from './layout.ts';
import type { Keys } from './keys.ts';
import { BLOCK, type Scanner } from './scan.ts';
import type { Slots } from './slots.ts';

/** An event that concerns more rules is not entered. */
const MOST = 4;
/** Int cells of a line of memory. */
const LINE = 16;

/** How the class is found that an event's run begins in: by one field of the event, at a position. */
export interface ClassesAhead { readonly slots: Slots; readonly position: number; readonly slot: number }

/** In place of a slot that is a rule's key: it is read of more than one, or the rule does not see all events of the type; it sees none. */
const OTHER = -1;
const UNSEEN = -2;

export class Agenda {
  /** By row of the block: its first entry; the next row's is its end. */
  readonly first = new Int32Array(BLOCK + 1);
  /** By row of the block: 1: the entries are all that the event concerns; else there are none. */
  readonly whole = new Uint8Array(BLOCK);
  /** Of each entry: the rule, whether it may start a run (1), the key's only part. */
  readonly rules = new Int32Array(BLOCK * MOST);
  readonly starts = new Uint8Array(BLOCK * MOST);
  readonly keyParts = new Float64Array(BLOCK * MOST);
  readonly #records = new Int32Array(BLOCK * MOST);
  readonly #places = new Int32Array(BLOCK * MOST);
  readonly #values = new Float64Array(BLOCK * MOST);
  readonly #keys: Keys;
  readonly #heap: Heap;
  /** By predicate: rules concerned, as rule × 2 + (1: it may start a run). */
  readonly #subscribers: readonly Int32Array[];
  /** By type and rule: the slot that is the key, or OTHER or UNSEEN. Undefined: events of the type are not entered. */
  readonly #slots: readonly (Int32Array | undefined)[];
  readonly #seeds: Int32Array;
  /** By rule: the cell of a key's record with the place of what is read next. */
  readonly #next: Int32Array;
  readonly #classes: readonly (ClassesAhead | undefined)[];
  readonly #hasClasses: boolean;
  readonly #isOfUse: boolean;
  #removed = -1;
  /** So that what is read has an effect. */
  sum = 0;

  /** `plain`: by type, whether its events concern no rule but by predicates that are scanned. */
  constructor(plan: Plan, plain: readonly boolean[], keys: Keys, heap: Heap, runners: readonly RuleAtWork[], subscribers: readonly Int32Array[]) {
    this.#keys = keys;
    this.#heap = heap;
    this.#subscribers = subscribers;
    this.#slots = plain.map((is, type) => (is ? Int32Array.from(plan.rules, (rule, index) => {
      const filter = rule.sees[type]!;
      if (filter < 0) return UNSEEN;
      const parts = plan.keys[rule.key]!.sources[type];
      const slot = parts?.length === 1 ? /^E\[(\d+)\]$/.exec(parts[0]!)?.[1] : undefined;
      return slot === undefined || Number(slot) === plan.schema.slots || runners[index]!.hasStageKeys || rule.filters[filter]!.length > 0 ? OTHER : Number(slot);
    }) : undefined));
    this.#isOfUse = this.#slots.some((slots) => slots?.some((slot) => slot >= 0) === true);
    this.#seeds = Int32Array.from(plan.rules, (rule) => keys.seedOf(rule.index));
    this.#next = Int32Array.from(runners, (runner) => runner.nextCell);
    this.#classes = runners.map((runner) => runner.classesAhead);
    this.#hasClasses = this.#classes.some((entry) => entry !== undefined);
  }

  /** Enters the rows [from, to) of a batch, at most BLOCK, whose predicates were scanned. */
  enter(columns: readonly Float64Array[], type: Int32Array, from: number, to: number, scanner: Scanner): void {
    if (!this.#isOfUse) return; // and no row is whole
    const { heads } = scanner;
    const { first } = this;
    let n = 0;
    for (let i = 0; i < to - from; i++) {
      first[i] = n;
      if (heads[i]! < 0) {
        this.whole[i] = 0;
        continue;
      }
      const end = this.#enterRow(columns, type[from + i]!, from + i, heads[i]!, scanner, n);
      this.whole[i] = end >= 0 ? 1 : 0;
      if (end >= 0) n = end;
    }
    first[to - from] = n;
    this.#removed = this.#keys.removed;
    this.#findRecords(n);
    if (this.#hasClasses) this.#findClasses(n);
    this.#read(n);
  }

  /** The record of an entry's key, if it was found and is there still; 0: it is to be looked for. */
  recordOf(entry: number): number {
    if (this.#removed !== this.#keys.removed) return 0;
    const ks = this.#records[entry]!;
    const { i32, f64 } = this.#heap;
    return i32[2 * ks + KEY.rule] === this.rules[entry] && f64[ks + KEY.key] === this.keyParts[entry] ? ks : 0;
  }

  /** Enters what an event concerns from entry `own` on, by rule; returns the end, -1: it cannot be entered. */
  #enterRow(columns: readonly Float64Array[], type: number, row: number, head: number, { next, hits }: Scanner, own: number): number {
    const slots = this.#slots[type];
    if (slots === undefined) return -1;
    const { rules, starts } = this;
    let n = own;
    for (let hit = head; hit >= 0; hit = next[hit]!) {
      const list = this.#subscribers[hits[hit]!]!;
      for (let s = 0; s < list.length; s++) {
        const rule = list[s]! >> 1;
        const start = list[s]! & 1;
        const slot = slots[rule]!;
        if (slot === UNSEEN) continue;
        if (slot === OTHER) return -1;
        let k = n;
        while (k > own && rules[k - 1]! > rule) k--;
        if (k > own && rules[k - 1] === rule) { starts[k - 1]! |= start; continue; }
        if (n === own + MOST) return -1;
        for (let m = n++; m > k; m--) this.#move(m);
        rules[k] = rule;
        starts[k] = start;
        this.keyParts[k] = columns[slot]![row]!;
        const classes = this.#classes[rule];
        if (classes !== undefined) this.#values[k] = columns[classes.slot]![row]!;
      }
    }
    return n;
  }

  /** An entry goes to the place of the one before it. */
  #move(to: number): void {
    this.rules[to] = this.rules[to - 1]!;
    this.starts[to] = this.starts[to - 1]!;
    this.keyParts[to] = this.keyParts[to - 1]!;
    this.#values[to] = this.#values[to - 1]!;
  }

  #findRecords(n: number): void {
    const { cells, mask } = this.#keys.slots;
    const { rules, keyParts } = this;
    const records = this.#records;
    const places = this.#places;
    for (let k = 0; k < n; k++) {
      const hash = mix(this.#seeds[rules[k]!]!, keyParts[k]!);
      let at = hash & mask;
      while (cells[2 * at] !== hash && cells[2 * at + 1] !== 0) at = (at + 1) & mask;
      records[k] = cells[2 * at + 1]!;
    }
    const { i32 } = this.#heap;
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const at = 2 * records[k]!;
      sum ^= i32[at]!;
      places[k] = i32[at + this.#next[rules[k]!]!]!;
    }
    this.sum = sum;
  }

  #findClasses(n: number): void {
    for (let k = 0; k < n; k++) {
      const classes = this.#classes[this.rules[k]!];
      if (classes === undefined) continue;
      const { cells, mask } = classes.slots;
      const hash = mix(mix(this.#records[k]!, classes.position), this.#values[k]!);
      let at = hash & mask;
      while (cells[2 * at] !== hash && cells[2 * at + 1] !== 0) at = (at + 1) & mask;
      const handle = cells[2 * at + 1]!;
      this.#places[k] = handle === 0 ? 0 : (handle - CLASS.ints) >> 1;
    }
  }

  /** Reads what the key records name. */
  #read(n: number): void {
    const places = this.#places;
    const { i32 } = this.#heap;
    const last = i32.length - 1 - 2 * LINE;
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const at = Math.min(2 * places[k]!, last);
      sum ^= i32[at]! ^ i32[at + LINE]! ^ i32[at + 2 * LINE]!;
    }
    this.sum ^= sum;
  }
}
