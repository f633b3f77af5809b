import { Command, CommanderError } from 'commander';
import { registerCheck } from './commands/check.ts';
import { registerConfig } from './commands/config.ts';
import { registerDemo } from './commands/demo.ts';
import { registerExplain } from './commands/explain.ts';
import { registerFmt } from './commands/fmt.ts';
import { registerPlan } from './commands/plan.ts';
import { registerRun } from './commands/run.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerStart } from './commands/start.ts';
import { registerState } from './commands/state.ts';
import { registerStatus } from './commands/status.ts';
import { registerSubscribe } from './commands/subscribe.ts';
import { registerTest } from './commands/test.ts';
import { CliError, EXIT } from './errors.ts';
import { coloursFor, write, type Io } from './io.ts';
import { version } from './version.ts';

/** The whole command line. It throws instead of ending the process; see runCommand for what becomes of that. */
export function makeProgram(io: Io): Command {
  const program = new Command('alcedo')
    .description('Complex-event-processing rules over event streams: write patterns in .cep files, check and test them, run them over files.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => { io.stdout.write(text); },
      writeErr: (text) => { io.stderr.write(text); },
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .showHelpAfterError('(--help shows the options, with examples)')
    .showSuggestionAfterError()
    .addHelpText('after', `
Exit codes: 0 fine, 1 something failed, 2 wrong usage or errors in the rules.

Examples:
  alcedo demo                                              see it work
  alcedo check rules/                                      what is wrong with the rules
  alcedo test rules/                                       run the tests in them
  alcedo run rules/fraud --events payments.jsonl           alerts as JSON Lines
  alcedo explain rules/fraud/card-testing.cep              how a rule is run, and what it costs`);
  registerRun(program, io);
  registerCheck(program, io, async (job, rules) => {
    const [{ probeJob }, { makeLog }] = await Promise.all([import('../job/probe.ts'), import('../job/log.ts')]);
    return probeJob(job, rules, makeLog({ level: 'error', format: 'pretty' }));
  });
  registerConfig(program, io);
  registerTest(program, io);
  registerExplain(program, io);
  registerFmt(program, io);
  registerSimulate(program, io);
  registerStart(program, io);
  registerPlan(program, io);
  registerStatus(program, io);
  registerSubscribe(program, io);
  registerState(program, io);
  registerDemo(program, io);
  return program;
}

/** Runs one command line (without `node` and the script) and returns its exit code. Never throws: what goes wrong is told on standard error. */
export async function runCommand(io: Io, args: readonly string[]): Promise<number> {
  try {
    await makeProgram(io).parseAsync([...args], { from: 'user' });
    return EXIT.fine;
  } catch (error) {
    if (error instanceof CommanderError) return usageExitCode(error);
    const c = coloursFor(io, 'stderr');
    if (error instanceof CliError) {
      await write(io.stderr, `${c.red('error:')} ${error.message}\n`);
      return error.exitCode;
    }
    const stack = error instanceof Error ? error.stack ?? error.message : String(error);
    await write(io.stderr, `${c.red('error:')} This is a defect in alcedo, not in your rules or data. Please report it with the lines below.\n${stack}\n`);
    return EXIT.failed;
  }
}

/** Help and version asked for are fine; help shown because no command was given, and every other complaint of commander, is wrong usage. */
function usageExitCode(error: CommanderError): number {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return EXIT.fine;
  if (error.code === 'commander.error') return error.exitCode;
  return EXIT.usage;
}
