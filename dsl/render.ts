import type { Span } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { lineAt, positionAt } from './positions.ts';

/** The text of a file by its path; undefined where it could not be read. */
export type TextOf = (file: string) => string | undefined;

export interface RenderOptions {
  /** Colours for a terminal. Default: none. */
  readonly color?: boolean;
}

/** A finding as data: lines and columns from 1, columns in code points, the end exclusive. */
export interface DiagnosticJson {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly related?: readonly { readonly file: string; readonly line: number; readonly column: number; readonly endLine: number; readonly endColumn: number; readonly message: string }[];
}

const MAX_WIDTH = 120;
/** How much of a line is looked at on each side of a place: more than is shown, so that what is left out is seen to be. */
const AROUND = 4 * MAX_WIDTH;

/**
 * A finding for people, several lines without a last line break:
 *
 *     rules/a.cep:4:13 error[unknown-field] Unknown field "amout" on event "Payment".
 *     4 |   where big.amout > 500
 *       |             ^^^^^
 *       hint: did you mean "amount"?
 */
export function renderDiagnostic(diagnostic: Diagnostic, textOf: TextOf, options: RenderOptions = {}): string {
  const paint = options.color === true ? ansi : plain;
  const tint = diagnostic.severity === 'error' ? 'red' : 'yellow';
  const lines = [
    `${paint('bold', where(diagnostic.span, textOf))} ${paint(tint, `${diagnostic.severity}[${diagnostic.code}]`)} ${shown(diagnostic.message)}`,
    ...excerpt(diagnostic.span, textOf, (carets) => paint(tint, carets)),
  ];
  if (diagnostic.hint !== undefined) lines.push(`  ${paint('cyan', 'hint:')} ${shown(diagnostic.hint)}`);
  for (const related of diagnostic.related ?? []) {
    lines.push(`  ${paint('bold', where(related.span, textOf))} ${shown(related.message)}`);
    lines.push(...excerpt(related.span, textOf, (carets) => paint('cyan', carets)).map((line) => `  ${line}`));
  }
  return lines.join('\n');
}

/** A finding as plain data, for `--json`. */
export function diagnosticToJson(diagnostic: Diagnostic, textOf: TextOf): DiagnosticJson {
  return {
    ...range(diagnostic.span, textOf),
    severity: diagnostic.severity,
    code: diagnostic.code,
    message: diagnostic.message,
    ...(diagnostic.hint !== undefined && { hint: diagnostic.hint }),
    ...(diagnostic.related !== undefined && { related: diagnostic.related.map(({ span, message }) => ({ ...range(span, textOf), message })) }),
  };
}

/** Findings in reading order: files in the order given (others behind them, by path), then by place. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const order = new Map<string, number>();
  for (const file of files) if (!order.has(file)) order.set(file, order.size);
  const rank = (file: string): number => order.get(file) ?? order.size;
  const byPath = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...diagnostics].sort((a, b) => rank(a.span.file) - rank(b.span.file) || byPath(a.span.file, b.span.file)
    || a.span.start - b.span.start || a.span.end - b.span.end);
}

function where(span: Span, textOf: TextOf): string {
  const { file, line, column } = range(span, textOf);
  return `${file}:${line}:${column}`;
}

function range(span: Span, textOf: TextOf): Pick<DiagnosticJson, 'file' | 'line' | 'column' | 'endLine' | 'endColumn'> {
  const text = textOf(span.file) ?? '';
  const { line, column } = positionAt(text, span.start);
  const end = positionAt(text, span.end);
  return { file: span.file, line, column, endLine: end.line, endColumn: end.column };
}

/** The source line of a place and a line that underlines it; a place of several lines is underlined to the end of its first. */
function excerpt(span: Span, textOf: TextOf, paintCarets: (carets: string) => string): string[] {
  const text = textOf(span.file);
  if (text === undefined) return [];
  const line = lineAt(text, span.start);
  const from = Math.max(0, Math.min(span.start - line.start, line.text.length));
  const to = Math.max(from, Math.min(span.end - line.start, line.text.length));
  const cut = cutAround(shown(line.text.slice(Math.max(0, from - AROUND), from)), shown(line.text.slice(from, Math.min(to, from + AROUND))), shown(line.text.slice(to, to + AROUND)));
  const number = String(line.number);
  const margin = ' '.repeat(number.length);
  return [
    `${number} | ${cut.before}${cut.marked}${cut.after}`.trimEnd(),
    `${margin} | ${blank(cut.before)}${paintCarets('^'.repeat(Math.max(1, width(cut.marked))))}`,
  ];
}

/** Leaves out what does not fit on a line of a terminal, far from the place first. */
function cutAround(before: string, marked: string, after: string): { before: string; marked: string; after: string } {
  const parts = { before: [...before], marked: [...marked], after: [...after] };
  if (parts.before.length + parts.marked.length + parts.after.length <= MAX_WIDTH) return { before, marked, after };
  const markedFits = parts.marked.slice(0, MAX_WIDTH - 20);
  const room = MAX_WIDTH - markedFits.length;
  const afterRoom = parts.marked.length > markedFits.length ? 0 : Math.max(Math.floor(room / 3), room - parts.before.length);
  const afterFits = parts.after.slice(0, afterRoom);
  const beforeRoom = room - afterFits.length;
  const beforeFits = parts.before.slice(Math.max(0, parts.before.length - beforeRoom));
  return {
    before: (beforeFits.length < parts.before.length ? '…' : '') + beforeFits.join(''),
    marked: markedFits.join(''),
    after: afterFits.join('') + (markedFits.length < parts.marked.length || afterFits.length < parts.after.length ? '…' : ''),
  };
}

/** Text that cannot disturb a terminal: all but tabs that has no shape, half surrogate pairs too, becomes U+FFFD. */
function shown(text: string): string {
  return text.replace(/(?!\t)[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200e\u200f]/gu, '\ufffd');
}

/** As wide as the text, with its tabs, so that what follows stands below what follows the text. */
function blank(text: string): string {
  let result = '';
  for (const char of text) result += char === '\t' ? '\t' : ' '.repeat(width(char));
  return result;
}

const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns of a terminal that a text takes. */
function width(text: string): number {
  let columns = 0;
  for (const char of text) {
    if (/\p{Mn}|\p{Me}|[\u200b-\u200d]|\ufe0f/u.test(char)) continue;
    columns += WIDE.test(char) ? 2 : 1;
  }
  return columns;
}

type Style = 'bold' | 'red' | 'yellow' | 'cyan';
const CODES: Readonly<Record<Style, number>> = { bold: 1, red: 31, yellow: 33, cyan: 36 };

function ansi(style: Style, text: string): string {
  return `\u001b[${CODES[style]}m${text}\u001b[0m`;
}

function plain(_style: Style, text: string): string {
  return text;
}
