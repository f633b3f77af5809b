import { quoted } from './shown-text.ts';

/** The values that literals of the rule language stand for. */

/** Milliseconds of each unit, largest first: the order a compound duration is written in. */
export const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000], ['ms', 1],
]);

export type DurationReading = { readonly ms: number } | { readonly problem: string };

/** Reads `9m59s`: whole numbers with units from the largest to the smallest, each once. The milliseconds must be exact. */
export function readDuration(text: string): DurationReading {
  let ms = 0;
  let previous = Infinity;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    const size = DURATION_UNITS.get(unit!)!;
    if (size === previous) return { problem: `the duration ${quoted(text)} names its unit "${unit}" twice` };
    if (size > previous) return { problem: `the duration ${quoted(text)} is out of order: units go from the largest to the smallest, as in 1h30m` };
    previous = size;
    ms += Number(count) * size;
  }
  if (!Number.isSafeInteger(ms)) return { problem: `the duration ${quoted(text)} is too long` };
  return { ms };
}

export type StringReading = { readonly value: string; readonly problems: readonly { readonly start: number; readonly end: number; readonly text: string }[] };

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0', '"': '"', "'": "'", '\\': '\\', '/': '/' };

/**
 * Reads what stands between the quotes. Escapes are those of JSON, `\0`, `\'` and `\u{…}`; one that is not known is a problem,
 * at offsets into `body`, and stands for itself.
 */
export function readString(body: string): StringReading {
  if (!body.includes('\\')) return { value: body, problems: [] };
  const problems: { start: number; end: number; text: string }[] = [];
  const value = body.replace(/\\(u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|[^])/gu, (all, escape: string, braced: string | undefined, plain: string | undefined, start: number) => {
    const hex = braced ?? plain;
    if (hex !== undefined) {
      const point = parseInt(hex, 16);
      if (point <= 0x10ffff) return String.fromCodePoint(point);
    } else if (Object.hasOwn(ESCAPES, escape)) {
      return ESCAPES[escape]!;
    }
    problems.push({ start, end: start + all.length, text: all });
    return escape;
  });
  return { value, problems };
}
