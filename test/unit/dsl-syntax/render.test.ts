import { describe, expect, test } from '@jest/globals';
import { diagnosticToJson, renderDiagnostic, sortDiagnostics } from '../../../dsl/index.ts';
import type { Diagnostic } from '../../../dsl/diagnostic.ts';

function at(text: string, place: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = text.indexOf(place);
  return { severity: 'error', code: 'some-code', span: { file: 'rules/a.cep', start, end: start + place.length }, message: 'This is wrong.', ...more };
}

const render = (text: string, place: string, more: Partial<Diagnostic> = {}): string[] => renderDiagnostic(at(text, place, more), () => text).split('\n');

describe('a finding for people', () => {
  test('gives place, code, message, the line underlined, and the hint', () => {
    const text = 'rule A {\n  x\n\n  where big.amout > 500\n}\n';
    expect(render(text, 'amout', { hint: 'did you mean "amount"?' })).toEqual([
      'rules/a.cep:4:13 error[some-code] This is wrong.',
      '4 |   where big.amout > 500',
      '  |             ^^^^^',
      '  hint: did you mean "amount"?',
    ]);
  });

  test('shows related places', () => {
    const text = 'const a = 1\nconst a = 2\n';
    const lines = render(text, 'a = 2', { related: [{ span: { file: 'rules/a.cep', start: 6, end: 7 }, message: 'first declared here' }] });
    expect(lines.slice(3)).toEqual(['  rules/a.cep:1:7 first declared here', '  1 | const a = 1', '    |       ^']);
  });

  test('columns count code points, carets stand below wide letters and tabs', () => {
    expect(render('"😀é" x', 'x')).toEqual(['rules/a.cep:1:6 error[some-code] This is wrong.', '1 | "😀é" x', '  |       ^']);
    expect(render('\t"日本" bad\t', 'bad')[2]).toBe('  | \t       ^^^');
    expect(render('e\u0301 bad', 'bad')[2]).toBe('  |   ^^^');
  });

  test('the end of the file and places of several lines have carets too', () => {
    const text = 'rule A {\n  title';
    expect(renderDiagnostic({ ...at(text, 'title'), span: { file: 'a', start: text.length, end: text.length } }, () => text).split('\n').slice(1)).toEqual(['2 |   title', '  |        ^']);
    expect(render('a {\nb\n}', '{\nb\n}').slice(1)).toEqual(['1 | a {', '  |   ^']);
    expect(render('', '')).toEqual(['rules/a.cep:1:1 error[some-code] This is wrong.', '1 |', '  | ^']);
  });

  test('a very long line is cut around the place', () => {
    const text = `${'a '.repeat(5000)}WRONG ${'b '.repeat(5000)}`;
    const [, line, carets] = render(text, 'WRONG');
    expect(line!.length).toBeLessThan(140);
    expect(line!.indexOf('WRONG')).toBe(carets!.indexOf('^^^^^'));
    expect(line).toMatch(/^1 \| ….*….?$/);
    const marked = render(`x ${'y'.repeat(9999)}`, 'y'.repeat(9999));
    expect(marked[1]!.length).toBeLessThan(140);
  });

  test('nothing in the source reaches the terminal as a control sequence', () => {
    const shown = renderDiagnostic(at('a \u001b[31m\u0000\ud800 bad', 'bad', { message: 'no \u001b[2J' }), () => 'a \u001b[31m\u0000\ud800 bad');
    expect([...shown].filter((char) => (char < ' ' && char !== '\n') || /\p{Cs}/u.test(char))).toEqual([]);
  });

  test('colours only where asked for', () => {
    const text = 'bad';
    expect(renderDiagnostic(at(text, 'bad'), () => text)).not.toContain('\u001b');
    expect(renderDiagnostic(at(text, 'bad'), () => text, { color: true })).toContain('\u001b[31merror[some-code]\u001b[0m');
    expect(renderDiagnostic(at(text, 'bad', { severity: 'warning' }), () => text, { color: true })).toContain('\u001b[33mwarning[some-code]');
  });

  test('a file that cannot be read has no excerpt', () => {
    expect(renderDiagnostic(at('x', 'x', { hint: 'h' }), () => undefined)).toBe('rules/a.cep:1:1 error[some-code] This is wrong.\n  hint: h');
  });
});

test('a finding as data: lines and columns of its start and end', () => {
  const text = 'a\r\n  "😀" {\n}';
  expect(diagnosticToJson(at(text, '{\n}', { hint: 'h', related: [{ span: { file: 'a', start: 0, end: 1 }, message: 'r' }] }), () => text)).toEqual({
    file: 'rules/a.cep', line: 2, column: 7, endLine: 3, endColumn: 2, severity: 'error', code: 'some-code', message: 'This is wrong.', hint: 'h',
    related: [{ file: 'a', line: 1, column: 1, endLine: 1, endColumn: 2, message: 'r' }],
  });
});

test('reading order: files as given, then places', () => {
  const one = (file: string, start: number): Diagnostic => ({ ...at('x', 'x'), span: { file, start, end: start + 1 } });
  const sorted = sortDiagnostics([one('z', 1), one('b', 2), one('a', 9), one('b', 1), one('y', 0)], ['b', 'a']);
  expect(sorted.map(({ span }) => `${span.file}${span.start}`)).toEqual(['b1', 'b2', 'a9', 'y0', 'z1']);
});
