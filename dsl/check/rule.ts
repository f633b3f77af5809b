import type { Clause, MatchClause, NotPattern, QuantifiedPattern, RuleDecl } from '../ast.ts';
import type { Ban, Expr, Match, Output, PatternRule, Stage } from '../typed.ts';
import { constantNumber } from './constants.ts';
import { contextOf } from './context.ts';
import { readCounts, type Counts } from './counts.ts';
import { meant, notAvailable } from './declarations.ts';
import { desugar, withBan } from './desugar.ts';
import { condition, elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { checkInputs, checkKey, type KeyNames } from './keys.ts';
import { checkAlert, checkEmit } from './outputs.ts';
import { textsIn } from './operators.ts';
import { placesOf } from './places.ts';
import { shapeFlow, ShapeReader, type StageInfo } from './rule-shape.ts';
import type { Scope } from './scope.ts';
import { checkDuration, checkStage, collectStages } from './stages.ts';
import { DURATION, INT, STRING, aType, isText } from './types.ts';
import { literal, possibleTexts } from './value.ts';

type Of<Kind extends Clause['kind']> = Extract<Clause, { kind: Kind }>;

const SEVERITIES = ['low', 'medium', 'high', 'critical'];
const DEFAULT_KEEP = 10_000;

/** A rule with what the later checks need of it. */
export interface CheckedRule {
  readonly decl: RuleDecl;
  /** What is wrong is left out; complete where nothing was reported. Undefined: the rule has no pattern that can be read. */
  readonly rule: PatternRule | undefined;
  readonly reader: ShapeReader | undefined;
  /** It is of a kind that is not available: nothing more is to be said about it. */
  readonly unavailable: boolean;
}

/** Checks all clauses of a rule. */
export function checkRule(globals: Globals, decl: RuleDecl): CheckedRule {
  const { report } = globals;
  const clauses = new Clauses(globals, decl);
  const window = clauses.one('window');
  if (window !== undefined) {
    notAvailable(report, { ...window.span, end: Math.min(window.span.end, window.span.start + 'window'.length) }, 'window');
    return { decl, rule: undefined, reader: undefined, unavailable: true };
  }
  const match = clauses.one('match');
  if (match === undefined) {
    if (!globals.unread.inside(decl.span, /\bmatch\b/)) report.add('no-match', decl.name.span, `The rule "${decl.name.text}" has no pattern.`, { hint: 'say what it looks for: match a -> b' });
    return { decl, rule: undefined, reader: undefined, unavailable: false };
  }
  const counts = readCounts(globals, match.pattern);
  const countsOf = (node: QuantifiedPattern): Counts => counts.get(node)!;
  const isWhole = (): boolean => !globals.unread.breaks(match.span) && [...counts.values()].every((one) => !one.broken);
  const stages = collectStages(globals, decl, placesOf(match.pattern), match.without, isWhole);
  const sees = checkInputs(globals, clauses.one('on'), stages.values());
  const key = checkKey(globals, clauses.one('by'), sees, stages);

  // The pattern is read twice: its silences' durations read stages, and how those are seen is known only when the pattern is.
  const outline = report.muted(() => desugar(match.pattern, { report, countsOf, durationOf: (not) => literal(DURATION, not.span, 0).expr }));
  const shape = { rule: decl, match, stages, counts, isWhole, pattern: outline, flow: outline && shapeFlow(outline, counts), events: globals.events };
  const reader = new ShapeReader(shape);
  const pattern = desugar(match.pattern, { report, countsOf, durationOf: (not) => silenceDuration(globals, reader, not, key.names) });

  const typed = new Map<string, Stage>();
  const mentions = new Set([...placesOf(match.pattern).map((place) => place.stage), ...match.without.map((name) => name.text)]);
  const order = new Map([...mentions].map((name, i) => [name, i] as const));
  const inOrder = [...stages.values()].sort((a, b) => (order.get(a.name) ?? Infinity) - (order.get(b.name) ?? Infinity));
  inOrder.forEach((stage, i) => typed.set(stage.name, checkStage(globals, reader, stage, i, key.names)));

  const without: Ban | undefined = match.without.length === 0 ? undefined
    : { kind: 'between', what: { kind: 'stages', stages: [...new Set(match.without.map((name) => name.text))] }, without: true, span: match.without[0]!.span };
  const outputs = checkOutputs(globals, decl, reader, key.names);
  const having = clauses.one('having');
  const made = having && condition(contextOf(globals, reportScope(globals, reader, key.names, '`having`', false)), having.cond, '`having`');
  const anyTimeout = outputs.some((output) => output.onTimeout && output.kind === 'alert');
  const reports = reportScope(globals, reader, key.names, 'the severity', anyTimeout);
  const bounds = matchBounds(globals, reader, match, key.names);
  const limit = checkLimit(globals, clauses.one('limit'), reportScope(globals, reader, key.names, 'the limit', anyTimeout));
  const severity = checkSeverity(globals, clauses.one('severity'), reports, decl);
  if (pattern === undefined) return { decl, rule: undefined, reader, unavailable: false };
  const text = (kind: 'title' | 'description' | 'owner' | 'runbook'): { readonly [Key in typeof kind]?: string } => {
    const clause = clauses.one(kind);
    return clause === undefined ? {} : { [kind]: clause.text };
  };
  const rule: PatternRule = {
    kind: 'pattern', name: decl.name.text, span: decl.name.span, ...text('title'), ...text('description'), ...text('owner'), ...text('runbook'),
    severity, tags: clauses.one('tags')?.tags.map((tag) => tag.text) ?? [], version: clauses.one('version')?.version ?? 1,
    mode: modeOf(globals, clauses.one('mode')), evidence: clauses.one('evidence')?.level ?? 'full',
    key: key.parts, sees,
    match: {
      mode: match.mode, pattern: without === undefined ? pattern : withBan(pattern, without), stages: typed, ...bounds, skip: skipOf(globals, reader, match, stages),
    },
    ...(made && { having: made.expr }), outputs, keep: checkKeep(globals, clauses.one('keep')), ...(limit && { limit }),
  };
  return { decl, rule, reader, unavailable: false };
}

/** The clauses of a rule by kind; those that may stand once are reported when they stand twice. */
class Clauses {
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

/** No `by` of the rule is lost in what the parser could not read, or wrong. */
function isKeyRead(globals: Globals, decl: RuleDecl, key: readonly KeyNames[]): boolean {
  if (key.some((part) => part.type === undefined) || globals.unread.inside(decl.span, /\b(?:by|key|group|partition)\b/)) return false;
  return !decl.clauses.some((clause) => clause.kind === 'stage' && clause.names.some((name) => name.text === 'by'));
}

/** What alerts, emits, `having` and the like can name. */
function reportScope(globals: Globals, reader: ShapeReader, key: readonly KeyNames[], place: string, timeout: boolean): Scope {
  return {
    place, key, stage: (name) => reader.fromReport(name, timeout), stageNames: reader.stageNames, undefinedStages: reader.undefinedStages,
    prev: reader.previousAtEnd(timeout), match: true, report: true, isKeyRead: () => isKeyRead(globals, reader.shape.rule, key),
  };
}

function checkOutputs(globals: Globals, decl: RuleDecl, reader: ShapeReader, key: readonly KeyNames[]): Output[] {
  return decl.clauses.flatMap((clause) => {
    if (clause.kind === 'alert') return [checkAlert(globals, clause, reportScope(globals, reader, key, clause.onTimeout ? '`on timeout alert`' : '`alert`', clause.onTimeout))];
    if (clause.kind === 'emit') return [checkEmit(globals, clause, reportScope(globals, reader, key, clause.onTimeout ? '`on timeout emit`' : '`emit`', clause.onTimeout))];
    return [];
  });
}

function silenceDuration(globals: Globals, reader: ShapeReader, not: NotPattern, key: readonly KeyNames[]): Expr | undefined {
  if (not.for === undefined) return undefined;
  const names = new Set<string>();
  placesOf(not).forEach((place) => names.add(place.stage));
  const stage = [...names].flatMap((name) => reader.shape.stages.get(name) ?? [])[0];
  const seen = (name: string): ReturnType<ShapeReader['fromStage']> => {
    const target = reader.shape.stages.get(name);
    // At the start the event that sets the clock is bound when the span starts.
    if (target !== undefined && names.has(name) && reader.boundPlace(target) !== undefined) return reader.fromAfter(target, name);
    return stage && reader.fromStage(stage, name);
  };
  return checkDuration(globals, not.for, { place: 'the time of a silence', key, stage: seen, stageNames: reader.stageNames, undefinedStages: reader.undefinedStages });
}

/** `within`, `within session`, `gap`. */
function matchBounds(globals: Globals, reader: ShapeReader, match: MatchClause, key: readonly KeyNames[]): Pick<Match, 'within' | 'session' | 'gap'> {
  const stage = (name: string): ReturnType<ShapeReader['fromStage']> => {
    const target = reader.shape.stages.get(name);
    return target && reader.fromAnyArrow(target);
  };
  const stages = { key, stage, stageNames: reader.stageNames, undefinedStages: reader.undefinedStages };
  const within = match.within && checkDuration(globals, match.within, { place: 'the time bound of the pattern', ...stages });
  const session = match.session && checkDuration(globals, match.session, { place: 'the pause that ends a session', key });
  const gap = match.gap && checkDuration(globals, match.gap, { place: 'the gap between events', ...stages });
  return { ...(within && { within }), ...(session && { session }), ...(gap && { gap }) };
}

function skipOf(globals: Globals, reader: ShapeReader, match: MatchClause, stages: ReadonlyMap<string, StageInfo>): Match['skip'] {
  const { skip } = match;
  const fallback = match.mode === 'all' ? { to: 'none' as const } : { to: 'past last' as const };
  if (skip === undefined) return fallback;
  if (skip.to !== 'first' && skip.to !== 'last') return { to: skip.to };
  const name = skip.stage;
  const stage = name && stages.get(name.text);
  if (name === undefined) return fallback;
  if (stage === undefined) {
    if (!reader.undefinedStages.has(name.text)) globals.report.add('undefined-stage', name.span, `The stage "${name.text}" is not defined.`, { hint: meant(name.text, reader.stageNames) ?? `stages of this rule: ${reader.stageNames.join(', ')}` });
    return fallback;
  }
  if (reader.boundPlace(stage) === undefined && stage.places.length > 0) {
    globals.report.add('banned-stage-read', name.span, `"${name.text}" is only ever banned, so no event is bound to it.`);
    return fallback;
  }
  return { to: skip.to, stage: name.text };
}

function checkSeverity(globals: Globals, clause: Of<'severity'> | undefined, scope: Scope, decl: RuleDecl): Expr {
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

function checkKeep(globals: Globals, clause: Of<'keep'> | undefined): PatternRule['keep'] {
  if (clause === undefined) return { count: DEFAULT_KEEP, drop: 'oldest' };
  return { count: constantNumber(globals, clause.count, INT, 'the number of events to keep', { least: 1 }) ?? DEFAULT_KEEP, drop: clause.drop };
}

function checkLimit(globals: Globals, clause: Of<'limit'> | undefined, scope: Scope): PatternRule['limit'] {
  if (clause === undefined) return undefined;
  const count = constantNumber(globals, clause.count, INT, 'the number of alerts of a limit', { least: 1 });
  const per = constantNumber(globals, clause.per, DURATION, 'the time of a limit', { least: 1 });
  const by = clause.by && elaborate(contextOf(globals, scope), clause.by);
  if (count === undefined || per === undefined) return undefined;
  return { count, per, ...(by && { by: by.expr }) };
}

function modeOf(globals: Globals, clause: Of<'mode'> | undefined): PatternRule['mode'] {
  if (clause === undefined) return { kind: 'live' };
  if (clause.mode !== 'canary') return { kind: clause.mode };
  const percent = clause.percent ?? 0;
  if (percent <= 0 || percent > 100) {
    globals.report.add('out-of-bounds', clause.span, 'The share of keys of a canary is above 0% and at most 100%.');
  }
  return { kind: 'canary', percent };
}
