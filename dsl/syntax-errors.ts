import { EOF, type IParserErrorMessageProvider, type IToken, type TokenType } from 'chevrotain';
import type { Diagnostic } from './diagnostic.ts';
import { quoted } from './shown-text.ts';
import {
  At, Colon, Comma, DurationLiteral, Equals, isReserved, LBrace, LBracket, LParen, NumberLiteral, RBrace, RBracket, RParen, RegexLiteral, StringLiteral, Word,
} from './tokens.ts';

/** Thrown inside the grammar to give up on the clause at hand; the loop over clauses reports it and goes on behind it. */
export class SyntaxFailure extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.name = 'SyntaxFailure';
    this.diagnostic = diagnostic;
  }
}

/** What stands there, as an author would say it: `'5'`, `the end of the file`. */
export function found(token: IToken): string {
  return token.tokenType === EOF ? 'the end of the file' : quoted(token.image);
}

/** The hint for a name that is a reserved word, if the token is one. */
export function reservedHint(token: IToken): string | undefined {
  return isReserved(token) ? `'${token.image}' is a reserved word and cannot be a name; a field of that name takes an alias, as in name: string from "${token.image}"` : undefined;
}

/** What a grammar rule asks for when it asks for a name. */
const NAMES: Readonly<Record<string, string>> = {
  eventDecl: "the event's name, such as Payment",
  paramDecl: "the param's name",
  constDecl: "the const's name",
  fnDecl: "the function's name",
  fnParam: "a parameter's name",
  tableDecl: "the table's name",
  featureDecl: "the feature's name",
  ruleDecl: "the rule's name",
  testDecl: "a rule's name",
  fieldDecl: "a field's name",
  outField: "a field's name",
  stageDef: "a stage's name",
  stageTypes: "an event type's name",
  stageRef: 'a stage',
  keyExpr: 'a key field',
  onInput: "an event type's name",
  alertClause: 'the channel of the alert',
  emitClause: 'the type of the event to emit',
};

/** What a grammar rule asks for when none of its alternatives fits. */
const ALTERNATIVES: Readonly<Record<string, string>> = {
  operand: 'a value',
  primary: 'a value',
  argument: 'a value',
  typeExpr: 'a type: string, int, float, bool, time, duration, texts such as "ok" | "fail", a list [T] or a record { … }',
  declaration: 'a declaration: event, param, const, fn, rule, test or use',
  element: 'a stage',
  atom: 'a stage',
  quantifier: 'a quantifier',
  clause: 'a clause',
  testStep: 'a step: @10s Type { … }, expect, with or table',
};

/** What a grammar rule asks for where it wants one or more of something, and there is none. */
const LISTS: Readonly<Record<string, string>> = {
  byClause: 'a key field',
  keyExpr: 'a type or stage, and what stands for the key there',
  onClause: "an event type's name",
  clause: 'a tag',
  matchClause: "a stage's name",
  eventDecl: "a field's name",
  featureDecl: 'a key field',
  testDecl: "a rule's name",
};

function expectedToken(expected: TokenType, ruleName: string): string {
  switch (expected) {
    case Word: return NAMES[ruleName] ?? 'a name';
    case StringLiteral: return 'text in double quotes';
    case NumberLiteral: return 'a number';
    case DurationLiteral: return 'a duration such as 10m';
    case RegexLiteral: return 'a regex such as /^a/i';
    case LBrace: return "'{'";
    case RBrace: return "'}'";
    case LParen: return "'('";
    case RParen: return "')'";
    case LBracket: return "'['";
    case RBracket: return "']'";
    case Comma: return "','";
    case Colon: return "':'";
    case Equals: return "'='";
    case At: return 'a time such as @10s';
    case EOF: return 'the end of the file';
    default:
      return typeof expected.PATTERN === 'string' ? `'${expected.PATTERN}'` : `'${expected.name.toLowerCase()}'`;
  }
}

/** Chevrotain's own errors, in the author's words. */
export const messages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual, ruleName }) => `expected ${expectedToken(expected, ruleName)}, found ${found(actual)}`,
  buildNotAllInputParsedMessage: ({ firstRedundant }) => `unexpected ${found(firstRedundant)}`,
  buildNoViableAltMessage: ({ actual, ruleName, customUserDescription }) => `expected ${customUserDescription ?? ALTERNATIVES[ruleName] ?? NAMES[ruleName] ?? LISTS[ruleName] ?? 'something else'}, found ${found(actual[0]!)}`,
  buildEarlyExitMessage: ({ actual, ruleName }) => `expected ${LISTS[ruleName] ?? 'a name'}, found ${found(actual[0]!)}`,
};
