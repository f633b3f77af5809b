import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isoTime } from '../../../src/decode/index.ts';

function read(text: string): number {
  const bytes = Buffer.from(`..${text}..`);
  return isoTime(bytes, 2, bytes.length - 2);
}

test('every ISO text that Date writes is read as that time', () => {
  fc.assert(fc.property(fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }), (date) => {
    expect(read(date.toISOString())).toBe(date.getTime());
    expect(read(date.toISOString().replace('T', ' ').replace('Z', '+00:00'))).toBe(date.getTime());
  }));
});

test.each([
  ['2018-04-01', '2018-04-01T00:00:00.000Z'],
  ['2018-04-01T12:30', '2018-04-01T12:30:00.000Z'],
  ['2018-04-01T12:30:15', '2018-04-01T12:30:15.000Z'],
  ['2018-04-01t12:30:15z', '2018-04-01T12:30:15.000Z'],
  ['2018-04-01T12:30:15.5+02:00', '2018-04-01T10:30:15.500Z'],
  ['2018-04-01T12:30:15,25-0330', '2018-04-01T16:00:15.250Z'],
  ['2018-04-01T12:30:15+02', '2018-04-01T10:30:15.000Z'],
  ['2018-04-01T24:00:00Z', '2018-04-02T00:00:00.000Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ['2020-02-29T00:00:00Z', '2020-02-29T00:00:00.000Z'],
  ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
])('%s is %s', (text, iso) => expect(read(text)).toBe(Date.parse(iso)));

test('fractions of a millisecond are kept', () => {
  expect(read('1970-01-01T00:00:00.123456Z')).toBe(123.456);
  expect(read('1970-01-01T00:00:00.000000001Z')).toBe(0.000001);
  expect(read('1970-01-01T00:00:00.1234567890123456789Z')).toBeCloseTo(123.456789012, 9);
});

test.each(['', '2018', '2018-04', '20180401', '2018-13-01', '2018-00-01', '2018-04-31', '2019-02-29', '1900-02-29', '2018-04-01T', '2018-04-01T1', '2018-04-01T12', '2018-04-01T12:3',
  '2018-04-01T25:00', '2018-04-01T24:00:01', '2018-04-01T12:60', '2018-04-01T12:30:61', '2018-04-01T12:30:15.', '2018-04-01T12:30:15Zx', '2018-04-01T12:30:15+2', '2018-04-01T12:30:15+24:00',
  '2018-04-01T12:30:15+02:60', '2018-04-01X12:30', ' 2018-04-01', '2018-04-01 ', '２018-04-01'])('"%s" is no time', (text) => expect(read(text)).toBeNaN());
