import { describe, expect, test } from '@jest/globals';
import { Batch } from '../../../src/core/batch.ts';
import { Strings } from '../../../src/core/strings.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { decodeText, optional, readRow, schemaOf } from './support.ts';
import type { Given } from './support.ts';

const payment = schemaOf({ Payment: { card: 'string', amount: 'float', at: 'time' } });

/** Decodes one event of a type with the field `v`, or says why not. */
function one(type: Given, json: string): number | string | null {
  const { events, rejects } = decodeText(schemaOf({ E: { v: type } }), `{"v":${json}}`, { defaultType: 'E', ingestTime: () => 0 });
  return rejects.length > 0 ? rejects[0]!.reason : events[0]!.values['v']!;
}

describe('a field of a type', () => {
  test.each([
    ['float', '1.5', 1.5], ['float', '-0', 0], ['float', '1e3', 1000], ['float', '1e999', 'number-out-of-range'], ['float', '"1"', 'wrong-type'], ['float', 'null', 'missing-field'],
    ['int', '9007199254740992', 2 ** 53], ['int', '-9007199254740992', -(2 ** 53)], ['int', '9007199254740993', 'number-out-of-range'], ['int', '1e300', 'number-out-of-range'],
    ['int', '1.5', 'wrong-type'], ['int', '1.0', 1], ['int', '12e2', 1200], ['int', 'true', 'wrong-type'],
    ['bool', 'true', 1], ['bool', 'false', 0], ['bool', '0', 'wrong-type'], ['duration', '1500', 1500], ['duration', '"5m"', 'wrong-type'],
    ['string', '""', ''], ['string', '"\\u0041\\n"', 'A\n'], ['string', '"\\ud800"', '\ud800'], ['string', '1', 'wrong-type'],
    ['time', '1760000000000', 1760000000000], ['time', '1760000000000.25', 1760000000000.25], ['time', '"1970-01-01T00:00:01Z"', 1000], ['time', '"yesterday"', 'bad-time'], ['time', '9e15', 'bad-time'],
    ['time', '[]', 'wrong-type'],
  ] as const)('%s: %s', (type, json, expected) => expect(one(type, json)).toBe(expected));

  test.each([
    ['s', '1760000000', 1760000000000], ['s', '1760000000.123', 1760000000123], ['s', '-1', -1000], ['us', '1760000000000123', 1760000000000.123], ['us', '1500', 1.5],
    ['ns', '1760000000000000123', Number('1760000000000.000123')], ['ns', '1500000', 1.5], ['s', '1.76e9', 1760000000000], ['s', '"1970-01-01T00:00:01Z"', 1000], ['s', '9e12', 'bad-time'],
  ] as const)('time(%s): %s', (unit, json, expected) => expect(one({ kind: 'time', unit }, json)).toBe(expected));

  test('a closed set takes its values only, escaped or not', () => {
    const set: Given = { kind: 'oneOf', values: ['ok', 'fäil'] };
    expect([one(set, '"ok"'), one(set, '"\\u006fk"'), one(set, '"fäil"'), one(set, '"okay"'), one(set, '"\\ud800"'), one(set, '1')])
      .toEqual(['ok', 'ok', 'fäil', 'not-in-set', 'not-in-set', 'wrong-type']);
  });

  test('lists and records are checked to their leaves and interned as canonical text', () => {
    const list: Given = { kind: 'list', element: { type: { kind: 'int' }, optional: false } };
    expect([one(list, '[ 1, 2.0 ]'), one(list, '[]'), one(list, '[1.5]'), one(list, '[null]'), one(list, '{}')]).toEqual(['[1,2]', '[]', 'wrong-type', 'missing-field', 'wrong-type']);
    const record: Given = { kind: 'record', fields: [{ name: 'a', source: 'A', type: { kind: 'time', unit: 's' }, optional: false }, { name: 'b', source: 'b', type: { kind: 'string' }, optional: true }] };
    expect([one(record, '{"A":2,"x":[1]}'), one(record, '{"A":"1970-01-01","b":"q"}'), one(record, '{"b":"q"}')]).toEqual(['{"x":[1],"a":2000}', '{"a":0,"b":"q"}', 'missing-field']);
  });

  test('optional: absent and null are null, another type is still wrong', () => {
    const schema = schemaOf({ E: { n: optional('int'), s: optional('string'), at: 'time' } });
    const { events, rejects } = decodeText(schema, '{"at":1}\n{"n":null,"s":null,"at":2}\n{"n":"x","at":3}\n{"at":4,"s":"t"}\n', { defaultType: 'E' });
    expect(events.map((event) => event.values)).toEqual([{ n: null, s: null, at: 1 }, { n: null, s: null, at: 2 }, { n: null, s: 't', at: 4 }]);
    expect(rejects).toMatchObject([{ reason: 'wrong-type', line: 3, message: 'E.n is "x", not a int' }]);
  });
});

