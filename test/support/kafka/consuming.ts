import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Closing, consumer, fresh, made, text, until, valuesOf } from './helpers.ts';

export function consuming(closing: Closing): void {
  test.each([
    ['earliest', undefined, undefined, ['0', '1', '2', '3', '4', 'new']],
    ['latest', undefined, undefined, ['new']],
    ['latest', 3, undefined, ['3', '4', 'new']],
    ['earliest', 3, 1, ['1', '2', '3', '4', 'new']],
  ] as const)('reads from %s, committed %s, given %s', async (from, committed, given, expected) => closing(async (kafka) => {
    const topic = await made(kafka, 'from', 1);
    const group = fresh('group');
    const producer = await kafka.producer({});
    await producer.send(['0', '1', '2', '3', '4'].map((value) => text(topic, value)));
    if (committed !== undefined) await kafka.commitOffsets(group, [{ topic, partition: 0, offset: committed, metadata: '' }]);
    const reader = await consumer(kafka, { group, topics: [topic], from, async onAssigned() {
      return given === undefined ? [] : [{ topic, partition: 0, offset: given }];
    } });
    await until(() => reader.held().length === 1, 'the assignment');
    await sleep(200);
    await producer.send([text(topic, 'new')]);
    await until(() => reader.values.at(-1) === 'new', 'the last record');
    expect(reader.values).toEqual(expected);
    await reader.close();
  })());

  test('nothing is handed over before onAssigned has resolved', closing(async (kafka) => {
    const topic = await made(kafka, 'wait', 2);
    await (await kafka.producer({})).send([0, 1].flatMap((partition) => ['a', 'b'].map((value) => ({ ...text(topic, value), partition }))));
    let resolved = false;
    const early: boolean[] = [];
    const reader = await consumer(kafka, { topics: [topic],
      async onAssigned(partitions) {
        await sleep(700);
        resolved = true;
        return partitions.map((p) => ({ ...p, offset: 1 }));
      },
      async onBatch() { early.push(!resolved); } });
    await until(() => early.length === 2, 'both partitions');
    expect(early).toEqual([false, false]);
    await reader.close();
  }));

  test('one call of onBatch a partition at a time; pause, resume and seek', closing(async (kafka) => {
    const topic = await made(kafka, 'pause', 1);
    const producer = await kafka.producer({});
    let inside = 0;
    let most = 0;
    const values: string[] = [];
    const reader = await consumer(kafka, { topics: [topic], async onBatch(batch) {
      most = Math.max(most, ++inside);
      await sleep(20);
      values.push(...valuesOf(batch));
      inside -= 1;
    } });
    await until(() => reader.held().length === 1, 'the assignment');
    for (let i = 0; i < 20; i++) await producer.send([text(topic, String(i))]);
    await until(() => values.length === 20, 'all of it');
    expect(most).toBe(1);
    reader.consumer.pause([{ topic, partition: 0 }]);
    await producer.send([text(topic, 'paused')]);
    await sleep(900);
    expect(values).toHaveLength(20);
    reader.consumer.resume([{ topic, partition: 0 }]);
    await until(() => values.at(-1) === 'paused', 'what came meanwhile');
    reader.consumer.seek({ topic, partition: 0 }, 18);
    await until(() => values.length === 24, 'the repeats');
    expect(values.slice(21)).toEqual(['18', '19', 'paused']);
    await reader.close();
  }));

  test('a batch that is worked on for long does not cost the assignment', closing(async (kafka) => {
    const topic = await made(kafka, 'long', 2);
    const producer = await kafka.producer({});
    let release = (): void => {};
    const done: number[] = [];
    const reader = await consumer(kafka, { topics: [topic], sessionTimeout: kafka.adapter === 'memory' ? 3000 : 2000, async onBatch(batch) {
      if (batch.partition === 0 && batch.offsets[0] === 0) await new Promise<void>((resolve) => { release = resolve; });
      done.push(batch.partition);
    } });
    await until(() => reader.held().length === 2, 'the assignment');
    const { generation } = reader.consumer.membership();
    await producer.send([{ ...text(topic, 'slow'), partition: 0 }]);
    // For two sessions.
    await sleep(6000);
    await producer.send([{ ...text(topic, 'quick'), partition: 1 }]);
    await until(() => done.length === 1, 'the other partition');
    expect(done).toEqual([1]);
    expect(reader.consumer.membership().generation).toBe(generation);
    release();
    await producer.send([{ ...text(topic, 'next'), partition: 0 }]);
    await until(() => done.length === 3, 'the slow one and its next');
    expect(reader.lost).toEqual([]);
    await reader.close();
  }), 60_000);

  test('an error in onBatch is told', closing(async (kafka) => {
    const topic = await made(kafka, 'error', 1);
    await (await kafka.producer({})).send([text(topic, 'bad')]);
    const errors: string[] = [];
    const reader = await consumer(kafka, { topics: [topic], async onBatch() { throw new Error('cannot'); }, onError(error) { errors.push(error.message); } });
    await until(() => errors.length > 0, 'the error');
    expect(errors).toEqual(['cannot']);
    await reader.close();
  }));
}
