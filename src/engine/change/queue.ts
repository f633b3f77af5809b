/** The runs of a loop in step (cohort.ts), from an old state to a new plan: as a queue again, or as classes where they no longer go in step. */
import { difference, ENTRY, NO_START, QUEUE, TAKEN, WIDE } from '../cohort.ts';
import { EVENT, KEY } from '../layout.ts';
import type { RuleRunner } from '../runner.ts';
import type { Store } from '../store.ts';
import type { PatternMapping } from './compare.ts';
import type { Events, Graph } from './graph.ts';
import { Unfit } from './graph.ts';
import { OldQueue, type Old } from './old.ts';

const NEVER = 0x7fffffff;
/** More nodes than this for one key are not made of a queue. */
const MOST_NODES = 1_000_000;

/** The place of the oldest run that is not over; `last` where there is none. */
function firstOpen(old: Old, { old: rule }: PatternMapping, queue: OldQueue, ks: number): number {
  let n = queue.first;
  while (n < queue.last && (!queue.starts(n) || old.isOver(rule, ks, queue.event(n)))) n++;
  return n;
}

export function adoptQueue(old: Old, mapping: PatternMapping, own: number, store: Store, runner: RuleRunner, events: Events, ks: number): void {
  const { old: rule } = mapping;
  const queue = new OldQueue(old, rule, own);
  const from = firstOpen(old, mapping, queue, own);
  const count = queue.last - from;
  if (count === 0) return;
  const { heap } = store;
  const before = old.heap;
  const { cohort } = runner.plan;
  const now = runner.plan.positions[cohort!.position]!;
  const was = rule.positions[rule.cohort!.position]!;
  const made = runner.cohort!.adopt(ks, count);
  const { q } = made;
  heap.touch(q, made.entry(count));
  const cellOf = (i: number): number => was.registers.indexOf(now.registers[i]!);
  const oldExit = cohort!.exits.map((exit) => rule.cohort!.exits.indexOf(mapping.slots[rule.cohort!.position]![exit.slot]!));
  const columns = [
    ...made.totalCells.map((cell) => queue.totalCells.indexOf(cellOf(cell))),
    ...made.sumCells.flatMap((cell) => { const k = queue.totalCells.length + 2 * queue.sumCells.indexOf(cellOf(cell)); return [k, k + 1]; }),
  ];
  const flags = before.i32[2 * queue.q + QUEUE.flags]!;
  const taken: number[] = [];
  for (let n = from; n < queue.last; n++) {
    const event = events.take(queue.event(n));
    const old_ = queue.taken(n);
    let bits = old_ & NO_START;
    oldExit.forEach((exit, e) => { if (exit >= 0 && (old_ & (1 << exit)) !== 0) bits |= 1 << e; });
    taken.push(bits);
    const at = made.entry(n - from);
    const i32 = heap.ints(at - 1);
    i32[2 * (at - 1) + ENTRY.event] = event;
    i32[2 * (at - 1) + ENTRY.taken] = bits;
    columns.forEach((column, k) => { heap.floats(at)[at + k] = before.f64[queue.entry(n) + column]!; });
  }
  const f64 = heap.floats(q);
  const i32 = heap.ints(q);
  const oldest = i32[2 * (made.entry(0) - 1) + ENTRY.event]!;
  f64[q + QUEUE.oldestTime] = heap.f64[oldest + EVENT.time]!;
  f64[q + QUEUE.oldestNumber] = heap.f64[oldest + EVENT.number]!;
  i32[2 * q + QUEUE.first] = 0;
  i32[2 * q + QUEUE.last] = count;
  i32[2 * q + QUEUE.newest] = before.i32[2 * queue.q + QUEUE.newest]!;
  i32[2 * q + QUEUE.flags] = (flags & WIDE) | (taken.some((bits) => (bits & ~NO_START) !== 0) ? TAKEN : 0);
  oldExit.forEach((exit, e) => { i32[2 * q + QUEUE.lows + e] = exit < 0 ? 0 : before.i32[2 * queue.q + QUEUE.lows + exit]!; });
  now.registers.forEach((_, i) => { f64[q + made.registers + i] = before.f64[queue.q + queue.registers + cellOf(i)]!; });
  columns.forEach((column, k) => { f64[q + made.totals + k] = before.f64[queue.q + queue.totals + column]!; });
  heap.ints(ks)[2 * ks + KEY.nodes] = count;
}

