/** States of rules over windows whose rules have changed: the windows of each key go over with what they have kept of the aggregates that are still read. */
import type { WindowIdentity } from '../../compile/window-identity.ts';
import type { Plan, WindowPlan } from '../../compile/plan.ts';
import type { Heap } from '../../state/heap.ts';
import { describeBlock, EVENTS, PANE, PANES, Panes, type BlockState } from '../aggregates/index.ts';
import { KEY } from '../layout.ts';
import { BOX, CELLS, CLOSED, endAfter, isSpans, LAST, specsOf, type WindowRunner } from '../windows/index.ts';
import { compareKeys, type Mapping } from './compare.ts';
import type { KindState, StateDescription } from './describe.ts';
import type { Old, OldKey } from './old.ts';

export interface WindowState extends KindState {
  readonly kind: 'window';
  readonly identity: WindowIdentity;
  /** Where a key's cells begin, from its record. */
  readonly cells: number;
  readonly spans: boolean;
  /** ms, of spans of time. */
  readonly sliding: { readonly size: number; readonly every: number } | undefined;
  readonly block: BlockState;
}

export interface WindowMapping extends Mapping {
  readonly old: WindowState;
  /** By aggregate of now: as of `Block.adopt`. */
  readonly sources: readonly number[];
}

export function describeWindow(plan: Plan, rule: WindowPlan): WindowState {
  const { width } = plan.keys[rule.key]!;
  return {
    kind: 'window', name: rule.rule.name, version: rule.rule.version, isGroup: false, group: -1, width, limit: rule.identity.limit,
    identity: rule.identity, cells: KEY.key + width, spans: isSpans(rule.shape), sliding: rule.shape.kind === 'sliding' ? { size: rule.shape.size, every: rule.shape.every } : undefined,
    block: describeBlock(specsOf(rule), rule.rule.keep.count),
  };
}

/** The mapping, or why there is none. */
export function compareWindows(before: StateDescription, oldIndex: number, after: StateDescription, index: number): WindowMapping | string {
  const old = before.rules[oldIndex] as WindowState;
  const rule = after.rules[index] as WindowState;
  if (old.version !== rule.version) return `version ${old.version} is now version ${rule.version}`;
  const a = old.identity;
  const b = rule.identity;
  const reason = compareKeys(a.key, b.key) ?? compareInputs(a, b) ?? compareShapes(a, b);
  if (reason !== undefined) return reason;
  if (a.rises !== b.rises) return b.rises ? 'it has `trigger on rise` now, for which each window has to be followed from its first event on' : 'its `trigger on rise` is gone';
  const sources: number[] = [];
  for (const [i, { text, written, countsAll }] of b.aggregates.entries()) {
    const source = a.aggregates.findIndex((one) => one.text === text);
    if (source < 0 && !countsAll) return `it reads ${written}, ${a.aggregates.some((one) => one.written === written) ? 'which counts otherwise now, and its open windows have counted the old way' : 'which its open windows have not kept'}`;
    if (source >= 0 && (old.block.kinds[source] !== rule.block.kinds[i] || old.block.cells[source] !== rule.block.cells[i])) return `it reads ${written}, which is kept in another way with \`late within\` than without`;
    sources.push(source >= 0 ? source : EVENTS);
  }
  return { old, oldIndex, index, sources };
}

function compareInputs(a: WindowIdentity, b: WindowIdentity): string | undefined {
  const textOf = ({ inputs }: WindowIdentity): string => inputs.map(({ name, types }) => `${name === undefined ? '' : `${name}: `}${types.join(' | ')}`).join(', ');
  return textOf(a) === textOf(b) ? undefined : `\`on\` was ${textOf(a)} and is ${textOf(b)}`;
}

function compareShapes({ shape: a }: WindowIdentity, { shape: b }: WindowIdentity): string | undefined {
  if (a.text === b.text) return undefined;
  return a.kind === b.kind ? `its ${a.kind} windows were others` : `its windows were ${a.kind} and are ${b.kind}`;
}

/** Windows that are open, and the keys of which anything is kept. */
export function countWindows(old: Old, index: number): { readonly runs: number; readonly keys: number } {
  const rule = old.described.rules[index] as WindowState;
  let runs = 0;
  let keys = 0;
  for (const ks of old.keysOf(index)) {
    const q = ks + rule.cells + CELLS.keeper;
    const open = rule.spans ? Number(isInSpan(old, rule, q, old.now)) : openBoxes(old.heap, q);
    runs += open;
    const isKept = rule.spans ? isInSpan(old, rule, q, old.now - rule.identity.late) : old.heap.i32[2 * q] !== 0;
    if (open > 0 || isKept || old.heap.f64[ks + rule.cells + CELLS.high] !== 0) keys++;
  }
  return { runs, keys };
}

