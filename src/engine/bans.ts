/** What the bans of a rule look back on: those before its first step, and banned sequences. Kept in the key's record, or in a log of events where conditions read bound ones. */
import type { Cond, RulePlan, TimeSpan } from '../compile/plan.ts';
import { KEY, type KeyLayout } from './layout.ts';
import { SequenceLog, type Logged } from './log.ts';
import type { Store } from './store.ts';

/** What a rule at work says of the event at hand. */
export interface BansHost {
  holds(cond: Cond, c: number): boolean;
  /** ms, by the key at hand. */
  spanOf(span: TimeSpan): number;
}

export class Bans {
  /** There is something to remember of events. */
  readonly remembers: boolean;
  readonly #plan: RulePlan;
  readonly #layout: KeyLayout;
  readonly #store: Store;
  readonly #functions: readonly unknown[];
  readonly #host: BansHost;
  readonly #log: SequenceLog | undefined;
  readonly #loggedPredicates: readonly number[];
  /** ms after which what is logged is of no use; 0: it always may be. */
  readonly #cleanup: number;

  constructor(plan: RulePlan, layout: KeyLayout, store: Store, functions: readonly unknown[], cleanup: number, host: BansHost) {
    this.#plan = plan;
    this.#layout = layout;
    this.#store = store;
    this.#functions = functions;
    this.#cleanup = cleanup;
    this.#host = host;
    if (layout.log >= 0) this.#log = new SequenceLog(store.heap, layout.log, store.E.length);
    this.#loggedPredicates = [...new Set(plan.sequences.filter((s) => s.logged).flatMap((s) => s.steps.map((step) => step.cond.predicate)))];
    this.remembers = plan.sequences.length > 0 || plan.leading.some(({ conds }) => conds.length > 0);
  }

