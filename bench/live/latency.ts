/** How long it takes from handing a payment to a producer until a reader of committed records has the alert that it completes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../src/connect/kafka/index.ts';
import { run } from './child.ts';
import { BenchJob, type JobSpec } from './job.ts';
import type { ProduceResult } from './produce.ts';

/** Alerts on payments of the first seconds are left out: the processes are not warm yet. */
const WARM_UP = 4000;

export interface LatencyResult {
  /** Payments a second that there were. */
  readonly rate: number;
  /** Alerts that count. */
  readonly alerts: number;
  /** ms */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export async function measureLatency(kafka: Kafka, spec: JobSpec, rate: number, seconds: number): Promise<LatencyResult> {
  await kafka.ensureTopics([{ topic: spec.input, partitions: 1 }, { topic: spec.output, partitions: 1 }]);
  const job = await BenchJob.start(spec);
  const seen: { readonly at: number; readonly latency: number }[] = [];
  try {
    await job.says('the job runs');
    const reader = await kafka.consume({
      group: `${job.name}-reader`, topics: [spec.output], from: 'earliest', isolation: 'read_committed',
      onAssigned: async (partitions) => partitions.map((partition) => ({ ...partition, offset: 0 })),
      onRevoked: async () => {},
      onBatch: async (batch) => {
        const now = Date.now();
        for (let i = 0; i < batch.count; i++) {
          const at = Date.parse((JSON.parse(Buffer.from(batch.values[i]!).toString()) as { to: string }).to);
          seen.push({ at, latency: now - at });
        }
      },
      onError: (error) => { throw error; },
    });
    while ((await job.status()).tasks.length === 0) await sleep(50);
    const produced = await run<ProduceResult>('produce.ts', [spec.brokers, spec.input, String(rate), String(seconds)], 3 * seconds + 30);
    await sleep(1000);
    await reader.close();
    const first = Math.min(...seen.map(({ at }) => at));
    const latencies = seen.filter(({ at }) => at > first + WARM_UP).map(({ latency }) => latency).sort((a, b) => a - b);
    if (latencies.length < 100) throw new Error(`only ${latencies.length} alerts came: too few to say anything`);
    const quantile = (part: number): number => latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))]!;
    return { rate: produced.rate, alerts: latencies.length, p50: quantile(0.5), p99: quantile(0.99), max: latencies.at(-1)! };
  } finally {
    await job.stop();
  }
}