/** Every run with a history and a class of its own. */
export function expandQueue(old: Old, mapping: PatternMapping, own: number, store: Store, runner: RuleRunner, events: Events, graph: Graph, ks: number): void {
  const { old: rule } = mapping;
  const cohort = rule.cohort!;
  const queue = new OldQueue(old, rule, own);
  const { heap } = store;
  const before = old.heap;
  const was = rule.positions[cohort.position]!;
  const position = runner.plan.positions[mapping.positions[cohort.position]!]!;
  const slots = mapping.slots[cohort.position]!;
  const newest = queue.q === 0 ? 0 : before.i32[2 * queue.q + QUEUE.newest]!;
  let nodes = 0;
  for (let n = firstOpen(old, mapping, queue, own); n < queue.last; n++) {
    if (!queue.starts(n)) continue;
    nodes += queue.last - n;
    if (nodes > MOST_NODES) throw new Unfit(rule.name, 'its runs no longer go through its loop in step, and there are too many of them to be followed one by one');
    const registers = registersOf(old, mapping, queue, n);
    const out = Float64Array.from(position.registers, (register) => (was.registers.includes(register) ? registers[was.registers.indexOf(register)]! : 0));
    let head = 0;
    for (let m = n; m < queue.last; m++) {
      // Only the last one's number in the key matters: each of the others is alone in its chain.
      const links = head === 0 ? [] : [[head, 0] as const];
      head = graph.makeNode(events.take(queue.event(m)), position.id, links, 0, Math.max(0, newest - (queue.last - 1 - m)));
    }
    const h = position.single ? 2 * ks + runner.layout.positions[position.id]! : runner.adoptClass(ks, position, out, 0);
    if (position.single && heap.i32[h] !== 0) throw new Unfit(rule.name, 'its runs no longer go through its loop in step, and nothing tells them apart now');
    store.retainNode(head);
    heap.ints(h >> 1)[h] = head;
    for (const edge of position.out) {
      const exit = cohort.exits.indexOf(slots[edge.slot]!);
      const isTaken = exit >= 0 && (queue.taken(n) & (1 << exit)) !== 0;
      const passes = edge.guards.every(({ cell, min, max }) => out[cell]! >= min && out[cell]! <= max);
      const low = exit < 0 ? 0 : before.i32[2 * queue.q + QUEUE.lows + exit]!;
      heap.ints(h >> 1)[h + 1 + edge.slot] = isTaken || !passes ? NEVER : low;
    }
  }
}

/** The registers, by old cell, of the run that began at an entry. */
function registersOf(old: Old, { old: rule }: PatternMapping, queue: OldQueue, n: number): number[] {
  const { f64, i32 } = old.heap;
  const { cells } = rule.cohort!;
  const registers: number[] = [];
  const totals = queue.q + queue.totals;
  const wide = (i32[2 * queue.q + QUEUE.flags]! & WIDE) !== 0;
  cells.forEach((kind, cell) => {
    switch (kind) {
      case 'count': registers.push(queue.last - n); break;
      case 'shared': registers.push(f64[queue.q + queue.registers + cell]!); break;
      case 'total': { const k = queue.totalCells.indexOf(cell); registers.push(f64[totals + k]! - f64[queue.entry(n) + k]!); break; }
      case 'sum': {
        const k = queue.totalCells.length + 2 * queue.sumCells.indexOf(cell);
        if (!wide) { registers.push(difference(f64[totals + k]!, f64[totals + k + 1]!, f64[queue.entry(n) + k]!, f64[queue.entry(n) + k + 1]!)); break; }
        let sum = 0;
        for (let m = n; m < queue.last; m++) sum += f64[queue.entry(m) + k]!;
        registers.push(sum);
        break;
      }
    }
  });
  return registers;
}
