import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openKafka, type Kafka } from '../../../src/connect/kafka/index.ts';
import { KafkaTable, RedisTable } from '../../../src/connect/tables/index.ts';
import { startKafka, startRedis, type KafkaServer, type RedisServer } from '../../support/brokers/index.ts';
import { memoryLog, until } from '../../support/recording-host.ts';
import { byId, Listening, tableContract } from '../../support/table-contract.ts';

describe('Redis', () => {
  let server: RedisServer;
  let client: Redis;
  let tables = 0;
  beforeAll(async () => {
    server = await startRedis({ password: 's3cret', args: ['--notify-keyspace-events', 'Khgx'] });
    client = new Redis(server.url);
  });
  afterAll(async () => { client.disconnect(); await server.stop(); });
  const broken = { source: new RedisTable({ url: 'redis://:hidden@127.0.0.1:1', hash: 'merchants', poll: 20, notify: false }), names: [/127\.0\.0\.1:1/, /hash merchants/, /ECONNREFUSED/, /^(?!.*hidden)/] };

  tableContract('Redis, a hash of JSON', async () => {
    const hash = `merchants-${++tables}`;
    return {
      source: () => new RedisTable({ url: server.url, hash, poll: 30, notify: false }),
      put: async (rows) => {
        const all = client.multi().del(hash);
        for (const { id, ...row } of rows) all.hset(hash, id, JSON.stringify(row));
        await all.exec();
      },
      spoil: async () => { await client.hset(hash, 'm8', '{"risk":'); },
      break: async () => { await client.multi().del(hash).set(hash, 'text').exec(); },
      broken, stop: async () => { await client.del(hash); },
    };
  });

  tableContract('Redis, a hash for each row', async () => {
    const prefix = `[m]*-${++tables}:`;
    return {
      source: () => new RedisTable({ url: server.url, prefix, poll: 30, notify: false }),
      put: async (rows) => {
        const all = client.multi();
        for (const key of (await client.keys('*')).filter((one) => one.startsWith(prefix))) all.del(key);
        for (const { id, risk, owner } of rows) all.hset(`${prefix}${id}`, { risk: String(risk), ...(owner !== undefined && { owner }) });
        await all.exec();
      },
      spoil: async () => { await client.hset(`${prefix}m8`, { risk: 'much' }); },
      broken, stop: async () => undefined,
    };
  });

  test('thousands of rows, and the server notifies of a change long before the next look', async () => {
    const all = client.pipeline();
    for (let i = 0; i < 5000; i++) all.hset(`big:${i}`, { risk: String(i) });
    await all.exec();
    const table = new RedisTable({ url: server.url, prefix: 'big:', poll: 60_000, notify: true });
    expect((await table.load()).rows).toHaveLength(5000);
    const listening = new Listening();
    table.follow(listening);
    await until('it listens', () => listening.confirmations > 0);
    const began = performance.now();
    await client.hset('big:7', { risk: '-1' });
    await until('the change', () => listening.snapshots.length > 0);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(byId(listening.snapshots[0]).find(({ id }) => id === '7')).toEqual({ id: '7', risk: -1 });
    await table.stop();
  });
});

describe('Kafka', () => {
  let server: KafkaServer;
  let kafka: Kafka;
  let topics = 0;
  beforeAll(async () => {
    server = await startKafka();
    kafka = await openKafka('kafkajs', { brokers: server.brokers, clientId: 'test', log: memoryLog() });
  }, 120_000);
  afterAll(async () => { await kafka.close(); await server.stop(); });

  for (const adapter of ['kafkajs', 'platformatic'] as const) {
    tableContract(`Kafka compacted topic (${adapter})`, async () => {
      const topic = `merchants-${adapter}-${++topics}`;
      await kafka.ensureTopics([{ topic, partitions: 2, config: { 'cleanup.policy': 'compact' } }]);
      const producer = await kafka.producer({});
      const known = new Set<string>();
      const write = (key: string, value: string | null) => producer.send([{ topic, key, value: value === null ? null : Buffer.from(value) }]);
      const options = { topic, isolation: 'read_committed', poll: 50, brokers: server.brokers.join(), open: () => openKafka(adapter, { brokers: server.brokers, clientId: 'table', log: memoryLog() }) } as const;
      return {
        source: () => new KafkaTable(options),
        put: async (rows) => {
          for (const { id, risk, owner } of rows) {
            await write(id, JSON.stringify({ risk: 99 }));
            await write(id, JSON.stringify({ risk, owner }));
          }
          for (const id of known) if (!rows.some((row) => row.id === id)) await write(id, null);
          for (const { id } of rows) known.add(id);
        },
        spoil: () => write('m8', 'no JSON'),
        broken: { source: new KafkaTable({ ...options, topic: 'none' }), names: [/topic none/, /no such topic/] },
        stop: () => producer.close(),
      };
    });
  }
});
