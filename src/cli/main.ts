#!/usr/bin/env node
import type { Io } from './io.ts';
import { runCommand } from './program.ts';

/** What a shell reports for a command ended by Ctrl-C. */
const INTERRUPTED = 130;

const interruption = new AbortController();
let exitCode = 0;

const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  fail: (code) => { exitCode = Math.max(exitCode, code); },
  interrupted: interruption.signal,
};

// A reader that has seen enough (`| head`) closes the pipe: the end of the command, and no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode);
    throw error;
  });
}

// The first Ctrl-C asks the command to end with what it has; the second ends the process.
process.on('SIGINT', () => {
  if (interruption.signal.aborted) process.exit(INTERRUPTED);
  interruption.abort();
});

const code = await runCommand(io, process.argv.slice(2));
process.exitCode = interruption.signal.aborted ? INTERRUPTED : Math.max(code, exitCode);
// An interrupted command may have left a read of standard input waiting.
if (interruption.signal.aborted) process.exit();
