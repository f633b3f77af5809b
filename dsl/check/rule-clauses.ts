import type { Clause, RuleDecl } from '../ast.ts';
import type { Expr, Rule } from '../typed.ts';
import { constantNumber } from './constants.ts';
import { contextOf } from './context.ts';
import { elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import type { KeyNames } from './keys.ts';
import { textsIn } from './operators.ts';
import type { Scope } from './scope.ts';
import { DURATION, INT, STRING, aType, isText } from './types.ts';
import { literal, possibleTexts } from './value.ts';

/** The clauses that patterns and windows have in common. */

export type ClauseOf<Kind extends Clause['kind']> = Extract<Clause, { kind: Kind }>;
type Of<Kind extends Clause['kind']> = ClauseOf<Kind>;

const SEVERITIES = ['low', 'medium', 'high', 'critical'];
const DEFAULT_KEEP = 10_000;

/** The clauses of a rule by kind; those that may stand once are reported when they stand twice. */
export class Clauses {
  readonly #decl: RuleDecl;

  constructor(globals: Globals, decl: RuleDecl) {
    this.#decl = decl;
    const first = new Map<string, Clause>();
    for (const clause of decl.clauses) {
      if (clause.kind === 'stage' || clause.kind === 'alert' || clause.kind === 'emit') continue;
      const before = first.get(clause.kind);
      if (before === undefined) first.set(clause.kind, clause);
      else globals.report.add('clause-twice', clause.span, `\`${clause.kind}\` stands twice in the rule "${decl.name.text}".`, { related: [{ span: before.span, message: 'first here' }] });
    }
  }

  one<Kind extends Clause['kind']>(kind: Kind): Of<Kind> | undefined {
    return this.#decl.clauses.find((clause): clause is Of<Kind> => clause.kind === kind);
  }
}

/** What a person reads, and how the rule runs. */
export function headOf(globals: Globals, decl: RuleDecl, clauses: Clauses): Pick<Rule, 'name' | 'span' | 'title' | 'description' | 'owner' | 'runbook' | 'tags' | 'version' | 'mode' | 'evidence'> {
  const text = (kind: 'title' | 'description' | 'owner' | 'runbook'): { readonly [Key in typeof kind]?: string } => {
    const clause = clauses.one(kind);
    return clause === undefined ? {} : { [kind]: clause.text };
  };
  return {
    name: decl.name.text, span: decl.name.span, ...text('title'), ...text('description'), ...text('owner'), ...text('runbook'),
    tags: clauses.one('tags')?.tags.map((tag) => tag.text) ?? [], version: clauses.one('version')?.version ?? 1,
    mode: modeOf(globals, clauses.one('mode')), evidence: clauses.one('evidence')?.level ?? 'full',
  };
}

/** No `by` of the rule is lost in what the parser could not read, or wrong. */
export function isKeyRead(globals: Globals, decl: RuleDecl, key: readonly KeyNames[]): boolean {
  if (key.some((part) => part.type === undefined) || globals.unread.inside(decl.span, /\b(?:by|key|group|partition)\b/)) return false;
  return !decl.clauses.some((clause) => clause.kind === 'stage' && clause.names.some((name) => name.text === 'by'));
}

export function checkSeverity(globals: Globals, clause: Of<'severity'> | undefined, scope: Scope, decl: RuleDecl): Expr {
  const medium = literal(STRING, clause?.span ?? decl.name.span, 'medium').expr;
  if (clause === undefined) return medium;
  const ctx = contextOf(globals, { ...scope, words: SEVERITIES });
  const made = elaborate(ctx, clause.value);
  if (made === undefined) return medium;
  if (!isText(made.expr.type)) {
    globals.report.add('bad-severity', clause.value.span, `A severity is low, medium, high or critical; this is ${aType(made.expr.type)}.`);
    return medium;
  }
  if (possibleTexts(made.expr) === undefined) {
    globals.report.add('bad-severity', clause.value.span, 'A severity is low, medium, high or critical; this may be any text.', { hint: 'write if … then high else low' });
    return medium;
  }
  textsIn(ctx, made.expr, SEVERITIES);
  return made.expr;
}

export function checkKeep(globals: Globals, clause: Of<'keep'> | undefined): Rule['keep'] {
  if (clause === undefined) return { count: DEFAULT_KEEP, drop: 'oldest' };
  return { count: constantNumber(globals, clause.count, INT, 'the number of events to keep', { least: 1 }) ?? DEFAULT_KEEP, drop: clause.drop };
}

export function checkLimit(globals: Globals, clause: Of<'limit'> | undefined, scope: Scope): Rule['limit'] {
  if (clause === undefined) return undefined;
  const count = constantNumber(globals, clause.count, INT, 'the number of alerts of a limit', { least: 1 });
  const per = constantNumber(globals, clause.per, DURATION, 'the time of a limit', { least: 1 });
  const by = clause.by && elaborate(contextOf(globals, scope), clause.by);
  if (count === undefined || per === undefined) return undefined;
  return { count, per, ...(by && { by: by.expr }) };
}

function modeOf(globals: Globals, clause: Of<'mode'> | undefined): Rule['mode'] {
  if (clause === undefined) return { kind: 'live' };
  if (clause.mode !== 'canary') return { kind: clause.mode };
  const percent = clause.percent ?? 0;
  if (percent <= 0 || percent > 100) {
    globals.report.add('out-of-bounds', clause.span, 'The share of keys of a canary is above 0% and at most 100%.');
  }
  return { kind: 'canary', percent };
}
