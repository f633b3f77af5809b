/** The state of a task whose groups of rules are formed otherwise than before. */
import { expect, test } from '@jest/globals';
import type { Engine } from '../../../src/engine/index.ts';
import { decodeWhole } from '../../../src/state/image.ts';
import { takeUp, type Group } from '../../../src/job/change.ts';
import { Job, planOf, TYPES, ev } from '../engine/harness.ts';

const rule = (name: string, more = 'v > 0'): string => `rule ${name} { by k match all a -> b within 1h a: A b: B where ${more} alert out { k } }`;
const group = (...rules: readonly string[]): Job => new Job(planOf(`${TYPES}${rules.join('\n')}`));
const asGroups = (jobs: readonly Job[]): Group[] => jobs.map(({ engine }) => ({ engine, again: undefined }));
const stateOf = (jobs: readonly Job[]): Parameters<typeof takeUp>[1] => ({
  engines: jobs.map(({ engine }) => decodeWhole(engine.snapshot())), watermarks: jobs.map(() => ({ watermark: null, largest: {} })),
});
const told = (change: ReturnType<typeof takeUp>): string[] => change!.rules.map(({ rule: name, what, runs }) => `${name} ${what} ${runs}`);
const feed = (jobs: readonly Job[], from: number, ...events: Parameters<Job['push']>[0]): void => { for (const job of jobs) job.push(events, from); };

test('groups that are as they were are restored as they were', () => {
  const before = [group(rule('R')), group(rule('S'))];
  feed(before, 0, ev('A', 0, { v: 1 }));
  const after = [group(rule('R')), group(rule('S'))];
  expect(takeUp(asGroups(after), stateOf(before))).toBeUndefined();
});

test('groups in another order find their engines, and their next images have all pages', () => {
  const before = [group(rule('R')), group(rule('S'))];
  feed(before, 0, ev('A', 0, { v: 1 }));
  const after = [group(rule('S')), group(rule('R'))];
  expect(told(takeUp(asGroups(after), stateOf(before)))).toEqual(['S goes on 1', 'R goes on 1']);
  expect(pagesOf(after[0]!.engine)).toBe(pagesOf(before[1]!.engine));
  feed(after, 1, ev('B', 1, { v: 1 }));
  expect(after.map(({ log }) => log.join())).toEqual(['S', 'R']);
});

test('a group that is split goes on in both parts, one that is joined keeps most of its rules', () => {
  const before = [group(rule('R'), rule('S'), rule('T'))];
  feed(before, 0, ev('A', 0, { v: 1 }));
  const split = [group(rule('R'), rule('S')), group(rule('T'), rule('New'))];
  expect(told(takeUp(asGroups(split), stateOf(before)))).toEqual(['R goes on 1', 'S goes on 1', 'T goes on 1', 'New new 0']);
  feed(split, 1, ev('B', 1, { v: 1 }));
  expect(split.map(({ log }) => log.toSorted().join(''))).toEqual(['RS', 'T']);
  const joined = [group(rule('R'), rule('S'), rule('T'))];
  const fromTwo = [group(rule('R'), rule('S')), group(rule('T'), rule('Gone'))];
  feed(fromTwo, 0, ev('A', 0, { v: 1 }));
  const change = takeUp(asGroups(joined), stateOf(fromTwo));
  expect(told(change)).toEqual(['R goes on 1', 'S goes on 1', 'T fresh 1', 'Gone dropped 1']);
  expect(change!.rules[2]!.reason).toMatch(/it waits for other sources than before/);
});

/** Pages of the next image. */
function pagesOf(engine: Engine): number {
  return engine.checkpoint().sections.reduce((sum, { changed }) => sum + changed.size, 0);
}

test('each part of a group that is split keeps the features that its rules read', () => {
  const reads = (name: string, feature: string): string => `rule ${name} { by k match all b b: B alert out { k, ${feature} } }`;
  const features = 'feature f = sum(v) of A by k\nfeature g = count() of A by k\nfeature h = max(v) of A by k\n';
  const before = [group(features, reads('R', 'f'), reads('S', 'g'), reads('T', 'h'))];
  feed(before, 0, ev('A', 0, { v: 3 }));
  const split = [group(features, reads('R', 'f'), reads('T', 'f')), group(features, reads('S', 'g'))];
  const change = takeUp(asGroups(split), stateOf(before));
  expect(told(change)).toEqual(['R goes on 0', 'T goes on 0', 'S goes on 0']);
  // Only h is read by none.
  expect(change!.notes).toEqual(['the feature h is read no more by the rules it was kept for: 1 key is forgotten']);
  feed(split, 1, ev('B', 1, { v: 0 }));
  expect(split.map(({ alerts }) => alerts.map(({ fields }) => fields))).toEqual([[{ k: 'k1', f: 3 }, { k: 'k1', f: 3 }], [{ k: 'k1', g: 1 }]]);
});
