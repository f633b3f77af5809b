/** Processes of the bench: each ends with it, whatever ends it. */
import { type ChildProcess, execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function endsWithUs<T extends ChildProcess>(child: T): T {
  const kill = (): void => { child.kill('SIGKILL'); };
  process.once('exit', kill);
  child.once('exit', () => { process.off('exit', kill); });
  return child;
}

/** Runs a program of this folder to its end; resolves with the JSON it prints. `seconds`: how long it may take. */
export function run<T>(program: string, args: readonly string[], seconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const command = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(program, import.meta.url)), ...args];
    endsWithUs(execFile(process.execPath, command, { timeout: 1000 * seconds, killSignal: 'SIGKILL' }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as T);
      else reject(new Error(`${program} ${args.join(' ')} ${error.killed === true ? `was not done within ${seconds} s` : `failed: ${error.message}`}`, { cause: error }));
    }));
  });
}
