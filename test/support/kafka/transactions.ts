import { expect, test } from '@jest/globals';
import { FencedError, type Kafka, type ProducedRecord } from '../../../src/connect/kafka/index.ts';
import { type Closing, at, committedValues, consumer, fresh, made, readAll, text, until, valuesOf } from './helpers.ts';

export function transactions(closing: Closing, client: () => Promise<Kafka>): void {
  test('a commit shows records and offsets with their metadata together; before it nothing is seen', closing(async (kafka) => {
    const topic = await made(kafka, 'commit', 2);
    const [group, transactionalId] = [fresh('group'), fresh('tx')];
    const producer = await kafka.producer({ transactionalId });
    await producer.fence();
    const transaction = await producer.begin();
    await transaction.send([{ ...text(topic, 'a'), partition: 0 }, { ...text(topic, 'b'), partition: 1 }]);
    await transaction.send([{ ...text(topic, 'c'), partition: 0 }]);
    expect(await committedValues(kafka, topic, 0)).toEqual([]);
    await transaction.commit(at(group, [{ topic, partition: 0, offset: 17, metadata: 'checkpoint 3' }]));
    expect(await kafka.committed(group, [topic])).toEqual([{ topic, partition: 0, offset: 17, metadata: 'checkpoint 3' }]);
    await until(async () => (await committedValues(kafka, topic, 0)).length === 2, 'the commit');
    expect(await committedValues(kafka, topic, 0)).toEqual(['a', 'c']);
    expect(await committedValues(kafka, topic, 1)).toEqual(['b']);
  }));

  test('offset metadata may be 4,096 bytes', closing(async (kafka) => {
    const topic = await made(kafka, 'metadata', 1);
    const group = fresh('group');
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    const metadata = 'm'.repeat(4096);
    await (await producer.begin()).commit(at(group, [{ topic, partition: 0, offset: 1, metadata }]));
    expect(await kafka.committed(group, [topic])).toEqual([{ topic, partition: 0, offset: 1, metadata }]);
  }));

  test('offsets alone, records alone, nothing at all: each is a transaction; fifty in a row', closing(async (kafka) => {
    const topic = await made(kafka, 'row', 1);
    const group = fresh('group');
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    await (await producer.begin()).commit(undefined);
    await (await producer.begin()).abort();
    for (let i = 0; i < 50; i++) {
      const transaction = await producer.begin();
      if (i % 2 === 0) await transaction.send([text(topic, String(i))]);
      await transaction.commit(i % 3 === 0 ? undefined : at(group, [{ topic, partition: 0, offset: i, metadata: `c${i}` }]));
    }
    expect(await kafka.committed(group, [topic])).toEqual([{ topic, partition: 0, offset: 49, metadata: 'c49' }]);
    await until(async () => (await committedValues(kafka, topic, 0)).length === 25, 'all commits');
    expect(await committedValues(kafka, topic, 0)).toEqual(Array.from({ length: 25 }, (_, i) => String(2 * i)));
  }));

  test('an abort leaves neither records nor offsets; aborted records are never seen, also of two aborts in a row and of three megabytes', closing(async (kafka) => {
    const topic = await made(kafka, 'abort', 1);
    const group = fresh('group');
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    const plain = await kafka.producer({});
    const abort = async (records: readonly ProducedRecord[]): Promise<void> => {
      const transaction = await producer.begin();
      await transaction.send(records);
      await transaction.abort();
    };
    const commit = async (value: string): Promise<void> => {
      const transaction = await producer.begin();
      await transaction.send([text(topic, value)]);
      await transaction.commit(undefined);
    };
    await commit('1');
    await abort([text(topic, 'aborted a')]);
    await abort([text(topic, 'aborted b')]);
    await commit('2');
    await abort(Array.from({ length: 30 }, (_, i) => text(topic, `aborted ${i} ${'x'.repeat(100_000)}`)));
    await plain.send([text(topic, '3')]);
    await abort([text(topic, 'aborted c')]);
    await commit('4');
    await (await producer.begin()).abort();
    expect(await kafka.committed(group, [topic])).toEqual([]);

    const seen: string[] = [];
    let next = 0;
    const reader = await consumer(kafka, { topics: [topic], async onBatch(batch) {
      seen.push(...valuesOf(batch));
      expect(batch.next).toBeGreaterThan(next);
      next = batch.next;
    } });
    const [end] = await kafka.endOffsets(topic);
    await until(() => next === end, 'the end of the log, markers included');
    expect(seen).toEqual(['1', '2', '3', '4']);
    await reader.close();
    expect((await readAll(kafka, topic, 0, 'read_uncommitted')).flatMap(valuesOf)).toHaveLength(4 + 2 + 30 + 1);
  }));

  test('a batch that begins in the middle of aborted records goes on behind them', closing(async (kafka) => {
    const topic = await made(kafka, 'middle', 1);
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    const transaction = await producer.begin();
    await transaction.send(Array.from({ length: 10 }, (_, i) => text(topic, `aborted ${i}`)));
    await transaction.abort();
    await (await kafka.producer({})).send([text(topic, 'seen')]);
    const values: string[] = [];
    await kafka.read(topic, 0, 4, 12, 'read_committed', (batch) => { values.push(...valuesOf(batch)); });
    expect(values).toEqual(['seen']);
  }));

  test('an open transaction holds back what lies behind it, until it ends', closing(async (kafka) => {
    const topic = await made(kafka, 'stable', 1);
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    const transaction = await producer.begin();
    await transaction.send([text(topic, 'open')]);
    await (await kafka.producer({})).send([text(topic, 'plain')]);
    expect(await kafka.endOffsets(topic, 'read_committed')).toEqual([0]);
    expect(await kafka.endOffsets(topic)).toEqual([2]);
    expect(await committedValues(kafka, topic, 0)).toEqual([]);
    await transaction.commit(undefined);
    await until(async () => (await committedValues(kafka, topic, 0)).length === 2, 'the commit');
    expect(await committedValues(kafka, topic, 0)).toEqual(['open', 'plain']);
  }));

  test('who takes over a transactional id aborts what is open, and the old owner is fenced in all it does', closing(async (kafka) => {
    const topic = await made(kafka, 'fence', 1);
    const [group, transactionalId] = [fresh('group'), fresh('tx')];
    const offsets = at(group, [{ topic, partition: 0, offset: 5, metadata: 'zombie' }]);
    const zombies = await Promise.all(Array.from({ length: 4 }, () => kafka.producer({ transactionalId })));
    const zombie = async (i: number) => {
      await zombies[i]!.fence();
      const transaction = await zombies[i]!.begin();
      await transaction.send([text(topic, `zombie ${i}`)]);
      return transaction;
    };
    const attempts: ((transaction: Awaited<ReturnType<typeof zombie>>) => Promise<void>)[] = [
      (transaction) => transaction.send([text(topic, 'more')]),
      (transaction) => transaction.commit(undefined),
      (transaction) => transaction.commit(offsets),
      (transaction) => transaction.abort(),
    ];
    const other = await client();
    for (const [i, attempt] of attempts.entries()) {
      const transaction = await zombie(i);
      const owner = await other.producer({ transactionalId });
      await owner.fence();
      await expect(attempt(transaction)).rejects.toThrow(FencedError);
      const own = await owner.begin();
      await own.send([text(topic, `owner ${i}`)]);
      await own.commit(undefined);
    }
    await until(async () => (await committedValues(kafka, topic, 0)).length === 4, 'the owners\' records');
    expect(await committedValues(kafka, topic, 0)).toEqual(['owner 0', 'owner 1', 'owner 2', 'owner 3']);
    expect(await kafka.committed(group, [topic])).toEqual([]);
  }));

  test('fence, then committed(): never older than the last commit', closing(async (kafka) => {
    const topic = await made(kafka, 'stale', 1);
    const [group, transactionalId] = [fresh('group'), fresh('tx')];
    const other = await client();
    for (let i = 0; i < 15; i++) {
      const owner = await (i % 2 === 0 ? kafka : other).producer({ transactionalId });
      await owner.fence();
      if (i > 0) expect(await kafka.committed(group, [topic])).toEqual([{ topic, partition: 0, offset: i - 1, metadata: `c${i - 1}` }]);
      const transaction = await owner.begin();
      await transaction.send([text(topic, String(i))]);
      await transaction.commit(at(group, [{ topic, partition: 0, offset: i, metadata: `c${i}` }]));
    }
  }));

  test('a transaction left open too long is aborted by the broker, and its producer is fenced', closing(async (kafka) => {
    const topic = await made(kafka, 'timeout', 1);
    const producer = await kafka.producer({ transactionalId: fresh('tx'), transactionTimeout: 1000 });
    const transaction = await producer.begin();
    await transaction.send([text(topic, 'forgotten')]);
    await until(async () => (await kafka.endOffsets(topic, 'read_committed'))[0] === 2, 'the broker\'s abort', 30_000);
    await expect(transaction.commit(undefined)).rejects.toThrow(FencedError);
    await expect(producer.begin()).rejects.toThrow(FencedError);
    await producer.fence();
    const again = await producer.begin();
    await again.send([text(topic, 'again')]);
    await again.commit(undefined);
    await until(async () => (await committedValues(kafka, topic, 0)).length === 1, 'the commit');
    expect(await committedValues(kafka, topic, 0)).toEqual(['again']);
  }), 90_000);

  test('a producer that was fenced does not take its transactional id back by itself, nor does one that is in doubt', closing(async (kafka) => {
    const topic = await made(kafka, 'back', 1);
    const transactionalId = fresh('tx');
    const old = await kafka.producer({ transactionalId });
    const doubtful = await kafka.producer({ transactionalId });
    const fencedBy = async (next: Awaited<ReturnType<Kafka['producer']>>, transaction: Awaited<ReturnType<typeof old.begin>>): Promise<void> => {
      await next.fence();
      await expect(transaction.send([text(topic, 'no')])).rejects.toThrow(FencedError);
    };
    await fencedBy(doubtful, await old.begin());
    await expect(old.begin()).rejects.toThrow(FencedError);
    // A send that fails leaves it open what the broker has: the next transaction is one of a new epoch, unless someone has taken over meanwhile.
    const failed = await doubtful.begin();
    await expect(failed.send([{ ...text(topic, 'lost'), partition: 7 }])).rejects.toThrow(/UNKNOWN_TOPIC_OR_PARTITION/);
    await failed.abort();
    const next = await doubtful.begin();
    await next.send([text(topic, 'kept')]);
    await next.commit(undefined);
    const again = await doubtful.begin();
    await expect(again.send([{ ...text(topic, 'lost'), partition: 7 }])).rejects.toThrow(/UNKNOWN_TOPIC_OR_PARTITION/);
    await again.abort();
    const owner = await kafka.producer({ transactionalId });
    await owner.fence();
    await expect(doubtful.begin()).rejects.toThrow(FencedError);
    const own = await owner.begin();
    await own.send([text(topic, 'owner')]);
    await own.commit(undefined);
    await until(async () => (await committedValues(kafka, topic, 0)).length === 2, 'the commits');
    expect(await committedValues(kafka, topic, 0)).toEqual(['kept', 'owner']);
  }), 30_000);

  test('closing a producer aborts what it has open', closing(async (kafka) => {
    const topic = await made(kafka, 'close', 1);
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    await (await producer.begin()).send([text(topic, 'open')]);
    await producer.close();
    await until(async () => (await kafka.endOffsets(topic, 'read_committed'))[0] === 2, 'the abort', 5000);
    expect(await committedValues(kafka, topic, 0)).toEqual([]);
  }));

  test('a member of an old round, or of no round, cannot commit a group\'s offsets', closing(async (kafka) => {
    const topic = await made(kafka, 'generation', 1);
    const group = fresh('group');
    const reader = await consumer(kafka, { group, topics: [topic] });
    await until(() => reader.held().length === 1, 'the assignment');
    const { generation, memberId } = reader.consumer.membership();
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    const offsets = [{ topic, partition: 0, offset: 1, metadata: '' }];
    for (const membership of [{ group, generation: generation - 1, memberId }, { group, generation, memberId: 'stranger' }]) {
      const transaction = await producer.begin();
      await expect(transaction.commit({ membership, offsets })).rejects.toThrow(FencedError);
      await transaction.abort();
    }
    expect(await kafka.committed(group, [topic])).toEqual([]);
    await (await producer.begin()).commit({ membership: reader.consumer.membership(), offsets });
    expect(await kafka.committed(group, [topic])).toHaveLength(1);
    await kafka.commitOffsets(group, [{ topic, partition: 0, offset: 2, metadata: 'plain' }]);
    expect(await kafka.committed(group, [topic])).toEqual([{ topic, partition: 0, offset: 2, metadata: 'plain' }]);
    await reader.close();
  }));
}
