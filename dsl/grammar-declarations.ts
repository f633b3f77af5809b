import type { IToken, ParserMethod, TokenType } from 'chevrotain';
import type {
  ConstDecl, Declaration, EventDecl, Expr, FeatureDecl, FnDecl, KeyExpr, Name, OutField, ParamDecl, TableDecl, TestDecl, TestStep, UseDecl,
} from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { Level } from './grammar-expressions.ts';
import { TypeGrammar } from './grammar-types.ts';
import { stringValue } from './lexer.ts';
import { found } from './syntax-errors.ts';
import { declarationMeant } from './slips.ts';
import { didYouMean } from './suggest.ts';
import {
  At, Colon, Comma, DotDot, Equals, Keyword, LBrace, LParen, RBrace, RParen, Reserved, StringLiteral, Word,
} from './tokens.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Column = TableDecl['columns'][number];

/** Declarations and tests: sections 1 and 10 of the language. */
export class Grammar extends TypeGrammar {
  constructor() {
    super();
    this.performSelfAnalysis();
  }

  private readonly declarations: ParserMethod<[], Declaration[]> = this.RULE('declarations', () => {
    const declarations: Declaration[] = [];
    if (this.RECORDING_PHASE) {
      this.MANY(() => this.SUBRULE(this.declaration));
      return declarations;
    }
    while (!this.atEnd()) {
      const first = this.position();
      this.attempt(() => {
        this.refuseUnknownDeclaration();
        declarations.push(this.SUBRULE(this.declaration));
      }, () => {
        if (this.position() === first) this.skipOne();
        while (!this.atEnd() && !this.atDeclaration() && !(this.firstOnLine() && this.atColumnOne() && this.atDeclarationKeyword())) this.skipOne();
      });
    }
    return declarations;
  });

  /** Reads a file's tokens. All that is wrong with them is in `findings`. */
  read(file: string, text: string, tokens: IToken[]): { declarations: Declaration[]; findings: Diagnostic[] } {
    this.begin(file, text, tokens);
    this.recordsAllowed = false;
    const declarations = this.declarations();
    return { declarations, findings: this.findings };
  }

  private atColumnOne(): boolean {
    const start = this.LA(1).startOffset;
    return start === 0 || this.text[start - 1] === '\n';
  }

  private refuseUnknownDeclaration(): void {
    const next = this.LA(1);
    if (this.atDeclarationKeyword()) return;
    if (next.tokenType === RBrace) this.fail('syntax', next, "unexpected '}': nothing is open here", "a '{' is missing before it, or it is one too many");
    const meant = this.isNext(Word) ? declarationMeant(next.image, ['use', 'event', 'param', 'const', 'fn', 'table', 'feature', 'rule', 'test', 'time', 'once', 'over', 'every']) : undefined;
    this.fail('syntax', next, `expected a declaration such as event, param, rule or test, found ${found(next)}`, meant === undefined ? undefined : `did you mean '${meant}'?`);
  }

  private readonly declaration: ParserMethod<[], Declaration> = this.RULE('declaration', () => this.OR([
    { ALT: () => this.SUBRULE(this.useDecl) },
    { ALT: () => this.SUBRULE(this.eventDecl) },
    { ALT: () => this.SUBRULE(this.paramDecl) },
    { ALT: () => this.SUBRULE(this.constDecl) },
    { ALT: () => this.SUBRULE(this.fnDecl) },
    { ALT: () => this.SUBRULE(this.tableDecl) },
    { ALT: () => this.SUBRULE(this.featureDecl) },
    { ALT: () => this.SUBRULE(this.ruleDecl) },
    { ALT: () => this.SUBRULE(this.testDecl) },
  ]));

  private readonly useDecl: ParserMethod<[], UseDecl> = this.RULE('useDecl', () => {
    const start = this.CONSUME(Keyword.use);
    const path = this.CONSUME(StringLiteral);
    return this.ACTION((): UseDecl => ({ kind: 'use', path: stringValue(path), pathSpan: this.place(path), span: this.spanFrom(start) }));
  });

  // ---- events ----

