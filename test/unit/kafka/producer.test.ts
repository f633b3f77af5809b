/** Transactions at the level of requests: what is on its way when they end. */
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../../../src/connect/kafka/client/api.ts';
import { Cluster } from '../../../src/connect/kafka/client/cluster.ts';
import { IdempotentProducer } from '../../../src/connect/kafka/client/producer.ts';
import { CODE, KafkaError } from '../../../src/connect/kafka/errors.ts';
import { until } from '../../support/kafka/helpers.ts';

const MEMBER = { group: 'g', generation: 1, memberId: 'm' };
const OFFSETS = [{ topic: 't', partition: 0, offset: 5, metadata: '' }];

/** A broker that notes the requests of transactions; `away`: answers none of them; a request that `held` waits for is answered when that settles. */
class Broker {
  readonly seen: string[] = [];
  away = false;
  held: Promise<void> | undefined;

  readonly producer = ((): IdempotentProducer => {
    const note = async (what: string): Promise<void> => {
      if (this.away) throw new KafkaError(CODE.NETWORK, 'nobody answers');
      await this.held;
      this.seen.push(what);
    };
    const partitions = [{ topic: 't', partition: 0, error: CODE.NONE }];
    const api: Partial<Api> = {
      adapter: 'memory',
      session: () => api as Api,
      close: async () => {},
      metadata: async () => [{ topic: 't', error: CODE.NONE, leaders: [1] }],
      coordinator: async () => 1,
      initProducer: async () => ({ producerId: 1, producerEpoch: 0 }),
      addPartitions: async () => { await note('partitions'); return partitions; },
      produce: async () => { await note('records'); return partitions; },
      addOffsets: () => note('group'),
      commitOffsetsInTransaction: async () => { await note('offsets'); return partitions; },
      endTransaction: (_node, _producer, commit) => note(commit ? 'commit' : 'abort'),
    };
    return new IdempotentProducer(api as Api, new Cluster(api as Api), { transactionalId: 'x' }, () => {});
  })();
}

test('nothing of a transaction is sent behind its abort, though it was being tried again', async () => {
  const broker = new Broker();
  const transaction = await broker.producer.begin();
  await transaction.send([{ topic: 't', key: null, value: Buffer.from('v') }]);
  broker.away = true;
  const committing = transaction.commit({ membership: MEMBER, offsets: OFFSETS }).then(() => 'committed', (error: Error) => error.message);
  await sleep(50);
  const aborting = transaction.abort();
  broker.away = false;
  await aborting;
  expect(await committing).toMatch(/is being aborted/);
  await sleep(700); // longer than the longest pause between two attempts
  expect(broker.seen).toEqual(['partitions', 'records', 'abort']);
});

test('an abort waits for a request that a broker has, and goes behind it', async () => {
  const broker = new Broker();
  const transaction = await broker.producer.begin();
  await transaction.send([{ topic: 't', key: null, value: Buffer.from('v') }]);
  let answer = (): void => {};
  broker.held = new Promise((resolve) => { answer = resolve; });
  const committing = transaction.commit({ membership: MEMBER, offsets: OFFSETS }).then(() => 'committed', (error: Error) => error.message);
  await sleep(50);
  const aborting = transaction.abort();
  await sleep(50);
  expect(broker.seen).toEqual(['partitions', 'records']);
  answer();
  await aborting;
  expect(await committing).toMatch(/is being aborted/);
  expect(broker.seen).toEqual(['partitions', 'records', 'group', 'abort']);
});

test('a commit that a broker has is not followed by an abort', async () => {
  const broker = new Broker();
  const transaction = await broker.producer.begin();
  await transaction.send([{ topic: 't', key: null, value: Buffer.from('v') }]);
  let answer = (): void => {};
  const held = new Promise<void>((resolve) => { answer = resolve; });
  const committing = transaction.commit(undefined);
  broker.held = held;
  await until(() => broker.seen.length >= 2, 'the records');
  const aborting = transaction.abort();
  answer();
  await Promise.all([aborting, committing]);
  expect(broker.seen).toEqual(['partitions', 'records', 'commit']);
  await (await broker.producer.begin()).abort();
});
