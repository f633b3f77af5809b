import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { codes, fileOf } from '../../../dsl/check/codes.ts';
import { errorsPage } from '../../../dsl/check/codes-doc.ts';
import { check, loadFiles } from '../../../dsl/index.ts';

const entries = Object.entries(codes);

/** All findings of a text, those of the parser and of loading included. */
function findings(text: string) {
  const loaded = loadFiles(['example.cep'], (path) => {
    if (path !== 'example.cep') throw new Error('there is no such file');
    return text;
  });
  return [...loaded.diagnostics, ...check(loaded.files).diagnostics];
}

describe('each code of the catalogue', () => {
  test.each(entries)('%s: the wrong example gives it, the corrected one no error', (code, { severity, example, corrected }) => {
    expect(findings(fileOf(example)).filter((finding) => finding.code === code).map((finding) => finding.severity)).toContain(severity);
    expect(findings(fileOf(corrected)).filter((finding) => finding.code === code || finding.severity === 'error')).toEqual([]);
  });

  test.each(entries)('%s: the wrong example gives nothing else that is wrong', (code, { example }) => {
    // What the parser cannot read may be more than one thing.
    const others = findings(fileOf(example)).filter((finding) => finding.severity === 'error' && finding.code !== code);
    expect(others.filter((finding) => finding.code !== 'syntax')).toEqual([]);
  });
});

test('every code reported anywhere in dsl/ is in the catalogue, with its severity', () => {
  const folder = join(import.meta.dirname, '../../../dsl');
  const reported = new Map<string, string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, call, code] of text.matchAll(/\b(add|addAt|report|fail|warn)\(\s*(?:[\w.]+ \? )?'([a-z]+(?:-[a-z]+)*)'/g)) reported.set(code!, call === 'warn' ? 'warning' : 'error');
    for (const [, code] of text.matchAll(/\bcode: '([a-z]+(?:-[a-z]+)*)'/g)) reported.set(code!, 'error');
  }
  expect(reported.size).toBeGreaterThan(80);
  expect([...reported.keys()].filter((code) => !(code in codes)).sort()).toEqual([]);
  expect(entries.map(([code]) => code).filter((code) => !reported.has(code)).sort()).toEqual([]);
});

test('the page of errors has every code with its example', () => {
  const page = errorsPage();
  for (const [code, { meaning }] of entries) {
    expect(page).toContain(`### ${code}\n`);
    expect(page).toContain(meaning);
  }
  expect(page).toContain('match a -> b within 5m gap 10m');
});
