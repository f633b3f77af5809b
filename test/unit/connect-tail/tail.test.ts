import { appendFile, copyFile, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LineCutter } from '../../../src/connect/tail/lines.ts';
import { FileSource } from '../../../src/connect/tail/index.ts';
import type { FileSourceOptions } from '../../../src/connect/tail/index.ts';
import { pause, RecordingHost, until } from '../../support/recording-host.ts';
import { numbered, sourceContract } from '../../support/source-contract.ts';

sourceContract('followed file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'alcedo-tail-'));
  const path = join(directory, 'events.jsonl');
  const options: FileSourceOptions = { name: 'events', path, follow: true, positions: join(directory, 'positions.json'), poll: 10 };
  await writeFile(path, '');
  return {
    source: () => new FileSource(options),
    publish: (values) => appendFile(path, values.map((value) => `${value}\n`).join('')),
    broken: { source: new FileSource({ ...options, path: directory }), names: [/is a folder/, /sources\.events\.path/] },
    stop: () => rm(directory, { recursive: true, force: true }),
  };
}, { memory: 24 << 20, flood: 60 << 20 });

describe('file source', () => {
  let directory: string;
  let path: string;
  const sources: FileSource[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'alcedo-tail-'));
    path = join(directory, 'events.log');
  });

  afterEach(async () => {
    for (const source of sources.splice(0)) await source.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(options: Partial<FileSourceOptions> = {}, offset?: number): Promise<{ host: RecordingHost; source: FileSource }> {
    const host = new RecordingHost(offset === undefined ? undefined : new Map([['events/0', offset]]));
    const source = new FileSource({ name: 'events', path, follow: true, positions: join(directory, 'state', 'positions.json'), poll: 10, ...options });
    sources.push(source);
    await source.start(host);
    return { host, source };
  }

  const lines = (values: readonly string[]): string => values.map((value) => `${value}\n`).join('');

  describe('read whole', () => {
    const values = numbered(0, 5_000);

    test.each([
      ['plain', (text: string) => Buffer.from(text)],
      ['gzip', (text: string) => gzipSync(text)],
      ['zstd', (text: string) => zstdCompressSync(text)],
    ])('%s: every line, then it is over; from a committed offset the rest', async (_, pack) => {
      await writeFile(path, pack(`${lines(values.slice(0, 4_999))}\r\n \n${values[4_999]}`));
      const { host } = await start({ follow: false });
      await until('the end', () => host.over.length === 1);
      expect(host.values).toEqual(values);
      expect(host.received[0]!.type).toBeUndefined();
      const { offset } = host.received[3_000]!;
      const { host: second } = await start({ follow: false, type: 'Payment' }, offset);
      await until('the end', () => second.over.length === 1);
      expect(second.values).toEqual(values.slice(3_000));
      expect(second.received[0]!.offset).toBe(offset);
      expect(second.received[0]!.type).toBe('Payment');
      const { host: third } = await start({ follow: false }, host.next.get('events/0')!);
      await until('the end', () => third.over.length === 1);
      expect(third.values).toEqual([]);
    });

    test('offsets are bytes', async () => {
      await writeFile(path, '{"é":1}\n\n{"b":2}\n');
      const { host } = await start({ follow: false });
      await until('the end', () => host.over.length === 1);
      expect(host.received.map(({ offset }) => offset)).toEqual([0, 10]);
      expect(host.next.get('events/0')).toBe(18);
    });

    test('a file that is not there is an error that says so', async () => {
      await expect(start({ follow: false })).rejects.toThrow(/events\.log cannot be read: ENOENT.*sources\.events\.path/);
      sources.length = 0;
    });
  });

  test('a line without its line feed waits for it', async () => {
    await writeFile(path, '{"n":1}\n{"n"');
    const { host } = await start();
    await until('the first line', () => host.received.length === 1);
    await pause(60);
    expect(host.received.length).toBe(1);
    await appendFile(path, ':2}\n');
    await until('the second line', () => host.received.length === 2);
    expect(host.values).toEqual(['{"n":1}', '{"n":2}']);
  });

  test('a file that comes later is read from its start; with from: end only what is added', async () => {
    const { host } = await start();
    await pause(30);
    await writeFile(path, lines(numbered(0, 3)));
    await until('the lines', () => host.received.length === 3);
    const { host: other } = await start({ from: 'end', positions: join(directory, 'other.json') });
    await appendFile(path, lines(numbered(3, 2)));
    await until('the new lines', () => other.received.length === 2);
    expect(other.values).toEqual(numbered(3, 2));
  });

  test('rotation by renaming: what is still written to the old file comes, then the new one; offsets rise', async () => {
    await writeFile(path, lines(numbered(0, 10)));
    const { host } = await start({ poll: 40 });
    await until('the first lines', () => host.received.length === 10);
    await rename(path, `${path}.1`);
    await pause(100);
    await appendFile(`${path}.1`, lines(numbered(10, 5)));
    await writeFile(path, lines(numbered(15, 5)));
    await until('all lines', () => host.received.length === 20);
    expect(host.values).toEqual(numbered(0, 20));
    const offsets = host.received.map(({ offset }) => offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(new Set(offsets).size).toBe(20);
  });

  test('truncation, and a file copied away and truncated: the new contents come', async () => {
    await writeFile(path, lines(numbered(0, 50)));
    const { host } = await start();
    await until('the first lines', () => host.received.length === 50);
    await copyFile(path, `${path}.1`);
    await truncate(path, 0);
    await appendFile(path, lines(numbered(50, 10)));
    await until('the new lines', () => host.received.length === 60);
    // Written anew, and longer than before: only its head tells.
    await writeFile(path, lines(numbered(60, 40)));
    await until('the newest lines', () => host.received.length === 100);
    expect(host.values).toEqual(numbered(0, 100));
    expect(host.log.lines.filter(({ message }) => /truncated/.test(message)).length).toBe(2);
  });

  test('started anew after a rotation, it reads the rest of the old file first', async () => {
    await writeFile(path, lines(numbered(0, 10)));
    const { host, source } = await start();
    await until('the first lines', () => host.received.length === 10);
    const { offset } = host.received[6]!;
    await source.committed(0, new Map([['events/0', offset]]));
    await source.stop();
    await appendFile(path, lines(numbered(10, 2)));
    await rename(path, `${path}.2`);
    await pause(20);
    await writeFile(`${path}.1`, lines(numbered(12, 3)));
    await pause(20);
    await writeFile(path, lines(numbered(15, 5)));
    const { host: second } = await start({}, offset);
    await until('the rest', () => second.received.length === 14);
    expect(second.values).toEqual(numbered(6, 14));
    expect(second.received[0]!.offset).toBe(offset);
    // And once more, from within what came after the rotation.
    const later = second.received[10]!.offset;
    await sources.pop()!.stop();
    const { host: third } = await start({}, later);
    await until('the last lines', () => third.received.length === 4);
    expect(third.values).toEqual(numbered(16, 4));
  });

  test.each([
    ['another file', async () => writeFile(path, lines(numbered(100, 30))), 'another one'],
    ['a shorter one', async () => truncate(path, (await stat(path)).size / 2 | 0), 'shorter'],
  ])('where %s has taken its place it is read from the start, with a higher offset, and the log says so', async (_, change, why) => {
    await writeFile(path, lines(numbered(0, 400)));
    const { host, source } = await start();
    await until('the lines', () => host.received.length === 400);
    const end = host.next.get('events/0')!;
    await source.committed(0, host.next);
    await source.stop();
    await change();
    const { host: second } = await start({}, end);
    await until('the new lines', () => second.received.length >= 9);
    expect(second.values[0]).toBe((await readFile(path, 'utf8')).split('\n')[0]);
    expect(second.received[0]!.offset).toBe(end);
    expect(second.log.has(new RegExp(`does not belong to this file: .*${why}`))).toBe(true);
  });

  test('without what was noted of the file, an offset inside a line is not believed', async () => {
    await writeFile(path, lines(numbered(0, 20)));
    const { host } = await start({}, 16);
    await until('from the offset', () => host.received.length === 18);
    expect(host.values).toEqual(numbered(2, 18));
    const { host: second } = await start({ positions: join(directory, 'none.json') }, 13);
    await until('from the start', () => second.received.length === 20);
    expect(second.log.has(/no line of this one begins there/)).toBe(true);
  });

  test('a compressed file cannot be followed', async () => {
    await writeFile(path, gzipSync('{}\n'));
    await expect(start()).rejects.toThrow(/cannot be followed; give follow: false/);
    sources.length = 0;
  });

  test('a line longer than 32 MiB is given up: its beginning comes, to be rejected, and the next line whole', async () => {
    const text = Buffer.from(`{"n":1}\n"${'x'.repeat(70 << 20)}"\n{"n":2}\n`);
    let at = 0;
    const cutter = new LineCutter({
      async read(target, from) {
        const count = text.copy(target, from, at);
        at += count;
        return count;
      },
    }, 0);
    const values: string[] = [];
    const offsets: number[] = [];
    for (let next = await cutter.next(); next !== undefined; next = await cutter.next()) {
      values.push(...next.values.map((value) => Buffer.from(value).toString()));
      offsets.push(...next.offsets);
    }
    expect(values).toEqual(['{"n":1}', `"${'x'.repeat(1_023)}`, '{"n":2}']);
    expect(offsets).toEqual([0, 8, text.length - 8]);
    expect(cutter.offset).toBe(text.length);
  });
});
