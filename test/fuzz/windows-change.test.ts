/** Rules over windows that change while their state lives: what is said of each rule's windows is what then happens, and what goes on goes on rightly. */
import { describe, expect, test } from '@jest/globals';
import type { Alert } from '../../src/core/alert.ts';
import { checked } from './cases.ts';
import { Random } from './random.ts';
import { runChangedWindows, type ChangedWindows } from './windows/changed.ts';
import { generateWindowCase, printWindow, TYPES, type Fields, type WindowCase, type WindowTree } from './windows/generate.ts';

const verdictOf = ({ change }: ChangedWindows): { readonly what: string; readonly reason?: string | undefined; readonly runs: number; readonly of: string } =>
  change?.rules.find(({ rule }) => rule === 'R') ?? { what: 'goes on', runs: NaN, of: 'window' };

function fail(seed: number, what: string, rules: readonly string[], { events, lateness }: WindowCase, cut: number, ...more: unknown[]): never {
  throw new Error(`seed ${seed}, cut at ${cut}, lateness ${lateness}: ${what}\n${rules.join('\n---\n')}\n${events.map((event, i) => `${i}: ${JSON.stringify(event)}`).join('\n')}\n${more.map((one) => JSON.stringify(one)).join('\n')}`);
}

const OTHERS = `rule Other1 { by k match p -> q within 40s p: A where v > 0 q: B where v == p.v alert out { k: p.k, s: q.s } }
rule Other2 { by s on A, B window sliding 20s every 5s having count() > 100 alert out { n: count(), m: max(v) } }`;

/** Rule files that say the same of R as this tree does, and lay out its state otherwise. */
function others(tree: WindowTree, random: Random): string {
  const swapped = { ...tree, fields: tree.fields.map((_, i, all) => all[(i + 3) % all.length]!) };
  const more = { ...tree, fields: [...tree.fields, ['m', 'count()'], ['o', 'count() * 2']] as Fields };
  const text = printWindow(random.pick([tree, swapped, more])).replace('rule R {', random.pick(['rule R {', 'rule R {\n  title "another"\n  severity high']));
  const types = random.pick([TYPES, `event Zero { k: string, v: float, y: int?, at: time } time at\n${TYPES}`, TYPES.replaceAll('s: string', 'zz: int?, s: string')]);
  const copy = printWindow({ ...tree, having: 'count() > 1000', trigger: undefined, clear: undefined }).replace('rule R', 'rule Copy');
  return random.pick([() => `${types}${OTHERS}\n${text}`, () => `${types}${text}\n${OTHERS}`, () => `${types}${tree.trigger === 'on rise' || tree.window === 'global' ? OTHERS : copy}\n${text}`])();
}

/** Without what may differ: the order of fields, and fields beside those of `like`. */
const told = (alert: Alert, like: Fields, clear: Fields | undefined): unknown =>
  [alert.channel, alert.key, alert.from, alert.to, alert.at, (alert.channel === 'calm' ? clear! : like).map(([name]) => alert.fields[name])];

describe('edits that change nothing for the rule', () => {
  test.each([1, 101, 201, 301])('its alerts are those of the uncut run, ids too, in the hundred cases from seed %i', (from) => {
    let reports = 0;
    let open = 0;
    for (let seed = from; seed < from + 100; seed++) {
      const one = generateWindowCase(seed);
      if (one.events.length < 2) continue;
      const random = new Random(seed);
      const cut = random.int(1, one.events.length - 1);
      const edited = others(one.tree, random);
      const rules = [[one.rule, edited], [edited, one.rule], [one.rule, edited, one.rule]][random.int(0, 2)]!;
      const cuts = [cut, Math.min(one.events.length, cut + 1)].slice(0, rules.length - 1);
      const whole = runChangedWindows([one.rule], one.events, [], one.lateness);
      const got = runChangedWindows(rules, one.events, cuts, one.lateness);
      const { what, reason, runs, of } = verdictOf(got);
      if (what !== 'goes on' || of !== 'window') fail(seed, `${what}: ${reason}`, rules, one, cut);
      if (got.change !== undefined && (runs !== got.openAfter || !isOpen(runs, got, one.tree))) fail(seed, `${runs} windows were told, ${got.open} were open, ${got.openAfter} are`, rules, one, cut);
      const all = ({ alerts }: ChangedWindows): string[] => alerts.map(({ alert }) => JSON.stringify([alert.id, alert.final, told(alert, one.tree.fields, one.tree.clear)]));
      if (all(got).join() !== all(whole).join()) fail(seed, 'it says something else', rules, one, cut, all(whole), all(got));
      reports += got.alerts.length;
      open += got.open;
    }
    expect(reports).toBeGreaterThan(200);
    expect(open).toBeGreaterThan(50);
  });
});

