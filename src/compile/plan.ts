/**
 * The plan: what the engine runs. Plain data; conditions are JavaScript source generated from the checked tree (never from source text), which the
 * engine turns into functions once.
 *
 * Generated code reads the event at hand from the engine's scratch `E` (one cell a slot, then its time), the key's parts from `K`, pooled
 * constants from `C`, the run-time library `R`, tables `T[i]`, features `V`, a class's registers from `F[c + cell]`, the match view `M` where it walks bound
 * events, and the window view `W` where it reads a window.
 * A condition is split in two: the *predicate* reads the event alone and is evaluated once an event for all rules that share it; the *rest* is
 * evaluated once a class (see docs/architecture.md).
 */
import type { EachPlan, Schema } from '../core/schema.ts';
import type { Expr, Field, Literal, PatternRule, Program, Type, WindowAggregateFn, WindowRule } from '../../dsl/typed.ts';
import type { Automaton } from './automaton.ts';
import type { CohortPlan } from './cohort.ts';
import type { WindowAggregate } from './expr.ts';
import type { RuleIdentity } from './identity.ts';
import type { WindowIdentity } from './window-identity.ts';

export interface Plan {
  readonly program: Program;
  readonly schema: Schema;
  /** Values of params after overrides. */
  readonly params: ReadonlyMap<string, Literal>;
  /** Pooled constants, `C[i]`. */
  readonly pool: readonly Literal[];
  /** Per schema type: slots kept with a bound event, in order of their cells. */
  readonly kept: readonly (readonly number[])[];
  /** Per schema type: does any rule want the bytes of its bound events? */
  readonly keepBytes: readonly boolean[];
  /** Per schema type: the slots of the fields named by `id`; empty: identity by bytes. */
  readonly identity: readonly (readonly { readonly slot: number; readonly type: Type }[])[];
  /** Per schema type: ms of `once within`, or 0. */
  readonly once: readonly number[];
  /** Per schema type: slot and type of each field that has a slot. */
  readonly fields: readonly ReadonlyMap<string, { readonly slot: number; readonly type: Type }>[];
  readonly predicates: readonly Predicate[];
  readonly keys: readonly KeyPlan[];
  readonly rules: readonly AnyRulePlan[];
  /** Types made of the elements of lists, as far as rules read them; a type made of another stands behind it. */
  readonly each: readonly EachPlan[];
  /** The tables that rules read, `T[i]`. */
  readonly tables: readonly TablePlan[];
  /** The features that rules read, by the key they share. */
  readonly features: readonly FeatureGroupPlan[];
}

/** A table as far as rules read it. */
export interface TablePlan {
  readonly name: string;
  /** The columns that are read, the key first. */
  readonly columns: readonly Field[];
  /** The column that says from when a row holds. */
  readonly history: Field | undefined;
}

/**
 * Features with one key: an event looks their record up once, whatever their number. All sources read the event at hand alone.
 */
export interface FeatureGroupPlan {
  readonly width: number;
  /** Per schema type: sources of the key's parts; undefined where no feature of the group is of the type. */
  readonly keys: readonly (readonly string[] | undefined)[];
  readonly streams: readonly FeatureStreamPlan[];
  readonly features: readonly FeaturePlan[];
}

/** The events that some features of a group are of: of the same types, by the same condition. */
export interface FeatureStreamPlan {
  /** Per schema type. */
  readonly of: readonly boolean[];
  /** Source of the condition, undefined: none. */
  readonly where: string | undefined;
  /** Sources of the values that features of the stream take. */
  readonly values: readonly string[];
}

export interface FeaturePlan {
  readonly name: string;
  readonly fn: WindowAggregateFn;
  readonly type: Type;
  /** Type of the values taken; undefined: of `count`. */
  readonly valueType: Type | undefined;
  readonly argument: number | undefined;
  /** Index among the group's streams. */
  readonly stream: number;
  /** Index among the stream's values, -1: none. */
  readonly value: number;
  /** ms; Infinity: all history. */
  readonly over: number;
  /** ms: the width of its panes; 0: every value is kept. */
  readonly every: number;
  /** Read by a condition, where it is the value before the event. */
  readonly readBefore: boolean;
  /** What is kept of it, as text: a state of another text is not that of this feature. */
  readonly identity: string;
  /** Names of the rules that read it. */
  readonly readBy: readonly string[];
}

/** A condition on the event alone, shared by all rules that use it. */
export interface Predicate {
  readonly id: number;
  readonly canonical: string;
  /** Schema types it applies to; on others it is false. */
  readonly types: readonly number[];
  /** Source of a boolean over E and C. */
  readonly source: string;
  /** `field == constant`, by which it is found in a hash instead of being tried on every event. */
  readonly equality: { readonly slot: number; readonly pooled: number } | undefined;
}

/** A tuple of key parts; per schema type the sources of its parts, or undefined where the type has no such key. */
export interface KeyPlan {
  readonly canonical: string;
  readonly width: number;
  readonly sources: readonly (readonly string[] | undefined)[];
  /** Per schema type: a part may be null. */
  readonly mayBeNull: readonly boolean[];
}

