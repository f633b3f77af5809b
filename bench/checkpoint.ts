/**
 * The pause of a checkpoint: `node bench/checkpoint.ts [--runs 1000000] [--touched 1]`. Fills an engine with open runs, takes the first image, which has everything,
 * then a few after events that change about so many percent of the pages. Prints what each took. For comparison, the whole snapshot.
 */
import { parseArgs } from 'node:util';
import { makeDecoder } from '../src/decode/index.ts';
import { Engine } from '../src/engine/index.ts';
import { put, wholeOf, type Pages } from '../src/state/image.ts';
import { planOf } from './plan.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '1000000' }, touched: { type: 'string', default: '1' } } });
const runs = Number(values.runs);
const percent = Number(values.touched);

const plan = planOf('checkpoint.cep');
const engine = new Engine(plan, { onAlert: () => {}, now: () => 0 });
const decoder = makeDecoder(engine.schema, engine.strings, { defaultType: 'Payment' });
const batch = engine.newBatch(1024);
const START = 1_760_000_000_000;
let time = START;

/** Payments of these cards, each of which opens a run. */
function push(cards: Iterable<number>): void {
  let text = '';
  let n = 0;
  const flush = (): void => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) {
      batch.count = 0;
      at = decoder.decodeLines(bytes, at, bytes.length, batch, (reject) => { throw new Error(reject.message); });
      engine.push(batch);
    }
    text = '';
  };
  for (const card of cards) {
    text += `{"card":"card-${card}","amount":5,"merchant":"m-${card % 5000}","country":"US","channel":"online","ts":${time++}}\n`;
    if (++n % 1024 === 0) flush();
  }
  flush();
}

function* range(from: number, to: number): Iterable<number> { for (let i = from; i < to; i++) yield i; }

const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const timed = <T>(what: string, run: () => T, size: (result: T) => number): T => {
  const start = performance.now();
  const result = run();
  const took = performance.now() - start;
  console.log(`${what.padEnd(44)} ${took.toFixed(1).padStart(8)} ms ${mb(size(result)).padStart(12)}`);
  return result;
};

push(range(0, runs));
const { keys, bytes, tableBytes, stringBytes, timers } = engine.gauges();
console.log(`${engine.stats().rules[0]!.openRuns} open runs of ${keys} keys, ${timers} timers: ${mb(bytes)} of records, ${mb(tableBytes)} of tables, ${mb(stringBytes)} of texts`);

let pages: Pages<Uint8Array> = {};
let image = timed('the first image', () => engine.checkpoint(), (i) => i.bytes);
pages = put(pages, image, (page) => page);
const all = Object.values(pages).reduce((n, list) => n + list.length, 0);
for (let round = 0; round < 8; round++) {
  // Neighbouring keys lie side by side: so many of them dirty about that share of the pages.
  const first = Math.floor(runs * (0.1 + 0.09 * round));
  push(range(first, first + Math.ceil(runs * percent / 100)));
  image = timed(`an image after ${percent} % of the keys`, () => engine.checkpoint(), (i) => i.bytes);
  const changed = image.sections.reduce((n, section) => n + section.changed.size, 0);
  console.log(`  ${changed} of ${all} pages: ${image.sections.map((s) => `${s.name} ${s.changed.size}`).join(', ')}; header ${image.header.length} bytes`);
  pages = put(pages, image, (page) => page);
}
const snapshot = timed('the whole snapshot', () => engine.snapshot(), (s) => s.length);
const other = new Engine(plan, { onAlert: () => {}, now: () => 0 });
timed('restoring the chain', () => { other.restoreImage(wholeOf(pages, image.header)); return other; }, () => snapshot.length);
if (Buffer.compare(other.snapshot(), snapshot) !== 0) throw new Error('the chain of images is not the state');
console.log('the restored engine has the same state, byte for byte');
