import { describe, expect, test } from '@jest/globals';
import type { WindowRule } from '../../../dsl/typed.ts';
import { bare, errorCodes, findings, programOf, ruleFindings, ruleText } from './support.ts';

const IN = 'by card\n on Payment\n window tumbling 1h\n';

function windowOf(body: string, more = ''): WindowRule {
  const rule = programOf(ruleText(body, more)).rules[0]!;
  if (rule.kind !== 'window') throw new Error('no window');
  return rule;
}

/** The value of an alert's only field, in a rule with this head. */
function fieldOf(expr: string, head = IN): unknown {
  return bare(windowOf(`${head} alert out { v: ${expr} }`).outputs[0]!.fields[0]!.value);
}

const errors = (clauses: string, head = IN): string[] => errorCodes(`${head} ${clauses}`);

describe('the shape of a window', () => {
  const shape = (text: string, more = '') => bare(windowOf(`by card\n on Payment\n window ${text}${text === 'global' ? '\n trigger every event' : ''}`, more).window.shape);
  const read = (text: string) => bare(windowOf(`by card\n on Payment\n window ${text}`).window.shape);
  test.each([
    ['tumbling 1h', { kind: 'tumbling', size: { value: 3_600_000 } }], ['tumbling 1h offset 15m', { offset: { value: 900_000 } }],
    ['tumbling day in "America/New_York"', { kind: 'calendar', unit: 'day', zone: 'America/New_York' }], ['tumbling month', { kind: 'calendar', unit: 'month', zone: 'UTC' }],
    ['sliding 1h every 5m', { kind: 'sliding', size: { value: 3_600_000 }, every: { value: 300_000 } }], ['session gap 30m max 4h', { kind: 'session', gap: { value: 1_800_000 }, max: { value: 14_400_000 } }],
    ['count 100 every 10', { kind: 'count', size: { value: 100 }, every: { value: 10 } }], ['global', { kind: 'global' }],
  ])('%s', (text, expected) => expect(shape(text)).toMatchObject(expected as object));
  test('without `every` a sliding window is read at each event', () => expect(read('sliding 1h')).toEqual({ kind: 'sliding', size: { kind: 'literal', type: { kind: 'duration' }, value: 3_600_000 } }));
  test('lengths may be params and consts', () => {
    expect(shape('sliding span every 2 * step', 'param span: duration = 1h\nconst step = 5m')).toMatchObject({ size: { kind: 'param', name: 'span' }, every: { value: 600_000 } });
    expect(shape('count n')).toMatchObject({ size: { kind: 'param', name: 'n' } });
  });
  test.each([
    ['tumbling 0s', 'out-of-bounds'], ['tumbling amount', 'unknown-name'], ['tumbling n', 'type-mismatch'], ['count 0', 'out-of-bounds'], ['count 10m', 'type-mismatch'], ['count 1.5', 'type-mismatch'],
    ['tumbling day in "Mars"', 'bad-text'], ['session gap 0s', 'out-of-bounds'], ['sliding 1h every -5m', 'out-of-bounds'],
  ])('%s is an error: %s', (text, code) => expect(errorCodes(`on Payment\n window ${text}`)).toEqual([code]));
  test.each([['count m', 'param m: int = 3 in 0 .. 10'], ['count m', 'param m: int = 0'], ['sliding d', 'param d: duration = 5m in 0s .. 1h']])('%s with %s is an error', (text, more) => expect(errorCodes(`on Payment\n window ${text}`, more)).toEqual(['out-of-bounds']));
  test('gaps between windows are a warning', () => {
    expect(ruleFindings('on Payment\n window sliding 1h every 2h\n alert out {}')).toEqual([expect.stringMatching(/^~no-effect: Events between one window/)]);
  });
});

describe('a window and a pattern', () => {
  test.each([
    [`${IN} match a\n a: Payment`, 'window-and-match'], ['by card', 'no-match'], ['by card\n window tumbling 1h\n alert out { card }', 'window-without-on'],
    [`${IN} hit: Payment where amount > 5`, 'pattern-clause'], [`${IN} keep 5 events`, 'pattern-clause'], [`${IN} on timeout alert out { card }`, 'pattern-clause'],
    ['match a\n a: Payment\n trigger on rise', 'window-clause'], ['match a\n a: Payment\n late within 1m', 'window-clause'], ['match a\n a: Payment\n on clear alert out {}', 'window-clause'],
    [`${IN} window tumbling 2h`, 'clause-twice'], [`${IN} trigger every event\n trigger every event`, 'clause-twice'],
  ])('%s', (body, code) => expect(errorCodes(body)).toEqual([code]));
});

