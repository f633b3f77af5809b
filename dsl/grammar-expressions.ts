import type { IToken, ParserMethod, TokenType } from 'chevrotain';
import type { Argument, BinaryOp, Expr, OutField, Span } from './ast.ts';
import { GrammarBase } from './grammar-base.ts';
import { stringValue, unitMeant } from './lexer.ts';
import { DURATION_UNITS, readDuration } from './literals.ts';
import { found } from './syntax-errors.ts';
import { didYouMean } from './suggest.ts';
import {
  Arrow, Colon, Comma, Dot, DurationLiteral, EqualEqual, Equals, FatArrow, Greater, GreaterEqual, isReserved, Keyword, LBrace, LBracket, Less, LessEqual, LParen, Minus, NotEqual,
  NumberLiteral, Percent, Plus, Question, QuestionQuestion, RBrace, RBracket, RegexLiteral, Reserved, retype, RParen, Slash, Star, StringLiteral, Word,
} from './tokens.ts';

/** How tightly operators bind, loosest first. An expression read at a level takes only operators of that level and tighter ones. */
export const Level = { or: 1, and: 2, not: 3, compare: 4, coalesce: 5, add: 6, multiply: 7, unary: 8 } as const;

const LEVELS: ReadonlyMap<TokenType, number> = new Map([
  [Reserved.or, Level.or], [Reserved.and, Level.and],
  [EqualEqual, Level.compare], [NotEqual, Level.compare], [Less, Level.compare], [LessEqual, Level.compare], [Greater, Level.compare], [GreaterEqual, Level.compare],
  [Reserved.in, Level.compare], [Reserved.like, Level.compare], [Reserved.matches, Level.compare], [Reserved.is, Level.compare], [Reserved.between, Level.compare],
  [QuestionQuestion, Level.coalesce], [Plus, Level.add], [Minus, Level.add], [Star, Level.multiply], [Slash, Level.multiply], [Percent, Level.multiply],
]);

/** The operators that may be negated, as in `not in`. */
const NEGATABLE = new Set<TokenType>([Reserved.in, Reserved.like, Reserved.matches, Reserved.between]);
const ORDERING = new Set<string>(['<', '<=', '>', '>=']);

/** Expressions: section 9 of the language. */
export abstract class ExpressionGrammar extends GrammarBase {
  /** Inside a condition `=>` can only be meant for `>=`; a duration may be followed by that arrow. */
  private insideCondition = false;
  /** Records `{ a: 1 }` are values in tests only. */
  protected recordsAllowed = false;

  readonly expression: ParserMethod<[level?: number], Expr> = this.RULE('expression', (level = Level.or as number) => {
    let left = this.SUBRULE(this.operand, { ARGS: [level] });
    this.MANY({
      GATE: () => this.levelOfNext() >= level,
      DEF: () => {
        left = this.SUBRULE(this.operation, { ARGS: [left] });
      },
    });
    return left;
  });

  /** An operator and what stands to its right, applied to `left`. */
  private readonly operation: ParserMethod<[left: Expr], Expr> = this.RULE('operation', (left: Expr) => this.OR([
    { ALT: () => this.SUBRULE(this.binary, { ARGS: [left] }) },
    { ALT: () => this.SUBRULE(this.nullTest, { ARGS: [left] }) },
    { ALT: () => this.SUBRULE(this.wordTest, { ARGS: [left] }) },
  ]));

  private readonly binary: ParserMethod<[left: Expr], Expr> = this.RULE('binary', (left: Expr) => {
    const operator = this.OR([
      { ALT: () => this.CONSUME(Reserved.or) },
      { ALT: () => this.CONSUME(Reserved.and) },
      { ALT: () => this.CONSUME(EqualEqual) },
      { ALT: () => this.CONSUME(NotEqual) },
      { ALT: () => this.CONSUME(Less) },
      { ALT: () => this.CONSUME(LessEqual) },
      { ALT: () => this.CONSUME(Greater) },
      { ALT: () => this.CONSUME(GreaterEqual) },
      { ALT: () => this.CONSUME(QuestionQuestion) },
      { ALT: () => this.CONSUME(Plus) },
      { ALT: () => this.CONSUME(Minus) },
      { ALT: () => this.CONSUME(Star) },
      { ALT: () => this.CONSUME(Slash) },
      { ALT: () => this.CONSUME(Percent) },
    ]);
    const right = this.SUBRULE(this.expression, { ARGS: [this.ACTION(() => LEVELS.get(operator.tokenType)! + 1)] });
    return this.ACTION(() => {
      const op = BINARY_TEXT.get(operator.tokenType)!;
      if (ORDERING.has(op) && left.kind === 'binary' && ORDERING.has(left.op)) {
        this.report('chained-comparison', operator, 'comparisons cannot be chained', "write a < b and b < c, or x between a and b");
      }
      return this.grown<Expr>({ kind: 'binary', op, left, right, span: this.spanFrom(left.span) }, left, right);
    });
  });

