import type { RE2JS } from 're2js';
import { BoundedCache } from './bounded-cache.ts';
import type { Strings } from './strings.ts';
import { compileLike, compileRegex, isInside, parseAddress, parseNetwork, replaceMatches } from './text-patterns.ts';
import type { LikeTest, Network } from './text-patterns.ts';
import { zoneOffset } from './time-zones.ts';
import { NULL } from './values.ts';
import type { Value } from './values.ts';

/**
 * How the text or JSON of a value is written, where its type matters: `n` int, float, duration (ms); `t` time; `b` bool; `s` string;
 * `j` list or record (already the id of JSON text).
 */
export type Tag = 'n' | 't' | 'b' | 's' | 'j';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MAX_TIME = 8.64e15;
/** The earth's mean radius, km (IUGG). */
const EARTH_RADIUS = 6371.0088;
const utf8 = new TextEncoder();

export function makeRuntime(strings: Strings): Runtime {
  return new Runtime(strings);
}

/**
 * What generated code calls. Arguments and results are values as in values.ts unless a method says otherwise; a null argument gives null
 * unless it says otherwise. Nothing here throws on any value, and nothing remembers a string id: what is cached is keyed by text, in
 * bounded caches, so the Strings table may reuse ids at will between two evaluations.
 *
 * Lists and records are JSON text as JSON.stringify writes it: a record's fields by their declared names, times and durations as ms.
 */
export class Runtime {
  readonly #strings: Strings;
  readonly #json = new BoundedCache<object | string | number | boolean | null>((text) => JSON.parse(text));
  /** The JSON text of every element of a list, for membership. */
  readonly #members = new BoundedCache<ReadonlySet<string>>((text) => new Set((this.#json.get(text) as unknown[]).map((item) => JSON.stringify(item))));
  readonly #likes = new BoundedCache<LikeTest>(compileLike);
  readonly #regexes = new BoundedCache<RE2JS>((key) => compileRegex(key.slice(1), key[0] === 'i'));
  readonly #addresses = new BoundedCache<Network | null>((text) => parseAddress(text) ?? null);
  readonly #networks = new BoundedCache<Network | null>((text) => parseNetwork(text) ?? null);

  constructor(strings: Strings) {
    this.#strings = strings;
  }

