import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decodeManifest, encodeManifest } from '../../../src/state/stores/manifest.ts';
import { encodeName, nextToken } from '../../../src/state/stores/names.ts';

const manifest = { checkpoint: 17, chunks: ['a'.repeat(64), 'b'.repeat(64)], body: '{"offsets":{"payments/3":81},"note":"é\\n"}', written: 1_700_000_000_000, savepoint: 'before the upgrade' };

function signed(json: string, format = 1): Uint8Array {
  return Buffer.from(`alcedo-manifest ${format} ${createHash('sha256').update(json).digest('hex')}\n${json}`);
}

test('a manifest comes back as it was', () => {
  expect(decodeManifest(17, encodeManifest(manifest))).toEqual({ manifest });
});

test('any changed byte is found', () => {
  const good = encodeManifest(manifest);
  for (let at = 0; at < good.length; at++) {
    const bad = good.slice();
    bad[at] = (bad[at] as number) ^ 4;
    expect(decodeManifest(17, bad)).toEqual({ damage: expect.stringContaining('checkpoint 17') });
  }
  for (let length = 0; length < good.length; length++) expect(decodeManifest(17, good.subarray(0, length))).toHaveProperty('damage');
});

test('a later format is told apart from damage', () => {
  expect(decodeManifest(17, signed('{}', 2))).toEqual({ damage: 'checkpoint 17: it was written in format 2; this version reads format 1' });
});

test.each(['null', '[]', '{}', '1', '{"checkpoint":17,"written":1,"body":"","chunks":[1]}', '{"checkpoint":17,"written":1,"chunks":[]}', '{"checkpoint":17,"written":1,"body":"","chunks":[],"savepoint":1}', '{'])(
  'with a right checksum too, %s is no manifest', (json) => {
    expect(decodeManifest(17, signed(json))).toEqual({ damage: 'checkpoint 17: its fields are not those of a manifest' });
  });

test.each([-1, 1.5, NaN, 2 ** 53])('%d numbers no checkpoint', (checkpoint) => {
  expect(() => encodeManifest({ ...manifest, checkpoint })).toThrow('cannot number a checkpoint');
});

test('a manifest written in format 1 can be read', async () => {
  const bytes = await readFile(new URL('../../fixtures/state/manifest-format-1', import.meta.url));
  expect(decodeManifest(17, bytes)).toEqual({ manifest });
});

test('names of tasks in keys and files use few characters and differ when the tasks do', () => {
  expect(encodeName('payments-2_x')).toBe('payments-2_x');
  expect(encodeName('a/B{c}.é%')).toBe('a%2f%42%7bc%7d%2e%c3%a9%25');
  expect(() => encodeName('\udc00')).toThrow('surrogate');
});

test('a token grows by the clock, and by one where the clock stands or went back', () => {
  expect(nextToken(0, 5000)).toBe(5000);
  expect(nextToken(5000, 5000)).toBe(5001);
  expect(nextToken(9000, 100)).toBe(9001);
});
