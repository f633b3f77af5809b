import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { JobConfig } from '../../job/config/index.ts';
import { openStore, type Manifest, type StateStore } from '../../state/stores/index.ts';
import { EXIT } from '../errors.ts';
import { formatBytes, formatCount, formatDuration, isoTime, plural, printable, table } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { readJobConfig } from '../live/job-config.ts';
import { placeOf, withStore, type OpenStore } from '../live/job-store.ts';

interface StateOptions { readonly json?: boolean }

/** `alcedo state check|list JOB.yaml`: what is in the state store of a job. Both only read. */
export function registerState(program: Command, io: Io, open: OpenStore = openStore): void {
  const state = program.command('state').description('look into the state store of a job: check it, list its checkpoints');
  state.command('check')
    .description('read everything in the state store of a job and say what is damaged')
    .argument('<job>', 'the job file')
    .option('--json', 'as JSON')
    .addHelpText('after', `
The job may be running meanwhile. Chunks that no checkpoint names are no damage: a crash left them, or they are being written; they go by themselves.
Ends with 0 when nothing is damaged, with 1 when something is or the store cannot be read, with 2 for wrong usage or errors in the job file.

Examples:
  alcedo state check card-fraud.yaml
  alcedo state check card-fraud.yaml --json | jq '.tasks[] | select(.damaged != [])'`)
    .action((path: string, options: StateOptions) => withJob(io, path, open, (job, store) => check(io, job, store, options.json === true)));
  state.command('list')
    .description('list the checkpoints in the state store of a job, newest first')
    .argument('<job>', 'the job file')
    .option('--json', 'as JSON')
    .addHelpText('after', `
Ends with 0; with 1 when the store cannot be read, with 2 for wrong usage or errors in the job file.

Examples:
  alcedo state list card-fraud.yaml
  alcedo state list card-fraud.yaml --json | jq '.tasks[].checkpoints[0]'`)
    .action((path: string, options: StateOptions) => withJob(io, path, open, (job, store) => list(io, job, store, options.json === true)));
}

interface CheckedTask {
  readonly task: string;
  readonly checkpoints: number;
  readonly newest: { readonly checkpoint: number; readonly written: string | null; readonly bytes: number; readonly chunks: number } | null;
  readonly damaged: readonly string[];
  /** Findings that are no damage. */
  readonly notes: readonly string[];
}

async function check(io: Io, job: JobConfig, store: StateStore, json: boolean): Promise<void> {
  const tasks: CheckedTask[] = [];
  for (const task of inOrder(await store.tasks())) tasks.push(await checkTask(store, task));
  const damaged = tasks.reduce((sum, task) => sum + task.damaged.length, 0);
  if (damaged > 0) io.fail(EXIT.failed);
  if (json) {
    await write(io.stdout, `${JSON.stringify({ ok: damaged === 0, job: job.name, store: store.kind, place: placeOf(job), tasks }, undefined, 2)}\n`);
    return;
  }
  const c = coloursFor(io, 'stdout');
  const now = Date.now();
  await write(io.stdout, `State of ${c.bold(job.name)} in ${placeOf(job)}\n`);
  if (tasks.length > 0) {
    await write(io.stdout, `${table(['task', 'newest checkpoint', 'age', 'size', 'chunks', 'checkpoints', 'unnamed chunks', 'damaged'], tasks.map(({ task, newest, checkpoints, notes, damaged: wrong }) => [
      printable(task), ...(newest === null ? ['none', '–', '–', '–'] : [String(newest.checkpoint), age(newest.written, now), formatBytes(newest.bytes), formatCount(newest.chunks)]),
      formatCount(checkpoints), formatCount(notes.length), formatCount(wrong.length),
    ]))}\n`);
  }
  for (const { task, damaged: wrong } of tasks) for (const finding of wrong) await write(io.stdout, `${c.red('damaged')} task ${printable(task)}: ${printable(finding)}\n`);
  const verdict = tasks.length === 0 ? 'there are no checkpoints yet' : damaged === 0 ? c.green('nothing is damaged')
    : c.red(`${plural(damaged, 'damage')}; a job that cannot read its newest checkpoint goes back to the one before. See docs/state.md`);
  await write(io.stdout, `${plural(tasks.length, 'task')}: ${verdict}\n`);
}

