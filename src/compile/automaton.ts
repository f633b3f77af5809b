/**
 * From a checked pattern to its automaton, by Glushkov's construction: every occurrence of a stage is a position, and an edge leads from a
 * position to each one that may be bound next. There are no epsilon moves and no copies for counted repeats: `x{3,1000}` is one position with a
 * counter. An edge carries all that must hold while it waits (bans, greedy loops left behind, `until`) and what its taking does to counters.
 */
import type { Arrow } from '../../dsl/ast.ts';
import type { Ban, Expr, Match, Pattern, PatternRule } from '../../dsl/typed.ts';

export interface Position {
  readonly id: number;
  /** The stage whose event is bound here; undefined for a silence, which completes by time. */
  readonly stage: string | undefined;
  readonly silence: { readonly stages: readonly string[]; readonly duration: Expr } | undefined;
  /** Edges out, by edge index within the position. */
  readonly out: Edge[];
  readonly accepts: Accept[];
}

/** A counted repeat, with its bounds as numbers. Counters saturate at `cap`. */
export interface Counter {
  readonly id: number;
  readonly min: number;
  /** Infinity: no bound */
  readonly max: number;
  readonly cap: number;
}

/** A loop over one stage, as far as greedy, lazy and until need it. */
export interface Loop {
  readonly id: number;
  readonly stage: string;
  readonly counter: Counter | undefined;
  readonly min: number;
  readonly max: number;
  readonly greedy: boolean;
  readonly lazy: boolean;
}

/** While an edge waits, no event may be taken by this greedy loop, which was left (or bypassed: `fresh`) on the way. */
export interface GreedyBan { readonly loop: Loop; readonly fresh: boolean }

/** A ban on an edge. `earlier`: it was written in the turn that the edge's `resets` end, and reads the events of that turn. */
export interface EdgeBan { readonly ban: Ban; readonly earlier: boolean }

export interface Edge {
  readonly id: number;
  /** Position index, -1: the start. */
  readonly from: number;
  readonly to: number;
  readonly arrow: Arrow;
  /** Bans that hold between the two events; `next` bans look only at the event right after the first. */
  readonly bans: readonly EdgeBan[];
  readonly greedy: readonly GreedyBan[];
  /** The edge enters (true) or repeats (false) a loop. */
  readonly loop: { readonly loop: Loop; readonly enter: boolean } | undefined;
  /** Counters that must have reached their minimum (the loops left). */
  readonly leaves: readonly Counter[];
  /** Counters that must be below their maximum and go up by one (the loops repeated). */
  readonly repeats: readonly Counter[];
  /** Counters set to one (the loops entered). */
  readonly enters: readonly Counter[];
  /** The edge is not taken by an event of these stages (a clock that several stages may start belongs to the first of them). */
  readonly unless: readonly string[];
  /** Stages whose binding of the turn before is forgotten (a group starts anew). */
  readonly resets: readonly { readonly group: number; readonly stages: readonly string[] }[];
}

/** The pattern may end after a position. `absence`: bans that must hold until the first bound ends; with a `next` ban: until the next event. */
export interface Accept {
  readonly leaves: readonly Counter[];
  readonly absence: readonly Ban[];
  readonly greedy: readonly GreedyBan[];
}

export interface Automaton {
  readonly positions: readonly Position[];
  readonly starts: readonly Edge[];
  readonly edges: readonly Edge[];
  readonly counters: readonly Counter[];
  readonly loops: readonly Loop[];
  /** The pattern ends with an absence. */
  readonly absence: boolean;
}

interface Entry {
  readonly position: number;
  /** Bans written before the first step of the part: at the start of the pattern they look back. */
  readonly lead: readonly Ban[];
  /** The arrow before it within the part, where what stands before it there is left out and took its own arrow along. */
  readonly arrow: Arrow | undefined;
  readonly bans: readonly Ban[];
  readonly greedy: readonly GreedyBan[];
  readonly enters: readonly Counter[];
  readonly loop: Loop | undefined;
}

