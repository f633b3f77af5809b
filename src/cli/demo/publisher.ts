/** The bank and the machines as MQTT clients. */
import mqtt, { type MqttClient } from 'mqtt';
import type { SimulatedEvent } from '../../../simulators/index.ts';
import type { WorldEvent, WorldSource } from './world.ts';

export class Publisher {
  readonly #clients: Readonly<Record<WorldSource, MqttClient>>;

  private constructor(clients: Readonly<Record<WorldSource, MqttClient>>) {
    this.#clients = clients;
  }

  static async connect(url: string): Promise<Publisher> {
    const connect = (clientId: string): Promise<MqttClient> => mqtt.connectAsync(url, { clientId, protocolVersion: 4, clean: true });
    const payments = await connect('bank');
    const sensors = await connect('plant').catch((error: unknown) => { payments.end(true); throw error; });
    // What fails is told by the publishing that fails of it.
    for (const client of [payments, sensors]) client.on('error', () => undefined);
    return new Publisher({ payments, sensors });
  }

  /** QoS 1, in order. Resolves when the broker has acknowledged all. */
  async publish(events: readonly WorldEvent[]): Promise<void> {
    await Promise.all(events.map(({ source, event }) => {
      const { topic, payload } = messageOf(source, event);
      return this.#clients[source].publishAsync(topic, payload, { qos: 1 });
    }));
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#clients).map((client) => client.endAsync(true)));
  }
}

/** `bank/new-payee`, `plant/m17/temperature`: a machine's name stands in its topic only. */
export function messageOf(source: WorldSource, { type, fields }: SimulatedEvent): { readonly topic: string; readonly payload: string } {
  if (source === 'payments') {
    return { topic: `bank/${type.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}`, payload: JSON.stringify({ type, ...fields }) };
  }
  const { sensor, ...rest } = fields;
  return { topic: `plant/${sensor}/${type.toLowerCase()}`, payload: JSON.stringify({ type, ...rest }) };
}
