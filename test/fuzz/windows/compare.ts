import type { Expr, Literal, Program, WindowRule } from '../../../dsl/typed.ts';
import { compile, type Plan } from '../../../src/compile/index.ts';
import type { Alert } from '../../../src/core/alert.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { Engine } from '../../../src/engine/index.ts';
import { referenceWindows, type WindowReport } from '../../reference/index.ts';
import { ImageChain } from '../engine.ts';
import { Random } from '../random.ts';
import type { InputEvent, WindowCase } from './generate.ts';

export type WindowVerdict =
  | { readonly kind: 'agree'; readonly reports: number }
  | { readonly kind: 'differ'; readonly what: string; readonly expected: unknown; readonly got: unknown };

const utf8 = new TextEncoder();
/** What DDSketch promises. */
const QUANTILE_ERROR = 0.01;

/** Engine against reference; then the engine against itself, in batches, cut by a snapshot, and through chains of images. */
export function compareWindows(one: WindowCase, program: Program): WindowVerdict {
  const rule = program.rules[0] as WindowRule;
  const params = new Map<string, Literal>();
  const expected = referenceWindows(rule, params, one.events.map(({ type, at, ...fields }) => ({ type, time: at, fields: { ...fields, at } })), one.lateness);
  const plan = compile(program);
  const whole = runWindows(plan, one, { kind: 'one by one' });
  const want = expected.map((report) => asText(report, rule));
  const got = whole.map((alert) => ofAlert(alert));
  for (let i = 0; i < Math.max(want.length, got.length); i++) {
    if (want[i] === undefined || got[i] === undefined || !agrees(want[i]!, got[i]!, rule)) return { kind: 'differ', what: `report ${i} of ${want.length}`, expected: want.slice(Math.max(0, i - 1), i + 3), got: got.slice(Math.max(0, i - 1), i + 3) };
  }
  const ids = new Set(whole.map((alert) => alert.id));
  if (ids.size !== whole.length) return { kind: 'differ', what: 'ids: two reports share one', expected: whole.length, got: whole };
  const random = new Random(one.seed + 1);
  const ways: Way[] = [
    { kind: 'batches', seed: random.int(1, 1e6) }, { kind: 'cut', at: random.int(0, one.events.length) },
    ...(one.seed % 3 === 0 ? [{ kind: 'images', seed: random.int(1, 1e6) } as const] : []),
  ];
  for (const way of ways) {
    const again = runWindows(plan, one, way);
    if (JSON.stringify(again) !== JSON.stringify(whole)) return { kind: 'differ', what: `the answer changes with ${JSON.stringify(way)}`, expected: whole.map(ofAlert), got: again.map(ofAlert) };
  }
  return { kind: 'agree', reports: whole.length };
}

type Way = { readonly kind: 'one by one' } | { readonly kind: 'batches' | 'images'; readonly seed: number } | { readonly kind: 'cut'; readonly at: number };

function runWindows(plan: Plan, { events, lateness }: WindowCase, way: Way): Alert[] {
  const alerts: Alert[] = [];
  const start = (): Engine => new Engine(plan, { onAlert: (alert) => { alerts.push(alert); }, lateness, now: () => 0, recordsApart: way.kind === 'images' });
  let engine = start();
  const push = (some: readonly InputEvent[]): void => {
    const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
    const batch = engine.newBatch(Math.max(1, some.length));
    const texts = some.map((event) => utf8.encode(`${JSON.stringify(event)}\n`));
    batch.bytes = new Uint8Array(texts.reduce((n, text) => n + text.length, 0));
    let at = 0;
    texts.forEach((text, row) => {
      batch.bytes.set(text, at);
      const reject = decoder.decode(batch.bytes, at, at + text.length - 1, batch, row);
      if (reject !== undefined) throw new Error(`an event is rejected: ${JSON.stringify(reject)}`);
      at += text.length;
    });
    batch.count = some.length;
    engine.push(batch);
  };
  const random = new Random(way.kind === 'batches' || way.kind === 'images' ? way.seed : 1);
  const chain = way.kind === 'images' ? new ImageChain(way.seed) : undefined;
  for (let at = 0; at < events.length;) {
    if (way.kind === 'cut' && at === way.at) {
      const snapshot = engine.snapshot();
      engine = start();
      engine.restore(snapshot);
    }
    const size = way.kind === 'batches' ? random.int(1, 9) : 1;
    push(events.slice(at, at + size));
    at += size;
    if (chain !== undefined) engine = chain.look(engine, start);
  }
  engine.advance(Infinity);
  return alerts;
}

type Comparable = Readonly<Record<string, unknown>>;

function asText(report: WindowReport, rule: WindowRule): Comparable {
  const output = rule.outputs.find((each) => (each.onClear === true) === report.clear)!;
  const plain = (value: unknown, expr: Expr): unknown => (value !== null && expr.type.kind === 'time' ? new Date(value as number).toISOString() : value);
  return {
    channel: output.target, key: JSON.stringify(report.key), from: report.from, to: report.to, at: report.at, final: report.final,
    ...Object.fromEntries(output.fields.map(({ name, value }) => [`.${name}`, plain(report.fields[name], value)])),
  };
}

function ofAlert({ channel, key, from, to, at, final, fields }: Alert): Comparable {
  return { channel, key: JSON.stringify(Object.values(key)), from, to, at, final, ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [`.${name}`, value])) };
}

function agrees(want: Comparable, got: Comparable, rule: WindowRule): boolean {
  const output = rule.outputs.find((each) => each.target === want['channel']);
  return Object.keys(want).every((name) => {
    const [a, b] = [want[name], got[name]];
    if (typeof a !== 'number' || typeof b !== 'number') return JSON.stringify(a) === JSON.stringify(b);
    const value = output?.fields.find((field) => `.${field.name}` === name)?.value;
    const error = value?.kind === 'windowAggregate' && value.fn === 'percentile' ? QUANTILE_ERROR * 1.0001 : 1e-11;
    return Math.abs(a - b) <= error * Math.max(Math.abs(a), 1e-6);
  });
}
