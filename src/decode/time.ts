import { POWERS } from './numbers.ts';

/** ISO-8601 text to event time, by hand: `Date.parse` reads text without a zone as local time, drops what is finer than 1 ms, and makes objects. */

/** Times past this (of Date) cannot be written back as ISO-8601 text. */
export const MAX_TIME = 8.64e15;

function two(b: Uint8Array, i: number): number {
  const tens = b[i]! - 0x30;
  const ones = b[i + 1]! - 0x30;
  return tens >>> 0 < 10 && ones >>> 0 < 10 ? tens * 10 + ones : -1;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/**
 * The time that the ISO-8601 text bytes[from, to) names, in ms since the epoch with fractions of a ms kept, or NaN. Read are
 * `2018-04-01`, `2018-04-01T00:00`, seconds, a fraction of any length, `Z` or `±hh:mm`, `±hhmm`, `±hh`; a blank may stand for the `T`. Text without a
 * zone is UTC. 24:00 is the next midnight, and second 60 (a leap second) is the first of the next minute.
 */
export function isoTime(b: Uint8Array, from: number, to: number): number {
  if (to - from < 10 || b[from + 4] !== 0x2d || b[from + 7] !== 0x2d) return NaN;
  const century = two(b, from);
  const yearOfCentury = two(b, from + 2);
  const month = two(b, from + 5);
  const day = two(b, from + 8);
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return NaN;
  const year = century * 100 + yearOfCentury;
  if (day > 28 && day > daysInMonth(year, month)) return NaN;
  const midnight = daysFromCivil(year, month, day) * 86_400_000;
  let i = from + 10;
  if (i === to) return midnight;
  const separator = b[i]!;
  if ((separator !== 0x54 && separator !== 0x74 && separator !== 0x20) || to - i < 6 || b[i + 3] !== 0x3a) return NaN;
  const hour = two(b, i + 1);
  const minute = two(b, i + 4);
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59) return NaN;
  i += 6;
  let ms = 0;
  if (i < to && b[i] === 0x3a) {
    if (to - i < 3) return NaN;
    const second = two(b, i + 1);
    if (second < 0 || second > 60) return NaN;
    i += 3;
    ms = second * 1000;
    if (i < to && (b[i] === 0x2e || b[i] === 0x2c)) {
      const first = ++i;
      let fraction = 0;
      let digits = 0;
      for (; i < to && (b[i]! - 0x30) >>> 0 < 10; i++) {
        // Digits past the twelfth are below what a double near today's times can hold.
        if (digits === 12) continue;
        fraction = fraction * 10 + (b[i]! - 0x30);
        digits++;
      }
      if (i === first) return NaN;
      ms += (fraction * 1000) / POWERS[digits]!;
    }
  }
  if (hour === 24 && (minute !== 0 || ms !== 0)) return NaN;
  const local = midnight + (hour * 60 + minute) * 60_000 + ms;
  if (i === to) return local;
  const zone = b[i]!;
  if (zone === 0x5a || zone === 0x7a) return i + 1 === to ? local : NaN;
  if (zone !== 0x2b && zone !== 0x2d) return NaN;
  i++;
  const length = to - i;
  const colon = length === 5 && b[i + 2] === 0x3a;
  if (!(length === 2 || length === 4 || colon)) return NaN;
  const zoneHour = two(b, i);
  const zoneMinute = length === 2 ? 0 : two(b, colon ? i + 3 : i + 2);
  if (zoneHour < 0 || zoneHour > 23 || zoneMinute < 0 || zoneMinute > 59) return NaN;
  const ahead = (zoneHour * 60 + zoneMinute) * 60_000;
  return zone === 0x2b ? local - ahead : local + ahead;
}
