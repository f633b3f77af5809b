import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { judgeTest } from '../../../src/cli/testing/judge.ts';
import { check, loadFiles, renderDiagnostic } from '../../../dsl/index.ts';

// The page is one rule file: what is not code becomes empty lines, so that a finding names the line of the page.
const page = readFileSync(new URL('../../../docs/cookbook.md', import.meta.url), 'utf8');

function rulesOf(markdown: string): string {
  let isCode = false;
  return markdown.split('\n').map((line) => {
    const fence = line.startsWith('```');
    if (fence) isCode = !isCode;
    return isCode && !fence ? line : '';
  }).join('\n');
}

describe('docs/cookbook.md', () => {
  const text = rulesOf(page);
  const loaded = loadFiles(['cookbook.md'], () => text);
  const { program, diagnostics } = check(loaded.files);

  test('is right, without a warning', () => {
    expect([...loaded.diagnostics, ...diagnostics].map((diagnostic) => renderDiagnostic(diagnostic, () => text)).join('\n\n')).toBe('');
  });

  test('every rule has a test', () => {
    const tested = new Set(program!.tests.flatMap(({ rules }) => rules));
    expect(program!.rules.filter(({ name }) => !tested.has(name)).map(({ name }) => name)).toEqual([]);
    expect(program!.rules.length).toBeGreaterThanOrEqual(30);
  });

  test.each(program?.tests.map((one) => ({ name: `${one.rules.join(', ')}: ${one.title}`, one })) ?? [])('$name', ({ one }) => {
    const { run, mismatches } = judgeTest(program!, one);
    expect([run.problems, mismatches]).toEqual([[], []]);
  });

  test('every question is in the list at the top', () => {
    const anchors = [...page.matchAll(/^### (.*)$/gm)].map(([, title]) => title!.toLowerCase().replace(/[^\w\s-]/g, '').trim().replace(/\s+/g, '-'));
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link!);
    expect([...links].sort()).toEqual([...anchors].sort());
  });
});
