/** One code of the catalogue: what docs/errors.md says of it, and what the tests try. */
export interface CodeInfo {
  readonly severity: 'error' | 'warning';
  /** What the finding says, in one sentence. */
  readonly meaning: string;
  /** How it usually comes about, and what to do. */
  readonly cause: string;
  /** Text that gives the finding: a rule's body, or declarations; see `PRELUDE`. */
  readonly example: string;
  /** The same, put right. */
  readonly corrected: string;
}

/** The declarations that examples may use. */
export const PRELUDE = `event Payment {
  tx_id: string, card: string, amount: float, items: int, merchant: string, country: string?, status: "ok" | "fail", tags: [string], at: time
} time at id tx_id
event Login { card: string, device: string, at: time } time at
event Exposure { card: string, level: float, at: time } time at

param big: float = 500 in 0 .. 100000
`;

const DECLARATION = /^(use|event|param|const|fn|table|feature|rule|test)\s/m;

/** The whole rule file of an example: the prelude, and its declarations, or a rule with it as its body. */
export function fileOf(example: string): string {
  if (DECLARATION.test(example) && !/^\s/.test(example)) return `${PRELUDE}\n${example}\n`;
  const reports = /\b(alert|emit)\s+\w+\s*\{/.test(example) ? '' : '\n  alert out {}';
  return `${PRELUDE}\nrule Example {\n${example}${reports}\n}\n`;
}
