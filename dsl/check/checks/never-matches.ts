import type { Expr, Stage } from '../../typed.ts';
import { conjunctsOf } from '../../walk.ts';
import { contradiction } from './constraints.ts';
import type { Check, FinishedRule } from './finished.ts';

/** Some event can satisfy each stage's condition, and `having`, as far as constants tell. */
export const neverMatches: Check = (rule) => {
  for (const stage of rule.rule.match.stages.values()) checkStage(rule, stage);
  const { having } = rule.rule;
  const conflict = having && contradiction(conjunctsOf(having), () => false);
  if (conflict !== undefined) rule.report.add('never-matches', conflict.at.span, `\`having\` can never be true: ${conflict.why}.`);
};

function checkStage(rule: FinishedRule, stage: Stage): void {
  const { report, shape, rule: { sees } } = rule;
  const view = shape.stages.get(stage.name)!.event;
  const notNull = (expr: Expr): boolean => {
    const field = expr.kind === 'eventField' ? view.field(expr.field) : 'none';
    return typeof field === 'object' && field.nulls === 0;
  };
  const own = contradiction(conjunctsOf(stage.where), notNull);
  if (own !== undefined) {
    report.add('never-matches', own.at.span, `"${stage.name}" can never ${stage.banned ? 'be seen' : 'match'}: ${own.why}.`);
    return;
  }
  if (stage.accepts.length === 0 || view.broken) return;
  const seen = stage.accepts.filter((type) => sees.has(type));
  const types = stage.types.map((type) => `"${type}"`).join(' or ');
  if (seen.length === 0) {
    report.add('never-matches', stage.span, `"${stage.name}" can never ${stage.banned ? 'be seen' : 'match'}: \`on\` lets no ${types} through.`, { hint: `add ${stage.types[0]} to \`on\`` });
    return;
  }
  const conflicts = seen.map((type) => {
    const { filters } = sees.get(type)!;
    return filters.length === 1 ? contradiction([...conjunctsOf(filters[0]), ...conjunctsOf(stage.where)], notNull) : undefined;
  });
  const [conflict] = conflicts;
  if (conflict !== undefined && conflicts.every((one) => one !== undefined)) {
    report.add('never-matches', stage.span, `"${stage.name}" can never ${stage.banned ? 'be seen' : 'match'} what \`on\` lets through: ${conflict.why}.`);
  }
}