  private readonly eventDecl: ParserMethod<[], EventDecl> = this.RULE('eventDecl', () => {
    const start = this.CONSUME(Keyword.event);
    const name = this.CONSUME(Word);
    const event = this.ACTION((): Writable<EventDecl> => ({ kind: 'event', name: this.typeName(name, 'an event type'), fields: [], span: this.place(start) }));
    this.OR({
      DEF: [
        { ALT: () => {
          this.CONSUME(Equals);
          const each = this.SUBRULE(this.eachSource);
          this.ACTION(() => {
            event.each = each;
          });
        } },
        { ALT: () => {
          const base = this.OPTION(() => {
            this.CONSUME(Keyword.extends);
            return this.CONSUME1(Word);
          });
          const fields = this.SUBRULE(this.fieldDecls);
          this.ACTION(() => {
            if (base !== undefined) event.base = this.nameOf(base);
            event.fields = fields;
          });
        } },
      ],
      ERR_MSG: "'{' and the fields, 'extends' or '='",
    });
    this.MANY(() => {
      const word = this.LA(1);
      this.OR1([
        { ALT: () => {
          this.CONSUME(Keyword.time);
          const field = this.SUBRULE(this.fieldRef);
          this.ACTION(() => {
            if (event.time !== undefined) this.reportTwice(word);
            event.time = field;
          });
        } },
        { ALT: () => {
          this.CONSUME(Keyword.id);
          const fields: Name[] = [];
          this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => fields.push(this.SUBRULE1(this.fieldRef)) });
          this.ACTION(() => {
            if (event.id !== undefined) this.reportTwice(word);
            event.id = fields;
          });
        } },
        { ALT: () => {
          this.CONSUME(Keyword.once);
          this.CONSUME(Keyword.within);
          const once = this.SUBRULE(this.duration);
          this.ACTION(() => {
            if (event.once !== undefined) this.reportTwice(word);
            event.once = once;
          });
        } },
      ]);
    });
    return this.ACTION((): EventDecl => ({ ...event, span: this.spanFrom(start) }));
  });

  private readonly fieldRef: ParserMethod<[], Name> = this.RULE('fieldRef', () => {
    const name = this.CONSUME(Word);
    return this.ACTION(() => this.nameOf(name));
  });

  private readonly eachSource: ParserMethod<[], NonNullable<EventDecl['each']>> = this.RULE('eachSource', () => {
    this.CONSUME(Keyword.each);
    const variable = this.CONSUME(Word);
    this.ACTION(() => {
      if (!this.isNext(Reserved.in)) this.fail('syntax', this.LA(1), `expected 'in' and the list, found ${found(this.LA(1))}`, `write each ${variable.image} in Batch.readings`);
    });
    this.CONSUME(Reserved.in);
    const source = this.SUBRULE(this.expression);
    const fields = this.SUBRULE(this.outFields);
    return this.ACTION(() => ({ variable: this.nameOf(variable), source, fields }));
  });

  // ---- values ----

  private readonly paramDecl: ParserMethod<[], ParamDecl> = this.RULE('paramDecl', () => {
    const start = this.CONSUME(Keyword.param);
    const name = this.CONSUME(Word);
    const type = this.SUBRULE(this.typeOf, { ARGS: [name] });
    this.CONSUME(Equals);
    const value = this.SUBRULE(this.expression, { ARGS: [Level.coalesce] });
    const bounds = this.OPTION(() => {
      this.CONSUME(Reserved.in);
      const lo = this.SUBRULE1(this.expression, { ARGS: [Level.coalesce] });
      this.ACTION(() => {
        if (!this.isNext(DotDot)) this.fail('syntax', this.LA(1), `expected '..' and the upper bound, found ${found(this.LA(1))}`, 'a range is written lo .. hi');
      });
      this.CONSUME(DotDot);
      const hi = this.SUBRULE2(this.expression, { ARGS: [Level.coalesce] });
      return { lo, hi };
    });
    return this.ACTION((): ParamDecl => ({ kind: 'param', name: this.smallName(name, 'a param'), type, value, ...(bounds !== undefined && { bounds }), span: this.spanFrom(start) }));
  });

  private readonly constDecl: ParserMethod<[], ConstDecl> = this.RULE('constDecl', () => {
    const start = this.CONSUME(Keyword.const);
    const name = this.CONSUME(Word);
    this.OPTION(() => {
      const colon = this.CONSUME(Colon);
      this.SUBRULE(this.typeExpr);
      this.ACTION(() => this.report('syntax', colon, "expected '=', found ':'", `a const has the type of its value: const ${name.image} = …`));
    });
    this.CONSUME(Equals);
    const value = this.SUBRULE(this.expression);
    return this.ACTION((): ConstDecl => ({ kind: 'const', name: this.smallName(name, 'a const'), value, span: this.spanFrom(start) }));
  });

  private readonly fnDecl: ParserMethod<[], FnDecl> = this.RULE('fnDecl', () => {
    const start = this.CONSUME(Keyword.fn);
    const name = this.CONSUME(Word);
    this.CONSUME(LParen);
    const params: FnDecl['params'][number][] = [];
    this.MANY_SEP({ SEP: Comma, DEF: () => params.push(this.SUBRULE(this.fnParam)) });
    this.CONSUME(RParen);
    this.CONSUME(Equals);
    const body = this.SUBRULE(this.expression);
    return this.ACTION((): FnDecl => ({ kind: 'fn', name: this.smallName(name, 'a function'), params, body, span: this.spanFrom(start) }));
  });

  private readonly fnParam: ParserMethod<[], FnDecl['params'][number]> = this.RULE('fnParam', () => {
    const name = this.CONSUME(Word);
    const type = this.SUBRULE(this.typeOf, { ARGS: [name] });
    return this.ACTION(() => ({ name: this.smallName(name, 'a parameter'), type }));
  });

  // ---- tables and features ----

  private readonly tableDecl: ParserMethod<[], TableDecl> = this.RULE('tableDecl', () => {
    const start = this.CONSUME(Keyword.table);
    const name = this.CONSUME(Word);
    const open = this.CONSUME(LBrace);
    let columns: Column[] = [];
    const column = (): Column => {
      const field = this.SUBRULE(this.fieldDecl);
      const key = this.OPTION({ GATE: () => !this.isNext(Colon, 2), DEF: () => this.CONSUME(Keyword.key) }) !== undefined;
      const read = this.ACTION(() => ({ ...field, key, span: this.spanFrom(field.span) }));
      this.OPTION1(() => this.CONSUME(Comma));
      return read;
    };
    if (this.RECORDING_PHASE) {
      this.MANY(column);
      this.CONSUME(RBrace);
    } else {
      columns = this.items(column, (inBraces) => !inBraces && this.startsField());
      this.closeBrace(open, `table ${name.image}`);
    }
    return this.ACTION((): TableDecl => ({ kind: 'table', name: this.smallName(name, 'a table'), columns, span: this.spanFrom(start) }));
  });

  private readonly featureDecl: ParserMethod<[], FeatureDecl> = this.RULE('featureDecl', () => {
    const start = this.CONSUME(Keyword.feature);
    const name = this.CONSUME(Word);
    this.ACTION(() => {
      if (this.isNext(Colon)) this.fail('syntax', this.LA(1), "expected '=', found ':'", `write feature ${name.image} = sum(x) of Type by key`);
    });
    this.CONSUME(Equals);
    const value = this.SUBRULE(this.expression);
    this.ACTION(() => {
      if (!this.isNext(Keyword.of)) this.fail('syntax', this.LA(1), `expected 'of' and the type of the events, found ${found(this.LA(1))}`, `write … of ${this.isNext(Keyword.from) || this.isNext(Keyword.on) ? this.LA(2).image : 'Type'}`);
    });
    this.CONSUME(Keyword.of);
    const type = this.CONSUME1(Word);
    const where = this.OPTION(() => {
      this.CONSUME(Keyword.where);
      return this.SUBRULE(this.condition);
    });
    const by: KeyExpr[] = [];
    this.OPTION1(() => {
      this.CONSUME(Keyword.by);
      this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => by.push(this.SUBRULE(this.keyExpr)) });
    });
    this.ACTION(() => {
      if (this.isNext(Keyword.within)) this.fail('syntax', this.LA(1), "expected 'over' and how far back it reaches, found 'within'", `write over ${this.LA(2).image}`);
    });
    const over = this.OPTION2(() => {
      this.CONSUME(Keyword.over);
      return this.SUBRULE(this.duration);
    });
    const every = this.OPTION3(() => {
      this.CONSUME(Keyword.every);
      return this.SUBRULE1(this.duration);
    });
    return this.ACTION((): FeatureDecl => ({
      kind: 'feature', name: this.smallName(name, 'a feature'), value, type: this.nameOf(type), ...(where !== undefined && { where }), ...(by.length > 0 && { by }),
      ...(over !== undefined && { over }), ...(every !== undefined && { every }), span: this.spanFrom(start),
    }));
  });

  // ---- tests ----

  private readonly testDecl: ParserMethod<[], TestDecl> = this.RULE('testDecl', () => {
    const start = this.CONSUME(Keyword.test);
    const rules: Name[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => rules.push(this.nameOf(this.CONSUME(Word))) });
    const title = this.CONSUME(StringLiteral);
    const open = this.CONSUME(LBrace);
    let steps: TestStep[] = [];
    if (this.RECORDING_PHASE) {
      this.MANY(() => this.SUBRULE(this.testStep));
      this.CONSUME(RBrace);
    } else {
      this.recordsAllowed = true;
      try {
        steps = this.items(() => this.SUBRULE(this.testStep), () => this.startsStep());
      } finally {
        this.recordsAllowed = false;
      }
      this.closeBrace(open, `test "${stringValue(title)}"`);
    }
    return this.ACTION((): TestDecl => ({ kind: 'test', rules, title: stringValue(title), steps, span: this.spanFrom(start) }));
  });

  private startsStep(): boolean {
    // Behind a word, as in `expect @10s`, it is no step of its own.
    return this.isNext(At) ? !this.tokenIs(this.LA(0), Word) : this.firstOnLine() && STEP_WORDS.has(this.LA(1).tokenType);
  }

  private readonly testStep: ParserMethod<[], TestStep> = this.RULE('testStep', () => {
    this.ACTION(() => {
      const meant = this.isNext(Word) && !STEP_WORDS.has(this.LA(1).tokenType) ? didYouMean(this.LA(1).image, ['expect', 'with', 'table']) : undefined;
      if (meant !== undefined) this.fail('syntax', this.LA(1), `expected a step: @10s Type { … }, expect, with or table, found ${found(this.LA(1))}`, `did you mean '${meant}'?`);
    });
    return this.OR([
      { ALT: () => {
        const start = this.CONSUME(Keyword.with);
        const name = this.CONSUME(Word);
        this.CONSUME(Equals);
        const value = this.SUBRULE(this.expression);
        return this.ACTION((): TestStep => ({ kind: 'with', name: this.nameOf(name), value, span: this.spanFrom(start) }));
      } },
      { ALT: () => this.SUBRULE(this.tableStep) },
      { ALT: () => {
        const start = this.LA(1);
        const at = this.SUBRULE(this.moment);
        return this.OR1([
          { GATE: () => !STEP_WORDS.has(this.LA(1).tokenType) && !this.atDeclaration(), ALT: () => {
            const type = this.CONSUME1(Word);
            const fields = this.SUBRULE(this.outFields);
            return this.ACTION((): TestStep => ({ kind: 'event', at, type: this.nameOf(type), fields, span: this.spanFrom(start) }));
          } },
          { ALT: () => this.ACTION((): TestStep => ({ kind: 'advance', at, span: this.spanFrom(start) })) },
        ]);
      } },
      { ALT: () => this.SUBRULE(this.expectStep) },
    ]);
  });

  /** `@10s`: so long after the test's start. */
  private readonly moment: ParserMethod<[], Expr> = this.RULE('moment', () => {
    this.CONSUME(At);
    return this.SUBRULE(this.duration);
  });

  private readonly tableStep: ParserMethod<[], TestStep> = this.RULE('tableStep', () => {
    const start = this.CONSUME(Keyword.table);
    const name = this.CONSUME(Word);
    const open = this.CONSUME(LBrace);
    const rows: OutField[][] = [];
    this.MANY(() => {
      rows.push(this.SUBRULE(this.outFields));
      this.OPTION(() => this.CONSUME(Comma));
    });
    if (this.RECORDING_PHASE) this.CONSUME(RBrace);
    else this.closeBrace(open, `the rows of ${name.image}`);
    return this.ACTION((): TestStep => ({ kind: 'table', name: this.nameOf(name), rows, span: this.spanFrom(start) }));
  });

  private readonly expectStep: ParserMethod<[], TestStep> = this.RULE('expectStep', () => {
    const start = this.CONSUME(Keyword.expect);
    this.ACTION(() => {
      const type = this.LA(1);
      if (this.isNext(Word) && /^\p{Lu}/u.test(type.image)) this.fail('syntax', type, `expected '@' and a time, 'timeout', 'emit' or 'nothing', found ${found(type)}`, `write expect emit ${type.image} @10s`);
    });
    return this.OR({
      DEF: [
        { ALT: () => {
          this.CONSUME(Keyword.nothing);
          return this.ACTION((): TestStep => ({ kind: 'expectNothing', span: this.spanFrom(start) }));
        } },
        { ALT: () => {
          this.CONSUME(Keyword.emit);
          const type = this.CONSUME(Word);
          const at = this.SUBRULE(this.moment);
          const fields = this.OPTION(() => this.SUBRULE(this.outFields)) ?? [];
          return this.ACTION((): TestStep => ({ kind: 'expect', what: 'emit', type: this.nameOf(type), at, fields, span: this.spanFrom(start) }));
        } },
        { ALT: () => {
          const timeout = this.OPTION1(() => this.CONSUME(Keyword.timeout));
          const at = this.SUBRULE1(this.moment);
          const fields = this.OPTION2(() => this.SUBRULE1(this.outFields)) ?? [];
          return this.ACTION((): TestStep => ({ kind: 'expect', what: timeout === undefined ? 'alert' : 'timeout', at, fields, span: this.spanFrom(start) }));
        } },
      ],
      ERR_MSG: "'@' and a time, 'timeout', 'emit' or 'nothing'",
    });
  });
}

const STEP_WORDS = new Set<TokenType>([Keyword.with, Keyword.table, Keyword.expect]);
