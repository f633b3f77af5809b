import type { RuleDecl } from '../ast.ts';
import type { Rule } from '../typed.ts';
import type { Globals } from './globals.ts';
import { checkPatternRule } from './pattern-rule.ts';
import { Clauses } from './rule-clauses.ts';
import type { ShapeReader } from './rule-shape.ts';
import { checkWindowRule } from './window-rule.ts';

/** A rule with what the later checks need of it. */
export interface CheckedRule {
  readonly decl: RuleDecl;
  /** What is wrong is left out; complete where nothing was reported. Undefined: the rule has no pattern or window that can be read. */
  readonly rule: Rule | undefined;
  /** Of a pattern. */
  readonly reader: ShapeReader | undefined;
}

/** Checks all clauses of a rule. */
export function checkRule(globals: Globals, decl: RuleDecl): CheckedRule {
  const { report } = globals;
  const clauses = new Clauses(globals, decl);
  const window = clauses.one('window');
  const match = clauses.one('match');
  if (window !== undefined && match !== undefined) {
    report.add('window-and-match', window.span, `The rule "${decl.name.text}" has both a pattern and a window.`, {
      hint: 'let one rule emit an event that the other reads', related: [{ span: { ...match.span, end: match.span.start + 'match'.length }, message: 'the pattern' }],
    });
    return { decl, rule: undefined, reader: undefined };
  }
  if (window !== undefined) return { decl, rule: checkWindowRule(globals, decl, clauses, window), reader: undefined };
  if (match !== undefined) return { decl, ...checkPatternRule(globals, decl, clauses, match) };
  if (!globals.unread.inside(decl.span, /\b(?:match|window)\b/)) {
    report.add('no-match', decl.name.span, `The rule "${decl.name.text}" has neither a pattern nor a window.`, { hint: 'say what it looks for: match a -> b, or window tumbling 1h' });
  }
  return { decl, rule: undefined, reader: undefined };
}
