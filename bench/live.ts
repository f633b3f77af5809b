/**
 * The bench of the live job: `node bench/live.ts [--rounds 3] [--events 5000000] [--adapters kafkajs,platformatic] [--rate 20000] [--seconds 15] [--only throughput|latency] [--profile FOLDER]`.
 * A topic of a million is taken in within a second or so, and the last alerts are committed with the next checkpoint, up to a second later: with five million that wait
 * does not decide.
 * Starts a Kafka broker and a Redis of its own. Measures, turn by turn and each in a process of its own: a client package's own consumer that only counts the
 * records of a topic of one partition; the job's way of reading it, which goes by that package's connections, alone; and a whole job over it (`alcedo start`: one rule of the sequence workload, state in Redis, a checkpoint every second, alerts in transactions); then how long an
 * alert takes from the payment's being produced to its being readable. Prints tables and writes bench/live-results.json.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { openKafka } from '../src/connect/kafka/index.ts';
import { makeLog } from '../src/job/log.ts';
import { startKafka, startRedis } from '../test/support/brokers/index.ts';
import type { Adapter } from './live/job.ts';
import { measureLatency, type LatencyResult } from './live/latency.ts';
import { readAlone, runJob, type JobResult } from './live/throughput.ts';
import type { ReadResult } from './live/read.ts';
import { fill } from './live/topic.ts';
import { median } from './measure.ts';

/** How many times as long as the client's own consumer, which does nothing but count, the whole job may take. */
const ALLOWED = 1.3;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' }, events: { type: 'string', default: '5000000' }, adapters: { type: 'string', default: 'kafkajs,platformatic' },
    rate: { type: 'string', default: '20000' }, seconds: { type: 'string', default: '15' }, only: { type: 'string' }, profile: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const events = Number(values.events);
const adapters = values.adapters.split(',') as Adapter[];

const LATENCIES = [
  { what: 'idempotent, flush 10ms', delivery: 'idempotent', flush: '10ms', checkpoint: '1s' },
  { what: 'transactions, checkpoint 100ms', delivery: 'transactional', flush: undefined, checkpoint: '100ms' },
] as const;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const [broker, redis] = await Promise.all([startKafka({ measuring: true }), startRedis()]);
const brokers = broker.brokers[0]!;
const kafka = await openKafka('platformatic', { brokers: [brokers], clientId: 'bench', log: makeLog({ level: 'warn', format: 'pretty' }) });
try {
  const throughput = values.only === 'latency' ? undefined : await measureThroughput();
  const latency = values.only === 'throughput' ? undefined : await measureLatencies();
  const file = new URL('live-results.json', import.meta.url);
  writeFileSync(file, `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, rounds, events, throughput, latency }, null, 2)}\n`);
} finally {
  await kafka.close();
  await Promise.all([broker.stop(), redis.stop()]);
}

