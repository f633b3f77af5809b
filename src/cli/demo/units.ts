import { InvalidArgumentError } from 'commander';

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `250ms 10s 5m 2h 30d` and compounds such as `9m59s`, in ms. */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/gy)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new InvalidArgumentError('a duration looks like 250ms, 10s, 5m, 1h30m or 7d.');
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * MS[unit as keyof typeof MS], 0);
}

/** `1000/s 50/m 3/h`, as events per second. */
export function rate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(text);
  const perSecond = match === null ? 0 : Number(match[1]) / (MS[(match[2] ?? 's') as 's' | 'm' | 'h'] / 1000);
  if (!(perSecond > 0)) throw new InvalidArgumentError('a rate looks like 1000/s, 50/m or 3/h, and is above 0.');
  return perSecond;
}

/** `60x`, or `max` (Infinity). */
export function speed(text: string): number {
  if (text === 'max') return Infinity;
  const match = /^(\d+(?:\.\d+)?)x?$/.exec(text);
  const factor = match === null ? 0 : Number(match[1]);
  if (!(factor > 0)) throw new InvalidArgumentError('a speed looks like 1x or 60x, or is max.');
  return factor;
}

export function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number above 0 is needed.');
  return Number(text);
}

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0)) throw new InvalidArgumentError('a number above 0 is needed.');
  return value;
}
