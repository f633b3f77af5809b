/** Events a second: a client alone, and a whole job, over the same topic. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../../src/connect/kafka/index.ts';
import { run } from './child.ts';
import { BenchJob, type JobSpec } from './job.ts';
import type { ReadResult } from './read.ts';
import { countAlerts } from './topic.ts';

export interface JobResult {
  /** ms from the start of consuming to the last alert's commit, and to the last event being taken in. */
  readonly ms: number;
  readonly takenIn: number;
  /** ms of CPU meanwhile. */
  readonly cpu: number;
  readonly alerts: number;
  readonly checkpoints: number;
  /** Longest and mean pause of a checkpoint, ms; the longest is the bound that it lies below. */
  readonly pause: { readonly mean: number; readonly below: number };
}

/** `client`: see read.ts. */
export function readAlone(client: string, brokers: string, topic: string, events: number): Promise<ReadResult> {
  return run<ReadResult>('read.ts', [client, brokers, topic, String(events)], 120);
}

/** From an empty state to the commit of the last event. `kafka`: a client that looks on. */
export async function runJob(kafka: Kafka, spec: JobSpec, events: number): Promise<JobResult> {
  await kafka.ensureTopics([{ topic: spec.output, partitions: 1 }]);
  const job = await BenchJob.start(spec);
  try {
    const began = await job.says('the job runs');
    const cpu = await job.cpu();
    let takenIn = NaN;
    for (;;) {
      if (Number.isNaN(takenIn) && (await job.status()).tasks[0]?.streams[0]?.offset === events) takenIn = Date.now() - began;
      const [committed] = await kafka.committed(job.name, [spec.input]);
      if (committed?.offset === events) break;
      await sleep(20);
    }
    const ms = Date.now() - began;
    const after = await job.cpu();
    const { checkpointDuration, pause } = await job.status();
    const checkpoints = sum(checkpointDuration.counts);
    return {
      ms, takenIn: Math.min(takenIn, ms) || ms, cpu: after - cpu, alerts: await countAlerts(kafka, spec.output), checkpoints,
      pause: { mean: 1000 * pause.sum / checkpoints, below: 1000 * (pause.bounds[pause.counts.findLastIndex((count) => count > 0)] ?? Infinity) },
    };
  } finally {
    await job.stop();
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
