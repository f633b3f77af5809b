/** The events of a test as one rule sees them: by key, with the expressions evaluated by the interpreter. */
import type { Expr, Literal, PatternRule, Stage } from '../../dsl/typed.ts';
import { evaluate, holds, type BoundEvent, type Env } from '../compile/interpret.ts';

/** An event with its declared fields as plain values: times and durations in ms, absent ones null. */
export interface SeenEvent extends BoundEvent {
  readonly type: string;
}

/** The events of one key in processing order. */
export interface KeyedEvents {
  /** Values of the key's parts, in order. */
  readonly key: readonly unknown[];
  readonly events: readonly SeenEvent[];
}

export type Params = ReadonlyMap<string, Literal>;

/** What is bound so far, as conditions see it. */
export interface Bindings {
  /** All events of each stage, in order. */
  readonly all: ReadonlyMap<string, readonly SeenEvent[]>;
  /** The event of this turn. */
  readonly turn: ReadonlyMap<string, SeenEvent>;
  readonly prev: SeenEvent | undefined;
}

export const NOTHING_BOUND: Bindings = { all: new Map(), turn: new Map(), prev: undefined };

/** What an expression reads in front of `event` (undefined: when no event is at hand, as for durations and `having`). */
export function makeEnv(params: Params, key: readonly unknown[], bound: Bindings, event: SeenEvent | undefined, match?: Env['match']): Env {
  return {
    eventField: (field) => event?.fields[field] ?? null,
    ...(event === undefined ? {} : { eventTime: event.time }),
    param: (name) => params.get(name) ?? null,
    keyField: (part) => key[part] ?? null,
    stageEvents: (stage) => bound.all.get(stage) ?? [],
    stageEvent: (stage) => bound.turn.get(stage),
    prev: bound.prev,
    match,
  };
}

/** Whether the rule sees the event: its type is one of the rule's, and a filter of `on` holds where there are any. */
function isSeen(rule: PatternRule, params: Params, event: SeenEvent): boolean {
  const input = rule.sees.get(event.type);
  if (input === undefined) return false;
  return input.filters.length === 0 || input.filters.some((filter) => holds(filter, makeEnv(params, [], NOTHING_BOUND, event)));
}

function keyUnder(rule: PatternRule, params: Params, event: SeenEvent, exprOf: (part: PatternRule['key'][number]) => Expr | undefined): unknown[] | undefined {
  const env = makeEnv(params, [], NOTHING_BOUND, event);
  const key: unknown[] = [];
  for (const part of rule.key) {
    const expr = exprOf(part);
    const value = expr === undefined ? null : evaluate(expr, env);
    if (value === null) return undefined;
    key.push(value);
  }
  return key;
}

/** The key under which a stage sees an event; undefined where a part is null. */
export function keyOfStage(rule: PatternRule, params: Params, stage: string, event: SeenEvent): unknown[] | undefined {
  return keyUnder(rule, params, event, (part) => part.stages.get(stage) ?? part.valueOf.get(event.type));
}

/** Every distinct key of the event: that of its type, and those of the stages that `by` names. */
function keysOf(rule: PatternRule, params: Params, event: SeenEvent): unknown[][] {
  const named = new Set(rule.key.flatMap((part) => [...part.stages.keys()]));
  const candidates = [keyUnder(rule, params, event, (part) => part.valueOf.get(event.type))];
  for (const stage of named) {
    if (rule.match.stages.get(stage)?.accepts.includes(event.type) === true) candidates.push(keyOfStage(rule, params, stage, event));
  }
  const distinct = new Map<string, unknown[]>();
  for (const key of candidates) if (key !== undefined) distinct.set(JSON.stringify(key), key);
  return [...distinct.values()];
}

/** The rule's events by key, keys in order of their first event; `events` in processing order. */
export function groupByKey(rule: PatternRule, params: Params, events: readonly SeenEvent[]): KeyedEvents[] {
  const groups = new Map<string, { key: unknown[]; events: SeenEvent[] }>();
  for (const event of events) {
    if (!isSeen(rule, params, event)) continue;
    for (const key of keysOf(rule, params, event)) {
      const id = JSON.stringify(key);
      const group = groups.get(id) ?? { key, events: [] };
      group.events.push(event);
      groups.set(id, group);
    }
  }
  return [...groups.values()];
}

/** Whether a stage could be bound to the event: type, key and condition, given what is bound. */
export function satisfies(rule: PatternRule, params: Params, key: readonly unknown[], stage: Stage, bound: Bindings, event: SeenEvent): boolean {
  if (!isCandidate(rule, params, key, stage, event)) return false;
  return stage.where === undefined || holds(stage.where, makeEnv(params, key, bound, event));
}

/** Whether the stage is tried on the event at all: it accepts the type, and the event has the run's key under it. */
export function isCandidate(rule: PatternRule, params: Params, key: readonly unknown[], stage: Stage, event: SeenEvent): boolean {
  if (!stage.accepts.includes(event.type)) return false;
  if (!rule.key.some((part) => part.stages.has(stage.name))) return true;
  return JSON.stringify(keyOfStage(rule, params, stage.name, event)) === JSON.stringify(key);
}
