/** Runs a rule over windows that changes while its state lives: an engine of the rules before, cut by a snapshot, and one of the rules after. */
import { compile } from '../../../src/compile/index.ts';
import type { Alert } from '../../../src/core/alert.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { Engine, type Change } from '../../../src/engine/index.ts';
import { checked } from '../cases.ts';
import type { InputEvent } from './generate.ts';

const utf8 = new TextEncoder();

export interface ChangedWindows {
  /** Of the rule R, with the number of events that the engine had when it came (events.length: after the last). */
  readonly alerts: readonly { readonly seen: number; readonly alert: Alert }[];
  readonly change: Change | undefined;
  /** Open windows of R and the watermark at the last change. */
  readonly open: number;
  readonly openAfter: number;
  readonly watermark: number;
  /** Bytes of state at the end of the events. */
  readonly bytes: number;
}

/** Runs events [0, cuts[0]) under `rules[0]`, the next under `rules[1]`, and so on. */
export function runChangedWindows(rules: readonly string[], events: readonly InputEvent[], cuts: readonly number[], lateness: number): ChangedWindows {
  const alerts: { seen: number; alert: Alert }[] = [];
  let seen = 0;
  const start = (text: string): Engine => {
    const program = checked(text);
    if (program === undefined) throw new Error(`the rules do not check:\n${text}`);
    return new Engine(compile(program), { onAlert: (alert) => { if (alert.rule === 'R') alerts.push({ seen, alert }); }, lateness, now: () => 0 });
  };
  const push = (engine: Engine, event: InputEvent): void => {
    const batch = engine.newBatch(1);
    batch.bytes = utf8.encode(`${JSON.stringify(event)}\n`);
    const reject = makeDecoder(engine.schema, engine.strings, { typeField: 'type' }).decode(batch.bytes, 0, batch.bytes.length - 1, batch, 0);
    if (reject !== undefined) throw new Error(`an event is rejected: ${JSON.stringify(reject)}`);
    batch.offset[0] = seen;
    batch.count = 1;
    engine.push(batch);
  };
  const openOf = (engine: Engine): number => engine.stats().rules.find(({ name }) => name === 'R')!.openRuns;
  let engine = start(rules[0]!);
  let change: Change | undefined;
  let [open, openAfter, watermark] = [0, 0, -Infinity];
  for (let i = 0; i <= events.length; i++) {
    for (const [c, cut] of cuts.entries()) {
      if (cut !== i) continue;
      open = openOf(engine);
      watermark = engine.stats().watermark;
      const snapshot = engine.snapshot();
      engine = start(rules[c + 1]!);
      change = engine.restore(snapshot, { accept: () => undefined, again: (batch, row) => {
        const own = engine.newBatch(1);
        const text = utf8.encode(`${Buffer.from(batch.bytes.subarray(batch.from[row]!, batch.to[row]!)).toString()}\n`);
        if (makeDecoder(engine.schema, engine.strings, { typeField: 'type' }).decode(text, 0, text.length - 1, own, 0) !== undefined) return false;
        batch.columns.forEach((column, slot) => { column[row] = own.columns[slot]![0]!; });
        return true;
      } });
      openAfter = openOf(engine);
    }
    seen = i;
    if (i < events.length) push(engine, events[i]!);
  }
  const { bytes } = engine.stats();
  engine.advance(Infinity);
  return { alerts, change, open, openAfter, watermark, bytes };
}
