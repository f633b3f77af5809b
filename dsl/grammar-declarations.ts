import type { IToken, ParserMethod, TokenType } from 'chevrotain';
import type {
  ConstDecl, Declaration, EventDecl, Expr, FeatureDecl, FieldDecl, FnDecl, Name, OutField, ParamDecl, TableDecl, TestDecl, TestStep, TypeExpr, UseDecl,
} from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { Level } from './grammar-expressions.ts';
import { RuleGrammar } from './grammar-rules.ts';
import { stringValue } from './lexer.ts';
import { found } from './syntax-errors.ts';
import { didYouMean } from './suggest.ts';
import {
  At, Colon, Comma, DotDot, Equals, Keyword, LBrace, LBracket, LParen, Pipe, Question, RBrace, RBracket, RParen, Reserved, StringLiteral, Word,
} from './tokens.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Column = TableDecl['columns'][number];

const TYPE_NAMES = ['string', 'int', 'float', 'bool', 'time', 'duration'] as const;

/** Declarations and tests: sections 1 and 10 of the language. */
export class Grammar extends RuleGrammar {
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
    const meant = this.isNext(Word) ? didYouMean(next.image, ['use', 'event', 'param', 'const', 'fn', 'table', 'feature', 'rule', 'test', 'time', 'once']) : undefined;
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
    this.CONSUME(Reserved.in);
    const source = this.SUBRULE(this.expression);
    const fields = this.SUBRULE(this.outFields);
    return this.ACTION(() => ({ variable: this.nameOf(variable), source, fields }));
  });

  /** `{ name: type, … }`, of events and record types. */
  private readonly fieldDecls: ParserMethod<[], FieldDecl[]> = this.RULE('fieldDecls', () => {
    const open = this.CONSUME(LBrace);
    let fields: FieldDecl[] = [];
    const field = (): FieldDecl => {
      const read = this.SUBRULE(this.fieldDecl);
      this.OPTION(() => this.CONSUME(Comma));
      return read;
    };
    if (this.RECORDING_PHASE) {
      this.MANY(field);
      this.CONSUME(RBrace);
    } else {
      fields = this.nested(() => this.items(field, (inBraces) => !inBraces && this.startsField()));
      this.closeBrace(open, 'these fields');
    }
    return fields;
  });

  private startsField(): boolean {
    return this.isNext(Word) && this.isNext(Colon, 2);
  }

  private readonly fieldDecl: ParserMethod<[], FieldDecl> = this.RULE('fieldDecl', () => {
    const name = this.CONSUME(Word);
    this.CONSUME(Colon);
    const type = this.SUBRULE(this.typeExpr);
    const alias = this.OPTION({
      GATE: () => this.isNext(StringLiteral, 2),
      DEF: () => {
        this.CONSUME(Keyword.from);
        return this.CONSUME(StringLiteral);
      },
    });
    return this.ACTION((): FieldDecl => ({
      name: this.smallName(name, 'a field', `${name.image.charAt(0).toLowerCase()}${name.image.slice(1)}: … from "${name.image}"`),
      type, ...(alias !== undefined && { alias: { text: stringValue(alias), span: this.place(alias) } }), span: this.spanFrom(name),
    }));
  });

  // ---- types ----

  private readonly typeExpr: ParserMethod<[], TypeExpr> = this.RULE('typeExpr', () => {
    const start = this.LA(1);
    const type = this.OR({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.namedType(this.CONSUME(Keyword.string)) },
        { ALT: () => this.namedType(this.CONSUME(Keyword.int)) },
        { ALT: () => this.namedType(this.CONSUME(Keyword.float)) },
        { ALT: () => this.namedType(this.CONSUME(Keyword.bool)) },
        { ALT: () => this.namedType(this.CONSUME(Keyword.duration)) },
        { ALT: () => {
          this.CONSUME(Keyword.time);
          const unit = this.OPTION(() => {
            this.CONSUME(LParen);
            const word = this.OR1({
              DEF: [
                { ALT: () => this.CONSUME(Keyword.ms) },
                { ALT: () => this.CONSUME(Keyword.s) },
                { ALT: () => this.CONSUME(Keyword.us) },
                { ALT: () => this.CONSUME(Keyword.ns) },
              ],
              ERR_MSG: 'a unit: ms, s, us or ns',
            });
            this.CONSUME(RParen);
            return word;
          });
          return this.ACTION((): TypeExpr => ({ kind: 'time', unit: (unit?.image ?? 'ms') as 'ms' | 's' | 'us' | 'ns', optional: false, span: this.spanFrom(start) }));
        } },
        { ALT: () => {
          const values = [this.CONSUME(StringLiteral)];
          this.MANY(() => {
            this.CONSUME(Pipe);
            values.push(this.CONSUME1(StringLiteral));
          });
          return this.ACTION((): TypeExpr => ({ kind: 'oneOf', values: values.map(stringValue), optional: false, span: this.spanFrom(start) }));
        } },
        { ALT: () => {
          this.CONSUME(LBracket);
          const element = this.nested(() => this.SUBRULE(this.typeExpr));
          this.CONSUME(RBracket);
          return this.ACTION((): TypeExpr => ({ kind: 'list', element, optional: false, span: this.spanFrom(start) }));
        } },
        { ALT: () => {
          const fields = this.SUBRULE(this.fieldDecls);
          return this.ACTION((): TypeExpr => ({ kind: 'record', fields, optional: false, span: this.spanFrom(start) }));
        } },
        { GATE: () => !this.isNext(Colon, 2), ALT: () => this.unknownType(this.CONSUME(Word)) },
      ],
    });
    const optional = this.OPTION1(() => this.CONSUME(Question)) !== undefined;
    return this.ACTION((): TypeExpr => (optional ? { ...type, optional, span: this.spanFrom(start) } : type));
  });

  private namedType(token: IToken): TypeExpr {
    return this.ACTION((): TypeExpr => ({ kind: 'named', name: token.image as 'string', optional: false, span: this.place(token) }));
  }

  /** Reports a type's name that is none, and goes on with the one that was likely meant. */
  private unknownType(token: IToken): TypeExpr {
    return this.ACTION((): TypeExpr => {
      const meant = FOREIGN_TYPES.get(token.image.toLowerCase()) ?? didYouMean(token.image, TYPE_NAMES);
      this.report('unknown-type', token, `unknown type '${token.image}'`, meant === undefined ? `the types are ${TYPE_NAMES.join(', ')}, "a" | "b", [T] and { … }` : `did you mean '${meant}'?`);
      const span = this.place(token);
      return meant === 'time' ? { kind: 'time', unit: 'ms', optional: false, span } : { kind: 'named', name: (meant ?? 'string') as 'string', optional: false, span };
    });
  }

  // ---- values ----

  private readonly paramDecl: ParserMethod<[], ParamDecl> = this.RULE('paramDecl', () => {
    const start = this.CONSUME(Keyword.param);
    const name = this.CONSUME(Word);
    this.CONSUME(Colon);
    const type = this.SUBRULE(this.typeExpr);
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
    this.CONSUME(Colon);
    const type = this.SUBRULE(this.typeExpr);
    return this.ACTION(() => ({ name: this.smallName(name, 'a parameter'), type }));
  });

  // ---- tables and features: read, and refused by the checker of this version ----

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
    return this.ACTION((): TableDecl => ({ kind: 'table', name: this.nameOf(name), columns, span: this.spanFrom(start) }));
  });

  private readonly featureDecl: ParserMethod<[], FeatureDecl> = this.RULE('featureDecl', () => {
    const start = this.CONSUME(Keyword.feature);
    const name = this.CONSUME(Word);
    this.CONSUME(Equals);
    const value = this.SUBRULE(this.expression);
    this.CONSUME(Keyword.of);
    const type = this.CONSUME1(Word);
    const where = this.OPTION(() => {
      this.CONSUME(Keyword.where);
      return this.SUBRULE(this.condition);
    });
    const by: Expr[] = [];
    this.OPTION1(() => {
      this.CONSUME(Keyword.by);
      this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => by.push(this.SUBRULE1(this.expression)) });
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
      kind: 'feature', name: this.nameOf(name), value, type: this.nameOf(type), ...(where !== undefined && { where }), ...(by.length > 0 && { by }),
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
    return this.isNext(At) ? this.LA(0).tokenType !== Keyword.expect : this.firstOnLine() && STEP_WORDS.has(this.LA(1).tokenType);
  }

  private readonly testStep: ParserMethod<[], TestStep> = this.RULE('testStep', () => this.OR([
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
  ]));

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

  // ---- names ----

  private typeName(token: IToken, what: string): Name {
    if (!/^\p{Lu}/u.test(token.image)) {
      this.report('name-case', token, `the name of ${what} starts with a capital letter, found '${token.image}'`, `write ${token.image.charAt(0).toUpperCase()}${token.image.slice(1)}`);
    }
    return this.nameOf(token);
  }

  private smallName(token: IToken, what: string, fix = `${token.image.charAt(0).toLowerCase()}${token.image.slice(1)}`): Name {
    if (/^\p{Lu}/u.test(token.image)) this.report('name-case', token, `the name of ${what} starts with a small letter or '_', found '${token.image}'`, `write ${fix}`);
    return this.nameOf(token);
  }
}

const STEP_WORDS = new Set<TokenType>([Keyword.with, Keyword.table, Keyword.expect]);

/** Names of types in other languages. */
const FOREIGN_TYPES: ReadonlyMap<string, string> = new Map([
  ['str', 'string'], ['text', 'string'], ['varchar', 'string'], ['integer', 'int'], ['long', 'int'], ['bigint', 'int'], ['number', 'float'], ['double', 'float'], ['decimal', 'float'], ['real', 'float'],
  ['boolean', 'bool'], ['timestamp', 'time'], ['datetime', 'time'], ['date', 'time'], ['instant', 'time'], ['interval', 'duration'],
]);
