/**
 * The checked program: what the checker hands to the compiler, the reference matcher, the test runner and `explain`.
 * Everything is resolved: names point at what they mean, `fn`s are inlined, consts are folded, `use` is gone.
 * It is plain data. Expressions carry their type; spans remain for error messages and `explain`.
 */
import type { Arrow, Span } from './ast.ts';

export type Type =
  | { readonly kind: 'string' | 'int' | 'float' | 'bool' | 'duration' }
  | { readonly kind: 'time'; readonly unit: 'ms' | 's' | 'us' | 'ns' }
  | { readonly kind: 'oneOf'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly element: FieldType }
  | { readonly kind: 'record'; readonly fields: readonly Field[] }
  /** only the type of the literal `null` */
  | { readonly kind: 'null' };

/** A type with whether it may be null. */
export interface FieldType { readonly type: Type; readonly optional: boolean }

export interface Field extends FieldType {
  readonly name: string;
  /** The field's name in the data (its alias, else its name). */
  readonly source: string;
}

export interface EventType {
  readonly name: string;
  readonly span: Span;
  /** The base type's name, if it extends one. */
  readonly base?: string;
  /** All fields, the base's first, in order. */
  readonly fields: readonly Field[];
  /** The field that carries event time; absent: ingestion time. */
  readonly time?: string;
  /** Names of the identifying fields (inherited where not declared); empty: none. */
  readonly id: readonly string[];
  /** ms; `once within` */
  readonly once?: number;
  /** This type and all its subtypes, by name: what is accepted where this type is named. */
  readonly accepts: readonly string[];
  /** `event Reading = each r in Batch.readings { … }`: made from another event's list, and never read from a source by itself. */
  readonly each?: Each;
}

/**
 * Each element of a list gives one event, in list order, with the arrival, source and offset of the event it comes from. `list` reads `eventField`s of
 * `source`; the values read the element as `lambdaParam` 0 and the source event's fields as `eventField`s.
 */
export interface Each {
  /** The source event's type; its subtypes give elements too. */
  readonly source: string;
  readonly list: Expr;
  /** One for each of the event type's fields, in order. */
  readonly values: readonly Expr[];
}

/** Reference data looked up by key. The rows come from outside: a test, a file, the job. */
export interface Table {
  readonly name: string;
  readonly span: Span;
  /** All columns in the order written, the key among them. */
  readonly columns: readonly Field[];
  /** The column that is looked up; never null. */
  readonly key: string;
  /** A column `from: time` says from which event time on a row holds: of the rows of one key the latest that holds at the event's time is the one. */
  readonly history: boolean;
}

/**
 * A keyed running aggregate. Expressions read `eventField`s of the events it is of, params and tables. `optional`: it is null where there is no event, or
 * too few.
 */
export interface Feature {
  readonly name: string;
  readonly span: Span;
  readonly type: Type;
  readonly optional: boolean;
  readonly fn: WindowAggregateFn;
  /** Absent for `count` only. */
  readonly value?: Expr;
  readonly argument?: number;
  /** All event types it is of, subtypes spelled out. */
  readonly accepts: readonly string[];
  /** `of Type where cond`, with the aggregate's own `where` joined to it. */
  readonly where?: Expr;
  /** Empty: one for all. */
  readonly key: readonly { readonly name: string; readonly type: Type; readonly value: Expr }[];
  /** ms over params and consts; absent: all that was read since the job began. */
  readonly over?: Expr;
  /** ms: panes of that width in place of every value. */
  readonly every?: Expr;
}

export interface Param {
  readonly name: string;
  readonly span: Span;
  readonly type: Type;
  readonly value: Literal;
  readonly lo?: Literal;
  readonly hi?: Literal;
}

/** Times and durations in ms; a list is an array. */
export type Literal = number | string | boolean | null | readonly Literal[];

export interface Program {
  readonly events: ReadonlyMap<string, EventType>;
  readonly params: ReadonlyMap<string, Param>;
  readonly tables: ReadonlyMap<string, Table>;
  readonly features: ReadonlyMap<string, Feature>;
  /** In the order of the files given, then of the text. `mode off` rules are here too. */
  readonly rules: readonly Rule[];
  readonly tests: readonly Test[];
  /** The texts that it was made of. */
  readonly sources: readonly { readonly path: string; readonly text: string }[];
}

export type Rule = PatternRule | WindowRule;

export interface PatternRule extends RuleBase { readonly kind: 'pattern'; readonly match: Match }
export interface WindowRule extends RuleBase { readonly kind: 'window'; readonly window: Window }

