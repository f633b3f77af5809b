import { describe, expect, test } from '@jest/globals';
import type { Label, SimulatedEvent } from '../../../simulators/index.ts';
import { colours } from '../../../src/cli/colours.ts';
import { Latency } from '../../../src/cli/demo/latency.ts';
import { messageOf } from '../../../src/cli/demo/publisher.ts';
import { Scorecard } from '../../../src/cli/demo/scorecard.ts';
import { Settling } from '../../../src/cli/demo/settling.ts';
import { tellAlert } from '../../../src/cli/demo/story.ts';
import { duration, rate, speed, whole } from '../../../src/cli/demo/units.ts';
import { DEMO_START, World } from '../../../src/cli/demo/world.ts';
import type { Alert } from '../../../src/core/alert.ts';
import type { JobStatus } from '../../../src/job/index.ts';

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

describe('the demo\'s world', () => {
  test('gives each event once, in order, from both simulators', () => {
    const world = new World('1', () => {});
    const first = world.upTo(DEMO_START + 30_000);
    const second = world.upTo(DEMO_START + 60_000);
    expect(world.upTo(DEMO_START + 60_000)).toEqual([]);
    const times = [...first, ...second].map(({ event }) => event.time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(DEMO_START + 60_000);
    expect([...first, ...second].map(({ source, event }) => `${source} ${event.type}`)).toEqual(expect.arrayContaining(['payments Payment', 'sensors Temperature', 'sensors Vibration']));
    expect([...first, ...second]).toEqual(new World('1', () => {}).upTo(DEMO_START + 60_000));
  });

  test('in turns that are too short for all of them, none is left out', () => {
    const world = new World('1', () => {});
    const turns = [];
    for (let turn = world.upTo(DEMO_START + 30_000, 100); turn.length > 0; turn = world.upTo(DEMO_START + 30_000, 100)) turns.push(turn);
    expect(Math.max(...turns.map(({ length }) => length))).toBe(100);
    expect(turns.flat()).toEqual(new World('1', () => {}).upTo(DEMO_START + 30_000));
  });
});

describe('what is published', () => {
  const event = (type: string, fields: SimulatedEvent['fields']): SimulatedEvent => ({ type, time: T, id: 'e1', fields });

  test('says what it is by its topic, and a machine says there who it is', () => {
    expect(messageOf('payments', event('PasswordReset', { account: 'a1' }))).toEqual({ topic: 'bank/password-reset', payload: '{"type":"PasswordReset","account":"a1"}' });
    expect(messageOf('sensors', event('Door', { sensor: 'm7', state: 'open' }))).toEqual({ topic: 'plant/m7/door', payload: '{"type":"Door","state":"open"}' });
  });
});

describe('the latency from publishing to the alert', () => {
  test('is that of the publishing that the cause was in', () => {
    const latency = new Latency();
    latency.published(T + 100, 1000);
    latency.published(T + 200, 1050);
    latency.read(T + 100, 1200); // 200 ms
    latency.read(T + 101, 1150); // 100 ms
    latency.read(T + 201, 1150); // not published yet: no cause is known
    expect(latency.median).toBe(100);
    latency.read(T, 1300); // 300 ms
    expect(latency.median).toBe(200);
  });

  test('forgets what is long ago, and does not guess at it', () => {
    const latency = new Latency();
    expect(latency.median).toBeUndefined();
    for (let i = 0; i < 20_000; i++) latency.published(T + i, i);
    latency.read(T, 20_000);
    expect(latency.median).toBeUndefined();
    latency.read(T + 19_999, 20_000);
    expect(latency.median).toBe(1);
  });
});

describe('event times below which every alert has been read', () => {
  const status = (watermark: number | undefined, checkpoints: number, restarts = 0): JobStatus => ({
    tasks: [{ watermark }], restarts, checkpointDuration: { bounds: [1], counts: [checkpoints, 0], sum: 0 },
  } as unknown as JobStatus);

  test('are those of two checkpoints ago, when the subscriber has come to the second one\'s end', async () => {
    let reached = false;
    let asked = 0;
    const settling = new Settling({ ends: async () => { asked++; return new Map(); }, hasReached: () => reached });
    expect(await settling.look(status(undefined, 0))).toBeUndefined();
    expect(await settling.look(status(T, 5))).toBeUndefined();
    expect(await settling.look(status(T + 10, 6))).toBeUndefined(); // may have begun before
    expect(asked).toBe(0);
    expect(await settling.look(status(T + 20, 7))).toBeUndefined();
    expect(asked).toBe(1);
    reached = true;
    expect(await settling.look(status(T + 30, 8))).toBe(T);
    expect(await settling.look(status(T + 40, 8))).toBeUndefined();
  });

  test('are looked for anew after a restart, which takes the job back', async () => {
    const settling = new Settling({ ends: async () => new Map(), hasReached: () => true });
    await settling.look(status(T, 5));
    expect(await settling.look(status(T - 100, 9, 1))).toBeUndefined();
    expect(await settling.look(status(T + 100, 11, 1))).toBe(T - 100);
  });
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
