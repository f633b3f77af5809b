import type { SourceFile } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { Grammar } from './grammar-declarations.ts';
import { tokenize } from './lexer.ts';

export interface ParsedFile {
  /** What could be read; what could not is left out, and reported. */
  readonly file: SourceFile;
  /** In reading order. */
  readonly diagnostics: Diagnostic[];
}

/** Making the parser analyses the grammar, so there is one, made when it is first needed. */
let grammar: Grammar | undefined;

/**
 * Reads the text of a rule file. Never throws: whatever is wrong with the text is among the diagnostics, all of it.
 * `path` names the file in spans.
 */
export function parseFile(path: string, text: string): ParsedFile {
  grammar ??= new Grammar();
  const { tokens, comments, diagnostics } = tokenize(path, text);
  const { declarations, findings } = grammar.read(path, text, tokens);
  // Where a token itself is wrong, what the grammar makes of it is no news.
  const broken = new Set(diagnostics.map((diagnostic) => diagnostic.span.start));
  const all = [...diagnostics, ...findings.filter((finding) => !broken.has(finding.span.start))].sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  return { file: { path, text, declarations, comments }, diagnostics: all };
}
