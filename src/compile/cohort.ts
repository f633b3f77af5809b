import type { EdgePlan, PositionPlan, RulePlan } from './plan.ts';

/** How a register of a loop's position is kept once for all runs of a key. */
export type CohortCell =
  /** The number of events bound in the loop. */
  | 'count'
  /** A running total of whole numbers, a run's being the difference of two. */
  | 'total'
  /** A running sum, likewise, in twice the precision so that the difference is exact. */
  | 'sum'
  /** The same for all runs, since all of them bound the latest event. */
  | 'shared';

/**
 * A loop that opens the pattern and that all runs of a key go through in step: each event of the loop is bound by every open run and starts one more.
 * A run is then no more than the place in the loop's events where it began, and what it has counted or summed is the difference of two running
 * totals kept once a key (docs/architecture.md, "Loops in step"), so an event of the loop costs the same however many runs are open.
 */
export interface CohortPlan {
  readonly position: number;
  readonly loop: EdgePlan;
  readonly exits: readonly EdgePlan[];
  /** Per register of the position. */
  readonly cells: readonly CohortCell[];
  /** Most events that a run may bind in the loop; Infinity: no bound. */
  readonly most: number;
}

/** The plan of a rule's loop in step, undefined where its runs may part. `countsAll`: a register goes up by one with every event of the loop. */
export function planCohort(rule: Omit<RulePlan, 'cohort'>, countsAll: (register: string) => boolean): CohortPlan | undefined {
  const start = rule.starts[0];
  if (start === undefined || rule.starts.length !== 1 || rule.tracked || rule.split !== 'none') return undefined;
  if (rule.rule.keep.drop !== 'oldest' || rule.sequences.length > 0 || rule.rule.match.mode === 'longest') return undefined;
  if (rule.stages.some((stage) => stage.key >= 0)) return undefined;
  const position = rule.positions[start.to]!;
  const loop = position.out.find((edge) => edge.to === position.id);
  if (loop === undefined || position.accepts.length > 0 || start.lazy !== undefined || start.unless.length > 0) return undefined;
  if (rule.positions.some((other) => other !== position && other.out.some((edge) => edge.to === position.id))) return undefined;
  if (loop.cond === undefined || loop.cond.rest >= 0 || loop.cond.predicate !== start.cond!.predicate || start.cond!.rest >= 0) return undefined;
  if (loop.until !== undefined || loop.lazy !== undefined || loop.clear !== undefined || loop.span > 0 || loop.greedy.length > 0 || loop.nextBans.length > 0) return undefined;
  if (start.until !== undefined || start.greedy.length > 0) return undefined;
  if (loop.arrow === 'any' || (loop.arrow === 'followed' && loop.bans.length > 0) || loop.bans.some((ban) => ban.rest >= 0)) return undefined;
  const cells = position.registers.map((register) => (countsAll(register) ? 'count' : cellOf(register)));
  if (cells.includes(undefined) || !cells.some((cell) => cell !== 'shared')) return undefined;
  const exits = position.out.filter((edge) => edge !== loop);
  if (exits.length === 0 || !exits.every((exit) => leavesInStep(rule, position, loop, exit))) return undefined;
  const { guards } = loop;
  const bound = guards.length === 0 ? Infinity : guards.length === 1 && cells[guards[0]!.cell] === 'count' ? guards[0]!.max + 1 : undefined;
  // Runs that have bound all they may and still wait would part from the others.
  if (bound === undefined || (bound !== Infinity && loop.arrow !== 'next')) return undefined;
  // A broken strict loop must leave nothing behind.
  if (loop.arrow === 'next' && exits.some((exit) => exit.arrow !== 'next')) return undefined;
  return { position: position.id, loop, exits, cells: cells as CohortCell[], most: bound };
}

function cellOf(register: string): CohortCell | undefined {
  if (/^#c\d+$/.test(register)) return 'count';
  if (/^a:.*:[nk]$/.test(register)) return 'total';
  if (/^a:.*:sum$/.test(register)) return 'sum';
  // A `last` with a condition is not the same for a run that began after the event it reads.
  if (/^a:.*\|:last$/.test(register) || /^[fptT]:/.test(register)) return 'shared';
  return undefined;
}

/** The exit ends the pattern, and no run waits for it that has not bound the loop's latest event. */
function leavesInStep(rule: Omit<RulePlan, 'cohort'>, position: PositionPlan, loop: EdgePlan, exit: EdgePlan): boolean {
  if (exit.kind !== 'event' || exit.to < 0 || exit.to === position.id) return false;
  const target = rule.positions[exit.to]!;
  if (target.out.length > 0 || target.registers.length > 0 || !target.accepts.some((accept) => accept.guards.length === 0)) return false;
  if (exit.guards.some((guard) => !/^#c\d+$/.test(position.registers[guard.cell]!))) return false;
  if (exit.lazy !== undefined || exit.clear !== undefined || exit.span > 0 || exit.nextBans.length > 0 || (exit.until !== undefined && exit.until.rest >= 0)) return false;
  if (exit.bans.some((ban) => ban.rest >= 0) || exit.greedy.length > 1) return false;
  const greedy = exit.greedy[0];
  if (greedy !== undefined && (greedy.cond.predicate !== loop.cond!.predicate || greedy.cond.rest >= 0 || greedy.until !== undefined || greedy.closedCell >= 0 || greedy.roomCell === -2)) return false;
  return exit.arrow === 'next' || (exit.arrow === 'followed' && greedy !== undefined && greedy.roomCell < 0);
}
