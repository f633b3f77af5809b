import type { Match, Pattern } from '../../dsl/typed.ts';
import type { Conditions } from './conditions.ts';
import type { Expansion } from './expand.ts';
import type { Bound, EventStep, LeftLoop, Moment, PlacedBan, RefEvent, Run, Step, Turns } from './types.ts';

/**
 * The rules of section 3 of the language, each by itself. "Open after i" says that the events up to the i-th leave it possible for a later
 * one to be the next step's; "allows i" that the i-th itself may be it. An event i is the run's next exactly when the way is open after
 * i − 1 and allows i.
 */
export class Rules {
  readonly #match: Match;
  readonly #conditions: Conditions;
  readonly #expansion: Expansion;
  readonly #events: readonly RefEvent[];

  constructor(match: Match, conditions: Conditions, expansion: Expansion, events: readonly RefEvent[]) {
    this.#match = match;
    this.#conditions = conditions;
    this.#expansion = expansion;
    this.#events = events;
  }

  /** The moment of a timer at `time` for a run; of one that was due before the run's last step, right after the event of that step, or with the silence. */
  timer(time: number, run: Run): Moment {
    if (time <= run.sinceTime && run.bySilence) return run.born;
    return { slot: 2 * Math.max(this.firstFrom(time), run.since + 1), time: Math.max(time, run.sinceTime) };
  }

  /** Index of the first event at or after `time`. */
  firstFrom(time: number): number {
    const index = this.#events.findIndex((event) => event.time >= time);
    return index < 0 ? this.#events.length : index;
  }

  // ---- arrows -------------------------------------------------------------------------------------------------------------

  /** `=>`: neighbours. `->`: no event strictly between could have been the second. `->>`: no more is asked. */
  arrowOpen(run: Run, step: EventStep, after: number): boolean {
    if (run.bound.length === 0) return true;
    switch (step.approach.arrow) {
      case 'next': return after === run.since;
      case 'followed': return !this.#some(run.since + 1, after, (i) => this.couldBe(run, step, i));
      default: return true;
    }
  }

