import type { ByteSource } from './byte-source.ts';

const CHUNK = 1 << 18;
/** A line that is longer than this (or than a chunk more) is given up. */
export const MAX_LINE = 1 << 25;

/**
 * The part of an input that is in memory: `bytes[at, end)` is what has not been taken. It is filled at the end, after what has been taken was dropped
 * from the front. Readers of lines leave a few bytes unused behind the end, so that decoders can look ahead.
 */
export class LineBuffer {
  bytes: Uint8Array;
  at = 0;
  end = 0;
  /** What the last fill brought begins here. */
  fresh = 0;
  /** Nothing more will come. */
  ended = false;
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    this.#source = source;
    this.bytes = new Uint8Array(2 * CHUNK);
  }

  /** Reads on; the buffer grows where what is not taken fills most of it. */
  async fill(): Promise<void> {
    const held = this.end - this.at;
    if (held * 2 > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes.subarray(this.at, this.end));
      this.bytes = larger;
    } else if (this.at > 0) {
      this.bytes.copyWithin(0, this.at, this.end);
    }
    this.at = 0;
    this.end = held;
    this.fresh = held;
    // No more than a chunk at a time, so that where a line is given up hangs on its length only.
    const room = this.bytes.subarray(0, Math.min(this.bytes.length - 16, held + CHUNK));
    while (this.end < room.length) {
      const count = await this.#source.read(room, this.end);
      if (count === 0) {
        this.ended = true;
        return;
      }
      this.end += count;
      // What a pipe has given can be worked on at once.
      if (this.#source.bytesTotal === undefined) return;
    }
  }
}
