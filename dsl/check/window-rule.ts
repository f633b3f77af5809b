import type { Expr as AstExpr, OnInput, RuleDecl, WindowClause } from '../ast.ts';
import type { Expr, Output, Window, WindowRule } from '../typed.ts';
import { contextOf } from './context.ts';
import { acceptedBy, viewOf } from './event-types.ts';
import { condition, elaborate } from './expressions.ts';
import type { Globals } from './globals.ts';
import { checkKey, filterOf, seesOf, type Input, type KeyNames } from './keys.ts';
import { checkAlert, checkEmit } from './outputs.ts';
import { checkLimit, checkSeverity, headOf, isKeyRead, type ClauseOf, type Clauses } from './rule-clauses.ts';
import { constantScope, type Scope, type WindowView } from './scope.ts';
import { checkDuration, eventType } from './stages.ts';
import { isTimeZone } from './text-arguments.ts';
import { INT, aType, fits } from './types.ts';

/** `keep` is about runs; a window has none. */
const NO_KEEP: WindowRule['keep'] = { count: Number.MAX_SAFE_INTEGER, drop: 'oldest' };

/** Checks all clauses of a rule with a window. What is wrong is left out; undefined where it reads nothing, or nobody knows how it is cut. */
export function checkWindowRule(globals: Globals, decl: RuleDecl, clauses: Clauses, clause: WindowClause): WindowRule | undefined {
  refusePatternClauses(globals, decl);
  const on = clauses.one('on');
  const named = namesOf(globals, on);
  if (on === undefined && !globals.unread.inside(decl.span, /\bon\b/)) {
    globals.report.add('window-without-on', clause.span, 'The window does not say which events it holds.', { hint: 'add on Type, or on Type where …' });
  }
  const by = clauses.one('by');
  const key = checkKey(globals, by, seesOf(globals, named), new Map(), named.flatMap(({ name }) => name ?? []));
  if (by?.from !== undefined) {
    globals.report.add('roster-of-window', by.from.span, 'A window in which a key has no event does not exist, so the rows of a table are no keys of it.', { hint: 'a device that never spoke is found by a silence: match not a for 1h' });
  }
  const inputs = named.map((input) => ({ ...input, where: filterOf(globals, input.types[0]!, input.written.where, key.names), all: input.written.where === undefined }));
  const sees = seesOf(globals, inputs);
  const shape = checkShape(globals, clause);
  const reports = (place: string, cleared = false): Scope => reportScope(globals, decl, key.names, { inputs, shape: clause.shape.kind, broken: on === undefined || inputs.length < on.inputs.length || globals.unread.breaks(on.span), cleared }, place);

  const having = clauses.one('having');
  const cond = having && condition(contextOf(globals, reports('`having`')), having.cond, '`having`');
  const outputs = checkOutputs(globals, decl, reports);
  const cleared = outputs.some((output) => output.onClear === true && output.kind === 'alert');
  const severity = checkSeverity(globals, clauses.one('severity'), reports('the severity', cleared), decl);
  const limit = checkLimit(globals, clauses.one('limit'), reports('the limit', cleared));
  const trigger = checkTrigger(globals, clauses.one('trigger'));
  const late = clauses.one('late');
  const lateWithin = late && checkDuration(globals, late.within, constantScope('how long a closed window is kept'));
  if (shape === undefined || inputs.length === 0) return undefined;
  return {
    kind: 'window', ...headOf(globals, decl, clauses), severity, key: key.parts, sees,
    window: {
      shape, inputs: inputs.map(({ name, types, accepts, where, span }) => ({ ...(name !== undefined && { name }), types: types.map((type) => type.name), accepts, ...(where && { where }), span })),
      ...(trigger && { trigger }), ...(lateWithin && { lateWithin }), span: clause.span,
    },
    ...(cond && { having: cond.expr }), outputs, keep: NO_KEEP, ...(limit && { limit }),
  };
}

