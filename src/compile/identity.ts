/**
 * What a rule's runs keep, as data. A state carries it, so that a rule that has changed can tell whether the runs of the old one can go on under it
 * (section 7 of the language; src/engine/change). What only concerns events to come (literals, durations, conditions, alerts) is no part of
 * it, but for bounds, whose old values say which runs were over before the change.
 */
import type { Ban, Expr, Literal, Pattern, PatternRule, Rule } from '../../dsl/typed.ts';
import type { Aggregate } from './context.ts';
import { canonical } from './expr.ts';
import { bannedStages } from './automaton.ts';
import { boundExpressions } from './expressions.ts';
import { conjunctsOf, walk } from './walk.ts';

/** A pattern without what may change under open runs: no durations, no conditions; counts are numbers. */
export type Shape =
  | { readonly kind: 'stage'; readonly stage: string }
  | { readonly kind: 'silence'; readonly stages: readonly string[] }
  | { readonly kind: 'or'; readonly alternatives: readonly Shape[] }
  | { readonly kind: 'sequence'; readonly items: readonly { readonly arrow: string; readonly bans: readonly string[]; readonly pattern: Shape }[]; readonly trailing: readonly string[] }
  | { readonly kind: 'repeat'; readonly inner: Shape; readonly quantifier: string; readonly arrow: string; readonly bans: readonly string[] };

/** A bound: `ms` where it is the same for every run; `text`: by which two are told to be the same. */
export interface BoundText { readonly ms: number | undefined; readonly text: string }

/** Parts of a key, with how each is read of an event: JSON. */
export type KeyIdentity = readonly { readonly name: string; readonly type: string; readonly valueOf: Readonly<Record<string, string>>; readonly stages: Readonly<Record<string, string>> }[];

/** JSON. */
export interface RuleIdentity {
  readonly key: KeyIdentity;
  readonly pattern: Shape;
  readonly stages: Readonly<Record<string, { readonly types: readonly string[]; readonly accepts: readonly string[]; readonly within: (BoundText & { readonly of: string }) | undefined }>>;
  readonly within: BoundText | undefined;
  readonly session: BoundText | undefined;
  readonly gap: BoundText | undefined;
  readonly mode: 'first' | 'longest' | 'all';
  /** By stage: the fields of its bound events that something of the rule reads, with how the author writes them. */
  readonly reads: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Fields that conditions of logged bans read of the event at hand. */
  readonly banReads: readonly string[];
  /** Every bound event is kept as it came. */
  readonly full: boolean;
  /** Per register whose name does not say all that it holds: what it holds, and how the author wrote it. */
  readonly meanings: Readonly<Record<string, { readonly text: string; readonly written: string }>>;
  /** Of `limit`, without its numbers; undefined: there is none. */
  readonly limit: string | undefined;
}

export interface IdentitySource {
  readonly params: ReadonlyMap<string, Literal>;
  readonly aggregates: ReadonlyMap<string, Aggregate>;
  constant(expr: Expr): Literal | undefined;
  number(expr: Expr): number;
}

/** `registers`: of all positions. */
export function identityOf(rule: PatternRule, source: IdentitySource, registers: Iterable<string>): RuleIdentity {
  const { match } = rule;
  const text = (expr: Expr): string => canonical(withParams(expr, source.params));
  const bound = (expr: Expr | undefined): BoundText | undefined => {
    if (expr === undefined) return undefined;
    const ms = source.constant(expr);
    return { ms: typeof ms === 'number' ? ms : undefined, text: text(expr) };
  };
  const reads: Record<string, Record<string, string>> = {};
  const positive = [...match.stages.values()].filter((stage) => !stage.banned);
  const read = (stage: string, field: string, written: string): void => { (reads[stage] ??= {})[field] ??= written; };
  for (const expr of boundExpressions(rule)) {
    walk(expr, (e) => {
      if (e.kind === 'stageField') read(e.stage, e.field, `${e.stage}.${e.field}`);
      else if (e.kind === 'prevField' && e.field !== undefined) for (const { name } of positive) read(name, e.field, `prev.${e.field}`);
      else if (e.kind === 'aggregate') {
        for (const part of aggregateParts(e)) {
          walk(part, (inner) => { if (inner.kind === 'eachField') read(e.stage, inner.field, `${e.stage}.${inner.field}`); });
        }
      }
    });
  }
  const banReads = new Set<string>();
  for (const stage of match.stages.values()) {
    if (!stage.banned) continue;
    for (const expr of conjunctsOf(stage.where)) walk(expr, (e) => { if (e.kind === 'eventField') banReads.add(e.field); });
  }
  const meanings: Record<string, { text: string; written: string }> = {};
  for (const register of registers) {
    const aggregate = /^a(@\d+)?:/.test(register) ? source.aggregates.get(register) : undefined;
    if (aggregate === undefined) continue;
    const parts = aggregateParts(aggregate).map(text);
    meanings[register] = { text: JSON.stringify([register.slice(register.lastIndexOf(':') + 1), parts]), written: `${aggregate.fn}(${aggregate.stage}…)` };
  }
  return {
    key: keyIdentity(rule, source.params),
    pattern: shapeOf(match.pattern, source),
    stages: Object.fromEntries([...match.stages].map(([name, stage]) => [name, {
      types: [...stage.types].sort(), accepts: [...stage.accepts],
      within: stage.within === undefined ? undefined : { ...bound(stage.within.duration)!, of: stage.within.of },
    }])),
    within: bound(match.within), session: bound(match.session), gap: bound(match.gap),
    mode: match.mode, reads, banReads: [...banReads], full: rule.evidence === 'full', meanings,
    limit: limitIdentity(rule, source.params),
  };
}

