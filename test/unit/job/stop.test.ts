import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBroker, openMemoryKafka } from '../../../src/connect/kafka/index.ts';
import { Job, JobError } from '../../../src/job/index.ts';
import { eventually } from '../../support/live.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { jobOf, programOf } from '../config/support.ts';

const RULES = `event Payment { card: string, amount: float, at: time } time at
rule Each { by card match a a: Payment alert fraud { card } evidence none }`;

test('a job that is asked to stop while its records wait for room commits what it has taken, and ends at once', async () => {
  const broker = new MemoryBroker();
  const kafka = await openMemoryKafka(broker, { log: keepingLog() });
  await kafka.ensureTopics([{ topic: 'payments', partitions: 1 }, { topic: 'fraud', partitions: 1 }]);
  const producer = await kafka.producer({});
  for (let i = 0; i < 60_000; i += 10_000) {
    await producer.send(Array.from({ length: 10_000 }, (_, k) => ({ topic: 'payments', key: 'k', value: Buffer.from(`{"card":"c${k % 7}","amount":1,"at":${i + k}}`) })));
  }
  const config = jobOf(`
kafka: { brokers: "memory:1", adapter: memory, transactionTimeout: 15m }
sources: { payments: { type: Payment, kafka: { topics: payments } } }
channels: { fraud: { kafka: fraud } }
state: { memory: {}, checkpoint: 10m }
shutdown: 20s
http: false`);
  const job = new Job({ config, program: programOf(RULES), log: keepingLog(), memoryBroker: broker });
  const ended = job.run();
  // Full, and no checkpoint is under way: none is due for ten minutes, and the next look is up to 100 ms away.
  while ((job.status().tasks[0]?.waiting ?? 0) < 20_000) await new Promise(setImmediate);
  const began = performance.now();
  await job.stop();
  await ended;
  expect(performance.now() - began).toBeLessThan(10_000);
  const committed = (await kafka.committed('fraud', ['payments']))[0]!.offset;
  expect(committed).toBeGreaterThanOrEqual(20_000);
  let alerts = 0;
  await kafka.read('fraud', 0, 0, (await kafka.endOffsets('fraud', 'read_committed'))[0]!, 'read_committed', (batch) => { alerts += batch.count; });
  // The last event's time may still have others.
  expect(alerts).toBe(committed);
  await producer.close();
  await kafka.close();
}, 60_000);

test('a job that cannot commit before the deadline says so, and that is a failure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'alcedo-stop-'));
  const broker = new MemoryBroker();
  const kafka = await openMemoryKafka(broker, { log: keepingLog() });
  await kafka.ensureTopics([{ topic: 'payments', partitions: 1 }]);
  const config = jobOf(`
kafka: { brokers: "memory:1", adapter: memory }
sources: { payments: { type: Payment, kafka: { topics: payments } } }
channels: { fraud: { webhook: { url: "http://127.0.0.1:9/", tries: 100 } } }
state: { directory: ${JSON.stringify(folder)}, checkpoint: 50ms }
shutdown: 300ms
http: false`);
  const job = new Job({ config, program: programOf(RULES), log: keepingLog(), memoryBroker: broker });
  const ended = job.run();
  const refused = expect(ended).rejects.toThrow(/^Not all that was taken in has been committed: what was taken in could not be committed within 300 ms/);
  const producer = await kafka.producer({});
  await producer.send([{ topic: 'payments', key: 'k', value: Buffer.from('{"card":"c","amount":1,"at":1}') }]);
  await eventually('the alert waits', () => (job.status().tasks[0]?.waiting ?? 0) > 0);
  await job.stop();
  await refused;
  await expect(ended).rejects.toBeInstanceOf(JobError);
  expect(job.status().state).toBe('stopped');
  await producer.close();
  await kafka.close();
  rmSync(folder, { recursive: true });
}, 30_000);
