import type { ConstDecl, EventDecl, FeatureDecl, FnDecl, ParamDecl, RuleDecl, SourceFile, Span, TableDecl, TestDecl } from '../ast.ts';
import { didYouMean } from '../suggest.ts';
import type { Report } from './report.ts';

/** All declarations of all files by name; of two with one name the first. */
export interface Declarations {
  readonly events: ReadonlyMap<string, EventDecl>;
  readonly params: ReadonlyMap<string, ParamDecl>;
  readonly consts: ReadonlyMap<string, ConstDecl>;
  readonly fns: ReadonlyMap<string, FnDecl>;
  readonly tables: ReadonlyMap<string, TableDecl>;
  readonly features: ReadonlyMap<string, FeatureDecl>;
  readonly rules: ReadonlyMap<string, RuleDecl>;
  readonly tests: readonly TestDecl[];
}

/** Sorts the declarations of all files, and reports names declared twice. */
export function collectDeclarations(files: readonly SourceFile[], report: Report): Declarations {
  const found = {
    events: new Map<string, EventDecl>(), params: new Map<string, ParamDecl>(), consts: new Map<string, ConstDecl>(), fns: new Map<string, FnDecl>(),
    tables: new Map<string, TableDecl>(), features: new Map<string, FeatureDecl>(), rules: new Map<string, RuleDecl>(), tests: [] as TestDecl[],
  };
  const types = new Map<string, Span>();
  const values = new Map<string, Span>();
  const rules = new Map<string, Span>();
  /** Whether the name is new among its like. */
  const isNew = (names: Map<string, Span>, name: { readonly text: string; readonly span: Span }): boolean => {
    const first = names.get(name.text);
    if (first === undefined) {
      names.set(name.text, name.span);
      return true;
    }
    report.add('declared-twice', name.span, `"${name.text}" is declared twice.`, { related: [{ span: first, message: 'first declared here' }] });
    return false;
  };
  for (const declaration of files.flatMap((file) => file.declarations)) {
    switch (declaration.kind) {
      case 'use': break;
      case 'event':
        if (isNew(types, declaration.name)) found.events.set(declaration.name.text, declaration);
        break;
      case 'param':
        if (isNew(values, declaration.name)) found.params.set(declaration.name.text, declaration);
        break;
      case 'const':
        if (isNew(values, declaration.name)) found.consts.set(declaration.name.text, declaration);
        break;
      case 'fn':
        if (isNew(values, declaration.name)) found.fns.set(declaration.name.text, declaration);
        break;
      case 'table':
        if (isNew(values, declaration.name)) found.tables.set(declaration.name.text, declaration);
        break;
      case 'feature':
        if (isNew(values, declaration.name)) found.features.set(declaration.name.text, declaration);
        break;
      case 'rule':
        if (isNew(rules, declaration.name)) found.rules.set(declaration.name.text, declaration);
        break;
      case 'test': found.tests.push(declaration); break;
    }
  }
  return found;
}

/** The hint `did you mean "x"?` where one of the candidates is close to `name`. */
export function meant(name: string, candidates: Iterable<string>): string | undefined {
  const candidate = didYouMean(name, candidates);
  return candidate === undefined ? undefined : `did you mean "${candidate}"?`;
}
