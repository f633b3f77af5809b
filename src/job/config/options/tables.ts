/** Where the rows of tables come from. */
import { choice, choiceOf, duration, flag, map, path, section, size, text, url, variants } from '../spec.ts';
import { ownRedisConnection } from './connections.ts';
import { KAFKA_TOPIC } from './sources.ts';

const poll = (every: string) => duration({ text: 'How often it is looked at for changes.', default: every, min: 10 });

const file = section({
  path: path({ text: 'The file. A change of it is taken up; a new file renamed over it is the safest way.', required: true, examples: ['data/merchants.csv'] }),
  format: choice(['csv', 'jsonl', 'json'], { text: 'CSV with a header, JSON Lines, or one JSON array. Default: by the name, `.csv` and `.tsv`, `.json`, all others JSON Lines.' }),
  separator: text({ text: 'What stands between cells of CSV. Default: a comma; a tab in `.tsv` files.', pattern: /^[\t;,|]$/, expects: 'one of , ; | and a tab' }),
  poll: poll('1s'),
}, { text: 'A file of rows, compressed with gzip or zstd or not.', short: 'path' });

const redis = section({
  connection: ownRedisConnection,
  hash: text({ text: 'A hash whose fields are keys of rows, and its values rows as JSON objects.', examples: ['merchants'] }),
  prefix: text({ text: 'Each row is a hash of its columns, at this and its key.', examples: ['merchant:'] }),
  poll: poll('5s'),
  notify: flag({ text: 'Whether rows are read as soon as Redis notifies of a change, which it must be told to (`notify-keyspace-events` with `Khgx`). They are read every `poll` all the same.', default: false }),
}, { text: 'Rows in Redis.', oneOf: [['hash', 'prefix']] });

const kafka = section({
  topic: text({ text: 'The topic: of the records of one key the latest is the row, a JSON object; one without a value deletes it. It is read from its start to its end before the job begins, and followed from there.', required: true, ...KAFKA_TOPIC, examples: ['merchants'] }),
  isolation: choiceOf({ committed: 'read_committed', uncommitted: 'read_uncommitted' }, { text: 'Which records of other producers\' transactions are read.', default: 'committed' }),
  poll: poll('1s'),
}, { text: 'A compacted topic of the cluster that `kafka` names.', short: 'topic' });

const http = section({
  url: url({ text: 'What is asked with GET: a JSON array of rows, JSON Lines, or CSV.', protocols: ['http', 'https'], required: true, examples: ['https://reference.example/merchants'] }),
  token: text({ text: 'Bearer token that is shown.', secret: true, examples: ['${REFERENCE_TOKEN}'] }),
  headers: map(text({ text: 'The value of the header.', secret: true }), { text: 'Further headers of the request.', keys: { text: 'the name of a header', placeholder: 'header', pattern: /^[A-Za-z0-9-]+$/ } }),
  format: choice(['csv', 'jsonl', 'json'], { text: 'What the answer is. Default: by the answer itself.' }),
  poll: poll('1m'),
  answerWithin: duration({ text: 'Within this time the answer must be there.', default: '10s', min: 10 }),
  maxBody: size({ text: 'Largest answer.', default: '64MiB', min: 1024 }),
  cache: path({ text: 'File in which the last answer is kept, so that the job can start while the server is away. Default: `tables/` and the name of the table, in the folder `data`.' }),
}, { text: 'Rows that a server gives. It is asked with `If-None-Match` and `If-Modified-Since`, so that rows that are the same need not be sent.', short: 'url' });

export const table = variants({ file, redis, kafka, http }, {
  timeout: duration({ text: 'Within this time the rows must be there when the job starts; else it does not start.', default: '30s', min: 10 }),
}, { of: 'table', text: 'A table: where its rows come from, and beside it what all tables have.' });
