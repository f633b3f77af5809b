/**
 * How the engine's records lie in the heap (src/state/heap.ts). Integers are counted in 4-byte cells from a record's start, floats in 8-byte
 * cells. See docs/architecture.md, "The matching engine", for what they mean.
 */
import type { RulePlan, PositionPlan } from '../compile/plan.ts';

/** A bound event, shared by all runs and rules: its time, number, source and kept values, and its bytes where a rule wants them. */
export const EVENT = {
  /** floats */ time: 0, number: 1, offset: 2,
  /** ints */ type: 6, references: 7, source: 8, partition: 9, length: 10, ordinal: 11, hash1: 12, hash2: 13,
  /** floats: kept values start here, bytes after them */ values: 7,
} as const;

/** A node's last cell: its references below, its position above this many bits. */
export const POSITION_SHIFT = 24;
export const REFERENCES = (1 << POSITION_SHIFT) - 1;

/** A node of the history graph: an event bound at a position, with links to all the histories it may follow. */
export const NODE = { sequence: 0, event: 1, previous: 2, link: 3, low: 4, more: 5, start: 6, references: 7, units: 4 } as const;

/** One more link of a node: the nodes of a chain from `head` down to sequence `low`. */
export const LINK = { head: 0, low: 1, next: 2, units: 2 } as const;

/** All a rule keeps for one key. Then come the key's parts, the cells of leading and sequence bans, and the positions. */
export const KEY = {
  /** ints */ rule: 0, sequence: 1, nodes: 3, trimAt: 4, starts: 5, dropped: 6, flags: 7,
  /** floats */ minStart: 4, last: 5, timers: 6, key: 7,
} as const;
/** Of KEY.flags: the key is to be looked at again; above, the number of timers that sessions of no constant length have armed. */
export const QUEUED = 1;
export const SESSION_TIMER = 2;

/** A tracked start. */
export const START = {
  /** ints */ next: 0, previous: 1, event: 2, flags: 3, classes: 4, key: 5, timers: 6, held: 7, told: 14,
  /** floats */ armed: 4, number: 5, time: 6, units: 8,
} as const;
export const REPORTED = 1;
export const DEAD = 2;

/**
 * A class is named by its handle, the int cell of its chain's head; one low per edge follows. A class of a position without registers lies inside
 * the key's record. Any other is a record of its own, with these int cells before the handle and its registers after the lows.
 */
export const CLASS = { hashNext: -1, next: -2, previous: -3, start: -4, startNext: -5, startPrevious: -6, key: -7, position: -8, ints: 8 } as const;

/** Float cell of the registers, from half the handle. */
export const registersAt = (position: PositionPlan): number => (position.out.length + 2) >> 1;
export const classUnits = (position: PositionPlan): number => CLASS.ints / 2 + registersAt(position) + position.registers.length;

export interface KeyLayout {
  readonly width: number;
  /** floats: one per start edge, time a leading ban was last seen */
  readonly leading: number;
  /** floats: per banned sequence, (sequence, time, end) per step, then the time of the latest complete one */
  readonly sequences: readonly number[];
  /** ints: per position, the single class's handle offset or the cell of the list's head */
  readonly positions: readonly number[];
  /** ints: the oldest and the newest entry of the log of banned sequences; -1: the rule has none */
  readonly log: number;
  readonly units: number;
}

export function keyLayout(rule: RulePlan, width: number): KeyLayout {
  let float: number = KEY.key + width;
  const hasLeading = rule.leading.some((start) => start.conds.length > 0);
  const leading = float;
  if (hasLeading) float += rule.starts.length;
  const sequences = rule.sequences.map((sequence) => {
    const at = float;
    float += 3 * sequence.steps.length + 1;
    return at;
  });
  let int = 2 * float;
  const positions = rule.positions.map((position) => {
    const at = int;
    int += position.single ? 1 + position.out.length : 1;
    return at;
  });
  const log = rule.sequences.some((sequence) => sequence.logged) ? int : -1;
  if (log >= 0) int += 2;
  return { width, leading, sequences, positions, log, units: (int + 1) >> 1 };
}
