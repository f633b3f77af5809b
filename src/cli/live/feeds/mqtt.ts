import { randomBytes } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import type { MqttConnection } from '../../../connect/mqtt/index.ts';
import type { Feed } from './types.ts';

const SECOND = 1000;

/** Messages of the topics that a filter takes. MQTT keeps no past: `earliest` is the retained messages and what comes, `latest` what comes. */
export function mqttFeed(filter: string, connection: MqttConnection): Feed {
  const { protocol = 5, username, password, tls, keepalive = 30, connectTimeout = 10_000 } = connection;
  const broker = URL.canParse(connection.url) ? new URL(connection.url).host : 'the MQTT broker';
  return {
    kind: 'mqtt',
    what: `MQTT topics ${filter} at ${broker}`,
    async run(from, { signal, deliver, say }) {
      // Loaded when it is used: the other commands start without it.
      const { default: mqtt } = await import('mqtt');
      let client: MqttClient;
      try {
        client = await mqtt.connectAsync(connection.url, {
          ...tls, username, password, keepalive, connectTimeout, protocolVersion: protocol, clean: true, reconnectPeriod: SECOND, clientId: `alcedo-subscribe-${randomBytes(6).toString('hex')}`,
        }, false);
      } catch (error) {
        throw new Error(`${broker} cannot be reached: ${reasonOf(error as Error)}. See the MQTT url, user and TLS options of the job file`, { cause: error });
      }
      let isAway = false;
      client.on('error', () => {}); // the end of a connection is told once, below
      client.on('close', () => {
        if (!isAway && !signal.aborted) say(`The connection to the MQTT broker ${broker} was lost; what comes meanwhile is not shown. Trying again.`);
        isAway = true;
      });
      client.on('connect', () => {
        if (isAway) say(`Connected to the MQTT broker ${broker} again.`);
        isAway = false;
      });
      // The next packet is read when this one has been shown: a slow terminal holds the broker up, not our memory.
      client.handleMessage = (packet, done) => {
        const isOld = packet.retain && from !== 'earliest';
        if (isOld || signal.aborted) { done(); return; }
        deliver(Buffer.from(packet.payload)).then(() => { done(); }, (error: Error) => { done(error); });
      };
      try {
        const granted = await client.subscribeAsync(filter, { qos: 1 });
        if (granted.some(({ qos }) => (qos as number) >= 128)) throw new Error(`the broker refuses the subscription to ${filter}; see its access rules`);
        await aborted(signal);
      } finally {
        await client.endAsync(true);
      }
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => { resolve(); }, { once: true });
  });
}

function reasonOf(error: Error & { code?: unknown; errors?: readonly Error[] }): string {
  if (error.errors !== undefined && error.errors.length > 0) return error.errors.map(({ message }) => message).join('; ');
  return error.message === '' ? String(error.code ?? error.name) : error.message;
}
