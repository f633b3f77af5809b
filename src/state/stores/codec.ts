/**
 * Framing of a chunk's content, format 1, little endian:
 *
 *   0  4  magic "ACHK"
 *   4  1  format
 *   5  1  codec: 0 stored as it is, 1 zstd
 *   6  2  zero
 *   8  4  length of the content
 *  12  4  CRC-32 of bytes 0 to 11 and of everything from 16 on
 *  16     the content, packed
 *
 * The checksum is tested before anything is unpacked. It and the chunk's name (a hash of the frame) find damage; zstd's own checksum tells whether
 * the content that comes out is the one that went in.
 */

import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib';

const MAGIC = 0x4b48_4341; // "ACHK"
const FORMAT = 1;
const HEADER = 16;
const RAW = 0;
const ZSTD = 1;

/** Largest content of a chunk, bytes. It bounds what a damaged length can make us allocate. */
export const MAX_CHUNK_CONTENT = 64 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/**
 * Frames a chunk's content, packed on zlib's thread pool; `raw` must not change until the promise settles.
 * The same content gives the same bytes as long as zstd's version stays.
 */
export async function encodeChunk(raw: Uint8Array): Promise<Uint8Array> {
  if (raw.length > MAX_CHUNK_CONTENT) throw new Error(`A chunk of ${raw.length} bytes is too large: ${MAX_CHUNK_CONTENT} at most.`);
  const packed = await compress(raw, { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } });
  return packed.length < raw.length ? frame(ZSTD, raw.length, packed) : frame(RAW, raw.length, raw);
}

/** @throws Error that says what is wrong with the bytes */
export async function decodeChunk(bytes: Uint8Array): Promise<Uint8Array> {
  const { codec, length, packed } = readFrame(bytes);
  if (codec === RAW) {
    if (packed.length !== length) throw bad(`it says ${length} bytes of content and holds ${packed.length}`);
    return packed;
  }
  // The output grows as it comes, up to the length that the header says: a lie costs no more than the bytes that are really there.
  let raw: Uint8Array;
  try {
    raw = await decompress(packed, { maxOutputLength: Math.max(length, 1), chunkSize: Math.min(Math.max(length, 1024), 256 * 1024) });
  } catch (error) {
    throw bad(`its content cannot be unpacked (${(error as Error).message})`, error);
  }
  if (raw.length !== length) throw bad(`it says ${length} bytes of content and holds ${raw.length}`);
  return raw;
}

function frame(codec: number, length: number, packed: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER + packed.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, FORMAT);
  view.setUint8(5, codec);
  view.setUint32(8, length, true);
  out.set(packed, HEADER);
  view.setUint32(12, checksum(out), true);
  return out;
}

function readFrame(bytes: Uint8Array): { codec: number; length: number; packed: Uint8Array } {
  if (bytes.length < HEADER) throw bad(`it has ${bytes.length} bytes, fewer than its header's ${HEADER}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw bad('it does not begin as a chunk does');
  const format = view.getUint8(4);
  if (format !== FORMAT) throw bad(`it was written in format ${format}; this version reads format ${FORMAT}`);
  if (view.getUint32(12, true) !== checksum(bytes)) throw bad('its checksum is wrong');
  const codec = view.getUint8(5);
  if (codec !== RAW && codec !== ZSTD) throw bad(`codec ${codec} is unknown`);
  const length = view.getUint32(8, true);
  if (length > MAX_CHUNK_CONTENT) throw bad(`it says ${length} bytes of content; ${MAX_CHUNK_CONTENT} is the most`);
  return { codec, length, packed: bytes.subarray(HEADER) };
}

function checksum(framed: Uint8Array): number {
  return crc32(framed.subarray(HEADER), crc32(framed.subarray(0, 12)));
}

function bad(reason: string, cause?: unknown): Error {
  return new Error(`A chunk of state cannot be read: ${reason}.`, { cause });
}
