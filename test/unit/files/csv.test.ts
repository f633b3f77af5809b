import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { parseFieldMap } from '../../../src/connect/files/index.ts';
import { optional, schemaOf } from '../decode/support.ts';
import { fileOf, readAll } from './support.ts';

const schema = schemaOf({ Payment: { card: 'string', amount: 'float', note: optional('string'), ok: optional('bool'), tags: optional({ kind: 'list', element: { type: { kind: 'int' }, optional: false } }), at: 'time' } });
const read = (text: string, options: object = {}) => readAll(schema, [{ path: fileOf(text, '.csv'), ...options }]);

describe('a CSV file', () => {
  test('gives events by its header; an empty cell is absent; the evidence is a JSON object of the columns', async () => {
    const { events, rejects } = await read('\ufeffat,card,amount,shop,note\r\n2018-04-01T00:00:31Z,596,57.16,s1,\r\n\r\n1000,"a ""b"", c",-3,,x\r\n');
    expect(rejects).toEqual([]);
    expect(events).toEqual([
      { type: 'Payment', time: 1522540831000, line: 2, source: 0, values: { card: '596', amount: 57.16, note: null, ok: null, tags: null, at: 1522540831000 },
        text: '{"at":"2018-04-01T00:00:31Z","card":"596","amount":57.16,"shop":"s1"}' },
      { type: 'Payment', time: 1000, line: 4, source: 0, values: { card: 'a "b", c', amount: -3, note: 'x', ok: null, tags: null, at: 1000 },
        text: '{"at":1000,"card":"a \\"b\\", c","amount":-3,"note":"x"}' },
    ]);
  });

  test('has quoted cells over several lines, and lines are still counted', async () => {
    const { events, rejects } = await read('card,amount,at,note\n"a\n\nb",1,1,"x\r\ny"\nc,x,2,\nd,1,3,last');
    expect(events.map(({ line, values }) => [line, values['card'], values['note']])).toEqual([[2, 'a\n\nb', 'x\r\ny'], [7, 'd', 'last']]);
    expect(rejects).toMatchObject([{ line: 6, reason: 'wrong-type', message: 'Payment.amount is "x", not a float', text: '{"card":"c","amount":"x","at":2}' }]);
  });

  test('numbers, flags and lists are read as their field asks, as other programs write them', async () => {
    const { events, rejects } = await read(`card,amount,ok,tags,at\n1,+5,TRUE,"[1, 2]",1\n2,.5,0,,2\n3,5.,false,[],3\n4,007.50, 1 ,,4\n5, 1e3 ,,,5\n6,1,maybe,,6\n7,1,,"[1.5]",7\n8,NaN,,,8\n9,1,,"{",9\n"1\\0",1,,,10\n`);
    expect(events.map(({ values: { card, amount, ok, tags } }) => [card, amount, ok, tags])).toEqual([
      ['1', 5, 1, '[1,2]'], ['2', 0.5, 0, null], ['3', 5, 0, '[]'], ['4', 7.5, 1, null], ['5', 1000, null, null], ['1\\0', 1, null, null]]);
    expect(rejects.map(({ line, reason }) => [line, reason])).toEqual([[7, 'wrong-type'], [8, 'wrong-type'], [9, 'wrong-type'], [10, 'wrong-type']]);
  });

  test('columns may be renamed; a column that a field does not read keeps its name unless that is taken', async () => {
    const text = 'customer_id,card,amount,at\nc1,other,5,1\n';
    const { events } = await read(text, { map: parseFieldMap(['Payment.card=customer_id', 'Payment.note=customer_id']) });
    expect(events[0]).toMatchObject({ values: { card: 'c1', note: 'c1', amount: 5 }, text: '{"card":"c1","note":"c1","amount":5,"at":1}' });
  });

  test('may separate by semicolons or tabs', async () => {
    expect((await read('card;amount;at\na,b;1;2\n')).events[0]!.values['card']).toBe('a,b');
    expect((await readAll(schema, [{ path: fileOf('card\tamount\tat\na;b\t1\t2\n', '.tsv') }])).events[0]!.values['card']).toBe('a;b');
  });

  test('names types in a column where there are several', async () => {
    const two = schemaOf({ A: { v: 'int', at: 'time' }, B: { w: 'string', at: 'time' } });
    const { events, rejects } = await readAll(two, [{ path: fileOf('type,v,at,x\nA,1,1,\nB,5,2,\nC,1,3,\n,1,4,\nB,,5,w\n', '.csv'), map: parseFieldMap(['B.w=v']) }]);
    expect(events.map(({ type, text }) => [type, text])).toEqual([['A', '{"type":"A","v":1,"at":1}'], ['B', '{"type":"B","w":"5","at":2}']]);
    expect(rejects.map(({ reason, line }) => [reason, line])).toEqual([['unknown-type', 4], ['missing-type', 5], ['missing-field', 6]]);
  });

  test('rows that are no CSV are rejected, one line each', async () => {
    const { events, rejects } = await read('card,amount,at\na,1\nb,1,2,3\n"c"x,1,3\nd,1,4\n"e,1,5\nf,1,6');
    expect(events.map(({ line }) => line)).toEqual([5, 7]);
    expect(rejects.map(({ reason, line, message }) => [reason, line, message])).toEqual([
      ['not-csv', 2, 'the row has 2 cells, and the header 3'], ['not-csv', 3, 'the row has 4 cells, and the header 3'],
      ['not-csv', 4, 'a cell has text behind its closing quote, or no closing quote'], ['not-csv', 6, 'a cell has text behind its closing quote, or no closing quote']]);
  });

  test('bytes that are not UTF-8 are rejected', async () => {
    const { events, rejects } = await readAll(schema, [{ path: fileOf(Buffer.from('card,amount,at\n\xff,1,1\na,1,2\n', 'latin1'), '.csv') }]);
    expect([events.length, rejects[0]!.reason, rejects[0]!.line]).toEqual([1, 'not-utf8', 2]);
  });
});

