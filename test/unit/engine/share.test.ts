import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { check, parseFile } from '../../../dsl/index.ts';
import { compile, type Plan } from '../../../src/compile/index.ts';
import { boundOf, ev, planOf, runPlan, TYPES, type Event, type Outcome } from './harness.ts';

/** Bodies that start on the same condition, by the same key, within the same span, and differ after that. `n` varies constants. */
const BODIES: readonly ((n: number) => string)[] = [
  (n) => `match a -> b within 10s a: A b: B where v == ${n} alert ch { k, v: b.v }`,
  (n) => `match all a -> b within 10s a: A b: B where v >= ${n} and v > a.v alert ch { k, v: a.v }`,
  (n) => `match all a ->> b within 10s a: A b: B where v == ${n} alert ch { k }`,
  (n) => `match a => b within 10s a: A b: B where v == ${n} alert ch { k }`,
  (n) => `match a -> not b within 10s a: A b: B where v == ${n} alert ch { k }`,
  (n) => `match a -> b within 10s a: A b: B where v == ${n} alert ch { k } on timeout alert late { k, v: a.v }`,
  (n) => `match longest a -> b+ within 10s a: A b: B where v == ${n} alert ch { k, n: count(b) }`,
  (n) => `match a -> b -> c within 10s a: A b: B where v == ${n} c: C alert ch { k } limit 1 per 5s`,
  (n) => `match all a -> c -> b within 10s then skip past last a: A b: B where v == ${n} c: C alert ch { k }`,
  (n) => `match a -> not c for 3s -> b within 10s a: A b: B c: C where v == ${n} alert ch { k }`,
];

interface Compiled { readonly together: Plan; readonly alone: readonly Plan[]; readonly names: readonly string[] }

function compileBoth(count: number): Compiled {
  const names = Array.from({ length: count }, (_, i) => `R${i}`);
  const text = TYPES + names.map((name, i) => `rule ${name} { by k on A, B, C ${BODIES[i % BODIES.length]!(Math.floor(i / BODIES.length) % 4)} }`).join('\n');
  const { program, diagnostics } = check([parseFile('case.cep', text).file]);
  if (program === undefined) throw new Error(diagnostics.map((d) => d.message).join('; '));
  return { together: compile(program), alone: names.map((name) => compile(program, { rules: [name] })), names };
}

function expectSame({ together, alone, names }: Compiled, events: readonly Event[], cutAt?: number): Outcome {
  const options = cutAt === undefined ? {} : { cutAt };
  const shared = runPlan(together, events, options);
  names.forEach((name, i) => {
    const own = runPlan(alone[i]!, events, options);
    expect(shared.alerts.filter((alert) => alert.rule === name)).toEqual(own.alerts);
    const { openRuns: _, ...counters } = shared.stats.rules[i]!;
    expect(own.stats.rules[0]).toMatchObject(counters);
  });
  return shared;
}

const anyEvents = fc.array(fc.record({ type: fc.constantFrom('A', 'A', 'B', 'C'), step: fc.nat(4), k: fc.constantFrom('k1', 'k1', 'k2'), v: fc.nat(3) }), { maxLength: 40 })
  .map((list) => {
    let at = 0;
    return list.map(({ step, ...event }): Event => ({ ...event, at: (at += step) * 1000 }));
  });

describe('rules that share a start give what each gives alone', () => {
  test('most of these rules do share', () => {
    const { together } = compileBoth(BODIES.length);
    expect(together.rules.filter((rule) => rule.isGroup).length).toBeGreaterThan(0);
    expect(together.rules.filter((rule) => rule.group >= 0).length).toBeGreaterThan(2);
  });
  test('each kind of rule, on random streams', () => {
    const compiled = compileBoth(2 * BODIES.length);
    fc.assert(fc.property(anyEvents, (events) => { expectSame(compiled, events); }), { numRuns: 25, seed: 20 });
  });
  test('with a snapshot and restore anywhere', () => {
    const compiled = compileBoth(BODIES.length);
    fc.assert(fc.property(anyEvents, fc.nat(40), (events, cut) => { expectSame(compiled, events, Math.min(cut, events.length)); }), { numRuns: 20, seed: 21 });
  });
  test('1,000 rules', () => {
    const compiled = compileBoth(1000);
    const [events] = fc.sample(fc.array(fc.record({ type: fc.constantFrom('A', 'B', 'C'), k: fc.constantFrom('k1', 'k2'), v: fc.nat(3) }), { minLength: 40, maxLength: 40 }), { numRuns: 1, seed: 22 });
    const { alerts } = expectSame(compiled, events!.map((event, i) => ({ ...event, at: i * 700 })));
    expect(new Set(alerts.map((a) => a.rule)).size).toBeGreaterThan(500);
  });

  const pair = (body: string, group = 2): { together: Plan; alone: Plan } => {
    const text = `${TYPES} rule X { by k on A, B, C ${body} alert ch { k } } rule Y { by k on A, B, C match a -> b -> c within 10s a: A b: B where v == 9 c: C alert ch { k } }`;
    const plans = { together: planOf(text), alone: planOf(text, { rules: ['X'] }) };
    expect(plans.together.rules[0]!.group).toBe(group);
    return plans;
  };
  const of = ({ alerts }: Outcome): unknown[] => alerts.filter((alert) => alert.rule === 'X');

  // Section 3: "a ban `-> not b` on the arrow: no event strictly between satisfies `b`".
  test('a start that a ban ended does not come back', () => {
    const { together, alone } = pair('match a -> not c -> b within 10s a: A b: B c: C');
    const events = [ev('A', 0), ev('B', 0), ev('A', 3), ev('C', 5), ev('A', 6), ev('A', 7), ev('B', 10)];
    expect(boundOf(runPlan(alone, events).alerts)).toEqual([[0, 1], [4, 6]]);
    expect(of(runPlan(together, events))).toEqual(of(runPlan(alone, events)));
  });
  // Starts that `then skip past last` dropped stay dropped when the rule's record of the key goes.
  test('open runs are counted without the starts that a skip dropped', () => {
    const { together, alone } = pair('match a -> b -> c within 10s a: A b: B where v is null c: C');
    const events = [ev('A', 0), ev('B', 0), ev('A', 1), ev('A', 3), ev('C', 4), ev('A', 6), ev('A', 10)];
    expect(runPlan(alone, events).stats.rules[0]!.openRuns).toBe(2);
    expect(runPlan(together, events).stats.rules[0]!.openRuns).toBe(2);
  });
  // Section 2, `keep`: "Each time is counted, shown, and marked on the rule's next alert for that key: an answer is never silently incomplete."
  test('each drop of `keep` is counted and marked on the next alert', () => {
    // A rule with a small `keep` of its own shares no starts: its drops must be counted as they happen.
    const { together, alone } = pair('keep 2 events match all a -> b within 10s a: A b: B', -1);
    const events = [ev('A', 0), ev('A', 1), ev('A', 3), ev('A', 6), ev('B', 10)];
    expect(runPlan(alone, events).alerts.map((alert) => alert.dropped)).toEqual([2, 0]);
    expect(of(runPlan(together, events))).toEqual(of(runPlan(alone, events)));
  });
});
