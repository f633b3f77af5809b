/** Kafka behind one port: see port.ts. A client gives the connections, `client/` does with them what the port promises, whichever client it is. */
import type { Api } from './client/api.ts';
import { KafkaClient } from './client/kafka.ts';
import type { Kafka, KafkaConnection } from './port.ts';
import { WireApi } from './protocol/api.ts';
import { Addresses } from './protocol/links.ts';

export * from './port.ts';
export { murmur2, partitionOf } from './murmur2.ts';
export { KafkaError } from './errors.ts';
export { KafkaSink, producedRecord } from './sink.ts';
export { EARLIEST, KafkaSource, type KafkaSourceOptions, type KafkaStart, type KafkaTopic } from './source.ts';
export { MemoryBroker, openMemoryKafka, type MemoryBrokerOptions } from './memory/index.ts';

/** Connects. @throws Error when no broker answers within 10 s, or refuses the login: it says which and what to look at */
export async function openKafka(adapter: 'kafkajs' | 'platformatic', connection: KafkaConnection): Promise<Kafka> {
  return KafkaClient.open(await apiOf(adapter, connection), connection.log, connection.brokers);
}

async function apiOf(adapter: 'kafkajs' | 'platformatic', connection: KafkaConnection): Promise<Api> {
  const addresses = new Addresses(connection.brokers);
  const checkCrc = connection.checkCrc ?? true;
  // Each client is loaded only where it is used.
  if (adapter === 'kafkajs') return new WireApi((await import('./kafkajs.ts')).kafkajsTransport(connection), addresses, checkCrc);
  return new WireApi((await import('./platformatic.ts')).platformaticTransport(connection), addresses, checkCrc);
}
