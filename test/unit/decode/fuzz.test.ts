import { expect, test } from '@jest/globals';
import type { FieldType } from '../../../dsl/typed.ts';
import { decodeText, optional, schemaOf } from './support.ts';

/** What decoding means, said as plainly as can be: `JSON.parse` and a check of each field. Undefined: rejected. */
function plainly(text: string): { type: string; time: number; values: Record<string, unknown> } | undefined {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const type = schema.types.find(({ name }) => name === (event as Record<string, unknown>)['type']);
  if (type === undefined) return undefined;
  const values: Record<string, unknown> = {};
  for (const field of type.fields) {
    const value = (event as Record<string, unknown>)[field.source];
    if (!holds(field, value)) return undefined;
    if (field.slot < 0) continue;
    if (value === null || value === undefined) values[field.name] = null;
    else if (field.type.kind === 'time') values[field.name] = timeOf(value);
    else if (typeof value === 'object') values[field.name] = JSON.stringify(value);
    else values[field.name] = typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value + 0 : value;
  }
  return { type: type.name, time: values['at'] as number, values };
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?)?$/;

function timeOf(value: unknown): number {
  if (typeof value === 'number') return value + 0;
  const parts = typeof value === 'string' ? ISO.exec(value) : null;
  if (parts === null) return NaN;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const fraction = parts[7] === undefined ? 0 : Number(`0.${parts[7]}`) * 1000;
  const [zoneHour, zoneMinute] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)];
  const inRange = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && minute < 60 && second < 61 && zoneHour < 24 && zoneMinute < 60
    && (hour < 24 || (hour === 24 && minute === 0 && second === 0 && fraction === 0));
  const ahead = (parts[8] === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute) * 60_000;
  return inRange ? date.getTime() + (hour * 60 + minute) * 60_000 + second * 1000 + fraction - ahead : NaN;
}

function holds({ type, optional: may }: FieldType, value: unknown): boolean {
  if (value === null || value === undefined) return may;
  switch (type.kind) {
    case 'string': return typeof value === 'string';
    case 'bool': return typeof value === 'boolean';
    case 'float': return typeof value === 'number' && Number.isFinite(value);
    case 'int': return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 53;
    case 'oneOf': return typeof value === 'string' && type.values.includes(value);
    case 'time': return Math.abs(timeOf(value)) <= 8.64e15;
    case 'list': return Array.isArray(value) && value.every((element) => holds(type.element, element));
    case 'record':
      return typeof value === 'object' && !Array.isArray(value)
        && type.fields.every((field) => holds(field, (value as Record<string, unknown>)[field.source]));
    default: return false;
  }
}

const schema = schemaOf({
  Payment: {
    card: 'string', amount: 'float', count: 'int', ok: 'bool', status: { kind: 'oneOf', values: ['ok', 'fäil', 'a"b'] }, _note: 'string', _n: 'float', _i: 'int',
    note: optional('string'), level: optional('float'), tags: optional({ kind: 'list', element: { type: { kind: 'string' }, optional: true } }), at: 'time',
  },
  Login: { user: 'string', 'ключ': optional('string'), place: optional({ kind: 'record', fields: [
    { name: 'lat', source: 'lat', type: { kind: 'float' }, optional: false }, { name: 'lon', source: 'lon', type: { kind: 'float' }, optional: true }] }), at: 'time' },
});

let state = 12345;
function below(n: number): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return Math.floor((state / 0x80000000) * n);
}
const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;

const TEXTS = ['', 'a', 'c-12', 'abc', 'abcd', 'abcdefg', 'ok', 'fäil', 'a"b', 'x\\y', 'tab\t', '\u0000', 'é', '中文字', '😀', '\ud800', '\udc00x', 'type', 'null', 'card',
  'a longer text of more than sixteen bytes', '\u007f', '/'];
const NUMBERS = ['0', '-0', '1', '-1', '12', '9.5', '123456789', '1234567890', '123456789012345', '1234567890123456', '9007199254740991', '9007199254740992',
  '-9007199254740992', '9007199254740994', '0.1', '0.30000000000000004', '512.37', '-3.25', '1e3', '1E-7', '1.5e+10', '1e308', '1e309', '5e-324', '123456789.123456789', '0.000001',
  '100000000.5', '99999999.99', '1.7976931348623157e308', '10.', '.5', '01', '-', '+1', '1e', '0x10', 'NaN', '1_0', '12345678.9', '1.0', '10e-1', '4.35', '2.675', '1234567.125',
  '1760000000000', '1760000000000.5', '123456789012345678901234567890', '0.123456789012345678', '1.234567890123456e-5', '8.64e15', '8.7e15'];
const TIMES = ['1760000000000', '"2018-04-01T00:00:31Z"', '"2018-04-01T00:00:31.123Z"', '"2020-02-29T23:59:59+02:00"', '"2020-02-30T00:00:00Z"', '"soon"', '"2018-04-01"', '5'];

function quoted(text: string): string {
  const json = JSON.stringify(text);
  switch (below(12)) {
    case 0: return `"${[...text].map((c) => (c.length === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)).join('')}"`;
    case 1: return json.replaceAll('/', '\\/');
    default: return json;
  }
}

