/** Windows that overlap: sliding ones, and counts with `every`. */
import type { Window } from '../../dsl/typed.ts';
import { KeyWindows, type Seen } from './window-key.ts';

function divisor(a: number, b: number): number { return b === 0 ? a : divisor(b, a % b); }

/** Sliding windows with `every`: they begin at its multiples. */
export class Steps extends KeyWindows {
  #events: Seen[] = [];
  #now = -Infinity;
  #high = false;
  /** By a window's end: how many events it had at its last early report. */
  readonly #told = new Map<number, number>();

  get #size(): number { return this.length((this.settings.rule.window.shape as Window['shape'] & { kind: 'sliding' }).size); }
  get #every(): number { return this.length((this.settings.rule.window.shape as Window['shape'] & { kind: 'sliding' }).every!); }
  #endAfter(time: number): number { return (Math.floor((time - this.#size) / this.#every) + 1) * this.#every + this.#size; }
  #in(end: number): Seen[] { return this.#events.filter(({ time }) => time >= end - this.#size && time < end); }
  #holds(end: number): boolean { return this.#in(end).length > 0 && this.holds(this.#in(end), end - this.#size, end); }

  add(event: Seen, now: number): void {
    this.#now = Math.max(this.#now, now);
    const ends: number[] = [];
    for (let end = this.#endAfter(event.time); end <= event.time + this.#size; end += this.#every) ends.push(end);
    if (!ends.some((end) => end > now || end + this.settings.late > now)) return;
    const held = ends.filter((end) => this.#holds(end));
    this.#events.push(event);
    for (const end of ends) {
      if (end > now) this.#count(end, now);
      else if (end + this.settings.late > now) {
        this.correct(held.includes(end), this.#in(end), now, end - this.#size, end);
        // Of the last window that is over it says what the next is compared with.
        if (end + this.#every > now && held.includes(end) !== this.#holds(end)) this.#high = this.#holds(end);
      }
    }
  }

  /** A window that is open took an event. */
  #count(end: number, now: number): void {
    const early = this.early();
    if (early?.kind === 'events' && this.#in(end).length % early.amount === 0) this.#say(end, now);
  }

  #say(end: number, now: number): void {
    this.#told.set(end, this.#in(end).length);
    if (this.#holds(end)) this.report('early', this.#in(end), now, end - this.#size, end);
  }

  /** The first event that came of those that are earliest, to the width of a pane; of a window that holds nothing any more, that of the one before it. */
  #first(end: number): number {
    const width = divisor(this.#size, this.#every);
    const paneOf = ({ time }: Seen): number => Math.floor(time / width);
    const events = this.#in(end).length > 0 ? this.#in(end) : this.#in(end - this.#every);
    const oldest = Math.min(...events.map(paneOf));
    return Math.min(...events.filter((event) => paneOf(event) === oldest).map(({ order }) => order));
  }

  /** When a window that is open reports early next: every so much time from its start on, where an event came since it last did. */
  #earlyAt(end: number): number {
    const early = this.early();
    if (early?.kind !== 'time' || (this.#told.get(end) ?? 0) === this.#in(end).length) return Infinity;
    const start = end - this.#size;
    return start + early.amount * (Math.floor((this.#now - start) / early.amount) + 1);
  }

  /** Ends of the windows that are open, oldest first. */
  #open(): number[] {
    const latest = Math.max(...this.#events.map(({ time }) => time));
    const ends: number[] = [];
    for (let end = this.#endAfter(this.#now); end - this.#size <= latest || this.#high; end += this.#every) {
      if (this.#in(end).length > 0) ends.push(end);
      else if (this.#high) return [...ends, end];
    }
    return ends;
  }

  next(): { at: number; order: number } | undefined {
    return this.#open().map((end) => ({ at: Math.min(end, this.#earlyAt(end)), end })).sort((a, b) => a.at - b.at || a.end - b.end).map(({ at, end }) => ({ at, order: this.#first(end) }))[0];
  }

  /** Whatever is due at a time: the window that ends, then early reports of those after it. */
  fire(at: number): void {
    const early = this.#open().filter((end) => end > at && this.#earlyAt(end) === at);
    this.#now = at;
    if (this.#endAfter(at - 1) === at) this.#close(at);
    for (const end of early) this.#say(end, at);
  }

  #close(end: number): void {
    const events = this.#in(end);
    const holds = this.#holds(end);
    if (!this.onRise) { if (holds) this.report('end', events, end, end - this.#size, end); }
    else if (holds !== this.#high) this.report(holds ? 'rise' : 'clear', events, end, end - this.#size, end);
    this.#high = holds;
  }
}

/** Sliding windows without `every`: read at each event, over it and those whose time has not ended; with `on rise` also when events leave. */
export class Moments extends KeyWindows {
  #events: Seen[] = [];
  #now = -Infinity;
  #high = false;

  get #size(): number { return this.length((this.settings.rule.window.shape as Window['shape'] & { kind: 'sliding' }).size); }
  #at(now: number): Seen[] { return this.#events.filter(({ time }) => time + this.#size > now); }

  add(event: Seen, now: number): void {
    this.#now = now;
    this.#events.push(event);
    this.#read(now);
  }

  next(): { at: number; order: number } | undefined {
    if (!this.onRise) return undefined;
    return this.#at(this.#now).map(({ time, order }) => ({ at: time + this.#size, order })).sort((a, b) => a.at - b.at || a.order - b.order)[0];
  }

  fire(at: number): void {
    this.#now = at;
    this.#read(at);
  }

  #read(now: number): void {
    const events = this.#at(now);
    const holds = events.length > 0 && this.holds(events, now - this.#size, now);
    if (!this.onRise) { if (holds) this.report('end', events, now, now - this.#size, now); }
    else if (holds !== this.#high) this.report(holds ? 'rise' : 'clear', events, now, now - this.#size, now);
    this.#high = holds;
  }
}

/** A window of so many events that is not full; how many it had at its last early report. */
interface Filling { readonly events: Seen[]; told: number }

/** Windows of so many events, of which one begins every so many. */
export class Counts extends KeyWindows {
  #seen = 0;
  #now = -Infinity;
  #open: Filling[] = [];
  #high = false;

  add(event: Seen, now: number): void {
    const shape = this.settings.rule.window.shape as Window['shape'] & { kind: 'count' };
    const early = this.early();
    this.#now = now;
    if (this.#seen++ % this.length(shape.every!) === 0) this.#open.push({ events: [], told: 0 });
    for (const window of this.#open) {
      window.events.push(event);
      if (window.events.length === this.length(shape.size)) this.#close(window, now);
      else if (early?.kind === 'events' && window.events.length % early.amount === 0) this.#say(window, now);
    }
  }

  #close(window: Filling, now: number): void {
    this.#open = this.#open.filter((each) => each !== window);
    const { events } = window;
    const start = events[0]!.time;
    const holds = this.holds(events, start, null);
    if (!this.onRise) { if (holds) this.report('end', events, now, start, null, start, now); }
    else if (holds !== this.#high) this.report(holds ? 'rise' : 'clear', events, now, start, null, start, now);
    this.#high = holds;
  }

  #say(window: Filling, now: number): void {
    const { events } = window;
    window.told = events.length;
    if (this.holds(events, events[0]!.time, null)) this.report('early', events, now, events[0]!.time, null, events[0]!.time, events.at(-1)!.time);
  }

  /** Early reports by time: every so much from a window's first event on, where an event came since the last one. */
  #earlyAt({ events, told }: Filling): number {
    const early = this.early();
    if (early?.kind !== 'time' || told === events.length) return Infinity;
    const start = events[0]!.time;
    return start + early.amount * (Math.floor((this.#now - start) / early.amount) + 1);
  }

  next(): { at: number; order: number } | undefined {
    return this.#open.map((window) => ({ at: this.#earlyAt(window), order: window.events[0]!.order })).sort((a, b) => a.at - b.at)[0];
  }

  fire(at: number): void {
    const due = this.#open.filter((window) => this.#earlyAt(window) === at);
    this.#now = at;
    for (const window of due) this.#say(window, at);
  }
}
