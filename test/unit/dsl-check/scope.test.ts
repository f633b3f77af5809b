import { describe, expect, test } from '@jest/globals';
import { bare, errorCodes, ruleFindings, ruleOf } from './support.ts';

/** The condition of a stage as a plain tree. */
function where(body: string, stage: string): unknown {
  return bare(ruleOf(body).match.stages.get(stage)!.where);
}
const sides = (body: string, stage: string): unknown[] => {
  const { left, right } = where(body, stage) as { left: unknown; right: unknown };
  return [left, right];
};
const FLOAT = { kind: 'float' };

describe('a bare name', () => {
  test('in a condition is a field of the event being tested, before a param', () => {
    const more = 'param amount: float = 1';
    expect(bare(ruleOf('match a\n a: Payment where amount > big', more).match.stages.get('a')!.where)).toMatchObject({
      left: { kind: 'eventField', field: 'amount' }, right: { kind: 'param', name: 'big' },
    });
  });
  test('in a report is a part of the key, then a param or a const', () => {
    const rule = ruleOf('by card, day = date(at)\n match a\n a: Payment\n alert out { card, day, big, two, limit: two }', 'const two = 1 + 1');
    expect(bare(rule.outputs[0]!.fields)).toMatchObject([
      { name: 'card', value: { kind: 'keyField', part: 0 } }, { name: 'day', value: { kind: 'keyField', part: 1 } },
      { name: 'big', value: { kind: 'param' } }, { name: 'two', value: { kind: 'literal', value: 2 } }, { name: 'limit', value: { kind: 'literal', value: 2 } },
    ]);
  });
  test('in a report that is a field of a stage is an error that shows how it is written', () => {
    expect(ruleFindings('by card\n match a -> b+ within 5m\n a: Login\n b: Payment\n having amount > 5')).toContainEqual(
      'unknown-name: "amount" is not a part of the rule\'s key, a param or a const; `having` has no event of its own. (write it with its stage, in an aggregate: last(b).amount)');
  });
  test('that is close to another gets a hint', () => {
    expect(ruleFindings('match a\n a: Payment where amout > 5')).toEqual(['unknown-name: Unknown name "amout": it is no field of Payment, no param and no const. (did you mean "amount"?)']);
  });
  test('is common to all types of the stage', () => {
    expect(errorCodes('match a\n a: Login | MobileLogin where device == "x"')).toEqual([]);
    expect(ruleFindings('match a\n a: Login | MobileLogin where os == "x"')).toEqual([
      'unknown-name: Unknown name "os": it is no field of Login | MobileLogin, no param and no const. (only MobileLogin has it; the event may be any of them)',
    ]);
  });
});

