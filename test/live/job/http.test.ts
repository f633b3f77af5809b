import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/brokers/index.ts';
import { expectedIds, faultsOf, payments, settled, type JobFolder } from '../../support/job.ts';
import { alertsInFile, EACH_RULES, eventually, jsonLines, liveKafka, ONCE_RULES, Receiver, said, statusOf } from '../../support/live.ts';

const live = liveKafka();

interface Setup { readonly folder: JobFolder; readonly port: number; readonly name: string; readonly output: string }

async function setup(name: string, options: { rules: string; channel?: string; journal?: string; state?: string }): Promise<Setup> {
  const id = `${name}-${Date.now().toString(36)}`;
  const output = `${id}-alerts`;
  await live.own.ensureTopics([{ topic: output, partitions: 2 }]);
  const folder = live.folder();
  const port = await freePort();
  folder.file('rules.cep', options.rules);
  folder.file('job.yaml', `
name: ${id}
rules: rules.cep
kafka: { brokers: "${live.brokers[0]!}" }
sources:
  posted: { http: { journal: { ${options.journal ?? ''} } } }
channels: { fraud: ${options.channel ?? `{ kafka: ${output} }`} }
state: { ${options.state ?? 'directory: {}'}, checkpoint: 150ms }
rejects: { file: rejects.jsonl }
http: { port: ${port} }
`);
  return { folder, port, name: id, output };
}

/** The status of the answer, 0 where there was none, and its Retry-After. */
async function post(port: number, events: readonly { readonly text: string }[]): Promise<{ status: number; retryAfter: string | null }> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/events/Payment`, {
      method: 'POST', body: events.map(({ text }) => `${text}\n`).join(''), headers: { 'content-type': 'application/x-ndjson' }, signal: AbortSignal.timeout(5000),
    });
    await response.arrayBuffer();
    return { status: response.status, retryAfter: response.headers.get('retry-after') };
  } catch {
    return { status: 0, retryAfter: null };
  }
}

test('kill -9 while events are posted: every alert of what was answered 202 is there once', async () => {
  const { folder, port, output } = await setup('killed', { rules: ONCE_RULES });
  const events = payments(6000, 40, 41);
  const expected = await expectedIds(folder, events);
  let run = folder.start('job.yaml');
  let answered = 0;
  let refused = 0;
  let isOver = false;
  // A caller without an answer posts the same events again.
  const posting = (async () => {
    for (let i = 0; i < events.length;) {
      const { status } = await post(port, events.slice(i, i + 20));
      if (status === 202) {
        answered++;
        i += 20;
        await sleep(25);
      } else {
        refused++;
        await sleep(50);
      }
    }
    isOver = true;
  })();
  let kills = 0;
  while (!isOver && kills < 6) {
    const before = answered;
    await eventually('more answers', () => answered > before + 15 || isOver, run);
    await sleep(Math.random() * 300);
    await run.end('SIGKILL');
    kills++;
    run = folder.start('job.yaml');
  }
  await posting;
  const seen = await settled(live.own, output, expected, run);
  expect(faultsOf(seen, expected)).toEqual([]);
  expect(kills).toBeGreaterThan(3);
  expect(refused).toBeGreaterThan(0);
  expect(jsonLines(join(folder.folder, 'rejects.jsonl'))).toEqual([]);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);

test('a sink that stands still: the journal fills, callers get 429 with Retry-After, and what was answered 202 arrives when it goes on', async () => {
  const receiver = await Receiver.start();
  try {
    const { folder, port } = await setup('busy', { rules: EACH_RULES, channel: `{ webhook: { url: "${receiver.url}", concurrency: 16 } }`, journal: 'maxBytes: 1MiB' });
    const run = folder.start('job.yaml');
    await run.says('the job runs');
    receiver.hold();
    const events = payments(6000, 40, 42).map(({ text }) => ({ text: text.replace('{', `{"note":"${'n'.repeat(300)}",`) }));
    let taken = 0;
    let busy: { status: number; retryAfter: string | null } | undefined;
    while (busy === undefined && taken < events.length) {
      const answer = await post(port, events.slice(taken, taken + 100));
      if (answer.status === 202) taken += 100;
      else busy = answer;
    }
    expect(busy).toEqual({ status: 429, retryAfter: '1' });
    expect(taken).toBeGreaterThan(500);
    // Still full, and still up.
    expect((await post(port, events.slice(taken, taken + 100))).status).toBe(429);
    expect((await statusOf(port))!.state).toBe('running');
    receiver.release();
    while (taken < events.length) {
      if ((await post(port, events.slice(taken, taken + 100))).status === 202) taken += 100;
      else await sleep(100);
    }
    await eventually('every alert', () => receiver.taken.size === events.length, run);
    expect(await run.end('SIGTERM')).toBe(0);
  } finally {
    await receiver.stop();
  }
}, 300_000);

test('a full disk: nothing is answered 202 that is not stored, the job stays up and takes events again when there is room', async () => {
  const { folder, port } = await setup('full', { rules: EACH_RULES, channel: '{ file: alerts.jsonl }', state: 'sqlite: {}' });
  const alerts = join(folder.folder, 'alerts.jsonl');
  const run = folder.start('job.yaml');
  await run.says('the job runs');
  const events = payments(3000, 40, 43);
  const stored: { readonly text: string }[] = [];
  const take = async (from: number, to: number): Promise<Set<number>> => {
    const statuses = new Set<number>();
    for (let i = from; i < to; i += 50) {
      const { status } = await post(port, events.slice(i, i + 50));
      statuses.add(status);
      if (status === 202) stored.push(...events.slice(i, i + 50));
    }
    return statuses;
  };
  expect(await take(0, 1000)).toEqual(new Set([202]));
  // No file of the process may grow beyond this: as for the process, the disk is full.
  const room = (bytes: string): void => { execFileSync('prlimit', ['--pid', String(run.process.pid), `--fsize=${bytes}:`]); };
  room('65536');
  const full = await take(1000, 2000);
  expect(full.has(503)).toBe(true);
  await sleep(2000);
  expect(run.isRunning).toBe(true);
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  room('unlimited');
  await eventually('events are taken again', async () => (await take(2000, 2050)).has(202), run);
  expect(await take(2050, 3000)).toEqual(new Set([202]));
  const expected = new Set(stored.map(({ text }) => (JSON.parse(text) as { tx: string }).tx));
  await eventually('every alert', () => new Set(alertsInFile(alerts).map(({ id }) => id)).size >= expected.size, run);
  expect(new Set(jsonLines<{ fields: { tx: string } }>(alerts).map(({ fields }) => fields.tx))).toEqual(expected);
  expect(said(run, 'posted events cannot be journalled: callers are asked to come again').length).toBeGreaterThan(0);
  expect(await run.end('SIGTERM')).toBe(0);
}, 300_000);
