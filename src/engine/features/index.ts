/** Features at work. */
import type { Plan } from '../../compile/plan.ts';
import type { Store } from '../store.ts';

/** JSON. */
export interface FeaturesRoot { readonly groups: readonly number[] }

export class Features {
  readonly due = Infinity;
  constructor(plan: Plan, _store: Store, _key: Float64Array) { if (plan.features.length > 0) throw new Error('features are not run yet'); }
  bind(_bind: (sources: readonly string[]) => unknown[]): void { /* nothing yet */ }
  begin(_shadow: boolean): void { /* nothing yet */ }
  end(): void { /* nothing yet */ }
  clean(_time: number): void { /* nothing yet */ }
  get root(): FeaturesRoot { return { groups: [] }; }
  load(_root: FeaturesRoot): void { /* nothing yet */ }
}
