/** One line of the canonical layout before it is cut to the width of a page. */
export interface Line {
  readonly indent: number;
  /** An empty line stands before it. */
  readonly blank: boolean;
  readonly pieces: Piece[];
}

/** A token with its comma, or a comment. */
export interface Piece {
  readonly text: string;
  /** What stands between it and the piece before on its line. */
  readonly gap: string;
  readonly soft?: { readonly level: number; readonly fill: boolean };
  /** Stands in the same column as the others of this group. */
  readonly column?: string;
  /** A line break must follow (a comment to the end of the line). */
  readonly ends?: boolean;
  /** A line break must stand before (a comment on its own line). */
  readonly starts?: boolean;
  readonly comment?: boolean;
}

const PAGE_WIDTH = 100;
const INDENT = '  ';
/** How far what follows a break is moved in, in steps of indent. */
const CONTINUED = 2;
/** A piece that starts further right than this neither is moved into a column nor moves others. */
const MAX_COLUMN = 32;

/** The text of lines, each ended by a line break. */
export function printLines(lines: readonly Line[]): string {
  const pads = columnPads(lines);
  let text = '';
  for (const [index, line] of lines.entries()) {
    if (line.blank) text += '\n';
    for (const printed of printLine(line, pads.get(index) ?? 0)) text += `${printed}\n`;
  }
  return text;
}

/** How many spaces each line gets before its column piece. Lines stand in one column while no empty line parts them. */
function columnPads(lines: readonly Line[]): ReadonlyMap<number, number> {
  const pads = new Map<number, number>();
  const open = new Map<string, { index: number; width: number }[]>();
  const close = (): void => {
    for (const members of open.values()) {
      const widest = Math.max(...members.map((member) => member.width));
      for (const member of members) pads.set(member.index, widest - member.width);
    }
    open.clear();
  };
  for (const [index, line] of lines.entries()) {
    if (line.blank) close();
    const width = columnStart(line);
    if (width === undefined) continue;
    const group = line.pieces.find((piece) => piece.column !== undefined)!.column!;
    const members = open.get(group);
    if (members === undefined) open.set(group, [{ index, width }]);
    else members.push({ index, width });
  }
  close();
  return pads;
}

/** The width of what stands before a line's column piece; undefined where there is none, or it is not simply on the line. */
function columnStart(line: Line): number | undefined {
  const at = line.pieces.findIndex((piece) => piece.column !== undefined);
  if (at === -1) return undefined;
  const before = line.pieces.slice(0, at);
  if (before.some((piece) => piece.comment === true) || line.pieces[at]!.starts === true) return undefined;
  const width = widthOf(before);
  return width > MAX_COLUMN ? undefined : width;
}

function printLine(line: Line, pad: number): string[] {
  const pieces = pad === 0 ? line.pieces : line.pieces.map((piece) => (piece.column === undefined ? piece : { ...piece, gap: piece.gap + ' '.repeat(pad) }));
  const printed: string[] = [];
  let indent = line.indent;
  for (const part of splitAtComments(pieces)) {
    printed.push(...wrap(part, indent, 0));
    indent = line.indent + CONTINUED;
  }
  return printed;
}

/** Cuts where comments ask for line breaks. */
function splitAtComments(pieces: readonly Piece[]): Piece[][] {
  const parts: Piece[][] = [];
  let part: Piece[] = [];
  for (const piece of pieces) {
    if (piece.starts === true && part.length > 0) {
      parts.push(part);
      part = [];
    }
    part.push(piece);
    if (piece.ends === true) {
      parts.push(part);
      part = [];
    }
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** The pieces on as many lines as their width asks for, broken at the outermost places first. */
function wrap(pieces: readonly Piece[], indent: number, fromLevel: number): string[] {
  // Comments at the head stay with the code behind them: alone on a line they would be comments of their own the next time.
  const head = pieces.findIndex((piece) => piece.comment !== true) + 1;
  const levels = pieces.slice(head).flatMap((piece) => (piece.soft !== undefined && piece.soft.level >= fromLevel ? [piece.soft.level] : []));
  if (head === 0 || INDENT.length * indent + codeWidth(pieces) <= PAGE_WIDTH || levels.length === 0) return [INDENT.repeat(indent) + join(pieces)];
  const level = levels.reduce((least, one) => Math.min(least, one), Infinity);
  const segments: Piece[][] = [pieces.slice(0, head)];
  for (const piece of pieces.slice(head)) {
    if (piece.soft?.level === level) segments.push([piece]);
    else segments.at(-1)!.push(piece);
  }
  const rows: Piece[][] = [];
  for (const segment of segments) {
    const row = rows.at(-1);
    const rowIndent = rows.length > 1 ? indent + CONTINUED : indent;
    const joined = row === undefined ? [] : [...row, ...segment];
    if (row !== undefined && segment[0]!.soft?.fill === true && INDENT.length * rowIndent + codeWidth(joined) <= PAGE_WIDTH) row.push(...segment);
    else rows.push([...segment]);
  }
  return rows.flatMap((row, index) => wrap(row, index === 0 ? indent : indent + CONTINUED, level + 1));
}

function join(pieces: readonly Piece[]): string {
  return pieces.map((piece, index) => (index === 0 ? piece.text : piece.gap + piece.text)).join('');
}

/** Width without the comments at the end: they do not make code break. */
function codeWidth(pieces: readonly Piece[]): number {
  let end = pieces.length;
  while (end > 1 && pieces[end - 1]!.comment === true) end--;
  return widthOf(pieces.slice(0, end));
}

function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((width, piece, index) => width + piece.text.length + (index === 0 ? 0 : piece.gap.length), 0);
}
