import { readdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Io } from '../../../src/cli/io.ts';
import { runCommand } from '../../../src/cli/program.ts';

const folder = (name: string): string => fileURLToPath(new URL(`../../../rules/${name}`, import.meta.url));

/** Runs a command that answers in JSON, as a person would. */
async function ask(...args: string[]): Promise<{ code: number; answer: unknown; errors: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const written: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
  stdout.on('data', (chunk: Buffer) => { written.stdout += chunk.toString(); });
  stderr.on('data', (chunk: Buffer) => { written.stderr += chunk.toString(); });
  let failed = 0;
  const io: Io = {
    stdin: new PassThrough(), stdout, stderr, env: {}, interrupted: new AbortController().signal, fail: (code) => { failed = Math.max(failed, code); },
  };
  const code = Math.max(await runCommand(io, args), failed);
  await new Promise((resolve) => { setImmediate(resolve); });
  return { code, answer: JSON.parse(written.stdout), errors: written.stderr };
}

describe.each(['fraud', 'iot', 'ads'])('rules/%s', (name) => {
  test('checks without an error or a warning', async () => {
    const { code, answer } = await ask('check', '--strict', '--json', folder(name));
    expect(answer).toMatchObject({ ok: true, errors: 0, warnings: 0, diagnostics: [] });
    expect(code).toBe(0);
  });

  test('is laid out as fmt would', async () => {
    const { code, answer } = await ask('fmt', '--check', '--json', folder(name));
    expect({ code, answer }).toMatchObject({ code: 0 });
  });

  test('passes its own tests, of which every rule has two to four', async () => {
    const { code, answer } = await ask('test', '--json', folder(name));
    const { tests } = answer as { tests: { ok: boolean; rules: string[]; failures: unknown[]; problems: unknown[] }[] };
    expect(tests.filter((each) => !each.ok)).toEqual([]);
    expect(code).toBe(0);
    const files = readdirSync(folder(name)).filter((file) => file !== 'events.cep');
    const perRule = Object.values(Object.groupBy(tests, (each) => each.rules.join()));
    expect(perRule.length).toBe(files.length);
    for (const own of perRule) {
      expect(own!.length).toBeGreaterThanOrEqual(2);
      expect(own!.length).toBeLessThanOrEqual(4);
    }
  });
});

test('the clauses that hold a rule back do what their tests say', async () => {
  const { code, answer, errors } = await ask('test', '--json', fileURLToPath(new URL('../../fixtures/language/clauses.cep', import.meta.url)));
  expect({ code, errors }).toMatchObject({ code: 0 });
  expect((answer as { tests: unknown[] }).tests).toHaveLength(11);
});
