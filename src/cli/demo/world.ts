import type { Label, SimulatedEvent } from '../../../simulators/index.ts';
import { payments, sensors, toJsonLine } from '../../../simulators/index.ts';

/** A Monday at noon: everybody is up and spends. */
export const DEMO_START = Date.UTC(2026, 0, 5, 12);

/** Events per second of event time, and customers and machines few enough that each of them has a history within minutes. */
const PAYMENTS = { rate: 6, keys: 400, incidentEvery: 450 } as const;
const SENSORS = { rate: 10, keys: 120, incidentEvery: 800 } as const;

/** The demo's bank and factory: both event streams as one, in event-time order, without end. */
export class World {
  private readonly streams: Iterator<SimulatedEvent>[];
  private readonly next: (SimulatedEvent | undefined)[];

  constructor(seed: string, onLabel: (label: Label) => void) {
    const common = { seed, start: DEMO_START, duration: Infinity, onLabel };
    this.streams = [payments.events({ ...common, ...PAYMENTS }), sensors.events({ ...common, ...SENSORS })].map((events) => events[Symbol.iterator]());
    this.next = this.streams.map(pull);
  }

  /** The events up to this time (included) that were not given yet, as JSON Lines; the empty text if there are none. */
  upTo(time: number): string {
    let lines = '';
    for (;;) {
      let first = -1;
      for (const [index, event] of this.next.entries()) {
        if (event !== undefined && event.time <= time && (first < 0 || event.time < this.next[first]!.time)) first = index;
      }
      if (first < 0) return lines;
      lines += `${toJsonLine(this.next[first]!)}\n`;
      this.next[first] = pull(this.streams[first]!);
    }
  }
}

function pull(stream: Iterator<SimulatedEvent>): SimulatedEvent | undefined {
  const { done, value } = stream.next();
  return done === true ? undefined : value;
}
