import { describe, expect, test } from '@jest/globals';
import { Reader as PlatformaticReader, createRecordsBatch, readRecordsBatch } from '@platformatic/kafka';
import { crc32c } from '@platformatic/wasm-utils';
import fc from 'fast-check';
import { Reader, Writer } from '../../../src/connect/kafka/protocol/bytes.ts';
import { CODECS } from '../../../src/connect/kafka/protocol/codecs.ts';
import { decodeRecords, encodeRecords } from '../../../src/connect/kafka/protocol/records.ts';
import type { ProducedRecord } from '../../../src/connect/kafka/index.ts';

const plain = { producerId: -1, producerEpoch: -1, firstSequence: -1, transactional: false, codec: 0, now: 1000 };

/** A batch as it lies in a log: with the offset of its first record. */
function batch(base: number, values: readonly string[], stamp: Partial<typeof plain> = {}): Buffer {
  const bytes = Buffer.from(encodeRecords(values.map((value) => ({ topic: 't', key: null, value: Buffer.from(value) })), { ...plain, ...stamp }));
  bytes.writeBigInt64BE(BigInt(base), 0);
  return bytes;
}

/** A control batch: the marker that ends a producer's transaction. */
function marker(base: number, producerId: number, commit: boolean): Buffer {
  const key = Buffer.from(new Writer().int16(0).int16(commit ? 1 : 0).finish());
  const bytes = Buffer.from(encodeRecords([{ topic: 't', key, value: Buffer.alloc(6) }], { ...plain, producerId, transactional: true }));
  bytes.writeBigInt64BE(BigInt(base), 0);
  bytes.writeInt16BE(bytes.readInt16BE(21) | 0x20, 21);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

const seen = (bytes: Buffer, from: number, aborted?: { producerId: number; firstOffset: number }[]): [string[], number] => {
  const columns = decodeRecords(bytes, from, aborted);
  return [columns.values.map(String), columns.next];
};

describe('record batches', () => {
  test('another client reads what is written here, and is read here', () => {
    const record = { topic: 't', key: Buffer.from('k'), value: Buffer.from('v'), headers: { h: '1' }, time: 1_700_000_000_000 };
    const ours = readRecordsBatch(PlatformaticReader.from(encodeRecords([record, record], { ...plain, producerId: 77, producerEpoch: 3, firstSequence: 9, transactional: true })));
    expect(ours).toMatchObject({ magic: 2, attributes: 0x10, lastOffsetDelta: 1, firstTimestamp: 1_700_000_000_000n, maxTimestamp: 1_700_000_000_000n, producerId: 77n, producerEpoch: 3, firstSequence: 9 });
    expect(ours.records[1]).toMatchObject({ offsetDelta: 1, timestampDelta: 0n, key: record.key, value: record.value, headers: [[Buffer.from('h'), Buffer.from('1')]] });
    for (const compression of CODECS) {
      const theirs = createRecordsBatch([{ topic: 't', key: record.key, value: record.value, timestamp: 1_700_000_000_000n, headers: new Map([[Buffer.from('h'), Buffer.from('1')]]) }], { compression });
      const columns = decodeRecords(theirs.buffer, 0, undefined);
      expect([columns.keys.map(String), columns.values.map(String), columns.times, columns.header(0, 'h')]).toEqual([['k'], ['v'], [1_700_000_000_000], '1']);
    }
  });

  test('a batch that does not agree with its checksum, or says a size that none has, is no records', () => {
    const good = Buffer.concat([batch(5, ['a', 'b']), batch(7, ['c'])]);
    expect(seen(good, 0)).toEqual([['a', 'b', 'c'], 8]);
    const first = 12 + good.readInt32BE(8);
    for (let at = 17; at < first; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1;
      expect(() => decodeRecords(bad, 0, undefined)).toThrow('CORRUPT_MESSAGE (a batch arrived damaged): the batch at offset 5 does not agree with its checksum');
    }
    const unchecked = Buffer.from(good);
    unchecked[17]! ^= 1;
    expect(decodeRecords(unchecked, 0, undefined, false).count).toBe(3);
    for (const size of [-13, -12, 0, 48]) {
      const bad = Buffer.from(good);
      bad.writeInt32BE(size, 8);
      expect(() => decodeRecords(bad, 0, undefined, false)).toThrow(`the batch at offset 5 says it has ${size} bytes`);
    }
  });

  test('any records come back, by any codec', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
    const record: fc.Arbitrary<ProducedRecord> = fc.record({
      topic: fc.constant('t'), key: bytes, value: bytes, time: fc.integer({ min: 0, max: 2 ** 45 }), headers: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), { maxKeys: 3 }),
    });
    fc.assert(fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), fc.integer({ min: 0, max: 4 }), (records, codec) => {
      const columns = decodeRecords(encodeRecords(records, { ...plain, codec }), 0, undefined);
      expect(columns.count).toBe(records.length);
      for (const [i, { key, value, time, headers }] of records.entries()) {
        expect([columns.keys[i] && [...columns.keys[i]], columns.values[i] && [...columns.values[i]], columns.times[i], columns.offsets[i]])
          .toEqual([key && [...key as Uint8Array], value && [...value], time, i]);
        for (const [name, text] of Object.entries(headers!)) expect(columns.header(i, name)).toBe(text);
      }
    }), { numRuns: 200 });
    expect(CODECS).toHaveLength(5);
  });

  test('records below the offset that was asked for are left out', () => {
    expect(seen(batch(10, ['a', 'b', 'c']), 12)).toEqual([['c'], 13]);
  });

  test('a batch that was cut off is left out, and the next offset is behind the last whole one', () => {
    const bytes = Buffer.concat([batch(0, ['a']), batch(1, ['b', 'c'])]);
    expect(seen(bytes.subarray(0, bytes.length - 1), 0)).toEqual([['a'], 1]);
    expect(seen(bytes.subarray(0, 30), 0)).toEqual([[], 0]);
  });

  test('aborted records and markers are not seen; next is behind them', () => {
    const tx = { producerId: 5, transactional: true };
    const bytes = Buffer.concat([
      batch(0, ['gone'], tx), batch(1, ['other'], { producerId: 6, transactional: true }), marker(2, 5, false),
      batch(3, ['gone too'], tx), marker(4, 5, false), batch(5, ['kept'], tx), marker(6, 5, true), marker(7, 6, true), batch(8, ['gone again'], tx), marker(9, 5, false),
    ]);
    const aborted = [{ producerId: 5, firstOffset: 8 }, { producerId: 5, firstOffset: 0 }, { producerId: 5, firstOffset: 3 }];
    expect(seen(bytes, 0, aborted)).toEqual([['other', 'kept'], 10]);
    expect(seen(bytes, 0)).toEqual([['gone', 'other', 'gone too', 'kept', 'gone again'], 10]);
    // The marker lies in a later fetch: what has come so far is aborted all the same.
    expect(seen(Buffer.concat([batch(0, ['gone'], tx), batch(1, ['gone'], tx)]), 0, [{ producerId: 5, firstOffset: 0 }])).toEqual([[], 2]);
    // Plain records of the same producer id space are not a transaction's.
    expect(seen(batch(0, ['plain']), 0, [{ producerId: -1, firstOffset: 0 }])).toEqual([['plain'], 1]);
  });

  test('numbers of 64 bits and varints go through', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), fc.nat(), (long, short) => {
      const reader = new Reader(Buffer.from(new Writer().int64(long).uvarint(short).compactString('é').string(null).finish()));
      expect([reader.int64(), reader.uvarint(), reader.compactString(), reader.string()]).toEqual([long, short, 'é', null]);
    }));
  });
});
