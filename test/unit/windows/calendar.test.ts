import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Calendar, type CalendarUnit } from '../../../src/core/calendar.ts';
import { zoneOffset } from '../../../src/core/time-zones.ts';

const find = (unit: CalendarUnit, zone: string, at: string): string[] => {
  const calendar = new Calendar(unit, zone);
  calendar.find(Date.parse(at));
  return [calendar.start, calendar.end].map((time) => new Date(time).toISOString());
};

test.each<[CalendarUnit, string, string, string, string]>([
  ['day', 'UTC', '2026-03-08T23:59:59.999Z', '2026-03-08T00:00:00.000Z', '2026-03-09T00:00:00.000Z'],
  // A day of 23 hours and one of 25.
  ['day', 'America/New_York', '2026-03-08T12:00:00Z', '2026-03-08T05:00:00.000Z', '2026-03-09T04:00:00.000Z'],
  ['day', 'America/New_York', '2026-11-01T12:00:00Z', '2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z'],
  // Midnight does not exist: the clocks go from 24:00 to 1:00.
  ['day', 'America/Sao_Paulo', '2018-11-04T12:00:00Z', '2018-11-04T03:00:00.000Z', '2018-11-05T02:00:00.000Z'],
  // Clocks set back from 0:01 to 23:01: the day that began stays begun.
  ['day', 'America/St_Johns', '2010-11-07T03:00:00Z', '2010-11-07T02:30:00.000Z', '2010-11-08T03:30:00.000Z'],
  ['day', 'Asia/Kolkata', '2026-01-01T18:29:59.999Z', '2025-12-31T18:30:00.000Z', '2026-01-01T18:30:00.000Z'],
  ['week', 'UTC', '2026-01-01T00:00:00Z', '2025-12-29T00:00:00.000Z', '2026-01-05T00:00:00.000Z'],
  ['week', 'Europe/Berlin', '2026-03-29T20:00:00Z', '2026-03-22T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
  ['month', 'Europe/Berlin', '2026-03-31T21:59:59Z', '2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z'],
  ['month', 'UTC', '1969-12-31T23:00:00Z', '1969-12-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
  // Samoa left out the 30th of December 2011.
  ['day', 'Pacific/Apia', '2011-12-30T09:00:00Z', '2011-12-29T10:00:00.000Z', '2011-12-30T10:00:00.000Z'],
  ['day', 'Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00.000Z', '2011-12-31T10:00:00.000Z'],
])('the %s in %s of %s', (unit, zone, at, start, end) => {
  expect(find(unit, zone, at)).toEqual([start, end]);
});

test('spans follow on each other without a gap and begin at the first moment of their date', () => {
  const zones = ['America/New_York', 'Europe/London', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Beirut', 'America/Havana', 'Pacific/Apia', 'Africa/Cairo'];
  fc.assert(fc.property(fc.constantFrom<CalendarUnit>('day', 'week', 'month'), fc.constantFrom(...zones), fc.integer({ min: 0, max: 2_000_000_000 }), (unit, zone, seconds) => {
    const calendar = new Calendar(unit, zone);
    calendar.find(seconds * 1000);
    const { start, end } = calendar;
    expect(start <= seconds * 1000 && seconds * 1000 < end).toBe(true);
    calendar.find(end);
    expect(calendar.start).toBe(end);
    calendar.find(start - 1);
    expect(calendar.end).toBe(start);
    // Whatever date a clock shows just before the start, it never showed the span's date before.
    const dayAt = (time: number): number => Math.floor((time + zoneOffset(zone, time)) / 86_400_000);
    for (let hours = 0; hours < 30; hours++) expect(dayAt(start - 1 - hours * 600_000)).toBeLessThan(dayAt(start));
  }), { numRuns: 500 });
});
