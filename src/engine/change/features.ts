/** Features of a state under rules that have changed. They go over as they are, or not at all: their records hold what came since the job began, and nothing else can make it. */
import type { WholeImage } from '../../state/image.ts';
import type { FeaturesRoot } from '../features/index.ts';
import type { Parts, Roots } from '../images.ts';
import type { StateDescription } from './describe.ts';

export interface FeatureChange {
  /** The groups of the state are those of now, before any that are new. */
  readonly goOn: boolean;
  /** Why a rule starts fresh, by the rule's name: the features it reads begin anew. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Keys that features are kept of. */
  readonly keys: number;
  readonly notes: readonly string[];
}

export function compareFeatures(before: StateDescription, now: StateDescription, root: FeaturesRoot): FeatureChange {
  const keys = root.groups.reduce((sum, { table }) => sum + table.count, 0);
  const goOn = before.features.every(({ identity }, i) => now.features[i]?.identity === identity);
  const reasons = new Map<string, string>();
  const notes: string[] = [];
  if (!goOn && keys > 0) {
    const had = new Set(before.features.flatMap(({ readBy }) => readBy));
    for (const { names, readBy } of now.features) {
      for (const rule of readBy) if (had.has(rule)) reasons.set(rule, `a feature that rules read has changed, so that ${names.join(', ')} and the other features begin anew`);
    }
    notes.push(`features (${before.features.flatMap(({ names }) => names).join(', ')}) begin anew: ${keys} keys are forgotten`);
  }
  return { goOn, reasons, keys, notes };
}

/** Takes up the records; groups that are new are empty. */
export function adoptFeatures(image: WholeImage, roots: Roots, { store, features }: Parts): void {
  const pagesOf = (name: string): readonly Uint8Array[] => image.sections.get(name) ?? [];
  const { groups: blank } = features.root;
  store.features.load(roots.featureHeap, pagesOf('features'));
  store.featureMembers.load(pagesOf('feature keys'));
  features.load({ groups: blank.map((group, i) => roots.features.groups[i] ?? group) });
}
