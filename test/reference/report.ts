import type { Match, Stage } from '../../dsl/typed.ts';
import { compareMoments, END_OF_INPUT } from './types.ts';
import type { Bound, Moment, RefEvent, RefMatch, RefResult, Run } from './types.ts';
import type { Attempt, Completion } from './runs.ts';

/** What of a first event has been reported, dropped or is held at the moment. */
interface Standing {
  readonly attempt: Attempt;
  readonly completions: readonly Completion[];
  readonly lastEnd: Moment | undefined;
  reported: boolean;
  dropped: boolean;
  held: Completion | undefined;
}

/** Goes through all moments in order, and lets the mode and the skip choose what is reported. */
export function report(match: Match, attempts: readonly Attempt[], events: readonly RefEvent[]): RefResult {
  const order = compareRuns(match.stages);
  const standings = attempts.map((attempt): Standing => ({
    attempt, completions: distinct(attempt.completions), lastEnd: lastOf(attempt.ways.map((way) => way.ends)),
    reported: false, dropped: false, held: undefined,
  }));
  const matches: RefMatch[] = [];
  const timeouts: RefMatch[] = [];
  for (const now of momentsOf(standings)) {
    for (const standing of standings) {
      const completed = standing.completions.filter((c) => compareMoments(c.moment, now) === 0).sort((a, b) => order(a.run, b.run));
      if (match.mode === 'longest') {
        hold(standing, completed, order);
        if (settled(standing, now)) reportOne(standing, standing.held, now);
      } else {
        for (const completion of completed) reportOne(standing, completion, now);
      }
      const furthest = timedOut(standing, now, match.stages, order);
      if (furthest !== undefined) timeouts.push(asMatch(furthest, furthest.bound.at(-1)?.event.time ?? now.time, now));
    }
  }
  return { matches, timeouts };

  function reportOne(standing: Standing, completion: Completion | undefined, now: Moment): void {
    if (completion === undefined || standing.dropped) return;
    matches.push(asMatch(completion.run, completion.to, now));
    standing.reported = true;
    for (const other of standings) {
      const begun = 2 * other.attempt.first + 1 <= now.slot;
      if (begun && skips(match, completion, other.attempt.first, events)) other.dropped = true;
    }
  }
}

/** `then skip`: the runs that began at event `first` end. */
function skips({ skip }: Match, { run, to, byTime }: Completion, first: number, events: readonly RefEvent[]): boolean {
  const bound = run.bound.map((b) => ({ stage: b.stage, index: events.indexOf(b.event) }));
  switch (skip.to) {
    case 'none': return false;
    case 'next': return first === bound[0]?.index;
    case 'past last': return byTime ? (events[first]?.time ?? Infinity) <= to : first <= (bound.at(-1)?.index ?? -1);
    case 'first':
    case 'last': {
      const of = bound.filter((b) => b.stage === skip.stage);
      const target = skip.to === 'first' ? of[0] : of.at(-1);
      return target !== undefined && first < target.index;
    }
  }
}

function hold(standing: Standing, completed: readonly Completion[], order: (a: Run, b: Run) => number): void {
  for (const completion of completed) {
    const held = standing.held;
    const better = held === undefined || completion.run.bound.length > held.run.bound.length
      || (completion.run.bound.length === held.run.bound.length && order(completion.run, held.run) < 0);
    if (better) standing.held = completion;
  }
}

/** A match is held, not yet reported, and no open run of its first event can bind more. */
function settled({ attempt, held, reported, dropped }: Standing, now: Moment): boolean {
  if (held === undefined || reported || dropped) return false;
  return attempt.ways.every((way) => compareMoments(way.run.born, now) > 0 || compareMoments(way.ends, now) <= 0
    || way.most <= held.run.bound.length);
}

/** The run that got furthest among those that a time bound ends at this moment, if they are the first event's last. */
function timedOut(
  { attempt, lastEnd, reported, dropped }: Standing, now: Moment, stages: ReadonlyMap<string, Stage>, order: (a: Run, b: Run) => number,
): Run | undefined {
  if (reported || dropped || lastEnd === undefined || compareMoments(lastEnd, now) !== 0) return undefined;
  const ending = attempt.ways.filter((way) => compareMoments(way.ends, now) === 0);
  const completing = new Set(ending.filter((way) => !way.byTime).map((way) => way.run));
  const runs = ending.filter((way) => way.byTime && !completing.has(way.run)).map((way) => way.run);
  const reach = (run: Run) => Math.max(...run.bound.map((b) => stages.get(b.stage)?.order ?? 0));
  return runs.sort((a, b) => reach(b) - reach(a) || b.bound.length - a.bound.length || order(a, b))[0];
}

/**
 * Earliest first event; then the bound events one by one, at the first difference the earlier event first; if one list begins the other, the
 * longer; else the stage written first.
 */
function compareRuns(stages: ReadonlyMap<string, Stage>): (a: Run, b: Run) => number {
  return (a, b) => {
    const both = Math.min(a.bound.length, b.bound.length);
    for (let i = 0; i < both; i++) {
      const difference = (a.bound[i]?.event.index ?? 0) - (b.bound[i]?.event.index ?? 0);
      if (difference !== 0) return difference;
    }
    if (a.bound.length !== b.bound.length) return b.bound.length - a.bound.length;
    for (let i = 0; i < both; i++) {
      const difference = orderOf(stages, a.bound[i]) - orderOf(stages, b.bound[i]);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

function orderOf(stages: ReadonlyMap<string, Stage>, bound: Bound | undefined): number {
  return bound === undefined ? 0 : stages.get(bound.stage)?.order ?? 0;
}

/** Derivations with the same list of (stage, event) are one match, complete when the first of them is. */
function distinct(completions: readonly Completion[]): Completion[] {
  const earliest = new Map<string, Completion>();
  for (const completion of completions) {
    const list = completion.run.bound.map((b) => `${b.stage} ${b.event.index}`).join(',');
    const known = earliest.get(list);
    if (known === undefined || compareMoments(completion.moment, known.moment) < 0) earliest.set(list, completion);
  }
  return [...earliest.values()];
}

/** Every moment at which something completes or ends, in order, each once; the end of the input last. */
function momentsOf(standings: readonly Standing[]): Moment[] {
  const all = standings.flatMap(({ attempt }) => [...attempt.completions.map((c) => c.moment), ...attempt.ways.map((w) => w.ends)]);
  all.push(END_OF_INPUT);
  return all.sort(compareMoments).filter((moment, i, sorted) => {
    const before = sorted[i - 1];
    return before === undefined || compareMoments(before, moment) !== 0;
  });
}

function lastOf(moments: readonly Moment[]): Moment | undefined {
  return moments.reduce<Moment | undefined>((last, m) => (last === undefined || compareMoments(m, last) > 0 ? m : last), undefined);
}

function asMatch(run: Run, to: number, now: Moment): RefMatch {
  return {
    bindings: run.bound.map((b) => ({ stage: b.stage, index: b.event.index })),
    from: run.bound[0]?.event.time ?? to, to, at: now.time,
  };
}
