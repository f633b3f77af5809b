import type { Globals } from '../globals.ts';
import type { CheckedRule } from '../rule.ts';
import { arrowMistakes } from './arrow-mistakes.ts';
import { boundsWithoutEffect } from './bounds-without-effect.ts';
import { clausesWithoutEffect, conditionsWithoutEffect } from './clauses-without-effect.ts';
import { emptyMatch } from './empty-match.ts';
import { finish, type Check } from './finished.ts';
import { firstDropsOthers } from './first-drops-others.ts';
import { needsBound } from './needs-bound.ts';
import { neverMatches } from './never-matches.ts';
import { neverTrue } from './never-true.ts';
import { noTimeBound } from './no-time-bound.ts';
import { redundantBans } from './redundant-bans.ts';
import { redundantLoops } from './redundant-loops.ts';
import { canHold, lateness, triggers, type WindowCheck } from './windows.ts';
import { rosterWithoutClock } from './roster-without-clock.ts';
import { withinLimits } from './within-limits.ts';

const CHECKS: readonly Check[] = [
  emptyMatch, withinLimits, needsBound, noTimeBound, neverTrue, neverMatches, redundantLoops, redundantBans, arrowMistakes, firstDropsOthers, boundsWithoutEffect,
  conditionsWithoutEffect, rosterWithoutClock,
];

const WINDOW_CHECKS: readonly WindowCheck[] = [triggers, lateness, canHold];

/** Checks of a rule as a whole, once its parts are known. */
export function checkFinished(globals: Globals, { decl, rule, reader }: CheckedRule): void {
  if (rule?.kind === 'window') {
    WINDOW_CHECKS.forEach((check) => check({ globals, report: globals.report, decl, rule }));
    clausesWithoutEffect(globals, decl, rule);
    return;
  }
  const finished = rule && reader && finish(globals, rule, reader);
  if (finished === undefined) return;
  globals.report.provided(finished.shape.isWhole, () => {
    CHECKS.forEach((check) => check(finished));
    clausesWithoutEffect(globals, decl, finished.rule);
  });
}