describe('the inputs of a window', () => {
  test('are what `on` names, subtypes spelled out', () => {
    const rule = windowOf('by card\n on b: Payment where amount > big, l: Login\n window tumbling 1h');
    expect(bare(rule.window.inputs)).toMatchObject([
      { name: 'b', types: ['Payment'], accepts: ['Payment'], where: { left: { kind: 'eventField', field: 'amount' } } }, { name: 'l', types: ['Login'], accepts: ['Login', 'MobileLogin'] },
    ]);
    expect([...rule.sees].map(([type, { filters }]) => [type, filters.length])).toEqual([['Payment', 1], ['Login', 0], ['MobileLogin', 0]]);
  });
  test.each([
    ['on p: Payment, p: Login', 'declared-twice'], ['on Paymnt', 'unknown-type'], ['on Payment where amount', 'not-a-condition'],
    ['by account\n on Payment', 'unknown-key'], ['by account (p: card)\n on p: Payment', 'unknown-type'],
  ])('%s is an error: %s', (head, code) => expect(errorCodes(`${head}\n window tumbling 1h\n alert out { x: count() }`)).toEqual([code]));
  test('each type has the key, or says what stands for it', () => {
    expect(errorCodes('by card\n on Payment, Transfer\n window tumbling 1h')).toEqual(['unknown-key']);
    expect(errorCodes('by card (Transfer: from)\n on Payment, Transfer\n window tumbling 1h')).toEqual([]);
  });
});

