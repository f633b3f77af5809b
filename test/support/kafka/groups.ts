import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, FetchedBatch, Kafka } from '../../../src/connect/kafka/index.ts';
import { type Closing, committedValues, consumer, fresh, made, place, text, until, valuesOf } from './helpers.ts';

export function groups(closing: Closing, client: () => Promise<Kafka>): void {
  test('members share partitions by number, a third comes and goes, and what moves is handed over first', closing(async (kafka) => {
    const [left, right] = [await made(kafka, 'left', 6), await made(kafka, 'right', 6)];
    const group = fresh('group');
    const owners = new Map<string, string>();
    const overlaps: string[] = [];
    let handingOver = 0;
    let mostHandingOver = 0;
    const join = async (who: string) => {
      const taken: string[] = [];
      return consumer(await client(), { group, topics: [left, right], sessionTimeout: 3000,
        async onAssigned(partitions) {
          for (const p of partitions) {
            if (owners.has(place(p))) overlaps.push(`${place(p)} of ${owners.get(place(p))} given to ${who}`);
            owners.set(place(p), who);
            taken.push(place(p));
          }
          return [];
        },
        async onRevoked(partitions) {
          mostHandingOver = Math.max(mostHandingOver, ++handingOver);
          await sleep(200);
          for (const p of partitions) owners.delete(place(p));
          handingOver -= 1;
        } });
    };
    const together = (): void => {
      for (let partition = 0; partition < 6; partition++) {
        expect(owners.get(`${left}/${partition}`)).toBeDefined();
        expect(owners.get(`${left}/${partition}`)).toBe(owners.get(`${right}/${partition}`));
      }
    };
    const shares = (): number[] => {
      const counts = new Map<string, number>();
      for (const who of owners.values()) counts.set(who, (counts.get(who) ?? 0) + 1);
      return [...counts.values()].sort();
    };

    const a = await join('a');
    await until(() => owners.size === 12, 'all to the first');
    const b = await join('b');
    await until(() => owners.size === 12 && shares().length === 2, 'the second');
    expect(shares()).toEqual([6, 6]);
    together();
    const before = new Map(owners);
    const c = await join('c');
    await until(() => owners.size === 12 && shares().length === 3, 'the third');
    expect(shares()).toEqual([4, 4, 4]);
    together();
    expect([...owners].filter(([p, who]) => who !== 'c' && before.get(p) !== who)).toEqual([]); // what did not go to the third stayed
    await c.close();
    await until(() => owners.size === 12 && shares().length === 2, 'the third gone');
    expect(shares()).toEqual([6, 6]);
    together();
    await a.close();
    await until(() => owners.size === 12 && shares().length === 1, 'the first gone');
    expect(overlaps).toEqual([]);
    expect([a.lost, b.lost, c.lost]).toEqual([[], [], []]);
    await b.close();
    expect(owners.size).toBe(0);
    expect(mostHandingOver).toBeGreaterThan(0);
  }), 90_000);

  test('who goes away before being dealt in does not hold up the others', closing(async (kafka) => {
    const topic = await made(kafka, 'hasty', 2);
    const group = fresh('group');
    const a = await consumer(kafka, { group, topics: [topic] });
    await until(() => a.held().length === 2, 'the assignment');
    // The first learns of the second at its next heart-beat: till then the second's request waits at the broker.
    const b = await consumer(await client(), { group, topics: [topic] });
    await sleep(100);
    await b.close();
    await sleep(1500);
    await (await kafka.producer({})).send([0, 1].map((partition) => ({ ...text(topic, String(partition)), partition })));
    // Far below the session, after which the second would be counted out in any case.
    await until(() => a.values.length === 2, 'records of both partitions', 15_000);
    await a.close();
  }), 60_000);

  test('a commit during a rebalance is not refused, and no record is lost or read twice by committed work', closing(async (kafka) => {
    const [input, output] = [await made(kafka, 'in', 4), await made(kafka, 'out', 1)];
    const group = fresh('group');
    const plain = await kafka.producer({});
    const total = 400;
    const join = async (who: Kafka) => {
      const tasks = new Map<string, Awaited<ReturnType<Kafka['producer']>>>();
      const running: { consumer?: Consumer } = {};
      const work = async (batch: FetchedBatch): Promise<void> => {
        const producer = tasks.get(place(batch));
        if (producer === undefined) return;
        const transaction = await producer.begin();
        await transaction.send(valuesOf(batch).map((value) => ({ ...text(output, value), partition: 0 })));
        await transaction.commit({ membership: running.consumer!.membership(), offsets: [{ topic: input, partition: batch.partition, offset: batch.next, metadata: '' }] });
      };
      const busy = new Map<string, Promise<void>>();
      const reader = await consumer(who, { group, topics: [input], from: 'earliest',
        async onAssigned(partitions) {
          for (const p of partitions) {
            const producer = await who.producer({ transactionalId: `${group}-${p.partition}` });
            await producer.fence();
            tasks.set(place(p), producer);
          }
          return [];
        },
        async onRevoked(partitions) {
          for (const p of partitions) {
            await busy.get(place(p));
            await tasks.get(place(p))?.close();
            tasks.delete(place(p));
          }
        },
        async onBatch(batch) {
          const done = work(batch);
          busy.set(place(batch), done.catch(() => {}));
          await done;
        } });
      running.consumer = reader.consumer;
      return reader;
    };
    const a = await join(kafka);
    const sending = (async () => {
      for (let i = 0; i < total; i++) {
        await plain.send([{ ...text(input, String(i)), partition: i % 4 }]);
        if (i % 10 === 0) await sleep(20);
      }
    })();
    await sleep(300);
    const b = await join(await client());
    await until(() => b.held().length > 0, 'the share of the second');
    await sleep(300);
    await b.close();
    await sending;
    await until(async () => {
      // A refused commit stops its partition for good: better to hear of that than to wait.
      expect([a.errors, b.errors]).toEqual([[], []]);
      return (await kafka.committed(group, [input])).reduce((sum, p) => sum + p.offset, 0) === total;
    }, 'all offsets', 30_000);
    await until(async () => (await committedValues(kafka, output, 0)).length >= total, 'all outputs');
    const values = (await committedValues(kafka, output, 0)).map(Number);
    expect([...values].sort((x, y) => x - y)).toEqual(Array.from({ length: total }, (_, i) => i));
    expect([a.errors, b.errors]).toEqual([[], []]);
    await a.close();
  }), 90_000);
}
