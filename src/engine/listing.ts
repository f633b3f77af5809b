/**
 * Listing the matches that a set of final nodes stands for, from the graph of shared histories, in the order of section 3: earliest first event;
 * then event by event, the earlier first; the longer list where one begins the other; else the stage written first. Derivations with the same
 * list of (stage, event) come out once. Histories whose start is dead are left out.
 */
import { EVENT, LINK, NODE } from './layout.ts';
import type { Store } from './store.ts';

export interface Listed { readonly events: number[]; readonly stages: number[] }

/** Stages bound so far, latest first. */
interface Trail { readonly stage: number; readonly before: Trail | undefined }
interface Item { readonly node: number; readonly trail: Trail | undefined }
/** One level of the walk: the events that may come next, each with its items, and the lists that end here. */
interface Frame { readonly groups: readonly (readonly Item[])[]; readonly ended: readonly Trail[]; at: number }

export interface ListOptions {
  /** Is a start (event record) alive? */
  readonly alive: (start: number) => boolean;
  /** Stage index of a node's position; -1: a silence, which binds no event. */
  readonly stageAt: (node: number) => number;
  readonly orderOf: (stage: number) => number;
}

/** Calls `visit` for each match in order, until it returns false. */
export function listMatches(store: Store, finals: readonly number[], options: ListOptions, visit: (match: Listed) => boolean): void {
  const { i32, f64 } = store.heap;
  const { alive, stageAt, orderOf } = options;
  if (finals.length === 1) {
    const only = singleMatch(store, finals[0]!, options);
    if (only !== undefined) {
      if (only !== 'dead') visit(only);
      return;
    }
  }
  const followers = new Map<number, number[]>();
  const starts: number[] = [];
  const seen = new Set<number>();
  const stack: number[] = [];
  for (const node of finals) if (!seen.has(node)) { seen.add(node); stack.push(node); }
  const follow = (head: number, low: number, to: number): void => {
    for (let n = head; n !== 0 && i32[2 * n + NODE.sequence]! >= low; n = i32[2 * n + NODE.previous]!) {
      if (!alive(i32[2 * n + NODE.start]!)) continue;
      const list = followers.get(n);
      if (list === undefined) followers.set(n, [to]);
      else list.push(to);
      if (!seen.has(n)) { seen.add(n); stack.push(n); }
    }
  };
  while (stack.length > 0) {
    const n = stack.pop()!;
    const i = 2 * n;
    const link = i32[i + NODE.link]!;
    if (link === 0) {
      if (alive(i32[i + NODE.event]!)) starts.push(n);
      continue;
    }
    follow(link, i32[i + NODE.low]!, n);
    for (let more = i32[i + NODE.more]!; more !== 0; more = i32[2 * more + LINK.next]!) follow(i32[2 * more + LINK.head]!, i32[2 * more + LINK.low]!, n);
  }
  if (starts.length === 0) return;
  const isFinal = new Set(finals);
  const numberOf = (node: number): number => f64[i32[2 * node + NODE.event]! + EVENT.number]!;
  const events: number[] = [];

  const grouped = (items: readonly Item[]): readonly (readonly Item[])[] => {
    if (items.length <= 1) return items.length === 0 ? [] : [items];
    const groups = new Map<number, Item[]>();
    for (const item of items) {
      const number = numberOf(item.node);
      const list = groups.get(number);
      if (list === undefined) groups.set(number, [item]);
      else if (!list.some((other) => other.node === item.node && sameTrail(other.trail, item.trail))) list.push(item);
    }
    return [...groups.keys()].sort((a, b) => a - b).map((number) => groups.get(number)!);
  };
  /** What may follow items that share the list of events bound so far. */
  const frameOf = (items: readonly Item[]): Frame => {
    const next: Item[] = [];
    const ended: Trail[] = [];
    const expand = (item: Item): void => {
      if (isFinal.has(item.node) && item.trail !== undefined && !ended.some((trail) => sameTrail(trail, item.trail))) ended.push(item.trail);
      for (const n of followers.get(item.node) ?? []) {
        const stage = stageAt(n);
        if (stage < 0) expand({ node: n, trail: item.trail });
        else next.push({ node: n, trail: { stage, before: item.trail } });
      }
    };
    for (const item of items) expand(item);
    return { groups: grouped(next), ended, at: 0 };
  };

  // An explicit stack: a match may bind more events than the call stack holds frames.
  const frames: Frame[] = [{ groups: grouped(starts.map((node) => ({ node, trail: { stage: stageAt(node), before: undefined } }))), ended: [], at: 0 }];
  for (;;) {
    const frame = frames[frames.length - 1]!;
    if (frame.at < frame.groups.length) {
      const items = frame.groups[frame.at++]!;
      events.push(i32[2 * items[0]!.node + NODE.event]!);
      frames.push(frameOf(items));
      continue;
    }
    // The longer lists came first; now those that end here, the stage written first before.
    const lists = frame.ended.map(stagesOf).sort((a, b) => compareStages(a, b, orderOf));
    for (const stages of lists) if (!visit({ events: [...events], stages })) return;
    frames.pop();
    if (frames.length === 0) return;
    events.pop();
  }
}

/** The usual case: one history. Undefined where a node may follow several; 'dead' where its start is. */
function singleMatch(store: Store, final: number, { alive, stageAt }: ListOptions): Listed | 'dead' | undefined {
  const { i32 } = store.heap;
  const events: number[] = [];
  const stages: number[] = [];
  let n = final;
  for (;;) {
    const i = 2 * n;
    const stage = stageAt(n);
    if (stage >= 0) {
      events.push(i32[i + NODE.event]!);
      stages.push(stage);
    }
    const link = i32[i + NODE.link]!;
    if (link === 0) break;
    const below = i32[2 * link + NODE.previous]!;
    if (i32[i + NODE.more] !== 0 || (below !== 0 && i32[2 * below + NODE.sequence]! >= i32[i + NODE.low]!)) return undefined;
    n = link;
  }
  if (!alive(i32[2 * n + NODE.event]!)) return 'dead';
  return { events: events.reverse(), stages: stages.reverse() };
}

function stagesOf(trail: Trail): number[] {
  const stages: number[] = [];
  for (let t: Trail | undefined = trail; t !== undefined; t = t.before) stages.push(t.stage);
  return stages.reverse();
}

function sameTrail(a: Trail | undefined, b: Trail | undefined): boolean {
  while (a !== b) {
    if (a === undefined || b === undefined || a.stage !== b.stage) return false;
    a = a.before;
    b = b.before;
  }
  return true;
}

function compareStages(a: readonly number[], b: readonly number[], orderOf: (stage: number) => number): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const d = orderOf(a[i]!) - orderOf(b[i]!);
    if (d !== 0) return d;
  }
  return b.length - a.length;
}
