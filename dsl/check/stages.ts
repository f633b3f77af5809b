import type { Expr as AstExpr, Name, RuleDecl, Span, StageDef } from '../ast.ts';
import type { Expr, Stage } from '../typed.ts';
import { contextOf, type Context } from './context.ts';
import { meant } from './declarations.ts';
import { viewOf, type EventInfo } from './event-types.ts';
import { condition, elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { ownLoop, type Place } from './places.ts';
import { acceptedTypes, type ShapeReader, type StageInfo } from './rule-shape.ts';
import type { Scope } from './scope.ts';
import { aType, isNumber, isText } from './types.ts';
import { definition } from './unread.ts';

/** Clauses that an author may write with a colon, which makes a stage's definition of them. */
const CLAUSES = new Set(['title', 'description', 'severity', 'tags', 'owner', 'runbook', 'by', 'on', 'match', 'having', 'alert', 'emit', 'keep', 'limit', 'mode', 'evidence', 'version']);

/** The stages of a rule as defined; reports names defined twice, used and not defined, defined and not used (where the pattern `isWhole`), and used twice. */
export function collectStages(globals: Globals, rule: RuleDecl, places: readonly Place[], without: readonly Name[], isWhole: () => boolean): Map<string, StageInfo> {
  const { report } = globals;
  const defs = new Map<string, { readonly def: StageDef; readonly name: Name }>();
  for (const clause of rule.clauses) {
    if (clause.kind !== 'stage') continue;
    for (const name of clause.names) {
      const first = defs.get(name.text);
      if (first !== undefined) report.add('declared-twice', name.span, `The stage "${name.text}" is defined twice.`, { related: [{ span: first.name.span, message: 'first defined here' }] });
      else defs.set(name.text, { def: clause, name });
    }
  }
  const placesOfStage = Map.groupBy(places, (place) => place.stage);
  const withouts = new Set(without.map((name) => name.text));
  const unused = new Set([...defs.keys()].filter((name) => !placesOfStage.has(name) && !withouts.has(name)));
  for (const used of [...places.map((place) => ({ text: place.stage, span: place.span })), ...without]) {
    if (defs.has(used.text) || globals.unread.breaks(used.span) || globals.unread.inside(rule.span, definition(used.text))) continue;
    report.add('undefined-stage', used.span, `The stage "${used.text}" is not defined.`, {
      hint: meant(used.text, unused.size > 0 ? unused : defs.keys()) ?? `define it in the rule: ${used.text}: Type where …`,
    });
  }
  const stages = new Map<string, StageInfo>();
  for (const [name, { def, name: at }] of defs) {
    if (unused.has(name) && isWhole()) {
      report.add('unused-stage', at.span, `The stage "${name}" is defined and not used in the pattern.`, {
        hint: CLAUSES.has(name) ? `as a clause, \`${name}\` has no colon` : 'name it in `match`, or remove it',
      });
    }
    const types = def.types.flatMap((type) => (CLAUSES.has(name) && unused.has(name) ? globals.events.get(type.text) : eventType(globals, type)) ?? []);
    const event = viewOf(types);
    stages.set(name, {
      name, span: at.span, def, types, event: types.length < def.types.length ? { ...event, broken: true } : event,
      accepts: acceptedTypes(types, globals.events), places: placesOfStage.get(name) ?? [], without: withouts.has(name),
    });
    refuseSecondUse(globals, name, placesOfStage.get(name) ?? [], without);
  }
  return stages;
}

export function eventType(globals: Globals, name: Name): EventInfo | undefined {
  const type = globals.events.get(name.text);
  if (type !== undefined || globals.unread.declares('event', name.text)) return type;
  return globals.report.add('unknown-type', name.span, `Unknown event type "${name.text}".`, { hint: meant(name.text, globals.events.keys()) });
}

function refuseSecondUse(globals: Globals, name: string, mine: readonly Place[], without: readonly Name[]): void {
  const bound = mine.filter((place) => place.role === 'bound');
  const [first, second] = bound;
  if (second !== undefined) {
    globals.report.add('stage-used-twice', second.span, `The stage "${name}" is used twice in the pattern.`, {
      hint: `give the second one a name of its own: ${name}, ${name}2: …`, related: [{ span: first!.span, message: 'first used here' }],
    });
    return;
  }
  const banned = mine.find((place) => place.role !== 'bound')?.span ?? without.find((other) => other.text === name)?.span;
  if (first !== undefined && banned !== undefined) {
    globals.report.add('stage-used-twice', banned, `The stage "${name}" takes an event in the pattern, and is banned as well.`, {
      hint: `give the banned one a name of its own: ${name}, no_${name}: …`, related: [{ span: first.span, message: 'takes an event here' }],
    });
  }
}

/** What a stage's condition can name. */
export function stageScope(reader: ShapeReader, stage: StageInfo, featureKey: Scope['featureKey'], what = 'the condition'): Scope {
  return {
    place: `${what} of "${stage.name}"`, event: stage.event, stage: (name) => reader.fromStage(stage, name), stageNames: reader.stageNames, undefinedStages: reader.undefinedStages,
    prev: reader.previous(stage), ...(featureKey && { featureKey }),
  };
}

/** The stage with its condition, `until` and `within … of`. */
export function checkStage(globals: Globals, reader: ShapeReader, stage: StageInfo, order: number, key: Scope['key']): Stage {
  const ctx = contextOf(globals, stageScope(reader, stage, key));
  const { def } = stage;
  const where = def.where && condition(ctx, def.where, 'What follows `where`');
  const until = def.until && checkUntil(globals, reader, stage, def.until, ctx);
  const within = def.within && checkWithin(globals, reader, stage, def.within, key);
  return {
    name: stage.name, span: stage.span, types: stage.types.map((type) => type.name), accepts: stage.accepts,
    ...(where && { where: where.expr }), ...(until && { until }), ...(within && { within }),
    loop: reader.isLoop(stage), banned: reader.boundPlace(stage) === undefined, order,
  };
}

function checkUntil(globals: Globals, reader: ShapeReader, stage: StageInfo, until: AstExpr, ctx: Context): Expr | undefined {
  const made = condition({ ...ctx, scope: { ...ctx.scope, place: `the \`until\` of "${stage.name}"` } }, until, 'What follows `until`');
  const place = reader.boundPlace(stage);
  if (place !== undefined && ownLoop(place) !== undefined) return made?.expr;
  // A stage that is not used, or used wrongly, has been reported.
  if (stage.places.length === 0 && !stage.without) return made?.expr;
  const inGroup = place !== undefined && reader.isLoop(stage);
  return globals.report.add(inGroup ? 'group-modifier' : 'not-a-loop', until.span, inGroup ? `\`until\` in a group is not available in this version: "${stage.name}" is repeated by its group.`
    : `\`until\` ends a loop, and "${stage.name}" is none.`, { hint: inGroup ? undefined : place === undefined ? undefined : `repeat it: ${stage.name}+` });
}

function checkWithin(globals: Globals, reader: ShapeReader, stage: StageInfo, within: NonNullable<StageDef['within']>, key: Scope['key']): Stage['within'] | undefined {
  const { report } = globals;
  const { of } = within;
  const target = reader.shape.stages.get(of.text);
  if (target === undefined && reader.undefinedStages.has(of.text)) return undefined;
  if (target === undefined) return report.add('unknown-stage', of.span, `Unknown stage "${of.text}".`, { hint: meant(of.text, reader.stageNames) });
  if (target === stage) {
    if (!reader.isLoop(stage)) {
      report.add('bound-on-itself', within.span, `"${stage.name}" is one event, so it has no time to itself.`, { hint: 'a loop may name itself, which bounds the time between its events; else name an earlier stage' });
    }
  } else {
    const view = reader.fromStage(stage, of.text)!;
    if (view.as === 'unused') return undefined;
    if (view.as === 'banned') return report.add('banned-stage-read', of.span, `"${of.text}" is only ever banned, so no event is bound to it.`);
    if (view.as === 'later') return report.add('stage-not-bound', of.span, `"${of.text}" is not bound yet when "${stage.name}" is tested.`, { hint: 'the span starts with a stage before this one' });
  }
  const duration = checkDuration(globals, within.duration, {
    place: `the time bound of "${stage.name}"`, ...(key && { key }), stage: (name) => reader.fromAfter(target, name), stageNames: reader.stageNames,
    undefinedStages: reader.undefinedStages,
  });
  return duration && { duration, of: of.text };
}

/** An expression that gives a span of time above zero. */
export function checkDuration(globals: Globals, expr: AstExpr, scope: Scope): Expr | undefined {
  const { report } = globals;
  const made = elaborate(contextOf(globals, scope), expr);
  if (made === undefined) return undefined;
  const { type } = made.expr;
  if (type.kind !== 'duration') {
    return report.add('type-mismatch', expr.span, `${sentence(scope.place)} is a duration; this is ${aType(type)}.`, { hint: isNumber(type) ? 'a duration has a unit: 10s, 5m, 2h' : isText(type) ? 'a duration stands without quotes: 10m' : undefined });
  }
  if (made.expr.kind === 'literal' && typeof made.expr.value === 'number' && made.expr.value <= 0) emptySpan(globals, expr.span, scope.place);
  return made.expr;
}

function emptySpan(globals: Globals, span: Span, place: string): void {
  globals.report.add('out-of-bounds', span, `${sentence(place)} must be above zero: a span of no time holds nothing.`);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
