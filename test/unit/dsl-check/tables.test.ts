import { describe, expect, test } from '@jest/globals';
import { bare, findings, programOf, ruleFindings, ruleText, TYPES } from './support.ts';

const SHOPS = 'table shops { id: string key, risk: float, limit: int?, kind: "a" | "b" }\n';
const CARDS = 'table cards { card: string key, every: duration, owner: string? }\n';
const SPEND = 'feature spend = sum(amount) of Payment where status == "ok" by card over 30d\n';

const codesOf = (text: string): string[] => findings(text).filter((finding) => !finding.startsWith('~')).map((finding) => finding.split(':')[0]!);
const inRule = (body: string, more: string): string[] => codesOf(ruleText(body, more));
const where = (condition: string, more = SHOPS + CARDS + SPEND, by = 'card'): string[] => inRule(`by ${by}\n match a\n a: Payment where ${condition}`, more);

describe('tables', () => {
  test('have columns, one of them the key', () => {
    const { tables } = programOf(`${SHOPS}table prices { item: int key, from: time, price: float from "PRICE" }`);
    expect(bare([...tables.values()])).toMatchObject([
      { name: 'shops', key: 'id', history: false, columns: [{ name: 'id' }, { name: 'risk' }, { name: 'limit', optional: true }, { name: 'kind' }] },
      { name: 'prices', key: 'item', history: true, columns: [{ name: 'item' }, { name: 'from' }, { name: 'price', source: 'PRICE' }] },
    ]);
  });
  test.each([
    ['table t { id: string, risk: float }', ['bad-table']], ['table t { id: string key, x: int key }', ['bad-table']], ['table t { id: string? key }', ['bad-table']], ['table t { id: [string] key }', ['bad-table']],
    ['table t { id: string key, from: time? }', ['bad-table']], ['table t { id: string key, id: int }', ['field-twice']], ['table t { id: string key }\nparam t: int = 1', ['declared-twice']], ['table t { id: string key, from: string? }', []],
  ])('%s', (text, codes) => expect(codesOf(text)).toEqual(codes));
  test('a look-up has the type of its column, and may be null', () => {
    const rule = programOf(ruleText('by card\n match a\n a: Payment where shops[merchant].risk > 0.5\n alert out { r: shops[a.merchant].limit, k: cards[card].owner }', SHOPS + CARDS)).rules[0]!;
    if (rule.kind !== 'pattern') throw new Error('no pattern');
    expect(bare(rule.match.stages.get('a')!.where)).toMatchObject({ left: { kind: 'lookup', table: 'shops', column: 'risk', type: { kind: 'float' }, key: { kind: 'eventField', field: 'merchant' } } });
    expect(bare(rule.outputs[0]!.fields.map(({ value }) => value))).toMatchObject([{ column: 'limit', key: { kind: 'stageField' } }, { column: 'owner', key: { kind: 'keyField', part: 0 } }]);
    expect(inRule('by card\n match a\n a: Payment\n emit Big { risk: shops[a.merchant].risk }', `${SHOPS}event Big { risk: float }`)).toEqual(['may-be-null']);
  });
  test.each([
    ['shops[merchant].risc > 0.5', ['unknown-field']], ['shops[items].risk > 0.5', ['type-mismatch']], ['shops[merchant] > 0.5', ['table-row']], ['shops > 0.5', ['table-row']], ['shops.risk > 0.5', ['table-row']],
    ['shop[merchant].risk > 0.5', ['unknown-name']], ['shops[merchant].kind == "c"', ['not-in-set']], ['shops[merchan].risk > 0.5', ['unknown-name']], ['shops["m1"].risk > 0.5', []], ['shops[null].risk > 0.5', ['type-mismatch']],
    ['(shops[merchant]).risk > 0.5', []], ['any(tags, x => shops[x].risk > 0.5)', []],
  ])('%s', (condition, codes) => expect(where(condition)).toEqual(codes));
  test('can be read in functions, computed keys, and the time bounds of patterns; not where a value is fixed', () => {
    expect(inRule('by kind = shops[merchant].kind\n match a\n a: Payment', SHOPS)).toEqual([]);
    expect(inRule('by card\n match not a for 3 * cards[card].every\n a: Payment', CARDS)).toEqual([]);
    expect(where('risk(merchant) > 0.5', `${SHOPS}fn risk(id: string) = shops[id].risk`)).toEqual([]);
    expect(where('amount > worst', `${SHOPS}const worst = shops["m1"].risk`)).toEqual(['table-here']);
    expect(where('amount > worst', `${SHOPS}fn risk(id: string) = shops[id].risk\nconst worst = risk("m1")`)).toEqual(['table-here']);
    expect(inRule('by card\n on Payment\n window tumbling cards["x"].every', CARDS)).toEqual(['table-here']);
    expect(inRule('by card\n on Payment\n window tumbling 1h\n having count(where shops[merchant].risk > 0.5) > 3', SHOPS)).toEqual([]);
  });
  test('a field of that name comes first', () => expect(codesOf('table t { id: string key, x: int }\nevent A { t: [int] }\nrule R {\n match a\n a: A where t[0] > 5\n alert out {}\n}')).toEqual([]));
  test('a key of several parts is an error that says how', () => expect(ruleSyntax('t[card, merchant].x')).toMatch(/concat/));
});

