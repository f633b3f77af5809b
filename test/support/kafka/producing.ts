import { expect, test } from '@jest/globals';
import { partitionOf } from '../../../src/connect/kafka/index.ts';
import { type Closing, consumer, made, readAll, text, until, valuesOf } from './helpers.ts';

export function producing(closing: Closing): void {
  test('a record comes back as it was sent: key, value, headers, time; null stays null', closing(async (kafka) => {
    const topic = await made(kafka, 'records', 1);
    const producer = await kafka.producer({});
    await producer.send([
      { topic, key: 'kéy', value: Buffer.from('{"a":1}'), headers: { rule: 'r', severity: 'hoch ✓' }, time: 1_700_000_000_123 },
      { topic, key: null, value: null, time: 0 },
      { topic, key: Buffer.from([0, 255]), value: Buffer.alloc(0), headers: {}, time: 5 },
    ]);
    const [batch] = await readAll(kafka, topic, 0);
    expect(batch!.count).toBe(3);
    expect(Array.from(batch!.offsets)).toEqual([0, 1, 2]);
    expect(Array.from(batch!.times)).toEqual([1_700_000_000_123, 0, 5]);
    expect(batch!.keys.map((key) => key && [...key])).toEqual([[...Buffer.from('kéy')], null, [0, 255]]);
    expect(batch!.values.map((value) => value && Buffer.from(value).toString())).toEqual(['{"a":1}', null, '']);
    expect([batch!.header(0, 'rule'), batch!.header(0, 'severity'), batch!.header(0, 'none'), batch!.header(1, 'rule')]).toEqual(['r', 'hoch ✓', undefined, undefined]);
    expect([batch!.next, batch!.highWatermark]).toEqual([3, 3]);
  }));

  test('keys lie where Java puts them, and in order', closing(async (kafka) => {
    const topic = await made(kafka, 'keys', 5);
    const producer = await kafka.producer({});
    const keys = Array.from({ length: 200 }, (_, i) => `card-${i % 40}`);
    await producer.send(keys.map((key, i) => ({ topic, key, value: Buffer.from(String(i)) })));
    for (let partition = 0; partition < 5; partition++) {
      const batches = await readAll(kafka, topic, partition);
      const values = batches.flatMap(valuesOf).map(Number);
      expect(values).toEqual(keys.flatMap((key, i) => (partitionOf(key, 5) === partition ? [i] : [])));
    }
  }));

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('compression %s', async (compression) => closing(async (kafka) => {
    expect(kafka.codecs).toContain(compression);
    const topic = await made(kafka, `codec-${compression}`, 1);
    const producer = await kafka.producer({ compression });
    const sent = Array.from({ length: 3000 }, (_, i) => JSON.stringify({ i, text: 'the same again and again', random: Math.random() }));
    await producer.send(sent.map((value) => text(topic, value)));
    expect((await readAll(kafka, topic, 0)).flatMap(valuesOf)).toEqual(sent);
  })());

  test('one send of 100,000 records over four partitions', closing(async (kafka) => {
    const topic = await made(kafka, 'many', 4);
    const producer = await kafka.producer({});
    const value = Buffer.from(JSON.stringify({ card: '4711', amount: 12.5, merchant: 'm-77', country: 'CH', note: 'x'.repeat(40) }));
    await producer.send(Array.from({ length: 100_000 }, (_, i) => ({ topic, partition: i % 4, key: `k${i}`, value, time: i })));
    expect(await kafka.endOffsets(topic)).toEqual([25_000, 25_000, 25_000, 25_000]);
    const seen = new Map<number, number[]>();
    const reader = await consumer(kafka, { topics: [topic], async onBatch(batch) {
      const times = seen.get(batch.partition) ?? [];
      times.push(...Array.from(batch.times));
      seen.set(batch.partition, times);
    } });
    await until(() => [...seen.values()].reduce((sum, times) => sum + times.length, 0) >= 100_000, 'all records');
    for (let partition = 0; partition < 4; partition++) expect(seen.get(partition)).toEqual(Array.from({ length: 25_000 }, (_, i) => i * 4 + partition));
    await reader.close();
  }));

  test('a record larger than the topic allows is refused by name', closing(async (kafka) => {
    if (kafka.adapter === 'memory') return; // it has no limit
    const topic = await made(kafka, 'large', 1);
    const producer = await kafka.producer({});
    await expect(producer.send([text(topic, 'x'.repeat(2_000_000))])).rejects.toThrow(/MESSAGE_TOO_LARGE.*max\.message\.bytes/);
    await producer.send([text(topic, 'small')]);
    expect((await readAll(kafka, topic, 0)).flatMap(valuesOf)).toEqual(['small']);
  }));
}
