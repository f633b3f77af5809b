import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { registerStatus } from '../../../src/cli/commands/status.ts';
import { startServer, type RunningServer } from '../../../src/job/server/index.ts';
import type { JobStatus } from '../../../src/job/status.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { statusOf } from '../job-server/status.ts';
import { call, JobFolder, until } from './support.ts';

let folder: JobFolder;
let server: RunningServer | undefined;
beforeAll(() => {
  folder = new JobFolder();
  folder.write('rules.cep', 'event E { ts: time, k: string } time ts\nrule R { by k match e within 1m e: E alert out { k } }\n');
});
afterAll(() => { folder.remove(); });
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

function jobFile(http: string, name = 'fraud'): string {
  return folder.write('job.yaml', `name: ${name}\nrules: rules.cep\nsources: { s: { file: x } }\nchannels: { out: { console: {} } }\nhttp: ${http}\n`);
}

async function serving(status: () => JobStatus, token?: string): Promise<string> {
  server = await startServer({ host: '127.0.0.1', port: 0, token, status, sources: [], log: keepingLog() });
  return jobFile(`{ port: ${server.port}${token === undefined ? '' : ', token: "${TOKEN}"'} }`);
}

const run = (args: readonly string[], options: { env?: Record<string, string>; terminal?: boolean } = {}) => call(['status', ...args], registerStatus, options);

describe('a job that answers', () => {
  test('its tasks, streams, rules and outlets, and what it waits for', async () => {
    const { out, code } = run([await serving(() => statusOf())]);
    expect(await code).toBe(0);
    const text = out.text;
    expect(text).toMatch(/^fraud: running, started \S+ ago, 2 restarts\n/);
    expect(text).toMatch(/\n +task +watermark +behind +events +keys +state +waiting +checkpoint +age +written +failures\n +0 +2026-04-01T12:00:00\.000Z +\S+ +1,000 +7 +4\.0 KiB +3 +17 +\S+ +2\.0 KiB +1\n +1 +– +– +0 /);
    expect(text).toMatch(/\n +0 +payments\/0 +1,001 +40 +2026-04-01T12:00:05\.000Z +holds the watermark\n/);
    expect(text).toMatch(/\n +1 +payments\/1 +0 +– +– +not connected, idle\n/);
    expect(text).toMatch(/\nTask 0 waits for payments\/0 \(last event 2026-04-01T12:00:05\.000Z, \S+ ago\)\.\n/);
    expect(text).toMatch(/\n +rule +events +alerts +timed out +suppressed +dropped\n +CardTesting +900 +5 +4 +6 +0\n/);
    expect(text).toContain('\nSent  fraud_alerts 5, late events 8\nLate  8\nRejected  json 2, a "strange"\\u000areason 1\n');
  });

  test('why it restarts', async () => {
    const { out, code } = run([await serving(() => statusOf({ state: 'restarting', failure: 'Redis is away' }))]);
    expect(await code).toBe(0);
    expect(out.text).toMatch(/^fraud: restarting, .*\nRedis is away\n/);
  });

  test('before the first event and after the last', async () => {
    const [task] = statusOf().tasks;
    const { out, code } = run([await serving(() => statusOf({ tasks: [{ ...task!, watermark: Infinity, streams: [] }], sources: [], rules: [] }))]);
    expect(await code).toBe(0);
    expect(out.text).toMatch(/\n +0 +input over +– +1,000/);
    expect(out.text).toContain('\nStreams  none\n');
  });

  test('--json: what the server says', async () => {
    const { out, code } = run(['--json', await serving(() => statusOf())]);
    expect(await code).toBe(0);
    expect(JSON.parse(out.text)).toEqual(JSON.parse(JSON.stringify(statusOf())));
  });

  test('the token of the job file is shown, and printed nowhere', async () => {
    const { out, err, code } = run([await serving(() => statusOf(), 'hunter2')], { env: { TOKEN: 'hunter2' } });
    expect(await code).toBe(0);
    expect(out.text + err.text).not.toContain('hunter2');
  });

  test('--watch asks again and again, also where the job is away meanwhile, until Ctrl-C', async () => {
    let events = 0;
    const file = await serving(() => statusOf({ late: ++events }));
    const watching = run(['--watch', '--every', '20ms', '--json', file]);
    await until(() => watching.out.lines.length >= 2, 'two answers');
    const { port } = server!;
    await server!.stop();
    await until(() => watching.err.text.includes('nothing listens there'), 'a failure');
    server = await startServer({ host: '127.0.0.1', port, token: undefined, status: () => statusOf({ late: 1000 }), sources: [], log: keepingLog() });
    await until(() => watching.out.lines.some((line) => (JSON.parse(line) as JobStatus).late === 1000), 'an answer of the new process');
    watching.interrupt();
    expect(await watching.code).toBe(0);
  });

  test('--watch on a terminal clears it', async () => {
    const watching = run(['--watch', '--every', '20ms', await serving(() => statusOf())], { terminal: true });
    await until(() => watching.out.text.split('\u001b[H\u001b[2J').length > 2, 'two screens');
    watching.interrupt();
    expect(await watching.code).toBe(0);
  });
});

describe('no answer', () => {
  test('nothing listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { closed.once('listening', resolve); });
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => { closed.close(resolve); });
    const { err, code } = run([jobFile(`{ port: ${port} }`)]);
    expect(await code).toBe(1);
    expect(err.text).toContain(`No answer from the job "fraud" at http://127.0.0.1:${port}: nothing listens there. Is it running on this machine? See http.host and http.port`);
  });

  test('the wrong token, and none', async () => {
    const file = await serving(() => statusOf(), 'hunter2');
    const wrong = run([file], { env: { TOKEN: 'hunter3' } });
    expect(await wrong.code).toBe(1);
    expect(wrong.err.text).toMatch(/does not take the token of this job file: see http\.token/);
    const none = run([jobFile(`{ port: ${server!.port} }`)]);
    expect(await none.code).toBe(1);
    expect(none.err.text).toMatch(/does not take a question without a token/);
  });

  test('another job has that port', async () => {
    await serving(() => statusOf({ job: 'other' }));
    const { err, code } = run([jobFile(`{ port: ${server!.port} }`)]);
    expect(await code).toBe(1);
    expect(err.text).toMatch(/is "other", not "fraud"/);
  });

  test('jobs without a server, or with one on a port that is not known', async () => {
    const none = run([jobFile('false')]);
    expect(await none.code).toBe(2);
    expect(none.err.text).toContain('has no HTTP server');
    await serving(() => statusOf());
    const file = jobFile('{ port: 0 }');
    const unknown = run([file]);
    expect(await unknown.code).toBe(2);
    expect(unknown.err.text).toContain('--url http://127.0.0.1:PORT');
    expect(await run([file, '--url', `http://127.0.0.1:${server!.port}`]).code).toBe(0);
    expect(await run([file, '--url', 'somewhere']).code).toBe(2);
  });

  test('a job file with errors shows them', async () => {
    const { err, code } = run([jobFile('{ prot: 1 }')]);
    expect(await code).toBe(2);
    expect(err.text).toMatch(/job\.yaml:5:9 error\[unknown-option\][\s\S]*1 error in the job file\./);
  });
});
