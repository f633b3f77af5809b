import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import type { Io } from '../../../src/cli/io.ts';
import { CliError } from '../../../src/cli/errors.ts';

export class Output extends Writable {
  text = '';
  isTTY = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

/** A command under way, or done. */
export interface Call {
  readonly out: Output;
  readonly err: Output;
  /** As Ctrl-C does. */
  interrupt(): void;
  /** The exit code, when it has ended; the message of its error is on `err`. */
  readonly code: Promise<number>;
}

export function call(args: readonly string[], register: (program: Command, io: Io) => void, options: { readonly env?: Record<string, string>; readonly terminal?: boolean } = {}): Call {
  const [out, err] = [new Output(), new Output()];
  out.isTTY = options.terminal === true;
  const interruption = new AbortController();
  let failed = 0;
  const io: Io = {
    stdin: new PassThrough().end(), stdout: out, stderr: err, env: { NO_COLOR: '1', ...options.env }, interrupted: interruption.signal,
    fail: (exitCode) => { failed = Math.max(failed, exitCode); },
  };
  const program = new Command('alcedo').exitOverride().configureOutput({ writeOut: (text) => { out.write(text); }, writeErr: (text) => { err.write(text); } });
  register(program, io);
  const run = async (): Promise<number> => {
    try {
      await program.parseAsync([...args], { from: 'user' });
      return failed;
    } catch (error) {
      if (error instanceof CommanderError) return 2; // it has told already
      if (!(error instanceof CliError)) throw error;
      err.text += `${error.message}\n`;
      return Math.max(failed, error.exitCode);
    }
  };
  return { out, err, interrupt: () => { interruption.abort(); }, code: run() };
}

/** A folder with a job file and rules in it. */
export class JobFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'alcedo-live-'));

  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export async function until(condition: () => boolean, what: string, patience = 5000): Promise<void> {
  for (const deadline = Date.now() + patience; !condition();) {
    if (Date.now() > deadline) throw new Error(`Waited ${patience} ms in vain for ${what}.`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}
