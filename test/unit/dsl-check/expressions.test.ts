import { describe, expect, test } from '@jest/globals';
import { bare, errorCodes, findings, ruleFindings, ruleOf, TYPES } from './support.ts';

const value = (expr: string, more = ''): { type: unknown; kind: string } =>
  bare(ruleOf(`by card\n match x -> a within 5m\n x, a: Payment\n alert out { v: ${expr} }`, more).outputs[0]!.fields[0]!.value) as { type: unknown; kind: string };
const codesOf = (expr: string, more = ''): string[] => errorCodes(`by card\n match x -> a within 5m\n x, a: Payment\n alert out { v: ${expr} }`, more);

describe('types', () => {
  test.each([
    ['a.items + 1', 'int'], ['a.items + 1.5', 'float'], ['a.items / 2', 'float'], ['a.items % 2', 'int'], ['-a.items', 'int'], ['a.amount * a.items', 'float'],
    ['a.at - x.at', 'duration'], ['a.at + 5m', 'time'], ['5m + a.at', 'time'], ['a.at - 5m', 'time'], ['5m * 2', 'duration'], ['2 * 5m', 'duration'], ['(a.at - x.at) / 1s', 'float'],
    ['(a.at - x.at) / 2', 'duration'], ['(a.at - x.at) % 1h', 'duration'], ['1h + 5m', 'duration'], ['-(a.at - x.at)', 'duration'],
    ['a.country ?? "none"', 'string'], ['a.items ?? 0.5', 'float'], ['if a.items > 1 then 1 else 2.5', 'float'], ['round(a.amount)', 'int'], ['round(a.amount, 2)', 'float'],
    ['abs(a.at - x.at)', 'duration'], ['max(a.amount, 5, a.items)', 'float'], ['min(a.at, x.at)', 'time'], ['hour(a.at)', 'int'], ['date(a.at, "Europe/Berlin")', 'string'],
    ['length(a.merchant)', 'int'], ['size(a.tags)', 'int'], ['hash(a.tags)', 'int'], ['split(a.merchant, ",")[0]', 'string'], ['a.place.lat', 'float'], ['a.tags[0]', 'string'],
    ['concat("n=", a.amount, a.at)', 'string'], ['coalesce(a.country, a.merchant)', 'string'], ['distanceKm(1, 2, 3.5, 4)', 'float'], ['inCidr(a.merchant, "10.0.0.0/8")', 'bool'],
    ['any(a.tags, t => t == "x")', 'bool'], ['contains(a.merchant, "x")', 'bool'], ['a.merchant like "x%"', 'bool'], ['a.merchant matches /x/i', 'bool'], ['a.merchant is not null and true', 'bool'],
    ['a.items in [1, 2]', 'bool'], ['a.at > "2026-01-31T12:00:00Z"', 'bool'], ['a.at between "2026-01-01" and "2026-02-01"', 'bool'],
  ])('%s is %s', (expr, kind) => {
    expect(value(expr).type).toMatchObject({ kind });
  });

  test.each([
    ['a.merchant + "x"', 'type-mismatch'], ['a.at + a.at', 'type-mismatch'], ['a.at + 5', 'type-mismatch'], ['a.at - x.at > 5', 'type-mismatch'], ['5m * 5m', 'type-mismatch'], ['-a.merchant', 'type-mismatch'],
    ['a.amount > "5"', 'type-mismatch'], ['a.tags > a.tags', 'type-mismatch'], ['true < false', 'type-mismatch'], ['a.items in 5', 'type-mismatch'], ['a.items in ["a"]', 'type-mismatch'],
    ['a.status == "failed"', 'not-in-set'], ['"failed" != a.status', 'not-in-set'], ['a.status in ["ok", "okk"]', 'not-in-set'], ['(if a.items > 1 then "ok" else "bad") == a.status', 'not-in-set'],
    ['not a.items', 'not-a-condition'], ['a.items and true', 'not-a-condition'], ['if a.items then 1 else 2', 'not-a-condition'], ['if true then 1 else "x"', 'type-mismatch'],
    ['a.country == null', 'compare-with-null'], ['null != a.country', 'compare-with-null'], ['a.merchant ?? 5', 'type-mismatch'], ['[1, "a"]', 'type-mismatch'],
    ['a.merchant[0]', 'type-mismatch'], ['a.tags["x"]', 'type-mismatch'], ['a.merchant.x', 'type-mismatch'], ['a.place.x', 'unknown-field'],
    ['round(a.merchant)', 'type-mismatch'], ['round(a.amount, 1.5)', 'type-mismatch'], ['round()', 'bad-arguments'], ['hour(a.items)', 'type-mismatch'], ['hour(a.at, "Mars")', 'bad-text'],
    ['inCidr(a.merchant, "10.0.0.0/99")', 'bad-text'], ['a.merchant matches /(/', 'bad-regex'], ['split(a.merchant, /(/)', 'bad-regex'], ['lower(/x/)', 'regex-here'], ['a.merchant matches x.merchant', 'not-constant'],
    ['min(a.merchant, "x")', 'type-mismatch'], ['max(5)', 'type-mismatch'], ['any(a.items, t => true)', 'type-mismatch'], ['any(a.tags, t => t)', 'not-a-condition'], ['any(a.tags)', 'bad-arguments'],
    ['floor(a.amount where a.amount > 1)', 'bad-arguments'], ['lower(t => true)', 'bad-arguments'], ['timeOf(a.at)', 'unknown-stage'], ['timeOf(5)', 'unknown-stage'], ['now()', 'unknown-function'],
  ])('%s is an error: %s', (expr, code) => {
    expect(codesOf(expr)).toEqual([code]);
  });

  test('an error is reported once, and not again by what is built on it', () => {
    expect(codesOf('round(a.amont * 2 + 5) > 3 and a.items > 1')).toEqual(['unknown-field']);
    expect(findings(`${TYPES}const c = 1 + "x"\nconst d = c + 1\nfn f(x: int) = x + d\nrule R {\n match a\n a: Paymnt where f(zzz) > c\n alert out { v: f(1) }\n}`).map((finding) => finding.split(':')[0])).toEqual(['type-mismatch', 'unknown-type']);
  });
});

