import { zoneOffset } from './time-zones.ts';

/** Days, weeks (from Monday, as ISO 8601 has it) and months of the calendar in a time zone, as half-open spans of time. */
export type CalendarUnit = 'day' | 'week' | 'month';

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** Where spans begin and end: each begins at the first moment whose date by the clocks of the zone is in it, so that they follow on each other through every change of the clocks. */
export class Calendar {
  readonly #unit: CalendarUnit;
  readonly #zone: string;
  /** The span found last. */
  start = NaN;
  end = NaN;

  /** `zone`: a name that `isTimeZone` knows. */
  constructor(unit: CalendarUnit, zone: string) {
    this.#unit = unit;
    this.#zone = zone;
  }

  /** Finds the span that covers `time` (ms since the epoch): `start` and `end`. */
  find(time: number): void {
    if (time >= this.start && time < this.end) return;
    let first = this.#firstDay(Math.floor((time + zoneOffset(this.#zone, time)) / DAY));
    let start = this.#beginOf(first);
    let end = this.#beginOf(this.#nextFirst(first));
    // Clocks that are set back over midnight show the day before once more: it is over all the same.
    while (time >= end) {
      first = this.#nextFirst(first);
      start = end;
      end = this.#beginOf(this.#nextFirst(first));
    }
    this.start = start;
    this.end = end;
  }

  /** The first day (days since 1970-01-01) of the span that holds a day. */
  #firstDay(day: number): number {
    switch (this.#unit) {
      case 'day': return day;
      case 'week': return day - (((day + 3) % 7) + 7) % 7;
      case 'month': {
        const date = new Date(day * DAY);
        return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY;
      }
    }
  }

  #nextFirst(first: number): number {
    switch (this.#unit) {
      case 'day': return first + 1;
      case 'week': return first + 7;
      case 'month': {
        const date = new Date(first * DAY);
        return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / DAY;
      }
    }
  }

  /** The first moment at which the clocks of the zone show midnight of a day, or a later time. */
  #beginOf(day: number): number {
    const local = day * DAY;
    const offset = (time: number): number => zoneOffset(this.#zone, time);
    // No clock is further from UTC than 14 hours; those of before and after a change, if there is one about.
    const before = offset(local - 26 * HOUR);
    const after = offset(local + 26 * HOUR);
    const early = local - before;
    if (before === after || offset(early - 1) === before && offset(early) === before) return early;
    const late = local - after;
    if (offset(late) === after && offset(late - 1) === after && late >= early) return late;
    // At a change, or inside the hour that it skips: the first moment that is late enough.
    let low = Math.min(early, late) - 1;
    let high = Math.max(early, late) + 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (middle + offset(middle) >= local) high = middle;
      else low = middle;
    }
    return high;
  }
}
