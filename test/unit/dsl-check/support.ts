import { codes } from '../../../dsl/check/codes.ts';
import { check, parseFile, patternRule } from '../../../dsl/index.ts';
import type { PatternRule, Program } from '../../../dsl/typed.ts';

/** What the rules of these tests read. */
export const TYPES = `event Payment {
  tx_id: string, card: string, amount: float, items: int, merchant: string, country: string?, status: "ok" | "fail", tags: [string],
  place: { lat: float, lon: float }?, sent: time, at: time
} time at id tx_id
event Login { card: string, device: string, at: time } time at
event MobileLogin extends Login { os: string }
event Transfer { from: string, to: string, sum: float, at: time } time at
event Alarm { card: string, level: float, note: string?, at: time } time at
param big: float = 500 in 0 .. 100000
param n: int = 3 in 1 .. 10
`;

/** The findings of a text as `code: message`, warnings as `~code: message`. The text must have no syntax errors. */
export function findings(text: string): string[] {
  const parsed = parseFile('test.cep', text);
  if (parsed.diagnostics.length > 0) throw new Error(`${JSON.stringify(parsed.diagnostics)}\n${text}`);
  return check([parsed.file]).diagnostics.map(({ severity, code, message, hint }) => {
    if (codes[code as keyof typeof codes].severity !== severity) throw new Error(`${code} is no ${severity}`);
    return `${severity === 'warning' ? '~' : ''}${code}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
  });
}

/** The text of a rule file with one rule of this body, and an alert if it has none. */
export function ruleText(body: string, more = ''): string {
  return `${TYPES}${more}\nrule R {\n${body}\n${/\b(alert|emit)\b/.test(body) ? '' : 'alert out {}'}\n}\n`;
}

/** The findings of a rule with this body. */
export function ruleFindings(body: string, more = ''): string[] {
  return findings(ruleText(body, more));
}

/** The codes of the errors of a rule with this body. */
export function errorCodes(body: string, more = ''): string[] {
  return ruleFindings(body, more).filter((finding) => !finding.startsWith('~')).map((finding) => finding.split(':')[0]!);
}

/** @throws where the text has errors. */
export function programOf(text: string): Program {
  const parsed = parseFile('test.cep', text);
  const { program, diagnostics } = check([parsed.file]);
  const errors = [...parsed.diagnostics, ...diagnostics].filter(({ severity }) => severity === 'error');
  if (program === undefined || errors.length > 0) throw new Error(`${errors.map(({ code, message }) => `${code}: ${message}`).join('\n')}\n${text}`);
  return program;
}

export function ruleOf(body: string, more = ''): PatternRule {
  return patternRule(programOf(ruleText(body, more)).rules[0]);
}

/** A tree without its places, so that it can be compared. */
export function bare(tree: unknown): unknown {
  return JSON.parse(JSON.stringify(tree, (name, value: unknown) => (name === 'span' ? undefined : value instanceof Map ? Object.fromEntries(value) : value)));
}
