/** The table of all options of the job file, in the order in which they are documented and shown. */
import { choice, duration, existingPath, flag, list, map, path, section, text, variants, whole, type ValueOf } from '../spec.ts';
import { kafkaConnection, mqttConnection, ownRedisConnection, redisConnection } from './connections.ts';
import { paramValue, source } from './sources.ts';
import { sink, sinkFor } from './sinks.ts';
import { table } from './tables.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const CHANNEL = { text: 'a name of letters, digits and "_"', placeholder: 'channel', pattern: /^[A-Za-z_]\w*$/ };

const rules = section({
  files: list(existingPath({ text: 'A rule file, or a folder: all `.cep` files in it.' }), { text: 'Rule files and folders.', required: true, atLeast: 1, examples: [['rules/fraud']] }),
  params: map(paramValue, {
    text: 'Values of params, instead of those in the rule files.', keys: { text: 'the name of a param', placeholder: 'param', pattern: /^[a-z_]\w*$/ }, examples: [{ ceiling: 750 }],
  }),
  only: list(text({ text: 'The name of a rule.', pattern: /^[A-Z]\w*$/, expects: 'the name of a rule' }), { text: 'Only these rules are run. Default: all.', atLeast: 1, examples: [['CardTesting']] }),
}, { text: 'The rules to run: their files, or a section that says more.', required: true, short: 'files', examples: ['rules/fraud'] });

const checkpoint = section({
  interval: duration({
    text: 'From the end of one checkpoint to the next. With transactional sinks it is also how long an alert takes to become visible.', default: '1s', min: 10,
  }),
  timeout: duration({ text: 'A checkpoint that takes longer is given up, and the job starts again from its last commit.', default: '30s', min: 100 }),
  retain: whole({ text: 'Checkpoints kept of each task. A damaged one is replaced by the one before it.', default: 3, min: 1, max: 1000 }),
  fullEvery: whole({ text: 'Every so many checkpoints all of the state is written, not only what has changed.', default: 1000, min: 1 }),
}, { text: 'When the state is saved.', short: 'interval', default: {} });

const onChange = choice(['refuse', 'drain', 'fresh'], {
  text: 'What happens at the start when rules have changed so that open runs cannot go on under them: the job is not started; those rules start fresh and their open runs go on to their end under the old rules beside them; or their runs are lost. `alcedo plan` says which.',
  default: 'refuse',
});

const state = variants({
  redis: section({
    connection: ownRedisConnection,
    client: choice(['ioredis', 'redis'], { text: 'The client package.', default: 'ioredis' }),
    prefix: text({ text: 'What every key begins with.', derived: { text: '`alcedo:` and the job\'s name', from: 'name', value: (name) => `alcedo:${name}` }, pattern: /^[^{}]+$/, expects: 'text without { and }' }),
  }, { text: 'Redis: for several processes, and for one that may start on another machine.' }),
  sqlite: section({
    path: path({ text: 'The file.', derived: { text: '`state.sqlite` in the folder `data`', from: 'data', value: (data) => `${data}/state.sqlite` } }),
  }, { text: 'A SQLite file: for one process.', short: 'path' }),
  directory: section({
    path: path({ text: 'The folder.', derived: { text: '`state/` in the folder `data`', from: 'data', value: (data) => `${data}/state` } }),
  }, { text: 'A folder of files: for one process, or several on one file system.', short: 'path' }),
  memory: section({}, { text: 'The memory of the process: gone when it ends, and with it what rules had seen. For trying things out.' }),
}, { checkpoint, onChange }, { of: 'state store', text: 'Where the state of the rules is kept across restarts, and how often it is saved.', default: {}, fallback: 'sqlite' });

export const jobOption = section({
  name: text({
    text: 'The name of the job. The consumer group, the transactional ids, the keys in Redis and the folder of its data are called after it: under another name the job starts from nothing.',
    required: true, pattern: NAME, expects: 'letters, digits, "_" and "-", at most 64', examples: ['card-fraud'],
  }),
  data: path({
    text: 'Folder for what the job keeps on this machine: journals, the state where it is local, positions in files, dead letters.',
    derived: { text: '`data/` and the job\'s name', from: 'name', value: (name) => `data/${name}` },
  }),
  rules,
  kafka: kafkaConnection,
  mqtt: mqttConnection,
  redis: redisConnection,
  sources: map(source, {
    text: 'Where events come from, each under a name of your choice.', required: true, atLeast: 1,
    keys: { text: 'a name of letters, digits, "_" and "-"', placeholder: 'source', pattern: NAME },
  }),
  tables: map(table, {
    text: 'Where the rows of the rules\' tables come from, by the name of the table. They are there before the first event is looked at; a change is taken up between two batches of events, in every process of the job by itself.',
    keys: { text: 'the name of a table', placeholder: 'table', pattern: /^[a-z_]\w*$/ }, examples: [{ merchants: { file: 'data/merchants.csv' } }],
  }),
  channels: map(sink, {
    text: 'Where the alerts of each channel go. `default` takes those of channels that are not named.', required: true, atLeast: 1, keys: CHANNEL,
  }),
  state,
  flush: duration({ text: 'How long alerts may wait to go out together where the sink is not transactional.', default: '10ms', max: 60_000 }),
  late: sinkFor('Where events go that came after the watermark. Without it they are counted only.'),
  rejects: sinkFor('Where records go that could not be read, with the reason. Without it they are counted only.'),
  shadow: sinkFor('Where the alerts of rules in `mode shadow` go. Without it they are counted only.'),
  http: section({
    enabled: flag({ text: 'Whether there is a server.', default: true }),
    port: whole({ text: 'Its port; 0: any that is free, told in the log.', default: 7070, max: 65_535 }),
    host: text({ text: 'The address it is bound to. Any but a loopback address (127.0.0.1, ::1, localhost) needs a token.', default: '127.0.0.1', pattern: /^[A-Za-z0-9:._-]+$/, expects: 'a host name or an IP address' }),
    token: text({ text: 'Bearer token that callers must show.', secret: true, examples: ['${ALCEDO_TOKEN}'] }),
  }, { text: 'The server for `/healthz`, `/readyz`, `/metrics`, and for sources of the kind `http`; `false`: none.', short: 'enabled', default: {} }),
  log: section({
    level: choice(['debug', 'info', 'warn', 'error'], { text: 'The least severe lines that are written.', default: 'info' }),
    format: choice(['json', 'pretty'], { text: 'A JSON object a line, or lines for people.', default: 'json' }),
  }, { text: 'The log, on standard error.', default: {} }),
  shutdown: section({
    deadline: duration({ text: 'So long the job may take to commit what it has taken when it is asked to end (SIGTERM); then it ends as by a crash.', default: '30s', min: 100 }),
  }, { text: 'How the job ends.', short: 'deadline', default: {} }),
}, { text: 'A job.', required: true });

/** A job as the job file says it, defaults filled in; durations in ms, sizes in bytes, paths joined with the job file's folder. */
export type JobConfig = ValueOf<typeof jobOption>;
export type SourceConfig = NonNullable<ValueOf<typeof source>>;
export type SinkConfig = NonNullable<ValueOf<typeof sink>>;
export type TableConfig = NonNullable<ValueOf<typeof table>>;
export type StateConfig = JobConfig['state'];
export type KafkaConfig = NonNullable<JobConfig['kafka']>;
