import { describe, expect, test } from '@jest/globals';
import { parseFile } from '../../../dsl/index.ts';
import { bare, clauseOf, declarationsOf, exprOf, matchAs, parseClean, readAs, ruleOf } from './support.ts';

describe('expressions', () => {
  test.each([
    ['a or b and not c == d', '(a or (b and (not (c == d))))'],
    ['a and b or c and d', '((a and b) or (c and d))'],
    ['not a and b', '((not a) and b)'],
    ['not not a', '(not (not a))'],
    ['a ?? b + 1 == c', '((a ?? (b + 1)) == c)'],
    ['a - b - c', '((a - b) - c)'],
    ['a + b * c % d', '(a + ((b * c) % d))'],
    ['-a * -b', '((- a) * (- b))'],
    ['- -a.b[1].c', '(- (- a.b[1].c))'],
    ['(a + b) * c', '((a + b) * c)'],
    ['a in [1, 2] and b not in xs', '((a in [1, 2]) and (b not in xs))'],
    ['a between 1 and 2 + 3 and b', '((a between 1 and (2 + 3)) and b)'],
    ['a not between x and y or c', '((a not between x and y) or c)'],
    ['a is null or b is not null', '((a is null) or (b is not null))'],
    ['a like "x%" and b not like "_"', '((a like "x%") and (b not like "_"))'],
    ['a matches /x\\/[/]/i', '(a matches /x\\/[/]/i)'],
    ['a not matches b', '(a not matches b)'],
    ['if a then b else if c then d else e or f', '(if a then b else (if c then d else (e or f)))'],
    ['1 + if a then b else c', '(1 + (if a then b else c))'],
    ['sum(s.f where s.f > 8) > 9m59s', '(sum(s.f where (s.f > 8)) > 9m59s)'],
    ['count(where not ok) > count()', '(count(where (not ok)) > count())'],
    ['count(where) > count(where.x) + count(where not in [1])', '(count(where) > (count(where.x) + count((where not in [1]))))'],
    ['any(list, x => x.a == 1 or y)', 'any(list, x => ((x.a == 1) or y))'],
    ['last(s).f / first(s).f', '(last(s).f / first(s).f)'],
    ['replace(a, /b/, "c") == split(d, /,/)[0]', '(replace(a, /b/, "c") == split(d, /,/)[0])'],
    ['a / b / c', '((a / b) / c)'],
    ['true == false', '(true == false)'],
    ['merchants[merchant].risk ?? 0.5', '(merchants[merchant].risk ?? 0.5)'],
  ])('%s', (text, read) => {
    expect(readAs(text)).toBe(read);
  });

  test('words of the language are names where a value stands', () => {
    expect(readAs('mode == limit + from and owner > time - event or rule.match == title'))
      .toBe('(((mode == (limit + from)) and (owner > (time - event))) or (rule.match == title))');
  });

  test.each([
    ['250ms', 250], ['10s', 10_000], ['5m', 300_000], ['2h', 7_200_000], ['30d', 2_592_000_000], ['9m59s', 599_000], ['1d2h3m4s5ms', 93_784_005],
  ])('the duration %s', (text, ms) => {
    expect(exprOf(text)).toMatchObject({ kind: 'duration', ms, raw: text });
  });

  test.each([['12', 12, true], ['3.5', 3.5, false], ['1e6', 1_000_000, true], ['1e-3', 0.001, false], ['9007199254740991', 9007199254740991, true]])('the number %s', (text, value, isInt) => {
    expect(exprOf(text)).toMatchObject({ kind: 'number', value, isInt });
  });

  test('texts know the escapes of JSON', () => {
    expect(exprOf('"a\\n\\"\\\\\\u00e9\\u{1F600}\\/"')).toMatchObject({ kind: 'string', value: 'a\n"\\é😀/' });
  });

  test('spans are offsets into the text', () => {
    const text = 'rule R { having a + bb == "é" }';
    const file = parseClean(text);
    const rule = file.declarations[0]!;
    const having = clauseOf('having a + bb == "é"', 'having');
    expect(text.slice(rule.span.start, rule.span.end)).toBe(text);
    expect(text.slice(having.span.start, having.span.end)).toBe('having a + bb == "é"');
    expect(text.slice(having.cond.span.start, having.cond.span.end)).toBe('a + bb == "é"');
    expect(having.cond.span.file).toBe('a.cep');
  });
});

