import type { Command } from 'commander';
import { CliError, EXIT } from '../errors.ts';
import { checkJobFile, renderJob } from '../job-file.ts';
import { write, type Io } from '../io.ts';
import { version } from '../version.ts';

/** `alcedo start JOB.yaml`: the live job. */
export function registerStart(program: Command, io: Io): void {
  program.command('start')
    .description('run a job: rules over live sources, until it is stopped')
    .argument('<job>', 'a job file')
    .addHelpText('after', `
Runs until SIGTERM or SIGINT, which make it commit what it has taken in and end (0); a second one ends it at once. Without a source that goes on (files
read whole) it ends by itself. After a failure that may pass it starts again from its last commit; one that cannot pass ends it with 1.
The log goes to standard error.

Examples:
  alcedo check card-fraud.yaml && alcedo start card-fraud.yaml
  alcedo status card-fraud.yaml        how it does, from another terminal
  alcedo subscribe card-fraud.yaml     its alerts, as they come`)
    .action((path: string) => startJob(io, path));
}

async function startJob(io: Io, path: string): Promise<void> {
  const checked = checkJobFile(io, path);
  if (checked.diagnostics.length > 0) await write(io.stderr, renderJob(checked, checked.diagnostics, io, 'stderr'));
  if (checked.sound === undefined) throw new CliError(`${path} has errors; nothing was started.`, EXIT.usage);
  const { job: config, program } = checked.sound;
  // Clients and servers are loaded by the commands that need them only.
  const [{ Job, JobError }, { makeLog }, { startServer }] = await Promise.all([import('../../job/index.ts'), import('../../job/log.ts'), import('../../job/server/index.ts')]);
  const log = makeLog(config.log);
  const job = new Job({ config, program, log });
  const server = config.http.enabled
    ? await startServer({ ...config.http, status: () => job.status(), sources: job.ingests(), log, version: version() }).catch((error: Error) => { throw new CliError(error.message, EXIT.failed); })
    : undefined;
  const stop = (): void => {
    log.info({}, 'asked to stop: what has been taken in is committed first');
    void job.stop();
    io.interrupted.removeEventListener('abort', stop);
  };
  io.interrupted.addEventListener('abort', stop);
  try {
    await job.run();
    log.info({}, 'the job has ended');
  } catch (error) {
    if (error instanceof JobError) throw new CliError(error.message, EXIT.failed);
    throw new CliError(`The job has failed and cannot go on: ${(error as Error).message}`, EXIT.failed);
  } finally {
    await server?.stop();
  }
}
