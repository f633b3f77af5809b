import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assign, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, type Subscription } from '../../../src/connect/kafka/client/assignment.ts';
import type { TopicPartition } from '../../../src/connect/kafka/index.ts';

const wants = (...topics: string[]): Subscription => ({ topics, owned: [], generation: -1 });
const at = (topic: string, ...partitions: number[]): TopicPartition[] => partitions.map((partition) => ({ topic, partition }));

describe('dealing out a group\'s partitions', () => {
  test('partition i of every topic goes to one member', () => {
    const dealt = assign(new Map([['a', wants('x', 'y')], ['b', wants('x', 'y')]]), new Map([['x', 3], ['y', 2]]));
    expect(dealt).toEqual(new Map([['a', [...at('x', 0), ...at('y', 0), ...at('x', 1), ...at('y', 1)]], ['b', at('x', 2)]]));
  });

  test('what moves is free for a round', () => {
    const holder: Subscription = { topics: ['x'], owned: at('x', 0, 1, 2, 3), generation: 1 };
    const first = assign(new Map([['a', holder], ['b', wants('x')]]), new Map([['x', 4]]));
    expect(first).toEqual(new Map([['a', at('x', 0, 1)], ['b', []]]));
    const second = assign(new Map([['a', { ...holder, owned: at('x', 0, 1), generation: 2 }], ['b', { ...wants('x'), generation: 2 }]]), new Map([['x', 4]]));
    expect(second).toEqual(new Map([['a', at('x', 0, 1)], ['b', at('x', 2, 3)]]));
  });

  test('a claim of an older round yields', () => {
    const stale: Subscription = { topics: ['x'], owned: at('x', 0), generation: 3 };
    const present: Subscription = { topics: ['x'], owned: at('x', 0), generation: 4 };
    expect(assign(new Map([['a', stale], ['b', present]]), new Map([['x', 1]]))).toEqual(new Map([['a', []], ['b', at('x', 0)]]));
  });

  test('members that want different topics each get their own', () => {
    const dealt = assign(new Map([['old', wants('x')], ['new', wants('x', 'y')]]), new Map([['x', 2], ['y', 1]]));
    expect(dealt.get('new')).toEqual(expect.arrayContaining(at('y', 0)));
    expect([...dealt.values()].flat()).toHaveLength(3);
  });

  test('after at most two rounds all is dealt out, evenly, and nothing is ever given to two or taken without need', () => {
    fc.assert(fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 12 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }),
      (claims, x, y) => {
        const counts = new Map([['x', x], ['y', y]]);
        let members = new Map(claims.map((tasks, i) => [`m${i}`, {
          topics: ['x', 'y'], generation: i % 2,
          owned: tasks.flatMap((task) => [...(task < x ? at('x', task) : []), ...(task < y ? at('y', task) : [])]),
        }]));
        for (let round = 0; round < 2; round++) {
          const dealt = assign(members, counts);
          const given = [...dealt.values()].flat().map((p) => `${p.topic}/${p.partition}`);
          expect(new Set(given).size).toBe(given.length);
          members = new Map([...dealt].map(([id, owned]) => [id, { topics: ['x', 'y'], owned, generation: 2 + round }]));
        }
        const tasks = Math.max(x, y);
        const shares = [...members.values()].map(({ owned }) => new Set(owned.map((p) => p.partition)).size);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(tasks);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
        const sorted = (partitions: readonly TopicPartition[]): string[] => partitions.map((p) => `${p.topic}/${p.partition}`).sort();
        for (const [id, given] of assign(members, counts)) expect(sorted(given)).toEqual(sorted(members.get(id)!.owned));
      },
    ));
  });

  test('goes over the wire as Kafka\'s consumer protocol', () => {
    const subscription: Subscription = { topics: ['x', 'ÿ'], owned: [...at('x', 0, 5), ...at('ÿ', 1)], generation: 9 };
    expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription);
    expect(decodeAssignment(encodeAssignment(subscription.owned))).toEqual(subscription.owned);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
  });
});
