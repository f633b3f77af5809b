import type { IToken } from 'chevrotain';
import type { Span } from './ast.ts';
import { Comma } from './tokens.ts';

/** A `{ … }` of items, by indexes of tokens. */
export interface Brackets {
  readonly open: number;
  readonly close: number;
  /** The first and the last token of each item. */
  readonly firsts: readonly number[];
  readonly lasts: readonly number[];
  /** The commas behind items, where there are any. */
  readonly commas: readonly number[];
}

/** `at` gives the index of the first token at or behind an offset. */
export function braceBlock(tokens: readonly IToken[], open: number, items: readonly { readonly span: Span }[], at: (offset: number) => number): Brackets {
  const firsts = items.map((item) => at(item.span.start));
  const lasts = items.map((item) => at(item.span.end) - 1);
  const commas = lasts.map((last) => last + 1).filter((index) => tokens[index]?.tokenType === Comma);
  const end = lasts.at(-1) ?? open;
  const close = commas.includes(end + 1) ? end + 2 : end + 1;
  return { open, close, firsts, lasts, commas };
}
