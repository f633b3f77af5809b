import { describe, expect, test } from '@jest/globals';
import { alertStory } from '../../../src/cli/alert-story.ts';
import { colours } from '../../../src/cli/colours.ts';
import { alertFromJson, eventReader } from '../../../src/cli/live/alert-from-json.ts';
import { jobOf, programOf } from '../config/support.ts';
import { alertOf, jsonOf, RULES, T0 } from './alerts.ts';

const PLAIN = colours(false);
const program = programOf(RULES);
const reader = eventReader(jobOf(), program);

test('an alert survives the way through JSON, and tells the same story', () => {
  const alert = alertOf(7);
  const read = alertFromJson(jsonOf(alert), reader);
  expect(read).toEqual(alert);
  expect(alertStory(read!, PLAIN)).toBe(alertStory(alert, PLAIN));
  expect(alertStory(read!, PLAIN)).toContain('+1m');
});

test.each([
  ['a timeout in shadow mode, with what was dropped and suppressed', { kind: 'timeout', shadow: true, dropped: 3, suppressed: 2 }],
  ['without a title, a key, events', { title: undefined, key: {}, events: undefined }],
] as const)('%s', (_, more) => {
  const alert = alertOf(1, more);
  expect(alertFromJson(jsonOf(alert), reader)).toEqual(alert);
});

test('references tell where and when', () => {
  const alert = alertOf(1, { events: [{ stage: 'small', events: [{ text: undefined, type: 'Payment', time: T0 + 5, source: 0, partition: 3, offset: 42 }] }] });
  expect(alertFromJson(jsonOf(alert), reader)).toEqual(alert);
});

describe('type and time of events', () => {
  const withEvent = (event: object): string => jsonOf(alertOf(1, { events: [{ stage: 'small', events: [{ text: JSON.stringify(event), type: '', time: 0, source: 0, partition: 0, offset: 0 }] }] }));
  const eventOf = (event: object, by = reader) => alertFromJson(withEvent(event), by)!.events![0]!.events[0]!;

  test('the stage says the type where the event does not', () => {
    expect(eventOf({ ts: T0, card: 'c' })).toMatchObject({ type: 'Payment', time: T0 });
  });

  test('a source may call the time field otherwise', () => {
    const job = jobOf('sources:\n  payments: { file: payments.jsonl, type: Payment, map: { ts: booked_at } }');
    expect(eventOf({ booked_at: '2026-04-01T12:00:00Z' }, eventReader(job, program))).toMatchObject({ type: 'Payment', time: T0 });
  });

  test('without the rules the time is not known, and the story leaves it out', () => {
    const blind = eventReader(jobOf(), undefined);
    expect(eventOf({ type: 'Payment', ts: T0 }, blind)).toMatchObject({ type: 'Payment', time: NaN });
    expect(alertStory(alertFromJson(withEvent({ type: 'Payment', ts: T0 }), blind)!, PLAIN)).not.toMatch(/NaN|\+/);
  });
});

test.each(['', 'null', '[]', '17', '{"rule":1}', '{"rule":"R"}', '{"id":'])('no alert: %s', (text) => {
  expect(alertFromJson(text, reader)).toBeUndefined();
});

test('an alert of another version, with parts missing or strange, still tells what it can', () => {
  const read = alertFromJson('{"id":"x","rule":"R","key":null,"tags":"t","from":"soon","events":{"a":[1,null]}}', reader)!;
  expect(read).toMatchObject({ id: 'x', rule: 'R', key: {}, tags: [], severity: 'medium' });
  expect(alertStory(read, PLAIN)).toContain('R');
});
