import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { splitBody } from '../../../src/connect/http/body.ts';
import { HttpSource, registerIngest } from '../../../src/connect/http/index.ts';
import type { HttpSourceOptions } from '../../../src/connect/http/index.ts';
import { RecordingHost, until } from '../../support/recording-host.ts';
import { sourceContract } from '../../support/source-contract.ts';

sourceContract('HTTP', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'alcedo-http-'));
  let app: FastifyInstance | undefined;
  const make = (): HttpSource => {
    const source = new HttpSource({ name: 'posts', journal: { directory, fsync: 1_000 } });
    app = fastify();
    void registerIngest(app, source);
    return source;
  };
  return {
    source: make,
    async publish(values) {
      // As many bodies as clients would send.
      for (let i = 0; i < values.length; i += 500) {
        const { statusCode } = await app!.inject({ method: 'POST', url: '/events/Reading', payload: values.slice(i, i + 500).join('\n') });
        expect(statusCode).toBe(202);
      }
    },
    broken: { source: new HttpSource({ name: 'posts', journal: { directory: '/dev/null/such' } }), names: [/\/dev\/null\/such/, /sources\.posts\.journal\.directory/] },
    stop: () => rm(directory, { recursive: true, force: true }),
  };
}, { memory: 24 << 20, flood: 60 << 20 });

