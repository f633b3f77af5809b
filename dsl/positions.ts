/** A place in a text as people count: both from 1, columns in code points. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

let indexed: { readonly text: string; readonly starts: readonly number[] } = { text: '', starts: [0] };

/** The place found last in that text: the next one on the same line is counted from there. */
let last = { line: 0, offset: 0, column: 1 };

/** The offset at which each line of the text starts. Kept for the text asked for last: places come by the file. */
function lineStarts(text: string): readonly number[] {
  if (indexed.text !== text) {
    const starts = [0];
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    indexed = { text, starts };
    last = { line: 0, offset: 0, column: 1 };
  }
  return indexed.starts;
}

/** The index of the line that holds an offset, from 0. */
function lineIndexAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where an offset (UTF-16, clamped to the text) is. */
export function positionAt(text: string, offset: number): Position {
  const clamped = Math.max(0, Math.min(offset, text.length));
  const starts = lineStarts(text);
  const line = lineIndexAt(starts, clamped);
  const known = last.line === line && last.offset <= clamped ? last : { offset: starts[line]!, column: 1 };
  let column = known.column;
  for (const _ of text.slice(known.offset, clamped)) column++;
  last = { line, offset: clamped, column };
  return { line: line + 1, column };
}

/** The line that holds an offset, without its line break: its number, from 1, and the offset at which it starts. */
export function lineAt(text: string, offset: number): { readonly number: number; readonly start: number; readonly text: string } {
  const starts = lineStarts(text);
  const line = lineIndexAt(starts, Math.max(0, Math.min(offset, text.length)));
  const start = starts[line]!;
  const end = starts[line + 1] ?? text.length + 1;
  return { number: line + 1, start, text: text.slice(start, text[end - 2] === '\r' ? end - 2 : end - 1) };
}