export interface RuleBase {
  readonly name: string;
  readonly span: Span;
  readonly title?: string;
  readonly description?: string;
  readonly owner?: string;
  readonly runbook?: string;
  /** An expression of string type over what an alert sees; a literal when it does not depend on the match. Default 'medium'. */
  readonly severity: Expr;
  readonly tags: readonly string[];
  readonly version: number;
  readonly mode: { readonly kind: 'live' | 'shadow' | 'off' } | { readonly kind: 'canary'; readonly percent: number };
  readonly evidence: 'full' | 'refs' | 'none';
  readonly key: readonly KeyPart[];
  /** `by sensor from sensors`: each row of the table is a key from the start; `columns` names one for each part of the key. */
  readonly roster?: { readonly table: string; readonly columns: readonly string[] };
  /** What the rule sees: by event type name (exact, subtypes spelled out). With `on`: the types it names, each with its filters. Without: every
   *  type the stages name, no filter. An event is seen when its type is here and any of the filters holds (no filters: always). Filters read `event` fields only. */
  readonly sees: ReadonlyMap<string, { readonly filters: readonly Expr[] }>;
  readonly having?: Expr;
  readonly outputs: readonly Output[];
  readonly keep: { readonly count: number; readonly drop: 'oldest' | 'newest' };
  readonly limit?: { readonly count: number; readonly per: number; readonly by?: Expr };
}

/**
 * One part of the key. `valueOf` gives, for each event type the rule sees, the expression (over `event` fields) that is this part of the key.
 * `stages`: where `by` names a stage as the alternative, that stage's own expression: such a stage is tried only on events whose key under it is the
 * run's; an event is seen once by each distinct key that results (a stage not listed here uses `valueOf` of the event's type). A type whose
 * key is only given by stages has no entry in valueOf.
 */
export interface KeyPart {
  readonly name: string;
  readonly type: Type;
  readonly valueOf: ReadonlyMap<string, Expr>;
  readonly stages: ReadonlyMap<string, Expr>;
}

export interface Match {
  readonly mode: 'first' | 'longest' | 'all';
  readonly pattern: Pattern;
  readonly stages: ReadonlyMap<string, Stage>;
  /** Duration expressions, over params, consts and key fields (`within`, `gap` also over bound stages). */
  readonly within?: Expr;
  readonly session?: Expr;
  readonly gap?: Expr;
  /** The default is filled in: first and longest 'past last', all 'none'. */
  readonly skip: { readonly to: 'past last' | 'next' | 'none' } | { readonly to: 'first' | 'last'; readonly stage: string };
}

/** Sizes, offsets and gaps are durations in ms, counts whole numbers, over params and consts. */
export interface Window {
  readonly shape:
    | { readonly kind: 'tumbling'; readonly size: Expr; readonly offset?: Expr }
    | { readonly kind: 'calendar'; readonly unit: 'day' | 'week' | 'month'; readonly zone: string }
    /** Without `every`: read at each event of the key. */
    | { readonly kind: 'sliding'; readonly size: Expr; readonly every?: Expr }
    | { readonly kind: 'session'; readonly gap: Expr; readonly max?: Expr }
    | { readonly kind: 'count'; readonly size: Expr; readonly every?: Expr }
    | { readonly kind: 'global' };
  /** What `on` names; an event is of every input whose type and condition it meets. `where` reads `eventField`s. `types` are those written, `accepts` spells their subtypes out. */
  readonly inputs: readonly { readonly name?: string; readonly types: readonly string[]; readonly accepts: readonly string[]; readonly where?: Expr; readonly span: Span }[];
  readonly trigger?:
    | { readonly kind: 'early'; readonly every: { readonly kind: 'time' | 'events'; readonly amount: Expr } }
    | { readonly kind: 'rise' };
  /** ms; a closed window is kept for so long, and reported again when a late event changes it. */
  readonly lateWithin?: Expr;
  readonly span: Span;
}

export interface Stage {
  readonly name: string;
  readonly span: Span;
  /** The types as written, e.g. [Login, MobileLogin]. */
  readonly types: readonly string[];
  /** All event types accepted, subtypes spelled out. */
  readonly accepts: readonly string[];
  readonly where?: Expr;
  readonly until?: Expr;
  readonly within?: { readonly duration: Expr; readonly of: string };
  /** The stage can be bound to more than one event in a match (it is quantified beyond one, or inside a repeated group). */
  readonly loop: boolean;
  /** Only ever banned. */
  readonly banned: boolean;
  /** Position of first mention in the pattern text, 0-based: "the stage written first". */
  readonly order: number;
}

/**
 * The pattern, desugared: `and` is gone (turned into alternatives of sequences), `without` is gone (its bans are on every arrow, those of
 * loops in `iterationBans`), redundant groups are gone.
 */
