import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Label, SimulatedEvent, Simulator, SimulatorOptions } from '../../../simulators/index.ts';
import { DEFAULT_START, labelToJsonLine, payments, sensors, simulators, toJsonLine, withDisorder } from '../../../simulators/index.ts';

const HOUR = 3_600_000;

function play(simulator: Simulator, options: Partial<SimulatorOptions> = {}): { events: SimulatedEvent[]; labels: Label[] } {
  const labels: Label[] = [];
  const events = [...simulator.events({
    seed: 1, rate: 10, start: DEFAULT_START, duration: HOUR, incidentEvery: 300, onLabel: (label) => { labels.push(label); }, ...options,
  })];
  return { events, labels };
}

/** The stream of the default options; made once, as nobody changes it. */
const played = new Map<Simulator, ReturnType<typeof play>>();
function usual(simulator: Simulator): ReturnType<typeof play> {
  if (!played.has(simulator)) played.set(simulator, play(simulator));
  return played.get(simulator)!;
}

function digest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

describe.each([...simulators.values()])('$name', (simulator) => {
  test('the same seed gives the same bytes, another seed others', () => {
    const bytes = (seed: number): string => {
      const { events, labels } = play(simulator, { seed });
      return digest([...events.map(toJsonLine), ...labels.map(labelToJsonLine)]);
    };
    expect(bytes(1)).toBe(bytes(1));
    expect(bytes(2)).not.toBe(bytes(1));
  });

  test('what is read of the stream does not depend on how far it is read', () => {
    const whole = usual(simulator).events.slice(0, 200).map(toJsonLine);
    const events = simulator.events({ seed: 1, rate: 10, start: DEFAULT_START, duration: HOUR, incidentEvery: 300 })[Symbol.iterator]();
    expect(Array.from({ length: 200 }, () => toJsonLine(events.next().value as SimulatedEvent))).toEqual(whole);
  });

  test('events come in order of event time, inside the span, at about the rate, each with an id of its own', () => {
    const { events } = play(simulator, { incidentEvery: Infinity });
    const wrong = events.filter((event, index) => event.time < (events[index - 1]?.time ?? DEFAULT_START)
      || event.time >= DEFAULT_START + HOUR || Date.parse(String(event.fields['ts'])) !== event.time);
    expect(wrong).toEqual([]);
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    expect(Math.abs(events.length / 36_000 - 1)).toBeLessThan(0.05);
  });

  test('gives the types it says, and every kind of incident it says', () => {
    const { events, labels } = play(simulator, { duration: 2 * HOUR });
    expect(new Set(events.map((event) => event.type))).toEqual(new Set(simulator.types));
    expect(new Set(labels.map((label) => label.kind))).toEqual(new Set(simulator.incidents));
  });

  test('a label names events of its key, in order, that begin and end with it', () => {
    const { events, labels } = usual(simulator);
    const byId = new Map(events.map((event) => [event.id, event]));
    const keyFields = ['card', 'account', 'sensor'];
    for (const label of labels) {
      if (label.kind === 'silence') continue; // has no events
      const injected = label.events.map((id) => byId.get(id)!);
      expect(injected[0]!.time).toBe(label.from);
      expect(injected.at(-1)!.time).toBe(label.to);
      for (const event of injected) expect(keyFields.map((field) => event.fields[field])).toContain(label.key);
    }
    expect(labels.map((label) => label.to)).toEqual(labels.map((label) => label.to).sort((a, b) => a - b));
  });

  test('without incidents there are no labels', () => {
    expect(play(simulator, { incidentEvery: Infinity }).labels).toEqual([]);
  });

  test('an option that makes no sense is refused', () => {
    for (const wrong of [{ rate: 0 }, { duration: -1 }, { keys: 1.5 }, { incidentEvery: 0 }, { start: NaN }]) {
      expect(() => play(simulator, wrong)).toThrow(RangeError);
    }
  });

  test('disorder delays some events by less than told, and loses or changes none', () => {
    const { events } = play(simulator, { duration: HOUR / 6 });
    const arrivals = [...withDisorder(events, 5000, 1)];
    expect(arrivals.map(toJsonLine)).not.toEqual(events.map(toJsonLine));
    expect(arrivals.map(toJsonLine).sort()).toEqual(events.map(toJsonLine).sort());
    let newest = -Infinity;
    const tooLate = arrivals.filter((event) => {
      newest = Math.max(newest, event.time);
      return newest - event.time > 5000;
    });
    expect(tooLate).toEqual([]);
    expect([...withDisorder(events, 5000, 1)].map(toJsonLine)).toEqual(arrivals.map(toJsonLine));
    expect([...withDisorder(events, 0, 1)].map(toJsonLine)).toEqual(events.map(toJsonLine));
  });
});

// What each incident looks like: seen from the data, not from the code that made it.
const stories = (simulator: Simulator, kind: string): { label: Label; events: SimulatedEvent[]; all: SimulatedEvent[] }[] => {
  const { events, labels } = usual(simulator);
  const byId = new Map(events.map((event) => [event.id, event]));
  const found = labels.filter((label) => label.kind === kind).map((label) => ({ label, events: label.events.map((id) => byId.get(id)!), all: events }));
  expect(found.length).toBeGreaterThan(0);
  return found;
};

