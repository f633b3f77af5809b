/**
 * Real servers for tests: Kafka, Redis, mosquitto, each of its own on private ports and folders, and a proxy for faults between a client and them.
 * Each `start…` resolves when the server answers. It dies with the test process, also when that is killed. A suite starts what it needs in
 * `beforeAll` and stops it in `afterAll`; what is missing on the machine is fetched once, and what cannot be had fails with the command that gets it.
 * Suites that leave Kafka as it is take the one of ../shared-kafka.ts instead of starting theirs.
 */
export { startKafka, type KafkaOptions, type KafkaServer } from './kafka.ts';
export { startRedis, type RedisOptions, type RedisServer } from './redis.ts';
export { startMosquitto, type MosquittoOptions, type MosquittoServer } from './mosquitto.ts';
export { startProxy, type Proxy } from './proxy.ts';
export { freePort, type Server } from './processes.ts';
