import type { Alert } from '../../src/core/alert.ts';
import { makeDecoder } from '../../src/decode/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { decodeWhole, encodeWhole, put, wholeOf, type Pages, type WholeImage } from '../../src/state/image.ts';
import { compiled, compiledAnew } from './cases.ts';
import type { EngineReport, EngineResult, RunEngine } from './port.ts';
import { Random } from './random.ts';

const utf8 = new TextEncoder();
/** How far out of order a shuffled delivery goes, ms. */
const LATENESS = 60_000;

/** Runs the real engine: text → parser → checker → compiler → decoder → engine. */
export const runEngine: RunEngine = (ruleText, events, { cutAt, shuffleSeed, imageSeed, partitions }) => {
  const matches: EngineReport[] = [];
  const timeouts: EngineReport[] = [];
  const onAlert = (alert: Alert): void => {
    const bindings = (alert.events ?? []).flatMap(({ stage, events: bound }) => bound.map(({ offset }) => ({ stage, index: offset })));
    bindings.sort((a, b) => a.index - b.index);
    (alert.kind === 'match' ? matches : timeouts).push({ bindings, from: alert.from, to: alert.to, at: alert.at, id: alert.id });
  };
  const lateness = shuffleSeed === undefined ? 0 : LATENESS;
  const start = (plan = compiled(ruleText)): Engine => new Engine(plan, { onAlert, lateness, watermarks: partitions === undefined ? 'own' : 'given', recordsApart: imageSeed !== undefined, now: () => 0 });
  let engine = start();
  const push = (indexes: readonly number[], partition = 0): void => {
    const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
    const batch = engine.newBatch(Math.max(1, indexes.length));
    const texts = indexes.map((index) => utf8.encode(`${JSON.stringify(events[index])}\n`));
    const bytes = new Uint8Array(texts.reduce((n, text) => n + text.length, 0));
    batch.bytes = bytes;
    batch.partition = partition;
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
  const timeOf = (index: number): number => new Date((events[index] as { at: number | string }).at).getTime();
  if (shuffleSeed !== undefined) {
    const random = new Random(shuffleSeed);
    const delay = new Map<number, number>();
    for (const index of order) if (!delay.has(timeOf(index))) delay.set(timeOf(index), random.int(0, LATENESS));
    order.sort((a, b) => timeOf(a) + delay.get(timeOf(a))! - timeOf(b) - delay.get(timeOf(b))! || a - b);
  }
  if (imageSeed !== undefined) {
    const chain = new ImageChain(imageSeed);
    for (let at = 0; at < order.length;) {
      const some = order.slice(at, at += chain.random.int(0, 3) === 0 ? chain.random.int(2, 8) : 1);
      push(some);
      engine = chain.look(engine, start);
    }
  } else if (partitions !== undefined) pushPartitions(order, timeOf, partitions, push, (watermark, inclusive) => { engine.advance(watermark, inclusive); });
  else if (cutAt === undefined) push(order);
  else {
    push(order.slice(0, cutAt));
    const snapshot = engine.snapshot();
    engine = start(compiledAnew(ruleText));
    engine.restore(snapshot);
    push(order.slice(cutAt));
  }
  engine.advance(Infinity);
  return { matches, timeouts } satisfies EngineResult;
};

/** Every partition in its own order, a few events at a time, with the watermark moved up now and then to what it may be. */
function pushPartitions(
  order: readonly number[], timeOf: (index: number) => number, { count, seed }: { readonly count: number; readonly seed: number },
  push: (indexes: readonly number[], partition: number) => void, advance: (watermark: number, inclusive: boolean) => void,
): void {
  const random = new Random(seed);
  const partitionOf = new Map<number, number>();
  const lists: number[][] = Array.from({ length: count }, () => []);
  for (const index of order) {
    const time = timeOf(index);
    if (!partitionOf.has(time)) partitionOf.set(time, random.int(0, count - 1));
    lists[partitionOf.get(time)!]!.push(index);
  }
  const largest = lists.map((list) => (list.length === 0 ? Infinity : -Infinity));
  const next = lists.map(() => 0);
  for (let left = order.length; left > 0;) {
    const partition = random.int(0, count - 1);
    const list = lists[partition]!;
    const from = next[partition]!;
    const some = list.slice(from, from + random.int(1, 6));
    if (some.length === 0) continue;
    push(some, partition);
    next[partition] = from + some.length;
    left -= some.length;
    largest[partition] = Math.max(largest[partition]!, ...some.map(timeOf));
    if (random.int(0, 2) > 0) advance(Math.min(...largest, Number.MAX_SAFE_INTEGER), count === 1);
  }
}

/** What images of an engine come to, compared with all of its state. */
export class ImageChain {
  readonly random: Random;
  #pages: Pages<Uint8Array> = {};

  constructor(seed: number) { this.random = new Random(seed); }

  /** At a batch boundary: does nothing, takes an image, loses one, or goes on in the engine that is returned. */
  look(engine: Engine, start: () => Engine): Engine {
    const what = this.random.int(0, 9);
    if (what === 0) return engine;
    if (what === 1) {
      engine.checkpoint().redo();
      return engine;
    }
    const image = engine.checkpoint();
    this.#pages = put(this.#pages, image, (page) => page);
    const whole = wholeOf(this.#pages, image.header);
    const now = engine.snapshot();
    if (!equal(encodeWhole(whole), now)) throw new Error(`a chain of images is not the state: ${difference(whole, decodeWhole(now))}`);
    if (what < 8) return engine;
    const next = start();
    next.restoreImage(whole);
    if (!equal(next.snapshot(), now)) throw new Error('a restored engine has another state');
    return next;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean { return Buffer.compare(a, b) === 0; }

/** The pages that a chain and the state have otherwise. */
function difference(chain: WholeImage, state: WholeImage): string {
  const names = new Set([...chain.sections.keys(), ...state.sections.keys()]);
  return [...names].flatMap((name) => {
    const [a, b] = [chain.sections.get(name) ?? [], state.sections.get(name) ?? []];
    return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i)
      .filter((i) => a[i] === undefined || b[i] === undefined || !equal(a[i]!, b[i]!)).map((i) => {
        const at = [...(a[i] ?? [])].findIndex((byte, k) => byte !== b[i]?.[k]);
        return `${name} ${i} of ${b.length} at byte ${at}`;
      });
  }).join(', ');
}
