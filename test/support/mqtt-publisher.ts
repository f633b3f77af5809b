import mqtt from 'mqtt';
import type { IClientPublishOptions, MqttClient } from 'mqtt';
import type { SourceHarness } from './source-contract.ts';
import { MqttSource } from '../../src/connect/mqtt/index.ts';
import type { MqttSourceOptions } from '../../src/connect/mqtt/index.ts';

export interface Publisher {
  readonly client: MqttClient;
  send(topic: string, payload: string | Buffer, options?: IClientPublishOptions): Promise<void>;
  /** In order, some hundred under way at once; resolves when the broker has them. */
  all(topic: string, payloads: readonly string[], options?: IClientPublishOptions): Promise<void>;
  close(): Promise<void>;
}

export async function publisher(url: string, protocolVersion: 4 | 5): Promise<Publisher> {
  const client = await mqtt.connectAsync(url, { protocolVersion, reconnectPeriod: 50 });
  return {
    client,
    async send(topic, payload, options = { qos: 1 }) {
      await client.publishAsync(topic, payload, options);
    },
    async all(topic, payloads, options = { qos: 1 }) {
      // mosquitto takes the connection of a client with more than 20 of QoS 2 under way.
      const atOnce = options.qos === 2 ? 20 : AT_ONCE;
      for (let i = 0; i < payloads.length; i += atOnce) {
        await Promise.all(payloads.slice(i, i + atOnce).map((payload) => client.publishAsync(topic, payload, options)));
      }
    },
    close: () => client.endAsync(true),
  };
}

const AT_ONCE = 200;

let harnesses = 0;

/** Harness of the source contract over a broker. */
export async function mqttHarness(
  url: string, options: Partial<MqttSourceOptions>, stop: () => Promise<void>, { qos = 1, group }: { readonly qos?: 1 | 2; readonly group?: string } = {},
): Promise<SourceHarness> {
  const number = ++harnesses;
  const topic = `contract/${number}`;
  const all: MqttSourceOptions = { name: 'sensors', url, clientId: `contract-${process.pid}-${number}`, topics: [{ filter: `${group === undefined ? '' : `$share/${group}-${number}/`}${topic}/#`, qos }], ...options };
  const sender = await publisher(url, 4);
  return {
    source: () => new MqttSource(all),
    publish: (values) => sender.all(`${topic}/values`, values, { qos }),
    broken: { source: new MqttSource({ ...all, url: 'mqtt://127.0.0.1:1' }), names: [/mqtt:\/\/127\.0\.0\.1:1/, /ECONNREFUSED/, /sources\.sensors\.url/] },
    async stop() {
      await sender.close();
      await stop();
    },
  };
}
