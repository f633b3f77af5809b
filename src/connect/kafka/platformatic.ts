/**
 * Connections by @platformatic/kafka: its sockets, TLS, SASL mechanisms and framing. Its consumer and producer are not used: its `read_committed` lets
 * aborted records through, it has no metadata of offsets, and its rebalance does not wait. What they would do is in client/.
 */
import { Connection, type ConnectionOptions, Writer as PlatformaticWriter } from '@platformatic/kafka';
import { CODE, KafkaError } from './errors.ts';
import type { KafkaConnection } from './port.ts';
import { type Link, type Transport, within } from './protocol/transport.ts';

const CONNECT_TIMEOUT = 10_000;

export function platformaticTransport(connection: KafkaConnection): Transport {
  const options = {
    connectTimeout: CONNECT_TIMEOUT,
    requestTimeout: 0x7fff_ffff,
    maxInflights: 100,
    ...(connection.tls ? { tls: connection.tls === true ? {} : connection.tls, tlsServerName: true } : {}),
    ...(connection.sasl === undefined ? {} : { sasl: { ...connection.sasl, mechanism: connection.sasl.mechanism.toUpperCase() } }),
  } as ConnectionOptions;
  return {
    adapter: 'platformatic',
    async open(host, port) {
      const inner = new Connection(connection.clientId, options);
      inner.on('error', () => { /* told by the requests that fail */ });
      const where = `${host}:${port}`;
      try {
        await inner.connect(host, port);
        return new PlatformaticLink(inner, where);
      } catch (error) {
        throw translate(error, where);
      }
    },
  };
}

class PlatformaticLink implements Link {
  readonly #inner: Connection;
  readonly #where: string;

  constructor(inner: Connection, where: string) {
    this.#inner = inner;
    this.#where = where;
  }

  get open(): boolean {
    return this.#inner.isConnected();
  }

  async request(key: number, version: number, flexible: boolean, body: Buffer, timeout: number): Promise<Buffer> {
    const sent = new Promise<Buffer>((resolve, reject) => {
      this.#inner.send<Buffer>(key, version, () => PlatformaticWriter.create().append(body),
        (_correlation, _key, _version, reader) => reader.buffer.slice(reader.position), flexible, flexible,
        (error, answer) => (error ? reject(error) : resolve(answer as Buffer)));
    });
    try {
      return await within(sent, timeout, this.#where, () => this.close());
    } catch (error) {
      throw translate(error, this.#where);
    }
  }

  close(): void {
    this.#inner.socket?.destroy();
  }
}

function translate(error: unknown, where: string): KafkaError {
  if (error instanceof KafkaError) return error;
  const chain: Error[] = [];
  for (let cause = error as Error | undefined; cause !== undefined && chain.length < 5; cause = cause.cause as Error | undefined) chain.push(cause);
  const login = chain.find((cause) => cause.name === 'AuthenticationError' || (cause as { code?: string }).code === 'PLT_KFK_AUTHENTICATION');
  if (login !== undefined) return new KafkaError(58, `${where}: ${login.message}`, { cause: error });
  // The innermost says most; an address with several meanings fails with one error for each.
  const inmost = chain.at(-1)!;
  const reason = inmost instanceof AggregateError ? inmost.errors.map((one: Error) => one.message).join(', ') : inmost.message;
  return new KafkaError(CODE.NETWORK, `${where}: ${reason}`, { cause: error });
}
