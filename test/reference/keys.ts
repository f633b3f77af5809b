import type { Expr, Literal, PatternRule } from '../../dsl/typed.ts';
import { evaluateIn } from './view.ts';
import type { RefEvent } from './types.ts';

export interface KeyedEvents { readonly key: readonly Literal[]; readonly events: RefEvent[] }

/**
 * What the rule sees, by key: an event of a type it sees, that one of its filters lets through, once for each distinct key it has — that of its type,
 * or, where `by` names stages, those under the stages it could be tried on. An event whose key or a part of it is null is not seen.
 * Keys in the order of their first event.
 */
export function splitByKey(rule: PatternRule, events: readonly RefEvent[], params: ReadonlyMap<string, Literal>): KeyedEvents[] {
  const split = new Map<string, KeyedEvents>();
  for (const event of events) {
    const read = (expr: Expr) => evaluateIn(expr, { event, prev: undefined, key: [], params, match: undefined, events: () => [] });
    const seen = rule.sees.get(event.type);
    if (seen === undefined || (seen.filters.length > 0 && !seen.filters.some((filter) => read(filter) === true))) continue;
    const names = new Set<string>();
    for (const parts of keysOf(rule, event.type)) {
      const key = parts.map((part) => read(part) as Literal);
      const name = JSON.stringify(key);
      if (key.some((value) => value === null || value === undefined) || names.has(name)) continue;
      names.add(name);
      const keyed = split.get(name) ?? { key, events: [] };
      keyed.events.push(event);
      split.set(name, keyed);
    }
  }
  return [...split.values()];
}

/** The expressions of each key that an event of the type has. */
function keysOf(rule: PatternRule, type: string): Expr[][] {
  const ways: (string | undefined)[] = [...rule.match.stages.values()].filter((stage) => stage.accepts.includes(type)).map((stage) => stage.name);
  if (ways.length === 0 || rule.key.every((part) => part.stages.size === 0)) ways.splice(0, ways.length, undefined);
  return ways.flatMap((stage) => {
    const parts = rule.key.map((part) => (stage === undefined ? undefined : part.stages.get(stage)) ?? part.valueOf.get(type));
    return parts.every((part) => part !== undefined) ? [parts] : [];
  });
}
