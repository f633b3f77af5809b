import { expect, test } from '@jest/globals';
import { Watermarks } from '../../../src/job/watermarks.ts';

const all = (): boolean => true;

test('the watermark is the least of the streams, each less its lateness, and never goes back', () => {
  const marks = new Watermarks();
  marks.add('a/0', 0, 30_000);
  marks.add('b/0', 100, 30_000);
  expect(marks.inclusive).toBe(false);
  marks.seen('a/0', 5000);
  expect(marks.advance()).toBe(-Infinity);
  marks.seen('b/0', 3000);
  expect(marks.advance()).toBe(2900);
  marks.seen('b/0', 1000);
  expect(marks.advance()).toBe(2900);
  expect(marks.holding().map(({ stream }) => stream)).toEqual(['b/0']);
});

test('an idle stream holds nothing back; while all are idle event time goes on as the clock does', () => {
  const marks = new Watermarks();
  marks.add('a/0', 0, 1000);
  marks.add('b/0', 0, 1000);
  marks.seen('a/0', 5000);
  marks.seen('b/0', 9000);
  expect(marks.advance()).toBe(5000);
  expect(marks.pass(600, all)).toEqual([]);
  marks.seen('b/0', 9500);
  expect(marks.pass(600, all).map(({ stream }) => stream)).toEqual(['a/0']);
  expect(marks.advance()).toBe(9500);
  marks.pass(600, all);
  expect(marks.advance()).toBe(9500 + 1200);
  expect(marks.seen('a/0', 20_000)).toBe(true);
  expect(marks.advance()).toBe(20_000);
});

test('silence that is not the stream\'s own makes nothing idle', () => {
  const marks = new Watermarks();
  marks.add('a/0', 0, 1000);
  marks.seen('a/0', 5000);
  expect(marks.pass(5000, () => false)).toEqual([]);
  expect(marks.advance()).toBe(5000);
});

test('streams that are over hold nothing back; when all are, event time ends', () => {
  const marks = new Watermarks();
  marks.add('a/0', 0, Infinity);
  marks.add('b/0', 0, Infinity);
  marks.seen('a/0', 10);
  marks.seen('b/0', 20);
  marks.end('a/0');
  expect(marks.advance()).toBe(20);
  marks.end('b/0');
  expect(marks.advance()).toBe(Infinity);
});

test('the pace of a stream is what it has come to, and how far the others let event time go', () => {
  const marks = new Watermarks();
  for (const [stream, lateness] of [['a/0', 10], ['b/0', 20], ['c/0', 0]] as const) marks.add(stream, lateness, 1000);
  marks.seen('a/0', 500);
  expect(marks.paceOf('a/0')).toEqual({ largest: 500, lateness: 10, bound: -Infinity });
  marks.seen('b/0', 400);
  marks.pass(1000, (stream) => stream === 'c/0');
  expect(marks.paceOf('a/0')).toEqual({ largest: 500, lateness: 10, bound: 380 });
  marks.end('b/0');
  expect(marks.paceOf('a/0')).toEqual({ largest: 500, lateness: 10, bound: Infinity });
  expect(marks.paceOf('c/0')).toEqual({ largest: -Infinity, lateness: 0, bound: 490 });
});

test('what a checkpoint keeps of them comes back', () => {
  const marks = new Watermarks();
  marks.add('a/0', 5, 1000);
  marks.seen('a/0', 50);
  marks.advance();
  const again = new Watermarks();
  again.add('a/0', 5, 1000);
  again.restore(JSON.parse(JSON.stringify(marks.serialize())));
  expect(again.watermark).toBe(45);
  expect(again.advance()).toBe(45);
});
