import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils';
import { KafkaError } from '../errors.ts';

/** Kafka's codecs by name; the place in the list is the number a batch carries. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** @throws Error for a name that is none of CODECS */
export function codecNumber(name: string): number {
  const number = (CODECS as readonly string[]).indexOf(name);
  if (number < 0) throw new Error(`Kafka has no compression "${name}". It has ${CODECS.join(', ')}.`);
  return number;
}

export function compress(codec: number, data: Buffer): Buffer {
  switch (codec) {
    case 0: return data;
    case 1: return gzipSync(data);
    case 2: return snappyCompress(data);
    case 3: return lz4Compress(data);
    case 4: return zstdCompressSync(data);
    default: throw new KafkaError(76);
  }
}

export function decompress(codec: number, data: Buffer): Buffer {
  switch (codec) {
    case 0: return data;
    case 1: return gunzipSync(data);
    case 2: return data.subarray(0, XERIAL.length).equals(XERIAL) ? xerial(data) : snappyDecompress(data);
    case 3: return lz4Decompress(data);
    case 4: return zstdDecompressSync(data);
    default: throw new KafkaError(76);
  }
}

/** Java's producer frames snappy its own way: this magic, two versions, then blocks with their length. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

function xerial(data: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = XERIAL.length + 8; at + 4 <= data.length;) {
    const size = data.readUInt32BE(at);
    blocks.push(snappyDecompress(data.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return Buffer.concat(blocks);
}
