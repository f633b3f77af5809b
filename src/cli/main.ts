#!/usr/bin/env node
import { EXIT } from './errors.ts';
import type { Io } from './io.ts';
import { runCommand } from './program.ts';

const interruption = new AbortController();
/** Whether the command at work looks at interruptions; one that does not is ended by the first. */
let isListening = false;
let exitCode = 0;

const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  fail: (code) => { exitCode = Math.max(exitCode, code); },
  get interrupted() {
    isListening = true;
    return interruption.signal;
  },
};

// A reader that has seen enough (`| head`) closes the pipe: the end of the command, and no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode);
    throw error;
  });
}

// The first Ctrl-C (or SIGTERM) asks the command to end with what it has; the second ends the process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!isListening || interruption.signal.aborted) process.exit(EXIT.interrupted);
    interruption.abort();
  });
}

const code = await runCommand(io, process.argv.slice(2));
process.exitCode = Math.max(code, exitCode);
// An interrupted command may have left a read of standard input waiting.
if (interruption.signal.aborted) process.exit();
