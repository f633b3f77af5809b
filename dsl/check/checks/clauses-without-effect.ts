import type { RuleDecl } from '../../ast.ts';
import type { Expr, Rule } from '../../typed.ts';
import { conjunctsOf } from '../../walk.ts';
import type { Globals } from '../globals.ts';
import type { Check } from './finished.ts';

/** Clauses that change nothing, in any rule. */
export function clausesWithoutEffect({ report, unread }: Globals, decl: RuleDecl, rule: Rule): void {
  const clause = (kind: string) => decl.clauses.find((one) => one.kind === kind);
  const reports = decl.clauses.filter((one) => one.kind === 'alert' || one.kind === 'emit');
  if (reports.length === 0 && !unread.inside(decl.span, /\b(?:alert|emit)\b/)) {
    report.add('no-output', decl.name.span, `The rule "${rule.name}" reports nothing.`, { hint: 'add alert channel { … }, or emit Type { … }' });
  }
  const limit = clause('limit');
  if (limit !== undefined && reports.length > 0 && !reports.some((one) => one.kind === 'alert') && !unread.inside(decl.span, /\balert\b/)) {
    report.add('no-effect', limit.span, '`limit` has no effect: it is about alerts, and this rule only emits.');
  }
  const having = clause('having');
  if (having !== undefined && isTrue(rule.having)) report.add('no-effect', having.span, '`having` has no effect: it is always true.');
  const mode = clause('mode');
  if (mode !== undefined && rule.mode.kind === 'canary' && rule.mode.percent === 100) {
    report.add('no-effect', mode.span, 'A canary of all keys is the same as `mode live`.');
  }
}

/** Conditions of stages that change nothing. */
export const conditionsWithoutEffect: Check = ({ rule, report }) => {
  for (const stage of rule.match.stages.values()) {
    for (const part of conjunctsOf(stage.where)) {
      if (isTrue(part)) report.add('no-effect', part.span, 'This condition has no effect: it is always true.');
    }
    if (stage.until?.kind === 'literal') {
      report.add('no-effect', stage.until.span, stage.until.value === true ? `"${stage.name}" can take no event: \`until\` is always true.` : '`until` has no effect: it is never true.');
    }
  }
};

function isTrue(expr: Expr | undefined): boolean {
  return expr?.kind === 'literal' && expr.value === true;
}
