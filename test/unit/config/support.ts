import { renderDiagnostic } from '../../../dsl/index.ts';
import { check, loadFiles } from '../../../dsl/index.ts';
import type { Program } from '../../../dsl/typed.ts';
import { readJobText, type JobConfig, type LoadedJob, type Problem } from '../../../src/job/config/index.ts';

/** The least a job file holds, with more lines behind it. Options given in `more` stand in place of those here. */
export function jobText(more = ''): string {
  const base: Readonly<Record<string, string>> = {
    name: 'name: fraud', rules: 'rules: rules/', sources: 'sources: { payments: { file: payments.jsonl } }', channels: 'channels: { default: { console: {} } }',
  };
  return [...Object.entries(base).filter(([name]) => !new RegExp(`^${name}:`, 'm').test(more)).map(([, line]) => line), more].join('\n');
}

export function load(more = '', env: Readonly<Record<string, string>> = {}): LoadedJob {
  return readJobText('job.yaml', jobText(more), env);
}

/** A job file without problems. */
export function jobOf(more = '', env: Readonly<Record<string, string>> = {}): JobConfig {
  const { job, problems, shownText } = load(more, env);
  if (job === undefined || problems.length > 0) throw new Error(rendered(problems, shownText));
  return job;
}

export function rendered(problems: readonly Problem[], text: string): string {
  return problems.map((problem) => renderDiagnostic(problem, (file) => (file === 'job.yaml' ? text : undefined))).join('\n');
}

/** Code and option of each problem. */
export function found(loaded: Pick<LoadedJob, 'problems'>): string[] {
  return loaded.problems.map(({ code, option }) => `${code} ${option}`);
}

export function programOf(text: string): Program {
  const loaded = loadFiles(['rules.cep'], () => text);
  const { program, diagnostics } = check(loaded.files);
  const errors = [...loaded.diagnostics, ...diagnostics].filter(({ severity }) => severity === 'error');
  if (program === undefined || errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  return program;
}
