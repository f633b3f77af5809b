/**
 * One rule at work. All runs of a key that stand at one position and agree in what later conditions read of them form a *class*; an event moves
 * classes, not runs. A class keeps its runs as a chain of history nodes, newest first, and per edge the lowest sequence number from which nodes
 * may still use it: an event that closes an edge for all the runs there are raises that one number. A node links to ranges of chains, so a take
 * costs the same however many runs it stands for. (The idea of a compact set of runs is CORE's, VLDB 15(9).)
 */
import type { Cond, EdgePlan, PositionPlan, RulePlan } from '../compile/plan.ts';
import type { ClassesAhead } from './agenda.ts';
import { Bans } from './bans.ts';
import { Classes, mix } from './classes.ts';
import { Cohort } from './cohort.ts';
import {
  CLASS, DEAD, EVENT, KEY, keyLayout, LINK, NODE, POSITION_SHIFT, REPORTED, SESSION_TIMER, START, classUnits, registersAt, type KeyLayout,
} from './layout.ts';
import { listMatches, type Listed } from './listing.ts';
import type { Logged } from './log.ts';
import { Potential } from './potential.ts';
import { dropMatch, heldLength, heldMatch, holdMatch, Told, type HeldMatch } from './start-notes.ts';
import type { Store } from './store.ts';
import { Thinning } from './thinning.ts';
import type { MatchView } from './view.ts';

const NEVER = 0x7fffffff;
/** A start whose runs ended in more ways than this is reported with the furthest of so many. */
const MOST_TIMEOUTS = 10_000;
/** Timer kinds. */
export const TIMER_START = 0;
export const TIMER_SESSION = 1;
export const TIMER_START_SESSION = 2;

export interface MatchReport {
  readonly runner: RuleRunner;
  readonly kind: 'match' | 'timeout';
  readonly events: readonly number[];
  readonly stages: readonly number[];
  /** Event time of the event or timer that caused it. */
  readonly at: number;
  readonly to: number;
  readonly key: number;
}

export interface Counters { events: number; alerts: number; timedOut: number; dropped: number; suppressed: number; nullKeys: number }

type Fn = (c: number, out?: Float64Array) => never;

interface Pending { readonly position: number; readonly starts: boolean; readonly registers: Float64Array; readonly heads: number[]; readonly lows: number[]; start: number; readonly sr: number }

export class RuleRunner {
  readonly plan: RulePlan;
  readonly layout: KeyLayout;
  readonly classes: Classes;
  readonly counters: Counters = { events: 0, alerts: 0, timedOut: 0, dropped: 0, suppressed: 0, nullKeys: 0 };
  /** What it holds: see RuleGauges. The engine counts. */
  readonly size = { keys: 0, runs: 0, bytes: 0 };
  /** ms after the last event of a key when all its runs are over for certain; 0: never. */
  readonly cleanup: number;
  /** `by` names stages. */
  readonly hasStageKeys: boolean;
  readonly nextCell: number;
  readonly classesAhead: ClassesAhead | undefined;
  readonly functions: readonly Fn[];
  readonly #store: Store;
  readonly #view: MatchView;
  readonly #report: (report: MatchReport) => void;
  readonly #positions: readonly PositionPlan[];
  readonly #at: readonly number[];
  readonly #out: Float64Array;
  readonly #walks: boolean;
  readonly #potential: Potential;
  readonly #cohort: Cohort | undefined;
  readonly #told: Told;
  readonly #bans: Bans;
  readonly #thinning: Thinning;
  /** Where `by` names stages: which stages may be tried for the key at hand. */
  allowed: Uint8Array | undefined;
  #pending: Pending[] = [];
  readonly #pendingAt = new Map<number, Pending[]>();
  #finals: number[] = [];
  readonly #noRegisters = new Float64Array(0);
  /** Per position: some edge may be used whatever the registers hold. */
  readonly #goesOn: readonly boolean[];
  /** Shared starts with a number up to this were there before the rule was, or before it shared them. */
  since = 0;
  draining = false;

  constructor(plan: RulePlan, width: number, store: Store, view: MatchView, functions: readonly Fn[], report: (report: MatchReport) => void) {
    this.plan = plan;
    this.layout = keyLayout(plan, width);
    this.#store = store;
    this.#view = view;
    this.hasStageKeys = plan.stages.some((stage) => stage.key >= 0);
    this.functions = functions;
    this.#report = report;
    this.#positions = plan.positions;
    if (plan.positions.length > 127) throw new Error(`rule ${plan.rule.name} has more than 127 positions`);
    this.#at = plan.positions.map(registersAt);
    this.#goesOn = plan.positions.map(({ maskCell, out }) => maskCell < 0 && out.every((edge) => edge.lazy?.again !== true) && out.some((edge) => edge.guards.length === 0 && edge.clear === undefined));
    this.#thinning = new Thinning(plan, this.layout, store, {
      eachClass: (ks, visit) => { this.#eachClass(ks, visit); }, dropClass: (ks, position, h) => { this.#dropClass(ks, position, h); }, clone: (ks, node) => this.#clone(ks, node),
      killStart: (ks, sr) => { this.#killStart(ks, sr); }, settleStarts: (ks, now) => { this.#settleStarts(ks, now); }, countDrop: (ks) => { this.#countDrop(ks); },
    });
    const first = plan.cohort?.position ?? plan.positions.findIndex((position) => position.single);
    this.nextCell = first < 0 ? KEY.starts : this.layout.positions[first]!;
    this.#potential = new Potential(plan.automaton);
    this.classes = new Classes(store.heap, store.classMembers, plan.positions);
    this.classesAhead = classesAhead(plan, this.classes, store.E.length - 1);
    this.#told = new Told(store.heap);
    if (Math.max(this.layout.units, ...plan.positions.map(classUnits)) > store.heap.whole) throw new Error(`rule ${plan.rule.name} keeps more of a key than a page holds`);
    this.#cohort = plan.cohort === undefined ? undefined : new Cohort(plan, this.layout.positions[plan.cohort.position]!, store, functions, {
      mayStart: (ks) => !this.draining && this.#bans.mayStart(ks, 0),
      countDrop: (ks) => { this.#countDrop(ks); },
      complete: (ks, list) => { this.#completeAll(ks, list, store.current.time, true); },
    });
    this.#out = new Float64Array(Math.max(1, ...plan.positions.map((position) => position.registers.length)));
    this.#walks = plan.split === 'run' && plan.functions.some((source) => source.includes('M.reduce'));
    const gap = plan.rule.match.gap;
    const bounds = [plan.within, plan.session?.constant, gap?.kind === 'literal' && typeof gap.value === 'number' ? gap.value : undefined]
      .filter((d) => d !== undefined);
    // What a leading ban remembers outlives the runs: it is wanted for as long as `within` looks back.
    const looksBack = plan.leading.some((start) => start.conds.length + start.sequences.length > 0);
    this.cleanup = looksBack ? plan.within ?? 0 : bounds.length === 0 ? 0 : Math.min(...bounds);
    this.#bans = new Bans(plan, this.layout, store, functions, this.cleanup, { holds: (cond, c) => this.#holds(cond, c), spanOf: (span) => this.#spanOf(span) });
  }

  // --- keys -----------------------------------------------------------------------------------------------------------------------------------

  newKey(): number {
    const { heap, K } = this.#store;
    const ks = heap.alloc(this.layout.units);
    const i32 = heap.newInts;
    i32[2 * ks + KEY.rule] = this.plan.index;
    i32[2 * ks + KEY.trimAt] = 64;
    const f64 = heap.newFloats;
    for (let i = 0; i < this.layout.width; i++) f64[ks + KEY.key + i] = K[i]!;
    for (let i = this.layout.leading; i < this.layout.units; i++) if (2 * i < (this.layout.positions[0] ?? 0)) f64[ks + i] = -Infinity;
    f64[ks + KEY.minStart] = -Infinity;
    f64[ks + KEY.last] = -Infinity;
    return ks;
  }

  loadKey(ks: number): void {
    const { heap, K } = this.#store;
    for (let i = 0; i < this.layout.width; i++) K[i] = heap.f64[ks + KEY.key + i]!;
  }

  /** Nothing of this key is open, remembered or due: its record may go. */
  isEmpty(ks: number, now: number): boolean {
    const { i32, f64 } = this.#store.heap;
    if (i32[2 * ks + KEY.nodes] !== 0 || i32[2 * ks + KEY.starts] !== 0 || i32[2 * ks + KEY.dropped] !== 0 || (f64[ks + KEY.timers] !== 0 && this.plan.group < 0)) return false;
    if (i32[2 * ks + KEY.flags] !== 0) return false;
    // What a leading ban remembers, and which shared starts were taken over, outlives the runs.
    if (this.plan.group >= 0 || this.plan.leading.some((start) => start.conds.length + start.sequences.length > 0)) return f64[ks + KEY.last]! + (this.cleanup === 0 ? Infinity : this.cleanup) <= now;
    return true;
  }

