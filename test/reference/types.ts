import type { Arrow } from '../../dsl/ast.ts';
import type { Ban, Literal, Repeat, Silence, Pattern } from '../../dsl/typed.ts';

/** One event of the key, as the rule sees it. */
export interface RefEvent {
  /** Place in the input; only the order matters. */
  readonly index: number;
  readonly type: string;
  /** ms since the epoch */
  readonly time: number;
  /** Plain values: times and durations in ms, absent or null for null. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface RefBinding { readonly stage: string; readonly index: number }

export interface RefMatch {
  /** In the order of the pattern's steps, which is the order of the events. */
  readonly bindings: readonly RefBinding[];
  /** ms: time of the first bound event. */
  readonly from: number;
  /** ms: time of the last bound event; of a match that time completed, the time it completed. */
  readonly to: number;
  /** ms: time of the event or timer that caused the report; Infinity: the end of the input did. */
  readonly at: number;
}

export interface RefResult {
  /** In the order they are reported. */
  readonly matches: readonly RefMatch[];
  readonly timeouts: readonly RefMatch[];
}

export interface RefOptions {
  /** The key's parts, in the order of `by`. */
  readonly key?: readonly Literal[];
  /** Values of params that differ from the declared ones are given here; all params of the program must be present. */
  readonly params?: ReadonlyMap<string, Literal>;
  /** How many runs may be looked at before `TooManyRuns` is thrown. Default 200,000. */
  readonly maxRuns?: number;
}

/** The case explodes: it says nothing about the rule, only that the slow matcher gives up. */
export class TooManyRuns extends Error {}

/** Where a derivation stands in the pattern: what is to be done after the part at hand. `undefined`: the end. */
export type Frame = SequenceFrame | TurnFrame | SilenceFrame;

/** Items of `pattern` from `next` on are still to come. */
export interface SequenceFrame {
  readonly kind: 'sequence';
  readonly pattern: Extract<Pattern, { kind: 'sequence' }>;
  readonly next: number;
  readonly outer: Frame | undefined;
}

/** One turn of a repeat. A new turn is a new object: two steps are of one turn when they share it. */
export interface TurnFrame {
  readonly kind: 'turn';
  readonly repeat: Repeat;
  readonly max: number;
  readonly min: number;
  /** From 1 on. */
  readonly turn: number;
  /** Shared by the turns of one pass through the repeat. */
  readonly pass: object;
  /** Number of steps taken when the pass, and this turn, began. */
  readonly stepsBeforePass: number;
  readonly stepsBeforeTurn: number;
  /** The arrow before the repeat, and whether it is among the first items of the pattern: for the first turn that takes a step. */
  readonly arrowBefore: Arrow | undefined;
  readonly firstBefore: boolean;
  readonly outer: Frame | undefined;
}

/** The waiting part of a silence whose first event has just been bound, at the start of a pattern. */
export interface SilenceFrame { readonly kind: 'silence'; readonly silence: Silence; readonly outer: Frame | undefined }

/** The turns a step stands in, outermost last. */
export type Turns = readonly TurnFrame[];

/** A ban with the turns it was written in: they decide which events its stages see of a repeated group. */
export interface PlacedBan { readonly ban: Ban; readonly turns: Turns }

/** A loop that the way to a step leaves after `count` iterations, or passes by (count 0). */
export interface LeftLoop {
  readonly repeat: Repeat;
  readonly stage: string;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly turns: Turns;
  /** The pass that is left; absent: passed by. */
  readonly pass?: object;
}

/** What lies between the step before and this one. */
export interface Approach {
  readonly arrow: Arrow | undefined;
  readonly bans: readonly PlacedBan[];
  /** Bans at the very start of the pattern. */
  readonly lookBack: readonly PlacedBan[];
  readonly left: readonly LeftLoop[];
  /** Nothing but first items so far. */
  readonly first: boolean;
  readonly steps: number;
}

export type Step = EventStep | SilenceStep | EndStep;

export interface EventStep {
  readonly kind: 'event';
  readonly stage: string;
  /** The event is not one of these (stages written before this one in the same silence). */
  readonly unless: readonly string[];
  readonly approach: Approach;
  readonly turns: Turns;
  /** Set when the stage itself is repeated: iteration `count` of the loop. */
  readonly loop?: { readonly pass: object; readonly repeat: Repeat; readonly count: number; readonly min: number };
  readonly after: Frame | undefined;
}

export interface SilenceStep {
  readonly kind: 'silence';
  readonly silence: Silence;
  readonly approach: Approach;
  readonly turns: Turns;
  readonly after: Frame | undefined;
}

export interface EndStep {
  readonly kind: 'end';
  readonly approach: Approach;
  readonly trailing: readonly PlacedBan[];
}

/** One event bound to one step. */
export interface Bound {
  readonly stage: string;
  readonly event: RefEvent;
  readonly turns: Turns;
  readonly loop: EventStep['loop'];
}

/**
 * A moment of the processing: events at odd slots (2 i + 1 for the i-th), timers before the event that makes them due at even ones
 * (2 i), in order of their time.
 */
export interface Moment { readonly slot: number; readonly time: number }

export const END_OF_INPUT: Moment = { slot: Infinity, time: Infinity };

export function compareMoments(a: Moment, b: Moment): number {
  if (a.slot !== b.slot) return a.slot < b.slot ? -1 : 1;
  if (a.time === b.time) return 0;
  return a.time < b.time ? -1 : 1;
}

/** A binding of the first steps of a derivation that obeys every rule so far. */
export interface Run {
  readonly bound: readonly Bound[];
  /** Index of the last event that the steps so far have covered; the next step takes a later one. */
  readonly since: number;
  /** ms: when the last step was done: its event's time, or the time a silence completed. */
  readonly sinceTime: number;
  readonly born: Moment;
  /** The last step was a silence. */
  readonly bySilence: boolean;
  /** Steps taken, silences included. */
  readonly taken: number;
  /** Bans written before a silence go on to the next step that takes an event. */
  readonly carried: readonly PlacedBan[];
  /** Where the derivation stands. */
  readonly at: Frame | undefined;
  /** A banned sequence looked for inside another run: the bounds of the match do not concern it. */
  readonly inBan: boolean;
}
