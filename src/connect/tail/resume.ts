import { open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Log } from '../types.ts';
import { compare, identify } from './identity.ts';
import type { Part } from './identity.ts';
import { isCompressed } from './whole.ts';

/** Where a stream goes on: files to read one after the other, the first from a byte on. */
export interface Resumed {
  /** Paths of rotated files, and last the file itself. */
  readonly paths: readonly string[];
  /** In the first of `paths`. */
  readonly byte: number;
  /** Offset of byte 0 of the first of `paths`. */
  readonly base: number;
}

/**
 * Finds the file that an offset belongs to, under its own name or a rotated one, and what was rotated since. Where the file is not there any more, or is
 * another one, its successor is read from the start, which is said in the log.
 */
export async function resume(path: string, offset: number, parts: readonly Part[], rotated: boolean, log: Log): Promise<Resumed> {
  const part = parts.findLast(({ base }) => base <= offset);
  const anew: Resumed = { paths: [path], byte: 0, base: offset };
  if (part === undefined) return await plausible(path, offset) ? { paths: [path], byte: offset, base: 0 } : said(anew, path, offset, 'nothing is noted of the file it belongs to, and no line of this one begins there', log);
  const byte = offset - part.base;
  const candidates = [path, ...(rotated ? await rotatedFiles(path) : [])];
  let copy: string | undefined;
  let shorter = false;
  for (const candidate of candidates) {
    const file = await tryOpen(candidate);
    if (file === undefined) continue;
    try {
      const found = await compare(file, part);
      if (found === 'other') continue;
      // Compressed bytes are counted as they come out, which their size does not bound.
      if ((await file.stat()).size < byte && !(await isCompressed(file))) {
        shorter = true;
        continue;
      }
      if (found === 'same') return { paths: await from(candidate, path, log), byte, base: part.base };
      copy ??= candidate;
    } finally {
      await file.close();
    }
  }
  if (copy !== undefined) {
    log.info({ path, copy }, 'the file has been copied since; its head is the same, so it is read on where it was left');
    return { paths: await from(copy, path, log), byte, base: part.base };
  }
  return said(anew, path, offset, shorter ? 'the file is shorter now' : 'the file there now is another one', log);
}

/** The file and those rotated after it, oldest first, up to the one that is written to. */
async function from(found: string, path: string, log: Log): Promise<string[]> {
  if (found === path) return [path];
  const time = (await stat(found)).mtimeMs;
  const later: { path: string; time: number }[] = [];
  for (const name of await rotatedFiles(path)) {
    const modified = (await stat(name).catch(() => undefined))?.mtimeMs;
    if (name !== found && modified !== undefined && modified > time) later.push({ path: name, time: modified });
  }
  later.sort((a, b) => a.time - b.time);
  const paths = [found, ...later.map((file) => file.path), path];
  log.info({ path, files: paths }, 'the file was rotated since it was last read: the rest of the old one is read first');
  return paths;
}

/** Files beside it whose names are its name with a number or a date: `x.log.1`, `x.log-20260131`. Compressed ones are left out. */
async function rotatedFiles(path: string): Promise<string[]> {
  const name = basename(path);
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  return names.filter((other) => other.startsWith(name) && /^[.-][\d._T:-]*\d$/.test(other.slice(name.length))).map((other) => join(folder, other));
}

/** Whether a line begins at this byte. */
async function plausible(path: string, byte: number): Promise<boolean> {
  if (byte === 0) return true;
  const file = await tryOpen(path);
  if (file === undefined) return false;
  try {
    if (await isCompressed(file)) return true;
    const before = Buffer.alloc(1);
    const { bytesRead } = await file.read(before, 0, 1, byte - 1);
    return bytesRead === 1 && before[0] === 10;
  } finally {
    await file.close();
  }
}

function said(anew: Resumed, path: string, offset: number, why: string, log: Log): Resumed {
  log.warn({ path, offset }, `the committed offset does not belong to this file: ${why}. It is read from its start; what of the old one was not read is lost. See positions.`);
  return anew;
}

async function tryOpen(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A part for a file that is opened, at an offset. */
export async function partOf(file: FileHandle, base: number): Promise<Part> {
  return { base, ...await identify(file) };
}
