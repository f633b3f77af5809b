import type { Draft, Incident } from './outbox.ts';
import { Outbox } from './outbox.ts';
import { Random } from './random.ts';
import type { SimulatedEvent, Simulator, SimulatorOptions } from './simulator.ts';
import { checkOptions } from './simulator.ts';
import { Timeline } from './timeline.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Machines with a thermometer, an accelerometer and a door contact; some of them in trouble. */
export const sensors: Simulator = {
  name: 'sensors',
  description: 'a fleet of machines with temperature, vibration and door sensors; injects drift, overheating, spikes, silence, flapping doors',
  types: ['Temperature', 'Vibration', 'Door', 'Acknowledge'],
  incidents: ['drift', 'overheating', 'spike', 'silence', 'flapping'],
  events,
};

/** How often a machine's door is opened on an ordinary day, as a share of its readings. */
const DOOR_SHARE = 0.01;

/** Readings a machine must have sent before its vibration is made to leap: a leap is one from what it used to be. */
const READINGS_BEFORE_SPIKE = 30;

/** A machine: what is normal for it, and whether it is in trouble. */
interface Machine {
  readonly sensor: string;
  /** °C and mm/s RMS: the means over a day. */
  readonly warmth: number;
  readonly shake: number;
  /** Deviations from the means; they fade slowly, as real ones do. */
  warmer: number;
  shakier: number;
  readonly thermometerFirst: boolean;
  readings: number;
  /** Event time up to which nothing else is injected, and up to which the incident speaks in place of the machine. */
  busyUntil: number;
  quietUntil: number;
}

/** Without `keys` a machine sends a reading about every 15 s, temperature and vibration in turn. */
function* events(options: SimulatorOptions): Generator<SimulatedEvent> {
  checkOptions(options);
  const { seed, rate, start, duration, incidentEvery = 1000 } = options;
  const count = options.keys ?? Math.min(200_000, Math.max(10, Math.round(rate * 15)));
  const noise = Random.forPurpose(seed, 'sensors');
  const trouble = Random.forPurpose(seed, 'sensor incidents');
  const end = start + duration;
  const outbox = new Outbox(end, () => 'event_id', options.onLabel);
  const interval = (count / rate) * SECOND * (1 + 2 * DOOR_SHARE); // leaves room for the doors within the rate
  const betweenIncidents = (SECOND / rate) * incidentEvery;

  const machines = Array.from({ length: count }, (_, number) => newMachine(noise, number, count));
  const ticks = new Timeline<Machine>();
  for (const machine of machines) ticks.put(start + noise.next() * interval, machine);

  let nextIncident = start + trouble.exponential(betweenIncidents);
  for (let now = Math.min(ticks.nextTime, nextIncident); now < end; now = Math.min(ticks.nextTime, nextIncident)) {
    yield* outbox.before(now);
    if (now === ticks.nextTime) {
      const machine = ticks.take()!;
      ticks.put(now + interval * noise.between(0.9, 1.1), machine);
      if (now >= machine.quietUntil) for (const draft of tick(noise, machine, now, interval)) outbox.put(draft);
    } else {
      const machine = trouble.pick(machines);
      const plan = trouble.pick(INCIDENTS)(trouble, machine, now, interval);
      if (now >= machine.busyUntil && plan !== undefined && (plan.incident === undefined || outbox.inject(plan.incident))) {
        for (const draft of plan.around ?? []) outbox.put(draft);
        machine.busyUntil = plan.until;
        if (plan.speaksForMachine) machine.quietUntil = plan.until;
      }
      nextIncident += trouble.exponential(betweenIncidents);
    }
  }
  yield* outbox.before(end);
}

function newMachine(random: Random, number: number, count: number): Machine {
  return {
    sensor: `machine-${String(number).padStart(Math.max(3, String(count - 1).length), '0')}`,
    warmth: random.between(35, 60),
    shake: random.between(0.8, 2.5),
    warmer: random.normal(0, 0.4),
    shakier: 0,
    thermometerFirst: random.chance(0.5),
    readings: 0,
    busyUntil: -Infinity,
    quietUntil: -Infinity,
  };
}

/** What a machine says when its turn comes: one reading, now and then a door that is opened and closed. */
function tick(random: Random, machine: Machine, now: number, interval: number): Draft[] {
  const warm = (machine.readings++ % 2 === 0) === machine.thermometerFirst;
  const drafts = [warm
    ? temperature(machine, now, normalTemperature(random, machine, now))
    : vibration(machine, now, normalVibration(random, machine))];
  // The doors of a machine in trouble stay shut, so that a flapping door is flapping and nothing else.
  if (now >= machine.busyUntil && random.chance(DOOR_SHARE)) {
    const opened = now + random.between(0, 0.2) * interval;
    drafts.push(door(machine, opened, 'open'), door(machine, opened + random.between(20, 120) * SECOND, 'closed'));
  }
  return drafts;
}

/** The machine's usual temperature at this time of day, wandering a little. Moves the wandering on. */
function normalTemperature(random: Random, machine: Machine, now: number): number {
  machine.warmer = 0.8 * machine.warmer + random.normal(0, 0.25);
  return machine.warmth + 2 * Math.sin((2 * Math.PI * (now % DAY)) / DAY) + machine.warmer;
}

