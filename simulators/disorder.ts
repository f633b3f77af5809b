import { Random } from './random.ts';
import type { SimulatedEvent } from './simulator.ts';
import { Timeline } from './timeline.ts';

/** The share of events that a disorderly network holds up. */
const HELD_UP = 0.2;

/**
 * The same events in another order of arrival: one in five arrives later than its event time by up to `disorder` ms, uniformly. Event times
 * and contents stay; events that are not held up keep their order. A reader with `lateness` of at least `disorder` finds none late.
 */
export function* withDisorder(
  events: Iterable<SimulatedEvent>, disorder: number, seed: string | number,
): Generator<SimulatedEvent> {
  if (!(disorder >= 0 && Number.isFinite(disorder))) throw new RangeError(`disorder must be 0 or more, not ${disorder} ms`);
  const random = Random.forPurpose(seed, 'disorder');
  const underway = new Timeline<SimulatedEvent>();
  for (const event of events) {
    // An arrival at the very time of this event was put in earlier and goes first.
    while (underway.nextTime <= event.time) yield underway.take()!;
    const delay = random.chance(HELD_UP) ? Math.floor(random.between(0, disorder + 1)) : 0;
    underway.put(event.time + delay, event);
  }
  for (let event = underway.take(); event !== undefined; event = underway.take()) yield event;
}
