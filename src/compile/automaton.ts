/**
 * From a checked pattern to its automaton, by Glushkov's construction: every occurrence of a stage is a position, and an edge leads from a
 * position to each one that may be bound next. There are no epsilon moves and no copies for counted repeats: `x{3,1000}` is one position with a
 * counter. An edge carries all that must hold while it waits (bans, greedy loops left behind, `until`) and what its taking does to counters.
 */
import type { Arrow } from '../../dsl/ast.ts';
import type { Ban, Expr, Match, Pattern, Rule } from '../../dsl/typed.ts';

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

export interface Edge {
  readonly id: number;
  /** Position index, -1: the start. */
  readonly from: number;
  readonly to: number;
  readonly arrow: Arrow;
  /** Bans that hold between the two events; `next` bans look only at the event right after the first. */
  readonly bans: readonly Ban[];
  readonly greedy: readonly GreedyBan[];
  /** The edge enters (true) or repeats (false) a loop. */
  readonly loop: { readonly loop: Loop; readonly enter: boolean } | undefined;
  /** Counters that must have reached their minimum (the loops left). */
  readonly leaves: readonly Counter[];
  /** Counters that must be below their maximum and go up by one (the loops repeated). */
  readonly repeats: readonly Counter[];
  /** Counters set to one (the loops entered). */
  readonly enters: readonly Counter[];
  /** Stages whose binding of the turn before is forgotten (a group starts anew). */
  readonly resets: readonly string[];
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
  /** Some matches can be derived in more than one way. */
  readonly leadingBans: boolean;
}

interface Entry {
  readonly position: number;
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
  readonly skipGreedy: readonly GreedyBan[];
  readonly first: readonly Entry[];
  readonly last: readonly Exit[];
  readonly stages: readonly string[];
}

