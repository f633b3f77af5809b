/** Where events come from. */
import { choice, choiceOf, data, duration, durationOr, flag, list, map, parsed, path, section, size, text, time, variants, whole } from '../spec.ts';
import { ownMqttConnection } from './connections.ts';

const EVENT_TYPE = { pattern: /^[A-Z]\w*$/, expects: 'the name of an event type' };
const FIELD = { pattern: /^[A-Za-z_][\w]*$/, expects: 'the name of a field' };
export const KAFKA_TOPIC = { pattern: /^[A-Za-z0-9._-]{1,249}$/, expects: 'the name of a topic: letters, digits, ".", "_", "-"' };

const journalFields = {
  directory: path({ text: 'Folder of the journal. Default: `journal/` and the name of the source, in the folder `data`.' }),
  fsync: durationOr(['always'], {
    text: 'When what is written is forced onto the disk: `always` before it is acknowledged, so that it survives a power cut; or so often, which is faster: a power cut then loses what came since. A crash of the process alone loses nothing.',
    default: 'always', min: 1,
  }),
  maxBytes: size({ text: 'The journal may take so much of the disk; beyond it nothing is taken in until the job has committed.', default: '1GiB', min: 1024 * 1024 }),
  segmentBytes: size({ text: 'Space is given back in pieces of this size, or of a quarter of `maxBytes` where that is less.', default: '64MiB', min: 65_536 }),
  keepCommits: whole({ text: 'For so many commits records are kept behind the last one, so that an older checkpoint can be gone back to. Default: `state.checkpoint.retain`.', max: 1000 }),
};

const journal = section(journalFields, { text: 'The local log in which records wait that their sender cannot send again.', default: {} });

const kafka = section({
  topics: list(text({ text: 'The name of a topic.', ...KAFKA_TOPIC }), { text: 'Topics to read. Those of a job that are partitioned alike are read partition by partition.', atLeast: 1, examples: [['payments']] }),
  pattern: parsed({ text: 'A regular expression; all topics whose whole name matches when the job starts are read.', examples: ['payments\\..*'] }, {
    pattern: /[\s\S]/, expects: 'a regular expression',
    convert: (written): RegExp => {
      try {
        return new RegExp(`^(?:${written})$`, 'u');
      } catch {
        throw new Error('this is not a regular expression that can be read');
      }
    },
  }),
  partitionedBy: text({
    text: 'The field whose value is the key the topics are partitioned by. Required where a topic has more than one partition. A rule is taken when its `by` contains this field; a rule without `by` only where there is one partition.',
    ...FIELD, examples: ['card'],
  }),
  types: map(text({ text: 'An event type.', ...EVENT_TYPE }), {
    text: 'Event types by topic, where each topic holds one.', keys: { text: KAFKA_TOPIC.expects, placeholder: 'topic', pattern: KAFKA_TOPIC.pattern },
    examples: [{ payments: 'Payment', logins: 'Login' }],
  }),
  typeHeader: text({ text: 'The header that says the event type; a record without it goes by `types`, `type` or `typeField`.', examples: ['event-type'] }),
  start: time(['earliest', 'latest', 'committed'], {
    text: 'Where a partition is begun that the job has not committed any offset of: at its `earliest` record, behind its `latest`, or at the first one of a time. `committed`: nowhere; the job does not start without offsets. What has been committed is always gone on from.',
    default: 'earliest',
  }),
  isolation: choiceOf({ committed: 'read_committed', uncommitted: 'read_uncommitted' }, {
    text: 'Which records of other producers\' transactions are read: `committed` ones only, or all as they come.',
    default: 'committed',
  }),
}, { text: 'Records of Kafka topics, JSON objects in the value.', oneOf: [['topics', 'pattern']] });

const mqtt = section({
  connection: ownMqttConnection,
  topics: list(section({
    filter: text({ text: 'A topic, with `+` for one level and `#` for all further ones; `$share/GROUP/…` shares its messages among the clients of the group.', required: true }),
    type: text({ text: 'Event type of its messages.', ...EVENT_TYPE }),
    qos: choiceOf({ 0: 0, 1: 1, 2: 2 }, { text: 'Quality of service asked for. With 0 nothing is delivered again after a failure.', default: 1 }),
  }, { text: 'A topic.', short: 'filter' }), {
    text: 'Topics to subscribe to: each a topic filter, or a section that says more.', required: true, atLeast: 1,
    examples: [['plant/+/temperature'], [{ filter: 'plant/+/door', type: 'Door', qos: 2 }]],
  }),
  clientId: text({
    text: 'Identity of the session at the broker: the same at each start, and no other client\'s. Default: the job\'s name, `-` and the name of the source.',
    examples: ['alcedo-plant-7'],
  }),
  ack: choice(['on-checkpoint', 'on-journal', 'on-receive'], {
    text: 'When a message is acknowledged, and so what a crash may lose. `on-checkpoint`: when a checkpoint covers it; nothing is lost, the rest comes again. `on-journal`: when it is in the journal; nothing is lost as long as the disk is there. `on-receive`: at once; all since the last checkpoint is lost. Default: `on-checkpoint` with MQTT 5, `on-journal` with 3.1.1, whose brokers send only some 20 messages ahead.',
  }),
  journal,
  sessionExpiry: duration({ text: 'For so long the broker keeps what comes while the job is away (MQTT 5).', default: '1d', min: 1000, max: 4_294_967_294_000 }),
  receiveMaximum: whole({ text: 'Unacknowledged messages the broker may send ahead (MQTT 5).', default: 2000, min: 1, max: 65_535 }),
  window: whole({ text: 'The broker\'s own limit of unacknowledged messages with MQTT 3.1.1 (mosquitto: `max_inflight_messages`).', default: 20, min: 1, max: 65_535 }),
  fields: map(text({
    text: 'Where the field comes from.', pattern: /^(topic|topic -?[1-9]\d*|property \S.*|retained|duplicate|qos|received)$/,
    expects: 'topic, "topic N", "property NAME", retained, duplicate, qos or received',
  }), {
    text: 'Fields put into each event: the `topic`, its Nth level (`topic 2`; from the end `topic -1`), an MQTT 5 user property (`property NAME`), the marks `retained` and `duplicate`, `qos`, the time it was `received`.',
    keys: { text: FIELD.expects, placeholder: 'field', pattern: FIELD.pattern }, examples: [{ sensor: 'topic 2' }],
  }),
  valueField: text({ text: 'For messages that are no JSON object (`21.5`, `on`): the field their value becomes. Without it they are rejected.', ...FIELD, examples: ['celsius'] }),
  timeProperty: text({ text: 'The user property that is the record\'s own time (ms since 1970, or ISO 8601). Default: the record\'s time is its arrival.' }),
  retained: choice(['always', 'new', 'never'], { text: 'Whether retained messages are taken at subscription: `always`, when the subscription is `new`, or `never` (MQTT 5).', default: 'new' }),
  bufferMessages: whole({ text: 'So many messages may wait in memory before the source stops reading.', default: 10_000, min: 1 }),
  bufferBytes: size({ text: 'So many bytes of them.', default: '32MiB', min: 1024 }),
}, { text: 'Messages of MQTT topics.' });

