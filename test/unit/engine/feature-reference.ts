/**
 * Features as the language defines them, slowly: all events are kept, and a feature is read by walking them. With just enough of rules to read them: rules of
 * one stage, absences, and derived events. The engine is compared with it.
 */
import { windowAggregate } from '../../../src/compile/interpret/window-aggregates.ts';
import type { WindowAggregateFn } from '../../../dsl/typed.ts';
import { bucketOf, bucketValue } from '../../../src/engine/aggregates/quantiles.ts';

export interface FeatureSpec {
  readonly name: string;
  readonly fn: WindowAggregateFn;
  readonly of: string;
  /** `v > n` */
  readonly above?: number | undefined;
  readonly by: readonly ('k' | 'g')[];
  /** ms */
  readonly over?: number | undefined;
  readonly every?: number | undefined;
}

/** One stage: `match all a: OF where FEATURE OP n`, which alerts with all features that its key covers; and may emit D. */
export interface RuleSpec {
  readonly name: string;
  readonly kind: 'one' | 'absence';
  readonly of: string;
  readonly by: readonly ('k' | 'g')[];
  readonly condition?: { readonly feature: string; readonly op: '<' | '>=' | 'is null'; readonly n: number } | undefined;
  readonly emits: boolean;
}

export interface Event { readonly type: string; readonly at: number; readonly k: string; readonly g: string; readonly v: number | null }

export interface Told { readonly rule: string; readonly at: number; readonly key: Readonly<Record<string, string>>; readonly fields: Readonly<Record<string, unknown>> }

/** ms an absence waits for a B. */
export const WAIT = 4000;
/** The span of a slope, ms. */
export const SLOPE = 1000;

const seconds = (ms: number): string => `${ms}ms`;

export function ruleText(features: readonly FeatureSpec[], rules: readonly RuleSpec[]): string {
  const value = ({ fn }: FeatureSpec): string => {
    const argument = argumentOf(fn);
    const last = argument === undefined ? '' : `, ${fn === 'slope' ? seconds(argument) : argument}`;
    return fn === 'count' ? '' : `${fn === 'any' || fn === 'all' || fn === 'lasting' ? 'v > 2' : 'v'}${last}`;
  };
  return [
    ...['A', 'B', 'D'].map((name) => `event ${name} { k: string, g: string, v: float?, at: time } time at`),
    ...features.map((f) => `feature ${f.name} = ${f.fn}(${value(f)}) of ${f.of}${f.above === undefined ? '' : ` where v > ${f.above}`}${f.by.length === 0 ? '' : ` by ${f.by.join(', ')}`}`
      + `${f.over === undefined ? '' : ` over ${seconds(f.over)}`}${f.every === undefined ? '' : ` every ${seconds(f.every)}`}`),
    ...rules.map((r) => {
      const read = visible(features, r).map(({ name }) => name).join(', ');
      const where = r.condition === undefined ? '' : ` where ${r.condition.feature} ${r.condition.op === 'is null' ? 'is null' : `${r.condition.op} ${r.condition.n}`}`;
      const pattern = r.kind === 'one' ? `match all a a: ${r.of}${where}` : `match all a -> not b within ${seconds(WAIT)} a: ${r.of}${where} b: B`;
      const emit = r.emits ? 'emit D { k: a.k, g: a.g, v: a.v }' : '';
      return `rule ${r.name} { ${r.by.length === 0 ? '' : `by ${r.by.join(', ')}`} ${pattern} alert ch { ${read} } ${emit} }`;
    }),
  ].join('\n');
}

/** The features that a rule may read: those whose key its own covers. */
export const visible = (features: readonly FeatureSpec[], rule: Pick<RuleSpec, 'by'>): FeatureSpec[] => features.filter((f) => f.by.every((part) => rule.by.includes(part)));