  private readonly nullTest: ParserMethod<[value: Expr], Expr> = this.RULE('nullTest', (value: Expr) => {
    this.CONSUME(Reserved.is);
    const negated = this.OPTION(() => this.CONSUME(Reserved.not)) !== undefined;
    this.ACTION(() => {
      if (!this.isNext(Reserved.null)) this.fail('syntax', this.LA(1), `expected null after 'is${negated ? ' not' : ''}', found ${found(this.LA(1))}`, "'is null' and 'is not null' test for null; '==' compares");
    });
    this.CONSUME(Reserved.null);
    return this.ACTION(() => this.grown<Expr>({ kind: 'isNull', negated, value, span: this.spanFrom(value.span) }, value));
  });

  private readonly wordTest: ParserMethod<[value: Expr], Expr> = this.RULE('wordTest', (value: Expr) => {
    const negated = this.OPTION(() => this.CONSUME(Reserved.not)) !== undefined;
    return this.OR([
      { ALT: () => {
        this.CONSUME(Reserved.in);
        const options = this.SUBRULE(this.expression, { ARGS: [Level.coalesce] });
        return this.ACTION(() => this.grown<Expr>({ kind: 'in', negated, value, options, span: this.spanFrom(value.span) }, value, options));
      } },
      { ALT: () => {
        this.CONSUME(Reserved.like);
        const pattern = this.SUBRULE1(this.expression, { ARGS: [Level.coalesce] });
        return this.ACTION(() => this.grown<Expr>({ kind: 'like', negated, value, pattern, span: this.spanFrom(value.span) }, value, pattern));
      } },
      { ALT: () => {
        this.CONSUME(Reserved.matches);
        const pattern = this.SUBRULE2(this.expression, { ARGS: [Level.coalesce] });
        return this.ACTION(() => this.grown<Expr>({ kind: 'matches', negated, value, pattern, span: this.spanFrom(value.span) }, value, pattern));
      } },
      { ALT: () => {
        this.CONSUME(Reserved.between);
        const lo = this.SUBRULE3(this.expression, { ARGS: [Level.coalesce] });
        this.CONSUME(Reserved.and);
        const hi = this.SUBRULE4(this.expression, { ARGS: [Level.coalesce] });
        return this.ACTION(() => this.grown<Expr>({ kind: 'between', negated, value, lo, hi, span: this.spanFrom(value.span) }, value, lo, hi));
      } },
    ]);
  });

  private readonly operand: ParserMethod<[level: number], Expr> = this.RULE('operand', (level: number) => this.OR([
    { ALT: () => {
      const not = this.CONSUME(Reserved.not);
      const operand = this.nested(() => this.SUBRULE(this.expression, { ARGS: [Level.not] }));
      return this.ACTION(() => {
        if (level > Level.not) this.report('needs-parentheses', not, "'not' binds more loosely than what stands before it", 'put parentheses around not and what it negates');
        return this.grown<Expr>({ kind: 'unary', op: 'not', operand, span: this.spanFrom(not) }, operand);
      });
    } },
    { ALT: () => {
      const minus = this.CONSUME(Minus);
      const operand = this.nested(() => this.SUBRULE(this.operand, { ARGS: [Level.unary] }));
      return this.ACTION(() => this.grown<Expr>({ kind: 'unary', op: '-', operand, span: this.spanFrom(minus) }, operand));
    } },
    { ALT: () => this.SUBRULE(this.conditional) },
    { ALT: () => this.SUBRULE(this.postfix) },
  ]));

  private readonly conditional: ParserMethod<[], Expr> = this.RULE('conditional', () => {
    const start = this.CONSUME(Reserved.if);
    const cond = this.nested(() => this.SUBRULE(this.expression));
    this.CONSUME(Reserved.then);
    const whenTrue = this.nested(() => this.SUBRULE1(this.expression));
    this.ACTION(() => {
      if (!this.isNext(Reserved.else)) this.fail('syntax', this.LA(1), `expected 'else', found ${found(this.LA(1))}`, "every 'if' has both: if c then a else b");
    });
    this.CONSUME(Reserved.else);
    const whenFalse = this.nested(() => this.SUBRULE2(this.expression));
    return this.ACTION(() => this.grown<Expr>({ kind: 'if', cond, then: whenTrue, else: whenFalse, span: this.spanFrom(start) }, cond, whenTrue, whenFalse));
  });

