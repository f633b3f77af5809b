import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { MqttSink, MqttSource, startEmbeddedBroker } from '../../../src/connect/mqtt/index.ts';
import { RecordingHost, until } from '../../support/recording-host.ts';
import { mqttHarness } from '../../support/mqtt-publisher.ts';
import { sinkContract } from '../../support/sink-contract.ts';
import { sourceContract } from '../../support/source-contract.ts';

sourceContract('MQTT 3.1.1, embedded broker, on-checkpoint', async () => {
  const broker = await startEmbeddedBroker();
  return mqttHarness(broker.url, { protocol: 4 }, () => broker.stop());
});

sourceContract('MQTT 3.1.1, embedded broker, on-receive', async () => {
  const broker = await startEmbeddedBroker();
  return mqttHarness(broker.url, { protocol: 4, ack: 'on-receive' }, () => broker.stop());
}, { loses: true });

sourceContract('MQTT 3.1.1, embedded broker, on-journal', async () => {
  const broker = await startEmbeddedBroker();
  const directory = await mkdtemp(join(tmpdir(), 'alcedo-mqtt-'));
  return mqttHarness(broker.url, { protocol: 4, journal: { directory, fsync: 1_000 } }, async () => {
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });
});

sinkContract('MQTT 3.1.1, embedded broker', async () => {
  const broker = await startEmbeddedBroker();
  const reader = await mqtt.connectAsync(broker.url);
  const values: string[] = [];
  reader.on('message', (_, payload) => values.push(payload.toString()));
  await reader.subscribeAsync('alerts/#', { qos: 1 });
  return {
    sink: () => new MqttSink({ name: 'phones', url: broker.url, protocol: 4 }),
    async arrived() {
      await reader.publishAsync('alerts/marker', 'marker', { qos: 1 });
      while (!values.includes('marker')) await new Promise((resolve) => setTimeout(resolve, 5));
      return values.filter((value) => value !== 'marker');
    },
    broken: { sink: new MqttSink({ name: 'phones', url: 'mqtt://127.0.0.1:1', protocol: 4 }), names: [/mqtt:\/\/127\.0\.0\.1:1/, /channels\.phones/] },
    async stop() {
      await reader.endAsync(true);
      await broker.stop();
    },
  };
});

test('a subscription that the broker refuses is told by the probe, and fails the source', async () => {
  const aedes = await Aedes.createBroker({ authorizeSubscribe: (_, subscription, done) => done(null, subscription.topic.startsWith('allowed') ? subscription : null) });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const options = { name: 'sensors', url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, protocol: 4 as const, clientId: 'c' };
  const source = new MqttSource({ ...options, topics: [{ filter: 'plant/#' }] });
  await expect(source.probe()).rejects.toThrow(/refuses the subscription to plant\/#.*sources\.sensors\.topics/);
  const host = new RecordingHost();
  await source.start(host);
  await until('the failure', () => host.failures.length === 1);
  expect(host.failures[0]!.message).toMatch(/refuses the subscription to plant\/#/);
  await source.stop();
  expect(await new MqttSource({ ...options, topics: [{ filter: '$share/g/allowed/#', qos: 2 }] }).probe()).toEqual([
    `connected to ${options.url} with MQTT 3.1.1`, 'may read allowed/# with QoS 2']);
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => aedes.close(() => resolve()));
  await new Promise((resolve) => server.close(resolve));
});