  /** Empties the caches; results do not change by it. */
  clear(): void {
    for (const cache of [this.#json, this.#members, this.#likes, this.#regexes, this.#addresses, this.#networks]) cache.clear();
  }

  // Numbers. abs, floor, ceil, and min and max of several numbers are Math's own in generated code: they pass NaN on.

  /** The number, or null where it is not finite. */
  finite(x: number): Value {
    return x - x === 0 ? x : NULL;
  }

  /** Half away from zero, to `digits` decimals (negative: tens, hundreds …) of the number as it is written: round(1.005, 2) is 1.01. */
  round(x: Value, digits: Value = 0): Value {
    if (x !== x || digits !== digits) return NULL;
    const places = Math.trunc(digits);
    if (places === 0) return x < 0 ? -Math.round(-x) : Math.round(x);
    const shifted = shift(Math.abs(x), places);
    if (!(shifted < 2 ** 53)) return x; // it has no digits so far right
    const size = shift(Math.round(shifted), -places);
    return this.finite(x < 0 ? -size : size);
  }

  sqrt(x: Value): Value {
    return Math.sqrt(x);
  }

  ln(x: Value): Value {
    return this.finite(Math.log(x));
  }

  log10(x: Value): Value {
    return this.finite(Math.log10(x));
  }

  exp(x: Value): Value {
    return this.finite(Math.exp(x));
  }

  /** Null with null also where JavaScript says 1 (`pow(null, 0)`). */
  pow(x: Value, y: Value): Value {
    return x !== x ? NULL : this.finite(Math.pow(x, y));
  }

  /** The least element of a list of numbers that is not null; null where there is none. */
  minOf(list: Value): Value {
    return this.#fold(list, Math.min);
  }

  maxOf(list: Value): Value {
    return this.#fold(list, Math.max);
  }

  /** lo <= x and x <= hi, a JavaScript boolean; false with null. */
  between(x: Value, lo: Value, hi: Value): boolean {
    return x >= lo && x <= hi;
  }

  /** `??`, and `coalesce` of two. */
  orElse(x: Value, otherwise: Value): Value {
    return x === x ? x : otherwise;
  }

  // Text

  /** Below, equal or above zero as a comes before, with or after b; NaN with null. */
  compare(a: Value, b: Value): number {
    return a !== a || b !== b ? NaN : this.#strings.compare(a, b);
  }

  betweenText(x: Value, lo: Value, hi: Value): boolean {
    return this.compare(x, lo) >= 0 && this.compare(x, hi) <= 0;
  }

  /** The value as text: times ISO-8601 in UTC, durations in ms, lists and records JSON. */
  text(x: Value, tag: Tag): Value {
    return x !== x || tag === 's' || tag === 'j' ? x : this.#strings.intern(plainText(x, tag));
  }

  lower(text: Value): Value {
    return text !== text ? NULL : this.#strings.intern(this.#strings.text(text).toLowerCase());
  }

  upper(text: Value): Value {
    return text !== text ? NULL : this.#strings.intern(this.#strings.text(text).toUpperCase());
  }

  trim(text: Value): Value {
    return text !== text ? NULL : this.#strings.intern(this.#strings.text(text).trim());
  }

  /** In characters (Unicode code points). */
  length(text: Value): Value {
    return text !== text ? NULL : characters(this.#strings.text(text));
  }

  contains(text: Value, part: Value): Value {
    return text !== text || part !== part ? NULL : Number(this.#strings.text(text).includes(this.#strings.text(part)));
  }

  startsWith(text: Value, part: Value): Value {
    return text !== text || part !== part ? NULL : Number(this.#strings.text(text).startsWith(this.#strings.text(part)));
  }

  endsWith(text: Value, part: Value): Value {
    return text !== text || part !== part ? NULL : Number(this.#strings.text(text).endsWith(this.#strings.text(part)));
  }

  /** The characters [from, to) counted from 0; without `to` up to the end. What lies outside the text is left out. */
  substring(text: Value, from: Value, to: Value = Infinity): Value {
    if (text !== text || from !== from || to !== to) return NULL;
    const whole = this.#strings.text(text);
    const start = Math.max(0, Math.trunc(from));
    const end = Math.max(start, Math.trunc(to));
    return this.#strings.intern(isBmp(whole) ? whole.slice(start, end) : [...whole].slice(start, end).join(''));
  }

  /** A list of the parts between separators; by an empty separator, of the characters. */
  split(text: Value, separator: Value): Value {
    if (text !== text || separator !== separator) return NULL;
    const by = this.#strings.text(separator);
    const whole = this.#strings.text(text);
    return this.#strings.intern(JSON.stringify(by === '' ? [...whole] : whole.split(by)));
  }

  splitRegex(text: Value, source: string, ignoreCase: boolean): Value {
    return text !== text ? NULL : this.#strings.intern(JSON.stringify(this.#regex(source, ignoreCase).split(this.#strings.text(text), -1)));
  }

  /** Every occurrence of `part`, from left to right; an empty part occurs nowhere. */
  replace(text: Value, part: Value, by: Value): Value {
    if (text !== text || part !== part || by !== by) return NULL;
    const what = this.#strings.text(part);
    const replacement = this.#strings.text(by);
    return what === '' ? text : this.#strings.intern(this.#strings.text(text).replaceAll(what, () => replacement));
  }

  /** Every match of the regular expression; `$1` or `${name}` in `by` is what a group matched, `$$` is one `$`. */
  replaceRegex(text: Value, source: string, ignoreCase: boolean, by: Value): Value {
    if (text !== text || by !== by) return NULL;
    return this.#strings.intern(replaceMatches(this.#regex(source, ignoreCase), this.#strings.text(text), this.#strings.text(by)));
  }

  concat(...texts: Value[]): Value {
    let whole = '';
    for (const text of texts) {
      if (text !== text) return NULL;
      whole += this.#strings.text(text);
    }
    return this.#strings.intern(whole);
  }

  /** A JavaScript boolean; false with null. */
  like(text: Value, pattern: Value): boolean {
    return text === text && pattern === pattern && this.#likes.get(this.#strings.text(pattern))(this.#strings.text(text));
  }

  /** Whether the regular expression matches anywhere in the text, a JavaScript boolean; false with null. */
  matches(text: Value, source: string, ignoreCase: boolean): boolean {
    return text === text && this.#regex(source, ignoreCase).test(this.#strings.text(text));
  }

  /** The first 53 bits of the FNV-1a hash (64 bits) of the value's text in UTF-8. It is the same on every machine and in every version. */
  hash(x: Value, tag: Tag): Value {
    if (x !== x) return NULL;
    return fnv1a(tag === 's' || tag === 'j' ? this.#strings.text(x) : plainText(x, tag));
  }

  /** Whether the address lies in the network, IPv4 or IPv6; null where either text is no such thing. */
  inCidr(address: Value, network: Value): Value {
    if (address !== address || network !== network) return NULL;
    const range = this.#networks.get(this.#strings.text(network));
    const single = this.#addresses.get(this.#strings.text(address));
    return range === null || single === null ? NULL : Number(isInside(single, range));
  }

  // Time. A zone is a name of the IANA database or an offset such as +02:00; an unknown one gives null. Without a zone: UTC.

  /** 0 to 23. */
  hour(time: Value, zone?: Value): Value {
    const local = this.#local(time, zone);
    return Math.floor((local - Math.floor(local / DAY) * DAY) / HOUR);
  }

  /** 0 to 59. */
  minute(time: Value, zone?: Value): Value {
    const local = this.#local(time, zone);
    return Math.floor((local - Math.floor(local / HOUR) * HOUR) / 60_000);
  }

  /** 1 Monday to 7 Sunday (ISO-8601). */
  dayOfWeek(time: Value, zone?: Value): Value {
    const day = Math.floor(this.#local(time, zone) / DAY) + 3; // 1970-01-01 was a Thursday
    return day - Math.floor(day / 7) * 7 + 1;
  }

  /** The calendar date as text, `2026-03-29`. */
  date(time: Value, zone?: Value): Value {
    const local = this.#local(time, zone);
    return local !== local ? NULL : this.#strings.intern(new Date(local).toISOString().split('T')[0]!);
  }

  /** The great-circle distance of two points given in degrees, by the haversine formula. */
  distanceKm(lat1: Value, lon1: Value, lat2: Value, lon2: Value): Value {
    const radians = Math.PI / 180;
    const dLat = Math.sin(((lat2 - lat1) * radians) / 2);
    const dLon = Math.sin(((lon2 - lon1) * radians) / 2);
    const h = dLat * dLat + Math.cos(lat1 * radians) * Math.cos(lat2 * radians) * dLon * dLon;
    return this.finite(2 * EARTH_RADIUS * Math.asin(Math.min(1, Math.sqrt(h))));
  }

  // Lists and records

  /** A list of elements of one type. A null element stays null. */
  list(tag: Tag, ...items: Value[]): Value {
    let text = '';
    for (const item of items) text += (text === '' ? '[' : ',') + this.#jsonOf(item, tag);
    return this.#strings.intern(text === '' ? '[]' : `${text}]`);
  }

  /** The element at `index`, counted from 0; null outside the list. */
  at(list: Value, index: Value): Value {
    return list !== list || index !== index ? NULL : this.#value((this.#parsed(list) as unknown[])[index]);
  }

  /** A record's field; null where it has none. */
  member(record: Value, field: string): Value {
    if (record !== record) return NULL;
    const fields = this.#parsed(record) as Record<string, unknown>;
    return Object.hasOwn(fields, field) ? this.#value(fields[field]) : NULL;
  }

  /** The number of elements of a list. */
  size(list: Value): Value {
    return list !== list ? NULL : (this.#parsed(list) as unknown[]).length;
  }

  /** Whether the list has an element equal to x, a JavaScript boolean; false with null (a null element equals nothing). */
  includes(list: Value, x: Value, tag: Tag): boolean {
    return list === list && x === x && this.#members.get(this.#strings.text(list)).has(this.#jsonOf(x, tag));
  }

  /** Whether `holds`, a JavaScript condition on an element's value, is true of any element. */
  any(list: Value, holds: (element: Value) => boolean): Value {
    if (list !== list) return NULL;
    for (const item of this.#parsed(list) as unknown[]) if (holds(this.#value(item))) return 1;
    return 0;
  }

  /** The value of a parsed JSON value; numbers are taken as they are. */
  #value(json: unknown): Value {
    switch (typeof json) {
      case 'number': return json;
      case 'boolean': return Number(json);
      case 'string': return this.#strings.intern(json);
      default: return json === null || json === undefined ? NULL : this.#strings.intern(JSON.stringify(json));
    }
  }

  /** A list or record, parsed; shared, so it must not be changed. */
  #parsed(id: Value): unknown {
    return this.#json.get(this.#strings.text(id));
  }

  #jsonOf(x: Value, tag: Tag): string {
    if (x !== x) return 'null';
    switch (tag) {
      case 'n': case 't': return JSON.stringify(x);
      case 'b': return x === 0 ? 'false' : 'true';
      case 's': return JSON.stringify(this.#strings.text(x));
      case 'j': return this.#strings.text(x);
    }
  }

  #fold(list: Value, pick: (a: number, b: number) => number): Value {
    let best = NULL;
    if (list !== list) return NULL;
    for (const item of this.#parsed(list) as unknown[]) {
      if (typeof item === 'number') best = best !== best ? item : pick(best, item);
    }
    return best;
  }

  #regex(source: string, ignoreCase: boolean): RE2JS {
    return this.#regexes.get((ignoreCase ? 'i' : '-') + source);
  }

  /** The time as read off a clock in the zone, as ms of that clock since 1970; NaN where there is none. */
  #local(time: Value, zone: Value | undefined): number {
    if (zone !== undefined && zone !== zone) return NULL;
    const local = zone === undefined ? time : time + zoneOffset(this.#strings.text(zone), time);
    return Math.abs(local) <= MAX_TIME ? local : NULL;
  }
}

/** A finite number times 10^places, exactly as decimal text has it. */
function shift(x: number, places: number): number {
  const [digits, exponent] = `${x}`.split('e');
  return Number(`${digits}e${Number(exponent ?? 0) + places}`);
}

function plainText(x: number, tag: 'n' | 't' | 'b'): string {
  switch (tag) {
    case 'n': return String(x);
    case 't': return Math.abs(x) <= MAX_TIME ? new Date(x).toISOString() : String(x);
    case 'b': return x === 0 ? 'false' : 'true';
  }
}

/** Whether every character is one UTF-16 unit. */
function isBmp(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) return false;
  }
  return true;
}

function characters(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i++) {
    // A low surrogate after a high one is the second half of one character.
    if ((text.charCodeAt(i) & 0xfc00) === 0xdc00 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count--;
  }
  return count;
}

/** 64 bits of FNV-1a in two halves of 32; the product with the prime 2^40 + 435 stays exact in doubles. */
function fnv1a(text: string): number {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  let bytes: Uint8Array | undefined;
  for (let i = 0; i < (bytes ?? text).length; i++) {
    let byte = bytes === undefined ? text.charCodeAt(i) : bytes[i]!;
    if (bytes === undefined && byte >= 0x80) {
      // What came before is ASCII, with as many bytes as characters.
      bytes = utf8.encode(text);
      byte = bytes[i]!;
    }
    low = (low ^ byte) >>> 0;
    const product = low * 435;
    high = (high * 435 + Math.floor(product / 0x1_0000_0000) + ((low << 8) >>> 0)) % 0x1_0000_0000;
    low = product >>> 0;
  }
  return high * 0x20_0000 + (low >>> 11);
}