describe('the aggregates of a window', () => {
  const each = (field: string) => ({ kind: 'eachField', field });
  test.each([
    ['count()', { fn: 'count', type: { kind: 'int' } }], ['count(where status == "fail")', { fn: 'count', where: { kind: 'compare', left: each('status') } }],
    ['sum(amount)', { fn: 'sum', type: { kind: 'float' }, value: each('amount') }], ['sum(items)', { type: { kind: 'int' } }], ['sum(at - sent)', { type: { kind: 'duration' } }],
    ['avg(items where amount > big)', { fn: 'avg', type: { kind: 'float' }, where: { right: { kind: 'param' } } }], ['min(at)', { fn: 'min', type: { kind: 'time' } }], ['max(merchant)', { fn: 'max', type: { kind: 'string' } }],
    ['stddev(amount)', { fn: 'stddev' }], ['variance(amount)', { fn: 'variance', type: { kind: 'float' } }], ['first(merchant)', { fn: 'first', type: { kind: 'string' } }], ['last(status)', { fn: 'last', type: { kind: 'oneOf' } }],
    ['distinct(merchant)', { fn: 'distinct', type: { kind: 'int' } }], ['values(amount, 50)', { fn: 'values', argument: 50, type: { kind: 'list', element: { type: { kind: 'float' } } } }],
    ['percentile(amount, 95)', { fn: 'percentile', argument: 95, type: { kind: 'float' } }], ['slope(amount, 1h)', { fn: 'slope', argument: 3_600_000 }],
    ['any(status == "fail")', { fn: 'any', type: { kind: 'bool' }, value: { kind: 'compare' } }], ['all(amount > 5)', { fn: 'all' }], ['top(merchant, 3)', { fn: 'top', argument: 3, type: { kind: 'list' } }],
    ['lasting(amount > 8)', { fn: 'lasting', type: { kind: 'duration' } }], ['timeAvg(amount)', { fn: 'timeAvg', type: { kind: 'float' } }], ['sum(place.lat)', { value: { kind: 'member', object: each('place') } }],
    ['any(amount > 10 * items)', { fn: 'any', value: { right: { kind: 'arith', right: each('items') } } }],
  ])('%s', (expr, expected) => expect(fieldOf(expr)).toMatchObject({ kind: 'windowAggregate', ...expected }));

  test('a field of the events comes before the key, a param and a const', () => {
    expect(fieldOf('last(card)')).toMatchObject({ value: each('card') });
    expect(fieldOf('card')).toEqual({ kind: 'keyField', part: 0, type: { kind: 'string' } });
    expect(windowOf(`${IN} alert out { card, big }`).outputs[0]!.fields.map(({ value }) => value.kind)).toEqual(['keyField', 'param']);
  });
  test('a field comes before a word of the severity', () => {
    const rule = windowOf('on Quote\n window tumbling 1h\n severity if max(high) > 5 then high else low', 'event Quote { high: float, at: time } time at');
    expect(bare(rule.severity)).toMatchObject({ kind: 'if', cond: { left: { kind: 'windowAggregate', value: each('high') } }, then: { kind: 'literal', value: 'high' } });
  });
  test('functions take aggregates, and stand inside them', () => {
    const more = 'fn twice(x: float) = 2 * x';
    expect(bare(windowOf(`${IN} having twice(sum(amount)) > sum(twice(amount))`, more).having)).toMatchObject({ left: { kind: 'arith', right: { kind: 'windowAggregate' } }, right: { kind: 'windowAggregate', value: { kind: 'arith', right: each('amount') } } });
  });
  test('over lists and other values, `min`, `max` and `any` are functions', () => {
    expect(fieldOf('max(values(amount))')).toMatchObject({ kind: 'call', fn: 'max', args: [{ kind: 'windowAggregate' }] });
    expect(fieldOf('max(sum(amount), 5.0)')).toMatchObject({ kind: 'call', fn: 'max' });
    expect(fieldOf('any(values(amount), x => x > 5)')).toMatchObject({ kind: 'call', fn: 'any' });
    expect(fieldOf('count(where any(tags, x => x == "vip"))')).toMatchObject({ where: { kind: 'call', fn: 'any' } });
  });

  const TWO = 'by card\n on p: Payment, l: Login\n window tumbling 1h\n';
  test.each([
    ['count(l)', { fn: 'count', input: 'l' }], ['sum(p.amount where p.items > 1)', { input: 'p', value: each('amount'), where: { left: each('items') } }],
    ['sum(p.amount where items > 1)', { input: 'p', where: { left: each('items') } }], ['count(p where status == "fail")', { input: 'p', where: { kind: 'compare' } }],
    ['last(p).merchant', { fn: 'last', input: 'p', value: each('merchant') }], ['timeOf(first(l))', { fn: 'first', input: 'l', value: { kind: 'eachTime' } }], ['max(timeOf(l))', { fn: 'max', input: 'l', value: { kind: 'eachTime' } }],
    ['distinct(card)', { fn: 'distinct', value: each('card') }],
  ])('of named inputs: %s', (expr, expected) => expect(fieldOf(expr, TWO)).toMatchObject({ kind: 'windowAggregate', ...expected }));
  test('all events, or those of one input', () => expect(fieldOf('count()', TWO)).not.toHaveProperty('input'));

  test.each([
    ['sum(amount + l.at)', 'unknown-name', TWO], ['sum(p.amount * l.at)', 'aggregate-of-two', TWO], ['p.amount', 'loop-needs-aggregate', TWO], ['p', 'stage-without-field', TWO], ['sum(amount)', 'unknown-name', TWO],
    ['amount', 'unknown-name', IN], ['sum(amout)', 'unknown-name', IN], ['sum()', 'stage-without-field', IN], ['sum(merchant)', 'type-mismatch', IN], ['percentile(amount)', 'bad-arguments', IN], ['percentile(amount, 101)', 'bad-arguments', IN],
    ['slope(amount, 5)', 'bad-arguments', IN], ['top(merchant)', 'bad-arguments', IN], ['top(merchant, 0)', 'bad-arguments', IN], ['top(merchant, n)', 'bad-arguments', IN], ['sum(amount, items)', 'bad-arguments', IN], ['all(amount)', 'type-mismatch', IN],
    ['sum(avg(amount))', 'nested-aggregate', IN], ['match.id', 'match-here', IN], ['prev.amount', 'prev-here', IN], ['window.begin', 'unknown-field', IN], ['window', 'stage-without-field', IN], ['count(where at > window.start)', 'window-here', IN],
    ['hit.amount', 'unknown-name', IN], ['sum(x => x.amount)', 'bad-arguments', IN],
  ])('%s is an error: %s', (expr, code, head) => expect(errorCodes(`${head} alert out { v: ${expr} }`)).toEqual([code]));

  test('what may be null asks for a default where a field must be there', () => {
    const emits = (expr: string, head = IN) => errorCodes(`${head} emit Big { card, level: ${expr} }`, 'event Big { card: string, level: float, at: time } time at');
    expect([emits('avg(amount)'), emits('avg(amount where items > 1)'), emits('stddev(amount)'), emits('sum(amount where items > 1)'), emits('avg(p.amount)', TWO), emits('avg(p.amount) ?? 0', TWO)])
      .toEqual([[], ['may-be-null'], ['may-be-null'], [], ['may-be-null'], []]);
    expect(errorCodes(`${IN} trigger on rise\n having count() > 3\n on clear emit Big { card, level: avg(amount) }`, 'event Big { card: string, level: float, at: time } time at')).toEqual(['may-be-null']);
  });
});

