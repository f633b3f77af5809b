import { expect, test } from '@jest/globals';
import { compile } from '../../src/compile/index.ts';
import { checked } from './cases.ts';
import { compare } from './compare.ts';
import { runEngine } from './engine.ts';
import { generateLoopCase } from './generate-loops.ts';

/** Loops whose runs are kept as one queue a key (src/engine/cohort.ts) and their like that are not, against the reference. */
test.each(Array.from({ length: 5 }, (_, i) => i * 100 + 1))('engine and reference agree on the hundred loops from seed %i', (from) => {
  let matching = 0;
  let inStep = 0;
  for (let seed = from; seed < from + 100; seed++) {
    const one = generateLoopCase(seed, (rule) => checked(rule) !== undefined);
    const program = checked(one.rule)!;
    const verdict = compare(one, program, runEngine);
    if (verdict.kind === 'differ') {
      throw new Error(`seed ${seed}: ${verdict.what}\n${one.rule}\n${one.events.map((event) => JSON.stringify(event)).join('\n')}\n`
        + `expected ${JSON.stringify(verdict.expected)}\ngot ${JSON.stringify(verdict.got)}`);
    }
    if (verdict.kind === 'agree' && verdict.matches > 0) matching++;
    const [plan] = compile(program, {}).rules;
    if (plan?.kind === 'pattern' && plan.cohort !== undefined) inStep++;
  }
  expect(matching).toBeGreaterThan(25);
  expect(inStep).toBeGreaterThan(40);
});
