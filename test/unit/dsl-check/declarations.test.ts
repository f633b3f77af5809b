import { describe, expect, test } from '@jest/globals';
import { check, parseFile } from '../../../dsl/index.ts';
import { bare, findings, programOf } from './support.ts';

const codesOf = (text: string): string[] => findings(text).map((finding) => finding.split(':')[0]!);

describe('event types', () => {
  test('have the fields of their bases first, and inherit time and identity', () => {
    const { events } = programOf('event Sub extends Base { volume: float? from "VOL" }\nevent Base { id: string from "ID", at: time(s) } time at id id once within 1h');
    expect(bare([...events.values()])).toEqual([
      {
        name: 'Sub', base: 'Base', time: 'at', id: ['id'], once: 3_600_000, accepts: ['Sub'], fields: [
          { name: 'id', source: 'ID', type: { kind: 'string' }, optional: false }, { name: 'at', source: 'at', type: { kind: 'time', unit: 's' }, optional: false },
          { name: 'volume', source: 'VOL', type: { kind: 'float' }, optional: true },
        ],
      },
      {
        name: 'Base', time: 'at', id: ['id'], once: 3_600_000, accepts: ['Sub', 'Base'], fields: [
          { name: 'id', source: 'ID', type: { kind: 'string' }, optional: false }, { name: 'at', source: 'at', type: { kind: 'time', unit: 's' }, optional: false },
        ],
      },
    ]);
  });
  test.each([
    ['event A extends A {}', ['extends-cycle']],
    ['event A extends B {}\nevent B extends C {}\nevent C extends A {}', ['extends-cycle']],
    ['event A extends Bb {}\nevent B {}', ['unknown-type']],
    ['event A { x: int }\nevent B extends A { x: int }', ['field-redeclared']],
    ['event A { x: { y: int, y: int } }', ['field-twice']],
    ['event A { at: time? } time at', ['bad-time-field']],
    ['event A { at: time } time att', ['unknown-field']],
    ['event A { k: string } id kk', ['unknown-field']],
    ['event A { k: string } id k once within 0s', ['out-of-bounds']],
    ['event A {}\nevent A {}', ['declared-twice']],
    ['const a = 1\nfn a(x: int) = x', ['declared-twice']],
    ['event A = each r in B.list { x: r.x } time at\nevent B { list: [int] }\nrule R {\n match a\n a: A where x > zzz\n alert out { y: a.q }\n}', ['type-mismatch']],
    ['feature f = sum(x) of A by k\nevent A { x: int, k: string }\nrule R {\n by k\n match a\n a: A where x > 5 * f\n alert out { f }\n}', []],
    ['table t { id: string key, risk: float }\nevent A { id: string }\nrule R {\n match a\n a: A where t[id].risk > 0.5\n alert out {}\n}', []],
    ['event A { k: string, x: int }\nrule R {\n by k\n on A where x > 3\n window tumbling 1h\n having count() > 5\n alert out { k, n: count(), s: sum(x), w: window.start }\n}\ntest R "t" {\n @1s A { k: "a" }\n expect @1s { n: 1 }\n}', []],
  ])('%s', (text, codes) => {
    expect(codesOf(text)).toEqual(codes);
  });
});

test('names are looked for in all files, and one declared twice names both places', () => {
  const files = [parseFile('a.cep', 'event A { x: int }\nconst c = 1'), parseFile('b.cep', 'rule R {\n match a\n a: A where x > c\n alert out {}\n}'), parseFile('c.cep', 'const c = 2')].map(({ file }) => file);
  expect(check(files.slice(0, 2)).diagnostics).toEqual([]);
  const { program, diagnostics } = check(files);
  expect(program).toBeUndefined();
  expect(diagnostics).toMatchObject([{ code: 'declared-twice', span: { file: 'c.cep' }, related: [{ span: { file: 'a.cep' } }] }]);
});

test('findings come in reading order, file by file', () => {
  const files = [parseFile('b.cep', 'const x = 1 + "a"\nconst y = z'), parseFile('a.cep', 'const v = w')].map(({ file }) => file);
  expect(check(files).diagnostics.map(({ span, code }) => `${span.file} ${code}`)).toEqual(['b.cep type-mismatch', 'b.cep unknown-name', 'a.cep unknown-name']);
});

test('strict makes errors of warnings', () => {
  const file = parseFile('a.cep', 'event A { x: int }\nrule R {\n match a -> b\n a, b: A\n alert out {}\n}').file;
  expect(check([file]).program?.rules.length).toBe(1);
  expect(check([file], { strict: true })).toMatchObject({ program: undefined, diagnostics: [{ severity: 'error', code: 'no-time-bound' }] });
});

describe('what the parser could not read is not reported a second time', () => {
  const both = (text: string): string[] => {
    const parsed = parseFile('test.cep', text);
    return [...parsed.diagnostics, ...check([parsed.file]).diagnostics].map(({ code }) => code);
  };
  test.each([
    ['a pattern', 'event A { x: int }\nrule R {\n match a -> -> b within 5m\n a, b: A\n alert out {}\n}', ['syntax']],
    ['a stage', 'event A { x: int }\nrule R {\n match a\n a: A where x > > 5\n alert out { y: a.x }\n}', ['syntax']],
    ['a field', 'event A { x int, y: int }\nrule R {\n match a\n a: A where y > 5\n alert out { y: a.y }\n}', ['syntax']],
    ['a param', 'event A { x: int }\nparam limit int = 5\nrule R {\n match a\n a: A where x > limit\n alert out {}\n}', ['syntax']],
    ['an event type', 'event A x: int }\nrule R {\n match a\n a: A where x > 5\n alert out {}\n}', ['syntax']],
  ])('%s', (_what, text, codes) => {
    expect([...new Set(both(text))]).toEqual(codes);
  });
});
