/** Seeded, deterministic generators of event streams, with the ground truth of what they inject. */
import { ads } from './ads.ts';
import { payments } from './payments.ts';
import { sensors } from './sensors.ts';
import type { Simulator } from './simulator.ts';

/** Every simulator by its name. */
export const simulators: ReadonlyMap<string, Simulator> = new Map([payments, sensors, ads].map((simulator) => [simulator.name, simulator]));

/** The beginning of simulated time unless told otherwise: a Monday. */
export const DEFAULT_START = Date.UTC(2026, 0, 5);

export { ads, payments, sensors };
export { withDisorder } from './disorder.ts';
export { Random } from './random.ts';
export { labelToJsonLine, toJsonLine } from './simulator.ts';
export type { Label, SimulatedEvent, Simulator, SimulatorOptions } from './simulator.ts';
