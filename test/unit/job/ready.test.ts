import { expect, test } from '@jest/globals';
import { MemoryBroker, openMemoryKafka } from '../../../src/connect/kafka/index.ts';
import { Job, type JobStatus } from '../../../src/job/index.ts';
import { readinessOf } from '../../../src/job/server/health.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { eventually } from '../../support/live.ts';
import { jobOf, programOf } from '../config/support.ts';

const RULES = `event Payment { card: string, amount: float, at: time } time at
rule Big { by card match a a: Payment where amount > 100 alert fraud { card } }`;

function start(broker: MemoryBroker): { readonly job: Job; readonly ended: Promise<void> } {
  const config = jobOf(`
kafka: { brokers: "memory:1", adapter: memory }
sources: { payments: { type: Payment, kafka: { topics: payments, partitionedBy: card } } }
channels: { fraud: { kafka: fraud } }
state: { memory: {} }
http: false`);
  const job = new Job({ config, program: programOf(RULES), log: keepingLog(), memoryBroker: broker });
  return { job, ended: job.run() };
}

test('a job is ready once the group has dealt out and its tasks stand; one that is given nothing is ready too', async () => {
  const broker = new MemoryBroker();
  const kafka = await openMemoryKafka(broker, { log: keepingLog() });
  await kafka.ensureTopics([{ topic: 'payments', partitions: 1 }, { topic: 'fraud', partitions: 1 }]);
  const seen: JobStatus[] = [];
  const first = start(broker);
  await eventually('the first is ready', () => {
    seen.push(first.job.status());
    return readinessOf(seen.at(-1)!).ok;
  });
  for (const status of seen) expect(readinessOf(status).ok).toBe(status.state === 'running' && status.tasks.length === 1);
  const second = start(broker);
  await eventually('the second is ready', () => {
    const status = second.job.status();
    if (status.state === 'running' && !readinessOf(status).ok) expect(readinessOf(status).reason).toMatch(/^not at work yet: /);
    return readinessOf(status).ok;
  });
  expect([first, second].map(({ job }) => job.status().tasks.length).sort()).toEqual([0, 1]);
  for (const { job, ended } of [first, second]) {
    await job.stop();
    await ended;
    expect(readinessOf(job.status()).ok).toBe(false);
  }
  await kafka.close();
}, 30_000);
