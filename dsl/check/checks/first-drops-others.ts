import type { Expr, Stage } from '../../typed.ts';
import { conjunctsOf } from '../../walk.ts';
import type { Check, FinishedRule } from './finished.ts';

/** Under `match first` a match drops all runs that began before it, also those that go for other values of a field that stages equate. */
export const firstDropsOthers: Check = (rule) => {
  const { mode, skip, stages } = rule.rule.match;
  if (mode !== 'first' || skip.to !== 'past last') return;
  for (const stage of stages.values()) {
    if (stage.banned) continue;
    for (const conjunct of conjunctsOf(stage.where)) {
      const field = equated(conjunct, stage);
      if (field === undefined || isKey(rule, stage, field)) continue;
      rule.report.add('first-drops-others', conjunct.span, `Under \`match first\` a match drops the open runs with other values of "${field}".`, {
        hint: `add ${field} to \`by\`, or use match all`,
      });
    }
  }
};

/** The field of the event being tested that is to equal one of an earlier stage. */
function equated(condition: Expr, stage: Stage): string | undefined {
  if (condition.kind !== 'compare' || condition.op !== '==') return undefined;
  for (const [side, other] of [[condition.left, condition.right], [condition.right, condition.left]] as const) {
    const earlier = other.kind === 'stageField' || (other.kind === 'aggregate' && (other.fn === 'first' || other.fn === 'last')) ? other.stage : undefined;
    if (side.kind === 'eventField' && earlier !== undefined && earlier !== stage.name) return side.field;
  }
  return undefined;
}

/** The field is a part of the rule's key for every event the stage accepts. */
export function isKey({ rule }: FinishedRule, stage: Stage, field: string): boolean {
  return rule.key.some((part) => {
    const isField = (expr: Expr | undefined): boolean => expr?.kind === 'eventField' && expr.field === field;
    if (part.stages.has(stage.name)) return isField(part.stages.get(stage.name));
    return stage.accepts.length > 0 && stage.accepts.every((type) => isField(part.valueOf.get(type)));
  });
}
