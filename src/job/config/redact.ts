import type { Span } from '../../../dsl/ast.ts';

/** Only variables: it says where the secret is, and not what. */
const ONLY_VARIABLES = /^["']?(\$\{[A-Za-z_]\w*\})+["']?[\s}\],]*$/;

/** Secrets inside a text that is none. */
const INSIDE = [/(?<=:\/\/[^\s:@/]*:)\S+(?=@)/g, /(?<=\bBearer[ \t]+)[^\s"',}]+/gi];

const NAME = /([^\s"',{}[\]]+)["']?[ \t]*:[ \t]+(?=\S)/g;

/**
 * The text of a job file for showing lines of it: secrets are stars. Every place stays where it is. `harmless`: where the file is no YAML, so that
 * nobody knows what is what in it, the names of options that are never secrets: what stands behind any other name is hidden to the end of the line.
 */
export function redact(text: string, secrets: readonly Span[], harmless?: ReadonlySet<string>): string {
  const hidden = new Uint8Array(text.length);
  const hide = (start: number, end: number): void => {
    if (!ONLY_VARIABLES.test(text.slice(start, end).trim())) hidden.fill(1, start, end);
  };
  for (const { start, end } of secrets) hide(start, end);
  for (const pattern of INSIDE) {
    for (const match of text.matchAll(pattern)) hide(match.index, match.index + match[0].length);
  }
  if (harmless !== undefined) {
    for (const match of text.matchAll(NAME)) {
      const end = text.slice(match.index).search(/[\r\n]|$/) + match.index;
      if (!harmless.has(match[1]!)) hide(match.index + match[0].length, end);
    }
  }
  let result = '';
  for (let i = 0; i < text.length; i++) result += hidden[i] === 1 && text[i] !== '\n' && text[i] !== '\r' ? '*' : text[i]!;
  return result;
}
