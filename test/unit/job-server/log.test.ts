import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { makeLog, prettyLine, type LogOptions } from '../../../src/job/log.ts';

function logTo(options: Partial<LogOptions> = {}): { readonly log: ReturnType<typeof makeLog>; readonly lines: () => string[] } {
  let text = '';
  const to = new Writable({ write(chunk: Buffer, _, done) { text += chunk.toString(); done(); } });
  return { log: makeLog({ level: 'info', format: 'json', to, ...options }), lines: () => text.split('\n').slice(0, -1) };
}

describe('json', () => {
  test('an object a line: time, level, fields, message', () => {
    const { log, lines } = logTo();
    log.child({ job: 'fraud' }).warn({ task: 3 }, 'the watermark waits');
    const [line] = lines().map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(line).toEqual({ level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), job: 'fraud', task: 3, msg: 'the watermark waits' });
  });

  test('lines below the level are not written', () => {
    const { log, lines } = logTo({ level: 'warn' });
    log.debug({}, 'one');
    log.info({}, 'two');
    log.error({}, 'three');
    expect(lines().map((text) => (JSON.parse(text) as { msg: string }).msg)).toEqual(['three']);
  });

  test('an error is its message, its kind and its stack', () => {
    const { log, lines } = logTo();
    log.error({ error: new TypeError('no such thing') }, 'failed');
    const { error } = JSON.parse(lines()[0]!) as { error: { type: string; message: string; stack: string } };
    expect([error.type, error.message]).toEqual(['TypeError', 'no such thing']);
    expect(error.stack).toContain('log.test.ts');
  });

  test('secrets that a client\'s options bring in are masked', () => {
    const { log, lines } = logTo();
    log.child({ sasl: { username: 'u', password: 'hunter2' } }).info({ token: 'hunter2', options: { password: 'hunter2', host: 'kafka-1' } }, 'connecting');
    expect(lines()[0]).not.toContain('hunter2');
    expect(lines()[0]).toContain('kafka-1');
  });
});

describe('pretty', () => {
  test('time, level, message, fields', () => {
    const { log, lines } = logTo({ format: 'pretty' });
    log.child({ job: 'fraud' }).info({ lag: 40, why: 'two words', deep: { a: 1 } }, 'the job runs');
    expect(lines()).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}the job runs {2}job=fraud lag=40 why="two words" deep=\{"a":1\}$/)]);
  });

  test('an error\'s stack follows it', () => {
    const { log, lines } = logTo({ format: 'pretty' });
    log.error({ error: new Error('no such thing') }, 'failed');
    expect(lines()[0]).toMatch(/ERROR failed {2}error="no such thing"$/);
    expect(lines().slice(1).every((line) => line.startsWith('    '))).toBe(true);
    expect(lines().length).toBeGreaterThan(2);
  });

  test('what comes from outside cannot drive the terminal', () => {
    const line = prettyLine(JSON.stringify({ level: 'info', time: '2026-04-01T12:00:00.000Z', msg: 'a\u001b[2Jb', topic: 'x\ny', 'k\u0007': 1 }), false);
    // oxlint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u0000-\u001f]/);
    expect(line).toContain('a\\u001b[2Jb');
  });

  test('colours only where they are wanted', () => {
    const json = JSON.stringify({ level: 'warn', time: '2026-04-01T12:00:00.000Z', msg: 'm', a: 1 });
    expect(prettyLine(json, false)).toBe('12:00:00.000 WARN  m  a=1');
    expect(prettyLine(json, true)).toContain('\u001b[33mWARN \u001b[0m');
  });
});