  /** The key's record goes. */
  forget(ks: number): void { this.#log?.forget(ks); }
  /** The heap was restored. */
  reset(): void { this.#log?.reset(); }
  adopt(ks: number, entry: Logged): void { this.#log?.add(ks, entry); }

  /** Has nothing been seen of what is banned before the start, for as long as `within` looks back? */
  mayStart(ks: number, index: number): boolean {
    const leading = this.#plan.leading[index]!;
    const { heap, current } = this.#store;
    if (leading.conds.length > 0 || leading.sequences.length > 0) {
      const span = this.#host.spanOf(leading.span!);
      const after = current.time - (Number.isNaN(span) ? Infinity : span);
      if (leading.conds.length > 0 && heap.f64[ks + this.#layout.leading + index]! > after) return false;
      for (const s of leading.sequences) {
        if (this.#plan.sequences[s]!.logged) { if (this.#loggedSince(ks, s, after)) return false; }
        else if (heap.f64[ks + this.#layout.sequences[s]! + 3 * this.#plan.sequences[s]!.steps.length]! > after) return false;
      }
    }
    return true;
  }

  /** The earliest first event of a banned sequence that the event at hand completes: nodes before it lose the edge. 0: none. `c`: registers of the runs it is asked for. */
  endOf(ks: number, index: number, sequence: number, c: number): number {
    return this.#plan.sequences[index]!.logged ? this.#loggedEnd(ks, index, sequence, c) : this.#sequenceEnd(ks, index, sequence);
  }

  #sequenceEnd(ks: number, index: number, sequence: number): number {
    const { steps } = this.#plan.sequences[index]!;
    const { f64 } = this.#store.heap;
    const last = steps.length - 1;
    if (!this.#host.holds(steps[last]!.cond, 0)) return 0;
    if (last === 0) return sequence;
    const at = ks + this.#layout.sequences[index]! + 3 * (last - 1);
    if (f64[at] === -Infinity || (steps[last]!.arrow === 'next' && f64[at + 2] !== sequence - 1)) return 0;
    return f64[at]!;
  }

  #logEvent(ks: number, sequence: number, time: number): void {
    const { truth, stamp, E, heap } = this.#store;
    const predicates = this.#loggedPredicates.filter((p) => truth[p] === stamp);
    if (predicates.length === 0) return;
    const log = this.#log!;
    log.add(ks, { sequence, cells: E.slice(), predicates });
    heap.floats(ks)[ks + KEY.last] = time;
    const { length } = log.of(ks);
    if (this.#cleanup > 0 && length > 64 && (length & (length - 1)) === 0) log.forgetUpTo(ks, time - this.#cleanup);
  }

  /** Can a banned sequence be found in the log that starts at entry `i` and ends at the event with sequence number `end` (any: -1)? */
  #findLogged(log: readonly Logged[], index: number, i: number, end: number, c: number): boolean {
    const { steps } = this.#plan.sequences[index]!;
    const store = this.#store;
    const holds = (k: number, entry: Logged): boolean => {
      const { cond } = steps[k]!;
      if (!entry.predicates.includes(cond.predicate)) return false;
      if (cond.rest < 0) return true;
      store.E.set(entry.cells);
      return (this.#functions[cond.rest] as (c: number) => boolean)(c);
    };
    const from = (k: number, at: number): boolean => {
      store.tried[k] = log[at]!.cells;
      if (k === steps.length - 1) return end < 0 || log[at]!.sequence === end;
      for (let next = at + 1; next < log.length; next++) {
        const { arrow } = steps[k + 1]!;
        if (arrow === 'next' && log[next]!.sequence > log[at]!.sequence + 1) return false;
        if (!holds(k + 1, log[next]!)) continue;
        if (from(k + 1, next)) return true;
        if (arrow === 'followed') return false;
      }
      return false;
    };
    return holds(0, log[i]!) && from(0, i);
  }

  /** As `endOf`, for a sequence whose conditions read bound events: the log is searched from the latest first step back. */
  #loggedEnd(ks: number, index: number, sequence: number, c: number): number {
    const store = this.#store;
    const { steps } = this.#plan.sequences[index]!;
    if (store.truth[steps[steps.length - 1]!.cond.predicate] !== store.stamp) return 0;
    const cells = store.E.slice();
    const log = [...this.#log!.of(ks), { sequence, cells, predicates: this.#loggedPredicates.filter((p) => store.truth[p] === store.stamp) }];
    let found = 0;
    for (let i = log.length - 1; i >= 0 && found === 0; i--) if (this.#findLogged(log, index, i, sequence, c)) found = log[i]!.sequence;
    store.E.set(cells);
    return found;
  }

  #loggedSince(ks: number, index: number, after: number): boolean {
    const store = this.#store;
    const log = this.#log!.of(ks);
    const cells = store.E.slice();
    let found = false;
    for (let i = log.length - 1; i >= 0 && !found; i--) {
      if (log[i]!.cells[cells.length - 1]! <= after) break;
      found = this.#findLogged(log, index, i, -1, 0);
    }
    store.E.set(cells);
    return found;
  }

  /** After the event was tried: what banned sequences and leading bans must remember of it. */
  remember(ks: number, sequence: number, time: number): void {
    const { heap } = this.#store;
    const { f64 } = heap;
    if (this.#loggedPredicates.length > 0) this.#logEvent(ks, sequence, time);
    this.#plan.sequences.forEach(({ steps, logged }, index) => {
      if (logged) return;
      const base = ks + this.#layout.sequences[index]!;
      for (let k = steps.length - 1; k >= 0; k--) {
        if (!this.#host.holds(steps[k]!.cond, 0)) continue;
        let first = sequence;
        let since = time;
        if (k > 0) {
          const before = base + 3 * (k - 1);
          if (f64[before] === -Infinity || (steps[k]!.arrow === 'next' && f64[before + 2] !== sequence - 1)) continue;
          first = f64[before]!;
          since = f64[before + 1]!;
        }
        heap.floats(base)[base + 3 * k] = first;
        heap.floats(base)[base + 3 * k + 1] = since;
        heap.floats(base)[base + 3 * k + 2] = sequence;
        if (k === steps.length - 1) heap.floats(base)[base + 3 * steps.length] = Math.max(f64[base + 3 * steps.length]!, since);
        heap.floats(ks)[ks + KEY.last] = time;
      }
    });
    this.#plan.leading.forEach(({ conds }, index) => {
      if (conds.some((cond) => this.#host.holds(cond, 0))) {
        heap.floats(ks)[ks + this.#layout.leading + index] = time;
        heap.floats(ks)[ks + KEY.last] = time;
      }
    });
  }
}
