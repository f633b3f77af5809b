import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached, locked } from './cache.ts';
import { run } from './commands.ts';
import { findProgram } from './processes.ts';

export interface Program {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What Debian's packages of both servers need beyond a minimal system, for unpacking them without root. */
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'mosquitto', 'libmosquitto1', 'libcjson1', 'libdlt2', 'libwrap0'];

/** A server program of Debian's: the one on the PATH; else installed by root; else fetched and unpacked into the cache folder. */
export async function debianProgram(name: 'redis-server' | 'mosquitto'): Promise<Program> {
  const found = findProgram(name);
  if (found !== undefined) return { command: found, env: {} };
  const failures: string[] = [];
  if (findProgram('apt-get') !== undefined) {
    for (const way of process.getuid?.() === 0 ? [install, unpack] : [unpack]) {
      try {
        return await way(name);
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
  }
  throw new Error(`The tests need ${name}, which is not on the PATH: apt-get install redis-server mosquitto. npm run test:unit does not need it.` +
    failures.map((failure) => `\nTried to get it: ${failure}`).join(''));
}

async function install(name: string): Promise<Program> {
  await locked('apt', async () => {
    if (findProgram(name) !== undefined) return;
    // Run level 1 keeps Debian from starting the servers on their usual ports.
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const apt = (): Promise<string> => run('apt-get', ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'redis-server', 'mosquitto'], { env });
    await apt().catch(async () => {
      await run('apt-get', ['update'], { env });
      await apt();
    });
  });
  const command = findProgram(name);
  if (command === undefined) throw new Error(`apt-get has installed ${name}, but it is not on the PATH.`);
  return { command, env: {} };
}

async function unpack(name: string): Promise<Program> {
  const folder = await cached('debian', async (draft) => {
    await run('apt-get', ['download', ...PACKAGES], { cwd: draft });
    for (const file of readdirSync(draft).filter((entry) => entry.endsWith('.deb'))) await run('dpkg', ['-x', join(draft, file), join(draft, 'root')]);
  });
  const root = join(folder, 'root');
  const command = ['usr/bin', 'usr/sbin'].map((bin) => join(root, bin, name)).find((file) => existsSync(file));
  if (command === undefined) throw new Error(`The unpacked packages in ${folder} hold no ${name}; remove the folder to fetch them again.`);
  const libraries = ['usr/lib', 'lib'].flatMap((lib) => existsSync(join(root, lib)) ?
    readdirSync(join(root, lib)).filter((entry) => entry.includes('-linux-')).map((entry) => join(root, lib, entry)) : []);
  return { command, env: { LD_LIBRARY_PATH: libraries.join(':') } };
}
