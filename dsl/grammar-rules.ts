import type { IToken, ParserMethod, TokenType } from 'chevrotain';
import type { Clause, Expr, KeyExpr, Name, OnInput, OutField, ReportWhen, RuleDecl } from './ast.ts';
import { stringValue } from './lexer.ts';
import { WindowGrammar } from './grammar-windows.ts';
import { found } from './syntax-errors.ts';
import { clauseMeant, meansWithin, missingArrowHint } from './slips.ts';
import { didYouMean } from './suggest.ts';
import {
  Colon, Comma, DurationLiteral, Equals, isReserved, Keyword, LBrace, LBracket, LParen, NumberLiteral, Percent, RBrace, Reserved, RParen, StringLiteral, Word,
} from './tokens.ts';

const CLAUSES = new Set<TokenType>([
  Keyword.title, Keyword.description, Keyword.owner, Keyword.runbook, Keyword.severity, Keyword.tags, Keyword.by, Keyword.on, Keyword.match, Keyword.having,
  Keyword.window, Keyword.trigger, Keyword.late, Keyword.alert, Keyword.emit, Keyword.keep, Keyword.limit, Keyword.mode, Keyword.evidence, Keyword.version,
]);

/** What follows a step of the pattern, or a stage's type. */
const STEP_WORDS = ['within', 'gap', 'without', 'then', 'greedy', 'lazy', 'strict', 'any', 'where', 'until'];

/** What follows the length of a window. */
const WINDOW_WORDS = ['every', 'offset', 'max'];

/** What may only stand right after a pattern. */
const MATCH_TAIL = new Set<TokenType>([Keyword.without, Keyword.within, Keyword.gap, Reserved.then]);

/** Rules and their clauses: section 2 of the language. */
export abstract class RuleGrammar extends WindowGrammar {
  /** A `by` that was read as part of `limit` and stands on its own line. */
  private limitBy: IToken | undefined;

  protected readonly ruleDecl: ParserMethod<[], RuleDecl> = this.RULE('ruleDecl', () => {
    const start = this.CONSUME(Keyword.rule);
    const name = this.CONSUME(Word);
    const open = this.CONSUME(LBrace);
    this.ACTION(() => {
      this.limitBy = undefined;
      this.patternEnd = undefined;
      this.refusedNames.clear();
    });
    let clauses: Clause[] = [];
    if (this.RECORDING_PHASE) {
      this.MANY(() => this.SUBRULE(this.ruleItem));
      this.CONSUME(RBrace);
    } else {
      clauses = this.items(() => this.SUBRULE(this.ruleItem), (inBraces) => this.startsRuleItem(inBraces));
      this.closeBrace(open, `rule ${name.image}`);
      this.warnOfLimitBy(clauses);
    }
    return this.ACTION((): RuleDecl => ({ kind: 'rule', name: this.nameOf(name), clauses, span: this.spanFrom(start) }));
  });

  private warnOfLimitBy(clauses: readonly Clause[]): void {
    if (this.limitBy === undefined || clauses.some((clause) => clause.kind === 'by')) return;
    this.warn('limit-takes-by', this.limitBy, "this 'by' belongs to the limit before it, and the rule has no key of its own", "if it is meant as the rule's key, move it before 'limit'");
  }

