import type { Command } from 'commander';
import { diagnosticToJson, renderDiagnostic } from '../../../dsl/index.ts';
import { loadJob, showYaml } from '../../job/config/index.ts';
import { CliError, EXIT } from '../errors.ts';
import { coloursFor, write, type Io } from '../io.ts';

/** `alcedo config JOB.yaml`: what is in force. */
export function registerConfig(program: Command, io: Io): void {
  program.command('config')
    .description('show what a job file says: defaults filled in, environment variables put in, secrets masked')
    .argument('<job>', 'a job file')
    .option('--json', 'as JSON')
    .addHelpText('after', `
Ends with 2 when there are errors in the job file. Rules are not looked at: see alcedo check.

Examples:
  alcedo config card-fraud.yaml
  alcedo config card-fraud.yaml --json | jq .state.checkpoint`)
    .action((path: string, options: { readonly json?: boolean }) => showConfig(io, path, options.json === true));
}

async function showConfig(io: Io, path: string, json: boolean): Promise<void> {
  const { shown, problems, shownText } = loadJob(path, io.env);
  if (shown !== undefined) {
    await write(io.stdout, json ? `${JSON.stringify(shown, undefined, 2)}\n` : showYaml(shown));
    return;
  }
  const textOf = (): string | undefined => shownText || undefined;
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (json) await write(io.stdout, `${JSON.stringify({ ok: false, diagnostics: errors.map((error) => diagnosticToJson(error, textOf)) }, undefined, 2)}\n`);
  else {
    const color = coloursFor(io, 'stderr').enabled;
    await write(io.stderr, errors.map((error) => `${renderDiagnostic(error, textOf, { color })}\n\n`).join(''));
  }
  throw new CliError(`${errors.length === 1 ? '1 error' : `${errors.length} errors`} in the job file.`, EXIT.usage);
}
