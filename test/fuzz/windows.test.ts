import { expect, test } from '@jest/globals';
import { checked } from './cases.ts';
import { compareWindows } from './windows/compare.ts';
import { generateWindowCase } from './windows/generate.ts';

/** The first cases of `npm run fuzz -- --windows`: windows say what the reference says, in batches, cut by a snapshot and through chains of images. */
test.each(Array.from({ length: 8 }, (_, i) => i * 50 + 1))('windows and their reference agree on the fifty random cases from seed %i', (from) => {
  let reporting = 0;
  for (let seed = from; seed < from + 50; seed++) {
    const one = generateWindowCase(seed);
    const program = checked(one.rule);
    if (program === undefined) throw new Error(`seed ${seed}: the generated rule does not check\n${one.rule}`);
    const verdict = compareWindows(one, program);
    if (verdict.kind === 'differ') {
      throw new Error(`seed ${seed}: ${verdict.what}\n${one.rule}\nlateness ${one.lateness}\n${one.events.map((event) => JSON.stringify(event)).join('\n')}\n`
        + `expected ${JSON.stringify(verdict.expected, undefined, 1)}\ngot ${JSON.stringify(verdict.got, undefined, 1)}`);
    }
    if (verdict.reports > 0) reporting++;
  }
  // A generator whose windows report nothing would agree with anything.
  expect(reporting).toBeGreaterThan(25);
});
