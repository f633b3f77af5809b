import type { Command } from 'commander';
import { CliError, EXIT } from '../errors.ts';
import { plural } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { checkRules, render, toJson } from '../rule-files.ts';

interface CheckOptions { readonly strict?: boolean; readonly json?: boolean }

/** `alcedo check RULES…`: everything that is wrong with rule files. */
export function registerCheck(program: Command, io: Io): void {
  program.command('check')
    .description('say everything that is wrong with rule files')
    .argument('<rules...>', 'rule files, or folders with .cep files')
    .option('--strict', 'warnings are errors')
    .option('--json', 'the findings as JSON on standard output')
    .addHelpText('after', `
Ends with 0 when the rules can run, with 2 when they cannot (or, under --strict, when there are warnings).

Examples:
  alcedo check rules/
  alcedo check --strict rules/fraud/card-testing.cep
  alcedo check --json rules/ | jq '.diagnostics[] | select(.severity == "error")'`)
    .action((paths: string[], options: CheckOptions) => runCheck(io, paths, options));
}

async function runCheck(io: Io, paths: readonly string[], options: CheckOptions): Promise<void> {
  const rules = checkRules(paths);
  const strict = options.strict === true;
  const diagnostics = strict ? rules.diagnostics.map((diagnostic) => ({ ...diagnostic, severity: 'error' as const })) : rules.diagnostics;
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  const warnings = diagnostics.length - errors;
  if (errors > 0) io.fail(EXIT.usage);
  const count = (kind: 'rule' | 'test'): number =>
    rules.files.reduce((sum, file) => sum + file.declarations.filter((declaration) => declaration.kind === kind).length, 0);
  const summary = {
    ok: errors === 0, files: rules.files.length, rules: count('rule'), tests: count('test'), errors, warnings,
  };
  if (options.json === true) {
    await write(io.stdout, `${JSON.stringify({ ...summary, diagnostics: toJson(rules, diagnostics) }, undefined, 2)}\n`);
    return;
  }
  await write(io.stdout, render(rules, diagnostics, io, 'stdout'));
  const c = coloursFor(io, 'stdout');
  const counts = [plural(summary.files, 'file'), plural(summary.rules, 'rule'), plural(summary.tests, 'test')].join(', ');
  const verdict = errors > 0 ? c.red(plural(errors, 'error')) : c.green('no errors');
  await write(io.stdout, `${counts}: ${verdict}${warnings > 0 ? `, ${c.yellow(plural(warnings, 'warning'))}` : ''}\n`);
  if (strict && errors > 0 && rules.diagnostics.every((diagnostic) => diagnostic.severity === 'warning')) {
    throw new CliError('Under --strict a warning counts as an error.', EXIT.usage);
  }
}