/** A sliding window that no event is in any more is counted by an engine until it comes to look at it. */
const isOpen = (told: number, { open }: ChangedWindows, tree: WindowTree): boolean => (tree.window.startsWith('sliding') ? told <= open : told === open);

type Edit = (tree: WindowTree, random: Random) => WindowTree | undefined;
const isOf = (tree: WindowTree, pattern: RegExp): boolean => pattern.test(tree.window);
const rises = (tree: WindowTree): boolean => tree.trigger === 'on rise';

/** After which its windows go on. What they keep does not depend on what is edited, so that from the cut on the rule says what it would have said if it had been so from the start. */
const KEEPING: Readonly<Record<string, Edit>> = {
  'literal in `having`': (tree, random) => (tree.having === undefined || rises(tree) ? undefined : { ...tree, having: tree.having.replace(/(count\(\) >|sum\(v\) >|max\(v\) >|avg\(v\) <|distinct\(s\) >=) -?[\d.]+/g, (_, left: string) => `${left} ${random.int(0, 3)}`) }),
  '`having` at all': (tree) => (tree.having === undefined || rises(tree) ? undefined : { ...tree, having: 'count() >= 2' }),
  'field that reads what is kept': (tree, random) => ({
    ...tree, fields: tree.fields.filter(() => random.chance(0.6)).map(([name, value]) => [name, value.replace(/^sum/, 'avg').replace(/^stddev/, 'variance').replace(/^any/, 'all').replace(/, (0|50|90|100)\)$/, ', 75)').replace(/, 10s\)/, ', 1m)')] as const).concat([['more', 'count() + 1']]),
  }),
  'early trigger': (tree, random) => (rises(tree) || tree.window === 'global' || isOf(tree, /sliding|every/) ? undefined : { ...tree, trigger: tree.trigger === undefined ? random.pick(['every event', 'every 3 events', 'early every 7s']) : random.chance(0.5) ? 'every 2 events' : undefined }),
  // A session that an event joins when it is late may be another under another `late within`.
  '`late within`': (tree, random) => (rises(tree) || !isOf(tree, /tumbling|sliding .* every/) || /lasting|timeAvg/.test(JSON.stringify(tree)) ? undefined : { ...tree, late: tree.late === undefined ? random.pick(['5s', '20s', '2m']) : random.pick([() => undefined, () => '1s', () => '30s', () => '3m'])() }),
};

/** After which they are lost. */
const DROPPING: Readonly<Record<string, Edit>> = {
  by: (tree) => ({ ...tree, by: tree.by === 'k' ? 's' : 'k' }),
  length: (tree) => ({ ...tree, window: tree.window.replace(/(tumbling|sliding|gap|count) (\d+)/, (_, left: string, n: string) => `${left} ${Number(n) + 60}`).replace('tumbling day', 'tumbling week').replace('in "America/New_York"', 'in "Asia/Tokyo"') }),
  kind: (tree) => (rises(tree) || tree.trigger !== undefined || tree.late !== undefined ? undefined : { ...tree, window: tree.window.startsWith('tumbling') ? 'sliding 20s every 10s' : 'tumbling 20s' }),
  inputs: (tree) => ({ ...tree, on: tree.on.includes(':') ? tree.on.replace('x: A', 'x: A | B') : tree.on === 'A, B' ? 'A' : 'A, B' }),
  aggregate: (tree) => ({ ...tree, fields: [...tree.fields, ['more', 'max(v * 3)']] }),
  'condition of an aggregate': (tree) => ({ ...tree, fields: [...tree.fields, ['more', 'sum(v where v > 77)']] }),
  rise: (tree) => (isOf(tree, /^(tumbling|session)/) ? (rises(tree) ? { ...tree, trigger: undefined, clear: undefined } : tree.late === undefined ? { ...tree, trigger: 'on rise', having: tree.having ?? 'count() > 1' } : undefined) : undefined),
};

interface Edited { readonly one: WindowCase; readonly tree: WindowTree; readonly after: string; readonly cut: number }

function edited(edit: Edit, seed: number): Edited | undefined {
  const one = generateWindowCase(seed);
  const random = new Random(seed + 7);
  const tree = edit(one.tree, random);
  if (tree === undefined || one.events.length < 2) return undefined;
  const after = TYPES + printWindow(tree);
  return after === one.rule || checked(after) === undefined ? undefined : { one, tree, after, cut: random.int(1, one.events.length - 1) };
}

/** Did an event come late before the cut? */
function hasLate({ events, lateness }: WindowCase, cut: number): boolean {
  let largest = -Infinity;
  return events.slice(0, cut).some(({ at }) => {
    const isLate = at < largest - lateness;
    largest = Math.max(largest, at);
    return isLate;
  });
}

