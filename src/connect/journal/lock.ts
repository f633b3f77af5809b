import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Folders that this process has locked. */
const held = new Set<string>();

/** Keeps a second process, or a second journal of this one, out of a folder. Returns what gives the folder free. A lock of a process that is gone is taken over. */
export async function lockFolder(directory: string): Promise<() => Promise<void>> {
  const folder = resolve(directory);
  const path = join(folder, 'lock');
  if (held.has(folder)) throw new Error(`the journal in ${directory} is open already in this process; two inputs cannot share one folder`);
  held.add(folder);
  try {
    const me = await identity(process.pid);
    // A second try where the lock is stale or vanishes between looking and taking.
    for (let tries = 0; ; tries++) {
      try {
        await writeFile(path, me, { flag: 'wx' });
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries === 3) throw error;
      }
      const owner = await readFile(path, 'utf8').catch(() => '');
      const pid = Number.parseInt(owner, 10);
      if (pid > 0 && pid !== process.pid && owner === await identity(pid)) {
        throw new Error(`the journal in ${directory} is in use by process ${pid}; stop it, or give this job a folder of its own`);
      }
      await rm(path, { force: true });
    }
  } catch (error) {
    held.delete(folder);
    throw error;
  }
  return async () => {
    held.delete(folder);
    await rm(path, { force: true });
  };
}

/** The process and when it began, because its number may be given again; '' for one that is not there. */
async function identity(pid: number): Promise<string> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return '';
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Behind the command's name, which may hold anything, field 20 from here is the start time.
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${pid} ${began}`;
}
