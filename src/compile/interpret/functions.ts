import { compileRegex, isInside, parseAddress, parseNetwork, replaceMatches } from '../../core/text-patterns.ts';
import { zoneOffset } from '../../core/time-zones.ts';
import type { Expr, Type } from '../../../dsl/typed.ts';
import { regexArgument } from '../expr/calls.ts';

/**
 * The functions of the language over plain values (see interpret.ts), without any regard for speed. Only the libraries for regular
 * expressions, IP addresses and time zones are shared with the engine's functions.
 */

type Fn = (...args: any[]) => unknown;

const finite = (x: number): number | null => (Number.isFinite(x) ? x : null);

/** Functions whose null arguments make the result null before they are called. */
const functions: Readonly<Record<string, Fn>> = {
  abs: (x) => (x < 0 ? -x : x),
  min: (...xs) => xs.reduce((a, b) => (b < a ? b : a)),
  max: (...xs) => xs.reduce((a, b) => (b > a ? b : a)),
  round: (x, digits = 0) => roundDecimal(x, Math.trunc(digits)),
  floor: (x) => Math.floor(x),
  ceil: (x) => Math.ceil(x),
  sqrt: (x) => finite(Math.sqrt(x)),
  ln: (x) => finite(Math.log(x)),
  log10: (x) => finite(Math.log10(x)),
  exp: (x) => finite(Math.exp(x)),
  pow: (x, y) => finite(x ** y),

  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  length: (text) => Array.from(text).length,
  trim: (text) => text.trim(),
  contains: (text, part) => text.includes(part),
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  substring: (text, from, to = Infinity) => Array.from(text).filter((_, i) => i >= Math.trunc(from) && i < Math.trunc(to)).join(''),
  split: (text, by) => (by === '' ? Array.from(text) : text.split(by)),
  replace: (text, part, by) => (part === '' ? text : text.split(part).join(by)),
  matches: (text, source, ignoreCase) => compileRegex(source, ignoreCase).test(text),

  hour: (time, zone = 'UTC') => clock(time, zone, (date) => date.getUTCHours()),
  minute: (time, zone = 'UTC') => clock(time, zone, (date) => date.getUTCMinutes()),
  dayOfWeek: (time, zone = 'UTC') => clock(time, zone, (date) => date.getUTCDay() || 7),
  date: (time, zone = 'UTC') => clock(time, zone, (date) => date.toISOString().replace(/T.*/, '')),

  distanceKm(lat1, lon1, lat2, lon2) {
    // Two points on the unit sphere; the angle between them from the length of the chord.
    const point = (lat: number, lon: number): number[] => {
      const [a, b] = [(lat * Math.PI) / 180, (lon * Math.PI) / 180];
      return [Math.cos(a) * Math.cos(b), Math.cos(a) * Math.sin(b), Math.sin(a)];
    };
    const [p, q] = [point(lat1, lon1), point(lat2, lon2)];
    const chord = Math.hypot(...p!.map((coordinate, i) => coordinate - q![i]!));
    return finite(2 * 6371.0088 * Math.asin(Math.min(1, chord / 2)));
  },
  inCidr(address, network) {
    const [inner, outer] = [parseAddress(address), parseNetwork(network)];
    return inner === undefined || outer === undefined ? null : isInside(inner, outer);
  },
  size: (list) => list.length,
};

/**
 * Calls a function of the language by its name. `type` is that of the first argument, where the function's result depends on it; `exprs` the
 * arguments as written, for regular expressions and for the types of several arguments.
 */
export function callFunction(name: string, args: readonly any[], type: Type | undefined, exprs: readonly Expr[] = []): unknown {
  if (name === 'coalesce') return args.find((arg) => arg !== null) ?? null;
  if (args.some((arg) => arg === null)) return null;
  if ((name === 'min' || name === 'max') && type?.kind === 'list' && args.length === 1) {
    const present = args[0].filter((item: unknown) => item !== null);
    return present.length === 0 ? null : functions[name]!(...present);
  }
  if (name === 'hash') return hash(asText(args[0], type!));
  if (name === 'concat') return args.map((arg, i) => asText(arg, exprs[i]!.type)).join('');
  const regex = name === 'split' || name === 'replace' ? regexArgument(exprs[1]!) : undefined;
  if (regex !== undefined) {
    const compiled = compileRegex(regex.source, regex.ignoreCase);
    return name === 'split' ? compiled.split(args[0], -1) : replaceMatches(compiled, args[0], args[2]);
  }
  const fn = functions[name];
  if (fn === undefined) throw new Error(`no function "${name}"`);
  return fn(...args);
}

/** A value as text: times ISO-8601, durations in ms, lists and records as JSON. */
function asText(value: unknown, type: Type): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return JSON.stringify(value);
  if (type.kind !== 'time') return String(value);
  const date = new Date(value as number);
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString();
}

/** FNV-1a with 64 bits over the UTF-8 bytes; the first 53 bits of it. */
function hash(text: string): number {
  let state = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) state = BigInt.asUintN(64, (state ^ BigInt(byte)) * 0x100000001b3n);
  return Number(state >> 11n);
}

function clock(time: number, zone: string, read: (date: Date) => unknown): unknown {
  const date = new Date(time + zoneOffset(zone, time));
  return Number.isNaN(date.getTime()) ? null : read(date);
}

/** Half away from zero at the given decimal place of the number as JavaScript writes it. */
function roundDecimal(x: number, places: number): number | null {
  const [digits, exponent] = Math.abs(x).toExponential().split('e') as [string, string];
  const whole = BigInt(digits.replace('.', ''));
  // |x| is whole × 10^-scale; cut the places beyond `places`, rounding half up.
  const scale = digits.replace(/^\d\.?/, '').length - Number(exponent);
  const cut = scale - places;
  if (cut <= 0) return x;
  const unit = cut > 400 ? 0n : 10n ** BigInt(cut);
  const kept = unit === 0n ? 0n : (whole + unit / 2n) / unit;
  const size = Number(`${kept}e${-places}`);
  return finite(x < 0 ? -size : size);
}
