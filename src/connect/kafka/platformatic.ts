/**
 * Connections by @platformatic/kafka: its sockets, TLS, SASL mechanisms and framing. Its consumer and producer are not used: its `read_committed` lets
 * aborted records through, it has no metadata of offsets, and its rebalance does not wait. What they would do is in client/.
 */
import { Connection, type ConnectionOptions, Writer as PlatformaticWriter } from '@platformatic/kafka';
import { CODE, KafkaError } from './errors.ts';
import type { KafkaConnection } from './port.ts';
import { type Link, linkOver, type Transport } from './protocol/transport.ts';

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
        return linkTo(inner, where);
      } catch (error) {
        throw translate(error, where);
      }
    },
  };
}

function linkTo(inner: Connection, where: string): Link {
  return linkOver({
    isOpen: () => inner.isConnected(),
    send: (key, version, flexible, body) => new Promise<Buffer>((resolve, reject) => {
      inner.send<Buffer>(key, version, () => PlatformaticWriter.create().append(body),
        (_correlation, _key, _version, reader) => reader.buffer.slice(reader.position), flexible, flexible,
        (error, answer) => (error ? reject(error) : resolve(answer as Buffer)));
    }),
    destroy: () => { inner.socket?.destroy(); },
    translate: (error) => translate(error, where),
  }, where);
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
