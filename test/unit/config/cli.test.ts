import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { registerCheck, type ProbeJob } from '../../../src/cli/commands/check.ts';
import { registerConfig } from '../../../src/cli/commands/config.ts';
import { CliError } from '../../../src/cli/errors.ts';

class Sink extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function call(args: readonly string[], env: Record<string, string> = {}, probe?: ProbeJob): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [new Sink(), new Sink()];
  let code = 0;
  const io = { stdin: new PassThrough().end(), stdout: out, stderr: err, env, interrupted: new AbortController().signal, fail: (failed: number) => { code = Math.max(code, failed); } };
  const program = new Command('alcedo').exitOverride().configureOutput({ writeErr: (text) => { err.write(text); } });
  registerCheck(program, io, probe);
  registerConfig(program, io);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    err.text += error.message;
    code = Math.max(code, error.exitCode);
  }
  return { code, out: out.text, err: err.text };
}

let folder: string;
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alcedo-config-'));
  file('rules.cep', 'event E { ts: time, k: string } time ts\nrule R { by k match e within 1m e: E alert out { k } }\n');
  file('bad.cep', 'event E { ts: time, k: string } time ts\nrule R { by k match e within 1m e: E where kk == "a" alert out { k } }\n');
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const JOB = 'name: a\nrules: rules.cep\nsources: { s: { file: x } }\nchannels: { out: { console: {} } }\n';

describe('check', () => {
  test('a job that fits ends with 0', async () => {
    const { code, out } = await call(['check', file('good.yaml', JOB)]);
    expect([code, out]).toEqual([0, '1 file, 1 rule, 0 tests: no errors\n']);
  });

  test('findings of the job file and of its rules come together, and it ends with 2', async () => {
    const job = file('both.yaml', JOB.replace('rules.cep', 'bad.cep').replace('file: x', 'fil: x'));
    const { code, out } = await call(['check', job]);
    expect(code).toBe(2);
    expect(out).toMatch(/both\.yaml:3:17 error\[unknown-option\][\s\S]*bad\.cep:2:44 error\[/);
    const { out: json } = await call(['check', '--json', job]);
    const data = JSON.parse(json) as { ok: boolean; diagnostics: { option?: string }[] };
    expect(data.ok).toBe(false);
    expect(data.diagnostics.map(({ option }) => option)).toEqual(['sources.s', 'sources.s.fil', undefined]);
  });

  test('what does not fit between the two is found, with lines of both', async () => {
    const { code, out } = await call(['check', file('channel.yaml', JOB.replace('out:', 'alerts:'))]);
    expect(code).toBe(2);
    expect(out).toMatch(/channel\.yaml:4:1 error\[no-sink\][\s\S]*rules\.cep:2:38 The alert is here\.\n +2 \| rule R/);
  });

  test('--strict makes warnings errors', async () => {
    const job = file('warning.yaml', JOB.replace('out: { console: {} }', 'out: { console: {} }, other: { console: {} }'));
    expect((await call(['check', job])).code).toBe(0);
    expect((await call(['check', '--strict', job])).code).toBe(2);
  });

  test('--connect tries a sound job, and ends with 1 where a connection fails', async () => {
    const good = file('good.yaml', JOB);
    const asked: string[] = [];
    const probe: ProbeJob = async (job, program) => {
      asked.push(`${job.name} ${program.rules.length}`);
      return [{ part: 'source s', ok: false, found: ['there is no file'] }];
    };
    const { code, out } = await call(['check', '--connect', good], {}, probe);
    expect([code, asked]).toEqual([1, ['a 1']]);
    expect(out).toContain('failed source s\n       there is no file\n');
    const { out: json } = await call(['check', '--connect', '--json', good], {}, probe);
    expect(JSON.parse(json)).toMatchObject({ ok: false, connections: [{ part: 'source s', ok: false }] });
    expect((await call(['check', '--connect', file('broken.yaml', 'name: a b')], {}, probe)).code).toBe(2);
    expect(asked).toHaveLength(2);
  });

  test('a job file stands alone', async () => {
    const { code, err } = await call(['check', file('good.yaml', JOB), folder]);
    expect(code).toBe(2);
    expect(err).toContain('A job file is checked by itself');
  });
});

describe('config', () => {
  test('shows what is in force, secrets masked', async () => {
    const job = file('secret.yaml', `${JOB}http: { port: "\${PORT}", token: "\${TOKEN}" }\n`);
    const { code, out } = await call(['config', job], { PORT: '99', TOKEN: 'hunter2' });
    expect(code).toBe(0);
    expect(out).toContain('http:\n  enabled: true\n  port: 99\n  host: 127.0.0.1\n  token: "***"\n');
    const { out: json } = await call(['config', '--json', job], { PORT: '99', TOKEN: 'hunter2' });
    expect(JSON.parse(json)).toMatchObject({ http: { port: 99, token: '***' } });
  });

  test('of a file with errors shows them and ends with 2', async () => {
    const { code, out, err } = await call(['config', file('secret.yaml', `${JOB}http: { token: "\${TOKEN}" }\n`)]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/error\[no-variable\] "http\.token": the environment variable "TOKEN" is not set\.[\s\S]*1 error in the job file\./);
  });
});
