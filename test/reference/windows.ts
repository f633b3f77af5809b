/**
 * Windows from the words of the language alone (section 6): every event is kept, and whatever is asked is worked out from all of them, as slowly as that may be.
 * What an aggregate or a condition means is the interpreter's to say.
 */
import type { Expr, Literal, WindowRule } from '../../dsl/typed.ts';
// oxlint-disable-next-line no-restricted-imports -- the interpreter is the written-out meaning of expressions, not a part of the engine
import { evaluate } from '../../src/compile/interpret.ts';
import { Boxes, Sessions } from './window-boxes.ts';
import { constant, envOf, type KeyWindows, type Settings, type WindowEvent, type WindowReport } from './window-key.ts';
import { Counts, Moments, Steps } from './window-spans.ts';

export type { WindowEvent, WindowReport } from './window-key.ts';

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

function keyWindows(settings: Settings, key: readonly Literal[]): KeyWindows {
  const { shape } = settings.rule.window;
  switch (shape.kind) {
    case 'session': return new Sessions(settings, key);
    case 'sliding': return shape.every === undefined ? new Moments(settings, key) : new Steps(settings, key);
    case 'count': return shape.every === undefined ? new Boxes(settings, key) : new Counts(settings, key);
    default: return new Boxes(settings, key);
  }
}
