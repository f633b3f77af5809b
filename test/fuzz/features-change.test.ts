/** Features of rules that change while their state lives: those that have not changed go on, whatever becomes of the others; those that have begin anew. */
import { describe, expect, test } from '@jest/globals';
import type { Alert } from '../../src/core/alert.ts';
import type { Change } from '../../src/engine/index.ts';
import { Job, planOf, type Event } from '../unit/engine/harness.ts';
import { Random } from './random.ts';

/** A feature as text behind its name, and the rule that reads it. */
interface Spec { readonly name: string; readonly fn: string; readonly of: string; readonly where: string; readonly by: string; readonly over: string }

const FNS = ['count()', 'sum(v)', 'avg(v)', 'min(v)', 'max(v)', 'stddev(v)', 'first(v)', 'last(v)', 'distinct(v)', 'values(v)', 'any(v > 2)', 'slope(v, 1s)', 'top(v, 2)', 'percentile(v, 50)', 'lasting(v > 2)', 'timeAvg(v)'];
const specOf = (random: Random, name: string): Spec => ({
  name, fn: random.pick(FNS), of: random.pick(['A', 'A', 'B']), where: random.pick(['', '', ' where v > 1', ' where v > least']), by: random.pick([' by k', ' by k', ' by g', ' by k, g', '']),
  over: random.pick(['', ' over 3s', ' over 10s', ' over 10s', ' over 10s every 2s']),
});

const PARAM = 'param least: float = 1\n';
const typesOf = (random: Random | undefined): string => {
  const fields = random === undefined ? 'k: string, g: string, v: float?, at: time' : random.pick(['k: string, g: string, v: float?, at: time', 'z: int?, k: string, g: string, v: float?, at: time']);
  const more = random?.chance(0.4) === true ? ['Zero', 'A', 'B'] : ['A', 'B'];
  return more.map((name) => `event ${name} { ${fields} } time at\n`).join('');
};
const ruleOf = ({ name }: Spec): string => `rule R_${name} { by k, g match all a a: A where ${name} is null or ${name} is not null alert ch { ${name} } }\n`;
const textOf = (specs: readonly Spec[], random?: Random): string => {
  const parts = specs.flatMap((spec) => [`feature ${spec.name} = ${spec.fn} of ${spec.of}${spec.where}${spec.by}${spec.over}\n`, ruleOf(spec)]);
  if (random === undefined) return typesOf(random) + PARAM + parts.join('');
  const order = parts.map((part) => ({ part, at: random.next() })).sort((a, b) => a.at - b.at);
  return typesOf(random) + PARAM + order.map(({ part }) => part).join('');
};

function eventsOf(random: Random): Event[] {
  let at = 1_700_000_000_000;
  return Array.from({ length: random.int(4, 40) }, () => {
    at += random.pick([0, 0, 100, 500, 1000, 1000, 2000, 7000]);
    return { type: random.pick(['A', 'A', 'B']), at, k: random.pick(['x', 'y']), g: random.pick(['p', 'q']), v: random.chance(0.15) ? null : random.int(0, 6) } as unknown as Event;
  });
}

interface Ran { readonly alerts: readonly Alert[]; readonly change: Change | undefined; readonly bytes: number }

function ran(texts: readonly string[], events: readonly Event[], cuts: readonly number[]): Ran {
  let job = new Job(planOf(texts[0]!));
  let change: Change | undefined;
  const alerts: Alert[] = [];
  let from = 0;
  cuts.forEach((cut, i) => {
    job.push(events.slice(from, cut), from);
    from = cut;
    alerts.push(...job.alerts);
    const snapshot = job.engine.snapshot();
    job = new Job(planOf(texts[i + 1]!));
    change = job.engine.restore(snapshot, { accept: () => undefined });
  });
  job.push(events.slice(from), from);
  alerts.push(...job.alerts);
  return { alerts, change, bytes: job.engine.stats().bytes };
}

const of = (alerts: readonly Alert[], { name }: Spec): string[] => alerts.filter(({ rule }) => rule === `R_${name}`).map(({ id, at, fields }) => JSON.stringify([id, at, fields]));

function fail(seed: number, what: string, texts: readonly string[], cut: number, events: readonly Event[], ...more: unknown[]): never {
  throw new Error(`seed ${seed}, cut at ${cut}: ${what}\n${texts.join('\n---\n')}\n${events.map((event, i) => `${i}: ${JSON.stringify(event)}`).join('\n')}\n${more.map((one) => JSON.stringify(one)).join('\n')}`);
}

