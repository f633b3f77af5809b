/** The runs of one rule, key by key, from an old state into the records of a new plan. */
import type { EdgePlan, PositionPlan } from '../../compile/plan.ts';
import { CLASS, EVENT, KEY, NODE, START } from '../layout.ts';
import { heldMatch, holdMatch } from '../start-notes.ts';
import type { RuleRunner } from '../runner.ts';
import type { Store } from '../store.ts';
import { isDerivable, type PatternMapping } from './compare.ts';
import type { RuleState } from './describe.ts';
import { Unfit, type Events, type Graph } from './graph.ts';
import type { Old, OldKey } from './old.ts';
import { adoptQueue, expandQueue } from './queue.ts';

const NEVER = 0x7fffffff;

/** A run that is put into a class anew. */
interface Item { readonly node: number; readonly sequence: number; readonly registers: Float64Array; /** bits of new edges */ readonly open: number; readonly sr: number }

export interface RunsOptions {
  /** The starts that the rule shares stay shared. */
  readonly shares: boolean;
  /** By old slot of a field: the new one, -1: gone. */
  readonly slots: readonly number[];
  /** By old predicate of a step of a logged ban: those of now. */
  readonly predicates: ReadonlyMap<number, readonly number[]>;
}

export class Runs {
  readonly #old: Old;
  readonly #rule: RuleState;
  readonly #store: Store;
  readonly #runner: RuleRunner;
  readonly #mapping: PatternMapping;
  readonly #events: Events;
  readonly #graph: Graph;
  readonly #options: RunsOptions;
  /** Positions whose runs are put into classes anew. */
  readonly #anew: readonly boolean[];
  /** By position, per register of now: what gives its value. */
  readonly #sources: readonly (readonly ((h: number, node: number) => number)[])[];

