/**
 * How near a rule came to a report that a test expected: the partial match that got furthest for the expectation's key, what it waits for, the
 * event that came closest to it, and each of its conditions with the values it had.
 */
import type { Expr, Stage } from '../../dsl/typed.ts';
import type { Position } from '../compile/automaton.ts';
import type { RulePlan } from '../compile/plan.ts';
import { conjunctsOf, walk } from '../compile/walk.ts';
import { evaluate, holds, type Env } from '../compile/interpret.ts';
import { printExpr, printInstant, printValue, printWith } from './print.ts';
import { isOpen, searchRuns, type End, type SearchRun } from './search.ts';
import { groupByKey, isCandidate, makeEnv, NOTHING_BOUND, type Bindings, type KeyedEvents, type Params, type SeenEvent } from './world.ts';

/** A condition in front of an event: as written, with its values, and whether it holds. */
export interface TestedCondition {
  readonly text: string;
  readonly values: string;
  readonly holds: boolean;
  /** It reads a feature (of a window: or a table), whose value then is not known any more: `holds` says nothing. */
  readonly open?: true;
}

/** A step that the run could have taken next. */
export interface NextStep {
  /** The stage waited for; undefined: time alone (a silence, an absence). */
  readonly stage: string | undefined;
  /** `2 of 3`: turns of a loop that are still missing. */
  readonly need?: string;
  /** The event that came closest to it, with the fields the stage's condition reads. */
  readonly closest?: { readonly at: string; readonly type: string; readonly fields: string; readonly conditions: readonly TestedCondition[] };
  /** What else stopped it: the bound that had ended, the ban that ended it, or that nothing came. */
  readonly because?: string;
}

export interface NearestRun {
  readonly rule: string;
  /** The key as name and value, empty for rules without one. */
  readonly key: string;
  readonly bound: readonly { readonly stage: string; readonly count: number; readonly from: string; readonly to: string }[];
  /** The pattern was complete, and something after it kept the report back. */
  readonly complete: boolean;
  readonly next: readonly NextStep[];
  readonly note?: string;
}

export interface NearestQuestion {
  readonly plan: RulePlan;
  readonly params: Params;
  /** The events of the test in processing order, times in ms since the epoch. */
  readonly events: readonly SeenEvent[];
  /** Event time up to which everything has happened, ms since the epoch; Infinity: the end. */
  readonly end: number;
  /** What the expectation says of the key, by the names of the key's parts; others are ignored. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Event time of the expected report, ms since the epoch. */
  readonly at: number;
  /** The test's start: times are told relative to it. */
  readonly origin: number;
}

/** The nearest run of one rule. Never fails: where nothing came near, `note` says so. */
export function nearestRun(question: NearestQuestion): NearestRun {
  const { plan, params, events, fields } = question;
  const { rule } = plan;
  const groups = groupByKey(rule, params, events);
  const wanted = groups.filter((group) => rule.key.every((part, index) =>
    !(part.name in fields) || JSON.stringify(fields[part.name]) === JSON.stringify(group.key[index])));
  const empty = { rule: rule.name, key: '', bound: [], complete: false, next: [] };
  if (groups.length === 0) return { ...empty, note: `no event of this test is seen by ${rule.name} (types ${[...rule.sees.keys()].join(', ')})` };
  if (wanted.length === 0) {
    const keys = groups.slice(0, 5).map((group) => keyText(question, group.key)).join('; ');
    return { ...empty, note: `no event has such a key; the events' keys: ${keys}${groups.length > 5 ? '; …' : ''}` };
  }
  let best: { readonly run: SearchRun; readonly keyed: KeyedEvents } | undefined;
  for (const keyed of wanted) {
    for (const run of searchRuns(plan, params, keyed, question.end)) {
      if (best === undefined || isNearer(run, best.run, question.at)) best = { run, keyed };
    }
  }
  if (best === undefined) return notStarted(question, wanted[0]!);
  const { run, keyed } = best;
  const told = { rule: rule.name, key: keyText(question, keyed.key), bound: boundTexts(run, question.origin) };
  if (run.completed !== undefined) return { ...told, complete: true, ...afterCompletion(question, run, keyed) };
  return { ...told, complete: false, next: nextSteps(question, run, keyed) };
}

