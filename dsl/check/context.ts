import type { EventView } from './event-types.ts';
import type { Globals } from './globals.ts';
import type { Scope } from './scope.ts';
import type { Value } from './value.ts';

/** What a local name stands for: an argument of a function that is inlined, with the number of lambdas around it, or a lambda's parameter. */
export type Local =
  | { readonly kind: 'argument'; readonly value: Value | undefined; readonly lambdas: number }
  | { readonly kind: 'lambda'; readonly type: Value | undefined; readonly level: number };

/** Where an expression stands. */
export interface Context {
  readonly globals: Globals;
  readonly scope: Scope;
  readonly locals: ReadonlyMap<string, Local>;
  /** Number of lambdas around the expression. */
  readonly lambdas: number;
  /** The stage whose events the enclosing aggregate goes through. */
  readonly each: string | undefined;
  /** The events of a window that the enclosing aggregate goes through; `input`: those of one input. */
  readonly ofWindow?: { readonly events: EventView; readonly input: string | undefined } | undefined;
}

export function contextOf(globals: Globals, scope: Scope): Context {
  return { globals, scope, locals: new Map(), lambdas: 0, each: undefined };
}