/** Nothing of a pattern stands in a rule with a window. */
function refusePatternClauses(globals: Globals, decl: RuleDecl): void {
  const refuse = (span: AstExpr['span'], message: string, hint?: string): void => {
    globals.report.add('pattern-clause', span, message, { hint });
  };
  for (const clause of decl.clauses) {
    if (clause.kind === 'stage') {
      const [name] = clause.names;
      refuse(clause.span, `"${name!.text}" is defined like a stage of a pattern, and this rule has a window.`, `the inputs of a window are named in \`on\`: on ${name!.text}: ${clause.types.map((type) => type.text).join(' | ') || 'Type'}`);
    } else if (clause.kind === 'keep') {
      refuse(clause.span, '`keep` is about the open runs of a pattern, and a window has none.', 'a window is bounded by its length');
    } else if ((clause.kind === 'alert' || clause.kind === 'emit') && clause.when === 'timeout') {
      refuse(clause.span, 'A window does not run out of time: it is reported at its end.', `write ${clause.kind} …; or \`on clear\`, for a condition that no longer holds`);
    }
  }
}

/** What `on` names, without the filters. Unknown types are left out. */
function namesOf(globals: Globals, on: ClauseOf<'on'> | undefined): (Input & { readonly written: OnInput })[] {
  const inputs: (Input & { readonly written: OnInput })[] = [];
  for (const input of on?.inputs ?? []) {
    const first = inputs.find((other) => input.name !== undefined && other.name === input.name.text);
    if (first !== undefined) globals.report.add('declared-twice', input.name!.span, `The input "${input.name!.text}" is named twice.`, { related: [{ span: first.span, message: 'first named here' }] });
    const type = eventType(globals, input.type);
    if (type === undefined || first !== undefined) continue;
    inputs.push({ name: input.name?.text, types: [type], accepts: acceptedBy(type, globals.events.values()), where: undefined, all: true, span: input.span, written: input });
  }
  return inputs;
}

interface Reported { readonly inputs: readonly Input[]; readonly shape: WindowClause['shape']['kind']; readonly broken: boolean; readonly cleared: boolean }

/** What alerts, emits, `having` and the like can name. */
function reportScope(globals: Globals, decl: RuleDecl, key: readonly KeyNames[], { inputs, shape, broken, cleared }: Reported, place: string): Scope {
  const all = viewOf([...new Set(inputs.flatMap((input) => input.types))]);
  const window: WindowView = {
    inputs: new Map(inputs.flatMap((input) => (input.name === undefined ? [] : [[input.name, viewOf(input.types)] as const]))),
    events: broken ? { ...all, broken } : all, inputCount: inputs.length, maybeEmpty: cleared, reads: 'each',
    bounds: shape === 'global' ? 'none' : cleared ? 'none' : shape === 'count' ? 'start' : 'both',
  };
  return { place, key, featureKey: key, window, report: true, isKeyRead: () => isKeyRead(globals, decl, key) };
}

function checkOutputs(globals: Globals, decl: RuleDecl, scope: (place: string, cleared: boolean) => Scope): Output[] {
  return decl.clauses.flatMap((clause) => {
    if (clause.kind !== 'alert' && clause.kind !== 'emit') return [];
    const cleared = clause.when === 'clear';
    const at = scope(cleared ? `\`on clear ${clause.kind}\`` : `\`${clause.kind}\``, cleared);
    return [clause.kind === 'alert' ? checkAlert(globals, clause, at) : checkEmit(globals, clause, at)];
  });
}

