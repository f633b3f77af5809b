/** The options of a job as those of its connectors and its state store. */
import { join } from 'node:path';
import type { FileSinkOptions } from '../../connect/file-sink/index.ts';
import type { HttpSourceOptions, WebhookSinkOptions } from '../../connect/http/options.ts';
import type { JournalOptions } from '../../connect/journal/options.ts';
import type { KafkaConnection, TopicSpec } from '../../connect/kafka/port.ts';
import type { MqttConnection, MqttSinkOptions, MqttSourceOptions } from '../../connect/mqtt/options.ts';
import type { RedisConnection } from '../../connect/redis/options.ts';
import type { RedisStreamSinkOptions } from '../../connect/redis-stream/options.ts';
import type { FileSourceOptions } from '../../connect/tail/options.ts';
import type { FileTableOptions } from '../../connect/tables/file.ts';
import type { HttpTableOptions } from '../../connect/tables/http.ts';
import type { KafkaTableOptions } from '../../connect/tables/kafka.ts';
import type { RedisTableOptions } from '../../connect/tables/redis.ts';
import type { Log } from '../../connect/types.ts';
import type { StoreSpec } from '../../state/stores/open.ts';
import type { JobConfig, KafkaConfig, SinkConfig, SourceConfig, TableConfig } from './options/job.ts';

type Mqtt = NonNullable<JobConfig['mqtt']>;
type Redis = NonNullable<JobConfig['redis']>;
type SourceOf<K extends SourceConfig['kind']> = Extract<SourceConfig, { readonly kind: K }>;
type SinkOf<K extends SinkConfig['kind']> = Extract<SinkConfig, { readonly kind: K }>;

const SECOND = 1000;

export function kafkaConnectionOf({ brokers, clientId, tls, sasl, checkCrc }: KafkaConfig, log: Log): KafkaConnection {
  return { brokers, clientId, tls, sasl, checkCrc, log };
}

/** Topics that a sink makes where they are not there; `channels`: those it serves. */
export function topicsToMake({ options }: SinkOf<'kafka'>, channels: readonly string[]): TopicSpec[] {
  const { create, topic } = options;
  if (create === undefined) return [];
  const names = new Set(channels.map((channel) => topicOf(topic, channel)));
  return [...names].map((name) => ({
    topic: name, partitions: create.partitions, replicas: create.replicas, config: create.config === undefined ? undefined : Object.fromEntries(create.config),
  }));
}

/** The topic of a channel's alerts. */
export function topicOf(topic: string, channel: string): string {
  return topic.replaceAll('{channel}', channel);
}

export function mqttSourceOptions(job: JobConfig, name: string, source: SourceOf<'mqtt'>, task: number): MqttSourceOptions {
  const { connection, fields, timeProperty, journal, clientId, topics, ...same } = source.options;
  return {
    ...mqttConnectionOf(connection), ...same, name, task, journal: journalOf(job, name, journal),
    clientId: clientId ?? `${job.name}-${name}`,
    topics: topics.map(({ filter, type, qos }) => ({ filter, type, qos })),
    ...(fields !== undefined && { fields: Object.fromEntries(fields) }),
    time: timeProperty === undefined ? 'arrival' : `property ${timeProperty}`,
  };
}

export function httpSourceOptions(job: JobConfig, name: string, source: SourceOf<'http'>, task: number): HttpSourceOptions {
  const { journal, token, retryAfter, ...same } = source.options;
  return { ...same, name, task, token: token ?? job.http.token, journal: journalOf(job, name, journal), retryAfter: Math.ceil(retryAfter / SECOND) };
}

export function fileSourceOptions(job: JobConfig, name: string, source: SourceOf<'file'>, task: number): FileSourceOptions {
  return { ...source.options, name, task, type: source.type, positions: join(job.data, 'positions', `${name}.json`) };
}

