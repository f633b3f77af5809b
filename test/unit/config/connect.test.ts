import { describe, expect, test } from '@jest/globals';
import {
  fileSourceOptions, httpSourceOptions, kafkaConnectionOf, mqttSinkOptions, mqttSourceOptions, redisStreamSinkOptions, storeSpec, topicsToMake, webhookSinkOptions,
  type JobConfig, type SinkConfig, type SourceConfig,
} from '../../../src/job/config/index.ts';
import { jobOf } from './support.ts';

function sourceOf<K extends SourceConfig['kind']>(job: JobConfig, kind: K): Extract<SourceConfig, { kind: K }> {
  return [...job.sources.values()].find((source) => source.kind === kind) as Extract<SourceConfig, { kind: K }>;
}

function sinkOf<K extends SinkConfig['kind']>(job: JobConfig, kind: K): Extract<SinkConfig, { kind: K }> {
  return [...job.channels.values()].find((sink) => sink.kind === kind) as Extract<SinkConfig, { kind: K }>;
}

describe('what connectors get', () => {
  test('MQTT in: one client id a source, a journal below the folder of the job, keepalive in seconds', () => {
    const job = jobOf('mqtt: { url: "mqtt://x", protocol: 3.1.1, keepalive: 1500ms }\nstate: { checkpoint: { retain: 7 } }\n'
      + 'sources: { plant: { mqtt: { topics: "a/#", fields: { s: topic 1 }, timeProperty: at, journal: { maxBytes: 1MiB } } } }');
    expect(mqttSourceOptions(job, 'plant', sourceOf(job, 'mqtt'), 2)).toMatchObject({
      name: 'plant', task: 2, url: 'mqtt://x', protocol: 4, keepalive: 2, clientId: 'fraud-plant', topics: [{ filter: 'a/#', qos: 1 }], fields: { s: 'topic 1' }, time: 'property at',
      journal: { directory: 'data/fraud/journal/plant', fsync: 'always', maxBytes: 1_048_576, segmentBytes: 262_144, keepCommits: 7 },
    });
  });

  test('HTTP in: the token of the server where it has none of its own', () => {
    const job = jobOf('http: { token: t }\nsources: { in: { http: { retryAfter: 1500ms } } }');
    expect(httpSourceOptions(job, 'in', sourceOf(job, 'http'), 0)).toMatchObject({ token: 't', retryAfter: 2, path: '/events', maxBody: 4_194_304 });
  });

  test('files: where they are read and where positions are kept', () => {
    const job = jobOf('sources: { p: { file: { path: p.jsonl, follow: true }, type: Payment } }');
    expect(fileSourceOptions(job, 'p', sourceOf(job, 'file'), 0)).toMatchObject({ path: 'p.jsonl', follow: true, type: 'Payment', positions: 'data/fraud/positions/p.json', poll: 200 });
  });

  test('sinks', () => {
    const job = jobOf(`
kafka: { brokers: a:1 }
mqtt: { url: "mqtt://x" }
redis: { cluster: [a:1] }
channels:
  k: { kafka: { topic: "alerts.{channel}", create: { partitions: 2, config: { cleanup.policy: compact } } } }
  m: { mqtt: { qos: 2 } }
  w: { webhook: { url: "https://x", headers: { a: b } } }
  r: { redisStream: { connection: { url: "redis://own" } } }`);
    expect(topicsToMake(sinkOf(job, 'kafka'), ['k', 'l', 'k'])).toEqual([
      { topic: 'alerts.k', partitions: 2, replicas: undefined, config: { 'cleanup.policy': 'compact' } }, { topic: 'alerts.l', partitions: 2, replicas: undefined, config: { 'cleanup.policy': 'compact' } }]);
    expect(mqttSinkOptions('m', sinkOf(job, 'mqtt'))).toMatchObject({ name: 'm', url: 'mqtt://x', qos: 2, topic: 'alerts/{channel}/{rule}' });
    expect(webhookSinkOptions(job, 'w', sinkOf(job, 'webhook'))).toMatchObject({ headers: { a: 'b' }, deadLetters: 'data/fraud/dead-letters/w.jsonl', tries: 8 });
    expect(redisStreamSinkOptions('r', sinkOf(job, 'redisStream'))).toMatchObject({ url: 'redis://own', cluster: undefined, stream: 'alcedo:{channel}' });
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    expect(kafkaConnectionOf(job.kafka!, log)).toEqual({ brokers: ['a:1'], clientId: 'fraud', tls: undefined, sasl: undefined, checkCrc: true, log });
  });

  test('the state store', () => {
    expect(storeSpec(jobOf('state: { directory: d }'))).toEqual({ kind: 'directory', path: 'd' });
    expect(storeSpec(jobOf())).toEqual({ kind: 'sqlite', path: 'data/fraud/state.sqlite' });
    expect(storeSpec(jobOf('redis: { sentinels: [a:1], master: m, password: p }\nstate: { redis: { prefix: x }, checkpoint: { interval: 2m } }'))).toMatchObject({
      kind: 'redis', client: 'ioredis', prefix: 'x', password: 'p', sentinel: { name: 'm', nodes: [{ host: 'a', port: 1 }] }, unnamedFor: 1_500_000,
    });
  });
});