export type Pattern =
  | { readonly kind: 'stage'; readonly stage: string; readonly span: Span }
  | { readonly kind: 'or'; readonly alternatives: readonly Pattern[]; readonly span: Span }
  | { readonly kind: 'sequence'; readonly items: readonly Item[]; readonly trailing: readonly Ban[]; readonly span: Span }
  | Repeat
  | Silence;

/**
 * One positive step of a sequence with the arrow and the bans between it and what stands before. The first item of the outermost sequence has no
 * meaning for its arrow; its bans look back into `within`. The first item of a group: its bans join those of the arrow before the group;
 * its arrow is 'followed' and is not used (the arrow before the group, or the loop's own, is).
 * `trailing` of a sequence: bans written after its last item (for the outermost one: an absence; `arrow: 'next'` = `=> not b`).
 */
export interface Item { readonly arrow: Arrow; readonly bans: readonly Ban[]; readonly pattern: Pattern }

/** `-> not b` (kind 'between': nothing strictly between satisfies it) or `=> not b` (kind 'next': the very next event does not). */
export interface Ban {
  readonly kind: 'between' | 'next';
  /** What is banned: any of the stages (`not b`, `not (b or c)`), or a sequence of stages `not (b -> c)`. */
  readonly what: { readonly kind: 'stages'; readonly stages: readonly string[] } | { readonly kind: 'sequence'; readonly pattern: Pattern };
  /** Written as `without`: it stands on every arrow, outside all groups, and sees the events of all their turns. */
  readonly without?: true;
  readonly span: Span;
}

export interface Repeat {
  readonly kind: 'repeat';
  readonly inner: Pattern;
  /** Count expressions over params and consts (int). `max` absent: no bound. `?` is 0..1. */
  readonly min: Expr;
  readonly max?: Expr;
  readonly iteration: Arrow;
  /** Bans on the arrow between iterations, from `without`. */
  readonly iterationBans: readonly Ban[];
  readonly greedy: boolean;
  readonly lazy: boolean;
  readonly span: Span;
}

/** `not b for 5m` as a step without an event. */
export interface Silence { readonly kind: 'silence'; readonly stages: readonly string[]; readonly duration: Expr; readonly span: Span }

export interface Output {
  readonly kind: 'alert' | 'emit';
  readonly onTimeout: boolean;
  /** `on clear`: reported when the condition of a `trigger on rise` turns false again. */
  readonly onClear?: true;
  /** The channel, or the event type's name. */
  readonly target: string;
  readonly fields: readonly { readonly name: string; readonly value: Expr }[];
  readonly span: Span;
}

/** Aggregates over the events of a stage. */
export type AggregateFn =
  | 'count' | 'sum' | 'avg' | 'min' | 'max' | 'stddev' | 'first' | 'last' | 'distinct' | 'values'
  /** `lasting(cond)`: how long the condition held, a duration; `timeAvg(x)`: the mean over time. An event holds until the next of the same loop or window. */
  | 'lasting' | 'timeAvg';

/** Aggregates of windows and features. */
export type WindowAggregateFn = AggregateFn | 'variance' | 'percentile' | 'slope' | 'any' | 'all' | 'top';

export type Expr = { readonly type: Type; readonly span: Span } & ExprKind;

