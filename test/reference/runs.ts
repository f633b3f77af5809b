import type { Conditions } from './conditions.ts';
import type { Expansion } from './expand.ts';
import { unbegun, type Rules } from './rules.ts';
import { END_OF_INPUT, TooManyRuns } from './types.ts';
import type { EndStep, EventStep, Moment, RefEvent, Run, SilenceStep, Step } from './types.ts';

/** One way for an open run to go on, from the run's birth until it is closed. */
export interface Way {
  readonly run: Run;
  /** The moment from which on nothing can come of it. */
  readonly ends: Moment;
  /** A time bound ended it, and nothing else. */
  readonly byTime: boolean;
  /** The most events that a match this way can bind, by the pattern's structure alone. */
  readonly most: number;
}

export interface Completion {
  readonly run: Run;
  readonly moment: Moment;
  /** ms; see RefMatch.to */
  readonly to: number;
  readonly byTime: boolean;
}

/** Everything that can come of one first event, before the mode chooses. */
export interface Attempt {
  /** Place of the first event in the input. */
  readonly first: number;
  readonly ways: readonly Way[];
  readonly completions: readonly Completion[];
}

/** Makes every run of every first event, by trying each event for each step. */
export class Runs {
  readonly #rules: Rules;
  readonly #conditions: Conditions;
  readonly #expansion: Expansion;
  readonly #events: readonly RefEvent[];
  #left: number;

  constructor(rules: Rules, conditions: Conditions, expansion: Expansion, events: readonly RefEvent[], maxRuns: number) {
    this.#rules = rules;
    this.#conditions = conditions;
    this.#expansion = expansion;
    this.#events = events;
    this.#left = maxRuns;
  }

  attempt(first: number, steps: readonly Step[]): Attempt {
    const ways: Way[] = [];
    const completions: Completion[] = [];
    const runs: Run[] = [];
    const begin = unbegun(first);
    for (const step of steps) {
      if (step.kind === 'event' && this.#rules.allows(begin, step, first)) runs.push(this.#rules.bind(begin, step, first));
    }
    for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
      if (--this.#left < 0) throw new TooManyRuns('too many runs');
      if (!this.#rules.lazyObeyed(run)) continue;
      for (const step of this.#rules.next(run)) {
        switch (step.kind) {
          case 'event': this.#take(run, step, runs, ways); break;
          case 'silence': this.#waitSilent(run, step, runs, ways); break;
          case 'end': this.#end(run, step, completions, ways); break;
        }
      }
    }
    return { first, ways, completions };
  }

  #take(run: Run, step: EventStep, runs: Run[], ways: Way[]): void {
    const most = run.bound.length + 1 + this.#expansion.mostAfter(step.after);
    if (!this.#rules.open(run, step, run.since)) return;
    const bound = this.#rules.stepBound(run, step);
    for (let i = run.since + 1; i < this.#events.length && this.#timeOf(i) < bound; i++) {
      if (this.#rules.allows(run, step, i)) runs.push(this.#rules.bind(run, step, i));
      if (!this.#rules.open(run, step, i)) {
        ways.push({ run, ends: this.#momentOf(i), byTime: false, most });
        return;
      }
    }
    ways.push({ run, ...this.#endOf(bound, run), most });
  }

  #waitSilent(run: Run, step: SilenceStep, runs: Run[], ways: Way[]): void {
    const most = run.bound.length + this.#expansion.mostAfter(step.after);
    const { bans, left } = step.approach;
    const completes = run.sinceTime + this.#conditions.duration(step.silence.duration, run.bound, step.turns);
    const bound = this.#rules.runBound(run);
    const until = Math.min(completes, bound);
    for (let i = run.since + 1; i < this.#events.length && this.#timeOf(i) < until; i++) {
      const broken = this.#rules.breaksSilence(run, step.silence.stages, step.turns, i)
        || !this.#rules.bansOpen(run, bans, i) || !this.#rules.greedyHolds(run, left, i);
      if (broken) {
        ways.push({ run, ends: this.#momentOf(i), byTime: false, most });
        return;
      }
    }
    if (completes <= bound && completes < Infinity) {
      const born = this.#rules.timer(completes, run);
      ways.push({ run, ends: born, byTime: false, most });
      runs.push({
        ...run, since: Math.max(run.since, this.#rules.firstFrom(completes) - 1), sinceTime: completes, born, bySilence: true,
        taken: run.taken + 1, carried: bans.filter(({ ban }) => ban.kind === 'between'), at: step.after,
      });
    } else {
      ways.push({ run, ...this.#endOf(bound, run), most });
    }
  }

  #end(run: Run, step: EndStep, completions: Completion[], ways: Way[]): void {
    const { trailing, approach: { left } } = step;
    const to = run.sinceTime;
    if (trailing.length === 0) {
      this.#complete(run, run.born, to, run.bySilence, completions);
      return;
    }
    const most = run.bound.length;
    const absent = trailing.filter(({ ban }) => ban.kind === 'between');
    const ownBounds = absent.flatMap(({ ban, turns }) =>
      ban.what.kind === 'stages' ? ban.what.stages.map((stage) => this.#rules.stageBound(stage, run.bound, turns)) : []);
    const bound = Math.min(this.#rules.runBound(run), ...ownBounds);
    for (let i = run.since + 1; i < this.#events.length && this.#timeOf(i) < bound; i++) {
      if (!this.#rules.bansOpen(run, trailing, i) || !this.#rules.greedyHolds(run, left, i)) {
        ways.push({ run, ends: this.#momentOf(i), byTime: false, most });
        return;
      }
      if (absent.length === 0) {
        this.#complete(run, this.#momentOf(i), run.bound.at(-1)?.event.time ?? to, false, completions);
        ways.push({ run, ends: this.#momentOf(i), byTime: false, most });
        return;
      }
    }
    if (absent.length > 0 && bound < Infinity) {
      const moment = this.#rules.timer(bound, run);
      this.#complete(run, moment, Math.max(bound, to), true, completions); // it may have ended before the last step was done
      ways.push({ run, ends: moment, byTime: false, most });
    } else {
      ways.push({ run, ...this.#endOf(bound, run), most });
    }
  }

  #complete(run: Run, moment: Moment, to: number, byTime: boolean, completions: Completion[]): void {
    const from = run.bound[0]?.event.time ?? to;
    if (this.#conditions.having(run.bound, from, to)) completions.push({ run, moment, to, byTime });
  }

  #endOf(bound: number, run: Run): { ends: Moment; byTime: boolean } {
    return bound < Infinity ? { ends: this.#rules.timer(bound, run), byTime: true } : { ends: END_OF_INPUT, byTime: false };
  }

  #momentOf(i: number): Moment { return { slot: 2 * i + 1, time: this.#timeOf(i) }; }

  #timeOf(i: number): number { return this.#events[i]?.time ?? Infinity; }
}