describe('patterns', () => {
  test.each([
    ['a -> b ->> c => d', '(a -> b ->> c => d)'],
    ['a => not b -> c', '(a => not b -> c)'],
    ['a -> not (b -> c) -> d', '(a -> not (b -> c) -> d)'],
    ['not b for 5m -> c', '(not b for 5m -> c)'],
    ['a -> not b for 3 * x => c', '(a -> not b for (3 * x) => c)'],
    ['(a or b) -> (c and d)', '((a or b) -> (c and d))'],
    ['a or b', '(a or b)'],
    ['((a))', 'a'],
    ['x? -> y* -> z+ -> u{3} -> v{3,} -> w{2,5}', '(x? -> y* -> z+ -> u{3} -> v{3,} -> w{2,5})'],
    ['probe{minProbes,} greedy strict -> hit', '(probe{minProbes,} strict greedy -> hit)'],
    ['(middle{2} any)? -> e lazy_', '(middle{2} any? -> e)'],
    ['x+ any lazy', 'x+ any lazy'],
    ['((a -> (b -> c){3}){1,2})?', '(a -> (b -> c){3}){1,2}?'],
    ['title -> mode -> on', '(title -> mode -> on)'],
  ])('match %s', (text, read) => {
    expect(matchAs(text.replace(' lazy_', ''))).toBe(read);
  });

  test('{3} repeats one expression, {3,} has no maximum, ? * + have theirs', () => {
    const counts = (text: string): unknown => {
      const pattern = clauseOf(`match ${text}`, 'match').pattern;
      if (pattern.kind !== 'quantified') throw new Error('not quantified');
      return [pattern.min, pattern.max, pattern.exact].map((part) => (typeof part === 'object' && part.kind === 'number' ? part.value : part));
    };
    expect(counts('x{3}')).toEqual([3, 3, true]);
    expect(counts('x{3,}')).toEqual([3, undefined, false]);
    expect(counts('x{2,5}')).toEqual([2, 5, false]);
    expect(counts('x?')).toEqual([0, 1, undefined]);
    expect(counts('x*')).toEqual([0, undefined, undefined]);
    expect(counts('x+')).toEqual([1, undefined, undefined]);
  });

  test('the bounds of a match, in any order', () => {
    const match = clauseOf('match all a -> b then skip to first a gap 1m within session 30m within 3 * x without r, s', 'match');
    expect(bare(match)).toMatchObject({
      mode: 'all', gap: { ms: 60_000 }, session: { ms: 1_800_000 }, within: { kind: 'binary' }, skip: { to: 'first', stage: { text: 'a' } }, without: [{ text: 'r' }, { text: 's' }],
    });
    expect(clauseOf('match a', 'match')).toMatchObject({ mode: 'first', without: [] });
    expect(clauseOf('match a', 'match').modeSpan).toBeUndefined();
  });

  test.each([['past last', 'past last'], ['to next', 'next'], ['to last a', 'last'], ['none', 'none']])('then skip %s', (text, to) => {
    expect(clauseOf(`match a then skip ${text}`, 'match').skip).toMatchObject({ to });
  });

  test('a param called session can be a bound', () => {
    expect(bare(clauseOf('match a within session a: T', 'match'))).toMatchObject({ within: { kind: 'name', name: 'session' } });
    expect(bare(clauseOf('match a within session gap 5m', 'match'))).toMatchObject({ within: { kind: 'name', name: 'session' }, gap: { ms: 300_000 } });
    expect(bare(clauseOf('match a within session idle', 'match'))).toMatchObject({ session: { kind: 'name', name: 'idle' } });
  });
});

