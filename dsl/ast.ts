/**
 * The syntax tree of a rule file, as the parser builds it and the formatter prints it.
 * Every node carries its span; nothing here is resolved or typed (see typed.ts for that).
 * Parts that could not be parsed are left out: the parser has reported them.
 */

/** A half-open range of UTF-16 offsets in the text of one file. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export interface Node {
  readonly span: Span;
}

export interface Name extends Node {
  readonly text: string;
}

/** A comment with its span; `text` includes the slashes. The formatter places it again by its offset. */
export interface Comment extends Node {
  readonly text: string;
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly declarations: readonly Declaration[];
  readonly comments: readonly Comment[];
}

export type Declaration =
  | UseDecl | EventDecl | ParamDecl | ConstDecl | FnDecl | TableDecl | FeatureDecl | RuleDecl | TestDecl;

export interface UseDecl extends Node { readonly kind: 'use'; readonly path: string; readonly pathSpan: Span }

export interface EventDecl extends Node {
  readonly kind: 'event';
  readonly name: Name;
  readonly base?: Name;
  /** `event Reading = each r in Batch.readings { … }`; `fields` stays empty then. */
  readonly each?: { readonly variable: Name; readonly source: Expr; readonly fields: readonly OutField[] };
  readonly fields: readonly FieldDecl[];
  readonly time?: Name;
  readonly id?: readonly Name[];
  readonly once?: Expr;
}

export interface FieldDecl extends Node {
  readonly name: Name;
  readonly type: TypeExpr;
  /** The name in the data: `id: string from "ID"`. */
  readonly alias?: { readonly text: string; readonly span: Span };
}

export type TypeExpr =
  | (Node & { readonly kind: 'named'; readonly name: 'string' | 'int' | 'float' | 'bool' | 'duration'; readonly optional: boolean })
  | (Node & { readonly kind: 'time'; readonly unit: 'ms' | 's' | 'us' | 'ns'; readonly optional: boolean })
  | (Node & { readonly kind: 'oneOf'; readonly values: readonly string[]; readonly optional: boolean })
  | (Node & { readonly kind: 'list'; readonly element: TypeExpr; readonly optional: boolean })
  | (Node & { readonly kind: 'record'; readonly fields: readonly FieldDecl[]; readonly optional: boolean });

export interface ParamDecl extends Node {
  readonly kind: 'param';
  readonly name: Name;
  readonly type: TypeExpr;
  readonly value: Expr;
  readonly bounds?: { readonly lo: Expr; readonly hi: Expr };
}

export interface ConstDecl extends Node { readonly kind: 'const'; readonly name: Name; readonly value: Expr }

export interface FnDecl extends Node {
  readonly kind: 'fn';
  readonly name: Name;
  readonly params: readonly { readonly name: Name; readonly type: TypeExpr }[];
  readonly body: Expr;
}

export interface TableDecl extends Node {
  readonly kind: 'table';
  readonly name: Name;
  readonly columns: readonly (FieldDecl & { readonly key: boolean })[];
}

export interface FeatureDecl extends Node {
  readonly kind: 'feature';
  readonly name: Name;
  readonly value: Expr;
  readonly type: Name;
  readonly where?: Expr;
  readonly by?: readonly KeyExpr[];
  readonly over?: Expr;
  readonly every?: Expr;
}

export interface RuleDecl extends Node { readonly kind: 'rule'; readonly name: Name; readonly clauses: readonly Clause[] }

export type Clause =
  | (Node & { readonly kind: 'title' | 'description' | 'owner' | 'runbook'; readonly text: string })
  | (Node & { readonly kind: 'severity'; readonly value: Expr })
  | (Node & { readonly kind: 'tags'; readonly tags: readonly Name[] })
  | (Node & { readonly kind: 'by'; readonly keys: readonly KeyExpr[]; readonly from?: Name })
  | (Node & { readonly kind: 'on'; readonly inputs: readonly OnInput[] })
  | MatchClause
  | StageDef
  | (Node & { readonly kind: 'having'; readonly cond: Expr })
  | WindowClause
  | TriggerClause
  /** `late within 1m` */
  | (Node & { readonly kind: 'late'; readonly within: Expr })
  | (Node & { readonly kind: 'alert'; readonly when: ReportWhen; readonly channel: Name; readonly fields: readonly OutField[] })
  | (Node & { readonly kind: 'emit'; readonly when: ReportWhen; readonly type: Name; readonly fields: readonly OutField[] })
  | (Node & { readonly kind: 'keep'; readonly count: Expr; readonly drop: 'oldest' | 'newest' })
  | (Node & { readonly kind: 'limit'; readonly count: Expr; readonly per: Expr; readonly by?: Expr })
  | (Node & { readonly kind: 'mode'; readonly mode: 'live' | 'shadow' | 'canary' | 'off'; readonly percent?: number })
  | (Node & { readonly kind: 'evidence'; readonly level: 'full' | 'refs' | 'none' })
  | (Node & { readonly kind: 'version'; readonly version: number });

