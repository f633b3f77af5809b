/** A job as an operator runs it: a process of its own, started from a job file, killed, and watched through its topics. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openKafka, type Kafka } from '../../src/connect/kafka/index.ts';
import { compiledFolder } from './brokers/cache.ts';
import { keepingLog } from './quiet-log.ts';

/** ms after which what is waited for will not come any more: so many that a machine busy with other things is no reason to fail. */
export const PATIENCE = 120_000;

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export class JobFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'alcedo-job-'));
  readonly runs: JobRun[] = [];

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Starts the job; `prefix`: words before the command, such as `faketime`. */
  start(jobFile: string, env: Readonly<Record<string, string>> = {}): JobRun {
    const run = new JobRun(['start', join(this.folder, jobFile)], { ...process.env as Record<string, string>, ...env });
    this.runs.push(run);
    return run;
  }

  async remove(): Promise<void> {
    for (const run of this.runs) await run.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class JobRun {
  log = '';
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'], env: { NODE_COMPILE_CACHE: compiledFolder(), ...env } });
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => { this.log += text; });
    this.exited = new Promise((resolve) => { this.process.on('exit', (code) => { resolve(code); }); });
  }

  get isRunning(): boolean { return this.process.exitCode === null && this.process.signalCode === null; }

  /** Resolves when the log holds `text`. @throws when the process ends before, or after PATIENCE */
  async says(text: string): Promise<void> {
    const end = Date.now() + PATIENCE;
    while (!this.log.includes(text)) {
      if (!this.isRunning) throw new Error(`the job ended before it said "${text}":\n${this.log.slice(-3000)}`);
      if (Date.now() > end) throw new Error(`the job did not say "${text}" within ${PATIENCE} ms:\n${this.log.slice(-3000)}`);
      await sleep(20);
    }
  }

  /** A SIGTERM is sent to a job that has begun to run, or has had half a minute for it: what is still starting has no handler yet, and would die of it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    for (const late = Date.now() + 30_000; signal === 'SIGTERM' && this.isRunning && !this.log.includes('the job runs') && Date.now() < late;) await sleep(20);
    if (this.isRunning) this.process.kill(signal);
    return this.exited;
  }
}

export const RULES = fileURLToPath(new URL('../fixtures/job/rules.cep', import.meta.url));

/** Payments that RULES raises alerts on, seeded: `count` of `cards` cards, `step` ms apart. */
export function payments(count: number, cards: number, seed = 1, step = 50): { readonly card: string; readonly text: string }[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  return Array.from({ length: count }, (_, i) => {
    const card = `card-${Math.floor(random() * cards)}`;
    const amount = random() < 0.4 ? Math.round(random() * 200) / 100 : Math.round(random() * 100_000) / 100;
    return { card, text: JSON.stringify({ tx: `t${i}`, ts: 1_767_225_600_000 + i * step, card, amount }) };
  });
}

/** The ids of all alerts that the rules raise on these payments, by a run over a file of them. */
export async function expectedIds(folder: JobFolder, events: readonly { readonly text: string }[]): Promise<Set<string>> {
  const input = folder.file('expected.jsonl', events.map(({ text }) => `${text}\n`).join(''));
  const alerts = join(folder.folder, 'expected-alerts.jsonl');
  const run = new JobRun(['run', RULES, '--events', `Payment=${input}`, '--alerts', alerts], process.env as Record<string, string>);
  if (await run.exited !== 0) throw new Error(run.log);
  return new Set(readFileSync(alerts, 'utf8').split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { id: string }).id));
}

/** A client of our own for what a test writes and reads. */
export function client(brokers: string): Promise<Kafka> {
  return openKafka('kafkajs', { brokers: [brokers], clientId: 'test', log: keepingLog() });
}

export async function produce(kafka: Kafka, topic: string, events: readonly { readonly card: string; readonly text: string }[]): Promise<void> {
  const producer = await kafka.producer({});
  try {
    for (let i = 0; i < events.length; i += 500) {
      await producer.send(events.slice(i, i + 500).map(({ card, text }) => ({ topic, key: card, value: Buffer.from(text) })));
    }
  } finally {
    await producer.close();
  }
}

export interface SeenAlert { readonly id: string; readonly key: string; readonly to: string; readonly partition: number; readonly offset: number }

/** Every alert of a topic that a `read_committed` reader sees now. */
export async function alertsOf(kafka: Kafka, topic: string): Promise<SeenAlert[]> {
  const seen: SeenAlert[] = [];
  const ends = await kafka.endOffsets(topic, 'read_committed');
  for (const [partition, end] of ends.entries()) {
    if (end === 0) continue;
    await kafka.read(topic, partition, 0, end, 'read_committed', (batch) => {
      for (let i = 0; i < batch.count; i++) {
        const alert = JSON.parse(Buffer.from(batch.values[i]!).toString()) as { id: string; key: object; to: string };
        seen.push({ id: alert.id, key: JSON.stringify(alert.key), to: alert.to, partition, offset: batch.offsets[i]! });
      }
    });
  }
  return seen;
}

/** Waits until the topic holds every expected id, then looks a moment longer for what should not be there. */
export async function settled(kafka: Kafka, topic: string, expected: ReadonlySet<string>, run?: JobRun): Promise<SeenAlert[]> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const seen = await alertsOf(kafka, topic);
    if (new Set(seen.map(({ id }) => id)).size >= expected.size) {
      await sleep(1500);
      return alertsOf(kafka, topic);
    }
    if (Date.now() > end) throw new Error(`${seen.length} alerts of ${expected.size} after ${PATIENCE} ms\n${run?.log.slice(-4000) ?? ''}`);
    await sleep(250);
  }
}

/** What is wrong with the alerts seen: missing, unexpected, repeated, or out of order within a key. Empty: exactly once. */
export function faultsOf(seen: readonly SeenAlert[], expected: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  const counts = new Map<string, number>();
  const last = new Map<string, string>();
  for (const { id, key, to } of seen) {
    counts.set(id, (counts.get(id) ?? 0) + 1);
    const before = last.get(key);
    if (before !== undefined && to < before) faults.push(`an alert of ${key} at ${to} comes after one at ${before}`);
    last.set(key, to);
  }
  for (const [id, count] of counts) {
    if (count > 1) faults.push(`${id} is there ${count} times`);
    if (!expected.has(id)) faults.push(`${id} should not be there`);
  }
  for (const id of expected) if (!counts.has(id)) faults.push(`${id} is missing`);
  return faults;
}
