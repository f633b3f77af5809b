import type { SourceFile, Span } from '../ast.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { parseFile } from '../parser.ts';
import { keywordOf } from '../tokens.ts';

/**
 * What stands in the text and is not in the tree, because the parser could not read it and has said so. What seems to be missing then may be only that:
 * it is not reported a second time. Files are parsed again for this, but only when something seems to be missing.
 */
export class Unread {
  readonly #files: ReadonlyMap<string, SourceFile>;
  readonly #errors = new Map<string, readonly Diagnostic[]>();

  constructor(files: readonly SourceFile[]) {
    this.#files = new Map(files.map((file) => [file.path, file]));
  }

  #errorsOf(path: string): readonly Diagnostic[] {
    let errors = this.#errors.get(path);
    if (errors === undefined) {
      const file = this.#files.get(path);
      errors = file === undefined ? [] : parseFile(file.path, file.text).diagnostics.filter((finding) => finding.severity === 'error');
      this.#errors.set(path, errors);
    }
    return errors;
  }

  /** The parser found an error at exactly this place. */
  at(span: Span): boolean {
    return this.#errorsOf(span.file).some((error) => error.span.start === span.start && error.span.end === span.end);
  }

  /** The parser found an error inside the place, whose text has what is looked for. */
  inside(span: Span, pattern: RegExp): boolean {
    return this.#errorsOf(span.file).some((error) => error.span.start >= span.start && error.span.end <= span.end)
      && pattern.test(this.#files.get(span.file)!.text.slice(span.start, span.end));
  }

  /** The parser found an error inside the place, or at the first thing behind it: what stands there may not have been read to its end. */
  breaks(span: Span): boolean {
    const text = this.#files.get(span.file)?.text ?? '';
    return this.#errorsOf(span.file).some((error) => error.span.start >= span.start
      && (error.span.end <= span.end || (error.span.start >= span.end && BLANK.test(text.slice(span.end, error.span.start)))));
  }

  /** A file that the parser could not read in full declares `name` with one of the keywords, or with a word that is none, in a keyword's place. */
  declares(keywords: string, name: string): boolean {
    const declaration = new RegExp(`\\b(?:${keywords})\\s+${escaped(name)}(?![\\p{L}\\p{N}_])`, 'u');
    const misspelt = new RegExp(`^[ \\t]*(\\p{L}+)[ \\t]+${escaped(name)}\\s*(?:[{(:=]|extends\\b)`, 'gmu');
    return [...this.#files.values()].some((file) => this.#errorsOf(file.path).length > 0
      && (declaration.test(file.text) || [...file.text.matchAll(misspelt)].some(([, word]) => keywordOf(word!) === undefined)));
  }
}

/** Nothing but space and comments. */
const BLANK = /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*$/;

/** A pattern that finds `name` where it is defined: with a colon, or in a list before one. */
export function definition(name: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped(name)}\\s*[:,]`, 'u');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