/**
 * One part of `by`. `name` is how the key part is called in the alert. `value` is set for `campaign = expr`; else the part is the field
 * `name` itself. Alternatives: `user (Payment: customer, Login: uid)`; `of` is an event type or a stage.
 */
export interface KeyExpr extends Node {
  readonly name: Name;
  readonly value?: Expr;
  readonly alternatives: readonly { readonly of: Name; readonly value: Expr }[];
}

/** One input of `on`: `Type where cond` or `name: Type where cond`. */
export interface OnInput extends Node { readonly name?: Name; readonly type: Name; readonly where?: Expr }

/** What an alert or emit reports: a match or a window, `on timeout` what ran out of time, `on clear` that a condition no longer holds. */
export type ReportWhen = 'match' | 'timeout' | 'clear';

export interface WindowClause extends Node { readonly kind: 'window'; readonly shape: WindowShape }

export type WindowShape =
  | { readonly kind: 'tumbling'; readonly size: Expr; readonly offset?: Expr }
  /** `tumbling day in "America/New_York"` */
  | { readonly kind: 'calendar'; readonly unit: 'day' | 'week' | 'month'; readonly zone?: { readonly text: string; readonly span: Span } }
  | { readonly kind: 'sliding'; readonly size: Expr; readonly every?: Expr }
  | { readonly kind: 'session'; readonly gap: Expr; readonly max?: Expr }
  | { readonly kind: 'count'; readonly size: Expr; readonly every?: Expr }
  | { readonly kind: 'global' };

/** `trigger early every 10s`, `trigger every event`, `trigger every 100 events`, `trigger on rise` */
export interface TriggerClause extends Node {
  readonly kind: 'trigger';
  readonly what:
    | { readonly kind: 'early'; readonly every: Expr }
    /** Absent: every event. */
    | { readonly kind: 'events'; readonly count?: Expr }
    | { readonly kind: 'rise' };
}

export interface MatchClause extends Node {
  readonly kind: 'match';
  readonly mode: 'first' | 'longest' | 'all';
  /** The mode was written, not taken by default. */
  readonly modeSpan?: Span;
  readonly pattern: Pattern;
  /** `without reset, off` */
  readonly without: readonly Name[];
  readonly within?: Expr;
  readonly session?: Expr;
  readonly gap?: Expr;
  readonly skip?: Skip;
}

export interface Skip extends Node {
  readonly to: 'past last' | 'next' | 'first' | 'last' | 'none';
  /** The stage of `to first s`, `to last s`. */
  readonly stage?: Name;
}

export interface StageDef extends Node {
  readonly kind: 'stage';
  /** `a, b: Type …` defines two stages alike. */
  readonly names: readonly Name[];
  /** `Login | MobileLogin` */
  readonly types: readonly Name[];
  readonly where?: Expr;
  readonly until?: Expr;
  readonly within?: { readonly duration: Expr; readonly of: Name; readonly span: Span };
}

/** -> followed, ->> any, => next */
export type Arrow = 'followed' | 'any' | 'next';

/**
 * A pattern. In a sequence each item carries the arrow written before it (undefined at the first item of the sequence).
 * A `not` is an item of its own, with its own arrow: `a => not b -> c` is [a] [=> not b] [-> c].
 */
export type Pattern = SequencePattern | ChoicePattern | QuantifiedPattern | StagePattern | NotPattern;