export function reference(features: readonly FeatureSpec[], rules: readonly RuleSpec[], events: readonly Event[]): Told[] {
  const ordered = events.map((event, i) => ({ event, i })).sort((a, b) => a.event.at - b.event.at || a.i - b.i).map(({ event }) => event);
  const done: Event[] = [];
  const told: Told[] = [];
  const waiting: { readonly rule: RuleSpec; readonly order: number; readonly start: number; readonly event: Event; over: boolean }[] = [];
  let number = 0;

  const read = (feature: FeatureSpec, key: Readonly<Record<string, string>>, now: number): unknown => {
    const taken = done.filter((event) => event.type === feature.of && (feature.above === undefined || (event.v !== null && event.v > feature.above))
      && feature.by.every((part) => event[part] === key[part])
      && (feature.over === undefined || now < (feature.every === undefined ? event.at : Math.floor(event.at / feature.every) * feature.every) + feature.over));
    return valueOf(feature, taken);
  };
  const keyOf = (rule: RuleSpec, event: Event): Record<string, string> => Object.fromEntries(rule.by.map((part) => [part, event[part]]));
  const holds = ({ condition }: RuleSpec, value: unknown): boolean => {
    if (condition === undefined) return true;
    if (condition.op === 'is null') return value === null;
    return typeof value === 'number' && (condition.op === '<' ? value < condition.n : value >= condition.n);
  };
  const tell = (rule: RuleSpec, key: Record<string, string>, now: number): void => {
    told.push({ rule: rule.name, at: now, key, fields: Object.fromEntries(visible(features, rule).map((f) => [f.name, read(f, key, now)])) });
  };
  const derivedOf = (rule: RuleSpec, cause: Event, at: number): Event[] => (rule.emits ? [{ ...cause, type: 'D', at }] : []);
  const play = (event: Event): void => {
    number++;
    const derived: Event[] = [];
    const matching = rules.filter((rule) => rule.of === event.type && (rule.condition === undefined
      || holds(rule, read(features.find((f) => f.name === rule.condition!.feature)!, keyOf(rule, event), event.at))));
    for (const waits of waiting) {
      if (event.type === 'B' && !waits.over && waits.rule.by.every((part) => waits.event[part] === event[part])) waits.over = true;
    }
    done.push(event);
    for (const rule of matching) {
      if (rule.kind === 'absence') { waiting.push({ rule, order: rules.indexOf(rule), start: number, event, over: false }); continue; }
      tell(rule, keyOf(rule, event), event.at);
      derived.push(...derivedOf(rule, event, event.at));
    }
    for (const next of derived) play(next);
  };
  const fire = (time: number): void => {
    for (;;) {
      const due = waiting.filter((w) => !w.over && w.event.at + WAIT <= time);
      if (due.length === 0) return;
      due.sort((a, b) => a.event.at - b.event.at || a.start - b.start || a.order - b.order);
      const first = due[0]!;
      first.over = true;
      tell(first.rule, keyOf(first.rule, first.event), first.event.at + WAIT);
      for (const next of derivedOf(first.rule, first.event, first.event.at + WAIT)) play(next);
    }
  };
  for (const event of ordered) {
    fire(event.at);
    play(event);
  }
  fire(Infinity);
  return told;
}

function valueOf({ fn }: FeatureSpec, events: readonly Event[]): unknown {
  const isCondition = fn === 'any' || fn === 'all' || fn === 'lasting';
  const taken = events.map(({ at, v }) => ({ time: at, taken: true, value: fn === 'count' ? true : isCondition ? v !== null && v > 2 : v }));
  const value = windowAggregate(fn, taken, argumentOf(fn));
  // A percentile is the middle of the bucket that the value falls into.
  return fn === 'percentile' && typeof value === 'number' ? bucketValue(bucketOf(value)) : value;
}

const argumentOf = (fn: FeatureSpec['fn']): number | undefined => (fn === 'slope' ? SLOPE : fn === 'percentile' ? 50 : fn === 'top' ? 2 : undefined);