  private readonly postfix: ParserMethod<[], Expr> = this.RULE('postfix', () => {
    let object = this.SUBRULE(this.primary);
    this.MANY(() => this.OR([
      { ALT: () => {
        this.CONSUME(Dot);
        const name = this.SUBRULE(this.memberName);
        object = this.ACTION(() => this.grown<Expr>({ kind: 'member', object, name: this.nameOf(name), span: this.spanFrom(object.span) }, object));
      } },
      { ALT: () => {
        this.CONSUME(LBracket);
        const index = this.nested(() => this.SUBRULE(this.expression));
        this.ACTION(() => {
          if (this.isNext(Comma)) this.fail('syntax', this.LA(1), "expected ']', found ','", 'a table is looked up by one value: put the parts together, concat(a, "|", b)');
        });
        this.CONSUME(RBracket);
        object = this.ACTION(() => this.grown<Expr>({ kind: 'index', object, index, span: this.spanFrom(object.span) }, object, index));
      } },
    ]));
    return object;
  });

  private readonly memberName: ParserMethod<[], IToken> = this.RULE('memberName', () => this.CONSUME(Word));

  private readonly primary: ParserMethod<[], Expr> = this.RULE('primary', () => {
    const start = this.LA(1);
    return this.OR([
      { ALT: () => this.literal(this.CONSUME(NumberLiteral), (token) => numberExpr(token.image)) },
      { ALT: () => this.literal(this.CONSUME(DurationLiteral), (token) => ({ kind: 'duration', ms: durationMs(token.image), raw: token.image })) },
      { ALT: () => this.literal(this.CONSUME(StringLiteral), (token) => ({ kind: 'string', value: stringValue(token) })) },
      { ALT: () => this.literal(this.CONSUME(RegexLiteral), (token) => regexExpr(token.image)) },
      { ALT: () => this.literal(this.CONSUME(Reserved.true), () => ({ kind: 'bool', value: true })) },
      { ALT: () => this.literal(this.CONSUME(Reserved.false), () => ({ kind: 'bool', value: false })) },
      { ALT: () => this.literal(this.CONSUME(Reserved.null), () => ({ kind: 'null' })) },
      { GATE: () => this.LA(2).tokenType === LParen, ALT: () => this.SUBRULE(this.call) },
      { GATE: () => this.LA(2).tokenType !== LParen && !this.startsNextItem(), ALT: () => this.literal(this.CONSUME(Word), (token) => ({ kind: 'name', name: token.image })) },
      { ALT: () => this.SUBRULE(this.list) },
      { GATE: () => this.recordsAllowed, ALT: () => this.SUBRULE(this.record) },
      { ALT: () => {
        this.CONSUME(LParen);
        const inner = this.nested(() => this.SUBRULE(this.expression));
        this.CONSUME(RParen);
        return this.ACTION(() => this.grown<Expr>({ kind: 'paren', inner, span: this.spanFrom(start) }, inner));
      } },
    ]);
  });

  private literal(token: IToken, build: (token: IToken) => Bare): Expr {
    return this.ACTION(() => ({ ...build(token), span: this.place(token) }));
  }

  private readonly list: ParserMethod<[], Expr> = this.RULE('list', () => {
    const start = this.CONSUME(LBracket);
    const items: Expr[] = [];
    this.nested(() => this.MANY_SEP({ SEP: Comma, DEF: () => items.push(this.SUBRULE(this.expression)) }));
    this.CONSUME(RBracket);
    return this.ACTION(() => this.grownOver<Expr>({ kind: 'list', items, span: this.spanFrom(start) }, items));
  });

  private readonly record: ParserMethod<[], Expr> = this.RULE('record', () => {
    const start = this.LA(1);
    const fields = this.nested(() => this.SUBRULE(this.outFields));
    return this.ACTION(() => this.grownOver<Expr>({ kind: 'record', fields, span: this.spanFrom(start) }, fields.flatMap((field) => field.value ?? [])));
  });