  private readonly ruleItem: ParserMethod<[], Clause | undefined> = this.RULE('ruleItem', () => {
    this.ACTION(() => {
      if (!this.startsStage()) this.refuseUnknownClause();
    });
    return this.OR([
      { GATE: () => this.startsStage(), IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.stageDef) },
      { GATE: () => !this.startsStage(), IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.clause) },
    ]);
  });

  private refuseUnknownClause(): void {
    const next = this.LA(1);
    if (CLAUSES.has(next.tokenType)) return;
    if (this.position() === this.patternEnd?.at) this.refuseAfterPattern(next, this.patternEnd.only);
    if (MATCH_TAIL.has(next.tokenType)) {
      this.fail('syntax', next, `'${next.image}' does not stand here`, "'within', 'gap', 'without' and 'then skip' stand right after the pattern, before the stages");
    }
    const what = `expected a clause such as match, alert or severity, or a stage such as hit: Payment, found ${found(next)}`;
    if (isReserved(next) && this.isNext(Colon, 2)) this.fail('syntax', next, what, `'${next.image}' is a reserved word and cannot be the name of a stage`);
    if (!this.isNext(Word)) this.fail('syntax', next, what, next.tokenType === Comma && /^\p{Lu}/u.test(this.LA(0).image) ? 'types are joined by |: A | B' : undefined);
    // A misspelt bound of the pattern ends it, and stands where a clause would.
    const meant = clauseMeant(next.image, [...clauseWords, ...STEP_WORDS, ...WINDOW_WORDS]);
    this.fail('unknown-clause', next, `unknown clause '${next.image}'`, next.tokenType === Keyword.timeout || next.tokenType === Keyword.clear ? `write on ${next.image} alert …, or on ${next.image} emit …`
      : meant === undefined ? "a stage's definition is a name, ':' and an event type" : `did you mean '${meant}'?`);
  }

  /** What stands right behind a pattern and is no bound of it, no stage and no clause: most often an arrow is missing, or a word misspelt. `only`: the pattern is this word. */
  private refuseAfterPattern(next: IToken, only: IToken | undefined): void {
    if (this.firstOnLine() || MATCH_TAIL.has(next.tokenType)) return;
    if (next.tokenType === LBracket) this.fail('syntax', next, "a count stands in braces, found '['", 'write x{3}');
    if (next.tokenType === Comma) this.fail('missing-arrow', next, "expected an arrow between two steps, found ','", 'write a -> b, or (a or b) for either');
    if (meansWithin(next.image) && !this.isNext(Colon, 2)) {
      const bound = this.LA(2);
      this.fail('syntax', next, `expected 'within' and the time there is, found '${next.image}'`, `write within ${bound.tokenType === DurationLiteral || this.tokenIs(bound, Word) ? bound.image : '10m'}${next.tokenType === Keyword.for ? '; for a silence, not b for 5m or not (b or c) for 5m' : ''}`);
    }
    const isGroup = next.tokenType === LParen;
    if (!isGroup && (!this.isNext(Word) || didYouMean(next.image, [...STEP_WORDS, ...clauseWords]) !== undefined)) return;
    this.fail('missing-arrow', next, `expected an arrow before '${next.image}'`, missingArrowHint(this.LA(0).image, only === this.LA(0), isGroup ? '(…)' : next.image));
  }

  protected isClauseWord(token: IToken): boolean {
    return CLAUSES.has(token.tokenType);
  }

  protected startsClauseLine(): boolean {
    if (this.recordsAllowed || !this.firstOnLine() || !this.isClauseWord(this.LA(1))) return false;
    const second = this.LA(2).tokenType;
    // A field of such a name is followed by its value, or by the next field.
    return (this.startsClause() && !this.isNext(Keyword.match)) || !(second === Colon || second === Comma || second === RBrace || this.isNext(Word, 2));
  }

  protected startsClause(): boolean {
    if (this.recordsAllowed) return false;
    const second = this.LA(2);
    switch (this.LA(1).tokenType) {
      case Keyword.alert: case Keyword.emit:
        return this.tokenIs(second, Word) && this.isNext(LBrace, 3);
      case Keyword.title: case Keyword.description: case Keyword.owner: case Keyword.runbook:
        return second.tokenType === StringLiteral;
      case Keyword.match:
        return second.tokenType === Keyword.first || second.tokenType === Keyword.longest || second.tokenType === Keyword.all;
      default:
        return false;
    }
  }

  /** Where reading goes on after an error in a rule's body; inside braces that may be left open, only at what hardly can be a field. */
  private startsRuleItem(inBraces: boolean): boolean {
    if (inBraces) return this.firstOnLine() && (this.startsClause() || (this.isClauseWord(this.LA(1)) && this.isNext(Word, 2)));
    if (this.firstOnLine()) return this.startsStage() || this.isClauseWord(this.LA(1));
    return this.startsClause();
  }

  private readonly clause: ParserMethod<[], Clause | undefined> = this.RULE('clause', () => this.OR([
    { ALT: () => this.SUBRULE(this.textClause) },
    { ALT: () => {
      const start = this.CONSUME(Keyword.severity);
      const value = this.SUBRULE(this.expression);
      return this.ACTION((): Clause => ({ kind: 'severity', value, span: this.spanFrom(start) }));
    } },
    { ALT: () => {
      const start = this.CONSUME(Keyword.tags);
      const tags: Name[] = [];
      this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => tags.push(this.nameOf(this.CONSUME(Word))) });
      return this.ACTION((): Clause => ({ kind: 'tags', tags, span: this.spanFrom(start) }));
    } },
    { ALT: () => this.SUBRULE(this.byClause) },
    { ALT: () => this.SUBRULE(this.onClause) },
    { ALT: () => this.SUBRULE(this.matchClause) },
    { ALT: () => {
      const start = this.CONSUME(Keyword.having);
      const cond = this.SUBRULE(this.condition);
      return this.ACTION((): Clause => ({ kind: 'having', cond, span: this.spanFrom(start) }));
    } },
    { ALT: () => this.SUBRULE(this.windowClause) },
    { ALT: () => this.SUBRULE(this.triggerClause) },
    { ALT: () => this.SUBRULE(this.lateClause) },
    { ALT: () => this.SUBRULE(this.alertClause) },
    { ALT: () => this.SUBRULE(this.emitClause) },
    { ALT: () => this.SUBRULE(this.keepClause) },
    { ALT: () => this.SUBRULE(this.limitClause) },
    { ALT: () => this.SUBRULE(this.modeClause) },
    { ALT: () => {
      const start = this.CONSUME(Keyword.evidence);
      const level = this.OR1({
        DEF: [
          { ALT: () => this.CONSUME(Keyword.full) },
          { ALT: () => this.CONSUME(Keyword.refs) },
          { ALT: () => this.CONSUME(Keyword.none) },
        ],
        ERR_MSG: "'full', 'refs' or 'none'",
      });
      return this.ACTION((): Clause => ({ kind: 'evidence', level: level.image as 'full' | 'refs' | 'none', span: this.spanFrom(start) }));
    } },
    { ALT: () => {
      const start = this.CONSUME(Keyword.version);
      const number = this.CONSUME(NumberLiteral);
      return this.ACTION((): Clause => {
        if (!/^\d+$/.test(number.image)) this.report('bad-number', number, `a version is a whole number, found '${number.image}'`);
        return { kind: 'version', version: Math.trunc(Number.parseFloat(number.image)), span: this.spanFrom(start) };
      });
    } },
  ]));

  private readonly textClause: ParserMethod<[], Clause> = this.RULE('textClause', () => {
    const start = this.OR([
      { ALT: () => this.CONSUME(Keyword.title) },
      { ALT: () => this.CONSUME(Keyword.description) },
      { ALT: () => this.CONSUME(Keyword.owner) },
      { ALT: () => this.CONSUME(Keyword.runbook) },
    ]);
    const text = this.CONSUME(StringLiteral);
    return this.ACTION((): Clause => ({ kind: start.image as 'title' | 'description' | 'owner' | 'runbook', text: stringValue(text), span: this.spanFrom(start) }));
  });

  private readonly byClause: ParserMethod<[], Clause> = this.RULE('byClause', () => {
    const start = this.CONSUME(Keyword.by);
    const keys: KeyExpr[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => keys.push(this.SUBRULE(this.keyExpr)) });
    this.ACTION(() => {
      if (this.isNext(Reserved.in)) this.fail('syntax', this.LA(1), "keys from a table stand behind 'from', found 'in'", `write by ${keys.map((key) => key.name.text).join(', ')} from ${this.LA(2).image}`);
    });
    const from = this.OPTION({
      GATE: () => !this.startsStage(),
      DEF: () => {
        this.CONSUME(Keyword.from);
        return this.CONSUME(Word);
      },
    });
    return this.ACTION((): Clause => ({ kind: 'by', keys, ...(from !== undefined && { from: this.nameOf(from) }), span: this.spanFrom(start) }));
  });

  protected readonly keyExpr: ParserMethod<[], KeyExpr> = this.RULE('keyExpr', () => {
    const name = this.CONSUME(Word);
    const alternatives: { of: Name; value: Expr }[] = [];
    const value = this.OR([
      { ALT: () => {
        this.CONSUME(Equals);
        return this.SUBRULE(this.expression);
      } },
      { ALT: () => {
        this.CONSUME(LParen);
        this.AT_LEAST_ONE_SEP({
          SEP: Comma,
          DEF: () => {
            const of = this.CONSUME1(Word);
            this.CONSUME(Colon);
            const alternative = this.SUBRULE1(this.expression);
            this.ACTION(() => alternatives.push({ of: this.nameOf(of), value: alternative }));
          },
        });
        this.CONSUME(RParen);
        return undefined;
      } },
      { ALT: () => undefined },
    ]);
    this.ACTION(() => {
      if (this.LA(1).image === '.' || this.LA(1).image === '[') {
        this.fail('syntax', this.LA(1), 'a key is a field, or has a name of its own', `write by name = ${name.image}${this.LA(1).image}…`);
      }
    });
    return this.ACTION((): KeyExpr => ({ name: this.nameOf(name), ...(value !== undefined && { value }), alternatives, span: this.spanFrom(name) }));
  });

  private readonly onClause: ParserMethod<[], Clause | undefined> = this.RULE('onClause', () => {
    const start = this.CONSUME(Keyword.on);
    return this.OR([
      { GATE: () => this.isKeyword(Keyword.timeout), IGNORE_AMBIGUITIES: true, ALT: () => {
        this.CONSUME(Keyword.timeout);
        return this.SUBRULE(this.onReport, { ARGS: [start, 'timeout'] });
      } },
      { GATE: () => this.isKeyword(Keyword.clear), IGNORE_AMBIGUITIES: true, ALT: () => {
        this.CONSUME(Keyword.clear);
        return this.SUBRULE1(this.onReport, { ARGS: [start, 'clear'] });
      } },
      { GATE: () => !this.isKeyword(Keyword.timeout) && !this.isKeyword(Keyword.clear), IGNORE_AMBIGUITIES: true, ALT: () => {
        const inputs: OnInput[] = [];
        this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => inputs.push(this.SUBRULE(this.onInput)) });
        return this.ACTION((): Clause => ({ kind: 'on', inputs, span: this.spanFrom(start) }));
      } },
    ]);
  });

  private readonly onReport: ParserMethod<[start: IToken, when: ReportWhen], Clause> = this.RULE('onReport', (start: IToken, when: ReportWhen) => this.OR({
    DEF: [{ ALT: () => this.SUBRULE(this.alertClause, { ARGS: [when, start] }) }, { ALT: () => this.SUBRULE(this.emitClause, { ARGS: [when, start] }) }],
    ERR_MSG: "'alert' or 'emit'",
  }));

  private readonly onInput: ParserMethod<[], OnInput> = this.RULE('onInput', () => {
    const start = this.LA(1);
    const name = this.OPTION({
      GATE: () => this.isNext(Colon, 2),
      DEF: () => {
        const token = this.CONSUME(Word);
        this.CONSUME(Colon);
        return token;
      },
    });
    this.ACTION(() => {
      if (name === undefined && this.isNext(Equals, 2)) this.fail('syntax', this.LA(2), `expected ':' between an input's name and its type, found '='`, `write ${this.LA(1).image}: ${this.LA(3).image}`);
    });
    const type = this.CONSUME1(Word);
    this.ACTION(() => {
      const next = this.LA(1);
      if (next.tokenType !== Word || this.firstOnLine() || this.startsStage() || didYouMean(next.image, ['where', ...clauseWords]) !== undefined) return;
      this.fail('syntax', next, `expected 'where', or the next clause, found '${next.image}'`, `the name of an input stands before its type: ${next.image}: ${type.image}`);
    });
    const where = this.OPTION1({
      GATE: () => !this.startsStage(),
      DEF: () => {
        this.CONSUME(Keyword.where);
        return this.SUBRULE(this.condition);
      },
    });
    return this.ACTION((): OnInput => ({
      ...(name !== undefined && { name: this.nameOf(name) }), type: this.nameOf(type), ...(where !== undefined && { where }), span: this.spanFrom(start),
    }));
  });

  private readonly alertClause: ParserMethod<[when?: ReportWhen, from?: IToken], Clause> = this.RULE('alertClause', (when: ReportWhen = 'match', from?: IToken) => {
    const start = this.CONSUME(Keyword.alert);
    const channel = this.CONSUME(Word);
    const fields = this.SUBRULE(this.outFields);
    return this.ACTION((): Clause => ({ kind: 'alert', when, channel: this.nameOf(channel), fields, span: this.spanFrom(from ?? start) }));
  });

  private readonly emitClause: ParserMethod<[when?: ReportWhen, from?: IToken], Clause> = this.RULE('emitClause', (when: ReportWhen = 'match', from?: IToken) => {
    const start = this.CONSUME(Keyword.emit);
    const type = this.CONSUME(Word);
    const fields: OutField[] = this.SUBRULE(this.outFields);
    return this.ACTION((): Clause => ({ kind: 'emit', when, type: this.nameOf(type), fields, span: this.spanFrom(from ?? start) }));
  });

  private readonly keepClause: ParserMethod<[], Clause> = this.RULE('keepClause', () => {
    const start = this.CONSUME(Keyword.keep);
    const count = this.SUBRULE(this.expression);
    this.CONSUME(Keyword.events);
    const drop = this.OPTION({
      GATE: () => !this.startsStage(),
      DEF: () => {
        this.CONSUME(Keyword.drop);
        return this.OR({
          DEF: [{ ALT: () => this.CONSUME(Keyword.oldest) }, { ALT: () => this.CONSUME(Keyword.newest) }],
          ERR_MSG: "'oldest' or 'newest'",
        });
      },
    });
    return this.ACTION((): Clause => ({ kind: 'keep', count, drop: (drop?.image ?? 'oldest') as 'oldest' | 'newest', span: this.spanFrom(start) }));
  });

  private readonly limitClause: ParserMethod<[], Clause> = this.RULE('limitClause', () => {
    const start = this.CONSUME(Keyword.limit);
    const count = this.SUBRULE(this.expression);
    this.CONSUME(Keyword.per);
    const per = this.SUBRULE(this.duration);
    const by = this.OPTION({
      GATE: () => !this.startsStage() && !this.startsKey(),
      DEF: () => {
        const onOwnLine = this.firstOnLine();
        const word = this.CONSUME(Keyword.by);
        this.ACTION(() => {
          if (onOwnLine) this.limitBy = word;
        });
        return this.SUBRULE1(this.expression);
      },
    });
    return this.ACTION((): Clause => ({ kind: 'limit', count, per, ...(by !== undefined && { by }), span: this.spanFrom(start) }));
  });

  /** `by` with what only the rule's key can have: several parts, a computed one, alternatives, a table. */
  private startsKey(): boolean {
    const third = this.LA(3).tokenType;
    return third === Comma || third === Equals || third === Keyword.from || (third === LParen && this.isNext(Word, 4) && this.isNext(Colon, 5));
  }

  private readonly modeClause: ParserMethod<[], Clause> = this.RULE('modeClause', () => {
    const start = this.CONSUME(Keyword.mode);
    return this.OR({
      DEF: [
        { ALT: () => this.plainMode(start, this.CONSUME(Keyword.live)) },
        { ALT: () => this.plainMode(start, this.CONSUME(Keyword.shadow)) },
        { ALT: () => this.plainMode(start, this.CONSUME(Keyword.off)) },
        { ALT: () => {
          this.CONSUME(Keyword.canary);
          const share = this.CONSUME(NumberLiteral);
          this.ACTION(() => {
            if (!this.isNext(Percent)) this.fail('syntax', this.LA(1), `expected '%' after ${share.image}, found ${found(this.LA(1))}`, `write canary ${share.image}%`);
          });
          this.CONSUME(Percent);
          return this.ACTION((): Clause => ({ kind: 'mode', mode: 'canary', percent: Number.parseFloat(share.image), span: this.spanFrom(start) }));
        } },
      ],
      ERR_MSG: "'live', 'shadow', 'canary 5%' or 'off'",
    });
  });

  private plainMode(start: IToken, word: IToken): Clause {
    return this.ACTION((): Clause => ({ kind: 'mode', mode: word.image as 'live' | 'shadow' | 'off', span: this.spanFrom(start) }));
  }
}

const clauseWords = [...CLAUSES].map((type) => type.name.toLowerCase());
