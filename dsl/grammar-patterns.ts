import type { IToken, ParserMethod } from 'chevrotain';
import type { Arrow as ArrowKind, Expr, MatchClause, Name, Node, Pattern, QuantifiedPattern, Skip, StageDef } from './ast.ts';
import { durationMs, ExpressionGrammar } from './grammar-expressions.ts';
import { found } from './syntax-errors.ts';
import {
  Arrow, ArrowAny, Comma, Colon, DurationLiteral, FatArrow, Keyword, LBrace, LParen, Pipe, Plus, Question, QuestionQuestion, RBrace, Reserved, retype, RParen, Star, Word,
} from './tokens.ts';

/** Words that are no stage names, beside the reserved ones: they mean something inside a pattern. */
const NOT_STAGES = new Set([
  'all', 'any', 'first', 'gap', 'greedy', 'last', 'lazy', 'longest', 'prev', 'session', 'strict', 'until', 'within', 'without', 'for',
]);

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type SequenceItem = { readonly arrow?: ArrowKind; readonly arrowSpan?: Node['span']; readonly pattern: Pattern };

/** Patterns and stages: section 3 of the language. */
export abstract class PatternGrammar extends ExpressionGrammar {
  /** Names of stages that were refused in this rule: each is reported once. */
  protected readonly refusedNames = new Set<string>();
  /** Where a pattern without bounds ended, as the index of the next token; its only word, if it is but one. */
  protected patternEnd: { readonly at: number; readonly only: IToken | undefined } | undefined;

  /** Elements joined by arrows only, by `and` only, or by `or` only. */
  private readonly pattern: ParserMethod<[], Pattern> = this.RULE('pattern', () => {
    const start = this.LA(1);
    const first = this.SUBRULE(this.element);
    return this.OR([
      { ALT: () => {
        const items: SequenceItem[] = [{ pattern: first }];
        this.AT_LEAST_ONE1(() => {
          const arrow = this.SUBRULE(this.arrow);
          const pattern = this.SUBRULE1(this.element);
          this.ACTION(() => items.push({ arrow: arrowKind(arrow), arrowSpan: this.place(arrow), pattern }));
        });
        this.ACTION(() => this.refuseMixture('arrows'));
        return this.ACTION((): Pattern => ({ kind: 'sequence', items, span: this.spanFrom(start) }));
      } },
      { ALT: () => {
        const operands = [first];
        this.AT_LEAST_ONE2(() => {
          this.CONSUME(Reserved.or);
          operands.push(this.SUBRULE2(this.element));
        });
        this.ACTION(() => this.refuseMixture("'or'"));
        return this.ACTION((): Pattern => ({ kind: 'or', operands, span: this.spanFrom(start) }));
      } },
      { ALT: () => {
        const operands = [first];
        this.AT_LEAST_ONE3(() => {
          this.CONSUME(Reserved.and);
          operands.push(this.SUBRULE3(this.element));
        });
        this.ACTION(() => this.refuseMixture("'and'"));
        return this.ACTION((): Pattern => ({ kind: 'and', operands, span: this.spanFrom(start) }));
      } },
      { ALT: () => first },
    ]);
  });

  private refuseMixture(have: string): void {
    const next = this.LA(1).tokenType;
    if (next === Arrow || next === ArrowAny || next === FatArrow || next === Reserved.or || next === Reserved.and) {
      this.fail('mixed-pattern', this.LA(1), `one pair of parentheses holds only arrows, only 'and', or only 'or'; here ${have} and '${this.LA(1).image}' meet`, 'put parentheses around the inner part');
    }
  }

  private readonly arrow: ParserMethod<[], IToken> = this.RULE('arrow', () => this.OR([
    { ALT: () => this.CONSUME(Arrow) },
    { ALT: () => this.CONSUME(ArrowAny) },
    { ALT: () => this.CONSUME(FatArrow) },
  ]));

  private readonly element: ParserMethod<[], Pattern> = this.RULE('element', () => this.OR([
    { ALT: () => {
      const not = this.CONSUME(Reserved.not);
      const inner = this.nested(() => this.SUBRULE(this.repeated));
      const silence = this.OPTION({
        GATE: () => this.isKeyword(Keyword.for),
        DEF: () => {
          this.CONSUME(Keyword.for);
          return this.SUBRULE(this.duration);
        },
      });
      return this.ACTION((): Pattern => ({ kind: 'not', inner, ...(silence !== undefined && { for: silence }), span: this.spanFrom(not) }));
    } },
    { ALT: () => this.SUBRULE1(this.repeated) },
  ]));

