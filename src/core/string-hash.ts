/** The hash of strings, over their bytes (WTF-8) in words of four. */
import { encodeWtf8 } from './wtf8.ts';

/** The factor of the hash, for code that is generated with the hash in it. */
export const HASH_FACTOR = 0x2c1b3c6d;

/**
 * One step of the hash of a string: over its bytes in words of four, low byte first, the last word filled up with zeros (and there even where it is
 * empty), starting from the table's seed.
 */
export function hashStep(hash: number, word: number): number {
  hash = Math.imul(hash ^ word, HASH_FACTOR);
  return hash ^ (hash >>> 15);
}

/** Where a string that does not come from a DataView is laid out and hashed. */
export class Scratch {
  /** The string laid out last is at 0. */
  view: DataView;
  readonly #seed: number;
  #bytes = new Uint8Array(1 << 10);

  /** `seed`: start value of the hash. */
  constructor(seed: number) {
    this.#seed = seed;
    this.view = new DataView(this.#bytes.buffer);
  }

  /** Lays out a text; returns its length in bytes. */
  encode(text: string): number {
    this.#reserve(text.length * 3);
    return encodeWtf8(text, this.#bytes, 0);
  }

  /** Lays out bytes[from, to). */
  copy(bytes: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    const scratch = this.#bytes;
    for (let i = from; i < to; i++) scratch[i - from] = bytes[i]!;
  }

  /** The hash of the first so many bytes. */
  hash(length: number): number {
    const view = this.view;
    const whole = length & ~3;
    let hash = this.#seed;
    for (let i = 0; i < whole; i += 4) hash = hashStep(hash, view.getInt32(i, true));
    return hashStep(hash, view.getInt32(whole, true) & ((1 << ((length & 3) << 3)) - 1));
  }

  /** Makes room for a string of that many bytes, and lets go of a scratch that one huge string has left behind. */
  #reserve(length: number): void {
    if (length + 4 <= this.#bytes.length && (this.#bytes.length <= 1 << 20 || length > 1 << 18)) return;
    this.#bytes = new Uint8Array(Math.max(1 << 10, 2 * length + 4));
    this.view = new DataView(this.#bytes.buffer);
  }
}
