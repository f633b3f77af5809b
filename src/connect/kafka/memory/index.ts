export { MemoryBroker, openMemoryKafka, type MemoryBrokerOptions } from './broker.ts';
