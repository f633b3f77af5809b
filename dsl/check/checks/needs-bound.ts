import type { Ban } from '../../typed.ts';
import { canBeEmpty, type Check, type FinishedRule } from './finished.ts';

/** What waits for time to run out, or looks back in time, says how far. */
export const needsBound: Check = (rule) => {
  absence(rule);
  timeout(rule);
  lookBack(rule);
};

function hasMatchBound({ shape }: FinishedRule): boolean {
  return shape.match.within !== undefined || shape.match.session !== undefined || shape.match.gap !== undefined;
}

function stagesOf(ban: Ban): readonly string[] {
  return ban.what.kind === 'stages' ? ban.what.stages : [];
}

/** `a -> not b` at the end. */
function absence(rule: FinishedRule): void {
  const { pattern } = rule.rule.match;
  if (pattern.kind !== 'sequence' || pattern.trailing.length === 0 || hasMatchBound(rule)) return;
  const waits = pattern.trailing.filter((ban) => ban.kind === 'between' && ban.span !== rule.shape.match.without[0]?.span);
  for (const ban of waits) {
    if (stagesOf(ban).some((stage) => rule.shape.stages.get(stage)?.def.within !== undefined)) continue;
    rule.report.add('absence-without-bound', ban.span, 'An absence at the end is complete when its time is up, and this one has no time.', { hint: 'add within 10m after the pattern' });
  }
}

function timeout(rule: FinishedRule): void {
  const { rule: checked, shape, report } = rule;
  const outputs = checked.outputs.filter((output) => output.onTimeout);
  if (outputs.length === 0) return;
  const stageBound = [...shape.stages.values()].some((stage) => stage.def.within !== undefined && rule.reader.boundPlace(stage) !== undefined);
  if (!hasMatchBound(rule) && !stageBound) {
    for (const output of outputs) {
      report.add('timeout-without-bound', output.span, '`on timeout` reports what ran out of time, and this pattern has no time bound.', { hint: 'add within 10m after the pattern' });
    }
    return;
  }
  if (!completeAtOnce(rule) || checked.having !== undefined) return;
  for (const output of outputs) report.add('no-effect', output.span, '`on timeout` has no effect: the pattern is complete with its first event, so nothing can run out of time.');
}

/** Every first event is a match by itself. */
function completeAtOnce(rule: FinishedRule): boolean {
  const { pattern } = rule.rule.match;
  switch (pattern.kind) {
    case 'stage': return true;
    case 'repeat': return pattern.inner.kind === 'stage' && rule.countsOf(pattern).most >= 1 && rule.countsOf(pattern).least <= 1 && rule.countsOf(pattern).fixed;
    case 'sequence': {
      const [first, ...rest] = pattern.items;
      return first!.pattern.kind === 'stage' && pattern.trailing.length === 0 && rest.every((item) => item.pattern.kind !== 'silence' && canBeEmpty(item.pattern, rule) && item.pattern.kind === 'repeat');
    }
    default: return false;
  }
}

/** A ban at the very start looks back into the `within` span. */
function lookBack({ rule: { match }, shape, report }: FinishedRule): void {
  if (match.pattern.kind !== 'sequence' || shape.match.within !== undefined) return;
  for (const ban of match.pattern.items[0]!.bans) {
    report.add('ban-looks-back', ban.span, 'A ban at the start looks back from the first event, and nothing says how far.', {
      hint: 'add within 10m after the pattern; or wait for a silence: not b for 10m',
    });
  }
}
