/**
 * `node test/support/write-formats.ts FOLDER`: what the present formats of everything on a disk or in Redis look like, for test/fixtures/formats. To be run when a
 * format gets a new number, under new names; what is there is never written again: test/unit/stores/formats.test.ts shows that it is still read.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { Journal } from '../../src/connect/journal/index.ts';
import { saveParts } from '../../src/connect/tail/identity.ts';
import { TaskStore } from '../../src/job/state.ts';
import { openStore, type StateStore, type StoreSpec } from '../../src/state/stores/index.ts';
import { startRedis } from './brokers/index.ts';
import { BODIES, ENTRIES, IMAGES, PARTS, TASK } from './formats.ts';
import { keepingLog } from './quiet-log.ts';

const target = process.argv[2]!;
const scratch = mkdtempSync(join(tmpdir(), 'alcedo-formats-'));
const write = (name: string, data: unknown): void => { writeFileSync(join(target, name), `${JSON.stringify(data, null, 1)}\n`); };

/** Two checkpoints of a task: the second shares pages with the first. */
async function fill(spec: StoreSpec): Promise<void> {
  const store: StateStore = await openStore(spec);
  const task = new TaskStore(store, TASK, 3, keepingLog());
  await task.acquire();
  for (const [i, body] of BODIES.entries()) await task.write(i + 1, body, IMAGES[i]!);
  await store.close();
}

/** A folder as plain data. */
function folderOf(root: string): Record<string, string | null> {
  const all: Record<string, string | null> = {};
  for (const name of (readdirSync(root, { recursive: true }) as string[]).sort()) {
    const path = join(root, name);
    all[relative(root, path)] = statSync(path).isDirectory() ? null : readFileSync(path).toString('base64');
  }
  return all;
}

await fill({ kind: 'directory', path: join(scratch, 'directory') });
write('directory-1.json', folderOf(join(scratch, 'directory')));
await fill({ kind: 'sqlite', path: join(scratch, 'state.sqlite') });
writeFileSync(join(target, 'sqlite-1.gz'), gzipSync(readFileSync(join(scratch, 'state.sqlite'))));

const server = await startRedis();
await fill({ kind: 'redis', url: server.url, prefix: 'formats' });
const direct = new Redis(server.url);
const commands: string[][] = [];
const base64 = (value: unknown): string => Buffer.from(value as Buffer).toString('base64');
for (const key of (await direct.keys('*')).sort()) {
  const type = await direct.type(key);
  if (type === 'string') commands.push(['SET', key, base64(await direct.getBuffer(key))]);
  else if (type === 'hash') for (const [field, value] of Object.entries(await direct.hgetallBuffer(key))) commands.push(['HSET', key, field, base64(value)]);
  else if (type === 'zset') {
    const cells = await direct.zrange(key, 0, '-1', 'WITHSCORES');
    for (let i = 0; i < cells.length; i += 2) commands.push(['ZADD', key, cells[i + 1]!, base64(cells[i]!)]);
  } else throw new Error(`no way to note a ${type}`);
}
write('redis-1.json', commands);
direct.disconnect();
await server.stop();

const journal = await Journal.open({ directory: join(scratch, 'journal'), fsync: 'always' }, keepingLog());
await journal.append(ENTRIES);
await journal.close();
const segments = folderOf(join(scratch, 'journal'));
write('journal-1.json', Object.fromEntries(Object.entries(segments).filter(([name]) => !name.includes('lock'))));

await saveParts(join(scratch, 'positions'), PARTS);
write('positions-1.json', { positions: readFileSync(join(scratch, 'positions')).toString('base64') });
rmSync(scratch, { recursive: true });
