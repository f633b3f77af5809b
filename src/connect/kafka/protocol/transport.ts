/** What an adapter gives: connections, with TLS and SASL, over which requests and answers go as bytes. */
import { CODE, KafkaError } from '../errors.ts';

export interface Transport {
  readonly adapter: 'kafkajs' | 'platformatic';
  /** @throws KafkaError: NETWORK, or what the broker said to the login */
  open(host: string, port: number): Promise<Link>;
}

export interface Link {
  readonly open: boolean;
  /**
   * Sends the body of a request and gives that of its answer. `flexible`: version with tagged fields in the headers.
   * @throws KafkaError NETWORK: the connection ended, or `timeout` (ms) passed; the link is closed then
   */
  request(key: number, version: number, flexible: boolean, body: Buffer, timeout: number): Promise<Buffer>;
  close(): void;
}

/** A client's connection as a link. */
export interface Client {
  isOpen(): boolean;
  send(key: number, version: number, flexible: boolean, body: Buffer): Promise<Buffer>;
  destroy(): void;
  /** The client's error as one of ours. */
  translate(error: unknown): KafkaError;
}

/** `where`: the broker's address, for errors. */
export function linkOver(client: Client, where: string): Link {
  return {
    get open() { return client.isOpen(); },
    async request(key, version, flexible, body, timeout) {
      try {
        return await within(client.send(key, version, flexible, body), timeout, where, () => { client.destroy(); });
      } catch (error) {
        throw client.translate(error);
      }
    },
    close: () => { client.destroy(); },
  };
}

/** Settles as `work` does, or after `timeout` ms rejects with NETWORK and calls `expired`. */
export function within<T>(work: Promise<T>, timeout: number, what: string, expired: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new KafkaError(CODE.NETWORK, `${what}: no answer within ${timeout} ms`));
      expired();
    }, timeout);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
