import type { Command } from 'commander';
import type { Test } from '../../../dsl/typed.ts';
import { CompileError } from '../../compile/index.ts';
import { collect } from '../arguments.ts';
import { CliError, EXIT } from '../errors.ts';
import { plural } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { loadProgram, textOf, type LoadedRules } from '../rule-files.ts';
import { judgeTest } from '../testing/judge.ts';
import { describeFailure, renderFailure, type Failure } from '../testing/report.ts';

interface TestOptions { readonly filter?: readonly string[]; readonly json?: boolean; readonly verbose?: boolean }

/** `alcedo test RULES…`: runs the tests in rule files. */
export function registerTest(program: Command, io: Io): void {
  program.command('test')
    .description('run the tests in rule files')
    .argument('<rules...>', 'rule files, or folders with .cep files')
    .option('--filter <text>', 'only tests whose rules or title contain this, in any case; may be given again', collect)
    .option('--verbose', 'name the tests that pass, too')
    .option('--json', 'the results as JSON on standard output')
    .addHelpText('after', `
A failed test shows what it expected beside what came, and for the nearest run how far it got and which condition, with its values, stopped it.
A test whose last step is a time alone (@1h) ends there; any other goes on to the end of time, so that everything that waits comes due.
Ends with 0 when all pass, 1 when one fails (or there is none to run), 2 when the rules have errors.

Examples:
  alcedo test rules/
  alcedo test rules/fraud --filter CardTesting
  alcedo test rules/ --filter "ten minutes" --json`)
    .action((paths: string[], options: TestOptions) => runTests(io, paths, options));
}

interface Outcome {
  readonly rules: readonly string[];
  readonly title: string;
  readonly file: string;
  readonly line: number;
  readonly ok: boolean;
  readonly failures: readonly Failure[];
  readonly problems: readonly string[];
}

async function runTests(io: Io, paths: readonly string[], options: TestOptions): Promise<void> {
  const rules = await loadProgram(io, paths, options);
  const tests = rules.program.tests.filter((test) => isWanted(test, options.filter));
  const json = options.json === true;
  const c = coloursFor(io, 'stdout');
  const outcomes: Outcome[] = [];
  for (const test of tests) {
    if (io.interrupted.aborted) break;
    const outcome = judge(rules, test);
    outcomes.push(outcome);
    if (json) continue;
    if (!outcome.ok) await write(io.stdout, `${renderOutcome(outcome, c)}\n`);
    else if (options.verbose === true) await write(io.stdout, `${c.green('ok  ')} ${heading(outcome)}\n`);
  }
  const failed = outcomes.filter((outcome) => !outcome.ok).length;
  const passed = outcomes.length - failed;
  if (failed > 0 || outcomes.length === 0) io.fail(EXIT.failed);
  if (json) await write(io.stdout, `${JSON.stringify({ ok: failed === 0 && passed > 0, passed, failed, tests: outcomes }, undefined, 2)}\n`);
  else await write(io.stdout, `${c.green(`${passed} passed`)}, ${failed > 0 ? c.red(`${failed} failed`) : `${failed} failed`}\n`);
  if (outcomes.length === 0) {
    const all = rules.program.tests.length;
    throw new CliError(all === 0 ? 'There is no test in these files.' : `No test of ${plural(all, 'test')} fits --filter ${(options.filter ?? []).join(', ')}.`);
  }
}

function isWanted(test: Test, filters: readonly string[] = []): boolean {
  const text = `${test.rules.join(', ')} "${test.title}"`.toLowerCase();
  return filters.length === 0 || filters.some((filter) => text.includes(filter.toLowerCase()));
}

function judge({ program, files }: LoadedRules, test: Test): Outcome {
  const line = (textOf(files)(test.span.file) ?? '').slice(0, test.span.start).split('\n').length;
  const about = { rules: test.rules, title: test.title, file: test.span.file, line };
  try {
    const { run, mismatches } = judgeTest(program, test);
    const failures = mismatches.map((mismatch) => describeFailure(mismatch, run));
    return { ...about, ok: failures.length === 0 && run.problems.length === 0, failures, problems: run.problems };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { ...about, ok: false, failures: [], problems: [error.message] };
  }
}

function heading(outcome: Outcome): string {
  return `${outcome.rules.join(', ')} ${JSON.stringify(outcome.title)} (${outcome.file}:${outcome.line})`;
}

function renderOutcome(outcome: Outcome, c: ReturnType<typeof coloursFor>): string {
  return [
    `${c.red('FAIL')} ${c.bold(heading(outcome))}`,
    ...outcome.problems.map((problem) => `    ${problem}`),
    ...outcome.failures.flatMap((failure) => renderFailure(failure, c)),
  ].join('\n');
}
