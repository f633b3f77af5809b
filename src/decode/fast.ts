import type { SchemaField } from '../core/schema.ts';
import type { Strings } from '../core/strings.ts';
import { decodeWtf8 } from '../core/wtf8.ts';
import { withoutWrong, checkValue, UNIT_SHIFT } from './check.ts';
import { isExactInt, numberValue, POWERS } from './numbers.ts';
import { numberEnd, PLAIN, skipSpace, skipValue, stringEnd } from './scan.ts';
import { canonicalText } from './slow.ts';
import { isoTime, MAX_TIME } from './time.ts';

export type FieldKind = 'string' | 'int' | 'float' | 'bool' | 'time' | 'oneOf' | 'composite';

/**
 * What generated decoders call for the less usual forms of a value. A reader takes the place of the value and the end of the text, leaves what it read in
 * `value`, and returns the place behind it, or a negative number when the event is one for the slow decoder.
 */
export class FastHelpers {
  readonly powers = POWERS;
  readonly #strings: Strings;
  value = 0;

  constructor(strings: Strings) {
    this.#strings = strings;
  }

  space(b: Uint8Array, i: number, to: number): number {
    return skipSpace(b, i, to, true);
  }

  skip(b: Uint8Array, i: number, to: number): number {
    return skipValue(b, i, to, true);
  }

  /** The rest of a string that is only checked; i is anywhere within it, not inside an escape. */
  stringEnd(b: Uint8Array, i: number, to: number): number {
    return stringEnd(b, i, to);
  }

  /** `from` is behind the opening quote. */
  intern(b: Uint8Array, from: number, to: number): number {
    const end = stringEnd(b, from, to);
    if (end < 0) return end;
    let escape = from;
    while (escape < end && b[escape] !== 0x5c) escape++;
    this.value = escape < end
      ? this.#strings.intern(JSON.parse(decodeWtf8(b, from - 1, end)) as string)
      : this.#strings.internBytes(b, from, end - 1);
    return end;
  }

  /** As `intern`; the value is -1 for a string that the table does not hold. */
  find(b: Uint8Array, from: number, to: number): number {
    const end = stringEnd(b, from, to);
    if (end >= 0) this.value = this.#strings.find(JSON.parse(decodeWtf8(b, from - 1, end)) as string);
    return end;
  }

  float(b: Uint8Array, from: number, to: number): number {
    const end = numberEnd(b, from, to);
    if (end < 0) return end;
    this.value = numberValue(b, from, end);
    return Number.isFinite(this.value) ? end : -1;
  }

  int(b: Uint8Array, from: number, to: number): number {
    const end = numberEnd(b, from, to);
    if (end < 0) return end;
    this.value = numberValue(b, from, end);
    return isExactInt(this.value, b, from, end) ? end : -1;
  }

  /** A time in any of its forms; `from` is at the quote or the first digit. */
  time(b: Uint8Array, from: number, to: number, field: SchemaField): number {
    if (field.type.kind !== 'time') return -1;
    if (b[from] !== 0x22) {
      const end = numberEnd(b, from, to);
      if (end < 0) return end;
      this.value = numberValue(b, from, end, UNIT_SHIFT[field.type.unit]);
      return Math.abs(this.value) <= MAX_TIME ? end : -1;
    }
    let end = from + 1;
    while (PLAIN[b[end]!] === 1) end++;
    if (b[end] !== 0x22) return -1;
    this.value = isoTime(b, from + 1, end);
    return Math.abs(this.value) <= MAX_TIME ? end + 1 : -1;
  }

  /** A list or record: checked to its leaves, and interned if a rule reads it. */
  composite(b: Uint8Array, from: number, to: number, field: SchemaField): number {
    const end = skipValue(b, from, to, true);
    if (end < 0) return end;
    // A list that is only gone through element by element: each is decoded by itself.
    if (field.slot < 0 && field.lists?.length === 1 && field.lists[0]!.length === 0 && b[from] === 0x5b) {
      this.value = 0;
      return end;
    }
    const parsed: unknown = JSON.parse(decodeWtf8(b, from, end));
    const value = field.lists === undefined ? parsed : withoutWrong(field, parsed);
    if (value === null || checkValue(field, value, '') !== undefined) return -1;
    this.value = field.slot >= 0 ? this.#strings.intern(canonicalText(field, value)) : 0;
    return end;
  }

  /** The ids of a closed set of strings, kept for ever. */
  stringSet(values: readonly string[]): ReadonlySet<number> {
    return new Set(values.map((value) => this.#strings.pin(this.#strings.intern(value))));
  }

  keyLookup(names: readonly string[]): KeyLookup {
    return new KeyLookup(names);
  }
}

/** Finds which of the names a key is, for events whose fields come in another order than foreseen. */
export class KeyLookup {
  /** By length in bytes: the names with their numbers. */
  readonly #names: { readonly index: number; readonly bytes: Uint8Array }[][] = [];
  readonly #unknown: number;
  /** The place of the value, after the key, the colon and blanks. */
  at = 0;

  constructor(names: readonly string[]) {
    this.#unknown = 2 * names.length + 1;
    const seen = new Set<string>();
    names.forEach((name, index) => {
      // Two fields read from one name: events that have it are for the slow decoder, which fills both.
      if (seen.has(name)) return;
      seen.add(name);
      const bytes = new Uint8Array(Buffer.from(name));
      (this.#names[bytes.length] ??= []).push({ index, bytes });
    });
  }

  /** The state in which generated code reads the value of the key at i (2·index + 1), one past all for a name not known, -1 for the slow decoder. */
  find(b: Uint8Array, i: number, to: number): number {
    if (b[i] !== 0x22) return -1;
    const from = ++i;
    while (PLAIN[b[i]!] === 1) i++;
    if (b[i] !== 0x22) {
      // An escape may spell any name.
      const end = stringEnd(b, i, to);
      if (end < 0 || b.subarray(i, end).includes(0x5c)) return -1;
      i = end - 1;
    }
    const length = i - from;
    i = skipSpace(b, i + 1, to, true);
    if (b[i] !== 0x3a) return -1;
    this.at = skipSpace(b, i + 1, to, true);
    const index = this.index(b, from, length);
    return index < 0 ? this.#unknown : 2 * index + 1;
  }

  /** Which name the bytes are, or -1. */
  index(b: Uint8Array, from: number, length: number): number {
    const names = this.#names[length];
    if (names === undefined) return -1;
    next: for (const { index, bytes } of names) {
      for (let k = 0; k < length; k++) if (b[from + k] !== bytes[k]) continue next;
      return index;
    }
    return -1;
  }
}
