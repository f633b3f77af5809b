import type { Expr, Stage } from '../../typed.ts';
import { conjunctsOf } from '../../walk.ts';
import { eachPart, type Check, type FinishedRule } from './finished.ts';
import { isKey } from './first-drops-others.ts';

/** `->` tries the first event that fits, and only that: two ways in which that is easily forgotten. */
export const arrowMistakes: Check = (rule) => {
  const followed = stagesAfterFirst(rule);
  for (const stage of rule.rule.match.stages.values()) {
    if (stage.banned) continue;
    for (const conjunct of conjunctsOf(stage.where)) {
      if (conjunct.kind !== 'compare') continue;
      if (conjunct.op === '==') unpinned(rule, stage, conjunct, followed);
      else if (followed.has(stage.name)) lowerBound(rule, stage, conjunct);
    }
  }
};

/** Single stages, not the first, that are reached by `->` alone. */
function stagesAfterFirst(rule: FinishedRule): Set<string> {
  const arrows = new Map<string, Set<string | undefined>>();
  eachPart(rule.rule.match.pattern, (part, arrow) => {
    if (part.kind === 'stage') arrows.set(part.stage, new Set([...arrows.get(part.stage) ?? [], arrow]));
  });
  return new Set([...arrows].filter(([, ones]) => ones.size === 1 && ones.has('followed')).map(([stage]) => stage));
}

/** In `a -> b -> c`, c equates a field of b that b's own condition leaves open. */
function unpinned(rule: FinishedRule, stage: Stage, equation: Extract<Expr, { kind: 'compare' }>, followed: ReadonlySet<string>): void {
  for (const [side, other] of [[equation.left, equation.right], [equation.right, equation.left]] as const) {
    if (side.kind !== 'stageField' || side.stage === stage.name || !isOfEvent(other)) continue;
    const earlier = rule.rule.match.stages.get(side.stage);
    if (earlier === undefined || earlier.loop || earlier.banned || !followed.has(earlier.name) || isKey(rule, earlier, side.field)) continue;
    if (conjunctsOf(earlier.where).some((one) => pins(one, side.field))) continue;
    rule.report.add('unpinned-equality', equation.span, `Only the first "${earlier.name}" is tried: when its "${side.field}" is not that of a "${stage.name}" to come, later ones are not looked at.`, {
      hint: `write ->> ${earlier.name} to consider each of them`,
    });
  }
}

function pins(condition: Expr, field: string): boolean {
  const isField = (expr: Expr): boolean => expr.kind === 'eventField' && expr.field === field;
  if (condition.kind === 'compare') return condition.op === '==' && (isField(condition.left) || isField(condition.right));
  return condition.kind === 'in' && !condition.negated && isField(condition.value);
}

/** Reads the event being tested. */
function isOfEvent(expr: Expr): boolean {
  return expr.kind === 'eventField' || (expr.kind === 'call' && expr.args.some(isOfEvent)) || (expr.kind === 'arith' && (isOfEvent(expr.left) || isOfEvent(expr.right)));
}

/** A `->` step asks that at least so much time has passed: an earlier event is skipped, not refused. */
function lowerBound(rule: FinishedRule, stage: Stage, comparison: Extract<Expr, { kind: 'compare' }>): void {
  const { op } = comparison;
  const [more, less] = op === '>' || op === '>=' ? [comparison.left, comparison.right] : op === '<' || op === '<=' ? [comparison.right, comparison.left] : [];
  if (more === undefined || less === undefined || !sinceEarlier(more, less)) return;
  rule.report.add('lower-time-bound', comparison.span, `A "${stage.name}" that comes sooner is skipped, not refused: \`->\` goes on to the next one that is late enough.`, {
    hint: 'to refuse matches that are too quick, move the condition to `having`',
  });
}

/** `t - a.t > d`, `t > a.t + d` and `t - d > a.t`. */
function sinceEarlier(more: Expr, less: Expr): boolean {
  if (more.kind === 'arith' && more.op === '-' && more.type.kind === 'duration') return isTestedTime(more.left) && isEarlierTime(more.right) && !isNothing(less);
  if (less.kind === 'arith' && less.op === '+' && less.type.kind === 'time') return isTestedTime(more) && (isEarlierTime(less.left) || isEarlierTime(less.right));
  return more.kind === 'arith' && more.op === '-' && more.type.kind === 'time' && isTestedTime(more.left) && isEarlierTime(less);
}

function isTestedTime(expr: Expr): boolean {
  return expr.kind === 'eventTime' || (expr.kind === 'eventField' && expr.type.kind === 'time');
}

function isEarlierTime(expr: Expr): boolean {
  return expr.type.kind === 'time' && (expr.kind === 'stageTime' || expr.kind === 'stageField' || expr.kind === 'prevField' || expr.kind === 'aggregate');
}

/** A span of no time or less: every later event is late enough. */
function isNothing(expr: Expr): boolean {
  return expr.kind === 'literal' && typeof expr.value === 'number' && expr.value <= 0;
}
