/** How the event at hand (its cells in E, the rest in `store.current`) reaches the rules: by its type, the predicates it meets, and each rule's key. */
import type { Batch } from '../core/batch.ts';
import type { Plan } from '../compile/index.ts';
import { Agenda } from './agenda.ts';
import type { RuleAtWork } from './at-work.ts';
import type { Features } from './features/index.ts';
import type { Bind } from './generated.ts';
import type { Keys } from './keys.ts';
import { KEY } from './layout.ts';
import type { RuleRunner } from './runner.ts';
import { Scanner } from './scan.ts';
import type { Store } from './store.ts';
import { indexType, subscribersOf, type KeyFunctions, type TypeIndex } from './subscriptions.ts';
import type { Upkeep } from './upkeep.ts';

/** In place of an event's hits in the scanner's lists. */
export const NOT_SCANNED = -2;

export class Dispatcher {
  readonly types: TypeIndex[];
  /** By row of the block that was scanned: its first hit, -1: none; and 1: all it concerns is known, so that `dispatchEntered` takes it. */
  readonly heads: Int32Array;
  readonly entered: Uint8Array;
  readonly #plan: Plan;
  readonly #store: Store;
  readonly #features: Features;
  readonly #keys: Keys;
  readonly #runners: readonly RuleAtWork[];
  readonly #upkeep: Upkeep;
  readonly #predicates: readonly (() => boolean)[];
  /** Per predicate: rules concerned, as rule × 2 + (1: it may start a run). */
  readonly #subscribers: Int32Array[];
  readonly #keyFunctions: KeyFunctions;
  readonly #scanner: Scanner;
  readonly #agenda: Agenda;
  readonly #touched: Int32Array;
  readonly #touchedStamp: Int32Array;
  readonly #startStamp: Int32Array;
  #touchedCount = 0;
  /** The event at hand was derived by a shadow rule: only such see it. */
  #shadow = false;
  /** The event at hand is late: only rules that keep windows for it see it. */
  #isLate = false;
  /** The watermark that a late event met. */
  #reached = -Infinity;

  constructor(store: Store, features: Features, keys: Keys, runners: readonly RuleAtWork[], upkeep: Upkeep, bind: Bind) {
    const { plan } = store;
    this.#plan = plan;
    this.#store = store;
    this.#features = features;
    this.#keys = keys;
    this.#runners = runners;
    this.#upkeep = upkeep;
    this.#predicates = bind(plan.predicates.map((p) => `()=>${p.source}`)) as (() => boolean)[];
    this.#keyFunctions = plan.keys.map((key) => bind(key.sources.map((parts) => (parts === undefined ? 'undefined' : `(K)=>{${parts.map((part, i) => `const v${i}=${part};`).join('')}${parts.map((_, i) => `K[${i}]=v${i};`).join('')}}`)))) as KeyFunctions;
    this.#subscribers = subscribersOf(plan);
    this.types = plan.schema.types.map((_, type) => this.#indexType(type));
    this.#scanner = new Scanner(plan, this.types.map((type) => type.linear), bind);
    this.#agenda = new Agenda(plan, this.types.map((type) => type.quiet && plan.features.length === 0), keys, store.heap, runners, this.#subscribers);
    this.heads = this.#scanner.heads;
    this.entered = this.#agenda.whole;
    this.#touched = new Int32Array(Math.max(1, plan.rules.length));
    this.#touchedStamp = new Int32Array(plan.rules.length);
    this.#startStamp = new Int32Array(plan.rules.length);
  }

  /** Constants have other ids. */
  reindex(): void { this.types.forEach((_, type) => { this.types[type] = this.#indexType(type); }); }

  #indexType(type: number): TypeIndex { return indexType(this.#plan, type, this.#store.C, this.#keyFunctions, this.#features.isOf(type)); }

  /** What rows of a batch, at most BLOCK, concern is found for all of them. */
  scan(batch: Pick<Batch, 'columns' | 'type' | 'time'>, from: number, to: number): void {
    this.#scanner.run(batch, from, to);
    this.#agenda.enter(batch.columns, batch.type, from, to, this.#scanner);
  }

  /** The event at hand is row `i` of the block that was scanned, with all that it concerns on the agenda; `head`: its hits. */
  dispatchEntered(head: number, i: number): void {
    const store = this.#store;
    const { truth } = store;
    const { first, rules, starts, keyParts } = this.#agenda;
    const stamp = this.#next();
    const { next, hits } = this.#scanner;
    for (let n = head; n >= 0; n = next[n]!) truth[hits[n]!] = stamp;
    for (let entry = first[i]!; entry < first[i + 1]!; entry++) {
      store.K[0] = keyParts[entry]!;
      this.#runKey(this.#runners[rules[entry]!]!, starts[entry] === 1, this.#agenda.recordOf(entry));
    }
    store.end();
  }

  /** The event at hand is derived. `shadow`: by a shadow rule. */
  dispatchDerived(shadow: boolean): void {
    this.#shadow = shadow;
    this.dispatch(NOT_SCANNED);
    this.#shadow = false;
  }

  /** The event at hand is late. */
  dispatchLate(watermark: number): void {
    this.#isLate = true;
    this.#reached = watermark;
    this.dispatch(NOT_SCANNED);
    this.#isLate = false;
  }

  /** `head`: the event's hits in the scanner's lists, or NOT_SCANNED. */
  dispatch(head: number): void {
    const store = this.#store;
    const { current, truth, E } = store;
    const stamp = this.#next();
    this.#features.begin(this.#shadow || this.#isLate);
    this.#touchedCount = 0;
    const index = this.types[current.type]!;
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
    if (this.#features.due < this.#upkeep.next) this.#upkeep.next = this.#features.due;
    store.end();
  }

  /** The event at hand is the next that is processed. Returns its stamp. */
  #next(): number {
    const store = this.#store;
    const { E } = store;
    store.num++;
    E[E.length - 1] = store.current.time;
    store.begin();
    return ++store.stamp;
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

  /** `ks`: the key's record, if it is known. */
  #runKey(runner: RuleAtWork, mayStart: boolean, ks = 0): void {
    const store = this.#store;
    const { index } = runner.plan;
    const { heap } = store;
    const owned = heap.bytesOwned;
    if (ks === 0) ks = this.#keys.find(index, store.K, runner.layout.width);
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
    const now = this.#isLate ? this.#reached : store.current.time;
    runner.process(ks, now);
    runner.size.bytes += heap.bytesOwned - owned;
    runner.size.runs += heap.i32[2 * ks + KEY.nodes]! - nodes;
    this.#upkeep.after(runner, ks, now);
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