describe('stage.field', () => {
  test('of a stage before is the field of its event', () => {
    expect(sides('match a -> b within 5m\n a, c: Payment\n b: Payment where amount > a.amount'.replace(', c', ''), 'b')).toEqual([
      { type: FLOAT, kind: 'eventField', field: 'amount' }, { type: FLOAT, kind: 'stageField', stage: 'a', field: 'amount' },
    ]);
  });
  test('of its own name is the event being tested', () => {
    expect(sides('match a\n a: Payment where a.amount > big', 'a')[0]).toEqual({ type: FLOAT, kind: 'eventField', field: 'amount' });
  });
  test('of a stage that comes later is an error, also in bounds and bans', () => {
    expect(errorCodes('match a -> b within 5m\n a: Payment where amount > b.amount\n b: Payment')).toEqual(['stage-not-bound']);
    expect(errorCodes('match a -> b within 1m * b.amount\n a, b: Payment')).toEqual(['stage-not-bound']);
    expect(errorCodes('match a -> b within 1m * a.amount\n a, b: Payment')).toEqual([]);
    expect(errorCodes('match a -> not x -> b within 5m\n a, b: Payment\n x: Payment where amount > b.amount')).toEqual(['stage-not-bound']);
    expect(errorCodes('match a -> b -> c without x within 5m\n a, b, c: Payment\n x: Payment where amount > b.amount')).toEqual(['stage-not-bound']);
    expect(errorCodes('match a -> b -> c without x within 5m\n a, b, c: Payment\n x: Payment where amount > a.amount')).toEqual([]);
  });
  test('of a banned stage is an error, but of a silence at the start it is the event that set the clock', () => {
    expect(errorCodes('match a -> not x -> b within 5m\n a, x: Payment\n b: Payment where amount > x.amount')).toEqual(['banned-stage-read']);
    expect(errorCodes('match not x for 5m -> b within 10m\n x: Payment\n b: Payment where amount > x.amount\n alert out { v: x.amount }')).toEqual([]);
  });
  test('of a loop is a list, and goes into an aggregate', () => {
    expect(errorCodes('match a+ -> b within 5m\n a: Payment\n b: Payment where amount > a.amount')).toEqual(['loop-needs-aggregate']);
    expect(sides('match a+ -> b within 5m\n a: Payment\n b: Payment where amount > last(a).amount', 'b')[1]).toEqual(
      { type: FLOAT, kind: 'aggregate', fn: 'last', stage: 'a', value: { type: FLOAT, kind: 'eachField', field: 'amount' } });
  });
  test('of an unknown stage or field gets a hint', () => {
    expect(ruleFindings('match start_ -> b within 5m\n start_: Payment\n b: Payment where amount > start.amount')).toEqual(['unknown-stage: Unknown stage "start". (did you mean "start_"?)']);
    expect(ruleFindings('match a -> b within 5m\n a: Payment\n b: Payment where amount > a.amont')).toEqual(['unknown-field: Unknown field "amont" on event "Payment". (did you mean "amount"?)']);
  });
});

describe('a repeated group', () => {
  const body = (where: string) => `match (a -> b){2} -> c within 5m\n a: Payment\n b: Payment where ${where}\n c: Login`;
  test('to the other stages of a turn, a stage is the event of that turn', () => {
    expect(sides(body('amount > a.amount'), 'b')[1]).toEqual({ type: FLOAT, kind: 'stageField', stage: 'a', field: 'amount' });
  });
  test('by its own name a stage is the list of all turns', () => {
    expect(errorCodes(body('amount > b.amount'))).toEqual(['loop-needs-aggregate']);
    expect(errorCodes(body('count(b) == 0 or amount > last(b).amount'))).toEqual([]);
  });
  test('outside the group it is the list of all turns', () => {
    expect(errorCodes(`${body('amount > 1')}\n alert out { v: a.amount }`)).toEqual(['loop-needs-aggregate']);
    expect(errorCodes(`${body('amount > 1')}\n alert out { v: sum(a.amount), n: count(b) }`)).toEqual([]);
  });
  test('a banned stage is a loop by its own name too, which takes nothing', () => {
    const banned = (where: string) => errorCodes(`match (a -> not x -> b){2} within 5m\n a, b: Payment\n x: Payment where ${where}`);
    expect(banned('count(x) == 0 and amount > 5')).toEqual([]);
    expect(banned('amount > avg(x.amount)')).toEqual(['never-true']);
  });
  test('a loop inside it is a list also to the stages of the turn', () => {
    expect(errorCodes('match (a+ -> b)+ within 5m\n a: Payment\n b: Payment where amount > a.amount')).toEqual(['loop-needs-aggregate']);
  });
});