test('any table that is written as CSV is read back, as csv-parse reads it', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'b', '"', ',', '\n', '\r\n', ' ', 'é', '😀', '\\', '\t', '1'), maxLength: 8 });
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), async (rows, feed, last) => {
    const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const text = [['x', 'y', 'at'], ...rows.map(([x, y], i) => [quote(x), quote(y), String(i)])].map((row) => row.join(',')).join(feed) + (last ? feed : '');
    const both = schemaOf({ E: { x: optional('string'), y: optional('string'), at: 'time' } });
    const { events, rejects } = await readAll(both, [{ path: fileOf(text, '.csv') }], { capacity: 7 });
    expect(rejects).toEqual([]);
    const expected = (parse(text, { columns: true }) as { x: string; y: string }[]).map(({ x, y }) => [x === '' ? null : x, y === '' ? null : y]);
    expect(events.map(({ values: { x, y } }) => [x, y])).toEqual(expected);
    expect(expected.length).toBe(rows.length);
  }), { numRuns: 150 });
});

test('rows that lie across the borders of what is read at once are whole', async () => {
  const rows = Array.from({ length: 40_000 }, (_, i) => `${i % 3 === 0 ? `"card, ""${i}"""` : `card${i}`},${i}.5,${i}`);
  const { events, rejects } = await readAll(schema, [{ path: fileOf(`card,amount,at\n${rows.join('\n')}`, '.csv') }], { capacity: 1000 });
  expect(rejects).toEqual([]);
  expect(events.length).toBe(40_000);
  expect(events.every(({ values, line }, i) => values['card'] === (i % 3 === 0 ? `card, "${i}"` : `card${i}`) && values['amount'] === i + 0.5 && line === i + 2)).toBe(true);
});

test('a quote that is never closed costs its line, not the file', async () => {
  const { events, rejects } = await readAll(schema, [{ path: fileOf(`card,amount,at\na,1,1\n"b,1,2\n${`${'c'.repeat(2000)},1,3\n`.repeat(20_000)}`, '.csv') }], { capacity: 1024 });
  expect(rejects).toMatchObject([{ reason: 'line-too-long', line: 3 }]);
  expect(events.length).toBe(20_001);
  expect(events.at(-1)!.line).toBe(20_003);
});
