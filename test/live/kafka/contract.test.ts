import { beforeAll } from '@jest/globals';
import { openKafka } from '../../../src/connect/kafka/index.ts';
import { kafkaContract } from '../../support/kafka-contract.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { sharedKafka } from '../../support/shared-kafka.ts';

let brokers: readonly string[];
beforeAll(async () => {
  ({ brokers } = await sharedKafka());
}, 300_000);

for (const adapter of ['kafkajs', 'platformatic'] as const) {
  kafkaContract(`Kafka by ${adapter}`, () => openKafka(adapter, { brokers, clientId: 'contract', log: keepingLog() }));
}
