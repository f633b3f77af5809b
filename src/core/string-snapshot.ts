/** A table of strings as bytes: a head, the ids with their lengths, then the bytes of all. */
import type { StringEntry } from './string-arena.ts';

const FORMAT = 0x31525453; // "STR1", little-endian

/** `entries`: by id. */
export function writeSnapshot(entries: readonly StringEntry[]): Uint8Array {
  let size = 0;
  for (const { bytes } of entries) size += bytes.length;
  const out = new Uint8Array(12 + 8 * entries.length + size);
  const view = new DataView(out.buffer);
  view.setUint32(0, FORMAT, true);
  view.setUint32(4, entries.length, true);
  view.setUint32(8, size, true);
  let at = 12;
  let end = 12 + 8 * entries.length;
  for (const { id, bytes } of entries) {
    view.setUint32(at, id, true);
    view.setUint32(at + 4, bytes.length, true);
    at += 8;
    out.set(bytes, end);
    end += bytes.length;
  }
  return out;
}

/** Throws on bytes that are no snapshot. */
export function readSnapshot(snapshot: Uint8Array): StringEntry[] {
  const broken = (what: string): Error => new Error(`not a snapshot of strings: ${what}`);
  if (snapshot.length < 12) throw broken(`${snapshot.length} bytes are too few`);
  const view = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
  if (view.getUint32(0, true) !== FORMAT) throw broken('it begins with other bytes');
  const count = view.getUint32(4, true);
  const size = view.getUint32(8, true);
  if (snapshot.length !== 12 + 8 * count + size) throw broken(`${snapshot.length} bytes, ${12 + 8 * count + size} expected`);
  const entries: StringEntry[] = [];
  let end = 12 + 8 * count;
  for (let i = 0; i < count; i++) {
    const id = view.getUint32(12 + 8 * i, true);
    const length = view.getUint32(16 + 8 * i, true);
    if (end + length > snapshot.length || (i > 0 && id <= entries[i - 1]!.id)) throw broken(`entry ${i} is damaged`);
    entries.push({ id, bytes: snapshot.subarray(end, end + length) });
    end += length;
  }
  if (end !== snapshot.length) throw broken('its lengths do not add up');
  return entries;
}
