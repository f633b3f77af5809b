import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MemoryBroker, openMemoryKafka } from '../../../src/connect/kafka/index.ts';
import { FileTable, HttpTable, KafkaTable } from '../../../src/connect/tables/index.ts';
import { memoryLog, until } from '../../support/recording-host.ts';
import { byId, Listening, tableContract, type MerchantRow } from '../../support/table-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'alcedo-tables-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
let files = 0;

const cell = (value: unknown): string => (value === undefined ? '' : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
const csv = (rows: readonly MerchantRow[]): string => ['owner,id,more,risk', ...rows.map(({ id, risk, owner }) => [owner, id, 'x', risk].map(cell).join(',')), ''].join('\n');
const jsonl = (rows: readonly MerchantRow[]): string => `${rows.map((row) => `${JSON.stringify({ more: [1], ...row })}\n`).join('')}\n`;

function fileHarness(extension: string, encode: (rows: readonly MerchantRow[]) => Uint8Array | string, bad: string, decode: (bytes: Uint8Array) => string = (bytes) => Buffer.from(bytes).toString(), pack: (text: string) => Uint8Array | string = (text) => text) {
  return async () => {
    const path = join(folder, `merchants-${++files}${extension}`);
    return {
      source: () => new FileTable({ path, poll: 20 }),
      put: async (rows: readonly MerchantRow[]) => {
        writeFileSync(`${path}.new`, encode(rows));
        renameSync(`${path}.new`, path);
      },
      spoil: async () => { writeFileSync(path, pack(decode(readFileSync(path)) + bad)); },
      break: async () => { writeFileSync(path, ''); },
      broken: { source: new FileTable({ path: join(folder, 'none.csv'), poll: 20 }), names: [/none\.csv/, /no such file/] },
      stop: async () => undefined,
    };
  };
}

tableContract('CSV file', fileHarness('.csv', csv, ',m8,x\n'));
tableContract('JSON Lines file', fileHarness('.jsonl', jsonl, '{"id":"m8","risk":"high"}\n'));

describe('files', () => {
  const load = (name: string, bytes: Uint8Array | string) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return new FileTable({ path, poll: 1000 }).load();
  };
  const ROWS: MerchantRow[] = [{ id: 'm1', risk: 1, owner: 'Ann' }, { id: 'm2', risk: 2 }];

  test.each([
    ['a.csv.gz', gzipSync(csv(ROWS))], ['b.jsonl.zst', zstdCompressSync(Buffer.from(jsonl(ROWS)))], ['c.json', JSON.stringify(ROWS)],
    ['d.tsv', csv(ROWS).replaceAll(',', '\t')], ['e.csv', `\uFEFF${csv(ROWS).replaceAll('\n', '\r\n')}`],
  ])('%s', async (name, bytes) => { expect(byId(await load(name, bytes))).toEqual(ROWS); });

  test.each([
    ['empty.csv', '', /empty\.csv is empty/], ['twice.csv', 'id,risk,id\n', /twice\.csv, line 1.*"id" twice/], ['object.json', '{"id":1}', /not a JSON array/], ['torn.json', '[{"id"', /not JSON/],
  ])('%s is refused as a whole', async (name, text, why) => { await expect(load(name, text)).rejects.toThrow(why); });

  test('places are lines of the file, also behind cells with line feeds', async () => {
    const { rejected, rows } = await load('lines.csv', 'id,risk\n"a\nb",1\n\nm2\n"m3"x,3\nm4,4\n');
    expect(rejected.map(({ where }) => where)).toEqual(['line 5', 'line 6']);
    expect(rows.map(({ where }) => where)).toEqual(['line 2', 'line 7']);
  });

  test('a header alone, and a blank line, are tables without rows', async () => {
    expect((await load('none.csv', 'id,risk\n')).rows).toEqual([]);
    expect((await load('none.jsonl', '\n')).rows).toEqual([]);
  });

  test('a file that is written in place is read when it stands still', async () => {
    const path = join(folder, 'slow.csv');
    writeFileSync(path, 'id,risk\nm1,1\n');
    const table = new FileTable({ path, poll: 20 });
    await table.load();
    const listening = new Listening();
    table.follow(listening);
    const writing = setInterval(() => { writeFileSync(path, `m${Math.random()},1\n`, { flag: 'a' }); }, 10);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    expect(listening.snapshots).toEqual([]);
    clearInterval(writing);
    const count = readFileSync(path, 'utf8').split('\n').length - 2;
    await until('all rows', () => listening.snapshots.at(-1)?.rows.length === count);
    await table.stop();
  });
});

