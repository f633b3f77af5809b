/** Runs the command line as a person does, in a folder of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Io } from '../../../src/cli/io.ts';
import { runCommand } from '../../../src/cli/program.ts';
import { compiledFolder } from '../../support/brokers/cache.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

export interface Finished { readonly code: number | null; readonly out: string; readonly err: string }

export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'alcedo-'));

  write(path: string, content: string | Uint8Array): string {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return path;
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  /** The data of a file of JSON Lines. */
  lines(path: string): Record<string, unknown>[] {
    return jsonLines(this.read(path));
  }

  /** In this process, which is faster: for all that needs no standard input and no signals. */
  async call(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    const out = new Sink();
    const err = new Sink();
    let failed = 0;
    const io: Io = {
      stdin: new PassThrough().end(), stdout: out, stderr: err, env, interrupted: new AbortController().signal,
      fail: (code) => { failed = Math.max(failed, code); },
    };
    const before = process.cwd();
    process.chdir(this.folder);
    try {
      const code = await runCommand(io, args);
      return { code: Math.max(code, failed), out: out.text, err: err.text };
    } finally {
      process.chdir(before);
    }
  }

  /** In a process of its own. */
  alcedo(args: readonly string[], options: { readonly input?: string | Uint8Array; readonly env?: Record<string, string> } = {}): Finished {
    const done = spawnSync(process.execPath, [MAIN, ...args], {
      cwd: this.folder, input: options.input ?? '', encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compiledFolder(), ...options.env }, timeout: 50_000, maxBuffer: 1 << 28,
    });
    return { code: done.status, out: done.stdout, err: done.stderr };
  }

  /** Starts it and leaves its standard input open. */
  start(args: readonly string[]): ReturnType<typeof spawn> {
    return spawn(process.execPath, [MAIN, ...args], { cwd: this.folder, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Runs a shell line in which `alcedo` is the command line. */
  shell(line: string): Finished {
    const script = `set -o pipefail; alcedo() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`;
    const done = spawnSync('bash', ['-c', script], { cwd: this.folder, encoding: 'utf8', timeout: 50_000 });
    return { code: done.status, out: done.stdout, err: done.stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The first example of the language, in the layout of `alcedo fmt`, with a test that passes. */
export const CARD_TESTING = `event Payment {
  card: string
  amount: float
  country: string?
  at: time
} time at

param big: float = 500 in 0 .. 100000

rule CardTesting {
  title "Small probes, then one large payment"
  severity high
  tags fraud, card
  by card
  match probe{3,} greedy -> hit within 10m
    probe: Payment where amount < 2
    hit: Payment where amount > big and amount > 10 * avg(probe.amount)
  alert fraud_alerts { card, probes: count(probe), spent: sum(probe.amount) + hit.amount }
}

test CardTesting "three probes and a hit" {
  @0s Payment { card: "c1", amount: 1.0 }
  @10s Payment { card: "c1", amount: 1.5 }
  @20s Payment { card: "c1", amount: 0.5 }
  @40s Payment { card: "c1", amount: 900 }
  expect @40s { card: "c1", probes: 3 }
}
`;

const START = Date.UTC(2026, 0, 5, 8);

/** A payment as a line of JSON, `seconds` after the beginning. */
export function payment(seconds: number, card: string, amount: unknown, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ type: 'Payment', card, amount, at: new Date(START + 1000 * seconds).toISOString(), ...more });
}

/** Three probes and a hit of card c1. */
export const PAYMENTS = [payment(0, 'c1', 1), payment(10, 'c1', 1.5), payment(20, 'c1', 0.5), payment(40, 'c1', 900)];