describe('an event', () => {
  test('is read whatever the order of its fields, its blanks, and what else it has', () => {
    const lines = ['{"card":"c","amount":1,"at":5}', '{"at":5,"amount":1,"card":"c"}', '{ "amount" : 1 , "x" : {"card":[{}]} , "at":5, "card":"c" }\r',
      '{"\\u0063ard":"c","amount":1,"at":5}', '{"card":"x","card":"c","amount":1,"at":5}', '{"amount":1,"card": "c","at":5,"amount":1}'];
    const { events, rejects } = decodeText(payment, lines.join('\n'), { defaultType: 'Payment' });
    expect(rejects).toEqual([]);
    expect(events.map((event) => event.values)).toEqual(lines.map(() => ({ card: 'c', amount: 1, at: 5 })));
    expect(events.map((event) => event.text)).toEqual(lines.map((line) => line.trim()));
  });

  test('without a time field has the time of its ingestion', () => {
    let clock = 100;
    const { events } = decodeText(schemaOf({ E: { v: 'int' } }), '{"v":1}\n{"v":2}\n', { defaultType: 'E', ingestTime: () => clock++ });
    expect(events.map((event) => event.time)).toEqual([100, 101]);
  });

  test('names its type, at any place of it', () => {
    const schema = schemaOf({ A: { v: 'int', at: 'time' }, B: { w: 'string', at: 'time' } });
    const text = '{"type":"A","v":1,"at":1}\n{"at":2,"w":"x","type":"B"}\n{"type":"A","at":3,"v":2,"type":"B","w":"last wins"}\n{"type":"C"}\n{"at":3}\n{"type":1}\n{"type":"\\u0041","v":3,"at":4}\n';
    const { events, rejects } = decodeText(schema, text);
    expect(events.map(({ type, time, line }) => [type, time, line])).toEqual([['A', 1, 1], ['B', 2, 2], ['B', 3, 3], ['A', 4, 7]]);
    expect(rejects.map(({ reason, line }) => [reason, line])).toEqual([['unknown-type', 4], ['missing-type', 5], ['unknown-type', 6]]);
    expect(decodeText(schema, '{"kind":"A","v":1,"at":1}', { typeField: 'kind' }).events).toHaveLength(1);
  });

  test('bound to a type has it, and where asked may not name another', () => {
    const line = '{"type":"debit","card":"c","amount":1,"at":5}\n';
    expect(decodeText(payment, line, { defaultType: 'Payment' }).events).toHaveLength(1);
    const checked = decodeText(payment, `${line}${line.replace('debit', 'Payment')}${line.replace('"type":"debit",', '')}`, { defaultType: 'Payment', checkType: true });
    expect([checked.events.map((event) => event.line), checked.rejects.map((reject) => reject.reason)]).toEqual([[2, 3], ['unknown-type']]);
    const own = schemaOf({ E: { type: 'string', at: 'time' } });
    expect(decodeText(own, '{"type":"debit","at":1}', { defaultType: 'E', checkType: true }).events[0]!.values).toEqual({ type: 'debit', at: 1 });
    expect(() => decodeText(payment, '', { defaultType: 'Paymnt' })).toThrow('there is no event type "Paymnt"');
  });

  test('two fields may be read from one name', () => {
    const schema = schemaOf({ E: { a: 'string', b: 'string', at: 'time' } });
    const both = { ...schema, types: schema.types.map((type) => ({ ...type, fields: type.fields.map((field) => (field.name === 'b' ? { ...field, source: 'a' } : field)) })) };
    expect(decodeText(both, '{"a":"x","at":1}', { defaultType: 'E' }).events[0]!.values).toEqual({ a: 'x', b: 'x', at: 1 });
  });

  test('may have more fields than generated code takes', () => {
    const names = Array.from({ length: 120 }, (_, i) => `f${i}`);
    for (const count of [29, 30, 31, 61, 120]) {
      const used = names.slice(0, count);
      const schema = schemaOf({ E: { ...Object.fromEntries(used.map((name, i) => [name, i % 5 === 4 ? optional('int') : 'int'])), at: 'time' } as Record<string, Given> });
      const event = (drop: number): string => JSON.stringify({ ...Object.fromEntries(used.map((name, i) => [name, i]).filter(([, i]) => i !== drop)), at: 1 });
      const { events, rejects } = decodeText(schema, [event(-1), event(4), event(count - 2)].join('\n'), { defaultType: 'E' });
      expect(events[0]!.values).toEqual({ ...Object.fromEntries(used.map((name, i) => [name, i])), at: 1 });
      expect(events[1]!.values['f4']).toBeNull();
      expect(events.length + rejects.length).toBe(3);
      expect(rejects.map((reject) => reject.message)).toEqual((count - 2) % 5 === 4 ? [] : [`E.f${count - 2} is missing, and its type int is not optional`]);
    }
  });

  test('alone is decoded in place, also pretty-printed', () => {
    const strings = new Strings();
    const decoder = makeDecoder(payment, strings, { defaultType: 'Payment' });
    const batch = new Batch(payment.slots, 4);
    batch.bytes = new Uint8Array(Buffer.from('--{"card":"c","amount":1,"at":5}--{\n "card": "d",\n "amount": 2,\n "at": 6\n}{"card":3}'));
    expect(decoder.decode(batch.bytes, 2, 32, batch, 1)).toBeUndefined();
    expect(decoder.decode(batch.bytes, 34, 74, batch, 3)).toBeUndefined();
    expect([1, 3].map((row) => readRow(payment, strings, batch, row).values)).toEqual([{ card: 'c', amount: 1, at: 5 }, { card: 'd', amount: 2, at: 6 }]);
    expect(readRow(payment, strings, batch, 1).text).toBe('{"card":"c","amount":1,"at":5}');
    expect(decoder.decode(batch.bytes, 74, 84, batch, 0)).toMatchObject({ reason: 'wrong-type', offset: 74, end: 84 });
  });
});

