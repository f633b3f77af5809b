/** What clients do when the broker, or the way to it, fails: with brokers of this suite's own. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { FencedError, openKafka, type Kafka } from '../../../src/connect/kafka/index.ts';
import { startKafka, type KafkaServer } from '../../support/brokers/index.ts';
import { committedValues, consumer, fresh, made, text, until } from '../../support/kafka/helpers.ts';
import { keepingLog } from '../../support/quiet-log.ts';

/** One to be killed and cut off, one to log in to. */
let server: KafkaServer;
let guarded: KafkaServer;
beforeAll(async () => {
  [server, guarded] = await Promise.all([startKafka({ proxy: true }), startKafka({ sasl: true, tls: true })]);
}, 300_000);
afterAll(() => Promise.all([server?.stop(), guarded?.stop()]));

describe.each(['kafkajs', 'platformatic'] as const)('%s', (adapter) => {
  /** `way`: to the broker itself, or through its proxy. */
  const withBroker = (way: 'direct' | 'proxy', work: (open: () => Promise<Kafka>) => Promise<void>) => async (): Promise<void> => {
    const opened: Kafka[] = [];
    try {
      await work(async () => {
        const kafka = await openKafka(adapter, { brokers: way === 'proxy' ? server.brokers : addresses(), clientId: 'faults', log: keepingLog() });
        opened.push(kafka);
        return kafka;
      });
    } finally {
      server.proxy!.resume();
      await Promise.all(opened.map((kafka) => kafka.close()));
    }
  };
  const addresses = (): readonly string[] => [`127.0.0.1:${server.port}`];

  test('a broker that is killed and started again in the middle of producing and consuming costs nothing', withBroker('direct', async (open) => {
    const kafka = await open();
    const topic = await made(kafka, 'restart', 2);
    const reader = await consumer(kafka, { topics: [topic], sessionTimeout: 30_000 });
    await until(() => reader.held().length === 2, 'the assignment');
    const plain = await kafka.producer({});
    const transactional = await kafka.producer({ transactionalId: fresh('tx') });
    const sent: string[] = [];
    let stop = false;
    const sending = (async () => {
      for (let i = 0; !stop; i++) {
        await plain.send([{ ...text(topic, `plain ${i}`), partition: 0 }]);
        const transaction = await transactional.begin();
        await transaction.send([{ ...text(topic, `tx ${i}`), partition: 1 }]);
        await transaction.commit(undefined);
        sent.push(`plain ${i}`, `tx ${i}`);
      }
    })();
    await until(() => reader.values.length > 20, 'the first records');
    await server.kill('SIGKILL');
    const atKill = sent.length;
    await sleep(500);
    await server.restart();
    await until(() => sent.length > atKill + 20, 'more records after the restart', 60_000);
    stop = true;
    await sending;
    await until(() => reader.values.length >= sent.length, 'all records', 60_000);
    expect([...reader.values].sort()).toEqual([...sent].sort());
    expect(reader.values.filter((value) => value.startsWith('plain'))).toEqual(sent.filter((value) => value.startsWith('plain')));
    expect([reader.errors, reader.lost]).toEqual([[], []]);
  }), 300_000);

  test('cut connections are made anew', withBroker('proxy', async (open) => {
    const kafka = await open();
    const topic = await made(kafka, 'cut', 1);
    const reader = await consumer(kafka, { topics: [topic] });
    await until(() => reader.held().length === 1, 'the assignment');
    const producer = await kafka.producer({ transactionalId: fresh('tx') });
    const sent: string[] = [];
    const cutting = setInterval(() => server.proxy!.cut(), 300);
    try {
      for (let i = 0; i < 60; i++) {
        const transaction = await producer.begin();
        await transaction.send([text(topic, String(i))]);
        await sleep(20);
        await transaction.commit(undefined);
        sent.push(String(i));
      }
    } finally {
      clearInterval(cutting);
    }
    await until(() => reader.values.length >= 60, 'all records', 60_000);
    expect(reader.values).toEqual(sent);
    expect([reader.errors, reader.lost]).toEqual([[], []]);
  }), 300_000);

  test('a member the network hides for longer than its session is told that it lost its partitions, and its open transaction is fenced', withBroker('proxy', async (open) => {
    const hidden = await open();
    const direct = await openKafka(adapter, { brokers: addresses(), clientId: 'direct', log: keepingLog() });
    try {
      const topic = await made(direct, 'hidden', 1);
      const [group, transactionalId] = [fresh('group'), fresh('tx')];
      const zombie = await consumer(hidden, { group, topics: [topic], sessionTimeout: 2000 });
      await until(() => zombie.held().length === 1, 'the assignment');
      const old = await hidden.producer({ transactionalId });
      await old.fence();
      const transaction = await old.begin();
      await transaction.send([text(topic, 'of the zombie')]);
      const membership = zombie.consumer.membership();

      server.proxy!.pause();
      const heir = await consumer(direct, { group, topics: [topic], sessionTimeout: 2000 });
      await until(() => heir.held().length === 1, 'the other member', 30_000);
      const own = await direct.producer({ transactionalId });
      await own.fence();
      expect(await direct.committed(group, [topic])).toEqual([]);
      const next = await own.begin();
      await next.send([text(topic, 'of the heir')]);
      await next.commit({ membership: heir.consumer.membership(), offsets: [{ topic, partition: 0, offset: 9, metadata: 'heir' }] });
      server.proxy!.resume();

      await expect(transaction.commit({ membership, offsets: [{ topic, partition: 0, offset: 5, metadata: 'zombie' }] })).rejects.toThrow(FencedError);
      await until(() => zombie.lost.length === 1, 'the news of the loss', 30_000);
      expect(await direct.committed(group, [topic])).toEqual([{ topic, partition: 0, offset: 9, metadata: 'heir' }]);
      await until(async () => (await committedValues(direct, topic, 0)).length > 0, 'the commit');
      expect(await committedValues(direct, topic, 0)).toEqual(['of the heir']);
    } finally {
      await direct.close();
    }
  }), 300_000);

  test('records that retention has removed are skipped, loudly', withBroker('direct', async (open) => {
    const kafka = await open();
    const topic = await made(kafka, 'gone', 1);
    await (await kafka.producer({})).send(['a', 'b'].map((value) => text(topic, value)));
    const log = keepingLog();
    const other = await openKafka(adapter, { brokers: addresses(), clientId: 'gone', log });
    const reader = await consumer(other, { topics: [topic], async onAssigned(partitions) { return partitions.map((p) => ({ ...p, offset: 50 })); } });
    await until(() => log.lines.some((line) => line.level === 'error'), 'the message');
    expect(log.lines.find((line) => line.level === 'error')!.message).toMatch(/gone-.*\/0 has no offset 50; going on at 2/);
    await (await kafka.producer({})).send([text(topic, 'c')]);
    await until(() => reader.values.length === 1, 'the next record');
    expect(reader.values).toEqual(['c']);
    await other.close();
  }), 300_000);

  test('logs in by SASL over TLS, and says so when the password is wrong', async () => {
    const connection = { brokers: guarded.brokers, clientId: 'login', log: keepingLog(), tls: { ca: guarded.ca } };
    const sasl = { mechanism: 'plain', username: 'alice', password: 'wonderland' };
    const kafka = await openKafka(adapter, { ...connection, sasl });
    const topic = await made(kafka, 'login', 1);
    await (await kafka.producer({})).send([text(topic, 'hello')]);
    expect(await committedValues(kafka, topic, 0)).toEqual(['hello']);
    await kafka.close();
    await expect(openKafka(adapter, { ...connection, sasl: { ...sasl, password: 'wrong' } })).rejects.toThrow(/SASL_AUTHENTICATION_FAILED/);
    await expect(openKafka(adapter, { ...connection, tls: true, sasl })).rejects.toThrow(/certificate/);
  }, 300_000);

  test('says which brokers do not answer', async () => {
    const started = Date.now();
    await expect(openKafka(adapter, { brokers: ['127.0.0.1:1', 'localhost:2'], clientId: 'none', log: keepingLog() })).rejects.toThrow(/127\.0\.0\.1:1, localhost:2.*ECONNREFUSED/s);
    expect(Date.now() - started).toBeLessThan(30_000);
    await expect(openKafka(adapter, { brokers: ['kafka'], clientId: 'none', log: keepingLog() })).rejects.toThrow(/host:port/);
  }, 300_000);
});