let topics = 0;
tableContract('Kafka topic (memory)', async () => {
  const topic = `merchants-${++topics}`;
  const broker = new MemoryBroker();
  const connection = { brokers: ['memory'], clientId: 'test', log: memoryLog() };
  const kafka = await openMemoryKafka(broker, connection);
  await kafka.ensureTopics([{ topic, partitions: 3 }]);
  const producer = await kafka.producer({});
  const known = new Set<string>();
  const write = (key: string | null, value: string | null) => producer.send([{ topic, key, value: value === null ? null : Buffer.from(value) }]);
  const options = { topic, isolation: 'read_committed', poll: 20, brokers: 'memory', open: () => openMemoryKafka(broker, connection) } as const;
  return {
    source: () => new KafkaTable(options),
    put: async (rows) => {
      // Each key is written twice: the latest value is the row.
      for (const { id, risk, owner } of rows) {
        await write(id, JSON.stringify({ risk: 99 }));
        await write(id, JSON.stringify({ risk, owner }));
      }
      for (const id of known) if (!rows.some((row) => row.id === id)) await write(id, null);
      for (const { id } of rows) known.add(id);
    },
    spoil: () => write('m8', 'no JSON'),
    broken: { source: new KafkaTable({ ...options, topic: 'none' }), names: [/topic none/, /no such topic/] },
    stop: async () => { await producer.close(); await kafka.close(); },
  };
});

describe('HTTP', () => {
  let server: Server;
  let url: string;
  let body = '[]';
  let status = 200;
  let type = 'application/json';
  let asked: { etag: string | undefined; authorization: string | undefined }[] = [];
  const tagOf = (text: string): string => `"${text.length}-${text.slice(-20)}"`.replaceAll(/[^\x20-\x7e]/g, '?');

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push({ etag: request.headers['if-none-match'], authorization: request.headers.authorization });
      const etag = tagOf(body);
      if (status === 200 && request.headers['if-none-match'] === etag) response.writeHead(304).end();
      else response.writeHead(status, { etag, 'content-type': type }).end(body);
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/merchants?secret=1`;
  });
  afterAll(() => { server.close(); server.closeAllConnections(); });

  const options = () => ({ url, poll: 20, timeout: 2000, maxBytes: 1 << 20, cache: undefined, headers: { authorization: 'Bearer t' } });

  tableContract('HTTP', async () => {
    status = 200;
    type = 'application/json';
    return {
      source: () => new HttpTable(options()),
      put: async (rows) => { status = 200; body = JSON.stringify(rows); },
      spoil: async () => { body = body.replace(/\]$/, ',7]'); },
      break: async () => { status = 503; },
      broken: { source: new HttpTable({ ...options(), url: 'http://127.0.0.1:1/merchants?secret=1' }), names: [/127\.0\.0\.1:1\/merchants/, /ECONNREFUSED|bad port/, /^(?!.*secret)/] },
      stop: async () => undefined,
    };
  });

  test('rows that are the same are not sent again, and the token is shown', async () => {
    body = '{"id":"m1","risk":1}\n{"id":"m2","risk":2}\n';
    const table = new HttpTable(options());
    asked = [];
    expect(byId(await table.load())).toHaveLength(2);
    const listening = new Listening();
    table.follow(listening);
    await until('two looks', () => listening.confirmations >= 2);
    await table.stop();
    expect(asked[0]).toEqual({ etag: undefined, authorization: 'Bearer t' });
    expect(asked[1]!.etag).toBe(tagOf(body));
    expect(listening.snapshots).toEqual([]);
  });

  test('a start while the server is away has the rows of its last answer, and says how old they are', async () => {
    const cache = join(folder, 'cache', 'merchants.rows');
    status = 200;
    body = '[{"id":"m1","risk":1}]';
    const first = new HttpTable({ ...options(), cache });
    const before = Date.now();
    await first.load();
    await first.stop();
    status = 500;
    const second = new HttpTable({ ...options(), cache });
    const snapshot = await second.load();
    expect(byId(snapshot)).toEqual([{ id: 'm1', risk: 1 }]);
    expect(snapshot.stale).toMatch(/the answer is 500/);
    expect(snapshot.asOf).toBeGreaterThanOrEqual(before);
    expect(snapshot.asOf).toBeLessThanOrEqual(Date.now());
    const listening = new Listening();
    second.follow(listening);
    status = 200;
    await until('it is known to be right', () => listening.confirmations > 0);
    body = '[{"id":"m1","risk":2}]';
    await until('the new rows', () => byId(listening.snapshots.at(-1))[0]?.risk === 2);
    await second.stop();
    // Another address has no claim to what is cached.
    status = 500;
    await expect(new HttpTable({ ...options(), url: url.replace('merchants', 'others'), cache }).load()).rejects.toThrow(/500/);
  });

  test('an answer that is too long or not rows is an error', async () => {
    status = 200;
    body = JSON.stringify([{ id: 'm1', risk: 1, owner: 'x'.repeat(3000) }]);
    await expect(new HttpTable({ ...options(), maxBytes: 2000 }).load()).rejects.toThrow(/longer than 2000 bytes/);
    body = '<html>';
    type = 'text/html';
    const snapshot = await new HttpTable(options()).load();
    expect([snapshot.rows.length, snapshot.rejected.length]).toEqual([0, 1]);
  });
});
