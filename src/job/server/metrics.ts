/** The one place where a job's status becomes metrics. docs/operations.md lists them for those who watch; a test keeps the two alike. */
import type { MetricType, MetricValue } from 'prom-client';
import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import type { Histogram, JobStatus, TableStatus, TaskStatus } from '../status.ts';

type Labels = Readonly<Record<string, string | number>>;
interface Sample { readonly labels?: Labels; readonly value: number; /** Where it is not the family's: `_bucket` and the like. */ readonly suffix?: string }

/** Metrics of one name. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** `now`: the clock, ms since the epoch. */
  readonly samples: (status: JobStatus, now: number) => Iterable<Sample>;
}

const STATES: readonly JobStatus['state'][] = ['starting', 'running', 'restarting', 'stopping', 'stopped', 'failed'];
/** Outlets that are no channels have names in the status that no channel can have. */
const OUTLETS: Readonly<Record<string, string>> = { ' late': 'late', ' rejects': 'rejects', ' shadow': 'shadow' };
const SECOND = 1000;

export const METRICS: readonly Family[] = [
  gauge('job_state', 'The state the job is in: 1 for it, 0 for the others.', ({ state }) => STATES.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 }))),
  gauge('start_time_seconds', 'When the job was started, seconds since the epoch.', ({ started }) => one(started / SECOND)),
  counter('restarts_total', 'Times the job began anew after a failure.', ({ restarts }) => one(restarts)),

  counter('events_total', 'Events that came in for the rules, late ones included; once for each group of rules that waits for other sources.', (status) => ofTasks(status, ({ events }) => events)),
  counter('late_total', 'Events that came after the watermark and were kept off the rules.', ({ late }) => one(late)),
  counter('rejected_total', 'Records that could not be read as events, by reason.', ({ rejected }) => Object.entries(rejected).map(([reason, value]) => ({ labels: { reason }, value }))),

  counter('rule_events_total', 'Events that a rule has looked at.', (status) => ofRules(status, 'events')),
  counter('alerts_total', 'Alerts a rule has raised.', (status) => ofRules(status, 'alerts')),
  counter('timed_out_total', 'Partial matches whose time ended before their pattern was complete.', (status) => ofRules(status, 'timedOut')),
  counter('dropped_total', 'Events or runs that `keep` dropped: matches may be incomplete.', (status) => ofRules(status, 'dropped')),
  counter('suppressed_total', 'Alerts that `limit` held back.', (status) => ofRules(status, 'suppressed')),

  gauge('rule_keys', 'Keys a rule holds state for.', (status) => ofRules(status, 'keys')),
  gauge('rule_open_runs', 'Open runs of a rule, with those that are out of time and not cleared away yet.', (status) => ofRules(status, 'runs')),
  gauge('rule_state_bytes', 'Size of what a rule holds in memory, without the events, which rules share.', (status) => ofRules(status, 'bytes')),

  counter('sent_total', 'Records that an outlet has taken: a channel, or one of late, rejects, shadow.', ({ sent }) => Object.entries(sent).map(([name, value]) => {
    const outlet = OUTLETS[name];
    return { labels: outlet === undefined ? { outlet: 'channel', channel: name } : { outlet, channel: '' }, value };
  })),
  gauge('waiting_records', 'Records of a task that wait to be committed or sent.', (status) => ofTasks(status, ({ waiting }) => waiting)),

  gauge('lag_records', 'Records known to wait in a stream; absent where that is not known.', ({ sources }) => sources.flatMap(({ source, streams }) =>
    streams.filter(({ lag }) => Number.isFinite(lag)).map(({ stream, lag }) => ({ labels: { source, stream }, value: lag })))),
  gauge('source_connected', 'Whether a stream\'s connection stands: 1 or 0.', ({ sources }) => sources.flatMap(({ source, streams }) =>
    streams.map(({ stream, connected }) => ({ labels: { source, stream }, value: connected ? 1 : 0 })))),

  gauge('watermark_seconds', 'A task\'s watermark: event time, seconds since the epoch. Absent before the first event and when all input is over.', (status) =>
    ofTasks(status, ({ watermark }) => seconds(watermark))),
  gauge('watermark_delay_seconds', 'How far a task\'s watermark is behind the clock.', (status, now) => ofTasks(status, ({ watermark }) => {
    const at = seconds(watermark);
    return at === undefined ? undefined : now / SECOND - at;
  })),
  gauge('stream_offset', 'The offset a task reads a stream from next.', (status) => ofStreams(status, ({ offset }) => offset)),
  gauge('stream_time_seconds', 'The largest event time seen in a stream, seconds since the epoch.', (status) => ofStreams(status, ({ largest }) => seconds(largest))),
  gauge('stream_idle', 'Whether a stream has been silent for so long that it holds nothing back: 1 or 0.', (status) => ofStreams(status, ({ idle }) => (idle ? 1 : 0))),
  gauge('stream_holds_watermark', 'Whether a stream is the one, or one of those, that the watermark waits for: 1 or 0.', (status) => ofStreams(status, ({ holds }) => (holds ? 1 : 0))),

  gauge('table_rows', 'Rows of a table.', (status) => ofTables(status, ({ rows }) => rows)),
  gauge('table_rejected_rows', 'Rows of a table\'s last load that could not be read.', (status) => ofTables(status, ({ rejected }) => rejected)),
  gauge('table_age_seconds', 'Time since the source of a table was last known to have the rows that the job has.', (status, now) => ofTables(status, ({ asOf }) => (asOf === undefined ? undefined : (now - asOf) / SECOND))),
  counter('table_changes_total', 'Changes of a table that were taken up.', (status) => ofTables(status, ({ changes }) => changes)),
  counter('table_failures_total', 'Times the source of a table could not be read; the job goes on with the rows it has.', (status) => ofTables(status, ({ failures }) => failures)),

  gauge('state_bytes', 'Size of a task\'s state in memory.', (status) => ofTasks(status, ({ stateBytes }) => stateBytes)),
  gauge('state_keys', 'Keys a task holds state for.', (status) => ofTasks(status, ({ keys }) => keys)),

  gauge('checkpoint_age_seconds', 'Time since a task\'s last committed checkpoint; none is taken while nothing changes.', (status, now) => ofTasks(status, ({ checkpoint }) =>
    (checkpoint === undefined ? undefined : (now - checkpoint.committed) / SECOND))),
  gauge('checkpoint_number', 'Number of a task\'s last committed checkpoint.', (status) => ofTasks(status, ({ checkpoint }) => checkpoint?.number)),
  gauge('checkpoint_bytes', 'Bytes that were written for a task\'s last checkpoint.', (status) => ofTasks(status, ({ checkpoint }) => checkpoint?.bytes)),
  counter('checkpoint_failures_total', 'Checkpoints of a task that were given up.', (status) => ofTasks(status, ({ checkpoint }) => checkpoint?.failures)),
  histogram('checkpoint_duration_seconds', 'Writing and committing a checkpoint.', ({ checkpointDuration }) => buckets(checkpointDuration)),
  histogram('checkpoint_pause_seconds', 'How long taking a checkpoint kept events waiting.', ({ pause }) => buckets(pause)),

  histogram('latency_seconds', 'From the arrival of an event to the commit or delivery of what became of it: an alert, a late event, a reject.', ({ latency }) => buckets(latency)),
];

