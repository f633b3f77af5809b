/** From a job file to a checked job with its rules, or to findings on the terminal. */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import type { Program } from '../../dsl/typed.ts';
import { diagnosticToJson, renderDiagnostic, sortDiagnostics } from '../../dsl/index.ts';
import { checkAgainstRules, loadJob, type JobConfig, type LoadedJob } from '../job/config/index.ts';
import { coloursFor, type Io } from './io.ts';
import { checkRules, textOf, type CheckedRules } from './rule-files.ts';

/** A job file with its rules and everything that was found in both. */
export interface CheckedJob {
  readonly loaded: LoadedJob;
  /** undefined: the job file does not say which. */
  readonly rules: CheckedRules | undefined;
  /** In reading order, the job file first. */
  readonly diagnostics: readonly Diagnostic[];
  /** Only where there are no errors. */
  readonly sound: { readonly job: JobConfig; readonly program: Program } | undefined;
}

/** Whether an argument names a job file, and not rules. */
export function isJobFile(path: string): boolean {
  return /\.ya?ml$/i.test(path);
}

/** Loads and checks a job file with the rules it names. @throws CliError where a folder of rules has none */
export function checkJobFile(io: Pick<Io, 'env'>, path: string): CheckedJob {
  const loaded = loadJob(path, io.env);
  const rules = loaded.rules === undefined ? undefined : checkRules(loaded.rules.files);
  const between = rules?.program === undefined ? [] : checkAgainstRules(loaded, rules.program);
  const diagnostics = sortDiagnostics([...loaded.problems, ...between, ...rules?.diagnostics ?? []], [path, ...rules?.files.map((file) => file.path) ?? []]);
  const isSound = diagnostics.every(({ severity }) => severity !== 'error');
  return { loaded, rules, diagnostics, sound: isSound && loaded.job !== undefined && rules?.program !== undefined ? { job: loaded.job, program: rules.program } : undefined };
}

/** Findings as text, as those of rules are; lines of the job file without its secrets. */
export function renderJob(checked: CheckedJob, diagnostics: readonly Diagnostic[], io: Io, stream: 'stdout' | 'stderr'): string {
  const color = coloursFor(io, stream).enabled;
  return diagnostics.map((diagnostic) => `${renderDiagnostic(diagnostic, textsOf(checked), { color })}\n\n`).join('');
}

export function jobToJson(checked: CheckedJob, diagnostics: readonly Diagnostic[]): unknown[] {
  return diagnostics.map((diagnostic) => ({
    ...diagnosticToJson(diagnostic, textsOf(checked)), ...('option' in diagnostic && diagnostic.option !== '' && { option: diagnostic.option }),
  }));
}

function textsOf({ loaded, rules }: CheckedJob): (path: string) => string | undefined {
  const ofRules = textOf(rules?.files ?? []);
  return (path) => (path === loaded.file ? loaded.shownText || undefined : ofRules(path));
}
