import { expect } from '@jest/globals';
import { check, loadFiles } from '../../../dsl/index.ts';
import type { Program } from '../../../dsl/typed.ts';

/** The checked program of a rule file's text; it must have no errors. */
export function programOf(text: string): Program {
  const { files, diagnostics } = loadFiles(['rules.cep'], () => text);
  const checked = check(files);
  expect([...diagnostics, ...checked.diagnostics].filter(({ severity }) => severity === 'error')).toEqual([]);
  return checked.program!;
}
