/** How near a rule over windows came to a report that a test expected: the window of the expectation's key that was read nearest to its time, and what `having` said of it. */
import type { Expr, Literal } from '../../dsl/typed.ts';
import { evaluate, holds, type Env } from '../compile/interpret.ts';
import type { WindowPlan } from '../compile/plan.ts';
import { conjunctsOf, walk } from '../compile/walk.ts';
import { conditionText, type TestedCondition } from './nearest.ts';
import { printExpr, printInstant, printValue, printWith } from './print.ts';

/** A window as the engine read it. */
export interface ReadWindow {
  readonly plan: { readonly index: number };
  readonly key: Readonly<Record<string, unknown>>;
  /** When, in event time; its bounds as an alert tells them; as the rule reads them, null where it has none. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly start: number | null;
  readonly end: number | null;
  /** What `having` said. */
  readonly holds: boolean;
  /** Of the plan's aggregates; times and durations in ms. */
  readonly values: readonly unknown[];
}

export interface NearestWindow {
  readonly rule: string;
  /** The key as name and value, empty for rules without one. */
  readonly key: string;
  /** Its bounds, and when it was read; absent: there was none. */
  readonly window?: { readonly from: string; readonly to: string; readonly read: string };
  /** The aggregates that `having` reads, as written, with their values. */
  readonly aggregates: readonly { readonly text: string; readonly value: string }[];
  /** What `having` asks, part by part. */
  readonly conditions: readonly TestedCondition[];
  readonly note?: string;
}

export interface NearestWindowQuestion {
  readonly plan: WindowPlan;
  readonly params: ReadonlyMap<string, Literal>;
  /** Runs the test again and tells of each window that was read. */
  readonly readWindows: (onReading: (reading: ReadWindow) => void) => void;
  /** What the expectation says of the key, by the names of the key's parts; others are ignored. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Event time of the expected report, and of the test's start, ms since the epoch. */
  readonly at: number;
  readonly origin: number;
}

/** The nearest window of one rule. Never fails: where there is none, `note` says so. */
export function nearestWindow(question: NearestWindowQuestion): NearestWindow {
  const { plan, fields } = question;
  const { rule } = plan;
  const isWanted = ({ key }: ReadWindow): boolean => rule.key.every(({ name }) => !(name in fields) || JSON.stringify(fields[name]) === JSON.stringify(key[name]));
  let best: { readonly reading: ReadWindow; readonly conditions: readonly TestedCondition[] } | undefined;
  const others = new Set<string>();
  question.readWindows((reading) => {
    if (reading.plan.index !== plan.index) return;
    if (!isWanted(reading)) others.add(keyText(question, reading));
    else if (best === undefined || distance(reading, question) <= distance(best.reading, question)) {
      const conditions = conditionsOf(question, reading);
      if (best === undefined || distance(reading, question) < distance(best.reading, question) || failed(conditions) < failed(best.conditions)) best = { reading, conditions };
    }
  });
  if (best === undefined) {
    const keys = [...others];
    const note = keys.length === 0 ? `no window of ${rule.name} was read` : `no window of such a key was read; the keys of those that were: ${keys.slice(0, 5).join('; ')}${keys.length > 5 ? '; …' : ''}`;
    return { rule: rule.name, key: '', aggregates: [], conditions: [], note };
  }
  const { reading, conditions } = best;
  const instant = (time: number): string => printInstant(time - question.origin);
  const note = noteOf(question, reading);
  return {
    rule: rule.name, key: keyText(question, reading), window: { from: instant(reading.from), to: instant(reading.to), read: instant(reading.at) },
    aggregates: aggregatesOf(question, reading), conditions, ...(note !== undefined && { note }),
  };
}

const distance = (reading: ReadWindow, { at }: NearestWindowQuestion): number => Math.abs(reading.at - at);
const failed = (conditions: readonly TestedCondition[]): number => conditions.filter((condition) => !condition.holds).length;