  private readonly call: ParserMethod<[], Expr> = this.RULE('call', () => {
    const callee = this.CONSUME(Word);
    this.CONSUME(LParen);
    const args: Argument[] = [];
    this.nested(() => this.MANY_SEP({ SEP: Comma, DEF: () => args.push(this.SUBRULE(this.argument)) }));
    this.ACTION(() => {
      if (!this.isNext(RParen)) this.fail('syntax', this.LA(1), `expected ',' or ')' in the arguments of ${callee.image}, found ${found(this.LA(1))}`,
        this.isNext(Arrow) && this.tokenIs(this.LA(0), Word) ? `a condition on each element is written ${this.LA(0).image} => …` : didYouMean(this.LA(0).image, ['where']) === undefined ? undefined : "did you mean 'where'?");
    });
    this.CONSUME(RParen);
    return this.ACTION(() => this.grownOver<Expr>({ kind: 'call', callee: this.nameOf(callee), args, span: this.spanFrom(callee) }, args.flatMap(argumentParts)));
  });

  private readonly argument: ParserMethod<[], Argument> = this.RULE('argument', () => this.OR([
    { GATE: () => this.isNext(FatArrow, 2), ALT: () => {
      const param = this.CONSUME(Word);
      this.CONSUME(FatArrow);
      const body = this.SUBRULE(this.expression);
      return this.ACTION((): Argument => ({ kind: 'lambda', param: this.nameOf(param), body, span: this.spanFrom(param) }));
    } },
    { GATE: () => this.startsWhere(), ALT: () => {
      this.CONSUME(Keyword.where);
      const where = this.SUBRULE(this.condition);
      return this.ACTION((): Argument => ({ kind: 'where', where }));
    } },
    { GATE: () => !this.isNext(FatArrow, 2) && !this.startsWhere(), IGNORE_AMBIGUITIES: true, ALT: () => {
      const value = this.SUBRULE1(this.expression);
      const where = this.OPTION(() => {
        this.CONSUME1(Keyword.where);
        return this.SUBRULE1(this.condition);
      });
      return this.ACTION((): Argument => ({ kind: 'value', value, ...(where !== undefined && { where }) }));
    } },
  ]));

  /** An expression that says yes or no: slips such as `=` for `==` are sure to be slips there. */
  protected readonly condition: ParserMethod<[], Expr> = this.RULE('condition', () => this.inCondition(true, () => this.SUBRULE(this.expression)));

  /** An expression where a duration is asked for. A bare number is reported, and read as seconds or the unit that follows, to go on. */
  protected readonly duration: ParserMethod<[], Expr> = this.RULE('durationValue', () => {
    const value = this.inCondition(false, () => this.SUBRULE(this.expression));
    return this.ACTION(() => (value.kind === 'number' && !Number.isNaN(value.value) ? this.numberForDuration(value) : value));
  });

  private inCondition<Result>(inside: boolean, part: () => Result): Result {
    const outside = this.insideCondition;
    this.insideCondition = inside;
    try {
      return part();
    } finally {
      this.insideCondition = outside;
    }
  }

  private numberForDuration(value: Expr & { readonly kind: 'number' }): Expr {
    const next = this.LA(1);
    const unit = this.isNext(Word) && !this.startsStage() && !this.firstOnLine() ? unitMeant(next.image) : undefined;
    if (unit !== undefined) this.skipOne();
    const span: Span = unit !== undefined ? this.spanFrom(value.span) : value.span;
    const written = this.text.slice(span.start, span.end);
    const hint = unit !== undefined ? `write ${value.raw}${unit}` : value.value === 0 ? 'write 0s' : `a duration has a unit: ${value.raw}s, ${value.raw}m, ${value.raw}h`;
    this.report('bad-duration', span, `expected a duration such as 10m, found '${written}'`, hint);
    return { kind: 'duration', ms: value.value * DURATION_UNITS.get(unit ?? 's')!, raw: `${value.raw}${unit ?? 's'}`, span };
  }

  // ---- `{ name: value, … }`, of alerts, events in tests and the like ----

  protected readonly outFields: ParserMethod<[], OutField[]> = this.RULE('outFields', () => {
    const fields: OutField[] = [];
    const open = this.CONSUME(LBrace);
    this.MANY({
      GATE: () => !this.startsClauseLine(),
      DEF: () => {
        fields.push(this.SUBRULE(this.outField));
        this.OPTION(() => this.CONSUME(Comma));
      },
    });
    this.ACTION(() => {
      if (this.isNext(RBrace) || this.atDeclaration() || this.atEnd() || this.startsClauseLine()) return;
      const next = this.LA(1);
      this.fail('syntax', next, `expected a field such as name: value, or '}', found ${found(next)}`, this.fieldHint(next));
    });
    if (this.RECORDING_PHASE) this.CONSUME(RBrace);
    else this.closeBrace(open, 'these fields');
    return fields;
  });