function ruleSyntax(condition: string): string {
  try {
    return findings(ruleText(`match a\n a: Payment where ${condition} > 1`)).join('\n');
  } catch (error) {
    return String(error);
  }
}

describe('a roster', () => {
  const roster = (by: string, more = CARDS) => inRule(`by ${by}\n match not a for 5m\n a: Payment`, more);
  test('names a column for each part of the key', () => {
    expect(bare(programOf(ruleText('by card from cards\n match not a for 5m\n a: Payment', CARDS)).rules[0])).toMatchObject({ roster: { table: 'cards', columns: ['card'] } });
    expect(roster('card, owner = merchant from cards', 'table cards { card: string key, owner: string }')).toEqual([]);
  });
  test.each([
    ['card from card', CARDS, ['unknown-table']], ['merchant from cards', CARDS, ['unknown-field']], ['card, owner = merchant from cards', CARDS, ['type-mismatch']], ['card from cards', 'table cards { card: int key }', ['type-mismatch']],
  ])('by %s', (by, more, codes) => expect(roster(by, more)).toEqual(codes));
  test('has no effect where no clock starts without an event, and no sense with a window', () => {
    expect(ruleFindings('by card from cards\n match a\n a: Payment', CARDS)).toEqual([expect.stringMatching(/^~no-effect: `from cards`/)]);
    expect(inRule('by card from cards\n on Payment\n window tumbling 1h', CARDS)).toEqual(['roster-of-window']);
  });
});

