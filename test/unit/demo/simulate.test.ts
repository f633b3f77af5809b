import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Io } from '../../../src/cli/io.ts';
import { runCommand } from '../../../src/cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'alcedo-simulate-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

async function simulate(args: readonly string[], stdout: Writable = new PassThrough()): Promise<{ code: number; out: string; errors: string }> {
  let out = '';
  let errors = '';
  if (stdout instanceof PassThrough) stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  const stderr = new PassThrough();
  stderr.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  const io: Io = { stdin: new PassThrough(), stdout, stderr, env: {}, interrupted: new AbortController().signal, fail: () => {} };
  const code = await runCommand(io, ['simulate', ...args]);
  await new Promise((resolve) => { setImmediate(resolve); });
  return { code, out, errors };
}

describe('alcedo simulate', () => {
  test('writes the same lines to standard output and to a file, and labels to a file of their own', async () => {
    const args = ['payments', '--seed', '3', '--rate', '20/s', '--for', '10m', '--incidents', '200'];
    const { code, out } = await simulate(args);
    const events = join(folder, 'events.jsonl');
    const labels = join(folder, 'labels.jsonl');
    expect(await simulate([...args, '--out', events, '--labels', labels])).toEqual({ code: 0, out: '', errors: '' });
    expect(code).toBe(0);
    expect(readFileSync(events, 'utf8')).toBe(out);
    const ids = new Set(out.trim().split('\n').map((line) => { const event = JSON.parse(line) as Record<string, string>; return event['tx_id'] ?? event['event_id']; }));
    const found = readFileSync(labels, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { kind: string; key: string; from: string; to: string; events: string[] });
    expect(found.length).toBeGreaterThan(10);
    expect(found.flatMap((label) => label.events).filter((id) => !ids.has(id))).toEqual([]);
    expect(found.filter((label) => !(label.from <= label.to))).toEqual([]);
  });

  test('--disorder changes the order of the lines and nothing else', async () => {
    const args = ['sensors', '--rate', '20/s', '--for', '2m'];
    const plain = await simulate(args);
    const shuffled = await simulate([...args, '--disorder', '5s']);
    expect(shuffled.out).not.toBe(plain.out);
    expect(shuffled.out.split('\n').sort()).toEqual(plain.out.split('\n').sort());
  });

  test('--from sets the beginning', async () => {
    const { out } = await simulate(['sensors', '--rate', '1/s', '--for', '10s', '--from', '2020-02-29T12:00:00Z']);
    expect(out).toMatch(/^\{"type":"\w+","event_id":"e1","ts":"2020-02-29T12:00:0/);
  });

  test('a file that cannot be written ends it with 1 and says why', async () => {
    const { code, errors } = await simulate(['sensors', '--for', '1m', '--out', join(folder, 'missing', 'x.jsonl')]);
    expect(code).toBe(1);
    expect(errors).toMatch(/Cannot write ".*x\.jsonl": there is no such file or folder/);
  });

  test('a reader that goes away ends it without an error', async () => {
    let taken = 0;
    const reader = new Writable({
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length;
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      },
    });
    const { code, errors } = await simulate(['sensors', '--rate', '1000/s', '--for', '1h'], reader);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(taken).toBeLessThan(1 << 20);
  });

  test.each([
    [['weather']], [['payments', '--rate', '0/s']], [['payments', '--for', 'soon']], [['payments', '--speed', '-1x']], [['payments', '--from', 'noon']],
    [['payments', '--keys', '0']], [['payments', '--incidents', 'many']],
  ])('wrong usage ends with 2: %j', async (args) => {
    const { code, out, errors } = await simulate(args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(errors).not.toBe('');
  });
});
