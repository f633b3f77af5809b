import type { Log, OutRecord, Sink } from '../types.ts';
import type { Kafka, ProducedRecord, Producer } from './port.ts';

/** A Kafka record of one of ours: keyed by the rule's key, so that alerts of a key stay in order. */
export function producedRecord(record: OutRecord, topic: string): ProducedRecord {
  return { topic, key: record.key === '' ? null : record.key, value: record.value, headers: record.headers };
}

/** Records to Kafka without transactions: each is written once per delivery, and a crash delivers some again. */
export class KafkaSink implements Sink {
  readonly name: string;
  readonly #kafka: Kafka;
  readonly #topicOf: (record: OutRecord) => string;
  readonly #compression: string | undefined;
  #producer: Producer | undefined;

  constructor(name: string, kafka: Kafka, topicOf: (record: OutRecord) => string, compression: string | undefined) {
    this.name = name;
    this.#kafka = kafka;
    this.#topicOf = topicOf;
    this.#compression = compression;
  }

  async start(_log: Log): Promise<void> { this.#producer = await this.#kafka.producer({ compression: this.#compression }); }

  async send(records: readonly OutRecord[]): Promise<void> {
    await this.#producer!.send(records.map((record) => producedRecord(record, this.#topicOf(record))));
  }

  async stop(): Promise<void> { await this.#producer?.close(); }

  async probe(): Promise<readonly string[]> { return [`${(await this.#kafka.topics()).size} topics seen`]; }
}
