import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebhookSink } from '../../../src/connect/http/index.ts';
import type { WebhookSinkOptions } from '../../../src/connect/http/index.ts';
import { retryAfter } from '../../../src/connect/http/webhook.ts';
import { memoryLog, pause } from '../../support/recording-host.ts';
import { alert, sinkContract } from '../../support/sink-contract.ts';

interface Call {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  readonly at: number;
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly after?: number;
}

interface Receiver {
  readonly url: string;
  readonly calls: Call[];
  stop(): Promise<void>;
}

async function receiver(answer: (call: Call, count: number) => Answer = () => ({ status: 200 })): Promise<Receiver> {
  const calls: Call[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (data: string) => { body += data; });
    request.on('end', () => {
      const call = { body, headers: request.headers, at: Date.now() };
      if (request.method === 'POST') calls.push(call);
      const { status, headers, after = 0 } = answer(call, calls.length);
      setTimeout(() => response.writeHead(status, headers).end(status < 300 ? '' : `answer ${status}`), after);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=topsecret`,
    calls,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

sinkContract('webhook', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'alcedo-webhook-'));
  const server = await receiver();
  const options: WebhookSinkOptions = { name: 'hook', url: server.url, deadLetters: join(directory, 'dead.jsonl') };
  return {
    sink: () => new WebhookSink(options),
    arrived: async () => server.calls.map(({ body }) => body),
    broken: { sink: new WebhookSink({ ...options, url: 'http://127.0.0.1:1/x' }), names: [/http:\/\/127\.0\.0\.1:1\/x/, /channels\.hook\.url/] },
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
});

describe('webhook', () => {
  let directory: string;
  let server: Receiver;
  let sink: WebhookSink;
  const log = memoryLog();

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'alcedo-webhook-'));
    log.lines.length = 0;
  });

  afterEach(async () => {
    await sink.stop();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(answer: (call: Call, count: number) => Answer, options: Partial<WebhookSinkOptions> = {}): Promise<void> {
    server = await receiver(answer);
    sink = new WebhookSink({ name: 'hook', url: server.url, deadLetters: join(directory, 'dead.jsonl'), retryDelay: 10, ...options });
    await sink.start(log);
  }

  const deadLetters = async (): Promise<Record<string, unknown>[]> =>
    (await readFile(join(directory, 'dead.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

  test('a request names the alert and is signed with its time', async () => {
    await start(() => ({ status: 204 }), { secret: 's3cret', headers: { authorization: 'Bearer abc' } });
    await sink.send([alert(1, 'k')]);
    const { body, headers } = server.calls[0]!;
    expect(headers['idempotency-key']).toBe('alert-1');
    expect(headers['content-type']).toBe('application/json');
    expect(headers.authorization).toBe('Bearer abc');
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['alcedo-signature'] as string)!;
    expect(Math.abs(Number(seconds) * 1_000 - Date.now())).toBeLessThan(60_000);
    expect(hex).toBe(createHmac('sha256', 's3cret').update(`${seconds}.${body}`).digest('hex'));
  });

  test('a failing receiver is tried again, with growing pauses and the same key, until it takes the alert', async () => {
    await start((_, count) => ({ status: count < 4 ? 503 : 200 }), { retryDelay: 40 });
    await sink.send([alert(1, 'k')]);
    expect(server.calls.map(({ headers }) => headers['idempotency-key'])).toEqual(Array.from({ length: 4 }, () => 'alert-1'));
    const gaps = server.calls.slice(1).map(({ at }, i) => at - server.calls[i]!.at);
    expect(gaps[0]).toBeGreaterThanOrEqual(19);
    expect(gaps[2]).toBeGreaterThanOrEqual(79);
    await expect(deadLetters()).rejects.toThrow(/ENOENT/);
  });

  test('Retry-After is waited for', async () => {
    await start((_, count) => (count === 1 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 200 }));
    await sink.send([alert(1, 'k')]);
    expect(server.calls[1]!.at - server.calls[0]!.at).toBeGreaterThanOrEqual(990);
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect([retryAfter('5', now), retryAfter('Thu, 01 Jan 2026 00:00:10 GMT', now), retryAfter('soon', now), retryAfter(null, now)]).toEqual([5_000, 10_000, undefined, undefined]);
  });

  test('an alert that is refused for what it is goes to the dead letters at once, one that fails too often after its tries; the next ones go on', async () => {
    await start(({ body }) => ({ status: body.includes('"n":1,') ? 422 : body.includes('"n":2,') ? 500 : 200 }), { tries: 3 });
    await sink.send([alert(1, 'k'), alert(2, 'k'), alert(3, 'k')]);
    expect(server.calls.map(({ body }) => (JSON.parse(body) as { n: number }).n)).toEqual([1, 2, 2, 2, 3]);
    expect(await deadLetters()).toMatchObject([
      { id: 'alert-1', key: 'k', channel: 'fraud', tries: 1, reason: 'status 422: answer 422', headers: { rule: 'CardTesting' }, value: '{"n":1,"key":"k"}' },
      { id: 'alert-2', tries: 3, reason: 'status 500: answer 500' },
    ]);
    expect(log.lines.filter(({ level }) => level === 'error').length).toBe(2);
  });

  test('no answer in time counts as failed; a redirect is not followed', async () => {
    await start((_, count) => (count === 1 ? { status: 200, after: 3000 } : count === 2 ? { status: 302, headers: { location: '/elsewhere' } } : { status: 200 }), { timeout: 1000 });
    await sink.send([alert(1, 'k')]);
    expect(server.calls.length).toBe(3);
    expect(log.lines.map(({ fields }) => fields.error)).toEqual(['no answer in time', expect.stringMatching(/status 302/)]);
  });

  test('the order holds for each key, and a slow key does not hold up others beyond the limit of requests', async () => {
    let atOnce = 0;
    let most = 0;
    await start(({ body }) => {
      most = Math.max(most, ++atOnce);
      setTimeout(() => atOnce--, 20);
      return { status: 200, after: body.includes('slow') ? 20 : 1 };
    }, { concurrency: 3 });
    const records = Array.from({ length: 60 }, (_, i) => alert(i, i % 3 === 0 ? 'slow' : `key ${i % 5}`));
    await Promise.all([sink.send(records.slice(0, 30)), sink.send(records.slice(30))]);
    const order = (key: string): number[] => server.calls.map(({ body }) => JSON.parse(body) as { n: number; key: string }).filter((one) => one.key === key).map(({ n }) => n);
    expect(order('slow')).toEqual(records.filter(({ key }) => key === 'slow').map((_, i) => i * 3));
    for (let key = 0; key < 5; key++) expect(order(`key ${key}`)).toEqual([...order(`key ${key}`)].sort((a, b) => a - b));
    expect(most).toBeGreaterThan(1);
    expect(server.calls.length).toBe(60);
  });

  test('dead letters that cannot be written fail the send: the alert is not lost', async () => {
    await start(() => ({ status: 422 }), { deadLetters: join('/dev/null', 'dead.jsonl') });
    await expect(sink.send([alert(1, 'k')])).rejects.toThrow(/alert-1 was not taken by .* cannot be written to the dead letters.*channels\.hook\.deadLetters/);
  });

  test('stopping ends what waits, and says that it was not delivered; secrets of the address are in no message', async () => {
    await start(() => ({ status: 503 }), { retryDelay: 60_000 });
    const sent = sink.send([alert(1, 'k')]);
    const failed = expect(sent).rejects.toThrow(/stopped before alert alert-1/);
    await pause(100);
    await sink.stop();
    await failed;
    expect(JSON.stringify(log.lines)).not.toMatch(/topsecret/);
  });

  test('an address that is none is refused', () => {
    expect(() => new WebhookSink({ name: 'hook', url: 'ftp://x', deadLetters: 'd' })).toThrow(/channels\.hook\.url/);
  });
});
