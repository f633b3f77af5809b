/** Ways to tell the kinds of rules apart. */
import type { PatternRule, Rule } from './typed.ts';
import type { Span } from './ast.ts';

export function isPattern(rule: Rule): rule is PatternRule {
  return rule.kind === 'pattern';
}

/** The rule, which must be a pattern. @throws where it is not: the caller knows better. */
export function patternRule(rule: Rule | undefined): PatternRule {
  if (rule?.kind !== 'pattern') throw new Error(rule === undefined ? 'There is no rule.' : `Rule "${rule.name}" is no pattern.`);
  return rule;
}

/** Where a rule takes events: the stages of a pattern, the inputs of a window. */
export function takersOf(rule: Rule): readonly { readonly name?: string; readonly types: readonly string[]; readonly accepts: readonly string[]; readonly span: Span }[] {
  return rule.kind === 'pattern' ? [...rule.match.stages.values()] : rule.window.inputs;
}
