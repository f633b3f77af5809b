import type { Ban, Pattern } from '../typed.ts';

/** In place of a stage: nothing is bound yet. */
export const START = '';

/** What can be bound right before what, by the pattern's structure alone. */
export interface Flow {
  /** For each stage, banned ones included: the stages whose event can be the last bound one when it is tested. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>;
  /** The same for the first event a stage takes in a match. */
  readonly beforeFirst: ReadonlyMap<string, ReadonlySet<string>>;
  /** The stages whose event can be the first of a match, START where there can be a match without any. */
  readonly firsts: ReadonlySet<string>;
  /** The stages whose event can be the last bound one at the end. */
  readonly lasts: ReadonlySet<string>;
  /** Stages of a silence that can begin a match: an event of theirs is its first. */
  readonly clocks: ReadonlySet<string>;
}

type Repeat = Extract<Pattern, { kind: 'repeat' }>;

export interface Repeats {
  mayBeZero(repeat: Repeat): boolean;
  mayTurnAgain(repeat: Repeat): boolean;
}

export function flowOf(pattern: Pattern, repeats: Repeats): Flow {
  const exits = exitsOf(repeats);
  const clocks = new Set<string>();
  /** Notes in `before` what can come before each stage; gives what can be last bound after the part. `turns`: loops may have turned before. */
  const walk = (part: Pattern, incoming: ReadonlySet<string>, before: Map<string, Set<string>>, turns: boolean): Set<string> => {
    const note = (stage: string, at: ReadonlySet<string>): void => {
      before.set(stage, union(before.get(stage) ?? [], at));
    };
    const noteBans = (bans: readonly Ban[], at: ReadonlySet<string>): void => {
      for (const ban of bans) {
        if (ban.what.kind === 'stages') ban.what.stages.forEach((stage) => note(stage, at));
        else walk(ban.what.pattern, at, before, turns);
      }
    };
    switch (part.kind) {
      case 'stage':
        note(part.stage, incoming);
        return new Set([part.stage]);
      case 'silence': {
        part.stages.forEach((stage) => note(stage, incoming));
        if (!incoming.has(START)) return new Set(incoming);
        part.stages.forEach((stage) => clocks.add(stage));
        return new Set([...incoming, ...part.stages].filter((stage) => stage !== START));
      }
      case 'or': return union(...part.alternatives.map((alternative) => walk(alternative, incoming, before, turns)));
      case 'sequence': {
        let at = new Set(incoming);
        for (const item of part.items) {
          noteBans(item.bans, at);
          at = walk(item.pattern, at, before, turns);
        }
        noteBans(part.trailing, at);
        return at;
      }
      case 'repeat': {
        const again = turns && repeats.mayTurnAgain(part) ? exits(part.inner).stages : [];
        if (again.length > 0) noteBans(part.iterationBans, new Set(again));
        const after = walk(part.inner, union(incoming, again), before, turns);
        return repeats.mayBeZero(part) ? union(after, incoming) : after;
      }
    }
  };
  const before = new Map<string, Set<string>>();
  const beforeFirst = new Map<string, Set<string>>();
  const lasts = walk(pattern, new Set([START]), before, true);
  walk(pattern, new Set([START]), beforeFirst, false);
  const bound = boundStages(pattern, clocks);
  const firsts = new Set([...before].filter(([stage, ones]) => ones.has(START) && bound.has(stage)).map(([stage]) => stage));
  if (lasts.has(START)) firsts.add(START);
  return { before, beforeFirst, firsts, lasts, clocks };
}

interface Exits { readonly stages: readonly string[]; readonly nullable: boolean }

/** The stages a part can end with, each part looked at once. */
function exitsOf(repeats: Repeats): (part: Pattern) => Exits {
  const known = new WeakMap<Pattern, Exits>();
  const exits = (part: Pattern): Exits => {
    const before = known.get(part);
    if (before !== undefined) return before;
    const made = compute(part);
    known.set(part, made);
    return made;
  };
  const compute = (part: Pattern): Exits => {
    switch (part.kind) {
      case 'stage': return { stages: [part.stage], nullable: false };
      case 'silence': return { stages: [], nullable: true };
      case 'or': {
        const all = part.alternatives.map(exits);
        return { stages: [...union(...all.map((one) => one.stages))], nullable: all.some((one) => one.nullable) };
      }
      case 'sequence': {
        let stages: readonly string[] = [];
        let nullable = true;
        for (const item of part.items) {
          const one = exits(item.pattern);
          stages = one.nullable ? [...union(stages, one.stages)] : one.stages;
          nullable &&= one.nullable;
        }
        return { stages, nullable };
      }
      case 'repeat': {
        const inner = exits(part.inner);
        return { stages: inner.stages, nullable: inner.nullable || repeats.mayBeZero(part) };
      }
    }
  };
  return exits;
}

function union(...sets: readonly Iterable<string>[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

/** The stages that a match can bind. */
function boundStages(pattern: Pattern, clocks: ReadonlySet<string>): Set<string> {
  switch (pattern.kind) {
    case 'stage': return new Set([pattern.stage]);
    case 'silence': return new Set(pattern.stages.filter((stage) => clocks.has(stage)));
    case 'or': return union(...pattern.alternatives.map((alternative) => boundStages(alternative, clocks)));
    case 'sequence': return union(...pattern.items.map((item) => boundStages(item.pattern, clocks)));
    case 'repeat': return boundStages(pattern.inner, clocks);
  }
}