  /** All runs of the key go, whatever they wait for. */
  clear(ks: number): void {
    const { heap } = this.#store;
    let sr = heap.i32[2 * ks + KEY.starts]!;
    while (sr !== 0) {
      const next = heap.i32[2 * sr + START.next]!;
      this.#killStart(ks, sr);
      sr = next;
    }
    if (this.#cohort !== undefined) { this.#cohort.clear(ks); return; }
    this.#positions.forEach((position, p) => {
      const at = 2 * ks + this.layout.positions[p]!;
      if (position.single) this.#emptyClass(ks, at);
      else while (heap.i32[at] !== 0) this.#removeClass(ks, heap.i32[at]!);
    });
  }

  /** Number of runs open (history nodes that may go on). */
  openRuns(ks: number): number {
    if (this.#cohort !== undefined) return this.#cohort.openRuns(ks);
    const { i32 } = this.#store.heap;
    let open = 0;
    this.#eachClass(ks, (h, position) => {
      for (let n = i32[h]!; n !== 0; n = i32[2 * n + NODE.previous]!) if (this.#thinning.isOpen(ks, h, position, n)) open++;
    });
    return open;
  }

  /** Bytes of the key's record, classes, nodes (without their further links) and starts, without the events. */
  bytesOf(ks: number): number {
    const { i32 } = this.#store.heap;
    let units = this.layout.units;
    if (this.#cohort !== undefined) return 8 * (units + this.#cohort.unitsOf(ks));
    units += i32[2 * ks + KEY.nodes]! * NODE.units;
    this.#eachClass(ks, (_, position) => { if (!position.single) units += classUnits(position); });
    for (let sr = i32[2 * ks + KEY.starts]!; sr !== 0; sr = i32[2 * sr + START.next]!) units += START.units;
    return 8 * units;
  }

  /** Has any run of the key a start that is not over at `now`? Used to drop what is expired. */
  isExpired(ks: number, now: number): boolean {
    return this.cleanup > 0 && this.#store.heap.f64[ks + KEY.last]! + this.cleanup <= now;
  }

  // --- an event -------------------------------------------------------------------------------------------------------------------------------

  /** The event at hand concerns this key. `mayStart`: a start condition may hold. */
  process(ks: number): void {
    const store = this.#store;
    const { heap, stamp, truth } = store;
    const { time } = store.current;
    const plan = this.plan;
    const sequence = ++heap.ints(ks)[2 * ks + KEY.sequence]!;
    if (this.#pendingAt.size > 0) this.#pendingAt.clear();
    if (plan.session !== undefined) this.#session(ks, time);
    if (this.#cohort !== undefined) {
      this.#cohort.process(ks, sequence);
      if (this.#bans.remembers) this.#bans.remember(ks, sequence, time);
      return;
    }
    const noBind = this.plan.rule.keep.drop === 'newest' && heap.i32[2 * ks + KEY.nodes]! >= plan.rule.keep.count && this.#thinning.held(ks) >= plan.rule.keep.count;
    if (noBind && this.#anyTake()) this.#countDrop(ks);

    for (const position of this.#positions) {
      const at = 2 * ks + this.layout.positions[position.id]!;
      if (heap.i32[at] === 0) continue;
      let whole = position.always;
      const { wake } = position;
      for (let i = 0; i < wake.length && !whole; i++) whole = truth[wake[i]!] === stamp;
      const indexed = position.indexed !== undefined && truth[position.indexed.cond!.predicate] === stamp ? position.indexed : undefined;
      if (!whole && indexed === undefined) continue;
      if (position.single) {
        this.#nextBans(ks, position, at, sequence);
        this.#processClass(ks, position, at, sequence, noBind);
        continue;
      }
      if (!whole) {
        const value = (this.functions[indexed!.equality] as unknown as () => number)();
        const cell = this.#at[position.id]! + position.indexCell;
        for (let h = this.classes.bucket(ks, position.id, value); h !== 0;) {
          const next = heap.i32[h + CLASS.hashNext]!;
          if (heap.i32[h + CLASS.key] === ks && heap.i32[h + CLASS.position] === position.id && heap.f64[(h >> 1) + cell] === value) {
            this.#processClass(ks, position, h, sequence, noBind);
          }
          h = next;
        }
        continue;
      }
      if (position.out.some((edge) => edge.nextBans.length > 0)) {
        for (let h = heap.i32[at]!; h !== 0;) {
          const next = heap.i32[h + CLASS.next]!;
          this.#nextBans(ks, position, h, sequence);
          h = next;
        }
      }
      for (let h = heap.i32[at]!; h !== 0;) {
        const next = heap.i32[h + CLASS.next]!;
        this.#processClass(ks, position, h, sequence, noBind);
        h = next;
      }
    }
    if (this.#walks) this.#view.set([], []);
    if (plan.group < 0) for (let i = 0; i < plan.starts.length; i++) this.#start(ks, plan.starts[i]!, i, sequence, noBind);
    if (this.#bans.remembers) this.#bans.remember(ks, sequence, time);
    if (this.#pending.length > 0 || this.#finals.length > 0 || plan.tracked) this.#settle(ks, sequence, time, noBind, true);
    else this.#thinning.bound(ks, time);
  }

  /** The clock of each leading silence starts for the key, as by an event with nothing in it, which is at hand (`Store.beginClock`). */
  startClocks(ks: number): void {
    const store = this.#store;
    const { time } = store.current;
    const sequence = ++store.heap.ints(ks)[2 * ks + KEY.sequence]!;
    if (this.plan.session !== undefined) this.#session(ks, time);
    for (const index of this.plan.roster!.clocks) {
      const edge = this.plan.starts[index]!;
      if (!this.draining && this.#bans.mayStart(ks, index)) this.#pend(this.#positions[edge.to]!, edge, 0, 0, 0);
    }
    this.#settle(ks, sequence, time, false, true);
  }

  #holds(cond: Cond, c: number): boolean {
    const store = this.#store;
    if (store.truth[cond.predicate] !== store.stamp) return false;
    if (this.allowed !== undefined && this.allowed[cond.stage] === 0) return false;
    return cond.rest < 0 || (this.functions[cond.rest] as (c: number) => boolean)(c);
  }

  #anyTake(): boolean {
    const store = this.#store;
    const binds = (edge: EdgePlan): boolean =>
      edge.cond !== undefined && this.#positions[edge.to]!.out.length > 0 && store.truth[edge.cond.predicate] === store.stamp;
    return this.plan.positions.some((position) => position.out.some(binds)) || this.plan.starts.some(binds);
  }

  #processClass(ks: number, position: PositionPlan, h: number, sequence: number, noBind: boolean): void {
    const { heap } = this.#store;
    const { i32 } = heap;
    const head = i32[h]!;
    if (head === 0) return;
    const newest = i32[2 * head + NODE.sequence]!;
    const c = position.single ? 0 : (h >> 1) + this.#at[position.id]!;
    if (this.#walks) this.#loadPath(head);
    let open = false;
    let closing: number[] | undefined;
    let taken: EdgePlan | undefined;
    let takenLow = 0;
    for (const edge of position.out) {
      const cell = h + 1 + edge.slot;
      let low = i32[cell]!;
      if (low > newest) continue;
      if (edge.arrow === 'next' && low < sequence - 1) {
        low = sequence - 1;
        if (newest < low) { heap.ints(cell >> 1)[cell] = sequence; continue; }
      }
      let kill = edge.arrow === 'next';
      let blocked = false;
      if (edge.until !== undefined && this.#holds(edge.until, c)) { blocked = true; kill = true; }
      for (const greedy of edge.greedy) {
        if (greedy.closedCell >= 0 && heap.f64[c + greedy.closedCell] !== 0) continue;
        if (greedy.until !== undefined && this.#holds(greedy.until, c)) { (closing ??= []).push(greedy.closedCell); continue; }
        if (greedy.roomCell === -2 || (greedy.roomCell >= 0 && heap.f64[c + greedy.roomCell]! >= greedy.max)) continue;
        if (this.#holds(greedy.cond, c)) { blocked = true; kill = true; }
      }
      if (edge.kind === 'acceptNext') {
        if (!blocked) this.#absent(head, low);
      } else if (edge.cond !== undefined && this.#holds(edge.cond, c)) {
        if (!blocked) {
          if (taken === undefined && edge.to === position.id && edge.span === 0 && edge.lazy === undefined) { taken = edge; takenLow = low; }
          else this.#take(position, h, c, edge, low, sequence);
        }
        // At the limit of `keep … drop newest` what would be held is not bound; what only completes a run is.
        if (edge.arrow === 'followed' && !(noBind && this.#positions[edge.to]!.out.length > 0)) kill = true;
      }
      if (!kill) for (const ban of edge.bans) if (this.#holds(ban, c)) { kill = true; break; }
      for (const s of edge.sequences) {
        const from = this.#bans.endOf(ks, s, sequence, c);
        if (from > low) { heap.ints(cell >> 1)[cell] = from; low = from; }
      }
      if (kill) heap.ints(cell >> 1)[cell] = sequence;
      else if (low <= newest) open = true;
    }
    if (taken !== undefined) {
      if (!open && !position.single && !noBind && this.#advance(ks, position, h, c, taken, takenLow, sequence)) return;
      this.#take(position, h, c, taken, takenLow, sequence);
    }
    if (!open) this.#dropClass(ks, position, h);
    else if (closing !== undefined) this.#close(ks, position, h, closing);
  }

  /**
   * All runs of a class take the event in a loop and none stays behind: the class itself moves on, with a new node on its chain, in place of a
   * new class for an old one. Returns false where they could not go on, and nothing was done.
   */
  #advance(ks: number, position: PositionPlan, h: number, c: number, edge: EdgePlan, low: number, sequence: number): boolean {
    const store = this.#store;
    const { heap } = store;
    const out = this.#out;
    (this.functions[edge.update] as unknown as (c: number, out: Float64Array) => void)(c, out);
    if (!this.#mayGoOn(position, out)) return false;
    const event = store.event();
    store.retainEvent(event);
    const node = heap.alloc(NODE.units);
    const i32 = heap.ints(h >> 1);
    const head = i32[h]!;
    const i = 2 * node;
    i32[i + NODE.sequence] = sequence;
    i32[i + NODE.event] = event;
    i32[i + NODE.references] = 1 | (position.id << POSITION_SHIFT);
    i32[i + NODE.start] = i32[2 * head + NODE.start]!;
    i32[i + NODE.link] = head; // the class's reference becomes the link's
    i32[i + NODE.low] = low;
    i32[h] = node;
    heap.ints(ks)[2 * ks + KEY.nodes]!++;
    const hashed = position.merges || position.indexCell >= 0;
    if (hashed) this.classes.remove(h);
    const n = position.registers.length;
    const f64 = heap.floats(h >> 1);
    for (let k = 0; k < n; k++) f64[c + k] = out[k]!;
    if (hashed) this.classes.add(h);
    for (const next of position.out) i32[h + 1 + next.slot] = this.#mayUse(next, out, position) ? 0 : NEVER;
    if (position.accepts.length > 0 && position.accepts.some((accept) => passes(accept.guards, out))) {
      store.retainNode(node);
      this.#finals.push(node);
    }
    if (this.plan.session === undefined) heap.floats(ks)[ks + KEY.last] = store.current.time;
    if (this.plan.tracked) this.#arm(ks, heap.i32[h + CLASS.start]!, position, h, store.current.time);
    return true;
  }

  #take(position: PositionPlan, h: number, c: number, edge: EdgePlan, low: number, sequence: number): void {
    const { heap } = this.#store;
    const head = heap.i32[h]!;
    if (edge.span > 0) {
      // The chain is in time order: what lies too far back can never again be in time.
      const { i32, f64 } = heap;
      const after = this.#store.current.time - edge.span;
      let oldest = 0;
      for (let n = head; n !== 0 && i32[2 * n + NODE.sequence]! >= low; n = i32[2 * n + NODE.previous]!) {
        if (f64[i32[2 * n + NODE.event]! + EVENT.time]! <= after) break;
        oldest = i32[2 * n + NODE.sequence]!;
      }
      if (oldest === 0) { heap.ints(h >> 1)[h + 1 + edge.slot] = sequence; return; }
      low = oldest;
      heap.ints(h >> 1)[h + 1 + edge.slot] = low;
    }
    const lazyBits = this.#lazyBits(edge, c);
    const target = this.#positions[edge.to]!;
    const sr = position.single ? 0 : heap.i32[h + CLASS.start]!;
    const pending = this.#pend(target, edge, c, lazyBits, sr);
    // The class may be dropped before the node is made: the link holds its chain from here on.
    this.#store.retainNode(head);
    pending.heads.push(head);
    pending.lows.push(low);
    const { i32, f64 } = heap;
    const start = i32[2 * head + NODE.start]!;
    if (pending.start === 0 || f64[start + EVENT.number]! > f64[pending.start + EVENT.number]!) pending.start = start;
  }

  #lazyBits(edge: EdgePlan, c: number): number {
    const { lazy } = edge;
    if (lazy === undefined) return 0;
    const met = lazy.again ? lazy.countCell < 0 || this.#store.heap.f64[c + lazy.countCell]! >= lazy.min : lazy.min === 0;
    if (!met) return 0;
    let bits = 0;
    for (const exit of lazy.exits) if (this.#holds(exit.cond, c)) bits |= exit.bit;
    return bits;
  }

  /** The node-to-be at a position with the registers that `edge` gives; several takes that agree share one. */
  #pend(target: PositionPlan, edge: EdgePlan, c: number, lazyBits: number, sr: number): Pending {
    // A run that starts here and one that comes here stay two nodes: a node with links is no start.
    const starts = edge.from < 0;
    const n = target.registers.length;
    const out = this.#out;
    if (n > 0) (this.functions[edge.update] as unknown as (c: number, out: Float64Array) => void)(c, out);
    if (lazyBits !== 0) out[edge.lazy!.targetCell]! |= lazyBits;
    const registers = n === 0 ? this.#noRegisters : out.slice(0, n);
    if (this.plan.split !== 'run') {
      if (this.#pending.length < 16) {
        for (const other of this.#pending) if (other.position === target.id && other.starts === starts && same(other.registers, registers)) return other;
      } else {
        if (this.#pendingAt.size === 0) for (const other of this.#pending) this.#remind(other);
        for (const other of this.#pendingAt.get(pendingHash(target.id, starts, registers)) ?? []) {
          if (other.position === target.id && other.starts === starts && same(other.registers, registers)) return other;
        }
      }
    }
    const pending: Pending = { position: target.id, starts, registers, heads: [], lows: [], start: 0, sr };
    this.#pending.push(pending);
    if (this.#pendingAt.size > 0) this.#remind(pending);
    return pending;
  }

  #remind(pending: Pending): void {
    const hash = pendingHash(pending.position, pending.starts, pending.registers);
    const list = this.#pendingAt.get(hash);
    if (list === undefined) this.#pendingAt.set(hash, [pending]);
    else list.push(pending);
  }

  #start(ks: number, edge: EdgePlan, index: number, sequence: number, noBind: boolean): void {
    if (!this.#holds(edge.cond!, 0)) return;
    if (edge.until !== undefined && this.#holds(edge.until, 0)) return;
    if (edge.unless.length > 0 && edge.unless.some((cond) => this.#holds(cond, 0))) return;
    for (const greedy of edge.greedy) {
      if (greedy.until !== undefined && this.#holds(greedy.until, 0)) continue;
      if (this.#holds(greedy.cond, 0)) return;
    }
    if (this.draining || !this.#bans.mayStart(ks, index)) return;
    const target = this.#positions[edge.to]!;
    if (this.#pending.length > 0 || target.accepts.length > 0 || this.plan.tracked || noBind) {
      this.#pend(target, edge, 0, this.#lazyBits(edge, 0), 0);
      return;
    }
    this.#begin(ks, target, edge, sequence);
  }

  /** The usual start: nothing else was taken, nothing can complete, so the node goes straight to its class. */
  #begin(ks: number, target: PositionPlan, edge: EdgePlan, sequence: number): void {
    const store = this.#store;
    const { heap } = store;
    const event = store.event();
    store.retainEvent(event);
    const out = this.#out;
    const n = target.registers.length;
    if (n > 0) (this.functions[edge.update] as unknown as (c: number, out: Float64Array) => void)(0, out);
    const bits = this.#lazyBits(edge, 0);
    if (bits !== 0) out[edge.lazy!.targetCell]! |= bits;
    if (!this.#mayGoOn(target, out)) { store.releaseEvent(event); return; }
    const h = this.#classFor(ks, target, out, 0);
    this.#push(ks, h, target.id, event, sequence);
    if (this.plan.session === undefined) heap.floats(ks)[ks + KEY.last] = store.current.time;
  }

  /** A node that starts runs, on top of a class's chain. The event's reference is the node's. */
  #push(ks: number, h: number, position: number, event: number, sequence: number): void {
    const { heap } = this.#store;
    const node = heap.alloc(NODE.units);
    const i32 = heap.ints(ks);
    const i = 2 * node;
    i32[i + NODE.sequence] = sequence;
    i32[i + NODE.event] = event;
    i32[i + NODE.references] = 1 | (position << POSITION_SHIFT);
    i32[i + NODE.start] = event;
    i32[i + NODE.previous] = i32[h]!;
    heap.ints(h >> 1)[h] = node;
    i32[2 * ks + KEY.nodes]!++;
  }

  /**
   * Rules that start alike share the record of their starts (`group`); a rule takes over those it has not seen when an event first concerns them.
   * The event at hand is not among them yet.
   */
  pull(ks: number, group: RuleRunner, shared: number): void {
    const { heap, num, current } = this.#store;
    const { i32, f64 } = heap;
    const position = this.plan.starts[0]!.to;
    const at = 2 * ks + this.layout.positions[position]!;
    const seen = Math.max(f64[ks + KEY.timers]!, this.since);
    const after = current.time - this.plan.within!;
    const events: number[] = [];
    for (let n = i32[2 * shared + group.layout.positions[position]!]!; n !== 0; n = i32[2 * n + NODE.previous]!) {
      const event = i32[2 * n + NODE.event]!;
      const number = f64[event + EVENT.number]!;
      if (number <= seen || f64[event + EVENT.time]! <= after) break;
      if (number < num && number >= f64[ks + KEY.minStart]!) events.push(event);
    }
    const keyCells = heap.floats(ks);
    keyCells[ks + KEY.timers] = num - 1;
    keyCells[ks + KEY.last] = current.time;
    if (events.length === 0) return;
    if (i32[at] === 0) for (const edge of this.#positions[position]!.out) heap.ints(at >> 1)[at + 1 + edge.slot] = 0;
    const sequence = i32[2 * ks + KEY.sequence]!;
    for (const event of events.reverse()) {
      this.#store.retainEvent(event);
      this.#push(ks, at, position, event, sequence);
    }
    if (heap.i32[2 * ks + KEY.nodes]! > this.plan.rule.keep.count) this.#thinning.keep(ks, current.time);
  }

  /** Shared starts that a rule has not taken over and that are open; see `pull`. */
  pendingShared(ks: number, seen: number): number {
    const { i32, f64 } = this.#store.heap;
    let open = 0;
    const after = this.#store.current.time - this.plan.within!;
    for (let n = i32[2 * ks + this.layout.positions[this.plan.starts[0]!.to]!]!; n !== 0; n = i32[2 * n + NODE.previous]!) {
      const event = i32[2 * n + NODE.event]!;
      if (f64[event + EVENT.number]! <= seen || f64[event + EVENT.time]! <= after) break;
      open++;
    }
    return open;
  }

  #spanOf(span: NonNullable<RulePlan['session']>): number {
    return span.constant ?? (this.functions[span.fn] as unknown as (c: number) => number)(0);
  }

  /** The key's record goes. */
  forget(ks: number): void {
    this.#bans.forget(ks);
    this.#thinning.forget(ks);
  }

  /** `=> not b`: where the event at hand is a `b`, the nodes of the event right before it lose the edge. */
  #nextBans(ks: number, position: PositionPlan, h: number, sequence: number): void {
    const { heap } = this.#store;
    const head = heap.i32[h]!;
    if (head === 0 || heap.i32[2 * head + NODE.sequence] !== sequence - 1) return;
    const c = position.single ? 0 : (h >> 1) + this.#at[position.id]!;
    let mask = 0;
    if (this.#walks) this.#loadPath(head);
    for (const edge of position.out) {
      if (heap.i32[h + 1 + edge.slot]! > sequence - 1) continue;
      if (edge.nextBans.some((ban) => this.#holds(ban, c))) mask |= 1 << edge.slot;
    }
    if (mask === 0) return;
    let alive = true;
    while (alive && heap.i32[2 * heap.i32[h]! + NODE.sequence] === sequence - 1) alive = this.#moveNewest(ks, position, h, mask);
  }

  /** Moves the newest node of a class to a class of its own that has lost the edges of `mask`. Returns false when the class is empty and gone. */
  #moveNewest(ks: number, position: PositionPlan, h: number, mask: number): boolean {
    const { heap } = this.#store;
    const node = heap.i32[h]!;
    const copy = this.#clone(ks, node);
    const registers = this.#registersOf(position, h);
    registers[position.maskCell]! |= mask;
    const sr = heap.i32[h + CLASS.start]!;
    const moved = this.#newClass(ks, position, registers, sr);
    for (const edge of position.out) {
      const low = heap.i32[h + 1 + edge.slot]!;
      if ((mask & (1 << edge.slot)) !== 0 || low === NEVER) heap.ints(moved >> 1)[moved + 1 + edge.slot] = NEVER;
      else heap.ints(moved >> 1)[moved + 1 + edge.slot] = low;
    }
    heap.ints(moved >> 1)[moved] = copy;
    const before = heap.i32[2 * node + NODE.previous]!;
    this.#store.retainNode(before);
    heap.ints(h >> 1)[h] = before;
    heap.ints(ks)[2 * ks + KEY.nodes]! -= this.#store.releaseNode(node);
    if (before === 0) this.#removeClass(ks, h);
    return before !== 0;
  }

  /** An `until` closed greedy loops that the runs of this class left: they move to classes for which those loops are closed. */
  #close(ks: number, position: PositionPlan, h: number, cells: readonly number[]): void {
    const { heap } = this.#store;
    const groups = new Map<number, number[]>();
    for (let n = heap.i32[h]!; n !== 0; n = heap.i32[2 * n + NODE.previous]!) {
      let dead = 0;
      let any = false;
      for (const edge of position.out) {
        if (heap.i32[2 * n + NODE.sequence]! < heap.i32[h + 1 + edge.slot]!) dead |= 1 << edge.slot;
        else any = true;
      }
      if (!any) continue;
      const list = groups.get(dead);
      if (list === undefined) groups.set(dead, [n]);
      else list.push(n);
    }
    const sr = heap.i32[h + CLASS.start]!;
    for (const [dead, nodes] of groups) {
      const registers = this.#registersOf(position, h);
      for (const cell of cells) registers[cell] = 1;
      registers[position.maskCell]! |= dead;
      const copies = nodes.reverse().map((n) => this.#clone(ks, n));
      const moved = this.#newClass(ks, position, registers, sr);
      for (const edge of position.out) heap.ints(moved >> 1)[moved + 1 + edge.slot] = (dead & (1 << edge.slot)) !== 0 ? NEVER : 0;
      let previous = 0;
      for (const copy of copies) { heap.ints(copy)[2 * copy + NODE.previous] = previous; previous = copy; }
      heap.ints(moved >> 1)[moved] = previous;
    }
    this.#removeClass(ks, h);
  }

  // --- after an event or timer ---------------------------------------------------------------------------------------------------------------

  /** Puts what was taken into classes, reports what is complete. */
  #settle(ks: number, sequence: number, now: number, noBind: boolean, byEvent: boolean): void {
    const store = this.#store;
    const { heap } = store;
    const made: number[] = [];
    for (const pending of this.#pending) {
      const position = this.#positions[pending.position]!;
      const node = this.#newNode(ks, pending, position, sequence);
      made.push(node);
      if (position.accepts.some((accept) => passes(accept.guards, pending.registers))) {
        store.retainNode(node);
        this.#finals.push(node);
      }
      if (!noBind || !byEvent) this.#insert(ks, position, pending, node, now);
    }
    if (this.#pending.length > 0) this.#pending = [];
    if (made.length > 0 && this.plan.session === undefined) heap.floats(ks)[ks + KEY.last] = now;
    if (this.#finals.length > 0) {
      const finals = this.#finals;
      this.#finals = [];
      this.#complete(ks, finals, now, byEvent);
      for (const node of finals) heap.ints(ks)[2 * ks + KEY.nodes]! -= store.releaseNode(node);
    }
    for (const node of made) heap.ints(ks)[2 * ks + KEY.nodes]! -= store.releaseNode(node);
    if (this.plan.tracked) this.#settleStarts(ks, now);
    this.#thinning.bound(ks, now);
  }

  #newNode(ks: number, pending: Pending, position: PositionPlan, sequence: number): number {
    const store = this.#store;
    const { heap } = store;
    const event = position.stage < 0 ? store.moment(store.current.time, store.num) : store.event();
    if (position.stage >= 0) store.retainEvent(event);
    const node = heap.alloc(NODE.units);
    const i = 2 * node;
    const i32 = heap.newInts;
    i32[i + NODE.sequence] = sequence;
    i32[i + NODE.event] = event;
    i32[i + NODE.references] = 1 | (position.id << POSITION_SHIFT);
    i32[i + NODE.start] = pending.heads.length === 0 ? event : pending.start;
    pending.heads.forEach((head, k) => {
      if (k === 0) {
        i32[i + NODE.link] = head;
        i32[i + NODE.low] = pending.lows[0]!;
        return;
      }
      const link = heap.alloc(LINK.units);
      const ints = heap.newInts;
      ints[2 * link + LINK.head] = head;
      ints[2 * link + LINK.low] = pending.lows[k]!;
      ints[2 * link + LINK.next] = ints[i + NODE.more]!;
      heap.ints(node)[i + NODE.more] = link;
    });
    heap.ints(ks)[2 * ks + KEY.nodes]!++;
    return node;
  }

  #clone(ks: number, node: number): number {
    const store = this.#store;
    const { heap } = store;
    const copy = heap.alloc(NODE.units);
    const i32 = heap.newInts;
    i32.copyWithin(2 * copy, 2 * node, 2 * (node + NODE.units));
    i32[2 * copy + NODE.references] = (i32[2 * node + NODE.references]! >> POSITION_SHIFT << POSITION_SHIFT) | 1;
    i32[2 * copy + NODE.previous] = 0;
    i32[2 * copy + NODE.more] = 0;
    store.retainEvent(i32[2 * node + NODE.event]!);
    store.retainNode(i32[2 * node + NODE.link]!);
    for (let more = i32[2 * node + NODE.more]!; more !== 0; more = heap.i32[2 * more + LINK.next]!) {
      const link = heap.alloc(LINK.units);
      const ints = heap.newInts;
      ints[2 * link + LINK.head] = ints[2 * more + LINK.head]!;
      ints[2 * link + LINK.low] = ints[2 * more + LINK.low]!;
      ints[2 * link + LINK.next] = ints[2 * copy + NODE.more]!;
      heap.ints(copy)[2 * copy + NODE.more] = link;
      store.retainNode(ints[2 * link + LINK.head]!);
    }
    heap.ints(ks)[2 * ks + KEY.nodes]!++;
    return copy;
  }

  #insert(ks: number, position: PositionPlan, pending: Pending, node: number, now: number): void {
    if (position.out.length === 0) return;
    const { heap } = this.#store;
    const registers = pending.registers;
    if (!this.#mayGoOn(position, registers)) return;
    let sr = pending.sr;
    if (this.plan.tracked && sr === 0) sr = this.#startRecord(ks, heap.i32[2 * node + NODE.start]!);
    const h = this.#classFor(ks, position, registers, sr);
    this.#store.retainNode(node);
    this.#link(h, node);
    if (sr !== 0) this.#arm(ks, sr, position, h, now);
  }

  /**
   * Puts a node on top of a class's chain. The chain's first node tells the latest start of them all, by which the whole is held to be alive: where
   * a node comes with an earlier start, it goes below one of the same event, or else passes for as late as what it covers.
   */
  #link(h: number, node: number): void {
    const { heap } = this.#store;
    const { i32, f64 } = heap;
    const startOf = (n: number): number => i32[2 * n + NODE.start]!;
    const later = (n: number): boolean => n !== 0 && f64[startOf(n) + EVENT.number]! > f64[startOf(node) + EVENT.number]!;
    const head = i32[h]!;
    const below = later(head) && i32[2 * head + NODE.sequence] === i32[2 * node + NODE.sequence];
    const previous = below ? i32[2 * head + NODE.previous]! : head;
    if (later(previous)) heap.ints(node)[2 * node + NODE.start] = startOf(previous);
    heap.ints(node)[2 * node + NODE.previous] = previous;
    if (below) heap.ints(head)[2 * head + NODE.previous] = node;
    else heap.ints(h >> 1)[h] = node;
  }

  /** Some edge may be used, and not only to stay for ever in a lazy loop whose every exit could have taken one of its events. */
  #mayGoOn(position: PositionPlan, registers: Float64Array): boolean {
    if (this.#goesOn[position.id]) return true;
    if (!position.out.some((edge) => this.#mayUse(edge, registers, position))) return false;
    const again = position.out.find((edge) => edge.lazy?.again === true);
    if (again === undefined) return true;
    // The loop's own minimum may still be met; what the groups around it ask of their turns does not change while it goes on.
    const own = again.lazy!.countCell;
    return position.accepts.some((accept) => passes(accept.guards, registers, own))
      || position.out.some((edge) => edge !== again && passes(edge.guards, registers, own) && (edge.clear === undefined || (registers[edge.clear.cell]! & edge.clear.bit) === 0));
  }

  #mayUse(edge: EdgePlan, registers: Float64Array, position: PositionPlan): boolean {
    if (!passes(edge.guards, registers)) return false;
    if (edge.clear !== undefined && (registers[edge.clear.cell]! & edge.clear.bit) !== 0) return false;
    return position.maskCell < 0 || (registers[position.maskCell]! & (1 << edge.slot)) === 0;
  }

  /** The class for runs with these registers, made where there is none or classes here are not made one. */
  #classFor(ks: number, position: PositionPlan, registers: Float64Array, sr: number): number {
    const { heap } = this.#store;
    if (position.single) {
      const h = 2 * ks + this.layout.positions[position.id]!;
      if (heap.i32[h] === 0) for (const edge of position.out) heap.ints(h >> 1)[h + 1 + edge.slot] = 0;
      return h;
    }
    const known = position.merges ? this.classes.find(ks, position.id, registers) : 0;
    if (known !== 0) return known;
    const h = this.#newClass(ks, position, registers, sr);
    for (const edge of position.out) heap.ints(h >> 1)[h + 1 + edge.slot] = this.#mayUse(edge, registers, position) ? 0 : NEVER;
    return h;
  }

  #newClass(ks: number, position: PositionPlan, registers: Float64Array, sr: number): number {
    const { heap } = this.#store;
    const p = heap.alloc(classUnits(position));
    const h = 2 * p + CLASS.ints;
    const i32 = heap.newInts;
    const f64 = heap.newFloats;
    i32[h + CLASS.key] = ks;
    i32[h + CLASS.position] = position.id;
    const c = (h >> 1) + this.#at[position.id]!;
    for (let i = 0; i < position.registers.length; i++) f64[c + i] = registers[i]!;
    const at = 2 * ks + this.layout.positions[position.id]!;
    const next = i32[at]!;
    i32[h + CLASS.next] = next;
    if (next !== 0) heap.ints(next >> 1)[next + CLASS.previous] = h;
    heap.ints(at >> 1)[at] = h;
    if (sr !== 0) {
      i32[h + CLASS.start] = sr;
      const first = i32[2 * sr + START.classes]!;
      i32[h + CLASS.startNext] = first;
      if (first !== 0) heap.ints(first >> 1)[first + CLASS.startPrevious] = h;
      heap.ints(sr)[2 * sr + START.classes] = h;
    }
    if (position.merges || position.indexCell >= 0) this.classes.add(h);
    return h;
  }

  #registersOf(position: PositionPlan, h: number): Float64Array {
    const c = (h >> 1) + this.#at[position.id]!;
    return this.#store.heap.f64.slice(c, c + position.registers.length);
  }

  #emptyClass(ks: number, h: number): void {
    const { heap } = this.#store;
    const head = heap.i32[h]!;
    if (head === 0) return;
    heap.ints(h >> 1)[h] = 0;
    heap.ints(ks)[2 * ks + KEY.nodes]! -= this.#store.releaseNode(head);
  }

  #removeClass(ks: number, h: number): void {
    const { heap } = this.#store;
    this.#emptyClass(ks, h);
    const { i32 } = heap;
    const position = this.#positions[i32[h + CLASS.position]!]!;
    if (position.merges || position.indexCell >= 0) this.classes.remove(h);
    const next = i32[h + CLASS.next]!;
    const previous = i32[h + CLASS.previous]!;
    if (previous === 0) heap.ints(ks)[2 * ks + this.layout.positions[position.id]!] = next;
    else heap.ints(previous >> 1)[previous + CLASS.next] = next;
    if (next !== 0) heap.ints(next >> 1)[next + CLASS.previous] = previous;
    const sr = i32[h + CLASS.start]!;
    if (sr !== 0) {
      const after = i32[h + CLASS.startNext]!;
      const before = i32[h + CLASS.startPrevious]!;
      if (before === 0) heap.ints(sr)[2 * sr + START.classes] = after;
      else heap.ints(before >> 1)[before + CLASS.startNext] = after;
      if (after !== 0) heap.ints(after >> 1)[after + CLASS.startPrevious] = before;
    }
    heap.free((h - CLASS.ints) >> 1, classUnits(position));
  }

  #dropClass(ks: number, position: PositionPlan, h: number): void {
    if (position.single) this.#emptyClass(ks, h);
    else this.#removeClass(ks, h);
  }

  #eachClass(ks: number, visit: (h: number, position: PositionPlan) => void): void {
    if (this.#cohort !== undefined) return;
    const { heap } = this.#store;
    for (const position of this.#positions) {
      const at = 2 * ks + this.layout.positions[position.id]!;
      if (position.single) { if (heap.i32[at] !== 0) visit(at, position); continue; }
      for (let h = heap.i32[at]!; h !== 0;) {
        const next = heap.i32[h + CLASS.next]!;
        visit(h, position);
        h = next;
      }
    }
  }

  // --- completion -----------------------------------------------------------------------------------------------------------------------------

  #aliveAt(ks: number, now: number): (start: number) => boolean {
    const { heap } = this.#store;
    const within = this.plan.within ?? Infinity;
    return (start) => heap.f64[start + EVENT.number]! >= heap.f64[ks + KEY.minStart]! && heap.f64[start + EVENT.time]! + within > now;
  }

  #complete(ks: number, finals: readonly number[], at: number, byEvent: boolean): void {
    const { i32 } = this.#store.heap;
    this.#completeAll(ks, (visit) => {
      listMatches(this.#store, finals, {
        alive: this.#aliveAt(ks, byEvent ? at : -Infinity),
        stageAt: (node) => this.#positions[i32[2 * node + NODE.references]! >> POSITION_SHIFT]!.stage,
        orderOf: (stage) => this.plan.stages[stage]!.order,
      }, visit);
    }, at, byEvent);
  }

  /** Reports matches in order, as far as `having` and the rule's skip let them through, and ends the runs that the skip drops. */
  #completeAll(ks: number, list: (visit: (match: Listed) => boolean) => void, at: number, byEvent: boolean): void {
    const { heap } = this.#store;
    const { stages, rule: { match: { skip, mode } } } = this.plan;
    let dead: Set<number> | undefined;
    let raised = false;
    let whole = false;
    list((match) => {
      const { f64 } = heap;
      const first = f64[match.events[0]! + EVENT.number]!;
      if (first < f64[ks + KEY.minStart]! || dead?.has(first) === true) return true;
      const last = match.events[match.events.length - 1]!;
      const to = byEvent ? f64[last + EVENT.time]! : at;
      this.#look(ks, match, to);
      if (this.plan.having >= 0 && !(this.functions[this.plan.having] as unknown as () => boolean)()) return true;
      if (mode === 'longest') { this.#hold(ks, match, to); return true; }
      if (this.plan.completesAgain && this.#wasTold(ks, match)) return true;
      this.#send(ks, match, at, to);
      switch (skip.to) {
        case 'none': return true;
        case 'next': (dead ??= new Set()).add(first); return true;
        case 'past last': {
          const end = byEvent ? heap.f64[last + EVENT.number]! : Infinity;
          if (end >= this.#store.num) { whole = true; return false; }
          heap.floats(ks)[ks + KEY.minStart] = Math.max(heap.f64[ks + KEY.minStart]!, end + 1);
          raised = true;
          return true;
        }
        default: {
          const stage = stages.findIndex((s) => s.name === skip.stage);
          const index = skip.to === 'first' ? match.stages.indexOf(stage) : match.stages.lastIndexOf(stage);
          if (index >= 0) {
            heap.floats(ks)[ks + KEY.minStart] = Math.max(heap.f64[ks + KEY.minStart]!, heap.f64[match.events[index]! + EVENT.number]!);
            raised = true;
          }
          return true;
        }
      }
    });
    if (whole) {
      // A start shared with other rules that is the event at hand comes later: it began at the match's last event and is dropped with the rest.
      if (this.plan.group >= 0) heap.floats(ks)[ks + KEY.minStart] = this.#store.num + 1;
      this.clear(ks);
    }
    else if (this.plan.tracked && (raised || dead !== undefined)) {
      for (let sr = heap.i32[2 * ks + KEY.starts]!; sr !== 0;) {
        const next = heap.i32[2 * sr + START.next]!;
        const number = heap.f64[sr + START.number]!;
        if (number < heap.f64[ks + KEY.minStart]! || dead?.has(number) === true) this.#killStart(ks, sr);
        sr = next;
      }
    }
  }

  /** Was a match with this list of (stage, event) reported before? Derivations with one list are one match, the one that completes first. */
  #wasTold(ks: number, match: Listed): boolean {
    const { f64 } = this.#store.heap;
    const sr = this.#findStart(ks, f64[match.events[0]! + EVENT.number]!);
    if (sr === 0) return false; // nothing of this start is open any more
    return this.#told.isRepeat(sr, match.events.flatMap((event, i) => [match.stages[i]!, f64[event + EVENT.number]!]));
  }

  #look(ks: number, match: Listed, to: number): void {
    const view = this.#view;
    view.set(match.events, match.stages);
    view.from = this.#store.heap.f64[match.events[0]! + EVENT.time]!;
    view.to = to;
    this.onLook(ks, 'match');
  }
  /** Set by the reporter: fills the view's id. */
  onLook: (ks: number, kind: 'match' | 'timeout') => void = () => {};

  #send(ks: number, match: Listed, at: number, to: number, kind: 'match' | 'timeout' = 'match'): void {
    if (this.plan.tracked) {
      const sr = this.#findStart(ks, this.#store.heap.f64[match.events[0]! + EVENT.number]!);
      if (sr !== 0) this.#store.heap.ints(sr)[2 * sr + START.flags]! |= REPORTED;
    }
    this.#report({ runner: this, kind, events: match.events, stages: match.stages, at, to, key: ks });
  }

  // --- starts followed one by one -------------------------------------------------------------------------------------------------------------

  /** The record of the start at an event, made where there is none. */
  #startRecord(ks: number, event: number): number {
    const { heap } = this.#store;
    const number = heap.f64[event + EVENT.number]!;
    const known = this.#findStart(ks, number);
    if (known !== 0) return known;
    const sr = heap.alloc(START.units);
    const i32 = heap.newInts;
    const f64 = heap.newFloats;
    f64[sr + START.number] = number;
    f64[sr + START.time] = f64[event + EVENT.time]!;
    f64[sr + START.armed] = Infinity;
    i32[2 * sr + START.key] = ks;
    i32[2 * sr + START.event] = event;
    this.#store.retainEvent(event);
    const first = i32[2 * ks + KEY.starts]!;
    i32[2 * sr + START.next] = first;
    if (first !== 0) heap.ints(first)[2 * first + START.previous] = sr;
    heap.ints(ks)[2 * ks + KEY.starts] = sr;
    return sr;
  }

  #findStart(ks: number, number: number): number {
    const { i32, f64 } = this.#store.heap;
    for (let sr = i32[2 * ks + KEY.starts]!; sr !== 0; sr = i32[2 * sr + START.next]!) if (f64[sr + START.number] === number) return sr;
    return 0;
  }

  /** Arms a start's timer for the first of its bounds, as far as a new class of it brings one nearer. */
  #arm(ks: number, sr: number, position: PositionPlan, h: number, now: number): void {
    const { heap } = this.#store;
    let due = this.#endOf(sr);
    const c = (h >> 1) + this.#at[position.id]!;
    if (this.#walks) this.#loadPath(heap.i32[h]!);
    for (const edge of position.out) {
      if (heap.i32[h + 1 + edge.slot]! > heap.i32[2 * heap.i32[h]! + NODE.sequence]!) continue;
      due = Math.min(due, this.#edgeEnd(edge, h, c));
    }
    if (due < heap.f64[sr + START.armed]!) {
      heap.floats(sr)[sr + START.armed] = due;
      heap.ints(sr)[2 * sr + START.timers]!++;
      this.#store.timers.push(Math.max(due, now), heap.f64[sr + START.number]!, this.plan.index, TIMER_START, ks, sr);
    }
  }

  /** When an edge is over by itself; for a silence, when it completes or is over, whichever is first. */
  #edgeEnd(edge: EdgePlan, h: number, c: number): number {
    let end = Infinity;
    if (edge.deadline >= 0) end = orNever((this.functions[edge.deadline] as unknown as (c: number) => number)(c));
    if (edge.completesAt >= 0) end = Math.min(end, this.#completesAt(edge, h, c));
    return end;
  }

  #completesAt(edge: EdgePlan, h: number, c: number): number {
    const { i32, f64 } = this.#store.heap;
    return orNever(f64[i32[2 * i32[h]! + NODE.event]! + EVENT.time]! + (this.functions[edge.completesAt] as unknown as (c: number) => number)(c));
  }

  #endOf(sr: number): number { return this.#store.heap.f64[sr + START.time]! + (this.plan.within ?? Infinity); }

  /** The start goes with all its runs; a match held for it is not reported. */
  #killStart(ks: number, sr: number): void {
    const { heap } = this.#store;
    while (heap.i32[2 * sr + START.classes] !== 0) this.#removeClass(ks, heap.i32[2 * sr + START.classes]!);
    this.#letGo(sr);
    this.#told.forget(sr);
    const { i32 } = heap;
    const next = i32[2 * sr + START.next]!;
    const previous = i32[2 * sr + START.previous]!;
    if (previous === 0) heap.ints(ks)[2 * ks + KEY.starts] = next;
    else heap.ints(previous)[2 * previous + START.next] = next;
    if (next !== 0) heap.ints(next)[2 * next + START.previous] = previous;
    this.#store.releaseEvent(i32[2 * sr + START.event]!);
    heap.ints(sr)[2 * sr + START.flags]! |= DEAD;
    if (i32[2 * sr + START.timers] === 0) heap.free(sr, START.units);
  }

  #letGo(sr: number): void {
    const held = heldMatch(this.#store.heap, sr);
    if (held === undefined) return;
    for (const event of held.events) this.#store.releaseEvent(event);
    dropMatch(this.#store.heap, sr);
  }

  #hold(ks: number, match: Listed, to: number): void {
    // Made anew for a match whose runs all ended as it completed.
    const sr = this.#startRecord(ks, match.events[0]!);
    const held = heldMatch(this.#store.heap, sr);
    if (held !== undefined && !this.#isBetter(match, held)) return;
    for (const event of match.events) this.#store.retainEvent(event);
    this.#letGo(sr);
    holdMatch(this.#store.heap, sr, { events: match.events, stages: match.stages, to });
  }

  /** Of the matches of one first event `longest` takes the one with the most events; of those the first in the order of reports, also where it completes later. */
  #isBetter(match: Listed, held: HeldMatch): boolean {
    if (match.events.length !== held.events.length) return match.events.length > held.events.length;
    const { f64 } = this.#store.heap;
    for (let i = 0; i < match.events.length; i++) {
      const later = f64[match.events[i]! + EVENT.number]! - f64[held.events[i]! + EVENT.number]!;
      if (later !== 0) return later < 0;
    }
    for (let i = 0; i < match.stages.length; i++) {
      const after = this.plan.stages[match.stages[i]!]!.order - this.plan.stages[held.stages[i]!]!.order;
      if (after !== 0) return after < 0;
    }
    return false;
  }

  /** Starts without runs go; matches held are reported once no run of their start can bind more. */
  #settleStarts(ks: number, now: number): void {
    const { heap } = this.#store;
    const ready: number[] = [];
    for (let sr = heap.i32[2 * ks + KEY.starts]!; sr !== 0;) {
      const next = heap.i32[2 * sr + START.next]!;
      const held = heldLength(heap, sr);
      if (held > 0) {
        if (!this.#canGrow(ks, sr, held)) ready.push(sr);
      } else if (heap.i32[2 * sr + START.classes] === 0) {
        this.#killStart(ks, sr);
      }
      sr = next;
    }
    if (ready.length > 0) this.release(ks, ready, now);
  }

  #canGrow(ks: number, sr: number, length: number): boolean {
    const { i32, f64 } = this.#store.heap;
    const sequence = i32[2 * ks + KEY.sequence]!;
    for (let h = i32[2 * sr + START.classes]!; h !== 0; h = i32[h + CLASS.startNext]!) {
      const position = this.#positions[i32[h + CLASS.position]!]!;
      const newest = i32[2 * i32[h]! + NODE.sequence]!;
      const c = (h >> 1) + this.#at[position.id]!;
      const counterOf = (id: number): number => { const cell = position.registers.indexOf(`#c${id}`); return cell < 0 ? 0 : f64[c + cell]!; };
      for (const edge of position.out) {
        if (i32[h + 1 + edge.slot]! > newest || (edge.arrow === 'next' && newest < sequence)) continue;
        const more = edge.to < 0 ? 0 : this.#potential.of(this.plan.automaton.edges[edge.id]!, counterOf);
        if (f64[c + position.boundCell]! + more > length) return true;
      }
    }
    return false;
  }

  /** Reports the matches held for these starts, the earliest start first. */
  release(ks: number, starts: readonly number[], now: number): void {
    const { heap } = this.#store;
    const { skip } = this.plan.rule.match;
    const sorted = [...starts].sort((a, b) => heap.f64[a + START.number]! - heap.f64[b + START.number]!);
    for (const sr of sorted) {
      const held = heldMatch(heap, sr);
      if (held === undefined) continue; // a skip dropped it
      const { f64 } = heap;
      const first = f64[held.events[0]! + EVENT.number]!;
      const lastTime = f64[held.events[held.events.length - 1]! + EVENT.time]!;
      const lastNumber = held.to > lastTime ? Infinity : f64[held.events[held.events.length - 1]! + EVENT.number]!;
      this.loadKey(ks);
      this.#look(ks, { events: held.events, stages: held.stages }, held.to);
      this.#send(ks, { events: held.events, stages: held.stages }, now, held.to);
      let below = -Infinity;
      if (skip.to === 'past last') {
        below = lastNumber + 1;
        if (lastNumber === Infinity) below = this.#numberAfter(ks, held.to);
      } else if (skip.to === 'first' || skip.to === 'last') {
        const stage = this.plan.stages.findIndex((s) => s.name === skip.stage);
        const index = skip.to === 'first' ? held.stages.indexOf(stage) : held.stages.lastIndexOf(stage);
        if (index >= 0) below = f64[held.events[index]! + EVENT.number]!;
      }
      this.#letGo(sr);
      if (below > f64[ks + KEY.minStart]!) heap.floats(ks)[ks + KEY.minStart] = below;
      for (let other = heap.i32[2 * ks + KEY.starts]!; other !== 0;) {
        const next = heap.i32[2 * other + START.next]!;
        const number = heap.f64[other + START.number]!;
        if (number < below || (skip.to === 'next' && number === first)) this.#killStart(ks, other);
        else if (other === sr) this.#killStart(ks, sr); // one match a first event: its other runs are of no use
        other = next;
      }
    }
  }

  /** One more than the number of the latest start at or before a time. */
  #numberAfter(ks: number, time: number): number {
    const { i32, f64 } = this.#store.heap;
    let after = -Infinity;
    for (let sr = i32[2 * ks + KEY.starts]!; sr !== 0; sr = i32[2 * sr + START.next]!) {
      if (f64[sr + START.time]! <= time) after = Math.max(after, f64[sr + START.number]! + 1);
    }
    return after;
  }

  /** The end of the input: matches still held are reported. Calls back with each start's number and what to do, so that keys can be put in order. */
  heldStarts(ks: number, visit: (number: number, release: (now: number) => void) => void): void {
    const { heap } = this.#store;
    for (let sr = heap.i32[2 * ks + KEY.starts]!; sr !== 0; sr = heap.i32[2 * sr + START.next]!) {
      const start = sr;
      const held = heap.i32[2 * sr + START.held]!;
      if (held !== 0) visit(heap.f64[sr + START.number]!, (now) => { if (heap.i32[2 * start + START.held] === held) this.release(ks, [start], now); });
    }
  }

  // --- time -----------------------------------------------------------------------------------------------------------------------------------

  /** Does a timer's start record still have its key? */
  isLiveStart(sr: number): boolean { return (this.#store.heap.i32[2 * sr + START.flags]! & DEAD) === 0; }

  /** A start's timer: silences complete, then absences, then what is out of time ends. Returns true when the key may be looked at for going. */
  fire(ks: number, sr: number, time: number, kind: number): void {
    const store = this.#store;
    const { heap } = store;
    heap.ints(sr)[2 * sr + START.timers]!--;
    if ((heap.i32[2 * sr + START.flags]! & DEAD) !== 0) {
      if (heap.i32[2 * sr + START.timers] === 0) heap.free(sr, START.units);
      return;
    }
    heap.floats(sr)[sr + START.armed] = Infinity;
    this.loadKey(ks);
    const sessionOver = this.plan.session !== undefined && this.#sessionEnd(ks) <= time;
    const over = kind === TIMER_START_SESSION || sessionOver || this.#endOf(sr) <= time;
    const sequence = heap.i32[2 * ks + KEY.sequence]!;
    this.#pending = [];
    this.#pendingAt.clear();
    this.#finals = [];
    // When a bound ends at the same time, the step completes first.
    for (let h = heap.i32[2 * sr + START.classes]!; h !== 0; h = heap.i32[h + CLASS.startNext]!) {
      const position = this.#positions[heap.i32[h + CLASS.position]!]!;
      const c = (h >> 1) + this.#at[position.id]!;
      for (const edge of position.out) {
        if (edge.kind !== 'silence' || heap.i32[h + 1 + edge.slot]! > heap.i32[2 * heap.i32[h]! + NODE.sequence]!) continue;
        if (this.#walks) this.#loadPath(heap.i32[h]!);
        if (this.#completesAt(edge, h, c) > time) continue;
        if (edge.deadline >= 0 && (this.functions[edge.deadline] as unknown as (c: number) => number)(c) < this.#completesAt(edge, h, c)) continue;
        heap.ints(h >> 1)[h + 1 + edge.slot] = NEVER;
        this.#take(position, h, c, edge, 0, sequence);
      }
    }
    for (const pending of this.#pending) pending.heads.forEach((_, k) => { pending.lows[k] = 0; });
    if (this.#pending.length > 0) {
      const kept = this.#store.current.time;
      this.#store.current.time = time;
      this.#settle(ks, sequence, time, false, false);
      this.#store.current.time = kept;
      if ((heap.i32[2 * sr + START.flags]! & DEAD) !== 0) return;
      this.loadKey(ks);
    }
    // Absences complete when the first of their bounds ends; then everything out of time ends.
    const ended: { node: number }[] = [];
    for (let h = heap.i32[2 * sr + START.classes]!; h !== 0;) {
      const next = heap.i32[h + CLASS.startNext]!;
      const position = this.#positions[heap.i32[h + CLASS.position]!]!;
      const c = (h >> 1) + this.#at[position.id]!;
      const head = heap.i32[h]!;
      const newest = heap.i32[2 * head + NODE.sequence]!;
      let open = false;
      let low = NEVER;
      let completed = false;
      if (this.#walks) this.#loadPath(head);
      for (const edge of position.out) {
        const cell = h + 1 + edge.slot;
        if (heap.i32[cell]! > newest) continue;
        low = Math.min(low, heap.i32[cell]!);
        if (!over && !(edge.deadline >= 0 && orNever((this.functions[edge.deadline] as unknown as (c: number) => number)(c)) <= time)) { open = true; continue; }
        if (edge.kind === 'absence') {
          this.#absent(head, heap.i32[cell]!);
          completed = true;
        }
        heap.ints(cell >> 1)[cell] = NEVER;
      }
      if (!open && !completed && this.plan.hasTimeout) {
        for (let n = head; n !== 0 && heap.i32[2 * n + NODE.sequence]! >= low; n = heap.i32[2 * n + NODE.previous]!) {
          store.retainNode(n);
          ended.push({ node: n });
        }
      }
      if (!open) this.#removeClass(ks, h);
      h = next;
    }
    const finals = this.#finals;
    this.#finals = [];
    if (finals.length > 0) {
      this.#complete(ks, finals, time, false);
      for (const node of finals) heap.ints(ks)[2 * ks + KEY.nodes]! -= store.releaseNode(node);
    }
    const alive = (heap.i32[2 * sr + START.flags]! & DEAD) === 0;
    if (alive && ended.length > 0 && heap.i32[2 * sr + START.classes] === 0 && (heap.i32[2 * sr + START.flags]! & REPORTED) === 0 && heldLength(heap, sr) === 0 && this.plan.hasTimeout) {
      this.#timeOut(ks, ended, time);
    }
    for (const { node } of ended) heap.ints(ks)[2 * ks + KEY.nodes]! -= store.releaseNode(node);
    if (!alive || (heap.i32[2 * sr + START.flags]! & DEAD) !== 0) return;
    this.#settleStarts(ks, time);
    if ((heap.i32[2 * sr + START.flags]! & DEAD) !== 0) return;
    for (let h = heap.i32[2 * sr + START.classes]!; h !== 0; h = heap.i32[h + CLASS.startNext]!) {
      this.#arm(ks, sr, this.#positions[heap.i32[h + CLASS.position]!]!, h, time);
    }
  }

  /** The nodes of a chain down to `low`, which waited for nothing to happen, become final. */
  #absent(head: number, low: number): void {
    const { i32 } = this.#store.heap;
    for (let n = head; n !== 0 && i32[2 * n + NODE.sequence]! >= low; n = i32[2 * n + NODE.previous]!) {
      this.#store.retainNode(n);
      this.#finals.push(n);
    }
  }

  /** A first event's runs are all out of time: reported once, with the run that got furthest. */
  #timeOut(ks: number, ended: readonly { readonly node: number }[], time: number): void {
    const { heap } = this.#store;
    this.counters.timedOut++;
    let best: Listed | undefined;
    let reached = -1;
    let looked = 0;
    listMatches(this.#store, ended.map((e) => e.node), {
      alive: () => true,
      stageAt: (node) => this.#positions[heap.i32[2 * node + NODE.references]! >> POSITION_SHIFT]!.stage,
      orderOf: (stage) => this.plan.stages[stage]!.order,
    }, (match) => {
      const order = match.stages.reduce((most, stage) => Math.max(most, this.plan.stages[stage]!.order), -1);
      if (best === undefined || order > reached || (order === reached && match.events.length > best.events.length)) {
        best = match;
        reached = order;
      }
      return ++looked < MOST_TIMEOUTS;
    });
    if (best === undefined) return;
    this.#view.set(best.events, best.stages);
    this.#view.from = heap.f64[best.events[0]! + EVENT.time]!;
    this.#view.to = heap.f64[best.events[best.events.length - 1]! + EVENT.time]!;
    this.onLook(ks, 'timeout');
    this.#send(ks, best, time, this.#view.to, 'timeout');
  }

  /** The session moves on with the event at hand, or has ended before it. */
  #session(ks: number, time: number): void {
    const { heap, timers } = this.#store;
    const session = this.plan.session!;
    if (this.#sessionEnd(ks) <= time) this.clear(ks);
    heap.floats(ks)[ks + KEY.last] = time;
    if (!this.plan.tracked) return;
    const end = time + orNever(this.#spanOf(session));
    const isArmed = heap.f64[ks + KEY.timers] !== 0;
    heap.floats(ks)[ks + KEY.timers] = end;
    // One that is not constant may end before the event before said: each event has a timer then, and the last event's counts.
    if (session.constant === undefined) heap.ints(ks)[2 * ks + KEY.flags]! += SESSION_TIMER;
    else if (isArmed) return;
    timers.push(end, -1, this.plan.index, TIMER_SESSION, ks, 0);
  }

  /** When the session of a key ends that its last event began anew: as that event says. */
  #sessionEnd(ks: number): number {
    const { f64 } = this.#store.heap;
    const { constant } = this.plan.session!;
    return constant === undefined ? f64[ks + KEY.timers]! : f64[ks + KEY.last]! + constant;
  }

  /** The timer of a key's session: over, or later, as its last event says. */
  fireSession(ks: number, time: number): void {
    const { heap, timers } = this.#store;
    const end = this.#sessionEnd(ks);
    if (this.plan.session!.constant === undefined) {
      heap.ints(ks)[2 * ks + KEY.flags]! -= SESSION_TIMER;
      if (end !== time) return;
    } else if (end > time) {
      timers.push(end, -1, this.plan.index, TIMER_SESSION, ks, 0);
      return;
    }
    heap.floats(ks)[ks + KEY.timers] = 0;
    for (let sr = heap.i32[2 * ks + KEY.starts]!; sr !== 0; sr = heap.i32[2 * sr + START.next]!) {
      heap.ints(sr)[2 * sr + START.timers]!++;
      timers.push(time, heap.f64[sr + START.number]!, this.plan.index, TIMER_START_SESSION, ks, sr);
    }
  }

  // --- memory ---------------------------------------------------------------------------------------------------------------------------------

  #countDrop(ks: number): void {
    this.counters.dropped++;
    this.#store.heap.ints(ks)[2 * ks + KEY.dropped]!++;
  }

  /** Binds the view to the one history of a run, for conditions that walk it. */
  #loadPath(node: number): void {
    const { i32 } = this.#store.heap;
    const events: number[] = [];
    const stages: number[] = [];
    for (let n = node; n !== 0; n = i32[2 * n + NODE.link]!) {
      const stage = this.#positions[i32[2 * n + NODE.references]! >> POSITION_SHIFT]!.stage;
      if (stage < 0) continue;
      events.push(i32[2 * n + NODE.event]!);
      stages.push(stage);
    }
    this.#view.set(events.reverse(), stages.reverse());
  }

  // --- state taken over from other rules (change/) --------------------------------------------------------------------------------------------

  /** A class without runs. */
  adoptClass(ks: number, position: PositionPlan, registers: Float64Array, sr: number): number { return this.#newClass(ks, position, registers, sr); }
  /** The record of a start at an event. */
  adoptStart(ks: number, event: number): number { return this.#startRecord(ks, event); }
  /** Matches reported of a start: pairs of stage and event number. */
  adoptTold(sr: number, pairs: readonly number[]): void { this.#told.isRepeat(sr, pairs); }
  get cohort(): Cohort | undefined { return this.#cohort; }
  adoptLogged(ks: number, entry: Logged): void { this.#bans.adopt(ks, entry); }

  /** Timers of a key are armed for its bounds as they are now; none of it was. */
  adoptTimers(ks: number, now: number): void {
    const { heap, timers } = this.#store;
    if (!this.plan.tracked) return;
    this.loadKey(ks);
    if (this.plan.session !== undefined && heap.f64[ks + KEY.timers] !== 0) {
      if (this.plan.session.constant === undefined) {
        heap.floats(ks)[ks + KEY.timers] = Math.max(now, this.#sessionEnd(ks));
        heap.ints(ks)[2 * ks + KEY.flags]! += SESSION_TIMER;
      }
      timers.push(Math.max(now, this.#sessionEnd(ks)), -1, this.plan.index, TIMER_SESSION, ks, 0);
    }
    for (let sr = heap.i32[2 * ks + KEY.starts]!; sr !== 0; sr = heap.i32[2 * sr + START.next]!) {
      for (let h = heap.i32[2 * sr + START.classes]!; h !== 0; h = heap.i32[h + CLASS.startNext]!) this.#arm(ks, sr, this.#positions[heap.i32[h + CLASS.position]!]!, h, now);
    }
  }

  /** After the heap was restored: what is derived from it is made anew. */
  reset(): void {
    this.classes.reset();
    this.#told.reset();
    this.#bans.reset();
    this.#thinning.reset();
  }
}

/** `cells`: fields an event has, the time not among them. */
function classesAhead({ starts, positions, functions }: RulePlan, { slots }: Classes, cells: number): ClassesAhead | undefined {
  for (const { to, update } of starts) {
    const { id, indexCell } = positions[to]!;
    const slot = indexCell < 0 ? undefined : new RegExp(`\\bout\\[${indexCell}\\]=E\\[(\\d+)\\];`).exec(functions[update]!)?.[1];
    if (slot !== undefined && Number(slot) < cells) return { slots, position: id, slot: Number(slot) };
  }
  return undefined;
}

function pendingHash(position: number, starts: boolean, registers: Float64Array): number {
  let hash = mix(position, starts ? 1 : 0);
  for (let i = 0; i < registers.length; i++) hash = mix(hash, registers[i]!);
  return hash;
}

function same(a: Float64Array, b: Float64Array): boolean {
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (x !== y && (x === x || y === y)) return false;
  }
  return true;
}

/** `but`: the guard of this cell is left out. */
function passes(guards: readonly { readonly cell: number; readonly min: number; readonly max: number }[], registers: Float64Array, but = -1): boolean {
  for (const guard of guards) {
    if (guard.cell === but) continue;
    const count = registers[guard.cell]!;
    if (count < guard.min || count > guard.max) return false;
  }
  return true;
}

const orNever = (time: number): number => (Number.isNaN(time) ? Infinity : time);

