import type { Plan } from '../src/compile/index.ts';
import { makeDecoder } from '../src/decode/index.ts';
import { Engine } from '../src/engine/index.ts';
import { jsonParseLines } from './baseline.ts';
import { payments } from './payments.ts';
import { inputOf, tablesOf } from './workloads.ts';
import type { Workload } from './workloads.ts';

/** What one workload came to. Rates are events a second, medians of the rounds. */
export interface Result {
  readonly name: string;
  readonly what: string;
  readonly events: number;
  readonly alerts: number;
  readonly rate: number;
  readonly parseRate: number;
  /** rate / parseRate, the median of the rounds' own ratios. */
  readonly times: number;
  readonly required: number;
  /** Speed of the last tenth of the input over that of the second. */
  readonly lastToSecond: number | undefined;
  /** Bytes of state that one more open run costs, its event included; of W1. */
  readonly bytesPerRun: number | undefined;
}

interface Run { readonly alerts: number; readonly tenths: readonly number[] }

/** JSON bytes in memory to counted alerts, the whole way. */
function runOnce(plan: Plan, bytes: Uint8Array, workload: Workload): Run {
  let alerts = 0;
  const engine = new Engine(plan, { onAlert: () => { alerts++; }, now: () => 0 });
  for (const [name, rows] of tablesOf(workload)) engine.setTable(name, rows);
  const decoder = makeDecoder(engine.schema, engine.strings, { defaultType: workload.type ?? 'Payment' });
  const batch = engine.newBatch(1024);
  const tenths: number[] = [];
  let at = 0;
  let start = performance.now();
  while (at < bytes.length) {
    batch.count = 0;
    at = decoder.decodeLines(bytes, at, bytes.length, batch, (reject) => { throw new Error(reject.message); });
    engine.push(batch);
    if (at >= bytes.length * (tenths.length + 1) / 10) {
      const now = performance.now();
      tenths.push(now - start);
      start = now;
    }
  }
  engine.advance(Infinity);
  return { alerts, tenths };
}

/** Measures the plan of a workload's rules beside `JSON.parse` of the same bytes, turn by turn. */
export function measure(workload: Workload, plan: Plan, rounds: number, scale: number): Result {
  const bytes = inputOf(workload, scale);
  const events = Math.round(workload.events * scale);
  const rates: number[] = [];
  const parseRates: number[] = [];
  const flatness: number[] = [];
  let alerts = -1;
  for (let round = 0; round < rounds; round++) {
    let start = performance.now();
    if (jsonParseLines(bytes) !== events) throw new Error('JSON.parse counted other events than there are');
    parseRates.push(events / (performance.now() - start) * 1000);
    start = performance.now();
    const run = runOnce(plan, bytes, workload);
    rates.push(events / (performance.now() - start) * 1000);
    if (alerts >= 0 && run.alerts !== alerts) throw new Error(`${workload.name} gave ${run.alerts} alerts, and ${alerts} in the round before`);
    alerts = run.alerts;
    flatness.push(run.tenths[1]! / run.tenths.at(-1)!);
  }
  return {
    name: workload.name, what: workload.what, events, alerts, rate: median(rates), parseRate: median(parseRates),
    times: median(rates.map((rate, round) => rate / parseRates[round]!)), required: workload.required,
    lastToSecond: workload.flat ? median(flatness) : undefined,
    bytesPerRun: workload.name === 'W1' ? bytesPerRun(plan) : undefined,
  };
}

/** What more open runs add to the state, by run: payments below 10 of 100 cards, all within the rule's five minutes. */
function bytesPerRun(plan: Plan): number {
  const small = Buffer.from(payments({ events: 90_000, cards: 100, seed: 7 })).toString('latin1').replace(/"amount":[\d.]+/g, '"amount":5');
  const bytes = new Uint8Array(Buffer.from(small, 'latin1'));
  const engine = new Engine(plan, { onAlert: () => {}, now: () => 0 });
  const decoder = makeDecoder(engine.schema, engine.strings, { defaultType: 'Payment' });
  const batch = engine.newBatch(1024);
  const held: { bytes: number; runs: number }[] = [];
  let at = 0;
  while (at < bytes.length) {
    batch.count = 0;
    at = decoder.decodeLines(bytes, at, bytes.length, batch, (reject) => { throw new Error(reject.message); });
    engine.push(batch);
    const stats = engine.stats();
    held.push({ bytes: stats.bytes, runs: stats.rules[0]!.openRuns });
  }
  const [early, late] = [held[held.length >> 2]!, held.at(-1)!];
  return (late.bytes - early.bytes) / (late.runs - early.runs);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
