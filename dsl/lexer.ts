import { Lexer, type IToken } from 'chevrotain';
import type { Comment, Span } from './ast.ts';
import type { Diagnostic } from './diagnostic.ts';
import { DURATION_UNITS, readDuration, readString } from './literals.ts';
import { quoted } from './shown-text.ts';
import {
  Arrow, DurationLiteral, EqualEqual, FatArrow, GreaterEqual, isReserved, Keyword, keywordOf, LBrace, LessEqual, lexed, NotEqual, NumberLiteral, Numeric, OpenComment, RegexLiteral, Reserved, retype, Slip, StringLiteral, Word,
} from './tokens.ts';

export interface Lexed {
  /** What the parser reads, in order; keywords are told from names by their text alone. `payload` is the token's index. */
  readonly tokens: IToken[];
  readonly comments: readonly Comment[];
  readonly diagnostics: readonly Diagnostic[];
}

const lexer = new Lexer(lexed, { ensureOptimizations: true, positionTracking: 'onlyOffset' });

/** Cuts a file's text into tokens and comments. Never throws; what is no token is reported and left out. */
export function tokenize(file: string, text: string): Lexed {
  const findings = new Findings(file);
  const { tokens, groups, errors } = lexer.tokenize(findings.wrongEncoding(text) ? '' : text);
  for (const error of errors) findings.unknownText(error.offset, text.slice(error.offset, error.offset + error.length));
  for (const semicolon of groups['semicolons'] ?? []) {
    findings.add('stray-semicolon', semicolon, "';' has no meaning here", 'clauses and fields end by themselves; leave it out');
  }
  const comments: Comment[] = [];
  for (const comment of groups['comments'] ?? []) {
    comments.push({ text: comment.image, span: spanOf(file, comment) });
    if (comment.tokenType === OpenComment) {
      findings.addAt('unterminated-comment', { file, start: comment.startOffset, end: comment.startOffset + 2 }, 'this comment is not closed', "add '*/'");
    }
  }
  tokens.forEach((token, index) => {
    token.payload = index;
    classify(token, findings);
  });
  nameChannels(tokens);
  return { tokens, comments, diagnostics: findings.all };
}

/** The place of a token of `file`. */
export function spanOf(file: string, token: IToken): Span {
  return { file, start: token.startOffset, end: token.startOffset + token.image.length };
}

