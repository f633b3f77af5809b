import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { SourceFile } from '../../../dsl/ast.ts';
import type { Diagnostic } from '../../../dsl/diagnostic.ts';
import { formatSource, parseFile } from '../../../dsl/index.ts';
import { CliError, EXIT, fileProblem, usageError } from '../errors.ts';
import { plural } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { findRuleFiles, readRuleFile, render, toJson } from '../rule-files.ts';

interface FmtOptions { readonly check?: boolean; readonly json?: boolean }

/** `alcedo fmt RULES…`: rewrites rule files in the one layout. */
export function registerFmt(program: Command, io: Io): void {
  program.command('fmt')
    .description('rewrite rule files in the one layout; `-` reads standard input and writes standard output')
    .argument('<rules...>', 'rule files, or folders with .cep files, or -')
    .option('--check', 'change nothing; name the files that are not in the layout and end with 1')
    .option('--json', 'what was done as JSON on standard output')
    .addHelpText('after', `
Comments stay, and no rule changes its meaning. A file with a syntax error is left as it is and reported; the command then ends with 2.

Examples:
  alcedo fmt rules/
  alcedo fmt --check rules/
  alcedo fmt - < rule.cep`)
    .action((paths: string[], options: FmtOptions) => runFmt(io, paths, options));
}

interface Formatted {
  readonly path: string;
  readonly status: 'formatted' | 'unchanged' | 'not formatted' | 'has errors';
  readonly diagnostics?: readonly unknown[];
}

async function runFmt(io: Io, paths: readonly string[], options: FmtOptions): Promise<void> {
  if (paths.includes('-')) {
    if (paths.length > 1) throw usageError('fmt: "-" (standard input) stands alone.');
    await formatStandardInput(io, options);
    return;
  }
  const results: Formatted[] = [];
  for (const path of findRuleFiles(paths)) {
    const text = readRuleFile(path);
    const { formatted, failure } = format(path, text);
    if (formatted === undefined) {
      results.push({ path, status: 'has errors', diagnostics: toJson(failure, failure.diagnostics) });
      if (options.json !== true) await write(io.stderr, render(failure, failure.diagnostics, io, 'stderr'));
    } else if (formatted === text) {
      results.push({ path, status: 'unchanged' });
    } else if (options.check === true) {
      results.push({ path, status: 'not formatted' });
    } else {
      writeText(path, formatted);
      results.push({ path, status: 'formatted' });
    }
  }
  const count = (status: Formatted['status']): number => results.filter((result) => result.status === status).length;
  if (count('not formatted') > 0) io.fail(EXIT.failed);
  if (count('has errors') > 0) io.fail(EXIT.usage);
  if (options.json === true) {
    await write(io.stdout, `${JSON.stringify({ ok: count('not formatted') + count('has errors') === 0, files: results }, undefined, 2)}\n`);
    return;
  }
  const c = coloursFor(io, 'stdout');
  for (const { path, status } of results) {
    if (status === 'formatted') await write(io.stdout, `${path}\n`);
    else if (status === 'not formatted') await write(io.stdout, `${c.yellow(path)} is not in the layout\n`);
  }
  if (count('not formatted') > 0) {
    throw new CliError(`${plural(count('not formatted'), 'file')} to format; run \`alcedo fmt\` without --check to rewrite.`);
  }
}

async function formatStandardInput(io: Io, options: FmtOptions): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  const text = Buffer.concat(chunks).toString('utf8');
  const { formatted, failure } = format('<stdin>', text);
  if (formatted === undefined) {
    await write(io.stderr, render(failure, failure.diagnostics, io, 'stderr'));
    throw new CliError('The text was not formatted because of its syntax errors.', EXIT.usage);
  }
  if (options.check === true) {
    if (formatted !== text) throw new CliError('The text is not in the layout.');
    return;
  }
  await write(io.stdout, formatted);
}

/** The text in the layout, or what is wrong with its syntax. */
type FormatResult =
  | { readonly formatted: string; readonly failure?: undefined }
  | { readonly formatted?: undefined; readonly failure: { readonly files: readonly SourceFile[]; readonly diagnostics: readonly Diagnostic[] } };

function format(path: string, text: string): FormatResult {
  const { file, diagnostics } = parseFile(path, text);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  return errors.length > 0 ? { failure: { files: [file], diagnostics: errors } } : { formatted: formatSource(file) };
}

function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CliError(`Cannot write "${path}": ${fileProblem(error) ?? String(error)}. The file is as it was.`);
  }
}
