import { check, parseFile } from '../../dsl/index.ts';
import type { Program } from '../../dsl/typed.ts';

/** The checked program of a rule text, or undefined when the checker finds an error. */
export function checked(rule: string): Program | undefined {
  const parsed = parseFile('case.cep', rule);
  if (parsed.diagnostics.some((d) => d.severity === 'error')) return undefined;
  const { program, diagnostics } = check([parsed.file]);
  return diagnostics.some((d) => d.severity === 'error') ? undefined : program;
}