async function checkTask(store: StateStore, task: string): Promise<CheckedTask> {
  let findings = await store.verify(task);
  if (findings.some(isDamage)) {
    // A job that runs may drop a checkpoint between the reading of its manifest and that of its chunks: what is damaged is so twice.
    await delay(1000);
    const again = new Set(await store.verify(task));
    findings = findings.filter((finding) => again.has(finding));
  }
  const { manifests } = await store.manifests(task);
  const newest = manifests.find(({ savepoint }) => savepoint === undefined) ?? manifests[0];
  return {
    task, checkpoints: manifests.length, newest: newest === undefined ? null : {
      checkpoint: newest.checkpoint, written: isoTime(newest.written), bytes: await sizeOf(store, task, newest), chunks: newest.chunks.length,
    },
    damaged: findings.filter(isDamage), notes: findings.filter((finding) => !isDamage(finding)),
  };
}

/** As StateStore.verify words it: chunks left over are the one finding that is none. */
function isDamage(finding: string): boolean {
  return !finding.startsWith('unnamed chunk:');
}

/** Bytes of its chunks as they are stored, each counted once; of those that can be read. */
async function sizeOf(store: StateStore, task: string, { chunks }: Manifest): Promise<number> {
  let bytes = 0;
  for (const name of new Set(chunks)) bytes += (await store.chunk(task, name))?.length ?? 0;
  return bytes;
}

async function list(io: Io, job: JobConfig, store: StateStore, json: boolean): Promise<void> {
  const tasks: { task: string; manifests: readonly Manifest[]; damaged: readonly string[] }[] = [];
  for (const task of inOrder(await store.tasks())) tasks.push({ task, ...await store.manifests(task) });
  if (json) {
    const told = tasks.map(({ task, manifests, damaged }) => ({
      task, damaged, checkpoints: manifests.map(({ checkpoint, written, chunks, savepoint }) => ({ checkpoint, written: isoTime(written), chunks: chunks.length, savepoint: savepoint ?? null })),
    }));
    await write(io.stdout, `${JSON.stringify({ job: job.name, store: store.kind, place: placeOf(job), tasks: told }, undefined, 2)}\n`);
    return;
  }
  const c = coloursFor(io, 'stdout');
  const now = Date.now();
  await write(io.stdout, `State of ${c.bold(job.name)} in ${placeOf(job)}\n`);
  const rows = tasks.flatMap(({ task, manifests }) => manifests.map(({ checkpoint, written, chunks, savepoint }) =>
    [printable(task), String(checkpoint), isoTime(written) ?? '–', age(isoTime(written), now), formatCount(chunks.length), savepoint === undefined ? '' : printable(savepoint)]));
  await write(io.stdout, rows.length === 0 ? 'There are no checkpoints yet.\n' : `${table(['task', 'checkpoint', 'written', 'age', 'chunks', 'savepoint'], rows)}\n`);
  for (const { task, damaged } of tasks) for (const what of damaged) await write(io.stdout, `${c.red('damaged')} task ${printable(task)}: manifest of ${printable(what)}\n`);
}

async function withJob(io: Io, path: string, open: OpenStore, work: (job: JobConfig, store: StateStore) => Promise<void>): Promise<void> {
  const job = await readJobConfig(io, path);
  await withStore(io, path, job, open, (store) => work(job, store));
}

/** Tasks are numbered: 2 stands before 10. */
function inOrder(tasks: readonly string[]): string[] {
  return [...tasks].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

function age(written: string | null, now: number): string {
  return written === null ? '–' : formatDuration(Math.max(0, Math.round((now - Date.parse(written)) / 1000) * 1000));
}