describe('what may not be bound is null', () => {
  test('an optional stage, a stage of an `or`, both operands of an `and`', () => {
    for (const pattern of ['x? -> b', '(x or y) -> b', '(x and b)']) {
      const stages = pattern.includes('y') ? 'x, y: Payment' : 'x: Payment';
      expect(ruleFindings(`match all ${pattern} within 5m\n ${stages}\n b: Login where (x.merchant ?? "none") != device`)).toEqual([]);
    }
  });
  test('a stage that is always bound is not', () => {
    expect(ruleFindings('match all x -> b within 5m\n x: Payment\n b: Login where (x.merchant ?? "none") != device')).toEqual(['~never-null: This is never null, so what stands after `??` is never used.']);
  });
  test('after a time-out all but the first stage', () => {
    const body = (field: string) => `by card\n match all a -> b within 5m\n a: Payment\n b: Payment\n on timeout emit Alarm { card, level: ${field} }`;
    expect(errorCodes(body('b.amount'))).toEqual(['may-be-null']);
    expect(errorCodes(body('a.amount'))).toEqual([]);
  });
  test('a condition that compares with a stage of another alternative can never be true', () => {
    expect(errorCodes('match (a or b) within 5m\n a: Payment\n b: Payment where amount > a.amount')).toEqual(['never-true']);
  });
});

describe('prev', () => {
  test('is a field that some event before has', () => {
    expect(sides('match a -> b within 5m\n a: Login\n b: Payment where merchant != prev.device', 'b')[1]).toEqual({ type: { kind: 'string' }, kind: 'prevField', field: 'device' });
    expect(errorCodes('match a -> b within 5m\n a: Login\n b: Payment where merchant != prev.os')).toEqual([]); // a MobileLogin is a Login
    expect(errorCodes('match a -> b within 5m\n a: Login\n b: Payment where merchant != prev.merchant')).toEqual(['unknown-field']);
    expect(errorCodes('match a -> b+ within 5m\n a: Login\n b: Payment where merchant != prev.merchant')).toEqual([]);
  });
  test('at the first step is null, so that no comparison with it is true', () => {
    expect(errorCodes('match a -> b within 5m\n a: Payment where amount > prev.amount\n b: Login')).toEqual(['never-true']);
    expect(errorCodes('match a+ -> b within 5m\n a: Payment where amount > prev.amount\n b: Login')).toEqual(['never-true']);
    expect(errorCodes('match a+ -> b within 5m\n a: Payment where prev.amount is null or amount > prev.amount\n b: Login')).toEqual([]);
    expect(errorCodes('match b? -> a+ within 5m\n a: Payment where amount > prev.amount\n b: Payment')).toEqual([]);
  });
  test('is a field where one is declared', () => {
    const rule = ruleOf('match a\n a: Odd where prev.x > 1 and match > 2', 'event Odd { prev: { x: int }, match: int }');
    expect(bare(rule.match.stages.get('a')!.where)).toMatchObject({ left: { left: { kind: 'member', object: { kind: 'eventField', field: 'prev' }, field: 'x' } } });
  });
});

