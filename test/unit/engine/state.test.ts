import { describe, expect, test } from '@jest/globals';
import { boundOf, ev, Job, planOf, run, runCut, TYPES } from './harness.ts';

describe('state of keys seen once', () => {
  const CHUNK = 20_000;
  const grow = (text: string, total: number, atMost: { bytes: number; keys: number }): void => {
    const job = new Job(planOf(text));
    let peak = 0;
    for (let from = 0; from < total; from += CHUNK) {
      job.push(Array.from({ length: CHUNK }, (_, i) => ev('A', (from + i) / 100, { k: `key${from + i}`, v: 1 })), from);
      peak = Math.max(peak, job.engine.stats().bytes);
    }
    const end = total / 100;
    // 10 s of keys live at a time, 1,000 of them: the peak must not grow with the stream.
    expect(peak).toBeLessThan(atMost.bytes);
    expect(job.engine.stats().keys).toBeLessThan(atMost.keys);
    job.push([ev('C', end + 3600)]);
    const { bytes, keys, rules } = job.engine.stats();
    expect(keys).toBeLessThanOrEqual(1);
    expect(bytes).toBeLessThan(4096);
    expect(rules.map((r) => r.openRuns)).toEqual(rules.map(() => 0));
  };

  test('goes when `within` has passed', () => {
    grow(`${TYPES} rule R { by k match a -> b within 10s a: A b: B alert ch { k } }`, 200_000, { bytes: 4_000_000, keys: 10_000 });
  });
  test('goes when `within` has passed, with timeouts', () => {
    grow(`${TYPES} event D { k: string, at: time } time at rule R { by k evidence none match a -> b within 10s a: A where v > 0 b: B alert ch { k } on timeout emit D { k } }`, 20_000, { bytes: 4_000_000, keys: 10_000 });
  });
  test('goes when `within` has passed, where rules share the start', () => {
    grow(`${TYPES} ${[1, 2, 3].map((n) => `rule R${n} { by k match a -> b within 10s a: A b: B where v == ${n} alert ch { k } }`).join('\n')}`, 40_000, { bytes: 16_000_000, keys: 40_000 });
  });
});

