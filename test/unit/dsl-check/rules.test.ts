import { describe, expect, test } from '@jest/globals';
import { bare, errorCodes, findings, programOf, ruleFindings, ruleOf, ruleText, TYPES } from './support.ts';

describe('keys', () => {
  const key = (body: string) => bare(ruleOf(body).key);
  test('are a field of every type, or what stands for it', () => {
    expect(key('by user = card\n match a -> b within 5m\n a: Payment\n b: Login')).toMatchObject([{
      name: 'user', type: { kind: 'string' }, valueOf: { Payment: { kind: 'eventField', field: 'card' }, Login: { field: 'card' }, MobileLogin: { field: 'card' } }, stages: {},
    }]);
    expect(key('by device (Payment: merchant)\n match a -> b within 5m\n a: Payment\n b: Login')).toMatchObject([{ valueOf: { Payment: { field: 'merchant' }, Login: { field: 'device' } } }]);
    expect(key('by card (Login: device, MobileLogin: os)\n match a -> b within 5m\n a: Payment\n b: Login')).toMatchObject([{ valueOf: { Login: { field: 'device' }, MobileLogin: { field: 'os' } } }]);
  });
  test('may be a stage\'s own', () => {
    expect(key('by account (credit: to, debit: from)\n match credit -> debit within 5m\n credit, debit: Transfer')).toMatchObject([
      { name: 'account', valueOf: {}, stages: { credit: { field: 'to' }, debit: { field: 'from' } } },
    ]);
    expect(key('by card (a: merchant)\n match a -> b within 5m\n a, b: Payment')).toMatchObject([{ valueOf: { Payment: { field: 'card' } }, stages: { a: { field: 'merchant' } } }]);
  });
  test.each([
    ['by device\n match a -> b within 5m\n a: Payment\n b: Login', 'unknown-key'], ['by account (credit: to)\n match credit -> debit within 5m\n credit, debit: Transfer', 'unknown-key'],
    ['by card (Pament: merchant)\n match a\n a: Payment', 'unknown-type'], ['by card (b: merchant)\n match a\n a: Payment', 'unknown-stage'], ['by card, card\n match a\n a: Payment', 'field-twice'],
    ['by tags\n match a\n a: Payment', 'type-mismatch'], ['by k (Payment: items, Login: card)\n match a -> b within 5m\n a: Payment\n b: Login', 'mixed-types'],
    ['by card from cards\n match a\n a: Payment', 'unknown-table'], ['by x = cards\n match a\n a: Payment', 'unknown-name'],
  ])('%s: %s', (body, code) => {
    expect(errorCodes(body)).toEqual([code]);
  });
});

describe('what a rule sees', () => {
  const sees = (body: string) => bare(ruleOf(body).sees);
  test('are the types of its stages, subtypes spelled out', () => {
    expect(sees('match a -> not b within 5m\n a: Payment\n b: Login')).toEqual({ Payment: { filters: [] }, Login: { filters: [] }, MobileLogin: { filters: [] } });
  });
  test('or what `on` names, each with its filters', () => {
    expect(sees('on Payment where amount > 5, Login\n match a\n a: Payment')).toMatchObject({ Payment: { filters: [{ kind: 'compare' }] }, Login: { filters: [] }, MobileLogin: { filters: [] } });
    expect(sees('on Payment where amount > 5, Payment where items > 5\n match a\n a: Payment')).toMatchObject({ Payment: { filters: [{}, {}] } });
    expect(sees('on Login where device == "x", MobileLogin\n match a\n a: Login')).toMatchObject({ Login: { filters: [{}] }, MobileLogin: { filters: [] } });
  });
  test('a stage that `on` hides is a warning', () => {
    expect(ruleFindings('on Login\n match a\n a: Payment')).toEqual(['~never-matches: "a" can never match: `on` lets no "Payment" through. (add Payment to `on`)']);
    expect(ruleFindings('on Payment where status == "ok"\n match a\n a: Payment where status == "fail"')[0]).toMatch(/^~never-matches/);
  });
});

