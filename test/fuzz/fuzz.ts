import { parseArgs } from 'node:util';
import { checked } from './cases.ts';
import { compare, type Verdict } from './compare.ts';
import { runEngine } from './engine.ts';
import { generateCase, type Case } from './generate.ts';
import { shrink } from './shrink.ts';
import { compareWindows } from './windows/compare.ts';
import { generateWindowCase } from './windows/generate.ts';

/** Most exploding cases that a run may hold, as a share of all. */
const MOST_SKIPPED = 0.02;

/**
 * Compares the engine with the reference on `count` random cases, from the one of `seed` on; prints the first that fails, made small, and
 * exits with 1. `npm run fuzz -- --count 20000 --seed 1`; with `--windows` the cases are rules over windows (not made small).
 */
function main(): number {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' }, windows: { type: 'boolean', default: false } } });
  const count = Number(values.count);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
    console.error('usage: npm run fuzz -- --count N --seed N');
    return 2;
  }
  if (values.windows) return windows(count, seed);
  const total = { matches: 0, timeouts: 0, matching: 0, skipped: 0 };
  for (let i = 0; i < count; i++) {
    const one = generateCase(seed + i, (rule) => checked(rule) !== undefined);
    const verdict = judge(one);
    switch (verdict.kind) {
      case 'differ':
        console.error(`case ${i + 1} of ${count} fails (seed ${one.seed}); making it small…`);
        describe(shrink(one, (candidate) => {
          const found = judge(candidate);
          return found.kind === 'differ' && found.what === verdict.what;
        }));
        return 1;
      case 'skipped': total.skipped++; break;
      case 'agree':
        total.matches += verdict.matches;
        total.timeouts += verdict.timeouts;
        if (verdict.matches > 0) total.matching++;
    }
    if ((i + 1) % 1000 === 0) console.error(`${i + 1} cases`);
  }
  console.log(`${count} cases from seed ${seed} agree: ${total.matches} matches in ${total.matching} cases, ${total.timeouts} timeouts, `
    + `${total.skipped} exploding cases skipped`);
  if (total.skipped > count * MOST_SKIPPED) {
    console.error(`more than ${MOST_SKIPPED * 100} % of the cases were skipped`);
    return 1;
  }
  return 0;
}

function windows(count: number, seed: number): number {
  let reports = 0;
  for (let i = 0; i < count; i++) {
    const one = generateWindowCase(seed + i);
    const program = checked(one.rule);
    if (program === undefined) throw new Error(`seed ${one.seed}: the generated rule does not check\n${one.rule}`);
    const verdict = compareWindows(one, program);
    if (verdict.kind === 'differ') {
      console.error(`${one.rule}\nlateness ${one.lateness}\n${one.events.map((event) => JSON.stringify(event)).join('\n')}\n\nseed ${one.seed}: ${verdict.what}\nexpected:`, verdict.expected, '\ngot:', verdict.got);
      return 1;
    }
    reports += verdict.reports;
    if ((i + 1) % 1000 === 0) console.error(`${i + 1} cases`);
  }
  console.log(`${count} cases of windows from seed ${seed} agree: ${reports} reports`);
  return 0;
}

/** An engine that throws differs; a rule that the checker refuses (while shrinking) does not. */
function judge(one: Case): Verdict {
  const program = checked(one.rule);
  if (program === undefined) return { kind: 'skipped' };
  try {
    return compare(one, program, runEngine);
  } catch (error) {
    return { kind: 'differ', what: 'an error', expected: undefined, got: error };
  }
}

function describe(one: Case): void {
  const verdict = judge(one);
  console.error(`\n${one.rule}`);
  for (const [i, event] of one.events.entries()) console.error(`${i}: ${JSON.stringify(event)}`);
  if (verdict.kind === 'differ') console.error(`\nseed ${one.seed}: ${verdict.what}\nexpected:`, verdict.expected, '\ngot:', verdict.got);
}

process.exitCode = main();
