import { createToken, Lexer, type IToken, type TokenType } from 'chevrotain';

/**
 * The vocabulary of the rule language. Only the reserved words are keywords everywhere; every contextual keyword is also a `Word`,
 * so the grammar accepts it wherever a name may stand. The lexer proper knows no keywords: it makes `Word`s, which
 * `lexer.ts` turns into keywords by their text.
 */

const WORD = /[\p{ID_Start}_]\p{ID_Continue}*/uy;
const NUMERIC = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[\p{ID_Continue}]*/uy;
const REGEX = /\/(?:[^/\\[\r\n]|\\[^\r\n]|\[(?:[^\]\\\r\n]|\\[^\r\n])*\])+\/[\p{ID_Continue}]*/uy;

/** Every UTF-16 code unit a word may start with (beyond ASCII: any, the pattern decides). The lexer's first-character table wants them listed. */
const wordStarts: (string | number)[] = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_'];
for (let unit = 128; unit < 65536; unit++) wordStarts.push(unit);

/** A sticky match, for patterns that Chevrotain's own reading of regular expressions does not cover (Unicode classes). */
function sticky(pattern: RegExp): (text: string, offset: number) => RegExpExecArray | null {
  return (text, offset) => {
    pattern.lastIndex = offset;
    return pattern.exec(text);
  };
}

export const Word = createToken({ name: 'WORD', pattern: sticky(WORD), start_chars_hint: wordStarts, line_breaks: false });

const keywordsByText = new Map<string, TokenType>();

/** A word that is a keyword where the grammar expects it and a name elsewhere. */
function contextual<const Texts extends readonly string[]>(...texts: Texts): { readonly [T in Texts[number]]: TokenType } {
  return words(texts, [Word]);
}

/** A word that is never a name. */
function reserved<const Texts extends readonly string[]>(...texts: Texts): { readonly [T in Texts[number]]: TokenType } {
  return words(texts, []);
}

function words<const Texts extends readonly string[]>(texts: Texts, categories: TokenType[]): { readonly [T in Texts[number]]: TokenType } {
  const made: Record<string, TokenType> = {};
  for (const text of texts) {
    const type = createToken({ name: text.toUpperCase(), pattern: Lexer.NA, categories });
    made[text] = type;
    keywordsByText.set(text, type);
  }
  return made as { readonly [T in Texts[number]]: TokenType };
}

export const Reserved = reserved(
  'and', 'or', 'not', 'in', 'is', 'if', 'then', 'else', 'between', 'like', 'matches', 'null', 'true', 'false',
);

export const Keyword = contextual(
  // declarations
  'use', 'event', 'param', 'const', 'fn', 'table', 'feature', 'rule', 'test',
  'extends', 'time', 'id', 'once', 'each', 'from', 'key', 'of', 'over', 'every',
  // types
  'string', 'int', 'float', 'bool', 'duration', 'ms', 's', 'us', 'ns',
  // clauses
  'title', 'description', 'severity', 'tags', 'owner', 'runbook', 'by', 'on', 'match', 'having', 'window', 'alert', 'emit', 'keep',
  'limit', 'mode', 'evidence', 'version', 'timeout', 'clear', 'trigger', 'late', 'events', 'drop', 'oldest', 'newest', 'per',
  'live', 'shadow', 'canary', 'off', 'full', 'refs', 'none',
  // patterns
  'first', 'longest', 'all', 'without', 'within', 'session', 'gap', 'skip', 'past', 'last', 'to', 'next', 'where', 'until', 'for',
  'strict', 'any', 'greedy', 'lazy',
  // windows
  'tumbling', 'sliding', 'count', 'global', 'offset', 'day', 'week', 'month', 'max', 'early', 'rise',
  // tests
  'with', 'expect', 'nothing',
);

/** The keyword, reserved or contextual, that is written like this. */
export function keywordOf(text: string): TokenType | undefined {
  return keywordsByText.get(text);
}

const reservedTypes = new Set<TokenType>(Object.values(Reserved));

export function isReserved(token: IToken): boolean {
  return reservedTypes.has(token.tokenType);
}

/** A number or a duration as the lexer proper finds it; `lexer.ts` tells which. */
export const Numeric = createToken({ name: 'NUMERIC', pattern: sticky(NUMERIC), start_chars_hint: [...'0123456789'], line_breaks: false });
export const NumberLiteral = createToken({ name: 'NUMBER', pattern: Lexer.NA });
export const DurationLiteral = createToken({ name: 'DURATION_LITERAL', pattern: Lexer.NA });
export const StringLiteral = createToken({ name: 'TEXT', pattern: /"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"?/ });

const punctuation = (name: string, text: string): TokenType => createToken({ name, pattern: text });

