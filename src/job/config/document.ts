/** From the text of a job file to values with places. Knows YAML, and no option. */
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type YAMLError } from 'yaml';
import type { Span } from '../../../dsl/ast.ts';
import { nodeOf, pathOf, type Entry, type Node, type Problem } from './problem.ts';

/** Far more than any job file has, far less than what a few aliases of aliases make. */
const MOST_NODES = 50_000;

export interface ReadDocument {
  readonly root: Node;
  readonly problems: readonly Problem[];
  /** Places of values that are not in `root`: those of options given twice. */
  readonly dropped: readonly Span[];
}

/** The file's value (an empty map where it is empty or cannot be read), and what is wrong with it as YAML: its form, and options given twice. */
export function readDocument(file: string, text: string): ReadDocument {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, keepSourceTokens: false, logLevel: 'error', version: '1.2', schema: 'core' });
  const whole: Span = { file, start: 0, end: 0 };
  const problems: Problem[] = [];
  const dropped: Span[] = [];
  for (const error of [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])) {
    // Behind a bracket that is not closed everything seems wrong: of such complaints only the first is sure.
    if (problems.length === 0 || OF_ITSELF.has(error.code)) problems.push(syntaxProblem(file, text, error));
  }
  if (problems.length > 0) return { root: nodeOf({}, whole), problems, dropped };
  const root = document.contents === null ? nodeOf({}, whole) : new Converter(file, text, document, problems, dropped).convert(document.contents, '', 0);
  return { root, problems, dropped };
}

class Converter {
  readonly #file: string;
  readonly #text: string;
  readonly #document: Document;
  readonly #problems: Problem[];
  readonly #dropped: Span[];
  #count = 0;

  constructor(file: string, text: string, document: Document, problems: Problem[], dropped: Span[]) {
    this.#file = file;
    this.#text = text;
    this.#document = document;
    this.#problems = problems;
    this.#dropped = dropped;
  }

  convert(node: unknown, path: string, depth: number): Node {
    const span = this.#span(node);
    if (++this.#count > MOST_NODES || depth > 40) {
      if (this.#problems.every((problem) => problem.code !== 'too-large')) {
        this.#report('too-large', span, path, 'The file holds too much, or an alias (*name) that contains itself.');
      }
      return nodeOf(null, span);
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target !== undefined) return this.convert(target, path, depth + 1);
      this.#problems.push({ severity: 'error', code: 'yaml', span, option: path, message: SYNTAX['BAD_ALIAS']!.message, hint: SYNTAX['BAD_ALIAS']!.hint! });
      return nodeOf(null, span);
    }
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node.items, path, depth), span };
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item, i) => this.convert(item, pathOf(path, i), depth + 1)), span };
    if (isScalar(node)) return { kind: 'scalar', value: this.#scalar(node.value), span };
    return nodeOf(null, span);
  }

  #entries(items: readonly { key: unknown; value: unknown }[], path: string, depth: number): Entry[] {
    const entries: Entry[] = [];
    for (const { key, value } of items) {
      const keySpan = this.#span(key);
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        this.#report('wrong-type', keySpan, path, 'The name of an option is text.');
        continue;
      }
      const name = String(key.value);
      const first = entries.find((entry) => entry.key === name);
      if (first !== undefined) {
        this.#dropped.push(this.#span(value, keySpan));
        this.#problems.push({
          severity: 'error', code: 'duplicate-option', span: keySpan, option: pathOf(path, name), message: `"${pathOf(path, name)}" is given twice.`,
          related: [{ span: first.keySpan, message: 'It is given here first.' }],
        });
        continue;
      }
      const at = this.#span(value, keySpan);
      entries.push({ key: name, keySpan, value: value === null ? nodeOf(null, at) : this.convert(value, pathOf(path, name), depth + 1) });
    }
    return entries;
  }

  #scalar(value: unknown): string | number | boolean | null {
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    return typeof value === 'bigint' ? Number(value) : String(value);
  }

  /** A node's place; that of an empty one is the end of its name. */
  #span(node: unknown, fallback?: Span): Span {
    const range = typeof node === 'object' && node !== null && 'range' in node ? (node.range as readonly number[] | undefined | null) : undefined;
    if (range === undefined || range === null) return fallback ?? { file: this.#file, start: 0, end: 0 };
    const start = range[0]!;
    const end = range[1]!;
    if (start === end && fallback !== undefined) return fallback;
    // A block value ends behind its last line break; what is shown ends with its last character.
    return { file: this.#file, start, end: start + this.#text.slice(start, end).trimEnd().length };
  }

  #report(code: string, span: Span, option: string, message: string): void {
    this.#problems.push({ severity: 'error', code, span, option, message });
  }
}

