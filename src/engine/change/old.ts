/** The state of an engine of other rules, opened for reading with the layouts that its image tells. */
import { APART_BYTES, Heap } from '../../state/heap.ts';
import type { WholeImage } from '../../state/image.ts';
import { Members } from '../../state/members.ts';
import { ENTRY, NO_START, QUEUE } from '../cohort.ts';
import type { Roots } from '../images.ts';
import { CLASS, EVENT, KEY, NODE, START } from '../layout.ts';
import { heldLength } from '../start-notes.ts';
import { readDescription, type RuleState, type StateDescription } from './describe.ts';
import type { Adopted } from './compare.ts';

/** The records of one key: of a rule itself, and of the starts that it shares; 0: there is none. */
export interface OldKey { readonly own: number; readonly shared: number }

export class Old {
  readonly described: StateDescription;
  readonly heap: Heap;
  readonly tables: Heap;
  readonly windows: Members;
  readonly now: number;
  readonly adopted: Readonly<Record<string, Adopted>>;
  /** Key records by rule index. */
  readonly #keys: number[][];

  constructor(image: WholeImage, roots: Roots, now: number, adopted: Readonly<Record<string, Adopted>>) {
    this.now = now;
    this.adopted = adopted;
    this.described = readDescription(image.sections.get('rules'));
    const apart = roots.pageBytes === APART_BYTES;
    const pagesOf = (name: string): readonly Uint8Array[] => image.sections.get(name) ?? [];
    this.heap = new Heap(undefined, apart);
    this.heap.load(roots.heap, pagesOf('heap'));
    this.tables = new Heap(undefined, apart);
    this.tables.load(roots.tables, pagesOf('tables'));
    const members = (name: string): Members => {
      const made = new Members(roots.pageBytes >> 3);
      made.load(pagesOf(name));
      return made;
    };
    this.windows = members('windows');
    this.#keys = this.described.rules.map(() => []);
    for (const ks of members('keys').all()) this.#keys[this.heap.i32[2 * ks + KEY.rule]!]!.push(ks);
  }

