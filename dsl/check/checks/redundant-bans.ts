import type { Ban, Pattern } from '../../typed.ts';
import { boundStages, canBeEmpty, eachPart, type Check, type FinishedRule } from './finished.ts';

/** Bans under which no event can ever fall. */
export const redundantBans: Check = (rule) => {
  const { match } = rule.shape;
  const written = (bans: readonly Ban[]): Ban[] => bans.filter((ban) => ban.span !== match.without[0]?.span);
  eachPart(rule.rule.match.pattern, (part) => {
    if (part.kind === 'sequence') betweenNeighbours(rule, part, written);
  });
  beforeOptionalEnd(rule, rule.rule.match.pattern, written);
  const [only, ...more] = boundStages(rule);
  if (match.without.length > 0 && only !== undefined && more.length === 0 && !only.loop && rule.rule.match.pattern.kind === 'stage') {
    rule.report.add('no-effect', match.without[0]!.span, '`without` has no effect: nothing lies between the first event of a match and its last, which is the same one.');
  }
};

/** `a -> not b => c`: nothing lies between neighbours. */
function betweenNeighbours(rule: FinishedRule, sequence: Extract<Pattern, { kind: 'sequence' }>, written: (bans: readonly Ban[]) => Ban[]): void {
  sequence.items.forEach((item, i) => {
    if (i === 0 || item.arrow !== 'next' || canBeEmpty(item.pattern, rule)) return;
    for (const ban of written(item.bans)) {
      if (ban.kind !== 'between') continue;
      rule.report.add('redundant-ban', ban.span, 'This ban has no effect: `=>` takes the very next event, so nothing lies between.', { hint: 'leave it out, or write => not b to refuse the next event itself' });
    }
  });
}

/** `a -> not b -> c?` at the end: the match is complete before the ban could be broken. */
function beforeOptionalEnd(rule: FinishedRule, pattern: Pattern, written: (bans: readonly Ban[]) => Ban[]): void {
  if (pattern.kind === 'or') {
    pattern.alternatives.forEach((alternative) => {
      // Only a `not` written last of all is an absence.
      if (alternative.kind === 'sequence') for (const ban of written(alternative.trailing)) lapses(rule, ban, 'it ends an alternative, and nothing follows it');
      beforeOptionalEnd(rule, alternative, written);
    });
    return;
  }
  if (pattern.kind !== 'sequence' || pattern.trailing.length > 0) return;
  for (const item of [...pattern.items].reverse()) {
    if (item.pattern.kind === 'silence' || !canBeEmpty(item.pattern, rule)) break;
    if (item === pattern.items[0]) break;
    for (const ban of written(item.bans)) lapses(rule, ban, 'what follows may be left out, so the match is complete before it');
  }
}

function lapses(rule: FinishedRule, ban: Ban, why: string): void {
  rule.report.add('redundant-ban', ban.span, `This ban keeps no match from being reported: ${why}.`, { hint: 'an absence is written last: a -> not b, with a time bound' });
}
