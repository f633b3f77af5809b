const MAX_SHOWN = 30;

/** Text of a rule file as a message quotes it: on one line, not too long; what has no shape is written as its code point. */
export function quoted(text: string): string {
  const characters = Array.from(text.slice(0, 2 * MAX_SHOWN + 2));
  const cut = characters.length > MAX_SHOWN ? `${characters.slice(0, MAX_SHOWN).join('')}…` : text;
  return `'${cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`)}'`;
}
