/**
 * JSON syntax over bytes, without making values. Every scanner takes the place where to begin and the end of the text, and returns the place
 * after what it read — or, where the text is not JSON, `~place` of the first byte at fault (a negative number), or TOO_DEEP.
 */

/** Arrays and objects may be nested this deep; deeper ones are refused, so that no reader of the event can run out of stack. */
export const MAX_DEPTH = 1000;
/** What `skipValue` returns for nesting past MAX_DEPTH. */
export const TOO_DEEP = -(2 ** 31);

const QUOTE = 34;
const BACKSLASH = 92;

/** 1: a byte of a string that stands for itself and is ASCII. */
export const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) PLAIN[byte] = byte === QUOTE || byte === BACKSLASH ? 0 : 1;

/** Skips blanks. With `lines`, a line feed is not one of them: it ends the text. */
export function skipSpace(b: Uint8Array, i: number, to: number, lines: boolean): number {
  while (i < to) {
    const c = b[i]!;
    if (c !== 0x20 && c !== 0x09 && c !== 0x0d && (c !== 0x0a || lines)) break;
    i++;
  }
  return i;
}

/** The end of the well-formed UTF-8 sequence of two or more bytes at i, else ~i. */
export function utf8End(b: Uint8Array, i: number, to: number): number {
  const lead = b[i]!;
  if (lead < 0xc2 || lead > 0xf4) return ~i;
  const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (i + size > to) return ~i;
  const second = b[i + 1]!;
  // Overlong forms, surrogates, and what lies past U+10FFFF show in the second byte.
  if (second < (lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80) || second > (lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf)) return ~i;
  for (let k = 2; k < size; k++) if ((b[i + k]! & 0xc0) !== 0x80) return ~i;
  return i + size;
}

/** From the byte after the opening quote to after the closing one. */
export function stringEnd(b: Uint8Array, i: number, to: number): number {
  while (i < to) {
    const c = b[i]!;
    if (PLAIN[c] === 1) {
      i++;
    } else if (c === QUOTE) {
      return i + 1;
    } else if (c === BACKSLASH) {
      if (i + 1 >= to) return ~to;
      const escape = b[i + 1]!;
      if (escape === 0x75) {
        for (let k = 2; k < 6; k++) if (i + k >= to || !isHex(b[i + k]!)) return ~(i + k);
        i += 6;
      } else if (isEscape(escape)) {
        i += 2;
      } else {
        return ~(i + 1);
      }
    } else if (c < 0x20) {
      return ~i;
    } else {
      i = utf8End(b, i, to);
      if (i < 0) return i;
    }
  }
  return ~to;
}

function isEscape(c: number): boolean {
  return c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74;
}

function isHex(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
}

/** The end of the number at i. */
export function numberEnd(b: Uint8Array, i: number, to: number): number {
  if (i < to && b[i] === 0x2d) i++;
  let digits = digitsEnd(b, i, to);
  if (digits === i) return ~i;
  if (b[i] === 0x30 && digits > i + 1) return ~(i + 1);
  i = digits;
  if (i < to && b[i] === 0x2e) {
    digits = digitsEnd(b, i + 1, to);
    if (digits === i + 1) return ~digits;
    i = digits;
  }
  if (i < to && (b[i]! | 0x20) === 0x65) {
    i++;
    if (i < to && (b[i] === 0x2b || b[i] === 0x2d)) i++;
    digits = digitsEnd(b, i, to);
    if (digits === i) return ~i;
    i = digits;
  }
  return i;
}

function digitsEnd(b: Uint8Array, i: number, to: number): number {
  while (i < to && (b[i]! - 0x30) >>> 0 < 10) i++;
  return i;
}

function wordEnd(b: Uint8Array, i: number, to: number, word: string): number {
  for (let k = 0; k < word.length; k++) if (i + k >= to || b[i + k] !== word.charCodeAt(k)) return ~(i + k);
  return i + word.length;
}

/** 1: the array or object at this depth is an object. One stack for all: scanning is synchronous. */
const isObject = new Uint8Array(MAX_DEPTH + 1);

/** The end of the value at i; blanks before it are skipped, those after it are not. */
export function skipValue(b: Uint8Array, i: number, to: number, lines: boolean): number {
  let depth = 0;
  for (;;) {
    i = skipSpace(b, i, to, lines);
    if (i >= to) return ~to;
    const c = b[i]!;
    if (c === QUOTE) {
      i = stringEnd(b, i + 1, to);
    } else if (c === 0x7b || c === 0x5b) {
      const object = c === 0x7b;
      i = skipSpace(b, i + 1, to, lines);
      if (i < to && b[i] === c + 2) {
        i++;
      } else {
        if (depth === MAX_DEPTH) return TOO_DEEP;
        isObject[++depth] = object ? 1 : 0;
        if (object) {
          i = keyEnd(b, i, to, lines);
          if (i < 0) return i;
        }
        continue;
      }
    } else if (c === 0x74) {
      i = wordEnd(b, i, to, 'true');
    } else if (c === 0x66) {
      i = wordEnd(b, i, to, 'false');
    } else if (c === 0x6e) {
      i = wordEnd(b, i, to, 'null');
    } else {
      i = numberEnd(b, i, to);
    }
    if (i < 0) return i;
    for (;;) {
      if (depth === 0) return i;
      i = skipSpace(b, i, to, lines);
      if (i >= to) return ~to;
      const next = b[i]!;
      if (next === 0x2c) {
        i++;
        if (isObject[depth] === 1) {
          i = keyEnd(b, i, to, lines);
          if (i < 0) return i;
        }
        break;
      }
      if (next !== (isObject[depth] === 1 ? 0x7d : 0x5d)) return ~i;
      depth--;
      i++;
    }
  }
}

/** A key with its colon. */
export function keyEnd(b: Uint8Array, i: number, to: number, lines: boolean): number {
  i = skipSpace(b, i, to, lines);
  if (i >= to || b[i] !== QUOTE) return ~i;
  i = stringEnd(b, i + 1, to);
  if (i < 0) return i;
  i = skipSpace(b, i, to, lines);
  return i < to && b[i] === 0x3a ? i + 1 : ~i;
}
