/** The state store of a job, opened for a command that looks into it. */
import { existsSync } from 'node:fs';
import { storeSpec, type JobConfig } from '../../job/config/index.ts';
import type { StateStore, StoreSpec } from '../../state/stores/index.ts';
import { CliError, usageError } from '../errors.ts';
import { printable } from '../format.ts';
import type { Io } from '../io.ts';

/** For opening a store; a test passes one of its own. */
export type OpenStore = (spec: StoreSpec, warn: (message: string) => void) => Promise<StateStore>;

/** Opens the store of a job for as long as `work` runs. What a store that fails says is for the person, as it is. */
export async function withStore(io: Io, path: string, job: JobConfig, open: OpenStore, work: (store: StateStore) => Promise<void>): Promise<void> {
  const spec = storeSpec(job);
  if (spec.kind === 'memory') throw usageError(`The job "${job.name}" keeps its state in the memory of its process ("state.memory"): there is nothing to look into.`);
  // To open a store is to make it where it is not there.
  if ('path' in spec && !existsSync(spec.path)) {
    throw new CliError(`There is no state at ${spec.path}: either the job has never run on this machine, or its state is elsewhere. See "state" in the job file (alcedo config ${path}).`);
  }
  let store: StateStore | undefined;
  try {
    store = await open(spec, (message) => { io.stderr.write(`${printable(message)}\n`); });
    await work(store);
  } catch (error) {
    if (error instanceof CliError || error instanceof TypeError) throw error;
    throw new CliError((error as Error).message);
  } finally {
    await store?.close();
  }
}

/** Without what may be secret of an address. */
export function placeOf(job: JobConfig): string {
  const spec = storeSpec(job);
  switch (spec.kind) {
    case 'memory': return 'memory';
    case 'redis': return `Redis, keys ${spec.prefix ?? 'alcedo'}:…`;
    default: return spec.path;
  }
}
