/** Where alerts, late events and rejects go. */
import { choice, choiceOf, duration, flag, map, path, section, text, url, variants, whole } from '../spec.ts';
import { ownMqttConnection, ownRedisConnection } from './connections.ts';

const kafka = section({
  topic: text({
    text: 'The topic; `{channel}` in it is the channel\'s name.', required: true, examples: ['fraud-alerts', 'alerts.{channel}'],
    pattern: /^([A-Za-z0-9._-]|\{channel\}){1,249}$/, expects: 'the name of a topic: letters, digits, ".", "_", "-", and {channel}',
  }),
  delivery: choice(['transactional', 'idempotent'], {
    text: '`transactional`: records become visible with the commit of the checkpoint that covers them, exactly once. `idempotent`: they go out after `flush`, and some go out again after a crash.',
    default: 'transactional',
  }),
  compression: choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'], { text: 'How batches are compressed.', default: 'none' }),
  create: section({
    partitions: whole({ text: 'Number of partitions.', default: 1, min: 1, max: 100_000 }),
    replicas: whole({ text: 'Copies of each. Default: the brokers\' own.', min: 1, max: 1000 }),
    config: map(text({ text: 'A value.' }), {
      text: 'Options of the topic, values in quotes.', keys: { text: 'the name of a topic option', placeholder: 'option', pattern: /^[a-z][a-z.]*$/ }, examples: [{ 'retention.ms': '604800000' }],
    }),
  }, { text: 'How to make the topic where it is not there. Without this it must be there.' }),
}, { text: 'A Kafka topic. The key is the rule\'s; rule, severity and id are headers too.', short: 'topic' });

const mqtt = section({
  connection: ownMqttConnection,
  topic: text({
    text: 'The topic, with `{channel}`, `{rule}`, `{key}`, `{id}` or the name of a header put in; in what is put in, `/`, `+`, `#` and `%` are percent-encoded.',
    default: 'alerts/{channel}/{rule}',
  }),
  qos: choiceOf({ 0: 0, 1: 1, 2: 2 }, { text: 'Quality of service.', default: 1 }),
  retain: flag({ text: 'Whether the broker keeps the last message of a topic for later subscribers.', default: false }),
  clientId: text({ text: 'Identity at the broker. Default: a new one at each start.' }),
  expiry: duration({ text: 'After so long the broker drops what no subscriber took (MQTT 5). Default: never.', min: 1000 }),
  inFlight: whole({ text: 'Messages that may be under way unacknowledged.', default: 100, min: 1, max: 65_535 }),
}, { text: 'MQTT topics.' });

const webhook = section({
  url: url({ text: 'Each alert is posted here by itself. Redirects are not followed.', protocols: ['http', 'https'], required: true, secret: true, examples: ['https://alerts.example.com/hook'] }),
  headers: map(text({ text: 'The value of a header.', secret: true }), {
    text: 'Headers added to each request.', keys: { text: 'the name of a header', placeholder: 'header', pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/ }, examples: [{ authorization: 'Bearer ${HOOK_TOKEN}' }],
  }),
  secret: text({ text: 'Key of the signature in the header `Alcedo-Signature`. Without it requests are not signed.', secret: true, examples: ['${HOOK_SECRET}'] }),
  timeout: duration({ text: 'For one try.', default: '10s', min: 1 }),
  tries: whole({ text: 'Tries of one alert, the first included; then it goes to the dead letters.', default: 8, min: 1 }),
  retryDelay: duration({ text: 'Before the second try; twice as long before each further one.', default: '500ms', min: 1 }),
  maxRetryDelay: duration({ text: 'Between two tries at most, also where the receiver asks for more.', default: '1m', min: 1 }),
  concurrency: whole({ text: 'Requests under way at one time. Alerts of one key always go one after the other.', default: 4, min: 1, max: 1000 }),
  deadLetters: path({ text: 'JSON Lines file of the alerts that could not be delivered. Default: `dead-letters/` and the name of the channel, in the folder `data`.' }),
}, { text: 'HTTP requests to a receiver of your own.', short: 'url' });

const redisStream = section({
  connection: ownRedisConnection,
  stream: text({ text: 'Key of the stream, with `{channel}`, `{rule}`, `{key}`, `{id}` or the name of a header put in.', default: 'alcedo:{channel}' }),
  maxLength: whole({ text: 'Entries kept, about. 0: all, for ever.', default: 1_000_000 }),
}, { text: 'A Redis stream.' });

const file = section({
  path: path({ text: 'Lines of JSON are added to its end; it is made where it is not there.', required: true, examples: ['alerts.jsonl'] }),
  fsync: flag({ text: 'Whether each batch is forced onto the disk before it counts as delivered.', default: true }),
}, { text: 'A file of JSON Lines.', short: 'path' });

const console = section({
  to: choice(['stdout', 'stderr'], { text: 'The stream of the process.', default: 'stdout' }),
}, { text: 'The output of the process, a line of JSON each.', short: 'to' });

const kinds = { kafka, mqtt, webhook, redisStream, file, console };

export const sink = variants(kinds, {}, { of: 'sink', text: 'A sink: its kind with its options.' });

/** A sink that need not be given. */
export function sinkFor(purpose: string) {
  return variants(kinds, {}, { of: 'sink', text: purpose });
}
