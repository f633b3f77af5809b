/**
 * The bench: `node bench/run.ts [--rounds 5] [--scale 1] [W1 …]`. Every workload runs in a process of its own, one thread, from JSON bytes in memory to
 * counted alerts, beside `JSON.parse` of the same bytes in that process. Prints a table and writes bench/results.json. Exit code 1 if a
 * requirement is missed.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure } from './measure.ts';
import type { Result } from './measure.ts';
import { planOf } from './plan.ts';
import { WORKLOADS } from './workloads.ts';

/** How much slower than the second tenth the last may measure and still be called as fast. */
const FLATNESS = 0.9;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, scale: { type: 'string', default: '1' }, child: { type: 'boolean', default: false } },
});

function child(): void {
  const workload = WORKLOADS.find(({ name }) => name === positionals[0])!;
  process.stdout.write(JSON.stringify(measure(workload, planOf(workload.file), Number(values.rounds), Number(values.scale))));
}

function parent(): void {
  const names = positionals.length > 0 ? positionals.map((name) => name.toUpperCase()) : WORKLOADS.map(({ name }) => name);
  const unknown = names.find((name) => !WORKLOADS.some((workload) => workload.name === name));
  if (unknown !== undefined) {
    console.error(`There is no workload "${unknown}"; there are ${WORKLOADS.map(({ name }) => name).join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  const results: Result[] = [];
  row(['', 'workload', 'events', 'alerts', 'events/s', 'JSON.parse/s', '×', 'required', 'verdict', 'remarks']);
  for (const name of names) {
    const run = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--child', '--rounds', values.rounds, '--scale', values.scale, name],
      { encoding: 'utf8', maxBuffer: 1 << 24 });
    if (run.status !== 0) {
      console.error(`${name} failed:\n${run.stderr}`);
      process.exitCode = 1;
      continue;
    }
    const result = JSON.parse(run.stdout) as Result;
    results.push(result);
    const met = isMet(result);
    if (!met) process.exitCode = 1;
    row([result.name, result.what, whole(result.events), whole(result.alerts), whole(result.rate), whole(result.parseRate), result.times.toFixed(2),
      String(result.required), met ? 'ok' : 'MISSED', remarks(result)]);
  }
  const file = new URL('results.json', import.meta.url);
  writeFileSync(file, `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds: Number(values.rounds), scale: Number(values.scale), results }, null, 2)}\n`);
}

function isMet(result: Result): boolean {
  return result.times >= result.required && (result.lastToSecond === undefined || result.lastToSecond >= FLATNESS);
}

function remarks({ lastToSecond, bytesPerRun }: Result): string {
  const parts: string[] = [];
  if (lastToSecond !== undefined) parts.push(`last tenth at ${lastToSecond.toFixed(2)} of the second's speed`);
  if (bytesPerRun !== undefined) parts.push(`${bytesPerRun.toFixed(0)} bytes an open run, its event included`);
  return parts.join('; ');
}

const WIDTHS = [3, 30, 10, 8, 11, 13, 6, 9, 8, 0];

function row(cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i < 2 || i > 7 ? cell.padEnd(WIDTHS[i]!) : cell.padStart(WIDTHS[i]!))).join(' ').trimEnd());
}

function whole(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

if (values.child) child();
else parent();
