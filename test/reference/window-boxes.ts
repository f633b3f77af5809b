/** Windows that do not overlap: tumbling, of the calendar, sessions, counts, the global one. */
import type { Window } from '../../dsl/typed.ts';
import { zoneOffset } from '../../src/core/time-zones.ts';
import { KeyWindows, type Seen } from './window-key.ts';

const ONE_DAY = 86_400_000;

/** A window of its own: what is in it, whether its condition held (on rise) or held when it was over before a late event opened it again, and how many events it had at its last report. */
interface Box { start: number; end: number; events: Seen[]; high: boolean; told: number; closed: boolean }

/** Windows that do not overlap. */
export class Boxes extends KeyWindows {
  protected boxes: Box[] = [];
  #now = -Infinity;

  protected get shape(): Window['shape'] { return this.settings.rule.window.shape; }

  /** The window that the event belongs to, with it; undefined: it is gone. */
  protected place(event: Seen, now: number): Box | undefined {
    const [start, end] = this.#bounds(event.time);
    if (end <= now && end + this.settings.late <= now) return undefined;
    let box = this.boxes.find((each) => end === Infinity ? !each.closed : each.start === start);
    if (box === undefined) this.boxes.push(box = { start, end, events: [], high: false, told: 0, closed: false });
    box.events.push(event);
    return box;
  }

