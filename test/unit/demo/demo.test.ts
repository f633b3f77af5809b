import { describe, expect, test } from '@jest/globals';
import type { Label } from '../../../simulators/index.ts';
import { colours } from '../../../src/cli/colours.ts';
import { Scorecard } from '../../../src/cli/demo/scorecard.ts';
import { tellAlert } from '../../../src/cli/demo/story.ts';
import { duration, rate, speed, whole } from '../../../src/cli/demo/units.ts';
import { DEMO_START, World } from '../../../src/cli/demo/world.ts';
import type { Alert } from '../../../src/core/alert.ts';

const T = Date.UTC(2026, 0, 5, 12);

function alert(changes: Partial<Alert> = {}): Alert {
  return {
    id: 'x', rule: 'CardTesting', channel: 'fraud_alerts', kind: 'match', version: 1, title: 'Small probes, then one large payment', severity: 'high',
    tags: [], key: { card: 'c1' }, from: T, to: T + 100_000, detected: T, at: T + 100_000, suppressed: 0, dropped: 0, shadow: false,
    fields: { card: 'c1', probes: 1, hit: 900 },
    events: [
      { stage: 'probe', events: [bound(T, { type: 'Payment', tx_id: 'e1', ts: '…', card: 'c1', amount: 0.5 })] },
      { stage: 'hit', events: [bound(T + 100_000, { type: 'Payment', tx_id: 'e2', ts: '…', card: 'c1', amount: 900 })] },
    ],
    ...changes,
  };
}

function bound(time: number, fields: object): NonNullable<Alert['events']>[number]['events'][number] {
  return { text: JSON.stringify(fields), type: 'Payment', time, source: 0, partition: 0, offset: 1 };
}

describe('the story of an alert', () => {
  test('says how bad, which rule, whose, what happened when, and what the author wanted told', () => {
    expect(tellAlert(alert(), colours(false), 60).split('\n')).toEqual([
      'HIGH      CardTesting  c1                        12:01:40',
      'Small probes, then one large payment',
      '  probe  0s       Payment  amount 0.5',
      '  hit    +1m40s   Payment  amount 900',
      '  → probes 1 · hit 900',
    ]);
  });

  test('says where time, and no event, completed it', () => {
    const story = tellAlert(alert({ at: T + 400_000, to: T + 400_000 }), colours(false), 60);
    expect(story).toContain('  +6m40s   time is up\n');
  });

  test('a long loop is told by its first events and its last', () => {
    const events = Array.from({ length: 20 }, (_, index) => bound(T + index * 1000, { type: 'Payment', amount: index }));
    const story = tellAlert(alert({ events: [{ stage: 'usual', events }] }), colours(false), 80);
    expect(story.split('\n').slice(2, 6)).toEqual([
      '  usual  0s       Payment  amount 0',
      '         +1s      Payment  amount 1',
      '         … 17 more',
      '         +19s     Payment  amount 19',
    ]);
  });

  test('what comes from outside cannot drive the terminal', () => {
    const story = tellAlert(alert({ key: { card: '\u001b[2J' } }), colours(false), 80);
    expect(story).not.toContain('\u001b');
  });
});

describe('the scorecard', () => {
  const label = (changes: Partial<Label> = {}): Label => ({ kind: 'card-testing', key: 'c1', from: T, to: T + 100_000, events: [], ...changes });

  test('an incident is found if its rule alerts on its key while it goes on', () => {
    const card = new Scorecard(['CardTesting', 'LargePayment']);
    card.alert(alert());
    card.label(label());
    card.label(label({ key: 'c2' }));
    card.label(label({ from: T + 500_000, to: T + 600_000 }));
    card.label(label({ kind: 'leaked-card' })); // no rule here looks for it
    card.settle(T + 1_000_000);
    expect(card.all).toEqual([
      { rule: 'CardTesting', alerts: 1, injected: 3, found: 1, judged: true },
      { rule: 'LargePayment', alerts: 0, injected: 0, found: 0, judged: false },
    ]);
  });

  test('an incident is judged once, and not before it is over', () => {
    const card = new Scorecard(['CardTesting']);
    card.label(label());
    card.settle(T + 100_000);
    expect(card.all[0]!.injected).toBe(0);
    card.alert(alert());
    card.settle(T + 100_001);
    card.settle(T + 200_000);
    expect(card.all[0]).toMatchObject({ injected: 1, found: 1 });
  });
});

test('the demo\'s world gives each event once, in order, from both simulators', () => {
  const world = new World('1', () => {});
  const first = world.upTo(DEMO_START + 30_000);
  const second = world.upTo(DEMO_START + 60_000);
  expect(world.upTo(DEMO_START + 60_000)).toBe('');
  const events = (first + second).trim().split('\n').map((line) => JSON.parse(line) as { type: string; ts: string });
  const times = events.map((event) => Date.parse(event.ts));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times.at(-1)).toBeLessThanOrEqual(DEMO_START + 60_000);
  expect(events.map((event) => event.type)).toEqual(expect.arrayContaining(['Payment', 'Temperature', 'Vibration']));
  expect(first + second).toBe(new World('1', () => {}).upTo(DEMO_START + 60_000));
});

test('units are read as people write them, and nothing else is', () => {
  expect([duration('250ms'), duration('1h30m'), duration('7d')]).toEqual([250, 5_400_000, 604_800_000]);
  expect([rate('1000/s'), rate('30/m'), rate('2')]).toEqual([1000, 0.5, 2]);
  expect([speed('60x'), speed('1.5'), speed('max')]).toEqual([60, 1.5, Infinity]);
  expect(whole('12')).toBe(12);
  for (const [read, wrong] of [[duration, '5'], [duration, '5m!'], [duration, ''], [rate, '0/s'], [rate, '5/d'], [speed, '0x'], [speed, 'fast'], [whole, '0'], [whole, '1.5']] as const) {
    expect(() => read(wrong)).toThrow();
  }
});