  keysOf(rule: number): readonly number[] { return this.#keys[rule]!; }

  /** All keys of a rule, those whose only runs are shared starts among them. */
  *keys(rule: number): Iterable<OldKey> {
    const { group, width } = this.described.rules[rule]!;
    if (group < 0) {
      for (const own of this.keysOf(rule)) yield { own, shared: 0 };
      return;
    }
    const shared = new Map<string, number>();
    const nameOf = (ks: number): string => this.heap.f64.slice(ks + KEY.key, ks + KEY.key + width).join();
    for (const ks of this.keysOf(group)) shared.set(nameOf(ks), ks);
    for (const own of this.keysOf(rule)) {
      const name = nameOf(own);
      yield { own, shared: shared.get(name) ?? 0 };
      shared.delete(name);
    }
    for (const ks of shared.values()) yield { own: 0, shared: ks };
  }

  /** Open runs of a key, and the matches held back of starts that have none. */
  runs(rule: RuleState, { own, shared }: OldKey): number {
    let runs = this.pending(rule, own, shared).length;
    if (own === 0) return runs;
    if (rule.cohort !== undefined) return runs + this.#inStep(rule, own);
    this.eachClass(rule, own, (h, p) => {
      for (const n of this.chain(h)) if (this.openSlots(rule, own, h, p, n) !== 0) runs++;
    });
    const { heap } = this;
    for (let sr = heap.i32[2 * own + KEY.starts]!; sr !== 0; sr = heap.i32[2 * sr + START.next]!) {
      if (heldLength(heap, sr) > 0 && heap.i32[2 * sr + START.classes] === 0) runs++;
    }
    return runs;
  }

  /** Nodes of the shared starts that a rule has not taken over, the latest first. */
  pending(rule: RuleState, own: number, shared: number): number[] {
    if (shared === 0) return [];
    const { i32, f64 } = this.heap;
    const group = this.described.rules[rule.group] as RuleState;
    const seen = Math.max(own === 0 ? 0 : f64[own + KEY.timers]!, this.adopted[rule.name]?.since ?? 0);
    const least = own === 0 ? -Infinity : f64[own + KEY.minStart]!;
    const nodes: number[] = [];
    for (let n = i32[2 * shared + group.layout.positions[rule.starts[0]!]!]!; n !== 0; n = i32[2 * n + NODE.previous]!) {
      const event = i32[2 * n + NODE.event]!;
      if (f64[event + EVENT.number]! <= seen || f64[event + EVENT.time]! + rule.identity.within!.ms! <= this.now) break;
      if (f64[event + EVENT.number]! >= least) nodes.push(n);
    }
    return nodes;
  }

  /** Is a start over by the bound of the whole, or dropped by a skip? */
  isOver(rule: RuleState, ks: number, start: number): boolean {
    const { f64 } = this.heap;
    const within = rule.identity.within?.ms;
    return f64[start + EVENT.number]! < f64[ks + KEY.minStart]! || (within !== undefined && f64[start + EVENT.time]! + within <= this.now);
  }

  /** Bits of the edges that a node of a class may still use; 0: it is no open run. */
  openSlots(rule: RuleState, ks: number, h: number, p: number, node: number): number {
    const { i32 } = this.heap;
    const position = rule.positions[p]!;
    if (!rule.tracked && this.isOver(rule, ks, i32[2 * node + NODE.start]!)) return 0;
    const sequence = i32[2 * node + NODE.sequence]!;
    let open = 0;
    position.out.forEach((edge, slot) => {
      if (sequence < i32[h + 1 + slot]! || (edge.arrow === 'next' && sequence < i32[2 * ks + KEY.sequence]!)) return;
      if (this.#isPast(rule, h, p, slot, node)) return;
      open |= 1 << slot;
    });
    return open;
  }

  eachClass(rule: RuleState, ks: number, visit: (h: number, p: number) => void): void {
    const { i32 } = this.heap;
    rule.positions.forEach((position, p) => {
      if (rule.cohort?.position === p) return;
      const at = 2 * ks + rule.layout.positions[p]!;
      if (position.single) { if (i32[at] !== 0) visit(at, p); return; }
      for (let h = i32[at]!; h !== 0; h = i32[h + CLASS.next]!) visit(h, p);
    });
  }

  *chain(h: number): Iterable<number> {
    const { i32 } = this.heap;
    for (let n = i32[h]!; n !== 0; n = i32[2 * n + NODE.previous]!) yield n;
  }

  /** A register of a class by its name, undefined where the position does not keep it. */
  register(position: PositionLike, h: number, name: string): number | undefined {
    const cell = position.registers.indexOf(name);
    return cell < 0 ? undefined : this.heap.f64[(h >> 1) + position.at + cell]!;
  }

  /** A field of a bound event; null where its type has no such field. */
  field(event: number, name: string): number {
    const type = this.heap.i32[2 * event + EVENT.type]!;
    const cell = type < 0 ? -1 : this.described.types[type]!.kept.indexOf(name);
    return cell < 0 ? NaN : this.heap.f64[event + EVENT.values + cell]!;
  }

  /** A `gap` or the `within` of the next stage, where it is the same for all runs, has passed: the node can never use this edge. */
  #isPast(rule: RuleState, h: number, p: number, slot: number, node: number): boolean {
    if (rule.tracked) return false; // its timer has come
    const { heap: { i32, f64 }, now } = this;
    const { identity, stages } = rule;
    const position = rule.positions[p]!;
    const edge = position.out[slot]!;
    const time = f64[i32[2 * node + NODE.event]! + EVENT.time]!;
    if (identity.gap?.ms !== undefined && time + identity.gap.ms <= now) return true;
    const stage = edge.to < 0 ? -1 : rule.positions[edge.to]!.stage;
    const within = stage < 0 ? undefined : identity.stages[stages[stage]!]!.within;
    if (within?.ms === undefined) return false;
    const since = position.stage >= 0 && stages[position.stage] === within.of ? time : this.register(position, h, `T:${within.of}`) ?? this.register(position, h, `t:${within.of}`);
    return since !== undefined && since + within.ms <= now;
  }

  #inStep(rule: RuleState, ks: number): number {
    const queue = new OldQueue(this, rule, ks);
    let runs = 0;
    for (let n = queue.first; n < queue.last; n++) if (queue.starts(n) && !this.isOver(rule, ks, queue.event(n))) runs++;
    return runs;
  }
}

interface PositionLike { readonly registers: readonly string[]; readonly at: number }

/** The queue of a loop in step (cohort.ts) of one key. */
export class OldQueue {
  readonly q: number;
  readonly first: number;
  readonly last: number;
  /** Float cells from the record's start. */
  readonly registers: number;
  readonly totals: number;
  readonly totalCells: readonly number[];
  readonly sumCells: readonly number[];
  readonly #entries: number;
  readonly #entryUnits: number;
  readonly #heap: Heap;

  constructor(old: Old, rule: RuleState, ks: number) {
    this.#heap = old.heap;
    const { cells, exits, position } = rule.cohort!;
    const { i32 } = old.heap;
    this.q = i32[2 * ks + rule.layout.positions[position]!]!;
    this.first = this.q === 0 ? 0 : i32[2 * this.q + QUEUE.first]!;
    this.last = this.q === 0 ? 0 : i32[2 * this.q + QUEUE.last]!;
    const where = (kind: string): number[] => cells.flatMap((cell, i) => (cell === kind ? [i] : []));
    this.totalCells = where('total');
    this.sumCells = where('sum');
    const totals = this.totalCells.length + 2 * this.sumCells.length;
    this.registers = (QUEUE.lows + exits.length + 1) >> 1;
    this.totals = this.registers + cells.length;
    this.#entries = this.totals + totals;
    this.#entryUnits = 1 + totals;
  }

  /** Float cell of an entry's first total; its ints lie before it. */
  entry(n: number): number { return this.q + this.#entries + n * this.#entryUnits + 1; }
  event(n: number): number { return this.#heap.i32[2 * (this.entry(n) - 1) + ENTRY.event]!; }
  taken(n: number): number { return this.#heap.i32[2 * (this.entry(n) - 1) + ENTRY.taken]!; }
  starts(n: number): boolean { return (this.taken(n) & NO_START) === 0; }
}
