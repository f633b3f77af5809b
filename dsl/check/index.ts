/** The checker of the rule language: from syntax trees to a program in which every name and type is known, or to findings. */
import type { SourceFile } from '../ast.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { Program } from '../typed.ts';
import { checkFinished } from './checks/index.ts';
import { resolveConstants } from './constants.ts';
import { collectDeclarations } from './declarations.ts';
import { resolveEach } from './each.ts';
import { refuseEmitCycles } from './emit-cycles.ts';
import { toEventType } from './event-types.ts';
import { resolveEvents, resolveOnce } from './events.ts';
import { resolveFeatures } from './features.ts';
import type { Globals } from './globals.ts';
import { Report } from './report.ts';
import { checkRule } from './rule.ts';
import { resolveTables } from './tables.ts';
import { checkTest } from './tests.ts';
import { Unread } from './unread.ts';

export interface CheckOptions {
  /** Warnings are errors. */
  readonly strict?: boolean;
}

export interface Checked {
  /** Only where there are no errors. */
  readonly program: Program | undefined;
  /** Each file's findings in reading order, files in the order given. */
  readonly diagnostics: Diagnostic[];
}

/** Checks the declarations of all files together: what one declares, all may use. Takes any tree that the parser gives, also one with parts left out. */
export function check(files: readonly SourceFile[], options: CheckOptions = {}): Checked {
  const report = new Report();
  const declarations = collectDeclarations(files, report);
  const unread = new Unread(files);
  const globals: Globals = {
    report, declarations, unread, tables: resolveTables(declarations, report, unread), events: resolveEvents(declarations, report, unread),
    params: new Map(), consts: new Map(), fns: new Map(), features: new Map(),
  };
  resolveConstants(globals);
  globals.events = resolveEach(globals);
  globals.events = resolveOnce(globals, declarations);
  resolveFeatures(globals);
  const rules = [...declarations.rules.values()].map((decl) => checkRule(globals, decl));
  const checked = new Map(rules.map((rule) => [rule.decl.name.text, rule]));
  refuseEmitCycles(globals, rules);
  const tests = declarations.tests.map((test) => checkTest(globals, test, checked));
  for (const rule of rules) checkFinished(globals, rule);

  const paths = files.map((file) => file.path);
  const findings = report.findings(paths);
  const diagnostics = options.strict === true ? findings.map((finding) => ({ ...finding, severity: 'error' as const })) : findings;
  if (diagnostics.some((finding) => finding.severity === 'error')) return { program: undefined, diagnostics };
  const program: Program = {
    events: new Map([...globals.events].map(([name, type]) => [name, toEventType(type, globals.events.values())])),
    params: new Map([...globals.params].flatMap(([name, { param }]) => (param === undefined ? [] : [[name, param] as const]))),
    tables: new Map([...globals.tables].map(([name, { table }]) => [name, table])),
    features: new Map([...globals.features].flatMap(([name, feature]) => (feature === undefined ? [] : [[name, feature] as const]))),
    rules: rules.flatMap(({ rule }) => (rule === undefined ? [] : [rule])),
    tests: tests.flatMap((test) => (test === undefined ? [] : [test])),
    sources: files.map(({ path, text }) => ({ path, text })),
  };
  return { program, diagnostics };
}

export { codes, type Code, type CodeInfo } from './codes.ts';
