import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { codes, fileOf } from '../../../dsl/check/codes.ts';
import { check, loadFiles, parseFile } from '../../../dsl/index.ts';

const TOKEN = /\s+|[\p{L}_][\p{L}\p{N}_]*|\d+\w*|"[^"\n]*"|->>|->|=>|[^\s\w]/gu;
const texts = Object.values(codes).flatMap(({ example, corrected }) => [fileOf(example), fileOf(corrected)]).filter((text) => text.length < 1500);
const words = [...new Set(texts.flatMap((text) => text.match(TOKEN) ?? []))];

/** A rule file with a few of its words left out, replaced or added. */
const broken = fc.record({
  text: fc.constantFrom(...texts),
  edits: fc.array(fc.record({ at: fc.nat(), word: fc.constantFrom(...words), what: fc.constantFrom('drop', 'replace', 'add') }), { maxLength: 4 }),
}).map(({ text, edits }) => {
  const tokens = text.match(TOKEN) ?? [];
  for (const { at, word, what } of edits) tokens.splice(at % tokens.length, what === 'add' ? 0 : 1, ...(what === 'drop' ? [] : [` ${word} `]));
  return tokens.join('');
});

test('whatever the text: no exception, findings inside the text, and a program exactly where there is no error', () => {
  fc.assert(fc.property(broken, (text) => {
    const parsed = parseFile('test.cep', text);
    const { program, diagnostics } = check([parsed.file]);
    expect(program === undefined).toBe(diagnostics.some(({ severity }) => severity === 'error'));
    for (const { span, message } of diagnostics) {
      expect(message).not.toMatch(/undefined|\[object|NaN/);
      expect([span.file, span.start >= 0, span.start <= span.end, span.end <= text.length]).toEqual(['test.cep', true, true, true]);
    }
  }), { numRuns: 600, seed: 1 });
});

test('a pattern nested as deep as the parser takes it, and a thousand stages, are checked in no time', () => {
  const nested = (quantifier: string): string => `${'('.repeat(90)}a${`)${quantifier}`.repeat(90)}`;
  const names = Array.from({ length: 1000 }, (_, i) => `s${i}`);
  const text = `event A { x: int, at: time } time at
    rule Deep {\n match all ${nested('')}+ -> b within 5m\n a, b: A\n alert out {}\n}
    rule Again {\n match all ${nested('+')} -> b within 5m\n a, b: A\n alert out {}\n}
    rule Long {\n match all ${names.join(' -> ')} within 5m\n ${names.map((name, i) => `${name}: A where x > ${i === 0 ? '0' : `s${i - 1}.x`}`).join('\n ')}\n alert out {}\n}`;
  const parsed = parseFile('test.cep', text);
  const before = process.cpuUsage();
  expect([...parsed.diagnostics, ...check([parsed.file]).diagnostics].map(({ code }) => code)).toEqual(['too-many-next', 'too-many-steps']);
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(5000);
});

const conformance = new URL('../../../../shared/conformance/patterns.json', import.meta.url);
(existsSync(conformance) ? test : test.skip)('the rules of the conformance cases have no errors', () => {
  const cases = JSON.parse(readFileSync(conformance, 'utf8')) as { readonly id: string; readonly rule: string }[];
  const wrong = cases.filter(({ rule }) => {
    const parsed = parseFile('case.cep', rule);
    return parsed.diagnostics.length > 0 || check([parsed.file]).program === undefined;
  });
  expect(wrong.map(({ id }) => id)).toEqual([]);
});

test.each(['fraud', 'iot'])('the rules in rules/%s have neither errors nor warnings', (name) => {
  const folder = join(import.meta.dirname, '../../../rules', name);
  const paths = readdirSync(folder).filter((file) => file.endsWith('.cep')).map((file) => join(folder, file));
  const loaded = loadFiles(paths, (path) => readFileSync(path, 'utf8'));
  expect([...loaded.diagnostics, ...check(loaded.files).diagnostics]).toEqual([]);
});
