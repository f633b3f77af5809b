import { hash } from 'node:crypto';

/**
 * The hash that names a match: SHA-256 over its parts, cut to 128 bits. Numbers go in as they lie in memory (little-endian), texts as UTF-8 behind their
 * length, so that no two lists of parts look alike.
 */
export class MatchId {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #names = new Map<string, Uint8Array>();

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

  /** A text that comes again and again, such as a name: encoded once. */
  name(value: string): void {
    let bytes = this.#names.get(value);
    if (bytes === undefined) this.#names.set(value, bytes = utf8.encode(value));
    this.int(bytes.length);
    this.#reserve(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.#bytes[this.#at + i] = bytes[i]!;
    this.#at += bytes.length;
  }

  text(value: string): void {
    this.#reserve(4 + 3 * value.length);
    const { written } = utf8.encodeInto(value, this.#bytes.subarray(this.#at + 4));
    this.#view.setInt32(this.#at, written, true);
    this.#at += 4 + written;
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