  private fieldHint(next: IToken): string | undefined {
    const before = this.LA(0);
    if (isReserved(next)) return `'${next.image}' is a reserved word and cannot be a name`;
    if (next.tokenType === Equals && this.tokenIs(before, Word)) return `write ${before.image}: value`;
    return next.tokenType === Question ? 'a choice is written if c then a else b' : undefined;
  }

  private readonly outField: ParserMethod<[], OutField> = this.RULE('outField', () => {
    const name = this.CONSUME(Word);
    const value = this.OPTION(() => {
      this.CONSUME(Colon);
      return this.SUBRULE(this.expression);
    });
    return this.ACTION((): OutField => ({ name: this.nameOf(name), ...(value !== undefined && { value }), span: this.spanFrom(name) }));
  });

  // ---- lookahead ----

  /** The level of the operator ahead, 0 if there is none. Puts right the operators that authors bring from elsewhere. */
  private levelOfNext(): number {
    const next = this.LA(1);
    if (next.tokenType === Reserved.not) return NEGATABLE.has(this.LA(2).tokenType) ? Level.compare : 0;
    if (next.tokenType === Equals) {
      this.report('assignment', next, "'=' does not compare", "write '=='");
      retype(next, EqualEqual);
    } else if (this.insideCondition && next.tokenType === FatArrow) {
      this.report('foreign-operator', next, "'=>' does not compare", "write '>='");
      retype(next, GreaterEqual);
    } else if (this.insideCondition && next.tokenType === Word && !this.startsStage() && /^(?:AND|OR|And|Or)$/.test(next.image)) {
      this.report('foreign-operator', next, `unknown operator '${next.image}'`, `write '${next.image.toLowerCase()}'`);
      retype(next, next.image.toLowerCase() === 'and' ? Reserved.and : Reserved.or);
    }
    return LEVELS.get(next.tokenType) ?? 0;
  }

  /** `where` as the word before a condition, not a field of that name. */
  private startsWhere(): boolean {
    if (!this.isNext(Keyword.where)) return false;
    const second = this.LA(2).tokenType;
    if (second === Reserved.not) return !NEGATABLE.has(this.LA(3).tokenType);
    return this.isNext(Word, 2) || OPERAND_STARTS.has(second);
  }

  /** A stage definition, a field or a clause stands where a value should: the value is missing. */
  private startsNextItem(): boolean {
    return this.isNext(Word) && (this.isNext(Colon, 2) || (this.firstOnLine() && this.startsClause()));
  }

  /** The tokens ahead are the head of a clause, and cannot be a stage or a value followed by what may follow one. */
  protected abstract startsClause(): boolean;

  /** The next line is a clause of a rule, and no field: a `}` is missing before it. */
  protected abstract startsClauseLine(): boolean;
}

/** Distributes over the kinds of expression, each without its place. */
type Bare<E = Expr> = E extends Expr ? Omit<E, 'span'> : never;

const BINARY_TEXT: ReadonlyMap<TokenType, BinaryOp> = new Map<TokenType, BinaryOp>([
  [Reserved.or, 'or'], [Reserved.and, 'and'], [EqualEqual, '=='], [NotEqual, '!='], [Less, '<'], [LessEqual, '<='], [Greater, '>'], [GreaterEqual, '>='],
  [QuestionQuestion, '??'], [Plus, '+'], [Minus, '-'], [Star, '*'], [Slash, '/'], [Percent, '%'],
]);

const OPERAND_STARTS = new Set<TokenType>([
  NumberLiteral, DurationLiteral, StringLiteral, RegexLiteral, Reserved.true, Reserved.false, Reserved.null, Reserved.if, Minus, LParen, LBracket,
]);

function numberExpr(image: string): Bare {
  const written = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(image)![0];
  const value = Number(written);
  // What was reported as no number has no value, and nothing is said of its type.
  const wrong = written !== image || (/^\d+$/.test(image) && !Number.isSafeInteger(value));
  return { kind: 'number', value: wrong ? NaN : value, isInt: !written.includes('.') && Number.isSafeInteger(value), raw: image };
}

/** Of a duration's text; NaN for one that was reported as wrong. */
export function durationMs(image: string): number {
  const reading = readDuration(image);
  return 'ms' in reading ? reading.ms : NaN;
}

function regexExpr(image: string): Bare {
  const end = image.lastIndexOf('/');
  return { kind: 'regex', source: image.slice(1, end), ignoreCase: image.slice(end + 1).includes('i') };
}

function argumentParts(argument: Argument): Expr[] {
  switch (argument.kind) {
    case 'value': return argument.where === undefined ? [argument.value] : [argument.value, argument.where];
    case 'where': return [argument.where];
    case 'lambda': return [argument.body];
  }
}
