import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Alert } from '../../core/alert.ts';
import { openKafka, type Kafka, type KafkaConnection } from '../../connect/kafka/index.ts';
import { kafkaConnectionOf, type JobConfig } from '../../job/config/index.ts';
import { alertStory } from '../alert-story.ts';
import { collect, parseCount, parseTime } from '../arguments.ts';
import { CliError, usageError } from '../errors.ts';
import { printable } from '../format.ts';
import { coloursFor, write, type Io } from '../io.ts';
import { alertFromJson, eventReader } from '../live/alert-from-json.ts';
import { feedsOf } from '../live/channels.ts';
import type { From } from '../live/feeds/types.ts';
import { readJobConfig, rulesIfSound } from '../live/job-config.ts';
import { likely } from '../rule-files.ts';

interface SubscribeOptions {
  readonly from: From;
  readonly rule?: readonly string[];
  readonly severity?: readonly string[];
  readonly key?: string;
  readonly limit?: number;
  readonly json?: boolean;
  readonly pretty?: boolean;
}

const SEVERITIES = ['low', 'medium', 'high', 'critical'];

/** Connects to Kafka; a test passes one of its own. */
export type OpenKafka = (adapter: 'kafkajs' | 'platformatic', connection: KafkaConnection) => Promise<Kafka>;

/** `alcedo subscribe JOB.yaml [CHANNEL]`: the alerts of a job as they come. */
export function registerSubscribe(program: Command, io: Io, open: OpenKafka = openKafka): void {
  program.command('subscribe')
    .description('print the alerts of a job as they come, from where the job sends them')
    .argument('<job>', 'the job file')
    .argument('[channel]', 'a channel of its rules; default: all')
    .addOption(new Option('--from <earliest|latest|time>', 'with all there is, with what comes from now on, or with what came since a time').argParser(parseFrom).default('latest'))
    .option('--rule <name>', 'only alerts of this rule; with commas or again for more', collect)
    .option('--severity <severity>', `only alerts of this severity (${SEVERITIES.join(', ')}); with commas or again for more`, parseSeverities)
    .option('--key <text>', 'only alerts with this text in a part of their key')
    .option('--limit <n>', 'end after n alerts', parseCount)
    .option('--json', 'JSON Lines, as they were sent; what is printed where standard output is no terminal')
    .option('--pretty', 'for people: who, what, and the events that led to it; what is printed on a terminal')
    .addHelpText('after', `
Reads the Kafka topics (committed records only, without a consumer group), MQTT topics, Redis streams or files that the job file names; the job itself
is not asked and need not run. What goes to the console or a webhook cannot be subscribed to.
MQTT keeps no past: --from earliest begins with the messages its broker retains, a time cannot be given. Of a file, alerts are taken that were
detected since the time. A sink that is not transactional may hold an alert twice, under one id.
Ends by Ctrl-C or --limit with 0, with 1 when what it reads cannot be reached, with 2 for wrong usage or errors in the job file.

Examples:
  alcedo subscribe card-fraud.yaml
  alcedo subscribe card-fraud.yaml fraud_alerts --severity high,critical
  alcedo subscribe card-fraud.yaml --from 2026-04-01T12:00:00Z --rule CardTesting --key 4711
  alcedo subscribe card-fraud.yaml --from earliest --limit 100 --json | jq .fields`)
    .action((path: string, channel: string | undefined, options: SubscribeOptions) => subscribe(io, path, channel, options, open));
}

async function subscribe(io: Io, path: string, channel: string | undefined, options: SubscribeOptions, open: OpenKafka): Promise<void> {
  if (options.json === true && options.pretty === true) throw usageError('--json and --pretty exclude each other.');
  if (options.limit === 0) throw usageError('--limit 0 would print nothing.');
  const job = await readJobConfig(io, path);
  const program = rulesIfSound(job);
  const { feeds, unreadable, channels } = feedsOf(job, program, channel, () => connect(io, job, open));
  if (feeds.length === 0) throw usageError(unreadable.join('\n'));
  const say = (message: string): void => { io.stderr.write(`${printable(message)}\n`); };
  for (const reason of unreadable) say(reason);
  for (const rule of options.rule ?? []) {
    if (program !== undefined && !program.rules.some(({ name }) => name === rule)) say(`The job has no rule "${rule}" now.${likely(rule, program.rules.map(({ name }) => name))}`);
  }
  if (typeof options.from === 'number' && feeds.some(({ kind }) => kind === 'mqtt')) throw usageError('--from: MQTT keeps no past, so that a time cannot be given; "earliest" begins with the messages its broker retains.');

  const reader = eventReader(job, program);
  const c = coloursFor(io, 'stdout');
  const isPretty = options.pretty === true || (options.json !== true && io.stdout.isTTY === true);
  const ending = new AbortController();
  const signal = AbortSignal.any([io.interrupted, ending.signal]);
  let printed = 0;
  let strange = 0;
  let last = Promise.resolve();
  const print = async (value: Uint8Array, isOfFile: boolean): Promise<void> => {
    if (signal.aborted) return;
    const text = Buffer.from(value).toString('utf8');
    const alert = alertFromJson(text, reader);
    if (alert === undefined) {
      if (strange++ === 0) say('There are records that are no alerts; they are left out.');
      return;
    }
    if (channels !== undefined && !channels.has(alert.channel)) return;
    if (isOfFile && typeof options.from === 'number' && !(alert.detected >= options.from)) return;
    if (!isWanted(alert, options)) return;
    await write(io.stdout, isPretty ? `${alertStory(alert, c, io.stdout.columns)}\n` : `${text.replace(/[\r\n]+/g, ' ')}\n`);
    if (++printed === options.limit) ending.abort();
  };
  if (io.stderr.isTTY === true) say(`Subscribed to ${feeds.map(({ what }) => what).join(', ')}. Ctrl-C ends.`);
  const runs = feeds.map(async (feed) => {
    const isOfFile = feed.kind === 'file';
    try {
      // One at a time: the alerts of several feeds must neither mix nor exceed the limit.
      await feed.run(options.from, { signal, say, deliver: (value) => { last = last.then(() => print(value, isOfFile)); return last; } });
    } catch (error) {
      if (signal.aborted) return;
      ending.abort();
      throw new CliError(`${feed.what}: ${(error as Error).message}${/[.!?]$/.test((error as Error).message) ? '' : '.'}`);
    }
  });
  const failed = (await Promise.allSettled(runs)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Warnings of the client go to standard error, for people. */
async function connect(io: Io, job: JobConfig, open: OpenKafka): Promise<Kafka> {
  const { makeLog } = await import('../../job/log.ts');
  const kafka = job.kafka!;
  return open(kafka.adapter === 'platformatic' ? 'platformatic' : 'kafkajs', kafkaConnectionOf(kafka, makeLog({ level: 'error', format: 'pretty', to: io.stderr })));
}

function isWanted(alert: Alert, { rule, severity, key }: SubscribeOptions): boolean {
  return (rule === undefined || rule.includes(alert.rule)) && (severity === undefined || severity.includes(alert.severity))
    && (key === undefined || Object.values(alert.key).some((part) => (typeof part === 'string' ? part : JSON.stringify(part) ?? '').includes(key)));
}

function parseFrom(text: string): From {
  return text === 'earliest' || text === 'latest' ? text : parseTime(text);
}

function parseSeverities(text: string, before: readonly string[] | undefined): string[] {
  const wanted = collect(text, before);
  const wrong = wanted.find((one) => !SEVERITIES.includes(one));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not one of ${SEVERITIES.join(', ')}.`);
  return wanted;
}
