import { expect, test } from '@jest/globals';
import type { ProducedRecord } from '../../../src/connect/kafka/index.ts';
import type { Committer } from '../../../src/job/committer.ts';
import { groupRules } from '../../../src/job/groups.ts';
import { inputOf } from '../../../src/job/parts.ts';
import { TaskStore } from '../../../src/job/state.ts';
import { Counts } from '../../../src/job/status.ts';
import { Task } from '../../../src/job/task.ts';
import { MemoryStore } from '../../../src/state/stores/index.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { jobOf, programOf } from '../config/support.ts';

const RULES = `event Payment { card: string, amount: float, at: time } time at
rule Each { by card match a a: Payment alert fraud { card } }`;

/** A task of one topic with partition 0 alone, whose committer fails as it is told to. */
async function task(failing: { send?: Error; commit?: Error }): Promise<{ readonly task: Task; readonly sent: ProducedRecord[]; readonly committed: number[]; take(from: number, count: number): Promise<void> }> {
  const job = jobOf(`
kafka: { brokers: "a:1" }
sources: { payments: { type: Payment, kafka: { topics: payments } } }
channels: { fraud: { kafka: fraud } }`);
  const program = programOf(RULES);
  const log = keepingLog();
  const sent: ProducedRecord[] = [];
  const committed: number[] = [];
  const committer: Committer = {
    isTransactional: true,
    open: async () => undefined,
    send: async (records) => {
      if (failing.send !== undefined) throw failing.send;
      sent.push(...records);
    },
    commit: async (_, positions) => {
      if (failing.commit !== undefined) throw failing.commit;
      committed.push(positions.get('payments/0')!);
    },
    close: async () => undefined,
  };
  const store = new MemoryStore();
  await store.open();
  const made = new Task(0, {
    log, groups: groupRules(job, program), inputs: [...job.sources].map(([name, source], i) => inputOf(name, i, source, program)), checkpointTimeout: 1000, fullEvery: 100, drain: () => { throw new Error('nothing drains here'); }, onChange: 'refuse', tables: { versions: () => [] }, now: Date.now,
    route: (record) => ({ produce: { topic: 'fraud', key: record.key, value: record.value } }),
    alertEnds: async () => ({}), sentSince: async () => new Map(), repeating: [], committed: async () => undefined,
    counts: { rejected: new Map(), late: 0, latency: new Counts([1]), pause: new Counts([1]), duration: new Counts([1]) },
  }, committer, new TaskStore(store, '0', 3, log), () => 0);
  await made.open(['payments/0']);
  return {
    task: made, sent, committed,
    take: (from, count) => made.records({
      stream: 'payments/0', partition: 0, count, next: from + count, behind: 0,
      values: Array.from({ length: count }, (_, i) => Buffer.from(`{"card":"c","amount":1,"at":${from + i}}`)),
      offsets: Array.from({ length: count }, (_, i) => from + i), times: Array.from({ length: count }, () => 1_767_225_600_000),
    }),
  };
}

test('what was taken in is committed with its alerts', async () => {
  const { task: one, sent, committed, take } = await task({});
  await take(0, 10);
  await one.checkpoint();
  await take(10, 5);
  await one.checkpoint();
  expect([sent.length, committed]).toEqual([15, [10, 15]]);
  await one.checkpoint();
  expect(committed).toEqual([10, 15]);
  await one.close();
});

test.each(['send', 'commit'] as const)('after a checkpoint that failed (%s) there is no other: it would move the offsets past alerts that are set aside', async (step) => {
  const failing: { send?: Error; commit?: Error } = {};
  const { task: one, committed, take } = await task(failing);
  await take(0, 10);
  await one.checkpoint();
  failing[step] = new Error('the broker is away');
  await take(10, 5);
  await expect(one.checkpoint()).rejects.toThrow('the broker is away');
  delete failing[step];
  await take(15, 5);
  await expect(one.checkpoint()).rejects.toThrow('the broker is away');
  expect(committed).toEqual([10]);
  await one.close();
});
