/** The windows of `limit … per …`: how many alerts of a rule, a key and a value of `by` came out, and how many did not. */
import type { Plan } from '../compile/plan.ts';
import type { Floats, Heap } from '../state/heap.ts';
import type { Members } from '../state/members.ts';
import { Buckets, type BucketsRoot } from './buckets.ts';
import { mix } from './classes.ts';
import { KEY } from './layout.ts';

/** Ints: next in the chain of the hash, rule, alerts in the window, alerts suppressed. Floats: the window's start, the value of `by`, the key's parts. */
export const WINDOW = { next: 0, rule: 1, count: 2, suppressed: 3, from: 2, by: 3, key: 4 } as const;

const FEW = 1024;

/** JSON. */
export interface LimitsRoot { readonly table: BucketsRoot; readonly pruneAt: number }

export class Limits {
  readonly #plan: Plan;
  readonly #keys: Heap;
  readonly #heap: Heap;
  readonly #buckets: Buckets;
  readonly #members: Members;
  #pruneAt = FEW;

  /** The windows lie among the tables: a report must not move the heap under those who list matches. `keys`: where key records lie; `members`: of the tables. */
  constructor(plan: Plan, keys: Heap, tables: Heap, members: Members) {
    this.#plan = plan;
    this.#keys = keys;
    this.#heap = tables;
    this.#members = members;
    this.#buckets = new Buckets({
      hashOf: (p) => this.#hash(tables.i32[2 * p + WINDOW.rule]!, tables.f64[p + WINDOW.by]!, tables.f64, p + WINDOW.key),
      next: (p) => tables.i32[2 * p + WINDOW.next]!,
      link: (p, next) => { tables.ints(p)[2 * p + WINDOW.next] = next; },
    });
  }

  /**
   * An alert of a rule for a key record at a time: how many were suppressed since the last that came out, or -1: it is suppressed too.
   * The rule has a limit; `by` is the value of its `by`, 0 without one.
   */
  admit(rule: number, ks: number, by: number, at: number): number {
    const { count, per } = this.#plan.rules[rule]!.rule.limit!;
    let p = this.#find(rule, ks, by);
    if (p === 0) {
      if (this.#buckets.count >= this.#pruneAt) this.#prune(at);
      p = this.#make(rule, ks, by, at);
    } else if (at >= this.#heap.f64[p + WINDOW.from]! + per) {
      this.#heap.floats(p)[p + WINDOW.from] = at;
      this.#heap.ints(p)[2 * p + WINDOW.count] = 0;
    }
    const i32 = this.#heap.ints(p);
    if (i32[2 * p + WINDOW.count]! >= count) {
      i32[2 * p + WINDOW.suppressed]!++;
      return -1;
    }
    i32[2 * p + WINDOW.count]!++;
    const suppressed = i32[2 * p + WINDOW.suppressed]!;
    i32[2 * p + WINDOW.suppressed] = 0;
    return suppressed;
  }

  get root(): LimitsRoot { return { table: this.#buckets.root, pruneAt: this.#pruneAt }; }
  load({ table, pruneAt }: LimitsRoot): void {
    this.#buckets.load(table, this.#members.heads((p) => this.#heap.i32[2 * p + WINDOW.next]!));
    this.#pruneAt = pruneAt;
  }

  #find(rule: number, ks: number, by: number): number {
    const { i32, f64 } = this.#heap;
    const width = this.#width(rule);
    search: for (let p = this.#buckets.first(this.#hash(rule, by, this.#keys.f64, ks + KEY.key)); p !== 0; p = i32[2 * p + WINDOW.next]!) {
      if (i32[2 * p + WINDOW.rule] !== rule) continue;
      const own = f64[p + WINDOW.by]!;
      if (own !== by && (own === own || by === by)) continue;
      for (let i = 0; i < width; i++) if (f64[p + WINDOW.key + i] !== this.#keys.f64[ks + KEY.key + i]) continue search;
      return p;
    }
    return 0;
  }

  #make(rule: number, ks: number, by: number, at: number): number { return this.#add(rule, this.#keys.f64, ks + KEY.key, by, at); }

  /** A window of a rule as other rules left it (change/). The key's parts lie at `key` in `cells`. */
  adopt(rule: number, cells: Floats, key: number, window: { readonly by: number; readonly from: number; readonly count: number; readonly suppressed: number }): void {
    const p = this.#add(rule, cells, key, window.by, window.from);
    const i32 = this.#heap.ints(p);
    i32[2 * p + WINDOW.count] = window.count;
    i32[2 * p + WINDOW.suppressed] = window.suppressed;
  }

  #add(rule: number, cells: Floats, key: number, by: number, at: number): number {
    const heap = this.#heap;
    const width = this.#width(rule);
    const p = heap.allocShared(WINDOW.key + width);
    heap.ints(p)[2 * p + WINDOW.rule] = rule;
    const f64 = heap.floats(p);
    f64[p + WINDOW.from] = at;
    f64[p + WINDOW.by] = by;
    for (let i = 0; i < width; i++) f64[p + WINDOW.key + i] = cells[key + i]!;
    this.#members.add(p);
    this.#buckets.add(p);
    return p;
  }

  /** Windows that are over and owe no count go. */
  #prune(at: number): void {
    const { i32, f64 } = this.#heap;
    for (const p of Array.from(this.#buckets.all())) {
      const rule = i32[2 * p + WINDOW.rule]!;
      if (i32[2 * p + WINDOW.suppressed] !== 0 || at < f64[p + WINDOW.from]! + this.#plan.rules[rule]!.rule.limit!.per) continue;
      this.#members.remove(p);
      this.#buckets.remove(p);
      this.#heap.freeShared(p, WINDOW.key + this.#width(rule));
    }
    this.#pruneAt = Math.max(FEW, 2 * this.#buckets.count);
  }

  #width(rule: number): number { return this.#plan.keys[this.#plan.rules[rule]!.key]!.width; }

  /** `key`: where the key's parts lie in `cells`. */
  #hash(rule: number, by: number, cells: Floats, key: number): number {
    let hash = mix(mix(0x2c1b3c6d, rule), by);
    const width = this.#width(rule);
    for (let i = 0; i < width; i++) hash = mix(hash, cells[key + i]!);
    return hash;
  }
}