export function mqttSinkOptions(name: string, sink: SinkOf<'mqtt'>): MqttSinkOptions {
  const { connection, ...same } = sink.options;
  return { ...mqttConnectionOf(connection), ...same, name };
}

export function webhookSinkOptions(job: JobConfig, name: string, sink: SinkOf<'webhook'>): WebhookSinkOptions {
  const { headers, deadLetters, ...same } = sink.options;
  return {
    ...same, name, ...(headers !== undefined && { headers: Object.fromEntries(headers) }), deadLetters: deadLetters ?? join(job.data, 'dead-letters', `${name}.jsonl`),
  };
}

export function redisStreamSinkOptions(name: string, sink: SinkOf<'redisStream'>): RedisStreamSinkOptions {
  const { connection, ...same } = sink.options;
  return { ...redisConnectionOf(connection), ...same, name };
}

export function fileSinkOptions(name: string, sink: SinkOf<'file'>): FileSinkOptions {
  return { ...sink.options, name };
}

export type TableOptions =
  | { readonly kind: 'file'; readonly options: FileTableOptions }
  | { readonly kind: 'redis'; readonly options: RedisTableOptions }
  | { readonly kind: 'http'; readonly options: HttpTableOptions }
  | { readonly kind: 'kafka'; readonly options: Omit<KafkaTableOptions, 'open'> };

export function tableSourceOptions(job: JobConfig, name: string, table: TableConfig): TableOptions {
  switch (table.kind) {
    case 'file': return { kind: 'file', options: table.options };
    case 'redis': {
      const { connection, ...same } = table.options;
      return { kind: 'redis', options: { ...redisConnectionOf(connection), ...same } };
    }
    case 'kafka': return { kind: 'kafka', options: { ...table.options, brokers: job.kafka?.brokers.join(', ') ?? '' } };
    case 'http': {
      const { url, token, headers, format, poll, answerWithin, maxBody, cache } = table.options;
      return {
        kind: 'http',
        options: {
          url, format, poll, timeout: answerWithin, maxBytes: maxBody, cache: cache ?? join(job.data, 'tables', `${name}.rows`),
          headers: { ...(headers !== undefined && Object.fromEntries(headers)), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        },
      };
    }
  }
}

export function storeSpec({ state }: JobConfig): StoreSpec {
  switch (state.kind) {
    case 'memory': return { kind: 'memory' };
    case 'directory': return { kind: 'directory', path: state.options.path };
    case 'sqlite': return { kind: 'sqlite', path: state.options.path };
    case 'redis': {
      const { connection, client, prefix } = state.options;
      const { url, sentinels, master, cluster, username, password, tls, commandTimeout } = connection;
      const { interval, timeout } = state.checkpoint;
      return {
        kind: 'redis', client, prefix, url, username, password, tls, timeout: commandTimeout,
        ...(cluster !== undefined && { nodes: cluster }),
        ...(sentinels !== undefined && { sentinel: { name: master!, nodes: sentinels } }),
        unnamedFor: Math.max(600_000, 10 * (interval + timeout)),
      };
    }
  }
}

function mqttConnectionOf({ keepalive, ...same }: Mqtt): MqttConnection {
  return { ...same, keepalive: Math.ceil(keepalive / SECOND) };
}

function redisConnectionOf({ url, sentinels, master, cluster, username, password, tls, connectTimeout, commandTimeout }: Redis): RedisConnection {
  return { url, sentinels, master, cluster, username, password, tls, connectTimeout, commandTimeout };
}

function journalOf(job: JobConfig, name: string, { directory, fsync, maxBytes, segmentBytes, keepCommits }: SourceOf<'http'>['options']['journal']): JournalOptions {
  return {
    directory: directory ?? join(job.data, 'journal', name), fsync, maxBytes, segmentBytes: Math.min(segmentBytes, Math.floor(maxBytes / 4)),
    keepCommits: keepCommits ?? job.state.checkpoint.retain,
  };
}