/** `count` turns a count expression into a number: params and constants are known when a rule is compiled. */
export function buildAutomaton(rule: Rule, count: (expr: Expr) => number): Automaton {
  const match: Match = rule.match;
  const positions: Position[] = [];
  const edges: Edge[] = [];
  const counters: Counter[] = [];
  const loops: Loop[] = [];

  const addEdge = (exit: Exit | undefined, entry: Entry, arrow: Arrow, bans: readonly Ban[], greedy: readonly GreedyBan[],
    extra: { readonly repeats?: readonly Counter[]; readonly resets?: readonly string[]; readonly again?: Loop | undefined } = {}): void => {
    const edge: Edge = {
      id: edges.length,
      from: exit?.position ?? -1,
      to: entry.position,
      arrow,
      bans: [...new Set([...(exit?.pending ?? []), ...(exit?.trailing ?? []), ...bans, ...entry.bans])],
      greedy: [...(exit?.greedy ?? []), ...greedy, ...entry.greedy],
      loop: extra.again !== undefined ? { loop: extra.again, enter: false }
        : entry.loop !== undefined ? { loop: entry.loop, enter: true } : undefined,
      leaves: exit?.leaves ?? [],
      repeats: extra.repeats ?? [],
      enters: entry.enters,
      resets: extra.resets ?? [],
    };
    edges.push(edge);
    if (edge.from >= 0) positions[edge.from]!.out.push(edge);
  };

  const newPosition = (stage: string | undefined, silence: Position['silence']): number => {
    positions.push({ id: positions.length, stage, silence, out: [], accepts: [] });
    return positions.length - 1;
  };

  const single = (position: number, stages: readonly string[]): Part => ({
    nullable: false, skipBans: [], skipGreedy: [],
    first: [{ position, bans: [], greedy: [], enters: [], loop: undefined }],
    last: [{ position, pending: [], trailing: [], leaves: [], greedy: [] }],
    stages,
  });

  const build = (pattern: Pattern): Part => {
    switch (pattern.kind) {
      case 'stage': return single(newPosition(pattern.stage, undefined), [pattern.stage]);
      case 'silence': return single(newPosition(undefined, { stages: pattern.stages, duration: pattern.duration }), []);
      case 'or': {
        const parts = pattern.alternatives.map(build);
        const empty = parts.find((part) => part.nullable);
        return {
          nullable: empty !== undefined,
          skipBans: empty?.skipBans ?? [], skipGreedy: empty?.skipGreedy ?? [],
          first: parts.flatMap((part) => part.first),
          last: parts.flatMap((part) => part.last),
          stages: parts.flatMap((part) => part.stages),
        };
      }
      case 'sequence': return buildSequence(pattern);
      case 'repeat': return buildRepeat(pattern);
    }
  };

  const buildSequence = (pattern: Pattern & { kind: 'sequence' }): Part => {
    const parts = pattern.items.map((item) => build(item.pattern));
    const first: Entry[] = [];
    let skipBans: Ban[] = [];
    let skipGreedy: GreedyBan[] = [];
    let open = true;
    let exits: Exit[] = [];
    pattern.items.forEach((item, index) => {
      const part = parts[index]!;
      for (const entry of part.first) {
        if (open) first.push({ ...entry, bans: [...skipBans, ...item.bans, ...entry.bans], greedy: [...skipGreedy, ...entry.greedy] });
        for (const exit of exits) addEdge(exit, entry, item.arrow, item.bans, []);
      }
      if (part.nullable) {
        // What is left out takes its arrow along; its bans stay, and so does a greedy loop that was bypassed.
        exits = exits.map((exit) => ({
          ...exit, pending: [...exit.pending, ...exit.trailing, ...item.bans, ...part.skipBans], trailing: [], greedy: [...exit.greedy, ...part.skipGreedy],
        }));
        skipBans = [...skipBans, ...item.bans, ...part.skipBans];
        skipGreedy = [...skipGreedy, ...part.skipGreedy];
      } else {
        exits = [];
        open = false;
      }
      exits = [...exits, ...part.last];
    });
    if (pattern.trailing.length > 0) exits = exits.map((exit) => ({ ...exit, trailing: [...exit.trailing, ...pattern.trailing] }));
    return { nullable: open, skipBans, skipGreedy, first, last: exits, stages: parts.flatMap((part) => part.stages) };
  };

  const buildRepeat = (pattern: Pattern & { kind: 'repeat' }): Part => {
    const min = count(pattern.min);
    const max = pattern.max === undefined ? Infinity : count(pattern.max);
    if (max <= 0) {
      return { nullable: true, skipBans: [], skipGreedy: [], first: [], last: [], stages: [] };
    }
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
            repeats: enters, resets: loop === undefined ? inner.stages : [], again: loop,
          });
        }
      }
    }
    const greedy = (fresh: boolean): GreedyBan[] => (loop !== undefined && pattern.greedy ? [{ loop, fresh }] : []);
    return {
      nullable: least === 0,
      skipBans: inner.skipBans,
      skipGreedy: [...inner.skipGreedy, ...greedy(true)],
      first: inner.first.map((entry) => ({ ...entry, enters: [...enters, ...entry.enters], loop: loop ?? entry.loop })),
      last: inner.last.map((exit) => ({ ...exit, leaves: [...exit.leaves, ...enters], greedy: [...exit.greedy, ...greedy(false)] })),
      stages: inner.stages,
    };
  };

  const whole = build(match.pattern);
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
    for (const stage of silence.stages) {
      const clock = newPosition(stage, undefined);
      addEdge(undefined, { ...entry, position: clock, enters: [], loop: undefined }, 'followed', [], []);
      starts.push(edges[edges.length - 1]!);
      addEdge({ position: clock, pending: [], trailing: [], leaves: [], greedy: [] }, { ...entry, bans: [], greedy: [] }, 'followed', [], []);
    }
  }
  for (const exit of whole.last) {
    positions[exit.position]!.accepts.push({ leaves: exit.leaves, absence: exit.trailing, greedy: exit.trailing.length > 0 ? exit.greedy : [] });
  }
  return {
    positions, starts, edges, counters, loops,
    absence: whole.last.some((exit) => exit.trailing.length > 0),
    leadingBans: starts.some((edge) => edge.bans.length > 0),
  };
}