/** A complete match first (the one that completed nearest to the expected time), then the later stage, then more events. */
function isNearer(run: SearchRun, best: SearchRun, at: number): boolean {
  if ((run.completed === undefined) !== (best.completed === undefined)) return run.completed !== undefined;
  if (run.completed !== undefined) return Math.abs(run.completed - at) < Math.abs(best.completed! - at);
  if (run.position !== best.position) return run.position > best.position;
  return run.bound.length > best.bound.length;
}

function keyText({ plan }: NearestQuestion, key: readonly unknown[]): string {
  return plan.rule.key.map((part, index) => `${part.name}: ${printValue(key[index], part.type)}`).join(', ');
}

function boundTexts(run: SearchRun, origin: number): NearestRun['bound'] {
  const texts: { stage: string; count: number; from: string; to: string }[] = [];
  for (const { stage, event } of run.bound) {
    const at = printInstant(event.time - origin);
    const last = texts.at(-1);
    if (last?.stage === stage) {
      last.count++;
      last.to = at;
    } else texts.push({ stage, count: 1, from: at, to: at });
  }
  return texts;
}

/** Nothing was bound at all: the first steps and the events that came closest to them. */
function notStarted(question: NearestQuestion, keyed: KeyedEvents): NearestRun {
  const { automaton, rule } = question.plan;
  const stages = [...new Set(automaton.starts.flatMap((edge) => stagesOf(automaton.positions[edge.to]!)))];
  const next = stages.map((stage): NextStep => {
    const { event: _, ...told } = closest(question, keyed, rule.match.stages.get(stage)!, NOTHING_BOUND, -1);
    return { stage, ...told };
  });
  return { rule: rule.name, key: keyText(question, keyed.key), bound: [], complete: false, next };
}

function stagesOf(position: Position): readonly string[] {
  return position.stage === undefined ? position.silence?.stages ?? [] : [position.stage];
}

/** The ways on from where the run stands; a loop's further turns only where it needs them. */
function nextSteps(question: NearestQuestion, run: SearchRun, keyed: KeyedEvents): NextStep[] {
  const { automaton, rule } = question.plan;
  const position = automaton.positions[run.position]!;
  const ways = position.out.map((edge, slot) => ({ edge, slot }));
  const leaving = ways.filter(({ edge }) => edge.repeats.length === 0 && edge.loop?.enter !== false && isOpen(run.counters, edge));
  const chosen = leaving.length > 0 || position.accepts.length > 0 && run.absenceEnd !== undefined ? leaving : ways.filter(({ edge }) => isOpen(run.counters, edge));
  const steps: NextStep[] = [];
  for (const { edge, slot } of chosen) {
    const target = automaton.positions[edge.to]!;
    const end = run.ends[slot];
    if (target.stage === undefined) {
      steps.push({ stage: undefined, because: `waits for a silence of ${target.silence!.stages.join(', ')}${end === undefined ? '' : `; ${endText(question, end)}`}` });
      continue;
    }
    if (steps.some((step) => step.stage === target.stage)) continue;
    const counter = edge.repeats[0];
    const need = counter === undefined ? {} : { need: `${(run.counters[counter.id] ?? 0) + 1} of ${counter.min}` };
    const found = closest(question, keyed, rule.match.stages.get(target.stage)!, run.bindings, run.bound.at(-1)?.index ?? -1);
    const { event, because, ...told } = found;
    // An end that came after an event which had failed already explains nothing.
    const matters = end !== undefined && end.kind !== 'taken' && (event === undefined || endTime(end) <= event.time || told.closest?.conditions.every(({ holds: ok }) => ok) === true);
    steps.push({ stage: target.stage, ...need, ...told, ...(matters ? { because: endText(question, end) } : because === undefined ? {} : { because }) });
  }
  if (run.absenceEnd !== undefined) steps.push({ stage: undefined, because: `waits for time to pass; ${endText(question, run.absenceEnd)}` });
  return steps;
}

