import { BoundedCache } from './bounded-cache.ts';

/**
 * Offsets from UTC of the zones of the IANA database (as built into the JavaScript engine), exact to the millisecond of a change and fast:
 * the database is asked twice for each day of a zone, then the answer is kept.
 */

const DAY = 86_400_000;
/** The largest time a JavaScript date can hold, ms either side of 1970. */
const MAX_TIME = 8.64e15;

/** The offset over one day of UTC: `before` up to `change`, `after` from then on. A day has at most one change. */
interface DayOffset { readonly before: number; readonly change: number; readonly after: number }

class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, DayOffset>();
  #lastDay = NaN;
  #last: DayOffset = { before: 0, change: Infinity, after: 0 };

  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  offset(time: number): number {
    const day = Math.floor(time / DAY);
    if (day !== this.#lastDay) {
      this.#last = this.#day(day);
      this.#lastDay = day;
    }
    return time < this.#last.change ? this.#last.before : this.#last.after;
  }

  #day(day: number): DayOffset {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const start = day * DAY;
    const before = this.#ask(Math.max(start, -MAX_TIME));
    const after = this.#ask(Math.min(start + DAY, MAX_TIME));
    let change = Infinity;
    if (before !== after) {
      // Halve down to the first millisecond of the new offset.
      let low = start;
      change = start + DAY;
      while (change - low > 1) {
        const middle = Math.floor((low + change) / 2);
        if (this.#ask(middle) === before) low = middle;
        else change = middle;
      }
    }
    const found: DayOffset = { before, change, after };
    if (this.#days.size >= 4096) this.#days.clear();
    this.#days.set(day, found);
    return found;
  }

  /** Asks the database; ms east of UTC. The offset's text is `GMT`, `GMT+05:30` or, before standard time, `GMT-04:56:02`. */
  #ask(time: number): number {
    const text = this.#format.formatToParts(time).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
    const match = /^GMT([+\-\u2212])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text);
    if (match === null) return 0;
    const size = ((Number(match[2]) * 60 + Number(match[3])) * 60 + Number(match[4] ?? 0)) * 1000;
    return match[1] === '+' ? size : -size;
  }
}

const zones = new BoundedCache<Zone | null>((name) => {
  try {
    return new Zone(name);
  } catch {
    return null;
  }
}, 512);

/** Whether `name` is a time zone, such as `UTC`, `Europe/Paris` or `+02:00`. */
export function isTimeZone(name: string): boolean {
  return zones.get(name) !== null;
}

/** What a clock in `zone` is ahead of UTC at `time` (ms since the epoch), in ms; NaN for an unknown zone or a time out of range. */
export function zoneOffset(zone: string, time: number): number {
  if (!(time >= -MAX_TIME && time <= MAX_TIME)) return NaN;
  if (zone === 'UTC') return 0;
  return zones.get(zone)?.offset(time) ?? NaN;
}
