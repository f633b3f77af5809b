/** Where the alerts of a job's channels can be read: feeds, or why there are none. */
import { didYouMean } from '../../../dsl/index.ts';
import type { Program } from '../../../dsl/typed.ts';
import type { Kafka } from '../../connect/kafka/index.ts';
import { fileSinkOptions, mqttSinkOptions, redisStreamSinkOptions, rulesOf, topicOf, type JobConfig, type SinkConfig } from '../../job/config/index.ts';
import { usageError } from '../errors.ts';
import { fileFeed } from './feeds/file.ts';
import { kafkaFeed } from './feeds/kafka.ts';
import { mqttFeed } from './feeds/mqtt.ts';
import { redisFeed } from './feeds/redis.ts';
import type { Feed } from './feeds/types.ts';

export interface FoundFeeds {
  readonly feeds: readonly Feed[];
  /** Channels that cannot be read, each with the reason: a sentence. */
  readonly unreadable: readonly string[];
  /** Only alerts of these are meant; undefined: whatever comes. */
  readonly channels: ReadonlySet<string> | undefined;
}

/** A channel as rules name it, with the sink that takes its alerts. */
interface Served { readonly channel: string; readonly option: string; readonly sink: SinkConfig }

/**
 * `channel` undefined: all. `program` undefined: the rules are not known, and channels that only `default` serves have no names.
 * @throws CliError (usage) where there is no such channel
 */
export function feedsOf(job: JobConfig, program: Program | undefined, channel: string | undefined, openKafka: () => Promise<Kafka>): FoundFeeds {
  const served = channel === undefined || channel === 'default' ? allServed(job, program).filter(({ option }) => channel === undefined || option === 'default') : [servedOf(job, program, channel)];
  const feeds = new Map<string, Feed>();
  const unreadable = new Set<string>();
  for (const one of served) {
    for (const found of feedsOfSink(one, job, program, openKafka)) {
      if (typeof found === 'string') unreadable.add(found);
      else feeds.set(found.what, found);
    }
  }
  const channels = channel === undefined || served.some((one) => one.channel === '') ? undefined : new Set(served.map((one) => one.channel));
  return { feeds: [...feeds.values()], unreadable: [...unreadable], channels };
}

/** The sink of a channel that rules name. */
function servedOf(job: JobConfig, program: Program | undefined, channel: string): Served {
  const own = job.channels.get(channel);
  if (own !== undefined) return { channel, option: channel, sink: own };
  const names = new Set([...job.channels.keys(), ...usedBy(job, program)]);
  const sink = job.channels.get('default');
  if (sink !== undefined && (program === undefined || names.has(channel))) return { channel, option: 'default', sink };
  const likely = didYouMean(channel, names);
  throw usageError(`The job "${job.name}" has no channel "${channel}".${likely === undefined ? '' : ` Did you mean "${likely}"?`} It has ${[...names].join(', ')}.`);
}

function allServed(job: JobConfig, program: Program | undefined): Served[] {
  const named = [...job.channels].filter(([name]) => name !== 'default').map(([name, sink]) => ({ channel: name, option: name, sink }));
  const rest = job.channels.get('default');
  if (rest === undefined) return named;
  const others = program === undefined ? [''] : [...usedBy(job, program)].filter((name) => name === 'default' || !job.channels.has(name));
  return [...named, ...others.map((channel) => ({ channel, option: 'default', sink: rest }))];
}

/** Channels that the job's rules alert to. */
function usedBy(job: JobConfig, program: Program | undefined): Set<string> {
  const rules = program === undefined ? [] : rulesOf(job, program);
  return new Set(rules.flatMap(({ outputs }) => outputs.flatMap((output) => (output.kind === 'alert' ? [output.target] : []))));
}

/** Feeds, or the reason why there is none. */
function feedsOfSink({ channel, option, sink }: Served, job: JobConfig, program: Program | undefined, openKafka: () => Promise<Kafka>): readonly (Feed | string)[] {
  const name = channel === '' ? 'the channels of "default"' : `channel "${channel}"`;
  switch (sink.kind) {
    case 'kafka': {
      if (job.kafka?.adapter === 'memory') return [`The Kafka of this job lives in its own process ("kafka.adapter: memory"): nobody else can read the topics of ${name}.`];
      if (channel === '' && sink.options.topic.includes('{channel}')) return ['The topics of "default" have names of channels in them, which the rules would say; they have errors: see alcedo check.'];
      return [kafkaFeed(topicOf(sink.options.topic, channel), openKafka)];
    }
    case 'mqtt': {
      const { topic = 'alerts/{channel}/{rule}', ...connection } = mqttSinkOptions(option, sink);
      return [mqttFeed(filterOf(topic, channel), connection)];
    }
    case 'redisStream': {
      const { stream = 'alcedo:{channel}', ...connection } = redisStreamSinkOptions(option, sink);
      const keys = keysOf(stream, channel, job, program);
      return keys === undefined ? [`The stream of ${name} is called "${stream}": what stands in braces differs from alert to alert, so that no list of streams can be made.`]
        : keys.map((key) => redisFeed(key, connection));
    }
    case 'file': return [fileFeed(fileSinkOptions(option, sink).path)];
    case 'console': return [`The alerts of ${name} go to the job's own ${sink.options.to === 'stderr' ? 'standard error' : 'standard output'} (console): they are not kept anywhere to subscribe to. Give it a kafka, mqtt, redisStream or file sink.`];
    case 'webhook': return [`The alerts of ${name} are posted to a webhook: they are not kept anywhere to subscribe to. Ask its receiver, or give the channel a kafka, mqtt, redisStream or file sink.`];
  }
}

/** A topic filter for all that a sink's topic may become: what is put in never spans levels. */
function filterOf(topic: string, channel: string): string {
  const known = channel === '' ? topic : topic.replaceAll('{channel}', channel);
  return known.split('/').map((level) => (level.includes('{') ? '+' : level)).join('/');
}

/** All that a stream's key may become; undefined: that cannot be said. */
function keysOf(pattern: string, channel: string, job: JobConfig, program: Program | undefined): readonly string[] | undefined {
  if (channel === '' && pattern.includes('{channel}')) return undefined;
  let keys = [pattern.replaceAll('{channel}', channel)];
  if (pattern.includes('{rule}')) {
    if (program === undefined) return undefined;
    const rules = rulesOf(job, program).filter(({ outputs }) => outputs.some((output) => output.kind === 'alert' && output.target === channel));
    keys = keys.flatMap((key) => rules.map((rule) => key.replaceAll('{rule}', rule.name)));
  }
  keys = expanded(keys, '{severity}', ['low', 'medium', 'high', 'critical']);
  keys = expanded(keys, '{kind}', ['match', 'timeout', 'window']);
  return keys.some((key) => key.includes('{')) ? undefined : keys;
}

function expanded(keys: readonly string[], place: string, values: readonly string[]): string[] {
  return keys.flatMap((key) => (key.includes(place) ? values.map((value) => key.replaceAll(place, value)) : [key]));
}
