import { posix } from 'node:path';
import type { SourceFile, Span } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { parseFile } from './parser.ts';
import { sortDiagnostics } from './render.ts';

export interface LoadedFiles {
  /** The files given, in their order, then those that are used, in order of first mention. Each once, by its normalised path. */
  readonly files: SourceFile[];
  /** Syntax errors and files that could not be read, in reading order. */
  readonly diagnostics: Diagnostic[];
}

/**
 * Reads and parses rule files and all files they `use`, from file to file. A used path is relative to the file that uses it. `read` gives a file's text
 * and throws where there is none: for a used file that is an error at the `use`; for one given, an error at its own start.
 */
export function loadFiles(paths: readonly string[], read: (path: string) => string): LoadedFiles {
  const files: SourceFile[] = [];
  const diagnostics: Diagnostic[] = [];
  /** Every path tried, with the error if it could not be read. */
  const tried = new Map<string, string | undefined>();

  function load(path: string, mention: Span): void {
    if (!tried.has(path)) {
      const text = readText(path, read);
      tried.set(path, text.problem);
      if (text.problem === undefined) {
        const parsed = parseFile(path, text.text);
        files.push(parsed.file);
        diagnostics.push(...parsed.diagnostics);
        return;
      }
    }
    const problem = tried.get(path);
    if (problem !== undefined) diagnostics.push({ severity: 'error', code: 'file-not-read', span: mention, message: `cannot read "${path}": ${problem}` });
  }

  for (const given of paths) {
    const path = normalise(given);
    if (!tried.has(path)) load(path, { file: path, start: 0, end: 0 });
  }
  // The list grows while it is walked: what a used file uses comes behind it.
  for (const file of files) {
    for (const declaration of file.declarations) {
      if (declaration.kind === 'use') load(resolveUse(file.path, declaration.path), declaration.pathSpan);
    }
  }
  return { files, diagnostics: sortDiagnostics(diagnostics, files.map((file) => file.path)) };
}

/** The path of the file that `use "used"` in `file` names. */
function resolveUse(file: string, used: string): string {
  const path = slashes(used);
  if (posix.isAbsolute(path) || /^[A-Za-z]:\//.test(path)) return posix.normalize(path);
  return posix.join(posix.dirname(slashes(file)), path);
}

function normalise(path: string): string {
  return posix.normalize(slashes(path));
}

/** On Windows both kinds of slash separate folders; elsewhere a backslash is part of a name. */
function slashes(path: string): string {
  return process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
}

function readText(path: string, read: (path: string) => string): { readonly text: string; readonly problem?: undefined } | { readonly problem: string } {
  try {
    return { text: read(path) };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT': return 'there is no such file';
    case 'EISDIR': return 'it is a folder';
    case 'EACCES': return 'it may not be read';
    default: return error instanceof Error ? error.message : String(error);
  }
}