/** Of the events after `from`, the one that satisfies most of the stage's conditions; of those, the first. */
function closest(question: NearestQuestion, keyed: KeyedEvents, stage: Stage, bound: Bindings, from: number):
Pick<NextStep, 'closest' | 'because'> & { readonly event?: SeenEvent } {
  const { plan, params, origin } = question;
  const conjuncts = conjunctsOf(stage.where);
  let best: { readonly event: SeenEvent; readonly true: number; readonly env: Env } | undefined;
  for (const event of keyed.events.slice(from + 1)) {
    if (!isCandidate(plan.rule, params, keyed.key, stage, event)) continue;
    const env = makeEnv(params, keyed.key, bound, event);
    const count = conjuncts.filter((conjunct) => holds(conjunct, env)).length;
    if (best === undefined || count > best.true) best = { event, true: count, env };
  }
  if (best === undefined) {
    const last = bound.prev;
    return { because: `no ${stage.types.join(' or ')} came${last === undefined ? '' : ` after ${printInstant(last.time - origin)}`}` };
  }
  const { event, env } = best;
  const read = new Set<string>();
  for (const conjunct of conjuncts) walk(conjunct, (expr) => { if (expr.kind === 'eventField') read.add(expr.field); });
  const typeFields = plan.rule.sees.has(event.type) ? [...read] : [];
  return {
    event,
    closest: {
      at: printInstant(event.time - origin),
      type: event.type,
      fields: typeFields.map((field) => `${field}=${plainValue(event.fields[field])}`).join(' '),
      conditions: conjuncts.map((conjunct) => testCondition(question, conjunct, env)),
    },
  };
}

function plainValue(value: unknown): string {
  return value === undefined || value === null ? 'null' : typeof value === 'string' ? value : JSON.stringify(value);
}

function testCondition({ plan, origin }: NearestQuestion, condition: Expr, env: Env): TestedCondition {
  return { text: printExpr(condition, plan.rule), values: withValues(condition, env, plan.rule, origin), holds: holds(condition, env), ...(readsFeature(condition) && { open: true as const }) };
}

function readsFeature(expr: Expr): boolean {
  let reads = false;
  walk(expr, (part) => { if (part.kind === 'feature') reads = true; });
  return reads;
}

/** The condition with its operands' values: `amount > 10 * avg(probe.amount)` as `400 > 10`. */
export function withValues(condition: Expr, env: Env, rule: RulePlan['rule'], origin: number): string {
  return printWith(condition, rule, (expr) => {
    switch (expr.kind) {
      case 'and': case 'or': case 'not': case 'compare': case 'in': case 'like': case 'matches': case 'between': case 'isNull': case 'literal': return undefined;
      case 'feature': return '?';
      // What is worked out from a feature is written out, with the rest of its values.
      default: return readsFeature(expr) ? undefined : printValue(evaluate(expr, env), expr.type, origin);
    }
  });
}

function endTime(end: End): number {
  return end.kind === 'bound' ? end.at : end.event.time;
}

function endText({ plan, origin }: NearestQuestion, end: End): string {
  switch (end.kind) {
    case 'taken': return `the event ${printInstant(end.event.time - origin)} was taken`;
    case 'ban': return `ended ${printInstant(end.event.time - origin)} by not ${end.stage}: ${end.event.type}`;
    case 'next': return `ended ${printInstant(end.event.time - origin)}: => asks for the very next event, which was ${end.event.type}`;
    case 'greedy': return `the greedy loop ${end.stage} could still take ${end.event.type} ${printInstant(end.event.time - origin)}`;
    case 'until': return `the loop ${end.stage} was closed ${printInstant(end.event.time - origin)} by its until`;
    case 'bound': return `${boundText(plan, end.text)} ended ${printInstant(end.at - origin)}`;
  }
}

