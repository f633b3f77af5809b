import { MemoryBroker, openMemoryKafka } from '../../../src/connect/kafka/index.ts';
import { kafkaContract } from '../../support/kafka-contract.ts';
import { keepingLog } from '../../support/quiet-log.ts';

const broker = new MemoryBroker();
kafkaContract('Kafka in this process', () => openMemoryKafka(broker, { log: keepingLog() }));
