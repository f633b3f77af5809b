import { appendFile, chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConsoleSink } from '../../../src/connect/console/index.ts';
import { FileSink } from '../../../src/connect/file-sink/index.ts';
import { namePattern } from '../../../src/connect/pattern.ts';
import { memoryLog, pause } from '../../support/recording-host.ts';
import { alert, sinkContract, text } from '../../support/sink-contract.ts';

const splitLines = (bytes: string): string[] => (bytes === '' ? [] : bytes.replace(/\n$/, '').split('\n'));

sinkContract('console', async () => {
  let written = '';
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      written += chunk.toString();
      done();
    },
  });
  return { sink: () => new ConsoleSink({ name: 'console', stream }), arrived: async () => splitLines(written), stop: async () => undefined };
});

sinkContract('file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'alcedo-file-'));
  const path = join(directory, 'alerts.jsonl');
  return {
    sink: () => new FileSink({ name: 'file', path }),
    arrived: async () => splitLines(await readFile(path, 'utf8').catch(() => '')),
    broken: { sink: new FileSink({ name: 'file', path: '/dev/null/alerts.jsonl' }), names: [/\/dev\/null\/alerts\.jsonl/, /channels\.file\.path/] },
    stop: () => rm(directory, { recursive: true, force: true }),
  };
});

describe('console sink', () => {
  test('a reader that is slow holds up send; one that is gone is an error', async () => {
    const waiting: (() => void)[] = [];
    const stream = new Writable({ highWaterMark: 10, write: (_, __, done) => { waiting.push(done); } });
    const sink = new ConsoleSink({ name: 'console', stream });
    await sink.start(memoryLog());
    let sent = false;
    const sending = sink.send([alert(1, 'k')]).then(() => { sent = true; });
    await pause(30);
    expect(sent).toBe(false);
    waiting.shift()!();
    await sending;
    stream.destroy(new Error('EPIPE: broken pipe'));
    await pause(10);
    await expect(sink.send([alert(2, 'k')])).rejects.toThrow(/cannot be written to the console/);
  });
});

describe('file sink', () => {
  let directory: string;
  let path: string;
  let sink: FileSink;
  const log = memoryLog();

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'alcedo-file-'));
    path = join(directory, 'alerts.jsonl');
    sink = new FileSink({ name: 'file', path });
    await sink.start(log);
  });

  afterEach(async () => {
    await sink.stop();
    await rm(directory, { recursive: true, force: true });
  });

  test('what is in the file stays; half a line that a crash left is cut off, and said in the log', async () => {
    await writeFile(path, '{"old":1}\n{"half":');
    await sink.send([alert(1, 'k')]);
    expect(await readFile(path, 'utf8')).toBe(`{"old":1}\n${text(alert(1, 'k'))}\n`);
    expect(log.has(/part of a line/)).toBe(true);
  });

  test('a file renamed away is made anew at the next alert, also when asked to reopen', async () => {
    await sink.send([alert(1, 'k')]);
    await rename(path, `${path}.1`);
    await sink.send([alert(2, 'k')]);
    sink.reopen();
    await rename(path, `${path}.2`);
    await sink.send([alert(3, 'k')]);
    expect(await Promise.all([`${path}.1`, `${path}.2`, path].map((file) => readFile(file, 'utf8')))).toEqual([1, 2, 3].map((n) => `${text(alert(n, 'k'))}\n`));
  });

  test('sends that overlap keep their order and their lines', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => sink.send([alert(i, 'k')])));
    expect(splitLines(await readFile(path, 'utf8'))).toEqual(Array.from({ length: 50 }, (_, i) => text(alert(i, 'k'))));
  });

  test('a path that can never be written is an error at once', async () => {
    const hopeless = new FileSink({ name: 'file', path: directory });
    await hopeless.start(log);
    await expect(hopeless.send([alert(1, 'k')])).rejects.toThrow(/cannot be written to .*EISDIR.*channels\.file\.path/);
    await hopeless.stop();
  });

  test('an alert file that others add to is not harmed', async () => {
    await sink.send([alert(1, 'k')]);
    await appendFile(path, '{"other":1}\n');
    await chmod(path, 0o644);
    await sink.send([alert(2, 'k')]);
    expect(splitLines(await readFile(path, 'utf8')).length).toBe(3);
  });
});

describe('names made of alerts', () => {
  test('channel, key, id and headers are put in, encoded', () => {
    expect(namePattern('a/{channel}/{rule}/{key}/{id}/{none}', (value) => value.toUpperCase())(alert(1, 'k'))).toBe('a/FRAUD/CARDTESTING/K/ALERT-1/');
    for (const wrong of ['a{b', 'a}b', '{{a}}']) expect(() => namePattern(wrong, String)).toThrow(/do not pair/);
  });
});
