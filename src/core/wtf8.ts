/**
 * WTF-8: UTF-8 that can also hold lone surrogates, so that every JavaScript string has exactly one byte form and back.
 * A surrogate pair is always written as the four bytes of its code point, never as two times three.
 */

/** Writes `text` into `out` at `at`; `out` must have room for 3 bytes a UTF-16 unit. Returns the end. */
export function encodeWtf8(text: string, out: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      out[at++] = code;
    } else if (code < 0x800) {
      out[at++] = 0xc0 | (code >> 6);
      out[at++] = 0x80 | (code & 63);
    } else {
      if (code >= 0xd800 && code < 0xdc00 && i + 1 < text.length) {
        const low = text.charCodeAt(i + 1);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          i++;
          out[at++] = 0xf0 | (code >> 18);
          out[at++] = 0x80 | ((code >> 12) & 63);
          out[at++] = 0x80 | ((code >> 6) & 63);
          out[at++] = 0x80 | (code & 63);
          continue;
        }
      }
      out[at++] = 0xe0 | (code >> 12);
      out[at++] = 0x80 | ((code >> 6) & 63);
      out[at++] = 0x80 | (code & 63);
    }
  }
  return at;
}

/** The text of WTF-8 bytes[from, to). */
export function decodeWtf8(bytes: Uint8Array, from: number, to: number): string {
  let ascii = true;
  let surrogates = false;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte < 0x80) continue;
    ascii = false;
    if (byte === 0xed && bytes[i + 1]! >= 0xa0) surrogates = true;
  }
  if (!surrogates) {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from);
    return view.toString(ascii ? 'latin1' : 'utf8');
  }
  let text = '';
  let plain = from;
  for (let i = from; i < to; i++) {
    if (bytes[i] !== 0xed || bytes[i + 1]! < 0xa0) continue;
    text += decodeWtf8(bytes, plain, i) + String.fromCharCode(0xd000 | ((bytes[i + 1]! & 63) << 6) | (bytes[i + 2]! & 63));
    i += 2;
    plain = i + 1;
  }
  return text + decodeWtf8(bytes, plain, to);
}
