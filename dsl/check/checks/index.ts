import type { Globals } from '../globals.ts';
import type { CheckedRule } from '../rule.ts';
import { arrowMistakes } from './arrow-mistakes.ts';
import { boundsWithoutEffect } from './bounds-without-effect.ts';
import { clausesWithoutEffect } from './clauses-without-effect.ts';
import { emptyMatch } from './empty-match.ts';
import { finish, type Check } from './finished.ts';
import { firstDropsOthers } from './first-drops-others.ts';
import { needsBound } from './needs-bound.ts';
import { neverMatches } from './never-matches.ts';
import { neverTrue } from './never-true.ts';
import { noTimeBound } from './no-time-bound.ts';
import { redundantBans } from './redundant-bans.ts';
import { redundantLoops } from './redundant-loops.ts';
import { withinLimits } from './within-limits.ts';

const CHECKS: readonly Check[] = [
  emptyMatch, withinLimits, needsBound, noTimeBound, neverTrue, neverMatches, redundantLoops, redundantBans, arrowMistakes, firstDropsOthers, boundsWithoutEffect,
  clausesWithoutEffect,
];

/** Checks of a rule as a whole, once its parts are known. */
export function checkFinished(globals: Globals, { rule, reader }: CheckedRule): void {
  const finished = rule && reader && finish(globals, rule, reader);
  if (finished === undefined) return;
  globals.report.provided(finished.shape.isWhole, () => CHECKS.forEach((check) => check(finished)));
}
