import mqtt from 'mqtt';
import type { IClientOptions, IDisconnectPacket, MqttClient } from 'mqtt';
import type { Log } from '../types.ts';
import type { MqttConnection } from './options.ts';

const FIRST_RETRY = 500;
const LAST_RETRY = 30_000;

export function clientOptions(connection: MqttConnection, clientId: string): IClientOptions {
  const { protocol = 5, username, password, tls, keepalive = 30, connectTimeout = 10_000 } = connection;
  return {
    ...tls,
    clientId,
    protocolVersion: protocol,
    username,
    password,
    keepalive,
    connectTimeout,
    reconnectPeriod: FIRST_RETRY,
    reconnectOnConnackError: true,
    resubscribe: false,
  };
}

/** The address without what it may hold of a user's name and password. */
export function safeUrl(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    throw new Error('the broker\'s url cannot be read; it is written mqtt://HOST:PORT or mqtts://HOST:PORT');
  }
}

/** Connects, again and again with growing pauses, and says in the log what becomes of it. */
export function openClient(connection: MqttConnection, options: IClientOptions, log: Log): MqttClient {
  const broker = safeUrl(connection.url);
  const client = mqtt.connect(connection.url, options);
  let reason = '';
  let down = false;
  client.on('error', (error) => {
    reason = describeError(error);
    if (client.connected) log.warn({ broker, error: reason }, 'the MQTT client reports an error');
  });
  client.on('connect', () => {
    client.options.reconnectPeriod = FIRST_RETRY;
    if (down) log.info({ broker, clientId: options.clientId }, 'connected to the MQTT broker again');
    down = false;
    reason = '';
  });
  client.on('disconnect', (packet) => {
    // 142: someone else has connected under our client id.
    reason = packet.reasonCode === 142 ? 'another client has connected with the same clientId; give each its own' : `the broker ended the connection, reason code ${packet.reasonCode}`;
  });
  client.on('close', () => {
    if (client.disconnecting || client.disconnected) return;
    const wait = client.options.reconnectPeriod ?? FIRST_RETRY;
    log.warn({ broker, clientId: options.clientId, error: reason === '' ? 'the connection was closed' : reason, retryIn: wait }, `no connection to the MQTT broker; trying again in ${wait} ms`);
    down = true;
    // The pause under way was set before; this is the next one.
    client.options.reconnectPeriod = Math.min(LAST_RETRY, wait * 2);
  });
  return client;
}

/** Ends in good order; by force when that takes longer than a time in ms. */
export async function closeClient(client: MqttClient, disconnect: Partial<IDisconnectPacket> = {}, patience = 3_000): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    // A second end() does nothing while the first one waits, so the connection itself is taken away.
    timer = setTimeout(() => {
      client.stream.destroy();
      resolve();
    }, patience);
  });
  await Promise.race([client.endAsync(!client.connected, disconnect), tooLong]);
  clearTimeout(timer);
}

/** Connects once, to see whether it works; the caller closes. */
export async function tryConnection(connection: MqttConnection, clientId: string, option: string): Promise<MqttClient> {
  const broker = safeUrl(connection.url);
  const client = mqtt.connect(connection.url, { ...clientOptions(connection, clientId), clean: true, reconnectPeriod: 0 });
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('the connection was closed before the broker answered; perhaps it does not speak this protocol version')));
    });
    client.on('error', () => undefined);
    return client;
  } catch (error) {
    client.on('error', () => undefined);
    client.end(true);
    throw new Error(`MQTT broker ${broker} cannot be reached: ${describeError(error as Error)}. See ${option}.url, .protocol, .username and .tls.`, { cause: error });
  }
}

export function describeError(error: Error & { code?: unknown; errors?: readonly Error[] }): string {
  // Happy eyeballs: the message is empty, the tries say what was wrong.
  if (error.errors !== undefined && error.errors.length > 0) return error.errors.map(({ message }) => message).join('; ');
  return error.message === '' ? String(error.code ?? error.name) : error.message;
}
