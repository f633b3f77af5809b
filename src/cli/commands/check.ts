import type { Command } from 'commander';
import type { Diagnostic } from '../../../dsl/diagnostic.ts';
import type { SourceFile } from '../../../dsl/ast.ts';
import type { Program } from '../../../dsl/typed.ts';
import type { JobConfig } from '../../job/config/index.ts';
import { CliError, EXIT, usageError } from '../errors.ts';
import { plural, printable } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { checkJobFile, isJobFile, jobToJson, renderJob } from '../job-file.ts';
import { checkRules, render, toJson } from '../rule-files.ts';

interface CheckOptions { readonly strict?: boolean; readonly json?: boolean; readonly connect?: boolean }

/** What trying one connection of a job found. */
export interface Probe {
  /** What was tried: "source payments", "state". */
  readonly part: string;
  readonly ok: boolean;
  /** What was found, or what failed and what to look at; a line each. */
  readonly found: readonly string[];
}

/** Tries every connection of a job that is sound. It does not throw for one that fails. */
export type ProbeJob = (job: JobConfig, program: Program) => Promise<readonly Probe[]>;

/** `alcedo check RULES…|JOB.yaml`: everything that is wrong with rule files, or with a job file and its rules. `probe`: what --connect does. */
export function registerCheck(program: Command, io: Io, probe?: ProbeJob): void {
  const command = program.command('check')
    .description('say everything that is wrong with rule files, or with a job file and its rules')
    .argument('<rules...>', 'rule files, or folders with .cep files; or one job file (.yaml)')
    .option('--strict', 'warnings are errors')
    .option('--json', 'the findings as JSON on standard output');
  if (probe !== undefined) command.option('--connect', 'with a job file: try each connection and say what is found');
  command.addHelpText('after', `
Ends with 0 when the rules or the job can run, with 2 when they cannot (or, under --strict, when there are warnings)${probe === undefined ? '' : ', with 1 when a connection fails'}.

Examples:
  alcedo check rules/
  alcedo check --strict rules/fraud/card-testing.cep
  alcedo check card-fraud.yaml
  alcedo check --json rules/ | jq '.diagnostics[] | select(.severity == "error")'`)
    .action((paths: string[], options: CheckOptions) => runCheck(io, paths, options, probe));
}

async function runCheck(io: Io, paths: readonly string[], options: CheckOptions, probe: ProbeJob | undefined): Promise<void> {
  const [first] = paths;
  if (paths.some(isJobFile)) {
    if (paths.length > 1) throw usageError('A job file is checked by itself, with the rules it names.');
    await checkJob(io, first!, options, probe);
    return;
  }
  if (options.connect === true) throw usageError('--connect tries the connections of a job file; these are rules.');
  const rules = checkRules(paths);
  await tell(io, options, {
    files: rules.files, found: rules.diagnostics, extra: {},
    toText: (diagnostics) => render(rules, diagnostics, io, 'stdout'), toData: (diagnostics) => toJson(rules, diagnostics),
  });
}

async function checkJob(io: Io, path: string, options: CheckOptions, probe: ProbeJob | undefined): Promise<void> {
  const checked = checkJobFile(io, path);
  const { sound } = checked;
  const probes = options.connect === true && probe !== undefined && sound !== undefined ? await probe(sound.job, sound.program) : [];
  if (probes.some(({ ok }) => !ok)) io.fail(EXIT.failed);
  await tell(io, options, {
    files: checked.rules?.files ?? [], found: checked.diagnostics, extra: options.connect === true ? { ok: sound !== undefined && probes.every(({ ok }) => ok), connections: probes } : {},
    toText: (diagnostics) => `${renderJob(checked, diagnostics, io, 'stdout')}${renderProbes(io, probes)}`, toData: (diagnostics) => jobToJson(checked, diagnostics),
  });
}

function renderProbes(io: Io, probes: readonly Probe[]): string {
  const c = coloursFor(io, 'stdout');
  const text = probes.map(({ part, ok, found }) =>
    `${ok ? c.green('ok    ') : c.red('failed')} ${c.bold(printable(part))}\n${found.map((line) => `       ${printable(line)}\n`).join('')}`).join('');
  return text === '' ? '' : `${text}\n`;
}

interface Findings {
  readonly files: readonly SourceFile[];
  readonly found: readonly Diagnostic[];
  /** More for --json. */
  readonly extra: object;
  readonly toText: (diagnostics: readonly Diagnostic[]) => string;
  readonly toData: (diagnostics: readonly Diagnostic[]) => unknown[];
}

async function tell(io: Io, options: CheckOptions, { files, found, extra, toText, toData }: Findings): Promise<void> {
  const strict = options.strict === true;
  const diagnostics = strict ? found.map((diagnostic) => ({ ...diagnostic, severity: 'error' as const })) : found;
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  const warnings = diagnostics.length - errors;
  if (errors > 0) io.fail(EXIT.usage);
  const count = (kind: 'rule' | 'test'): number =>
    files.reduce((sum, file) => sum + file.declarations.filter((declaration) => declaration.kind === kind).length, 0);
  const summary = {
    ok: errors === 0, files: files.length, rules: count('rule'), tests: count('test'), errors, warnings,
  };
  if (options.json === true) {
    await write(io.stdout, `${JSON.stringify({ ...summary, diagnostics: toData(diagnostics), ...extra }, undefined, 2)}\n`);
    return;
  }
  await write(io.stdout, toText(diagnostics));
  const c = coloursFor(io, 'stdout');
  const counts = [plural(summary.files, 'file'), plural(summary.rules, 'rule'), plural(summary.tests, 'test')].join(', ');
  const verdict = errors > 0 ? c.red(plural(errors, 'error')) : c.green('no errors');
  await write(io.stdout, `${counts}: ${verdict}${warnings > 0 ? `, ${c.yellow(plural(warnings, 'warning'))}` : ''}\n`);
  if (strict && errors > 0 && found.every((diagnostic) => diagnostic.severity === 'warning')) {
    throw new CliError('Under --strict a warning counts as an error.', EXIT.usage);
  }
}
