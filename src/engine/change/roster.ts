/** Which clocks of rosters (`by … from`) were started, for the rules that go on: their keys are not new when the table is set. */
import type { WholeImage } from '../../state/image.ts';
import { Members } from '../../state/members.ts';
import type { Parts, Roots } from '../images.ts';
import { ROSTER } from '../roster.ts';
import type { Mapping } from './compare.ts';
import type { Old } from './old.ts';

export function adoptRoster(old: Old, image: WholeImage, roots: Roots, mappings: ReadonlyMap<number, Mapping>, { roster }: Parts): void {
  const members = new Members(roots.pageBytes >> 3);
  members.load(image.sections.get('rosters') ?? []);
  const { i32, f64 } = old.tables;
  roster.begin(roots.roster.started);
  for (const p of members.all()) {
    const from = i32[2 * p + ROSTER.rule]!;
    const mapping = mappings.get(from);
    if (mapping === undefined) continue;
    roster.adopt(mapping.index, f64.slice(p + ROSTER.key, p + ROSTER.key + old.described.rules[from]!.width));
  }
}
