import { describe, expect, test } from '@jest/globals';
import { alertToJson } from '../../../src/core/alert-json.ts';
import { alertStory } from '../../../src/cli/alert-story.ts';
import { colours } from '../../../src/cli/colours.ts';
import type { Alert, BoundEvent } from '../../../src/core/alert.ts';

const START = Date.UTC(2026, 0, 5, 8);

const event = (seconds: number, text: string | undefined): BoundEvent => ({ text, type: 'Payment', time: START + 1000 * seconds, source: 0, partition: 2, offset: seconds });

const alert: Alert = {
  id: 'a1b2', rule: 'CardTesting', channel: 'fraud_alerts', kind: 'match', version: 3, title: 'Small probes', severity: 'high', tags: ['fraud', 'card'],
  key: { card: 'c1' }, from: START, to: START + 40_000, detected: START + 41_000, at: START + 40_000, suppressed: 2, dropped: 0, shadow: false,
  fields: { card: 'c1', probes: 2, spent: 902.5 },
  events: [
    { stage: 'probe', events: [event(0, '{"card":"c1","amount":1.0}'), event(10, '{"card":"c1","amount":1.50}')] },
    { stage: 'hit', events: [event(40, '{"card":"c1","amount":900}')] },
  ],
};

describe('alertToJson', () => {
  test('has the members of section 5, times as ISO-8601 text with milliseconds', () => {
    expect(JSON.parse(alertToJson(alert))).toEqual({
      id: 'a1b2', rule: 'CardTesting', version: 3, title: 'Small probes', severity: 'high', tags: ['fraud', 'card'], channel: 'fraud_alerts', kind: 'match',
      key: { card: 'c1' }, from: '2026-01-05T08:00:00.000Z', to: '2026-01-05T08:00:40.000Z', detected: '2026-01-05T08:00:41.000Z', suppressed: 2,
      fields: { card: 'c1', probes: 2, spent: 902.5 },
      events: { probe: [{ card: 'c1', amount: 1 }, { card: 'c1', amount: 1.5 }], hit: [{ card: 'c1', amount: 900 }] },
    });
  });
  test('bound events stand in it as they came in, digit for digit, each alert on one line', () => {
    const text = alertToJson({ ...alert, events: [{ stage: 'a', events: [event(0, '{"id":12345678901234567890.10,\r\n "x":"\\u0000"}')] }] });
    expect(text).toContain('"events":{"a":[{"id":12345678901234567890.10,   "x":"\\u0000"}]}');
    expect(text).not.toContain('\n');
  });
  test('evidence refs gives where events came from, evidence none no events', () => {
    const refs = JSON.parse(alertToJson({ ...alert, events: [{ stage: 'a', events: [event(10, undefined)] }] }, ['pay.jsonl'])) as { events: unknown };
    expect(refs.events).toEqual({ a: [{ source: 'pay.jsonl', partition: 2, offset: 10, time: '2026-01-05T08:00:10.000Z' }] });
    expect(JSON.parse(alertToJson({ ...alert, events: undefined }))).not.toHaveProperty('events');
  });
  test('a stage without events is an empty list, and a rule without a title says null', () => {
    const data = JSON.parse(alertToJson({ ...alert, title: undefined, events: [{ stage: 'hit', events: [] }] })) as { title: unknown; events: unknown };
    expect(data.title).toBeNull();
    expect(data.events).toEqual({ hit: [] });
  });
  test('drops are marked only where there are some', () => {
    expect(JSON.parse(alertToJson(alert))).not.toHaveProperty('dropped');
    expect(JSON.parse(alertToJson({ ...alert, dropped: 4 }))).toMatchObject({ dropped: 4 });
  });
  test('stage and field names that need quoting are quoted', () => {
    const data = JSON.parse(alertToJson({ ...alert, fields: { 'a"b': '\u2028' }, events: [{ stage: 'x"y', events: [event(0, '{}')] }] })) as Record<string, unknown>;
    expect(data).toMatchObject({ fields: { 'a"b': '\u2028' }, events: { 'x"y': [{}] } });
  });
});

describe('alertStory', () => {
  test('tells time, severity, rule, key, fields, and the events with their distance from the first', () => {
    expect(alertStory(alert, colours(false)).split('\n')).toEqual([
      '2026-01-05T08:00:40.000Z HIGH     CardTesting  Small probes  card: "c1"  [2 suppressed before]',
      '    probes: 2, spent: 902.5',
      '    probe  +0s       Payment card=c1 amount=1',
      '           +10s      Payment card=c1 amount=1.5',
      '    hit    +40s      Payment card=c1 amount=900',
    ]);
  });
  test('says how many events of a long stage it leaves out', () => {
    const many = Array.from({ length: 9 }, (_, index) => event(index, `{"n":${index}}`));
    const lines = alertStory({ ...alert, events: [{ stage: 'probe', events: many }] }, colours(false)).split('\n');
    expect(lines.slice(2).map((line) => line.trim().replace(/\s+/g, ' '))).toEqual([
      'probe +0s Payment n=0', '+1s Payment n=1', '+2s Payment n=2', '… 4 more', '+7s Payment n=7', '+8s Payment n=8',
    ]);
  });
  test('text from outside cannot drive the terminal', () => {
    const story = alertStory({ ...alert, key: { card: '\u001b[2J' }, fields: { note: '\u0007\u009b' }, events: [{ stage: 'a', events: [event(0, '{"x":"\\u001b[31m"}')] }] }, colours(false));
    // oxlint-disable-next-line no-control-regex
    expect(story).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
});
