/** Runs rules that change while their state lives: an engine of the rules before, cut by a snapshot, and one of the rules after. */
import type { Alert } from '../../src/core/alert.ts';
import { makeDecoder } from '../../src/decode/index.ts';
import { Engine, type Change } from '../../src/engine/index.ts';
import { compiled } from './cases.ts';
import type { InputEvent } from './generate.ts';
import type { EngineReport } from './port.ts';
import type { Random } from './random.ts';

const utf8 = new TextEncoder();

export interface Changed {
  /** Of the rule R. */
  readonly reports: readonly (EngineReport & { readonly kind: string })[];
  readonly change: Change | undefined;
  /** Open runs by rule, before and after the change. */
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
  /** Bytes of state at the end. */
  readonly bytes: number;
}

/** Runs events [0, cutAt) under `rules[0]`, the next under `rules[1]`, and so on, each cut further on. */
export function runChanged(rules: readonly string[], events: readonly InputEvent[], cuts: readonly number[], lateness = 0): Changed {
  const reports: (EngineReport & { kind: string })[] = [];
  const onAlert = (alert: Alert): void => {
    if (alert.rule !== 'R') return;
    const bindings = (alert.events ?? []).flatMap(({ stage, events: bound }) => bound.map(({ offset }) => ({ stage, index: offset })));
    bindings.sort((a, b) => a.index - b.index);
    reports.push({ bindings, from: alert.from, to: alert.to, at: alert.at, id: alert.id, kind: alert.kind });
  };
  const start = (text: string): Engine => new Engine(compiled(text), { onAlert, lateness, now: () => 0 });
  const push = (engine: Engine, from: number, to: number): void => {
    const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
    const texts = events.slice(from, to).map((event) => utf8.encode(`${JSON.stringify(event)}\n`));
    const batch = engine.newBatch(Math.max(1, texts.length));
    const bytes = Buffer.concat(texts);
    batch.bytes = bytes;
    let at = 0;
    texts.forEach((text, row) => {
      const reject = decoder.decode(bytes, at, at + text.length - 1, batch, row);
      if (reject !== undefined) throw new Error(`event ${from + row} is rejected: ${JSON.stringify(reject)}`);
      batch.offset[row] = from + row;
      at += text.length;
    });
    batch.count = texts.length;
    engine.push(batch);
  };
  const openOf = (engine: Engine): Map<string, number> => new Map(engine.stats().rules.map(({ name, openRuns }) => [name, openRuns]));
  let engine = start(rules[0]!);
  let change: Change | undefined;
  let before = new Map<string, number>();
  let after = before;
  let from = 0;
  cuts.forEach((cut, i) => {
    push(engine, from, cut);
    from = cut;
    before = openOf(engine);
    const snapshot = engine.snapshot();
    engine = start(rules[i + 1]!);
    change = engine.restore(snapshot, { accept: () => undefined, again: (batch, row) => {
      const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
      const own = engine.newBatch(1);
      const text = utf8.encode(`${Buffer.from(batch.bytes.subarray(batch.from[row]!, batch.to[row]!)).toString()}\n`);
      if (decoder.decode(text, 0, text.length - 1, own, 0) !== undefined) return false;
      batch.columns.forEach((column, slot) => { column[row] = own.columns[slot]![0]!; });
      return true;
    } });
    after = openOf(engine);
  });
  push(engine, from, events.length);
  const { bytes } = engine.stats();
  engine.advance(Infinity);
  return { reports, change, before, after, bytes };
}

/** Rule files that say the same of R as this one does, and lay out its state otherwise. */
export function edits(text: string, random: Random): string {
  const ways: ((one: string) => string)[] = [
    (one) => `event Zero { k: string, v: float, y: int?, at: time } time at\n${one}`,
    (one) => (random.chance(0.5) ? one.replace('rule R {', `${OTHERS}\nrule R {`) : `${one}\n${OTHERS}`),
    (one) => one.replaceAll('alert out { at: match.to }', 'alert out { at: match.to, since: match.from, until: match.to }'),
    (one) => one.replaceAll('x: int?, at: time', 'z: string?, x: int?, at: time'),
    (one) => one.replace('rule R {', `${copyOf(one, 'R1')}\nrule R {`),
    (one) => `${one}\n${copyOf(one, 'R2')}\n${copyOf(one, 'R3')}`,
    (one) => one.replace('rule R {', 'rule R {\n title "another"\n severity high'),
  ];
  let result = text;
  const count = random.int(1, 3);
  const left = [...ways];
  for (let i = 0; i < count; i++) {
    const [way] = left.splice(random.int(0, left.length - 1), 1);
    result = way!(result);
  }
  return result;
}

const OTHERS = `rule Other1 { by w match all p -> q within 4s p: A where v > 0 q: B where w == p.w and x is not null alert out { x: q.x, v: p.v, k: p.k2 } }
rule Other2 { by k2 evidence full match p{2,} => q within 3s p: A | B q: B where v >= avg(p.x) alert out { n: count(p) } }`;

/** The rule R under another name: it shares its starts with R where rules can. */
const copyOf = (text: string, name: string): string => /^rule R \{[^]*?\n\}\n/m.exec(text)![0].replace('rule R {', `rule ${name} {`);
