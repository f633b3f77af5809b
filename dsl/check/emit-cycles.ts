import { madeOf } from './each.ts';
import type { Globals } from './globals.ts';
import type { CheckedRule } from './rule.ts';

/** An event that a rule emits must not lead, through rules that read and emit in turn, back to that rule. */
export function refuseEmitCycles(globals: Globals, rules: readonly CheckedRule[]): void {
  const known = rules.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const emitted = (name: string): readonly { readonly target: string }[] => known.find((rule) => rule.name === name)!.outputs.filter((output) => output.kind === 'emit');
  const readers = (type: string): string[] => known.filter((rule) => [type, ...madeOf(globals, type)].some((one) => rule.sees.has(one))).map((rule) => rule.name);
  for (const rule of known) {
    for (const output of rule.outputs) {
      if (output.kind !== 'emit') continue;
      const path = pathBack(rule.name, output.target, readers, emitted);
      if (path === undefined) continue;
      globals.report.add('emit-cycle', output.span, path.length === 1 ? `The rule "${rule.name}" reads the event "${output.target}" that it emits.`
        : `What "${rule.name}" emits leads back to it: ${[...path].join(' → ')}.`, { hint: 'emit a type that no rule on the way reads' });
    }
  }
}

/** The rules from the event of `type` to the rule `goal`, `goal` last; undefined: there is no way. */
function pathBack(goal: string, type: string, readers: (type: string) => string[], emitted: (name: string) => readonly { readonly target: string }[]): string[] | undefined {
  const seen = new Set<string>();
  const search = (at: string, path: readonly string[]): string[] | undefined => {
    for (const name of readers(at)) {
      if (name === goal) return [...path, name];
      if (seen.has(name)) continue;
      seen.add(name);
      for (const { target } of emitted(name)) {
        const found = search(target, [...path, name]);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };
  return search(type, []);
}
