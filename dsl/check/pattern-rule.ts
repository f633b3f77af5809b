import type { MatchClause, NotPattern, QuantifiedPattern, RuleDecl } from '../ast.ts';
import type { Ban, Expr, Match, Output, PatternRule, Stage } from '../typed.ts';
import { contextOf } from './context.ts';
import { readCounts, type Counts } from './counts.ts';
import { meant } from './declarations.ts';
import { desugar, withBan } from './desugar.ts';
import { condition } from './expressions.ts';
import type { Globals } from './globals.ts';
import { checkInputs, checkKey, seesOf, typesSeen, type KeyNames } from './keys.ts';
import { checkAlert, checkEmit } from './outputs.ts';
import { placesOf } from './places.ts';
import { checkKeep, checkLimit, checkSeverity, headOf, isKeyRead, type Clauses } from './rule-clauses.ts';
import { shapeFlow, ShapeReader, type StageInfo } from './rule-shape.ts';
import type { Scope } from './scope.ts';
import { checkDuration, checkStage, collectStages } from './stages.ts';
import { DURATION } from './types.ts';
import { literal } from './value.ts';

/** Checks all clauses of a rule that looks for a pattern. `rule`: what is wrong is left out; undefined where the pattern cannot be read. */
export function checkPatternRule(globals: Globals, decl: RuleDecl, clauses: Clauses, match: MatchClause): { readonly rule: PatternRule | undefined; readonly reader: ShapeReader } {
  const { report } = globals;
  refuseWindowClauses(globals, decl);
  const counts = readCounts(globals, match.pattern);
  const countsOf = (node: QuantifiedPattern): Counts => counts.get(node)!;
  const isWhole = (): boolean => !globals.unread.breaks(match.span) && [...counts.values()].every((one) => !one.broken);
  const stages = collectStages(globals, decl, placesOf(match.pattern), match.without, isWhole);
  const seen = seesOf(globals, typesSeen(globals, clauses.one('on'), stages.values()));
  const key = checkKey(globals, clauses.one('by'), seen, stages);
  const sees = checkInputs(globals, clauses.one('on'), seen, key.names);

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
  if (pattern === undefined) return { rule: undefined, reader };
  const rule: PatternRule = {
    kind: 'pattern', ...headOf(globals, decl, clauses), severity,
    key: key.parts, ...(key.roster && { roster: key.roster }), sees,
    match: {
      mode: match.mode, pattern: without === undefined ? pattern : withBan(pattern, without), stages: typed, ...bounds, skip: skipOf(globals, reader, match, stages),
    },
    ...(made && { having: made.expr }), outputs, keep: checkKeep(globals, clauses.one('keep')), ...(limit && { limit }),
  };
  return { rule, reader };
}

/** Nothing of a window stands in a rule that looks for a pattern. */
function refuseWindowClauses(globals: Globals, decl: RuleDecl): void {
  for (const clause of decl.clauses) {
    if (clause.kind === 'trigger' || clause.kind === 'late') {
      globals.report.add('window-clause', clause.span, `\`${clause.kind === 'late' ? 'late within' : 'trigger'}\` belongs to a window, and this rule looks for a pattern.`, { hint: clause.kind === 'late' ? undefined : 'a match is reported as soon as it is complete' });
    } else if ((clause.kind === 'alert' || clause.kind === 'emit') && clause.when === 'clear') {
      globals.report.add('window-clause', clause.span, '`on clear` reports that the condition of a window no longer holds, and this rule looks for a pattern.', { hint: 'what ran out of time is reported by `on timeout`' });
    }
  }
}

/** What alerts, emits, `having` and the like can name. */
function reportScope(globals: Globals, reader: ShapeReader, key: readonly KeyNames[], place: string, timeout: boolean): Scope {
  return {
    place, key, featureKey: key, stage: (name) => reader.fromReport(name, timeout), stageNames: reader.stageNames, undefinedStages: reader.undefinedStages,
    prev: reader.previousAtEnd(timeout), match: true, report: true, isKeyRead: () => isKeyRead(globals, reader.shape.rule, key),
  };
}

function checkOutputs(globals: Globals, decl: RuleDecl, reader: ShapeReader, key: readonly KeyNames[]): Output[] {
  return decl.clauses.flatMap((clause) => {
    if (clause.kind === 'alert') return [checkAlert(globals, clause, reportScope(globals, reader, key, clause.when === 'timeout' ? '`on timeout alert`' : '`alert`', clause.when === 'timeout'))];
    if (clause.kind === 'emit') return [checkEmit(globals, clause, reportScope(globals, reader, key, clause.when === 'timeout' ? '`on timeout emit`' : '`emit`', clause.when === 'timeout'))];
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
  return checkDuration(globals, not.for, { place: 'the time of a silence', key, isKeyRead: () => isKeyRead(globals, reader.shape.rule, key), stage: seen, stageNames: reader.stageNames, undefinedStages: reader.undefinedStages });
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
