import type { Label, SimulatedEvent } from './simulator.ts';
import { isoTime } from './simulator.ts';
import { Timeline } from './timeline.ts';

type FieldValue = string | number | boolean;

/** An event before it has its id. Its time is rounded to whole milliseconds. */
export interface Draft {
  readonly type: string;
  readonly time: number;
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** An incident to inject. `from` and `to` are the first and last event's unless given (a silence has no events). */
export interface Incident {
  readonly kind: string;
  readonly key: string;
  readonly drafts: readonly Draft[];
  readonly from?: number;
  readonly to?: number;
}

interface OpenLabel { readonly kind: string; readonly key: string; readonly from: number; readonly to: number; readonly events: string[] }
type Item = { readonly draft: Draft; readonly label?: OpenLabel } | { readonly closes: OpenLabel };

/**
 * Collects what a simulator makes ahead of time and gives it out in event-time order. Ids are given on the way out and count the stream's
 * events, so nothing in an event tells whether it was injected.
 */
export class Outbox {
  private readonly timeline = new Timeline<Item>();
  private given = 0;
  private readonly end: number;
  private readonly idField: (type: string) => string;
  private readonly onLabel: (label: Label) => void;

  /** @param end nothing at or after this time is given out, and no incident that reaches it is accepted */
  constructor(end: number, idField: (type: string) => string, onLabel: (label: Label) => void = () => {}) {
    this.end = end;
    this.idField = idField;
    this.onLabel = onLabel;
  }

  put(draft: Draft): void {
    this.timeline.put(Math.round(draft.time), { draft });
  }

  /** Schedules an incident whole. False, and nothing scheduled, if it would not be over before the end: no label is ever half true. */
  inject(incident: Incident): boolean {
    const times = incident.drafts.map((draft) => Math.round(draft.time));
    const from = Math.round(incident.from ?? Math.min(...times));
    const to = Math.round(incident.to ?? Math.max(...times));
    if (to >= this.end) return false;
    const label: OpenLabel = { kind: incident.kind, key: incident.key, from, to, events: [] };
    for (const [index, draft] of incident.drafts.entries()) this.timeline.put(times[index]!, { draft, label });
    this.timeline.put(to, { closes: label });
    return true;
  }

  /** Gives out what is due before `time` (not at it). */
  * before(time: number): Generator<SimulatedEvent> {
    const until = Math.min(time, this.end);
    while (this.timeline.nextTime < until) {
      const at = this.timeline.nextTime;
      const item = this.timeline.take()!;
      if ('closes' in item) {
        this.onLabel(item.closes);
        continue;
      }
      const { draft, label } = item;
      const id = `e${++this.given}`;
      label?.events.push(id);
      yield { type: draft.type, time: at, id, fields: { [this.idField(draft.type)]: id, ts: isoTime(at), ...draft.fields } };
    }
  }
}
