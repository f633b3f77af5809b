/** Durations, sizes and times as people write them in the job file. Readers return undefined for text that is none. */

const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = {
  B: 1, kB: 1000, MB: 1000 ** 2, GB: 1000 ** 3, TB: 1000 ** 4, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4,
};

export const DURATION_PATTERN = '^(0|(\\d+(\\.\\d+)?(ms|s|m|h|d))+)$';
export const SIZE_PATTERN = '^(0|\\d+(\\.\\d+)?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB))$';

/** `1h30m`, `250ms`, `0`; in ms. */
export function readDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!new RegExp(DURATION_PATTERN).test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(count) * DURATIONS[unit!]!;
  return Math.round(total);
}

/** `64MiB`, `10MB`, `512B`, `0`; in bytes. */
export function readSize(text: string): number | undefined {
  if (text === '0') return 0;
  const match = new RegExp(SIZE_PATTERN).exec(text);
  return match === null ? undefined : Math.round(Number.parseFloat(text) * SIZES[match[3]!]!);
}

/** What is wrong with the unit of a text that is no duration, or no size; undefined: it is not the unit. */
export function unitHint(kind: 'duration' | 'size', text: string): string | undefined {
  const units = Object.keys(kind === 'duration' ? DURATIONS : SIZES);
  const unit = /^\d+(?:\.\d+)?\s*([A-Za-zµ]*)$/.exec(text)?.[1];
  if (unit === undefined) return undefined;
  if (unit === '') return `the unit is missing: ${units.join(', ')}`;
  return units.includes(unit) ? 'no space before the unit' : `there is no unit "${unit}"; units are ${units.join(', ')}`;
}

/** The shortest text that reads as the same: 5400000 → `1h30m`. */
export function printDuration(ms: number): string {
  if (ms === 0) return '0';
  let rest = ms;
  let text = '';
  for (const [unit, length] of Object.entries(DURATIONS).reverse()) {
    const count = Math.floor(rest / length);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * length;
  }
  return text;
}

/** 67108864 → `64MiB`: the largest unit that divides it. */
export function printSize(bytes: number): string {
  if (bytes === 0) return '0';
  const units = Object.entries(SIZES).sort((a, b) => b[1] - a[1]);
  const [unit, length] = units.find(([, unitBytes]) => bytes % unitBytes === 0)!;
  return `${bytes / length}${unit}`;
}

export const TIME_PATTERN = '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])(T([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,3})?)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d))?$';

/** ISO-8601: a date (its start in UTC), or a date and a time with its zone; in ms since the epoch. NaN: it is none. */
export function readTime(text: string): number {
  if (!new RegExp(TIME_PATTERN).test(text)) return Number.NaN;
  const date = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  // The 30th of February is not the 1st of March.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text.slice(0, 10)) return Number.NaN;
  return Date.parse(text);
}