describe('clauses', () => {
  test('a name followed by : or , is a stage, whatever the name', () => {
    const rule = ruleOf('match title -> alert -> mode, x2 title: Event alert, mode: Event where title > 1 title "T"'.replace(', x2', ''));
    expect(rule.clauses.map((clause) => clause.kind)).toEqual(['match', 'stage', 'stage', 'title']);
  });

  test('what follows an expression ends it, on the same line too', () => {
    const rule = ruleOf('match a -> b a: P where amount < 2 b: P where ok until done alert x { } having a.x > 1 limit 5 per 1h by a.y mode off');
    expect(rule.clauses.map((clause) => clause.kind)).toEqual(['match', 'stage', 'stage', 'alert', 'having', 'limit', 'mode']);
  });

  test('stages', () => {
    expect(bare(clauseOf('match a a, b: Login | MobileLogin until z == 1 where x > 1 within 5m of a', 'stage'))).toMatchObject({
      names: [{ text: 'a' }, { text: 'b' }], types: [{ text: 'Login' }, { text: 'MobileLogin' }], where: { kind: 'binary' }, until: { kind: 'binary' },
      within: { duration: { ms: 300_000 }, of: { text: 'a' } },
    });
  });

  test('keys: alternatives, computed, from a table', () => {
    expect(bare(clauseOf('by tenant, user (Payment: customer, credit: lower(to)), campaign = ads[ad].id from roster', 'by'))).toMatchObject({
      keys: [
        { name: { text: 'tenant' }, alternatives: [] },
        { name: { text: 'user' }, alternatives: [{ of: { text: 'Payment' }, value: { name: 'customer' } }, { of: { text: 'credit' }, value: { kind: 'call' } }] },
        { name: { text: 'campaign' }, value: { kind: 'member' } },
      ],
      from: { text: 'roster' },
    });
  });

  test('on: inputs, and what ran out of time', () => {
    const rule = ruleOf('on Payment where x > 1, back: Refund, timeout: T on timeout alert slow { a } on timeout emit Late { b: 1 } alert x {} emit Y {}');
    expect(bare(rule.clauses)).toMatchObject([
      { kind: 'on', inputs: [{ type: { text: 'Payment' }, where: {} }, { name: { text: 'back' }, type: { text: 'Refund' } }, { name: { text: 'timeout' } }] },
      { kind: 'alert', when: 'timeout', channel: { text: 'slow' } },
      { kind: 'emit', when: 'timeout', type: { text: 'Late' } },
      { kind: 'alert', when: 'match' },
      { kind: 'emit', when: 'match' },
    ]);
    expect(bare(clauseOf('on timeout: Tick where a', 'on'))).toMatchObject({ inputs: [{ name: { text: 'timeout' }, type: { text: 'Tick' } }] });
  });

  test('the fields of an alert, with and without commas and values', () => {
    expect(bare(clauseOf('alert matches { a b: a + 1 c, match: match.id, }', 'alert'))).toMatchObject({
      channel: { text: 'matches' }, fields: [{ name: { text: 'a' } }, { name: { text: 'b' }, value: { kind: 'binary' } }, { name: { text: 'c' } }, { name: { text: 'match' } }],
    });
  });

  test('keep, limit, mode, evidence, version, severity', () => {
    expect(bare(ruleOf('keep 10 events drop newest limit 5 per 1h by a.x mode canary 2.5% evidence refs version 7 severity if a then critical else high').clauses)).toMatchObject([
      { count: { value: 10 }, drop: 'newest' }, { count: { value: 5 }, per: { ms: 3_600_000 }, by: { kind: 'member' } }, { mode: 'canary', percent: 2.5 },
      { level: 'refs' }, { version: 7 }, { value: { kind: 'if' } },
    ]);
    expect(clauseOf('keep 10 events', 'keep').drop).toBe('oldest');
  });

  test("the rule's own key after a limit, where only a key can be meant", () => {
    for (const key of ['a, b', 'c = a.x', 'u (P: x)', 's from sensors']) {
      expect(ruleOf(`limit 5 per 1h by ${key}`).clauses.map((clause) => clause.kind)).toEqual(['limit', 'by']);
    }
    expect(parseFile('a', 'rule R { limit 5 per 1h\n by card }').diagnostics).toMatchObject([{ severity: 'warning', code: 'limit-takes-by' }]);
    expect(parseFile('a', 'rule R { limit 5 per 1h by card }').diagnostics).toEqual([]);
  });

  test('windows', () => {
    const shape = (text: string) => clauseOf(`window ${text}`, 'window').shape;
    expect(shape('tumbling 1h')).toMatchObject({ kind: 'tumbling', size: { ms: 3_600_000 } });
    expect(shape('tumbling 1h offset 15m')).toMatchObject({ kind: 'tumbling', offset: { ms: 900_000 } });
    expect(shape('tumbling day in "America/New_York"')).toMatchObject({ kind: 'calendar', unit: 'day', zone: { text: 'America/New_York' } });
    expect(shape('tumbling week')).toEqual({ kind: 'calendar', unit: 'week' });
    expect(shape('tumbling length')).toMatchObject({ kind: 'tumbling', size: { name: 'length' } });
    expect(shape('sliding 1h every 5m')).toMatchObject({ kind: 'sliding', size: { ms: 3_600_000 }, every: { ms: 300_000 } });
    expect(shape('sliding 1h')).not.toHaveProperty('every');
    expect(shape('session gap 30m max 4h')).toMatchObject({ kind: 'session', gap: { ms: 1_800_000 }, max: { ms: 14_400_000 } });
    expect(shape('count 100 every 10')).toMatchObject({ kind: 'count', size: { value: 100 }, every: { value: 10 } });
    expect(shape('global')).toEqual({ kind: 'global' });
  });

  test('when a window is reported', () => {
    const what = (text: string) => clauseOf(`trigger ${text}`, 'trigger').what;
    expect(what('early every 10s')).toMatchObject({ kind: 'early', every: { ms: 10_000 } });
    expect(what('every event')).toEqual({ kind: 'events' });
    expect(what('every 100 events')).toMatchObject({ kind: 'events', count: { value: 100 } });
    expect(what('on rise')).toEqual({ kind: 'rise' });
    expect(clauseOf('late within 1m', 'late').within).toMatchObject({ ms: 60_000 });
    expect(ruleOf('on clear alert d { } on clear emit E { } alert e { }').clauses).toMatchObject([
      { kind: 'alert', when: 'clear', channel: { text: 'd' } }, { kind: 'emit', when: 'clear', type: { text: 'E' } }, { kind: 'alert', when: 'match' },
    ]);
  });

  test('the words of windows are names elsewhere', () => {
    const rule = ruleOf('on max: Payment where count > day and early window sliding 1h every: Payment max: Payment offset: Payment');
    expect(rule.clauses.map((clause) => clause.kind)).toEqual(['on', 'window', 'stage', 'stage', 'stage']);
  });
});

