/** What a rule is made of, as far as it is computed. */
import type { Expr, Pattern, PatternRule, Rule } from '../../dsl/typed.ts';

/** Every expression of a rule. */
export function* expressionsOf(rule: Rule): Iterable<Expr> {
  for (const part of rule.key) {
    yield* part.valueOf.values();
    yield* part.stages.values();
  }
  for (const { filters } of rule.sees.values()) yield* filters;
  if (rule.kind === 'pattern') yield* boundExpressions(rule);
  else {
    for (const { where } of rule.window.inputs) if (where !== undefined) yield where;
    yield* reportExpressions(rule);
  }
}

/** Those of a pattern that may read bound events. */
export function* boundExpressions(rule: PatternRule): Iterable<Expr> {
  const { match } = rule;
  for (const stage of match.stages.values()) {
    if (stage.where !== undefined) yield stage.where;
    if (stage.until !== undefined) yield stage.until;
    if (stage.within !== undefined) yield stage.within.duration;
  }
  for (const bound of [match.within, match.session, match.gap]) if (bound !== undefined) yield bound;
  yield* silences(match.pattern);
  yield* reportExpressions(rule);
}

function* reportExpressions(rule: Rule): Iterable<Expr> {
  yield rule.severity;
  if (rule.having !== undefined) yield rule.having;
  if (rule.limit?.by !== undefined) yield rule.limit.by;
  for (const output of rule.outputs) for (const field of output.fields) yield field.value;
}

function* silences(pattern: Pattern): Iterable<Expr> {
  switch (pattern.kind) {
    case 'silence': yield pattern.duration; break;
    case 'sequence': for (const item of pattern.items) yield* silences(item.pattern); break;
    case 'or': for (const alternative of pattern.alternatives) yield* silences(alternative); break;
    case 'repeat': yield* silences(pattern.inner); break;
    case 'stage': break;
  }
}
