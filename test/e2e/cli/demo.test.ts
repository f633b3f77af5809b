import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Workplace } from './alcedo.ts';
import { compiledFolder } from '../../support/brokers/cache.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const place = new Workplace();
const temporary = join(place.folder, 'tmp');
mkdirSync(temporary);
afterAll(() => { place.remove(); });

interface Demo { readonly child: ChildProcess; readonly out: () => string; readonly ended: Promise<{ code: number | null; err: string }> }

/** In a process group of its own, so that whatever it leaves can be found. */
function demo(...args: readonly string[]): Demo {
  const child = spawn(process.execPath, [MAIN, 'demo', ...args], {
    cwd: place.folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '', TMPDIR: temporary, NODE_COMPILE_CACHE: compiledFolder() },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  return { child, out: () => out, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, err })) };
}

async function portOf({ out }: Demo): Promise<number> {
  for (;;) {
    const port = /MQTT on 127\.0\.0\.1:(\d+)\./.exec(out())?.[1];
    if (port !== undefined) return Number(port);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => { resolve(false); });
  });
}

function expectNothingLeft({ child }: Demo): void {
  expect(() => process.kill(-child.pid!, 0)).toThrow(/ESRCH/);
  expect(readdirSync(temporary)).toEqual([]);
}

describe('alcedo demo', () => {
  test('tells the alerts of the topics and a summary in plain lines, ends by itself and leaves nothing', async () => {
    const run = demo('--for', '6s', '--speed', '600x');
    const port = await portOf(run);
    expect(await canConnect(port)).toBe(true);
    expect(await run.ended).toEqual({ code: 0, err: '' });
    const out = run.out();
    const told = out.match(/^(LOW|MEDIUM|HIGH|CRITICAL) +[A-Z]\w+ /gm) ?? [];
    const [, fraud, iot] = /alerts committed: ([\d,]+) to fraud-alerts, ([\d,]+) to iot-alerts\./.exec(out)!;
    expect(told.length).toBeGreaterThan(0);
    expect(Number(fraud) + Number(iot)).toBe(told.length);
    expect(out).toContain('    sensors:\n      mqtt:\n');
    expect(out).not.toContain('\u001b');
    expect(out).not.toContain('\r');
    expect(await canConnect(port)).toBe(false);
    expectNothingLeft(run);
  });

  test('Ctrl-C ends it with the summary; a second one at once', async () => {
    const run = demo('--forever');
    await portOf(run);
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    run.child.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 0, err: '' });
    expect(run.out()).toMatch(/^\d[\d,]* events over MQTT/m);
    expectNothingLeft(run);

    const hasty = demo('--forever');
    await portOf(hasty);
    hasty.child.kill('SIGINT');
    hasty.child.kill('SIGTERM');
    expect((await hasty.ended).code).toBe(130);
    expectNothingLeft(hasty);
  });

  test('says why it cannot start, and ends with 1', () => {
    const { code, out, err } = place.alcedo(['demo'], { env: { TMPDIR: join(place.folder, 'missing') } });
    expect(code).toBe(1);
    expect(err).toMatch(/^error: There is no folder for the demo's files: .*missing/);
    expect(out).not.toContain('MQTT on');
  });
});
