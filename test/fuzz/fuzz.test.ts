import { expect, test } from '@jest/globals';
import { checked } from './cases.ts';
import { compare } from './compare.ts';
import { runEngine } from './engine.ts';
import { generateCase } from './generate.ts';

/** The first thousand cases of `npm run fuzz`: the engine, cut by a snapshot and fed out of order, says what the reference says. */
test.each(Array.from({ length: 10 }, (_, i) => i * 100 + 1))('engine and reference agree on the hundred random cases from seed %i', (from) => {
  let matching = 0;
  for (let seed = from; seed < from + 100; seed++) {
    const one = generateCase(seed, (rule) => checked(rule) !== undefined);
    const program = checked(one.rule);
    if (program === undefined) throw new Error(`seed ${seed}: the generated rule does not check`);
    const verdict = compare(one, program, runEngine);
    if (verdict.kind === 'differ') {
      throw new Error(`seed ${seed}: ${verdict.what}\n${one.rule}\n${one.events.map((event) => JSON.stringify(event)).join('\n')}\n`
        + `expected ${JSON.stringify(verdict.expected)}\ngot ${JSON.stringify(verdict.got)}`);
    }
    if (verdict.kind === 'agree' && verdict.matches > 0) matching++;
  }
  // A generator whose rules match nothing would agree with anything.
  expect(matching).toBeGreaterThan(25);
});
