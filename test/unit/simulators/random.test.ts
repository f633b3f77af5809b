import { describe, expect, test } from '@jest/globals';
import { Random } from '../../../simulators/index.ts';
import { Timeline } from '../../../simulators/timeline.ts';

describe('Random', () => {
  test('equal seeds give equal sequences, different seeds and purposes different ones', () => {
    const draw = (random: Random): number[] => Array.from({ length: 20 }, () => random.next());
    expect(draw(new Random(7))).toEqual(draw(new Random('7')));
    expect(draw(new Random(7))).not.toEqual(draw(new Random(8)));
    expect(draw(Random.forPurpose(7, 'a'))).not.toEqual(draw(Random.forPurpose(7, 'b')));
  });

  test('uniform numbers fill [0, 1) evenly', () => {
    const random = new Random('uniform');
    const bins = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) bins[Math.floor(random.next() * 10)]!++;
    for (const count of bins) expect(Math.abs(count - 10_000)).toBeLessThan(400); // more than four deviations
  });

  test('normal, log-normal and exponential numbers have the mean and spread they are asked for', () => {
    const random = new Random('shapes');
    const many = (draw: () => number): number[] => Array.from({ length: 50_000 }, draw);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const normal = many(() => random.normal(10, 3));
    expect(mean(normal)).toBeCloseTo(10, 1);
    expect(Math.sqrt(mean(normal.map((value) => (value - 10) ** 2)))).toBeCloseTo(3, 1);
    expect(many(() => random.logNormal(20, 0.5)).sort((a, b) => a - b)[25_000]! / 20).toBeCloseTo(1, 1);
    expect(mean(many(() => random.exponential(5)))).toBeCloseTo(5, 0);
  });

  test('whole numbers include both ends, and weights are shares', () => {
    const random = new Random('whole');
    const dice = new Set(Array.from({ length: 1000 }, () => random.int(1, 6)));
    expect([...dice].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    const chosen = Array.from({ length: 10_000 }, () => random.weighted([1, 0, 3]));
    expect(chosen.filter((index) => index === 1)).toEqual([]);
    expect(chosen.filter((index) => index === 2).length / 10_000).toBeCloseTo(0.75, 1);
  });
});

test('a timeline gives things back by time, those of one time in the order they came', () => {
  const timeline = new Timeline<string>();
  const random = new Random('timeline');
  const put = Array.from({ length: 500 }, (_, order) => ({ time: random.int(0, 50), order }));
  for (const { time, order } of put) timeline.put(time, `${time}/${order}`);
  const taken: string[] = [];
  for (let item = timeline.take(); item !== undefined; item = timeline.take()) taken.push(item);
  expect(taken).toEqual(put.sort((a, b) => a.time - b.time || a.order - b.order).map(({ time, order }) => `${time}/${order}`));
  expect(timeline.nextTime).toBe(Infinity);
});
