/** The job file: reading and checking it, what it says as types, and what it may show of itself. */
export { loadJob, readJobText, type LoadedJob } from './load.ts';
export { carriersOf, checkAgainstRules, fieldMapOf, isKeyedBy, originOf, paramsOf, rulesOf, typesOf } from './rules.ts';
export { isLoopback, isTransactional, sinksOf } from './checks.ts';
export { showYaml } from './show.ts';
export type { Place, Problem } from './problem.ts';
export type { Environment } from './env.ts';
export type { Data } from './spec.ts';
export type { JobConfig, KafkaConfig, SinkConfig, SourceConfig, StateConfig, TableConfig } from './options/job.ts';
export type { TimeOrigin } from './options/sources.ts';
export type { TlsOptions } from './options/connections.ts';
export {
  fileSinkOptions, fileSourceOptions, httpSourceOptions, kafkaConnectionOf, mqttSinkOptions, mqttSourceOptions, redisStreamSinkOptions, storeSpec,
  tableSourceOptions, topicOf, topicsToMake, webhookSinkOptions,
} from './connect.ts';
