/**
 * Connections by kafkajs: its sockets, TLS, SASL mechanisms and framing. Its consumer and producer are not used: they cannot wait for a rebalance's
 * hand-over, cannot send a group's generation with a transaction's offsets, and decode into an object per message. What they would do is in client/.
 */
import { createRequire } from 'node:module';
import { CODE, KafkaError } from './errors.ts';
import type { KafkaConnection } from './port.ts';
import { type Link, linkOver, type Transport, within } from './protocol/transport.ts';

const CONNECT_TIMEOUT = 10_000;

interface Encoder { writeBuffer(bytes: Buffer): Encoder }
interface Logger { namespace(): Logger; debug(): void; info(): void; warn(): void; error(): void }
interface Connection {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  send(message: object): Promise<unknown>;
  rejectRequests(error: Error): void;
  setVersions(versions: object): void;
  setSupportAuthenticationProtocol(supported: boolean): void;
  readonly socket?: { destroy(): void };
}
interface RequestQueue { pending: readonly unknown[]; throttledUntil: number; scheduleCheckPendingRequests(): void }

/** Parts of kafkajs below its public interface; its version is pinned in package.json, and it has been frozen since 2023. */
const internals = createRequire(import.meta.url);
const ConnectionClass = internals('kafkajs/src/network/connection') as new (options: object) => Connection;
const EncoderClass = internals('kafkajs/src/protocol/encoder') as new () => Encoder;
const QueueClass = internals('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
const socketFactory = internals('kafkajs/src/network/socketFactory') as () => unknown;
const apiVersions = internals('kafkajs/src/protocol/requests/apiVersions') as { protocol(options: { version: number }): () => object };

/** A connection re-arms a timer of 1 ms for ever, 3 to 5 % of a core while idle, unless this returns when nothing waits. */
const schedule = QueueClass.prototype.scheduleCheckPendingRequests;
QueueClass.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
};

/** What it would log is told by the errors it throws. */
const silent: Logger = { namespace: () => silent, debug() {}, info() {}, warn() {}, error() {} };

export function kafkajsTransport(connection: KafkaConnection): Transport {
  return {
    adapter: 'kafkajs',
    async open(host, port) {
      const inner = new ConnectionClass({
        host, port, clientId: connection.clientId, logger: silent, socketFactory: socketFactory(),
        ssl: connection.tls === true ? {} : connection.tls || null,
        sasl: connection.sasl === undefined ? null : { ...connection.sasl },
        connectionTimeout: CONNECT_TIMEOUT, requestTimeout: 0x7fff_ffff, enforceRequestTimeout: false,
      });
      const where = `${host}:${port}`;
      try {
        await inner.connect();
        if (connection.sasl !== undefined) {
          const { apiVersions: list } = await within(inner.send(apiVersions.protocol({ version: 1 })()), CONNECT_TIMEOUT, where, () => inner.socket?.destroy()) as
            { apiVersions: readonly { apiKey: number; minVersion: number; maxVersion: number }[] };
          inner.setVersions(Object.fromEntries(list.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }])));
          inner.setSupportAuthenticationProtocol(true);
        }
        return linkTo(inner, where);
      } catch (error) {
        inner.socket?.destroy();
        throw translate(error, where);
      }
    },
  };
}

function linkTo(inner: Connection, where: string): Link {
  return linkOver({
    isOpen: () => inner.isConnected(),
    async send(key, version, flexible, body) {
      // kafkajs knows no flexible versions: the empty list of tagged fields that ends both headers is put before the body, and taken off the answer.
      const encoder = new EncoderClass();
      const answer = await inner.send({
        request: { apiKey: key, apiVersion: version, apiName: `request ${key}`, encode: async () => encoder.writeBuffer(flexible ? Buffer.concat([NO_TAGS, body]) : body) },
        response: { decode: async (bytes: Buffer) => ({ bytes }), parse: async (decoded: { bytes: Buffer }) => decoded.bytes },
        logResponseError: false,
      }) as Buffer;
      return flexible ? answer.subarray(1) : answer;
    },
    destroy() {
      // Its disconnect waits for the answers under way, which would be for ever when the network is silent.
      inner.rejectRequests(new KafkaError(CODE.NETWORK, `${where}: the connection was closed`));
      inner.socket?.destroy();
      inner.disconnect().catch(() => { /* it is gone */ });
    },
    translate: (error) => translate(error, where),
  }, where);
}

const NO_TAGS = Buffer.from([0]);

function translate(error: unknown, where: string): KafkaError {
  if (error instanceof KafkaError) return error;
  const { name, message, code } = error as Error & { code?: number | string };
  if (name === 'KafkaJSSASLAuthenticationError') return new KafkaError(58, `${where}: ${message}`, { cause: error });
  if (name === 'KafkaJSProtocolError' && typeof code === 'number') return new KafkaError(code, `${where}: ${message}`, { cause: error });
  return new KafkaError(CODE.NETWORK, message.includes(where) ? message : `${where}: ${message}`, { cause: error });
}
