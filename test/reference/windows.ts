/**
 * Windows from the words of the language alone (section 6): every event is kept, and whatever is asked is worked out from all of them, as slowly as that may be.
 * What an aggregate or a condition means is the interpreter's to say.
 */
import type { Expr, Literal, Window, WindowRule } from '../../dsl/typed.ts';
// oxlint-disable-next-line no-restricted-imports -- the interpreter is the written-out meaning of expressions, not a part of the engine
import { evaluate, type Env } from '../../src/compile/interpret.ts';
import { zoneOffset } from '../../src/core/time-zones.ts';

/** An event as it arrives. */
export interface WindowEvent { readonly type: string; readonly time: number; readonly fields: Readonly<Record<string, unknown>> }

export interface WindowReport {
  readonly key: readonly Literal[];
  readonly clear: boolean;
  /** As the rule reads it: null where the window has none. */
  readonly start: number | null;
  readonly end: number | null;
  /** As the alert says it. */
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly final: boolean | undefined;
  /** Of the first alert clause that this report is for. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An event of a key, with its place in processing order. */
interface Seen extends WindowEvent { readonly order: number }

interface Settings {
  readonly rule: WindowRule;
  readonly params: ReadonlyMap<string, Literal>;
  readonly late: number;
  report(report: WindowReport): void;
}

const ONE_DAY = 86_400_000;

function divisor(a: number, b: number): number { return b === 0 ? a : divisor(b, a % b); }

/**
 * All reports, in order. `lateness`: how far out of order events may come; those that come later than that are late.
 */
export function referenceWindows(rule: WindowRule, params: ReadonlyMap<string, Literal>, arrivals: readonly WindowEvent[], lateness: number): WindowReport[] {
  const reports: WindowReport[] = [];
  const settings: Settings = { rule, params, late: constant(rule.window.lateWithin, params) ?? 0, report: (report) => { reports.push(report); } };
  const keys = new Map<string, KeyWindows>();
  let order = 0;
  let watermark = -Infinity;
  let largest = -Infinity;
  let waiting: WindowEvent[] = [];

  /** Whatever is due up to a time, whichever key it is of: by time, then by the first event of the window. */
  const pass = (to: number): void => {
    for (;;) {
      const due = [...keys.values()].flatMap((key) => { const next = key.next(); return next === undefined || next.at > to || next.at === Infinity ? [] : [{ key, ...next }]; })
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) return;
      due.key.fire(due.at);
    }
  };
  const see = (event: WindowEvent, now: number): void => {
    order++;
    const read = (expr: Expr): unknown => evaluate(expr, envOf(settings, [], { event }));
    if (!rule.window.inputs.some((input) => input.accepts.includes(event.type) && (input.where === undefined || read(input.where) === true))) return;
    const key = rule.key.map((part) => read(part.valueOf.get(event.type)!) as Literal);
    if (key.some((value) => value === null)) return;
    const name = JSON.stringify(key);
    let windows = keys.get(name);
    if (windows === undefined) keys.set(name, windows = keyWindows(settings, key));
    windows.add({ ...event, order }, now);
  };
  const process = (): void => {
    const ready = waiting.filter((event) => event.time <= watermark);
    waiting = waiting.filter((event) => event.time > watermark);
    for (const event of ready.map((each, i) => ({ each, i })).sort((a, b) => a.each.time - b.each.time || a.i - b.i).map(({ each }) => each)) {
      pass(event.time);
      see(event, event.time);
    }
  };
  for (const event of arrivals) {
    if (event.time < watermark) {
      process();
      pass(watermark);
      if (settings.late > 0) see(event, watermark);
      continue;
    }
    waiting.push(event);
    largest = Math.max(largest, event.time);
    watermark = Math.max(watermark, largest - lateness);
  }
  watermark = Infinity;
  process();
  pass(Infinity);
  for (const key of [...keys.values()].sort((a, b) => a.firstOrder() - b.firstOrder())) key.finish(largest);
  return reports;
}

function constant(expr: Expr | undefined, params: ReadonlyMap<string, Literal>): number | undefined {
  return expr === undefined ? undefined : evaluate(expr, { eventField: () => null, keyField: () => null, stageEvents: () => [], stageEvent: () => undefined, param: (name) => params.get(name) }) as number;
}

