import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { crc32, zstdCompressSync } from 'node:zlib';
import { decodeChunk, encodeChunk, MAX_CHUNK_CONTENT } from '../../../src/state/stores/index.ts';

const FIXTURES = new URL('../../fixtures/state/', import.meta.url);

/** A frame with a right checksum around whatever header is asked for. */
function frame(codec: number, length: number, packed: Uint8Array, format = 1): Uint8Array {
  const out = Buffer.concat([Buffer.alloc(16), packed]);
  out.write('ACHK', 0, 'latin1');
  out.writeUInt8(format, 4);
  out.writeUInt8(codec, 5);
  out.writeUInt32LE(length, 8);
  out.writeUInt32LE(crc32(out.subarray(16), crc32(out.subarray(0, 12))), 12);
  return out;
}

test('what was framed comes back', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.nat(50), async (raw, repeat) => {
    const content = Buffer.concat(Array.from({ length: repeat }, () => raw));
    expect(Buffer.compare(await decodeChunk(await encodeChunk(content)), content)).toBe(0);
  }), { numRuns: 100 });
});

test('content that shrinks is packed, content that does not is stored with 16 bytes more', async () => {
  const sparse = new Uint8Array(256 * 1024).fill(7, 1000, 2000);
  expect((await encodeChunk(sparse)).length).toBeLessThan(200);
  const random = randomBytes(256 * 1024);
  expect((await encodeChunk(random)).length).toBe(random.length + 16);
});

test('the same content gives the same bytes: an unchanged chunk keeps its name', async () => {
  const content = Buffer.from('abc'.repeat(10_000));
  expect(Buffer.compare(await encodeChunk(content), await encodeChunk(Buffer.from(content)))).toBe(0);
});

test('any changed byte is found', async () => {
  for (const content of [Buffer.from('alert '.repeat(50)), randomBytes(40)]) {
    const good = await encodeChunk(content);
    for (let at = 0; at < good.length; at++) {
      const bad = good.slice();
      bad[at] = (bad[at] as number) ^ (1 << (at % 8));
      await expect(decodeChunk(bad)).rejects.toThrow('A chunk of state cannot be read');
    }
    for (let length = 0; length < good.length; length++) await expect(decodeChunk(good.subarray(0, length))).rejects.toThrow('cannot be read');
  }
});

test('garbage is an error, whatever it is', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
    await expect(decodeChunk(bytes)).rejects.toThrow('A chunk of state cannot be read');
  }), { numRuns: 200 });
});

test('with a right checksum too, a header that lies is found without room being made for the lie', async () => {
  const packed = zstdCompressSync(Buffer.from('x'.repeat(1000)));
  await expect(decodeChunk(frame(1, 999, packed))).rejects.toThrow('cannot be unpacked');
  await expect(decodeChunk(frame(1, 1001, packed))).rejects.toThrow('it says 1001 bytes of content and holds 1000');
  await expect(decodeChunk(frame(0, 5, Buffer.from('x')))).rejects.toThrow('it says 5 bytes of content and holds 1');
  await expect(decodeChunk(frame(1, MAX_CHUNK_CONTENT + 1, packed))).rejects.toThrow('is the most');
  await expect(decodeChunk(frame(1, 10, Buffer.from('no zstd')))).rejects.toThrow('cannot be unpacked');
  await expect(decodeChunk(frame(7, 1, Buffer.from('x')))).rejects.toThrow('codec 7 is unknown');
  await expect(decodeChunk(frame(0, 1, Buffer.from('x'), 2))).rejects.toThrow('written in format 2; this version reads format 1');
  // A bomb: 64 MiB of zeros in some KiB, said to be 100 bytes.
  const before = process.memoryUsage().arrayBuffers;
  await expect(decodeChunk(frame(1, 100, zstdCompressSync(new Uint8Array(MAX_CHUNK_CONTENT))))).rejects.toThrow('cannot be unpacked');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MAX_CHUNK_CONTENT * 2);
});

test('a chunk that is too large is refused before it is packed', async () => {
  await expect(encodeChunk(new Uint8Array(MAX_CHUNK_CONTENT + 1))).rejects.toThrow('too large');
});

test('chunks written in format 1 can be read', async () => {
  const expected = JSON.parse(await readFile(new URL('chunk-format-1.json', FIXTURES), 'utf8')) as { file: string; sha256: string; length: number }[];
  expect((await readdir(FIXTURES)).filter((name) => name.startsWith('chunk-format-1-')).sort()).toEqual(expected.map(({ file }) => file).sort());
  for (const { file, sha256, length } of expected) {
    const content = await decodeChunk(await readFile(new URL(file, FIXTURES)));
    expect(content.length).toBe(length);
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
  }
});