/** The bound as written in the rule, where it is one of the whole pattern. */
function boundText({ rule }: RulePlan, name: string): string {
  const expr = name === 'within' ? rule.match.within : name === 'gap' ? rule.match.gap : name === 'within session' ? rule.match.session : undefined;
  return expr === undefined ? name : `${name} ${printExpr(expr, rule)}`;
}

/** Why a complete match was not the report that was expected. */
function afterCompletion(question: NearestQuestion, run: SearchRun, keyed: KeyedEvents): Pick<NearestRun, 'note'> & { readonly next: readonly NextStep[] } {
  const { plan, params, origin } = question;
  const { having, match, limit } = plan.rule;
  const completed = run.completed!;
  const at = `complete ${completed === Infinity ? 'at the end' : printInstant(completed - origin)}`;
  if (having !== undefined) {
    const env = makeEnv(params, keyed.key, run.bindings, undefined, { id: '', from: run.bound[0]?.event.time ?? completed, to: completed });
    const conditions = conjunctsOf(having).map((conjunct) => testCondition(question, conjunct, env));
    const failed = conditions.filter((condition) => !condition.holds);
    if (failed.length > 0) return { next: [], note: `${at}, but having ${failed.map(conditionText).join(' and ')}` };
  }
  if (completed !== question.at) return { next: [], note: at };
  const reasons = [
    match.skip.to === 'none' ? '' : `another match of this key skipped it (match ${match.mode}, then skip ${match.skip.to})`,
    limit === undefined ? '' : `limit ${limit.count} per ${printValue(limit.per, { kind: 'duration' })} kept it back`,
  ].filter((reason) => reason !== '');
  return { next: [], note: `${at}${reasons.length === 0 ? '' : `; ${reasons.join(', or ')}`}` };
}

export function conditionText(condition: TestedCondition): string {
  const values = condition.values === condition.text || condition.values === String(condition.holds) ? '' : ` → ${condition.values}`;
  return `${condition.text}${values} ${condition.open === true ? 'reads a feature, whose value then is not known here' : `is ${String(condition.holds)}`}`;
}

/** The nearest run as lines for a person. */
export function renderNearest(nearest: NearestRun): string[] {
  const bound = nearest.bound.map(({ stage, count, from, to }) => `${stage}${count > 1 ? ` ×${count}` : ''} ${from}${from === to ? '' : `..${to}`}`).join(', ');
  const key = nearest.key === '' ? '' : ` (${nearest.key})`;
  const waits = nearest.next.map((step) => step.stage).filter((stage) => stage !== undefined);
  const lines: string[] = [];
  if (bound === '' && nearest.next.length === 0) return [`nearest run: none; ${nearest.note ?? 'nothing came near'}`];
  const then = nearest.complete || waits.length === 0 ? '' : bound === '' ? `none; waits for ${waits.join(' or ')}` : `, then waits for ${waits.join(' or ')}`;
  lines.push(`nearest run${key}: ${bound}${then}${nearest.note === undefined ? '' : `; ${nearest.note}`}`);
  for (const step of nearest.next) {
    const name = step.stage === undefined ? '' : waits.length > 1 || step.need !== undefined ? `${step.stage}${step.need === undefined ? '' : ` (${step.need})`}: ` : '';
    if (step.closest !== undefined) {
      const head = `  ${name}${step.closest.at} ${step.closest.type}${step.closest.fields === '' ? '' : ` ${step.closest.fields}`}`;
      const conditions = step.closest.conditions.map(conditionText);
      if (conditions.length === 1) lines.push(`${head}: ${conditions[0]}`);
      else lines.push(head, ...conditions.map((text) => `      ${text}`));
      if (step.because !== undefined) lines.push(`      ${step.because}`);
    } else if (step.because !== undefined) lines.push(`  ${name}${step.because}`);
  }
  return lines;
}
