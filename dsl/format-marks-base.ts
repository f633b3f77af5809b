import type { IToken } from 'chevrotain';
import type { Argument, Comment, Expr, SourceFile, Span } from './ast.ts';
import { braceBlock, type Brackets } from './format-blocks.ts';
import { Comma, LBrace } from './tokens.ts';

/** How a token stands to what comes before it. Absent: after a space. */
export interface Mark {
  /** Starts a line. `comments`: the indent of comment lines before it. `blank`: an empty line before it is asked for, kept where it was, or not wanted. */
  line?: { readonly indent: number; readonly comments: number; readonly blank: 'one' | 'keep' | 'none' };
  /** Follows without a space. */
  tight?: boolean;
  /** Follows after two spaces. */
  wide?: boolean;
  /** A line that is too long may be broken before it: at the outermost (smallest) level first. `fill`: only as often as needed. */
  soft?: { readonly level: number; readonly fill: boolean };
  /** Stands in the same column as the others of this group. */
  column?: string;
  /** A comma follows it, whether there was one or not. */
  comma?: boolean;
  /** It is a comma that is left out (see `comma`). */
  dropped?: boolean;
}

/** The marks of a file's tokens, and what all constructs share: places, widths, `{ … }` and expressions. */
export abstract class MarkerBase {
  readonly marks: Mark[];
  protected readonly file: SourceFile;
  protected readonly tokens: readonly IToken[];
  private groups = 0;

  constructor(file: SourceFile, tokens: readonly IToken[]) {
    this.file = file;
    this.tokens = tokens;
    this.marks = tokens.map(() => ({}));
  }

  // ---- tokens and marks ----