describe.each([1, 151])('random edits of random features, the hundred and fifty cases from seed %i', (from) => {
  test('those that stay say what they would have said, those that change begin anew, and that is told', () => {
    const seen = { stays: 0, changes: 0, lost: 0 };
    for (let seed = from; seed < from + 150; seed++) {
      const random = new Random(seed);
      const specs = Array.from({ length: random.int(1, 5) }, (_, i) => specOf(random, `f${i}`));
      const events = eventsOf(random);
      const cut = random.int(1, events.length - 1);
      const fates = specs.map(() => random.weighted([[5, 'stays'], [3, 'changes'], [1, 'goes']] as const));
      const now = specs.flatMap((spec, i) => {
        if (fates[i] === 'goes') return [];
        if (fates[i] === 'stays') return [{ ...spec, where: spec.where.replace('least', random.pick(['least', '1'])) }];
        const other = specOf(random, spec.name);
        return [{ ...spec, ...random.pick([{ over: spec.over === '' ? ' over 10s' : '' }, { where: ' where v > 0' }, { by: spec.by === ' by k' ? ' by g' : ' by k' }, { of: spec.of === 'A' ? 'B' : 'A' }, { ...other, where: ' where v > 3' }]) }];
      });
      const more = random.chance(0.5) ? [specOf(random, 'more')] : [];
      const texts = [textOf(specs), textOf([...now, ...more], random)];
      const got = ran(texts, events, [cut]);
      const whole = ran([texts[0]!], events, []);
      const anew = ran([texts[1]!], events.slice(cut), []);
      // What was taken up is a state like any other.
      const again = ran([...texts, textOf([...now, ...more], random)], events, [cut, random.int(cut, events.length)]);
      for (const [i, spec] of specs.entries()) {
        if (fates[i] === 'goes') continue;
        const verdict = got.change?.rules.find(({ rule }) => rule === `R_${spec.name}`) ?? { what: 'goes on', keys: 0 };
        const told = of(got.alerts, spec);
        const told2 = of(again.alerts, spec);
        if (told.join() !== told2.join()) fail(seed, `cut again, ${spec.name} is another`, texts, cut, events, told, told2);
        if (fates[i] === 'stays') {
          if (verdict.what !== 'goes on' || told.join() !== of(whole.alerts, spec).join()) fail(seed, `${spec.name} ${verdict.what}`, texts, cut, events, got.change, of(whole.alerts, spec), told);
          seen.stays++;
          continue;
        }
        const values = (alerts: readonly Alert[]): string[] => alerts.filter(({ rule }) => rule === `R_${spec.name}`).map(({ fields }) => JSON.stringify(fields));
        const expected = values(anew.alerts);
        if (values(got.alerts).slice(-expected.length || Infinity).join() !== expected.join()) fail(seed, `${spec.name} does not begin anew`, texts, cut, events, got.change, expected, values(got.alerts));
        if (verdict.what === 'fresh' && verdict.keys > 0) seen.lost++;
        else if (verdict.what === 'fresh') fail(seed, `${spec.name} is lost, with nothing`, texts, cut, events, got.change);
        const isNoted = got.change?.notes.some((note) => note.startsWith(`the feature ${spec.name} has changed`)) === true;
        if (isNoted !== (verdict.what === 'fresh')) fail(seed, `${spec.name} is told of otherwise`, texts, cut, events, got.change);
        seen.changes++;
      }
    }
    expect(Math.min(seen.stays, seen.changes)).toBeGreaterThan(80);
    expect(seen.lost).toBeGreaterThan(60);
  });
});

test('a state that was taken up goes as any other does: nothing of it stays behind', () => {
  let emptied = 0;
  for (let seed = 1; seed < 150; seed++) {
    const random = new Random(seed);
    const specs = Array.from({ length: random.int(1, 4) }, (_, i) => ({ ...specOf(random, `f${i}`), over: random.pick([' over 3s', ' over 10s', ' over 10s every 2s']) }));
    const first = eventsOf(random);
    const cut = random.int(1, first.length - 1);
    const last = Number(first.at(-1)!.at);
    const events = [...first, ...[100, 200, 300].map((s) => ({ type: 'A', at: last + 1000 * s, k: 'z', g: 'z', v: 0 }) as unknown as Event)];
    const texts = [textOf(specs), textOf([...specs, specOf(random, 'more')], random), textOf(specs)];
    const whole = ran([texts[0]!], events, []);
    const got = ran(texts, events, [cut, cut]);
    if (got.bytes !== whole.bytes) fail(seed, `${got.bytes} bytes are left, and not ${whole.bytes}`, texts, cut, events);
    if (whole.bytes < 2000) emptied++;
  }
  expect(emptied).toBeGreaterThan(50);
});
