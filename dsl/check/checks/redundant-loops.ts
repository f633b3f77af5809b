import type { Pattern, Repeat } from '../../typed.ts';
import { eachPart, lastParts, type Check, type FinishedRule } from './finished.ts';

/** Quantifiers and their modifiers that change nothing where they stand. */
export const redundantLoops: Check = (rule) => {
  const seen = new Set<string>();
  eachPart(rule.rule.match.pattern, (part) => {
    // `and` repeats its parts; each is looked at once.
    const id = `${part.span.start} ${part.span.end}`;
    if (part.kind !== 'repeat' || seen.has(id)) return;
    seen.add(id);
    fixedCount(rule, part);
  });
  for (const part of lastParts(rule.rule.match.pattern)) if (part.kind === 'repeat') atTheEnd(rule, part);
};

function fixedCount({ report, countsOf, shape }: FinishedRule, repeat: Repeat): void {
  const { least, most, fixed } = countsOf(repeat);
  if (!fixed) return;
  const written = [...shape.counts.keys()].find((node) => node.span.start === repeat.span.start && node.span.end === repeat.span.end);
  if (least === 1 && most === 1) {
    report.add('no-effect', repeat.span, 'Once is what a step is without a quantifier, too.', { hint: 'leave the quantifier out' });
    return;
  }
  if (most === 1 && written?.quantifier !== '?' && repeat.iteration !== 'followed') {
    report.add('no-effect', repeat.span, `\`${repeat.iteration === 'next' ? 'strict' : 'any'}\` has no effect: the loop takes at most one event.`);
  }
  if (least !== most) return;
  for (const word of ['greedy', 'lazy'] as const) {
    if (repeat[word]) report.add('redundant-modifier', repeat.span, `\`${word}\` has no effect: the loop takes ${least} events, no more and no less.`, { hint: 'leave it out' });
  }
}

/** The loop ends the pattern. */
function atTheEnd({ rule, report, countsOf }: FinishedRule, repeat: Repeat): void {
  const { least, most } = countsOf(repeat);
  if (most <= least) return;
  const { mode, skip } = rule.match;
  if (mode === 'all' && repeat.greedy) {
    report.add('redundant-modifier', repeat.span, '`greedy` has no effect on the last loop under `match all`: each event it takes gives a match, and nothing comes after it.', { hint: 'leave it out' });
  }
  if (mode === 'first' && rule.having === undefined && (skip.to === 'past last' || skip.to === 'next')) {
    const what = isSingle(repeat.inner) ? `"${repeat.inner.stage}"` : 'the group';
    report.add('redundant-loop', repeat.span, least === 0 ? `Under \`match first\` the pattern is complete before ${what}, so nothing of it is ever taken.`
      : `Under \`match first\` the pattern is complete as soon as ${what} has ${least === 1 ? 'one event' : `${least} events`}, and takes no more.`, {
      hint: least === 0 ? 'use match longest, or leave it out' : 'use match longest to take all of them',
    });
  }
}

function isSingle(pattern: Pattern): pattern is Extract<Pattern, { kind: 'stage' }> {
  return pattern.kind === 'stage';
}
