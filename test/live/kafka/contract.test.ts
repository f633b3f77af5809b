import { afterAll, beforeAll } from '@jest/globals';
import { openKafka } from '../../../src/connect/kafka/index.ts';
import { startKafka, type KafkaServer } from '../../support/brokers/index.ts';
import { kafkaContract } from '../../support/kafka-contract.ts';
import { keepingLog } from '../../support/quiet-log.ts';

let server: KafkaServer;
beforeAll(async () => {
  server = await startKafka({ properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' } });
}, 300_000);
afterAll(() => server?.stop());

for (const adapter of ['kafkajs', 'platformatic'] as const) {
  kafkaContract(`Kafka by ${adapter}`, () => openKafka(adapter, { brokers: server.brokers, clientId: 'contract', log: keepingLog() }));
}
