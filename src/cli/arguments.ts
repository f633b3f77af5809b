/** Parsers of option values. Each throws commander's InvalidArgumentError, which tells the person which option was wrong and why. */
import { InvalidArgumentError } from 'commander';
import { isoTime } from '../decode/index.ts';

const UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as in rules, `10s`, `1h30m`, or `0`; in ms. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) {
    throw new InvalidArgumentError(`"${text}" is not a duration such as 250ms, 5s, 10m, 1h30m or 7d.`);
  }
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(count) * UNIT[unit!]!;
  return total;
}

/** A time: ISO-8601 text (a date, or a date and a time; UTC unless it says another zone) or epoch milliseconds. */
export function parseTime(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const time = /^-?\d+$/.test(text) && text.length !== 4 ? Number(text) : isoTime(bytes, 0, bytes.length);
  if (!(Math.abs(time) <= 8.64e15)) {
    throw new InvalidArgumentError(`"${text}" is not a time such as 2018-04-01, 2018-04-01T12:30:00Z or epoch milliseconds.`);
  }
  return time;
}

/** A whole number of at least 0, such as 100000 or 100_000. */
export function parseCount(text: string): number {
  const count = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw new InvalidArgumentError(`"${text}" is not a whole number.`);
  return count;
}

/** For options given many times, or once with commas: collects the values. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), ...text.split(',').map((part) => part.trim()).filter((part) => part !== '')];
}

/** One renamed field of the data: `Payment.card=customer_id`. */
export interface FieldMapping { readonly type: string; readonly field: string; readonly source: string }

/** `Type.field=name in the data`, comma-separated or given again. */
export function parseMappings(text: string, before: readonly FieldMapping[] | undefined): FieldMapping[] {
  const found: FieldMapping[] = [...(before ?? [])];
  for (const part of text.split(',')) {
    const match = /^\s*([A-Z]\w*)\.([a-z_]\w*)\s*=\s*(.+?)\s*$/.exec(part);
    if (match === null) throw new InvalidArgumentError(`"${part}" is not of the form Type.field=name, such as Payment.card=customer_id.`);
    found.push({ type: match[1]!, field: match[2]!, source: match[3]! });
  }
  return found;
}

/** A param's override as written: `big=750`. The value is read by the param's type, see params.ts. */
export interface ParamOverride { readonly name: string; readonly text: string }

/** `name=value`; a value may hold commas, so each override is an option of its own. */
export function parseParam(text: string, before: readonly ParamOverride[] | undefined): ParamOverride[] {
  const match = /^\s*([a-z_]\w*)\s*=(.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError(`"${text}" is not of the form name=value, such as big=750.`);
  return [...(before ?? []), { name: match[1]!, text: match[2]!.trim() }];
}

/** One input of events: a file's path (`-`: standard input), and the type of every event in it where the option says one. */
export interface EventsInput { readonly path: string; readonly type: string | undefined }

export interface TableInput { readonly name: string; readonly path: string }

/** `name=FILE` */
export function parseTable(text: string, before: readonly TableInput[] | undefined): TableInput[] {
  const match = /^([a-z_]\w*)=(.+)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError('A table is written as NAME=FILE.');
  return [...(before ?? []), { name: match[1]!, path: match[2]! }];
}

/** `FILE` or `Type=FILE`. A file whose name has such a form is written with a folder: `./Payment=pay.csv`. */
export function parseEvents(text: string, before: readonly EventsInput[] | undefined): EventsInput[] {
  const match = /^([A-Z]\w*)=(.+)$/s.exec(text);
  const path = match === null ? text : match[2]!;
  if (path === '') throw new InvalidArgumentError('The name of a file is missing.');
  return [...(before ?? []), { path, type: match?.[1] }];
}
