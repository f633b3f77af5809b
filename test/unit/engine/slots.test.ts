import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Slots } from '../../../src/engine/slots.ts';

/** All records of a hash, as look-ups find them. */
function recordsOf({ cells, mask }: Slots, hash: number): number[] {
  const records: number[] = [];
  for (let slot = hash & mask; cells[2 * slot + 1] !== 0; slot = (slot + 1) & mask) if (cells[2 * slot] === hash) records.push(cells[2 * slot + 1]!);
  return records;
}

describe('slots', () => {
  test('hold what a map of lists holds, whatever is added and emptied', () => {
    // Few hashes, and such as meet in one slot: of one home, and of the last slots, whose records go on at the first.
    const hash = fc.constantFrom(0, 1, 15, 16, 31, 32, -1, -16, 0x40000000, 47);
    fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), hash), { maxLength: 120 }), (steps) => {
      const slots = new Slots();
      const model = new Map<number, number[]>();
      let record = 0;
      for (const [adds, of] of steps) {
        const list = model.get(of) ?? [];
        model.set(of, list);
        if (adds) {
          slots.add(of, ++record);
          list.push(record);
        } else if (list.length > 0) {
          const gone = list.splice(list.length >> 1, 1)[0]!;
          let slot = of & slots.mask;
          while (slots.cells[2 * slot + 1] !== gone) slot = (slot + 1) & slots.mask;
          slots.empty(slot);
        }
        for (const [known, records] of model) expect(recordsOf(slots, known).sort((a, b) => a - b)).toEqual(records);
        expect(slots.used).toBe([...model.values()].flat().length);
      }
    }), { numRuns: 200 });
  });
});