  constructor(old: Old, store: Store, runner: RuleRunner, mapping: PatternMapping, events: Events, graph: Graph, options: RunsOptions) {
    this.#old = old;
    this.#rule = mapping.old;
    this.#store = store;
    this.#runner = runner;
    this.#mapping = mapping;
    this.#events = events;
    this.#graph = graph;
    this.#options = options;
    this.#sources = this.#rule.positions.map((_, p) => this.#now(p).registers.map((register) => this.#source(p, register)));
    this.#anew = this.#rule.positions.map((position, p) => {
      const now = this.#now(p);
      const derives = now.registers.some((register) => !position.registers.includes(register) && !register.startsWith('#'));
      return derives || now.single !== position.single || this.#boundsChanged();
    });
  }

  /** The record of a key, put among the keys by the caller; 0: nothing is left of it. */
  key({ own, shared }: OldKey, now: number): number {
    const { heap, K } = this.#store;
    const { f64, i32 } = this.#old.heap;
    const runner = this.#runner;
    const from = own === 0 ? shared : own;
    for (let i = 0; i < runner.layout.width; i++) K[i] = f64[from + KEY.key + i]!;
    const ks = runner.newKey();
    this.#graph.begin(from);
    if (own !== 0) {
      const ints = heap.ints(ks);
      const floats = heap.floats(ks);
      ints[2 * ks + KEY.sequence] = i32[2 * own + KEY.sequence]!;
      ints[2 * ks + KEY.dropped] = i32[2 * own + KEY.dropped]!;
      floats[ks + KEY.minStart] = f64[own + KEY.minStart]!;
      floats[ks + KEY.last] = f64[own + KEY.last]!;
      if (this.#rule.group < 0 && runner.plan.group < 0) floats[ks + KEY.timers] = f64[own + KEY.timers]!;
      this.#remembered(own, ks);
    }
    if (runner.plan.group >= 0) heap.floats(ks)[ks + KEY.timers] = this.#options.shares ? (own === 0 ? 0 : f64[own + KEY.timers]!) : this.#store.num;
    if (own !== 0) this.#bindings(own, ks);
    if (!this.#options.shares) this.#pull(own, shared, ks, now);
    const nodes = this.#graph.end();
    if (runner.plan.cohort === undefined) {
      const ints = heap.ints(ks);
      ints[2 * ks + KEY.nodes] = nodes;
      ints[2 * ks + KEY.trimAt] = Math.max(64, 2 * nodes);
    }
    if (runner.isEmpty(ks, now)) {
      runner.forget(ks);
      heap.free(ks, runner.layout.units);
      return 0;
    }
    runner.adoptTimers(ks, now);
    return ks;
  }

  #now(p: number): PositionPlan { return this.#runner.plan.positions[this.#mapping.positions[p]!]!; }

  /** A `gap` or a stage's `within` is another: a run that is past the old one must not come back by the new. */
  #boundsChanged(): boolean {
    if (this.#rule.tracked) return false;
    const a = this.#rule.identity;
    const b = this.#runner.plan.identity;
    return a.gap?.text !== b.gap?.text || Object.entries(a.stages).some(([name, stage]) => stage.within?.text !== b.stages[name]?.within?.text);
  }

  /** What leading bans and banned sequences remember. */
  #remembered(own: number, ks: number): void {
    const { heap } = this.#store;
    const from = this.#old.heap;
    const { layout } = this.#runner;
    const old = this.#rule.layout;
    if (this.#rule.leading) for (let i = 0; i < this.#rule.starts.length; i++) heap.floats(ks)[ks + layout.leading + i] = from.f64[own + old.leading + i]!;
    this.#runner.plan.sequences.forEach(({ steps }, i) => {
      for (let k = 0; k <= 3 * steps.length; k++) heap.floats(ks)[ks + layout.sequences[i]! + k] = from.f64[own + old.sequences[i]! + k]!;
    });
    if (old.log < 0) return;
    const width = this.#old.described.slots + 1;
    for (let p = from.i32[2 * own + old.log]!; p !== 0; p = from.i32[2 * p]!) {
      const count = from.i32[2 * p + 2]!;
      const cells = new Float64Array(this.#store.E.length).fill(NaN);
      this.#options.slots.forEach((slot, i) => { if (slot >= 0) cells[slot] = from.f64[p + 2 + i]!; });
      cells[cells.length - 1] = from.f64[p + 2 + width - 1]!;
      const predicates = Array.from(from.f64.slice(p + 2 + width, p + 2 + width + count)).flatMap((predicate) => this.#options.predicates.get(predicate) ?? []);
      this.#runner.adoptLogged(ks, { sequence: from.i32[2 * p + 1]!, cells, predicates: [...new Set(predicates)] });
    }
  }

  #bindings(own: number, ks: number): void {
    if (this.#rule.cohort !== undefined) {
      if (this.#runner.plan.cohort !== undefined) adoptQueue(this.#old, this.#mapping, own, this.#store, this.#runner, this.#events, ks);
      else expandQueue(this.#old, this.#mapping, own, this.#store, this.#runner, this.#events, this.#graph, ks);
      return;
    }
    const starts = this.#starts(own, ks);
    const classes = new Map<number, number[]>();
    this.#old.eachClass(this.#rule, own, (h, p) => { classes.set(p, [h, ...classes.get(p) ?? []]); });
    for (const [p, handles] of classes) {
      if (this.#anew[p]) this.#insert(ks, p, handles.reverse().flatMap((h) => this.#items(own, h, p, starts)));
      else for (const h of handles) this.#move(h, p, ks, starts);
    }
  }

  /** Start records, with what is held back and told of them. By old record. */
  #starts(own: number, ks: number): Map<number, number> {
    const { heap } = this.#store;
    const from = this.#old.heap;
    const starts = new Map<number, number>();
    const list: number[] = [];
    for (let sr = from.i32[2 * own + KEY.starts]!; sr !== 0; sr = from.i32[2 * sr + START.next]!) list.push(sr);
    const stageOf = (stage: number): number => this.#mapping.stages[stage]!;
    for (const sr of list.reverse()) {
      const event = this.#events.take(from.i32[2 * sr + START.event]!);
      const made = this.#runner.adoptStart(ks, event);
      this.#store.releaseEvent(event);
      heap.ints(made)[2 * made + START.flags] = from.i32[2 * sr + START.flags]!;
      const held = heldMatch(from, sr);
      if (held !== undefined) holdMatch(heap, made, { events: held.events.map((one) => this.#events.take(one)), stages: held.stages.map(stageOf), to: held.to });
      const told: number[][] = [];
      for (let p = from.i32[2 * sr + START.told]!; p !== 0; p = from.i32[2 * p]!) told.push(Array.from(from.f64.slice(p + 1, p + 1 + 2 * from.i32[2 * p + 1]!)));
      for (const pairs of told.reverse()) this.#runner.adoptTold(made, pairs.map((value, i) => (i % 2 === 0 ? stageOf(value) : value)));
      starts.set(sr, made);
    }
    return starts;
  }

  /** A class as it is, with its chain. */
  #move(h: number, p: number, ks: number, starts: ReadonlyMap<number, number>): void {
    const { heap } = this.#store;
    const position = this.#now(p);
    const from = this.#old.heap;
    const head = this.#graph.alias(from.i32[h]!);
    if (head === 0) return;
    const registers = this.#registers(h, p, from.i32[h]!);
    const made = this.#class(ks, position, registers, position.single ? 0 : starts.get(from.i32[h + CLASS.start]!) ?? 0);
    this.#store.retainNode(head);
    heap.ints(made >> 1)[made] = head;
    const slots = this.#mapping.slots[p]!;
    let lowest = NEVER;
    for (let slot = 0; slot < this.#rule.positions[p]!.out.length; slot++) lowest = Math.min(lowest, from.i32[h + 1 + slot]!);
    for (const edge of position.out) {
      const slot = slots[edge.slot]!;
      // A step that is new is open to the runs that were open.
      const low = slot >= 0 ? from.i32[h + 1 + slot]! : passes(edge, registers) ? lowest : NEVER;
      heap.ints(made >> 1)[made + 1 + edge.slot] = low;
    }
  }

  #class(ks: number, position: PositionPlan, registers: Float64Array, sr: number): number {
    return position.single ? 2 * ks + this.#runner.layout.positions[position.id]! : this.#runner.adoptClass(ks, position, registers, sr);
  }

  #items(own: number, h: number, p: number, starts: ReadonlyMap<number, number>): Item[] {
    const from = this.#old.heap;
    const items: Item[] = [];
    for (const node of this.#old.chain(h)) {
      const open = this.#old.openSlots(this.#rule, own, h, p, node);
      if (open === 0) continue;
      const registers = this.#registers(h, p, node);
      const sr = this.#rule.positions[p]!.single ? 0 : starts.get(from.i32[h + CLASS.start]!) ?? 0;
      items.push({ node, sequence: from.i32[2 * node + NODE.sequence]!, registers, open: this.#openNow(p, open, registers), sr });
    }
    return items.reverse();
  }

  #openNow(p: number, open: number, registers: Float64Array): number {
    let bits = 0;
    for (const edge of this.#now(p).out) {
      const slot = this.#mapping.slots[p]![edge.slot]!;
      if (slot >= 0 ? (open & (1 << slot)) !== 0 : passes(edge, registers)) bits |= 1 << edge.slot;
    }
    return bits;
  }

  /** Runs at one position, into classes by what they agree in. */
  #insert(ks: number, p: number, items: readonly Item[]): void {
    const position = this.#now(p);
    const groups = new Map<string, Item[]>();
    for (const item of items) {
      if (item.open === 0) continue;
      const name = position.single ? '' : `${item.sr}|${item.open}|${item.registers.join()}`;
      const list = groups.get(name);
      if (list === undefined) groups.set(name, [item]);
      else list.push(item);
    }
    for (const group of groups.values()) {
      group.sort((a, b) => a.sequence - b.sequence);
      this.#chain(this.#class(ks, position, group[0]!.registers, group[0]!.sr), position, group);
    }
  }

  #chain(h: number, position: PositionPlan, group: readonly Item[]): void {
    const { heap } = this.#store;
    const lows = position.out.map((edge) => {
      const low = group.find((item) => (item.open & (1 << edge.slot)) !== 0)?.sequence ?? NEVER;
      if (group.some((item) => item.sequence >= low && (item.open & (1 << edge.slot)) === 0)) {
        throw new Unfit(this.#rule.name, 'some of its runs wait for other steps than others, and nothing tells them apart now');
      }
      return low;
    });
    let previous = heap.i32[h]!;
    for (const item of group) {
      const links = this.#graph.newLinks(item.node);
      if (links.length === 0 && this.#old.heap.i32[2 * item.node + NODE.link] !== 0) continue;
      previous = this.#graph.node(item.node, links, previous, item.sequence);
    }
    if (previous === 0) return;
    this.#store.retainNode(previous);
    heap.ints(h >> 1)[h] = previous;
    position.out.forEach((edge, i) => { heap.ints(h >> 1)[h + 1 + edge.slot] = lows[i]!; });
  }

  /** What the run of a node has in the registers of now. */
  #registers(h: number, p: number, node: number): Float64Array {
    const sources = this.#sources[p]!;
    const registers = new Float64Array(sources.length);
    for (let i = 0; i < sources.length; i++) registers[i] = sources[i]!(h, node);
    return registers;
  }

  #source(p: number, register: string): (h: number, node: number) => number {
    const position = this.#rule.positions[p]!;
    const { f64 } = this.#old.heap;
    const now = this.#now(p);
    const cell = position.single ? -1 : position.registers.indexOf(register);
    const at = position.at + cell;
    const kept = cell < 0 ? undefined : (h: number): number => f64[(h >> 1) + at]!;
    if (register === '#mask' || register === '#lazy') return (h) => this.#bits(p, kept?.(h) ?? 0);
    if (kept !== undefined) return kept;
    return register.startsWith('#') ? () => 0 : (_, node) => this.#derived(register, now, node);
  }

  #bits(p: number, old: number): number {
    let bits = 0;
    this.#mapping.slots[p]!.forEach((slot, edge) => { if (slot >= 0 && (old & (1 << slot)) !== 0) bits |= 1 << edge; });
    return bits;
  }

  #derived(register: string, now: PositionPlan, node: number): number {
    const stage = now.stage < 0 ? undefined : this.#runner.plan.stages[now.stage]!.name;
    if (!isDerivable(register, stage)) throw new Unfit(this.#rule.name, 'it reads what its open runs have not kept');
    const from = this.#old.heap;
    const event = from.i32[2 * node + NODE.event]!;
    if (register === 'p:#time' || /^[tT]:/.test(register)) return from.f64[event + EVENT.time]!;
    return this.#old.field(event, register.startsWith('p:') ? register.slice(2) : register.slice(3 + stage!.length));
  }

  /** Starts that were shared and are not any more become the rule's own. */
  #pull(own: number, shared: number, ks: number, now: number): void {
    const nodes = this.#old.pending(this.#rule, own, shared);
    if (nodes.length === 0) return;
    const { heap } = this.#store;
    const p = this.#rule.starts[0]!;
    const position = this.#now(p);
    if (own === 0) heap.floats(ks)[ks + KEY.last] = now;
    const sequence = heap.i32[2 * ks + KEY.sequence]!;
    const all = (1 << this.#rule.positions[p]!.out.length) - 1;
    const items = nodes.reverse().map((node): Item => {
      const registers = Float64Array.from(position.registers, (register) => (register.startsWith('#') ? 0 : this.#derived(register, position, node)));
      return { node, sequence, registers, open: this.#openNow(p, all, registers), sr: 0 };
    });
    const h = 2 * ks + this.#runner.layout.positions[position.id]!;
    if (!position.single || heap.i32[h] === 0) { this.#insert(ks, p, items); return; }
    // On top of those it had taken over: they are later than those, and open to every step.
    let previous = heap.i32[h]!;
    for (const { node } of items) previous = this.#graph.makeNode(this.#events.take(this.#old.heap.i32[2 * node + NODE.event]!), position.id, [], previous, sequence);
    this.#store.retainNode(previous);
    const before = heap.i32[h]!;
    heap.ints(h >> 1)[h] = previous;
    heap.ints(before)[2 * before + NODE.references]!--;
    for (const edge of position.out) if (heap.i32[h + 1 + edge.slot]! > sequence) heap.ints(h >> 1)[h + 1 + edge.slot] = sequence;
  }
}

/** Does a new edge stand open to a run with these registers? */
function passes(edge: EdgePlan, registers: Float64Array): boolean {
  return edge.guards.every(({ cell, min, max }) => registers[cell]! >= min && registers[cell]! <= max);
}

