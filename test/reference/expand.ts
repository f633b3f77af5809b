import type { Arrow } from '../../dsl/ast.ts';
import type { Ban, Pattern, Repeat } from '../../dsl/typed.ts';
import type { Approach, Frame, PlacedBan, SequenceFrame, Step, TurnFrame, Turns } from './types.ts';

/** How often a repeat turns: its counts, read (over params and consts only). */
export type Counts = (repeat: Repeat) => { readonly min: number; readonly max: number };

type Sequence = SequenceFrame['pattern'];

/**
 * The plain lists of steps that a pattern stands for, one step at a time: what may come first, and what may come after a step. Each choice of
 * a repeat or an alternative gives a step of its own, so one stage may come several times, by different ways.
 */
export class Expansion {
  readonly #counts: Counts;

  constructor(counts: Counts) { this.#counts = counts; }

  /** The steps a derivation of the pattern can begin with. */
  first(pattern: Pattern): Step[] {
    return this.#enter(pattern, { arrow: undefined, bans: [], lookBack: [], left: [], first: true, steps: 0 }, undefined);
  }

  /** The steps that can come after one that ended at `frame`, `steps` steps into the derivation. `carried`: bans that go on. */
  after(frame: Frame | undefined, steps: number, carried: readonly PlacedBan[]): Step[] {
    return this.#leave(frame, { arrow: undefined, bans: carried, lookBack: [], left: [], first: false, steps });
  }

  /** The steps that can come after a loop, were it left now. */
  exits(turn: TurnFrame, steps: number): Step[] {
    return this.#leave(turn.outer, { arrow: undefined, bans: [], lookBack: [], left: [], first: false, steps });
  }

  /** The most events that can still be bound after `frame`, by the pattern's structure alone. */
  mostAfter(frame: Frame | undefined): number {
    if (frame === undefined) return 0;
    switch (frame.kind) {
      case 'silence': return this.mostAfter(frame.outer);
      case 'sequence': {
        const rest = frame.pattern.items.slice(frame.next).map((item) => this.#most(item.pattern));
        return rest.reduce((sum, n) => sum + n, 0) + this.mostAfter(frame.outer);
      }
      case 'turn': return times(frame.max - frame.turn, this.#most(frame.repeat.inner)) + this.mostAfter(frame.outer);
    }
  }

  #most(pattern: Pattern): number {
    switch (pattern.kind) {
      case 'stage': return 1;
      case 'silence': return 0;
      case 'or': return Math.max(...pattern.alternatives.map((p) => this.#most(p)));
      case 'sequence': return pattern.items.reduce((sum, item) => sum + this.#most(item.pattern), 0);
      case 'repeat': return times(this.#counts(pattern).max, this.#most(pattern.inner));
    }
  }

  #enter(pattern: Pattern, approach: Approach, outer: Frame | undefined): Step[] {
    switch (pattern.kind) {
      case 'stage': {
        const loop = outer?.kind === 'turn' && outer.repeat.inner === pattern
          ? { pass: outer.pass, repeat: outer.repeat, count: outer.turn, min: outer.min } : undefined;
        return [{ kind: 'event', stage: pattern.stage, unless: [], approach, turns: turnsOf(outer), ...(loop && { loop }), after: outer }];
      }
      case 'or': return pattern.alternatives.flatMap((alternative) => this.#enter(alternative, approach, outer));
      case 'sequence': return this.#enterItem(pattern, 0, approach, outer);
      case 'silence':
        if (approach.steps > 0) return [{ kind: 'silence', silence: pattern, approach, turns: turnsOf(outer), after: outer }];
        // At the start of the pattern an event of the stage starts the clock, and is the first event.
        return pattern.stages.map((stage, i) => ({
          kind: 'event', stage, unless: pattern.stages.slice(0, i), approach, turns: turnsOf(outer), after: { kind: 'silence', silence: pattern, outer },
        }));
      case 'repeat': {
        const { min, max } = this.#counts(pattern);
        const steps: Step[] = [];
        if (max > 0) {
          steps.push(...this.#enter(pattern.inner, approach, {
            kind: 'turn', repeat: pattern, min, max, turn: 1, pass: {}, stepsBeforePass: approach.steps, stepsBeforeTurn: approach.steps,
            arrowBefore: approach.arrow, firstBefore: approach.first, outer,
          }));
        }
        if (min === 0) {
          const passed = pattern.inner.kind === 'stage'
            ? [{ repeat: pattern, stage: pattern.inner.stage, count: 0, min, max, turns: turnsOf(outer) }] : [];
          steps.push(...this.#leave(outer, { ...approach, left: [...approach.left, ...passed] }));
        }
        return steps;
      }
    }
  }

  #enterItem(sequence: Sequence, index: number, approach: Approach, outer: Frame | undefined): Step[] {
    const turns = turnsOf(outer);
    const item = sequence.items[index];
    if (item === undefined) {
      if (outer === undefined) return [{ kind: 'end', approach, trailing: placed(sequence.trailing, turns) }];
      return this.#leave(outer, withBans(approach, sequence.trailing, turns));
    }
    const arrow: Arrow | undefined = index === 0 ? approach.arrow : item.arrow;
    const first = approach.first && index === 0;
    return this.#enter(item.pattern, { ...withBans({ ...approach, first }, item.bans, turns), arrow },
      { kind: 'sequence', pattern: sequence, next: index + 1, outer });
  }

  #leave(frame: Frame | undefined, approach: Approach): Step[] {
    if (frame === undefined) return [{ kind: 'end', approach, trailing: [] }];
    switch (frame.kind) {
      case 'silence': return [{ kind: 'silence', silence: frame.silence, approach, turns: turnsOf(frame.outer), after: frame.outer }];
      case 'sequence': return this.#enterItem(frame.pattern, frame.next, { ...approach, first: false }, frame.outer);
      case 'turn': return this.#endTurn(frame, approach);
    }
  }

  #endTurn(frame: TurnFrame, approach: Approach): Step[] {
    const { repeat, min, max, turn } = frame;
    const empty = approach.steps === frame.stepsBeforeTurn;
    if (empty && turn > min) return []; // the same derivation without this turn asks for less
    const steps: Step[] = [];
    if (turn < max) {
      const begun = approach.steps > frame.stepsBeforePass;
      const between = begun ? withBans({ ...approach, arrow: repeat.iteration }, repeat.iterationBans, turnsOf(frame.outer))
        : { ...approach, arrow: frame.arrowBefore, first: frame.firstBefore };
      steps.push(...this.#enter(repeat.inner, between, { ...frame, turn: turn + 1, stepsBeforeTurn: approach.steps }));
    }
    if (turn >= min) {
      const left = repeat.inner.kind === 'stage'
        ? [{ repeat, stage: repeat.inner.stage, count: turn, min, max, turns: turnsOf(frame), pass: frame.pass }] : [];
      steps.push(...this.#leave(frame.outer, { ...approach, left: [...approach.left, ...left] }));
    }
    return steps;
  }
}

function turnsOf(frame: Frame | undefined): Turns {
  const turns: TurnFrame[] = [];
  for (let at = frame; at !== undefined; at = at.outer) if (at.kind === 'turn') turns.push(at);
  return turns;
}

function placed(bans: readonly Ban[], turns: Turns): PlacedBan[] {
  return bans.map((ban) => ({ ban, turns: ban.without === true ? [] : turns }));
}

/** Bans join the arrow; before the first step, those of the very start look back, the others have nothing to reach from. */
function withBans(approach: Approach, bans: readonly Ban[], turns: Turns): Approach {
  if (approach.steps > 0) return { ...approach, bans: [...approach.bans, ...placed(bans, turns)] };
  return approach.first ? { ...approach, lookBack: [...approach.lookBack, ...placed(bans, turns)] } : approach;
}

function times(count: number, each: number): number {
  return count === 0 || each === 0 ? 0 : count * each;
}