/** Is a pane in a span that is the next to be looked at after `time`? Those that left it since an engine last looked may be there still. */
function isInSpan({ heap: { i32, f64 } }: Old, { sliding }: WindowState, q: number, time: number): boolean {
  const newest = i32[2 * q + PANES.newest]!;
  if (sliding === undefined || newest === 0) return newest !== 0;
  const { size, every } = sliding;
  return every === 0 ? f64[newest + PANE.time]! > time - size : f64[newest + PANE.time]! >= endAfter(time, sliding) - size;
}

function openBoxes(heap: Heap, at: number): number {
  let open = 0;
  for (const box of boxes(heap, at)) if ((heap.i32[2 * box + BOX.flags]! & CLOSED) === 0) open++;
  return open;
}

/** Where windows that ended up to then are gone, and `late within` would have them made again; undefined: nowhere. `floor`: as it was. */
export function floorOf({ old, index }: WindowMapping, after: StateDescription, now: number, floor: number | undefined): number | undefined {
  const gone = Math.max(floor ?? -Infinity, now - old.identity.late);
  return gone > now - (after.rules[index] as WindowState).identity.late ? gone : undefined;
}

/** Gives what takes a key's windows up. */
export function adoptWindows(old: Old, runner: WindowRunner, { old: rule, sources }: WindowMapping): (key: OldKey, now: number) => number {
  const { heap, K } = runner.store;
  const { f64, i32 } = old.heap;
  const panes = new Panes(runner.block);
  return ({ own }, now) => {
    const from = own + rule.cells;
    const oldKeeper = from + CELLS.keeper;
    const isLast = f64[from + CELLS.at] === now || f64[from + CELLS.lateAt] === now;
    const isHeld = i32[2 * oldKeeper + (rule.spans ? PANES.kept : 0)] !== 0 || f64[from + CELLS.due] !== Infinity || f64[from + CELLS.high] !== 0;
    if (!isHeld && !isLast && i32[2 * own + KEY.dropped] === 0) return 0;
    for (let i = 0; i < rule.width; i++) K[i] = f64[own + KEY.key + i]!;
    const ks = runner.newKey();
    heap.ints(ks)[2 * ks + KEY.dropped] = i32[2 * own + KEY.dropped]!;
    const cells = ks + runner.cells;
    for (const cell of [CELLS.at, CELLS.ordinal, CELLS.lateAt, CELLS.lateOrdinal, CELLS.seen, CELLS.high, CELLS.last]) heap.floats(cells)[cells + cell] = f64[from + cell]!;
    if (rule.spans) panes.adopt(cells + CELLS.keeper, old.heap, oldKeeper, rule.block, sources);
    else adoptBoxes(old, runner, oldKeeper, cells + CELLS.keeper, rule.block, sources);
    // Reports of one time are told apart by their number: the key stays as long as there may be another.
    const due = f64[from + CELLS.due]!;
    runner.resume(ks, now, due === Infinity && isLast ? now + 1 : due, due === Infinity ? LAST : f64[from + CELLS.number]!);
    return ks;
  };
}

function adoptBoxes(old: Old, { store: { heap }, block }: WindowRunner, from: number, to: number, was: BlockState, sources: readonly number[]): void {
  let link = 2 * to;
  for (const box of boxes(old.heap, from)) {
    const made = heap.alloc(BOX.block + block.units);
    heap.ints(made)[2 * made + BOX.flags] = old.heap.i32[2 * box + BOX.flags]!;
    for (const cell of [BOX.start, BOX.end, BOX.number, BOX.first, BOX.last, BOX.events, BOX.early, BOX.told]) heap.floats(made)[made + cell] = old.heap.f64[box + cell]!;
    block.adopt(made + BOX.block, old.heap, box + BOX.block, was, sources, old.heap.f64[box + BOX.events]!);
    heap.ints(link >> 1)[link] = made;
    link = 2 * made + BOX.next;
  }
}

/** The boxes whose list begins in the first int of a unit. */
function* boxes({ i32 }: Heap, at: number): Iterable<number> {
  for (let box = i32[2 * at]!; box !== 0; box = i32[2 * box + BOX.next]!) yield box;
}