  #bounds(time: number): [number, number] {
    const { shape } = this;
    if (shape.kind === 'tumbling') {
      const size = this.length(shape.size);
      const offset = shape.offset === undefined ? 0 : this.length(shape.offset);
      const start = Math.floor((time - offset) / size) * size + offset;
      return [start, start + size];
    }
    if (shape.kind !== 'calendar') return [time, Infinity];
    // Minute by minute to where the clocks show another date.
    const spanOf = (t: number): string => {
      const date = new Date(t + zoneOffset(shape.zone, t));
      if (shape.unit === 'week') return String(Math.floor((date.getTime() / ONE_DAY + 3) / 7));
      return date.toISOString().slice(0, shape.unit === 'month' ? 7 : 10);
    };
    const minute = Math.floor(time / 60_000) * 60_000;
    let start = minute;
    while (spanOf(start - 3_600_000) === spanOf(minute)) start -= 3_600_000;
    while (spanOf(start - 60_000) === spanOf(minute)) start -= 60_000;
    let end = minute + 60_000;
    while (spanOf(end + 3_600_000) === spanOf(minute)) end += 3_600_000;
    while (spanOf(end) === spanOf(minute)) end += 60_000;
    return [start, end];
  }

  add(event: Seen, now: number): void {
    this.#now = Math.max(this.#now, now);
    const held = this.boxes.filter((box) => box.closed && this.holds(box.events, box.start, box.end)).map((box) => box.events[0]!);
    const box = this.place(event, now);
    if (box === undefined) return;
    // Of a session that is made of two it held if it held of one of them.
    const before = held.some((one) => box.events.includes(one));
    if (event.time < now && box.end <= now) {
      box.closed = true;
      if (!box.high) this.correct(before, box.events, now, box.start, box.end);
      else if (this.onRise || !this.#say(box, 'late', now)) this.report('clear', box.events, now, box.start, box.end);
      box.high = false;
      return;
    }
    box.closed = false;
    if (before && !this.onRise) box.high = true;
    if (this.onRise) this.#turn(box, now);
    const early = this.early();
    if (this.shape.kind === 'count' && box.events.length === this.length(this.shape.size)) this.#close(box, now);
    else if (early?.kind === 'events' && box.events.length % early.amount === 0) this.#say(box, 'early', now);
  }

  next(): { at: number; order: number } | undefined {
    return this.boxes.filter((box) => !box.closed).map((box) => ({ at: Math.min(box.end, this.#earlyAt(box)), order: Math.min(...box.events.map((event) => event.order)) })).sort((a, b) => a.at - b.at)[0];
  }

  /** When the window reports early next: every so much time from its start on, where an event came since it last did. */
  #earlyAt(box: Box): number {
    const early = this.early();
    if (early?.kind !== 'time' || box.told === box.events.length) return Infinity;
    return box.start + early.amount * (Math.floor((this.#now - box.start) / early.amount) + 1);
  }

  fire(at: number): void {
    for (const box of this.boxes.filter((each) => !each.closed)) {
      if (box.end <= at) this.#close(box, at);
      else if (this.#earlyAt(box) <= at) { this.#say(box, 'early', at); }
    }
    this.#now = Math.max(this.#now, at);
  }

  override finish(now: number): void { if (this.shape.kind === 'global') for (const box of this.boxes) this.#close(box, now); }
  override firstOrder(): number { return this.boxes[0]?.events[0]?.order ?? Infinity; }

  /** Start and end as the rule reads them, and as the alert says them. */
  #times(box: Box, now: number): [number | null, number | null, number, number] {
    const times = box.events.map((event) => event.time);
    if (this.shape.kind === 'global') return [null, null, Math.min(...times), now];
    if (this.shape.kind === 'count') return [box.start, null, box.start, Math.max(...times)];
    return [box.start, box.end, box.start, box.end];
  }

  #say(box: Box, cause: 'end' | 'early' | 'late', now: number): boolean {
    if (cause === 'early') box.told = box.events.length;
    const times = this.#times(box, now);
    const holds = this.holds(box.events, times[0], times[1]);
    if (holds) this.report(cause, box.events, now, ...times);
    return holds;
  }

  #turn(box: Box, now: number): void {
    const times = this.#times(box, now);
    const holds = this.holds(box.events, times[0], times[1]);
    if (holds !== box.high) this.report(holds ? 'rise' : 'clear', box.events, now, ...times);
    box.high = holds;
  }

  #close(box: Box, now: number): void {
    const isTold = !this.onRise && this.#say(box, 'end', now);
    if (box.high && !isTold && this.shape.kind !== 'global') this.report('clear', box.events, now, ...this.#times(box, now));
    box.high = false;
    box.closed = true;
  }
}

/** Sessions: an event joins the one it falls into, and brings the next to it if it closes the pause between; else the next, if that is near; no session grows beyond `max`. */
export class Sessions extends Boxes {
  protected override place(event: Seen, now: number): Box | undefined {
    const shape = this.shape as Window['shape'] & { kind: 'session' };
    const gap = this.length(shape.gap);
    const max = shape.max === undefined ? Infinity : this.length(shape.max);
    const kept = this.boxes.filter((box) => box.end > now || box.end + this.settings.late > now);
    const times = (box: Box): number[] => box.events.map(({ time }) => time);
    const first = (box: Box): number => Math.min(...times(box));
    const last = (box: Box): number => Math.max(...times(box));
    // Of sessions that `max` keeps apart, and that overlap since one of them grew late, the one that began last.
    const began = kept.filter((box) => first(box) <= event.time).sort((a, b) => first(b) - first(a))[0];
    const own = began !== undefined && event.time < began.end ? began : undefined;
    const near = kept.filter((box) => first(box) > event.time && first(box) - event.time < gap).sort((a, b) => first(a) - first(b))[0];
    let box: Box;
    if (own !== undefined) {
      box = own;
      if (near !== undefined && last(near) - first(own) < max) {
        box.events.push(...near.events);
        box.told = -1;
        box.high ||= near.high;
        this.boxes = this.boxes.filter((each) => each !== near);
      }
    } else if (near !== undefined && last(near) - event.time < max) box = near;
    else {
      const end = event.time + Math.min(gap, max);
      if (end <= now && end + this.settings.late <= now) return undefined;
      box = { start: event.time, end, events: [], high: false, told: 0, closed: false };
      this.boxes.push(box);
    }
    box.events.push(event);
    box.start = first(box);
    box.end = Math.min(last(box) + gap, box.start + max);
    return box;
  }
}
