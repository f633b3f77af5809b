/**
 * How a manifest is written: one line `alcedo-manifest <format> <SHA-256 of the rest>`, then JSON. The checksum is its own, so that a store finds a
 * damaged manifest by itself.
 */

import { createHash } from 'node:crypto';
import type { Manifest } from './types.ts';

const MAGIC = 'alcedo-manifest';
const FORMAT = 1;
const HEAD = /^alcedo-manifest (\d{1,9}) ([0-9a-f]{64})\n/;

export type ReadManifest = { readonly manifest: Manifest } | { readonly damage: string };

export function encodeManifest(manifest: Manifest): Uint8Array {
  const { checkpoint, chunks, body, written, savepoint } = manifest;
  if (!Number.isSafeInteger(checkpoint) || checkpoint < 0) throw new Error(`${checkpoint} cannot number a checkpoint; a whole number from 0 can.`);
  const json = JSON.stringify({ checkpoint, written, savepoint, body, chunks });
  return Buffer.from(`${MAGIC} ${FORMAT} ${sha256(json)}\n${json}`, 'utf8');
}

/** Never throws: what cannot be read says why. `checkpoint` is the number under which it was stored. */
export function decodeManifest(checkpoint: number, bytes: Uint8Array): ReadManifest {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const head = HEAD.exec(text);
  if (head === null) return damage(checkpoint, 'it does not begin as a manifest does');
  if (Number(head[1]) !== FORMAT) return damage(checkpoint, `it was written in format ${head[1]}; this version reads format ${FORMAT}`);
  const json = text.slice(head[0].length);
  if (sha256(json) !== head[2]) return damage(checkpoint, 'its checksum is wrong');
  const manifest = fields(json);
  if (manifest === undefined) return damage(checkpoint, 'its fields are not those of a manifest');
  if (manifest.checkpoint !== checkpoint) return damage(checkpoint, `it says it is checkpoint ${manifest.checkpoint}`);
  return { manifest };
}

function damage(checkpoint: number, reason: string): ReadManifest {
  return { damage: `checkpoint ${checkpoint}: ${reason}` };
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function fields(json: string): Manifest | undefined {
  let value: Partial<Manifest> | null;
  try {
    value = JSON.parse(json) as Partial<Manifest> | null;
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { checkpoint, chunks, body, written, savepoint } = value;
  if (typeof checkpoint !== 'number' || typeof written !== 'number' || typeof body !== 'string') return undefined;
  if (!Array.isArray(chunks) || !chunks.every((name) => typeof name === 'string')) return undefined;
  if (savepoint !== undefined && typeof savepoint !== 'string') return undefined;
  return { checkpoint, chunks, body, written, ...(savepoint === undefined ? {} : { savepoint }) };
}

export interface Manifests {
  readonly manifests: readonly Manifest[];
  readonly damaged: readonly string[];
}

/** What `StateStore.manifests` gives, of the stored bytes by checkpoint. */
export function readManifests(stored: Iterable<readonly [checkpoint: number, bytes: Uint8Array]>): Manifests {
  const manifests: Manifest[] = [];
  const damaged: string[] = [];
  for (const [checkpoint, bytes] of [...stored].sort(([a], [b]) => b - a)) {
    const read = decodeManifest(checkpoint, bytes);
    if ('manifest' in read) manifests.push(read.manifest);
    else damaged.push(read.damage);
  }
  return { manifests, damaged };
}

/** Splits what is stored into what `collect` keeps and drops. A manifest that cannot be read is kept only if it is named: no one can restore it. */
export function retention(stored: Iterable<readonly [checkpoint: number, bytes: Uint8Array]>, keep: readonly number[]): { readonly live: Set<string>; readonly drop: number[] } {
  const named = new Set(keep);
  const live = new Set<string>();
  const drop: number[] = [];
  for (const [checkpoint, bytes] of stored) {
    const read = decodeManifest(checkpoint, bytes);
    const kept = named.has(checkpoint) || ('manifest' in read && read.manifest.savepoint !== undefined);
    if (!kept) drop.push(checkpoint);
    else if ('manifest' in read) for (const name of read.manifest.chunks) live.add(name);
  }
  return { live, drop };
}
