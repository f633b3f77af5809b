import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisStreamSink } from '../../../src/connect/redis-stream/index.ts';
import { startRedis } from '../../support/brokers/index.ts';
import type { RedisServer } from '../../support/brokers/index.ts';
import { memoryLog, pause, until } from '../../support/recording-host.ts';
import { alert, sinkContract, text } from '../../support/sink-contract.ts';

let server: RedisServer;
let reader: Redis;

beforeAll(async () => {
  server = await startRedis({ appendOnly: 'always', password: 's3cret' });
  reader = new Redis(server.url);
  reader.on('error', () => undefined);
});

afterAll(async () => {
  reader.disconnect();
  await server.stop();
});

async function values(stream: string): Promise<string[]> {
  const entries = await reader.xrange(stream, '-', '+');
  return entries.map(([, fields]) => fields[fields.indexOf('value') + 1]!);
}

let streams = 0;

sinkContract('Redis stream', async () => {
  const stream = `contract-${++streams}`;
  return {
    sink: () => new RedisStreamSink({ name: 'queue', url: server.url, stream }),
    arrived: () => values(stream),
    broken: { sink: new RedisStreamSink({ name: 'queue', url: 'redis://:hidden@127.0.0.1:1', stream }), names: [/127\.0\.0\.1:1/, /ECONNREFUSED/, /channels\.queue\.url/, /^(?!.*hidden)/] },
    stop: async () => { await reader.del(stream); },
  };
});

describe('Redis stream sink', () => {
  async function start(options: Partial<ConstructorParameters<typeof RedisStreamSink>[0]> = {}): Promise<{ sink: RedisStreamSink; log: ReturnType<typeof memoryLog> }> {
    const sink = new RedisStreamSink({ name: 'queue', url: server.url, commandTimeout: 1_000, ...options });
    const log = memoryLog();
    await sink.start(log);
    return { sink, log };
  }

  test('an entry has id, key, value and headers; each channel has its stream; old entries go', async () => {
    const { sink } = await start({ maxLength: 1_000 });
    await sink.send(Array.from({ length: 5_000 }, (_, i) => alert(i, 'k', i % 2 === 0 ? 'fraud' : 'iot')));
    const [[, fields]] = await reader.xrevrange('alcedo:iot', '+', '-', 'COUNT', 1) as [[string, string[]]];
    expect(fields).toEqual(['id', 'alert-4999', 'key', 'k', 'value', text(alert(4_999, 'k')), 'headers', '{"rule":"CardTesting","severity":"high"}']);
    const length = await reader.xlen('alcedo:fraud');
    expect(length).toBeGreaterThanOrEqual(1_000);
    expect(length).toBeLessThan(2_000);
    await sink.stop();
  });

  test('alerts under way when Redis is killed arrive when it is back; none is missing, in order but for repeats', async () => {
    const { sink, log } = await start({ stream: 'crash' });
    const records = Array.from({ length: 20_000 }, (_, i) => alert(i, 'k'));
    const sending = sink.send(records);
    await until('some', async () => (await reader.xlen('crash').catch(() => 0)) > 500);
    await server.kill('SIGKILL');
    await pause(300);
    await server.restart();
    await sending;
    await until('the reader', () => reader.status === 'ready');
    expect([...new Set(await values('crash'))]).toEqual(records.map(text));
    expect(log.has(/not confirmed by Redis; they are sent again/)).toBe(true);
    expect(JSON.stringify(log.lines)).not.toContain('s3cret');
    await sink.stop();
  });

  test('a Redis without memory is waited for; a key that is no stream is an error at once', async () => {
    await reader.set('text', 'x');
    const { sink, log } = await start({ stream: '{channel}' });
    await expect(sink.send([alert(1, 'k', 'text')])).rejects.toThrow(/WRONGTYPE.*channels\.queue\.stream/);
    await expect(new RedisStreamSink({ name: 'queue', url: server.url, stream: 'text' }).probe()).rejects.toThrow(/holds a string, not a stream/);
    await reader.config('SET', 'maxmemory', '1');
    const sending = sink.send([alert(2, 'k', 'waits')]);
    await until('a try', () => log.lines.some(({ fields }) => /OOM/.test(String((fields as { error?: string }).error))));
    await reader.config('SET', 'maxmemory', '0');
    await sending;
    expect(await values('waits')).toEqual([text(alert(2, 'k', 'waits'))]);
    await sink.stop();
  });

  test('a send that waits ends when the sink is stopped', async () => {
    const { sink } = await start({ url: 'redis://127.0.0.1:1' });
    const sending = expect(sink.send([alert(1, 'k')])).rejects.toThrow(/does not take 1 alerts/);
    await pause(200);
    await sink.stop();
    await sending;
  });

  test('exactly one way to Redis is given', () => {
    for (const wrong of [{}, { url: 'redis://h', cluster: [] }, { sentinels: [{ host: 'h', port: 1 }] }]) {
      expect(() => new RedisStreamSink({ name: 'queue', ...wrong })).toThrow(/exactly one of url, cluster, or sentinels with master/);
    }
  });
});