export function keyIdentity(rule: Rule, params: ReadonlyMap<string, Literal>): KeyIdentity {
  const texts = (exprs: ReadonlyMap<string, Expr>): Record<string, string> => Object.fromEntries([...exprs].map(([name, expr]) => [name, canonical(withParams(expr, params))]));
  return rule.key.map((part) => ({ name: part.name, type: part.type.kind, valueOf: texts(part.valueOf), stages: texts(part.stages) }));
}

/** Of `limit`, without its numbers; undefined: there is none. */
export function limitIdentity({ limit }: Rule, params: ReadonlyMap<string, Literal>): string | undefined {
  return limit === undefined ? undefined : limit.by === undefined ? '' : canonical(withParams(limit.by, params));
}

function shapeOf(pattern: Pattern, source: IdentitySource): Shape {
  switch (pattern.kind) {
    case 'stage': return { kind: 'stage', stage: pattern.stage };
    case 'silence': return { kind: 'silence', stages: pattern.stages };
    case 'or': return { kind: 'or', alternatives: pattern.alternatives.map((one) => shapeOf(one, source)) };
    case 'sequence': return {
      kind: 'sequence', trailing: pattern.trailing.map(banText),
      items: pattern.items.map((item, i) => ({ arrow: i === 0 ? '' : ARROWS[item.arrow], bans: item.bans.map(banText), pattern: shapeOf(item.pattern, source) })),
    };
    case 'repeat': {
      const min = source.number(pattern.min);
      const max = pattern.max === undefined ? '' : source.number(pattern.max);
      return {
        kind: 'repeat', inner: shapeOf(pattern.inner, source), arrow: ARROWS[pattern.iteration], bans: pattern.iterationBans.map(banText),
        quantifier: `{${min},${max}}${pattern.greedy ? ' greedy' : ''}${pattern.lazy ? ' lazy' : ''}`,
      };
    }
  }
}

/** What an aggregate reads of each event. */
const aggregateParts = (expr: Aggregate): Expr[] => [expr.value, expr.where].filter((part) => part !== undefined);

const ARROWS = { followed: '->', any: '->>', next: '=>' } as const;

/** Durations of their own are with the stages. */
function banText(ban: Ban): string {
  const { what } = ban;
  const stages = bannedStages(ban);
  const arrows = what.kind === 'sequence' && what.pattern.kind === 'sequence' ? what.pattern.items.map((item, i) => (i === 0 ? '' : ` ${ARROWS[item.arrow]} `)) : stages.map((_, i) => (i === 0 ? '' : ' or '));
  return `${ban.kind === 'next' ? '=> ' : ''}not (${stages.map((stage, i) => `${arrows[i] ?? ' '}${stage}`).join('')})${ban.without === true ? ' without' : ''}`;
}

/** The expression with the params' values in their places. */
export function withParams(expr: Expr, params: ReadonlyMap<string, Literal>): Expr {
  const replace = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(replace);
    if (typeof node !== 'object' || node === null) return node;
    const { kind, name, type, span } = node as { kind?: unknown; name?: unknown; type?: unknown; span?: unknown };
    if (kind === 'param' && typeof name === 'string') return { kind: 'literal', value: params.get(name) ?? null, type, span };
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, key === 'span' || key === 'type' ? value : replace(value)]));
  };
  return replace(expr) as Expr;
}
