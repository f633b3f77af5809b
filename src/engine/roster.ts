/**
 * Keys from a table (`by sensor from sensors`): each row is a key from the start, as if it had just had an event, so that a leading silence is reported
 * for a device that never spoke. What is remembered are the keys whose clocks were started, so that a table that is set again starts the new ones only.
 */
import type { Heap } from '../state/heap.ts';
import type { Members } from '../state/members.ts';
import type { Plan, RulePlan } from '../compile/plan.ts';
import { Buckets, type BucketsRoot } from './buckets.ts';
import { mix } from './classes.ts';
import type { Table } from './tables.ts';

/** Ints: next in the chain of the hash, rule. Floats: the key's parts. */
export const ROSTER = { next: 0, rule: 1, key: 1 } as const;

/** JSON. */
export interface RosterRoot { readonly table: BucketsRoot; readonly started: boolean }

export class Roster {
  readonly #heap: Heap;
  readonly #members: Members;
  readonly #buckets: Buckets;
  readonly #tables: readonly Table[];
  readonly #rules: readonly RulePlan[];
  readonly #widths: readonly number[];
  /** Have clocks been started: is it known when event time begins? */
  #started = false;

  /** `members`: those of the tables' heap that are entries. */
  constructor(plan: Plan, heap: Heap, members: Members, tables: readonly Table[]) {
    this.#heap = heap;
    this.#members = members;
    this.#tables = tables;
    this.#rules = plan.rules.filter((rule): rule is RulePlan => rule.roster !== undefined && !rule.isGroup);
    this.#widths = plan.rules.map((rule) => plan.keys[rule.key]!.width);
    this.#buckets = new Buckets({
      hashOf: (p) => this.#hash(heap.i32[2 * p + ROSTER.rule]!, (i) => heap.f64[p + ROSTER.key + i]!),
      next: (p) => heap.i32[2 * p + ROSTER.next]!,
      link: (p, next) => { heap.ints(p)[2 * p + ROSTER.next] = next; },
    });
  }

  /** Clocks wait for event time to begin. */
  get pending(): boolean { return this.#rules.length > 0 && !this.#started; }

  /** Event time has begun: `begin` is called for each key of each roster, in the order of rules and rows. */
  start(begin: (rule: number, key: Float64Array) => void): void {
    this.#started = true;
    for (const rule of this.#rules) this.#sync(rule, begin, () => {});
  }

  /** A table was set: `begin` for the keys that are new, `end` for those that are gone; nothing before event time has begun. */
  changed(table: number, begin: (rule: number, key: Float64Array) => void, end: (rule: number, key: Float64Array) => void): void {
    if (!this.#started) return;
    for (const rule of this.#rules) if (rule.roster!.table === table) this.#sync(rule, begin, end);
  }

  get root(): RosterRoot { return { table: this.#buckets.root, started: this.#started }; }
  load({ table, started }: RosterRoot): void {
    this.#buckets.load(table, this.#members.heads((p) => this.#heap.i32[2 * p + ROSTER.next]!));
    this.#started = started;
  }

  /** Takes a state of other rules up: nothing is known yet but whether clocks have been started. */
  begin(started: boolean): void {
    this.#members.load([]);
    this.#buckets.load({ size: 1024, count: 0 }, []);
    this.#started = started;
  }

  /** The clock of a key was started before. */
  adopt(rule: number, key: Float64Array): void {
    if (this.#rules.some(({ index }) => index === rule)) this.#add(rule, key);
  }

  #sync({ index, roster }: RulePlan, begin: (rule: number, key: Float64Array) => void, end: (rule: number, key: Float64Array) => void): void {
    const table = this.#tables[roster!.table]!;
    const width = this.#widths[index]!;
    const key = new Float64Array(width);
    const kept = new Set<number>();
    rows: for (let row = 0; row < table.count; row++) {
      for (let i = 0; i < width; i++) {
        key[i] = table.cell(row, roster!.columns[i]!);
        if (Number.isNaN(key[i])) continue rows;
      }
      let p = this.#find(index, key);
      if (p === 0) {
        p = this.#add(index, key);
        begin(index, key);
      }
      kept.add(p);
    }
    const gone: number[] = [];
    for (const p of this.#buckets.all()) if (this.#heap.i32[2 * p + ROSTER.rule] === index && !kept.has(p)) gone.push(p);
    for (const p of gone) {
      for (let i = 0; i < width; i++) key[i] = this.#heap.f64[p + ROSTER.key + i]!;
      this.#members.remove(p);
      this.#buckets.remove(p);
      this.#heap.free(p, ROSTER.key + width);
      end(index, key);
    }
  }

  #find(rule: number, key: Float64Array): number {
    const { i32, f64 } = this.#heap;
    search: for (let p = this.#buckets.first(this.#hash(rule, (i) => key[i]!)); p !== 0; p = i32[2 * p + ROSTER.next]!) {
      if (i32[2 * p + ROSTER.rule] !== rule) continue;
      for (let i = 0; i < key.length; i++) if (f64[p + ROSTER.key + i] !== key[i]) continue search;
      return p;
    }
    return 0;
  }

  #add(rule: number, key: Float64Array): number {
    const heap = this.#heap;
    const p = heap.alloc(ROSTER.key + key.length);
    heap.ints(p)[2 * p + ROSTER.rule] = rule;
    const f64 = heap.floats(p);
    for (let i = 0; i < key.length; i++) f64[p + ROSTER.key + i] = key[i]!;
    this.#members.add(p);
    this.#buckets.add(p);
    return p;
  }

  #hash(rule: number, part: (i: number) => number): number {
    let hash = mix(0x3c6ef372, rule);
    for (let i = 0; i < this.#widths[rule]!; i++) hash = mix(hash, part(i));
    return hash;
  }
}