interface Exit {
  readonly position: number;
  /** Bans whose own step was left out: they wait for what follows and lapse where nothing does. */
  readonly pending: readonly Ban[];
  /** Bans written last. */
  readonly trailing: readonly Ban[];
  readonly leaves: readonly Counter[];
  readonly greedy: readonly GreedyBan[];
}

interface Part {
  readonly nullable: boolean;
  /** Bans and greedy loops that remain when the whole part is left out. */
  readonly skipBans: readonly Ban[];
  readonly skipLead: readonly Ban[];
  readonly skipGreedy: readonly GreedyBan[];
  readonly first: readonly Entry[];
  readonly last: readonly Exit[];
  readonly stages: readonly string[];
  /** Repeated groups inside. */
  readonly groups: readonly number[];
}

function countRepeats(pattern: Pattern): number {
  switch (pattern.kind) {
    case 'repeat': return 1 + countRepeats(pattern.inner);
    case 'or': return pattern.alternatives.reduce((n, p) => n + countRepeats(p), 0);
    case 'sequence': return pattern.items.reduce((n, item) => n + countRepeats(item.pattern), 0);
    default: return 0;
  }
}

/** For each stage the repeated groups it is written in (bans too), outermost first, numbered as in `Edge.resets`. */
export function repeatedGroups(pattern: Pattern, takesTurns: (repeat: Pattern & { kind: 'repeat' }) => boolean): Map<string, readonly number[]> {
  const result = new Map<string, readonly number[]>();
  let groups = 0;
  const visit = (p: Pattern, inside: readonly number[]): void => {
    switch (p.kind) {
      case 'stage': result.set(p.stage, inside); break;
      case 'silence': for (const stage of p.stages) result.set(stage, inside); break;
      case 'or': for (const alternative of p.alternatives) visit(alternative, inside); break;
      case 'repeat': {
        const group = groups++;
        visit(p.inner, p.inner.kind === 'stage' || !takesTurns(p) ? inside : [...inside, group]);
        break;
      }
      case 'sequence':
        for (const item of p.items) {
          for (const ban of item.bans) for (const stage of bannedStages(ban)) if (!result.has(stage)) result.set(stage, inside);
          visit(item.pattern, inside);
        }
        for (const ban of p.trailing) for (const stage of bannedStages(ban)) if (!result.has(stage)) result.set(stage, inside);
        break;
    }
  };
  visit(pattern, []);
  return result;
}

function edgeBans(bans: readonly Ban[], earlier: boolean): EdgeBan[] {
  return [...new Set(bans)].map((ban) => ({ ban, earlier }));
}

/** The stages a ban names. */
export function bannedStages(ban: Ban): readonly string[] {
  if (ban.what.kind === 'stages') return ban.what.stages;
  const stages: string[] = [];
  const collect = (p: Pattern): void => {
    if (p.kind === 'stage') stages.push(p.stage);
    else if (p.kind === 'sequence') p.items.forEach((item) => collect(item.pattern));
  };
  collect(ban.what.pattern);
  return stages;
}

