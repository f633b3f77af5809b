import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { HttpSource } from '../../../src/connect/http/index.ts';
import { startServer, type RunningServer, type ServerOptions } from '../../../src/job/server/index.ts';
import { Counts, type JobStatus } from '../../../src/job/status.ts';
import { keepingLog } from '../../support/quiet-log.ts';
import { RecordingHost } from '../../support/recording-host.ts';
import { statusOf } from './status.ts';

let server: RunningServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function started(status: JobStatus, options: Partial<ServerOptions> = {}): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  server = await startServer({ host: '127.0.0.1', port: 0, token: undefined, status: () => status, sources: [], log: keepingLog(), ...options });
  const { port } = server;
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });

describe('health', () => {
  test.each([
    ['starting', 200, 503], ['running', 200, 200], ['restarting', 200, 503], ['stopping', 200, 503], ['stopped', 200, 503], ['failed', 503, 503],
  ] as const)('a job that is %s: /healthz %i, /readyz %i', async (state, healthy, ready) => {
    const get = await started(statusOf({ state, failure: state === 'failed' || state === 'restarting' ? 'the broker refuses the login' : undefined }));
    const [health, readiness] = [await get('/healthz'), await get('/readyz')];
    expect([health.status, readiness.status]).toEqual([healthy, ready]);
    const told = await readiness.json() as { state: string; reason?: string };
    expect(told.state).toBe(state);
    expect(told.reason === undefined).toBe(ready === 200);
    if (state === 'failed' || state === 'restarting') expect(told.reason).toContain('the broker refuses the login');
    if (state === 'starting') expect(told.reason).toBe('the job is starting; not connected yet: payments');
  });

  test('it follows the job', async () => {
    let state: JobStatus['state'] = 'starting';
    const get = await started(statusOf(), { status: () => statusOf({ state }) });
    expect((await get('/readyz')).status).toBe(503);
    state = 'running';
    expect((await get('/readyz')).status).toBe(200);
  });
});

describe('the token', () => {
  test('is asked for everywhere but on /healthz', async () => {
    const get = await started(statusOf(), { token: 'hunter2' });
    for (const path of ['/readyz', '/metrics', '/status']) {
      for (const init of [{}, bearer('hunter'), bearer('hunter22'), { headers: { authorization: 'hunter2' } }, bearer('')]) {
        const answer = await get(path, init);
        expect([path, answer.status, answer.headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer']);
        expect(await answer.text()).not.toContain('hunter');
      }
      expect((await get(path, bearer('hunter2'))).status).toBe(200);
    }
    expect((await get('/healthz')).status).toBe(200);
  });

  test('who does not show it learns that a job has failed, and not why', async () => {
    const get = await started(statusOf({ state: 'failed', failure: 'Kafka at 10.0.0.7:9092 refuses alcedo' }), { token: 'hunter2' });
    const [open, shown] = [await (await get('/healthz')).text(), await (await get('/healthz', bearer('hunter2'))).text()];
    expect(open).toContain('failed');
    expect(open).not.toContain('10.0.0.7');
    expect(shown).toContain('10.0.0.7');
  });

  test('it stands in no log line', async () => {
    const log = keepingLog();
    const get = await started(statusOf(), { token: 'hunter2', log, status: () => { throw new Error('broken'); } });
    const answer = await get('/status', bearer('hunter2'));
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'the server failed; see the log of the job' }]);
    expect(log.lines.map(({ message }) => message)).toContain('a request to the HTTP server failed; the job itself goes on');
    expect(JSON.stringify(log.lines)).not.toContain('hunter2');
  });
});

describe('/status', () => {
  test('is the job\'s status, numbers that are none as null', async () => {
    const status = statusOf({ latency: new Counts([1]) });
    const told = await (await (await started(status))('/status')).json() as JobStatus;
    expect(told).toEqual(JSON.parse(JSON.stringify(status)));
    expect(told.sources[0]!.streams[1]!.lag).toBeNull();
  });

  test('what is not there is said to be not there', async () => {
    const get = await started(statusOf());
    const answer = await get('/');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/json; charset=utf-8']);
  });
});

describe('sources', () => {
  test('events are posted to their routes, under their own token', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'alcedo-server-'));
    const source = new HttpSource({ name: 'posts', token: 'senders', journal: { directory } });
    const host = new RecordingHost();
    await source.start(host);
    try {
      const get = await started(statusOf(), { token: 'watchers', sources: [source] });
      const post = (token: string): Promise<Response> => get('/events/Payment', { ...bearer(token), method: 'POST', body: '{"n":1}\n{"n":2}\n' });
      const taken = await post('senders');
      expect([taken.status, await taken.json()]).toEqual([202, { accepted: 2 }]);
      expect((await post('watchers')).status).toBe(401);
      expect((await get('/status', bearer('senders'))).status).toBe(401);
    } finally {
      await source.stop();
      await rm(directory, { recursive: true });
    }
  });
});

describe('start and stop', () => {
  test('a port that is taken: the error says which option to look at', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { other.once('listening', resolve); });
    const { port } = other.address() as AddressInfo;
    await expect(started(statusOf(), { port })).rejects.toThrow(`The HTTP server cannot listen on 127.0.0.1:${port}: another process has that port. See http.host and http.port`);
    other.close();
  });

  test('after stop the port is free, although a client keeps its connection', async () => {
    const get = await started(statusOf());
    await (await get('/healthz')).text(); // fetch keeps the connection for the next request
    const { port } = server!;
    const began = performance.now();
    await server!.stop();
    expect(performance.now() - began).toBeLessThan(10_000); // far below the minute that a client may keep it
    server = await startServer({ host: '127.0.0.1', port, token: undefined, status: () => statusOf(), sources: [], log: keepingLog() });
    expect(server.port).toBe(port);
  });
});
