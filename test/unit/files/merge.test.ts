import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { schemaOf } from '../decode/support.ts';
import { fileOf, readAll } from './support.ts';

const schema = schemaOf({ E: { id: 'string', at: 'time' } });

/** The merge as one would write it down: always the earliest next event, of equals the input listed first. */
function plainly(inputs: readonly (readonly number[])[]): string[] {
  const next = inputs.map(() => 0);
  const order: string[] = [];
  for (;;) {
    let first = -1;
    inputs.forEach((times, i) => {
      if (next[i]! < times.length && (first < 0 || times[next[i]!]! < inputs[first]![next[first]!]!)) first = i;
    });
    if (first < 0) return order;
    order.push(`${first}.${next[first]!++}`);
  }
}

test('several inputs come by event time, equal times by the order of the inputs, each in its own order', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.nat(20), { maxLength: 30 }), { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), async (inputs, capacity, inOrder) => {
    const times = inputs.map((input) => (inOrder ? input.toSorted((a, b) => a - b) : input));
    const specs = times.map((input, source) => ({ path: fileOf(input.map((at, i) => `{"id":"${source}.${i}","at":${at}}\n`).join('')), source }));
    const { events } = await readAll(schema, specs, { capacity, sweep: true });
    expect(events.map((event) => event.values['id'])).toEqual(plainly(times));
    for (const { values, source, line, text, time } of events) {
      expect(values['id']).toBe(`${source}.${line - 1}`);
      expect(text).toBe(`{"id":"${values['id']}","at":${time}}`);
    }
  }), { numRuns: 60 });
});
