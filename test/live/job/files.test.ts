import { expect, test } from '@jest/globals';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alertsOf, expectedIds, faultsOf, JobRun, payments, RULES, settled, type JobFolder } from '../../support/job.ts';
import { alertsInFile, EACH_RULES, eventually, jsonLines, liveKafka, Receiver, said } from '../../support/live.ts';

const live = liveKafka();

interface Setup { readonly folder: JobFolder; readonly output: string; readonly path: string }

async function setup(name: string, source: string, more = ''): Promise<Setup> {
  const id = `${name}-${Date.now().toString(36)}`;
  const output = `${id}-alerts`;
  await live.own.ensureTopics([{ topic: output, partitions: 2 }]);
  const folder = live.folder();
  folder.file('job.yaml', `
name: ${id}
rules: ${RULES}
kafka: { brokers: "${live.brokers[0]!}" }
sources:
  payments: { type: Payment, ${source} }
channels: { fraud: { kafka: ${output} } }
state: { sqlite: {}, checkpoint: 150ms }
http: false
${more}
`);
  return { folder, output, path: join(folder.folder, 'payments.jsonl') };
}

const lines = (events: readonly { readonly text: string }[]): string => events.map(({ text }) => `${text}\n`).join('');

test('a followed file that grows and is rotated, the job killed meanwhile: every alert once', async () => {
  const { folder, output, path } = await setup('follow', 'file: { path: payments.jsonl, follow: true, poll: 50ms }');
  const events = payments(8000, 40, 31);
  const expected = await expectedIds(folder, events);
  const text = lines(events);
  writeFileSync(path, '');
  let written = 0;
  let rotations = 0;
  let hasCommitted = false;
  let killed = 0;
  const kills = 4;
  const writing = (async () => {
    while (written < text.length) {
      // Something is left for the job after each kill, however slow it is.
      if (written > text.length * (killed + 1) / (kills + 1)) {
        await sleep(20);
        continue;
      }
      // As writers do it: not in whole lines.
      const part = text.slice(written, written + 7000);
      appendFileSync(path, part);
      written += part.length;
      // What is rotated away before the job has committed anything is not known to it.
      if (hasCommitted && rotations < 2 && written > (rotations + 1) * text.length / 3) {
        const rest = text.slice(written, text.indexOf('\n', written) + 1);
        appendFileSync(path, rest);
        written += rest.length;
        renameSync(path, `${path}.${++rotations}`);
        writeFileSync(path, '');
      }
      await sleep(100);
    }
  })();
  let run = folder.start('job.yaml');
  for (let kill = 0; kill < kills; kill++) {
    const before = (await alertsOf(live.own, output)).length;
    await eventually('more alerts', async () => (await alertsOf(live.own, output)).length > before, run);
    hasCommitted = true;
    await run.end('SIGKILL');
    killed++;
    // While it is away the file is written to, and perhaps rotated.
    await sleep(kill * 200);
    run = folder.start('job.yaml');
  }
  await writing;
  expect(rotations).toBe(2);
  const seen = await settled(live.own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('a whole file: the job ends by itself with 0, also after a crash; started once more it sends nothing', async () => {
  const { folder, output, path } = await setup('whole', 'file: payments.jsonl');
  const events = payments(60_000, 200, 32, 5);
  writeFileSync(path, lines(events));
  const expected = await expectedIds(folder, events);
  const crashed = folder.start('job.yaml');
  await eventually('a first commit', async () => (await alertsOf(live.own, output)).length > 0, crashed);
  await crashed.end('SIGKILL');
  const run = folder.start('job.yaml');
  expect(await run.exited).toBe(0);
  expect(run.log).toContain('the job has ended');
  const seen = await alertsOf(live.own, output);
  expect(faultsOf(seen, expected)).toEqual([]);
  const again = folder.start('job.yaml');
  expect(await again.exited).toBe(0);
  expect(await alertsOf(live.own, output)).toHaveLength(seen.length);
}, 300_000);

test('poison and late events go to their outlets with the reason, where they were, and their bytes; what was mended is taken by a later run', async () => {
  const { folder, path } = await setup('poison', 'lateness: 2s, file: payments.jsonl', `
late: { kafka: { topic: late-of-poison, create: { partitions: 1 } } }
rejects: { file: rejects.jsonl }`);
  const at = (seconds: number): string => new Date(1_767_225_600_000 + seconds * 1000).toISOString();
  const rows = [
    { tx: 'a', card: 'c', amount: 0.5, ts: at(0) },
    '{"tx":"b","card":"c","amount":',
    { tx: 'c', card: 'c', amount: 'much', ts: at(1) },
    { tx: 'd', card: 'c', ts: at(2) },
    { tx: 'e', card: 'c', amount: 950, ts: at(10) },
    { tx: 'f', card: 'c', amount: 0.2, ts: at(4) },
    { tx: 'g', card: 'c', amount: 1, ts: 'yesterday' },
    '[1,2]',
    '',
    Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
  ].map((row) => (typeof row === 'string' || Buffer.isBuffer(row) ? Buffer.from(row) : Buffer.from(JSON.stringify(row))));
  writeFileSync(path, Buffer.concat(rows.flatMap((row) => [row, Buffer.from('\n')])));
  const offsets = rows.map((_, i) => rows.slice(0, i).reduce((sum, row) => sum + row.length + 1, 0));
  const run = folder.start('job.yaml');
  expect(await run.exited).toBe(0);
  const rejected = jsonLines<{ reason: string; message: string; source: string; stream: string; offset: number; text?: string; base64?: string }>(join(folder.folder, 'rejects.jsonl'));
  for (const reject of rejected) {
    const row = rows[offsets.indexOf(reject.offset)]!;
    expect(reject).toMatchObject({ source: 'payments', stream: 'payments/0', reason: expect.stringMatching(/^[a-z-]+$/), message: expect.stringMatching(/./) });
    expect(reject.base64 === undefined ? Buffer.from(reject.text!) : Buffer.from(reject.base64, 'base64')).toEqual(row);
  }
  // The empty line is none.
  expect(rejected.map(({ offset }) => offsets.indexOf(offset))).toEqual([1, 2, 3, 6, 7, 9]);
  const late: { value: string; headers: Record<string, string | undefined> }[] = [];
  const [end] = await live.own.endOffsets('late-of-poison', 'read_committed');
  await live.own.read('late-of-poison', 0, 0, end!, 'read_committed', (batch) => {
    for (let i = 0; i < batch.count; i++) {
      late.push({ value: Buffer.from(batch.values[i]!).toString(), headers: Object.fromEntries(['source', 'stream', 'offset', 'behind'].map((name) => [name, batch.header(i, name)])) });
    }
  });
  expect(late).toEqual([{ value: rows[5]!.toString(), headers: { source: 'payments', stream: 'payments/0', offset: String(offsets[5]), behind: '4000' } }]);
  // The file of rejects, mended in its place, and put together with the late one, raises what was missed: a small payment, then the big one.
  const mended = folder.file('mended.jsonl', readFileSync(join(folder.folder, 'rejects.jsonl'), 'utf8').replace('\\"much\\"', '970'));
  const others = folder.file('others.jsonl', [late[0]!.value, rows[4]!.toString()].map((line) => `${line}\n`).join(''));
  const alerts = join(folder.folder, 'again.jsonl');
  const again = new JobRun(['run', RULES, '--rule', 'Pair', '--lateness', '1m', '--events', `Payment=${mended}`, '--events', `Payment=${others}`, '--alerts', alerts], process.env as Record<string, string>);
  expect(await again.exited).toBe(0);
  expect(alertsInFile(alerts)).toHaveLength(1);
  expect(readFileSync(alerts, 'utf8')).toContain('950');
}, 300_000);

test('two sources behind a sink that stands still for a while: both go on', async () => {
  const { folder } = await setup('both', 'file: first.jsonl', '');
  const receiver = await Receiver.start();
  try {
    receiver.hold();
    const note = 'x'.repeat(40_000);
    const many = (prefix: string): string => lines(payments(1500, 20, 33).map(({ text }) => ({ text: text.replace('{"tx":"', `{"note":"${note}","tx":"${prefix}`) })));
    folder.file('first.jsonl', many('a'));
    folder.file('second.jsonl', many('b'));
    folder.file('each.cep', EACH_RULES);
    folder.file('both.yaml', `
name: both
rules: each.cep
sources:
  first: { type: Payment, file: first.jsonl }
  second: { type: Payment, file: second.jsonl }
channels: { fraud: { webhook: { url: "${receiver.url}", concurrency: 32 } } }
state: { memory: {}, checkpoint: 150ms }
http: false
`);
    const run = folder.start('both.yaml');
    // 120 MB are twice what may wait.
    await eventually('the webhook is asked', () => receiver.waiting > 0, run);
    await sleep(2500);
    receiver.release();
    await eventually('every alert', () => receiver.taken.size === 3000, run);
    expect(await run.exited).toBe(0);
    expect(said(run, 'the job starts again from its last commit')).toEqual([]);
  } finally {
    await receiver.stop();
  }
}, 300_000);
