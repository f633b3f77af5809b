/** Rules whose open runs are let end: an engine that drains says what the old rule says of what began before the cut, and nothing else. */
import { expect, test } from '@jest/globals';
import { compile } from '../../src/compile/index.ts';
import type { Alert } from '../../src/core/alert.ts';
import { makeDecoder } from '../../src/decode/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { checked } from './cases.ts';
import { generateLoopCase } from './generate-loops.ts';
import { generateCase, type InputEvent } from './generate.ts';
import { Random } from './random.ts';

const utf8 = new TextEncoder();
const firstOf = (alert: Alert): number => Math.min(...(alert.events ?? []).flatMap(({ events }) => events.map(({ offset }) => offset)));

test('what began before the cut ends as it would have ended', () => {
  let told = 0;
  let drained = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const one = (seed % 3 === 0 ? generateLoopCase : generateCase)(seed, (rule) => checked(rule) !== undefined);
    const random = new Random(seed);
    const cut = random.int(1, one.events.length - 1);
    const run = (cuts: readonly number[]): { alerts: Alert[]; engine: Engine } => {
      const alerts: Alert[] = [];
      const plan = compile(checked(one.rule)!);
      const start = (): Engine => new Engine(plan, { onAlert: (alert) => { alerts.push(alert); }, now: () => 0 });
      let engine = start();
      one.events.forEach((event: InputEvent, i) => {
        for (const at of cuts) {
          if (at !== i) continue;
          const snapshot = engine.snapshot();
          const isDraining = engine.draining.length > 0;
          engine = start();
          engine.restore(snapshot);
          if (isDraining) expect(engine.draining).toEqual(['R']);
          else engine.drain();
        }
        const batch = engine.newBatch(1);
        batch.bytes = utf8.encode(`${JSON.stringify(event)}\n`);
        makeDecoder(engine.schema, engine.strings, { typeField: 'type' }).decode(batch.bytes, 0, batch.bytes.length - 1, batch, 0);
        batch.offset[0] = i;
        batch.count = 1;
        engine.push(batch);
      });
      return { alerts, engine };
    };
    const whole = run([]);
    const got = run([cut, random.int(cut + 1, one.events.length)]);
    for (const { engine } of [whole, got]) engine.advance(Infinity);
    const text = ({ id, at, fields, kind }: Alert): string => JSON.stringify([id, at, fields, kind]);
    const expected = whole.alerts.filter((alert) => firstOf(alert) < cut).map(text);
    if (got.alerts.map(text).join() !== expected.join()) throw new Error(`seed ${seed}, cut at ${cut}\n${one.rule}\n${one.events.map((event, i) => `${i}: ${JSON.stringify(event)}`).join('\n')}\n${expected.join('\n')}\n-\n${got.alerts.map(text).join('\n')}`);
    told += expected.length;
    if (got.engine.isDrained) drained++;
  }
  expect(told).toBeGreaterThan(150);
  expect(drained).toBeGreaterThan(100);
});
