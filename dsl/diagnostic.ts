import type { Span } from './ast.ts';

/** One finding about a rule file. `code` is stable and documented; the text is for people. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** kebab-case, e.g. `unknown-field` */
  readonly code: string;
  readonly span: Span;
  readonly message: string;
  readonly hint?: string;
  /** Other places that matter, e.g. the first declaration of a name declared twice. */
  readonly related?: readonly { readonly span: Span; readonly message: string }[];
}
