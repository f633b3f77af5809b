import { check, parseFile } from '../../dsl/index.ts';
import { compile } from '../../src/compile/index.ts';
import type { Alert } from '../../src/core/alert.ts';
import { makeDecoder } from '../../src/decode/index.ts';
import { Engine } from '../../src/engine/index.ts';
import type { EngineReport, EngineResult, RunEngine } from './port.ts';
import { Random } from './random.ts';

const utf8 = new TextEncoder();
/** How far out of order a shuffled delivery goes, ms. */
const LATENESS = 60_000;

/** Runs the real engine: text → parser → checker → compiler → decoder → engine. */
export const runEngine: RunEngine = (ruleText, events, { cutAt, shuffleSeed }) => {
  const { file, diagnostics } = parseFile('case.cep', ruleText);
  const { program, diagnostics: found } = check([file]);
  if (program === undefined) throw new Error(`the rule does not check: ${[...diagnostics, ...found].map((d) => d.message).join('; ')}`);
  const plan = compile(program);
  const matches: EngineReport[] = [];
  const timeouts: EngineReport[] = [];
  const onAlert = (alert: Alert): void => {
    const bindings = (alert.events ?? []).flatMap(({ stage, events: bound }) => bound.map(({ offset }) => ({ stage, index: offset })));
    bindings.sort((a, b) => a.index - b.index);
    (alert.kind === 'match' ? matches : timeouts).push({ bindings, from: alert.from, to: alert.to, at: alert.at, id: alert.id });
  };
  const lateness = shuffleSeed === undefined ? 0 : LATENESS;
  const start = (): Engine => new Engine(plan, { onAlert, lateness, now: () => 0 });
  let engine = start();
  const push = (indexes: readonly number[]): void => {
    const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
    const batch = engine.newBatch(Math.max(1, indexes.length));
    const texts = indexes.map((index) => utf8.encode(`${JSON.stringify(events[index])}\n`));
    const bytes = new Uint8Array(texts.reduce((n, text) => n + text.length, 0));
    batch.bytes = bytes;
    let at = 0;
    texts.forEach((text, row) => {
      bytes.set(text, at);
      const reject = decoder.decode(bytes, at, at + text.length - 1, batch, row);
      if (reject !== undefined) throw new Error(`event ${indexes[row]!} is rejected: ${JSON.stringify(reject)}`);
      batch.offset[row] = indexes[row]!;
      at += text.length;
    });
    batch.count = indexes.length;
    engine.push(batch);
  };
  const order = events.map((_, index) => index);
  if (shuffleSeed !== undefined) {
    const random = new Random(shuffleSeed);
    const timeOf = (index: number): number => new Date((events[index] as { at: number | string }).at).getTime();
    const delay = new Map<number, number>();
    for (const index of order) if (!delay.has(timeOf(index))) delay.set(timeOf(index), random.int(0, LATENESS));
    order.sort((a, b) => timeOf(a) + delay.get(timeOf(a))! - timeOf(b) - delay.get(timeOf(b))! || a - b);
  }
  if (cutAt === undefined) push(order);
  else {
    push(order.slice(0, cutAt));
    const snapshot = engine.snapshot();
    engine = start();
    engine.restore(snapshot);
    push(order.slice(cutAt));
  }
  engine.advance(Infinity);
  return { matches, timeouts } satisfies EngineResult;
};
