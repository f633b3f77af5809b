/** One rule's plan as plain data for people and programs: what `alcedo explain` shows. */
import type { Ban, Expr, Stage } from '../../dsl/typed.ts';
import type { Accept, Counter, Edge } from '../compile/automaton.ts';
import type { Plan } from '../compile/index.ts';
import type { AnyRulePlan, RulePlan } from '../compile/plan.ts';
import { conjunctsOf, isEventOnly } from '../compile/walk.ts';
import { costsOf } from './cost.ts';
import { featureCosts } from './feature-costs.ts';
import { describeWindow, type OwnParts } from './describe-window.ts';
import { indexRegister, positionName, registerText } from './parts.ts';
import { printExpr } from './print.ts';

export interface RuleDescription {
  readonly kind: 'pattern' | 'window';
  readonly rule: string;
  readonly title: string | undefined;
  readonly mode: string;
  /** `first within 5m then skip past last`; of a window all of it: `window tumbling 1h, trigger on rise`. */
  readonly match: string;
  /** Parts of the key with what stands for them: `user (Payment: customer)`. */
  readonly key: readonly string[];
  readonly sees: readonly { readonly type: string; readonly filters: readonly string[] }[];
  readonly fields: readonly { readonly type: string; readonly decoded: readonly string[]; readonly checked: readonly string[] }[];
  readonly stages: readonly StageDescription[];
  readonly positions: readonly PositionDescription[];
  readonly edges: readonly EdgeDescription[];
  readonly having: string | undefined;
  readonly timers: readonly string[];
  readonly state: readonly StateDescription[];
  readonly costs: readonly string[];
}

export interface StageDescription {
  readonly name: string;
  readonly types: readonly string[];
  readonly loop: boolean;
  readonly banned: boolean;
  readonly conditions: readonly ConditionDescription[];
}

/** Where a condition is evaluated. `event`: once an event, for all rules that have it; `constant`: not even that, but found by a hash of the field's
 * value; `index`: runs are found by a hash of a bound value; `run`: once for each group of runs that agree on what it reads. */
export type Where = 'event' | 'constant' | 'index' | 'run';

export interface ConditionDescription { readonly text: string; readonly where: Where; readonly clause: 'where' | 'until' }

export interface PositionDescription {
  readonly id: number;
  /** The stage, or `not b for 5m`. */
  readonly name: string;
  readonly stage: string | undefined;
  /** How the pattern may end here: `at once`, `when 3 are bound`, `after no ack until the first bound ends`; empty: it may not. */
  readonly ends: readonly string[];
}

export interface EdgeDescription {
  /** Position; -1: the start. */
  readonly from: number;
  readonly to: number;
  readonly arrow: '->' | '->>' | '=>';
  /** Bans, counts, greedy loops and bounds that hold on the way. */
  readonly notes: readonly string[];
}

export interface StateDescription {
  readonly position: number;
  readonly name: string;
  /** What is kept of each run waiting here, beside its bound events; empty: runs waiting here are kept as one. */
  readonly registers: readonly string[];
  readonly bytes: number;
}

const ARROW = { followed: '->', any: '->>', next: '=>' } as const;

/** Describes a rule of a plan. The plan should hold this rule alone: then `fields` are those that it reads. */
export function describeRule(plan: Plan, rulePlan: AnyRulePlan): RuleDescription {
  const { rule } = rulePlan;
  const own = rulePlan.kind === 'window' ? describeWindow(rulePlan) : describePattern(plan, rulePlan);
  return {
    kind: rulePlan.kind,
    rule: rule.name,
    title: rule.title,
    mode: rule.mode.kind === 'canary' ? `canary ${rule.mode.percent}%` : rule.mode.kind,
    key: rule.key.map((part) => keyText(part)),
    sees: [...rule.sees].map(([type, { filters }]) => ({ type, filters: filters.map((filter) => printExpr(filter, rule)) })),
    fields: fieldsOf(plan, rulePlan),
    having: rule.having === undefined ? undefined : printExpr(rule.having, rule),
    ...own, costs: [...own.costs, ...featureCosts(plan)],
  };
}

