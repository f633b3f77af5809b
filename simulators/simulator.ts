/** One simulated event. `fields` holds everything that goes into its JSON text, the id and the time (as ISO-8601 text, `ts`) included. */
export interface SimulatedEvent {
  readonly type: string;
  /** Event time, ms since the epoch, whole. */
  readonly time: number;
  /** Unique within the stream; labels name events by it. */
  readonly id: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** The ground truth of one injected incident. */
export interface Label {
  /** What was injected, e.g. `card-testing`. */
  readonly kind: string;
  /** The card, account or sensor it happened to. */
  readonly key: string;
  /** Event time of its first and last event (of a silence: its begin and end), ms since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Ids of the injected events, in order; empty for a silence. */
  readonly events: readonly string[];
}

export interface SimulatorOptions {
  readonly seed: string | number;
  /** Mean number of events per second of event time. */
  readonly rate: number;
  /** Event time of the beginning, ms since the epoch, and the span covered: [start, start + duration). `Infinity`: without end. */
  readonly start: number;
  readonly duration: number;
  /** How many customers or sensors there are. Default: what suits the rate. */
  readonly keys?: number;
  /** Mean number of events from one injected incident to the next (default 1000); `Infinity`: none. */
  readonly incidentEvery?: number;
  /** Called with each incident once its last event has been given out, so in the order of their ends. */
  readonly onLabel?: (label: Label) => void;
}

/** A deterministic generator of events: equal options give equal events and labels. */
export interface Simulator {
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  /** The event types it gives, by name. */
  readonly types: readonly string[];
  /** The kinds of incident it injects. */
  readonly incidents: readonly string[];
  /** Events in event-time order, made as they are asked for. @throws RangeError if an option makes no sense. */
  events(options: SimulatorOptions): Iterable<SimulatedEvent>;
  /** Reference data that the events refer to, by the table's name; of the same seed and keys the same. */
  readonly tables?: (options: Pick<SimulatorOptions, 'seed' | 'keys'>) => ReadonlyMap<string, readonly Readonly<Record<string, string>>[]>;
}

/** The event as a line of JSON (without the newline): `type` first, then its fields. */
export function toJsonLine(event: SimulatedEvent): string {
  return JSON.stringify({ type: event.type, ...event.fields });
}

/** A label as a line of JSON, times as ISO-8601 text. */
export function labelToJsonLine(label: Label): string {
  return JSON.stringify({ ...label, from: isoTime(label.from), to: isoTime(label.to) });
}

export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

export function checkOptions(options: SimulatorOptions): void {
  const { rate, start, duration, keys = 1, incidentEvery = 1 } = options;
  if (!(rate > 0 && Number.isFinite(rate))) throw new RangeError(`rate must be above 0 events per second, not ${rate}`);
  if (!Number.isFinite(start)) throw new RangeError('start must be a time');
  if (!(duration > 0)) throw new RangeError(`duration must be above 0, not ${duration} ms`);
  if (!(Number.isInteger(keys) && keys > 0)) throw new RangeError(`keys must be a whole number above 0, not ${keys}`);
  if (!(incidentEvery > 0)) throw new RangeError(`incidentEvery must be above 0, not ${incidentEvery}`);
}
