/**
 * Features: keyed running aggregates over the events of all rules. The features of one key are a *group* (group.ts), so that an event, and a condition that
 * reads several of them, looks one record up.
 *
 * A condition reads the value before the event at hand, a report the one after it, and rules that stand later in the files still test conditions after the
 * first report. So an event is taken into the features when the first report reads one, or else when all rules are done with it; in the former
 * case what conditions may still ask for is set aside first.
 */
import type { Plan } from '../../compile/plan.ts';
import type { BucketsRoot } from '../buckets.ts';
import type { CleanupRoot } from '../cleanups.ts';
import type { Store } from '../store.ts';
import { Group, GROUP_OF } from './group.ts';

export { isKept, type Group, type TakenSpan } from './group.ts';
export { describeFeatures, FEATURE, type FeatureState, type SpanState } from './layout.ts';

/** JSON. */
export interface FeaturesRoot { readonly groups: readonly { readonly table: BucketsRoot; readonly cleanup: CleanupRoot }[] }

export class Features {
  /** When the first key is due to be looked at: nothing may be left of it. */
  due = Infinity;
  readonly #store: Store;
  readonly #key: Float64Array;
  readonly #groups: readonly Group[];
  /** Per schema type: the groups that may take its events. */
  readonly #ofType: readonly (readonly Group[])[];
  /** The event at hand is taken in, or is not to be. */
  #taken = true;

  /** `key`: where generated code puts the key whose features it reads next. */
  constructor(plan: Plan, store: Store, key: Float64Array) {
    this.#store = store;
    this.#key = key;
    this.#groups = plan.features.map((group, index) => new Group(group, index, store));
    this.#ofType = plan.schema.types.map((_, type) => this.#groups.filter(({ plan: { keys } }) => keys[type] !== undefined));
  }

  /** Does any feature take events of the schema type? */
  isOf(type: number): boolean { return this.#ofType[type]!.length > 0; }

  /** Makes functions of the plan's sources. */
  bind(bind: (sources: readonly string[]) => unknown[]): void { for (const group of this.#groups) group.bind(bind); }

  /** An event is at hand. One that only shadow rules read is no part of what others read. */
  begin(shadow: boolean): void {
    if (this.#groups.length > 0) this.#taken = shadow;
  }

  /** All rules are done with the event at hand. */
  end(): void {
    if (!this.#taken) this.#take(false);
    for (let g = 0; g < this.#groups.length; g++) this.#groups[g]!.touched = 0;
  }

  /** The value before the event at hand, or at the timer at hand, of a feature under the key in the scratch. */
  before(group: number, feature: number): number {
    const of = this.#groups[group]!;
    const record = of.find(this.#key);
    return record !== 0 && record === of.touched && of.isTouched(feature) ? of.valueBefore(feature) : of.value(record, feature, this.#store.current.time);
  }

  /** The value after the event at hand, or at the timer at hand. */
  after(group: number, feature: number): number {
    if (!this.#taken) this.#take(true);
    const of = this.#groups[group]!;
    return of.value(of.find(this.#key), feature, this.#store.current.time);
  }

  /** Keys whose values are all over go. */
  clean(time: number): void {
    if (this.due > time) return;
    this.due = Infinity;
    for (const group of this.#groups) this.due = Math.min(this.due, group.clean(time));
  }

  get root(): FeaturesRoot { return { groups: this.#groups.map((group) => group.root) }; }
  /** After the heaps and the members were. */
  load({ groups }: FeaturesRoot): void {
    const { features, featureMembers } = this.#store;
    const heads: number[][] = this.#groups.map(() => []);
    for (const p of featureMembers.heads((record) => features.i32[2 * record]!)) heads[features.i32[2 * p + GROUP_OF]!]!.push(p);
    this.#groups.forEach((group, i) => { group.load(groups[i]!, heads[i]!); });
    this.due = Math.min(Infinity, ...this.#groups.map((group) => group.due));
    this.#taken = true;
  }

  /** Everything is forgotten; the heap and the members were emptied. */
  clear(): void {
    for (const group of this.#groups) group.clear();
    this.due = Infinity;
    this.#taken = true;
  }

  /** The groups take over what `take` gives them. */
  adopt(take: (groups: readonly Group[]) => void): void {
    take(this.#groups);
    this.due = Math.min(Infinity, ...this.#groups.map((group) => group.due));
  }

  /** `aside`: conditions may still read what was before. */
  #take(aside: boolean): void {
    this.#taken = true;
    const { type, time } = this.#store.current;
    const groups = this.#ofType[type]!;
    for (let g = 0; g < groups.length; g++) {
      const due = groups[g]!.take(type, time, this.#store.num, aside);
      if (due < this.due) this.due = due;
    }
  }
}