export type ExprKind =
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'param'; readonly name: string }
  /** A field of the event being tested (in `where`, `until`, keys, filters); of the stage's own name too in a single stage's condition. */
  | { readonly kind: 'eventField'; readonly field: string }
  /** The event being tested's time (`timeOf(s)` of itself). */
  | { readonly kind: 'eventTime' }
  /** A part of the rule's key. */
  | { readonly kind: 'keyField'; readonly part: number }
  /** A field of the one event bound to a single stage (or of this turn's event inside a repeated group); null where unbound. */
  | { readonly kind: 'stageField'; readonly stage: string; readonly field: string }
  /** timeOf(s) of a bound stage; of a loop: its last event. */
  | { readonly kind: 'stageTime'; readonly stage: string }
  /** A field of the most recently bound event of the run; its time where `field` is undefined: timeOf(prev). */
  | { readonly kind: 'prevField'; readonly field: string | undefined }
  /**
   * An aggregate over the events bound to a stage (also a single one). Inside `value` and `where`, the event at hand is read by 'eachField'.
   * `value` absent only for count. `first`/`last` give that event's value. `limit`: of `values(x, 50)`.
   * In a loop stage's own condition: the events taken so far without the one being tested.
   */
  | { readonly kind: 'aggregate'; readonly fn: AggregateFn; readonly stage: string; readonly value?: Expr; readonly where?: Expr; readonly limit?: number }
  /**
   * An aggregate over the events of a window: of one of its inputs, or of all. `argument`: the percentile (0 to 100), the n of `top(x, n)` and
   * `values(x, n)`, the ms of `slope(x, 1h)`. `any` and `all` have their condition as `value`. `value` is absent only for `count`. Inside `value` and `where` the
   * event at hand is read by `eachField` and `eachTime`, beside key parts, params and tables. `top` gives the n most frequent values, the most frequent first.
   */
  | { readonly kind: 'windowAggregate'; readonly fn: WindowAggregateFn; readonly input?: string; readonly value?: Expr; readonly where?: Expr; readonly argument?: number }
  /** `window.start`, `window.end`: times. Null where the window has none (global; the start of a count window is its first event's time). */
  | { readonly kind: 'windowInfo'; readonly what: 'start' | 'end' }
  /** A column of the row of a table that `key` names; null where there is none, or the key is null. */
  | { readonly kind: 'lookup'; readonly table: string; readonly key: Expr; readonly column: string }
  /**
   * The value of a feature under the rule's key: `parts` names, for each part of the feature's key, the part of the rule's. In a stage's condition, `until`
   * and filters it is the value before the event being tested; in `having`, `severity`, `limit by`, `alert` and `emit` the one after what caused the report.
   */
  | { readonly kind: 'feature'; readonly feature: string; readonly parts: readonly number[] }
  /** A field of the event an aggregate is looking at. */
  | { readonly kind: 'eachField'; readonly field: string }
  | { readonly kind: 'eachTime' }
  | { readonly kind: 'matchInfo'; readonly what: 'id' | 'from' | 'to' }
  /** The parameter of a lambda: `any(list, x => cond)`; `depth` counts enclosing lambdas outwards, 0 is the innermost. */
  | { readonly kind: 'lambdaParam'; readonly depth: number }
  | { readonly kind: 'member'; readonly object: Expr; readonly field: string }
  | { readonly kind: 'index'; readonly object: Expr; readonly index: Expr }
  | { readonly kind: 'list'; readonly items: readonly Expr[] }
  | { readonly kind: 'not'; readonly operand: Expr }
  | { readonly kind: 'negate'; readonly operand: Expr }
  | { readonly kind: 'and' | 'or' | '??'; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'compare'; readonly op: '==' | '!=' | '<' | '<=' | '>' | '>='; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'arith'; readonly op: '+' | '-' | '*' | '/' | '%'; readonly left: Expr; readonly right: Expr }
  /** `negated` is applied to the result, so that with null it is true. `options` is a list. */
  | { readonly kind: 'in'; readonly negated: boolean; readonly value: Expr; readonly options: Expr }
  | { readonly kind: 'like'; readonly negated: boolean; readonly value: Expr; readonly pattern: Expr }
  | { readonly kind: 'matches'; readonly negated: boolean; readonly value: Expr; readonly regex: string; readonly ignoreCase: boolean }
  | { readonly kind: 'between'; readonly negated: boolean; readonly value: Expr; readonly lo: Expr; readonly hi: Expr }
  | { readonly kind: 'isNull'; readonly negated: boolean; readonly value: Expr }
  | { readonly kind: 'if'; readonly cond: Expr; readonly then: Expr; readonly else: Expr }
  /** A built-in function of section 9 by its name; `regex` arguments (replace, split) are kept as literals. `lambda` for any(list, x => cond). */
  | { readonly kind: 'call'; readonly fn: string; readonly args: readonly Expr[]; readonly lambda?: Expr };

export interface Test {
  readonly rules: readonly string[];
  readonly title: string;
  readonly span: Span;
  readonly params: ReadonlyMap<string, Literal>;
  /** Rows by table, as plain JSON with every column, null where an optional one is not given. A time that is given as a duration is ms after the test's start, else ISO-8601 text. */
  readonly tables: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;
  /** In the order written; times in ms after the test's start. Events have every declared field filled in (zero values or null), without the time field. */
  readonly steps: readonly (
    | { readonly kind: 'event'; readonly at: number; readonly type: string; readonly fields: Readonly<Record<string, unknown>>; readonly span: Span }
    | { readonly kind: 'advance'; readonly at: number; readonly span: Span }
  )[];
  readonly expects: readonly {
    readonly what: 'alert' | 'timeout' | 'emit';
    /** for emit */
    readonly type?: string;
    readonly at: number;
    /** Plain JSON values; a time is written as ms after the test's start where it is given as a duration. */
    readonly fields: Readonly<Record<string, unknown>>;
    readonly span: Span;
  }[];
}