/**
 * The YAML reader's complaint in words of ours where it has a likely cause. Its own messages may quote the file, so those that do are not
 * passed on: a secret could be in them.
 */
function syntaxProblem(file: string, text: string, error: YAMLError): Problem {
  const [start, end] = error.pos;
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start + 1);
  const { message, hint } = /[{[,].*\$\{$/.test(line) ? IN_BRACKETS : SYNTAX[error.code] ?? { message: 'This is not YAML.', hint: undefined };
  // A complaint about what is missing points behind the end of the file or line.
  const from = Math.min(start, text.trimEnd().length);
  return {
    severity: 'error', code: 'yaml', option: '', message, ...(hint !== undefined && { hint }),
    span: { file, start: from, end: Math.max(from, Math.min(end, text.length)) },
  };
}

/** Complaints that do not follow from others. */
const OF_ITSELF: ReadonlySet<string> = new Set(['BAD_DQ_ESCAPE', 'TAB_AS_INDENT', 'TAG_RESOLVE_FAILED']);

const VARIABLE_HINT = 'text with { } [ ] , : # & * ! | > % @ in it goes in quotes: "${NAME}"';

const IN_BRACKETS = { message: 'Inside { } and [ ] a variable goes in quotes.', hint: 'write "${NAME}"' };

const SYNTAX: Readonly<Record<string, { readonly message: string; readonly hint?: string } | undefined>> = {
  ALIAS_PROPS: { message: 'An alias (*name) takes no tag and no anchor.' },
  BAD_ALIAS: { message: 'There is no anchor (&name) of this name before this alias, or the name is not one.', hint: 'text that begins with * or & goes in quotes' },
  BAD_DQ_ESCAPE: { message: 'There is no such escape in double quotes.', hint: 'in single quotes a backslash is a backslash' },
  BAD_INDENT: { message: 'This line is not indented as it must be here.', hint: 'options of one section stand in one column' },
  BAD_SCALAR_START: { message: 'A value cannot begin with this character.', hint: VARIABLE_HINT },
  BLOCK_AS_IMPLICIT_KEY: { message: 'This is not a "name: value" line.', hint: 'two colons in one line? Text with ": " in it goes in quotes' },
  BLOCK_IN_FLOW: { message: 'Inside { } and [ ] options are separated by commas, not by lines.' },
  MISSING_CHAR: { message: 'Something is missing here: a quote, a bracket, a comma, or a space behind a colon.', hint: VARIABLE_HINT },
  MULTILINE_IMPLICIT_KEY: { message: 'This is not a "name: value" line.', hint: 'is the colon missing?' },
  MULTIPLE_DOCS: { message: 'A job file holds one document; "---" begins another one here.' },
  TAB_AS_INDENT: { message: 'YAML is indented by spaces; this line has a tab.' },
  TAG_RESOLVE_FAILED: { message: 'There is no such YAML tag.', hint: 'text that begins with ! goes in quotes' },
  UNEXPECTED_TOKEN: { message: 'This cannot stand here.', hint: VARIABLE_HINT },
  RESOURCE_EXHAUSTION: { message: 'The file is nested too deep.' },
};
