/** Which rules an event may concern, as far as its type and the predicates it meets tell. */
import type { Plan } from '../compile/index.ts';

/** Puts the parts of the event's key into K. */
export type KeyOf = (K: Float64Array) => void;
/** By key of the plan and event type; undefined: events of the type have no such key. */
export type KeyFunctions = readonly (readonly (KeyOf | undefined)[])[];

export interface TypeIndex {
  /** Predicates tried on every event of the type. */
  readonly linear: readonly number[];
  /** Predicates found by the value of a slot. */
  readonly hashed: readonly { readonly slot: number; readonly byValue: Map<number, Int32Array> }[];
  /** An event that meets none of the predicates tried on every event concerns no rule. */
  readonly quiet: boolean;
  /** Rules that must be told of every event they see. */
  readonly always: Int32Array;
  /** Keys that may be null for an event of the type, with the rules that have them. */
  readonly nullKeys: readonly { readonly keyOf: KeyOf; readonly width: number; readonly rules: readonly number[] }[];
}

/** Per predicate: rules concerned, as rule × 2 + (1: it may start a run). */
export function subscribersOf(plan: Plan): Int32Array[] {
  const lists: Set<number>[] = plan.predicates.map(() => new Set());
  for (const rule of plan.rules) {
    const touch = (predicate: number, start: boolean): void => {
      const list = lists[predicate]!;
      if (start) { list.delete(rule.index * 2); list.add(rule.index * 2 + 1); }
      else if (!list.has(rule.index * 2 + 1)) list.add(rule.index * 2);
    };
    if (rule.kind === 'window') {
      for (const input of rule.inputs) touch(input, true);
      continue;
    }
    if (rule.group < 0) for (const edge of rule.starts) touch(edge.cond!.predicate, true);
    for (const leading of rule.leading) for (const cond of leading.conds) touch(cond.predicate, true);
    const leadingSequences = new Set(rule.leading.flatMap((leading) => leading.sequences));
    rule.sequences.forEach((sequence, i) => { for (const step of sequence.steps) touch(step.cond.predicate, leadingSequences.has(i)); });
    for (const position of rule.positions) {
      for (const edge of position.out) {
        if (edge.cond !== undefined) touch(edge.cond.predicate, false);
        if (edge.until !== undefined) touch(edge.until.predicate, false);
        for (const cond of [...edge.bans, ...edge.nextBans]) touch(cond.predicate, false);
        for (const greedy of edge.greedy) {
          touch(greedy.cond.predicate, false);
          if (greedy.until !== undefined) touch(greedy.until.predicate, false);
        }
      }
    }
  }
  return lists.map((list) => Int32Array.from(list));
}

/** `C`: the constants by the ids that strings have now. `hasFeature`: some feature takes events of the type. */
export function indexType({ predicates, keys, rules, once }: Plan, type: number, C: Float64Array, keyFunctions: KeyFunctions, hasFeature: boolean): TypeIndex {
  const linear: number[] = [];
  const bySlot = new Map<number, Map<number, number[]>>();
  // Filters come first: they decide what a rule sees, whatever is found after them.
  for (const predicate of predicates) {
    if (!predicate.types.includes(type)) continue;
    const { equality } = predicate;
    if (equality === undefined) { linear.push(predicate.id); continue; }
    const values = bySlot.get(equality.slot) ?? new Map<number, number[]>();
    bySlot.set(equality.slot, values);
    const value = C[equality.pooled]!;
    values.set(value, [...(values.get(value) ?? []), predicate.id]);
  }
  const nullKeys = keys.flatMap((key, k) => {
    const keyOf = keyFunctions[k]![type];
    const seeing = rules.filter((rule) => rule.key === k && !rule.isGroup && rule.sees[type]! >= 0 && !rule.stages.some((stage) => stage.key >= 0)).map((rule) => rule.index);
    return keyOf === undefined || key.mayBeNull[type] !== true || seeing.length === 0 ? [] : [{ keyOf, width: key.width, rules: seeing }];
  });
  const hashed = [...bySlot].map(([slot, values]) => ({ slot, byValue: new Map([...values].map(([v, list]) => [v, Int32Array.from(list)] as const)) }));
  const always = Int32Array.from(rules.filter((rule) => rule.needsEveryEvent && rule.sees[type]! >= 0).map((rule) => rule.index));
  const quiet = hashed.length === 0 && always.length === 0 && nullKeys.length === 0 && once[type] === 0 && !hasFeature;
  return { nullKeys, linear, hashed, always, quiet };
}
