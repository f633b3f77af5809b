/** What an engine keeps beside its rules' runs, from an old state into a new plan's: `once within`, windows of limits, events held back. */
import { Batch } from '../../core/batch.ts';
import type { Plan } from '../../compile/plan.ts';
import { Held } from '../held.ts';
import { WINDOW, type Limits } from '../limits.ts';
import { SEEN, type Once } from '../once.ts';
import type { OnceRoot } from '../once.ts';
import type { Mapping } from './compare.ts';
import type { StateDescription } from './describe.ts';
import type { Old } from './old.ts';

/** Rows taken out at one time. */
const ROWS = 1024;

/**
 * Decodes an event that was held back again, for fields that were not read before: into the row of the batch, whose bytes, type and source are
 * set. False: the event does not pass for one of its type any more.
 */
export type DecodeAgain = (batch: Batch, row: number) => boolean;

/** New type by old type; -1: it is gone. */
export function typesOf(old: StateDescription, plan: Plan): number[] {
  return old.types.map(({ name }) => plan.schema.types.findIndex((type) => type.name === name));
}

/** What the types have seen within their `once`; says of which nothing could be kept. */
export function adoptOnce(old: Old, root: OnceRoot, plan: Plan, now: StateDescription, once: Once): string[] {
  const notes: string[] = [];
  const { i32, f64 } = old.heap;
  for (const [t, type] of old.described.types.entries()) {
    const first = root.oldest[t]!;
    if (first === 0) continue;
    const to = plan.schema.types.findIndex(({ name }) => name === type.name);
    const kindsOf = (described: StateDescription['types'][number]): string => described.identity.map((field) => `${field}:${described.fields[field]!.kind}`).join();
    if (to < 0 || plan.once[to] === 0) continue; // nothing is told apart by it any more
    if (kindsOf(now.types[to]!) !== kindsOf(type)) {
      notes.push(`events of type ${type.name} are told apart by other fields now: which of them were seen within their \`once\` is forgotten`);
      continue;
    }
    const cells = new Float64Array(plan.schema.slots + 1);
    for (let p = first; p !== 0; p = i32[2 * p + SEEN.later]!) {
      plan.identity[to]!.forEach(({ slot }, i) => { cells[slot] = f64[p + SEEN.cells + i]!; });
      once.remember(to, f64[p + SEEN.time]!, cells);
    }
  }
  return notes;
}

/** The windows of the limits of rules that go on. */
export function adoptLimits(old: Old, mappings: ReadonlyMap<number, Mapping>, plan: Plan, now: StateDescription, limits: Limits): string[] {
  const { i32, f64 } = old.tables;
  const forgotten = new Set<string>();
  for (const p of old.windows.all()) {
    const from = i32[2 * p + WINDOW.rule]!;
    const mapping = mappings.get(from);
    if (mapping === undefined) continue; // it goes with the rule's state
    const { rule } = plan.rules[mapping.index]!;
    if (rule.limit === undefined) continue;
    if (old.described.rules[from]!.limit !== now.rules[mapping.index]!.limit) {
      forgotten.add(rule.name);
      continue;
    }
    limits.adopt(mapping.index, f64, p + WINDOW.key, { by: f64[p + WINDOW.by]!, from: f64[p + WINDOW.from]!, count: i32[2 * p + WINDOW.count]!, suppressed: i32[2 * p + WINDOW.suppressed]! });
  }
  return [...forgotten].map((name) => `the limit of ${name} goes by another value now and counts anew`);
}

/** The events held back, in their order. */
export function adoptHeld(old: Old, pages: readonly Uint8Array[], index: Uint8Array, plan: Plan, now: StateDescription, held: Held, again: DecodeAgain | undefined): string[] {
  const from = new Held(old.described.slots);
  from.load(pages, index);
  held.load([], new Uint8Array(0));
  if (from.count === 0) return [];
  const types = typesOf(old.described, plan);
  /** By old type: pairs of new and old slot; and whether something has to be decoded. */
  const columns = old.described.types.map((type, t) => {
    if (types[t]! < 0) return { pairs: [], missing: undefined };
    const fields = Object.entries(now.types[types[t]!]!.fields);
    const isThere = ([name, { kind }]: (typeof fields)[number]): boolean => type.fields[name]?.kind === kind;
    return { pairs: fields.filter(isThere).map(([name, { slot }]) => [slot, type.fields[name]!.slot] as const), missing: fields.find((field) => !isThere(field))?.[0] };
  });
  let gone = 0;
  let refused = 0;
  const rows = Int32Array.from({ length: ROWS }, (_, i) => i);
  from.take(Infinity, true, ROWS, (chunk, first, to) => {
    const batch = new Batch(plan.schema.slots, to - first);
    batch.bytes = chunk.bytes;
    batch.source = chunk.source;
    batch.partition = chunk.partition;
    for (let row = first; row < to; row++) {
      const type = chunk.type[row]!;
      const at = batch.count;
      if (types[type]! < 0) { gone++; continue; }
      const { pairs, missing } = columns[type]!;
      batch.from[at] = chunk.from[row]!;
      batch.to[at] = chunk.to[row]!;
      batch.type[at] = types[type]!;
      batch.time[at] = chunk.time[row]!;
      batch.offset[at] = chunk.offset[row]!;
      if (missing !== undefined) {
        if (again === undefined) throw new Error(`The events held back have to be decoded again for the field ${missing}, and nothing here can.`);
        if (!again(batch, at)) { refused++; continue; }
        batch.time[at] = chunk.time[row]!;
        batch.offset[at] = chunk.offset[row]!;
        batch.type[at] = types[type]!;
      } else {
        for (const column of batch.columns) column[at] = NaN;
        for (const [slot, before] of pairs) batch.columns[slot]![at] = chunk.columns[before]![row]!;
      }
      batch.count++;
    }
    if (batch.count > 0) held.add(batch, rows, batch.count);
  });
  const notes: string[] = [];
  if (gone > 0) notes.push(`${gone} events that were held back are of types that are gone, and are left out`);
  if (refused > 0) notes.push(`${refused} events that were held back do not pass for their types any more, and are left out`);
  return notes;
}
