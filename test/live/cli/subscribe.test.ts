/** `alcedo subscribe` and `alcedo state` with real servers; the job's own sinks and store write what they read. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { registerState } from '../../../src/cli/commands/state.ts';
import { registerSubscribe } from '../../../src/cli/commands/subscribe.ts';
import { openKafka, type Kafka } from '../../../src/connect/kafka/index.ts';
import { MqttSink } from '../../../src/connect/mqtt/index.ts';
import { RedisStreamSink } from '../../../src/connect/redis-stream/index.ts';
import type { OutRecord, Sink } from '../../../src/connect/types.ts';
import type { Alert } from '../../../src/core/alert.ts';
import { alertRecord } from '../../../src/job/outputs.ts';
import { chunkName, openStore } from '../../../src/state/stores/index.ts';
import { startMosquitto, startRedis, type MosquittoServer, type RedisServer } from '../../support/brokers/index.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { sharedKafka } from '../../support/shared-kafka.ts';
import { alertOf, RULES } from '../../unit/cli-live/alerts.ts';
import { call, JobFolder, until, type Call } from '../../unit/cli-live/support.ts';

let folder: JobFolder;
let brokers: readonly string[];
let [redis, mosquitto]: [RedisServer?, MosquittoServer?] = [];
beforeAll(async () => {
  folder = new JobFolder();
  folder.write('rules.cep', RULES);
  [{ brokers }, redis, mosquitto] = await Promise.all([sharedKafka(), startRedis({ password: 'hunter2' }), startMosquitto()]);
}, 300_000);
afterAll(async () => {
  await Promise.all([redis?.stop(), mosquitto?.stop()]);
  folder.remove();
});

const jobFile = (name: string, rest: string): string => folder.write(`${name}.yaml`, `name: fraud\nrules: rules.cep\nsources: { s: { file: x } }\n${rest}\n`);
const subscribe = (...args: readonly string[]): Call => call(['subscribe', ...args], registerSubscribe);
const idsOf = ({ out }: Call): string[] => out.lines.map((line) => (JSON.parse(line) as Alert).id);
const record = (n: number, more: Partial<Alert> = {}): OutRecord => alertRecord(alertOf(n, more), ['payments'], 0);

/** Sends alerts, from 1000 on, until a subscription that begins with what is new stands. */
async function standing(one: Call, send: (record: OutRecord) => Promise<void>): Promise<void> {
  const end = Date.now() + 60_000;
  for (let n = 1000; one.out.text === '' && n < 2000 && Date.now() < end; n++) {
    await send(record(n));
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  expect(one.out.text).not.toBe('');
}

describe.each(['kafkajs', 'platformatic'] as const)('Kafka by %s', (adapter) => {
  test('committed alerts only, from earliest, a time, and as they come', async () => {
    const topic = `subscribe-${adapter}`;
    const file = jobFile(adapter, `kafka: { brokers: [${brokers.join(', ')}], adapter: ${adapter} }\nchannels: { default: { kafka: ${topic} } }`);
    const kafka: Kafka = await openKafka(adapter, { brokers, clientId: 'test', log: keepingLog() });
    try {
      await kafka.ensureTopics([{ topic, partitions: 3 }]);
      const producer = await kafka.producer({ transactionalId: `subscribe-${adapter}` });
      await producer.fence();
      const send = async (records: readonly OutRecord[], end: 'commit' | 'abort', time = Date.now()): Promise<void> => {
        const transaction = await producer.begin();
        await transaction.send(records.map(({ key, value, headers }) => ({ topic, key, value, headers, time })));
        await (end === 'commit' ? transaction.commit(undefined) : transaction.abort());
      };
      const began = Date.now();
      await send([1, 2, 3, 4].map((n) => record(n)), 'commit', began - 60_000);
      await send([5, 6].map((n) => record(n)), 'abort', began - 60_000);
      await send([7, 8].map((n) => record(n)), 'commit', began);
      const all = subscribe(file, '--from', 'earliest', '--limit', '6');
      expect(await all.code).toBe(0);
      expect(idsOf(all).sort()).toEqual(['id-1', 'id-2', 'id-3', 'id-4', 'id-7', 'id-8']);
      const since = subscribe(file, '--from', String(began), '--limit', '2');
      expect(await since.code).toBe(0);
      expect(idsOf(since).sort()).toEqual(['id-7', 'id-8']);

      const live = subscribe(file, 'fraud_alerts');
      await standing(live, (one) => send([one], 'commit'));
      await send([record(9)], 'abort');
      await send([record(10)], 'commit');
      await until(() => idsOf(live).includes('id-10'), 'the alert', 60_000);
      expect(idsOf(live).filter((id) => id.length < 7)).toEqual(['id-10']);
      live.interrupt();
      expect(await live.code).toBe(0);
      expect(live.err.text).toBe('');
      await producer.close();
    } finally {
      await kafka.close();
    }
  });
});

async function withSink(sink: Sink, work: () => Promise<void>): Promise<void> {
  await sink.start(keepingLog());
  try {
    await work();
  } finally {
    await sink.stop();
  }
}

test('Redis streams, whatever their pattern makes of them', async () => {
  const options = { name: 'default', url: redis!.url, stream: 'alerts:{channel}:{severity}' };
  const sink = new RedisStreamSink(options);
  const file = jobFile('redis', `redis: { url: "${redis!.url}" }\nchannels: { default: { redisStream: { stream: "${options.stream}" } } }`);
  await withSink(sink, async () => {
    await sink.send([record(1), record(2, { severity: 'low' }), record(3, { channel: 'review' })]);
    const between = Date.now() + 1;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    await sink.send([record(4)]);
    const all = subscribe(file, '--from', 'earliest', '--limit', '4');
    expect(await all.code).toBe(0);
    expect(idsOf(all).sort()).toEqual(['id-1', 'id-2', 'id-3', 'id-4']);
    const since = subscribe(file, '--from', String(between), '--limit', '1');
    expect(await since.code).toBe(0);
    expect(idsOf(since)).toEqual(['id-4']);
    const live = subscribe(file, 'fraud_alerts');
    await standing(live, (one) => sink.send([one]));
    expect(idsOf(live).filter((id) => id.length < 7)).toEqual([]);
    live.interrupt();
    expect(await live.code).toBe(0);
  });
  const wrong = subscribe(jobFile('wrong', `redis: { url: "${redis!.url.replace('hunter2', 'hunter3')}" }\nchannels: { default: { redisStream: {} } }`));
  expect(await wrong.code).toBe(1);
  expect(wrong.err.text).toMatch(/WRONGPASS|NOAUTH/);
  expect(wrong.err.text).not.toContain('hunter3');
});

test.each(['5', '3.1.1'])('MQTT %s: topics of the channel; retained ones from earliest', async (protocol) => {
  const sink = new MqttSink({ name: 'default', url: mosquitto!.url, retain: true, topic: `v${protocol}/{channel}/{rule}` });
  const file = jobFile('mqtt', `mqtt: { url: "${mosquitto!.url}", protocol: "${protocol}" }\nchannels: { default: { mqtt: { topic: "v${protocol}/{channel}/{rule}" } } }`);
  await withSink(sink, async () => {
    await sink.send([record(1), record(2, { channel: 'review' })]);
    const old = subscribe(file, 'fraud_alerts', '--from', 'earliest', '--limit', '1');
    expect(await old.code).toBe(0);
    expect(idsOf(old)).toEqual(['id-1']);
    const live = subscribe(file, 'fraud_alerts');
    await standing(live, (one) => sink.send([one]));
    await sink.send(Array.from({ length: 300 }, (_, n) => record(2000 + n)));
    await until(() => idsOf(live).includes('id-2299'), 'the last alert', 60_000);
    expect(idsOf(live).filter((id) => id.startsWith('id-2'))).toHaveLength(300);
    expect(idsOf(live)).not.toContain('id-1');
    live.interrupt();
    expect(await live.code).toBe(0);
  });
});

test('state check and list in Redis', async () => {
  const prefix = 'alcedo:fraud';
  const store = await openStore({ kind: 'redis', url: redis!.url, prefix });
  const chunk = Buffer.from('state'.repeat(100));
  const token = await store.acquire('0');
  await store.put('0', token, new Map([[chunkName(chunk), chunk]]));
  await store.commit('0', token, { checkpoint: 5, chunks: [chunkName(chunk)], body: '{}', written: Date.now() });
  await store.close();
  const file = jobFile('state', `redis: { url: "${redis!.url}" }\nchannels: { default: { console: {} } }\nstate: { redis: {} }`);
  const [check, list] = [call(['state', 'check', file], registerState), call(['state', 'list', '--json', file], registerState)];
  expect([await check.code, await list.code]).toEqual([0, 0]);
  expect(check.out.text).toMatch(/^State of fraud in Redis, keys alcedo:fraud:…\n[\s\S]*\n +0 +5 +\d+\S* +500 B +1 +1 +0 +0\n1 task: nothing is damaged\n$/);
  expect(JSON.parse(list.out.text)).toMatchObject({ store: 'redis', tasks: [{ task: '0', checkpoints: [{ checkpoint: 5, chunks: 1 }] }] });
  expect(check.out.text + list.out.text).not.toContain('hunter2');
});
