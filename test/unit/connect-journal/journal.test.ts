import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Journal, JournalFullError } from '../../../src/connect/journal/index.ts';
import type { JournalEntry, JournalOptions, JournalRecord } from '../../../src/connect/journal/index.ts';
import { memoryLog, pause, until } from '../../support/recording-host.ts';

let directory: string;
let journal: Journal | undefined;
const log = memoryLog();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'alcedo-journal-'));
});

afterEach(async () => {
  await journal?.close();
  journal = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function openJournal(options: Partial<JournalOptions> = {}, openFile?: typeof open): Promise<Journal> {
  journal = await Journal.open({ directory, fsync: 1_000, ...options }, log, openFile);
  return journal;
}

function record(text: string, attributes: Record<string, string> = {}): JournalRecord {
  return { time: 1_000, attributes, value: Buffer.from(text) };
}

async function all(from: Journal, offset = from.start): Promise<JournalEntry[]> {
  const reader = from.reader(offset);
  const found: JournalEntry[] = [];
  try {
    for (let next = await reader.next(100, 1 << 20); next.length > 0; next = await reader.next(100, 1 << 20)) found.push(...next);
  } finally {
    await reader.close();
  }
  return found;
}

const texts = (entries: readonly JournalEntry[]): string[] => entries.map(({ value }) => Buffer.from(value).toString());

describe('journal', () => {
  test('records are read as they were written, also after it was opened anew', async () => {
    const first = await openJournal({ fsync: 'always' });
    expect(await first.append([record('a', { type: 'Payment', ключ: '✓' }), record('b')])).toBe(0);
    expect(await first.append([{ time: NaN, attributes: {}, value: new Uint8Array(0) }])).toBe(2);
    await first.close();
    const second = await openJournal();
    expect(second.end).toBe(3);
    const entries = await all(second);
    expect(texts(entries)).toEqual(['a', 'b', '']);
    expect(entries.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(entries[0]!.attributes).toEqual({ type: 'Payment', ключ: '✓' });
    expect(entries.map(({ time }) => time)).toEqual([1_000, 1_000, NaN]);
    expect(await second.append([record('d')])).toBe(3);
  });

  test('appends that wait together are written together, in the order of the calls', async () => {
    const opened = await openJournal({ fsync: 'always' });
    const offsets = await Promise.all(Array.from({ length: 500 }, (_, i) => opened.append([record(`r${i}`)])));
    expect(offsets).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(texts(await all(opened))).toEqual(Array.from({ length: 500 }, (_, i) => `r${i}`));
  });

  test('a reader at the end sees what is appended later, in the next segments too', async () => {
    const opened = await openJournal({ segmentBytes: 2_000 });
    const reader = opened.reader(0);
    const seen: string[] = [];
    for (let i = 0; i < 300; i++) {
      await opened.append([record(`record ${i}`)]);
      seen.push(...texts(await reader.next(1_000, 1 << 20)));
    }
    await reader.close();
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => `record ${i}`));
    expect((await readdir(directory)).filter((name) => name.endsWith('.journal')).length).toBeGreaterThan(5);
    expect(texts(await all(opened, 137))[0]).toBe('record 137');
  });

  test('a record larger than what is read at one time comes whole', async () => {
    const opened = await openJournal();
    const large = 'x'.repeat(3_000_000);
    await opened.append([record('small'), record(large), record('after')]);
    expect(texts(await all(opened))).toEqual(['small', large, 'after']);
  });

  test.each([1, 7, 8, 20, 40])('of a write that was torn %i bytes before its end, only what is whole is kept', async (missing) => {
    const first = await openJournal();
    await first.append([record('one'), record('two')]);
    await first.append([record('three')]);
    await first.close();
    const path = join(directory, '0000000000000000.journal');
    await truncate(path, (await stat(path)).size - missing);
    const lines = memoryLog();
    journal = await Journal.open({ directory, fsync: 1_000 }, lines);
    expect(texts(await all(journal))).toEqual(missing > 33 ? ['one'] : ['one', 'two']);
    expect(lines.has(/no whole record/)).toBe(missing !== 33);
    const end = journal.end;
    expect(await journal.append([record('again')])).toBe(end);
    expect(texts(await all(journal)).at(-1)).toBe('again');
  });

  test.each([['zeros', Buffer.alloc(5_000)], ['text', Buffer.from('garbage '.repeat(20))]])('%s behind the last record are cut off and kept aside', async (_, bytes) => {
    const first = await openJournal();
    await first.append([record('one')]);
    await first.close();
    const path = join(directory, '0000000000000000.journal');
    const size = (await stat(path)).size;
    await appendFile(path, bytes);
    const second = await openJournal();
    expect(texts(await all(second))).toEqual(['one']);
    expect((await stat(path)).size).toBe(size);
    expect((await readFile(`${path}.cut`)).length).toBe(size + bytes.length);
  });

  test('a flipped bit is not read as a record: the reader says which file and where', async () => {
    const first = await openJournal({ segmentBytes: 1_000 });
    for (let i = 0; i < 100; i++) await first.append([record(`record ${i}`)]);
    const path = join(directory, '0000000000000000.journal');
    const bytes = await readFile(path);
    bytes[200]! ^= 1;
    await writeFile(path, bytes);
    await expect(all(first)).rejects.toThrow(/record \d+ of the journal is damaged \(.*0000000000000000\.journal, byte \d+\)/);
  });

  test('trimming removes segments whose records are all below the offset, and none above', async () => {
    const opened = await openJournal({ segmentBytes: 1_000 });
    for (let i = 0; i < 100; i++) await opened.append([record(`record ${i}`)]);
    const before = opened.bytes;
    await opened.trim(50);
    expect(opened.start).toBeLessThanOrEqual(50);
    expect(opened.start).toBeGreaterThan(0);
    expect(opened.bytes).toBeLessThan(before);
    expect(texts(await all(opened, 50))).toEqual(Array.from({ length: 50 }, (_, i) => `record ${50 + i}`));
    await opened.trim(100);
    expect(await all(opened)).toEqual([]);
    expect(await opened.append([record('next')])).toBe(100);
  });

  test('at its bound it takes nothing, and goes on when something was trimmed', async () => {
    const opened = await openJournal({ maxBytes: 20_000, segmentBytes: 4_000 });
    let taken = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await opened.append([record('x'.repeat(500))]);
        taken++;
      }
    };
    await expect(fill()).rejects.toThrow(JournalFullError);
    expect(opened.bytes).toBeLessThanOrEqual(20_000);
    expect(opened.end).toBe(taken);
    const room = opened.whenRoom();
    await opened.trim(opened.end);
    await room;
    expect(await opened.append([record('again')])).toBe(taken);
  });

  test('an offset that was committed is not given again when the journal has lost its end', async () => {
    const opened = await openJournal();
    await opened.append([record('a')]);
    await opened.advance(50);
    expect(await opened.append([record('b')])).toBe(50);
    expect((await all(opened)).map(({ offset }) => offset)).toEqual([0, 50]);
    await opened.close();
    expect((await openJournal()).end).toBe(51);
  });

  test('a folder has one journal at a time', async () => {
    await openJournal();
    await expect(Journal.open({ directory }, log)).rejects.toThrow(/open already in this process/);
    await journal!.close();
    await writeFile(join(directory, 'lock'), '999999 12345');
    await openJournal();
  });

  test('a disk that fails half-way: the caller has the error, nothing of it is read, and the next append works', async () => {
    let failing = 0;
    const opened = await openJournal({}, async (...args) => failingFile(await open(...args), () => failing > 0 && failing-- > 0));
    await opened.append([record('good')]);
    failing = 1;
    await expect(opened.append([record('lost one'), record('lost two')])).rejects.toThrow(/cannot be written: ENOSPC/);
    expect(await opened.append([record('next')])).toBe(1);
    expect(texts(await all(opened))).toEqual(['good', 'next']);
    await opened.close();
    expect(texts(await all(await openJournal()))).toEqual(['good', 'next']);
  });

  test('what append resolved for survives kill -9 in the middle of writing, and offsets go on', async () => {
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [fileURLToPath(new URL('writer.ts', import.meta.url)), directory], { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (data: Buffer) => { output += data.toString(); });
      await until('the child writes', () => output.split('\n').length > 20);
      await pause(20 + round * 30);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      const acknowledged = Number(output.trimEnd().split('\n').at(output.endsWith('\n') ? -1 : -2));
      const opened = await openJournal();
      const found = texts(await all(opened));
      expect(opened.end).toBeGreaterThanOrEqual(acknowledged);
      expect(found.every((text, i) => text.startsWith(`record ${i} `))).toBe(true);
      await opened.close();
    }
  });

  test('a full disk of the real kind: refused, then gone on with when there is room', async () => {
    // The limit of the process on the size of its files stands for the disk; it is lifted from outside.
    const child = spawn('bash', ['-c', 'ulimit -S -f 256; exec "$0" "$@"', process.execPath, fileURLToPath(new URL('writer.ts', import.meta.url)), directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => { output += data.toString(); });
    await until('an error', () => /EFBIG/.test(output));
    const before = Number(/(\d+)\nerror/.exec(output)![1]);
    const lifted = spawn('prlimit', ['--pid', String(child.pid), '--fsize=unlimited:unlimited'], { stdio: 'inherit' });
    await new Promise((resolve) => lifted.once('exit', resolve));
    await until('it goes on', () => Number(output.trimEnd().split('\n').at(-2)) > before + 20);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    const found = texts(await all(await openJournal()));
    expect(found.length).toBeGreaterThan(before);
    expect(found.every((text, i) => text.startsWith(`record ${i} `))).toBe(true);
  });
});

/** A file whose writes fail when told, after half of the bytes. */
function failingFile(file: FileHandle, fails: () => boolean): FileHandle {
  const write = file.write.bind(file) as (...args: unknown[]) => Promise<unknown>;
  return Object.assign(file, {
    write: async (bytes: Uint8Array, at: number, length: number, position: number) => {
      if (!fails()) return write(bytes, at, length, position);
      await write(bytes, at, Math.floor(length / 2), position);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
  }) as FileHandle;
}