export const LBrace = punctuation('L_BRACE', '{');
export const RBrace = punctuation('R_BRACE', '}');
export const LParen = punctuation('L_PAREN', '(');
export const RParen = punctuation('R_PAREN', ')');
export const LBracket = punctuation('L_BRACKET', '[');
export const RBracket = punctuation('R_BRACKET', ']');
export const Comma = punctuation('COMMA', ',');
export const Colon = punctuation('COLON', ':');
export const DotDot = punctuation('DOT_DOT', '..');
export const Dot = punctuation('DOT', '.');
export const At = punctuation('AT', '@');
export const Pipe = punctuation('PIPE', '|');
export const ArrowAny = punctuation('ARROW_ANY', '->>');
export const Arrow = punctuation('ARROW', '->');
export const FatArrow = punctuation('FAT_ARROW', '=>');
export const EqualEqual = punctuation('EQUAL_EQUAL', '==');
export const Equals = punctuation('EQUALS', '=');
export const NotEqual = punctuation('NOT_EQUAL', '!=');
export const LessEqual = punctuation('LESS_EQUAL', '<=');
export const GreaterEqual = punctuation('GREATER_EQUAL', '>=');
export const Less = punctuation('LESS', '<');
export const Greater = punctuation('GREATER', '>');
export const QuestionQuestion = punctuation('QUESTION_QUESTION', '??');
export const Question = punctuation('QUESTION', '?');
export const Plus = punctuation('PLUS', '+');
export const Minus = punctuation('MINUS', '-');
export const Star = punctuation('STAR', '*');
export const Slash = punctuation('SLASH', '/');
export const Percent = punctuation('PERCENT', '%');

/** `/…/i` is a regex only after `matches`, `(` or `,`; elsewhere a slash divides. */
export const RegexLiteral = createToken({
  name: 'REGEX',
  pattern: (text: string, offset: number, before: IToken[]) => {
    const previous = before.at(-1);
    if (previous === undefined) return null;
    const opens = previous.tokenType === LParen || previous.tokenType === Comma
      || (previous.tokenType === Word && previous.image === 'matches');
    return opens ? sticky(REGEX)(text, offset) : null;
  },
  start_chars_hint: ['/'],
  line_breaks: false,
});

/** What authors write out of habit from other languages: understood, and reported with the word of this one. */
export const Slip = {
  and: punctuation('SLIP_AND', '&&'),
  or: punctuation('SLIP_OR', '||'),
  not: punctuation('SLIP_NOT', '!'),
  arrow: createToken({ name: 'SLIP_ARROW', pattern: /-->|-[ \t]+>|[\u2192\u27f6]/ }),
  fatArrow: createToken({ name: 'SLIP_FAT_ARROW', pattern: /\u21d2/ }),
  lessEqual: punctuation('SLIP_LESS_EQUAL', '\u2264'),
  greaterEqual: punctuation('SLIP_GREATER_EQUAL', '\u2265'),
  unequal: punctuation('SLIP_UNEQUAL', '\u2260'),
  equal: punctuation('SLIP_EQUAL', '==='),
  notEqual: createToken({ name: 'SLIP_NOT_EQUAL', pattern: /!==|<>/ }),
  quoted: createToken({ name: 'SLIP_QUOTED', pattern: /'[^'\\\r\n]*(?:\\[^\r\n][^'\\\r\n]*)*'?|\u201c[^\u201d\r\n]*\u201d/ }),
  semicolon: createToken({ name: 'SLIP_SEMICOLON', pattern: /;(?:[ \t]*;)*/, group: 'semicolons' }),
};

export const WhiteSpace = createToken({ name: 'WHITE_SPACE', pattern: /[ \t\r\n\f\v\u00a0\ufeff]+/, group: Lexer.SKIPPED, line_breaks: true });
export const LineComment = createToken({ name: 'LINE_COMMENT', pattern: /\/\/[^\r\n]*/, group: 'comments' });
export const BlockComment = createToken({ name: 'BLOCK_COMMENT', pattern: /\/\*[\s\S]*?\*\//, group: 'comments', line_breaks: true });
export const OpenComment = createToken({ name: 'OPEN_COMMENT', pattern: /\/\*[\s\S]*/, group: 'comments', line_breaks: true });

/** What the lexer proper looks for, in this order: of two that fit, the first. */
export const lexed: TokenType[] = [
  WhiteSpace, LineComment, BlockComment, OpenComment, Word, Numeric, StringLiteral, Slip.quoted, RegexLiteral,
  LBrace, RBrace, LParen, RParen, LBracket, RBracket, Comma, Colon, DotDot, Dot, At,
  Slip.and, Slip.or, Pipe, Slip.arrow, Slip.fatArrow, Slip.lessEqual, Slip.greaterEqual, Slip.unequal, ArrowAny, Arrow, FatArrow, Slip.equal, EqualEqual, Equals, Slip.notEqual, NotEqual, Slip.not,
  LessEqual, GreaterEqual, Less, Greater, QuestionQuestion, Question, Plus, Minus, Star, Slash, Percent, Slip.semicolon,
];

/** What the parser sees. */
export const parsed: TokenType[] = [
  Word, ...Object.values(Reserved), ...Object.values(Keyword), NumberLiteral, DurationLiteral, StringLiteral, RegexLiteral,
  LBrace, RBrace, LParen, RParen, LBracket, RBracket, Comma, Colon, DotDot, Dot, At, Pipe, ArrowAny, Arrow, FatArrow,
  EqualEqual, Equals, NotEqual, LessEqual, GreaterEqual, Less, Greater, QuestionQuestion, Question, Plus, Minus, Star, Slash, Percent,
];

/** Makes a token one of another type, in place: a word into a keyword, a slip into what was meant. */
export function retype(token: IToken, type: TokenType): void {
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx!;
}
