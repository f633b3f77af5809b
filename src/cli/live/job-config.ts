/** A job file for the commands that watch a job: its options alone, whatever state its rules are in. */
import { renderDiagnostic } from '../../../dsl/index.ts';
import type { Program } from '../../../dsl/typed.ts';
import { loadJob, type JobConfig } from '../../job/config/index.ts';
import { CliError, EXIT } from '../errors.ts';
import { plural } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { checkRules } from '../rule-files.ts';

/** @throws CliError (usage) after the errors of the file have been shown */
export async function readJobConfig(io: Io, path: string): Promise<JobConfig> {
  const { job, problems, shownText } = loadJob(path, io.env);
  if (job !== undefined) return job;
  const color = coloursFor(io, 'stderr').enabled;
  const errors = problems.filter(({ severity }) => severity === 'error');
  await write(io.stderr, errors.map((error) => `${renderDiagnostic(error, () => shownText || undefined, { color })}\n\n`).join(''));
  throw new CliError(`${plural(errors.length, 'error')} in the job file.`, EXIT.usage);
}

/** The rules of a job; undefined where they cannot be read or have errors, which `alcedo check` tells. */
export function rulesIfSound(job: JobConfig): Program | undefined {
  try {
    return checkRules(job.rules.files).program;
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}
