import { hash } from 'node:crypto';
import type { Strings } from '../core/strings.ts';

const QUOTE = 34;

/**
 * The hash that names a match: SHA-256 over its parts, cut to 128 bits. Numbers go in as they lie in memory (little-endian), texts as UTF-8 behind their
 * length, so that no two lists of parts look alike.
 */
export class MatchId {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Where the text begun last has its length. */
  #text = 0;

  begin(): void { this.#at = 0; }

  int(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.#at, value, true);
    this.#at += 4;
  }

  float(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Parts that were put together before, by `encoded`; or part of a text. */
  bytes(parts: Uint8Array): void {
    const { length } = parts;
    this.#reserve(length);
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < length; i++) bytes[at + i] = parts[i]!;
    this.#at = at + length;
  }

  text(value: string): void {
    this.#reserve(4 + 3 * value.length);
    const { written } = utf8.encodeInto(value, this.#bytes.subarray(this.#at + 4));
    this.#view.setInt32(this.#at, written, true);
    this.#at += 4 + written;
  }

  /** A text made of the parts put between `beginText` and `endText`. */
  beginText(): void {
    this.#reserve(4);
    this.#text = this.#at;
    this.#at += 4;
  }

  endText(): void { this.#view.setInt32(this.#text, this.#at - this.#text - 4, true); }

  /** Part of a text: a value as JSON. */
  json(value: unknown): void {
    const text = JSON.stringify(value);
    this.#reserve(3 * text.length);
    this.#at += utf8.encodeInto(text, this.#bytes.subarray(this.#at)).written;
  }

  /** Part of a text: a string of the table as JSON. */
  jsonString(strings: Strings, id: number): void {
    this.#reserve(strings.lengthOf(id) + 2);
    const bytes = this.#bytes;
    const from = this.#at + 1;
    const length = strings.copyPlain(id, bytes, from);
    if (length < 0) { this.json(strings.text(id)); return; }
    bytes[from - 1] = QUOTE;
    bytes[from + length] = QUOTE;
    this.#at = from + length + 1;
  }

  /** 32 hexadecimal digits. */
  digest(): string { return hash('sha256', this.#bytes.subarray(0, this.#at), 'hex').slice(0, 32); }

  #reserve(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const bytes = new Uint8Array(2 * (this.#at + length));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

const utf8 = new TextEncoder();

/** Texts and whole numbers as `text` and `int` put them, for parts that come again and again. */
export function encoded(...parts: readonly (string | number)[]): Uint8Array {
  const all = parts.map((part) => {
    const bytes = typeof part === 'string' ? utf8.encode(part) : new Uint8Array(0);
    const out = new Uint8Array(4 + bytes.length);
    new DataView(out.buffer).setInt32(0, typeof part === 'string' ? bytes.length : part, true);
    out.set(bytes, 4);
    return out;
  });
  return new Uint8Array(Buffer.concat(all));
}
