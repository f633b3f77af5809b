import { mkdir, open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/** Bytes of a file's head that tell it from others. */
export const HEAD_BYTES = 1024;

/** What a file is known by after it was renamed or copied. */
export interface Identity {
  readonly inode: string;
  /** Length and checksum of the head, as far as it was there. */
  readonly headBytes: number;
  readonly headSum: number;
}

/** A file whose bytes are a part of the stream: byte 0 has offset `base`. */
export interface Part extends Identity {
  readonly base: number;
}

/** The identity of an open file by what is there now. */
export async function identify(file: FileHandle): Promise<Identity> {
  const { ino, size } = await file.stat({ bigint: true });
  const head = await readHead(file, Number(size < HEAD_BYTES ? size : HEAD_BYTES));
  return { inode: String(ino), headBytes: head.length, headSum: crc32(head) };
}

/** `same`: inode and head agree. `copy`: another inode with the same head, which is a copy. `other`: it is another file, or was written anew. */
export async function compare(file: FileHandle, known: Identity): Promise<'same' | 'copy' | 'other'> {
  const head = await readHead(file, known.headBytes);
  if (head.length < known.headBytes || crc32(head) !== known.headSum) return 'other';
  if (String((await file.stat({ bigint: true })).ino) === known.inode) return 'same';
  // A head of next to nothing is no proof.
  return known.headBytes >= 32 ? 'copy' : 'other';
}

async function readHead(file: FileHandle, length: number): Promise<Buffer> {
  const head = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(head, at, length - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return head.subarray(0, at);
}

/** The parts noted in a file, oldest first; none: it is not there. Throws for one that cannot be understood. */
export async function loadParts(path: string): Promise<readonly Part[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const noted = JSON.parse(text) as { readonly format: number; readonly parts: readonly Part[] };
    if (noted.format !== 1) throw new Error(`it has format ${noted.format}; this version reads format 1`);
    return noted.parts;
  } catch (error) {
    throw new Error(`the file of positions ${path} cannot be read: ${(error as Error).message}. Move it away: the offsets are then taken as they are.`, { cause: error });
  }
}

/** Replaces what is noted, on the disk, in one step. */
export async function saveParts(path: string, parts: readonly Part[]): Promise<void> {
  const fresh = `${path}.new`;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(fresh, 'w');
  try {
    await file.writeFile(`${JSON.stringify({ format: 1, parts })}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}