export interface SequencePattern extends Node {
  readonly kind: 'sequence';
  readonly items: readonly { readonly arrow?: Arrow; readonly arrowSpan?: Span; readonly pattern: Pattern }[];
}
/** (a or b), (a and b) */
export interface ChoicePattern extends Node { readonly kind: 'or' | 'and'; readonly operands: readonly Pattern[] }
export interface StagePattern extends Node { readonly kind: 'stageRef'; readonly name: Name }
export interface QuantifiedPattern extends Node {
  readonly kind: 'quantified';
  readonly inner: Pattern;
  /** As written: ? * + or {…}. `?` is min 0, max 1. `max` undefined: no upper bound. Counts may be expressions. */
  readonly quantifier: '?' | '*' | '+' | '{}';
  readonly min?: Expr;
  readonly max?: Expr;
  /** `{3}`: min and max are the same expression; `{3,}`: no max; only for quantifier '{}'. */
  readonly exact?: boolean;
  readonly iteration?: 'strict' | 'any';
  readonly greedy: boolean;
  readonly lazy: boolean;
}
/** `not b`, `not (a -> b)`, `not b for 5m` */
export interface NotPattern extends Node { readonly kind: 'not'; readonly inner: Pattern; readonly for?: Expr }

export interface OutField extends Node { readonly name: Name; readonly value?: Expr }

export type BinaryOp =
  | 'or' | 'and' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '??' | '+' | '-' | '*' | '/' | '%';

export type Expr =
  | (Node & { readonly kind: 'number'; readonly value: number; readonly isInt: boolean; readonly raw: string })
  | (Node & { readonly kind: 'string'; readonly value: string })
  | (Node & { readonly kind: 'bool'; readonly value: boolean })
  | (Node & { readonly kind: 'null' })
  /** ms; `raw` is kept for the formatter */
  | (Node & { readonly kind: 'duration'; readonly ms: number; readonly raw: string })
  | (Node & { readonly kind: 'regex'; readonly source: string; readonly ignoreCase: boolean })
  | (Node & { readonly kind: 'list'; readonly items: readonly Expr[] })
  /** `{ a: 1 }`: the value of a record field in a test; the parser takes it nowhere else. */
  | (Node & { readonly kind: 'record'; readonly fields: readonly OutField[] })
  | (Node & { readonly kind: 'name'; readonly name: string })
  /** `a.b` (also `prev.f`, `match.id`, `last(s).f`) */
  | (Node & { readonly kind: 'member'; readonly object: Expr; readonly name: Name })
  | (Node & { readonly kind: 'index'; readonly object: Expr; readonly index: Expr })
  /** `f(x)`; an argument may be `x => cond` (lambda) or carry `where` (`sum(s.f where s.f > 8)`). */
  | (Node & { readonly kind: 'call'; readonly callee: Name; readonly args: readonly Argument[] })
  | (Node & { readonly kind: 'unary'; readonly op: '-' | 'not'; readonly operand: Expr })
  | (Node & { readonly kind: 'binary'; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr })
  | (Node & { readonly kind: 'in'; readonly negated: boolean; readonly value: Expr; readonly options: Expr })
  | (Node & { readonly kind: 'like' | 'matches'; readonly negated: boolean; readonly value: Expr; readonly pattern: Expr })
  | (Node & { readonly kind: 'between'; readonly negated: boolean; readonly value: Expr; readonly lo: Expr; readonly hi: Expr })
  | (Node & { readonly kind: 'isNull'; readonly negated: boolean; readonly value: Expr })
  | (Node & { readonly kind: 'if'; readonly cond: Expr; readonly then: Expr; readonly else: Expr })
  /** Kept so that the formatter does not add or lose parentheses. */
  | (Node & { readonly kind: 'paren'; readonly inner: Expr });

export type Argument =
  | { readonly kind: 'value'; readonly value: Expr; readonly where?: Expr }
  /** `count(where not ok)` */
  | { readonly kind: 'where'; readonly where: Expr }
  | { readonly kind: 'lambda'; readonly param: Name; readonly body: Expr; readonly span: Span };

export interface TestDecl extends Node {
  readonly kind: 'test';
  readonly rules: readonly Name[];
  readonly title: string;
  readonly steps: readonly TestStep[];
}

export type TestStep =
  | (Node & { readonly kind: 'with'; readonly name: Name; readonly value: Expr })
  | (Node & { readonly kind: 'table'; readonly name: Name; readonly rows: readonly (readonly OutField[])[] })
  | (Node & { readonly kind: 'event'; readonly at: Expr; readonly type: Name; readonly fields: readonly OutField[] })
  | (Node & { readonly kind: 'advance'; readonly at: Expr })
  | (Node & { readonly kind: 'expect'; readonly what: 'alert' | 'timeout'; readonly at: Expr; readonly fields: readonly OutField[] })
  | (Node & { readonly kind: 'expect'; readonly what: 'emit'; readonly type: Name; readonly at: Expr; readonly fields: readonly OutField[] })
  | (Node & { readonly kind: 'expectNothing' });