describe('the lines of an input', () => {
  test('may be blank, end in CR LF or in nothing, and begin with a byte order mark', () => {
    const { events, rejects } = decodeText(payment, '\ufeff{"card":"a","amount":1,"at":1}\r\n\r\n  \n{"card":"b","amount":1,"at":2}  \n\t{"card":"c","amount":1,"at":3}', { defaultType: 'Payment' });
    expect(rejects).toEqual([]);
    expect(events.map(({ line, values, text }) => [line, values['card'], text.length])).toEqual([[1, 'a', 30], [4, 'b', 30], [5, 'c', 30]]);
    expect(decodeText(payment, '', { defaultType: 'Payment' })).toEqual({ events: [], rejects: [] });
    expect(decodeText(payment, '\n\n', { defaultType: 'Payment' })).toEqual({ events: [], rejects: [] });
    expect(decodeText(payment, '\ufeff', { defaultType: 'Payment' })).toEqual({ events: [], rejects: [] });
  });

  const event = '{"card":"c","amount":1,"at":5}';
  test.each([
    ['text', 'hello', 'not-json', '"h" at column 1 is not JSON there'],
    ['an event cut off', '{"card":"c","amo', 'not-json', 'the JSON text ends too early, after 16 bytes'],
    ['a trailing comma', '{"card":"c",}', 'not-json', '"}" at column 13 is not JSON there'],
    ['trailing text', `${event}x`, 'not-json', '"x" at column 31'],
    ['two events', `${event}${event}`, 'not-json', '"{" at column 31'],
    ['an array', '[1]', 'not-object', 'JSON but not an object'],
    ['a damaged skipped value', '{"x":[1,,2],"card":"c","amount":1,"at":5}', 'not-json', '"," at column 9'],
    ['a control character', '{"card":"a\tb","amount":1,"at":5}', 'not-json', 'the byte 0x09 at column 11'],
    ['a NUL', '{"card":"c",\0"amount":1,"at":5}', 'not-json', 'the byte 0x00 at column 13'],
    ['a missing field', '{"card":"c","at":5}', 'missing-field', 'Payment.amount is missing, and its type float is not optional'],
    ['deep nesting', `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},"card":"c","amount":1,"at":5}`, 'too-deep', 'nested more than 1000 deep'],
  ])('%s is rejected, and the rest goes on', (_, bad, reason, message) => {
    const { events, rejects } = decodeText(payment, `${event}\n${bad}\n${event}\n`, { defaultType: 'Payment' });
    expect(events.map((decoded) => decoded.line)).toEqual([1, 3]);
    expect(rejects).toMatchObject([{ reason, line: 2, offset: 31, end: 31 + bad.length }]);
    expect(rejects[0]!.message).toContain(message);
  });

  test.each([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]])('bytes that are not UTF-8 are rejected: %p %p', (...bad) => {
    const line = (at: string): Uint8Array => {
      const [before, after] = `{"card":"c","amount":1,"at":5,"note":"n"}\n`.split(at) as [string, string];
      return Uint8Array.from([...Buffer.from(before + at), ...bad, ...Buffer.from(after)]);
    };
    for (const at of ['"card":"', '"note":"', '"no']) {
      expect(decodeText(payment, line(at), { defaultType: 'Payment' }).rejects.map((reject) => reject.reason)).toEqual(['not-utf8']);
    }
  });

  test('a line of 10 MB is read, or rejected, like any other', () => {
    const long = 'x'.repeat(10_000_000);
    const text = `{"card":"c","amount":1,"at":5,"note":"${long}"}\n{"card":"${long}","amount":1,"at":5}\n${long}\n${event}`;
    const { events, rejects } = decodeText(payment, text, { defaultType: 'Payment' });
    expect(events.map(({ line, values }) => [line, (values['card'] as string).length])).toEqual([[1, 1], [2, 10_000_000], [4, 1]]);
    expect(rejects.map(({ reason, line }) => [reason, line])).toEqual([['not-json', 3]]);
  });

  test('a sweep of the strings between batches does not confuse the next', () => {
    const strings = new Strings();
    const decoder = makeDecoder(schemaOf({ E: { s: 'string', set: { kind: 'oneOf', values: ['on', 'off'] }, at: 'time' } }), strings, { defaultType: 'E' });
    const batch = new Batch(3, 2);
    const seen: string[] = [];
    const bytes = new Uint8Array(Buffer.from(Array.from({ length: 20 }, (_, i) => `{"s":"s${i}","set":"${i % 2 ? 'on' : 'off'}","at":${i}}\n`).join('')));
    for (let at = 0; at < bytes.length;) {
      batch.count = 0;
      at = decoder.decodeLines(bytes, at, bytes.length, batch, (reject) => { throw new Error(reject.message); });
      for (let row = 0; row < batch.count; row++) seen.push(`${strings.text(batch.columns[0]![row]!)} ${strings.text(batch.columns[1]![row]!)}`);
      strings.sweep(() => false);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `s${i} ${i % 2 ? 'on' : 'off'}`));
    expect(strings.size).toBe(2);
  });
});
