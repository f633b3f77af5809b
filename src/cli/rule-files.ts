/** From the paths a person names to a checked program, or to findings on the terminal. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceFile } from '../../dsl/ast.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import type { Program } from '../../dsl/typed.ts';
import { check, diagnosticToJson, didYouMean, loadFiles, renderDiagnostic, sortDiagnostics } from '../../dsl/index.ts';
import { CliError, EXIT, fileProblem, usageError } from './errors.ts';
import { coloursFor, write, type Io } from './io.ts';

/** Rule files with everything that was found in them. */
export interface CheckedRules {
  /** Those named, and those they `use`. */
  readonly files: readonly SourceFile[];
  /** Only where there are no errors. */
  readonly program: Program | undefined;
  /** In reading order. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The rule files among `paths`: files as named, folders by all their `.cep` files, deep, in order of their paths. Each file once. */
export function findRuleFiles(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    let isFolder: boolean;
    try {
      isFolder = statSync(path).isDirectory();
    } catch (error) {
      throw usageError(`Cannot read "${path}": ${fileProblem(error) ?? String(error)}.`);
    }
    if (!isFolder) {
      found.add(path);
      continue;
    }
    const inside = readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.cep') && !entry.parentPath.split(/[\\/]/).includes('node_modules'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    if (inside.length === 0) throw usageError(`There is no .cep file in the folder "${path}".`);
    inside.forEach((file) => found.add(file));
  }
  return [...found];
}

/** Loads and checks rule files with all they `use`. @throws CliError where a path cannot be read */
export function checkRules(paths: readonly string[]): CheckedRules {
  const ruleFiles = findRuleFiles(paths);
  for (const path of ruleFiles) readRuleFile(path);
  const loaded = loadFiles(ruleFiles, (path) => readFileSync(path, 'utf8'));
  const checked = check(loaded.files);
  const diagnostics = sortDiagnostics([...loaded.diagnostics, ...checked.diagnostics], loaded.files.map((file) => file.path));
  const isSound = diagnostics.every((diagnostic) => diagnostic.severity !== 'error');
  return { files: loaded.files, program: isSound ? checked.program : undefined, diagnostics };
}

/** The text of a rule file that a person named. @throws CliError (usage) where it cannot be read */
export function readRuleFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`Cannot read "${path}": ${fileProblem(error) ?? String(error)}.`);
  }
}

/** The program of rule files without errors; else shows the errors and ends the command with exit code 2. Warnings are `check`'s. */
export async function loadProgram(io: Io, paths: readonly string[], options: { readonly json?: boolean } = {}): Promise<LoadedRules> {
  const rules = checkRules(paths);
  const errors = rules.diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  const { program } = rules;
  if (program === undefined) {
    if (options.json === true) await write(io.stdout, `${JSON.stringify({ ok: false, diagnostics: toJson(rules, errors) })}\n`);
    else await write(io.stderr, render(rules, errors, io, 'stderr'));
    throw new CliError(`${errors.length === 1 ? '1 error' : `${errors.length} errors`} in the rules; nothing was run.`, EXIT.usage);
  }
  return { files: rules.files, program };
}

/** Rule files that can be run. */
export interface LoadedRules { readonly files: readonly SourceFile[]; readonly program: Program }

/** Findings as text: each with its place, source line, caret, reason and hint, and a blank line after. */
export function render(rules: Pick<CheckedRules, 'files'>, diagnostics: readonly Diagnostic[], io: Io, stream: 'stdout' | 'stderr'): string {
  const color = coloursFor(io, stream).enabled;
  return diagnostics.map((diagnostic) => `${renderDiagnostic(diagnostic, textOf(rules.files), { color })}\n\n`).join('');
}

/** Findings as data. */
export function toJson(rules: Pick<CheckedRules, 'files'>, diagnostics: readonly Diagnostic[]): unknown[] {
  return diagnostics.map((diagnostic) => diagnosticToJson(diagnostic, textOf(rules.files)));
}

export function textOf(files: readonly SourceFile[]): (path: string) => string | undefined {
  const texts = new Map(files.map((file) => [file.path, file.text]));
  return (path) => texts.get(path);
}

/** The named rules; an unknown name ends the command with a likely one. */
export function checkRuleNames(program: Program, names: readonly string[]): void {
  const known = program.rules.map((rule) => rule.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    throw usageError(`There is no rule "${name}".${likely(name, known)} Rules here: ${known.join(', ') || 'none'}.`);
  }
}

/** ` Did you mean "x"?` where one of the candidates is close to `name`, else nothing. */
export function likely(name: string, candidates: Iterable<string>): string {
  const candidate = didYouMean(name, candidates);
  return candidate === undefined ? '' : ` Did you mean "${candidate}"?`;
}
