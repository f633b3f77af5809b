/** Rules that change while their state lives: what is said of each rule's runs is what then happens, and what goes on goes on rightly. */
import { describe, expect, test } from '@jest/globals';
import { checked } from './cases.ts';
import { edits, runChanged, type Changed } from './changed.ts';
import { generateLoopCase } from './generate-loops.ts';
import { generateCase, type Case, type InputEvent } from './generate.ts';
import { DECLARATIONS, print, type Item, type RuleTree } from './tree.ts';
import { Random } from './random.ts';

const caseOf = (seed: number): Case => (seed % 3 === 0 ? generateLoopCase : generateCase)(seed, (rule) => checked(rule) !== undefined);
const verdictOf = ({ change }: Changed): { readonly what: string; readonly reason?: string | undefined; readonly runs: number } =>
  change?.rules.find(({ rule }) => rule === 'R') ?? { what: 'goes on', runs: NaN };
/** Where a run can be over by a bound that the engine looks at only when an event comes. */
const mayBeOver = (rule: string): boolean => /gap|within [\ds* n]+ of/.test(rule);

function fail(seed: number, what: string, rules: readonly string[], { events }: Case, ...more: unknown[]): never {
  throw new Error(`seed ${seed}: ${what}\n${rules.join('\n---\n')}\n${events.map((event, i) => `${i}: ${JSON.stringify(event)}`).join('\n')}\n${more.map((one) => JSON.stringify(one)).join('\n')}`);
}

describe('edits that change nothing for the rule', () => {
  test.each([1, 51, 101])('its alerts are those of the uncut run, in the fifty cases from seed %i', (from) => {
    let reports = 0;
    for (let seed = from; seed < from + 50; seed++) {
      const one = caseOf(seed);
      const random = new Random(seed);
      const edited = edits(one.rule, random);
      const cut = random.int(1, one.events.length - 1);
      const lateness = random.pick([0, 0, 1500]); // some events are held back at the cut
      const whole = runChanged([one.rule], one.events, [], lateness);
      const way = random.int(0, 2);
      const rules = way === 0 ? [one.rule, edited] : way === 1 ? [edited, one.rule] : [one.rule, edited, one.rule];
      const got = runChanged(rules, one.events, way === 2 ? [cut, Math.min(one.events.length, cut + 1)] : [cut], lateness);
      const { what, runs } = verdictOf(got);
      if (what !== 'goes on') fail(seed, what, rules, one, got.change);
      if (JSON.stringify(got.reports) !== JSON.stringify(whole.reports)) fail(seed, `cut at ${cut}, it says something else`, rules, one, whole.reports, got.reports);
      if (got.after.get('R') !== got.before.get('R')) fail(seed, 'runs were lost', rules, one, [...got.before], [...got.after]);
      const open = got.before.get('R')!;
      if (got.change !== undefined && (mayBeOver(one.rule) ? runs > open : runs !== open)) fail(seed, `${runs} runs were told, ${open} are`, rules, one);
      reports += whole.reports.length;
    }
    expect(reports).toBeGreaterThan(70);
  });
});

type Edit = (tree: RuleTree, random: Random) => RuleTree | string | undefined;

const usedStage = (tree: RuleTree, random: Random): string | undefined => {
  const names = tree.stages.filter(({ name }) => new RegExp(`match.*\\b${name}\\b`).test(print(tree))).map(({ name }) => name);
  return names.length === 0 ? undefined : random.pick(names);
};
const withStage = (tree: RuleTree, name: string, change: (stage: RuleTree['stages'][number]) => RuleTree['stages'][number]): RuleTree =>
  ({ ...tree, stages: tree.stages.map((stage) => (stage.name === name ? change(stage) : stage)) });

/** After which a rule starts fresh. */
const DROPPING: Readonly<Record<string, Edit>> = {
  by: (tree) => ({ ...tree, by: tree.by === 'k2' ? 'k' : 'k2' }),
  version: (tree) => print(tree).replace('rule R {', 'rule R {\n  version 7'),
  type: (tree, random) => {
    const name = usedStage(tree, random);
    return name === undefined ? undefined : withStage(tree, name, (stage) => ({ ...stage, types: stage.types === 'A' ? 'B' : 'A' }));
  },
  name: (tree, random) => {
    const name = usedStage(tree, random);
    return name === undefined ? undefined : print(tree).replace(new RegExp(`\\b${name}\\b`, 'g'), 'renamed');
  },
  arrow: (tree) => {
    const items = tree.pattern.items.map((item, i): Item => (i === 1 && !('not' in item) && !('not' in tree.pattern.items[0]!) ? { ...item, arrow: item.arrow === '->' ? '->>' : '->' } : item));
    return JSON.stringify(items) === JSON.stringify(tree.pattern.items) ? undefined : { ...tree, pattern: { kind: 'sequence', items } };
  },
  quantifier: (tree) => {
    const items = tree.pattern.items.map((item): Item => ('node' in item && item.node.kind === 'loop' ? { ...item, node: { ...item.node, quantifier: '{1,7}' } } : item));
    return JSON.stringify(items) === JSON.stringify(tree.pattern.items) ? undefined : { ...tree, pattern: { kind: 'sequence', items } };
  },
  bound: (tree) => (tree.session !== undefined || tree.within === undefined ? undefined : { ...tree, session: '20s' }),
};