  /** A stage or a group, with its quantifier and the words that follow it. */
  private readonly repeated: ParserMethod<[], Pattern> = this.RULE('repeated', () => {
    const inner = this.SUBRULE(this.atom);
    const quantifier = this.OPTION(() => this.SUBRULE(this.quantifier));
    this.ACTION(() => this.refuseSecondQuantifier());
    const words: IToken[] = [];
    this.MANY({
      // None of these words can be the name of a stage.
      GATE: () => !this.isNext(Colon, 2),
      DEF: () => words.push(this.OR([
        { ALT: () => this.CONSUME(Keyword.strict) },
        { ALT: () => this.CONSUME(Keyword.any) },
        { ALT: () => this.CONSUME(Keyword.greedy) },
        { ALT: () => this.CONSUME(Keyword.lazy) },
      ])),
    });
    return this.ACTION(() => this.quantified(inner, quantifier, words));
  });

  private readonly atom: ParserMethod<[], Pattern> = this.RULE('atom', () => this.OR([
    { ALT: () => {
      const start = this.CONSUME(LParen);
      const inner = this.nested(() => this.SUBRULE(this.pattern));
      this.ACTION(() => {
        if (!this.isNext(RParen)) this.fail('syntax', this.LA(1), `expected an arrow, 'and', 'or' or ')', found ${found(this.LA(1))}`);
      });
      this.CONSUME(RParen);
      return this.ACTION((): Pattern => ({ ...inner, span: this.spanFrom(start) }));
    } },
    { GATE: () => !this.startsStageList() && !this.startsClause(), ALT: () => {
      const name = this.CONSUME(Word);
      return this.ACTION((): Pattern => {
        this.refuseStageName(name);
        return { kind: 'stageRef', name: this.nameOf(name), span: this.place(name) };
      });
    } },
  ]));

  /** `a, b:`, and not the `a, b` of somebody who takes a comma for an arrow. */
  private startsStageList(): boolean {
    let ahead = 2;
    while (this.isNext(Comma, ahead) && this.isNext(Word, ahead + 1)) ahead += 2;
    return this.isNext(Word) && this.isNext(Colon, ahead);
  }

  private readonly quantifier: ParserMethod<[], Counts> = this.RULE('quantifier', () => {
    const start = this.LA(1);
    return this.OR([
      { ALT: () => this.fixedCounts(this.CONSUME(Question), '?') },
      { ALT: () => this.fixedCounts(this.CONSUME(Star), '*') },
      { ALT: () => this.fixedCounts(this.CONSUME(Plus), '+') },
      { ALT: () => {
        this.CONSUME(LBrace);
        this.ACTION(() => {
          if (this.isNext(Comma)) this.fail('syntax', this.LA(1), "a count is missing before ','", 'write {0,5} for up to five');
        });
        const min = this.SUBRULE(this.expression);
        let max: Expr | undefined = min;
        let exact = true;
        this.OPTION1(() => {
          this.CONSUME(Comma);
          exact = false;
          max = this.OPTION2(() => this.SUBRULE1(this.expression));
        });
        this.CONSUME(RBrace);
        return this.ACTION((): Counts => ({ quantifier: '{}', min, ...(max !== undefined && { max }), exact, span: this.spanFrom(start) }));
      } },
    ]);
  });

  private fixedCounts(token: IToken, quantifier: '?' | '*' | '+'): Counts {
    return this.ACTION((): Counts => {
      const span = this.place(token);
      const count = (value: number): Expr => ({ kind: 'number', value, isInt: true, raw: String(value), span });
      return { quantifier, min: count(quantifier === '+' ? 1 : 0), ...(quantifier === '?' && { max: count(1) }), span };
    });
  }

  private refuseSecondQuantifier(): void {
    const next = this.LA(1);
    if ([Question, QuestionQuestion, Star, Plus, LBrace].includes(next.tokenType)) {
      this.fail('two-quantifiers', next, `a stage takes one quantifier, found also '${next.image}'`, 'put parentheses around the stage and the first one, as in (a{3})?');
    }
  }

  private quantified(inner: Pattern, counts: Counts | undefined, words: readonly IToken[]): Pattern {
    if (counts === undefined) {
      for (const word of words) {
        this.report('not-a-loop', word, `'${word.image}' stands on a step that is not a loop`, `'${word.image}' follows a quantifier, as in x+ ${word.image}`);
      }
      return inner;
    }
    const node: Writable<QuantifiedPattern> = { kind: 'quantified', inner, ...counts, greedy: false, lazy: false, span: this.spanFrom(inner.span) };
    for (const word of words) {
      const again = word.image === 'greedy' ? node.greedy : word.image === 'lazy' ? node.lazy : node.iteration === word.image;
      if (again) this.report('clause-twice', word, `'${word.image}' is written twice`);
      else if (word.image === 'greedy') node.greedy = true;
      else if (word.image === 'lazy') node.lazy = true;
      else if (node.iteration !== undefined) this.report('contradiction', word, `'${word.image}' contradicts '${node.iteration}'`, 'the iterations of a loop follow each other in one way');
      else node.iteration = word.image as 'strict' | 'any';
    }
    return node;
  }