/** `count` turns a count expression into a number: params and constants are known when a rule is compiled. */
export function buildAutomaton(rule: PatternRule, count: (expr: Expr) => number): Automaton {
  const match: Match = rule.match;
  const positions: Position[] = [];
  const edges: Edge[] = [];
  const counters: Counter[] = [];
  const loops: Loop[] = [];
  let groups = 0;

  const addEdge = (exit: Exit | undefined, entry: Entry, arrow: Arrow, bans: readonly Ban[], greedy: readonly GreedyBan[],
    extra: { readonly repeats?: readonly Counter[]; readonly resets?: Edge['resets']; readonly unless?: readonly string[]; readonly again?: Loop | undefined } = {}): void => {
    const resets = extra.resets ?? [];
    const before = exit === undefined ? [] : [...exit.pending, ...exit.trailing];
    const written = exit === undefined ? entry.lead : [...bans, ...entry.bans];
    const edge: Edge = {
      id: edges.length,
      from: exit?.position ?? -1,
      to: entry.position,
      arrow: entry.arrow ?? arrow,
      bans: resets.length === 0 ? edgeBans([...before, ...written], false) : [...edgeBans(before, true), ...edgeBans(written, false)],
      greedy: [...(exit?.greedy ?? []), ...greedy, ...entry.greedy],
      loop: extra.again !== undefined ? { loop: extra.again, enter: false }
        : entry.loop !== undefined ? { loop: entry.loop, enter: true } : undefined,
      leaves: exit?.leaves ?? [],
      repeats: extra.repeats ?? [],
      enters: entry.enters,
      resets,
      unless: extra.unless ?? [],
    };
    edges.push(edge);
    if (edge.from >= 0) positions[edge.from]!.out.push(edge);
  };

  const newPosition = (stage: string | undefined, silence: Position['silence']): number => {
    positions.push({ id: positions.length, stage, silence, out: [], accepts: [] });
    return positions.length - 1;
  };

  const single = (position: number, stages: readonly string[]): Part => ({
    nullable: false, skipBans: [], skipLead: [], skipGreedy: [],
    first: [{ position, lead: [], arrow: undefined, bans: [], greedy: [], enters: [], loop: undefined }],
    last: [{ position, pending: [], trailing: [], leaves: [], greedy: [] }],
    stages, groups: [],
  });

  const build = (pattern: Pattern, outermost = false): Part => {
    switch (pattern.kind) {
      case 'stage': return single(newPosition(pattern.stage, undefined), [pattern.stage]);
      case 'silence': return single(newPosition(undefined, { stages: pattern.stages, duration: pattern.duration }), []);
      case 'or': {
        const parts = pattern.alternatives.map((alternative) => build(alternative));
        const empty = parts.find((part) => part.nullable);
        return {
          nullable: empty !== undefined,
          skipBans: empty?.skipBans ?? [], skipLead: empty?.skipLead ?? [], skipGreedy: empty?.skipGreedy ?? [],
          first: parts.flatMap((part) => part.first),
          last: parts.flatMap((part) => part.last),
          stages: parts.flatMap((part) => part.stages),
          groups: parts.flatMap((part) => part.groups),
        };
      }
      case 'sequence': return buildSequence(pattern, outermost);
      case 'repeat': return buildRepeat(pattern);
    }
  };

  const buildSequence = (pattern: Pattern & { kind: 'sequence' }, outermost: boolean): Part => {
    const parts = pattern.items.map((item) => build(item.pattern));
    const first: Entry[] = [];
    let skipBans: Ban[] = [];
    let skipLead: Ban[] = [];
    let skipGreedy: GreedyBan[] = [];
    let open = true;
    let exits: Exit[] = [];
    pattern.items.forEach((item, index) => {
      const part = parts[index]!;
      for (const entry of part.first) {
        // A ban after a first step that was left out has nothing to look back from: only those written first are kept as such.
        const lead = index === 0 ? [...item.bans, ...entry.lead] : skipLead;
        if (open) first.push({ ...entry, lead, arrow: entry.arrow ?? (index === 0 ? undefined : item.arrow), bans: [...skipBans, ...item.bans, ...entry.bans], greedy: [...skipGreedy, ...entry.greedy] });
        for (const exit of exits) addEdge(exit, entry, item.arrow, item.bans, []);
      }
      if (part.nullable) {
        // What is left out takes its arrow along; its bans stay, and so does a greedy loop that was bypassed.
        exits = exits.map((exit) => ({
          ...exit, pending: [...exit.pending, ...exit.trailing, ...item.bans, ...part.skipBans], trailing: [], greedy: [...exit.greedy, ...part.skipGreedy],
        }));
        skipBans = [...skipBans, ...item.bans, ...part.skipBans];
        if (index === 0) skipLead = [...item.bans, ...part.skipLead];
        skipGreedy = [...skipGreedy, ...part.skipGreedy];
      } else {
        exits = [];
        open = false;
      }
      exits = [...exits, ...part.last];
    });
    // Only a `not` written last in the pattern is an absence; the last one of a group waits for what follows the group, or lapses.
    if (pattern.trailing.length > 0) {
      exits = exits.map((exit) => (outermost ? { ...exit, trailing: pattern.trailing } : { ...exit, pending: [...exit.pending, ...pattern.trailing] }));
    }
    return { nullable: open, skipBans, skipLead, skipGreedy, first, last: exits, stages: parts.flatMap((part) => part.stages), groups: parts.flatMap((part) => part.groups) };
  };

  const buildRepeat = (pattern: Pattern & { kind: 'repeat' }): Part => {
    const min = count(pattern.min);
    const max = pattern.max === undefined ? Infinity : count(pattern.max);
    if (max <= 0) {
      groups += 1 + countRepeats(pattern.inner);
      return { nullable: true, skipBans: [], skipLead: [], skipGreedy: [], first: [], last: [], stages: [], groups: [] };
    }
    const group = groups++;
    const inner = build(pattern.inner);
    // A turn may be empty where the inner part may: then fewer turns with events suffice.
    const least = inner.nullable ? 0 : min;
    const counted = max !== Infinity ? max > 1 : least > 1;
    let counter: Counter | undefined;
    if (counted) {
      counter = { id: counters.length, min: least, max, cap: max === Infinity ? least : max };
      counters.push(counter);
    }
    let loop: Loop | undefined;
    if (pattern.inner.kind === 'stage') {
      loop = { id: loops.length, stage: pattern.inner.stage, counter, min: least, max, greedy: pattern.greedy, lazy: pattern.lazy };
      loops.push(loop);
    }
    const enters = counter === undefined ? [] : [counter];
    if (max > 1) {
      for (const exit of inner.last) {
        for (const entry of inner.first) {
          addEdge(exit, entry, pattern.iteration, pattern.iterationBans, [], {
            repeats: enters, resets: loop === undefined ? [{ group, stages: inner.stages }, ...inner.groups.map((g) => ({ group: g, stages: [] }))] : [], again: loop,
          });
        }
      }
    }
    const greedy = (fresh: boolean): GreedyBan[] => (loop !== undefined && pattern.greedy ? [{ loop, fresh }] : []);
    return {
      nullable: least === 0,
      // Left out by itself, with no turn at all, it leaves nothing of its inner part behind; else its turns are empty, and their bans stay.
      skipBans: min === 0 ? [] : inner.skipBans,
      skipLead: min === 0 ? [] : inner.skipLead,
      skipGreedy: min === 0 ? greedy(true) : inner.skipGreedy,
      first: inner.first.map((entry) => ({ ...entry, enters: [...enters, ...entry.enters], loop: loop ?? entry.loop })),
      last: inner.last.map((exit) => ({ ...exit, leaves: [...exit.leaves, ...enters], greedy: [...exit.greedy, ...greedy(false)] })),
      stages: inner.stages,
      groups: [group, ...inner.groups],
    };
  };

  const whole = build(match.pattern, true);
  const starts: Edge[] = [];
  for (const entry of whole.first) {
    const silence = positions[entry.position]!.silence;
    const before = edges.length;
    if (silence === undefined) {
      addEdge(undefined, entry, 'followed', [], []);
      starts.push(...edges.slice(before));
      continue;
    }
    // A silence at the start: each banned event starts the clock anew, is the run's first event and can be read by its stage's name.
    silence.stages.forEach((stage, k) => {
      const clock = newPosition(stage, undefined);
      addEdge(undefined, { ...entry, position: clock, enters: [], loop: undefined }, 'followed', [], [], { unless: silence.stages.slice(0, k) });
      starts.push(edges[edges.length - 1]!);
      addEdge({ position: clock, pending: [], trailing: [], leaves: [], greedy: [] }, { ...entry, bans: [], greedy: [] }, 'followed', [], []);
    });
  }
  for (const exit of whole.last) {
    positions[exit.position]!.accepts.push({ leaves: exit.leaves, absence: exit.trailing, greedy: exit.trailing.length > 0 ? exit.greedy : [] });
  }
  return {
    positions, starts, edges, counters, loops,
    absence: whole.last.some((exit) => exit.trailing.length > 0),
  };
}