describe('features', () => {
  const features = (text: string) => [...programOf(`${TYPES}${text}`).features.values()];
  test('keep one aggregate of one type of event', () => {
    expect(bare(features(SPEND))).toMatchObject([{
      name: 'spend', fn: 'sum', type: { kind: 'float' }, optional: false, value: { kind: 'eventField', field: 'amount' }, accepts: ['Payment'], where: { kind: 'compare', left: { kind: 'eventField', field: 'status' } },
      key: [{ name: 'card', type: { kind: 'string' }, value: { kind: 'eventField', field: 'card' } }], over: { value: 2_592_000_000 },
    }]);
    expect(bare(features('feature logins = count(where card != "x") of Login where device == "d"')[0])).toMatchObject({ fn: 'count', accepts: ['Login', 'MobileLogin'], key: [], where: { kind: 'and', left: { left: { field: 'device' } }, right: { left: { field: 'card' } } } });
    expect(bare(features('feature p = percentile(amount, 95) of Payment by shop = merchant over 24h every 1m')[0])).toMatchObject({ fn: 'percentile', argument: 95, optional: true, key: [{ name: 'shop', value: { field: 'merchant' } }], every: { value: 60_000 } });
    expect(bare(features('feature hot = lasting(amount > 5) of Payment by card over 24h')[0])).toMatchObject({ fn: 'lasting', type: { kind: 'duration' }, optional: true });
    expect(bare(features('feature newest = max(at) of Payment by card')[0])).toMatchObject({ fn: 'max', type: { kind: 'time' } });
  });
  test.each([
    ['sum(amount) / count() of Payment', ['not-an-aggregate']], ['round(avg(amount)) of Payment', ['not-an-aggregate']], ['amount of Payment', ['not-an-aggregate']], ['5 of Payment', ['not-an-aggregate']],
    ['sum(amout) of Payment', ['unknown-name']], ['sum(merchant) of Payment', ['type-mismatch']], ['sum(amount) of Paymnt', ['unknown-type']], ['sum(amount) of Payment where amount', ['not-a-condition']], ['sum(amount) of Payment by crd', ['unknown-name']],
    ['sum(amount) of Payment by tags', ['type-mismatch']], ['sum(amount) of Payment by card, card', ['field-twice']], ['sum(amount) of Payment by card (Payment: merchant)', ['feature-key']], ['sum(amount) of Payment by card over 0s', ['out-of-bounds']],
    ['sum(amount) of Payment by card every 1m', ['every-without-over']], ['sum(amount) of Payment by card over 1m every 1h', ['out-of-bounds']], ['sum(amount * f) of Payment', ['feature-here']], ['sum(avg(amount)) of Payment', ['nested-aggregate']],
    ['count(where at > window.start) of Payment', ['window-here']], ['min(amount, items) of Payment', ['unknown-name', 'unknown-name']],
  ])('f = %s', (text, codes) => expect(codesOf(`${TYPES}feature f = ${text}`)).toEqual(codes));
  test('are read in conditions, filters and reports of rules whose key includes theirs', () => {
    const rule = programOf(ruleText('by merchant, card\n on Payment where amount > spend\n match a+ until amount > 9 * spend -> b within 5m\n a: Payment where amount > 5 * spend\n b: Payment\n having b.amount > spend\n severity if spend > 5 then high else low\n limit 5 per 1h by spend\n alert out { spend }', SPEND)
      .replace('a+ until amount > 9 * spend', 'a+').replace('where amount > 5 * spend', 'where amount > 5 * spend until amount > 9 * spend')).rules[0]!;
    if (rule.kind !== 'pattern') throw new Error('no pattern');
    const read = { kind: 'feature', feature: 'spend', parts: [1], type: { kind: 'float' } };
    const stage = rule.match.stages.get('a')!;
    expect(bare(stage.where)).toMatchObject({ right: { right: read } });
    expect(bare(stage.until)).toMatchObject({ right: { right: read } });
    expect(bare([rule.having, rule.severity, rule.limit!.by, rule.outputs[0]!.fields[0]!.value])).toMatchObject([{ right: read }, { cond: { left: read } }, read, read]);
    expect(bare(rule.sees.get('Payment')!.filters)).toMatchObject([{ right: read }]);
    expect(inRule('by card\n on Payment where amount > spend\n window tumbling 1h\n having sum(amount) > spend\n alert out { spend }', SPEND)).toEqual([]);
  });
  test.each([
    ['by merchant\n match a\n a: Payment where amount > spend', ['feature-key']], ['match a\n a: Payment where amount > spend', ['feature-key']], ['by card = items\n match a\n a: Payment where amount > spend', ['mixed-types']],
    ['by card, x = spend\n match a\n a: Payment', ['feature-here']], ['by card\n match a within 1h * spend\n a: Payment', ['feature-here']], ['by card\n on Payment\n window tumbling 1h\n having sum(amount * spend) > 5', ['feature-here']],
    ['by card\n match a+ -> b within 5m\n a: Payment\n b: Login\n having sum(a.amount where a.amount > spend) > 5', ['feature-here']], ['by card\n match a\n a: Payment where amount > spnd', ['unknown-name']],
  ])('%s', (body, codes) => expect(inRule(body, SPEND)).toEqual(codes));
  test('may be null before the first event, where their aggregate may', () => {
    expect(inRule('by card\n match a\n a: Payment\n emit Big { level: mean }', 'feature mean = avg(amount) of Payment by card\nevent Big { level: float }')).toEqual(['may-be-null']);
    expect(inRule('by card\n match a\n a: Payment\n emit Big { level: spend }', `${SPEND}event Big { level: float }`)).toEqual([]);
  });
});

describe('a test fills tables', () => {
  const text = (rows: string, table = SHOPS) => `${TYPES}${table}rule R {\n by card\n match a\n a: Payment\n alert out {}\n}\ntest R "t" {\n ${rows}\n expect nothing\n}`;
  test('with rows that have every column', () => {
    const [made] = programOf(text('table shops { { id: "m1", risk: 0.9, kind: "a" }, { id: "m2", risk: 1, kind: "b", limit: 5 } }')).tests;
    expect([...made!.tables]).toEqual([['shops', [{ id: 'm1', risk: 0.9, limit: null, kind: 'a' }, { id: 'm2', risk: 1, limit: 5, kind: 'b' }]]]);
    expect([...programOf(text('table p { { id: 1, from: 0s }, { id: 1, from: 10m }, { id: 2, from: "2026-01-01" } }', 'table p { id: int key, from: time }\n')).tests[0]!.tables.get('p')!])
      .toEqual([{ id: 1, from: 0 }, { id: 1, from: 600_000 }, { id: 2, from: '2026-01-01T00:00:00.000Z' }]);
  });
  test.each([
    ['table shop { }', ['unknown-table']], ['table shops { { id: "m", risk: 1, kind: "a", x: 5 } }', ['unknown-field']], ['table shops { { id: "m", kind: "a" } }', ['missing-field']], ['table shops { { id: 5, risk: 1, kind: "a" } }', ['type-mismatch']],
    ['table shops { { id: "m", risk: 1, kind: "c" } }', ['not-in-set']], ['table shops { { id: "m", risk: 1, kind: "a" }, { id: "m", risk: 2, kind: "a" } }', ['row-twice']], ['table shops { }\n table shops { }', ['field-twice']],
    ['table shops { { id: null, risk: 1, kind: "a" } }', ['type-mismatch']], ['table shops { { } }', ['missing-field']],
  ])('%s', (rows, codes) => expect(codesOf(text(rows))).toEqual(codes));
});
