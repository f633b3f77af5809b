import { randomBytes } from 'node:crypto';
import type { IClientOptions, IClientPublishOptions, IConnackPacket, MqttClient } from 'mqtt';
import { namePattern } from '../pattern.ts';
import type { Log, OutRecord, Sink } from '../types.ts';
import { clientOptions, closeClient, describeError, openClient, safeUrl, tryConnection } from './connection.ts';
import type { MqttSinkOptions } from './options.ts';
import { topicLevel } from './topics.ts';

/** Reason codes of MQTT 5 for which waiting helps: unspecified, implementation specific, no matching subscribers, quota exceeded. */
const CURABLE = new Set([16, 128, 131, 151]);
const RETRY = 1_000;
/** What brokers take of QoS 2 at one time without saying a number; mosquitto ends the connection of a client that sends more. */
const QOS2_WINDOW = 20;
/** Seconds for which the broker keeps the session of a lost connection: with it, QoS 2 goes on where it was. */
const SESSION_EXPIRY = 3_600;

/**
 * Publishes alerts. `send` resolves when the broker has acknowledged them (QoS 1: at least once; 2: once for as long as the broker keeps the session) or, with
 * QoS 0, when they are written to the connection, which promises nothing. While the broker is away it waits. MQTT 5 messages carry the alert's headers
 * and `id` as user properties.
 */
export class MqttSink implements Sink {
  readonly name: string;
  readonly #options: MqttSinkOptions;
  readonly #topic: (record: OutRecord) => string;
  #client: MqttClient | undefined;
  #stopped: (() => void) | undefined;
  #stopping: Promise<never> | undefined;
  /** Called when the broker comes back without the session. */
  #sessionWaiters = new Set<() => void>();

  constructor(options: MqttSinkOptions) {
    this.name = options.name;
    this.#options = options;
    safeUrl(options.url);
    this.#topic = namePattern(options.topic ?? 'alerts/{channel}/{rule}', topicLevel);
  }

  async start(log: Log): Promise<void> {
    const clientId = this.#options.clientId ?? `alcedo-${randomBytes(8).toString('hex')}`;
    // Without a name of its own, the session would stay behind at a broker of MQTT 3.1.1; with 5 it is given up when this one stops.
    const clean = this.#options.protocol === 4 && this.#options.clientId === undefined;
    const options: IClientOptions = { ...clientOptions(this.#options, clientId), clean };
    if (this.#options.protocol !== 4) options.properties = { sessionExpiryInterval: SESSION_EXPIRY };
    const client = this.#client = openClient(this.#options, options, log);
    client.on('connect', ({ sessionPresent }) => {
      if (!sessionPresent) for (const waiter of this.#sessionWaiters) waiter();
    });
    this.#stopping = new Promise((_, reject) => {
      this.#stopped = () => reject(new Error(`sink ${this.name} was stopped before the MQTT broker had acknowledged everything`));
    });
    this.#stopping.catch(() => undefined);
  }

  async send(records: readonly OutRecord[]): Promise<void> {
    const sent: Promise<void>[] = [];
    for (let i = 0; i < records.length; i++) {
      // In the order given: a place is free when the one before it by so many is acknowledged.
      const limit = await this.#limit();
      if (i >= limit) await sent[i - limit];
      const one = this.#publish(records[i]!);
      one.catch(() => undefined);
      sent.push(one);
    }
    await Promise.all(sent);
  }

  async stop(): Promise<void> {
    this.#stopped?.();
    if (this.#client !== undefined) await closeClient(this.#client, this.#options.protocol === 4 ? undefined : { properties: { sessionExpiryInterval: 0 } });
  }

  async probe(): Promise<readonly string[]> {
    const option = `channels.${this.name}`;
    const client = await tryConnection(this.#options, this.#options.clientId ?? `alcedo-probe-${randomBytes(4).toString('hex')}`, option);
    await closeClient(client);
    return [`connected to ${safeUrl(this.#options.url)} with MQTT ${this.#options.protocol === 4 ? '3.1.1' : '5'}; whether it may publish shows with the first alert`];
  }

  /** Messages that may be under way, which the broker says when it is connected. */
  async #limit(): Promise<number> {
    const client = this.#client;
    if (client === undefined) throw new Error(`sink ${this.name} is not started`);
    if (!client.connected) await Promise.race([new Promise((resolve) => client.once('connect', resolve)), this.#stopping!]);
    const { inFlight = 100, qos = 1 } = this.#options;
    const allowed = (client as unknown as { connackPacket?: IConnackPacket }).connackPacket?.properties?.receiveMaximum ?? 65_535;
    return Math.max(1, Math.min(inFlight, allowed, qos === 2 ? QOS2_WINDOW : inFlight));
  }

  async #publish(record: OutRecord): Promise<void> {
    const client = this.#client;
    if (client === undefined) throw new Error(`sink ${this.name} is not started`);
    const topic = this.#topic(record);
    const { qos = 1, retain = false, expiry } = this.#options;
    const options: IClientPublishOptions = { qos, retain };
    if (this.#options.protocol !== 4) {
      options.properties = {
        contentType: 'application/json',
        payloadFormatIndicator: true,
        userProperties: { ...record.headers, ...(record.id !== '' && { id: record.id }) },
        ...(expiry !== undefined && { messageExpiryInterval: Math.ceil(expiry / 1_000) }),
      };
    }
    for (;;) {
      try {
        if (await this.#acknowledged(client.publishAsync(topic, Buffer.from(record.value), options), qos)) return;
      } catch (error) {
        const code = (error as { code?: unknown }).code;
        // 16 says that it was taken, but that nobody listens.
        if (code === 16) return;
        const curable = (error as Error).message === 'Connection closed' || (typeof code === 'number' && CURABLE.has(code));
        if (client.disconnecting || !curable) {
          throw new Error(`MQTT topic "${topic}" does not take alert ${record.id}: ${describeError(error as Error)}. See channels.${this.name} and the broker's access rules.`, { cause: error });
        }
        await Promise.race([new Promise((resolve) => setTimeout(resolve, RETRY)), this.#stopping!]);
      }
    }
  }

  /**
   * false: to be sent again. A QoS 2 message whose first half the broker had confirmed is gone with the session, although the client would only
   * confirm it once more; QoS 1 is sent again by the client.
   */
  async #acknowledged(published: Promise<unknown>, qos: number): Promise<boolean> {
    if (qos !== 2) {
      await Promise.race([published, this.#stopping!]);
      return true;
    }
    let lost: () => void = () => undefined;
    const sessionLost = new Promise<boolean>((resolve) => { lost = () => resolve(false); });
    this.#sessionWaiters.add(lost);
    try {
      return await Promise.race([published.then(() => true), sessionLost, this.#stopping!]);
    } finally {
      this.#sessionWaiters.delete(lost);
      published.catch(() => undefined);
    }
  }
}