function describePattern(plan: Plan, rulePlan: RulePlan): OwnParts {
  const { rule, automaton } = rulePlan;
  const { match } = rule;
  return {
    match: [
      match.mode,
      match.within === undefined ? '' : `within ${printExpr(match.within, rule)}`,
      match.session === undefined ? '' : `within session ${printExpr(match.session, rule)}`,
      match.gap === undefined ? '' : `gap ${printExpr(match.gap, rule)}`,
      `then skip ${match.skip.to}${'stage' in match.skip ? ` ${match.skip.stage}` : ''}`,
    ].filter((part) => part !== '').join(' '),
    stages: [...match.stages.values()].sort((a, b) => a.order - b.order).map((stage) => describeStage(plan, rulePlan, stage)),
    positions: automaton.positions.map((position) => ({
      id: position.id, name: positionName(rulePlan, position.id), stage: position.stage,
      ends: position.accepts.map((accept) => acceptText(accept)),
    })),
    edges: automaton.edges.map((edge) => ({ from: edge.from, to: edge.to, arrow: ARROW[edge.arrow], notes: edgeNotes(rulePlan, edge) })),
    timers: timersOf(rulePlan),
    state: rulePlan.positions.filter((position) => position.out.length > 0).map((position) => ({
      position: position.id, name: positionName(rulePlan, position.id), registers: position.registers.map(registerText), bytes: 8 * position.registers.length,
    })),
    costs: costsOf(rulePlan),
  };
}

function keyText(part: RulePlan['rule']['key'][number]): string {
  const alternatives = [...part.valueOf, ...part.stages].map(([of, expr]) => ({ of, text: printExpr(expr) })).filter(({ text }) => text !== part.name);
  return alternatives.length === 0 ? part.name : `${part.name} (${alternatives.map(({ of, text }) => `${of}: ${text}`).join(', ')})`;
}

function fieldsOf(plan: Plan, { rule }: AnyRulePlan): RuleDescription['fields'] {
  return plan.schema.types.filter((type, index) => rule.sees.has(type.name) || plan.features.some(({ keys }) => keys[index] !== undefined)).map((type) => {
    const time = type.fields[type.time]?.name;
    const isDecoded = (field: (typeof type.fields)[number]): boolean => field.slot >= 0 || field.name === time;
    const name = (field: (typeof type.fields)[number]): string => (field.source === field.name ? field.name : `${field.name} from ${JSON.stringify(field.source)}`);
    return {
      type: type.name,
      decoded: type.fields.filter(isDecoded).map(name),
      checked: type.fields.filter((field) => !isDecoded(field)).map(name),
    };
  });
}

function describeStage(plan: Plan, rulePlan: RulePlan, stage: Stage): StageDescription {
  const describe = (expr: Expr | undefined, clause: 'where' | 'until'): ConditionDescription[] =>
    conjunctsOf(expr).map((conjunct) => ({ text: printExpr(conjunct, rulePlan.rule), where: whereOf(plan, rulePlan, conjunct), clause }));
  return {
    name: stage.name, types: stage.types, loop: stage.loop, banned: stage.banned,
    conditions: [...describe(stage.where, 'where'), ...describe(stage.until, 'until')],
  };
}

function whereOf(plan: Plan, { positions }: RulePlan, condition: Expr): Where {
  if (isEventOnly(condition)) return isConstantEquality(plan, condition) ? 'constant' : 'event';
  if (condition.kind !== 'compare' || condition.op !== '==') return 'run';
  const indexed = new Set(positions.map(indexRegister).filter((register) => register !== undefined));
  const byIndex = [[condition.left, condition.right], [condition.right, condition.left]].some(([bound, event]) => {
    const register = bound!.kind === 'stageField' ? `f:${bound!.stage}.${bound!.field}` : bound!.kind === 'prevField' ? `p:${bound!.field}` : undefined;
    return register !== undefined && indexed.has(register) && isEventOnly(event!);
  });
  return byIndex ? 'index' : 'run';
}