/** A condition at a place: its predicate, and the index of its rest in RulePlan.functions (-1: the predicate decides). */
export interface Cond { readonly predicate: number; readonly rest: number; readonly stage: number }

export interface Guard { readonly cell: number; readonly min: number; readonly max: number }

export type EdgeKind = 'event' | 'silence' | 'absence' | 'acceptNext';

export interface EdgePlan {
  readonly id: number;
  readonly kind: EdgeKind;
  /** -1: the start */
  readonly from: number;
  /** -1: the end of the pattern */
  readonly to: number;
  /** Index among the edges out of `from`. */
  readonly slot: number;
  readonly arrow: 'followed' | 'any' | 'next';
  /** What the next event must satisfy; undefined for a step by time. */
  readonly cond: Cond | undefined;
  /** Function giving the event's side of an equality with the position's index register, or -1. */
  readonly equality: number;
  readonly unless: readonly Cond[];
  readonly bans: readonly Cond[];
  readonly nextBans: readonly Cond[];
  readonly sequences: readonly number[];
  readonly greedy: readonly { readonly cond: Cond; readonly roomCell: number; readonly max: number; readonly until: Cond | undefined; readonly closedCell: number }[];
  readonly until: Cond | undefined;
  /** Taking it as a lazy loop: the exits whose step could have taken the event instead, if the minimum was met. */
  readonly lazy: { readonly min: number; readonly countCell: number; readonly exits: readonly { readonly cond: Cond; readonly bit: number }[]; readonly targetCell: number; readonly again: boolean } | undefined;
  /** Taken only where this bit of the register is clear (a lazy loop's exit); cell -1: no matter. */
  readonly clear: { readonly cell: number; readonly bit: number } | undefined;
  readonly guards: readonly Guard[];
  /** The event must lie less than this many ms after the bound event before it (0: no such bound). */
  readonly span: number;
  /** Function (c) → time at which the edge is over, for tracked rules; -1: never by itself. For a silence: when it completes. */
  readonly deadline: number;
  readonly completesAt: number;
  /** Function (c, out) that fills the target's registers. */
  readonly update: number;
}

export interface PositionPlan {
  readonly id: number;
  /** Index of the stage, -1: a silence. */
  readonly stage: number;
  /** The position of the clock of a silence that opens the pattern: those come after all that are written. */
  readonly clock: boolean;
  readonly registers: readonly string[];
  /** All runs here are one class. */
  readonly single: boolean;
  /** Register cell by which classes are hashed, or -1. */
  readonly indexCell: number;
  /** Are classes that come to agree in their registers made one? Not worth a look-up where running totals keep them apart. */
  readonly merges: boolean;
  /** An event of the key concerns every class here, whatever it is. */
  readonly always: boolean;
  /** Predicates that concern every class here when they hold. */
  readonly wake: readonly number[];
  /** The one edge that concerns only the classes with an equal register, where its predicate is not among `wake`. */
  readonly indexed: EdgePlan | undefined;
  /** Cell of the mask of dead edges, or -1. */
  readonly maskCell: number;
  readonly out: readonly EdgePlan[];
  /** The pattern may end here at once, where the guards hold. */
  readonly accepts: readonly { readonly guards: readonly Guard[] }[];
  /** Cell of the number of events bound so far, or -1. */
  readonly boundCell: number;
}

export interface OutputPlan {
  readonly kind: 'alert' | 'emit';
  readonly onTimeout: boolean;
  readonly onClear: boolean;
  readonly target: string;
  readonly fields: readonly { readonly name: string; readonly type: Type; readonly fn: number }[];
}

export interface StagePlan {
  readonly name: string;
  readonly order: number;
  readonly loop: boolean;
  readonly types: readonly number[];
  /** Key tuple of its own (`by` names the stage), or -1. */
  readonly key: number;
  /** `keep` counts its events. */
  readonly held: boolean;
}

export type AnyRulePlan = RulePlan | WindowPlan;