describe('what a rule holds', () => {
  const text = `${TYPES} event D { k: string, n: int, at: time } time at id n
      rule Loop { by k match all a{2,} -> b within 20s a: A b: B where v > avg(a.v) alert ch { k } }
      rule Step { by k match b{3,} greedy -> c within 20s b: B c: C alert ch { k, n: count(b) } }
      rule Any { by k limit 1 per 12s match all a ->> b within 20s a: A b: B where v == a.v alert ch { k } }
      rule Quiet { by k match a -> not b for 6s -> c within 30s a: A b: B c: C alert ch { k } }
      rule Timeout { by k match a -> c -> d within 9s a: A c: C d: D alert ch { k } on timeout alert late { k } }
      rule Session { by k match a -> c within session 8s a: A c: C alert ch { k } }`;
  const events = Array.from({ length: 4000 }, (_, i) => ev('ABC'[(i * 7 + (i >> 2)) % 3]!, i / 5, { k: `k${(i * 31) % 17}`, v: (i * 13) % 4 }));

  test('is counted as it comes and goes, as a walk over the state finds it', () => {
    const job = new Job(planOf(text));
    for (let at = 0; at < events.length; at += 500) {
      job.push(events.slice(at, at + 500), at);
      const counted = job.engine.gauges();
      const open = job.engine.stats().rules;
      const again = new Job(planOf(text));
      again.engine.restore(job.engine.snapshot());
      const walked = again.engine.gauges().rules;
      expect(counted.rules.map(({ name, keys, runs }) => ({ name, keys, runs }))).toEqual(walked.map(({ name, keys, runs }) => ({ name, keys, runs })));
      for (const [i, { name, keys, runs, bytes }] of counted.rules.entries()) {
        expect([name, runs >= open[i]!.openRuns, keys > 0]).toEqual([name, true, true]);
        // But for further links of nodes, which the walk leaves out.
        expect([name, Math.abs(bytes / walked[i]!.bytes - 1) < 0.3]).toEqual([name, true]);
      }
      expect(counted.rules.reduce((sum, { keys }) => sum + keys, 0)).toBe(counted.keys);
      expect(counted.rules.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(counted.bytes);
      if (at % 1000 === 0) job.moveOn();
    }
    job.push([ev('D', 4000, { k: 'z', n: 1 })], 4000);
    expect(job.engine.gauges().rules.map(({ keys, runs, bytes }) => [keys, runs, bytes])).toEqual(events.slice(0, 6).map(() => [0, 0, 0]));
  });
});

describe('snapshot and restore', () => {
  test('in the middle of every kind of state, give what the uncut run gives', () => {
    const text = `${TYPES} event D { k: string, n: int, at: time } time at id n once within 1m
      rule Loop { by k keep 3 events match longest a{2,} -> b within 20s a: A b: B where v > avg(a.v) alert ch { k, n: count(a), last: last(a).v } }
      rule Greedy { by k match all a+ greedy -> not c -> b within 15s a: A b: B c: C alert ch { k } on timeout alert late { k, n: count(a) } }
      rule Any { by k limit 1 per 12s match all a ->> b within 20s a: A b: B alert ch { k, v: b.v } }
      rule Quiet { by k match not b for 6s -> a within 30s b: B a: A alert ch { k } }
      rule Session { by k match a -> c within session 8s a: A c: C alert ch { k } on timeout emit D { k, n: 1 } }
      rule Group { by k match (a -> b){2} within 40s a: A b: B alert ch { k, n: count(a) } }
      rule And { by k match (a and b and c) within 25s then skip none a: A b: B c: C alert ch { k, id: match.id } }
      rule Next { match a => d within 40s a: A d: D alert ch { n: d.n } }`;
    // A fixed walk over types, keys and times; times step back by up to 4 s.
    const events = Array.from({ length: 60 }, (_, i) => ev('ABC'[(i * 7 + (i >> 2)) % 3]!, i * 2 - (i % 3) * 2, { k: `k${i % 5 === 0 ? 2 : 1}`, v: (i * 13) % 10 }));
    const { alerts, derived } = runCut(text, events, { lateness: 3000 });
    expect(derived.length).toBeGreaterThan(0);
    expect(new Set(alerts.map((a) => a.rule))).toEqual(new Set(['Loop', 'Greedy', 'Any', 'Quiet', 'Session', 'Group', 'And', 'Next']));
  });
  test('keep the numbers of byte-equal events apart over a cut between them', () => {
    const text = `${TYPES} rule R { by k match all a -> b within 1h a: A b: B alert ch { k } }`;
    const { alerts } = runCut(text, [ev('A', 0), ev('A', 0), ev('A', 0), ev('B', 0)]);
    expect(new Set(alerts.map((a) => a.id)).size).toBe(3);
  });
  test('keep the counts that ride on the next alert', () => {
    const text = `${TYPES} rule R { by k keep 1 events limit 1 per 10s match a -> b within 1h a: A b: B alert ch { k } }`;
    const { alerts } = runCut(text, [ev('A', 0), ev('B', 1), ev('A', 2), ev('B', 3), ev('A', 4), ev('A', 5), ev('B', 20)]);
    expect(alerts.map((a) => [a.at / 1000, a.suppressed, a.dropped])).toEqual([[1, 0, 0], [20, 1, 1]]);
  });
  test('are refused by an engine of other rules', () => {
    const one = new Job(planOf(`${TYPES} rule R { by k match a -> b within 1h a: A b: B alert ch { k } }`));
    const other = new Job(planOf(`${TYPES} rule S { by k match a => b within 1h a: A b: B alert ch { k } }`));
    one.push([ev('A', 0)]);
    expect(() => { other.engine.restore(one.engine.snapshot()); }).toThrow(/other rules/);
  });
  test('pushing in pieces gives what one batch gives', () => {
    const text = `${TYPES} rule R { by k match all a+ -> b within 20s a: A b: B alert ch { k, n: count(a) } }`;
    const events = Array.from({ length: 40 }, (_, i) => ev('AAB'[i % 3]!, i, { k: `k${i % 2}` }));
    const job = new Job(planOf(text));
    for (const [i, event] of events.entries()) job.push([event], i);
    job.engine.advance(Infinity);
    expect(job.alerts).toEqual(run(text, events).alerts);
    expect(boundOf(job.alerts).length).toBeGreaterThan(10);
  });
});
