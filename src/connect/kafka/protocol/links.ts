/** Connections to brokers by their number, opened when first needed. */
import { CODE, KafkaError } from '../errors.ts';
import type { Link, Transport } from './transport.ts';

interface Address { readonly host: string; readonly port: number }

/** What is known of the brokers; shared by all sessions of a client. */
export class Addresses {
  readonly seeds: readonly Address[];
  readonly #nodes = new Map<number, Address>();

  constructor(brokers: readonly string[]) {
    this.seeds = brokers.map((broker) => {
      const colon = broker.lastIndexOf(':');
      const port = Number(broker.slice(colon + 1));
      if (colon < 1 || !Number.isInteger(port)) throw new Error(`"${broker}" is no broker address: write host:port, e.g. kafka-1:9092.`);
      return { host: broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port };
    });
    if (this.seeds.length === 0) throw new Error('No Kafka broker is named; see brokers.');
  }

  learn(node: number, host: string, port: number): void {
    this.#nodes.set(node, { host, port });
  }

  of(node: number): Address {
    const address = this.#nodes.get(node);
    if (address === undefined) throw new KafkaError(CODE.NETWORK, `broker ${node} is not known`);
    return address;
  }

  /** All brokers, those the cluster named before those of the configuration. */
  any(): Address[] {
    const all = new Map<string, Address>();
    for (const address of [...this.#nodes.values(), ...this.seeds]) all.set(`${address.host}:${address.port}`, address);
    return [...all.values()];
  }
}

export class Links {
  readonly #transport: Transport;
  readonly #addresses: Addresses;
  readonly #links = new Map<string, Promise<Link>>();
  #closed = false;

  constructor(transport: Transport, addresses: Addresses) {
    this.#transport = transport;
    this.#addresses = addresses;
  }

  /** @throws KafkaError NETWORK */
  to(node: number): Promise<Link> {
    return this.#at(this.#addresses.of(node));
  }

  /** A link to whichever broker answers. @throws KafkaError NETWORK that names them all */
  async any(): Promise<Link> {
    const failures: string[] = [];
    for (const address of this.#addresses.any()) {
      try {
        return await this.#at(address);
      } catch (error) {
        if (!(error instanceof KafkaError) || !error.retriable) throw error;
        failures.push(error.detail);
      }
    }
    throw new KafkaError(CODE.NETWORK, failures.join('; '));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const links = await Promise.allSettled(this.#links.values());
    this.#links.clear();
    for (const link of links) if (link.status === 'fulfilled') link.value.close();
  }

  async #at(address: Address): Promise<Link> {
    if (this.#closed) throw new KafkaError(CODE.NETWORK, 'the client is closed');
    const key = `${address.host}:${address.port}`;
    const existing = this.#links.get(key);
    if (existing !== undefined) {
      const link = await existing;
      if (link.open) return link;
      if (this.#links.get(key) === existing) this.#links.delete(key);
      return this.#at(address);
    }
    const opening = this.#transport.open(address.host, address.port);
    this.#links.set(key, opening);
    try {
      const link = await opening;
      if (this.#closed) link.close();
      return link;
    } catch (error) {
      if (this.#links.get(key) === opening) this.#links.delete(key);
      throw error;
    }
  }
}
