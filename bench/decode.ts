/** Speed of the decoder alone beside `JSON.parse` of the same bytes in the same process: `node bench/decode.ts`. */
import { Batch } from '../src/core/batch.ts';
import { Strings } from '../src/core/strings.ts';
import type { Schema } from '../src/core/schema.ts';
import type { Type } from '../dsl/typed.ts';
import { makeDecoder } from '../src/decode/index.ts';
import { jsonParseLines } from './baseline.ts';
import { payments } from './payments.ts';

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 5;

function field(name: string, kind: 'string' | 'float', slot: number): Schema['types'][number]['fields'][number] {
  return { name, source: name, slot, optional: false, type: { kind } as Type };
}

/** Three of the six fields are read by rules; the time field is read for the event's time. */
const schema: Schema = {
  slots: 3,
  types: [{
    name: 'Payment',
    time: 5,
    fields: [
      field('card', 'string', 0), field('amount', 'float', 1), field('merchant', 'string', 2), field('country', 'string', -1),
      field('channel', 'string', -1), { name: 'ts', source: 'ts', slot: -1, optional: false, type: { kind: 'time', unit: 'ms' } },
    ],
  }],
};

function decodeAll(bytes: Uint8Array): number {
  const decoder = makeDecoder(schema, new Strings(), { defaultType: 'Payment' });
  const batch = new Batch(schema.slots, 1024);
  let at = 0;
  let events = 0;
  while (at < bytes.length) {
    batch.count = 0;
    at = decoder.decodeLines(bytes, at, bytes.length, batch, (reject) => { throw new Error(reject.message); });
    events += batch.count;
  }
  return events;
}

const bytes = payments({ events: EVENTS, cards: 10_000, seed: 1 });
const rates = { decoder: [] as number[], parse: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of [['parse', jsonParseLines], ['decoder', decodeAll]] as const) {
    const start = performance.now();
    if (run(bytes) !== EVENTS) throw new Error(`${name} lost events`);
    rates[name].push(EVENTS / (performance.now() - start) * 1000);
  }
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
const [decoder, parse] = [median(rates.decoder), median(rates.parse)];
console.log(`${EVENTS} payments of ${(bytes.length / EVENTS).toFixed(0)} bytes`);
console.log(`JSON.parse  ${(parse / 1000).toFixed(0)} thousand events/s`);
console.log(`decoder     ${(decoder / 1000).toFixed(0)} thousand events/s, ${(decoder / parse).toFixed(2)} ×`);