describe('texts of a closed set', () => {
  test('compare with their own texts, each other where they share one, and with texts that are not known', () => {
    expect(codesOf('a.status == "ok" and a.status != x.status and a.status == a.merchant and a.status in ["ok", "fail"]')).toEqual([]);
  });
  test('gives the likely one', () => {
    expect(ruleFindings('match a\n a: Payment where status == "fial"')).toEqual(['not-in-set: "fial" is not among "ok", "fail". (did you mean "fail"?)']);
  });
});

describe('constants', () => {
  test('are folded', () => {
    expect(value('(2 + 3) * 4 - 6 / 4 % 2')).toMatchObject({ kind: 'literal', value: 18.5 });
    expect(value('if 1 < 2 then "a" else "b"')).toMatchObject({ kind: 'literal', value: 'a' });
    expect(value('null ?? 5')).toMatchObject({ kind: 'literal', value: 5 });
    expect(value('half', 'const half = big / 2')).toMatchObject({ kind: 'arith', left: { kind: 'param' }, right: { kind: 'literal', value: 2 } });
  });
  test('may be used before they are declared, and through functions', () => {
    expect(value('a1', 'const a1 = f(b1)\nfn f(x: int) = x + c1\nconst b1 = 2\nconst c1 = 3')).toMatchObject({ kind: 'literal', value: 5 });
  });
  test('must not be defined by themselves', () => {
    expect(codesOf('a1', 'const a1 = b1 + 1\nconst b1 = a1')).toEqual(['const-cycle']);
    expect(codesOf('a1', 'const a1 = f(1)\nfn f(x: int) = x + a1')[0]).toMatch(/const-cycle|recursive-fn/);
  });
});

