import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { registerPlan } from '../../../src/cli/commands/plan.ts';
import { registerStart } from '../../../src/cli/commands/start.ts';
import { call, JobFolder } from './support.ts';

/** A job that follows a file, stopped and started again with other rules. */
let folder: JobFolder;
let job: string;
let alerts: string;
beforeEach(() => {
  folder = new JobFolder();
  folder.write('events.jsonl', '');
  alerts = join(folder.path, 'alerts.jsonl');
  job = jobFile('');
});
afterEach(() => { folder.remove(); });

const jobFile = (more: string, sources = ''): string => folder.write('job.yaml', `name: shop\nrules: rules.cep\nsources: { e: { file: { path: events.jsonl, follow: true, poll: 20ms }${sources} } }
channels: { default: { file: { path: alerts.jsonl } } }\nstate: { directory: { path: store }, checkpoint: 50ms${more} }\nhttp: false\n`);

const TYPES = 'event A { k: string, v: float, at: time } time at\nevent B { k: string, v: float, at: time } time at\nevent C { k: string, v: float, at: time } time at\n';
const rules = (r: string, s = 'rule S { by k match a -> b within 1h a: A b: B where v > 1 alert out { k } }'): string => folder.write('rules.cep', `${TYPES}rule R { ${r} }\n${s}\n`);
const PAIR = 'by k match a -> b within 1h a: A b: B alert out { k, v: a.v }';

const push = (...events: readonly (readonly [type: string, at: number, v: number])[]): void => {
  appendFileSync(join(folder.path, 'events.jsonl'), events.map(([type, at, v]) => `${JSON.stringify({ type, k: 'x', v, at: 1_767_225_600_000 + 1000 * at })}\n`).join(''));
};
const told = (): string[] => (existsSync(alerts) ? readFileSync(alerts, 'utf8').split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { rule: string }).rule) : []);

/** A checkpoint is committed: not only is the store there. */
const isSaved = (): boolean => existsSync(join(folder.path, 'store')) && readdirSync(join(folder.path, 'store'), { recursive: true }).some((path) => /manifests.\d+$/.test(String(path)));

/** Starts the job until `until`, then stops it. */
async function life(until: () => boolean): Promise<{ readonly code: number; readonly log: string }> {
  const run = call(['start', job], registerStart);
  let code: number | undefined;
  void run.code.then((ended) => { code = ended; });
  for (const end = Date.now() + 20_000; !until() && code === undefined && Date.now() < end;) await sleep(20);
  await sleep(150);
  run.interrupt();
  return { code: await run.code, log: run.err.text };
}

/** A condition that holds after half a second. */
function awhile(): () => boolean {
  const began = Date.now();
  return () => Date.now() - began > 500;
}

async function plan(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const run = call(['plan', job, ...args], registerPlan);
  return { code: await run.code, out: run.out.text, err: run.err.text };
}

