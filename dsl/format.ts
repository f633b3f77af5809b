import type { IToken } from 'chevrotain';
import type { Comment, SourceFile } from './ast.ts';
import { printLines, type Line, type Piece } from './format-lines.ts';
import { needsLine, type Mark } from './format-marks-base.ts';
import { Marker } from './format-marks.ts';
import { tokenize } from './lexer.ts';
import { parseFile } from './parser.ts';

/**
 * The text of a file in the one canonical layout: every token but optional commas and every comment of the source, in their order, with other white space.
 * Formatting a formatted text changes nothing. Throws for a file with syntax errors, whose layout nobody can know.
 */
export function formatSource(file: SourceFile): string {
  const parsed = parseFile(file.path, file.text);
  const error = parsed.diagnostics.find((diagnostic) => diagnostic.severity === 'error');
  if (error !== undefined) throw new Error(`${file.path} has syntax errors and cannot be formatted: ${error.message}`);
  const { tokens } = tokenize(file.path, file.text);
  return new Layout(parsed.file, tokens, new Marker(parsed.file, tokens).run()).print();
}

/** Puts tokens and comments on lines as the marks ask. */
class Layout {
  private readonly text: string;
  private readonly comments: readonly Comment[];
  private readonly tokens: readonly IToken[];
  private readonly marks: readonly Mark[];
  private readonly lines: Line[] = [];
  /** Where the last token or comment, dropped commas included, ended in the source. */
  private end = 0;
  private nextComment = 0;

  constructor(file: SourceFile, tokens: readonly IToken[], marks: readonly Mark[]) {
    this.text = file.text;
    this.comments = file.comments;
    this.tokens = tokens;
    this.marks = marks;
  }

  print(): string {
    for (const [index, token] of this.tokens.entries()) {
      const mark = this.marks[index]!;
      if (mark.dropped === true) {
        // A comment before the comma stays before what follows it.
        if (!this.commentBefore(token.startOffset)) this.end = token.startOffset + token.image.length;
        continue;
      }
      const piece = this.pieceOf(token, mark);
      if (mark.line === undefined) this.goOn(token, piece);
      else this.startLine(token, piece, mark.line);
      this.end = token.startOffset + token.image.length;
    }
    this.commentLines(this.commentsUntil(this.text.length), 0, 'keep');
    return printLines(this.lines);
  }

  private pieceOf(token: IToken, mark: Mark): Piece {
    return {
      text: mark.comma === true ? `${token.image},` : token.image,
      gap: mark.tight === true ? '' : mark.wide === true ? '  ' : ' ',
      ...(mark.soft !== undefined && { soft: mark.soft }),
      ...(mark.column !== undefined && { column: mark.column }),
    };
  }

  private startLine(token: IToken, piece: Piece, place: NonNullable<Mark['line']>): void {
    const comments = this.commentsUntil(token.startOffset);
    const last = comments.at(-1);
    const leads = last !== undefined && !/[\r\n]/.test(last.text) && !last.text.startsWith('//') && !this.breakBetween(last.span.end, token.startOffset)
      && (comments.length > 1 || this.lines.length === 0 || this.breakBetween(this.end, last.span.start));
    if (leads) comments.pop();
    const wanted = this.commentLines(comments, place.comments, place.blank);
    const pieces = [piece];
    let blank = wanted === 'one' || (wanted === 'keep' && this.blankBetween(this.end, (leads ? last.span.start : token.startOffset)));
    if (leads) {
      pieces.unshift({ text: last.text, gap: ' ', comment: true });
      pieces[1] = { ...piece, gap: ' ' };
    }
    if (this.lines.length === 0 || place.blank === 'none' && (wanted !== 'keep' || isClosing(token))) blank = false;
    this.lines.push({ indent: place.indent, blank, pieces });
  }

  /** Comments at the end of the line before, and on lines of their own. Returns what is wanted before the next line. */
  private commentLines(comments: readonly Comment[], indent: number, blank: 'one' | 'keep' | 'none'): 'one' | 'keep' | 'none' {
    let wanted = blank;
    let trailing = this.lines.length > 0;
    for (const comment of comments) {
      trailing &&= !this.breakBetween(this.end, comment.span.start);
      const text = textOf(comment);
      if (trailing) {
        this.lines.at(-1)!.pieces.push({ text, gap: text.startsWith('//') ? '  ' : ' ', comment: true });
      } else {
        const blankHere = this.lines.length > 0 && (wanted === 'one' || (wanted === 'keep' && this.blankBetween(this.end, comment.span.start)));
        this.lines.push({ indent, blank: blankHere, pieces: [{ text, gap: ' ', comment: true }] });
        wanted = 'keep';
        trailing = true;
      }
      this.end = comment.span.end;
    }
    return wanted;
  }

  /** A token, and the comments before it, on the line at hand. */
  private goOn(token: IToken, piece: Piece): void {
    const line = this.lines.at(-1)!;
    const comments = this.commentsUntil(token.startOffset);
    for (const comment of comments) {
      const text = textOf(comment);
      const alone = this.breakBetween(this.end, comment.span.start);
      const ends = needsLine(comment, this.text);
      line.pieces.push({ text, gap: text.startsWith('//') ? '  ' : ' ', comment: true, ...(ends && { ends: true }), ...(ends && alone && { starts: true }) });
      this.end = comment.span.end;
    }
    line.pieces.push(comments.length > 0 && piece.gap === '' ? { ...piece, gap: ' ' } : piece);
  }

  private commentsUntil(offset: number): Comment[] {
    const comments: Comment[] = [];
    while (this.commentBefore(offset)) comments.push(this.comments[this.nextComment++]!);
    return comments;
  }

  private commentBefore(offset: number): boolean {
    return this.nextComment < this.comments.length && this.comments[this.nextComment]!.span.start < offset;
  }

  private breakBetween(from: number, to: number): boolean {
    return this.text.slice(from, to).includes('\n');
  }

  private blankBetween(from: number, to: number): boolean {
    return /\n[^\S\n]*\n/.test(this.text.slice(from, to));
  }
}

function isClosing(token: IToken): boolean {
  return token.image === '}';
}

/** A comment without what editors do not show: spaces at the end of a line comment, carriage returns. */
function textOf(comment: Comment): string {
  return comment.text.startsWith('//') ? comment.text.trimEnd() : comment.text.replaceAll('\r\n', '\n');
}
