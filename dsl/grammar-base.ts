import { EmbeddedActionsParser, EOF, type IToken, type TokenType } from 'chevrotain';
import type { Name, Span } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { spanOf } from './lexer.ts';
import { messages, reservedHint, SyntaxFailure } from './syntax-errors.ts';
import { Colon, Comma, Keyword, LBrace, parsed, RBrace, Slash, StringLiteral, Word } from './tokens.ts';

/** Trees may not be deeper than this, so that whoever walks one by recursion is safe. */
const MAX_DEPTH = 400;
/** Constructs of the text may not be nested deeper than this, so that the parser's own recursion is safe. */
const MAX_NESTING = 100;

const DECLARATIONS = new Set<TokenType>([
  Keyword.use, Keyword.event, Keyword.param, Keyword.const, Keyword.fn, Keyword.table, Keyword.feature, Keyword.rule, Keyword.test,
]);

/**
 * What all parts of the grammar share: places, reports, lookahead by words, and recovery. Errors never leave the parser: `report` notes one and
 * goes on; `fail` gives up on the item at hand, and the nearest `items` loop notes it and goes on with the next item.
 */
export abstract class GrammarBase extends EmbeddedActionsParser {
  protected file = '';
  protected text = '';
  protected findings: Diagnostic[] = [];
  private tokenCount = 0;
  private depths = new WeakMap<object, number>();
  private nesting = 0;

  constructor() {
    super(parsed, { maxLookahead: 1, recoveryEnabled: false, errorMessageProvider: messages });
  }

  /** Starts on a file: its tokens carry their index as payload. */
  protected begin(file: string, text: string, tokens: IToken[]): void {
    this.file = file;
    this.text = text;
    this.findings = [];
    this.depths = new WeakMap();
    this.nesting = 0;
    this.tokenCount = tokens.length;
    this.input = tokens;
  }

  // ---- places ----

  /** From `start` to the last token read. */
  protected spanFrom(start: IToken | Span): Span {
    const from = 'image' in start ? start.startOffset : start.start;
    const last = this.LA(0);
    return { file: this.file, start: from, end: Math.max(from, last.startOffset + last.image.length) };
  }

  /** The place of a token; of the end of the file: behind the last token. */
  protected place(token: IToken): Span {
    if (token.tokenType !== EOF) return spanOf(this.file, token);
    const last = this.input[this.tokenCount - 1];
    const end = last === undefined ? 0 : last.startOffset + last.image.length;
    return { file: this.file, start: end, end };
  }

  protected nameOf(token: IToken): Name {
    return { text: token.image, span: spanOf(this.file, token) };
  }

  // ---- reports ----

  protected report(code: string, place: IToken | Span, message: string, hint?: string, related?: Diagnostic['related']): void {
    this.findings.push(this.diagnostic('error', code, place, message, hint, related));
  }

  protected warn(code: string, place: IToken | Span, message: string, hint?: string): void {
    this.findings.push(this.diagnostic('warning', code, place, message, hint));
  }

  protected fail(code: string, place: IToken | Span, message: string, hint?: string, related?: Diagnostic['related']): never {
    throw new SyntaxFailure(this.diagnostic('error', code, place, message, hint, related));
  }

  private diagnostic(severity: 'error' | 'warning', code: string, place: IToken | Span, message: string, hint?: string, related?: Diagnostic['related']): Diagnostic {
    const span = 'image' in place ? this.place(place) : place;
    return { severity, code, span, message, ...(hint !== undefined && { hint }), ...(related !== undefined && { related }) };
  }

  /** Notes an error thrown by the grammar; anything else is thrown on. */
  private keep(error: unknown): void {
    if (error instanceof SyntaxFailure) {
      this.findings.push(error.diagnostic);
      return;
    }
    if (!(error instanceof Error) || !('token' in error)) throw error;
    const token = error.token as IToken;
    const hint = error.message.includes('name') || error.message.includes('stage') ? reservedHint(token)
      : token.tokenType === Slash && error.message.startsWith('expected a value') ? "a regex is closed by '/' on the same line, and stands after matches, ( or ," : undefined;
    this.report('syntax', token, error.message, hint);
  }

  // ---- lookahead ----

  protected isNext(type: TokenType, ahead = 1): boolean {
    return this.tokenIs(this.LA(ahead), type);
  }

  protected tokenIs(token: IToken, type: TokenType): boolean {
    return token.tokenType === type || (type.categoryMatchesMap?.[token.tokenTypeIdx] ?? false);
  }

  protected atEnd(): boolean {
    return this.LA(1).tokenType === EOF;
  }

  /** `name:` or `a, b`: what makes a stage definition, whatever the name is. */
  protected startsStage(): boolean {
    return this.isNext(Word) && (this.isNext(Colon, 2) || this.isNext(Comma, 2));
  }

  /** The next word is this keyword and does not start a stage definition. */
  protected isKeyword(type: TokenType): boolean {
    return this.LA(1).tokenType === type && !this.startsStage();
  }

  protected atDeclarationKeyword(): boolean {
    return DECLARATIONS.has(this.LA(1).tokenType);
  }

