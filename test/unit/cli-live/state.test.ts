import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { registerState } from '../../../src/cli/commands/state.ts';
import { chunkName, DirectoryStore } from '../../../src/state/stores/index.ts';
import { call, JobFolder } from './support.ts';

let folder: JobFolder;
let job: string;
beforeEach(() => {
  folder = new JobFolder();
  folder.write('rules.cep', '');
  job = jobFile('{ directory: store }');
});
afterEach(() => { folder.remove(); });

function jobFile(state: string): string {
  return folder.write('job.yaml', `name: fraud\nrules: rules.cep\nsources: { s: { file: x } }\nchannels: { out: { console: {} } }\nstate: ${state}\n`);
}

const run = (...args: readonly string[]) => call(['state', ...args], registerState);

/** Two tasks; task 2 with three checkpoints, one of them a savepoint. Returns the name of a chunk of its newest. */
async function filled(): Promise<string> {
  const store = new DirectoryStore(join(folder.path, 'store'));
  await store.open();
  const chunks = ['first', 'second', 'third'].map((text) => Buffer.from(text.repeat(100)));
  const names = chunks.map(chunkName);
  const all = new Map(names.map((name, i) => [name, chunks[i]!]));
  for (const task of ['10', '2']) {
    const token = await store.acquire(task);
    await store.put(task, token, all);
    await store.commit(task, token, { checkpoint: 1, chunks: [names[0]!], body: '{}', written: Date.UTC(2026, 3, 1), savepoint: 'before upgrade' });
    await store.commit(task, token, { checkpoint: 2, chunks: [names[0]!, names[1]!, names[0]!], body: '{}', written: Date.now() - 5000 });
  }
  await store.close();
  return names[1]!;
}

const chunkFile = (task: string, name: string): string => join(folder.path, 'store', 'tasks', `t-${task}`, 'chunks', name);

describe('state check', () => {
  test('a sound store: newest checkpoint, its age and size; what no checkpoint names is no damage', async () => {
    await filled();
    const { out, code } = run('check', job);
    expect(await code).toBe(0);
    expect(out.text).toContain(`State of fraud in ${join(folder.path, 'store')}\n`);
    // 500 and 600 bytes; the chunk that is named twice is one. Numbers of tasks stand in their order.
    expect(out.text).toMatch(/\n +2 +2 +[56]s +1\.1 KiB +3 +2 +1 +0\n +10 +2 /);
    expect(out.text).toMatch(/\n2 tasks: nothing is damaged\n$/);
  });

  test('damage is named, and it ends with 1', async () => {
    const name = await filled();
    truncateSync(chunkFile('2', name), 7);
    const { out, code } = run('check', job);
    expect(await code).toBe(1);
    expect(out.text).toContain(`\ndamaged task 2: damaged chunk: ${name} (7 bytes)`);
    expect(out.text).toMatch(/2 tasks: 1 damage; a job that cannot read its newest checkpoint goes back to the one before/);
  });

  test('--json; a damaged manifest is damage', async () => {
    await filled();
    const manifests = join(folder.path, 'store', 'tasks', 't-10', 'manifests');
    expect(readdirSync(manifests)).toContain('2');
    writeFileSync(join(manifests, '2'), 'nonsense');
    const { out, code } = run('check', '--json', job);
    expect(await code).toBe(1);
    expect(JSON.parse(out.text)).toMatchObject({
      ok: false, job: 'fraud', store: 'directory',
      tasks: [{ task: '2', checkpoints: 2, newest: { checkpoint: 2, bytes: 1100, chunks: 3 }, damaged: [] }, { task: '10', checkpoints: 1, damaged: [expect.stringContaining('damaged manifest: checkpoint 2')] }],
    });
  });

  test('no state yet: said so, and nothing is made', async () => {
    const { err, code } = run('check', job);
    expect(await code).toBe(1);
    expect(err.text).toContain(`There is no state at ${join(folder.path, 'store')}: either the job has never run on this machine, or its state is elsewhere.`);
    expect(readdirSync(folder.path)).not.toContain('store');
  });

  test('a store that cannot be read: its own words', async () => {
    folder.write('store', 'a file');
    const { err, code } = run('check', job);
    expect(await code).toBe(1);
    expect(err.text).toMatch(/^State directory .* cannot be opened\./);
  });

  test('state in memory', async () => {
    const { err, code } = run('check', jobFile('{ memory: {} }'));
    expect(await code).toBe(2);
    expect(err.text).toContain('there is nothing to look into');
  });
});

describe('state list', () => {
  test('checkpoints, newest first, savepoints by their name', async () => {
    await filled();
    const { out, code } = run('list', job);
    expect(await code).toBe(0);
    expect(out.lines.slice(1).map((line) => line.trim().split(/ {2,}/).filter((_, i) => i !== 2 && i !== 3))).toEqual([
      ['task', 'checkpoint', 'chunks', 'savepoint'], ['2', '2', '3'], ['2', '1', '1', 'before upgrade'], ['10', '2', '3'], ['10', '1', '1', 'before upgrade'],
    ]);
    expect(out.text).toContain('2026-04-01T00:00:00.000Z');
  });

  test('--json', async () => {
    await filled();
    const { out, code } = run('list', '--json', job);
    expect(await code).toBe(0);
    const { tasks } = JSON.parse(out.text) as { tasks: { task: string; checkpoints: unknown[] }[] };
    expect(tasks.map(({ task }) => task)).toEqual(['2', '10']);
    expect(tasks[0]!.checkpoints[1]).toEqual({ checkpoint: 1, written: '2026-04-01T00:00:00.000Z', chunks: 1, savepoint: 'before upgrade' });
  });
});