function envOf({ rule, params }: Settings, key: readonly Literal[], at: { readonly event?: WindowEvent; readonly events?: readonly Seen[]; readonly start?: number | null; readonly end?: number | null }): Env {
  const { event, events = [], start = null, end = null } = at;
  return {
    eventField: (field) => event?.fields[field] ?? null,
    ...(event !== undefined && { eventTime: event.time }),
    param: (name) => params.get(name),
    keyField: (part) => key[part] ?? null,
    stageEvents: () => [], stageEvent: () => undefined,
    window: { start, end },
    windowEvents: (name) => inTime(events).filter((each) => rule.window.inputs.some((input) => (name === undefined || input.name === name) && input.accepts.includes(each.type)
      && (input.where === undefined || evaluate(input.where, envOf({ rule, params } as Settings, key, { event: each })) === true))),
  };
}

const inTime = (events: readonly Seen[]): Seen[] => [...events].sort((a, b) => a.time - b.time || a.order - b.order);

/** The windows of one key. */
abstract class KeyWindows {
  protected readonly settings: Settings;
  protected readonly key: readonly Literal[];
  protected readonly onRise: boolean;

  constructor(settings: Settings, key: readonly Literal[]) {
    this.settings = settings;
    this.key = key;
    this.onRise = settings.rule.window.trigger?.kind === 'rise';
  }

  /** An event; late where `now` is later than it. */
  abstract add(event: Seen, now: number): void;
  /** What is due next. */
  abstract next(): { readonly at: number; readonly order: number } | undefined;
  abstract fire(at: number): void;
  finish(_now: number): void { /* time closes all */ }
  firstOrder(): number { return Infinity; }

  protected length(expr: Expr): number { return constant(expr, this.settings.params)!; }

  /** The early trigger: every so many ms, or events. */
  protected early(): { readonly kind: 'time' | 'events'; readonly amount: number } | undefined {
    const { trigger } = this.settings.rule.window;
    return trigger?.kind === 'early' ? { kind: trigger.every.kind, amount: this.length(trigger.every.amount) } : undefined;
  }

  /** A late event changed a window that is over. `before`: whether `having` held of it without that event. */
  protected correct(before: boolean, events: readonly Seen[], now: number, start: number, end: number): void {
    const holds = this.holds(events, start, end);
    if (holds && !(this.onRise && before)) this.report('late', events, now, start, end);
    else if (before && !holds) this.report('clear', events, now, start, end);
  }

  protected holds(events: readonly Seen[], start: number | null, end: number | null): boolean {
    const { having } = this.settings.rule;
    return having === undefined || evaluate(having, envOf(this.settings, this.key, { events, start, end })) === true;
  }

  protected report(cause: 'end' | 'early' | 'rise' | 'clear' | 'late', events: readonly Seen[], at: number, start: number | null, end: number | null, from = start!, to = end!): void {
    const { rule } = this.settings;
    const clear = cause === 'clear';
    const output = rule.outputs.find((each) => (each.onClear === true) === clear);
    if (output === undefined) return;
    const env = envOf(this.settings, this.key, { events, start, end });
    this.settings.report({
      key: this.key, clear, start, end, from, to, at, final: rule.window.trigger?.kind === 'early' ? cause !== 'early' : undefined,
      fields: Object.fromEntries(output.fields.map((field) => [field.name, evaluate(field.value, env)])),
    });
  }
}

/** A window of its own: what is in it, whether its condition held (on rise) or held when it was over before a late event opened it again, and how many events it had at its last report. */
interface Box { start: number; end: number; events: Seen[]; high: boolean; told: number; closed: boolean }

/** Windows that do not overlap. */
class Boxes extends KeyWindows {
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
class Sessions extends Boxes {
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

/** Sliding windows with `every`: they begin at its multiples. */
class Steps extends KeyWindows {
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
class Moments extends KeyWindows {
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
class Counts extends KeyWindows {
  #seen = 0;
  #now = -Infinity;
  #open: Filling[] = [];
  #high = false;

  add(event: Seen, now: number): void {
    const shape = this.settings.rule.window.shape as Window['shape'] & { kind: 'count' };
    const early = this.early();
    this.#now = now;
    if (this.#seen++ % this.length(shape.every!) === 0) this.#open.push({ events: [], told: 0 });
    for (const window of this.#open.slice()) {
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

function keyWindows(settings: Settings, key: readonly Literal[]): KeyWindows {
  const { shape } = settings.rule.window;
  switch (shape.kind) {
    case 'session': return new Sessions(settings, key);
    case 'sliding': return shape.every === undefined ? new Moments(settings, key) : new Steps(settings, key);
    case 'count': return shape.every === undefined ? new Boxes(settings, key) : new Counts(settings, key);
    default: return new Boxes(settings, key);
  }
}
