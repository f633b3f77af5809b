import { decodeWtf8 } from '../core/wtf8.ts';

/** Powers of ten that a double holds exactly. */
export const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Ints are exact up to here, both signs. */
export const MAX_INT = 2 ** 53;

/**
 * The value of the JSON number text bytes[from, to) times 10^shift, as JavaScript's `Number` rounds it. The text has been scanned.
 * A short decimal (a mantissa within 2^53 and a power within 10^22) is one exact division or product; others go through `Number`.
 */
export function numberValue(b: Uint8Array, from: number, to: number, shift = 0): number {
  let i = from;
  const negative = b[i] === 0x2d;
  if (negative) i++;
  let mantissa = 0;
  let digits = 0;
  let exponent = shift;
  let fraction = false;
  for (; i < to; i++) {
    const c = b[i]!;
    if (c === 0x2e) {
      fraction = true;
    } else if (c < 0x30 || c > 0x39) {
      break;
    } else {
      mantissa = mantissa * 10 + (c - 0x30);
      if (mantissa > 0) digits++;
      if (fraction) exponent--;
    }
  }
  if (i === to && digits <= 15 && exponent >= -22 && exponent <= 22) {
    const value = exponent < 0 ? mantissa / POWERS[-exponent]! : mantissa * POWERS[exponent]!;
    return negative ? -value + 0 : value;
  }
  const text = decodeWtf8(b, from, to);
  if (shift === 0) return Number(text) + 0;
  // Moving the decimal point in the text keeps the rounding to one.
  const at = text.search(/e/i);
  const written = at < 0 ? 0 : Number(text.slice(at + 1));
  return Number(`${at < 0 ? text : text.slice(0, at)}e${written + shift}`) + 0;
}

/**
 * Whether a number's text stands for an integer that `int` holds: integral, and at most 2^53 in size. `value` is what the text was read as; at the
 * very edge the text decides, since 9007199254740993 is read as 2^53.
 */
export function isExactInt(value: number, b: Uint8Array, from: number, to: number): boolean {
  if (!Number.isInteger(value) || value > MAX_INT || value < -MAX_INT) return false;
  if (value !== MAX_INT && value !== -MAX_INT) return true;
  const text = decodeWtf8(b, from, to);
  return /^-?9007199254740992(\.0+)?$/.test(text) || /e/i.test(text);
}