describe('patterns', () => {
  const stages = 'a, b, c, d, x, y: Payment';
  const made = (pattern: string) => {
    const names = stages.split(':')[0]!.split(', ').filter((name) => new RegExp(`\\b${name}\\b`).test(pattern));
    return bare(ruleOf(`match all ${pattern}\n ${names.join(', ')}: Payment`).match.pattern);
  };
  const stage = (name: string) => ({ kind: 'stage', stage: name });
  const ban = (...names: string[]) => ({ kind: 'between', what: { kind: 'stages', stages: names } });
  const item = (name: string, arrow = 'followed', bans: unknown[] = []) => ({ arrow, bans, pattern: stage(name) });

  test('bans are on the arrow of the next step, or trailing', () => {
    expect(made('a -> not x -> b => not y => c -> not x within 5m')).toEqual({
      kind: 'sequence', items: [item('a'), item('b', 'followed', [ban('x')]), item('c', 'next', [{ ...ban('y'), kind: 'next' }])], trailing: [ban('x')],
    });
    expect(made('not (x or y) -> a within 5m')).toEqual({ kind: 'sequence', items: [item('a', 'followed', [ban('x', 'y')])], trailing: [] });
    expect(made('a -> not (x -> y) -> b within 5m')).toMatchObject({ items: [{}, { bans: [{ what: { kind: 'sequence', pattern: { kind: 'sequence', items: [item('x'), item('y')] } } }] }] });
  });
  test('groups that only hold together are gone', () => {
    expect(made('a => (b -> c) ->> ((d)) within 5m')).toEqual({ kind: 'sequence', items: [item('a'), item('b', 'next'), item('c'), item('d', 'any')], trailing: [] });
    expect(made('(a -> not x) -> b within 5m')).toEqual({ kind: 'sequence', items: [item('a'), item('b', 'followed', [ban('x')])], trailing: [] });
    expect(made('(a)')).toEqual(stage('a'));
  });
  test('`and` is every order', () => {
    expect(made('(a and b) within 5m')).toEqual({ kind: 'or', alternatives: [['a', 'b'], ['b', 'a']].map((order) => ({ kind: 'sequence', items: order.map((name) => item(name)), trailing: [] })) });
    expect((made('(a and b and c and d) within 5m') as { alternatives: unknown[] }).alternatives).toHaveLength(24);
  });
  test('quantifiers give counts and the arrow of the loop', () => {
    const repeat = (pattern: string) => (made(`${pattern} -> b within 5m`) as { items: { pattern: unknown }[] }).items[0]!.pattern;
    const count = (value: number) => ({ type: { kind: 'int' }, kind: 'literal', value });
    const plain = { kind: 'repeat', inner: stage('a'), iteration: 'followed', iterationBans: [], greedy: false, lazy: false };
    expect(repeat('a+')).toEqual({ ...plain, min: count(1) });
    expect(repeat('a* strict greedy')).toEqual({ ...plain, min: count(0), iteration: 'next', greedy: true });
    expect(repeat('a? lazy')).toEqual({ ...plain, min: count(0), max: count(1), lazy: true });
    expect(repeat('a{2,3} any')).toEqual({ ...plain, min: count(2), max: count(3), iteration: 'any' });
    expect(repeat('a{n}')).toMatchObject({ min: { kind: 'param', name: 'n' }, max: { kind: 'param', name: 'n' } });
    expect(repeat('(a{2})?')).toMatchObject({ min: count(0), max: count(1), inner: { kind: 'repeat', min: count(2) } });
  });
  test('`without` is on every arrow, also in loops and at a closing absence', () => {
    expect(made('a -> (b -> c)+ -> not y without x within 5m')).toMatchObject({
      items: [{ bans: [] }, { bans: [ban('x')], pattern: { kind: 'repeat', iterationBans: [ban('x')], inner: { items: [{ bans: [] }, { bans: [ban('x')] }] } } }], trailing: [ban('y'), ban('x')],
    });
    expect(made('a -> b without x within 5m')).toMatchObject({ trailing: [] });
  });
  test('a silence is a step', () => {
    expect(made('a -> not x for 5m -> b within 10m')).toMatchObject({ items: [item('a'), { arrow: 'followed', bans: [], pattern: { kind: 'silence', stages: ['x'], duration: { value: 300_000 } } }, item('b')] });
    expect(made('not x for 5m')).toMatchObject({ kind: 'silence', stages: ['x'] });
  });
  test('stages know whether they repeat, are only banned, and which is written first', () => {
    const rule = ruleOf('match all (b -> a?)+ -> c{2} -> not x -> d without y within 5m\n a, b, c, d, x, y: Payment');
    expect([...rule.match.stages.values()].sort((p, q) => p.order - q.order).map(({ name, loop, banned, order }) => [name, loop, banned, order])).toEqual([
      ['b', true, false, 0], ['a', true, false, 1], ['c', true, false, 2], ['x', false, true, 3], ['d', false, false, 4], ['y', false, true, 5],
    ]);
  });
  test('what is left after a match is by the mode', () => {
    const skip = (text: string) => ruleOf(`${text} within 5m\n a, b: Payment`).match.skip;
    expect(['match a -> b', 'match longest a -> b', 'match all a -> b'].map(skip)).toEqual([{ to: 'past last' }, { to: 'past last' }, { to: 'none' }]);
    expect(ruleOf('match all a -> b within 5m then skip to last b\n a, b: Payment').match.skip).toEqual({ to: 'last', stage: 'b' });
  });

  test.each([
    ['a ->> not x -> b', 'ban-after-any'], ['not a', 'no-step'], ['a -> (not x)+ -> b', 'no-step'], ['a -> not x+ -> b', 'bad-ban'], ['a -> not (x -> not y -> c) -> b', 'bad-ban'], ['a => not (x -> y)', 'bad-ban'],
    ['a -> (b or not x)', 'not-in-choice'], ['(a and not x)', 'not-in-choice'], ['(a and b+)', 'bad-and'], ['(a and (b -> c))', 'bad-and'], ['a => not x for 5m', 'silence-arrow'],
    ['a -> not (x -> y) for 5m', 'bad-ban'], ['a{3,2} -> b', 'bad-count'], ['a{0} -> b', 'bad-count'], ['a{1.5} -> b', 'bad-count'], ['a{-1,2} -> b', 'bad-count'],
    ['(a -> b)+ greedy -> c', 'group-modifier'], ['a+ greedy any -> b', 'contradiction'], ['a+ greedy lazy -> b', 'contradiction'], ['a? strict -> b', 'not-a-loop'], ['a* -> b?', 'empty-match'],
    ['a -> a', 'stage-used-twice'], ['a -> not a -> b', 'stage-used-twice'], ['a -> b without a', 'stage-used-twice'],
  ])('%s is an error: %s', (pattern, code) => {
    const names = stages.split(':')[0]!.split(', ').filter((name) => new RegExp(`\\b${name}\\b`).test(pattern));
    expect(errorCodes(`match all ${pattern} within 5m\n ${names.join(', ')}: Payment`)).toEqual([code]);
  });
  test('a stage that is not defined is reported where the pattern names it, and nowhere else', () => {
    expect(errorCodes('by card\n match a -> b within 5m then skip to last b\n a: Payment within 1m of b\n having b.amount > count(b)\n alert out { card, v: sum(b.amount), t: timeOf(b), l: last(b).amount }')).toEqual(['undefined-stage']);
  });
  test('a count by a param may be zero where its bounds say so', () => {
    expect(errorCodes('match all a{m,} within 5m\n a: Payment', 'param m: int = 2 in 0 .. 5')).toEqual(['empty-match']);
    expect(errorCodes('match all a{m,} within 5m\n a: Payment', 'param m: int = 2 in 1 .. 5')).toEqual([]);
    expect(errorCodes('match all a{m,} within 5m\n a: Payment', 'param m: int = 2')).toEqual([]);
    expect(errorCodes('match all a{m,} within 5m\n a: Payment', 'param m: int = 2 in -1 .. 5')).toEqual(['bad-count']);
  });
  test('a stage that is only ever banned may be used more often', () => {
    expect(errorCodes('match a -> not x -> b -> not x -> c within 5m\n a, b, c, x: Payment')).toEqual([]);
  });
  test.each([
    ['match a -> not b\n a, b: Payment', 'absence-without-bound'], ['match a -> b\n a, b: Payment\n on timeout alert out {}', 'timeout-without-bound'], ['match not a -> b gap 5m\n a, b: Payment', 'ban-looks-back'],
    ['match a -> b within 5m\n a: Payment until amount > 5\n b: Payment', 'not-a-loop'], ['match a -> not b within 5m\n a: Payment\n b: Payment until amount > 5', 'not-a-loop'],
    ['match (a -> b)+ within 5m\n a: Payment until amount > 5\n b: Payment', 'group-modifier'], ['match a -> b within 5m\n a: Payment within 5m of a\n b: Payment', 'bound-on-itself'],
    ['match a -> b within 5m\n a: Payment within 1m of b\n b: Payment', 'stage-not-bound'], ['match a -> b within 5m\n a: Payment\n b: Payment within 1m of aa', 'unknown-stage'], ['match a -> b within 0s\n a, b: Payment', 'out-of-bounds'],
    ['match a -> b within n\n a, b: Payment', 'type-mismatch'], ['match a -> b within 5m then skip to first zz\n a, b: Payment', 'undefined-stage'], ['match a -> not x -> b within 5m then skip to first x\n a, b, x: Payment', 'banned-stage-read'],
    ['match a -> b within session 1m * a.amount\n a, b: Payment', 'unknown-name'],
  ])('%s: %s', (body, code) => {
    expect(errorCodes(body)).toEqual([code]);
  });
  test('an absence may have the bound of its own stage, and a next one needs none', () => {
    expect(errorCodes('match a -> not b\n a: Payment\n b: Payment within 5m of a')).toEqual([]);
    expect(errorCodes('match a => not b\n a, b: Payment')).toEqual([]);
  });
});

