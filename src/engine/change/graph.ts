/**
 * Bound events and the history nodes of one rule, copied from an old state into a new plan's heap as they are asked for, each once. What was over
 * before the change is left out, so that a longer bound revives nothing.
 */
import { EVENT, KEY, LINK, NODE, POSITION_SHIFT, REFERENCES } from '../layout.ts';
import type { Store } from '../store.ts';
import type { PatternMapping } from './compare.ts';
import type { Old } from './old.ts';

const NONE = -1;
const NO_LINKS: readonly (readonly [number, number])[] = [];

/** What is found of a change only by looking at the runs: the rule's state starts fresh. */
export class Unfit extends Error {
  readonly rule: string;
  constructor(rule: string, reason: string) {
    super(reason);
    this.rule = rule;
  }
}

/** Copies of old records by their old place: 0: none yet, -1: left out. One table for events and nodes. */
export class Moved {
  readonly #moved: Int32Array;
  constructor(units: number) { this.#moved = new Int32Array(units + 1); }
  get(p: number): number { return this.#moved[p]!; }
  set(p: number, to: number): void { this.#moved[p] = to; }
}

export class Events {
  readonly #old: Old;
  readonly #store: Store;
  readonly #moved: Moved;
  /** By old type: the new one, -1: gone. */
  readonly types: readonly number[];
  /** By old type: per cell kept now, the old cell, -1: it was not kept or is of another kind now. */
  readonly #cells: readonly (readonly number[])[];

  constructor(old: Old, store: Store, moved: Moved, types: readonly number[], kinds: (type: number, field: string) => string | undefined) {
    this.#old = old;
    this.#store = store;
    this.#moved = moved;
    this.types = types;
    const { plan } = store;
    this.#cells = old.described.types.map((type, t) => {
      const now = types[t]!;
      if (now < 0) return [];
      const names = new Map([...plan.fields[now]!].map(([name, { slot }]) => [slot, name] as const));
      return plan.kept[now]!.map((slot) => {
        const name = names.get(slot)!;
        return type.fields[name] !== undefined && kinds(now, name) === type.fields[name].kind ? type.kept.indexOf(name) : -1;
      });
    });
  }

  /** The copy of an event, with one more reference to it. */
  take(p: number): number {
    const known = this.#moved.get(p);
    const made = known === 0 ? this.#copy(p) : known;
    this.#store.retainEvent(made);
    return made;
  }

  /** The copy that `take` made; 0: it was not taken. */
  known(p: number): number { return this.#moved.get(p); }

  #copy(p: number): number {
    const { heap: from, described } = this.#old;
    const { heap, plan } = this.#store;
    const type = from.i32[2 * p + EVENT.type]!;
    const now = type < 0 ? -1 : this.types[type]!;
    const kept = type < 0 ? 0 : described.types[type]!.kept.length;
    const cells = type < 0 ? [] : this.#cells[type]!;
    const oldLength = from.i32[2 * p + EVENT.length]!;
    const length = now >= 0 && plan.keepBytes[now] === true ? oldLength : 0;
    const made = heap.alloc(EVENT.values + cells.length + ((length + 7) >> 3));
    const i32 = heap.newInts;
    const f64 = heap.newFloats;
    for (let i = 0; i < EVENT.values; i++) f64[made + i] = from.f64[p + i]!;
    // By ints: floats do not carry every pattern of bits.
    for (let i = 2 * EVENT.offset + 2; i < 2 * EVENT.values; i++) i32[2 * made + i] = from.i32[2 * p + i]!;
    i32[2 * made + EVENT.type] = now;
    i32[2 * made + EVENT.references] = 0;
    i32[2 * made + EVENT.length] = length;
    for (let k = 0; k < cells.length; k++) f64[made + EVENT.values + k] = cells[k]! < 0 ? NaN : from.f64[p + EVENT.values + cells[k]!]!;
    const start = 8 * (p + EVENT.values + kept);
    if (length > 0) heap.newBytes.set(from.u8.subarray(start, start + length) as Uint8Array, 8 * (made + EVENT.values + cells.length));
    this.#moved.set(p, made);
    return made;
  }
}

/** The history graph of one rule. */
export class Graph {
  readonly #old: Old;
  readonly #store: Store;
  readonly #events: Events;
  readonly #moved: Moved;
  readonly #mapping: PatternMapping;
  /** Of the key at hand: its old record, and the nodes made for it. */
  #key = 0;
  readonly #made: number[] = [];

  constructor(old: Old, store: Store, events: Events, moved: Moved, mapping: PatternMapping) {
    this.#old = old;
    this.#store = store;
    this.#events = events;
    this.#moved = moved;
    this.#mapping = mapping;
  }

  begin(oldKey: number): void {
    this.#key = oldKey;
    this.#made.length = 0;
  }

  /** All of the key is copied: copies that nothing refers to go. Returns how many nodes are left. */
  end(): number {
    let left = this.#made.length;
    for (const n of this.#made.reverse()) {
      if (this.references(n) > 0) continue;
      this.#store.retainNode(n);
      left -= this.#store.releaseNode(n);
    }
    return left;
  }