describe('POST /events/:type', () => {
  let directory: string;
  let app: FastifyInstance;
  let source: HttpSource;
  let host: RecordingHost;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'alcedo-http-'));
  });

  afterEach(async () => {
    await source.stop();
    await app.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(options: Partial<HttpSourceOptions> = {}, journal: Partial<HttpSourceOptions['journal']> = {}): Promise<void> {
    source = new HttpSource({ name: 'posts', ...options, journal: { directory, ...journal } });
    app = fastify();
    await registerIngest(app, source);
    host = new RecordingHost();
    await source.start(host);
  }

  const post = (payload: string | Buffer, headers: Record<string, string> = {}, type = 'Payment') => app.inject({ method: 'POST', url: `/events/${type}`, payload, headers });

  test('JSON Lines, an array or an object: 202 with their number, and the job gets each with its type', async () => {
    await start();
    expect((await post('{"n":1}\n\n  {"n":2}\r\n')).json()).toEqual({ accepted: 2 });
    expect((await post('[{"n":3,"s":"a,]}\\"["}, {"n":4,\n"deep":[{"x":[]}]}]', { 'content-type': 'application/json' })).json()).toEqual({ accepted: 2 });
    expect((await post('{\n  "n": 5\n}\n', { 'content-type': 'application/json' })).statusCode).toBe(202);
    expect((await post('{"n":6}\nnonsense', { 'content-type': 'text/plain; charset=utf-8' })).json()).toEqual({ accepted: 2 });
    await until('all events', () => host.received.length === 7);
    expect(host.values.map((value) => (value === 'nonsense' ? value : (JSON.parse(value) as { n: number }).n))).toEqual([1, 2, 3, 4, 5, 6, 'nonsense']);
    expect(host.values.some((value) => value.includes('\n'))).toBe(false);
    expect(new Set(host.received.map(({ type }) => type))).toEqual(new Set(['Payment']));
    expect(Math.abs(host.received[0]!.time - Date.now())).toBeLessThan(60_000);
  });

  test('the answer comes when the events are in the journal: they are there after a crash', async () => {
    await start();
    host.block();
    await post('{"n":1}');
    await post('{"n":2}');
    // Nothing was committed; the next job finds both.
    await source.stop();
    await app.close();
    await start();
    await until('both events', () => host.received.length === 2);
    expect(host.values).toEqual(['{"n":1}', '{"n":2}']);
  });

  test.each([
    ['gzip', gzipSync('{"n":1}\n{"n":2}')],
    ['zstd', zstdCompressSync('{"n":1}\n{"n":2}')],
  ])('a body compressed by %s', async (encoding, payload) => {
    await start();
    expect((await post(payload, { 'content-encoding': encoding })).json()).toEqual({ accepted: 2 });
  });

  test.each<[string, string | Buffer, Record<string, string>, number, RegExp]>([
    ['no text', Buffer.from([0x7b, 0xff, 0x7d]), {}, 400, /not UTF-8/],
    ['empty', ' \n', {}, 400, /empty/],
    ['no body', '', {}, 400, /empty/],
    ['an empty array', '[ ]', {}, 400, /array is empty/],
    ['an array without end', '[{"a":1},', {}, 400, /no end/],
    ['an open string', '[{"a":"x]', {}, 400, /no end/],
    ['something behind the array', '[{"a":1}] x', {}, 400, /goes on behind/],
    ['two commas', '[{"a":1},,{"a":2}]', {}, 400, /nothing between/],
    ['too large', 'x'.repeat(20_000), {}, 413, /larger than 10000 bytes/],
    ['too large when decompressed', gzipSync('x'.repeat(20_000)), { 'content-encoding': 'gzip' }, 413, /larger than 10000 bytes/],
    ['not gzip', 'plain', { 'content-encoding': 'gzip' }, 400, /not gzip/],
    ['unknown encoding', 'plain', { 'content-encoding': 'br' }, 415, /"br".*gzip/],
  ])('%s is refused with a reason, and nothing is taken', async (_, payload, headers, status, reason) => {
    await start({ maxBody: 10_000 });
    const answer = await post(payload, headers);
    expect([answer.statusCode, answer.json()]).toEqual([status, { error: expect.stringMatching(reason) }]);
    expect(source.status()[0]!.lag).toBe(0);
    expect(host.received).toEqual([]);
  });

  test('an unknown event type is answered with those there are', async () => {
    await start({ types: ['Payment', 'Login'] });
    const answer = await post('{}', {}, 'Paymnt');
    expect([answer.statusCode, answer.json()]).toEqual([404, { error: 'there is no event type "Paymnt" here; there are Payment, Login' }]);
    expect((await post('{}', {}, 'Login')).statusCode).toBe(202);
  });

  test('without the token nothing is taken', async () => {
    await start({ token: 'let me in' });
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic let me in' }] as Record<string, string>[]) {
      const answer = await post('{}', headers);
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect((await post('{}', { authorization: 'Bearer let me in' })).statusCode).toBe(202);
  });

  test('429 with Retry-After while the journal is full; 202 again when the job has committed', async () => {
    await start({ retryAfter: 7 }, { maxBytes: 100_000, segmentBytes: 10_000, keepCommits: 0 });
    host.block();
    let answer = await post('{}');
    for (let i = 0; i < 200 && answer.statusCode === 202; i++) answer = await post(`{"pad":"${'x'.repeat(1_000)}"}`);
    expect(answer.statusCode).toBe(429);
    expect(answer.headers['retry-after']).toBe('7');
    expect(answer.json()).toEqual({ error: expect.stringMatching(/full/) });
    host.unblock();
    await until('all is delivered', () => source.status()[0]!.lag === 0 && host.received.length > 50);
    await source.committed(0, host.next);
    await until('room', async () => (await post('{"n":1}')).statusCode === 202);
  });

  test('503 before the job has started, and when it stops', async () => {
    await start({ retryAfter: 3 });
    await source.pause();
    const answer = await post('{}');
    expect([answer.statusCode, answer.headers['retry-after'], answer.json()]).toEqual([503, '3', { error: 'the job is stopping' }]);
    const early = new HttpSource({ name: 'early', journal: { directory: join(directory, 'early') } });
    const other = fastify();
    await registerIngest(other, early);
    expect((await other.inject({ method: 'POST', url: '/events/A', payload: '{}' })).json()).toEqual({ error: 'the job is starting' });
    await other.close();
  });

  test('over a real connection, many at once, with other routes left alone', async () => {
    await start();
    app.post('/echo', async (request) => request.body);
    await app.listen({ port: 0, host: '127.0.0.1' });
    const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => fetch(`${base}/events/Payment`, { method: 'POST', body: `{"n":${i}}` })));
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    await until('all events', () => host.received.length === 200);
    expect(new Set(host.values).size).toBe(200);
    const echo = await fetch(`${base}/echo`, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } });
    expect(await echo.json()).toEqual({ a: 1 });
    const closed = once(app.server, 'close');
    await app.close();
    await closed;
  });
});

describe('bodies', () => {
  test('an array is cut as JSON.parse would', () => {
    const values = [1, 'a,b', { c: [1, { d: '\\"]' }] }, [], null, { 'ключ': '✓' }];
    for (const space of [undefined, 2]) {
      const cut = splitBody(Buffer.from(JSON.stringify(values, null, space)));
      expect(cut.map((element) => JSON.parse(element.toString()) as unknown)).toEqual(values);
    }
  });

  test('a byte order mark is no event', () => {
    expect(splitBody(Buffer.from('\uFEFF{"a":1}')).map(String)).toEqual(['{"a":1}']);
  });
});