describe('random edits of random rules', () => {
  test.each(Object.entries(KEEPING))('another %s: the windows go on', (name, edit) => {
    let done = 0;
    let reports = 0;
    for (let seed = 1; seed < (name === '`late within`' ? 800 : 160); seed++) {
      const found = edited(edit, seed);
      if (found === undefined) continue;
      const { one, tree, after, cut } = found;
      const rules = [one.rule, after];
      const got = runChangedWindows(rules, one.events, [cut], one.lateness);
      const { what, reason, runs } = verdictOf(got);
      if (what !== 'goes on' || runs !== got.openAfter || !isOpen(runs, got, one.tree)) fail(seed, `${what}: ${reason}; ${runs} of ${got.open}`, rules, one, cut);
      const whole = runChangedWindows([after], one.events, [], one.lateness);
      const late = /([\d]+)([sm])/.exec(one.tree.late ?? '0s')!;
      const gone = got.watermark - Number(late[1]) * (late[2] === 'm' ? 60_000 : 1000);
      const then = ({ alerts }: ChangedWindows): string[] => alerts.flatMap(({ seen, alert }) => {
        // Reports before the end say what the one before said: that depends on the trigger that there was.
        if (seen < cut || (name === 'early trigger' && alert.final === false && tree.trigger?.startsWith('early'))) return [];
        return [JSON.stringify(told(alert, tree.fields, tree.clear))];
      });
      // A longer `late within` does not bring back what was forgotten.
      const expected = then({ ...whole, alerts: whole.alerts.filter(({ alert }) => name !== '`late within`' || alert.to > gone) });
      // Without `late within` no late event is taken, by windows that are still open neither.
      if ((one.tree.late === undefined) !== (tree.late === undefined) && hasLate(one, cut)) continue;
      if (then(got).join() !== expected.join()) fail(seed, 'it says something else', rules, one, cut, expected, then(got));
      done++;
      reports += then(got).length;
      // What was taken up is a state like any other.
      const random = new Random(seed);
      const again = runChangedWindows([...rules, others(tree, random)], one.events, [cut, random.int(cut, one.events.length)], one.lateness);
      const all = ({ alerts }: ChangedWindows): string[] => alerts.map(({ alert }) => JSON.stringify([alert.id, told(alert, tree.fields.filter(([field]) => field in alert.fields), tree.clear)]));
      if (all(again).join() !== all(got).join()) fail(seed, 'cut again, it says something else', rules, one, cut, all(got), all(again));
    }
    expect(done).toBeGreaterThan(25);
    expect(reports).toBeGreaterThan(80);
  });

  test.each(Object.entries(DROPPING))('another %s: exactly those windows are gone, and the rule begins anew', (_, edit) => {
    let done = 0;
    let lost = 0;
    for (let seed = 1; seed < 80; seed++) {
      const found = edited(edit, seed);
      if (found === undefined) continue;
      const { after, cut } = found;
      const one = { ...found.one, events: found.one.events.toSorted((a, b) => a.at - b.at), lateness: 0 };
      const rules = [one.rule, after];
      const got = runChangedWindows(rules, one.events, [cut], 0);
      const { what, reason, runs } = verdictOf(got);
      if (what !== 'fresh' || reason === undefined || !isOpen(runs, got, one.tree) || got.openAfter !== 0) fail(seed, `${what}: ${reason}; ${runs} of ${got.open}, ${got.openAfter} after`, rules, one, cut);
      const before = runChangedWindows([one.rule], one.events.slice(0, cut), [], 0).alerts.filter(({ seen }) => seen < cut);
      const anew = runChangedWindows([after], one.events.slice(cut), [], 0).alerts;
      const texts = (alerts: ChangedWindows['alerts']): string[] => alerts.map(({ alert: { id: _id, ...alert } }) => JSON.stringify(alert));
      if (texts(got.alerts).join() !== texts([...before, ...anew]).join()) fail(seed, 'it does not begin anew', rules, one, cut, texts([...before, ...anew]), texts(got.alerts));
      done++;
      lost += runs;
    }
    expect(done).toBeGreaterThan(10);
    expect(lost).toBeGreaterThan(5);
  });
});

test('a state that was taken up goes as any other does: nothing of it stays behind', () => {
  for (let seed = 1; seed < 100; seed++) {
    const one = generateWindowCase(seed);
    if (one.events.length < 2 || /count|global/.test(one.tree.window)) continue;
    const random = new Random(seed);
    const cut = random.int(1, one.events.length - 1);
    const last = Math.max(...one.events.map(({ at }) => at));
    const events = [...one.events, { type: 'A' as const, at: last + 1e10, k: null, v: null, s: 'a', ok: false }];
    const { bytes } = runChangedWindows([one.rule], events, [], 0);
    const got = runChangedWindows([one.rule, others(one.tree, random), one.rule], events, [cut, cut], 0);
    if (got.bytes !== bytes) fail(seed, `${got.bytes} bytes are left, and not ${bytes}`, [one.rule], one, cut);
  }
});
