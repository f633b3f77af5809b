import type { Program, Rule } from '../../dsl/typed.ts';

/** The tables that a rule, its features and the events it sees are read with, in the order of the program. A walk over the data of the rule, so that no clause is left out. */
export function tablesOf(program: Program, rule: Rule): string[] {
  const found = new Set<string>();
  const features = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if (part instanceof Map) {
      for (const value of part.values()) visit(value);
      return;
    }
    const { kind, table, feature } = part as { readonly kind?: unknown; readonly table?: unknown; readonly feature?: unknown };
    if (kind === 'lookup' && typeof table === 'string') found.add(table);
    if (kind === 'feature' && typeof feature === 'string' && !features.has(feature)) {
      features.add(feature);
      visit(program.features.get(feature));
    }
    for (const value of Array.isArray(part) ? part as unknown[] : Object.values(part)) visit(value);
  };
  visit(rule);
  if (rule.roster !== undefined) found.add(rule.roster.table);
  for (const type of rule.sees.keys()) visit(program.events.get(type)?.each);
  return [...program.tables.keys()].filter((name) => found.has(name));
}