function keyText({ plan, origin }: NearestWindowQuestion, { key }: ReadWindow): string {
  return plan.rule.key.map(({ name, type }) => {
    const value = key[name];
    return `${name}: ${printValue(type.kind === 'time' && typeof value === 'string' ? Date.parse(value) : value, type, origin)}`;
  }).join(', ');
}

/** Why a window that satisfies `having` was not the report that was expected. */
function noteOf({ plan, at }: NearestWindowQuestion, reading: ReadWindow): string | undefined {
  if (!reading.holds) return undefined;
  const { having, limit } = plan.rule;
  const says = having === undefined ? 'it has no `having`' : '`having` holds';
  const reasons = [
    plan.trigger.kind === 'rise' ? '`trigger on rise` reports only that it turns true' : '',
    limit === undefined || reading.at !== at ? '' : `limit ${limit.count} per ${printValue(limit.per, { kind: 'duration' })} kept it back`,
  ].filter((reason) => reason !== '');
  return `${says}${reasons.length === 0 ? '' : `; ${reasons.join(', or ')}`}`;
}

function aggregatesOf({ plan, origin }: NearestWindowQuestion, { values }: ReadWindow): NearestWindow['aggregates'] {
  const read = new Set<string>();
  if (plan.rule.having !== undefined) walk(plan.rule.having, (expr) => { if (expr.kind === 'windowAggregate') read.add(printExpr(expr, plan.rule)); });
  return plan.aggregates.map(({ expr }, i) => ({ text: printExpr(expr, plan.rule), value: printValue(values[i], expr.type, origin) })).filter(({ text }) => read.has(text));
}

function conditionsOf(question: NearestWindowQuestion, reading: ReadWindow): TestedCondition[] {
  const { plan, params, origin } = question;
  const { rule } = plan;
  const env: Env = {
    eventField: () => null, stageEvents: () => [], stageEvent: () => undefined,
    param: (name) => params.get(name) ?? null,
    keyField: (part) => reading.key[rule.key[part]!.name] ?? null,
    window: { start: reading.start, end: reading.end },
    windowValue: (aggregate) => reading.values[plan.aggregates.findIndex(({ expr }) => printExpr(expr, rule) === printExpr(aggregate, rule))],
  };
  return conjunctsOf(rule.having).map((condition) => ({
    text: printExpr(condition, rule), values: withValues(condition, env, plan, origin), holds: holds(condition, env), ...(isOpen(condition) && { open: true as const }),
  }));
}

/** What it reads is not known any more. */
function isOpen(condition: Expr): boolean {
  let open = false;
  walk(condition, (part) => { if (part.kind === 'feature' || part.kind === 'lookup') open = true; });
  return open;
}

/** The condition with its operands' values: `sum(amount) > 2 * min(amount)` as `30 > 20`. */
function withValues(condition: Expr, env: Env, { rule }: WindowPlan, origin: number): string {
  return printWith(condition, rule, (expr) => {
    switch (expr.kind) {
      case 'and': case 'or': case 'not': case 'compare': case 'in': case 'like': case 'matches': case 'between': case 'isNull': case 'literal': return undefined;
      case 'feature': case 'lookup': return '?';
      default: return isOpen(expr) ? undefined : printValue(evaluate(expr, env), expr.type, origin);
    }
  });
}

/** The nearest window as lines for a person. */
export function renderNearestWindow(nearest: NearestWindow): string[] {
  const { window, aggregates, conditions, note } = nearest;
  if (window === undefined) return [`nearest window: none; ${note ?? 'nothing came near'}`];
  const key = nearest.key === '' ? '' : ` (${nearest.key})`;
  const values = aggregates.map(({ text, value }) => `${text} = ${value}`).join(', ');
  return [
    `nearest window${key}: ${window.from}..${window.to}${window.read === window.to ? '' : `, read ${window.read}`}${note === undefined ? '' : `; ${note}`}${values === '' ? '' : `; ${values}`}`,
    ...conditions.map((condition) => `  ${textOf(condition)}`),
  ];
}

function textOf(condition: TestedCondition): string {
  return condition.open === true ? `${condition.text} → ${condition.values} reads a feature or a table, whose value then is not known here` : conditionText(condition);
}
