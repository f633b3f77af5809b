import { expect, test } from '@jest/globals';
import type { Literal, Program } from '../../../dsl/typed.ts';
import { checked } from '../../fuzz/cases.ts';
import { generateCase } from '../../fuzz/generate.ts';
import { referenceMatches, splitByKey, TooManyRuns, type RefEvent } from '../../reference/index.ts';
import { bruteMatches } from './brute.ts';
import { ruleOf } from './play.ts';

/** Both readings of the definition on one random case; undefined where the blunt one does not cover it. */
function both(seed: number): { brute: string[]; reference: string[] } | undefined {
  const one = generateCase(seed, (text) => checked(text) !== undefined);
  const program = checked(one.rule) as Program;
  const rule = ruleOf(program);
  const params = new Map<string, Literal>([...program.params].map(([name, param]) => [name, param.value]));
  const events = one.events.slice(0, 6).map(({ type, ...fields }, index): RefEvent => ({ index, type, time: fields.at, fields }));
  const all = { ...rule, match: { ...rule.match, mode: 'all' as const, skip: { to: 'none' as const } } };
  const brute: string[] = [];
  const reference: string[] = [];
  for (const { key, events: seen } of splitByKey(rule, events, params)) {
    const found = bruteMatches(all, seen, { key, params });
    if (found === undefined) return undefined;
    brute.push(...found);
    reference.push(...referenceMatches(all, seen, { key, params }).matches.map((m) => m.bindings.map((b) => `${b.stage}:${b.index}`).join(' ')));
  }
  return { brute: brute.sort(), reference: reference.sort() };
}

test('matching step by step gives the lists that checking complete lists gives', () => {
  let compared = 0;
  let matches = 0;
  for (let seed = 1; seed <= 400; seed++) {
    try {
      const answers = both(seed);
      if (answers === undefined) continue;
      expect({ seed, matches: answers.reference }).toEqual({ seed, matches: answers.brute });
      compared++;
      matches += answers.brute.length;
    } catch (error) {
      if (!(error instanceof TooManyRuns)) throw error;
    }
  }
  expect(compared).toBeGreaterThan(150);
  expect(matches).toBeGreaterThan(300);
});
