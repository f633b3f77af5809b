/** Server processes for tests: started on a private port in a folder of their own, and gone when the test process is. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Server {
  readonly host: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Its data, gone after `stop`. */
  readonly folder: string;
  /** Sends a signal; unless it is SIGSTOP or SIGCONT the promise settles when the process has ended. The data stays. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the process if it runs (SIGTERM), then starts it again on the same port and data; settles when it is ready. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
  /** What it has written to its log so far. */
  log(): string;
}

export interface ServerSpec {
  /** For messages and for the folder's name. */
  readonly name: string;
  readonly port: number;
  readonly folder: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Whether it answers; asked again and again. */
  ready(): Promise<boolean>;
}

const READY_WITHIN = 60_000;

/** Starts a server and waits until it answers. @throws Error with the end of its log */
export async function startServer(spec: ServerSpec): Promise<Server> {
  const running = new RunningServer(spec);
  await running.start();
  return running;
}

class RunningServer implements Server {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly folder: string;
  readonly #spec: ServerSpec;
  readonly #onExit = (): void => this.#end();
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #pid = 0;

  constructor(spec: ServerSpec) {
    this.#spec = spec;
    this.port = spec.port;
    this.folder = spec.folder;
    process.on('exit', this.#onExit);
  }

  get pid(): number {
    return this.#pid;
  }

  async start(): Promise<void> {
    const { name, command, args, env, ready, folder } = this.#spec;
    const log = openSync(join(folder, 'server.log'), 'a');
    // Where there is setpriv the server dies with this process even when that is killed; elsewhere only when it ends by itself.
    const setpriv = findProgram('setpriv');
    const [program, all] = setpriv === undefined ? [command, args] : [setpriv, ['--pdeathsig', 'KILL', command, ...args]];
    const child = spawn(program, all, { cwd: folder, stdio: ['ignore', log, log], env: { ...process.env, ...env } });
    closeSync(log);
    let ended = false;
    this.#gone = new Promise((resolve) => {
      child.once('error', () => { ended = true; resolve(); });
      child.once('exit', () => { ended = true; resolve(); });
    });
    this.#child = child;
    this.#pid = child.pid ?? 0;
    const deadline = Date.now() + READY_WITHIN;
    while (!ended && Date.now() < deadline) {
      if (await ready()) return;
      await sleep(20);
    }
    const end = this.log().split('\n').slice(-15).join('\n');
    await this.stop();
    throw new Error(`${name} ${ended ? 'ended' : `did not answer within ${READY_WITHIN / 1000} s`} (${command}). The end of its log:\n${end}`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.#gone;
  }

  async restart(): Promise<void> {
    await this.kill('SIGTERM');
    await this.start();
  }

  async stop(): Promise<void> {
    process.off('exit', this.#onExit);
    this.#child?.kill('SIGKILL');
    await this.#gone;
    rmSync(this.folder, { recursive: true, force: true });
  }

  log(): string {
    const file = join(this.folder, 'server.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  #end(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A folder for one server, named after this process; those of test processes that were killed are swept first. */
export function serverFolder(name: string): string {
  for (const entry of readdirSync(tmpdir())) {
    const owner = /^alcedo-test-[a-z]+-(\d+)-/.exec(entry)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) rmSync(join(tmpdir(), entry), { recursive: true, force: true });
  }
  return mkdtempSync(join(tmpdir(), `alcedo-test-${name}-${process.pid}-`));
}

/** A port nobody listens on, below those the system gives to outgoing connections: so it is still free when the server starts again. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error('No free port between 12000 and 32000.');
}

/** Full path of a program on the PATH or where system programs live. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin', '/opt/homebrew/sbin'];
  return folders.filter((folder) => folder !== '').map((folder) => join(folder, name)).find((file) => existsSync(file));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
