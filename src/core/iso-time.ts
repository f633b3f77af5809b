/** Event time as ISO-8601 text in UTC with milliseconds; null where it is none. */
export function isoTime(time: number): string | null {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : null;
}