function anyValue(depth: number): string {
  switch (below(depth > 3 ? 4 : 7)) {
    case 0: return quoted(pick(TEXTS));
    case 1: return pick(NUMBERS);
    case 2: return pick(['true', 'false', 'null', 'tru', 'nulll']);
    case 3: return quoted(pick(TEXTS));
    case 4: return `[${gap()}${list(below(3), () => anyValue(depth + 1))}${gap()}]`;
    case 5: return `{${gap()}${list(below(3), () => `${quoted(pick(TEXTS))}${gap()}:${gap()}${anyValue(depth + 1)}`)}${gap()}}`;
    default: return pick(['[]', '{}', '[ ]', '{ }', '[1,2]', '["a",null]', '{"lat":1.5}', '{"lat":1,"lon":2e0,"x":[]}']);
  }
}

const list = (count: number, item: () => string): string => Array.from({ length: count }, item).join(`${gap()},${gap()}`);
const gap = (): string => (below(6) > 0 ? '' : pick([' ', '  ', '\t', ' \r ', ' ']));

function goodValue(name: string): string {
  switch (name) {
    case 'type': return below(9) > 0 ? '"Payment"' : '"Login"';
    case 'amount': case '_n': case 'level': return pick(['1.5', '512.37', '0', '-7', '99.01', '1000', '3e2']);
    case 'count': case '_i': return pick(['1', '42', '1234567890123', '-5', '0']);
    case 'ok': return pick(['true', 'false']);
    case 'status': return pick(['"ok"', '"fäil"', '"a\\"b"', '"\\u006fk"']);
    case 'at': return pick(TIMES.slice(0, 4));
    case 'tags': return pick(['[]', '["a"]', '["a", "b" ,null]', 'null', '["\\u0061"]']);
    case 'place': return pick(['{"lat":1.5}', 'null', '{"lat":1,"lon":null,"x":[1,{"y":2}]}']);
    default: return quoted(pick(TEXTS));
  }
}

function anEvent(): string {
  const login = below(4) === 0;
  const names = ['type', ...schema.types[login ? 1 : 0]!.fields.map((field) => field.name)];
  if (below(3) === 0) names.sort(() => below(3) - 1);
  const parts: string[] = [];
  for (const name of names) {
    if (below(25) === 0) continue;
    if (below(15) === 0) parts.push(`${quoted(pick(['x', 'extra', '', 'cards', 'car', 'é', 'ключ2', '__proto__']))}:${anyValue(0)}`);
    const value = name === 'type' ? (login ? '"Login"' : goodValue('type')) : below(30) === 0 ? (name === 'at' ? pick(TIMES) : anyValue(0)) : goodValue(name);
    parts.push(`${gap()}${below(30) === 0 ? quoted(name) : JSON.stringify(name)}${gap()}:${gap()}${value}${gap()}`);
    if (below(40) === 0) parts.push(`${JSON.stringify(name)}:${goodValue(name)}`);
  }
  return `{${parts.join(',')}}`;
}

function mutated(text: string): string {
  const at = below(text.length);
  switch (below(8)) {
    case 0: return text.slice(0, at) + text.slice(at + 1);
    case 1: return text.slice(0, at) + pick([...'{}[]",:\\ 0.-eE+tfn\u0000\u001f\u007fé']) + text.slice(at);
    case 2: return text.slice(0, at);
    case 3: return text + pick(['}', ' ', ',', 'x', '{}', '\r', ' \t']);
    case 4: return text.slice(0, at) + pick([...'{}[]",:\\ 0.-eE+tfn']) + text.slice(at + 1);
    default: return text;
  }
}

function compare(lines: readonly string[]): void {
  const { events, rejects } = decodeText(schema, `${lines.join('\n')}${below(2) === 0 ? '\n' : ''}`);
  const accepted = new Map(events.map((event) => [event.line, event]));
  const refused = new Map(rejects.map((reject) => [reject.line, reject]));
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    // A lone surrogate written as it is cannot be UTF-8: the line was encoded with U+FFFD in its place.
    const text = Buffer.from(line).toString();
    const expected = plainly(text);
    const actual = accepted.get(index + 1);
    try {
      if (expected === undefined) {
        expect(actual).toBeUndefined();
        expect(refused.get(index + 1)?.message).toMatch(/./);
      } else {
        expect(actual).toEqual({ ...expected, line: index + 1, text: text.trim() });
      }
    } catch (error) {
      (error as Error).message = `${text}\n${refused.get(index + 1)?.message ?? ''}\n${(error as Error).message}`;
      throw error;
    }
  });
}

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 60);

test('random and damaged events decode as JSON.parse and a plain check of the fields have it', () => {
  for (let round = 0; round < ROUNDS; round++) {
    const lines = Array.from({ length: 200 }, () => (below(2) === 0 ? mutated(anEvent()) : anEvent()));
    compare(lines.map((line) => line.replaceAll('\n', ' ')));
  }
});

test('every number is read as JSON.parse reads it', () => {
  const numbers = Array.from({ length: 20_000 }, () => {
    const digits = (n: number): string => Array.from({ length: n }, () => String(below(10))).join('');
    return `${pick(['', '-'])}${pick(['0', `${1 + below(9)}${digits(below(18))}`])}${pick(['', '', `.${digits(1 + below(12))}`])}${pick(['', '', '', `e${pick(['', '-', '+'])}${below(25)}`])}`;
  });
  const floats = schemaOf({ E: { v: 'float' } });
  const { events, rejects } = decodeText(floats, numbers.map((number) => `{"v":${number}}\n`).join(''), { defaultType: 'E', ingestTime: () => 0 });
  expect(rejects).toEqual([]);
  expect(events.map((event) => event.values['v'])).toEqual(numbers.map((number) => Number(number) + 0));
});