async function measureThroughput(): Promise<unknown> {
  const topic = 'payments';
  await fill(kafka, topic, events);
  const own = new Map<Adapter, ReadResult[]>(adapters.map((adapter) => [adapter, []]));
  const alone = new Map<Adapter, ReadResult[]>(adapters.map((adapter) => [adapter, []]));
  const jobs = new Map<Adapter, JobResult[]>(adapters.map((adapter) => [adapter, []]));
  for (let round = 0; round < rounds; round++) {
    for (const adapter of adapters) {
      own.get(adapter)!.push(await readAlone(`${adapter}-own`, brokers, topic, events));
      alone.get(adapter)!.push(await readAlone(adapter, brokers, topic, events));
      jobs.get(adapter)!.push(await runJob(kafka, {
        adapter, brokers, redis: redis.url, input: topic, output: `alerts-${adapter}-${round}`, delivery: 'transactional', checkpoint: '1s', profile: values.profile,
      }, events));
    }
  }
  const counts = new Set([...jobs.values()].flat().map(({ alerts }) => alerts));
  if (counts.size !== 1) throw new Error(`the jobs have sent ${[...counts].join(', ')} alerts: they must all be the same`);

  row(['', 'events/s', 'wall ms', 'CPU ms', '× own', '× reading', '× CPU', 'remarks']);
  const told = (what: string, ms: number, cpu: number, more: readonly string[]): void => {
    row([what, whole(events / ms * 1000), whole(ms), whole(cpu), ...more]);
  };
  const results = adapters.map((adapter) => {
    const theirs = own.get(adapter)!;
    const clients = alone.get(adapter)!;
    const runs = jobs.get(adapter)!;
    // Of turns that were next to each other: what else the machine does then weighs on both alike.
    const ratio = (job: (run: JobResult) => number, client: (round: number) => number): number => median(runs.map((run, round) => job(run) / client(round)));
    const ratios = {
      committed: { own: ratio(({ ms }) => ms, (i) => theirs[i]!.ms), reading: ratio(({ ms }) => ms, (i) => clients[i]!.ms) },
      takenIn: { own: ratio(({ takenIn }) => takenIn, (i) => theirs[i]!.ms), reading: ratio(({ takenIn }) => takenIn, (i) => clients[i]!.ms) },
      cpu: { own: ratio(({ cpu }) => cpu, (i) => theirs[i]!.cpu), reading: ratio(({ cpu }) => cpu, (i) => clients[i]!.cpu) },
    };
    const of = (all: readonly ReadResult[], what: keyof ReadResult): number => median(all.map((one) => one[what]));
    const cpu = median(runs.map((run) => run.cpu));
    const times = ({ own: a, reading: b }: { readonly own: number; readonly reading: number }): string[] => [a.toFixed(2), b.toFixed(2), `${ratios.cpu.own.toFixed(2)}/${ratios.cpu.reading.toFixed(2)}`];
    told(`${adapter}: its own consumer`, of(theirs, 'ms'), of(theirs, 'cpu'), []);
    told(`${adapter}: the job's reading alone`, of(clients, 'ms'), of(clients, 'cpu'), []);
    told(`${adapter}: job, all taken in`, median(runs.map((run) => run.takenIn)), cpu, times(ratios.takenIn));
    told(`${adapter}: job, all committed`, median(runs.map(({ ms }) => ms)), cpu, [
      ...times(ratios.committed),
      `${whole(runs[0]!.alerts)} alerts; ${median(runs.map(({ checkpoints }) => checkpoints))} checkpoints, mean pause ${median(runs.map(({ pause }) => pause.mean)).toFixed(1)} ms; `
        + (ratios.committed.own <= ALLOWED ? `within ${ALLOWED} × the client` : `NOT within ${ALLOWED} × the client`),
    ]);
    return { adapter, own: theirs, reading: clients, job: runs, ratios };
  });
  return results;
}

async function measureLatencies(): Promise<unknown> {
  const rate = Number(values.rate);
  console.log(`\nProduced to readable, at ${whole(rate)} events/s`);
  row(['', 'p50 ms', 'p99 ms', 'max ms', 'alerts', 'rate']);
  const results: { readonly adapter: Adapter; readonly what: string; readonly runs: readonly LatencyResult[] }[] = [];
  for (const adapter of adapters) {
    for (const { what, ...options } of LATENCIES) {
      const runs: LatencyResult[] = [];
      for (let round = 0; round < rounds; round++) {
        const id = `${adapter}-${options.delivery}-${round}`;
        runs.push(await measureLatency(kafka, { adapter, brokers, redis: redis.url, input: `steady-${id}`, output: `steady-alerts-${id}`, ...options }, rate, Number(values.seconds)));
      }
      row([`${adapter}: ${what}`, ...(['p50', 'p99', 'max', 'alerts', 'rate'] as const).map((name) => whole(median(runs.map((run) => run[name]))))]);
      results.push({ adapter, what, runs });
    }
  }
  return results;
}

function row(cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(44) : i === 7 ? ` ${cell}` : cell.padStart(10))).join(' ').trimEnd());
}

function whole(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}
