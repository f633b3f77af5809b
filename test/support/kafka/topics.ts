import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type Closing, fresh, made, text } from './helpers.ts';

export function topicsAndOffsets(closing: Closing): void {
  test('topics are made once and listed with their partitions', closing(async (kafka) => {
    const topic = fresh('made');
    await kafka.ensureTopics([{ topic, partitions: 3 }]);
    await kafka.ensureTopics([{ topic, partitions: 3 }]);
    expect((await kafka.topics()).get(topic)).toBe(3);
    expect(await kafka.startOffsets(topic)).toEqual([0, 0, 0]);
    expect(await kafka.endOffsets(topic)).toEqual([0, 0, 0]);
  }));

  test('offsets are found by time, the end where nothing is so late', closing(async (kafka) => {
    const topic = await made(kafka, 'times', 2);
    const producer = await kafka.producer({});
    await producer.send([100, 200, 300].map((time) => ({ ...text(topic, String(time)), partition: 0, time })));
    expect(await kafka.offsetsAt(topic, 150)).toEqual([1, 0]);
    expect(await kafka.offsetsAt(topic, 301)).toEqual([3, 0]);
  }));

  test('offsets committed without a transaction come back with their metadata, those of others do not', closing(async (kafka) => {
    const topic = await made(kafka, 'plain-offsets', 3);
    const group = fresh('group');
    expect(await kafka.committed(group, [topic])).toEqual([]);
    await kafka.commitOffsets(group, [{ topic, partition: 1, offset: 42, metadata: 'checkpoint 7 é' }]);
    expect(await kafka.committed(group, [topic])).toEqual([{ topic, partition: 1, offset: 42, metadata: 'checkpoint 7 é' }]);
    expect(await kafka.committed(fresh('group'), [topic])).toEqual([]);
  }));

  test('a topic that is not there is named', closing(async (kafka) => {
    await expect(kafka.endOffsets(fresh('nowhere'))).rejects.toThrow(/nowhere.*UNKNOWN_TOPIC.*Create the topic/);
  }));

  test('closing ends what is under way, and what is asked for afterwards, at once', closing(async (kafka) => {
    const topic = await made(kafka, 'closed', 1);
    await kafka.endOffsets(topic);
    const under = Promise.allSettled([kafka.read(topic, 0, 0, 1, 'read_committed', () => {}), kafka.endOffsets(topic)]);
    await kafka.close();
    const after = kafka.endOffsets(topic).then(() => 'answered', (error: Error) => error.message);
    // Were they tried again, it would be for a minute. What was under way may have been answered before.
    const ends = await Promise.race([Promise.all([under, after]), sleep(10_000, undefined, { ref: false })]);
    expect(ends).toBeDefined();
    expect(await after).toMatch(/^Could not list the offsets of closed\S+: the client is closed$/);
  }));
}