  // ---- the clause ----

  protected readonly matchClause: ParserMethod<[], MatchClause> = this.RULE('matchClause', () => {
    const start = this.CONSUME(Keyword.match);
    const mode = this.OPTION(() => this.OR([
      { ALT: () => this.CONSUME(Keyword.first) },
      { ALT: () => this.CONSUME(Keyword.longest) },
      { ALT: () => this.CONSUME(Keyword.all) },
    ]));
    const pattern = this.SUBRULE(this.pattern);
    this.ACTION(() => {
      this.patternEnd = { at: this.position(), only: mode === undefined && pattern.kind === 'stageRef' ? this.LA(0) : undefined };
    });
    const clause = this.ACTION((): Writable<MatchClause> => ({
      kind: 'match', mode: (mode?.image ?? 'first') as MatchClause['mode'], ...(mode !== undefined && { modeSpan: this.place(mode) }), pattern, without: [], span: pattern.span,
    }));
    this.MANY({
      GATE: () => !this.startsStage(),
      DEF: () => {
        const word = this.LA(1);
        this.OR1([
          { ALT: () => {
            this.CONSUME(Keyword.without);
            const names: Name[] = [];
            this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => names.push(this.SUBRULE(this.stageRef)) });
            this.ACTION(() => {
              if (clause.without.length > 0) this.reportTwice(word);
              clause.without = names;
            });
          } },
          { GATE: () => this.withinSession(), IGNORE_AMBIGUITIES: true, ALT: () => {
            this.CONSUME(Keyword.within);
            this.CONSUME(Keyword.session);
            const session = this.SUBRULE(this.duration);
            this.ACTION(() => {
              if (clause.session !== undefined) this.reportTwice(word);
              clause.session = session;
            });
          } },
          { GATE: () => !this.withinSession(), IGNORE_AMBIGUITIES: true, ALT: () => {
            this.CONSUME1(Keyword.within);
            const within = this.SUBRULE1(this.duration);
            this.ACTION(() => {
              if (clause.within !== undefined) this.reportTwice(word);
              clause.within = within;
              if (this.isKeyword(Keyword.of)) this.fail('syntax', this.LA(1), "'within … of' belongs to a stage's definition", 'after the pattern write within 10m, or move it behind the stage it bounds');
            });
          } },
          { ALT: () => {
            this.CONSUME(Keyword.gap);
            const gap = this.SUBRULE2(this.duration);
            this.ACTION(() => {
              if (clause.gap !== undefined) this.reportTwice(word);
              clause.gap = gap;
            });
          } },
          { ALT: () => {
            const skip = this.SUBRULE(this.skip);
            this.ACTION(() => {
              if (clause.skip !== undefined) this.reportTwice(word);
              clause.skip = skip;
            });
          } },
        ]);
      },
    });
    this.ACTION(() => {
      const bound = this.LA(1);
      if (bound.tokenType !== DurationLiteral) return;
      this.report('missing-within', bound, `unexpected duration '${bound.image}' after the pattern`, `write within ${bound.image}`);
      this.skipOne();
      clause.within ??= { kind: 'duration', ms: durationMs(bound.image), raw: bound.image, span: this.place(bound) };
    });
    return this.ACTION(() => ({ ...clause, span: this.spanFrom(start) }));
  });

  protected reportTwice(word: IToken): void {
    this.report('clause-twice', word, `'${word.image}' is written twice`);
  }

  /** `within session 30m`, and not a bound by a param of that name. */
  private withinSession(): boolean {
    if (!this.isNext(Keyword.session, 2)) return false;
    const third = this.LA(3);
    if ([DurationLiteral, LParen, Reserved.if].includes(third.tokenType) || /^[\d-]/.test(third.image)) return true;
    const tail = [Keyword.without, Keyword.within, Keyword.gap];
    const followedByColon = this.LA(4).tokenType === Colon || this.LA(4).tokenType === Comma;
    return this.tokenIs(third, Word) && !tail.includes(third.tokenType) && !followedByColon && !this.isClauseWord(third);
  }

  protected abstract isClauseWord(token: IToken): boolean;

  private readonly skip: ParserMethod<[], Skip> = this.RULE('skip', () => {
    const start = this.CONSUME(Reserved.then);
    this.CONSUME(Keyword.skip);
    const target = this.OR({
      DEF: [
        { ALT: (): Pick<Skip, 'to' | 'stage'> => {
          this.CONSUME(Keyword.past);
          this.CONSUME(Keyword.last);
          return { to: 'past last' };
        } },
        { ALT: (): Pick<Skip, 'to' | 'stage'> => {
          this.CONSUME(Keyword.to);
          return this.OR1({
            DEF: [
              { ALT: (): Pick<Skip, 'to' | 'stage'> => {
                this.CONSUME(Keyword.next);
                return { to: 'next' };
              } },
              { ALT: (): Pick<Skip, 'to' | 'stage'> => {
                this.CONSUME(Keyword.first);
                return { to: 'first', stage: this.SUBRULE(this.stageRef) };
              } },
              { ALT: (): Pick<Skip, 'to' | 'stage'> => {
                this.CONSUME1(Keyword.last);
                return { to: 'last', stage: this.SUBRULE1(this.stageRef) };
              } },
            ],
            ERR_MSG: "'next', 'first' and a stage, or 'last' and a stage",
          });
        } },
        { ALT: (): Pick<Skip, 'to' | 'stage'> => {
          this.CONSUME(Keyword.none);
          return { to: 'none' };
        } },
      ],
      ERR_MSG: "'past last', 'to next', 'to first', 'to last' or 'none'",
    });
    return this.ACTION((): Skip => ({ ...target, span: this.spanFrom(start) }));
  });

  protected readonly stageRef: ParserMethod<[], Name> = this.RULE('stageRef', () => {
    const name = this.CONSUME(Word);
    return this.ACTION(() => {
      this.refuseStageName(name);
      return this.nameOf(name);
    });
  });

  private refuseStageName(name: IToken): void {
    if (NOT_STAGES.has(name.image) && !this.refusedNames.has(name.image)) {
      this.refusedNames.add(name.image);
      this.report('reserved-name', name, `'${name.image}' cannot be the name of a stage: it has a meaning of its own in patterns`, `choose another name, such as ${name.image}_`);
    }
  }

  // ---- stages ----

  protected readonly stageDef: ParserMethod<[], StageDef> = this.RULE('stageDef', () => {
    const start = this.LA(1);
    const names: Name[] = [];
    this.AT_LEAST_ONE_SEP1({
      SEP: Comma,
      DEF: () => {
        const name = this.CONSUME(Word);
        this.ACTION(() => {
          this.refuseStageName(name);
          names.push(this.nameOf(name));
        });
      },
    });
    this.CONSUME(Colon);
    const types = this.SUBRULE(this.stageTypes);
    const stage = this.ACTION((): Writable<StageDef> => ({ kind: 'stage', names, types, span: this.spanFrom(start) }));
    this.MANY({
      GATE: () => !this.startsStage(),
      DEF: () => {
        const word = this.LA(1);
        this.OR([
          { ALT: () => {
            this.CONSUME(Keyword.where);
            const where = this.SUBRULE(this.condition);
            this.ACTION(() => {
              if (stage.where !== undefined) this.report('clause-twice', word, "'where' is written twice", "join conditions with 'and'; what the whole match must satisfy stands in 'having'");
              stage.where = where;
            });
          } },
          { ALT: () => {
            this.CONSUME(Keyword.until);
            const until = this.SUBRULE1(this.condition);
            this.ACTION(() => {
              if (stage.until !== undefined) this.reportTwice(word);
              stage.until = until;
            });
          } },
          { ALT: () => {
            this.CONSUME(Keyword.within);
            const duration = this.SUBRULE(this.duration);
            this.ACTION(() => {
              if (!this.isNext(Keyword.of)) {
                this.fail('syntax', word, "a stage's 'within' names the stage that it counts from", 'write within 10m of a; a bound for the whole match stands right after the pattern, before the stages');
              }
            });
            this.CONSUME(Keyword.of);
            const of = this.SUBRULE(this.stageRef);
            this.ACTION(() => {
              if (stage.within !== undefined) this.reportTwice(word);
              stage.within = { duration, of, span: this.spanFrom(word) };
            });
          } },
        ]);
      },
    });
    return this.ACTION(() => ({ ...stage, span: this.spanFrom(start) }));
  });

  protected readonly stageTypes: ParserMethod<[], Name[]> = this.RULE('stageTypes', () => {
    const types: Name[] = [];
    const one = (name: IToken): void => this.ACTION(() => {
      types.push(this.nameOf(name));
      if (this.isNext(Reserved.or)) {
        this.report('foreign-operator', this.LA(1), 'types are joined by |', 'write A | B');
        retype(this.LA(1), Pipe);
      }
    });
    one(this.CONSUME(Word));
    this.MANY(() => {
      this.CONSUME(Pipe);
      one(this.CONSUME1(Word));
    });
    return types;
  });
}

/** A quantifier as written. */
type Counts = Pick<QuantifiedPattern, 'quantifier' | 'min' | 'max' | 'exact'> & Node;

function arrowKind(token: IToken): ArrowKind {
  if (token.tokenType === Arrow) return 'followed';
  return token.tokenType === ArrowAny ? 'any' : 'next';
}