describe('when a window is reported', () => {
  const trigger = (text: string, head = IN) => bare(windowOf(`${head} trigger ${text}\n having count() > 3`).window.trigger);
  test.each([
    ['early every 10s', { kind: 'early', every: { kind: 'time', amount: { value: 10_000 } } }], ['every event', { kind: 'early', every: { kind: 'events', amount: { value: 1 } } }],
    ['every 100 events', { kind: 'early', every: { kind: 'events', amount: { value: 100 } } }], ['on rise', { kind: 'rise' }],
  ])('trigger %s', (text, expected) => expect(trigger(text)).toMatchObject(expected));
  test('on clear', () => {
    expect(windowOf(`${IN} trigger on rise\n having count() > 3\n alert a { card }\n on clear alert b { n: count() }`).outputs.map(({ target, onClear, onTimeout }) => [target, onClear, onTimeout])).toEqual([['a', undefined, false], ['b', true, false]]);
  });
  test('late within', () => expect(bare(windowOf(`${IN} late within 1m`).window.lateWithin)).toMatchObject({ value: 60_000 }));
  test.each([
    ['having count() == 0', 'empty-window'], ['having count() < 1', 'empty-window'], ['having 0 >= count()', 'empty-window'], ['having not count() > 0', 'empty-window'], ['having sum(amount) > 5 and not (count() != 0)', 'empty-window'], ['having sum(amount) > 5 or count() == 0', 'empty-window'],
    ['trigger on rise', 'rise-without-having'], ['having count() > 3\n on clear alert b {}\n alert a {}', 'clear-without-rise'], ['trigger every 0 events', 'out-of-bounds'], ['late within 0s', 'out-of-bounds'], ['having count()', 'not-a-condition'],
  ])('%s is an error: %s', (clauses, code) => expect(errors(clauses)).toEqual([code]));
  test.each([
    ['global', '', 'window-without-report'], ['count 10', 'late within 1m', 'late-here'], ['global', 'trigger every event\n late within 1m', 'late-here'], ['sliding 1h', 'late within 1m', 'late-here'], ['sliding 1h', 'trigger early every 10s', 'trigger-here'],
  ])('window %s %s is an error: %s', (shape, clauses, code) => expect(errorCodes(`on Payment\n window ${shape}\n ${clauses}`)).toEqual([code]));
  test('early where windows overlap, late events beside `trigger on rise`, and what they take back', () => {
    for (const [shape, clauses] of [
      ['sliding 1h every 5m', 'trigger early every 10s'], ['sliding 1h every 5m', 'trigger every 3 events\n late within 1m'], ['count 100 every 10', 'trigger every event'], ['count 100 every 10', 'trigger early every 10s'],
      ['tumbling 1h', 'trigger on rise\n late within 1m'], ['sliding 1h every 5m', 'trigger on rise\n late within 1m\n on clear alert b { card }'], ['session gap 5m', 'late within 1m\n on clear alert b { card }'],
    ]) expect(errorCodes(`by card\n on Payment\n window ${shape!}\n having count() > 3\n ${clauses!}\n alert a { card }`)).toEqual([]);
    // Without a condition nothing turns.
    expect(errorCodes('by card\n on Payment\n window tumbling 1h\n late within 1m\n alert a { card }\n on clear alert b { card }')).toEqual(['clear-without-rise']);
  });
  test('that always holds is a warning, but where it is read when the last event has left', () => {
    expect(ruleFindings(`${IN} having count() > 0 and sum(amount) > 5\n alert out {}`)).toEqual([expect.stringMatching(/^~no-effect: This has no effect: a window has an event/)]);
    expect(ruleFindings(`${IN} trigger on rise\n having count() >= 1\n alert out {}`)).toEqual([]);
  });
  test('that can never hold is a warning', () => {
    expect(ruleFindings(`${IN} having count() > 5 and count() < 3\n alert out {}`)).toEqual([expect.stringMatching(/^~never-matches: `having` can never be true/)]);
  });
  test('a test may ask whether an alert is final', () => {
    const text = (field: string) => `${ruleText(`${IN} trigger every event\n alert out { n: count() }`)}test R "t" {\n @1s Payment { card: "a" }\n expect @1s { ${field} }\n}`;
    expect(programOf(text('final: false')).tests[0]!.expects[0]!.fields).toEqual({ final: false });
    expect(findings(text('final: 5')).map((finding) => finding.split(':')[0])).toEqual(['type-mismatch']);
  });
  test('that none of some input came can be asked', () => expect(errorCodes('by card\n on p: Payment, l: Login\n window tumbling 1h\n having count(l) == 0 and count(p) > 3')).toEqual([]));
});
