import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { openBytes } from '../files/byte-source.ts';
import type { Bytes } from './lines.ts';

/** Bytes of a file as it is on the disk, from a place on. */
export class PlainBytes implements Bytes {
  readonly file: FileHandle;
  position: number;

  constructor(file: FileHandle, position: number) {
    this.file = file;
    this.position = position;
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    const { bytesRead } = await this.file.read(target, at, target.length - at, this.position);
    this.position += bytesRead;
    return bytesRead;
  }
}

export async function isCompressed(file: FileHandle): Promise<boolean> {
  const first = Buffer.alloc(4);
  const { bytesRead } = await file.read(first, 0, 4, 0);
  const [a, b, c, d] = first;
  return (bytesRead >= 2 && a === 0x1f && b === 0x8b) || (bytesRead === 4 && a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd);
}

/** The bytes of a file from a place on (decompressed, where it is compressed), for reading it to its end. */
export async function openWhole(path: string, from: number): Promise<Bytes & { close(): Promise<void> }> {
  const file = await open(path, 'r');
  let compressed = false;
  try {
    compressed = await isCompressed(file);
  } finally {
    if (compressed) await file.close();
  }
  if (!compressed) {
    const plain = new PlainBytes(file, from);
    return { read: (target, at) => plain.read(target, at), close: () => file.close() };
  }
  const bytes = await openBytes(path);
  // There is no way to a place in compressed bytes but through those before it.
  const passed = new Uint8Array(1 << 16);
  for (let left = from; left > 0;) {
    const count = await bytes.read(passed.subarray(0, Math.min(left, passed.length)), 0);
    if (count === 0) break;
    left -= count;
  }
  return bytes;
}