const file = section({
  path: path({ text: 'A file of JSON Lines. Compressed with gzip or zstd it can be read whole only.', required: true, examples: ['events.jsonl'] }),
  follow: flag({ text: 'Go on with what is added, through rotation and truncation, as `tail -F` does. Without it the file is read whole, and the source ends.', default: false }),
  from: choice(['start', 'end'], { text: 'With `follow`, where nothing is committed yet: from the file\'s start, or only what is added from now on.', default: 'start' }),
  poll: duration({ text: 'How often a file without anything new is looked at.', default: '200ms', min: 1 }),
}, { text: 'Lines of a file.', short: 'path' });

const http = section({
  path: text({ text: 'Events are posted to this path, `/` and their type.', default: '/events', pattern: /^(\/[A-Za-z0-9._~-]+)+$/, expects: 'a path such as /events' }),
  types: list(text({ text: 'An event type.', ...EVENT_TYPE }), { text: 'Event types that are taken; others are answered 404. Default: all that the rules declare.' }),
  token: text({ text: 'Bearer token that senders must show. Default: that of `http` at the top.', secret: true, examples: ['${INGEST_TOKEN}'] }),
  journal,
  maxBody: size({ text: 'Largest body of a request, decompressed.', default: '4MiB', min: 1024 }),
  maxPending: size({ text: 'So much may wait to be written to the journal; more is answered 429.', default: '64MiB', min: 1024 }),
  retryAfter: duration({ text: 'What such an answer asks the sender to wait, in whole seconds.', default: '1s', min: 1000 }),
}, { text: 'Events posted as JSON Lines to the server of `http`. They are answered 202 when they are in the journal.' });

const MAP_KEY = /^([A-Z]\w*\.)?[a-z_]\w*$/;

export const source = variants({ kafka, mqtt, file, http }, {
  type: text({ text: 'The type of every event here, whatever the events say.', ...EVENT_TYPE, examples: ['Payment'] }),
  typeField: text({ text: 'The field of the data that names an event\'s type, where nothing else does.', default: 'type' }),
  map: map(text({ text: 'The name in the data.' }), {
    text: 'Fields that have another name in the data: `card: customer_id`, or for one type `Payment.card: customer_id`.',
    keys: { text: 'the name of a field, or Type.field', placeholder: 'field', pattern: MAP_KEY }, examples: [{ card: 'customer_id' }],
  }),
  time: parsed({ text: 'Event time: the `field` that the event\'s declaration names, the `record`\'s own time (Kafka\'s timestamp), its `arrival` here, or a header (`header NAME`: ms since 1970, or ISO 8601).', default: 'field' }, {
    pattern: /^(field|record|arrival|header \S+)$/, expects: 'field, record, arrival or "header NAME"',
    convert: (written): TimeOrigin => (written.startsWith('header ') ? { kind: 'header', name: written.slice(7) } : { kind: written as 'field' | 'record' | 'arrival' }),
  }),
  lateness: duration({ text: 'How far out of order events may come: the watermark stays so far behind the largest time seen. Larger: fewer late events, later alerts.', default: '0' }),
  idle: durationOr(['never'], {
    text: 'After so long without a record a partition no longer holds the watermark back. `never`: it always does.', default: '30s', min: 1,
  }),
  ahead: durationOr(['never'], { text: 'An event so much later than its arrival is rejected as `future`. `never`: none is.', default: '5m', min: 1 }),
}, {
  of: 'source', text: 'A source: its kind with its own options, and beside it those that all sources have.', defaults: { file: { ahead: 'never' } },
});

export type TimeOrigin = { readonly kind: 'field' | 'record' | 'arrival' } | { readonly kind: 'header'; readonly name: string };

export const paramValue = data({ text: 'The value of the param; a duration or time as text, `10m`.' });
