import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openEvents, parseFieldMap } from '../../../src/connect/files/index.ts';
import { Strings } from '../../../src/core/strings.ts';
import { schemaOf } from '../decode/support.ts';
import { fileOf, readAll } from './support.ts';

const schema = schemaOf({ Payment: { card: 'string', amount: 'float', at: 'time' } });
const line = (card: string, at: number): string => `{"card":"${card}","amount":1,"at":${at}}`;
const many = Array.from({ length: 20_000 }, (_, i) => line(`c${i}`, i));

describe('a file of JSON Lines', () => {
  test.each([
    ['plain', '.jsonl', (text: string) => Buffer.from(text)],
    ['gzip', '.jsonl.gz', (text: string) => gzipSync(text)],
    ['gzip in two parts', '.gz', (text: string) => Buffer.concat([gzipSync(text.slice(0, 5000)), gzipSync(text.slice(5000))])],
    ['zstd', '.jsonl.zst', (text: string) => zstdCompressSync(text)],
    ['gzip under another name', '.log', (text: string) => gzipSync(text)],
  ])('%s: gives all events, with or without a last line feed', async (_, ending, pack) => {
    for (const end of ['', '\n']) {
      const { events, rejects } = await readAll(schema, [{ path: fileOf(pack(many.join('\n') + end), ending) }], { capacity: 1024 });
      expect(rejects).toEqual([]);
      expect(events.length).toBe(many.length);
      for (const i of [0, 1, 777, 19_999]) expect(events[i]).toEqual({ type: 'Payment', time: i, line: i + 1, text: many[i], values: { card: `c${i}`, amount: 1, at: i }, source: 0 });
    }
  });

  test.each([['.jsonl', ''], ['.csv', ''], ['.jsonl', '\n\n'], ['.csv', '\ufeff'], ['.csv', 'card,amount,at'], ['.csv', 'card,amount,at\r\n']])('%s: empty ones give nothing: %j', async (ending, text) => {
    expect(await readAll(schema, [{ path: fileOf(text, ending) }])).toEqual({ events: [], rejects: [] });
    expect(await readAll(schema, [{ path: fileOf(gzipSync(text), `${ending}.gz`) }])).toEqual({ events: [], rejects: [] });
  });

  test('hands over what is rejected, with its line and bytes, and goes on', async () => {
    const long = `{"card":"${'x'.repeat(3_000_000)}","amount":1,"at":2}`;
    const path = fileOf([line('a', 1), 'not json', long, '{"card":1,"amount":1,"at":3}', line('b', 4)].join('\n'));
    const { events, rejects } = await readAll(schema, [{ path }]);
    expect(events.map((event) => [event.line, event.text.length])).toEqual([[1, line('a', 1).length], [3, long.length], [5, line('b', 4).length]]);
    expect(rejects).toMatchObject([{ reason: 'not-json', line: 2, text: 'not json', input: path }, { reason: 'wrong-type', line: 4, text: '{"card":1,"amount":1,"at":3}' }]);
  });

  test('gives up a line past all bounds, and goes on behind it', async () => {
    const path = fileOf(`${line('a', 1)}\n${'x'.repeat(40_000_000)}\n${line('b', 2)}\n`);
    const { events, rejects } = await readAll(schema, [{ path }]);
    expect(events.map((event) => event.line)).toEqual([1, 3]);
    expect(rejects).toMatchObject([{ reason: 'line-too-long', line: 2 }]);
  });

  test('of late events and rejects gives what is in them', async () => {
    const late = '{"card":"a, \\"event\\":{}}","amount":1.50,"at":1}';
    const broken = '{"card":"b","amount":1,"at":';
    const text = [
      `{"alcedo":"late","source":"s \\"event\\":","stream":"s/0","offset":7,"behind":12,"event":${late}}`,
      JSON.stringify({ alcedo: 'reject', reason: 'not-json', message: 'm', source: 's', stream: 's/0', offset: 8, text: broken }),
      JSON.stringify({ alcedo: 'reject', reason: 'future', message: 'm', source: 's', stream: 's/0', offset: 9, text: '{"card":"c",\r\n"amount":1,\n"at":3}' }),
      JSON.stringify({ alcedo: 'reject', reason: 'wrong-type', message: 'm', source: 's', stream: 's/0', offset: 9, base64: Buffer.from([...Buffer.from('{"card":"'), 0xff, ...Buffer.from('"}')]).toString('base64') }),
      line('d', 4),
      '{"alcedo":"reject","cut":',
      '{"alcedo":"late","event":',
    ].join('\n');
    for (const path of [fileOf(text), fileOf(gzipSync(`${text}\n`))]) {
      const { events, rejects } = await readAll(schema, [{ path }]);
      expect(events.map((event) => [event.line, event.text])).toEqual([[1, late], [3, '{"card":"c",  "amount":1, "at":3}'], [5, line('d', 4)]]);
      expect(rejects.map((reject) => [reject.line, reject.reason, reject.text.slice(0, 28)])).toEqual([[2, 'not-json', broken], [4, 'not-utf8', '{"card":"\ufffd"}'], [6, 'not-json', '{"alcedo":"reject","cut":']]);
    }
  });

  test('of envelopes longer than a chunk', async () => {
    const events = Array.from({ length: 300 }, (_, i) => line('x'.repeat(i * 20), i));
    const path = fileOf(events.map((event, i) => (i % 2 === 0 ? `{"alcedo":"late","event":${event}}\n` : `${JSON.stringify({ alcedo: 'reject', text: event })}\n`)).join(''));
    expect((await readAll(schema, [{ path }])).events.map(({ text }) => text)).toEqual(events);
  });

  test('may call fields otherwise', async () => {
    const path = fileOf('{"customer":"c","sum":5,"card":7,"at":1}');
    const { events } = await readAll(schema, [{ path, map: parseFieldMap(['Payment.card=customer', 'Payment.amount=sum']) }]);
    expect(events[0]).toMatchObject({ values: { card: 'c', amount: 5, at: 1 }, text: '{"customer":"c","sum":5,"card":7,"at":1}' });
  });

  test('names types where there are several, unless it is bound to one', async () => {
    const two = schemaOf({ A: { v: 'int', at: 'time' }, B: { w: 'string', at: 'time' } });
    const path = fileOf('{"type":"A","v":1,"at":1}\n{"w":"x","type":"B","at":2}\n{"v":3,"at":3}\n');
    const free = await readAll(two, [{ path }]);
    expect([free.events.map((event) => event.type), free.rejects.map((reject) => reject.reason)]).toEqual([['A', 'B'], ['missing-type']]);
    const bound = await readAll(two, [{ path, type: 'A' }]);
    expect([bound.events.map((event) => event.line), bound.rejects.map((reject) => reject.reason)]).toEqual([[1, 3], ['missing-field']]);
    const single = await readAll(schema, [{ path: fileOf(`${line('a', 1)}\n${line('b', 2).replace('{', '{"type":"Login",')}\n`) }]);
    expect([single.events.length, single.rejects.map((reject) => reject.reason)]).toEqual([1, ['unknown-type']]);
  });
});

