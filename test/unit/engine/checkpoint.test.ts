import { describe, expect, test } from '@jest/globals';
import { encodeWhole, put, wholeOf, type Image, type Pages } from '../../../src/state/image.ts';
import { boundOf, ev, Job, planOf, TYPES } from './harness.ts';

const PAIRS = `${TYPES} rule R { by k match all a -> b within 1h a: A b: B alert ch { k } }`;
const keep = (page: Uint8Array): Uint8Array => page;
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const many = (n: number, from = 0): ReturnType<typeof ev>[] => Array.from({ length: n }, (_, i) => ev('A', (from + i) / 100, { k: `key${from + i}` }));
const pagesIn = (image: Image): number => image.sections.reduce((n, section) => n + section.changed.size, 0);

describe('images', () => {
  test('have everything at first, then what changed', () => {
    const job = new Job(planOf(PAIRS));
    job.push(many(40_000));
    const first = job.engine.checkpoint();
    expect(first.bytes).toBeGreaterThan(4_000_000);
    let pages = put({}, first, keep);
    expect(job.engine.checkpoint().sections.filter(({ name, changed }) => changed.size > 0 && name !== 'same time')).toEqual([]);
    job.push([ev('A', 500, { k: 'key7' })]);
    const second = job.engine.checkpoint();
    expect(pagesIn(second)).toBeLessThan(8);
    expect(second.header.length).toBeLessThan(3000);
    pages = put(pages, second, keep);
    expect(equal(encodeWhole(wholeOf(pages, second.header)), job.engine.snapshot())).toBe(true);
  });

  test('that are lost come again with the next, also when what they had has changed since', () => {
    const job = new Job(planOf(PAIRS), { watermarks: 'given' });
    job.push(many(3000));
    job.engine.advance(10_000);
    let pages = put({}, job.engine.checkpoint(), keep);
    job.push(many(1000, 3000), 3000);
    const lost = job.engine.checkpoint();
    job.engine.advance(35_000);
    lost.redo();
    const next = job.engine.checkpoint();
    pages = put(pages, next, keep);
    expect(equal(encodeWhole(wholeOf(pages, next.header)), job.engine.snapshot())).toBe(true);
  });

  test('without the one before them are missed', () => {
    const job = new Job(planOf(PAIRS));
    job.push(many(10_000));
    job.engine.checkpoint();
    job.push(many(1, 10_000), 10_000);
    const second = job.engine.checkpoint();
    expect(() => put<Uint8Array>({}, second, keep)).toThrow(/is in no image of the chain/);
    job.engine.markDirty();
    const whole = job.engine.checkpoint();
    expect(equal(encodeWhole(wholeOf(put<Uint8Array>({}, whole, keep), whole.header)), job.engine.snapshot())).toBe(true);
  });

  test('leave the pages they were put over as they were', () => {
    const job = new Job(planOf(PAIRS));
    job.push(many(100));
    const first = job.engine.checkpoint();
    const before = put<Uint8Array>({}, first, keep);
    const bytes = encodeWhole(wholeOf(before, first.header));
    job.push(many(10_000, 100), 100);
    put(before, job.engine.checkpoint(), keep);
    expect(equal(encodeWhole(wholeOf(before, first.header)), bytes)).toBe(true);
  });

  test('go on after a restore from where the chain stood', () => {
    const plan = planOf(PAIRS);
    const job = new Job(plan);
    job.push(many(20_000));
    const first = job.engine.checkpoint();
    const pages: Pages<Uint8Array> = put({}, first, keep);
    const other = new Job(plan);
    other.engine.restoreImage(wholeOf(pages, first.header));
    const events = [ev('B', 300, { k: 'key123' }), ev('B', 300, { k: 'key19999' })];
    job.push(events, 20_000);
    other.push(events, 20_000);
    expect(other.alerts).toEqual(job.alerts);
    expect(boundOf(other.alerts)).toEqual([[123, 20_000], [19_999, 20_001]]);
    const second = other.engine.checkpoint();
    expect(pagesIn(second)).toBeLessThan(12);
    const whole = encodeWhole(wholeOf(put(pages, second, keep), second.header));
    expect(equal(whole, other.engine.snapshot())).toBe(true);
    expect(equal(whole, job.engine.snapshot())).toBe(true);
  });

  test('of other rules, formats or pages, and damaged ones, are refused', () => {
    const job = new Job(planOf(PAIRS));
    job.push(many(10));
    const image = job.engine.checkpoint();
    const pages = put<Uint8Array>({}, image, keep);
    const other = new Job(planOf(`${TYPES} rule S { by k match a => b within 1h a: A b: B alert ch { k } }`));
    expect(() => { other.engine.restoreImage(wholeOf(pages, image.header)); }).toThrow(/other rules/);
    expect(() => { job.engine.restoreImage(wholeOf(pages, image.header.replace(/"format":\d+/, '"format":99'))); }).toThrow(/written in format 99; this version reads/);
    const small = new Job(planOf(PAIRS), { recordsApart: true });
    expect(() => { small.engine.restoreImage(wholeOf(pages, image.header)); }).toThrow(/pages of 65536 bytes; here they have 1024/);
    expect(() => { small.engine.restore(job.engine.snapshot().subarray(0, 100)); }).toThrow(/no state of an engine/);
    expect(() => { small.engine.restore(new Uint8Array(3)); }).toThrow(/3 bytes are too few/);
    expect(() => { job.engine.restoreImage(wholeOf({ ...pages, strings: [pages['strings']![0]!.slice(4)] }, image.header)); }).toThrow(/pages of strings/);
  });

  test('do not depend on the seed of the hash of strings', () => {
    const bytes = [0, 1].map(() => {
      const job = new Job(planOf(PAIRS));
      job.push(many(5000));
      return job.engine.snapshot();
    });
    expect(equal(bytes[0]!, bytes[1]!)).toBe(true);
  });
});

test('gauges say what stats say, without the open runs', () => {
  const job = new Job(planOf(`${TYPES} rule R { by k match a -> not b within 10s a: A b: B alert ch { k } on timeout alert late { k } }
    rule S { by k match a -> b within 10s a: A b: B alert ch { k } }`));
  job.push([...many(50), ev('B', 3, { k: 'key5' })]);
  const { rules, ...stats } = job.engine.stats();
  const gauges = job.engine.gauges();
  expect(gauges).toMatchObject(stats);
  expect(rules).toEqual(gauges.rules.map(({ keys: _keys, runs: _runs, bytes: _bytes, ...rule }) => ({ ...rule, openRuns: expect.any(Number) })));
  expect(gauges.rules.map(({ keys }) => keys).reduce((a, b) => a + b, 0)).toBe(stats.keys);
  gauges.rules.forEach(({ runs, bytes }, i) => { expect([runs >= rules[i]!.openRuns, bytes > 0]).toEqual([true, true]); });
  expect(gauges.timers).toBeGreaterThanOrEqual(49);
});
