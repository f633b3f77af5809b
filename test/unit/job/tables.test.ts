import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { checkRules } from '../../../src/cli/rule-files.ts';
import { MemoryBroker, openMemoryKafka, type Kafka } from '../../../src/connect/kafka/index.ts';
import { checkAgainstRules, readJobText } from '../../../src/job/config/index.ts';
import { Job, JobError } from '../../../src/job/index.ts';
import { memoryLog, until } from '../../support/recording-host.ts';

const RULES = `
event Payment { tx: string card: string merchant: string at: time } time at id tx
table merchants { id: string key, risk: float, owner: string? }
table unused { id: string key }
rule Risky {
  by card
  match p
    p: Payment where merchants[merchant].risk > 0.5
  alert risky { card, owner: merchants[p.merchant].owner }
}
`;
const folder = mkdtempSync(join(tmpdir(), 'alcedo-job-tables-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
const rulesFile = join(folder, 'rules.cep');
writeFileSync(rulesFile, RULES);
const program = checkRules([rulesFile]).program!;

const jobText = (tables: string): string => `
name: j
data: data
rules: rules.cep
kafka: { brokers: ['memory:1'], adapter: memory }
sources:
  payments: { kafka: { topics: [payments] }, type: Payment, ahead: never }
${tables}
channels:
  risky: { kafka: { topic: alerts, create: { partitions: 1 } } }
state: { memory: {}, checkpoint: 50ms }
http: false
`;

describe('check', () => {
  const problems = (tables: string): string[] => {
    const loaded = readJobText(join(folder, 'job.yaml'), jobText(tables), {});
    return [...loaded.problems, ...checkAgainstRules(loaded, program)].filter(({ code }) => code !== 'risk').map(({ severity, code, message }) => `${severity} ${code}: ${message}`);
  };
  test('a table that rules read and nothing gives rows to is an error, as is one that there is not', () => {
    expect(problems('')).toEqual(['error no-table: Rule "Risky" reads the table "merchants", and nothing says where its rows come from.']);
    expect(problems('tables: { merchant: { file: m.csv }, unused: { file: m.csv } }')).toEqual([
      'error no-table: Rule "Risky" reads the table "merchants", and nothing says where its rows come from.',
      'error unknown-table: The rules declare no table "merchant".', 'warning unused-table: No rule of this job reads the table "unused": it is not loaded.',
    ]);
    expect(problems('tables: { merchants: { file: m.csv } }')).toEqual([]);
  });
});

describe('a job with a table', () => {
  const jobs: Job[] = [];
  let kafka: Kafka | undefined;
  afterEach(async () => {
    for (const job of jobs.splice(0)) await job.stop();
    await kafka?.close();
  });

  async function start(tables: string): Promise<{ job: Job; pay: (tx: string, merchant: string) => Promise<void>; owners: () => Promise<unknown[]>; running: Promise<unknown>; log: ReturnType<typeof memoryLog> }> {
    const loaded = readJobText(join(folder, 'job.yaml'), jobText(tables), {});
    const broker = new MemoryBroker();
    const log = memoryLog();
    kafka = await openMemoryKafka(broker, { log });
    await kafka.ensureTopics([{ topic: 'payments', partitions: 1 }]);
    const producer = await kafka.producer({});
    const job = new Job({ config: loaded.job!, program, log, memoryBroker: broker });
    jobs.push(job);
    let count = 0;
    const running = job.run().then(() => undefined, (error: unknown) => error);
    return {
      job, running, log,
      pay: (tx, merchant) => producer.send([{ topic: 'payments', key: 'c', value: Buffer.from(JSON.stringify({ tx, card: 'c', merchant, at: 1_767_225_600_000 + 1000 * count++ })) }]),
      owners: async () => {
        const found: unknown[] = [];
        const end = (await kafka!.endOffsets('alerts', 'read_committed'))[0] ?? 0;
        if (end > 0) {
          await kafka!.read('alerts', 0, 0, end, 'read_committed', (batch) => {
            for (let i = 0; i < batch.count; i++) found.push((JSON.parse(Buffer.from(batch.values[i]!).toString()) as { fields: { owner: unknown } }).fields.owner);
          });
        }
        return found;
      },
    };
  }

  test('begins when the rows are there, takes up changes, and keeps what it has where a file is bad', async () => {
    const file = join(folder, 'merchants.csv');
    const { job, pay, owners, log } = await start('tables: { merchants: { file: { path: merchants.csv, poll: 20ms } } }');
    await pay('t1', 'm1');
    await until('it has looked for the file', () => (job.status().tables[0]?.failures ?? 0) > 0);
    expect(job.status().state).toBe('starting');
    writeFileSync(file, 'id,risk,owner\nm1,0.9,Ann\nm2,x,\n');
    await until('it runs', () => job.status().state === 'running');
    await untilAsync(async () => (await owners()).length === 1);
    expect(job.status().tables[0]).toMatchObject({ table: 'merchants', kind: 'file', rows: 1, rejected: 1, changes: 0, error: undefined });
    writeFileSync(`${file}.new`, 'id,risk,owner\nm1,0.1,Ann\nm2,0.8,Bob\n');
    renameSync(`${file}.new`, file);
    await until('the change', () => job.status().tables[0]!.changes === 1);
    await pay('t2', 'm1');
    await pay('t3', 'm2');
    await untilAsync(async () => (await owners()).length === 2);
    writeFileSync(file, 'this,is\nno,merchant\n');
    await until('the failure', () => job.status().tables[0]!.error !== undefined);
    await pay('t4', 'm2');
    await untilAsync(async () => (await owners()).length === 3);
    expect(await owners()).toEqual(['Ann', 'Bob', 'Bob']);
    expect(job.status().tables[0]).toMatchObject({ rows: 2, changes: 1, error: expect.stringContaining('the key, column "id", is missing') });
    expect(JSON.stringify(log)).toBeDefined();
  });

  test('does not begin without its rows, and says what it waited for', async () => {
    const { job, running } = await start('tables: { merchants: { file: { path: none.csv }, timeout: 300ms } }');
    const error = await running;
    expect(error).toBeInstanceOf(JobError);
    expect((error as Error).message).toMatch(/^Table "merchants" has no rows after 300 ms.*none\.csv cannot be read: there is no such file/);
    expect(job.status()).toMatchObject({ state: 'failed', tasks: [] });
  });

  test('can be stopped while it waits for rows', async () => {
    const { job, running } = await start('tables: { merchants: { file: none.csv } }');
    await until('it has looked', () => job.status().tables[0]!.failures > 0);
    await job.stop();
    expect(await running).toBeUndefined();
    expect(job.status().state).toBe('stopped');
  });
});

async function untilAsync(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !await condition();) {
    if (Date.now() > end) throw new Error('it did not come');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}
