import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Literal } from '../../../dsl/typed.ts';
import { referenceMatches, splitByKey, type RefEvent } from '../../reference/index.ts';
import { programOf, ruleOf } from './play.ts';

interface ConformanceCase {
  readonly id: string;
  readonly rule: string;
  readonly events: readonly (Readonly<Record<string, unknown>> & { readonly type: string })[];
  readonly matches: readonly (readonly number[])[];
}

const path = new URL('../../../../shared/conformance/patterns.json', import.meta.url);
const cases: ConformanceCase[] = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) as ConformanceCase[] : [];

if (cases.length === 0) {
  test.skip('the conformance cases are not beside the repository (../shared/conformance)', () => {});
} else {
  describe('conformance', () => {
    test.each(cases.map((one) => [one.id, one] as const))('%s', (_id, one) => {
      expect(sorted(answer(one))).toEqual(sorted(one.matches));
    });
  });
}

function answer({ rule: text, events }: ConformanceCase): number[][] {
  const program = programOf(text);
  const rule = ruleOf(program);
  const params = new Map<string, Literal>([...program.params].map(([name, param]) => [name, param.value]));
  const all = events.map(({ type, ...fields }, index): RefEvent => {
    const time = program.events.get(type)?.time;
    return { index, type, time: time === undefined ? index : Number(fields[time]), fields };
  });
  return splitByKey(rule, all, params).flatMap(({ key, events: seen }) =>
    referenceMatches(rule, seen, { key, params }).matches.map((match) => match.bindings.map((b) => b.index).sort((a, b) => a - b)));
}

/** As a multiset: the order of matches means nothing. */
function sorted(matches: readonly (readonly number[])[]): string[] {
  return matches.map((match) => match.join(' ')).sort();
}
