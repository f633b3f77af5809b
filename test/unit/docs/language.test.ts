import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { check, loadFiles, renderDiagnostic } from '../../../dsl/index.ts';

// Every example of the reference is a rule file, or a part of one that is put into its place here: nothing in it is only prose.
//   ```cep               a complete file
//   ```cep prelude       the event types that the parts below it read; a complete file
//   ```cep rule          clauses of a rule; what they leave out (by, match, alert) is added
//   ```cep expressions   conditions on a Payment, one a line

interface Example { readonly kind: string; readonly line: number; readonly text: string }

const document = readFileSync(new URL('../../../docs/language.md', import.meta.url), 'utf8');

const examples: readonly Example[] = [...document.matchAll(/^```cep ?(\w*)\n(.*?)^```$/gms)].map((match) => ({
  kind: match[1] === '' ? 'file' : match[1]!,
  line: document.slice(0, match.index).split('\n').length + 1,
  text: match[2]!,
}));

const prelude = examples.find((example) => example.kind === 'prelude')!.text;

/** What is wrong with a file, as people read it; empty: nothing. */
function findings(text: string, severities: readonly string[]): string {
  const loaded = loadFiles(['example.cep'], () => text);
  return [...loaded.diagnostics, ...check(loaded.files).diagnostics]
    .filter((diagnostic) => severities.includes(diagnostic.severity))
    .map((diagnostic) => renderDiagnostic(diagnostic, () => text)).join('\n\n');
}

function ruleAround(clauses: string): string {
  const has = (clause: string): boolean => new RegExp(`^\\s*${clause}\\b`, 'm').test(clauses);
  return [
    prelude, 'rule Example {',
    has('by') ? '' : 'by card',
    has('match') || has('window') ? '' : 'match payment\n payment: Payment',
    clauses,
    has('alert') || has('emit') ? '' : 'alert alerts {}',
    '}',
  ].join('\n');
}

describe('docs/language.md', () => {
  test('has examples of every kind', () => {
    expect(new Set(examples.map((example) => example.kind))).toEqual(new Set(['file', 'prelude', 'rule', 'expressions']));
    expect(examples.length).toBeGreaterThan(25);
  });

  test.each(examples.filter((example) => example.kind === 'file' || example.kind === 'prelude'))(
    'the file in line $line is right, without a warning', ({ text }) => {
      expect(findings(text, ['error', 'warning'])).toBe('');
    });

  test.each(examples.filter((example) => example.kind === 'rule'))('the clauses in line $line are right', ({ text }) => {
    expect(findings(ruleAround(text), ['error'])).toBe('');
  });

  test.each(examples.filter((example) => example.kind === 'expressions'))('the expressions in line $line are conditions', ({ text }) => {
    for (const line of text.trim().split('\n')) {
      expect(findings(ruleAround(`match payment\n payment: Payment where ${line}`), ['error'])).toBe('');
    }
  });

  test('every link inside the document leads to a heading', () => {
    const headings = [...document.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!.toLowerCase().replace(/[^\w\s-]/g, '').trim().replace(/\s+/g, '-'));
    const links = [...document.matchAll(/\]\(#([^)]*)\)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !headings.includes(link))).toEqual([]);
  });
});