/** A registry that reads the job's status each time it is asked, with the process's own metrics (`process_…`, `nodejs_…`) beside it. */
export function registryOf(status: () => JobStatus, version: string | undefined): Registry {
  const registry = new Registry();
  const families: readonly Family[] = [
    gauge('info', 'Always 1: the job\'s name and the version that runs it.', ({ job }) => [{ labels: { name: job, version: version ?? 'unknown' }, value: 1 }]),
    ...METRICS,
  ];
  for (const family of families) registry.registerMetric(new StatusMetric(family, status) as unknown as Metric);
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** What prom-client's registry asks of a metric. Its own counters and histograms count for themselves; the job has counted already. */
class StatusMetric {
  readonly name: string;
  readonly #family: Family;
  readonly #status: () => JobStatus;

  constructor(family: Family, status: () => JobStatus) {
    this.name = family.name;
    this.#family = family;
    this.#status = status;
  }

  async get(): Promise<{ name: string; help: string; type: MetricType; values: MetricValue<string>[]; aggregator: 'sum' }> {
    const { name, help, type, samples } = this.#family;
    const values = [...samples(this.#status(), Date.now())].map(({ labels = {}, value, suffix }) => ({ labels: { ...labels }, value, ...(suffix !== undefined && { metricName: name + suffix }) }));
    return { name, help, type: type as unknown as MetricType, values, aggregator: 'sum' };
  }
}

function counter(name: string, help: string, samples: Family['samples']): Family {
  return { name: `alcedo_${name}`, type: 'counter', help, samples };
}

function gauge(name: string, help: string, samples: Family['samples']): Family {
  return { name: `alcedo_${name}`, type: 'gauge', help, samples };
}

function histogram(name: string, help: string, samples: Family['samples']): Family {
  return { name: `alcedo_${name}`, type: 'histogram', help, samples };
}

function one(value: number): readonly Sample[] {
  return [{ value }];
}

function ofTasks({ tasks }: JobStatus, value: (task: TaskStatus) => number | undefined): readonly Sample[] {
  return tasks.flatMap((task) => {
    const found = value(task);
    return found === undefined ? [] : [{ labels: { task: task.task }, value: found }];
  });
}

function ofStreams({ tasks }: JobStatus, value: (stream: TaskStatus['streams'][number]) => number | undefined): readonly Sample[] {
  return tasks.flatMap(({ task, streams }) => streams.flatMap((stream) => {
    const found = value(stream);
    return found === undefined ? [] : [{ labels: { task, stream: stream.stream }, value: found }];
  }));
}

function ofTables({ tables }: JobStatus, value: (table: TableStatus) => number | undefined): readonly Sample[] {
  return tables.flatMap((table) => {
    const found = value(table);
    return found === undefined ? [] : [{ labels: { table: table.table }, value: found }];
  });
}

function ofRules({ rules }: JobStatus, count: 'events' | 'alerts' | 'timedOut' | 'dropped' | 'suppressed' | 'keys' | 'runs' | 'bytes'): readonly Sample[] {
  return rules.map((status) => ({ labels: { rule: status.rule }, value: status[count] }));
}

/** Of a time in ms; nothing for one that is none. */
function seconds(time: number | undefined): number | undefined {
  return time === undefined || !Number.isFinite(time) ? undefined : time / SECOND;
}

/** Prometheus's form: counts of all at or below a bound. */
function buckets({ bounds, counts, sum }: Histogram): readonly Sample[] {
  const samples: Sample[] = [];
  let total = 0;
  counts.forEach((count, i) => {
    total += count;
    samples.push({ labels: { le: i < bounds.length ? bounds[i]! : '+Inf' }, value: total, suffix: '_bucket' });
  });
  return [...samples, { value: sum, suffix: '_sum' }, { value: total, suffix: '_count' }];
}
