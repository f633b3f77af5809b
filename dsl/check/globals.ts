import type { Expr as AstExpr } from '../ast.ts';
import type { Feature, Param, Type } from '../typed.ts';
import type { Declarations } from './declarations.ts';
import type { EventInfo } from './event-types.ts';
import type { Report } from './report.ts';
import type { TableInfo } from './tables.ts';
import type { Unread } from './unread.ts';
import type { Nulls, Value } from './value.ts';

export interface Fn {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: Type; readonly nulls: Nulls }[];
  readonly body: AstExpr;
  /** It calls itself, or its body is wrong: reported there, and calls of it stay silent. */
  broken: boolean;
}

/** What every expression may name. Filled step by step: types, consts, params, functions. */
export interface Globals {
  readonly report: Report;
  readonly declarations: Declarations;
  readonly unread: Unread;
  readonly tables: ReadonlyMap<string, TableInfo>;
  events: ReadonlyMap<string, EventInfo>;
  /** A param that is wrong has its type alone. */
  readonly params: Map<string, { readonly type: Type; readonly nulls: Nulls; readonly param: Param | undefined }>;
  /** Undefined: wrong, and reported. */
  readonly consts: Map<string, Value | undefined>;
  readonly fns: Map<string, Fn>;
  /** Undefined: wrong, and reported. */
  readonly features: Map<string, Feature | undefined>;
}
