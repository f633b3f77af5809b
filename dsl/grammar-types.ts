import type { IToken, ParserMethod } from 'chevrotain';
import type { FieldDecl, Name, TypeExpr } from './ast.ts';
import { RuleGrammar } from './grammar-rules.ts';
import { stringValue } from './lexer.ts';
import { found } from './syntax-errors.ts';
import { didYouMean } from './suggest.ts';
import { Colon, Comma, Keyword, LBrace, LBracket, LParen, Pipe, Question, RBrace, RBracket, RParen, StringLiteral, Word } from './tokens.ts';

const TYPE_NAMES = ['string', 'int', 'float', 'bool', 'time', 'duration'] as const;

/** Fields and their types, and how names are written: section 1 of the language. */
export abstract class TypeGrammar extends RuleGrammar {
  /** `{ name: type, … }`, of events and record types. */
  protected readonly fieldDecls: ParserMethod<[], FieldDecl[]> = this.RULE('fieldDecls', () => {
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

  protected startsField(): boolean {
    return this.isNext(Word) && this.isNext(Colon, 2);
  }

  protected readonly fieldDecl: ParserMethod<[], FieldDecl> = this.RULE('fieldDecl', () => {
    const name = this.CONSUME(Word);
    const type = this.SUBRULE(this.typeOf, { ARGS: [name] });
    const alias = this.OPTION({
      GATE: () => this.isNext(StringLiteral, 2),
      DEF: () => {
        this.CONSUME(Keyword.from);
        return this.CONSUME(StringLiteral);
      },
    });
    return this.ACTION((): FieldDecl => ({
      name: this.smallName(name, 'a field', `${decapitalized(name.image)}: … from "${name.image}"`),
      type, ...(alias !== undefined && { alias: { text: stringValue(alias), span: this.place(alias) } }), span: this.spanFrom(name),
    }));
  });

  // ---- types ----

  /** `: type` behind a name. Where only the colon is missing, that is said, and reading goes on. */
  protected readonly typeOf: ParserMethod<[name: IToken], TypeExpr> = this.RULE('typeOf', (name: IToken) => {
    this.ACTION(() => {
      if (!this.isNext(Colon)) this.missingColon(name);
    });
    this.OPTION(() => this.CONSUME(Colon));
    return this.SUBRULE(this.typeExpr);
  });

  private missingColon(name: IToken): void {
    const next = this.LA(1);
    const message = `expected ':', found ${found(next)}`;
    if (!this.startsField() && !this.firstOnLine() && startsType(next)) this.report('syntax', next, message, `write ${name.image}: ${next.image}`);
    else if (name.tokenType === Keyword.time || name.tokenType === Keyword.id) this.fail('syntax', next, message, `'${name.image} ${next.image}' stands behind the fields' '}'`);
    else if (name.tokenType === Keyword.key && this.startsField()) this.fail('syntax', next, message, `'key' stands behind the type: ${next.image}: ${this.LA(3).image} key`);
    else if (isTypeName(name) && this.isNext(Word)) this.fail('syntax', next, message, `write ${next.image}: ${name.image}`);
    else this.fail('syntax', next, message, `a type follows, as in ${name.image}: string`);
  }

  protected readonly typeExpr: ParserMethod<[], TypeExpr> = this.RULE('typeExpr', () => {
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
          this.ACTION(() => {
            while (this.isNext(Comma) && this.isNext(StringLiteral, 2)) {
              this.report('syntax', this.LA(1), "the texts of a closed set are joined by '|', found ','", `write ${this.LA(0).image} | ${this.LA(2).image}`);
              this.skipOne();
              values.push(this.LA(1));
              this.skipOne();
            }
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

  // ---- names ----

  /** A type's name as it should be written; one that is not is reported, and meant. */
  protected typeName(token: IToken, what: string): Name {
    const text = `${token.image.charAt(0).toUpperCase()}${token.image.slice(1)}`;
    if (!/^\p{Lu}/u.test(token.image)) this.report('name-case', token, `the name of ${what} starts with a capital letter, found '${token.image}'`, `write ${text}`);
    return { ...this.nameOf(token), text };
  }

  /** The name of anything else as it should be written. */
  protected smallName(token: IToken, what: string, fix = decapitalized(token.image)): Name {
    if (!/^\p{Lu}/u.test(token.image)) return this.nameOf(token);
    this.report('name-case', token, `the name of ${what} starts with a small letter or '_', found '${token.image}'`, `write ${fix}`);
    return { ...this.nameOf(token), text: decapitalized(token.image) };
  }
}

/** Names of types in other languages. */
const FOREIGN_TYPES: ReadonlyMap<string, string> = new Map([
  ['str', 'string'], ['text', 'string'], ['varchar', 'string'], ['integer', 'int'], ['long', 'int'], ['bigint', 'int'], ['number', 'float'], ['double', 'float'], ['decimal', 'float'], ['real', 'float'],
  ['boolean', 'bool'], ['timestamp', 'time'], ['datetime', 'time'], ['date', 'time'], ['instant', 'time'], ['interval', 'duration'],
]);

function decapitalized(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** The token can only be a type where a field's type is missing its colon. */
function startsType(token: IToken): boolean {
  return token.tokenType === StringLiteral || token.tokenType === LBracket || isTypeName(token) || FOREIGN_TYPES.has(token.image);
}

function isTypeName(token: IToken): boolean {
  return (TYPE_NAMES as readonly string[]).includes(token.image);
}