describe('functions', () => {
  test('are put in place, with their arguments', () => {
    expect(value('twice(a.amount)', 'fn twice(x: float) = x * 2')).toMatchObject({ kind: 'arith', left: { kind: 'stageField', stage: 'a', field: 'amount' }, right: { value: 2 } });
  });
  test('take an aggregate\'s event, and keep lambdas apart', () => {
    expect(value('avg(twice(x.amount))', 'fn twice(v: float) = v * 2')).toMatchObject({ kind: 'aggregate', fn: 'avg', value: { left: { kind: 'eachField' } } });
    const nested = value('any(a.tags, t => anyIn(x.tags, t))', 'fn anyIn(list: [string], one: string) = any(list, t => t == one)');
    expect(nested).toMatchObject({ fn: 'any', lambda: { fn: 'any', lambda: { left: { kind: 'lambdaParam', depth: 0 }, right: { kind: 'lambdaParam', depth: 1 } } } });
  });
  test.each([
    ['twice()', 'bad-arguments'], ['twice("x")', 'type-mismatch'], ['twise(5)', 'unknown-function'], ['twice', 'unknown-name'],
  ])('%s is an error: %s', (expr, code) => {
    expect(codesOf(expr, 'fn twice(x: float) = x * 2')).toEqual([code]);
  });
  test('see their parameters, consts and params only', () => {
    expect(codesOf('f(1)', 'fn f(x: int) = x + amount')).toEqual(['unknown-name']);
    expect(codesOf('f(1)', 'fn f(x: int) = x + n')).toEqual([]);
  });
  test('recursion is an error', () => {
    expect(codesOf('f(1)', 'fn f(x: int) = g(x)\nfn g(x: int) = f(x)')).toEqual(['recursive-fn', 'recursive-fn']);
  });
  test('that double with each other are refused before they fill memory', () => {
    const fns = ['fn f0(x: float) = x + x', ...Array.from({ length: 40 }, (_, i) => `fn f${i + 1}(x: float) = f${i}(x) + f${i}(x)`)].join('\n');
    expect(codesOf('f40(1.0)', fns)).toEqual(['too-large']);
  });
});

describe('params', () => {
  test.each([
    ['param p: int = 2.5', 'type-mismatch'], ['param p: int = 5 in 6 .. 7', 'out-of-bounds'], ['param p: int = 5 in 7 .. 6', 'bad-bounds'], ['param p: bool = true in false .. true', 'bad-bounds'],
    ['param p: int = 2 + 3', 'not-a-literal'], ['param p: "a" | "b" = "c"', 'not-in-set'], ['param p: duration = 5', 'type-mismatch'], ['param p: int = null', 'type-mismatch'],
    ['param p: time = "yesterday"', 'type-mismatch'], ['param p: [int] = [1, "a"]', 'type-mismatch'],
  ])('%s is an error: %s', (decl, code) => {
    expect(findings(decl).map((finding) => finding.split(':')[0])).toEqual([code]);
  });
  test.each(['param p: float = 5', 'param p: int = -5 in -10 .. 0', 'param p: duration = 5m in 1s .. 1d', 'param p: time = "2026-01-31"', 'param p: [string] = ["a"]', 'param p: int? = null', 'param p: "a" | "b" = "a"'])('%s', (decl) => {
    expect(findings(decl)).toEqual([]);
  });
});

describe('nulls', () => {
  const emit = (expr: string): string[] => errorCodes(`by card\n match all x? -> a+ -> b within 5m\n x, a, b: Payment\n emit Alarm { card, level: ${expr} }`);
  test.each([
    ['b.amount', []], ['x.amount', ['may-be-null']], ['x.amount ?? 0', []], ['avg(a.amount)', []], ['avg(x.amount)', ['may-be-null']], ['avg(a.amount where a.amount > 8)', ['may-be-null']],
    ['sum(x.amount)', []], ['stddev(a.amount)', ['may-be-null']], ['b.amount / a1', []], ['b.place.lat', ['may-be-null']], ['coalesce(x.amount, b.amount)', []],
  ])('emit of %s', (expr, codes) => {
    expect(emit(expr.replace('a1', 'b.items'))).toEqual(codes);
  });
  test('a test for null that can never hold is a warning', () => {
    expect(ruleFindings('match a\n a: Payment where merchant is null or country is null')).toEqual(['~never-null: This is never null, so the test is always false.']);
  });
});
