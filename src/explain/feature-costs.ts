/** What the features that a rule reads cost. */
import type { Plan } from '../compile/index.ts';
import type { FeaturePlan } from '../compile/plan.ts';
import { printDuration } from './print.ts';

/** One statement for each group of features, by the key they share. The plan should hold one rule alone. */
export function featureCosts(plan: Plan): string[] {
  return plan.features.map(({ features, width, streams }) => {
    const types = plan.schema.types.filter((_, type) => streams.some(({ of }) => of[type])).map(({ name }) => name);
    const key = plan.program.features.get(features[0]!.name)!.key.map(({ name }) => name).join(', ');
    const spans = [...new Set(features.map(spanText))];
    return `${features.length === 1 ? 'feature' : 'features'} ${features.map(({ name }) => name).join(', ')}: one look-up for each ${types.join(' or ')}, ${width === 0 ? 'without a key' : `by ${key}`}; kept of each key: ${spans.join('; ')}.`;
  });
}

function spanText({ over, every }: FeaturePlan): string {
  if (over === Infinity) return 'one state, for ever';
  return every === 0 ? `a state for each time in the last ${printDuration(over)} at which something came` : `at most ${Math.ceil(over / every)} panes of ${printDuration(every)}, the last ${printDuration(over)}`;
}