  /** The copy of a node, or of the nearest node below it in its chain that is not over; 0: there is none. Nobody refers to it yet but others of the graph. */
  alias(root: number): number {
    const { i32 } = this.#old.heap;
    const moved = this.#moved;
    if (root === 0 || moved.get(root) !== 0) return this.#to(root);
    // The usual case: one event, alone in its chain.
    if (i32[2 * root + NODE.previous] === 0 && i32[2 * root + NODE.link] === 0) {
      moved.set(root, this.#isOver(root) ? NONE : this.node(root, NO_LINKS, 0, i32[2 * root + NODE.sequence]!));
      return this.#to(root);
    }
    const stack = [root];
    while (stack.length > 0) {
      const n = stack[stack.length - 1]!;
      if (n === 0 || moved.get(n) !== 0) { stack.pop(); continue; }
      const waits: number[] = [];
      const want = (other: number): void => { if (other !== 0 && moved.get(other) === 0) waits.push(other); };
      const over = this.#isOver(n);
      want(i32[2 * n + NODE.previous]!);
      if (!over) for (const [head] of this.links(n)) want(head);
      if (waits.length > 0) { stack.push(...waits); continue; }
      const previous = this.#to(i32[2 * n + NODE.previous]!);
      const links = over ? [] : this.newLinks(n);
      const isStart = i32[2 * n + NODE.link] === 0;
      const gone = over || (!isStart && links.length === 0);
      moved.set(n, gone ? previous || NONE : this.node(n, links, previous, i32[2 * n + NODE.sequence]!));
      stack.pop();
    }
    return this.#to(root);
  }

  /** Links of an old node: head and lowest sequence number. */
  links(n: number): (readonly [head: number, low: number])[] {
    const { i32 } = this.#old.heap;
    const head = i32[2 * n + NODE.link]!;
    if (head === 0) return [];
    const links: (readonly [number, number])[] = [[head, i32[2 * n + NODE.low]!]];
    for (let more = i32[2 * n + NODE.more]!; more !== 0; more = i32[2 * more + LINK.next]!) links.push([i32[2 * more + LINK.head]!, i32[2 * more + LINK.low]!]);
    return links;
  }

  /** The same over copies, as far as anything is left of them. */
  newLinks(n: number): (readonly [head: number, low: number])[] {
    const links: (readonly [number, number])[] = [];
    for (const [head, low] of this.links(n)) {
      const to = this.alias(head);
      if (to !== 0 && this.#store.heap.i32[2 * to + NODE.sequence]! >= low) links.push([to, low]);
    }
    return links;
  }

  /** A node with the event and position of an old one. `previous` and the links get a reference each. */
  node(n: number, links: readonly (readonly [head: number, low: number])[], previous: number, sequence: number): number {
    const { i32 } = this.#old.heap;
    const position = this.#mapping.positions[i32[2 * n + NODE.references]! >> POSITION_SHIFT]!;
    return this.makeNode(this.#events.take(i32[2 * n + NODE.event]!), position, links, previous, sequence);
  }

  /** The reference to the event is the node's. */
  makeNode(event: number, position: number, links: readonly (readonly [head: number, low: number])[], previous: number, sequence: number): number {
    const store = this.#store;
    const { heap } = store;
    const made = heap.alloc(NODE.units);
    const i = 2 * made;
    const numberOf = (start: number): number => heap.f64[start + EVENT.number]!;
    // The latest start of all that it stands on; a chain's first node tells that of the whole chain.
    let start = links.length === 0 ? event : 0;
    const later = (n: number): void => {
      const other = heap.i32[2 * n + NODE.start]!;
      if (start === 0 || numberOf(other) > numberOf(start)) start = other;
    };
    for (const [head] of links) later(head);
    if (previous !== 0) later(previous);
    const i32 = heap.newInts;
    i32[i + NODE.sequence] = sequence;
    i32[i + NODE.event] = event;
    i32[i + NODE.references] = position << POSITION_SHIFT;
    i32[i + NODE.start] = start;
    i32[i + NODE.previous] = previous;
    store.retainNode(previous);
    links.forEach(([head, low], k) => {
      store.retainNode(head);
      if (k === 0) {
        heap.ints(made)[i + NODE.link] = head;
        heap.ints(made)[i + NODE.low] = low;
        return;
      }
      const link = heap.alloc(LINK.units);
      const ints = heap.newInts;
      ints[2 * link + LINK.head] = head;
      ints[2 * link + LINK.low] = low;
      ints[2 * link + LINK.next] = heap.i32[i + NODE.more]!;
      heap.ints(made)[i + NODE.more] = link;
    });
    this.#made.push(made);
    return made;
  }

  references(n: number): number { return this.#store.heap.i32[2 * n + NODE.references]! & REFERENCES; }

  #to(n: number): number { return n === 0 || this.#moved.get(n) === NONE ? 0 : this.#moved.get(n); }

  #isOver(n: number): boolean {
    const { old } = this.#mapping;
    return !old.tracked && this.#old.isOver(old, this.#key, this.#old.heap.i32[2 * n + NODE.start]!);
  }
}

/** Ints of a key record that go over as they are. */
export const KEPT_INTS = [KEY.sequence, KEY.dropped] as const;
