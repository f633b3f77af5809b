/** The match at hand, as conditions over whole matches, alerts and derived events read it. */
import type { Strings } from '../core/strings.ts';
import { EVENT } from './layout.ts';
import type { Store } from './store.ts';

export class MatchView {
  from = NaN;
  to = NaN;
  /** Bound events in order, with the index of their stage. */
  readonly events: number[] = [];
  readonly stages: number[] = [];
  id = '';
  readonly #store: Store;
  readonly #cellOf: readonly Int32Array[];
  readonly #strings: Strings;

  constructor(store: Store) {
    this.#store = store;
    this.#strings = store.strings;
    this.#cellOf = store.plan.kept.map((slots) => {
      const cells = new Int32Array(store.plan.schema.slots).fill(-1);
      slots.forEach((slot, k) => { cells[slot] = EVENT.values + k; });
      return cells;
    });
  }

  set(events: readonly number[], stages: readonly number[]): void {
    this.events.length = 0;
    this.stages.length = 0;
    // Not by spreading: a match may bind more events than a call takes arguments.
    for (let i = 0; i < events.length; i++) {
      this.events.push(events[i]!);
      this.stages.push(stages[i]!);
    }
  }

  idValue(): number { return this.#strings.intern(this.id); }

  /** The value of a slot of a bound event; null where its type has no such field. */
  at(event: number, slot: number): number {
    const { heap } = this.#store;
    const type = heap.i32[2 * event + EVENT.type]!;
    if (type < 0) return NaN;
    const cell = this.#cellOf[type]![slot]!;
    return cell < 0 ? NaN : heap.f64[event + cell]!;
  }

  timeAt(event: number): number { return this.#store.heap.f64[event + EVENT.time]!; }

  /** The last event bound to a stage, 0: none. */
  last(stage: number): number {
    for (let i = this.stages.length - 1; i >= 0; i--) if (this.stages[i] === stage) return this.events[i]!;
    return 0;
  }

  field(stage: number, slot: number): number {
    const event = this.last(stage);
    return event === 0 ? NaN : this.at(event, slot);
  }

  time(stage: number): number {
    const event = this.last(stage);
    return event === 0 ? NaN : this.timeAt(event);
  }

  prev(slot: number): number {
    const event = this.events[this.events.length - 1];
    return event === undefined ? NaN : this.at(event, slot);
  }

  prevTime(): number {
    const event = this.events[this.events.length - 1];
    return event === undefined ? NaN : this.timeAt(event);
  }

  div(a: number, b: number): number { return b === 0 ? NaN : a / b; }
  sampleDeviation(n: number, m2: number): number { return n < 2 ? NaN : Math.sqrt(Math.max(0, m2) / (n - 1)); }
  /** The least of several times; null ones do not count. */
  least(...times: number[]): number {
    let least = Infinity;
    for (const time of times) if (time < least) least = time;
    return least;
  }

  /** An aggregate by walking the events of a stage, from the `from`-th of the match on (section 3 of the language; over nothing as section 8 says). */
  reduce(fn: string, stage: number, value: ((event: number) => number) | null, where: ((event: number) => boolean) | null, limit: number, type: string, from = 0): number {
    if (fn === 'lasting' || fn === 'timeAvg') return this.#overTime(fn, stage, value!, where, from);
    const values: number[] = [];
    let count = 0;
    let first = NaN;
    let last = NaN;
    for (let i = from; i < this.events.length; i++) {
      if (this.stages[i] !== stage) continue;
      const event = this.events[i]!;
      if (where !== null && !where(event)) continue;
      if (value === null) { count++; continue; }
      const v = value(event);
      if (count === 0) first = v;
      last = v;
      count++;
      if (!Number.isNaN(v)) values.push(v);
    }
    const n = values.length;
    const text = type === 'string' || type === 'oneOf';
    const before = (a: number, b: number): boolean => (text ? this.#strings.compare(a, b) < 0 : a < b);
    switch (fn) {
      case 'count': return count;
      case 'sum': return values.reduce((sum, v) => sum + v, 0);
      case 'avg': return n === 0 ? NaN : values.reduce((sum, v) => sum + v, 0) / n;
      case 'min': return values.reduce((best, v) => (Number.isNaN(best) || before(v, best) ? v : best), NaN);
      case 'max': return values.reduce((best, v) => (Number.isNaN(best) || before(best, v) ? v : best), NaN);
      case 'stddev': {
        let mean = 0;
        let m2 = 0;
        values.forEach((v, k) => { const d = v - mean; mean += d / (k + 1); m2 += d * (v - mean); });
        return this.sampleDeviation(n, m2);
      }
      case 'first': return first;
      case 'last': return last;
      case 'distinct': return new Set(values).size;
      case 'values': {
        const latest = limit >= 0 ? values.slice(Math.max(0, n - limit)) : values;
        return this.#strings.intern(JSON.stringify(latest.map((v) => this.json(v, type))));
      }
      default: throw new Error(`unknown aggregate ${fn}`);
    }
  }

  /** `lasting`, `timeAvg`: each event of the stage holds until the next; the last has no length. */
  #overTime(fn: 'lasting' | 'timeAvg', stage: number, value: (event: number) => number, where: ((event: number) => boolean) | null, from: number): number {
    let taken = 0;
    let whole = 0;
    let sum = 0;
    let held = NaN;
    let since = NaN;
    for (let i = from; i < this.events.length; i++) {
      if (this.stages[i] !== stage) continue;
      const event = this.events[i]!;
      const time = this.timeAt(event);
      if (held === held) {
        whole += time - since;
        sum += fn === 'lasting' ? (held === 1 ? time - since : 0) : held * (time - since);
      }
      const takes = where === null || where(event);
      if (takes) taken++;
      held = takes ? value(event) : NaN;
      since = time;
    }
    return fn === 'lasting' ? (taken === 0 ? NaN : sum) : this.div(sum, whole);
  }

  /** A value as plain JSON: times and durations as ms inside lists. */
  json(v: number, type: string): unknown {
    if (Number.isNaN(v)) return null;
    switch (type) {
      case 'string': case 'oneOf': return this.#strings.text(v);
      case 'bool': return v !== 0;
      case 'list': case 'record': return JSON.parse(this.#strings.text(v));
      default: return v;
    }
  }
}