test('what cannot be opened is said at once', async () => {
  const context = { schema, strings: new Strings(), onReject: () => {} };
  await expect(openEvents({ path: '/nowhere/at/all.jsonl' }, context)).rejects.toThrow('ENOENT');
  await expect(openEvents({ path: '/' }, context)).rejects.toThrow('a folder');
  await expect(openEvents({ path: fileOf(''), type: 'Paymnt' }, context)).rejects.toThrow('there is no event type "Paymnt"');
  await expect(openEvents({ path: fileOf(''), map: parseFieldMap(['Payment.crd=x']) }, context)).rejects.toThrow('Payment has no field "crd" to rename; it has card, amount, at');
  await expect(openEvents({ path: fileOf(''), map: parseFieldMap(['Paymnt.card=x']) }, context)).rejects.toThrow('no event type "Paymnt"');
  expect(() => parseFieldMap(['card=x'])).toThrow('Type.field=name');
  expect(() => parseFieldMap(['P.card=x', 'P.card=y'])).toThrow('renamed twice');
});

test('a compressed file that is cut off fails after the events before the cut', async () => {
  const packed = gzipSync(many.join('\n'));
  await expect(readAll(schema, [{ path: fileOf(packed.subarray(0, packed.length - 100), '.gz') }])).rejects.toThrow('cannot be read on: unexpected end of file');
});

test.each([
  ['plain', (text: string) => Buffer.from(text)], ['gzip', (text: string) => gzipSync(text)], ['zstd', (text: string) => zstdCompressSync(text)], ['empty', () => Buffer.alloc(0)],
])('standard input is read: %s', (name, pack) => {
  const program = `
    const { openEvents } = await import(${JSON.stringify(new URL('../../../src/connect/files/index.ts', import.meta.url).href)});
    const { Strings } = await import(${JSON.stringify(new URL('../../../src/core/strings.ts', import.meta.url).href)});
    const { Batch } = await import(${JSON.stringify(new URL('../../../src/core/batch.ts', import.meta.url).href)});
    const schema = ${JSON.stringify({ ...schema })};
    const reader = await openEvents({ path: '-' }, { schema, strings: new Strings(), onReject: (reject) => { throw new Error(reject.message); } });
    const batch = new Batch(schema.slots);
    let events = 0, sum = 0;
    while (await reader.read(batch) > 0) { events += batch.count; for (let i = 0; i < batch.count; i++) sum += batch.offset[i]; }
    await reader.close();
    console.log(events, sum);`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { input: pack(many.join('\n')), encoding: 'utf8' });
  expect(run.stderr.replace(/^.*ExperimentalWarning.*\n.*\n/m, '')).toBe('');
  expect(run.stdout).toBe(name === 'empty' ? '0 0\n' : `20000 ${20_000 * 20_001 / 2}\n`);
});