describe('payments', () => {
  test('card testing: three or more payments of less than 2, then one of more than 500, within ten minutes', () => {
    for (const { label, events } of stories(payments, 'card-testing')) {
      const amounts = events.map((event) => Number(event.fields['amount']));
      expect(amounts.length).toBeGreaterThanOrEqual(4);
      expect(Math.max(...amounts.slice(0, -1))).toBeLessThan(2);
      expect(amounts.at(-1)).toBeGreaterThan(500);
      expect(label.to - label.from).toBeLessThan(600_000);
    }
  });

  test('impossible travel: two payments in shops of two countries within an hour', () => {
    for (const { label, events } of stories(payments, 'impossible-travel')) {
      expect(events.map((event) => event.fields['channel'])).toEqual(['shop', 'shop']);
      expect(events[0]!.fields['country']).not.toBe(events[1]!.fields['country']);
      expect(label.to - label.from).toBeLessThanOrEqual(HOUR);
    }
  });

  test('account takeover: reset, login from a new device, new payee, transfer to it', () => {
    for (const { events } of stories(payments, 'account-takeover')) {
      expect(events.map((event) => event.type)).toEqual(['PasswordReset', 'Login', 'NewPayee', 'Transfer']);
      expect(events[1]!.fields['new_device']).toBe(true);
      expect(events[3]!.fields['payee']).toBe(events[2]!.fields['payee']);
    }
  });

  test('leaked card: at least twenty ordinary payments before, then some of a multiple of them', () => {
    for (const { label, events, all } of stories(payments, 'leaked-card')) {
      const before = all.filter((event) => event.fields['card'] === label.key && event.time < label.from).slice(-20).map((event) => Number(event.fields['amount']));
      expect(before.length).toBe(20);
      const mean = before.reduce((sum, amount) => sum + amount, 0) / 20;
      expect(Number(events[0]!.fields['amount'])).toBeGreaterThan(3 * mean);
    }
  });

  test('a customer keeps to home country, some merchants and a habit of amounts', () => {
    const { events } = play(payments, { keys: 20, incidentEvery: Infinity });
    for (const own of Object.values(Object.groupBy(events.filter((event) => event.type === 'Payment'), (event) => String(event.fields['card'])))) {
      expect(new Set(own!.map((event) => event.fields['country'])).size).toBe(1);
      const amounts = own!.map((event) => Number(event.fields['amount'])).sort((a, b) => a - b);
      expect(amounts.at(-1)! / amounts[Math.floor(amounts.length / 2)]!).toBeLessThan(8);
    }
  });

  test('people sleep: a country spends more at its noon than at its night', () => {
    const { events } = play(payments, { rate: 1, duration: 24 * HOUR, incidentEvery: Infinity });
    const spanish = events.filter((event) => event.fields['country'] === 'ES').map((event) => (new Date(event.time).getUTCHours() + 1) % 24);
    const between = (lo: number, hi: number): number => spanish.filter((hour) => hour >= lo && hour < hi).length;
    expect(between(11, 15)).toBeGreaterThan(5 * between(1, 5));
  });
});

describe('sensors', () => {
  test('drift: every temperature clearly above the one before, and no other of that machine between', () => {
    for (const { label, events, all } of stories(sensors, 'drift')) {
      const celsius = events.map((event) => Number(event.fields['celsius']));
      for (let i = 1; i < celsius.length; i++) expect(celsius[i]! - celsius[i - 1]!).toBeGreaterThan(1);
      const own = all.filter((event) => event.type === 'Temperature' && event.fields['sensor'] === label.key && event.time >= label.from && event.time <= label.to);
      expect(own.map((event) => event.id)).toEqual(label.events);
    }
  });

  test('overheating: above 90 °C for more than five minutes, and nobody acknowledges', () => {
    for (const { label, events, all } of stories(sensors, 'overheating')) {
      expect(Math.min(...events.map((event) => Number(event.fields['celsius'])))).toBeGreaterThan(90);
      expect(label.to - label.from).toBeGreaterThan(300_000);
      expect(all.filter((event) => event.type === 'Acknowledge' && event.fields['sensor'] === label.key && event.time >= label.from && event.time <= label.to)).toEqual([]);
    }
  });

  test('silence: not a reading of that machine from its begin to its end', () => {
    for (const { label, all } of stories(sensors, 'silence')) {
      expect(label.to - label.from).toBeGreaterThan(300_000);
      const heard = all.filter((event) => event.fields['sensor'] === label.key && event.type !== 'Door' && event.time > label.from && event.time < label.to);
      expect(heard).toEqual([]);
    }
  });

  test('spike: one vibration of several times the machine\'s mean', () => {
    for (const { label, events, all } of stories(sensors, 'spike')) {
      const before = all.filter((event) => event.type === 'Vibration' && event.fields['sensor'] === label.key && event.time < label.from)
        .slice(-10).map((event) => Number(event.fields['rms']));
      expect(Number(events[0]!.fields['rms'])).toBeGreaterThan((3 * before.reduce((sum, rms) => sum + rms, 0)) / before.length);
    }
  });

  test('flapping: a door that opens and closes in turn, at least five times a minute', () => {
    for (const { label, events } of stories(sensors, 'flapping')) {
      expect(events.map((event) => event.fields['state'])).toEqual(events.map((_, index) => (index % 2 === 0 ? 'open' : 'closed')));
      expect(events.length).toBeGreaterThanOrEqual(10);
      expect(label.to - label.from).toBeLessThan(60_000);
    }
  });
});
