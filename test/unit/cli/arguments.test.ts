import { describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from 'commander';
import { collect, parseCount, parseDuration, parseEvents, parseMappings, parseParam, parseTime } from '../../../src/cli/arguments.ts';

describe('parseDuration', () => {
  test.each([['0', 0], ['250ms', 250], ['5s', 5000], ['10m', 600_000], ['1h30m', 5_400_000], ['9m59s', 599_000], ['7d', 604_800_000], ['1.5s', 1500]])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  test.each(['', '5', '5 s', 's', '5x', '-5s', '5s10', '1e3s'])('"%s" is refused', (text) => {
    expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
  });
});

describe('parseTime', () => {
  test.each([
    ['2018-04-01', '2018-04-01T00:00:00.000Z'],
    ['2018-04-01T12:30', '2018-04-01T12:30:00.000Z'],
    ['2018-04-01 12:30:05', '2018-04-01T12:30:05.000Z'],
    ['2018-04-01T12:30:05.250Z', '2018-04-01T12:30:05.250Z'],
    ['2018-04-01T12:30:05+02:00', '2018-04-01T10:30:05.000Z'],
    ['1522540800000', '2018-04-01T00:00:00.000Z'],
  ])('%s is %s', (text, iso) => {
    expect(new Date(parseTime(text)).toISOString()).toBe(iso);
  });
  test.each(['', '2018', 'yesterday', '2018-02-30', '2018-04-01T25:00', '99999999999999999999'])('"%s" is refused', (text) => {
    expect(() => parseTime(text)).toThrow(InvalidArgumentError);
  });
});

test('a count is a whole number of at least 0', () => {
  expect(parseCount('0')).toBe(0);
  expect(parseCount('1_000_000')).toBe(1_000_000);
  for (const text of ['', '-1', '1.5', '1e3', '99999999999999999999', 'x']) expect(() => parseCount(text)).toThrow(InvalidArgumentError);
});

test('lists gather over commas and repetition', () => {
  expect(collect('a, b', collect('c', undefined))).toEqual(['c', 'a', 'b']);
});

test('a mapping names type, field and the name in the data, which may hold anything', () => {
  expect(parseMappings('Payment.card=customer_id,Payment.at=Time (UTC)', undefined)).toEqual([
    { type: 'Payment', field: 'card', source: 'customer_id' },
    { type: 'Payment', field: 'at', source: 'Time (UTC)' },
  ]);
  for (const text of ['card=x', 'payment.card=x', 'Payment.card=', 'Payment.card', '']) expect(() => parseMappings(text, undefined)).toThrow(InvalidArgumentError);
});

test('a param override keeps its value as text, also with = and commas in it', () => {
  expect(parseParam('sql=a=b, c', parseParam('big = 750', undefined))).toEqual([{ name: 'big', text: '750' }, { name: 'sql', text: 'a=b, c' }]);
  for (const text of ['big', 'Big=1', '=1']) expect(() => parseParam(text, undefined)).toThrow(InvalidArgumentError);
});

test('an input is a path, or a type and a path', () => {
  expect(parseEvents('Payment=pay.csv', parseEvents('-', undefined))).toEqual([{ path: '-', type: undefined }, { path: 'pay.csv', type: 'Payment' }]);
  expect(parseEvents('./Payment=pay.csv', undefined)).toEqual([{ path: './Payment=pay.csv', type: undefined }]);
  expect(() => parseEvents('', undefined)).toThrow(InvalidArgumentError);
});
