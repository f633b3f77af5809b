import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Alert } from '../../../src/core/alert.ts';
import { Job, planOf, runChained, type Event as Raw } from './harness.ts';
import { reference, ruleText, visible, type Event, type FeatureSpec, type RuleSpec, type Told } from './feature-reference.ts';

/** How far out of order events come, ms. */
const LATENESS = 3000;

const by = fc.constantFrom<readonly ('k' | 'g')[]>([], ['k'], ['g'], ['k', 'g']);
const feature = fc.record({
  fn: fc.constantFrom<FeatureSpec['fn']>('count', 'sum', 'avg', 'min', 'max', 'stddev', 'variance', 'first', 'last', 'distinct', 'values', 'any', 'all', 'slope',
    'top', 'percentile', 'lasting', 'timeAvg'),
  of: fc.constantFrom('A', 'B', 'D'), above: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }), by,
  over: fc.option(fc.constantFrom(1000, 3000, 5000, 10_000), { nil: undefined }), paned: fc.boolean(),
}).map(({ paned, ...f }): Omit<FeatureSpec, 'name'> => ({ ...f, every: paned && f.over !== undefined ? f.over / 5 : undefined }));
const rule = fc.record({
  kind: fc.constantFrom<RuleSpec['kind']>('one', 'one', 'absence'), of: fc.constantFrom('A', 'B', 'D'), by, emits: fc.boolean(),
  condition: fc.option(fc.record({ feature: fc.nat(), op: fc.constantFrom<'<' | '>=' | 'is null'>('<', '>=', '>=', 'is null'), n: fc.integer({ min: 0, max: 6 }) }), { nil: undefined }),
});
const event = fc.record({
  type: fc.constantFrom('A', 'A', 'B'), step: fc.constantFrom(0, 0, 100, 500, 1000, 1000, 2000, 7000), k: fc.constantFrom('x', 'y'), g: fc.constantFrom('p', 'q'),
  v: fc.option(fc.integer({ min: 0, max: 6 })), delay: fc.integer({ min: 0, max: LATENESS }),
});

/** What is worked out in another order than the reference's is not compared with a number it may just meet. */
function conditionOn(of: FeatureSpec, { op, n }: { readonly op: '<' | '>=' | 'is null'; readonly n: number }): NonNullable<RuleSpec['condition']> {
  return { feature: of.name, op, n: ['slope', 'stddev', 'variance', 'percentile', 'timeAvg'].includes(of.fn) ? n + 0.37 : n };
}

interface Case { readonly features: readonly FeatureSpec[]; readonly rules: readonly RuleSpec[]; readonly events: readonly Event[]; readonly arrival: readonly Event[] }

const cases = fc.record({ features: fc.array(feature, { minLength: 1, maxLength: 5 }), rules: fc.array(rule, { minLength: 1, maxLength: 4 }), events: fc.array(event, { minLength: 1, maxLength: 40 }) })
  .map((raw): Case => {
    const features = raw.features.map((f, i): FeatureSpec => ({ ...f, name: `f${i}` }));
    const rules = raw.rules.map((r, i): RuleSpec => {
      const readable = visible(features, r).filter(({ fn }) => !['values', 'top', 'any', 'all', 'lasting'].includes(fn));
      const { condition } = r;
      return {
        ...r, name: `R${i}`, of: r.kind === 'absence' ? 'A' : r.of,
        // What D leads to must not lead back to D, by a rule or by a feature.
        emits: r.emits && r.of === 'A' && r.kind === 'one' && !visible(features, r).some(({ of }) => of === 'D'),
        condition: condition === undefined || readable.length === 0 ? undefined : conditionOn(readable[condition.feature % readable.length]!, condition),
      };
    });
    let at = 0;
    const events = raw.events.map(({ type, step, k, g, v, delay }) => { at += step; return { event: { type, at, k, g, v }, arrives: at + delay }; });
    // Events of one time keep their order: it is the order of arrival that counts among them.
    const sorted = events.map((e, i) => ({ ...e, i })).sort((a, b) => a.arrives - b.arrives || a.i - b.i).map((e) => e.event);
    return { features, rules, events: events.map((e) => e.event), arrival: sorted };
  });

const toTold = ({ rule: name, at, key, fields }: Alert): Told => ({ rule: name, at, key: key as Record<string, string>, fields });

function engine(text: string, events: readonly Event[], options: { readonly lateness: number; readonly cuts: readonly number[]; readonly batch: number; readonly apart?: boolean }): Told[] {
  const job = new Job(planOf(text), { lateness: options.lateness, recordsApart: options.apart });
  for (let i = 0; i < events.length; i += options.batch) {
    if (options.cuts.includes(Math.floor(i / options.batch))) job.moveOn();
    job.push(events.slice(i, i + options.batch) as unknown as Raw[], i);
  }
  job.engine.advance(Infinity);
  expect(job.late).toEqual([]);
  return job.alerts.map(toTold);
}

/** Numbers to nine digits: sums are exact here, variances and slopes are not. */
const rounded = (told: readonly Told[]): unknown => JSON.parse(JSON.stringify(told, (_, v: unknown) => (typeof v === 'number' && !Number.isInteger(v) ? Number(v.toPrecision(9)) : typeof v === 'number' && v === 0 ? 0 : v)));

test('features agree with a walk over all events: with ties, disorder, snapshots anywhere', () => {
  fc.assert(fc.property(cases, fc.array(fc.nat(20), { maxLength: 4 }), fc.integer({ min: 1, max: 9 }), (c, cuts, batch) => {
    const text = ruleText(c.features, c.rules);
    const inOrder = rounded(reference(c.features, c.rules, c.events));
    expect(rounded(engine(text, c.events, { lateness: 0, cuts: [], batch: 64 }))).toEqual(inOrder);
    expect(rounded(engine(text, c.events, { lateness: 0, cuts, batch }))).toEqual(inOrder);
    const arrived = rounded(reference(c.features, c.rules, c.arrival));
    expect(rounded(engine(text, c.arrival, { lateness: LATENESS, cuts, batch, apart: true }))).toEqual(arrived);
    if (batch > 2) return;
    // An image after each event: what is written and not marked would be missing from the chain.
    const { alerts } = runChained(planOf(text), c.arrival as unknown as Raw[], { lateness: LATENESS }, 1 + 6 * batch);
    expect(rounded(alerts.map(toTold))).toEqual(arrived);
  }), { numRuns: Number(process.env['FEATURES'] ?? 150) });
});
