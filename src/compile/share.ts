import type { AnyRulePlan, EdgePlan, RulePlan } from './plan.ts';

const DEFAULT_KEEP = 10_000;

/**
 * Rules that start on the same condition, by the same key, within the same span keep their starts once: a plan of its own is appended that does
 * nothing but remember them, and each rule takes over what it has not seen when an event first concerns it. So a thousand rules that differ in
 * their later steps only cost one start, not a thousand.
 */
export function shareStarts(rules: readonly AnyRulePlan[]): AnyRulePlan[] {
  const groups = new Map<string, RulePlan[]>();
  for (const rule of rules) {
    if (rule.kind !== 'pattern' || !maysShare(rule)) continue;
    const edge = rule.starts[0]!;
    const text = JSON.stringify([
      rule.key, edge.cond!.predicate, rule.within, rule.sees.map((filter) => (filter < 0 ? null : rule.filters[filter]!)), rule.rule.mode.kind === 'shadow',
    ]);
    const list = groups.get(text);
    if (list === undefined) groups.set(text, [rule]);
    else list.push(rule);
  }
  const result = [...rules];
  for (const members of groups.values()) {
    if (members.length < 2) continue;
    const index = result.length;
    const model = members[0]!;
    for (const member of members) result[member.index] = { ...member, group: index };
    result.push(keeperOf(model, index));
  }
  return result;
}

function maysShare(rule: RulePlan): boolean {
  const edge = rule.starts[0];
  if (edge === undefined || rule.filterRests.length > 0 || rule.roster !== undefined || rule.starts.length !== 1 || rule.tracked || rule.split !== 'none' || rule.needsEveryEvent) return false;
  if (rule.within === undefined || rule.session !== undefined || rule.rule.keep.drop !== 'oldest') return false;
  // Drops are counted as they happen, which shared starts are not looked at for: a rule with a bound of its own keeps its own.
  if (rule.rule.keep.count < DEFAULT_KEEP) return false;
  if (rule.leading.some((leading) => leading.conds.length + leading.sequences.length > 0) || rule.stages.some((stage) => stage.key >= 0)) return false;
  if (rule.automaton.positions.length > 64 || edge.cond!.rest >= 0 || edge.until !== undefined || edge.greedy.length > 0 || edge.lazy !== undefined) return false;
  // The position of the start must be reached by no other way: else it holds nodes that are no starts.
  if (rule.positions.some((position) => position.out.some((other) => other.to === edge.to))) return false;
  const position = rule.positions[edge.to]!;
  return edge.to === 0 && position.single && position.accepts.length === 0;
}

/** A plan that starts runs as its model does and never moves them. */
function keeperOf(model: RulePlan, index: number): RulePlan {
  const waits: EdgePlan = {
    ...model.starts[0]!, kind: 'absence', from: 0, to: -1, slot: 0, arrow: 'any', cond: undefined, bans: [], nextBans: [], sequences: [], greedy: [], guards: [], update: -1,
  };
  return {
    ...model, index, isGroup: true, group: -1, hasTimeout: false, outputs: [], sequences: [],
    positions: [{ ...model.positions[0]!, out: [waits], accepts: [], always: false, wake: [], indexed: undefined }],
  };
}