describe('rules that change between two lives of a job', () => {
  test('go on with their runs where they can, which `plan` says before', async () => {
    rules(PAIR);
    push(['A', 0, 5], ['C', 1, 0]);
    expect(await plan()).toMatchObject({ code: 1, err: expect.stringContaining('There is no state at') as unknown });
    expect((await life(isSaved)).code).toBe(0);
    expect(await plan()).toMatchObject({ code: 0, out: expect.stringContaining('The rules are those that made the state') as unknown });
    rules(PAIR.replace('b: B', 'b: B where v > a.v').replace('1h', '2h'), 'rule T { by k match a -> c within 1h a: A c: C alert out { k } }');
    const planned = await plan('--json');
    const { rules: found } = JSON.parse(planned.out) as { rules: { rule: string; what: string; runs: number }[] };
    expect(found.map(({ rule, what, runs }) => [rule, what, runs])).toEqual([['R', 'goes on', 1], ['T', 'new', 0], ['S', 'dropped', 1]]);
    expect(planned.code).toBe(1);
    // S is gone with a run: that is refused.
    const refused = await life(() => false);
    expect(refused.code).toBe(1);
    expect(refused.log).toContain('The rules have changed, and runs would be lost: S is gone. It loses 1 open run, 1 key.');
    job = jobFile(', onChange: fresh');
    push(['B', 2, 4], ['B', 3, 6], ['C', 4, 0], ['C', 5, 0]);
    const done = await life(() => told().length > 0);
    expect(done.code).toBe(0);
    expect(told()).toEqual(['R']);
    expect(await plan()).toMatchObject({ code: 0, out: expect.stringContaining('all runs go on') as unknown });
  });

  test('start fresh where they cannot, if the job file lets them', async () => {
    rules(PAIR);
    push(['A', 0, 5], ['C', 1, 0]);
    await life(() => existsSync(join(folder.path, 'store', 'tasks')));
    rules(PAIR.replace('->', '=>'));
    const planned = await plan();
    expect(planned.code).toBe(1);
    expect(planned.out).toContain('loses  R starts fresh: the arrow before `b` was -> and is =>. It loses 1 open run, 1 key.');
    expect(planned.out).toContain('keeps  S goes on (1 open run, 1 key).');
    expect(planned.out).toContain('1 rule would lose 1 open run: the job starts only with state.onChange: drain (they end under the old rules) or fresh (they are lost).');
    expect((await life(() => false)).code).toBe(1);
    job = jobFile(', onChange: fresh');
    push(['B', 2, 4], ['A', 3, 1], ['B', 4, 4], ['C', 5, 0], ['C', 6, 0]);
    expect((await life(() => told().length >= 2)).code).toBe(0);
    // S ends the run it had; R begins with what came since.
    expect(told().toSorted()).toEqual(['R', 'S', 'S']);
  });

  test('drain where they cannot go on, if the job file says so: through a restart and another change, until nothing is open', async () => {
    const lines = (): { rule: string; id: string; fields: { v: number; w?: number } }[] => readFileSync(alerts, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as ReturnType<typeof lines>[number]);
    rules(PAIR, '');
    push(['A', 0, 5], ['C', 2, 0]);
    await life(isSaved);
    // Another arrow, and another field that the old runs have not kept.
    const SECOND = 'by k match a => b within 1h a: A b: B alert out { k, v: b.v, w: a.at == b.at ? 1 : 2 }';
    rules(SECOND.replace('a.at == b.at ? 1 : 2', 'b.v'), '');
    job = jobFile(', onChange: drain');
    const planned = await plan();
    expect(planned).toMatchObject({ code: 0, out: expect.stringContaining('drains R drains: the arrow before `b` was -> and is =>. What is open (1 open run, 1 key) goes on under the old rule until it ends; nothing new begins there.') as unknown });
    // The new rule's own run; what began before is with the old one.
    push(['A', 3, 7], ['C', 4, 0], ['C', 5, 0]);
    expect((await life(awhile())).code).toBe(0);
    expect(await plan()).toMatchObject({ code: 0, out: expect.stringContaining('The rules are those that made the state') as unknown });
    // Changed once more, while the first drains still.
    rules('by k match a ->> b within 1h a: A b: B alert out { k, v: 100 + a.v }', '');
    expect((await plan()).out).toContain('R drains since an earlier change: 1 open run');
    push(['A', 6, 8], ['C', 7, 0]);
    expect((await life(awhile())).code).toBe(0);
    expect((await plan()).out).toContain('The rules are those');
    push(['B', 8, 1], ['C', 9, 0]);
    expect((await life(() => told().length >= 2)).code).toBe(0);
    expect(lines().map(({ rule, fields }) => [rule, fields.v]).toSorted()).toEqual([['R', 108], ['R', 5]]);
    // Nothing is open: the old rules are gone, and another event finds none of them.
    push(['B', 10, 1], ['C', 11, 0]);
    expect((await life(awhile())).code).toBe(0);
    expect(lines()).toHaveLength(2);
    rules('by k match a ->> b within 2h a: A b: B alert out { k }', '');
    expect((await plan()).out).not.toContain('drains since');
  });

  test('drain one after the other: the first that is over goes, and the next is restored from where it lies then', async () => {
    const versions = (): number[] => (existsSync(alerts) ? readFileSync(alerts, 'utf8').split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { version: number }).version) : []);
    const version = (n: number): string => `version ${n} by k match a -> b within 1h a: A b: B where v == ${n} alert out { k }`;
    job = jobFile(', onChange: drain');
    for (const n of [1, 2, 3]) {
      rules(version(n), '');
      push(['A', n, 0], ['C', n, 0]);
      if (n === 1) await life(isSaved);
      expect((await life(awhile())).code).toBe(0);
    }
    for (const n of [1, 2, 3]) {
      push(['B', 10 * n, n], ['C', 10 * n + 1, 0], ['C', 10 * n + 2, 0]);
      expect((await life(awhile())).code).toBe(0);
      expect(versions()).toEqual([1, 2, 3].slice(0, n));
    }
  });

  test('are refused where they cannot drain', async () => {
    rules('by k match a -> b a: A b: B alert out { k }', '');
    push(['A', 0, 5], ['C', 1, 0]);
    await life(isSaved);
    rules('by k match a => b a: A b: B alert out { k }', '');
    job = jobFile(', onChange: drain');
    const planned = await plan();
    expect(planned.code).toBe(1);
    expect(planned.out).toContain('the job starts only with state.onChange: fresh. R cannot drain: it has no `within`, `session` or `gap`, so that its runs may never end.');
    const refused = await life(() => false);
    expect(refused.code).toBe(1);
    expect(refused.log).toContain('R cannot drain: it has no `within`');
  });

  test('say the same of windows and features', async () => {
    const FEATURE = 'feature seen = count() of B by k\n';
    const text = (window: string, fn = 'count()'): string => `rule W { by k on A window tumbling 1h ${window} } ${FEATURE.replace('count()', fn)} rule S { by k match a a: A where v > 0 alert out { k, seen } }`;
    rules(PAIR, text('alert out { k, n: count() }'));
    push(['A', 0, 5], ['B', 1, 0], ['C', 2, 0]);
    await life(isSaved);
    const before = told().length;
    rules(PAIR, text('trigger on rise having count() > 1 alert out { k }', 'max(v)'));
    const lost = await plan();
    expect(lost.code).toBe(1);
    expect(lost.out).toContain('loses  W starts fresh: it has `trigger on rise` now, for which each window has to be followed from its first event on. It loses 1 open window, 1 key.');
    expect(lost.out).toContain('loses  S starts fresh: the feature seen, which it reads, has changed and begins anew. It loses 0 open runs, 1 key.');
    expect(lost.out).toContain('note   the feature seen has changed and begins anew: 1 key is forgotten');
    expect(lost.out).toContain('2 rules would lose 1 open window: the job starts only with state.onChange: drain (they end under the old rules) or fresh (they are lost).');
    rules(PAIR, text('having count() > 1 alert out { k, n: count(), since: window.start }'));
    const kept = await plan();
    expect(kept).toMatchObject({ code: 0, out: expect.stringContaining('keeps  W goes on (1 open window, 1 key).') as unknown });
    push(['A', 3, 5], ['C', 9000, 0]);
    expect((await life(() => told().includes('W'))).code).toBe(0);
    const lines = readFileSync(alerts, 'utf8').split('\n').slice(before, -1).map((line) => JSON.parse(line) as { rule: string; fields: object });
    expect(lines.filter(({ rule }) => rule === 'W').map(({ fields }) => fields)).toMatchObject([{ k: 'x', n: 2 }]);
    expect(lines.filter(({ rule }) => rule === 'S').map(({ fields }) => fields)).toEqual([{ k: 'x', seen: 1 }]);
  });

  test('decode again what was held back, for fields that were not read', async () => {
    job = jobFile('', ', lateness: 1h');
    rules('by k match a -> b within 1h a: A b: B alert out { k }');
    push(['A', 0, 5], ['B', 1, 7], ['B', 2, 9]);
    await life(() => existsSync(join(folder.path, 'store', 'tasks')));
    rules('by k match a -> b within 1h a: A b: B where v > 8 alert out { k, v: b.v }', 'rule S { by k match a -> b within 1h a: A where v > 4 b: B where v > 1 alert out { k } }');
    expect((await plan()).code).toBe(0);
    push(['C', 9000, 0]);
    expect((await life(() => told().length >= 2)).code).toBe(0);
    const lines = readFileSync(alerts, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { rule: string; fields: { v?: number } });
    expect(lines.map(({ rule, fields }) => [rule, fields.v])).toEqual([['S', undefined], ['R', 9]]);
  });
});
