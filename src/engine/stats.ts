/** What the engine says of itself: exactly, by a walk over the state, or often, from what is kept count of. */
import type { Parts } from './images.ts';
import { KEY } from './layout.ts';
import type { Progress } from './progress.ts';
import { RuleRunner, type Counters } from './runner.ts';

export interface RuleStats extends Counters { readonly name: string; readonly openRuns: number }

export interface EngineStats {
  readonly events: number;
  readonly late: number;
  readonly duplicates: number;
  readonly derivedRejected: number;
  /** Largest event time up to which everything has been processed; -Infinity before the first event. */
  readonly watermark: number;
  /** Bytes of state in use. */
  readonly bytes: number;
  readonly keys: number;
  readonly rules: readonly RuleStats[];
}

/** What `gauges` gives: no cost grows with the state. */
export interface EngineGauges extends Omit<EngineStats, 'rules'> {
  /** Bytes of the tables of keys, classes and timers; of the texts; of the events held back. `bytes` has none of them. */
  readonly tableBytes: number;
  readonly stringBytes: number;
  readonly heldBytes: number;
  /** Events held back. */
  readonly held: number;
  readonly timers: number;
  readonly rules: readonly RuleGauges[];
}

/** What a rule holds, kept count of: open runs with those that are out of time and not cleared away yet; bytes without the events, which rules share. */
export interface RuleGauges extends Counters { readonly name: string; readonly keys: number; readonly runs: number; readonly bytes: number }

export function statsOf({ store, keys, runners }: Pick<Parts, 'store' | 'keys' | 'runners'>, progress: Progress): EngineStats {
  const open = new Map<number, number>();
  const add = (rule: number, runs: number): void => { open.set(rule, (open.get(rule) ?? 0) + runs); };
  const { K, heap, current } = store;
  // The last events may have concerned nobody.
  if (Number.isFinite(progress.watermark)) current.time = Math.max(current.time, progress.watermark);
  for (const ks of keys.all()) {
    const runner = runners[heap.i32[2 * ks + KEY.rule]!]!;
    if (runner.plan.isGroup) {
      for (const member of runners) if (member.plan.group === runner.plan.index) add(member.plan.index, (runner as RuleRunner).pendingShared(ks, member.since));
      continue;
    }
    add(runner.plan.index, runner.openRuns(ks));
    if (runner.plan.group < 0 || !(runner instanceof RuleRunner)) continue;
    // What this key has taken over, or let go, of the shared starts is not counted with them.
    runner.loadKey(ks);
    const shared = keys.find(runner.plan.group, K, runner.layout.width);
    const group = runners[runner.plan.group] as RuleRunner;
    if (shared !== 0) add(runner.plan.index, group.pendingShared(shared, Math.max(heap.f64[ks + KEY.timers]!, runner.since)) - group.pendingShared(shared, runner.since));
  }
  return {
    events: progress.events, late: progress.late, duplicates: progress.duplicates, derivedRejected: progress.derivedRejected,
    watermark: progress.watermark, bytes: store.heap.bytesUsed + store.features.bytesUsed, keys: keys.count,
    rules: runners.filter((runner) => !runner.plan.isGroup).map((runner) => {
      return { ...runner.counters, events: progress.seenBy(runner.plan), name: runner.plan.rule.name, openRuns: open.get(runner.plan.index) ?? 0 };
    }),
  };
}

export function gaugesOf({ store, strings, keys, held, runners }: Pick<Parts, 'store' | 'strings' | 'keys' | 'held' | 'runners'>, progress: Progress): EngineGauges {
  const { heap, tables, timers } = store;
  return {
    events: progress.events, late: progress.late, duplicates: progress.duplicates, derivedRejected: progress.derivedRejected,
    watermark: progress.watermark, bytes: heap.bytesUsed + store.features.bytesUsed, tableBytes: tables.bytesUsed, stringBytes: strings.byteLength, heldBytes: held.byteLength,
    keys: keys.count, held: held.count, timers: timers.size,
    rules: runners.filter((runner) => !runner.plan.isGroup).map((runner) => ({ name: runner.plan.rule.name, ...runner.counters, ...runner.size, bytes: Math.max(0, runner.size.bytes), events: progress.seenBy(runner.plan) })),
  };
}
