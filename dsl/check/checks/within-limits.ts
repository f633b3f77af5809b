import { MOST_NEXT, MOST_STEPS, sizeOfPattern } from '../../limits.ts';
import type { Ban, Expr, Pattern } from '../../typed.ts';
import { walk } from '../../walk.ts';
import { eachPart, type Check, type FinishedRule } from './finished.ts';

/** What the language has and this version cannot run: patterns past the automaton's size, and banned sequences of more than single stages. */
export const withinLimits: Check = (rule) => {
  size(rule);
  for (const ban of bansOf(rule.rule.match.pattern)) bannedSequence(rule, ban);
};

function size({ rule: { match }, shape, report, countsOf }: FinishedRule): void {
  const { steps, busiest } = sizeOfPattern(match.pattern, (repeat) => countsOf(repeat).ever);
  if (steps > MOST_STEPS) {
    report.add('too-many-steps', shape.match.pattern.span, `The pattern has ${steps} steps, each order of an \`and\` counted; this version runs up to ${MOST_STEPS}.`, {
      hint: 'write steps that are alike as one that repeats, x{3}, or let one rule emit an event that begins another',
    });
  } else if (busiest !== undefined && busiest.next > MOST_NEXT) {
    report.add('too-many-next', busiest.span, `After "${busiest.name}" the pattern can go on in ${busiest.next} ways, its end counted; this version runs up to ${MOST_NEXT}.`, {
      hint: 'write alternatives that differ only in their condition as one stage: x: Type where … or …',
    });
  }
}

function bannedSequence({ rule: { match }, report }: FinishedRule, ban: Ban): void {
  if (ban.what.kind !== 'sequence') return;
  const { pattern } = ban.what;
  const items = pattern.kind === 'sequence' ? pattern.items.map((item) => item.pattern) : [pattern];
  const names = items.flatMap((item) => (item.kind === 'stage' ? [item.stage] : []));
  const other = items.find((item) => item.kind !== 'stage');
  if (other !== undefined) {
    report.add('banned-sequence', other.span, 'A banned sequence of anything but single stages is not available in this version.', {
      hint: other.kind === 'or' ? 'ban each alternative by itself: not (a -> b) -> not (a -> c)' : 'leave out what need not repeat, or write the steps one by one',
    });
    return;
  }
  for (const name of names) {
    const reads = (expr: Expr): void => walk(expr, (part) => {
      if (part.kind !== 'aggregate' || part.fn !== 'values' || !names.includes(part.stage)) return;
      report.add('banned-sequence', part.span, `\`values\` over "${part.stage}", a stage of the banned sequence, is not available in this version.`, { hint: 'distinct, first and last are' });
    });
    const where = match.stages.get(name)?.where;
    if (where !== undefined) reads(where);
  }
}

/** The bans written in a pattern; one that stands in several of its orders is given several times. */
function bansOf(pattern: Pattern): Ban[] {
  const bans: Ban[] = [];
  eachPart(pattern, (part) => {
    if (part.kind === 'sequence') bans.push(...part.items.flatMap((item) => item.bans), ...part.trailing);
  });
  return bans;
}
