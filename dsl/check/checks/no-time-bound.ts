import type { Pattern } from '../../typed.ts';
import { START } from '../flow.ts';
import { eachPart, type Check, type FinishedRule } from './finished.ts';

/** A run without any bound can live for ever: allowed, but its author should know what that costs. */
export const noTimeBound: Check = (rule) => {
  const { match } = rule.shape;
  if (match.within !== undefined || match.session !== undefined || match.gap !== undefined) return;
  const waiting = stagesWaitedFor(rule);
  if (waiting.length === 0) return;
  // An absence that lacks its bound is an error of its own.
  if (rule.rule.match.pattern.kind === 'sequence' && rule.rule.match.pattern.trailing.some((ban) => ban.kind === 'between')) return;
  const { keep, evidence, key } = rule.rule;
  const by = key.length === 0 ? '' : ` for each ${key.map((part) => part.name).join(', ')}`;
  const held = evidence === 'none' ? 'what its conditions read' : 'its events';
  rule.report.add('no-time-bound', match.pattern.span, onlyNext(rule.rule.match.pattern)
    ? `Nothing but the next event ends a run: the last one${by} waits for ${list(waiting)} for ever, with ${held}.`
    : `Nothing ends a run that waits for ${list(waiting)}: each keeps ${held} for ever, up to ${keep.count.toLocaleString('en')} events${by}, then the ${keep.drop} ${keep.drop === 'oldest' ? 'runs are' : 'events are'} dropped.`, {
    hint: 'add within 10m after the pattern',
  });
};

/** The stages that a run with a first event may wait for without a bound of their own. */
function stagesWaitedFor({ rule, flow, shape }: FinishedRule): string[] {
  return [...rule.match.stages.values()].filter((stage) => {
    if (stage.banned || shape.stages.get(stage.name)?.def.within !== undefined) return false;
    return [...flow.before.get(stage.name) ?? []].some((before) => before !== START);
  }).map((stage) => stage.name);
}

function onlyNext(pattern: Pattern): boolean {
  let only = true;
  eachPart(pattern, (part, arrow) => {
    if (part.kind === 'stage' && arrow !== undefined && arrow !== 'next') only = false;
    if (part.kind === 'repeat' && part.iteration !== 'next') only = false;
  });
  return only;
}

function list(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}
