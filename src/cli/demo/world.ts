import type { Label, SimulatedEvent } from '../../../simulators/index.ts';
import { payments, sensors } from '../../../simulators/index.ts';

/** A Monday at noon: everybody is up and spends. */
export const DEMO_START = Date.UTC(2026, 0, 5, 12);

/** Events per second of event time, and customers and machines few enough that each of them has a history within minutes. */
const PAYMENTS = { rate: 6, keys: 400, incidentEvery: 450 } as const;
const SENSORS = { rate: 10, keys: 120, incidentEvery: 800 } as const;

/** The simulators, in the order in which they speak where their events have one time. */
const SOURCES = ['payments', 'sensors'] as const;
export type WorldSource = (typeof SOURCES)[number];

export interface WorldEvent { readonly source: WorldSource; readonly event: SimulatedEvent }

/** The demo's bank and factory: both event streams as one, in event-time order, without end. */
export class World {
  private readonly streams: readonly Iterator<SimulatedEvent>[];
  private readonly next: (SimulatedEvent | undefined)[];

  constructor(seed: string, onLabel: (label: Label) => void) {
    const common = { seed, start: DEMO_START, duration: Infinity, onLabel };
    this.streams = [payments.events({ ...common, ...PAYMENTS }), sensors.events({ ...common, ...SENSORS })].map((events) => events[Symbol.iterator]());
    this.next = this.streams.map(pull);
  }

  /** The events up to this time (included) that were not given yet; at most so many of them, the others next time. */
  upTo(time: number, most = Infinity): WorldEvent[] {
    const events: WorldEvent[] = [];
    while (events.length < most) {
      let first = -1;
      for (const [index, event] of this.next.entries()) {
        if (event !== undefined && event.time <= time && (first < 0 || event.time < this.next[first]!.time)) first = index;
      }
      if (first < 0) break;
      events.push({ source: SOURCES[first]!, event: this.next[first]! });
      this.next[first] = pull(this.streams[first]!);
    }
    return events;
  }
}

function pull(stream: Iterator<SimulatedEvent>): SimulatedEvent | undefined {
  const { done, value } = stream.next();
  return done === true ? undefined : value;
}
