import type { Manifests } from './manifest.ts';
import { chunkName } from './names.ts';

export interface VerifyInput {
  readonly manifests: Manifests;
  /** Every chunk the store has for the task. */
  readonly chunks: readonly string[];
  /** The bytes as stored; undefined: gone meanwhile. */
  readonly read: (name: string) => Promise<Uint8Array | undefined>;
}

/** The findings of `StateStore.verify`, a sentence each. Reads every chunk, one at a time. */
export async function verifyTask(input: VerifyInput): Promise<string[]> {
  const findings = input.manifests.damaged.map((what) => `damaged manifest: ${what}`);
  const present = new Set(input.chunks);
  const named = new Set<string>();
  for (const { checkpoint, chunks, savepoint } of input.manifests.manifests) {
    const label = savepoint === undefined ? `checkpoint ${checkpoint}` : `checkpoint ${checkpoint} (savepoint "${savepoint}")`;
    for (const name of new Set(chunks)) {
      named.add(name);
      if (!present.has(name)) findings.push(`missing chunk: ${label} names ${name}, which is not there`);
    }
  }
  for (const name of present) {
    const bytes = await input.read(name);
    if (bytes === undefined) continue;
    if (chunkName(bytes) !== name) findings.push(`damaged chunk: ${name} (${bytes.length} bytes), its bytes do not give its name`);
    else if (!named.has(name)) findings.push(`unnamed chunk: ${name} (${bytes.length} bytes), no manifest names it; it goes with the next collection`);
  }
  return findings;
}
