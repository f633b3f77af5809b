import type { Expr } from '../../dsl/typed.ts';
import { conjunctsOf as conjuncts, walk } from '../../dsl/index.ts';

export { walk };

/** The conditions that must all hold; none for no condition and for `true`. */
export function conjunctsOf(expr: Expr | undefined): Expr[] {
  return expr === undefined ? [] : conjuncts(expr).filter((e) => !(e.kind === 'literal' && e.value === true));
}

/** Reads the event at hand, params and literals only. */
export function isEventOnly(expr: Expr): boolean {
  let only = true;
  walk(expr, (e) => {
    switch (e.kind) {
      case 'keyField': case 'stageField': case 'stageTime': case 'prevField': case 'aggregate': case 'matchInfo':
      case 'windowAggregate': case 'windowInfo': case 'feature': only = false; break;
      default:
    }
  });
  return only;
}
