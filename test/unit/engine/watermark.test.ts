import { describe, expect, test } from '@jest/globals';
import { boundOf, ev, Job, planOf, run, s, TYPES, type Event } from './harness.ts';

const PAIRS = `${TYPES} rule R { by k match all a ->> b within 1h a: A b: B alert ch { k } }`;

describe('watermarks given from outside', () => {
  const job = (text = PAIRS): Job => new Job(planOf(text), { watermarks: 'given' });

  test('hold every event until the watermark reaches it', () => {
    const one = job();
    one.push([ev('A', 1), ev('B', 2), ev('B', 5)]);
    expect(one.alerts).toEqual([]);
    expect(one.engine.gauges()).toMatchObject({ events: 0, held: 3, watermark: -Infinity });
    one.engine.advance(s(2));
    expect(boundOf(one.alerts)).toEqual([[0, 1]]);
    expect(one.engine.gauges()).toMatchObject({ events: 2, held: 1, watermark: s(2) });
    one.engine.advance(Infinity);
    expect(boundOf(one.alerts)).toEqual([[0, 1], [0, 2]]);
  });

  test('leave what is exactly at them, when they are not inclusive, for what may still come', () => {
    const one = job();
    one.push([ev('A', 1), ev('B', 2)], 0, 0, 1);
    one.engine.advance(s(2), false);
    expect(one.alerts).toEqual([]);
    one.push([ev('A', 2)], 2, 0, 0);
    expect(one.late).toEqual([]);
    one.engine.advance(s(3), false);
    // Of one time, partition 0 comes first.
    expect(boundOf(one.alerts)).toEqual([[0, 1], [2, 1].sort()]);
  });

  test('take an event at the watermark that comes after it, but none below it', () => {
    const one = job();
    one.push([ev('A', 1)]);
    one.engine.advance(s(1));
    one.push([ev('B', 1), ev('B', 0.5)], 1);
    one.engine.advance(s(1));
    expect(boundOf(one.alerts)).toEqual([[0, 1]]);
    expect(one.late).toEqual([2]);
  });

  test('with a pace judge each event by those before it, as watermarks of its own do, whatever the batches', () => {
    const events: Event[] = Array.from({ length: 2000 }, (_, i) => ev('AB'[i % 2]!, i / 10 - ((i * 37) % 23) / 4, { k: `k${i % 3}` }));
    const plan = planOf(PAIRS.replace('1h', '2s'));
    const own = new Job(plan, { lateness: 3000 });
    own.push(events);
    own.engine.advance(Infinity);
    expect(own.late.length).toBeGreaterThan(100);
    for (const size of [1, 7, 100, 2000]) {
      const one = new Job(plan, { watermarks: 'given' });
      let largest = -Infinity;
      for (let at = 0; at < events.length; at += size) {
        const some = events.slice(at, at + size);
        one.push(some, at, 0, 0, { largest, lateness: 3000, bound: Infinity });
        largest = Math.max(largest, ...some.map((event) => Number(event.at)));
        one.engine.advance(largest - 3000);
      }
      one.engine.advance(Infinity);
      expect([size, one.late]).toEqual([size, own.late]);
      expect(boundOf(one.alerts)).toEqual(boundOf(own.alerts));
    }
  });

  test('with a pace go no further than the other streams let them', () => {
    const one = job();
    one.push([ev('A', 5), ev('B', 4), ev('A', 3.5), ev('B', 2)], 0, 0, 0, { largest: -Infinity, lateness: 0, bound: s(3) });
    expect(one.late).toEqual([3]);
    one.push([ev('A', 1)], 4, 0, 0, { largest: s(5), lateness: 0, bound: -Infinity });
    expect(one.late).toEqual([3, 4]);
    expect(one.engine.gauges().watermark).toBe(s(3));
  });

  test('that go back do nothing', () => {
    const one = job();
    one.push([ev('A', 1), ev('B', 2)]);
    one.engine.advance(s(1));
    one.engine.advance(s(0));
    one.engine.advance(NaN);
    expect(one.engine.gauges()).toMatchObject({ events: 1, held: 1, watermark: s(1) });
  });

  test('fire timers: before each event those due at or before its time, then those due at or before the watermark', () => {
    const one = job(`${TYPES} event D { k: string, at: time } time at
      rule Quiet { by k match a -> not b for 5s a: A b: B alert ch { k } }
      rule Pair { by k match a -> c within 1h a: A c: C alert ch { k } }`);
    one.push([ev('A', 0), ev('C', 5), ev('A', 6), ev('C', 12)]);
    one.engine.advance(s(11), false);
    expect(one.log).toEqual(['Quiet', 'Pair', 'Quiet']);
    expect(one.alerts.map((a) => a.at)).toEqual([s(5), s(5), s(11)]);
  });

  test('give the order of source, partition, arrival to events of one time', () => {
    const text = `${TYPES} rule R { by k match a => b => c within 1h a: A b: B c: C alert ch { k } }`;
    const one = job(text);
    one.push([ev('C', 1)], 0, 1, 0);
    one.push([ev('B', 1)], 1, 0, 1);
    one.push([ev('A', 1)], 2, 0, 0);
    one.engine.advance(Infinity);
    expect(boundOf(one.alerts)).toEqual([[0, 1, 2]]);
  });

  test('give the same answer as events in order, however they come', () => {
    const text = `${TYPES} rule R { by k match all a+ -> b within 20s a: A b: B alert ch { k, n: count(a) } }`;
    // Two partitions, each in order but for steps back of up to 3 s, in pieces of 1 to 40 events: chunks are appended to, merged and taken apart.
    const events: Event[] = Array.from({ length: 3000 }, (_, i) => ev('AAB'[(i * 7 + (i >> 3)) % 3]!, i / 4 - ((i * 13) % 12) / 4 + i / 100_000, { k: `k${i % 5}` }));
    const sorted = events.map((event, i) => ({ event, i })).sort((a, b) => Number(a.event.at) - Number(b.event.at));
    const expected = boundOf(run(text, sorted.map(({ event }) => event)).alerts).map((list) => list.map((i) => sorted[i]!.i).sort((a, b) => a - b));
    const one = job(text);
    const next = [0, 0];
    const lists = [0, 1].map((p) => events.map((_, i) => i).filter((i) => Math.floor(i / 7) % 2 === p));
    const reached = [-Infinity, -Infinity];
    for (let turn = 0; next.some((at, p) => at < lists[p]!.length); turn++) {
      const p = turn % 2;
      for (const index of lists[p]!.slice(next[p]!, next[p]! + 1 + (turn * 11) % 40)) {
        one.push([events[index]!], index, 0, p);
        reached[p] = Math.max(reached[p]!, Number(events[index]!.at));
        next[p]!++;
      }
      one.engine.advance(Math.min(...reached) - s(3), false);
      if (turn % 5 === 0) one.moveOn();
    }
    one.engine.advance(Infinity);
    expect(one.late).toEqual([]);
    expect(boundOf(one.alerts)).toEqual(expected);
  });

  test('let go of what they held', () => {
    const one = job();
    for (let i = 0; i < 50; i++) {
      one.push(Array.from({ length: 500 }, (_, k) => ev('C', i * 500 + k)), i * 500);
      one.engine.advance(s(i * 500 + 499));
    }
    expect(one.engine.gauges()).toMatchObject({ held: 0, heldBytes: 0 });
  });
});
