import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import mqtt from 'mqtt';
import { MqttSink } from '../../../src/connect/mqtt/index.ts';
import type { MqttSourceOptions } from '../../../src/connect/mqtt/index.ts';
import { startMosquitto } from '../../support/brokers/index.ts';
import type { MosquittoServer } from '../../support/brokers/index.ts';
import { mqttHarness } from '../../support/mqtt-publisher.ts';
import { sinkContract } from '../../support/sink-contract.ts';
import { sourceContract } from '../../support/source-contract.ts';
import type { SourceTraits } from '../../support/source-contract.ts';

let broker: MosquittoServer;

beforeAll(async () => {
  broker = await startMosquitto({ persistence: false, lines: ['max_queued_messages 0'] });
});

afterAll(async () => {
  await broker.stop();
});

const BLOCKED: SourceTraits = { flood: 24 << 20, memory: 16 << 20 };
const cases: [string, Partial<MqttSourceOptions>, SourceTraits, { readonly qos?: 1 | 2; readonly group?: string }?][] = [
  ['MQTT 5, QoS 1, on-checkpoint', { bufferMessages: 2_000 }, BLOCKED],
  ['MQTT 5, QoS 2, on-checkpoint', {}, {}, { qos: 2 }],
  ['MQTT 5, on-receive', { ack: 'on-receive', bufferMessages: 2_000 }, { ...BLOCKED, loses: true }],
  ['MQTT 5, on-journal', { ack: 'on-journal' }, BLOCKED],
  ['MQTT 5, shared subscription', {}, {}, { group: 'job' }],
];

for (const [name, options, traits, extra] of cases) {
  sourceContract(name, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'alcedo-mqtt-'));
    const own = options.ack === 'on-journal' ? { journal: { directory, fsync: 1_000 } } : { receiveMaximum: 65_535 };
    return mqttHarness(broker.url, { ...own, ...options }, () => rm(directory, { recursive: true, force: true }), extra);
  }, traits);
}

sinkContract('MQTT 5', async () => {
  const reader = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
  const values: string[] = [];
  reader.on('message', (_, payload) => values.push(payload.toString()));
  await reader.subscribeAsync('alerts/#', { qos: 2 });
  return {
    sink: () => new MqttSink({ name: 'phones', url: broker.url, qos: 2 }),
    async arrived() {
      await reader.publishAsync('alerts/marker', 'marker', { qos: 2 });
      while (!values.includes('marker')) await new Promise((resolve) => setTimeout(resolve, 5));
      return values.filter((value) => value !== 'marker');
    },
    broken: { sink: new MqttSink({ name: 'phones', url: 'mqtt://127.0.0.1:1' }), names: [/mqtt:\/\/127\.0\.0\.1:1/, /channels\.phones/] },
    stop: () => reader.endAsync(true),
  };
});
