import { expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Job } from '../../../src/job/index.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { jobOf, programOf } from '../config/support.ts';

const RULES = `event Payment { card: string, amount: float, at: time } time at
rule Big { by card match a a: Payment where amount > 100 alert fraud { card } }`;

test('late events of two sources that are read in turn say which they are of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'alcedo-late-'));
  const lines = (card: string): string[] => Array.from({ length: 30_000 }, (_, i) => JSON.stringify({ card, amount: 1, at: i % 100 === 99 && i > 5000 ? 7 : 1000 + i }));
  for (const name of ['one', 'two']) writeFileSync(join(folder, `${name}.jsonl`), `${lines(name).join('\n')}\n`);
  const config = jobOf(`
data: ${JSON.stringify(folder)}
sources:
  one: { type: Payment, idle: never, file: ${JSON.stringify(join(folder, 'one.jsonl'))} }
  two: { type: Payment, idle: never, file: ${JSON.stringify(join(folder, 'two.jsonl'))} }
channels: { fraud: { file: ${JSON.stringify(join(folder, 'alerts.jsonl'))} } }
late: { file: ${JSON.stringify(join(folder, 'late.jsonl'))} }
state: { memory: {} }
http: false`);
  const job = new Job({ config, program: programOf(RULES), log: keepingLog() });
  await job.run();
  const late = readFileSync(join(folder, 'late.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { alcedo: string; source: string; stream: string; offset: number; event: { card: string; at: number } });
  expect(late.length).toBeGreaterThan(100);
  expect(job.status().late).toBe(late.length);
  for (const { alcedo, source, stream, offset, event } of late) {
    expect([alcedo, source, stream, event.at]).toEqual(['late', event.card, `${event.card}/0`, 7]);
    // The offset of a file's line is its first byte.
    const text = readFileSync(join(folder, `${source}.jsonl`)).subarray(offset);
    expect(text.subarray(0, text.indexOf(10)).toString()).toBe(JSON.stringify(event));
  }
  rmSync(folder, { recursive: true });
}, 30_000);