/** After which its runs go on. */
const KEEPING: Readonly<Record<string, Edit>> = {
  literal: (tree, random) => {
    const name = usedStage(tree, random);
    return name === undefined ? undefined : withStage(tree, name, (stage) => ({ ...stage, where: stage.where.map((text) => text.replace(/^([vwx] [=!<>]+) \d$/, `$1 ${random.int(0, 3)}`)) }));
  },
  duration: (tree, random) => print(tree).replace(/\b\d+s\b(?! \* \(1)/g, () => `${random.int(1, 9)}s`),
  title: (tree) => print(tree).replace('rule R {', 'rule R {\n  owner "someone"\n  keep 9000 events'),
  field: (tree) => print(tree).replaceAll('at: match.to', 'at: match.to, id: match.id'),
  tail: (tree) => {
    const last = tree.pattern.items.at(-1)!;
    if ('not' in last && last.silence === undefined) return undefined;
    return { ...tree, pattern: { kind: 'sequence', items: [...tree.pattern.items, { arrow: '->', node: { kind: 'stage', name: 'tail' } }] }, stages: [...tree.stages, { name: 'tail', types: 'A | B', where: ['v >= 1'] }] };
  },
};

describe('random edits of random rules', () => {
  const edited = (edit: Edit, seed: number): { readonly one: Case; readonly after: string; readonly cut: number } | undefined => {
    const one = caseOf(seed);
    const random = new Random(seed + 7);
    const made = edit(one.tree, random);
    if (made === undefined) return undefined;
    const after = typeof made === 'string' ? made : print(made);
    if (after === one.rule || checked(after) === undefined) return undefined;
    return { one, after, cut: random.int(1, one.events.length - 1) };
  };

  test.each(Object.entries(DROPPING))('another %s: exactly those runs are gone, and the rule begins anew', (_, edit) => {
    let done = 0;
    let lost = 0;
    for (let seed = 1; seed < 60; seed++) {
      const found = edited(edit, seed);
      if (found === undefined) continue;
      const { one, after, cut } = found;
      const got = runChanged([one.rule, after], one.events, [cut]);
      const { what, reason, runs } = verdictOf(got);
      if (what !== 'fresh' || reason === undefined) fail(seed, `${what}`, [one.rule, after], one);
      if (got.after.get('R') !== 0) fail(seed, 'runs are left', [one.rule, after], one);
      const open = got.before.get('R')!;
      if (mayBeOver(one.rule) ? runs > open : runs < open) fail(seed, `${runs} runs were told, ${open} were open`, [one.rule, after], one);
      const before = runChanged([one.rule], one.events, []).reports.length;
      const anew = runChanged([after], one.events.slice(cut), []).reports;
      // What the old rule said before the cut comes first.
      const told = got.reports.slice(got.reports.length - anew.length).map(({ id: _id, ...report }) => report);
      const expected = anew.map(({ id: _id, ...report }) => ({ ...report, bindings: report.bindings.map(({ stage, index }) => ({ stage, index: index + cut })) }));
      if (JSON.stringify(told) !== JSON.stringify(expected) || got.reports.length > before + anew.length) fail(seed, 'it does not begin anew', [one.rule, after], one, told, expected);
      done++;
      lost += runs;
    }
    expect(done).toBeGreaterThan(5);
    expect(lost).toBeGreaterThan(1);
  });

  test.each(Object.entries(KEEPING))('another %s: the runs go on', (_, edit) => {
    let done = 0;
    let kept = 0;
    for (let seed = 1; seed < 60; seed++) {
      const found = edited(edit, seed);
      if (found === undefined) continue;
      const { one, after, cut } = found;
      const got = runChanged([one.rule, after], one.events, [cut]);
      const { what, reason } = verdictOf(got);
      if (what !== 'goes on') fail(seed, `${what}: ${reason}`, [one.rule, after], one);
      // What was taken up is a state like any other: cut again, and laid out otherwise, it says the same.
      const random = new Random(seed);
      const again = runChanged([one.rule, after, random.chance(0.5) ? after : edits(after, random)], one.events, [cut, random.int(cut, one.events.length)]);
      if (JSON.stringify(again.reports) !== JSON.stringify(got.reports)) fail(seed, 'cut again, it says something else', [one.rule, after], one, got.reports, again.reports);
      done++;
      kept += got.before.get('R')!;
    }
    expect(done).toBeGreaterThan(10);
    expect(kept).toBeGreaterThan(10);
  });
});

describe('constants that change', () => {
  interface Constants { readonly a: number; readonly b: number; readonly within: number }
  const EVENTS = ['A', 'B'] as const;
  const textOf = ({ a, b, within }: Constants, absence: boolean): string => `${DECLARATIONS}\nrule R {\n by k\n match all s0 -> ${absence ? 'not ' : ''}s1 within ${within}s\n s0: A where v >= ${a}\n s1: B where v >= ${b}\n alert out { at: match.to }\n}\n`;

  /** By the definition: each run is a first event; what comes before the cut is judged by the old constants, what comes after by the new. */
  function oracle(events: readonly InputEvent[], cut: number, [old, now]: readonly [Constants, Constants], absence: boolean): string[] {
    let open: { readonly index: number; readonly k: string; readonly at: number }[] = [];
    const told: string[] = [];
    const expire = (time: number, { within }: Constants): void => {
      for (const run of open.filter(({ at }) => at + within * 1000 <= time).sort((x, y) => x.at - y.at || x.index - y.index)) {
        if (absence) told.push(`${run.index}`);
        open.splice(open.indexOf(run), 1);
      }
    };
    events.forEach((event, i) => {
      const constants = i < cut ? old : now;
      if (i === cut && i > 0) expire(events[i - 1]!.at, old);
      expire(event.at, constants);
      const v = Number(event['v']);
      if (event.type === 'B' && v >= constants.b) {
        for (const run of open) if (run.k === event.k && !absence) told.push(`${run.index} ${i}`);
        open = open.filter(({ k }) => k !== event.k);
      }
      if (event.type === 'A' && v >= constants.a) open.push({ index: i, k: event.k, at: event.at });
    });
    expire(Infinity, events.length > cut ? now : old);
    return told;
  }

  test.each([false, true])('events after the cut are judged by the new ones, against the runs that are kept (absence: %s)', (absence) => {
    let told = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const pick = (): Constants => ({ a: random.int(0, 2), b: random.int(0, 2), within: random.int(1, 6) });
      const constants = [pick(), pick()] as const;
      let at = 1_000_000;
      const events = Array.from({ length: random.int(4, 12) }, (): InputEvent => {
        at += random.pick([0, 500, 1000, 1000, 2000]);
        return { type: random.pick(EVENTS), at, k: random.pick(['p', 'p', 'q']), k2: 'p', v: random.int(0, 3), w: 1, x: null };
      });
      const cut = random.int(1, events.length - 1);
      const rules = constants.map((one) => textOf(one, absence));
      const got = runChanged(rules, events, [cut]);
      const expected = oracle(events, cut, constants, absence);
      const reports = got.reports.map(({ bindings }) => bindings.map(({ index }) => index).join(' '));
      if (verdictOf(got).what !== 'goes on' || reports.toSorted().join() !== expected.toSorted().join()) {
        fail(seed, `cut at ${cut}`, rules, { seed, tree: undefined as never, rule: '', events }, expected, reports);
      }
      told += expected.length;
    }
    expect(told).toBeGreaterThan(200);
  });
});

test('a state that was taken up goes as any other does: nothing of it stays behind', () => {
  let looked = 0;
  for (let seed = 1; seed < 60; seed++) {
    const one = caseOf(seed);
    if (one.tree.within === undefined) continue;
    const random = new Random(seed);
    const edited = edits(one.rule, random);
    const cut = random.int(1, one.events.length - 1);
    const last = one.events.at(-1)!;
    const later = Array.from({ length: 4 }, (_, i): InputEvent => ({ ...last, type: 'A', v: 9, w: 9, x: 9, at: last.at + 100_000 * (i + 1) }));
    const events = [...one.events, ...later];
    const { bytes } = runChanged([one.rule], events, []);
    const rules = [one.rule, edited, one.rule];
    const changed = runChanged(rules, events, [cut, cut]);
    if (changed.bytes !== bytes) fail(seed, `${changed.bytes} bytes are left, and not ${bytes}`, rules, one);
    looked++;
  }
  expect(looked).toBeGreaterThan(20);
});