/** Turns what the lexer proper found into what the parser reads, and reports what is wrong with it. */
function classify(token: IToken, findings: Findings): void {
  switch (token.tokenType) {
    case Word: {
      const keyword = keywordOf(token.image);
      if (keyword !== undefined) retype(token, keyword);
      return;
    }
    case Numeric:
      return classifyNumber(token, findings);
    case StringLiteral:
      return checkString(token, findings);
    case RegexLiteral: {
      const flags = token.image.slice(token.image.lastIndexOf('/') + 1);
      if (flags !== '' && flags !== 'i') findings.add('bad-regex', token, `the only letter that may follow a regex is i, found ${quoted(flags)}`);
      return;
    }
    case Slip.and:
      return mean(token, Reserved.and, "'and' is written as a word");
    case Slip.or:
      return mean(token, Reserved.or, "'or' is written as a word");
    case Slip.not:
      return mean(token, Reserved.not, "'not' is written as a word");
    case Slip.equal:
      return mean(token, EqualEqual, "'==' compares");
    case Slip.notEqual:
      return mean(token, NotEqual, "'!=' compares");
    case Slip.arrow:
      return mean(token, Arrow, "an arrow is written '->'");
    case Slip.fatArrow:
      return mean(token, FatArrow, "an arrow is written '=>'");
    case Slip.lessEqual:
      return mean(token, LessEqual, "write '<='");
    case Slip.greaterEqual:
      return mean(token, GreaterEqual, "write '>='");
    case Slip.unequal:
      return mean(token, NotEqual, "write '!='");
    case Slip.quoted: {
      const closed = token.image.length > 1 && /['\u201d]$/.test(token.image);
      findings.add('wrong-quotes', token, 'text stands between double quotes', closed && token.image.length < 80 ? `write ${JSON.stringify(token.image.slice(1, -1))}` : undefined);
      retype(token, StringLiteral);
      return;
    }
    default:
  }

  function mean(slip: IToken, type: typeof Word, hint: string): void {
    findings.add('foreign-operator', slip, `unknown operator ${quoted(slip.image)}`, hint);
    retype(slip, type);
  }
}

/** A channel may have any name, `alert matches { … }` too: no expression stands there. */
function nameChannels(tokens: readonly IToken[]): void {
  for (let index = 1; index + 1 < tokens.length; index++) {
    const token = tokens[index]!;
    if (isReserved(token) && tokens[index - 1]!.tokenType === Keyword.alert && tokens[index + 1]!.tokenType === LBrace) retype(token, Word);
  }
}

function classifyNumber(token: IToken, findings: Findings): void {
  const image = token.image;
  if (/^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(image)) {
    retype(token, NumberLiteral);
    const value = Number(image);
    if (!Number.isFinite(value)) findings.add('bad-number', token, `the number ${quoted(image)} is too large`);
    else if (/^\d+$/.test(image) && !Number.isSafeInteger(value)) findings.add('bad-number', token, `the whole number ${quoted(image)} is beyond 2^53 and would not be exact`);
    return;
  }
  if (/^(?:\d+(?:ms|s|m|h|d))+$/.test(image)) {
    retype(token, DurationLiteral);
    const reading = readDuration(image);
    if ('problem' in reading) findings.add('bad-duration', token, reading.problem);
    return;
  }
  const [, count, letters] = /^(\d+(?:\.\d+)?)(.*)$/su.exec(image)!;
  const unit = unitMeant(letters!);
  if (unit !== undefined) {
    retype(token, DurationLiteral);
    const hint = count!.includes('.') ? fractionHint(Number(count), unit) : count!.length > 15 ? undefined : `write ${count}${unit}`;
    findings.add('bad-duration', token, `expected a duration such as 10m, found ${quoted(image)}`, hint);
  } else {
    retype(token, NumberLiteral);
    findings.add('bad-number', token, `${quoted(image)} is neither a number nor a duration: no letter may follow`, /^\d+(?:_\d+)+$/.test(image) ? `write ${image.replaceAll('_', '')}` : "a duration's units are ms, s, m, h and d; a name cannot start with a digit");
  }
}

/** The unit an author means by what they wrote after a number, such as `min` or `sec`. */
export function unitMeant(letters: string): string | undefined {
  const lower = letters.toLowerCase();
  if (DURATION_UNITS.has(lower)) return lower;
  if (/^milli(s|sec|secs|seconds?)?$|^msecs?$/.test(lower)) return 'ms';
  if (/^sec(s|onds?)?$/.test(lower)) return 's';
  if (/^(min(s|utes?)?|mns?)$/.test(lower)) return 'm';
  if (/^hrs?$|^hours?$/.test(lower)) return 'h';
  if (/^days?$/.test(lower)) return 'd';
  return undefined;
}

/** How to write a fraction of a unit with whole numbers, as 1h30m for 1.5h. */
function fractionHint(count: number, unit: string): string | undefined {
  let ms = Math.round(count * DURATION_UNITS.get(unit)!);
  if (!Number.isSafeInteger(ms)) return undefined;
  let text = '';
  for (const [name, size] of DURATION_UNITS) {
    const whole = Math.floor(ms / size);
    if (whole > 0) text += `${whole}${name}`;
    ms -= whole * size;
  }
  return `write ${text === '' ? '0s' : text}`;
}

function checkString(token: IToken, findings: Findings): void {
  const image = token.image;
  if (!isClosed(image)) {
    findings.add('unterminated-text', token, 'this text is not closed', `add a '"' before the end of the line; a line break inside text is \\n`);
    return;
  }
  for (const problem of readString(image.slice(1, -1)).problems) {
    const start = token.startOffset + 1 + problem.start;
    findings.addAt('bad-escape', { file: findings.file, start, end: start + problem.text.length }, `${quoted(problem.text)} is no escape`, 'known are \\" \\\\ \\n \\t \\r \\uXXXX; write \\\\ for a backslash');
  }
}

/** The text a string token stands for, also of one that is not closed or is in other quotes (both reported by then). */
export function stringValue(token: IToken): string {
  const image = token.image;
  const closed = image.startsWith('"') ? isClosed(image) : image.length > 1 && /['\u201d]$/.test(image);
  return readString(image.slice(1, closed ? -1 : undefined)).value;
}

/** The last quote of a string's image closes it: it is not the first and not escaped. */
function isClosed(image: string): boolean {
  if (image.length < 2 || !image.endsWith('"')) return false;
  const backslashes = /\\*$/.exec(image.slice(0, -1))![0].length;
  return backslashes % 2 === 0;
}

/** What bytes become that are not UTF-8. */
const REPLACED = '\ufffd';

class Findings {
  readonly all: Diagnostic[] = [];
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  add(code: string, token: IToken, message: string, hint?: string): void {
    this.addAt(code, spanOf(this.file, token), message, hint);
  }

  addAt(code: string, span: Span, message: string, hint?: string): void {
    this.all.push({ severity: 'error', code, span, message, ...(hint !== undefined && { hint }) });
  }

  /** Bytes that are not UTF-8 were read as U+FFFD: said once. True where nothing of the text can be read, as of UTF-16. */
  wrongEncoding(text: string): boolean {
    const start = text.indexOf(REPLACED);
    if (start < 0) return false;
    this.addAt('wrong-encoding', { file: this.file, start, end: start + 1 }, 'the file is not UTF-8: there is no character for the bytes here', 'save it as UTF-8');
    return start === 0 && text[1] === REPLACED;
  }

  unknownText(start: number, text: string): void {
    if (text.startsWith(REPLACED)) return;
    const hint = text.startsWith('#') ? 'comments start with //' : undefined;
    this.addAt('unknown-character', { file: this.file, start, end: start + text.length }, `unknown ${Array.from(text.slice(0, 3)).length === 1 ? 'character' : 'text'} ${quoted(text)}`, hint);
  }
}
