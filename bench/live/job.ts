/** A job as an operator runs it, in a process of its own, and what it tells of itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { JobStatus } from '../../src/job/index.ts';
import { endsWithUs } from './child.ts';
import { freePort } from '../../test/support/brokers/index.ts';
import { rulePath } from '../workloads.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export type Adapter = 'kafkajs' | 'platformatic';

export interface JobSpec {
  readonly adapter: Adapter;
  readonly brokers: string;
  readonly redis: string;
  readonly input: string;
  readonly output: string;
  readonly delivery: 'transactional' | 'idempotent';
  readonly checkpoint: string;
  readonly flush?: string | undefined;
  /** Folder for a CPU profile. */
  readonly profile?: string | undefined;
}

let started = 0;

export class BenchJob {
  readonly name: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #process: ChildProcess;
  #log = '';

  private constructor(name: string, folder: string, port: number, child: ChildProcess) {
    this.name = name;
    this.#folder = folder;
    this.#port = port;
    this.#process = child;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => { this.#log += text; });
  }

  static async start({ adapter, brokers, redis, input, output, delivery, checkpoint, flush, profile }: JobSpec): Promise<BenchJob> {
    const name = `bench-${process.pid}-${++started}`;
    const folder = mkdtempSync(join(tmpdir(), 'alcedo-bench-'));
    const port = await freePort();
    const file = join(folder, 'job.yaml');
    writeFileSync(file, `
name: ${name}
rules: ${rulePath('w1.cep')}
kafka: { brokers: "${brokers}", adapter: ${adapter} }
redis: { url: "${redis}" }
sources:
  payments: { type: Payment, kafka: { topics: ${input} } }
channels:
  default: { kafka: { topic: ${output}, delivery: ${delivery} } }
state: { redis: {}, checkpoint: ${checkpoint} }
http: { port: ${port} }
${flush === undefined ? '' : `flush: ${flush}`}
`);
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${adapter}-${name}.cpuprofile`];
    const child = endsWithUs(spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...profiling, MAIN, 'start', file], { stdio: ['ignore', 'ignore', 'pipe'] }));
    return new BenchJob(name, folder, port, child);
  }

  /** The clock, ms, when the job said so. @throws when it ends before, or does not say it within a minute */
  async says(message: string): Promise<number> {
    for (const end = Date.now() + 60_000; Date.now() < end;) {
      const line = this.#log.split('\n').find((one) => one.includes(`"msg":"${message}"`));
      if (line !== undefined) return Date.parse((JSON.parse(line) as { time: string }).time);
      this.#check();
      await sleep(5);
    }
    throw new Error(`the job did not say "${message}":\n${this.#log.slice(-3000)}`);
  }

  async status(): Promise<JobStatus> {
    this.#check();
    return await (await fetch(`http://127.0.0.1:${this.#port}/status`)).json() as JobStatus;
  }

  /** CPU time of the process until now, ms, of all its threads. */
  async cpu(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
    return 1000 * Number(/^process_cpu_seconds_total ([\d.e+-]+)/m.exec(text)![1]);
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => { this.#process.once('exit', resolve); });
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM');
      const tooLong = setTimeout(() => this.#process.kill('SIGKILL'), 40_000);
      await ended;
      clearTimeout(tooLong);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #check(): void {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) throw new Error(`the job ended:\n${this.#log.slice(-3000)}`);
  }
}
