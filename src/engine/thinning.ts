/** Keeps what a key holds in bounds: drops what is dead, rebuilds chains that mostly are, and lets go of the oldest runs where more events are held than `keep` allows. */
import type { PositionPlan, RulePlan } from '../compile/plan.ts';
import { EVENT, KEY, type KeyLayout, LINK, NODE, POSITION_SHIFT, START } from './layout.ts';
import type { Store } from './store.ts';

/** A key with so many nodes is looked through for dead ones only where one in SAMPLE of its classes says that it is worth it. */
const SAMPLED = 4096;
const SAMPLE = 16;
const NEVER = 0x7fffffff;

/** What the rule at work does with a key's classes and starts. */
export interface ThinningHost {
  eachClass(ks: number, visit: (h: number, position: PositionPlan) => void): void;
  dropClass(ks: number, position: PositionPlan, h: number): void;
  /** A node with the same histories, in no chain. */
  clone(ks: number, node: number): number;
  killStart(ks: number, sr: number): void;
  settleStarts(ks: number, now: number): void;
  countDrop(ks: number): void;
}

export class Thinning {
  readonly #plan: RulePlan;
  readonly #layout: KeyLayout;
  readonly #store: Store;
  readonly #host: ThinningHost;
  readonly #positions: readonly PositionPlan[];
  /** Sequence number of a key from which its held events are to be counted again for `keep`; derived. */
  readonly #countAt = new Map<number, number>();
  /** Of keys that were gone through for dead nodes: no node has an earlier start than this; derived. */
  readonly #earliest = new Map<number, number>();
  /** Starts in order of keys at the limit of `keep`; derived, so no part of a snapshot. */
  readonly #orders = new Map<number, { readonly events: number[]; readonly sequences: number[]; oldest: number; newest: number }>();
  /** A node is dead once its start is out of time, and by nothing else: no class outlives the closing of an edge. */
  readonly #diesByTime: boolean;