export interface RulePlan {
  readonly kind: 'pattern';
  readonly index: number;
  readonly rule: PatternRule;
  readonly automaton: Automaton;
  readonly key: number;
  readonly stages: readonly StagePlan[];
  /** Per schema type: -1 not seen, else index in `filters`; a filter is a list of predicates of which one must hold, empty: always. */
  readonly sees: readonly number[];
  readonly filters: readonly (readonly number[])[];
  /** Beside each predicate of a filter: the function of what must hold for the key too, -1: nothing. Empty: no filter of the rule has any. */
  readonly filterRests: readonly (readonly number[])[];
  readonly positions: readonly PositionPlan[];
  readonly starts: readonly EdgePlan[];
  readonly split: 'none' | 'start' | 'run';
  readonly tracked: boolean;
  /** The pattern may end with a silence, which binds no event: a list of events that is a match already may complete once more. */
  readonly completesAgain: boolean;
  readonly needsEveryEvent: boolean;
  /** Functions (c) → ms; -1: none. Constants are given beside. */
  /** ms, where it is constant: else the steps have it among their bounds. */
  readonly within: number | undefined;
  readonly session: TimeSpan | undefined;
  /** Bans before the first step, and how far they look back: per start edge. */
  readonly leading: readonly { readonly span?: TimeSpan; readonly conds: readonly Cond[]; readonly sequences: readonly number[] }[];
  readonly sequences: readonly { readonly steps: readonly { readonly cond: Cond; readonly arrow: 'followed' | 'any' | 'next' }[]; readonly logged: boolean }[];
  readonly having: number;
  readonly severity: number;
  readonly limitBy: number;
  readonly outputs: readonly OutputPlan[];
  /** `by … from`: index of the table in Plan.tables, of the columns for the key's parts, and of the starts that are clocks of a leading silence. */
  readonly roster: { readonly table: number; readonly columns: readonly number[]; readonly clocks: readonly number[] } | undefined;
  readonly hasTimeout: boolean;
  /** The loop that opens the pattern, where all runs of a key go through it in step. */
  readonly cohort: CohortPlan | undefined;
  /** Index of the plan that keeps the starts this rule shares with others that start alike; -1: none. */
  readonly group: number;
  /** This plan only keeps shared starts; it is no rule of the author's. */
  readonly isGroup: boolean;
  /** What its runs keep, by which a state of an older version of the rule is known. */
  readonly identity: RuleIdentity;
  /** Sources of the functions that conditions and outputs name by index. */
  readonly functions: readonly string[];
}

/** All lengths in ms. */
export type WindowShape =
  | { readonly kind: 'tumbling'; readonly size: number; readonly offset: number }
  | { readonly kind: 'calendar'; readonly unit: 'day' | 'week' | 'month'; readonly zone: string }
  | { readonly kind: 'session'; readonly gap: number; readonly max: number }
  | { readonly kind: 'global' }
  /** `every` 0: read at each event of the key. `pane`: width of the panes that windows are put together from. */
  | { readonly kind: 'sliding'; readonly size: number; readonly every: number; readonly pane: number }
  /** `every` 0: one window after the other. `pane`: events in each. */
  | { readonly kind: 'count'; readonly size: number; readonly every: number; readonly pane: number };

/** What a window keeps: one of it for each distinct aggregate that the rule reads. */
export interface WindowAggregatePlan {
  readonly fn: WindowAggregateFn;
  /** Kind of the value's type; undefined for `count`. */
  readonly type: Type['kind'] | undefined;
  readonly argument: number | undefined;
  /** Index of the input it is over; -1: of all. */
  readonly input: number;
  /** Function () → the value of the event at hand, or -Infinity where it is not taken. */
  readonly take: number;
  /** For `explain`. */
  readonly expr: WindowAggregate;
}

export interface WindowPlan {
  readonly kind: 'window';
  readonly index: number;
  readonly rule: WindowRule;
  readonly key: number;
  /** The inputs: their names, types, and a key of their own where `by` names them, as a stage's. */
  readonly stages: readonly StagePlan[];
  /** Per input: the predicate of what it takes. */
  readonly inputs: readonly number[];
  /** Beside it: the function of what must hold for the key too, -1: nothing. */
  readonly inputRests: readonly number[];
  /** As of RulePlan. */
  readonly sees: readonly number[];
  readonly filters: readonly (readonly number[])[];
  readonly filterRests: readonly (readonly number[])[];
  /** A silent key has no window: that a table names it changes nothing. */
  readonly roster: undefined;
  readonly shape: WindowShape;
  readonly aggregates: readonly WindowAggregatePlan[];
  readonly trigger: { readonly kind: 'none' | 'rise' } | { readonly kind: 'time'; readonly every: number } | { readonly kind: 'events'; readonly every: number };
  /** ms for which a closed window is kept; 0: it is not. */
  readonly late: number;
  readonly having: number;
  /** What `having` says can change only as events come and leave: it reads aggregates, the key and constants. */
  readonly steady: boolean;
  readonly severity: number;
  readonly limitBy: number;
  readonly outputs: readonly OutputPlan[];
  /** What its windows keep, by which a state of an older version of the rule is known. */
  readonly identity: WindowIdentity;
  readonly functions: readonly string[];
  readonly group: -1;
  readonly isGroup: false;
  readonly needsEveryEvent: false;
  readonly hasTimeout: false;
}

export interface TimeSpan { readonly constant: number | undefined; readonly fn: number; readonly expr: Expr }

/** A window as it was read. For rule tests. */
export interface WindowReading {
  readonly plan: WindowPlan;
  readonly key: Readonly<Record<string, unknown>>;
  /** Event time of the event or timer at which it was read; the window as an alert tells it; as the rule reads it, null where it has none. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly start: number | null;
  readonly end: number | null;
  /** What `having` says. */
  readonly holds: boolean;
  /** Of the plan's aggregates; times and durations in ms. */
  readonly values: readonly unknown[];
}