  /** The index of the first token at or behind an offset. */
  protected at(offset: number): number {
    let low = 0;
    let high = this.tokens.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tokens[middle]!.startOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The index of the first token of this text at or behind an offset. */
  protected find(image: string, offset: number): number {
    let index = this.at(offset);
    while (index < this.tokens.length && this.tokens[index]!.image !== image) index++;
    return index;
  }

  protected mark(index: number): Mark {
    return this.marks[index] ?? {};
  }

  protected line(index: number, indent: number, comments = indent, blank: 'one' | 'keep' | 'none' = 'keep'): void {
    this.mark(index).line = { indent, comments, blank };
  }

  protected tight(index: number): void {
    this.mark(index).tight = true;
  }

  protected soft(index: number, level: number, fill = false): void {
    this.mark(index).soft ??= { level, fill };
  }

  protected newGroup(): string {
    return `g${this.groups++}`;
  }

  protected punctuation(token: IToken, index: number): void {
    const previous = this.tokens[index - 1]?.image;
    if ([')', ']', ',', ':', '.'].includes(token.image) || (previous !== undefined && ['(', '[', '.', '@'].includes(previous))) this.tight(index);
    if (token.image === '}' && previous === '{') this.tight(index);
  }

  // ---- widths ----

  /** The width of tokens `from` to `to` (inclusive) on one line, comments included; infinite where a comment needs a line. */
  private flatWidth(from: number, to: number): number {
    let total = 0;
    for (let index = from; index <= to; index++) {
      if (this.tokens[index]!.tokenType === Comma && this.mark(index).dropped === true) continue;
      total += this.tokens[index]!.image.length + (index > from && this.mark(index).tight !== true ? 1 : 0) + (this.mark(index).comma === true ? 1 : 0);
    }
    const start = this.tokens[from]!.startOffset;
    const end = this.tokens[to]!.startOffset;
    for (const comment of this.commentsIn(start, end)) {
      if (needsLine(comment, this.file.text)) return Infinity;
      total += comment.text.length + 1;
    }
    return total;
  }

  /** The comments between two offsets. */
  protected commentsIn(start: number, end: number): readonly Comment[] {
    const { comments } = this.file;
    let low = 0;
    let high = comments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comments[middle]!.span.start <= start) low = middle + 1;
      else high = middle;
    }
    let last = low;
    while (last < comments.length && comments[last]!.span.start < end) last++;
    return comments.slice(low, last);
  }

  protected isCompact(block: Brackets, whole: Span, indent: number, width: number): boolean {
    if (block.firsts.length === 0) return !this.commentsIn(this.tokens[block.open]!.startOffset, this.tokens[block.close]!.startOffset).some((comment) => needsLine(comment, this.file.text));
    return 2 * indent + this.flatWidth(this.at(whole.start), this.at(whole.end) - 1) <= width;
  }

  protected block(open: number, items: readonly { readonly span: Span }[]): Brackets {
    const block = braceBlock(this.tokens, open, items, (offset) => this.at(offset));
    for (const comma of block.commas) this.mark(comma).dropped = true;
    return block;
  }

  protected addCommas(block: Brackets): void {
    for (const last of block.lasts.slice(0, -1)) this.mark(last).comma = true;
  }

  protected braceBehind(span: Span): number {
    let index = this.at(span.end);
    while (index < this.tokens.length - 1 && this.tokens[index]!.tokenType !== LBrace) index++;
    return index;
  }

  // ---- expressions ----

  protected expr(expr: Expr, level: number): void {
    switch (expr.kind) {
      case 'number': case 'string': case 'bool': case 'null': case 'duration': case 'regex': case 'name':
        return;
      case 'list':
        for (const [index, item] of expr.items.entries()) {
          if (index > 0) this.soft(this.at(item.span.start), level + 1, true);
          this.expr(item, level + 2);
        }
        return;
      case 'record': {
        for (const field of expr.fields) if (field.value !== undefined) this.expr(field.value, level + 2);
        const block = this.block(this.at(expr.span.start), expr.fields);
        this.addCommas(block);
        for (const first of block.firsts) this.soft(first, level + 1, true);
        return;
      }
      case 'member':
        return this.expr(expr.object, level);
      case 'index':
        this.tight(this.at(expr.object.span.end));
        this.expr(expr.object, level);
        return this.expr(expr.index, level + 1);
      case 'call':
        this.tight(this.at(expr.callee.span.end));
        expr.args.forEach((argument, index) => this.argument(argument, index, level + 1));
        return;
      case 'unary':
        if (expr.op === '-') this.tight(this.at(expr.operand.span.start));
        return this.expr(expr.operand, level);
      case 'binary':
        return this.binary(expr, level);
      case 'in':
        this.expr(expr.value, level + 1);
        return this.expr(expr.options, level + 1);
      case 'like': case 'matches':
        this.expr(expr.value, level + 1);
        return this.expr(expr.pattern, level + 1);
      case 'between':
        for (const part of [expr.value, expr.lo, expr.hi]) this.expr(part, level + 1);
        return;
      case 'isNull':
        return this.expr(expr.value, level + 1);
      case 'if':
        this.expr(expr.cond, level + 1);
        this.expr(expr.then, level + 1);
        this.expr(expr.else, level + 1);
        this.soft(this.at(expr.then.span.start) - 1, level);
        this.soft(this.at(expr.else.span.start) - 1, level);
        return;
      case 'paren':
        return this.expr(expr.inner, level + 1);
    }
  }

  private binary(expr: Extract<Expr, { kind: 'binary' }>, level: number): void {
    const operator = this.at(expr.left.span.end);
    const breakable = expr.op === 'and' || expr.op === 'or';
    if (breakable || ['??', '+', '-', '*', '/', '%'].includes(expr.op)) this.soft(operator, level, !breakable);
    const joined = expr.left.kind === 'binary' && expr.left.op === expr.op;
    this.expr(expr.left, joined ? level : level + 1);
    this.expr(expr.right, level + 1);
  }

  private argument(argument: Argument, index: number, level: number): void {
    switch (argument.kind) {
      case 'value':
        if (index > 0) this.soft(this.at(argument.value.span.start), level, true);
        this.expr(argument.value, level + 1);
        if (argument.where !== undefined) {
          this.soft(this.at(argument.where.span.start) - 1, level);
          this.expr(argument.where, level + 1);
        }
        return;
      case 'where':
        return this.expr(argument.where, level + 1);
      case 'lambda':
        if (index > 0) this.soft(this.at(argument.span.start), level, true);
        return this.expr(argument.body, level + 1);
    }
  }
}

/** A comment that cannot stand inside a line: one to the end of the line, one of several lines, one that has its own line. */
export function needsLine(comment: Comment, text: string): boolean {
  if (comment.text.startsWith('//') || /[\r\n]/.test(comment.text)) return true;
  return /(?:^|\n)[^\S\n]*$/.test(text.slice(Math.max(0, comment.span.start - 500), comment.span.start)) && /^[^\S\n]*(?:\n|$)/.test(text.slice(comment.span.end, comment.span.end + 500));
}