describe('aggregates', () => {
  const report = (expr: string): unknown => bare(ruleOf(`by card\n match a{2,} -> b within 5m\n a: Payment\n b: Payment\n alert out { v: ${expr} }`).outputs[0]!.fields[0]!.value);
  const each = (field: string, kind = 'float') => ({ type: { kind }, kind: 'eachField', field });
  test.each([
    ['count(a)', { type: { kind: 'int' }, kind: 'aggregate', fn: 'count', stage: 'a' }],
    ['count(b)', { type: { kind: 'int' }, kind: 'aggregate', fn: 'count', stage: 'b' }],
    ['sum(a.items)', { type: { kind: 'int' }, kind: 'aggregate', fn: 'sum', stage: 'a', value: each('items', 'int') }],
    ['avg(a.items)', { type: FLOAT, kind: 'aggregate', fn: 'avg', stage: 'a', value: each('items', 'int') }],
    ['sum(a.amount * a.items)', { fn: 'sum', value: { kind: 'arith', op: '*', left: each('amount'), right: each('items', 'int') } }],
    ['sum(a.amount * b.amount)', { fn: 'sum', stage: 'a', value: { left: each('amount'), right: { kind: 'stageField', stage: 'b', field: 'amount' } } }],
    ['sum(a.amount where a.amount > 8)', { fn: 'sum', where: { kind: 'compare', op: '>', left: each('amount') } }],
    ['count(a where a.status == "ok")', { fn: 'count', where: { kind: 'compare' } }],
    ['values(a.merchant, 50)', { type: { kind: 'list', element: { type: { kind: 'string' }, optional: false } }, fn: 'values', limit: 50 }],
    ['max(a.at)', { type: { kind: 'time' }, fn: 'max' }],
    ['min(a.amount, b.amount)'.replace('a.amount', 'first(a).amount'), { kind: 'call', fn: 'min', args: [{ kind: 'aggregate', fn: 'first' }, { kind: 'stageField', stage: 'b' }] }],
    ['max(values(a.amount))', { kind: 'call', fn: 'max', args: [{ kind: 'aggregate', fn: 'values' }] }],
    ['first(a).merchant', { fn: 'first', stage: 'a', value: each('merchant', 'string') }],
    ['last(a where a.amount > 8).merchant', { fn: 'last', where: { kind: 'compare' } }],
    ['timeOf(a)', { type: { kind: 'time', unit: 'ms' }, kind: 'stageTime', stage: 'a' }],
    ['timeOf(last(a))', { kind: 'aggregate', fn: 'last', stage: 'a', value: { kind: 'eachTime' } }],
    ['timeOf(b)', { kind: 'stageTime', stage: 'b' }],
    ['max(timeOf(b) - timeOf(a))', { type: { kind: 'duration' }, fn: 'max', stage: 'a', value: { left: { kind: 'stageTime', stage: 'b' }, right: { kind: 'eachTime' } } }],
    ['timeOf(prev)', { type: { kind: 'time', unit: 'ms' }, kind: 'prevField' }],
    ['match.to', { type: { kind: 'time', unit: 'ms' }, kind: 'matchInfo', what: 'to' }],
  ])('%s', (expr, expected) => {
    expect(report(expr)).toMatchObject(expected);
  });
  test.each([
    ['sum(amount)', 'aggregate-needs-stage'], ['count()', 'aggregate-needs-stage'], ['last(a)', 'stage-without-field'], ['sum(a)', 'stage-without-field'],
    ['sum(a.merchant)', 'type-mismatch'], ['sum(a.amount, 2)', 'bad-arguments'], ['values(a.amount, 0)', 'bad-arguments'], ['stddev(a.at)', 'type-mismatch'],
    ['lasting(a.amount)', 'type-mismatch'], ['timeAvg(a.status)', 'type-mismatch'], ['percentile(a.amount, 95)', 'window-aggregate-here'], ['sums(a.amount)', 'unknown-function'],
  ])('%s is an error: %s', (expr, code) => {
    expect(errorCodes(`by card\n match a{2,} -> b within 5m\n a: Payment\n b: Payment\n alert out { v: ${expr} }`)).toEqual([code]);
  });
  test('in a loop\'s own condition are over what it has taken, and in its first iteration over nothing', () => {
    const own = (condition: string) => errorCodes(`match a+ -> b within 5m\n a: Payment where ${condition}\n b: Login`);
    expect(own('sum(a.amount) + amount < 5')).toEqual([]);
    expect(own('count(a) < 5')).toEqual([]);
    expect(own('amount > avg(a.amount)')).toEqual(['never-true']);
    expect(own('count(a) > 0')).toEqual(['never-true']);
    expect(own('amount != last(a).amount')).toEqual([]);
    expect(own('count(a) == 0 or amount > avg(a.amount)')).toEqual([]);
    expect(ruleFindings('match a+ -> b within 5m\n a: Payment where amount > max(a.amount)\n b: Login')).toEqual([
      'never-true: This can never be true: for its first event "a" has taken none yet, so there is nothing to compare with. (count(a) == 0 or …)',
    ]);
  });
});
