import { check, loadFiles, renderDiagnostic } from '../dsl/index.ts';
import { compile } from '../src/compile/index.ts';
import type { Plan } from '../src/compile/index.ts';
import { rulePath, ruleText } from './workloads.ts';

/** Compiles a rule file of the bench. Throws with its findings if it has errors. */
export function planOf(file: string): Plan {
  const { files, diagnostics } = loadFiles([rulePath(file)], ruleText);
  const checked = check(files);
  const errors = [...diagnostics, ...checked.diagnostics].filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length > 0) throw new Error(errors.slice(0, 5).map((error) => renderDiagnostic(error, (path) => ruleText(path))).join('\n'));
  if (checked.program === undefined) throw new Error(`${file} has no program`);
  return compile(checked.program);
}
