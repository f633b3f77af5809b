import { describe, expect, test } from '@jest/globals';
import { murmur2, partitionOf } from '../../../src/connect/kafka/index.ts';

describe('murmur2', () => {
  // The cases of Kafka's own test, org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('of "%s" is Java\'s', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  test('of three bytes is Java\'s', () => {
    expect(murmur2(Buffer.from('abc'))).toBe(479470107);
  });

  test('bytes above 127 count as unsigned', () => {
    expect(murmur2(Buffer.from([0xff]))).not.toBe(murmur2(Buffer.from([0x7f])));
    expect(partitionOf('ключ', 12)).toBe(partitionOf(Buffer.from('ключ'), 12));
  });

  test('the partition of a key has no sign; without a key it is 0', () => {
    expect(partitionOf('foobar', 7)).toBe((-790332482 & 0x7fffffff) % 7);
    expect(partitionOf(null, 7)).toBe(0);
  });
});
