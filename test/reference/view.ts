import type { Expr, Literal } from '../../dsl/typed.ts';
// oxlint-disable-next-line no-restricted-imports -- the interpreter is the written-out meaning of expressions, not a part of the engine
import { evaluate } from '../../src/compile/interpret.ts';
import type { RefEvent } from './types.ts';

/** What an expression can read. */
export interface View {
  /** The event being tested. */
  readonly event: RefEvent | undefined;
  /** The most recently bound event. */
  readonly prev: RefEvent | undefined;
  readonly key: readonly Literal[];
  readonly params: ReadonlyMap<string, Literal>;
  readonly match: { readonly from: number; readonly to: number } | undefined;
  /** The events bound to a stage, as seen from where the expression stands. */
  events(stage: string): readonly RefEvent[];
}

/** The value of an expression; absent is null. A match's id is not known here and reads as empty text. */
export function evaluateIn(expr: Expr, view: View): unknown {
  return evaluate(expr, {
    eventField: (field) => view.event?.fields[field] ?? null,
    ...(view.event !== undefined && { eventTime: view.event.time }),
    param: (name) => {
      const value = view.params.get(name);
      if (value === undefined) throw new Error(`no value for param ${name}`);
      return value;
    },
    keyField: (part) => view.key[part] ?? null,
    stageEvents: (stage) => view.events(stage),
    stageEvent: (stage) => view.events(stage).at(-1),
    prev: view.prev,
    match: view.match && { id: '', ...view.match },
  });
}