function normalVibration(random: Random, machine: Machine): number {
  machine.shakier = 0.7 * machine.shakier + random.normal(0, 0.06);
  return machine.shake * Math.max(0.4, 1 + machine.shakier);
}

/** What is to happen to a machine. */
interface Plan {
  /** Without it nothing is labelled: it only looks like trouble. */
  readonly incident?: Incident;
  readonly around?: readonly Draft[];
  /** When the machine is well again. */
  readonly until: number;
  /** Until then the plan's events take the place of the machine's readings. */
  readonly speaksForMachine: boolean;
}

type MakePlan = (random: Random, machine: Machine, now: number, interval: number) => Plan | undefined;

const INCIDENTS: readonly MakePlan[] = [drift, overheating, spike, silence, flapping];

/** The temperature climbs from reading to reading, well below the limit: a bearing runs dry. */
function drift(random: Random, machine: Machine, now: number, interval: number): Plan {
  const climb = random.between(1.2, 2.4);
  const offsets = Array.from({ length: random.int(6, 9) }, (_, step) => step * climb);
  const { warm, around, until } = speakAs(random, machine, now, interval, offsets.map((offset) => machine.warmth + offset));
  return { incident: { kind: 'drift', key: machine.sensor, drafts: warm }, around, until, speaksForMachine: true };
}

/** The temperature leaps above the limit and stays there. Sometimes somebody sees to it in time: that is no incident. */
function overheating(random: Random, machine: Machine, now: number, interval: number): Plan {
  const heat = random.between(95, 110);
  const lasts = random.between(8, 14) * MINUTE;
  const readings = Math.max(2, Math.ceil(lasts / (2 * interval)));
  const attended = random.chance(0.3);
  const { warm, around, until } = speakAs(random, machine, now, interval, Array.from({ length: readings }, () => heat + random.normal(0, 0.8)));
  if (!attended) return { incident: { kind: 'overheating', key: machine.sensor, drafts: warm }, around, until, speaksForMachine: true };
  const seen: Draft = { type: 'Acknowledge', time: now + random.between(30, 200) * SECOND, fields: { sensor: machine.sensor, operator: random.pick(OPERATORS) } };
  const cooling = warm.filter((draft) => draft.time < seen.time);
  return { around: [...cooling, seen, ...around.filter((draft) => draft.time < seen.time)], until: seen.time, speaksForMachine: true };
}

/** One reading of several times the usual vibration: a blow. */
function spike(random: Random, machine: Machine, now: number): Plan | undefined {
  if (machine.readings < READINGS_BEFORE_SPIKE) return undefined;
  const blow = vibration(machine, now, machine.shake * random.between(5, 9));
  return { incident: { kind: 'spike', key: machine.sensor, drafts: [blow] }, until: now, speaksForMachine: false };
}

/** Nothing is heard for a while: a flat battery, a lost network. */
function silence(random: Random, machine: Machine, now: number, interval: number): Plan {
  const until = now + Math.max(random.between(7, 15) * MINUTE, 4 * interval);
  return { incident: { kind: 'silence', key: machine.sensor, drafts: [], from: now, to: until }, until, speaksForMachine: true };
}

/** The door contact goes on and off many times a minute: a loose wire, or a child. */
function flapping(random: Random, machine: Machine, now: number): Plan {
  const drafts: Draft[] = [];
  let time = now;
  for (let turns = random.int(5, 9); turns > 0; turns--) {
    drafts.push(door(machine, time, 'open'), door(machine, time + random.between(0.5, 2) * SECOND, 'closed'));
    time += random.between(2.5, 6) * SECOND;
  }
  return { incident: { kind: 'flapping', key: machine.sensor, drafts }, until: time, speaksForMachine: false };
}

const OPERATORS = ['amara', 'bruno', 'chen', 'dolores'];

/** The machine's readings at its usual pace with these temperatures; the vibrations between them (`around`) are as ever. */
function speakAs(random: Random, machine: Machine, now: number, interval: number, temperatures: readonly number[]): {
  readonly warm: readonly Draft[]; readonly around: readonly Draft[]; readonly until: number;
} {
  const warm: Draft[] = [];
  const around: Draft[] = [];
  let time = now;
  for (const celsius of temperatures) {
    warm.push(temperature(machine, time, celsius));
    around.push(vibration(machine, time + interval * random.between(0.9, 1.1), normalVibration(random, machine)));
    time += 2 * interval;
  }
  return { warm, around, until: time };
}

function temperature(machine: Machine, time: number, celsius: number): Draft {
  return { type: 'Temperature', time, fields: { sensor: machine.sensor, celsius: Math.round(celsius * 10) / 10 } };
}

function vibration(machine: Machine, time: number, rms: number): Draft {
  return { type: 'Vibration', time, fields: { sensor: machine.sensor, rms: Math.round(rms * 100) / 100 } };
}

function door(machine: Machine, time: number, state: 'open' | 'closed'): Draft {
  return { type: 'Door', time, fields: { sensor: machine.sensor, state } };
}
