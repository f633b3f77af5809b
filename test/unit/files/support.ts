import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Batch } from '../../../src/core/batch.ts';
import { Strings } from '../../../src/core/strings.ts';
import { mergeByTime, openEvents } from '../../../src/connect/files/index.ts';
import type { EventReader, EventSpec, RejectedEvent } from '../../../src/connect/files/index.ts';
import type { Schema } from '../../../src/core/schema.ts';
import { readRow } from '../decode/support.ts';
import type { Decoded } from '../decode/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'alcedo-files-'));
let files = 0;

/** Writes a file with that ending; returns its path. */
export function fileOf(content: string | Uint8Array, ending = '.jsonl'): string {
  const path = join(folder, `${files++}${ending}`);
  writeFileSync(path, content);
  return path;
}

export interface ReadBack {
  readonly events: (Decoded & { readonly source: number })[];
  readonly rejects: (Omit<RejectedEvent, 'bytes'> & { readonly text: string })[];
}

/** Reads inputs, merged where there are several, to the end. `sweep`: the table of strings is swept after each batch. */
export async function readAll(schema: Schema, specs: readonly EventSpec[], options: { capacity?: number; sweep?: boolean } = {}): Promise<ReadBack> {
  const strings = new Strings();
  const rejects: ReadBack['rejects'] = [];
  const readers: EventReader[] = [];
  for (const spec of specs) {
    readers.push(await openEvents(spec, {
      schema, strings, ingestTime: () => 0, onReject: ({ bytes, ...rest }) => rejects.push({ ...rest, text: Buffer.from(bytes).toString() }),
    }));
  }
  const reader = mergeByTime(readers);
  const batch = new Batch(schema.slots, options.capacity ?? 5);
  const events: ReadBack['events'] = [];
  for (;;) {
    const count = await reader.read(batch);
    if (count !== batch.count) throw new Error(`read says ${count}, the batch ${batch.count}`);
    if (count === 0) break;
    for (let row = 0; row < count; row++) events.push({ ...readRow(schema, strings, batch, row), source: batch.source });
    if (options.sweep === true) strings.sweep(() => false);
  }
  if (reader.bytesTotal !== undefined && reader.bytesRead !== reader.bytesTotal) throw new Error(`${reader.bytesRead} of ${reader.bytesTotal} bytes read`);
  await reader.close();
  return { events, rejects };
}
