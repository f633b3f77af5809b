import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './processes.ts';

const project = join(import.meta.dirname, '../../..');

/** Where servers that were fetched are kept between test runs: in node_modules, else in the user's cache folder. */
export function cacheFolder(): string {
  const candidates = [join(project, 'node_modules/.cache/alcedo'), join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'alcedo')];
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch { /* the next one */ }
  }
  throw new Error(`No folder can be written to keep test servers in: tried ${candidates.join(' and ')}. Set XDG_CACHE_HOME to one that can.`);
}

/** Where Node keeps what it has compiled (NODE_COMPILE_CACHE) for the processes that tests start, which takes more than half off each start. By content, so never out of date. */
export function compiledFolder(): string { return join(cacheFolder(), 'compiled'); }

/**
 * The folder of that name in the cache; `make` fills it when it is not there yet. Made under another name and renamed when complete, so that a run
 * that was killed leaves no half of it; a lock keeps the other test processes waiting meanwhile.
 */
export async function cached(name: string, make: (folder: string) => void | Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  await locked(name, async () => {
    if (existsSync(folder)) return;
    const draft = `${folder}.draft`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    await make(draft);
    renameSync(draft, folder);
  });
  return folder;
}

/** Runs `work` while no other process of this user runs work of that name. A lock whose owner is dead is taken over. */
export async function locked(name: string, work: () => Promise<void>): Promise<void> {
  const lock = join(cacheFolder(), `${name}.lock`);
  for (let waited = 0; ; waited += 100) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    let owner = NaN;
    try {
      owner = Number(readFileSync(lock, 'utf8') || NaN);
    } catch { /* it has just been given back */ }
    if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true });
    if (waited > 300_000) throw new Error(`Process ${owner} has held ${lock} for five minutes; end it, or remove the file.`);
    await sleep(100);
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}