  /** The tokens ahead have the shape of a declaration's head, which nothing inside a declaration has. */
  protected atDeclaration(): boolean {
    const second = this.LA(2);
    const third = this.LA(3);
    const named = this.tokenIs(second, Word);
    switch (this.LA(1).tokenType) {
      case Keyword.use: return second.tokenType === StringLiteral;
      case Keyword.event: return named && (third.tokenType === LBrace || third.tokenType === Keyword.extends || third.image === '=');
      case Keyword.rule: return named && third.tokenType === LBrace;
      case Keyword.test: return named && (third.tokenType === StringLiteral || third.tokenType === Comma);
      case Keyword.param: return named && third.tokenType === Colon;
      case Keyword.const: case Keyword.feature: return named && third.image === '=';
      case Keyword.fn: return named && third.image === '(';
      case Keyword.table: return named && third.tokenType === LBrace && this.isNext(Word, 4) && this.isNext(Colon, 5);
      default: return false;
    }
  }

  /** Whether the next token is the first on its line: no part of the grammar, but the best guide to what an author meant where it broke. */
  protected firstOnLine(): boolean {
    const previous = this.LA(0);
    const next = this.LA(1);
    if (previous.tokenType === EOF || next.tokenType === EOF) return true;
    return this.text.slice(previous.startOffset + previous.image.length, next.startOffset).includes('\n');
  }

  // ---- recovery ----

  /**
   * Reads items until `}`, the end of the file or the next declaration. An item that fails is noted; reading goes on where `starts` says that an item
   * starts; it is told whether braces of the failed item are still open, and may look at `firstOnLine`.
   */
  protected items<Item>(item: () => Item | undefined, starts: (inBraces: boolean) => boolean): Item[] {
    const read: Item[] = [];
    while (!this.isNext(RBrace) && !this.atEnd() && !this.atDeclaration()) {
      const first = this.position();
      this.attempt(() => {
        const value = item();
        if (value !== undefined) read.push(value);
      }, () => this.skipTo(first, starts));
    }
    return read;
  }

  /** Runs a part of the grammar; when it fails, notes the error and runs `recover`. */
  protected attempt(part: () => void, recover: () => void): void {
    const nesting = this.nesting;
    try {
      part();
    } catch (error) {
      this.keep(error);
      this.nesting = nesting;
      recover();
    }
  }

  /** Skips from the error in the item that began at token `first` to the next item, the enclosing `}`, or the next declaration. */
  private skipTo(first: number, starts: (inBraces: boolean) => boolean): void {
    let depth = 0;
    for (let index = first; index < this.position(); index++) depth += braceStep(this.input[index]!);
    if (this.position() === first) depth += this.skipOne();
    while (!this.atEnd()) {
      if (this.atDeclaration()) return;
      if (starts(depth > 0) || (depth <= 0 && this.isNext(RBrace))) return;
      depth += this.skipOne();
    }
  }

  protected skipOne(): number {
    const step = braceStep(this.LA(1));
    this.SKIP_TOKEN();
    return step;
  }

  /** Index of the next token. */
  protected position(): number {
    return this.atEnd() ? this.tokenCount : (this.LA(1).payload as number);
  }

  /** Reads the `}` that belongs to `open`, or reports that it is missing. */
  protected closeBrace(open: IToken, what: string): void {
    if (this.isNext(RBrace)) {
      this.CONSUME(RBrace);
      return;
    }
    const last = this.LA(0);
    const end = last.startOffset + last.image.length;
    this.report('missing-brace', { file: this.file, start: end, end }, `missing '}' at the end of ${what}`, undefined,
      [{ span: spanOf(this.file, open), message: "the '{' that is not closed" }]);
  }

  // ---- bounds ----

  /** Runs a part of the grammar that may contain itself. */
  protected nested<Result>(part: () => Result): Result {
    if (this.nesting >= MAX_NESTING) {
      this.fail('too-deep', this.LA(1), `this is nested more than ${MAX_NESTING} levels deep`, 'split it with a fn or a const');
    }
    this.nesting++;
    const result = part();
    this.nesting--;
    return result;
  }

  /** Notes how deep the tree under a node is, and fails where that is too deep. Children not noted before count as leaves. */
  protected grown<Tree extends { readonly span: Span }>(node: Tree, ...children: readonly object[]): Tree {
    return this.grownOver(node, children);
  }

  /** The same for a node that may have any number of children. */
  protected grownOver<Tree extends { readonly span: Span }>(node: Tree, children: Iterable<object>): Tree {
    let depth = 0;
    for (const child of children) depth = Math.max(depth, this.depths.get(child) ?? 0);
    if (depth >= MAX_DEPTH) {
      this.fail('too-deep', this.LA(0), `this expression is a chain of more than ${MAX_DEPTH} parts`, 'use in [ … ] for a list of values, or split it with a fn');
    }
    this.depths.set(node, depth + 1);
    return node;
  }
}

function braceStep(token: IToken): number {
  if (token.tokenType === LBrace) return 1;
  return token.tokenType === RBrace ? -1 : 0;
}