describe('declarations', () => {
  test('events', () => {
    expect(declarationsOf('event A extends B { a: int b: [string?]?, c: { d: "x" | "y"?, e: time(us) } mode: bool from "MODE", from: duration key: time } id a, mode time key once within 1h')).toMatchObject([{
      name: { text: 'A' }, base: { text: 'B' }, time: { text: 'key' }, id: [{ text: 'a' }, { text: 'mode' }], once: { ms: 3_600_000 },
      fields: [
        { name: { text: 'a' }, type: { kind: 'named', name: 'int', optional: false } },
        { type: { kind: 'list', optional: true, element: { name: 'string', optional: true } } },
        { type: { kind: 'record', fields: [{ type: { kind: 'oneOf', values: ['x', 'y'], optional: true } }, { type: { kind: 'time', unit: 'us' } }] } },
        { name: { text: 'mode' }, alias: { text: 'MODE' } },
        { name: { text: 'from' }, type: { name: 'duration' } },
        { type: { kind: 'time', unit: 'ms' } },
      ],
    }]);
  });

  test('params, consts, functions, tables, features, each, use', () => {
    expect(declarationsOf(`param big: float = -500 in -1e3 .. 100000 param rule: int = 5 const list = [1, 2] fn f(a: int, b: [int]) = a + size(b) use "o.cep"
      table m { id: string key, key: int key risk: float } feature f = sum(x) of P where ok by card over 30d every 1m
      event R = each r in B.rs { s: r.id } time at`)).toMatchObject([
      { kind: 'param', value: { kind: 'unary' }, bounds: { lo: { kind: 'unary' }, hi: { value: 100000 } } }, { kind: 'param', name: { text: 'rule' } }, { kind: 'const' },
      { kind: 'fn', params: [{ name: { text: 'a' } }, { type: { kind: 'list' } }] }, { kind: 'use', path: 'o.cep' },
      { kind: 'table', columns: [{ key: true }, { name: { text: 'key' }, key: true }, { key: false }] }, { kind: 'feature', type: { text: 'P' }, every: { ms: 60_000 } },
      { kind: 'event', each: { variable: { text: 'r' } }, time: { text: 'at' } },
    ]);
  });

  test('tests', () => {
    expect(declarationsOf(`test A, B "t" { with big = 3 table m { { id: "x", r: 0.9 }, { id: "y" } } table e { } @0s P { a: [1], r: { x: -1 } } @9m59s expect @40s { a: 1 }
      expect emit E @5d { } expect timeout @1h { } expect nothing }`)).toMatchObject([{
      rules: [{ text: 'A' }, { text: 'B' }], title: 't',
      steps: [
        { kind: 'with' }, { kind: 'table', rows: [[{}, {}], [{}]] }, { kind: 'table', rows: [] }, { kind: 'event', at: { ms: 0 }, fields: [{ value: { kind: 'list' } }, { value: { kind: 'record' } }] },
        { kind: 'advance', at: { ms: 599_000 } }, { kind: 'expect', what: 'alert' }, { kind: 'expect', what: 'emit', type: { text: 'E' } }, { kind: 'expect', what: 'timeout' }, { kind: 'expectNothing' },
      ],
    }]);
  });
});
