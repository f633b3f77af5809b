/** Names of chunks, of tasks in keys and file names, and the fencing tokens: what all stores agree on. */

import { createHash } from 'node:crypto';

const CHUNK_NAME = /^[0-9a-f]{64}$/;

/** A chunk's name: SHA-256 of the bytes that are put, in lower-case hex. */
export function chunkName(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether a text has the form of a chunk's name. Nothing else is ever used as a key or a file name. */
export function isChunkName(name: string): boolean {
  return CHUNK_NAME.test(name);
}

/** @throws Error for a name that `chunkName` cannot have made */
export function requireChunkNames(names: Iterable<string>): void {
  for (const name of names) {
    if (!isChunkName(name)) throw new Error(`"${name}" is no name of a chunk: the lower-case hex of a SHA-256 is.`);
  }
}

/**
 * Any text as a part of a Redis key or a file name: small letters, digits, `-`, `_` stay, every other byte of its UTF-8 is `%` and two hex digits.
 * Capitals are written so too: some file systems take `A` and `a` for one name. Different texts give different names.
 * @throws Error for a text with half a surrogate pair, which has no UTF-8
 */
export function encodeName(text: string): string {
  if (!text.isWellFormed()) throw new Error(`The name ${JSON.stringify(text)} holds half a surrogate pair; names of tasks are Unicode text.`);
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const plain = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

/**
 * The next fencing token: above `previous`, and not below the clock. The clock matters when a store was emptied or set back: a counter that began
 * again at 1 could give two owners the same token, a time cannot.
 */
export function nextToken(previous: number, now: number): number {
  return Math.max(previous + 1, now);
}
