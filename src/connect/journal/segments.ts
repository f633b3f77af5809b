import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../types.ts';
import { HEADER_BYTES, readHeader, RecordScanner } from './format.ts';

/** A file of records that follow each other. */
export interface Segment {
  /** Offset of its first record. */
  readonly base: number;
  readonly path: string;
  /** Bytes of whole records, the header included. */
  bytes: number;
}

const NAME = /^(\d{16})\.journal$/;

export function segmentPath(directory: string, base: number): string {
  return join(directory, `${String(base).padStart(16, '0')}.journal`);
}

/**
 * The segments of a folder in order, and the offset behind the last record. What a crash left half written at the end of the last one is cut off (a
 * copy of the file is kept beside it as `.cut`) and said in the log.
 */
export async function recoverSegments(directory: string, log: Log): Promise<{ segments: Segment[]; end: number }> {
  await mkdir(directory, { recursive: true });
  const segments: Segment[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const base = NAME.exec(name)?.[1];
    if (base !== undefined) segments.push({ base: Number(base), path: join(directory, name), bytes: 0 });
  }
  for (const segment of segments) {
    const file = await open(segment.path, 'r');
    segment.bytes = (await file.stat()).size;
    await file.close();
  }
  for (let last = segments.at(-1); last !== undefined; last = segments.at(-1)) {
    const end = await recoverLast(last, log);
    if (end !== undefined) return { segments, end };
    segments.pop();
  }
  return { segments, end: 0 };
}

/** The offset behind the segment's last record; undefined: the file is no segment (it was being made) and has been set aside. */
async function recoverLast(segment: Segment, log: Log): Promise<number | undefined> {
  const file = await open(segment.path, 'r+');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    if (readHeader(header.subarray(0, bytesRead)) !== segment.base) {
      // A file this short was being made when the process ended; there was nothing in it.
      const aside = `${segment.path}.cut`;
      await rename(segment.path, aside);
      if (segment.bytes > HEADER_BYTES) {
        log.error({ segment: segment.path, bytes: segment.bytes, kept: aside }, 'a journal segment has no valid header; its records are left out');
      } else {
        await rm(aside);
      }
      return undefined;
    }
    const scanner = new RecordScanner(file);
    let offset = segment.base;
    for (;;) {
      const entry = await scanner.next(segment.bytes, offset);
      if (entry === undefined) return offset;
      if (entry === 'damaged') break;
      offset++;
    }
    const cut = segment.bytes - scanner.position;
    const kept = `${segment.path}.cut`;
    await copyFile(segment.path, kept);
    await file.truncate(scanner.position);
    await file.datasync();
    segment.bytes = scanner.position;
    log.warn({ segment: segment.path, offset, bytes: cut, kept },
      `the journal ends in ${cut} bytes that are no whole record: a write was interrupted, and its sender was not told that it was taken; they are cut off`);
    return offset;
  } finally {
    await file.close();
  }
}

/** Removes the segment's file, and the copy of what was cut off it. */
export async function removeSegment(segment: Segment): Promise<void> {
  await rm(segment.path, { force: true });
  await rm(`${segment.path}.cut`, { force: true });
}
