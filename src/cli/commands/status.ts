import { setTimeout as delay } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { parseDuration } from '../arguments.ts';
import { CliError, usageError } from '../errors.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { addressOf, askJob, type ToldStatus } from '../live/ask-job.ts';
import { readJobConfig } from '../live/job-config.ts';
import { statusText } from '../live/status-text.ts';

interface StatusOptions { readonly url?: string; readonly json?: boolean; readonly watch?: boolean; readonly every: number }

const CLEAR = '\u001b[H\u001b[2J\u001b[3J';

/** `alcedo status JOB.yaml`: what a running job does, asked of its HTTP server. */
export function registerStatus(program: Command, io: Io): void {
  program.command('status')
    .description('show what a running job does: tasks, lag, watermarks, checkpoints, rules')
    .argument('<job>', 'the job file of the job')
    .option('--url <url>', 'ask there, instead of at http.host and http.port of the job file')
    .option('--watch', 'show it again and again, until Ctrl-C')
    .addOption(new Option('--every <duration>', 'with --watch: how often').argParser(parseDuration).default(2000, '2s'))
    .option('--json', 'as JSON; with --watch an object a line')
    .addHelpText('after', `
The job is asked at http.host and http.port of its file, with http.token; its rules are not looked at. Times are UTC.
A stream that "holds the watermark" is the one that rules wait for; an idle one holds nothing back.
Ends with 0 when the job has answered, with 1 when none does, with 2 for wrong usage or errors in the job file.

Examples:
  alcedo status card-fraud.yaml
  alcedo status card-fraud.yaml --watch
  alcedo status card-fraud.yaml --url http://fraud-1.internal:7070
  alcedo status card-fraud.yaml --json | jq '.tasks[] | {task, watermark, checkpoint}'`)
    .action((path: string, options: StatusOptions) => showStatus(io, path, options));
}

async function showStatus(io: Io, path: string, { url, json, watch, every }: StatusOptions): Promise<void> {
  const job = await readJobConfig(io, path);
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url)) throw usageError(`--url: "${url}" is not an address such as http://127.0.0.1:7070.`);
  if (url !== undefined && !URL.canParse(url)) throw usageError(`--url: "${url}" cannot be read as an address.`);
  const address = url ?? addressOf(job);
  const c = coloursFor(io, 'stdout');
  const tell = (status: ToldStatus): string => (json === true ? `${JSON.stringify(status, undefined, watch === true ? undefined : 2)}\n` : `${statusText(status, c, Date.now())}\n`);
  if (watch !== true) {
    await write(io.stdout, await answerUnlessInterrupted(() => askJob(job, address, io.interrupted).then(tell), io));
    return;
  }
  const clears = json !== true && io.stdout.isTTY === true && io.env['TERM'] !== 'dumb';
  while (!io.interrupted.aborted) {
    const text = await answerOrReason(() => askJob(job, address, io.interrupted).then(tell), io);
    await write(io.stdout, clears ? `${CLEAR}${text}` : json === true ? text : `${text}\n`);
    await delay(every, undefined, { signal: io.interrupted }).catch(() => {}); // an interrupt ends the wait; the loop sees it
  }
}

/** While watching, a job that is away (it may be starting again) is a line among others and not the end. */
async function answerOrReason(ask: () => Promise<string>, io: Io): Promise<string> {
  try {
    return await answerUnlessInterrupted(ask, io);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    await write(io.stderr, `${error.message}\n`);
    return '';
  }
}

async function answerUnlessInterrupted(ask: () => Promise<string>, io: Io): Promise<string> {
  try {
    return await ask();
  } catch (error) {
    if (io.interrupted.aborted) return '';
    throw error;
  }
}
