import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { runEngine } from '../../fuzz/engine.ts';

interface Case { readonly id: string; readonly rule: string; readonly events: readonly object[]; readonly matches: readonly (readonly number[])[] }

const file = new URL('../../../../shared/conformance/patterns.json', import.meta.url);

if (existsSync(file)) {
  const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];
  const sorted = (lists: readonly (readonly number[])[]): string[] => lists.map((list) => JSON.stringify(list)).sort();

  describe('the conformance cases, by the engine', () => {
    test('there are 112', () => { expect(cases).toHaveLength(112); });
    test.each(cases.map((one) => [one.id, one] as const))('%s', (_, { rule, events, matches }) => {
      const expected = sorted(matches);
      const found = (options: { cutAt?: number; shuffleSeed?: number }): string[] =>
        sorted(runEngine(rule, events, options).matches.map((match) => match.bindings.map((bound) => bound.index).sort((a, b) => a - b)));
      expect(found({})).toEqual(expected);
      expect(found({ cutAt: Math.floor(events.length / 2) })).toEqual(expected);
    });
  });
} else {
  test.skip('the conformance cases are not here (../shared/conformance/patterns.json is missing)', () => {});
}
