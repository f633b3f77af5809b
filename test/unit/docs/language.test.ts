import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { check, loadFiles, renderDiagnostic } from '../../../dsl/index.ts';
import type { Program } from '../../../dsl/typed.ts';
import { judgeTest } from '../../../src/cli/testing/judge.ts';
import { compile } from '../../../src/compile/index.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { Engine } from '../../../src/engine/index.ts';

// Every example of the reference is a rule file, or a part of one that is put into its place here, and is run: nothing in it is only prose.
//   ```cep               a complete file; its tests are run
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

function programOf(text: string): Program {
  return check(loadFiles(['example.cep'], () => text).files).program!;
}

/** A day of logins, payments, chargebacks and logouts of three cards; the same every time. */
const day = Array.from({ length: 600 }, (_, i) => {
  const at = new Date(Date.UTC(2026, 0, 1) + i * 144_000).toISOString();
  const card = `c${(i * 7) % 3}`;
  switch (i % 6) {
    case 0: return { type: 'Login', card, ip: `10.0.0.${i % 4}`, ok: i % 4 > 0, at };
    case 4: return i % 12 === 4 ? { type: 'Chargeback', card, tx: `t${i - 3}`, at } : { type: 'Logout', card, at };
    default: return { type: 'Payment', tx_id: `t${i}`, card, amount: (i * 37) % 1300, merchant: `m-${i % 5}`, country: i % 7 === 0 ? null : 'ES', lat: 40, lon: -4, at };
  }
});

/** Runs every rule of a program over the day; returns how many events they saw. */
function runDay(program: Program): number {
  const engine = new Engine(compile(program), { onAlert: () => {}, now: () => 0 });
  const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
  const batch = engine.newBatch(day.length);
  const bytes = new TextEncoder().encode(day.map((event) => JSON.stringify(event)).join('\n'));
  decoder.decodeLines(bytes, 0, bytes.length, batch, (reject) => { throw new Error(reject.message); });
  engine.push(batch);
  engine.advance(Infinity);
  return engine.stats().events;
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
      const program = programOf(text);
      compile(program);
      for (const one of program.tests) expect([one.title, judgeTest(program, one).mismatches]).toEqual([one.title, []]);
    });

  test.each(examples.filter((example) => example.kind === 'rule'))('the clauses in line $line are right, and run', ({ text }) => {
    expect(findings(ruleAround(text), ['error'])).toBe('');
    expect(runDay(programOf(ruleAround(text)))).toBeGreaterThanOrEqual(day.length); // derived events count too
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