function checkShape(globals: Globals, { shape, span }: WindowClause): Window['shape'] | undefined {
  const duration = (expr: AstExpr, what: string): Expr | undefined => aboveZero(globals, checkDuration(globals, expr, constantScope(what)), what);
  const count = (expr: AstExpr, what: string): Expr | undefined => checkCount(globals, expr, what);
  switch (shape.kind) {
    case 'global': return { kind: 'global' };
    case 'calendar': {
      const { unit, zone } = shape;
      if (zone === undefined) return { kind: 'calendar', unit, zone: 'UTC' };
      if (!isTimeZone(zone.text)) {
        return globals.report.add('bad-text', zone.span, `There is no time zone ${JSON.stringify(zone.text)}.`, { hint: 'zones are named as in "Europe/Berlin", or by an offset such as "+02:00"' });
      }
      return { kind: 'calendar', unit, zone: zone.text };
    }
    case 'tumbling': {
      const size = duration(shape.size, 'the length of a window');
      // Half-open spans begin anywhere, so an offset may be nothing, or back.
      const offset = shape.offset && offsetOf(globals, shape.offset);
      if (size === undefined || (shape.offset !== undefined && offset === undefined)) return undefined;
      return { kind: 'tumbling', size, ...(offset && { offset }) };
    }
    case 'sliding': {
      const size = duration(shape.size, 'the length of a window');
      const every = shape.every && duration(shape.every, 'the time between windows');
      if (size === undefined || (shape.every !== undefined && every === undefined)) return undefined;
      const [length, step] = [literalOf(size), every && literalOf(every)];
      if (length !== undefined && step !== undefined && step > length && !globals.unread.inside(span, /./)) {
        globals.report.add('no-effect', span, 'Events between one window and the next have no effect: they are in none.', { hint: 'make the window longer, or every shorter' });
      }
      return { kind: 'sliding', size, ...(every && { every }) };
    }
    case 'session': {
      const gap = duration(shape.gap, 'the pause that ends a session');
      const max = shape.max && duration(shape.max, 'the longest time of a session');
      if (gap === undefined || (shape.max !== undefined && max === undefined)) return undefined;
      return { kind: 'session', gap, ...(max && { max }) };
    }
    case 'count': {
      const size = count(shape.size, 'the number of events of a window');
      const every = shape.every && count(shape.every, 'the number of events between windows');
      if (size === undefined || (shape.every !== undefined && every === undefined)) return undefined;
      const [length, step] = [literalOf(size), every && literalOf(every)];
      if (length !== undefined && step !== undefined && step > length && !globals.unread.inside(span, /./)) {
        globals.report.add('no-effect', span, 'Events between one window and the next have no effect: they are in none.', { hint: 'make the window longer, or every shorter' });
      }
      return { kind: 'count', size, ...(every && { every }) };
    }
  }
}

function literalOf(expr: Expr): number | undefined {
  return expr.kind === 'literal' && typeof expr.value === 'number' ? expr.value : undefined;
}

function offsetOf(globals: Globals, expr: AstExpr): Expr | undefined {
  const made = elaborate(contextOf(globals, constantScope('the offset of a window')), expr);
  if (made === undefined || made.expr.type.kind === 'duration') return made?.expr;
  return globals.report.add('type-mismatch', expr.span, `The offset of a window is a duration; this is ${aType(made.expr.type)}.`);
}

/** A whole number above zero over params and consts. */
function checkCount(globals: Globals, expr: AstExpr, what: string): Expr | undefined {
  const made = elaborate(contextOf(globals, constantScope(what)), expr);
  if (made === undefined) return undefined;
  const sentence = what.charAt(0).toUpperCase() + what.slice(1);
  if (!fits(made.expr.type, INT) || made.expr.type.kind === 'null') {
    return globals.report.add('type-mismatch', expr.span, `${sentence} is an int; this is ${aType(made.expr.type)}.`, { hint: made.expr.type.kind === 'duration' ? 'a window of time is tumbling or sliding' : undefined });
  }
  const known = literalOf(made.expr);
  if (known !== undefined && known < 1) return globals.report.add('out-of-bounds', expr.span, `${sentence} must be above zero.`);
  return aboveZero(globals, made.expr, what);
}

/** A param that may be set to nothing by its own bounds makes a window that holds nothing. */
function aboveZero(globals: Globals, expr: Expr | undefined, what: string): Expr | undefined {
  if (expr?.kind !== 'param') return expr;
  const param = globals.params.get(expr.name)?.param;
  const least = param?.lo ?? param?.value;
  if (typeof least !== 'number' || least > 0) return expr;
  return globals.report.add('out-of-bounds', expr.span, `${what.charAt(0).toUpperCase()}${what.slice(1)} must be above zero, and the param "${expr.name}" may be ${expr.type.kind === 'duration' ? `${least}ms` : least}.`, {
    hint: 'raise its lower bound', related: [{ span: param!.span, message: 'declared here' }],
  });
}

function checkTrigger(globals: Globals, clause: ClauseOf<'trigger'> | undefined): Window['trigger'] | undefined {
  if (clause === undefined) return undefined;
  const { what } = clause;
  switch (what.kind) {
    case 'rise': return { kind: 'rise' };
    case 'early': {
      const place = 'the time between early reports';
      const amount = aboveZero(globals, checkDuration(globals, what.every, constantScope(place)), place);
      return amount && { kind: 'early', every: { kind: 'time', amount } };
    }
    case 'events': {
      const amount = what.count === undefined ? { type: INT, span: clause.span, kind: 'literal', value: 1 } as const : checkCount(globals, what.count, 'the number of events between reports');
      return amount && { kind: 'early', every: { kind: 'events', amount } };
    }
  }
}