describe('clauses', () => {
  test('have their defaults', () => {
    expect(bare(ruleOf('match a\n a: Payment'))).toMatchObject({
      severity: { kind: 'literal', value: 'medium' }, tags: [], version: 1, mode: { kind: 'live' }, evidence: 'full', key: [], keep: { count: 10_000, drop: 'oldest' }, match: { mode: 'first' },
    });
  });
  test('are read', () => {
    const text = 'by card\n title "T"\n description "D"\n owner "O"\n runbook "B"\n tags x, y\n version 3\n mode canary 5%\n evidence refs\n keep 50 events drop newest\n limit 2 per 1h by a.merchant\n severity if a.amount > 5 then critical else low\n match a\n a: Payment\n alert out { card, m: a.merchant }';
    expect(bare(ruleOf(text))).toMatchObject({
      title: 'T', description: 'D', owner: 'O', runbook: 'B', tags: ['x', 'y'], version: 3, mode: { kind: 'canary', percent: 5 }, evidence: 'refs', keep: { count: 50, drop: 'newest' },
      limit: { count: 2, per: 3_600_000, by: { kind: 'stageField' } }, severity: { kind: 'if', then: { value: 'critical' }, else: { value: 'low' } },
      outputs: [{ kind: 'alert', onTimeout: false, target: 'out' }],
    });
  });
  test.each([
    ['match a\n a: Payment\n severity higher', 'unknown-name'], ['match a\n a: Payment\n severity a.merchant', 'bad-severity'], ['match a\n a: Payment\n severity "huge"', 'not-in-set'], ['match a\n a: Payment\n severity 3', 'bad-severity'],
    ['match a\n a: Payment\n mode canary 0%', 'out-of-bounds'], ['match a\n a: Payment\n limit 0 per 1h', 'out-of-bounds'], ['match a\n a: Payment\n keep n events', 'not-constant'], ['by card', 'no-match'],
    ['match a\n a: Payment\n title "a"\n title "b"', 'clause-twice'], ['match a -> b within 5m\n a: Payment', 'undefined-stage'], ['match a\n a, b: Payment', 'unused-stage'], ['match a\n a: Payment\n a: Login', 'declared-twice'],
    ['match a\n a: Payment where amount', 'not-a-condition'], ['match a\n a: Payment\n having a.amount', 'not-a-condition'], ['match a\n a: Payment\n alert out { x: 1, x: 2 }', 'field-twice'],
    ['match a\n a: Payment\n emit Alarm { level: 1 }', 'missing-field'], ['match a\n a: Payment\n emit Alarm { card: 5, level: 1 }', 'type-mismatch'], ['match a\n a: Payment\n emit Alarm { card: a.card, level: 1, lvl: 2 }', 'unknown-field'],
    ['match a\n a: Payment\n emit Alrm { level: 1 }', 'unknown-type'], ['match a\n a: Alarm\n emit Alarm { card: a.card, level: 1 }', 'emit-cycle'],
  ])('%s: %s', (body, code) => {
    expect(errorCodes(body)).toEqual([code]);
  });
  test('emit fills the time field, and takes an int for a float', () => {
    expect(bare(ruleOf('by card\n match a\n a: Payment\n emit Alarm { card, level: a.items }').outputs)).toMatchObject([{ kind: 'emit', target: 'Alarm', fields: [{ name: 'card' }, { name: 'level' }] }]);
  });
  test('a chain of emits that leads back is an error at each emit of it', () => {
    const rule = (name: string, reads: string, emits: string) => `rule ${name} {\n match a\n a: ${reads}\n emit ${emits} { x: a.x }\n}\n`;
    const types = 'event A { x: int }\nevent B { x: int }\nevent C { x: int }\nevent B2 extends B {}\n';
    expect(findings(`${types}${rule('R1', 'A', 'B2')}${rule('R2', 'B', 'C')}${rule('R3', 'C', 'A')}`).map((finding) => finding.replace(/\(.*/, '').trim())).toEqual([
      'emit-cycle: What "R1" emits leads back to it: R2 → R3 → R1.', 'emit-cycle: What "R2" emits leads back to it: R3 → R1 → R2.', 'emit-cycle: What "R3" emits leads back to it: R1 → R2 → R3.',
    ]);
    expect(findings(`${types}${rule('R1', 'A', 'B')}${rule('R2', 'B2', 'A')}`)).toEqual([]); // a B is no B2
  });
});

describe('tests', () => {
  const RULE = ruleText('by card\n match a -> not b within 5m\n a, b: Payment\n alert out { card, at: a.at, s: a.status, dt: a.at - a.sent, t: a.tags, big }\n on timeout alert out { z: a.items }\n emit Alarm { card, level: a.amount }');
  const checkTest = (steps: string) => findings(`${RULE}test R "t" {\n${steps}\n}`).map((finding) => finding.replace(/ \(.*/, ''));
  const testOf = (steps: string) => programOf(`${RULE}test R "t" {\n${steps}\n}`).tests[0]!;

  test('events have every field filled in but the time', () => {
    expect(bare(testOf('@1m30s Payment { card: "c", amount: 5, place: { lat: 1.5 }, tags: ["a"], sent: 10s }\n @2h\n expect nothing').steps)).toEqual([
      {
        kind: 'event', at: 90_000, type: 'Payment', fields: {
          tx_id: '', card: 'c', amount: 5, items: 0, merchant: '', country: null, status: 'ok', tags: ['a'], place: { lat: 1.5, lon: 0 }, sent: 10_000,
        },
      },
      { kind: 'advance', at: 7_200_000 },
    ]);
  });
  test('what is expected is plain JSON', () => {
    const { expects, params } = testOf('with big = 7\n expect @5m { card: "c", at: 30s, s: "ok", dt: 5s, t: [], severity: "medium" }\n expect timeout @1s { z: 5 }\n expect emit Alarm @0s { level: 5, note: null }');
    expect(bare(expects)).toEqual([
      { what: 'alert', at: 300_000, fields: { card: 'c', at: 30_000, s: 'ok', dt: 5000, t: [], severity: 'medium' } }, { what: 'timeout', at: 1000, fields: { z: 5 } },
      { what: 'emit', type: 'Alarm', at: 0, fields: { level: 5, note: null } },
    ]);
    expect([...params]).toEqual([['big', 7]]);
  });
  test('a time may be text', () => {
    expect(testOf('@0s Payment { sent: "2026-01-31T12:00:00+01:00" }\n expect nothing').steps[0]).toMatchObject({ fields: { sent: '2026-01-31T11:00:00.000Z' } });
  });
  test.each([
    ['@1s Paymnt {}\n expect nothing', 'unknown-type'], ['@1s Payment { crd: "x" }\n expect nothing', 'unknown-field'], ['@1s Payment { amount: "x" }\n expect nothing', 'type-mismatch'],
    ['@1s Payment { status: "failed" }\n expect nothing', 'not-in-set'], ['@1s Payment { card: null }\n expect nothing', 'type-mismatch'], ['@1s Payment { place: { lat: "x" } }\n expect nothing', 'type-mismatch'],
    ['@1s Payment { place: { lot: 1 } }\n expect nothing', 'unknown-field'], ['@1s Payment { items: 1.5 }\n expect nothing', 'type-mismatch'], ['@1s Payment { amount: big }\n expect nothing', 'not-constant'],
    ['@1s Payment { sent: "soon" }\n expect nothing', 'type-mismatch'], ['@1s Payment { card }\n expect nothing', 'missing-value'], ['@1s Payment { card: "a", card: "b" }\n expect nothing', 'field-twice'],
    ['with bigg = 5\n expect nothing', 'unknown-param'], ['with big = -5\n expect nothing', 'out-of-bounds'], ['with big = "x"\n expect nothing', 'type-mismatch'], ['table m { { id: "x" } }\n expect nothing', 'unknown-table'],
    ['expect @1s { crd: "x" }', 'unknown-field'], ['expect @1s { card: 5 }', 'type-mismatch'], ['expect @1s { s: "failed" }', 'not-in-set'], ['expect emit Login @1s {}', 'never-reported'],
    ['expect emit Alarm @1s { lvl: 5 }', 'unknown-field'], ['expect @1s { card: "x" }\n expect nothing', 'contradiction'], ['@1s Payment {}', '~test-without-expect'],
    ['@1s Payment { at: 5s }\n expect nothing', '~time-field-filled'],
  ])('%s: %s', (steps, code) => {
    expect(checkTest(steps).map((finding) => finding.split(':')[0])).toEqual([code]);
  });
  test('names its rules', () => {
    expect(findings(`${RULE}test R, S "t" {\n @1s Payment {}\n expect @1s { zzz: 5 }\n}`).map((finding) => finding.split(':')[0])).toEqual(['unknown-rule']);
  });
});

describe('warnings', () => {
  test.each([
    // A run can live for ever.
    ['match a -> b\n a, b: Payment', ['no-time-bound']], ['match a => b\n a, b: Payment', ['no-time-bound']], ['match all a+\n a: Payment', ['no-time-bound']], ['match a\n a: Payment', []],
    ['match a -> b\n a: Payment\n b: Payment within 5m of a', []], ['match not a for 5m\n a: Payment', []], ['match a -> not b for 5m\n a, b: Payment', []], ['match a -> b gap 5m\n a, b: Payment', []],
    ['match not a for 5m -> b\n a, b: Payment', ['no-time-bound']], ['match a -> b within session 5m\n a, b: Payment', []],
    // Constants contradict each other.
    ['match a\n a: Payment where amount > 10 and amount < 5', ['never-matches']], ['match a\n a: Payment where merchant == "a" and merchant == "b"', ['never-matches']], ['match a\n a: Payment where items > 2 and items < 3', ['never-matches']],
    ['match a\n a: Payment where amount > 2 and amount < 3', []], ['match a\n a: Payment where status != "ok" and status != "fail"', ['never-matches']], ['match a\n a: Payment where country is null and country == "FR"', ['never-matches']],
    ['match a\n a: Payment where merchant in ["a", "b"] and merchant not in ["a", "b", "c"]', ['never-matches']], ['match a\n a: Payment where items in []', ['never-matches']], ['match a\n a: Payment where 1 > 2', ['never-matches']],
    ['match a\n a: Payment where amount >= 5 and 5 >= amount', []], ['match a\n a: Payment where country != "FR" and country != "DE"', []], ['match a\n a: Payment where amount > big and amount < 0', []],
    ['match all a -> b within 5m\n a, b: Payment\n having a.amount > 5 and a.amount < 3', ['never-matches']],
    // Words without effect.
    ['match all a -> b+ greedy within 5m\n a, b: Payment', ['redundant-modifier']], ['match all a+ greedy -> b within 5m\n a, b: Payment', []], ['match all a{3} greedy -> b within 5m\n a, b: Payment', ['redundant-modifier']],
    ['match a -> b+ within 5m\n a, b: Payment', ['redundant-loop']], ['match a -> b? within 5m\n a, b: Payment', ['redundant-loop']], ['match longest a -> b+ within 5m\n a, b: Payment', []], ['match a -> b{3} within 5m\n a, b: Payment', []],
    ['match a -> b+ within 5m\n a, b: Payment\n having count(b) > 3', []], ['match a -> b+ -> not c within 5m\n a, b, c: Payment', []], ['match a -> b+ within 5m then skip none\n a, b: Payment', []],
    ['match all a -> not b -> c? within 5m\n a, b, c: Payment', ['redundant-ban']], ['match all a -> not b => c within 5m\n a, b, c: Payment', ['redundant-ban']], ['match all a -> not b -> c? -> d within 5m\n a, b, c, d: Payment', []],
    ['match all a -> b{1} within 5m\n a, b: Payment', ['no-effect']], ['match a without b\n a, b: Payment', ['no-effect']], ['match all a -> b within 5m gap 5m\n a, b: Payment', ['no-effect']],
    ['match all a -> b within 5m\n a: Payment\n b: Payment within 10m of a', ['no-effect']], ['match all a -> b within 5m within session 10m\n a, b: Payment', ['no-effect']], ['match a\n a: Payment where true', ['no-effect']],
    ['match a within 5m\n a: Payment\n on timeout alert out {}', ['no-effect']], ['match a\n a: Payment\n having 1 < 2', ['no-effect']], ['match a\n a: Payment\n mode canary 100%', ['no-effect']],
    ['by card\n match a\n a: Payment\n limit 1 per 1h\n emit Alarm { card, level: 1 }', ['no-effect']],
    // The usual mistakes.
    ['match all a -> b -> c within 5m\n a: Login\n b: Payment\n c: Payment where merchant == b.merchant', ['unpinned-equality']], ['match all a ->> b -> c within 5m\n a: Login\n b: Payment\n c: Payment where merchant == b.merchant', []],
    ['match all a -> b -> c within 5m\n a: Login\n b: Payment where merchant == a.device\n c: Payment where merchant == b.merchant', []], ['by merchant (Login: device)\n match all a -> b -> c within 5m\n a: Login\n b: Payment\n c: Payment where merchant == b.merchant', []],
    ['match all a -> b within 5m\n a: Payment\n b: Payment where merchant == a.merchant', []],
    ['match all a -> b within 5h\n a: Login\n b: Payment where at - a.at > 1m', ['lower-time-bound']], ['match all a -> b within 5h\n a: Login\n b: Payment where timeOf(b) >= timeOf(a) + 1m', ['lower-time-bound']],
    ['match all a => b within 5h\n a: Login\n b: Payment where at - a.at > 1m', []], ['match all a -> b within 5h\n a: Login\n b: Payment where at - a.at < 1m', []], ['match all a -> b within 5h\n a: Login\n b: Payment where 1m < at - a.at', ['lower-time-bound']],
    ['match a -> b within 5m\n a: Payment\n b: Payment where merchant == a.merchant', ['first-drops-others']], ['by merchant\n match a -> b within 5m\n a: Payment\n b: Payment where merchant == a.merchant', []],
    ['match a -> b within 5m then skip none\n a: Payment\n b: Payment where merchant == a.merchant', []],
  ])('%s', (body, codes) => {
    expect(ruleFindings(body).map((finding) => finding.split(':')[0])).toEqual(codes.map((code) => `~${code}`));
  });
  test('a rule without an alert', () => {
    expect(findings(`${TYPES}rule R {\n match a\n a: Payment\n}`)).toEqual(['~no-output: The rule "R" reports nothing. (add alert channel { … }, or emit Type { … })']);
  });
  test('say what a run without a bound costs', () => {
    expect(ruleFindings('by card\n match a -> b -> c\n a, b, c: Payment\n keep 500 events')).toEqual([
      '~no-time-bound: Nothing ends a run that waits for "b" or "c": each keeps its events for ever, up to 500 events for each card, then the oldest runs are dropped. (add within 10m after the pattern)',
    ]);
  });
});
