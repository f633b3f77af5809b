/** The clocks of keys that tables name (`by sensor from sensors`): they are started when event time begins, and as a table names more. */
import type { RuleAtWork } from './at-work.ts';
import type { Keys } from './keys.ts';
import type { EngineOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type { Reporter } from './report.ts';
import type { Roster } from './roster.ts';
import { RuleRunner } from './runner.ts';
import type { Store } from './store.ts';
import type { Upkeep } from './upkeep.ts';

export class Clocks {
  readonly #store: Store;
  readonly #progress: Progress;
  readonly #roster: Roster;
  readonly #keys: Keys;
  readonly #runners: readonly RuleAtWork[];
  readonly #upkeep: Upkeep;
  readonly #reporter: Reporter;
  readonly #ownsKey: EngineOptions['ownsKey'];

  constructor(store: Store, progress: Progress, roster: Roster, keys: Keys, runners: readonly RuleAtWork[], upkeep: Upkeep, reporter: Reporter, ownsKey: EngineOptions['ownsKey']) {
    this.#store = store;
    this.#progress = progress;
    this.#roster = roster;
    this.#keys = keys;
    this.#runners = runners;
    this.#upkeep = upkeep;
    this.#reporter = reporter;
    this.#ownsKey = ownsKey;
    this.recount();
  }

  /** They wait for event time to begin. */
  get pending(): boolean { return this.#roster.pending; }

  /** When the upkeep is due is found again: with clocks that wait, at the next event. */
  recount(): void {
    if (this.pending) this.#upkeep.next = -Infinity;
    else this.#upkeep.recount();
  }

  /** Event time begins: so do the clocks of the keys that tables name. */
  begin(time: number): void {
    this.#upkeep.recount();
    this.#roster.start((rule, key) => { this.#startClocks(rule, key, time); });
  }

  /** A table was set: keys that are new begin at the watermark, runs of those that are gone end. */
  follow(table: number): void {
    this.#roster.changed(table, (rule, key) => { this.#startClocks(rule, key, this.#progress.watermark); }, (rule, key) => {
      const runner = this.#runners[rule]!;
      const ks = this.#keys.find(rule, key, runner.layout.width);
      if (ks === 0) return;
      runner.clear(ks);
      if (runner.isEmpty(ks, this.#progress.watermark)) this.#upkeep.free(runner, ks);
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
    if (this.#ownsKey?.(runner.plan.rule.name, this.#reporter.keyOf(runner, ks)) === false) {
      if (isNew) store.heap.free(ks, runner.layout.units);
      return;
    }
    if (isNew) this.#keys.add(ks);
    store.beginClock(time);
    runner.startClocks(ks);
    store.end();
    this.#upkeep.after(runner, ks, time);
  }
}