  constructor(plan: RulePlan, layout: KeyLayout, store: Store, host: ThinningHost) {
    this.#plan = plan;
    this.#layout = layout;
    this.#store = store;
    this.#host = host;
    this.#positions = plan.positions;
    this.#diesByTime = plan.within !== undefined && plan.positions.every(({ maskCell, out }) => maskCell < 0 && out.length <= 1 && out.every((edge) => (
      edge.arrow !== 'next' && edge.span === 0 && edge.guards.length + edge.nextBans.length + edge.sequences.length === 0 && edge.clear === undefined)));
  }

  /** The key's record goes. */
  forget(ks: number): void {
    this.#orders.delete(ks);
    this.#countAt.delete(ks);
    this.#earliest.delete(ks);
  }

  /** The heap was restored. */
  reset(): void {
    this.#orders.clear();
    this.#countAt.clear();
    this.#earliest.clear();
  }

  /** Keeps what the key holds in bounds. */
  bound(ks: number, now: number): void {
    const { heap } = this.#store;
    const nodes = heap.i32[2 * ks + KEY.nodes]!;
    if (nodes > this.#plan.rule.keep.count && this.#plan.rule.keep.drop === 'oldest') this.keep(ks, now);
    if (nodes > heap.i32[2 * ks + KEY.trimAt]!) this.#trim(ks, now);
  }

  /** May the runs that a node stands for still go on? */
  isOpen(ks: number, h: number, position: PositionPlan, node: number): boolean {
    const { i32, f64 } = this.#store.heap;
    const sequence = i32[2 * node + NODE.sequence]!;
    if (!position.out.some((edge) => sequence >= i32[h + 1 + edge.slot]! && (edge.arrow !== 'next' || sequence >= i32[2 * ks + KEY.sequence]!))) return false;
    const start = i32[2 * node + NODE.start]!;
    if (f64[start + EVENT.number]! < f64[ks + KEY.minStart]!) return false;
    return this.#plan.within === undefined || f64[start + EVENT.time]! + this.#plan.within > this.#store.current.time;
  }

  /** Is every node of the key known to be open, without a look at any? */
  #allAlive(ks: number, now: number): boolean {
    if (!this.#diesByTime || this.#store.heap.f64[ks + KEY.minStart] !== -Infinity) return false;
    return (this.#earliest.get(ks) ?? -Infinity) + this.#plan.within! > now;
  }

  /** Whether a sample of the key's classes says that going through all of them would free much. */
  #isMostlyDead(ks: number): boolean {
    let classes = 0;
    let open = 0;
    let dead = 0;
    this.#host.eachClass(ks, (h, position) => {
      if (classes++ % SAMPLE !== 0) return;
      const { i32 } = this.#store.heap;
      for (let n = i32[h]!; n !== 0; n = i32[2 * n + NODE.previous]!) {
        if (this.isOpen(ks, h, position, n)) open++;
        else dead++;
      }
    });
    // Few classes of many nodes are no sample.
    return classes < 8 * SAMPLE || 2 * dead > open;
  }

  /** Rebuilds chains that are mostly dead. */
  #trim(ks: number, now: number): void {
    const { heap } = this.#store;
    if (this.#allAlive(ks, now) || (heap.i32[2 * ks + KEY.nodes]! >= SAMPLED && !this.#isMostlyDead(ks))) {
      heap.ints(ks)[2 * ks + KEY.trimAt] = 2 * heap.i32[2 * ks + KEY.nodes]!;
      return;
    }
    let earliest = Infinity;
    this.#host.eachClass(ks, (h, position) => {
      let count = 0;
      let all = 0;
      for (let n = heap.i32[h]!; n !== 0; n = heap.i32[2 * n + NODE.previous]!) {
        all++;
        earliest = Math.min(earliest, heap.f64[heap.i32[2 * n + NODE.start]! + EVENT.time]!);
        if (this.isOpen(ks, h, position, n)) count++;
      }
      if (count === 0) { this.#host.dropClass(ks, position, h); return; }
      if (count * 2 > all) return;
      const open: number[] = [];
      for (let n = heap.i32[h]!; n !== 0; n = heap.i32[2 * n + NODE.previous]!) if (this.isOpen(ks, h, position, n)) open.push(n);
      let previous = 0;
      for (const n of open.reverse()) {
        const copy = this.#host.clone(ks, n);
        heap.ints(copy)[2 * copy + NODE.previous] = previous;
        previous = copy;
      }
      const old = heap.i32[h]!;
      heap.ints(h >> 1)[h] = previous;
      heap.ints(ks)[2 * ks + KEY.nodes]! -= this.#store.releaseNode(old);
    });
    if (this.#diesByTime) this.#earliest.set(ks, Math.min(earliest, now));
    if (this.#plan.tracked) this.#host.settleStarts(ks, now);
    heap.ints(ks)[2 * ks + KEY.trimAt] = Math.max(64, 2 * heap.i32[2 * ks + KEY.nodes]!);
  }

  /** Distinct events held by open runs, and the numbers of the starts they hang on, for starts not below `from`. */
  #heldEvents(ks: number, from: number, starts?: Set<number>): Set<number> {
    const { i32, f64 } = this.#store.heap;
    const events = new Set<number>();
    const seen = new Set<number>();
    const stack: number[] = [];
    const push = (n: number): void => {
      if (seen.has(n) || f64[i32[2 * n + NODE.start]! + EVENT.number]! < from) return;
      seen.add(n);
      stack.push(n);
    };
    this.#host.eachClass(ks, (h, position) => {
      for (let n = i32[h]!; n !== 0; n = i32[2 * n + NODE.previous]!) if (this.isOpen(ks, h, position, n)) push(n);
    });
    const follow = (head: number, low: number): void => {
      for (let n = head; n !== 0 && i32[2 * n + NODE.sequence]! >= low; n = i32[2 * n + NODE.previous]!) push(n);
    };
    while (stack.length > 0) {
      const n = stack.pop()!;
      const event = i32[2 * n + NODE.event]!;
      if (i32[2 * event + EVENT.type]! >= 0 && this.#plan.stages[this.#positions[i32[2 * n + NODE.references]! >> POSITION_SHIFT]!.stage]!.held) events.add(event);
      if (i32[2 * n + NODE.link] === 0) { starts?.add(f64[event + EVENT.number]!); continue; }
      follow(i32[2 * n + NODE.link]!, i32[2 * n + NODE.low]!);
      for (let more = i32[2 * n + NODE.more]!; more !== 0; more = i32[2 * more + LINK.next]!) follow(i32[2 * more + LINK.head]!, i32[2 * more + LINK.low]!);
    }
    return events;
  }

  /** Distinct events held by the key's open runs. Costs a walk. */
  held(ks: number): number { return this.#heldEvents(ks, -Infinity).size; }

  /** `keep n events`: the runs with the earliest start end until what the others hold fits. */
  keep(ks: number, now: number): void {
    if (this.#keepStarts(ks, now)) return;
    const { heap } = this.#store;
    if (heap.i32[2 * ks + KEY.sequence]! < (this.#countAt.get(ks) ?? 0)) return;
    const limit = this.#plan.rule.keep.count;
    this.#trim(ks, now);
    const starts = new Set<number>();
    const held = this.#heldEvents(ks, -Infinity, starts).size;
    if (held <= limit) {
      // One event binds at most one more: no need to count again before there could be too many.
      this.#countAt.set(ks, heap.i32[2 * ks + KEY.sequence]! + limit - held + 1);
      return;
    }
    const sorted = [...starts].sort((a, b) => a - b);
    // At the limit each event drops one start as a rule: try that before searching.
    const one = this.#heldEvents(ks, sorted[1] ?? Infinity).size <= limit;
    let low = one ? 1 : 2;
    let high = one ? 1 : sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#heldEvents(ks, sorted[middle] ?? Infinity).size <= limit) high = middle;
      else low = middle + 1;
    }
    low = Math.min(low, sorted.length);
    const cut = sorted[low] ?? sorted[sorted.length - 1]! + 1;
    for (let i = 0; i < low; i++) this.#host.countDrop(ks);
    heap.floats(ks)[ks + KEY.minStart] = Math.max(heap.f64[ks + KEY.minStart]!, cut);
    if (this.#plan.tracked) {
      for (let sr = heap.i32[2 * ks + KEY.starts]!; sr !== 0;) {
        const next = heap.i32[2 * sr + START.next]!;
        if (heap.f64[sr + START.number]! < cut) this.#host.killStart(ks, sr);
        sr = next;
      }
    }
    this.#trim(ks, now);
  }

  /**
   * As #keep where every node of the key is a start in one chain, the usual case of a rule that waits for a second event: the starts are remembered
   * in order, so that an event at the limit costs a step and not a walk over all of them. Returns false where it is not so.
   */
  #keepStarts(ks: number, now: number): boolean {
    const { heap } = this.#store;
    const { i32, f64 } = heap;
    const position = this.#plan.starts.length === 1 ? this.#positions[this.#plan.starts[0]!.to]! : undefined;
    if (position === undefined || !position.single || this.#plan.group >= 0 || !this.#plan.stages[position.stage]!.held) return false;
    const at = 2 * ks + this.#layout.positions[position.id]!;
    let order = this.#orders.get(ks);
    const fresh: number[] = [];
    let n = i32[at]!;
    for (; n !== 0 && i32[2 * n + NODE.sequence] !== order?.newest; n = i32[2 * n + NODE.previous]!) {
      if (i32[2 * n + NODE.link] !== 0) return false;
      fresh.push(n);
    }
    if (order === undefined || n === 0) this.#orders.set(ks, order = { events: [], sequences: [], oldest: 0, newest: -1 });
    for (const node of fresh.reverse()) {
      order.events.push(i32[2 * node + NODE.event]!);
      order.sequences.push(order.newest = i32[2 * node + NODE.sequence]!);
    }
    if (order.events.length !== i32[2 * ks + KEY.nodes]) {
      this.#orders.delete(ks);
      return false;
    }
    let low = NEVER;
    for (const edge of position.out) low = Math.min(low, i32[at + 1 + edge.slot]!);
    const within = this.#plan.within ?? Infinity;
    const over = (k: number): boolean =>
      order.sequences[k]! < low || f64[order.events[k]! + EVENT.number]! < f64[ks + KEY.minStart]! || f64[order.events[k]! + EVENT.time]! + within <= now;
    while (order.oldest < order.events.length && over(order.oldest)) order.oldest++;
    const { count } = this.#plan.rule.keep;
    while (order.events.length - order.oldest > count) {
      order.oldest++;
      this.#host.countDrop(ks);
    }
    const first = order.events[order.oldest];
    if (first !== undefined) heap.floats(ks)[ks + KEY.minStart] = Math.max(f64[ks + KEY.minStart]!, f64[first + EVENT.number]!);
    return true;
  }
}
