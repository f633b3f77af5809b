import { check, parseFile } from '../../dsl/index.ts';
import type { Program } from '../../dsl/typed.ts';
import { compile, type Plan } from '../../src/compile/index.ts';
import { BoundedCache } from '../../src/core/bounded-cache.ts';

/** How many rule texts are kept: a case's rule is asked for by the generator, the reference and each run of the engine, one after another. */
const KEPT = 32;

const programs = new BoundedCache<{ readonly program: Program | undefined }>((rule) => {
  const parsed = parseFile('case.cep', rule);
  if (parsed.diagnostics.some((d) => d.severity === 'error')) return { program: undefined };
  const { program, diagnostics } = check([parsed.file]);
  return { program: diagnostics.some((d) => d.severity === 'error') ? undefined : program };
}, KEPT);

const plans = new BoundedCache<Plan>((rule) => {
  const program = checked(rule);
  return program === undefined ? compiledAnew(rule) : compile(program);
}, KEPT);

/** The checked program of a rule text, or undefined when the checker finds an error. */
export function checked(rule: string): Program | undefined { return programs.get(rule).program; }

/** The plan of a rule text, which engines may share. @throws when the rule does not check */
export function compiled(rule: string): Plan { return plans.get(rule); }

/** The plan that another process makes of the text: nothing of it is shared. @throws when the rule does not check */
export function compiledAnew(rule: string): Plan {
  const { file, diagnostics } = parseFile('case.cep', rule);
  const { program, diagnostics: found } = check([file]);
  if (program === undefined) throw new Error(`the rules do not check: ${[...diagnostics, ...found].map((d) => d.message).join('; ')}\n${rule}`);
  return compile(program);
}