/** `field == constant`, where a predicate of the plan is found by the value. */
function isConstantEquality(plan: Plan, condition: Expr): boolean {
  if (condition.kind !== 'compare' || condition.op !== '==') return false;
  const isPair = (field: Expr, constant: Expr): boolean => field.kind === 'eventField' && (constant.kind === 'literal' || constant.kind === 'param');
  return (isPair(condition.left, condition.right) || isPair(condition.right, condition.left)) && plan.predicates.some((predicate) => predicate.equality !== undefined);
}

function banText(ban: Ban): string {
  const what = ban.what.kind === 'stages' ? ban.what.stages.join(' or ') : `(${patternText(ban.what.pattern)})`;
  return ban.kind === 'next' ? `next is not ${what}` : `no ${what} between`;
}

function patternText(pattern: RulePlan['rule']['match']['pattern']): string {
  switch (pattern.kind) {
    case 'stage': return pattern.stage;
    case 'sequence': return pattern.items.map((item, index) => `${index === 0 ? '' : ` ${ARROW[item.arrow]} `}${patternText(item.pattern)}`).join('');
    case 'or': return pattern.alternatives.map(patternText).join(' or ');
    case 'repeat': return `(${patternText(pattern.inner)})…`;
    case 'silence': return `not ${pattern.stages.join(' or ')} for …`;
  }
}

function atLeast(counters: readonly Counter[]): string[] {
  return counters.filter((counter) => counter.min > 1).map((counter) => `after at least ${counter.min} turns`);
}

function acceptText(accept: Accept): string {
  const counts = atLeast(accept.leaves);
  if (accept.absence.length === 0) return counts.length === 0 ? 'at once' : counts.join(', ');
  const isNext = accept.absence.every((ban) => ban.kind === 'next');
  const what = accept.absence.map(banText).join(', ');
  return [...counts, isNext ? `at the next event if it is none of these: ${what}` : `when the first bound ends and there was ${what.replaceAll(' between', '')}`].join(', ');
}

function edgeNotes(plan: RulePlan, edge: Edge): string[] {
  const { match } = plan.rule;
  const notes = [...new Set(edge.bans.map(({ ban }) => banText(ban))), ...atLeast(edge.leaves)];
  for (const counter of edge.repeats) if (counter.max !== Infinity) notes.push(`at most ${counter.max} turns`);
  for (const { loop } of edge.greedy) notes.push(`no ${loop.stage} that the greedy loop could take`);
  if (edge.loop !== undefined && !edge.loop.enter && edge.loop.loop.lazy) notes.push('lazy: not what the next step can take');
  const stage = edge.to < 0 ? undefined : plan.automaton.positions[edge.to]!.stage;
  const own = stage === undefined ? undefined : match.stages.get(stage)?.within;
  if (own !== undefined) notes.push(`within ${printExpr(own.duration, plan.rule)} of ${own.of}`);
  const until = edge.loop === undefined ? undefined : match.stages.get(edge.loop.loop.stage)?.until;
  if (until !== undefined) notes.push(`until ${printExpr(until, plan.rule)}`);
  return notes;
}

function timersOf({ rule, tracked, automaton }: RulePlan): string[] {
  const { match } = rule;
  const timers: string[] = [];
  const noted = tracked ? 'noticed at its end, by a timer' : 'nobody waits for its end: runs past it are cleared away';
  if (match.within !== undefined) timers.push(`within ${printExpr(match.within, rule)}, from the first event: ${noted}`);
  if (match.gap !== undefined) timers.push(`gap ${printExpr(match.gap, rule)}, from the event before: ${noted}`);
  if (match.session !== undefined) timers.push(`within session ${printExpr(match.session, rule)}: a timer for each key, put off by each of its events`);
  for (const stage of match.stages.values()) {
    if (stage.within !== undefined) timers.push(`${stage.name} within ${printExpr(stage.within.duration, rule)} of ${stage.within.of}: ${noted}`);
  }
  for (const position of automaton.positions) {
    if (position.silence !== undefined) {
      timers.push(`not ${position.silence.stages.join(' or ')} for ${printExpr(position.silence.duration, rule)}: a timer for each run that waits for it`);
    }
  }
  return timers;
}
