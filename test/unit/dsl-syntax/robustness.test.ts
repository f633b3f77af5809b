import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { diagnosticToJson, formatSource, parseFile, renderDiagnostic } from '../../../dsl/index.ts';
import { RandomSource, randomOf } from './random-source.ts';

/** Parses, renders everything, and checks what holds for any text. */
function survive(text: string): ReturnType<typeof parseFile> {
  const parsed = parseFile('a.cep', text);
  for (const diagnostic of parsed.diagnostics.slice(0, 50)) {
    expect(diagnostic.span.start).toBeGreaterThanOrEqual(0);
    expect(diagnostic.span.end).toBeGreaterThanOrEqual(diagnostic.span.start);
    expect(diagnostic.span.end).toBeLessThanOrEqual(text.length);
    expect(diagnostic.message).not.toMatch(/undefined|NaN|[A-Z]_[A-Z]|something else/);
    expect(renderDiagnostic(diagnostic, () => text)).toContain(diagnostic.code);
    expect(JSON.stringify(diagnosticToJson(diagnostic, () => text))).toContain('"line":');
  }
  return parsed;
}

describe('no text makes the parser throw', () => {
  test('random characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void survive(text)), { numRuns: 300 });
  });

  test('random tokens', () => {
    const words = fc.constantFrom(...'rule event test param fn const match alert emit on by where within until for not and or in is if then else between { } ( ) [ ] , : .. . @ | -> ->> => == = != < ?? ? + - * / % a B 5 10m "x" /r/ \n ; ! && \' " expect with table use window trigger limit keep mode'.split(' '));
    fc.assert(fc.property(fc.array(words, { maxLength: 80 }), (tokens) => void survive(tokens.join(' '))), { numRuns: 500 });
  });

  test('valid files with a token taken out, doubled or changed: an error, or another valid file', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 0x7fffffff }), fc.nat(), fc.constantFrom('', '}', '{', '(', ')', ',', ':', '5', 'rule', '->', 'not', '"'), (seed, place, by) => {
      const source = new RandomSource(randomOf(seed));
      const tokens = source.file();
      tokens[place % tokens.length] = by;
      const { file, diagnostics } = survive(tokens.join('\n'));
      if (!diagnostics.some((one) => one.severity === 'error')) expect(parseFile('a', formatSource(file)).diagnostics.filter((one) => one.severity === 'error')).toEqual([]);
    }), { numRuns: 300 });
  });

  test('half surrogate pairs, NUL, a byte order mark, CRLF', () => {
    expect(survive('\ufeffconst a = 1\r\nconst b = 2\r\n').diagnostics).toEqual([]);
    expect(survive('const a = "\ud800\u0000"').diagnostics).toEqual([]);
    expect(survive('\ud800 \u0000').diagnostics).toHaveLength(2);
  });
});

describe('size', () => {
  const inRule = (expr: string): string => `rule A { match a a: X where ${expr}\n alert x {} }`;

  test.each<[string, string]>([
    ['parentheses', inRule('('.repeat(10_000) + '1' + ')'.repeat(10_000))],
    ['minus', inRule(`${'-'.repeat(10_000)}1`)],
    ['not', inRule(`${'not '.repeat(10_000)}x`)],
    ['if', inRule(`${'if a then b else '.repeat(10_000)}x`)],
    ['a chain', inRule(`x${' + x'.repeat(10_000)}`)],
    ['members', inRule(`x${'.x'.repeat(10_000)}`)],
    ['lists', inRule('['.repeat(10_000))],
    ['calls', inRule('f('.repeat(10_000))],
    ['patterns', `rule A { match ${'('.repeat(10_000)}a }`],
    ['types', `event A { a: ${'['.repeat(10_000)}int }`],
    ['records of types', `event A { a: ${'{ a: '.repeat(10_000)}int }`],
    ['records of values', `test A "x" { @1s A ${'{ a: '.repeat(10_000)}1 }`],
  ])('what is nested ten thousand deep is one clear error: %s', (_name, text) => {
    expect(survive(text).diagnostics.map((one) => one.code)).toContain('too-deep');
  });

  test('what stays below the bound is read, and formatted', () => {
    for (const [open, close] of [['(', ')'], ['[', ']'], ['f(', ')'], ['- ', ''], ['if a then b else ', '']] as const) {
      const { file, diagnostics } = parseFile('a', inRule(open.repeat(95) + 'x' + close.repeat(95)));
      expect(diagnostics).toEqual([]);
      expect(formatSource(file)).toContain('x');
    }
    const { file, diagnostics } = parseFile('a', inRule(`x${' + x'.repeat(390)}`));
    expect(diagnostics).toEqual([]);
    expect(formatSource(file).split('\n').every((line) => line.length <= 100)).toBe(true);
  });

  test('a megabyte of anything', () => {
    const random = randomOf(1);
    for (const range of [128, 65_536]) {
      let text = '';
      while (text.length < 1_000_000) text += String.fromCharCode(random() * range);
      expect(survive(text).diagnostics.length).toBeGreaterThan(0);
    }
    for (const unit of ['{', '"', '/*', '1', '1m', '"\\n', 'rule ', "'\\n"]) survive(unit.repeat(1_000_000 / unit.length));
  });

  test('a list of a hundred thousand values', () => {
    expect(survive(inRule(`x in [${Array(100_000).fill('1').join(', ')}]`)).diagnostics).toEqual([]);
  });
});