  /** Type and condition, given the events bound before. */
  couldBe(run: Run, step: EventStep, i: number): boolean {
    const event = this.#at(i);
    return this.#conditions.satisfies(step.stage, event, run.bound, step.turns)
      && !step.unless.some((stage) => this.#conditions.satisfies(stage, event, run.bound, step.turns));
  }

  // ---- bans ---------------------------------------------------------------------------------------------------------------

  bansOpen(run: Run, bans: readonly PlacedBan[], after: number): boolean {
    return bans.every((ban) => !this.#some(run.since + 1, after, (i) => this.#banned(run, ban, i)));
  }

  /** Only `=> not b` concerns the event that the next step takes. */
  bansAllow(run: Run, bans: readonly PlacedBan[], i: number): boolean {
    return bans.every((ban) => ban.ban.kind === 'between' || !this.#banned(run, ban, i));
  }

  /** At event i the ban is broken. */
  #banned(run: Run, { ban, turns }: PlacedBan, i: number): boolean {
    const from = run.since + 1;
    if (ban.kind === 'next') {
      return ban.what.kind === 'stages' ? i === from && this.#isBanned(ban.what.stages, i, run.bound, turns)
        : this.#sequenceEnds(ban.what.pattern, run, turns, from, from, i);
    }
    return ban.what.kind === 'stages' ? this.#isBanned(ban.what.stages, i, run.bound, turns)
      : this.#sequenceEnds(ban.what.pattern, run, turns, from, i, i);
  }

  #isBanned(stages: readonly string[], i: number, bound: readonly Bound[], turns: Turns): boolean {
    const event = this.#at(i);
    return stages.some((stage) => this.#conditions.satisfies(stage, event, bound, turns)
      && event.time < this.stageBound(stage, bound, turns));
  }

  /** A match of the banned sequence begins between `from` and `latest`, and ends at event `end`. */
  #sequenceEnds(pattern: Pattern, run: Run, turns: Turns, from: number, latest: number, end: number): boolean {
    const search = (at: Run, steps: readonly Step[]): boolean => steps.some((bare) => {
      if (bare.kind === 'end') return at.since === end && at.bound.length > run.bound.length;
      if (bare.kind === 'silence') return false;
      const step = { ...bare, turns: [...bare.turns, ...turns] };
      const begins = at.bound.length === run.bound.length;
      for (let i = begins ? from : at.since + 1; i <= (begins ? latest : end); i++) {
        const before = begins ? { ...at, since: i - 1 } : at;
        if (!this.open(before, step, i - 1, begins) || !this.allows(before, step, i)) continue;
        const next = this.bind(before, step, i);
        if (search(next, this.next(next))) return true;
      }
      return false;
    });
    return search({ ...run, taken: 0, carried: [], inBan: true }, this.#expansion.first(pattern));
  }

  /** A ban at the very start: no such event in the span of `within` that ends with the first bound event, i. */
  lookBackAllows(bans: readonly PlacedBan[], i: number, first: Bound): boolean {
    const within = this.#match.within;
    if (within === undefined) return true;
    const length = this.#conditions.duration(within, [first], []);
    const end = this.#at(i).time;
    const from = this.#events.findIndex((event) => end < event.time + length);
    const nothing: Run = { ...unbegun(from), inBan: true };
    return bans.every((ban) => !this.#some(from, i - 1, (j) => this.#banned(nothing, { ...ban, ban: { ...ban.ban, kind: 'between' } }, j)));
  }

  // ---- loops --------------------------------------------------------------------------------------------------------------

  /**
   * `greedy`: on leaving (or passing by) a loop that has room and that no `until` has closed, no event after its last, up to and including
   * `upTo`, satisfies the loop's stage.
   */
  greedyHolds(run: Run, left: readonly LeftLoop[], upTo: number): boolean {
    return left.every((loop) => {
      if (!loop.repeat.greedy || loop.count >= loop.max) return true;
      for (let i = run.since + 1; i <= upTo; i++) {
        if (this.#conditions.closes(loop.stage, this.#at(i), run.bound, loop.turns)) return true;
        if (this.#conditions.satisfies(loop.stage, this.#at(i), run.bound, loop.turns)) return false;
      }
      return true;
    });
  }

  /** `lazy`: no event taken by the loop could have been taken by the step after it, once the minimum was met. */
  lazyHolds(run: Run, left: readonly LeftLoop[], step: Step): boolean {
    if (step.kind !== 'event') return true;
    return left.every((loop) => {
      if (!loop.repeat.lazy || loop.pass === undefined) return true;
      return run.bound.every((b, i) => b.loop === undefined || b.loop.pass !== loop.pass || b.loop.count <= loop.min
        || !this.#conditions.satisfies(step.stage, b.event, run.bound.slice(0, i), step.turns));
    });
  }

  /** A run in a lazy loop obeys `lazy` as long as some step after the loop could not have taken any event of the loop. */
  lazyObeyed(run: Run): boolean {
    const last = run.bound.at(-1);
    const turn = last?.turns[0];
    if (last?.loop === undefined || turn === undefined || !last.loop.repeat.lazy || run.bySilence) return true;
    const left: LeftLoop = {
      repeat: turn.repeat, stage: last.stage, count: turn.turn, min: turn.min, max: turn.max, turns: last.turns, pass: last.loop.pass,
    };
    return this.#expansion.exits(turn, run.taken).some((step) => this.lazyHolds(run, [left], step));
  }

  /** `until`: no event after the step before (the loop, or its last iteration) up to `upTo` closes the loop. */
  #untilHolds(run: Run, step: EventStep, upTo: number): boolean {
    return step.loop === undefined
      || !this.#some(run.since + 1, upTo, (i) => this.#conditions.closes(step.stage, this.#at(i), run.bound, step.turns));
  }

  // ---- time ---------------------------------------------------------------------------------------------------------------

  /** ms: when the first of the bounds on the whole run ends (within, gap, session). */
  runBound(run: Run): number {
    const first = run.bound[0];
    const last = run.bound.at(-1);
    if (run.inBan || first === undefined || last === undefined) return Infinity;
    const { within, gap, session } = this.#match;
    return Math.min(
      within === undefined ? Infinity : first.event.time + this.#conditions.duration(within, [first], []),
      gap === undefined ? Infinity : last.event.time + this.#conditions.duration(gap, run.bound, []),
      session === undefined ? Infinity : this.#sessionEnd(last.event, this.#conditions.duration(session, [first], [])),
    );
  }

  /** ms: when the stage's own `within d of s` ends; its span starts with the last event of s. */
  stageBound(name: string, bound: readonly Bound[], turns: Turns): number {
    const within = this.#conditions.stage(name).within;
    const start = within && this.#conditions.visible(within.of, name, bound, turns).at(-1);
    if (within === undefined || start === undefined) return Infinity;
    const upToStart = bound.slice(0, bound.indexOf(start) + 1);
    // A loop that bounds itself may be in a later turn by now than where the span started.
    const then = start.turns.filter((theirs) => turns.some((mine) => mine.repeat === theirs.repeat));
    return start.event.time + this.#conditions.duration(within.duration, upToStart, then, name);
  }

  /** ms: when the session that `event` lies in ends: `pause` after an event that none follows before. */
  #sessionEnd(event: RefEvent, pause: number): number {
    let end = event.time + pause;
    for (let i = this.#events.indexOf(event) + 1; i < this.#events.length && this.#at(i).time < end; i++) end = this.#at(i).time + pause;
    return end;
  }

  /** ms: from then on no event can be the step's. */
  stepBound(run: Run, step: EventStep): number {
    return Math.min(this.runBound(run), this.stageBound(step.stage, run.bound, step.turns));
  }

  // ---- together -----------------------------------------------------------------------------------------------------------

  /** A later event than the one at `after` could still be the run's next, by `step`. `begins`: nothing is bound before it. */
  open(run: Run, step: EventStep, after: number, begins = run.bound.length === 0): boolean {
    if (begins) return true;
    const { bans, left } = step.approach;
    return this.arrowOpen(run, step, after) && this.bansOpen(run, bans, after) && this.greedyHolds(run, left, after)
      && this.#untilHolds(run, step, after) && this.lazyHolds(run, left, step);
  }

  /** The event at i may be the run's next, by `step`, provided the way is open after i − 1. */
  allows(run: Run, step: EventStep, i: number): boolean {
    const event = this.#at(i);
    const { bans, left, lookBack } = step.approach;
    return this.couldBe(run, step, i) && this.bansAllow(run, bans, i) && this.greedyHolds(run, left, i) && this.#untilHolds(run, step, i)
      && event.time < this.stepBound(run, step)
      && (lookBack.length === 0 || this.lookBackAllows(lookBack, i, { stage: step.stage, event, turns: step.turns, loop: step.loop }));
  }

  /** The steps that can come next. */
  next(run: Run): Step[] {
    return this.#expansion.after(run.at, run.taken, run.carried);
  }

  /** The run with the event at i bound to the step. */
  bind(run: Run, step: EventStep, i: number): Run {
    const event = this.#at(i);
    return {
      bound: [...run.bound, { stage: step.stage, event, turns: step.turns, loop: step.loop }], since: i, sinceTime: event.time,
      born: { slot: 2 * i + 1, time: event.time }, bySilence: false, taken: run.taken + 1, carried: [], at: step.after, inBan: run.inBan,
    };
  }

  /** What a silence or a closing absence is about: the event at i satisfies one of its stages. */
  breaksSilence(run: Run, stages: readonly string[], turns: Turns, i: number): boolean {
    return this.#isBanned(stages, i, run.bound, turns);
  }

  #at(i: number): RefEvent {
    const event = this.#events[i];
    if (event === undefined) throw new RangeError(`no event ${i}`);
    return event;
  }

  #some(from: number, to: number, holds: (i: number) => boolean): boolean {
    for (let i = from; i <= to; i++) if (holds(i)) return true;
    return false;
  }
}

/** The run before its first event, which is at i or later. */
export function unbegun(i: number): Run {
  return {
    bound: [], since: i - 1, sinceTime: -Infinity, born: { slot: 0, time: -Infinity }, bySilence: false, taken: 0, carried: [], at: undefined, inBan: false,
  };
}
